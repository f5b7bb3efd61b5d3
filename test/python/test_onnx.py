# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# needs onnxruntime
"""Exported functions, run by ONNX Runtime, against flowc's own: every golden flow, both types."""

import os
import pathlib
import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest

import flowc

BUILD = pathlib.Path(os.environ["FLOWC_BUILD"])
GOLDEN = pathlib.Path(os.environ["FLOWC_SOURCE"]) / "test" / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/model.flow"))
FUNCTIONS = ["log_prob", "transform", "inverse", "push", "to_base"]
# Of a row's numbers to the largest of them.
TOLERANCE = {"float64": 1e-10, "float32": 2e-3}


@pytest.fixture(scope="module")
def models():
    known = {}

    def load(name, dtype="float64"):
        if (name, dtype) not in known:
            text = (GOLDEN / name / "model.flow").read_text()
            model = flowc.Model.import_equinox(text, GOLDEN / name / "model.eqx")
            known[name, dtype] = model.astype(dtype)
        return known[name, dtype]

    return load


def export(model, folder, *options):
    """Exported files by function."""
    model.save(folder / "model.safetensors")
    command = [BUILD / "bin" / "flowc", "export", folder / "model.safetensors", "-o", folder / "model.onnx", *options]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return {path.name.split(".")[1]: path for path in folder.glob("model.*.onnx")}


def functions_of(model):
    return FUNCTIONS if model.flow.kind == "flow" else ["transform", "inverse"]


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def rows_for(model, function, count=40):
    """Rows where flows are used, out of their support, far out, infinite, and no numbers."""
    random = np.random.default_rng(3)
    shape = (count, *model.shape)
    x = random.normal(size=shape)
    condition = random.normal(size=(count, *model.cond_shape)) if model.cond_shape is not None else None
    if function in ("log_prob", "inverse", "to_base"):
        x[: count // 2] = call(model, "transform", x, condition)[0][: count // 2]
    x[-2] *= 30
    return x.astype(model.dtype), None if condition is None else condition.astype(model.dtype)


def call(model, function, x, condition):
    result = getattr(model, function)(x, *([] if condition is None else [condition]))
    return result if isinstance(result, tuple) else (result,)


def run(file, x, condition):
    inputs = {file.get_inputs()[0].name: x}
    if condition is not None:
        inputs["condition"] = condition
    return file.run(None, inputs)


def compare(got, want, dtype, message):
    for g, w in zip(got, want, strict=True):
        assert g.dtype == w.dtype and g.shape == w.shape, message
        same = (g == w) | (np.isnan(g) & np.isnan(w))
        with np.errstate(invalid="ignore", over="ignore"):
            g, w = np.where(same, 0, g), np.where(same, 0, w)
            error, size = (np.abs(a).reshape(len(a), a[:1].size or 1) for a in (g - w, w))
            scale = 1 + size.max(axis=1, keepdims=True, initial=0)
        assert not np.isnan(error).any() and not np.isinf(error).any(), f"{message}: {got} {want}"
        assert (error <= TOLERANCE[dtype] * scale).all(), f"{message}: {np.max(error / scale)}"


def check(model, folder, dtype):
    functions = functions_of(model)
    files = export(model, folder, "--functions=" + ",".join(functions))
    assert set(files) == set(functions)
    for function in functions:
        onnx.checker.check_model(files[function], full_check=True)
        file = session(files[function])
        x, condition = rows_for(model, function)
        for count in (len(x), 0, 1, 7):
            part = x[:count], None if condition is None else condition[:count]
            compare(run(file, *part), call(model, function, *part), dtype, f"{function} of {count}")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_golden_flows(models, tmp_path, name, dtype):
    model = models(name, dtype)
    check(model, tmp_path, dtype)


@pytest.mark.parametrize("text", [
    "bijection g(x) = x^3 + x\nflow f = transformed(standard_normal([3]), g([3]))",
    "bijection g(x) = x + 0.5*tanh(x - 1)\nflow f = transformed(standard_normal([3]), g([3]))",
    "flow f = normal(1, 2)",
    "flow f = transformed(standard_normal([2, 3]), affine(1, full([2, 3], 2)))",
    "flow f = transformed(standard_normal([4]), ordered(4))",
    "flow f = coupling_flow(gamma(full([3], 2.5), 1), nn_activation = gelu, flow_layers = 2)",
    "flow f = coupling_flow(standard_normal([5]), transformer = bounded_spline(bins = 5, interval = 3))",
    "flow f = masked_autoregressive_flow(standard_normal([6]), nn_depth = 3, nn_width = 7, nn_activation = tanh)",
    "flow f = masked_autoregressive_flow(standard_normal([6]), nn_depth = 0, flow_layers = 2)",
    "flow f = block_neural_autoregressive_flow(standard_normal([3]), cond_dim = 2, nn_depth = 2)",
])
def test_other_flows(tmp_path, text):
    """What no golden flow has: roots of formulas, shapes, networks of other depths."""
    check(flowc.Model(text, dtype="float64", seed=2), tmp_path, "float64")


def set_odd_rows(x):
    """Rows of NaN in the first and in the last place, of infinities, of huge and of special numbers."""
    flat = x.reshape(len(x), -1)
    flat[0, 0], flat[1, -1], flat[2, 0], flat[3, -1] = np.nan, np.nan, np.inf, -np.inf
    for row, number in enumerate((1e30, -1e30, 0, 1, -1), 4):
        flat[row] = number


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("bijection")])
def test_densities_of_odd_rows(models, tmp_path, name):
    model = models(name)
    x, condition = rows_for(model, "log_prob", count=16)
    set_odd_rows(x)
    if condition is not None:
        condition.reshape(16, -1)[10, 0] = np.nan
    file = session(export(model, tmp_path, "--functions=log_prob,push")["log_prob"])
    got, want = run(file, x, condition)[0], call(model, "log_prob", x, condition)[0]
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    assert np.isnan(got[[0, 1]]).all()
    # To the size of the density far out.
    np.testing.assert_allclose(got, want, rtol=1e-10)


def nodes_of(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes_of(attribute.g)


def load(model, folder, function):
    return onnx.load(export(model, folder, "--functions=" + ",".join(functions_of(model)))[function])


def test_what_a_file_says(models, tmp_path):
    model = models("coupling_d5_cond3")
    file = load(model, tmp_path, "log_prob")
    assert {p.key: p.value for p in file.metadata_props} == {
        "flowc.version": flowc.__version__, "flowc.function": "log_prob", "flowc.flow": model.flow.text}
    inputs = {i.name: [d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim] for i in file.graph.input}
    assert inputs == {"x": ["N", 5], "condition": ["N", 3]}
    assert [o.name for o in file.graph.output] == ["log_prob"]
    initializers = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in file.graph.initializer}
    for name, value in model.parameters.items():
        if name in initializers and value.dtype.kind == "f":
            np.testing.assert_array_equal(initializers[name], value)
    assert sum(name in initializers for name in model.parameters) >= 6


def test_opset_is_the_lowest_that_does(models, tmp_path):
    file = load(models("coupling_d2"), tmp_path, "log_prob")
    onnx.checker.check_model(file, full_check=True)
    file.opset_import[0].version -= 1
    with pytest.raises(onnx.checker.ValidationError, match="Shape"):
        onnx.checker.check_model(file, full_check=True)


@pytest.mark.parametrize("function, loop", [("log_prob", "Scan"), ("inverse", "Loop"), ("transform", "Loop")])
def test_loops_stay_loops(tmp_path, function, loop):
    sizes = []
    for layers in (3, 7):
        kind = "masked_autoregressive_flow" if loop == "Scan" else "block_neural_autoregressive_flow"
        model = flowc.Model(f"flow f = {kind}(standard_normal([{layers + 1}]), flow_layers = {layers}, invert = "
                            f"{'false' if function == 'inverse' else 'true'})", dtype="float64", seed=1)
        folder = tmp_path / str(layers)
        folder.mkdir()
        sizes.append([node.op_type for node in nodes_of(load(model, folder, function).graph)])
    assert loop in sizes[0] and sizes[0] == sizes[1]


def test_formulas(tmp_path):
    """Functions that no golden flow has."""
    text = """bijection g(x) = 2*x + atan(x) + asinh(x) + tanh(x) + softplus(x) + erf(x)
    flow f = transformed(standard_normal([3]), g([3]))"""
    model = flowc.Model(text.replace(" + erf(x)", ""), dtype="float64", seed=1)
    files = export(model, tmp_path, "--functions=transform,log_prob")
    for function, file in files.items():
        x = np.random.default_rng(0).normal(size=(50, 3)) * 10
        x[:5] = np.array([0, -0.0, 1e-12, 1e5, -1e5])[:, None]
        compare(run(session(file), x, None), call(model, function, x, None), "float64", function)
    model = flowc.Model(text, dtype="float64", seed=1)
    model.save(tmp_path / "erf.safetensors")
    command = [BUILD / "bin" / "flowc", "export", tmp_path / "erf.safetensors", "-o", tmp_path / "erf.onnx"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and not list(tmp_path.glob("erf*.onnx"))
    assert "'math.erf' has no form in ONNX" in result.stderr and result.stderr.count("\n") == 1
