# ===- __init__.py - Normalizing flows -------------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Normalizing flows, compiled.

A flow is made of constructors with FlowJAX's names and arguments, or written as a text::

    model = flowc.Model(flowc.coupling_flow(flowc.standard_normal([2])))
    model.log_prob(x), model.sample(1000)
"""

from __future__ import annotations

from . import _constructors
from ._constructors import *  # noqa: F403
from ._core import Flow, FlowError, version
from ._expression import Expression, parse
from ._fit import fit, standardize, train
from ._model import Model
from ._parameters import Parameters
from ._table import Table
from ._training import Training
from .importing import from_flowjax, from_nflows, from_normflows, from_zuko, to_flowjax

__version__ = version()
load = Model.load
# What tracebacks call it.
FlowError.__module__ = __name__

__all__ = [
    "Expression",
    "Flow",
    "FlowError",
    "Model",
    "Parameters",
    "Table",
    "Training",
    "fit",
    "from_flowjax",
    "from_nflows",
    "from_normflows",
    "from_zuko",
    "load",
    "parse",
    "standardize",
    "to_flowjax",
    "train",
    *_constructors.__all__,
]
