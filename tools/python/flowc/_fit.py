# ===- _fit.py - From data to a model --------------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Models from data alone."""

from __future__ import annotations

import os

from . import _core
from ._core import FlowError
from ._expression import parse
from ._model import Model, count, file_name, threads_of
from ._progress import Progress
from ._table import MISSING, TIES, as_file, choose, known_columns, names_of_table
from ._training import Training, columns_of_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from numpy.typing import ArrayLike, DTypeLike

    from ._expression import Expression


def _table(value, name):
    """Rows of numbers, and the names of their columns."""
    from . import _arrays

    names = names_of_table(value)
    array = _arrays.convert(value, name, "float64", "shape (rows, columns)", None)
    if array.ndim != 2:
        raise FlowError(f"'{name}' has shape {array.shape}, expected shape (rows, columns)")
    return array, names


def _join(x, condition, condition_columns):
    """One table, and the names of those of its columns that are conditions."""
    if condition is None:
        return x, [str(name) for name in condition_columns or ()]
    if condition_columns or not names_of_table(condition):
        raise FlowError("the condition of a table is a table of the same library, or 'condition_columns' of it")
    import pandas

    return pandas.concat([x, condition], axis=1), list(condition.columns)


def _is_table(x):
    """Whether it is a file, or a table with named columns."""
    return isinstance(x, (str, os.PathLike)) or names_of_table(x) is not None


def fit(
    x: ArrayLike | str | os.PathLike,
    condition: ArrayLike | None = None,
    *,
    condition_columns: Sequence[str] | None = None,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    kinds: Mapping[str, str] | None = None,
    ties: str = "dequantise",
    missing: str = "error",
    budget: float = 60,
    budget_steps: int = 0,
    seed: int = 0,
    dtype: DTypeLike | None = None,
    threads: int = 0,
    progress: bool | None = None,
) -> Model:
    """Chooses a flow for a table, trains it, and gives its model.

    Several kinds of flows are trained and compared by rows that are held out; what was tried is in
    ``model.training.search``.

    Parameters
    ----------
    x, condition
        Rows of events, and of what they are conditioned on. Arrays of shape ``(rows, columns)`` are real
        numbers. Tables of pandas (or polars), and files by their name, are taken as they are: whole numbers, rounded
        ones, categories, dates. The model then reads such tables, and ``model.table.decode`` makes one of its samples.
    condition_columns
        Columns of the table, or of the file, that are the condition.
    bounds
        Where values of columns lie: ``{"price": (0, None)}``.
    kinds
        What columns are, if it is to be something else than what is found out: ``"real"``, ``"grid"`` or ``"category"``.
    ties
        Repeated values: ``"dequantise"`` spreads them over the cell around them, ``"keep"`` takes them as they are.
    missing
        Rows with cells without a value: an ``"error"``, ``"drop"`` them, or an ``"indicator"`` of what is missing is
        fitted, too.
    budget, budget_steps
        Seconds that it may take, or steps of training instead: the result is then the same each time.
    dtype
        By default float32, or float64 where a table needs it.
    progress
        Whether a line shows how far it is; by default in terminals and notebooks.

    Ctrl-C ends the search, and gives the best model so far: ``model.training.interrupted`` says so.
    """
    show = Progress(progress)
    common = (
        (float(budget), count(budget_steps, "budget_steps", 0, 1 << 62), count(seed, "seed")),
        threads_of(threads),
    )
    heard = show.share if show.is_shown else None
    try:
        if _is_table(x):
            table, conditions = _join(x, condition, condition_columns)
            known = known_columns(bounds, kinds)
            choices = choose("ties", ties, TIES), choose("missing", missing, MISSING)
            with as_file(table) as path:
                core, described = _core.fit_file(file_name(path), [], conditions, known, *choices, dtype, *common, heard)
        else:
            if condition_columns or bounds or kinds or (ties, missing) != ("dequantise", "error"):
                raise FlowError("options on columns are for tables with names and for files, and 'x' is neither")
            rows, names = _table(x, "x")
            conditions, condition_names = (None, None) if condition is None else _table(condition, "condition")
            core, described = _core.fit_table(
                rows, conditions, dtype or "float32", *common, names or [], condition_names or [], heard
            )
    finally:
        show.end()
    model = Model._of(core)
    model.training = Training(described)
    core.columns, core.condition_columns = columns_of_record(model.training.record)
    return model


def standardize(
    flow: str | Expression | _core.Flow,
    x: ArrayLike,
    condition: ArrayLike | None = None,
    *,
    name: str | None = None,
) -> _core.Flow:
    """The flow in units of data: ``flow`` and, outside of it, a frozen affine layer that gives the
    columns of ``x`` mean 0 and variance 1 (and one for the condition). Flows learn such data much faster."""
    return parse(flow, name).standardize(x, condition, None, None)


def train(
    flow: str | Expression | _core.Flow,
    x: ArrayLike,
    condition: ArrayLike | None = None,
    *,
    standardize: bool = True,
    dtype: DTypeLike = "float32",
    seed: int = 0,
    threads: int = 0,
    progress: bool | None = None,
    callback: Callable[[int, float, float], object] | None = None,
    **options: Any,
) -> Model:
    """A model of a flow, trained on rows by maximum likelihood: :meth:`Model.fit` from initial
    parameters, in units of the data."""
    parsed = parse(flow)
    if standardize:
        parsed = parsed.standardize(x, condition, None, None)
    model = Model(parsed, dtype=dtype, seed=seed, threads=threads)
    model.fit(x, condition, seed=seed, is_start=True, progress=progress, callback=callback, **options)
    return model
