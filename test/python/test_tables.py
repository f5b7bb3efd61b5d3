# ===- test_tables.py - Tables as they are ----------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Tables of pandas with whole numbers, categories, dates, and cells without a value."""

import pickle

import numpy
import pytest

import flowc

pandas = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def weather():
    rng = numpy.random.default_rng(3)
    n = 200
    wind = rng.gamma(2, 2, n)
    wind[rng.random(n) < 0.1] = numpy.nan
    return pandas.DataFrame(
        {
            "day": pandas.to_datetime("2012-01-01") + pandas.to_timedelta(rng.integers(0, 90, n), unit="D"),
            "rain": numpy.maximum(rng.normal(size=n), 0).round(1),
            "wind": wind,
            "kind": rng.choice(["sun", "rain", "fog"], n, p=[0.6, 0.3, 0.1]),
            "country": "CH",
        }
    )


@pytest.fixture(scope="module")
def model(weather):
    return flowc.fit(
        weather, bounds={"rain": (0, None), "wind": (0, None)}, missing="indicator", budget_steps=60, progress=False
    )


def test_samples_are_rows_of_the_table(model, weather):
    assert model.columns == list(weather.columns)
    # wind and whether there is one; country has no number.
    assert model.shape == (5,)
    draws = model.table.decode(model.sample(500, seed=1))
    assert list(draws.columns) == list(weather.columns)
    assert set(draws.kind) <= {"sun", "rain", "fog"}
    assert (draws.country == "CH").all()
    assert draws.day.dtype.kind == "M" and (draws.day == draws.day.dt.normalize()).all()
    assert (draws.rain >= 0).all() and numpy.allclose(draws.rain, draws.rain.round(1), atol=1e-6)
    assert (draws.wind.dropna() > 0).all() and 0 < draws.wind.isna().sum() < 250


def test_tables_are_read_as_they_are(model, weather):
    numbers = model.table.encode(weather, model.dtype)
    expected = model.log_prob(numbers)
    assert numpy.isfinite(expected).all()
    mixed = weather[["kind", "wind", "rain", "country", "day"]].assign(other=1)
    assert (model.log_prob(mixed) == expected).all()
    assert numpy.allclose(model.table.encode(model.table.decode(numbers)), numbers, rtol=1e-5, atol=1e-4)


def test_the_columns_are_kept(model, weather, tmp_path):
    expected = model.log_prob(weather)
    model.save(tmp_path / "m.safetensors")
    for other in (flowc.load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model)), model.copy()):
        assert (other.log_prob(weather) == expected).all()
        assert repr(other.table) == repr(model.table) and "rain" in repr(other.table)
    # ... by a training in place as well.
    trained = flowc.Model(flowc.coupling_flow(flowc.standard_normal([5]), nn_width=4, flow_layers=1))
    trained._core.columns = model._core.columns
    trained.fit(weather, max_epochs=1, progress=False)
    trained.save(tmp_path / "t.safetensors")
    assert flowc.load(tmp_path / "t.safetensors").table.columns == list(weather.columns)


def test_conditions_are_columns(weather, tmp_path):
    by_name = flowc.fit(
        weather[["rain", "kind"]], condition_columns=["kind"], budget_steps=30, ties="keep", progress=False
    )
    beside = flowc.fit(weather[["rain"]], weather[["kind"]], budget_steps=30, ties="keep", progress=False)
    path = tmp_path / "weather.csv"
    weather[["rain", "kind"]].to_csv(path, index=False)
    of_file = flowc.fit(path, condition_columns=["kind"], budget_steps=30, ties="keep", progress=False)
    assert by_name.condition_columns == ["kind"] and by_name.cond_shape == (2,)
    expected = by_name.log_prob(weather[["rain"]], weather[["kind"]])
    for other in (beside, of_file):
        assert (other.log_prob(weather[["rain"]], weather[["kind"]]) == expected).all()
    assert by_name.sample(3, condition=weather[["kind"]][:3]).shape == (3, 1)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"kinds": {"rain": "integer"}}, "'kinds' says that 'rain' is 'integer', expected 'real', 'grid' or 'category'"),
        ({"bounds": {"rain": 3}}, r"'bounds' says 3 of 'rain', expected \(lowest, highest\)"),
        ({"bounds": {"rane": (0, 1)}}, "^the table has no column 'rane'"),
        ({"bounds": {"rain": (1, 0)}}, "between which there are no values"),
        ({"missing": "fill"}, "'missing' is 'fill', expected 'error', 'drop', 'indicator'"),
        ({"missing": "error"}, "^the table: row 4, column 'wind' has no value: .* with missing='drop'"),
        ({"ties": None}, "'ties' is None, expected 'dequantise', 'keep'"),
        ({"condition_columns": ["sun"], "missing": "drop"}, "^the table has no column 'sun'"),
    ],
)
def test_mistakes_have_messages(weather, options, message):
    with pytest.raises(flowc.FlowError, match=message):
        flowc.fit(weather, budget_steps=10, progress=False, **options)


def test_mistakes_in_tables_have_messages(model, weather):
    with pytest.raises(flowc.FlowError, match="the table has no column 'wind', expected day, rain, wind"):
        model.log_prob(weather.drop(columns="wind"))
    with pytest.raises(flowc.FlowError, match="^the table.*'kind' is 'hail'"):
        model.log_prob(weather.assign(kind="hail"))
    with pytest.raises(flowc.FlowError, match="'rows' has shape"):
        model.table.decode(numpy.zeros((3, 2)))
    with pytest.raises(flowc.FlowError, match="options on columns are for tables with names"):
        flowc.fit(numpy.zeros((20, 2)), bounds={"0": (0, 1)}, progress=False)
