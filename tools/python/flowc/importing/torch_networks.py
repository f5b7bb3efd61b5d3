# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the networks of libraries of PyTorch are made of."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .networks import Network
from .parts import Unsupported

# Class of a module, or function; what flowc calls it; and what it has to have.
ACTIVATIONS = [
    (nn.ReLU, "relu", {}), (nn.Tanh, "tanh", {}), (nn.SiLU, "silu", {}), (nn.Sigmoid, "sigmoid", {}),
    (nn.ELU, "elu", {"alpha": 1.0}), (nn.Softplus, "softplus", {"beta": 1, "threshold": 20}),
    (nn.LeakyReLU, "leaky_relu", {"negative_slope": 0.01}), (nn.LeakyReLU, "relu", {"negative_slope": 0.0}),
    (nn.GELU, "gelu", {"approximate": "tanh"}),
    (F.relu, "relu", {}), (torch.relu, "relu", {}), (F.tanh, "tanh", {}), (torch.tanh, "tanh", {}),
    (F.silu, "silu", {}), (F.elu, "elu", {}), (F.softplus, "softplus", {}), (F.sigmoid, "sigmoid", {}),
    (torch.sigmoid, "sigmoid", {}), (F.leaky_relu, "leaky_relu", {}),
]


def activation(function, path):
    for known, name, needed in ACTIVATIONS:
        same = type(function) is known if isinstance(known, type) else function is known
        if same and all(getattr(function, k) == v for k, v in needed.items()):
            return name
    kind = function if isinstance(function, nn.Module) else getattr(function, "__name__", "activation")
    names = ", ".join(sorted({name for _, name, _ in ACTIVATIONS}))
    raise Unsupported(path, kind, f"flowc has the activations {names}, with PyTorch's defaults, and `gelu` by tanh")


def array(tensor):
    """The numbers of a tensor, in float64: importers calculate with them."""
    return tensor.detach().cpu().numpy().astype(np.float64)


def linear_arguments(layer):
    """Weight, bias and mask of a linear layer."""
    mask = getattr(layer, "mask", None)
    if layer.weight.ndim != 2:
        raise Unsupported("", layer, "a stack of layers")
    return (array(layer.weight), None if layer.bias is None else array(layer.bias),
            None if mask is None else array(mask) != 0)


def sequential(modules, path, residual=()):
    """The network of modules after each other: linear layers, one kind of activation, and blocks x + f(x) of the class
    `residual`. With it, the values that come out."""
    modules = [m for m in modules if not isinstance(m, (nn.Dropout, nn.Identity))]
    inner = [m for block in modules if isinstance(block, residual) for m in block]
    functions = [m for m in [*modules, *inner] if not hasattr(m, "weight") and not isinstance(m, residual)]
    names = {activation(m, path) for m in functions}
    if len(names) > 1:
        raise Unsupported(path, functions[0], f"several activations in one network: {', '.join(sorted(names))}")
    network = Network(modules[0].in_features, next(iter(names), "relu"), path, "network")
    values = network.start()
    for module in modules:
        if isinstance(module, residual):
            first, _, second = module
            units, kept = network.layer(values.then(*linear_arguments(first)), values)
            values = kept + units.then(*linear_arguments(second))
        elif hasattr(module, "weight"):
            values = values.then(*linear_arguments(module))
        else:
            values, _ = network.layer(values)
    return network, values


def dtype_of(module):
    """The element type of a model: that of its numbers."""
    types = {p.dtype for p in module.parameters()} or {b.dtype for b in module.buffers() if b.dtype.is_floating_point}
    return np.float64 if torch.float64 in types else np.float32


def cast(leaves, dtype):
    return {name: a if a.dtype.kind == "i" else a.astype(dtype) for name, a in leaves.items()}
