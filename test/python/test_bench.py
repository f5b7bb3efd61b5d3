# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# needs flowjax
"""`python -m flowc.bench` compares what is the same. (No test measures time.)"""

import json
import subprocess
import sys

import numpy as np
import pytest
from flowc import bench

QUICK = ["--rows", "50", "--rounds", "1", "--seconds", "0", "--train-steps", "2"]


def test_the_table(tmp_path, capsys):
    file = tmp_path / "numbers.json"
    bench.main(["--flows", "coupling", "--dims", "2", "--json", str(file), *QUICK])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[3].strip() for line in lines[2:5]] == bench.WORK
    assert all(line.count("|") == 7 and line.rstrip(" |").endswith("×") for line in lines[2:5])
    results = json.loads(file.read_text(encoding="utf-8"))["results"]
    assert [entry["work"] for entry in results] == bench.WORK
    for entry in results:
        assert entry["ratio"] == pytest.approx(entry["flowc_rows_per_second"] / entry["flowjax_rows_per_second"])


def test_both_have_the_same_trained_flow():
    ours, theirs = bench.make_pair("coupling", 3, 50, 2)
    x = bench.normal(50, 3)
    np.testing.assert_allclose(ours.model.log_prob(x), theirs.score(theirs.flow, x), rtol=1e-4, atol=1e-4)
    before = ours.model.log_prob(x)
    ours.step(0)
    np.testing.assert_allclose(ours.model.log_prob(x), before, rtol=1e-5, atol=1e-5)
    untrained = bench.OfFlowJAX("coupling_flow", False, 3, 50)
    assert abs(np.asarray(untrained.score(untrained.flow, x)) - before).max() > 1e-4


def test_without_flowjax(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "flowjax", None)
    bench.main(["--flows", "coupling-spline", "--dims", "2", "--work", "log_prob", *QUICK])
    output = capsys.readouterr().out
    assert "FlowJAX is not installed" in output and output.splitlines()[2].endswith("|  |  |")


@pytest.mark.parametrize("wrong", [["--rows", "0"], ["--dims", "0"], ["--dims", "1"], ["--work", "sing"], ["--seconds", "-1"]])
def test_wrong_options(wrong):
    done = subprocess.run([sys.executable, "-m", "flowc.bench", *wrong], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "error: " in done.stderr
