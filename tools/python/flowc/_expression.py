# ===- _expression.py - Texts of the language from calls -------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""What constructors give: values of the language, as text."""

from __future__ import annotations

import math
import operator

from . import _core
from ._core import FlowError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Union

    import numpy

    #: What constructors take: expressions, numbers, arrays, names of functions.
    Array = numpy.ndarray[Any, Any]
    Value = Union["Expression", bool, float, str, slice, Sequence["Value"], Array, Callable[..., "Expression"], None]

_COLUMNS = 100


class Expression:
    """A value of the language of flows, such as ``standard_normal([2])``.

    Constructors make them; they are texts, which are looked at when a flow or a model is made of
    them. Equal texts are equal expressions.
    """

    __slots__ = ("text", "_parts")

    def __init__(self, text: str, parts: Any = None) -> None:
        #: The expression in the language.
        self.text = text
        self._parts = parts

    def __repr__(self):
        return _lay_out(self, 0)

    def __str__(self):
        return self.text

    def __eq__(self, other):
        return isinstance(other, Expression) and self.text == other.text

    def __hash__(self):
        return hash(self.text)

    def __reduce__(self):
        return Expression, (self.text, self._parts)


def _lay_out(value, indent):
    """A value in one line if it fits, else with an argument in each."""
    text = value.text if isinstance(value, Expression) else value
    if not isinstance(value, Expression) or value._parts is None or indent + len(text) <= _COLUMNS:
        return text
    name, arguments = value._parts
    blank = " " * (indent + 4)
    lines = [blank + prefix + _lay_out(argument, indent + 4) for prefix, argument in arguments]
    return f"{name}(\n" + ",\n".join(lines) + ")"


def _write_number(value):
    if isinstance(value, float) or not hasattr(value, "__index__"):
        number = float(value)
        if not math.isfinite(number):
            raise FlowError(f"the language has no number {number}")
        return repr(number)
    return str(operator.index(value))


def write(value):
    """A value of Python as the language writes it."""
    if isinstance(value, Expression):
        return value.text
    if value is None:
        return "none"
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return "true" if value else "false"
    if isinstance(value, str):
        if not value.isidentifier():
            raise FlowError(f"{value!r} is no name of a function")
        return value
    if isinstance(value, slice):
        parts = [write(part) for part in (value.start, value.stop, value.step)]
        return f"slice({', '.join(parts)})"
    if hasattr(value, "tolist"):  # of NumPy, and what is like it
        return write(value.tolist())
    if isinstance(value, (list, tuple, range)):
        return "[" + ", ".join(write(part) for part in value) + "]"
    if callable(value) and getattr(value, "is_constructor", False):
        return value.__name__.rstrip("_")
    if isinstance(value, (int, float)) or hasattr(value, "__index__") or hasattr(value, "__float__"):
        return _write_number(value)
    raise FlowError(f"{value!r} is nothing that the language has: expected an expression, a number, an array or a name")


def call(name, arguments):
    """The call of a constructor: (name, value, default as text or None) for each argument. Those
    that are as they would be anyway are left out."""
    parts = []
    for i, (argument, value, default) in enumerate(arguments):
        text = write(value)
        if text == default:
            continue
        # By position are the first one, and those that cannot be left out behind others by position.
        prefix = "" if len(parts) == i and (i == 0 or default is None) else f"{argument} = "
        parts.append((prefix, value if isinstance(value, Expression) else text))
    written = ", ".join(prefix + str(part) for prefix, part in parts)
    return Expression(f"{name}({written})", (name, parts))


def parse(value: str | Expression | _core.Flow, name: str | None = None, file: str = "<text>") -> _core.Flow:
    """The flow of an expression, or of a text with items."""
    if isinstance(value, _core.Flow):
        return value
    if isinstance(value, str):
        return _core.parse(value, name, file)
    if not isinstance(value, Expression):
        raise FlowError(f"{value!r} is no flow: expected a text, an expression or a flow")
    name = name or "model"
    try:
        return _core.parse(f"flow {name} = {value.text}", None, file)
    except FlowError as error:
        # It may be no distribution.
        try:
            return _core.parse(f"bijection {name} = {value.text}", None, file)
        except FlowError:
            raise error from None
