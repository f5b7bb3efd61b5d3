"""Models compute what the tool computes."""

import copy
import math
import os
import pickle
import subprocess

import numpy
import pytest

import flowc

TEXT = "flow f = coupling_flow(standard_normal([3]), cond_dim = 2, nn_width = 8, flow_layers = 2)"


@pytest.fixture(params=["float32", "float64"])
def model(request):
    return flowc.Model(TEXT, dtype=request.param, seed=3)


def rows(count, dim=3, seed=0):
    return numpy.random.default_rng(seed).normal(size=(count, dim))


def test_normal_densities_are_exact():
    model = flowc.Model(flowc.normal([1.0, -2.0], [2.0, 0.5]), dtype="float64")
    x = rows(100, 2)
    z = (x - [1, -2]) / [2, 0.5]
    expected = -0.5 * (z**2).sum(1) - math.log(2 * math.pi)
    assert numpy.abs(model.log_prob(x) - expected).max() < 1e-12
    assert model.score(x) == pytest.approx(-z / [2, 0.5], abs=1e-12)


def test_parts_agree(model):
    close = {"float32": 2e-4, "float64": 1e-10}[model.dtype]
    c = rows(50, 2, 1)
    x, log_prob = model.sample_and_log_prob(50, seed=4, condition=c)
    assert x.dtype == model.dtype and x.shape == (50, 3) and log_prob.shape == (50,)
    assert (model.sample(50, seed=4, condition=c) == x).all()
    assert numpy.abs(model.log_prob(x, c) - log_prob).max() < close
    z, log_det = model.inverse(x, c)
    y, back = model.transform(z, c)
    assert numpy.abs(y - x).max() < close and numpy.abs(log_det + back).max() < close
    assert numpy.abs(model.to_base(x, c) - z).max() < close
    assert numpy.abs(model.push(z, c)[1] - log_prob).max() < close


def test_draws_are_those_of_a_stream(model):
    c = rows(1, 2)
    whole = model.sample(100, seed=1, condition=c)
    assert (model.sample(30, seed=1, first=70, condition=c) == whole[70:]).all()
    assert (model.sample(3, seed=1, first=2**40, condition=c) != whole[:3]).any()


def test_any_axes_before_those_of_an_event(model):
    x, c = rows(24), rows(24, 2, 1)
    flat = model.log_prob(x, c)
    assert (model.log_prob(x.reshape(2, 3, 4, 3), c.reshape(2, 3, 4, 2)) == flat.reshape(2, 3, 4)).all()
    assert model.log_prob(x[5], c[5]).shape == () and model.log_prob(x[5], c[5]) == flat[5]
    assert (model.log_prob(x, c[0]) == model.log_prob(x, numpy.tile(c[0], (24, 1)))).all()
    scalar = flowc.Model(flowc.normal())
    assert scalar.log_prob(0.5).shape == () and scalar.log_prob([[0.5, 1]]).shape == (1, 2)
    matrix = flowc.Model(flowc.standard_normal([2, 3]))
    assert matrix.log_prob(numpy.zeros((5, 2, 3))).shape == (5,) and matrix.sample(4).shape == (4, 2, 3)


def test_the_tool_reads_models(model, tmp_path):
    path = tmp_path / "m.safetensors"
    model.save(path)
    x, c = rows(20), rows(20, 2, 1)
    numpy.save(tmp_path / "x.npy", x)
    numpy.save(tmp_path / "c.npy", c)
    tool = os.path.join(os.environ["FLOWC_BUILD"], "bin", "flowc")
    output = subprocess.run(
        [tool, "log-prob", path, tmp_path / "x.npy", "--condition", tmp_path / "c.npy"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    numbers = numpy.array([float(line) for line in output.split()[1:]])
    assert numbers == pytest.approx(model.log_prob(x, c), rel=1e-6)
    again = flowc.load(path)
    assert again.dtype == model.dtype and again.flow.text == TEXT
    assert (again.log_prob(x, c) == model.log_prob(x, c)).all()


def test_copies_and_pickles(model):
    x, c = rows(5), rows(5, 2, 1)
    for other in (model.copy(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert (other.log_prob(x, c) == model.log_prob(x, c)).all()
        name = other.parameters.trainable()[0]
        other.parameters[name] = other.parameters[name] + 1
        assert (other.parameters[name] != model.parameters[name]).all()
    assert (flowc.Model(TEXT, seed=5).log_prob(x, c) != flowc.Model(TEXT, seed=6).log_prob(x, c)).any()
    assert model.astype("float64").astype(model.dtype).log_prob(x, c) == pytest.approx(model.log_prob(x, c))
    assert pickle.loads(pickle.dumps(model.flow)).text == TEXT
    expression = flowc.normal([1, 2], 3)
    assert pickle.loads(pickle.dumps(expression)) == expression


def test_parameters_are_a_mapping():
    model = flowc.Model("flow f = transformed(normal(zeros(3), ones(3)), permute([2, 0, 1]))", dtype="float64")
    names = list(model.parameters)
    loc = next(name for name in names if name.endswith("loc"))
    assert model.parameters[loc].tolist() == [0, 0, 0] and len(model.parameters) == len(names)
    model.parameters[loc] = [1, 2, 3.5]
    assert model.parameters[loc].tolist() == [1, 2, 3.5]
    permutations = [name for name in names if model.parameters[name].dtype == numpy.int64]
    assert len(permutations) == 2 and not model.parameters.is_trainable(permutations[0])
    with pytest.raises(flowc.FlowError):
        model.parameters[permutations[0]] = [0, 1, 2]  # not without its inverse
    model.parameters.update({name: [0, 1, 2] for name in permutations})
    assert model.log_prob([1, 2, 3.5]) == pytest.approx(-1.5 * math.log(2 * math.pi))
    with pytest.raises(KeyError, match="did you mean"):
        model.parameters[loc + "x"]
    with pytest.raises(flowc.FlowError, match="shape"):
        model.parameters[loc] = [1, 2]
    with pytest.raises(flowc.FlowError, match="finite"):
        model.parameters[loc] = [1, numpy.nan, 2]
    with pytest.raises(ValueError, match="read-only"):
        model.parameters[loc][0] = 1
    with pytest.raises(TypeError):
        del model.parameters[loc]
    assert model.parameters[loc].tolist() == [1, 2, 3.5]
    assert "3 parameters" in repr(model.parameters) or "parameters" in repr(model.parameters)


def test_gradients_are_derivatives():
    model = flowc.Model(TEXT, dtype="float64", seed=2)
    x, c = rows(30), rows(30, 2, 1)
    loss, gradient = model.value_and_grad(x, c)
    assert loss == pytest.approx(-model.log_prob(x, c).mean())
    assert list(gradient) == model.parameters.trainable()
    cotangent = rows(30, 1, 5)[:, 0]
    pulled, inputs, conditions = model.log_prob_vjp(x, cotangent, c)
    step = 1e-6
    for name in (list(gradient)[0], list(gradient)[-1]):
        values = model.parameters[name]
        direction = numpy.random.default_rng(3).normal(size=values.shape)
        sides = []
        for sign in (1, -1):
            model.parameters[name] = values + sign * step * direction
            sides.append(model.log_prob(x, c))
        model.parameters[name] = values
        slope = (sides[0] - sides[1]) / (2 * step)
        assert (gradient[name] * direction).sum() == pytest.approx(-slope.mean(), abs=1e-6)
        assert (pulled[name] * direction).sum() == pytest.approx((slope * cotangent).sum(), abs=1e-5)
    assert inputs == pytest.approx(model.score(x, c) * cotangent[:, None], abs=1e-10)
    assert conditions.shape == c.shape


def test_pull_backs_of_transform_and_push_agree_with_differences():
    model = flowc.Model("flow f = coupling_flow(normal(zeros(3), ones(3)), nn_width = 8)", dtype="float64", seed=2)
    z, cot_y, cot = rows(20), rows(20, 3, 1), rows(20, 1, 2)[:, 0]
    step = 1e-6
    for function, pull_back in ((model.transform, model.transform_vjp), (model.push, model.push_vjp)):
        _, inputs, none = pull_back(z, cot_y, cot)
        assert none is None
        direction = rows(20, 3, 3)
        high, low = (function(z + sign * step * direction) for sign in (1, -1))
        slope = ((high[0] - low[0]) * cot_y).sum(1) + (high[1] - low[1]) * cot
        assert (inputs * direction).sum(1) == pytest.approx(slope / (2 * step), abs=1e-5)


def test_repr_prints_flow_and_size(model):
    assert repr(model).startswith("flow f = coupling_flow(") and "trainable parameters, " + model.dtype in repr(model)
