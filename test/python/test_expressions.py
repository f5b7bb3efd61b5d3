"""Constructors make texts of the language."""

import inspect

import numpy
import pytest

import flowc


def test_signatures_are_those_of_the_language():
    parameters = inspect.signature(flowc.coupling_flow).parameters
    assert list(parameters) == [
        "base_dist", "transformer", "cond_dim", "flow_layers", "nn_width", "nn_depth", "nn_activation", "invert",
    ]  # fmt: skip
    defaults = [parameters[name].default for name in parameters][1:]
    assert defaults == [None, None, 8, 50, 1, "relu", True]
    assert "permutation" in flowc.coupling_flow.__doc__
    assert flowc.standard_normal().text == "standard_normal()"


def test_every_constructor_has_a_function_with_documentation():
    names = [name for name, _, _ in flowc._core.describe_constructors()]
    assert len(names) > 60
    for name in names:
        assert getattr(flowc, name).__doc__


def test_only_what_differs_is_written():
    text = flowc.coupling_flow(base_dist=flowc.standard_normal([7]), nn_width=64, nn_depth=1).text
    assert text == "coupling_flow(standard_normal([7]), nn_width = 64)"


def test_arguments_behind_one_that_is_left_out_are_named():
    text = flowc.coupling(flowc.affine(), 1, 3, nn_width=4, nn_depth=1).text
    assert text == "coupling(affine(), 1, 3, nn_width = 4, nn_depth = 1)"
    assert flowc.parse(flowc.coupling(flowc.affine(), 1, 3, nn_width=4, nn_depth=1)).kind == "bijection"


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "none"),
        (True, "true"),
        (numpy.bool_(False), "false"),
        (3, "3"),
        (numpy.int64(3), "3"),
        (0.1, "0.1"),
        (numpy.float32(0.5), "0.5"),
        (1e-30, "1e-30"),
        ("relu", "relu"),
        ((2, 3), "[2, 3]"),
        (range(3), "[0, 1, 2]"),
        (numpy.array([[1.0, 2.0], [3.0, 4.5]]), "[[1.0, 2.0], [3.0, 4.5]]"),
        (numpy.array([True, False]), "[true, false]"),
        (slice(1, None, 2), "slice(1, none, 2)"),
        ([flowc.exp(), flowc.tanh()], "[exp(), tanh()]"),
        (flowc.tanh, "tanh"),
    ],
)
def test_values(value, text):
    assert flowc._expression.write(value) == text


@pytest.mark.parametrize("value", [object(), float("nan"), [1.0, float("inf")], "not a name", {}, len])
def test_what_the_language_has_not_is_refused(value):
    with pytest.raises(flowc.FlowError):
        flowc.affine(value)


def test_keywords_of_python():
    assert flowc.linear(in_=2, out=3).text == "linear(2, 3)"


def test_numbers_come_through_exactly():
    loc = numpy.random.default_rng(1).normal(size=5) * 1e7
    model = flowc.Model(flowc.normal(loc, numpy.ones(5)), dtype="float64")
    assert (model.parameters[".bijection.loc"] == loc).all()


def test_repr_prints_the_flow():
    flow = flowc.coupling_flow(flowc.standard_normal([7]), flowc.rational_quadratic_spline(8, interval=4), nn_width=64)
    assert repr(flow.text) == repr(str(flow))
    assert repr(flowc.parse(flow)).startswith("flow model = coupling_flow(")
    long = flowc.transformed(flow, flowc.affine(numpy.arange(7), numpy.full(7, 0.125)))
    assert "\n    coupling_flow(" in repr(long)
    assert flowc.parse(f"flow f = {long!r}").shape == (7,)


def test_errors_are_those_of_the_tool():
    with pytest.raises(flowc.FlowError, match="did you mean `coupling_flow`") as caught:
        flowc.Model("flow f = coupling_flw(standard_normal([2]))")
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).startswith("<text>:1:10: error: unknown constructor")
    with pytest.raises(flowc.FlowError, match="needs dim >= 2, found 1"):
        flowc.Model(flowc.coupling_flow(flowc.standard_normal([1])))
    with pytest.raises(TypeError, match="nn_widht"):
        flowc.coupling_flow(flowc.standard_normal([2]), nn_widht=3)
    with pytest.raises(flowc.FlowError, match="NUL"):
        flowc.Model("flow f = standard_normal([2])\0")


def test_bijections_and_densities_are_parsed():
    assert flowc.parse(flowc.exp([2])).kind == "bijection"
    assert flowc.parse("density d(x[2]) = -sum(x^2)").kind == "density"
    assert flowc.parse("flow f = standard_normal([2])\nbijection b = exp()", name="b").shape == ()
