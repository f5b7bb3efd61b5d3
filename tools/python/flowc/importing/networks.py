# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of other libraries as plain ones, whose layers are of equal width, as flowc's are.

A value of a network is linear in the units of its last layer (`Linear`), and a layer of units is made of such values
(`Network.layer`). What goes past a layer, in a residual network, goes through it as two units: of most activations
f(x) - f(-x) is a multiple of x, exactly.
"""

from dataclasses import dataclass

import numpy as np

from .parts import Unsupported, call

# f(x) - f(-x) = c x.
CARRIED = {"relu": 1.0, "leaky_relu": 1.01, "silu": 1.0, "gelu": 1.0, "softplus": 1.0}


@dataclass(frozen=True)
class Linear:
    """`weight` @ units + `bias`; `mask` tells which weights there are, whatever their values."""

    weight: np.ndarray
    bias: np.ndarray
    mask: np.ndarray

    def then(self, weight, bias=None, mask=None):
        """A linear layer of these values."""
        mask = np.ones(weight.shape, bool) if mask is None else np.asarray(mask, bool)
        weight = np.where(mask, weight, 0)
        bias = weight @ self.bias + (0 if bias is None else bias)
        return Linear(weight @ self.weight, bias, (mask.astype(int) @ self.mask.astype(int)) > 0)

    def scaled(self, scale, shift=0.0):
        scale = np.broadcast_to(scale, self.bias.shape)
        return Linear(scale[:, None] * self.weight, scale * self.bias + shift, self.mask)

    def __add__(self, other):
        return Linear(self.weight + other.weight, self.bias + other.bias, self.mask | other.mask)

    def __getitem__(self, rows):
        return Linear(self.weight[rows], self.bias[rows], self.mask[rows])


def joined(values):
    return Linear(*(np.concatenate([getattr(v, field) for v in values]) for field in ("weight", "bias", "mask")))


class Network:
    """Grows layer by layer. `values`: the inputs, then what the last call of `layer` gave."""

    def __init__(self, inputs, activation, path, kind):
        self.activation, self.path, self.kind = activation, path, kind
        self.hidden, self.inputs = [], inputs

    def identity(self, count):
        return Linear(np.eye(count), np.zeros(count), np.eye(count, dtype=bool))

    def start(self):
        return self.identity(self.inputs)

    def layer(self, applied, carried=None):
        """One layer of units: the activation of the values `applied`, and the values `carried` behind it."""
        values, n = [applied], len(applied.bias)
        if carried is not None:
            if self.activation not in CARRIED:
                raise Unsupported(self.path, self.kind, f"residual connections past `{self.activation}`: a plain "
                                  "network can only carry a number past " + ", ".join(CARRIED))
            values += [carried, carried.scaled(-1.0)]
        whole = joined(values)
        self.hidden.append(whole)
        units = self.identity(len(whole.bias))
        if carried is None:
            return units, None
        m = len(carried.bias)
        difference = np.hstack([np.eye(m), -np.eye(m)]) / CARRIED[self.activation]
        return units[:n], units[n:].then(difference, mask=difference != 0)


def plain(values, width, count):
    """A linear map with rows and columns added for units that nothing goes into and that go nowhere."""
    weight = np.zeros((width, count))
    bias = np.zeros(width)
    weight[:values.weight.shape[0], :values.weight.shape[1]] = values.weight
    bias[:len(values.bias)] = values.bias
    return weight, bias


def dense_leaves(field, network, last):
    """The numbers of an `mlp`: its layers, and `last`, linear in the units of the last."""
    width = max((len(h.bias) for h in network.hidden), default=1)
    leaves, inputs = {}, network.inputs
    for i, values in enumerate([*network.hidden, last]):
        rows = width if i < len(network.hidden) else len(last.bias)
        weight, bias = plain(values, rows, inputs)
        leaves |= {f"{field}.layers[{i}].weight": weight, f"{field}.layers[{i}].bias": bias}
        inputs = width
    return width, leaves


def coupling(transformer, network, outputs, kept, dim, cond_dim):
    """A coupling whose network has the coordinates that stay, then the condition, as its inputs. `outputs`: values
    for each of the other coordinates, one coordinate after the other."""
    width, leaves = dense_leaves(".conditioner", network, transformer.numbers(outputs, dim - kept))
    return call("coupling", leaves, ("transformer",), transformer=transformer.part, untransformed_dim=kept, dim=dim,
                cond_dim=cond_dim or None, nn_width=width, nn_depth=len(network.hidden),
                nn_activation=network.activation)


# Masked networks.


def reach(values, below):
    """The last of the inputs that each value depends on, given that of each unit below; -2: on none."""
    return np.where(values.mask, below[None, :], -2).max(axis=1, initial=-2)


class Ranks:
    """Where units stand in flowc's masked networks: unit i of a layer has rank i % dim - 1 (without a condition,
    i % (dim - 1)) and sees units and inputs of its own rank and below."""

    def __init__(self, dim, cond_dim):
        self.lowest = -1 if cond_dim else 0
        self.count = max(1, dim - 1 - self.lowest)

    def places(self, ranks):
        seen, places = dict.fromkeys(range(self.count), 0), []
        for rank in ranks:
            places.append((rank - self.lowest) + self.count * seen[rank - self.lowest])
            seen[rank - self.lowest] += 1
        return np.array(places, int)


def fold_constants(layers, function, lowest, below):
    """Drops units that nobody looks at, and those that depend on no input, if flowc has no place for them: their
    values go into the biases above."""
    result = []
    for i, values in enumerate(layers):
        ranks = reach(values, below)
        if i + 1 < len(layers):
            keep = (ranks >= lowest) if lowest == 0 else np.ones(len(ranks), bool)
            above = layers[i + 1]
            constant = np.where(keep, 0, function(values.bias))
            layers[i + 1] = Linear(above.weight[:, keep], above.bias + above.weight @ constant, above.mask[:, keep])
            values, ranks = values[keep], np.maximum(ranks[keep], lowest)
        result.append((values, ranks))
        below = ranks
    return result


def masked_leaves(field, network, last, dim, cond_dim):
    inputs = np.concatenate([np.arange(dim), np.full(cond_dim, -1)])
    ranks = Ranks(dim, cond_dim)
    layers = fold_constants([*network.hidden, last], FUNCTIONS[network.activation], ranks.lowest, inputs)
    # What sees the last coordinate is seen by nobody.
    used = [np.flatnonzero(reached <= dim - 2) for _, reached in layers[:-1]]
    places = [ranks.places(reached[keep]) for keep, (_, reached) in zip(used, layers)]
    width = max((p.max(initial=0) + 1 for p in places), default=1)
    leaves, columns, count = {}, np.arange(network.inputs), network.inputs
    kept = np.arange(network.inputs)
    for i, (values, _) in enumerate(layers):
        final = i == len(layers) - 1
        rows = np.arange(len(last.bias)) if final else places[i]
        keep = rows if final else used[i]
        size = len(last.bias) if final else width
        weight, bias = np.zeros((size, count)), np.zeros(size)
        weight[np.ix_(rows, columns)] = values.weight[np.ix_(keep, kept)]
        bias[rows] = values.bias[keep]
        leaves |= {f"{field}.layers[{i}].weight.args[1]": weight, f"{field}.layers[{i}].bias": bias}
        columns, kept, count = rows, keep, width
    return width, leaves


def masked_autoregressive(transformer, network, outputs, dim, cond_dim):
    """A masked autoregressive layer, whose network has all coordinates, then the condition, as inputs, and the order
    of its coordinates: y[order] is what the layer makes of x[order]."""
    last = transformer.numbers(outputs, dim)
    order = order_of(last, network, dim)
    if order is None:
        raise Unsupported(network.path, network.kind, "its network is not autoregressive")
    network.hidden, last = reordered([*network.hidden, last], order, dim)
    width, leaves = masked_leaves(".masked_autoregressive_mlp", network, last, dim, cond_dim)
    return call("masked_autoregressive", leaves, ("transformer",), transformer=transformer.part, dim=dim,
                cond_dim=cond_dim or None, nn_width=width, nn_depth=len(network.hidden),
                nn_activation=network.activation), order


def order_of(outputs, network, dim):
    """An order of the coordinates in which each depends on those before it only."""
    below = np.eye(network.inputs, dtype=int)
    for values in [*network.hidden, outputs]:
        below = (values.mask.astype(int) @ below > 0).astype(int)
    depends = below.reshape(dim, -1, network.inputs).any(axis=1)[:, :dim]
    order = []
    while len(order) < dim:
        ready = [d for d in range(dim) if d not in order and not (set(np.flatnonzero(depends[d])) - set(order))]
        if not ready:
            return None
        order += ready
    return np.array(order)


def reordered(layers, order, dim):
    """The layers, the last one by itself, with coordinates in another order."""
    *hidden, last = layers
    rows = np.arange(len(last.bias)).reshape(dim, -1)[order].ravel()
    columns = np.concatenate([order, np.arange(dim, layers[0].weight.shape[1])])
    last = last[rows]
    if not hidden:
        return [], Linear(last.weight[:, columns], last.bias, last.mask[:, columns])
    first = hidden[0]
    return [Linear(first.weight[:, columns], first.bias, first.mask[:, columns]), *hidden[1:]], last


FUNCTIONS = {
    "relu": lambda x: np.maximum(x, 0), "leaky_relu": lambda x: np.where(x >= 0, x, 0.01 * x), "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "silu": lambda x: x / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(x, 0), "elu": lambda x: np.where(x >= 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
}
