"""Arrays of all kinds are read, and what cannot be read is refused with one clear message."""

import array

import numpy
import pandas
import pytest

import flowc


@pytest.fixture(scope="module", params=["float32", "float64"])
def model(request):
    return flowc.Model(flowc.coupling_flow(flowc.standard_normal([4]), nn_width=8, flow_layers=2), dtype=request.param)


@pytest.fixture
def x(model):
    return numpy.random.default_rng(1).normal(size=(30, 4)).astype(model.dtype)


class DLPackOnly:
    """What other libraries have: memory behind the DLPack protocol, and nothing else."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


def test_numbers_do_not_depend_on_where_they_are(model, x):
    expected = model.log_prob(x)
    other = "float64" if model.dtype == "float32" else "float32"
    read_only = x.copy()
    read_only.flags.writeable = False
    shifted = numpy.frombuffer(b"\0" + x.tobytes(), dtype=x.dtype.newbyteorder("="), offset=1).reshape(x.shape)
    assert not shifted.flags.aligned
    same = {
        "read-only": read_only,
        "Fortran order": numpy.asfortranarray(x),
        "strides": numpy.repeat(x, 2, axis=0)[::2],
        "reversed": x[::-1].copy()[::-1],
        "other byte order": x.astype(x.dtype.newbyteorder()),
        "unaligned": shifted,
        "list": x.tolist(),
        "DLPack": DLPackOnly(x),
        "memoryview": memoryview(x),
        "table": pandas.DataFrame(x),
    }
    for what, values in same.items():
        assert (model.log_prob(values) == expected).all(), what
    assert model.log_prob(x.astype(other)) == pytest.approx(expected, rel=1e-5)
    whole = numpy.arange(8).reshape(2, 4)
    for dtype in ("int8", "uint64", "float16", "bool"):
        values = whole.astype(dtype)
        assert (model.log_prob(values) == model.log_prob(values.astype(model.dtype))).all(), dtype
    assert (model.log_prob(array.array("d", [1, 2, 3, 4])) == model.log_prob([1, 2, 3, 4])).all()


@pytest.mark.parametrize(
    "values, message",
    [
        (None, "'x' is None, expected an array of float.., of shape \\(..., 4\\)"),
        (numpy.zeros((3, 2)), "'x' has shape \\(3, 2\\), expected shape \\(..., 4\\)"),
        (numpy.zeros(()), "'x' has shape \\(\\), expected"),
        ([], "'x' has shape \\(0,\\), expected"),
        (numpy.zeros((3, 4), complex), "'x' is an array of complex128, expected an array of float"),
        (numpy.zeros((3, 4), object), "'x' is an array of objects, expected"),
        ([["a", "b", "c", "d"]], "'x' is an array of <U1, expected"),
        ([[1, 2], [3]], "'x' is a list, expected an array of float.., of shape \\(..., 4\\): "),
        ({"a": 1}, "'x' is an array of objects"),
        (numpy.zeros((3, 4), "datetime64[s]"), "'x' is an array of datetime64"),
    ],
)
def test_what_is_no_array_of_numbers(model, values, message):
    for function in (model.log_prob, model.transform, model.score):
        with pytest.raises(flowc.FlowError, match=message) as caught:
            function(values)
        assert "\n" not in str(caught.value).rstrip()


def test_no_rows(model):
    nothing = numpy.zeros((0, 4))
    assert model.log_prob(nothing).shape == (0,)
    assert model.score(nothing).shape == (0, 4)
    assert model.sample(0).shape == (0, 4)
    assert [part.shape for part in model.transform(numpy.zeros((2, 0, 4)))] == [(2, 0, 4), (2, 0)]


def test_numbers_that_are_not_finite(model, x):
    x[3, 1], x[4, 2] = numpy.nan, numpy.inf
    log_prob = model.log_prob(x)
    assert numpy.isnan(log_prob[3]) and not numpy.isfinite(log_prob[4])
    assert numpy.isfinite(numpy.delete(log_prob, [3, 4])).all()


def test_conditions():
    model = flowc.Model("flow f = coupling_flow(standard_normal([2]), cond_dim = 3, flow_layers = 1)")
    plain = flowc.Model("flow f = standard_normal([2])")
    x, c = numpy.zeros((5, 2)), numpy.ones((5, 3))
    assert (model.log_prob(x, c) == model.log_prob(x, c[0])).all()
    for call, message in [
        (lambda: model.log_prob(x), "'condition' is missing: the flow needs one of shape \\(..., 3\\)"),
        (lambda: model.sample(5), "'condition' is missing"),
        (lambda: model.log_prob(x, c[:4]), "'condition' has 4 rows, expected 5, or one for all"),
        (lambda: model.log_prob(x, c[:, :2]), "'condition' has shape \\(5, 2\\), expected shape \\(..., 3\\)"),
        (lambda: plain.log_prob(x, c), "'condition' is given, but the flow takes none"),
    ]:
        with pytest.raises(flowc.FlowError, match=message):
            call()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n": -1}, "'n' is -1, expected 0 to"),
        ({"n": 1.5}, "'n' is 1.5, expected a whole number"),
        ({"seed": -1}, "'seed' is -1"),
        ({"seed": 2**64}, "'seed' is 18446744073709551616"),
        ({"first": None}, "'first' is None, expected a whole number"),
    ],
)
def test_whole_numbers(model, arguments, message):
    with pytest.raises(flowc.FlowError, match=message):
        model.sample(**arguments)


def test_more_rows_than_memory(model):
    with pytest.raises(MemoryError):
        model.sample(1 << 48)


@pytest.mark.parametrize("dtype", ["int32", "float16", object, "nonsense", None, 3])
def test_element_types(dtype):
    with pytest.raises(flowc.FlowError, match="the element type is .*, expected 'float32' or 'float64'"):
        flowc.Model("flow f = standard_normal([2])", dtype=dtype)
    for good in ("float32", numpy.float64, numpy.dtype("float32"), "<f8", float):
        assert flowc.Model("flow f = standard_normal([2])", dtype=good).dtype in ("float32", "float64")


def test_tables_are_read_by_the_names_of_their_columns(tmp_path):
    rng = numpy.random.default_rng(0)
    table = pandas.DataFrame({"mass": rng.normal(size=200), "size": 1 + rng.random(200)})
    model = flowc.train(flowc.coupling_flow(flowc.standard_normal([2])), table, max_epochs=2, progress=False)
    assert model.columns == ["mass", "size"]
    expected = model.log_prob(table.to_numpy())
    model.save(tmp_path / "m.safetensors")
    for other in (model, flowc.load(tmp_path / "m.safetensors"), model.copy()):
        assert (other.log_prob(table[["size", "mass"]].assign(more="text")) == expected).all()
    with pytest.raises(flowc.FlowError, match="'x' has no column 'size', expected the columns of the model: mass, size"):
        model.log_prob(table[["mass"]])


def test_outputs_are_new_arrays(model, x):
    first = model.log_prob(x)
    kept = first.copy()
    model.log_prob(x + 1)
    assert (first == kept).all() and first.flags.writeable and first.flags.owndata
