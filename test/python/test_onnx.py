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


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_golden_flows(models, tmp_path, name, dtype):
    model = models(name, dtype)
    functions = functions_of(model)
    files = export(model, tmp_path, "--functions=" + ",".join(functions))
    assert set(files) == set(functions)
    for function in functions:
        onnx.checker.check_model(files[function], full_check=True)
        file = session(files[function])
        x, condition = rows_for(model, function)
        for count in (len(x), 0, 1, 7):
            part = x[:count], None if condition is None else condition[:count]
            compare(run(file, *part), call(model, function, *part), dtype, f"{function} of {count}")
