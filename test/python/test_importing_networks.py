# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of other libraries as flowc's: what importers compute with NumPy alone, without those libraries."""

import numpy as np
import pytest
from flowc.importing import networks, parts, transformers


def run_mlp(leaves, field, function, x):
    """An `mlp`, as flowc runs it."""
    depth = sum(name.endswith(".bias") for name in leaves)
    for i in range(depth):
        weight = leaves.get(f"{field}.layers[{i}].weight", leaves.get(f"{field}.layers[{i}].weight.args[1]"))
        x = weight @ x + leaves[f"{field}.layers[{i}].bias"]
        x = function(x) if i + 1 < depth else x
    return x


def masks(dim, cond_dim, width, depth, outputs):
    """Those of FlowJAX's masked networks."""
    inputs = np.concatenate([np.arange(dim), np.full(cond_dim, -1)])
    hidden = np.arange(width) % dim - 1 if cond_dim else np.arange(width) % max(dim - 1, 1)
    ranks = [inputs, *[hidden] * depth, np.repeat(np.arange(dim), outputs // dim)]
    return [a[:, None] > b if i == depth else a[:, None] >= b
            for i, (b, a) in enumerate(zip(ranks, ranks[1:]))]


class Random:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def layer(self, rows, columns, mask=None):
        weight = self.random.normal(size=(rows, columns)) / np.sqrt(columns)
        return weight, self.random.normal(size=rows), mask


def test_residual_connections_are_exact():
    for name in networks.CARRIED:
        random = Random(1)
        function = networks.FUNCTIONS[name]
        first, inner, outer, last = (random.layer(*s) for s in ((6, 3), (6, 6), (6, 6), (4, 6)))
        network = networks.Network(3, name, "", "test")
        h = network.start().then(*first)
        units, h = network.layer(h, h)
        units, h = network.layer(units.then(*inner), h)
        values = (h + units.then(*outer)).then(*last)
        _, leaves = networks.dense_leaves("", network, values)
        for x in random.random.normal(size=(20, 3)) * 5:
            state = first[0] @ x + first[1]
            state = state + outer[0] @ function(inner[0] @ function(state) + inner[1]) + outer[1]
            got = run_mlp(leaves, "", function, x)
            np.testing.assert_allclose(got, last[0] @ state + last[1], rtol=1e-12, atol=1e-12, err_msg=name)


def test_residual_connections_past_other_activations_are_refused():
    network = networks.Network(3, "tanh", ".net", "test")
    with pytest.raises(parts.Unsupported, match="`test` at `.net`.*past `tanh`"):
        network.layer(network.start(), network.start())


def masked_network(seed, dim, cond_dim, order, constant=False):
    """A network with masks of its own, in another order of coordinates, with units that see nothing."""
    random = Random(seed)
    place = np.empty(dim, int)
    place[order] = np.arange(dim)
    inputs = np.concatenate([place, np.full(cond_dim, -1)])
    hidden = [random.random.integers(-2 if constant else -1 if cond_dim else 0, dim, size=n) for n in (9, 7)]
    ranks = [inputs, *hidden, np.repeat(place, 2)]
    network = networks.Network(dim + cond_dim, "softplus", "", "test")
    values, plain = network.start(), []
    for i, (below, above) in enumerate(zip(ranks, ranks[1:])):
        mask = above[:, None] > below if i == 2 else above[:, None] >= below
        layer = random.layer(len(above), len(below), mask)
        plain.append(layer)
        values = values.then(*layer)
        if i < 2:
            values, _ = network.layer(values)
    return network, values, plain


def test_masks_of_any_kind_fit_into_those_of_flowc():
    function = networks.FUNCTIONS["softplus"]
    for seed in range(40):
        dim, cond_dim = 1 + seed % 5, (0, 0, 2)[seed % 3]
        order = np.random.default_rng(seed).permutation(dim)
        network, values, plain = masked_network(seed, dim, cond_dim, order, constant=seed % 2 == 1)
        part, found = networks.masked_autoregressive(transformers.formula("f", "a*b*x", "a", "b"), network, values,
                                                     dim, cond_dim)
        depth, field = 2, ".masked_autoregressive_mlp"
        width = part.leaves[f"{field}.layers[0].bias"].shape[0]
        allowed = masks(dim, cond_dim, width, depth, 2 * dim)
        for i, mask in enumerate(allowed):
            weight = part.leaves[f"{field}.layers[{i}].weight.args[1]"]
            assert (weight[~mask] == 0).all(), f"seed {seed}, layer {i}"
        for x in np.random.default_rng(seed).normal(size=(5, dim + cond_dim)):
            want = x
            for i, (weight, bias, mask) in enumerate(plain):
                want = np.where(mask, weight, 0) @ want + bias
                want = function(want) if i < depth else want
            reordered = np.concatenate([x[:dim][found], x[dim:]])
            got = run_mlp(part.leaves, field, function, reordered).reshape(dim, 2)
            np.testing.assert_allclose(got, want.reshape(dim, 2)[found], rtol=1e-12, atol=1e-12, err_msg=seed)


def test_networks_that_are_not_autoregressive_are_refused():
    network = networks.Network(2, "relu", ".hyper", "test")
    values = network.start().then(*Random(1).layer(2, 2))
    with pytest.raises(parts.Unsupported, match="not autoregressive"):
        networks.masked_autoregressive(transformers.shift(), network, values, 2, 0)


def test_equal_layers_become_a_scan():
    layers = [parts.call("loc", {".loc": np.full(2, float(i))}, loc="zeros(2)") for i in range(4)]
    flips = parts.Part("flip([2])")
    one = parts.chain(layers)
    assert one.text == "scan(bijection = loc(loc = zeros(2)), layers = 4)"
    np.testing.assert_array_equal(one.leaves[".bijection.loc"][:, 0], [0, 1, 2, 3])
    two = parts.chain([layers[0], flips, layers[1], flips])
    assert two.leaves[".bijection.bijections[0].loc"].shape == (2, 2)
    uneven = parts.chain([layers[0], flips, layers[1]])
    assert uneven.text.startswith("chain(")
