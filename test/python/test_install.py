"""`pip install` of the source tree over a libflowc that is there already."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(os.environ["FLOWC_SOURCE"])
BUILD = pathlib.Path(os.environ["FLOWC_BUILD"])


def test_the_source_tree_can_be_installed(tmp_path):
    pytest.importorskip("scikit_build_core")
    library = BUILD / "lib/libflowc.so"
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
            "--target", tmp_path / "site", SOURCE / "tools/python",
            "--config-settings", f"cmake.define.FLOWC_LIBRARY={library}",
            "--config-settings", f"build-dir={tmp_path / 'build'}",
            "--config-settings", "cmake.build-type=Debug",  # compiles in half the time
        ],
        check=True,
    )  # fmt: skip
    package = tmp_path / "site/flowc"
    names = {path.name for path in package.iterdir()}
    assert {"__init__.py", "_constructors.py", "_core.pyi", "py.typed", "sklearn.py", "jax.py", "torch.py"} <= names
    program = "import flowc; print(flowc.__file__, flowc.Model(flowc.standard_normal([2])).log_prob([0, 0]))"
    environment = dict(os.environ, PYTHONPATH=str(tmp_path / "site"))
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment, cwd=tmp_path
    ).stdout
    assert output.startswith(str(package)) and "-1.83" in output
    if importlib.util.find_spec("jaxlib"):
        assert "xla_handler" in (package / "_core.pyi").read_text(encoding="utf-8")


def test_types_of_the_module_are_written_down():
    stub = (BUILD / "python/flowc/_core.pyi").read_text(encoding="utf-8")
    assert "class Model:" in stub and "class FlowError(ValueError):" in stub and "def log_prob(" in stub
    compile((BUILD / "python/flowc/_constructors.py").read_text(encoding="utf-8"), "_constructors.py", "exec")
