# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Flows of zuko: MAF, NICE and RealNVP, and what is made of their transformations.

A flow of zuko goes from data to its base distribution, the way FlowJAX's inverted stacks do. Each class of lazy
transformation, univariate transformation and base distribution is a row of a table.
"""

import functools
import math

import numpy as np
import zuko
from zuko import distributions, transforms
from zuko.flows.autoregressive import MaskedAutoregressiveTransform
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.flows.gaussianization import ElementWiseTransform

from . import networks
from .parts import (
    Part,
    Unsupported,
    call,
    chain,
    in_order,
    invert,
    model_text,
    normal,
    permute,
    transformed,
    triangular,
)
from .torch_networks import array, cast, dtype_of, sequential
from .transformers import Transformer, formula, shift


def import_zuko(flow):
    """The text and the numbers of a flow of zuko, or of a lazy transformation (data to base)."""
    dtype = dtype_of(flow)
    if isinstance(flow, zuko.lazy.Flow):
        part = transformed(base(flow.base, ".base"), invert(transform(flow.transform, ".transform")))
        return model_text(part), cast(part.leaves, dtype)
    part = transform(flow, "")
    return model_text(part, "bijection"), cast(part.leaves, dtype)


def transform(lazy, path):
    if type(lazy) not in TRANSFORMS:
        raise Unsupported(path, lazy, "flowc has no equal of this transformation")
    return TRANSFORMS[type(lazy)](lazy, path)


def composed(lazy, path):
    parts = [transform(t, f"{path}.transforms[{i}]") for i, t in enumerate(lazy.transforms)]
    return chain(parts)


def hyper(lazy, path):
    """The network that gives a transformation its numbers."""
    if any(isinstance(m, zuko.nn.LayerNorm) for m in lazy.hyper):
        raise Unsupported(f"{path}.hyper", "LayerNorm", "flowc's networks have no normalisation")
    return sequential(lazy.hyper, f"{path}.hyper", zuko.nn.Residual)


# Lazy transformations.


def univariate(lazy, path):
    """The transformer, from its constructor and the shapes of its numbers."""
    constructor, named = lazy.univariate, {}
    while isinstance(constructor, functools.partial):
        if constructor.args:
            raise Unsupported(path, constructor.func.__name__, "a partial with positional arguments")
        constructor, named = constructor.func, {**constructor.keywords, **named}
    if constructor not in UNIVARIATE:
        raise Unsupported(path, getattr(constructor, "__name__", repr(constructor)),
                          "flowc has no equal of this univariate transformation")
    return UNIVARIATE[constructor](lazy.shapes, **named)


def autoregressive(lazy, path):
    dim = len(lazy.order) if lazy.order is not None else lazy.hyper.out_features // lazy.total
    network, outputs = hyper(lazy, path)
    layer, order = networks.masked_autoregressive(univariate(lazy, path), network, outputs, dim,
                                                  lazy.hyper.in_features - dim)
    return in_order(layer, order)


def coupling(lazy, path):
    mask = lazy.mask.cpu().numpy().astype(bool)  # of what stays
    network, outputs = hyper(lazy, path)
    order = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
    kept = int(mask.sum())
    layer = networks.coupling(univariate(lazy, path), network, outputs, kept, len(mask), network.inputs - kept)
    return in_order(layer, order)


def elementwise(lazy, path):
    transformer = univariate(lazy, path)
    if not hasattr(lazy, "hyper"):
        numbers = [array(p).reshape(len(p), -1) for p in lazy.phi]
        return transformer.fixed(np.concatenate(numbers, axis=1))
    network, outputs = hyper(lazy, path)
    return networks.coupling(transformer, network, outputs, 0, lazy.hyper.out_features // lazy.total, network.inputs)


def unconditional(lazy, path):
    if lazy.f not in FIXED:
        raise Unsupported(path, getattr(lazy.f, "__name__", repr(lazy.f)), "flowc has no equal of this transformation")
    return FIXED[lazy.f](lazy, path)


def lu(lazy, path):
    """L U with ones on the diagonal of U; flowc's diagonals are positive."""
    built = lazy.f(*lazy.args, **lazy.kwargs)
    lower, upper = array(built.L), array(built.U)
    if (np.diag(lower) <= 0).any():
        raise Unsupported(path, "LULinearTransform", "a diagonal that is not positive")
    zeros = np.zeros(len(lower))
    return call("chain", bijections=[triangular(zeros, upper, lower=False), triangular(zeros, lower)])


def bounded_spline(shapes, bound=5.0, slope=1e-3):
    """flowc's `bounded_spline` is this spline of zuko's."""
    bins = shapes[0][0]
    part = call("bounded_spline", bins=bins, interval=bound, min_slope=slope)
    starts = {".x_pos.arr": np.zeros(bins), ".y_pos.arr": np.zeros(bins), ".derivatives.args[0]": np.zeros(bins - 1)}
    return Transformer(Part(part.text, {}, (), starts), np.eye(3 * bins - 1), np.zeros(3 * bins - 1))


def soft_clipped_affine(shapes, slope=1e-3):
    clip = repr(abs(math.log(slope)))
    return formula("soft_clipped_affine", f"x*exp(scale/(1 + abs(scale/{clip}))) + shift", "shift", "scale")


# Base distributions.


def base(lazy, path):
    constructor = getattr(lazy, "f", None)
    if constructor not in BASES:
        raise Unsupported(path, constructor.__name__ if constructor else lazy, "flowc has no equal of this base")
    return BASES[constructor](lazy, path)


def diagonal_normal(lazy, path):
    built = lazy()
    return normal(array(built.mean), array(built.stddev), trained=bool(list(lazy.parameters())))


UNIVARIATE = {
    transforms.MonotonicAffineTransform: soft_clipped_affine,
    transforms.MonotonicRQSTransform: bounded_spline,
    transforms.AdditiveTransform: lambda shapes: shift(),
}
FIXED = {
    transforms.PermutationTransform: lambda lazy, path: permute(lazy.f(*lazy.args, **lazy.kwargs).order.cpu().numpy()),
    transforms.LULinearTransform: lu,
}
TRANSFORMS = {
    zuko.lazy.LazyComposedTransform: composed,
    zuko.lazy.LazyInverse: lambda lazy, path: invert(transform(lazy.transform, f"{path}.transform")),
    zuko.lazy.UnconditionalTransform: unconditional,
    MaskedAutoregressiveTransform: autoregressive,
    GeneralCouplingTransform: coupling,
    ElementWiseTransform: elementwise,
}
BASES = {distributions.DiagNormal: diagonal_normal}
