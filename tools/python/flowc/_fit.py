# ===- _fit.py - From data to a model --------------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Models from data alone."""

from __future__ import annotations

from . import _core
from ._core import FlowError
from ._expression import parse
from ._model import Model, count, threads_of
from ._progress import Progress
from ._training import Training

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import ArrayLike, DTypeLike

    from ._expression import Expression


def _table(value, name):
    """Rows of numbers, and the names of their columns."""
    from . import _arrays

    names = _arrays.column_names(value)
    array = _arrays.convert(value, name, "float64", "shape (rows, columns)", None)
    if array.ndim != 2:
        raise FlowError(f"'{name}' has shape {array.shape}, expected shape (rows, columns)")
    return array, names


def fit(
    x: ArrayLike,
    condition: ArrayLike | None = None,
    *,
    budget: float = 60,
    budget_steps: int = 0,
    seed: int = 0,
    dtype: DTypeLike = "float32",
    threads: int = 0,
    progress: bool | None = None,
) -> Model:
    """Chooses a flow for a table of numbers, trains it, and gives its model.

    Several kinds of flows are trained and compared by rows that are held out; what was tried is in
    ``model.training.search``.

    Parameters
    ----------
    x, condition
        Rows of events, and of what they are conditioned on: shape ``(rows, columns)``.
    budget, budget_steps
        Seconds that it may take, or steps of training instead: the result is then the same each time.
    progress
        Whether a line shows how far it is; by default in terminals and notebooks.

    Ctrl-C ends the search, and gives the best model so far: ``model.training.interrupted`` says so.
    """
    rows, names = _table(x, "x")
    conditions, condition_names = (None, None) if condition is None else _table(condition, "condition")
    show = Progress(progress)
    try:
        core, described = _core.fit_table(
            rows,
            conditions,
            dtype,
            float(budget),
            count(budget_steps, "budget_steps", 0, 1 << 62),
            count(seed, "seed"),
            threads_of(threads),
            names or [],
            condition_names or [],
            show.share if show.is_shown else None,
        )
    finally:
        show.end()
    model = Model._of(core)
    core.columns, core.condition_columns = names, condition_names
    model.training = Training(described)
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
