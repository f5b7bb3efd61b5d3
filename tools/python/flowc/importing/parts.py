# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parts of flows: a text in the language and the numbers that it needs, put together as the text is.

Every importer makes parts of what it finds, and one part of parts. The names of numbers are those of model files:
paths in FlowJAX's tree.
"""

from dataclasses import dataclass, field

import numpy as np

from .errors import Unsupported  # noqa: F401  (importers take it from here)


@dataclass(frozen=True)
class Part:
    """A value of the language: its text, its numbers by name, the items that the text uses, and what the text alone
    would make of numbers (for transformers, whose numbers the model has not)."""

    text: str
    leaves: dict = field(default_factory=dict)
    items: tuple = ()
    starts: dict = field(default_factory=dict)


def to_text(value):
    """A value of Python in the language."""
    if isinstance(value, Part):
        return value.text
    if isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    if isinstance(value, np.ndarray):
        return to_text(value.tolist())
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(to_text, value)) + "]"
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    number = repr(float(value))
    return number.removesuffix(".0") if abs(float(value)) < 1e15 else number


def parts_in(value):
    """The parts in an argument, with the path that the language gives each: `name` or `name[0]`, `name[1]`, ..."""
    if isinstance(value, Part):
        return [("", value)]
    if isinstance(value, (list, tuple)) and any(isinstance(v, Part) for v in value):
        return [(f"[{i}]", part) for i, part in enumerate(value)]
    return []


def call(constructor, leaves=None, hidden=(), **arguments):
    """The part that a call of a constructor makes. Numbers of arguments that are parts get the argument's name in
    front; those of `hidden` ones are none of the model's."""
    written = {name: value for name, value in arguments.items() if value is not None}
    text = ", ".join(f"{name} = {to_text(value)}" for name, value in written.items())
    leaves, items, starts = dict(leaves or {}), [], {}
    for name, value in written.items():
        for index, part in parts_in(value):
            items += part.items
            if name not in hidden:
                leaves |= {f".{name}{index}{path}": array for path, array in part.leaves.items()}
                starts |= {f".{name}{index}{path}": array for path, array in part.starts.items()}
    return Part(f"{constructor}({text})", leaves, tuple(dict.fromkeys(items)), starts)


def shaped(function, shape, *values):
    """`zeros([2, 3])` and the like: start values of numbers that the model has."""
    return f"{function}({', '.join(to_text(v) for v in (list(shape), *values))})"


def scaled(scale, minimum=0.0):
    """The numbers whose softplus the scales are."""
    scale = np.asarray(scale) - minimum
    return scale + np.log(-np.expm1(-scale))


def affine(loc, scale):
    loc, scale = np.broadcast_arrays(loc, scale)
    return call("affine", {".loc": loc, ".scale.args[0]": scaled(scale)}, loc=shaped("zeros", loc.shape),
                scale=shaped("ones", loc.shape))


def permute(order):
    """y[i] = x[order[i]]."""
    order = np.asarray(order)
    leaves = {".permutation[0]": order.astype(np.int32), ".inverse_permutation[0]": np.argsort(order).astype(np.int32)}
    return call("permute", leaves, permutation=f"shuffled({len(order)})")


def triangular(loc, matrix, lower=True):
    """A triangular matrix with a positive diagonal."""
    matrix = np.array(matrix)
    np.fill_diagonal(matrix, scaled(np.diag(matrix)))
    return call("triangular_affine", {".loc": np.asarray(loc), ".triangular.args[0]": matrix},
                loc=shaped("zeros", loc.shape), arr=f"eye({len(loc)})", lower=lower)


def in_order(layer, order):
    """`layer` on coordinates in another order, which come back to their places."""
    return call("chain", bijections=[permute(order), layer, permute(np.argsort(order))])


def normal(loc, scale, trained):
    """A normal distribution; the standard one if that is what it is for good."""
    if not trained and not loc.any() and (scale == 1).all():
        return call("standard_normal", shape=list(loc.shape))
    leaves = {f".bijection{name}": array for name, array in affine(loc, scale).leaves.items()}
    part = call("normal", leaves, loc=shaped("zeros", loc.shape), scale=shaped("ones", loc.shape))
    return part if trained else frozen(part)


def frozen(part):
    """The part, left alone by training."""
    leaves = {n if a.dtype.kind == "i" else n + ".tree": a for n, a in part.leaves.items()}
    return Part(f"non_trainable({part.text})", leaves, part.items, part.starts)


def chain(parts):
    """Parts after each other: runs of equal text become one scan, so that the layers of a deep flow stay one loop."""
    parts = list(parts)
    for period in range(1, len(parts) // 2 + 1):
        texts = [part.text for part in parts]
        if len(parts) % period == 0 and texts == texts[:period] * (len(parts) // period):
            layers = [_chain(parts[i:i + period]) for i in range(0, len(parts), period)]
            stacked = {name: np.stack([layer.leaves[name] for layer in layers]) for name in layers[0].leaves}
            return call("scan", bijection=Part(layers[0].text, stacked, layers[0].items), layers=len(layers))
    return _chain(parts)


def _chain(parts):
    return parts[0] if len(parts) == 1 else call("chain", bijections=parts)


def invert(part):
    return call("invert", bijection=part)


def transformed(base, bijection):
    return call("transformed", base_dist=base, bijection=bijection)


def model_text(part, kind="flow", name="imported"):
    """The text of a file whose last item is the part."""
    return "\n".join([*part.items, f"{kind} {name} = {part.text}"]) + "\n"
