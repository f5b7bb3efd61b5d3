# ===- sklearn.py - Flows as estimators of scikit-learn --------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Density estimation with the interface of scikit-learn, which has to be installed."""

from __future__ import annotations

import numpy
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from . import _constructors
from ._fit import fit, train

_SEEDS = 2**31 - 1


def default_flow(dim):
    """Coupling layers of splines; one coordinate alone has a spline and nothing to couple it to."""
    spline = _constructors.rational_quadratic_spline(knots=8, interval=4)
    base = _constructors.standard_normal([dim])
    if dim == 1:
        return _constructors.transformed(base, _constructors.vmap(spline, axis_size=1, in_axes=0))
    return _constructors.coupling_flow(base, transformer=spline, flow_layers=4)


class FlowDensity(DensityMixin, BaseEstimator):
    """A normalizing flow as a density estimator, as ``sklearn.neighbors.KernelDensity`` is one.

    Parameters
    ----------
    flow
        An expression, a text of the language, or a function that makes one of the number of columns;
        None: coupling layers of splines.
    budget
        Seconds for :func:`flowc.fit`, which chooses the flow; None: ``flow`` is trained.
    standardize
        Whether the flow learns columns of mean 0 and variance 1.
    learning_rate, max_epochs, max_patience, batch_size, val_prop
        Of :meth:`flowc.Model.fit`; None is its default.
    dtype, threads
        Of the model.
    random_state
        Of initial parameters and batches.

    Attributes
    ----------
    model_
        The :class:`flowc.Model`.
    """

    def __init__(
        self,
        flow=None,
        *,
        budget=None,
        standardize=True,
        learning_rate=None,
        max_epochs=None,
        max_patience=None,
        batch_size=None,
        val_prop=None,
        dtype="float32",
        threads=0,
        random_state=None,
    ):
        self.flow = flow
        self.budget = budget
        self.standardize = standardize
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.max_patience = max_patience
        self.batch_size = batch_size
        self.val_prop = val_prop
        self.dtype = dtype
        self.threads = threads
        self.random_state = random_state

    def fit(self, X, y=None):
        """Trains the flow on the rows of ``X``."""
        X = validate_data(self, X, dtype=[numpy.float64, numpy.float32], ensure_min_samples=2)
        seed = int(check_random_state(self.random_state).randint(_SEEDS))
        common = {"dtype": self.dtype, "threads": self.threads, "seed": seed, "progress": False}
        if self.budget is not None:
            model = fit(X, budget=self.budget, **common)
        else:
            names = ("learning_rate", "max_epochs", "max_patience", "batch_size", "val_prop")
            options = {name: getattr(self, name) for name in names}
            model = train(self._make_flow(X.shape[1]), X, standardize=self.standardize, **common, **options)
        if model.training.interrupted:
            # (Of a search over many fits this one is not the whole.)
            raise KeyboardInterrupt
        self.model_ = model
        return self

    def _make_flow(self, dim):
        flow = default_flow if self.flow is None else self.flow
        return flow(dim) if callable(flow) else flow

    def score_samples(self, X):
        """The log-density of each row."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[numpy.float64, numpy.float32], reset=False)
        return self.model_.log_prob(X)

    def score(self, X, y=None):
        """The mean log-density of the rows."""
        return float(numpy.mean(self.score_samples(X), dtype=numpy.float64))

    def sample(self, n_samples=1, random_state=None):
        """Draws rows."""
        check_is_fitted(self)
        seed = int(check_random_state(random_state).randint(_SEEDS))
        return self.model_.sample(n_samples, seed=seed)
