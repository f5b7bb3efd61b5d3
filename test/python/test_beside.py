"""Beside other compilers in one process: numba's, and those of torch."""

import importlib.util
import subprocess
import sys

import pytest

FLOWC = """
import flowc, numpy
x = numpy.random.default_rng(0).normal(size=(500, 3))
def use_flowc(width):
    model = flowc.Model(flowc.coupling_flow(flowc.standard_normal([3]), nn_width=width, flow_layers=2), seed=1)
    assert numpy.isfinite(model.log_prob(x)).all() and numpy.isfinite(model.value_and_grad(x)[0])
"""
NUMBA = """
import numba
def use_other(factor):
    @numba.njit(parallel=True)
    def total(values):
        sum = 0.0
        for i in numba.prange(len(values)):
            sum += factor * numpy.exp(values[i])
        return sum
    found = total(x.ravel())
    assert abs(found - factor * numpy.exp(x).sum()) < 1e-9 * abs(found)
"""
# Its LLVM is in Triton, which some of its wheels come with.
TORCH = """
import importlib.util, torch
if importlib.util.find_spec("triton"):
    import triton.compiler
def use_other(factor):
    values = torch.from_numpy(x).requires_grad_()
    (factor * torch.exp(values)).sum().backward()
    assert torch.allclose(values.grad, factor * torch.exp(values))
"""


@pytest.mark.parametrize("name, other", [("numba", NUMBA), ("torch", TORCH)])
@pytest.mark.parametrize("first", ["flowc", "other"])
def test_both_compile_in_turn(tmp_path, name, other, first):
    if not importlib.util.find_spec(name):
        pytest.skip(f"{name} is not installed")
    imports = FLOWC + other if first == "flowc" else "import numpy\n" + other + FLOWC
    calls = ["use_flowc(9)", "use_other(2)"]
    calls = calls if first == "flowc" else calls[::-1]
    # Once more each: what the other has done to the process does not matter.
    program = tmp_path / "program.py"
    program.write_text(imports + "\n".join([*calls, "use_flowc(10)", "use_other(3)"]), encoding="utf-8")
    subprocess.run([sys.executable, program], check=True)
