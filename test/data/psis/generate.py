#!/usr/bin/env python3
"""Pareto k and smoothed weights of known log-ratios by ArviZ: writes psis.csv beside itself.

Needs arviz 0.23 (pip install arviz); test/unit/EvaluationTest.cpp makes the same log-ratios.
"""

import pathlib
import warnings

import numpy as np

warnings.simplefilter("ignore")
import arviz  # noqa: E402


def spread(n):
    """Points of a golden-ratio sequence in (0, 1)."""
    return (np.arange(1, n + 1) * 0.6180339887498949) % 1.0


KINDS = {
    "pareto0.2": lambda u: -0.2 * np.log(u),
    "pareto0.5": lambda u: -0.5 * np.log(u),
    "pareto0.9": lambda u: -0.9 * np.log(u),
    "pareto1.3": lambda u: -1.3 * np.log(u),
    "bounded": lambda u: u * u,
    "exponential": lambda u: np.log(-np.log(u)),
    "huge": lambda u: -300 * np.log(u),
}

with open(pathlib.Path(__file__).with_name("psis.csv"), "w") as file:
    file.write("kind,draws,k,largest,log_squares\n")
    for kind, ratios in KINDS.items():
        for n in (100, 1000, 20000):
            smoothed, k = arviz.psislw(ratios(spread(n)))
            # Normalised: the largest log-weight, and the log of the sum of squares.
            file.write(f"{kind},{n},{float(k)!r},{float(smoothed.max())!r},{float(np.log(np.exp(2 * smoothed).sum()))!r}\n")
