# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Flows of normflows.

A flow of normflows goes from its base distribution to data, layer by layer. Each class of layer and base distribution
is a row of a table.
"""

import normflows as nf
import numpy as np
from normflows.nets import MLP
from normflows.nets import made as _made
from torch import nn

from . import networks, neural_spline
from .networks import Linear, Network
from .parts import Unsupported, affine, call, chain, in_order, invert, model_text, normal, permute, transformed
from .torch_networks import array, cast, dtype_of, sequential
from .transformers import formula, shift


def import_normflows(flow):
    """The text and the numbers of a `NormalizingFlow` or a `ConditionalNormalizingFlow`."""
    if type(flow) not in (nf.NormalizingFlow, nf.ConditionalNormalizingFlow):
        raise Unsupported("", flow, "only `NormalizingFlow` and `ConditionalNormalizingFlow` are known")
    source = base(flow.q0, ".q0")
    dim = int(np.prod(flow.q0.shape))
    part = chain([layer(f, f".flows[{i}]", dim) for i, f in enumerate(flow.flows)])
    part = transformed(source, part)
    return model_text(part), cast(part.leaves, dtype_of(flow))


def layer(flow, path, dim):
    """The bijection of a layer, in its direction `forward`."""
    if type(flow) not in LAYERS:
        raise Unsupported(path, flow, "flowc has no equal of this layer")
    return LAYERS[type(flow)](flow, path, dim)


def masked_affine(flow, path, dim):
    transformer = formula("sigmoid_affine", "x*(sigmoid(scale + 2) + 0.001) + shift", "scale", "shift")
    return masked(flow, transformer, path)


def masked_spline(flow, path, dim):
    inner, place = flow.mprqat, f"{path}.mprqat"
    spline = neural_spline.spline_of(inner, inner.num_bins, place, neural_spline.divisor(inner.autoregressive_net))
    return invert(masked(inner, spline, place))


def masked(flow, transformer, path):
    net, place = flow.autoregressive_net, f"{path}.autoregressive_net"
    if type(net) is not _made.MADE or not isinstance(net.preprocessing, nn.Identity):
        raise Unsupported(place, net, "only a `MADE` without features that are computed from its inputs is known")
    function = net.blocks[0].activation if len(net.blocks) else nn.ReLU()
    return neural_spline.masked(transformer, net, place, function, activated_context=False)


def spline_coupling(flow, path, dim):
    inner, place = flow.prqct, f"{path}.prqct"
    width = neural_spline.divisor(inner.transform_net)
    spline = neural_spline.spline_of(inner, inner.num_bins, place, width)
    return invert(neural_spline.coupling(inner, spline, place))


SCALES = {
    "exp": formula("exp_affine", "x*exp(scale) + shift", "shift", "scale"),
    "sigmoid": formula("over_sigmoid_affine", "x/sigmoid(scale + 2) + shift", "shift", "scale"),
    "sigmoid_inv": formula("times_sigmoid_affine", "x*sigmoid(scale + 2) + shift", "shift", "scale"),
}


def split_order(mode, dim, path, kind):
    """The coordinates of z1, then those of z2, and how many z1 has."""
    index = np.arange(dim)
    half = (dim + 1) // 2
    parts = {"channel": (index[:half], index[half:]), "channel_inv": (index[half:], index[:half]),
             "checkerboard": (index[1::2], index[::2]), "checkerboard_inv": (index[::2], index[1::2])}
    if mode not in parts:
        raise Unsupported(path, kind, f"the split {mode!r}")
    return np.concatenate(parts[mode]), len(parts[mode][0])


def net(module, path):
    if type(module) is not MLP:
        raise Unsupported(path, module, "only an `MLP` is known")
    return sequential(module.net, path)


def coupling_block(flow, path, dim):
    split, inner, _ = flow.flows
    place = f"{path}.flows[1].param_map"
    network, outputs = net(inner.param_map, place)
    order, kept = split_order(split.mode, dim, path, flow)
    transformer = SCALES[inner.scale_map] if inner.scale else shift()
    return in_order(networks.coupling(transformer, network, outputs, kept, dim, 0), order)


def side_by_side(nets, path):
    """Networks with the same inputs as one, whose values are theirs after each other."""
    first = nets[0][0]
    if any(n.activation != first.activation or len(n.hidden) != len(first.hidden) for n, _ in nets):
        raise Unsupported(path, "MaskedAffineFlow", "networks `s` and `t` of other depths or activations")
    whole = Network(first.inputs, first.activation, path, "network")
    stacks = [[*n.hidden, last] for n, last in nets]
    built = [networks.joined(level) if i == 0 else diagonal(level) for i, level in enumerate(zip(*stacks))]
    whole.hidden = built[:-1]
    return whole, built[-1]


def diagonal(values):
    def blocks(arrays):
        whole = np.zeros(np.sum([a.shape for a in arrays], axis=0), arrays[0].dtype)
        row = column = 0
        for a in arrays:
            whole[row:row + a.shape[0], column:column + a.shape[1]] = a
            row, column = row + a.shape[0], column + a.shape[1]
        return whole

    return Linear(blocks([v.weight for v in values]), np.concatenate([v.bias for v in values]),
                  blocks([v.mask for v in values]))


def masked_coupling(flow, path, dim):
    """z stays where b is 1; networks of what stays give the scales and the shifts of the rest."""
    stays = array(flow.b).ravel() != 0
    order = np.concatenate([np.flatnonzero(stays), np.flatnonzero(~stays)])
    kept, moved = int(stays.sum()), np.flatnonzero(~stays)
    names = [name for name in ("t", "s") if isinstance(getattr(flow, name), nn.Module)]
    if not names:
        return call("identity", shape=[dim])
    network, outputs = side_by_side([net(getattr(flow, name), f"{path}.{name}") for name in names], path)
    rows = np.concatenate([[k * dim + d for k in range(len(names))] for d in moved])
    outputs = outputs[rows]
    narrow = lambda v: Linear(v.weight[:, :dim][:, stays], v.bias, v.mask[:, :dim][:, stays])
    if network.hidden:
        network.hidden[0] = narrow(network.hidden[0])
    else:
        outputs = narrow(outputs)
    network.inputs = kept
    transformer = {("t", "s"): SCALES["exp"], ("t",): shift(),
                   ("s",): formula("exp_scale", "x*exp(scale)", "scale")}[tuple(names)]
    return in_order(networks.coupling(transformer, network, outputs, kept, dim, 0), order)


def permutation(flow, path, dim):
    half = dim // 2
    return permute(flow.perm.cpu().numpy() if flow.mode == "shuffle" else [*range(half, dim), *range(half)])


def lu_permute(flow, path, dim):
    order = permute(flow.permutation._permutation.cpu().numpy())
    inner = neural_spline.lu(flow.linear, f"{path}.linear")
    return invert(call("chain", bijections=[order, inner]))


def constant_affine(flow, path, dim):
    if flow.s.numel() != dim or flow.t.numel() != dim:
        raise Unsupported(path, flow, "numbers of another shape than that of the event")
    return affine(array(flow.t).ravel(), np.exp(array(flow.s)).ravel())


def base(distribution, path):
    if type(distribution) is not nf.distributions.DiagGaussian or len(distribution.shape) != 1:
        raise Unsupported(path, distribution, "only a `DiagGaussian` of vectors is known")
    scale = np.exp(array(distribution.log_scale)).ravel() * (distribution.temperature or 1)
    return normal(array(distribution.loc).ravel(), scale, trained=bool(list(distribution.parameters())))


LAYERS = {
    nf.flows.MaskedAffineAutoregressive: masked_affine,
    nf.flows.AutoregressiveRationalQuadraticSpline: masked_spline,
    nf.flows.CoupledRationalQuadraticSpline: spline_coupling,
    nf.flows.AffineCouplingBlock: coupling_block,
    nf.flows.MaskedAffineFlow: masked_coupling,
    nf.flows.Permute: permutation,
    nf.flows.LULinearPermute: lu_permute,
    nf.flows.AffineConstFlow: constant_affine,
    nf.flows.ActNorm: constant_affine,
}
