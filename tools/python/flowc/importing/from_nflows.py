# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Flows and transforms of nflows.

A flow of nflows goes from data to its base distribution, the way FlowJAX's inverted stacks do. Each class of transform
and base distribution is a row of a table.
"""

import numpy as np
from nflows import distributions, flows, transforms
from nflows.transforms import made as _made
from torch import nn

from . import neural_spline
from .networks import dense_leaves
from .parts import Unsupported, affine, call, chain, frozen, invert, model_text, normal, permute, transformed
from .torch_networks import array, cast, dtype_of, sequential
from .transformers import formula, shift


def import_nflows(flow):
    """The text and the numbers of a flow of nflows, or of a transform (data to base)."""
    if isinstance(flow, flows.Flow):
        part = transformed(base(flow._distribution, "._distribution"),
                           invert(transform(flow._transform, "._transform")))
        if not isinstance(flow._embedding_net, nn.Identity):
            part = embedded(part, flow._embedding_net, "._embedding_net")
        return model_text(part), cast(part.leaves, dtype_of(flow))
    part = transform(flow, "")
    return model_text(part, "bijection"), cast(part.leaves, dtype_of(flow))


def transform(layer, path):
    if type(layer) not in TRANSFORMS:
        raise Unsupported(path, layer, "flowc has no equal of this transform")
    return TRANSFORMS[type(layer)](layer, path)


def embedded(part, net, path):
    """A flow whose condition goes through a network first."""
    modules = list(net) if isinstance(net, nn.Sequential) else [net]
    network, last = sequential(modules, path)
    width, leaves = dense_leaves("", network, last)
    net = call("mlp", leaves, in_size=network.inputs, out_size=len(last.bias), width_size=width,
               depth=len(network.hidden), activation=network.activation)
    # The language puts the network around the bijection.
    leaves = {f".bijection.bijection{n.removeprefix('.bijection')}" if n.startswith(".bijection") else n: a
              for n, a in part.leaves.items()} | {f".bijection.embedding_net{n}": a for n, a in net.leaves.items()}
    text = call("embed_condition", bijection=part, embedding_net=net, raw_cond_shape=[network.inputs])
    return type(part)(text.text, leaves, text.items)


def composite(layer, path):
    return chain([transform(t, f"{path}._transforms[{i}]") for i, t in enumerate(layer._transforms)])


def masked_affine(layer, path):
    transformer = formula("softplus_affine", f"x*(softplus(scale) + {layer._epsilon!r}) + shift", "scale", "shift")
    return masked(layer, transformer, path)


def masked_spline(layer, path):
    net = layer.autoregressive_net
    return masked(layer, neural_spline.spline_of(layer, layer.num_bins, path, neural_spline.divisor(net)), path)


def masked(layer, transformer, path):
    net, place = layer.autoregressive_net, f"{path}.autoregressive_net"
    if type(net) is not _made.MADE:
        raise Unsupported(place, net, "only a `MADE` is known")
    return neural_spline.masked(transformer, net, place, net.activation, activated_context=True)


def block_rows(count):
    """nflows has the shifts of all coordinates, then their scales."""
    return np.arange(2 * count).reshape(2, count).T.ravel()


def affine_coupling(layer, path):
    transformer = formula("sigmoid_affine", "x*(sigmoid(scale + 2) + 0.001) + shift", "shift", "scale")
    return neural_spline.coupling(layer, transformer, path, block_rows)


def spline_coupling(layer, path):
    width = neural_spline.divisor(layer.transform_net)
    return neural_spline.coupling(layer, neural_spline.spline_of(layer, layer.num_bins, path, width), path)


def permutation(layer, path):
    if layer._dim != 1:
        raise Unsupported(path, layer, "a permutation along another axis than that of the features")
    return permute(layer._permutation.cpu().numpy())


def batch_norm(layer, path):
    """As it is in evaluation. Its running numbers are none that are trained by themselves."""
    scale = array(layer.weight) / np.sqrt(array(layer.running_var) + layer.eps)
    return affine(array(layer.bias) - array(layer.running_mean) * scale, scale)


def pointwise_affine(layer, path):
    loc, scale = np.broadcast_arrays(array(layer._shift), array(layer._scale))
    if loc.ndim != 1:
        raise Unsupported(path, layer, "a shift and a scale that do not tell the number of features")
    return frozen(affine(loc, scale))


# Base distributions.


def base(distribution, path):
    if type(distribution) not in BASES:
        raise Unsupported(path, distribution, "flowc has no equal of this base")
    return BASES[type(distribution)](distribution, path)


def diagonal_normal(distribution, path):
    return normal(array(distribution.mean_).ravel(), np.exp(array(distribution.log_std_)).ravel(), trained=True)


TRANSFORMS = {
    transforms.CompositeTransform: composite,
    transforms.InverseTransform: lambda layer, path: invert(transform(layer._transform, f"{path}._transform")),
    transforms.MaskedAffineAutoregressiveTransform: masked_affine,
    transforms.MaskedPiecewiseRationalQuadraticAutoregressiveTransform: masked_spline,
    transforms.AffineCouplingTransform: affine_coupling,
    transforms.AdditiveCouplingTransform: lambda layer, path: neural_spline.coupling(layer, shift(), path),
    transforms.PiecewiseRationalQuadraticCouplingTransform: spline_coupling,
    transforms.PiecewiseRationalQuadraticCDF: neural_spline.fixed_splines,
    transforms.Permutation: permutation,
    transforms.RandomPermutation: permutation,
    transforms.ReversePermutation: permutation,
    transforms.LULinear: neural_spline.lu,
    transforms.BatchNorm: batch_norm,
    transforms.ActNorm: lambda layer, path: affine(array(layer.shift), np.exp(array(layer.log_scale))),
    transforms.PointwiseAffineTransform: pointwise_affine,
}
BASES = {
    distributions.StandardNormal: lambda d, path: call("standard_normal", shape=list(d._shape)),
    distributions.DiagonalNormal: diagonal_normal,
}
