# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# needs flowjax
"""Models as functions of JAX: values are the model's, derivatives those that JAX has of FlowJAX's own."""

import concurrent.futures
import gc
import os

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # programs run once
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flowjax import bijections as bij
from flowjax import distributions as dist
from flowjax import flows

import flowc
import flowc.jax as fj

jax.config.update("jax_enable_x64", True)
KEY = jax.random.key(0)
TEXT = "flow f = coupling_flow(standard_normal([3]), cond_dim = 2, nn_width = 8, flow_layers = 2)"


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def spline():
    return bij.RationalQuadraticSpline(knots=5, interval=4)


OBJECTS = {
    "coupling": lambda: flows.coupling_flow(
        KEY, base_dist=dist.Normal(jnp.ones(3)), cond_dim=2, flow_layers=2, nn_width=8),
    "splines": lambda: flows.masked_autoregressive_flow(
        KEY, base_dist=dist.Normal(jnp.zeros(3)), transformer=spline(), flow_layers=2, nn_width=8, invert=False),
}


@pytest.fixture(scope="module", params=OBJECTS)
def trained(request):
    """A flow of FlowJAX with other numbers, its model, rows and conditions."""
    random = np.random.default_rng(3)
    tree = jax.tree_util.tree_map(
        lambda a: a + 0.1 * random.normal(size=a.shape) if eqx.is_inexact_array(a) else a, OBJECTS[request.param]())
    condition = None if tree.cond_shape is None else normal(12, *tree.cond_shape, seed=5)
    return tree, flowc.from_flowjax(tree), normal(12, 3, seed=4), condition


@pytest.fixture(scope="module")
def model():
    return flowc.Model(TEXT, seed=3)


def by_name(tree):
    """The numbers of a tree of FlowJAX under the names that a model has for them."""
    leaves = jax.tree_util.tree_flatten_with_path(eqx.filter(tree, eqx.is_inexact_array))[0]
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}


def compare_gradients(ours, theirs, model):
    theirs = (by_name(theirs[0]), *theirs[1:])
    np.testing.assert_equal(sorted(ours[0]), sorted(model.parameters.trainable()))
    for name, value in ours[0].items():
        np.testing.assert_allclose(value, theirs[0][name], rtol=1e-7, atol=1e-9, err_msg=name)
    for mine, other in zip(ours[1:], theirs[1:], strict=True):
        if mine is not None:
            np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-9)


def gradients(function, of, condition, *rest):
    """By all that a sum of results is computed from."""
    arguments = (0, 1) if condition is None else (0, 1, 2)
    inexact, static = eqx.partition(of, eqx.is_inexact_array)
    found = jax.jit(jax.grad(lambda p, x, c: function(eqx.combine(p, static), x, c), argnums=arguments))(
        inexact, *rest, condition)
    return found if len(found) == 3 else (*found, None)


def weights(*shape):
    return jnp.cos(jnp.arange(np.prod(shape))).reshape(shape)


def weighed(results):
    return sum((weights(*result.shape) * result).sum() for result in results)


def test_log_prob(trained):
    tree, model, x, condition = trained
    np.testing.assert_allclose(fj.log_prob(model, x, condition), tree.log_prob(x, condition), rtol=1e-10)
    ours = gradients(lambda p, x, c: weighed([fj.log_prob(model, x, c, parameters=p)]), fj.parameters(model), condition, x)
    theirs = gradients(lambda tree, x, c: weighed([tree.log_prob(x, c)]), tree, condition, x)
    compare_gradients(ours, theirs, model)


@pytest.mark.parametrize("way", ["transform", "inverse"])
def test_bijections(trained, way):
    tree, model, x, condition = trained
    ours = gradients(lambda p, x, c: weighed(getattr(fj, way)(model, x, c, parameters=p)), fj.parameters(model), condition, x)

    def of_flowjax(tree, x, c):
        run = jax.vmap(getattr(tree.bijection, f"{way}_and_log_det"), in_axes=(0, None if c is None else 0))
        return weighed(run(x, c))

    y, log_det = getattr(fj, way)(model, x, condition)
    np.testing.assert_allclose(weighed([y, log_det]), of_flowjax(tree, x, condition), rtol=1e-9)
    theirs = gradients(of_flowjax, tree, condition, x)
    for name in by_name(tree.base_dist):
        ours[0].pop(f".base_dist{name}", None)  # a bijection alone has none
    theirs = (theirs[0], *theirs[1:])
    names = by_name(theirs[0])
    for name, value in ours[0].items():
        np.testing.assert_allclose(value, names[name], rtol=1e-6, atol=1e-8, err_msg=name)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6, atol=1e-8)
    if condition is not None:
        np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-6, atol=1e-8)


def test_draws(trained):
    """The same draws of the base through FlowJAX's bijection."""
    tree, model, _, condition = trained
    condition = None if condition is None else condition[:7]
    x, log_prob = fj.sample_and_log_prob(model, 5, 7, first=3, condition=condition)
    expected = model.sample_and_log_prob(7, seed=5, first=3, condition=condition)
    assert (x == expected[0]).all() and (log_prob == expected[1]).all()
    assert (fj.sample(model, 5, 7, first=3, condition=condition) == x).all()
    # (Draws of the base follow its parameters: what stays is their place in a standard normal one.)
    place = model.to_base(x, condition)

    def of_flowjax(tree, place, c):
        z = tree.base_dist.loc + tree.base_dist.scale * place
        y, log_det = jax.vmap(tree.bijection.transform_and_log_det, in_axes=(0, None if c is None else 0))(z, c)
        return weighed([y, tree.base_dist.log_prob(z) - log_det])

    def of_flowc(p, _, c):
        return weighed(fj.sample_and_log_prob(model, 5, 7, first=3, condition=c, parameters=p))

    ours = gradients(of_flowc, fj.parameters(model), condition, place)
    theirs = gradients(of_flowjax, tree, condition, place)
    compare_gradients((ours[0], None, ours[2]), theirs, model)

    def alone(p):
        return weighed([fj.sample(model, 5, 7, first=3, condition=condition, parameters=p)])

    def together(p):
        return weighed(fj.sample_and_log_prob(model, 5, 7, first=3, condition=condition, parameters=p)[:1])

    for one, other in zip(*(jax.tree_util.tree_leaves(jax.grad(f)(fj.parameters(model))) for f in (alone, together)), strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_are_the_models(dtype):
    model = flowc.Model(TEXT, seed=3, dtype=dtype)
    x, c = normal(2, 3, 3), normal(2, 3, 2, seed=1)
    assert fj.log_prob(model, x, c).dtype == dtype
    for name in ("log_prob", "transform", "inverse", "push"):
        ours, expected = getattr(fj, name)(model, x, c), getattr(model, name)(x, c)
        for one, other in zip(jax.tree_util.tree_leaves(ours), jax.tree_util.tree_leaves(expected), strict=True):
            assert one.shape == other.shape and (np.asarray(one) == other).all()
    assert (np.asarray(fj.log_prob(model, x, c[0, 0])) == model.log_prob(x, c[0, 0])).all()
    assert fj.log_prob(model, x[0, 0], c[0, 0]).shape == () and fj.log_prob(model, x[:0], c[:0]).shape == (0, 3)
    assert fj.sample(model, 1, 0, condition=c[0, 0]).shape == (0, 3)
    draws = [fj.sample(model, jax.random.key(seed), 4, condition=c[0, 0]) for seed in (0, 0, 1)]
    assert (draws[0] == draws[1]).all() and (draws[0] != draws[2]).any()


def test_push_and_empty_rows(model):
    z, c = jnp.asarray(normal(5, 3), "float32"), jnp.asarray(normal(5, 2, seed=1), "float32")
    found = jax.grad(lambda z: weighed(fj.push(model, z, c)))(z)
    expected = model.push_vjp(z, weights(5, 3).astype("f"), weights(5).astype("f"), c)[1]
    assert (found == expected).all()
    empty = jax.grad(lambda p: fj.log_prob(model, z[:0], c[:0], parameters=p).sum())(fj.parameters(model))
    assert all((value == 0).all() for value in empty.values())


def test_vmap(model):
    x, c = jnp.asarray(normal(4, 5, 3), "float32"), jnp.asarray(normal(4, 5, 2, seed=1), "float32")
    expected = model.log_prob(x, c)

    def one(x, c):
        return fj.log_prob(model, x, c)

    assert (jax.vmap(one)(x, c) == expected).all()
    assert (jax.jit(jax.vmap(jax.vmap(one)))(x, c) == expected).all()
    assert (jax.vmap(one, in_axes=(1, 1), out_axes=1)(x, c) == expected).all()
    assert (jax.vmap(jax.vmap(one, in_axes=(0, None)))(x, c[:, 0]) == model.log_prob(x, jnp.repeat(c[:, :1], 5, 1))).all()
    slopes = jax.vmap(jax.vmap(jax.grad(one)))(x, c)
    np.testing.assert_allclose(slopes, model.score(x, c), rtol=1e-5, atol=1e-6)
    streams = jax.vmap(lambda key: fj.sample(model, key, 2, condition=c[0, 0]))(jax.random.split(KEY, 3))
    assert (streams[1] == fj.sample(model, jax.random.split(KEY, 3)[1], 2, condition=c[0, 0])).all()
    assert jax.vmap(lambda c: fj.sample(model, 1, 2, condition=c))(c[0]).shape == (5, 2, 3)


def test_vmap_over_parameters_and_their_gradients(model):
    x, c = jnp.asarray(normal(5, 3), "float32"), jnp.asarray(normal(5, 2, seed=1), "float32")
    models = [model.copy() for _ in range(3)]
    for i, each in enumerate(models):
        each.parameters.update({name: i + each.parameters[name] for name in each.parameters.trainable()})
    stacked = jax.tree_util.tree_map(lambda *values: jnp.stack(values), *map(fj.parameters, models))
    found = jax.jit(jax.vmap(lambda p: fj.log_prob(model, x, c, parameters=p)))(stacked)
    assert (found == np.stack([each.log_prob(x, c) for each in models])).all()
    of_rows = jax.vmap(jax.grad(lambda p, x, c: fj.log_prob(model, x, c, parameters=p)), in_axes=(None, 0, 0))
    each = of_rows(fj.parameters(model), x, c)
    whole = model.log_prob_vjp(x, np.ones(5, "f"), c)[0]
    for name, values in each.items():
        np.testing.assert_allclose(values.sum(0), whole[name], rtol=1e-4, atol=1e-5)


def test_training_with_optax():
    model = flowc.Model(flowc.coupling_flow(flowc.standard_normal([2]), nn_width=16, flow_layers=2))
    x = jnp.asarray(normal(500, 2) * [1, 0.5] + [2, -1], "float32")
    optimizer = optax.adam(1e-2)
    parameters = fj.parameters(model)
    state = optimizer.init(parameters)

    @jax.jit
    def step(parameters, state):
        loss, slope = jax.value_and_grad(lambda p: -fj.log_prob(model, x, parameters=p).mean())(parameters)
        change, state = optimizer.update(slope, state)
        return optax.apply_updates(parameters, change), state, loss

    losses = []
    for _ in range(60):
        parameters, state, loss = step(parameters, state)
        losses.append(float(loss))
    assert losses[-1] < losses[0] - 1
    before = model.log_prob(x).mean()
    model.parameters.update(parameters)
    assert -model.log_prob(x).mean() < -before - 1
    assert (fj.log_prob(model, x) == model.log_prob(x)).all()


def test_some_parameters_and_those_that_are_not_finite(model):
    x, c = normal(5, 3), normal(5, 2, seed=1)
    name = model.parameters.trainable()[0]
    moved = model.copy()
    moved.parameters[name] = moved.parameters[name] + 1
    assert (fj.log_prob(model, x, c, parameters={name: moved.parameters[name]}) == moved.log_prob(x, c)).all()
    bad = jnp.full(model.parameters.shape(name), jnp.nan, "float32")
    assert jnp.isnan(fj.log_prob(model, x, c, parameters={name: bad})).all()
    slope = jax.grad(lambda p: fj.log_prob(model, x, c, parameters=p).sum())({name: bad})
    assert jnp.isnan(slope[name]).all()
    assert (fj.log_prob(model, x, c) == model.log_prob(x, c)).all()


def test_permutations_and_frozen_numbers_come_along():
    text = "flow f = transformed(normal(zeros(3), ones(3)), chain([permute([2, 0, 1]), non_trainable(affine([1, 2, 3]))]))"
    model = flowc.Model(text, dtype="float64")
    x = normal(5, 3)
    np.testing.assert_array_equal(fj.log_prob(model, x), model.log_prob(x))
    frozen = next(n for n in model.parameters if not model.parameters.is_trainable(n) and "loc" in n)
    model.parameters[frozen] = [3.0, -2.0, 1.0]
    np.testing.assert_array_equal(fj.log_prob(model, x), model.log_prob(x))
    with pytest.raises(flowc.FlowError, match="is not trained"):
        fj.log_prob(model, x, parameters={frozen: jnp.zeros(3)})


def test_a_bijection_alone():
    model = flowc.Model("bijection b = affine([1, 2], [3, 4])", dtype="float64")
    y, log_det = fj.transform(model, [[1.0, 1.0]])
    assert y.tolist() == [[4, 6]] and log_det == pytest.approx(np.log(12))
    assert jax.grad(lambda x: fj.inverse(model, x)[0].sum())(jnp.ones(2)) == pytest.approx([1 / 3, 1 / 4])


def test_programs_outlive_models_and_are_used_in_threads():
    programs = []
    x = normal(50, 2).astype("f")
    for i in range(80):  # (More than flowc keeps at hand.)
        model = flowc.Model(f"flow f{i} = normal([{i}.0, 0.0], [1.0, 1.0])")
        programs.append(jax.jit(lambda x, model=model: fj.log_prob(model, x)).lower(x).compile())
    del model
    gc.collect()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for i, found in [(i, pool.submit(programs[i], x)) for _ in range(3) for i in range(80)]:
            expected = -0.5 * ((x[:, 0] - i) ** 2 + x[:, 1] ** 2) - np.log(2 * np.pi)
            np.testing.assert_allclose(found.result(), expected, rtol=1e-4)


def test_wrong_calls_say_what_is_wrong(model):
    x, c = normal(5, 3), normal(5, 2)
    wrong = {
        r"'x' has shape \(5, 2\), expected shape \(..., 3\)": lambda: fj.log_prob(model, c, c),
        "'condition' is missing": lambda: fj.log_prob(model, x),
        "'condition' has 4 rows, expected 5": lambda: fj.log_prob(model, x, c[:4]),
        "is none of the model's": lambda: fj.log_prob(model, x, c, parameters={"loc": 1.0}),
        "has shape": lambda: fj.log_prob(model, x, c, parameters={model.parameters.trainable()[0]: jnp.zeros(99)}),
        "expected arrays by name": lambda: fj.log_prob(model, x, c, parameters=[1]),
        "'n' is -1": lambda: fj.sample(model, 0, -1, condition=c[0]),
    }
    for message, call in wrong.items():
        with pytest.raises(flowc.FlowError, match=message):
            call()
    bijection = flowc.Model("bijection b = affine([1, 2], [3, 4])")
    with pytest.raises(flowc.FlowError, match="is a bijection, which has no log_prob"):
        fj.log_prob(bijection, [[1.0, 2.0]])


def test_float64_needs_the_switch():
    model = flowc.Model(TEXT, dtype="float64")
    with jax.enable_x64(False), pytest.raises(flowc.FlowError, match="jax_enable_x64"):
        fj.log_prob(model, normal(5, 3), normal(5, 2))
