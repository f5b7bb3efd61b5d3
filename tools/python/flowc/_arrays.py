# ===- _arrays.py - What is not yet an array of the right type -------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Conversions that the extension module asks for when memory cannot be read as it is."""

from __future__ import annotations

import numpy

from ._core import FlowError
from ._table import Table


def dtype_name(dtype):
    """`float32` or `float64`."""
    try:
        # (For NumPy None is a type, too.)
        name = "None" if dtype is None else numpy.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in ("float32", "float64"):
        raise FlowError(f"the element type is '{name}', expected 'float32' or 'float64'")
    return name


def is_table(value):
    """Whether it is a table with named columns: of pandas, polars and what is like them."""
    return hasattr(value, "columns") and hasattr(value, "to_numpy")


def column_names(value):
    """The names of the columns of a table; None for anything else, and for columns without names."""
    if not is_table(value):
        return None
    names = list(value.columns)
    return names if names and all(isinstance(name, str) for name in names) else None


def _select(table, name, columns):
    """The columns of a table that a model knows by name."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise FlowError(
            f"'{name}' has no column '{missing[0]}', expected the columns of the model: {', '.join(columns)}"
        )
    return table[list(columns)]


def _as_numpy(value, name, dtype, columns):
    if is_table(value):
        if isinstance(columns, Table):
            return columns.encode(value, dtype)
        return (value if columns is None else _select(value, name, columns)).to_numpy()
    if not isinstance(value, numpy.ndarray) and hasattr(value, "__dlpack__"):
        try:
            return numpy.from_dlpack(value)
        except (TypeError, ValueError, BufferError, RuntimeError):
            pass  # of another device or type: what the library itself makes of it
    return numpy.asarray(value)


def convert(value, name, dtype, shape, columns):
    """A C-contiguous, aligned array of `dtype` with the numbers of `value`."""
    expected = f"an array of {dtype}, of {shape}"
    if value is None:
        raise FlowError(f"'{name}' is None, expected {expected}")
    try:
        array = _as_numpy(value, name, dtype, columns)
    except FlowError:
        raise
    except Exception as error:
        found = type(value).__name__
        raise FlowError(f"'{name}' is a {found}, expected {expected}: {error}") from error
    if array.dtype.kind not in "fiub":
        what = "objects" if array.dtype == object else str(array.dtype)
        raise FlowError(f"'{name}' is an array of {what}, expected {expected}")
    # (What has no numbers may be of any type: an empty list is of float64.)
    return numpy.require(array, dtype, "CA")
