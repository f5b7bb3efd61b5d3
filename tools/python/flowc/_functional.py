# ===- _functional.py - Flows as functions that can be differentiated ------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Which kernels compute what a flow's functions give, and their derivatives, for any framework.

A framework has arrays of its own (`xp`, a module with NumPy's names), and a way to run a kernel on them:
`run(kernel, at, *more)` with the inputs `at` and further arrays of rows. All arrays have two axes, the first of which is
that of rows, except for the vectors of parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from ._core import FlowError
from ._model import count


class Signature(NamedTuple):
    """What of a model never changes."""

    text: str
    name: str
    dtype: str
    threads: int
    shape: tuple[int, ...]
    cond_shape: tuple[int, ...] | None

    @classmethod
    def of(cls, model):
        flow = model.flow
        return cls(flow.text, flow.name, model.dtype, model.threads, flow.shape, flow.cond_shape)


class At(NamedTuple):
    """What a function is computed from: parameters that are trained and those that are not, as vectors; seed and
    first draw; how many rows there are; the rows themselves, if they are not drawn; their conditions, if it takes any."""

    trainable: Any
    frozen: Any
    stream: Any
    rows: int
    x: Any = None
    condition: Any = None

    def arrays(self, *more):
        """The inputs of a kernel."""
        return [array for array in (self.x, self.condition, *more) if array is not None]


#: The kernels that pull a function's results back to parameters, rows and conditions.
PULL_BACKS = {
    "log_prob": ("log_prob_vjp_params", "score", "score_condition"),
    "transform": ("vjp_params", "vjp_inputs", "vjp_condition"),
    "push": ("push_vjp_params", "push_vjp_inputs", "push_vjp_condition"),
    "sample": ("sample_vjp_params", None, "push_vjp_condition"),
}


def pull_back(xp, run, function, at, results, cotangents, wanted):
    """The derivatives of `sum(cotangents * results)` by the trainable parameters, by `at.x` and by `at.condition`:
    those that are wanted, else None. `results` are those of `function` at `at`, a name of a kernel."""
    if function == "log_prob":
        return _pull_back_log_prob(xp, run, at, *cotangents, wanted)
    if function == "inverse":
        return _pull_back_inverse(xp, run, at._replace(x=results[0]), *cotangents, wanted)
    if function == "sample":
        return _pull_back_draws(run, at, results[0], (*cotangents, xp.zeros_like(results[0][:, :1])), wanted)
    if function == "sample_and_log_prob":
        return _pull_back_draws(run, at, results[0], cotangents, wanted)
    return _each(wanted, *(_pull(run, kernel, at, *cotangents) for kernel in PULL_BACKS[function]))


def _each(wanted, *derivatives):
    return tuple(derivative() if is_wanted else None for derivative, is_wanted in zip(derivatives, wanted, strict=True))


def _pull(run, kernel, at, *cotangents):
    return lambda: run(kernel, at, *cotangents)[0]


def _pull_back_log_prob(xp, run, at, cotangent, wanted):
    by_parameters, by_x, by_condition = PULL_BACKS["log_prob"]

    def scaled(kernel):
        # (A row that counts for nothing may have no finite derivative.)
        return lambda: xp.where(cotangent == 0, 0, cotangent * run(kernel, at)[0])

    return _each(wanted, _pull(run, by_parameters, at, cotangent), scaled(by_x), scaled(by_condition))


def _pull_back_draws(run, at, draws, cotangents, wanted):
    """Of draws y = T(z; condition): the same z, which do not depend on conditions, lead to them."""
    by_parameters, _, by_condition = PULL_BACKS["sample"]

    def conditions():
        z, _ = run("inverse", at._replace(x=draws))
        return run(by_condition, at._replace(x=z), *cotangents)[0]

    return _each(wanted, _pull(run, by_parameters, at, *cotangents), None, conditions)


def _pull_back_inverse(xp, run, at, cotangent, cotangent_log, wanted):
    """Of x = T^-1(y) and l = -log|det T'(x)|, with cotangents u and c: y moves x by dx = T'(x)^-1 dy, a parameter by
    -T'(x)^-1 dT. With w = T'(x)^-T (u + c dl/dx) the derivative by y is w, and those by all else are
    the pull-backs of T and its log-determinant with -w and -c. `at.x` is x."""
    by_parameters, by_x, by_condition = PULL_BACKS["transform"]
    rows, dim = at.x.shape
    slope = run(by_x, at, xp.zeros_like(at.x), xp.ones_like(cotangent_log))[0]
    # Row by row of T', a pull-back for each.
    each = at._replace(
        rows=rows * dim,
        x=_repeat(xp, at.x, dim),
        condition=None if at.condition is None else _repeat(xp, at.condition, dim),
    )
    unit = xp.broadcast_to(xp.eye(dim, dtype=at.x.dtype), (rows, dim, dim)).reshape(rows * dim, dim)
    jacobian = run(by_x, each, unit, xp.zeros_like(each.x[:, :1]))[0].reshape(rows, dim, dim)
    w = xp.linalg.solve(jacobian.swapaxes(1, 2), (cotangent - cotangent_log * slope)[:, :, None])[:, :, 0]
    pulled = (-w, -cotangent_log)
    return _each(wanted, _pull(run, by_parameters, at, *pulled), lambda: w, _pull(run, by_condition, at, *pulled))


def _repeat(xp, rows, times):
    """Every row so often."""
    count, width = rows.shape
    return xp.broadcast_to(rows[:, None, :], (count, times, width)).reshape(count * times, width)


# ===-----------------------------------------------------------------------===#
# Arguments
# ===-----------------------------------------------------------------------===#


def shapes_of(widths, rows, num_trainable):
    """Those of a kernel's results: rows of these widths, or a gradient."""
    return [(rows, width) for width in widths] or [(num_trainable,)]


def result_shapes(function, batch, event):
    """Those that users see: events, and the numbers that come with them."""
    if function == "log_prob":
        return [batch]
    return [(*batch, *event)] if function == "sample" else [(*batch, *event), batch]


def batch_of(shape, event, name):
    """The axes before those of an event."""
    rank = len(shape) - len(event)
    if rank < 0 or tuple(shape[rank:]) != tuple(event):
        raise FlowError(f"'{name}' has shape {tuple(shape)}, expected {_any_of(event)}")
    return tuple(shape[:rank])


def _any_of(event):
    return f"shape (..., {', '.join(map(str, event))})" if event else "any shape"


def check_condition(signature, condition):
    """Whether there is one exactly if the flow takes one."""
    if signature.cond_shape is None and condition is not None:
        raise FlowError("'condition' is given, but the flow takes none")
    if signature.cond_shape is not None and condition is None:
        raise FlowError(f"'condition' is missing: the flow needs one of {_any_of(signature.cond_shape)}")


def condition_rows(signature, condition, rows):
    """How many a condition has: as many as there are, or one for all."""
    given = batch_of(condition.shape, signature.cond_shape, "condition")
    number = math.prod(given)
    if number not in (1, rows):
        raise FlowError(f"'condition' has {number} rows, expected {rows}, or one for all")
    return number


def vectors_of(model):
    """The numbers of all trainable parameters, and those of all others: two vectors."""
    import numpy

    own = model.parameters
    parts = [numpy.ravel(own[name]) for name in own if not own.is_trainable(name)]
    frozen = numpy.concatenate([numpy.empty(0), *parts]).astype(model.dtype)
    return model._core.get_trainable().astype(model.dtype), frozen


def check_parameters(given, own, shape_of):
    """Whether it is a mapping of trainable parameters with their shapes."""
    if not isinstance(given, Mapping):
        raise FlowError(f"'parameters' is a {type(given).__name__}, expected arrays by name")
    for name, value in given.items():
        if name not in own or not own.is_trainable(name):
            near = get_close_matches(str(name), own.trainable(), 1)
            what = "is not trained" if name in own else "is none of the model's"
            raise FlowError(f"parameter {name!r} {what}" + (f"; did you mean {near[0]!r}?" if near else ""))
        if tuple(shape_of(value)) != own.shape(name):
            raise FlowError(f"parameter {name!r} has shape {tuple(shape_of(value))}, expected {own.shape(name)}")


def words(number, name):
    """A whole number of 64 bits as two of 32."""
    number = count(number, name)
    return number & 0xFFFFFFFF, number >> 32
