# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What nflows and normflows have in common: the networks and splines of the code of "Neural spline flows".

Batch normalisation and dropout are taken as they are in evaluation.
"""

import math

import numpy as np

from . import networks
from .networks import Network, joined
from .parts import Unsupported, call, in_order, triangular
from .torch_networks import activation, array, linear_arguments
from .transformers import spline


def normalised(values, norm):
    """Values behind a `BatchNorm1d`."""
    scale = 1 / np.sqrt(array(norm.running_var) + norm.eps)
    if norm.affine:
        scale = scale * array(norm.weight)
    shift = (array(norm.bias) if norm.affine else 0) - array(norm.running_mean) * scale
    return values.scaled(scale, shift)


def past(values, context):
    return values if context is None else joined([values, context])


def split(values, count):
    return values[:count], values[count:] if len(values.bias) > count else None


class Blocks:
    """Values that go through the blocks of a network. `added`: contexts are added inside of a residual block (nflows'
    masked ones); else they gate it."""

    def __init__(self, network, values, context, added, path):
        self.network, self.values, self.context = network, values, context
        self.added, self.path = added, path

    def run(self, block):
        if hasattr(block, "linear_layers"):
            self.residual(block)
        else:
            values = normalised(self.values, block.batch_norm) if block.batch_norm else self.values
            self.values, self.context = self.network.layer(values.then(*linear_arguments(block.linear)), self.context)

    def residual(self, block):
        if hasattr(block, "context_layer") and not self.added:
            raise Unsupported(self.path, block, "a residual block that its context gates: no network of flowc's "
                              "multiplies two values")
        norms = getattr(block, "batch_norm_layers", None) if block.use_batch_norm else None
        h, n = self.values, len(self.values.bias)
        units, kept = self.network.layer(normalised(h, norms[0]) if norms else h, past(h, self.context))
        h, context = split(kept, n)
        inner = units.then(*linear_arguments(block.linear_layers[0]))
        if hasattr(block, "context_layer"):
            inner = inner + context.then(*linear_arguments(block.context_layer))
        units, kept = self.network.layer(normalised(inner, norms[1]) if norms else inner, past(h, context))
        h, self.context = split(kept, n)
        self.values = h + units.then(*linear_arguments(block.linear_layers[1]))


def made(net, path, function, activated_context):
    """The network of a MADE and what it gives. `function`: its activation; `activated_context`: nflows puts it behind
    the context's layer, and in front of feed-forward blocks."""
    features = net.initial_layer.in_features
    layer = getattr(net, "context_layer", None)
    network = Network(features + (layer.in_features if layer else 0), activation(function, path), path, net)
    inputs, context = split(network.start(), features)
    if layer and activated_context:
        units, kept = network.layer(context.then(*linear_arguments(layer)), joined([inputs, context]))
        inputs, context = split(kept, features)
        values = inputs.then(*linear_arguments(net.initial_layer)) + units
    else:
        values = inputs.then(*linear_arguments(net.initial_layer))
        if layer:
            values = values + context.then(*linear_arguments(layer))
    if not any(hasattr(block, "context_layer") for block in net.blocks):
        context = None
    if activated_context and not net.use_residual_blocks:
        values, _ = network.layer(values)
    blocks = Blocks(network, values, context, activated_context, path)
    for block in net.blocks:
        blocks.run(block)
    return network, blocks.values.then(*linear_arguments(net.final_layer)), layer.in_features if layer else 0


def residual_net(net, path):
    """The network of a `ResidualNet`, whose inputs are coordinates, then the context, and what it gives."""
    if getattr(net, "preprocessing", None) is not None:
        raise Unsupported(path, net, "features that are computed from its inputs")
    function = net.blocks[0].activation if len(net.blocks) else None
    network = Network(net.initial_layer.in_features, activation(function, path) if function else "relu", path, net)
    values = network.start().then(*linear_arguments(net.initial_layer))
    blocks = Blocks(network, values, None, False, path)
    for block in net.blocks:
        blocks.run(block)
    return network, blocks.values.then(*linear_arguments(net.final_layer))


def spline_of(layer, bins, path, divisor=1.0):
    if layer.tails != "linear":
        raise Unsupported(path, layer, f"tails = {layer.tails!r}: flowc's splines are the identity outside of their "
                          "interval")
    if layer.min_bin_width != layer.min_bin_height:
        raise Unsupported(path, layer, "bins of another least width than height")
    if getattr(layer.tail_bound, "ndim", 0) or getattr(layer, "enable_identity_init", False):
        raise Unsupported(path, layer, "bounds of each coordinate, or slopes of softplus with another sharpness")
    return spline(bins, float(layer.tail_bound), layer.min_derivative, layer.min_bin_width, divisor)


def fixed_splines(layer, path):
    """A spline for each coordinate, whose numbers are trained by themselves (`PiecewiseRationalQuadraticCDF`)."""
    numbers = [array(getattr(layer, f"unnormalized_{w}")) for w in ("widths", "heights", "derivatives")]
    if any(n.ndim != 2 for n in numbers):
        raise Unsupported(path, layer, "splines of images")
    return spline_of(layer, numbers[0].shape[1], path).fixed(np.concatenate(numbers, axis=1))


def divisor(net):
    """The code divides widths and heights by the root of the width of networks that tell it."""
    return math.sqrt(net.hidden_features) if hasattr(net, "hidden_features") else 1.0


def masked(transformer, net, path, function, activated_context):
    network, outputs, cond_dim = made(net, path, function, activated_context)
    dim = net.initial_layer.in_features
    return in_order(*networks.masked_autoregressive(transformer, network, outputs, dim, cond_dim))


def coupling(layer, transformer, path, rows=None):
    """A coupling layer with a mask. `rows`: where the numbers of each coordinate stand, if not behind each other."""
    stay, move = (getattr(layer, f"{which}_features").cpu().numpy() for which in ("identity", "transform"))
    if type(layer.transform_net).__name__ != "ResidualNet":
        raise Unsupported(f"{path}.transform_net", layer.transform_net, "only a `ResidualNet` is known")
    network, outputs = residual_net(layer.transform_net, f"{path}.transform_net")
    dim = len(stay) + len(move)
    outputs = outputs if rows is None else outputs[rows(len(move))]
    part = networks.coupling(transformer, network, outputs, len(stay), dim, network.inputs - len(stay))
    if layer.unconditional_transform is not None:
        splines = fixed_splines(layer.unconditional_transform, f"{path}.unconditional_transform")
        both = call("concatenate", bijections=[splines, call("identity", shape=[len(move)])])
        part = call("chain", bijections=[part, both])
    return in_order(part, np.concatenate([stay, move]))


def lu(linear, path):
    """W x + b, W = L U with ones on the diagonal of L."""
    n = linear.features
    lower, upper = np.eye(n), np.diag(array(linear.upper_diag))
    lower[np.tril_indices(n, -1)] = array(linear.lower_entries)
    upper[np.triu_indices(n, 1)] = array(linear.upper_entries)
    first = triangular(np.zeros(n), upper, lower=False)
    return call("chain", bijections=[first, triangular(array(linear.bias), lower)])
