"""Training from Python: the results of the C interface, and how it is watched and stopped."""

import os
import signal
import threading
import time

import numpy
import pytest

import flowc

FLOW = flowc.coupling_flow(flowc.standard_normal([2]), nn_width=16, flow_layers=3)


@pytest.fixture(scope="module")
def arc():
    angle = numpy.random.default_rng(1).uniform(0, 3, 2000)
    noise = numpy.random.default_rng(2).normal(size=(2000, 2))
    return 100 * numpy.stack([numpy.cos(angle), numpy.sin(angle)], 1) + 5 * noise


def test_training_improves_what_is_held_out(arc):
    model = flowc.train(FLOW, arc[:1500], max_epochs=30, seed=1, progress=False)
    start = flowc.Model(flowc.standardize(FLOW, arc[:1500]), seed=1)
    assert model.log_prob(arc[1500:]).mean() > start.log_prob(arc[1500:]).mean() + 0.5
    training = model.training
    assert len(training.train_losses) == len(training.val_losses) <= 30 and not training.interrupted
    assert training.best_round == 1 + numpy.argmin(training.val_losses)
    assert f"best {training.best_round}: train loss" in repr(training)


def test_results_are_the_same_each_time(arc):
    models = [flowc.train(FLOW, arc, max_epochs=3, seed=5, threads=threads, progress=False) for threads in (1, 2, 2)]
    for model in models[1:]:
        assert (model.log_prob(arc) == models[0].log_prob(arc)).all()


def test_options_reach_the_loop(arc):
    model = flowc.Model(FLOW)
    before = {name: model.parameters[name] for name in model.parameters}
    frozen = [name for name in before if "bias" in name]
    assert frozen
    training = model.fit(arc / 100, max_epochs=4, max_patience=100, freeze=["*bias*"], optimizer="sgd", progress=False)
    assert len(training.train_losses) == 4
    assert all((model.parameters[name] == before[name]).all() for name in frozen)
    assert any((model.parameters[name] != before[name]).any() for name in model.parameters.trainable())
    for options, error, message in [
        ({"max_epoch": 3}, TypeError, "there is no option 'max_epoch'"),
        ({"max_epochs": 1.5}, TypeError, "'max_epochs' is 1.5, expected a whole number"),
        ({"optimizer": "adamm"}, flowc.FlowError, "did you mean"),
        ({"learning_rate": -1.0}, flowc.FlowError, "learning"),
    ]:
        with pytest.raises(error, match=message):
            model.fit(arc / 100, progress=False, **options)


def test_conditional_training():
    rng = numpy.random.default_rng(3)
    c = rng.normal(size=(3000, 1))
    x = 2 * c + 0.1 * rng.normal(size=(3000, 2))
    flow = flowc.masked_autoregressive_flow(flowc.standard_normal([2]), cond_dim=1, nn_width=16, flow_layers=2)
    model = flowc.train(flow, x, c, max_epochs=20, learning_rate=5e-3, progress=False)
    draws = model.sample(2000, condition=[1.0])
    assert draws.mean(0) == pytest.approx([2, 2], abs=0.2)


def test_callbacks_see_rounds_and_stop(arc):
    seen = []

    def callback(epoch, train_loss, val_loss):
        seen.append((epoch, train_loss, val_loss))
        return epoch == 3

    model = flowc.Model(FLOW)
    training = model.fit(arc / 100, callback=callback, progress=False)
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3] == list(range(1, len(training.train_losses) + 1))
    assert [loss for _, loss, _ in seen] == training.train_losses.tolist()


def test_what_a_callback_raises_comes_through(arc):
    def callback(*_):
        raise LookupError("no more")

    model = flowc.Model(FLOW)
    with pytest.raises(LookupError, match="no more"):
        model.fit(arc / 100, callback=callback, progress=False)
    assert numpy.isfinite(model.log_prob(arc / 100)).all()


@pytest.mark.parametrize("how", ["fit", "search"])
def test_ctrl_c_keeps_the_best(arc, how):
    killer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    killer.start()
    start = time.monotonic()
    if how == "fit":
        model = flowc.train(FLOW, arc, max_epochs=10**6, max_patience=10**6, progress=False)
    else:
        model = flowc.fit(arc, budget=120, progress=False)
    assert time.monotonic() - start < 60
    killer.join()
    assert model.training.interrupted
    assert numpy.isfinite(model.log_prob(arc)).all()


def test_other_threads_see_the_model_as_it_was(arc):
    model = flowc.Model(FLOW)
    before = model.log_prob(arc)
    same = []

    def callback(*_):
        same.append((model.log_prob(arc) == before).all())

    model.fit(arc / 100, max_epochs=3, callback=callback, progress=False)
    assert same and all(same)
    assert (model.log_prob(arc) != before).any()


def test_progress_is_one_line(arc, capsys):
    flowc.Model(FLOW).fit(arc / 100, max_epochs=2, progress=True)
    shown = capsys.readouterr().err
    assert shown.endswith("\n") and shown.count("\n") == 1
    assert "\r2 rounds: train loss" in shown
    flowc.Model(FLOW).fit(arc / 100, max_epochs=1)
    assert capsys.readouterr().err == ""


def test_targets_may_be_texts_and_functions():
    text = "density banana(x[2]) = -0.5*x[0]^2 - 2*(x[1] - x[0]^2)^2"

    @numpy.errstate(over="ignore")
    def banana(x):
        r = x[:, 1] - x[:, 0] ** 2
        gradient = numpy.stack([-x[:, 0] + 8 * r * x[:, 0], -4 * r], 1)
        return -0.5 * x[:, 0] ** 2 - 2 * r**2, gradient

    for target in (text, flowc.parse(text), banana):
        model = flowc.Model.init_towards(FLOW, target, seed=1)
        training = model.fit_to_target(target, steps=1500, seed=1, progress=False)
        assert training.step_losses[-1] == pytest.approx(-numpy.log(numpy.pi), abs=0.15)
    with pytest.raises(LookupError, match="here"):
        flowc.Model(FLOW).fit_to_target(lambda x: {}["here"], progress=False)
    with pytest.raises(flowc.FlowError, match="a tuple of two arrays"):
        flowc.Model(FLOW).fit_to_target(lambda x: x[:, 0], progress=False)
    with pytest.raises(flowc.FlowError, match="has shape"):
        flowc.Model(FLOW).fit_to_target(lambda x: (x, x), progress=False)
    with pytest.raises(flowc.FlowError, match="is no target"):
        flowc.Model(FLOW).fit_to_target(3)


def test_objectives_are_minimised():
    target = "density t(x[2]) = -0.5*sum((x - 1)^2) - log(2*3.14159265358979)"
    model = flowc.Model(flowc.normal([0.0, 0.0], [1.0, 1.0]), dtype="float64")
    (loc,) = [name for name in model.parameters if name.endswith("loc")]
    loss, gradient = model.value_and_grad(objective="elbo", target=target, n=20000)
    assert loss == pytest.approx(1, abs=0.05)  # the divergence of two normal distributions
    assert gradient[loc] == pytest.approx([-1, -1], abs=0.05)
    steps = []
    training = model.optimize("elbo", target=target, steps=500, learning_rate=0.05, callback=lambda *s: steps.append(s))
    assert len(steps) == len(training.step_losses) == 500 and steps[7] == (8, training.step_losses[7])
    assert model.parameters[loc] == pytest.approx([1, 1], abs=0.2)
    x = numpy.random.default_rng(0).normal(size=(50, 2))
    nll, slope = model.value_and_grad(x)
    text = "objective nll(q, x) = -mean(log_prob(q, x))"
    same, same_slope = model.value_and_grad(x, objective=text)
    assert same == pytest.approx(nll, rel=1e-12) and same_slope[loc] == pytest.approx(slope[loc], rel=1e-10)
    with pytest.raises(flowc.FlowError, match="elb"):
        model.value_and_grad(objective="elb")
    with pytest.raises(KeyError):
        model.optimize("elbo", target=target, callback=lambda *_: {}["no"])


def test_the_search_chooses_a_flow(arc, tmp_path):
    model = flowc.fit(arc, budget_steps=300, seed=2, progress=False)
    again = flowc.fit(arc, budget_steps=300, seed=2, progress=False)
    assert (again.log_prob(arc) == model.log_prob(arc)).all()
    names = [tried["name"] for tried in model.training.search]
    assert len(names) >= 2 and "log_likelihood" in model.training.search[0]
    model.save(tmp_path / "m.safetensors")
    assert flowc.load(tmp_path / "m.safetensors").record == model.record
    with pytest.raises(flowc.FlowError, match="expected shape \\(rows, columns\\)"):
        flowc.fit(arc[:, 0])
    with pytest.raises(flowc.FlowError, match="not finite, in row 0, column 1"):
        flowc.fit([[0.0, numpy.inf]] * 20)


def test_only_flows_are_trained():
    with pytest.raises(flowc.FlowError, match="is a bijection: only a flow can be trained"):
        flowc.Model(flowc.exp([2])).fit(numpy.ones((10, 2)))
