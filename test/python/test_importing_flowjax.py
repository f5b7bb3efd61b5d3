# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# needs flowjax
"""Live objects of FlowJAX become models with equal values, and models FlowJAX's objects."""

import os

import numpy as np
import pytest

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # programs run once
jax = pytest.importorskip("jax")
pytest.importorskip("flowjax", reason="FlowJAX is not installed")
jax.config.update("jax_enable_x64", True)

import equinox as eqx  # noqa: E402
import flowc  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import jax.random as jr  # noqa: E402
import paramax  # noqa: E402
from flowjax import bijections as bij  # noqa: E402
from flowjax import distributions as dist  # noqa: E402
from flowjax import flows  # noqa: E402

KEY = jr.key(1)
NORMAL = dist.StandardNormal((3,))


def spline(**named):
    return bij.RationalQuadraticSpline(**({"knots": 4, "interval": 3} | named))


def frozen(tree, where):
    return eqx.tree_at(where, tree, replace_fn=paramax.NonTrainable)


def scale_of_exp():
    """An affine map whose scale is wrapped in a way of one's own."""
    wrapper = paramax.Parameterize(jnp.exp, jnp.array([0.3, -0.2, 0.1]))
    return eqx.tree_at(lambda a: a.scale, bij.Affine(jnp.zeros(3)), wrapper)


def trained_transformer():
    """A transformer whose start values are none that the language can write."""
    b = bij.Chain([bij.Affine(0.3, 1.7), spline()])
    return eqx.tree_at(lambda c: c.bijections[1].x_pos.arr, b, jnp.linspace(-1, 1, 5))


def coupling(transformer, **named):
    return bij.Coupling(KEY, transformer=transformer, untransformed_dim=1, dim=3, nn_width=7, nn_depth=1, **named)


LAYERS = eqx.filter_vmap(lambda k: bij.Chain([coupling(spline()), bij.Permute(jr.permutation(k, 3))]))
OBJECTS = {
    "coupling": lambda: flows.coupling_flow(KEY, base_dist=NORMAL, flow_layers=2, nn_width=8),
    "coupling, splines, condition": lambda: flows.coupling_flow(
        KEY, base_dist=dist.Normal(jnp.zeros(3)), transformer=spline(), cond_dim=2, flow_layers=2, nn_width=8),
    "autoregressive": lambda: flows.masked_autoregressive_flow(
        KEY, base_dist=NORMAL, flow_layers=2, nn_width=8, nn_activation=jax.nn.silu),
    "block": lambda: flows.block_neural_autoregressive_flow(KEY, base_dist=NORMAL, nn_block_dim=3),
    "planar": lambda: flows.planar_flow(KEY, base_dist=NORMAL, flow_layers=2),
    "triangular": lambda: flows.triangular_spline_flow(KEY, base_dist=NORMAL, flow_layers=1, cond_dim=1),
    "scan": lambda: dist.Transformed(NORMAL, bij.Scan(LAYERS(jr.split(KEY, 3)))),
    "a transformer with start values": lambda: dist.Transformed(NORMAL, coupling(trained_transformer())),
    "frozen arrays": lambda: dist.Transformed(NORMAL, paramax.non_trainable(bij.Affine(jnp.ones(3), 2))),
    "half frozen": lambda: dist.Transformed(NORMAL, frozen(bij.Affine(jnp.ones(3), 2), lambda a: a.loc)),
    "a wrapper of one's own": lambda: dist.Transformed(NORMAL, scale_of_exp()),
    "mixture": lambda: dist.VmapMixture(eqx.filter_vmap(dist.Gumbel)(jnp.arange(6.0).reshape(2, 3)), jnp.ones(2)),
    "parts": lambda: dist.Transformed(NORMAL, bij.Concatenate([
        bij.Indexed(bij.Affine(jnp.ones(1)), jnp.array([1]), (2,)), bij.Reshape(bij.LeakyTanh(2), (1,))])),
    "vmap": lambda: dist.Transformed(NORMAL, bij.Vmap(eqx.filter_vmap(lambda x: bij.Affine(x))(jnp.arange(3.0)),
                                                      in_axes=eqx.if_array(0))),
    "multivariate normal": lambda: dist.MultivariateNormal(jnp.ones(3), jnp.eye(3) + 0.3),
    "student": lambda: dist.StudentT(jnp.array([2.0, 3.0, 4.0]), 1.0, 2.0),
    "uniform": lambda: dist.Uniform(jnp.full(3, -4.0), jnp.full(3, 5.0)),
}


def moved(tree, scale=0.1):
    random = np.random.default_rng(3)
    return jax.tree_util.tree_map(
        lambda a: jnp.asarray(np.asarray(a) + scale * random.normal(size=a.shape)) if eqx.is_inexact_array(a) else a,
        tree)


def rows(tree):
    random = np.random.default_rng(4)
    condition = None if tree.cond_shape is None else random.normal(size=(20, *tree.cond_shape))
    return random.normal(size=(20, *tree.shape)), condition


@eqx.filter_jit
def scores(tree, x, condition):
    return tree.log_prob(x, condition)


@pytest.mark.parametrize("name", OBJECTS)
def test_values_are_equal_there_and_back(name):
    tree = moved(OBJECTS[name]())
    model = flowc.from_flowjax(tree)
    assert model.dtype == "float64"
    x, condition = rows(tree)
    want = np.asarray(scores(tree, x, condition))
    got = model.log_prob(x) if condition is None else model.log_prob(x, condition)
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)
    again = flowc.to_flowjax(model)
    np.testing.assert_allclose(np.asarray(scores(again, x, condition)), want, rtol=1e-10, atol=1e-10)


def test_a_bijection_alone():
    tree = moved(bij.Chain([coupling(spline()), bij.TriangularAffine(jnp.zeros(3), jnp.eye(3))]))
    model = flowc.from_flowjax(tree)
    x, _ = rows(tree)
    y, log_det = model.transform(x)
    want = eqx.filter_jit(jax.vmap(tree.transform_and_log_det))(x)
    np.testing.assert_allclose(y, want[0], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(log_det, want[1], rtol=1e-10, atol=1e-10)


def test_a_frozen_object():
    """(FlowJAX cannot compile it.)"""
    parts = [paramax.NonTrainable(bij.Affine(jnp.ones(3), 2)), bij.Loc(jnp.zeros(3))]
    tree = dist.Transformed(NORMAL, bij.Chain(parts))
    model = flowc.from_flowjax(tree)
    assert list(model.parameters.trainable()) == [".bijection.bijections[1].loc"]
    x = np.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(model.log_prob(x), float(tree.log_prob(jnp.asarray(x))), rtol=1e-10)


def test_numbers_keep_their_names_and_what_is_frozen_stays_so():
    model = flowc.from_flowjax(dist.Transformed(NORMAL, frozen(bij.Affine(jnp.ones(3), 2), lambda a: a.loc)))
    assert list(model.parameters.trainable()) == [".bijection.bijections[0].scale.args[0]"]
    model = flowc.from_flowjax(flows.coupling_flow(KEY, base_dist=NORMAL, transformer=spline(), flow_layers=2))
    names = [n for n in model.parameters if n.endswith("layers[0].weight")]
    assert names == [".bijection.bijection.bijection.bijections[0].conditioner.layers[0].weight"]


def test_float32():
    tree = jax.tree_util.tree_map(lambda a: a.astype(jnp.float32) if eqx.is_inexact_array(a) else a,
                                  moved(OBJECTS["coupling"]()))
    model = flowc.from_flowjax(tree)
    assert model.dtype == "float32"
    x = rows(tree)[0].astype(np.float32)
    np.testing.assert_allclose(model.log_prob(x), np.asarray(scores(tree, x, None)), rtol=1e-4, atol=1e-4)


class Mine(bij.Affine):
    """A class that flowc does not know, whatever it is derived from."""


NEGATIVE = eqx.tree_at(lambda a: a.scale, bij.Affine(jnp.zeros(3)), jnp.array([1.0, -1.0, 2.0]))
REFUSED = {
    r"`Mine` at `.bijection.bijections\[1\]`": lambda: bij.Chain([bij.Exp((3,)), Mine(jnp.zeros(3))]),
    "`Affine` at `.bijection` cannot be imported: a scale that is not positive": lambda: NEGATIVE,
    "`Coupling` at `.bijection` .*the activation": lambda: coupling(bij.Affine(), nn_activation=lambda x: x),
    "`TriangularAffine` at `.bijection` .*some of its numbers are frozen": lambda: frozen(
        bij.TriangularAffine(jnp.zeros(3), jnp.eye(3)), lambda t: t.loc),
    "`Vmap` at `.bijection` .*`in_axes`": lambda: bij.Vmap(
        eqx.tree_at(lambda a: a.loc, bij.Affine(), jnp.zeros(3)), in_axes=lambda leaf: 0 if jnp.ndim(leaf) else None),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_flowc_has_not_is_refused_with_its_place(message):
    with pytest.raises(ValueError, match=message):
        flowc.from_flowjax(dist.Transformed(NORMAL, REFUSED[message]()))


@pytest.mark.parametrize("text", [
    "flow f = transformed(standard_normal([3]), ordered(3))",
    "bijection cubic(x; a = positive(1)) = a*x^3 + x\nflow f = transformed(standard_normal([3]), cubic(shape = [3]))",
])
def test_what_flowjax_has_not_is_refused(text):
    with pytest.raises(ValueError, match="FlowJAX has nothing of this kind"):
        flowc.to_flowjax(flowc.Model(text, dtype="float64"))


def test_a_model_that_was_trained_in_units_of_data():
    x = np.exp(np.random.default_rng(5).normal(size=(400, 2)) * [1, 2] + [3, 4])
    flow = "flow f = transformed(coupling_flow(standard_normal([2]), nn_width = 8, flow_layers = 2), exp([2]))"
    model = flowc.train(flow, x, max_epochs=2, progress=False, dtype="float64")
    tree = flowc.to_flowjax(model)
    np.testing.assert_allclose(np.asarray(scores(tree, x[:20], None)), model.log_prob(x[:20]), rtol=1e-10)
