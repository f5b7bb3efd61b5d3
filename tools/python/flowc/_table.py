# ===- _table.py - Columns as they are --------------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Tables with whole numbers, categories, dates and cells without a value.

The library reads and writes tables in files; those in memory take the way over a file in a temporary folder.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re

from . import _core
from ._core import FlowError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy
    import pandas
    from numpy.typing import ArrayLike, DTypeLike

KINDS = {None: 0, "real": 1, "grid": 2, "category": 3}
MISSING = {"error": 0, "drop": 1, "indicator": 2}
TIES = {"dequantise": False, "keep": True}


def choose(name, word, values):
    """What one of some words means."""
    if word not in values:
        raise FlowError(f"'{name}' is {word!r}, expected {', '.join(map(repr, values))}")
    return values[word]


def _in_words_of_python(error, path):
    """What is said of a temporary file, and of options of the tool, as callers of Python know them."""
    text = str(error).replace(f"'{path}'", "the table")
    text = re.sub(r"--(missing|ties) (\w+)", r"\1='\2'", text)
    return FlowError(text.replace("--columns-as or --categories", "kinds"))


def names_of_table(value):
    """The names of the columns of a table in memory; None for anything else."""
    if not hasattr(value, "columns"):
        return None
    from ._arrays import column_names

    return column_names(value)


@contextlib.contextmanager
def as_file(table):
    """The name of a file that holds the table: a path itself, or a temporary one."""
    if isinstance(table, (str, os.PathLike)):
        yield os.fspath(table)
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="flowc-") as folder:
        path = os.path.join(folder, "table.csv")
        if hasattr(table, "to_csv"):
            table.to_csv(path, index=False)
        elif hasattr(table, "write_csv"):
            table.write_csv(path)
        else:
            raise FlowError(f"a {type(table).__name__} cannot be written as CSV: give a table of pandas or polars")
        try:
            yield path
        except FlowError as error:
            raise _in_words_of_python(error, path) from None


def known_columns(bounds, kinds):
    """(name, lower, upper, kind) of each column that something is said of."""
    bounds, kinds = dict(bounds or {}), dict(kinds or {})
    known = []
    for name in {**bounds, **kinds}:
        kind = kinds.get(name)
        if kind not in KINDS:
            raise FlowError(f"'kinds' says that '{name}' is {kind!r}, expected 'real', 'grid' or 'category'")
        try:
            lower, upper = bounds.get(name, (None, None))
            ends = (-math.inf if lower is None else float(lower), math.inf if upper is None else float(upper))
        except (TypeError, ValueError):
            raise FlowError(
                f"'bounds' says {bounds[name]!r} of '{name}', expected (lowest, highest), None for no bound"
            ) from None
        known.append((str(name), *ends, KINDS[kind]))
    return known


class Table:
    """The columns that a model was fitted to, as they are: numbers of a model are others.

    A whole number or a date becomes a number drawn from the cell around it, a category a position,
    a missing value a number beside one that says so; constant and repeated columns have none.
    """

    def __init__(self, record: str, is_condition: bool = False) -> None:
        self._core = _core.Table.from_record(record, is_condition)
        self._arguments = record, is_condition
        #: As the record has it.
        self.schema: dict[str, Any] = json.loads(record)["condition_table" if is_condition else "table"]
        columns = self.schema["columns"]
        self._dates = [column["name"] for column in columns if "unit" in column.get("grid", {})]
        #: The names of the columns of the table.
        self.columns: list[str] = [column["name"] for column in columns]

    def __reduce__(self):
        return Table, self._arguments

    def __repr__(self):
        return self._core.describe()

    @property
    def log_step(self) -> float:
        """What to add to log-densities to have log-probabilities of the values of grids."""
        return self._core.log_step

    def encode(self, table: pandas.DataFrame, dtype: DTypeLike = "float32") -> numpy.ndarray[Any, Any]:
        """The rows of a table as numbers of the model: what its functions take.

        They do so by themselves where they are given a table."""
        missing = [column for column in self.columns if column not in table.columns]
        if missing:
            raise FlowError(f"the table has no column '{missing[0]}', expected {', '.join(self.columns)}")
        with as_file(table[self.columns]) as path:
            return self._core.read(path, len(table), dtype)

    def decode(self, rows: ArrayLike) -> pandas.DataFrame:
        """Numbers of the model, as samples are, as rows of the table."""
        import tempfile

        import numpy
        import pandas

        rows = numpy.asarray(rows)
        dtype = rows.dtype.name if rows.dtype.name in ("float32", "float64") else "float64"
        with tempfile.TemporaryDirectory(prefix="flowc-") as folder:
            path = os.path.join(folder, "rows.csv")
            self._core.write(rows, path, dtype)
            return pandas.read_csv(path, parse_dates=self._dates)
