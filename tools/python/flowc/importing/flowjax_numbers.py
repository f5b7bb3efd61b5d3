# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The numbers of FlowJAX's objects: their names, and the wrappers around them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import paramax
from jax.tree_util import keystr, tree_flatten_with_path

from .parts import Part, Unsupported, frozen, scaled

ACTIVATIONS = {"relu": [jax.nn.relu], "tanh": [jnp.tanh, jax.lax.tanh], "silu": [jax.nn.silu, jax.nn.swish],
               "gelu": [jax.nn.gelu], "elu": [jax.nn.elu], "softplus": [jax.nn.softplus],
               "sigmoid": [jax.nn.sigmoid, jax.lax.logistic], "leaky_relu": [jax.nn.leaky_relu]}
WRITTEN = 16  # arrays of up to so many numbers are written into the text


def is_frozen(leaf):
    return isinstance(leaf, paramax.NonTrainable)


def number_leaves(node):
    """Name, array and whether it is frozen, of each array of numbers in an object."""
    found = []
    for place, leaf in tree_flatten_with_path(node, is_leaf=is_frozen)[0]:
        for inner, array in tree_flatten_with_path(leaf.tree)[0] if is_frozen(leaf) else [((), leaf)]:
            if eqx.is_inexact_array(array):
                found.append((keystr(place) + keystr(inner), np.asarray(array), is_frozen(leaf)))
    return found


def own(node, path, part, starts=None, replaced=None):
    """The part of an object whose numbers are its own. `starts`: what the text makes of them, by name; `replaced`:
    numbers in place of those under a name (a wrapper that flowc does not have)."""
    leaves, states = {}, set()
    replaced = {name: array for name, array in (replaced or {}).items() if array is not None}
    for name, array, still in number_leaves(node):
        field = next((f for f in replaced if name.startswith(f)), None)
        leaves.setdefault(name if field is None else f"{field}.args[0]", array if field is None else replaced[field])
        states.add(still)
    # A network adds to numbers as FlowJAX wraps them: in a transformer, flowc's wrapper would be another function.
    starts = {n: first for n, first in (starts or {}).items() if not any(n.startswith(f) for f in replaced)}
    if len(states) > 1:
        raise Unsupported(path, node, "some of its numbers are frozen, some are not; freeze all or none")
    part = Part(part.text, leaves, part.items, starts)
    return frozen(part) if True in states else part


def agrees(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-5 if a.dtype == np.float32 else 1e-12, atol=0)


def raw_of(wrapper, standard, inverse, path, kind):
    """None where a number is wrapped as FlowJAX's constructor does it, `standard`; else what makes its value."""
    value = paramax.unwrap(wrapper)
    arguments = getattr(wrapper, "args", ())
    if len(arguments) == 1 and agrees(standard(paramax.unwrap(arguments[0])), value):
        return None
    raw = np.asarray(inverse(np.asarray(value)))
    if not np.isfinite(raw).all():
        raise Unsupported(path, kind, "a scale that is not positive")
    return raw


def positive(node, field, path):
    with np.errstate(invalid="ignore", divide="ignore"):
        return raw_of(getattr(node, field), jax.nn.softplus, scaled, path, node)


def start(values, shape, inverse=lambda v: v):
    """How an array is written, and what flowc makes of that text: the array if it is small, else all equal."""
    values = np.asarray(values)
    if values.shape == tuple(shape) and values.size <= WRITTEN:
        return values.astype(float), inverse(values.astype(float))
    return None, None


def triangle(lower):
    def value(raw):
        raw = np.asarray(raw)
        whole = np.tril(raw) if lower else np.triu(raw)
        diagonal = np.eye(raw.shape[-1], dtype=bool)
        return np.where(diagonal, np.asarray(jax.nn.softplus(raw)), whole)

    def raw(value):
        diagonal = np.eye(value.shape[-1], dtype=bool)
        return np.where(diagonal, scaled(np.where(diagonal, value, 1)), value)

    return value, raw


def activation(function, path, kind):
    for name, same in ACTIVATIONS.items():
        if any(function is one for one in same):
            return name
    raise Unsupported(path, kind, f"the activation {getattr(function, '__name__', function)}; "
                      f"flowc has {', '.join(ACTIVATIONS)}")
