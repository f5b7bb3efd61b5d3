# ===- jax.py - Flows as functions of JAX ----------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""What a model computes, as functions of JAX on the CPU, under ``jit``, ``vmap`` and ``grad``.

They take a :class:`flowc.Model` and, as ``parameters=``, arrays by name in place of its own::

    params = flowc.jax.parameters(model)
    loss = lambda params, x: -flowc.jax.log_prob(model, x, parameters=params).mean()
    gradient = jax.jit(jax.grad(loss))(params, x)
    model.parameters.update(params)    # back into the model

Derivatives are those in reverse, once: by parameters, by rows and by conditions. The kernels are compiled by flowc and
called by XLA's foreign-function interface. ``jax`` has to be installed.
"""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
import numpy
from jax.custom_batching import custom_vmap

from . import _core
from ._core import FlowError
from ._functional import (
    At,
    Signature,
    batch_of,
    check_condition,
    check_parameters,
    condition_rows,
    pull_back,
    result_shapes,
    shapes_of,
    vectors_of,
    words,
)
from ._model import count

if not hasattr(_core, "xla_handler"):
    raise ImportError("this flowc was built without jaxlib: flowc.jax needs its headers to be compiled")

__all__ = ["inverse", "log_prob", "parameters", "push", "sample", "sample_and_log_prob", "transform"]

_TARGET = "flowc_run"
jax.ffi.register_ffi_target(_TARGET, _core.xla_handler(), platform="cpu")


# ===-----------------------------------------------------------------------===#
# Kernels
# ===-----------------------------------------------------------------------===#


@functools.lru_cache(1024)
def _widths(signature, kernel):
    """The widths of a kernel's results."""
    of = _core.Functional.find(signature.text, signature.name, signature.dtype, signature.threads)
    return tuple(of.widths(kernel))


@functools.lru_cache(1024)
def _kernel(signature, kernel, rows):
    """A kernel for so many rows as a function of parameters, stream and arrays, which gives a tuple."""
    widths = _widths(signature, kernel)
    sums = not widths

    @custom_vmap
    def call(trainable, frozen, stream, *arrays):
        shapes = shapes_of(widths, rows, trainable.shape[0])
        results = [jax.ShapeDtypeStruct(shape, signature.dtype) for shape in shapes]
        attributes = {"text": signature.text, "name": signature.name, "threads": numpy.int32(signature.threads)}
        return tuple(jax.ffi.ffi_call(_TARGET, results)(trainable, frozen, stream, *arrays, kernel=kernel, **attributes))

    @call.def_vmap
    def batched(size, is_batched, *operands):
        # Sums, draws and other parameters are a call each; all else is a call with more rows.
        if sums or kernel.startswith("sample") or any(is_batched[:3]):
            results = _one_by_one(call, is_batched, operands)
        else:
            many = [
                (array if is_own else jnp.broadcast_to(array, (size, *array.shape))).reshape(size * rows, -1)
                for array, is_own in zip(operands[3:], is_batched[3:], strict=True)
            ]
            results = _kernel(signature, kernel, size * rows)(*operands[:3], *many)
            results = tuple(result.reshape(size, rows, -1) for result in results)
        return results, tuple(True for _ in results)

    return call


def _one_by_one(call, is_batched, operands):
    def one(own):
        own = iter(own)
        return call(*(next(own) if it else operand for operand, it in zip(operands, is_batched, strict=True)))

    return jax.lax.map(one, [operand for operand, it in zip(operands, is_batched, strict=True) if it])


def _runner(signature):
    def run(kernel, at, *more):
        return _kernel(signature, kernel, at.rows)(at.trainable, at.frozen, at.stream, *at.arrays(*more))

    return run


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _compute(signature, function, rows, trainable, frozen, stream, x, condition):
    return _runner(signature)(function, At(trainable, frozen, stream, rows, x, condition))


def _forward(signature, function, rows, *operands):
    results = _compute(signature, function, rows, *operands)
    return results, (operands, results)


def _backward(signature, function, rows, saved, cotangents):
    (trainable, frozen, stream, x, condition), results = saved
    at = At(trainable, frozen, stream, rows, x, condition)
    # (What nobody asks for is removed by the compiler.)
    wanted = (True, x is not None, condition is not None)
    pulled = pull_back(jnp, _runner(signature), function, at, results, cotangents, wanted)
    return pulled[0], None, None, pulled[1], pulled[2]


_compute.__wrapped__.defvjp(_forward, _backward)


# ===-----------------------------------------------------------------------===#
# Arguments
# ===-----------------------------------------------------------------------===#


def _signature(model):
    signature = Signature.of(model)
    if signature.dtype == "float64" and not jax.config.jax_enable_x64:
        raise FlowError(
            "the model is of float64, which JAX has turned off: set jax.config.update('jax_enable_x64', True), "
            "or use model.astype('float32')"
        )
    return signature


def _vectors(model, given):
    """The parameters of a call: those that are trained, and all others."""
    trainable, frozen = vectors_of(model)
    if given is not None:
        check_parameters(given, model.parameters, jnp.shape)
        values = {**model.parameters.split(trainable), **given}
        parts = [jnp.ravel(jnp.asarray(value, model.dtype)) for value in values.values()]
        trainable = jnp.concatenate(parts or [trainable])
    return jnp.asarray(trainable), jnp.asarray(frozen)


def _conditions(signature, condition, rows):
    """A condition for each row."""
    check_condition(signature, condition)
    if condition is None:
        return None
    condition = jnp.asarray(condition, signature.dtype)
    size = math.prod(signature.cond_shape)
    return jnp.broadcast_to(condition.reshape(condition_rows(signature, condition, rows), size), (rows, size))


def _call(function, model, parameters, rows, stream, x, condition):
    """Rows of events, and the numbers that come with them."""
    signature = _signature(model)
    conditions = _conditions(signature, condition, rows)
    operands = _vectors(model, parameters)
    # What cannot be done is said now, rather than by a program that runs.
    _core.Functional.of(model._core).prepare(function)
    return _compute(signature, function, rows, *operands, stream, x, conditions)


def _of_rows(function, model, x, name, condition, parameters):
    """A function of rows, with the axes that these have."""
    x = jnp.asarray(x, _signature(model).dtype)
    batch = batch_of(x.shape, model.shape, name)
    rows = math.prod(batch)
    results = _call(
        function, model, parameters, rows, jnp.zeros(4, "uint32"), x.reshape(rows, math.prod(model.shape)), condition
    )
    shapes = result_shapes(function, batch, model.shape)
    return tuple(result.reshape(shape) for result, shape in zip(results, shapes, strict=True))


def _stream(key, first):
    """Seed and first draw of a stream, of a key of JAX or a number."""
    if not isinstance(key, int | numpy.integer):
        key = jax.random.bits(key, (2,), "uint32")
    else:
        key = jnp.asarray(words(key, "key"), "uint32")
    return jnp.concatenate([key, jnp.asarray(words(first, "first"), "uint32")])


def _of_draws(function, model, key, n, first, condition, parameters):
    n = count(n, "n", 0, 1 << 31)
    results = _call(function, model, parameters, n, _stream(key, first), None, condition)
    shapes = result_shapes(function, (n,), model.shape)
    return tuple(result.reshape(shape) for result, shape in zip(results, shapes, strict=True))


# ===-----------------------------------------------------------------------===#
# What users call
# ===-----------------------------------------------------------------------===#


def parameters(model):
    """The trainable parameters of a model: arrays of JAX by name, which `parameters=` takes."""
    own = model.parameters
    return {name: jnp.asarray(own[name], model.dtype) for name in own.trainable()}


def log_prob(model, x, condition=None, *, parameters=None):
    """Log-densities of events: shape ``(...)`` for ``x`` of shape ``(..., *model.shape)``.

    ``condition`` has as many rows as ``x``, or one for all. ``parameters`` are arrays by name; those that are not
    given are the model's when the function is called, or traced. What is not finite among them makes results NaN.
    """
    return _of_rows("log_prob", model, x, "x", condition, parameters)[0]


def transform(model, x, condition=None, *, parameters=None):
    """``(y, log_det)``: y = T(x) of the flow's own bijections, and the log-determinant of their Jacobian."""
    return _of_rows("transform", model, x, "x", condition, parameters)


def inverse(model, y, condition=None, *, parameters=None):
    """``(x, log_det)`` with T(x) = y. A derivative solves with the Jacobian of T, which is made of a pull-back
    for each coordinate."""
    return _of_rows("inverse", model, y, "y", condition, parameters)


def push(model, z, condition=None, *, parameters=None):
    """``(y, log_prob)``: y = T(z) of draws z of the base distribution, and their log-densities."""
    return _of_rows("push", model, z, "z", condition, parameters)


def sample(model, key, n=1, *, first=0, condition=None, parameters=None):
    """``n`` draws, of shape ``(n, *model.shape)``, which can be differentiated by parameters and conditions.

    ``key`` is a key of JAX, or the number of a stream: then these are the draws that ``model.sample(n, seed=key,
    first=first)`` gives.
    """
    return _of_draws("sample", model, key, n, first, condition, parameters)[0]


def sample_and_log_prob(model, key, n=1, *, first=0, condition=None, parameters=None):
    """``(x, log_prob)``: the same draws with their log-densities."""
    return _of_draws("sample_and_log_prob", model, key, n, first, condition, parameters)
