# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules of the Python package from its sources, whether or not its compiled part has been built."""

import importlib
import pathlib
import sys
import types

SOURCES = pathlib.Path(__file__).resolve().parents[1] / "python" / "flowc"


def import_module(name):
    """Module `name` of the package, as in "importing.parts"."""
    if "flowc" not in sys.modules:
        package = sys.modules["flowc"] = types.ModuleType("flowc")
        package.__path__ = [str(SOURCES)]
    return importlib.import_module(f"flowc.{name}")
