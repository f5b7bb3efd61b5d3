# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The notebooks of docs/notebooks run from top to bottom: their assertions hold. (Without Jupyter: the code of a notebook
is run in one namespace.)"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(os.environ["FLOWC_SOURCE"]) / "docs/notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def code_of(notebook):
    """The cells that can be run here: some need a module that they are tagged with."""
    for cell in notebook["cells"]:
        needs = [tag.removeprefix("needs-") for tag in cell["metadata"].get("tags", []) if tag.startswith("needs-")]
        if cell["cell_type"] == "code" and all(importlib.util.find_spec(module) for module in needs):
            yield "".join(cell["source"])


def test_there_are_notebooks():
    names = {path.stem for path in NOTEBOOKS}
    assert names == {"density_estimation", "importance_sampling", "sbi_posterior", "variational_fit"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_format(path):
    notebook = read(path)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids) and notebook["cells"][0]["cell_type"] == "markdown"
    for cell in notebook["cells"]:
        assert set(cell) - {"execution_count", "outputs"} == {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None  # none of a machine of somebody's
    if importlib.util.find_spec("nbformat"):
        import nbformat

        nbformat.validate(nbformat.read(path, 4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path):
    code = "\n\n".join(code_of(read(path)))
    if "import jax" in code:
        pytest.importorskip("jax")
        pytest.importorskip("optax")
    environment = dict(os.environ, MPLBACKEND="agg")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=path.parent, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
