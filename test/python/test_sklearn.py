"""FlowDensity is an estimator like others."""

import pickle

import numpy
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

import flowc
from flowc.sklearn import FlowDensity

CHECKS = list(estimator_checks_generator(FlowDensity(max_epochs=2)))


@pytest.fixture(scope="module")
def rows():
    rng = numpy.random.default_rng(0)
    x = rng.normal(size=(400, 1))
    return numpy.hstack([x, x**2 + 0.1 * rng.normal(size=(400, 1))])


@pytest.mark.parametrize("estimator, check", CHECKS, ids=[check.func.__name__ for _, check in CHECKS])
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


def test_all_of_the_checks_were_made():
    assert len(CHECKS) > 30 and callable(check_estimator)


def test_scores_and_draws(rows):
    density = FlowDensity(max_epochs=30, random_state=0).fit(rows)
    assert density.score_samples(rows).shape == (400,)
    assert density.score(rows) == pytest.approx(density.score_samples(rows).mean())
    assert density.sample(10, random_state=1).shape == (10, 2)
    assert (density.sample(10, random_state=1) == density.sample(10, random_state=1)).all()
    again = clone(density).fit(rows)
    assert (again.score_samples(rows) == density.score_samples(rows)).all()
    loaded = pickle.loads(pickle.dumps(density))
    assert (loaded.score_samples(rows) == density.score_samples(rows)).all()


def test_pipelines_and_searches(rows):
    pipeline = make_pipeline(StandardScaler(), FlowDensity(max_epochs=3, random_state=0)).fit(rows)
    assert pipeline.score_samples(rows).shape == (400,)
    assert len(cross_val_score(FlowDensity(max_epochs=2, random_state=0), rows, cv=3)) == 3
    wide = flowc.coupling_flow(flowc.standard_normal([2]), nn_width=32)
    search = GridSearchCV(FlowDensity(max_epochs=3, random_state=0), {"flow": [None, wide], "learning_rate": [1e-3]}, cv=2)
    assert search.fit(rows).best_params_["learning_rate"] == 1e-3


def test_the_search_of_flowc(rows):
    density = FlowDensity(budget=2).fit(rows)
    assert density.model_.training.search and numpy.isfinite(density.score(rows))
