# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# needs torch
"""Models as modules of PyTorch: values are the model's, derivatives agree with differences (torch.autograd.gradcheck)."""

import copy
import io

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import flowc  # noqa: E402
import flowc.torch  # noqa: E402

FLOWS = {
    "coupling": "flow f = coupling_flow(normal([1, 2, 3], [1, 2, 1]), cond_dim = 2, nn_width = 4, flow_layers = 1, "
    "nn_activation = tanh)",
    "autoregressive": "flow f = masked_autoregressive_flow(standard_normal([3]), cond_dim = 2, nn_width = 4, "
    "flow_layers = 1, nn_activation = tanh)",
    "no condition": "flow f = transformed(standard_normal([3]), triangular_affine([1, 2, 3], [[2, 0, 0], [1, 1, 0], [0, 1, 3]]))",
}


def normal(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


@pytest.fixture(scope="module", params=FLOWS)
def flow(request):
    return flowc.torch.Flow(flowc.Model(FLOWS[request.param], dtype="float64", seed=3))


def condition_of(flow, rows):
    return None if flow.to_model().cond_shape is None else normal(rows, 2, seed=1)


class Call(torch.nn.Module):
    """A function of a flow as a module of its own, whose parameters can be given."""

    def __init__(self, flow, function):
        super().__init__()
        self.flow, self.function = flow, function

    def forward(self, *rows):
        return self.function(self.flow, *rows)


def check_gradients(flow, function, *rows):
    """By all arguments: those that are given, and the parameters."""
    module = Call(flow, function)
    names, parameters = zip(*module.named_parameters(), strict=True)

    def call(*arguments):
        given = dict(zip(names, arguments[: len(names)], strict=True))
        return torch.func.functional_call(module, given, arguments[len(names) :])

    arguments = [each.detach().clone().requires_grad_() for each in (*parameters, *rows) if each is not None]
    assert torch.autograd.gradcheck(call, arguments, atol=1e-6)


@pytest.mark.parametrize("name", ["log_prob", "transform", "inverse", "push"])
def test_gradients(flow, name):
    x, c = normal(4, 3), condition_of(flow, 4)
    check_gradients(flow, lambda flow, *rows: getattr(flow, name)(*rows), x, c)


@pytest.mark.parametrize("name", ["sample", "sample_and_log_prob"])
def test_gradients_of_draws(flow, name):
    c = condition_of(flow, 4)
    check_gradients(flow, lambda flow, c=None: getattr(flow, name)(4, seed=3, first=2, condition=c), c)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_are_the_models(dtype):
    model = flowc.Model(FLOWS["coupling"], dtype=dtype, seed=3)
    flow = flowc.torch.Flow(model)
    x, c = normal(2, 3, 3), normal(2, 3, 2, seed=1)
    for name in ("log_prob", "transform", "inverse", "push"):
        ours, expected = getattr(flow, name)(x, c), getattr(model, name)(x.numpy(), c.numpy())
        for one, other in zip(*(each if isinstance(each, tuple) else (each,) for each in (ours, expected)), strict=True):
            assert str(one.dtype) == f"torch.{dtype}" and one.shape == other.shape
            assert (one.detach().numpy() == other).all()
    assert (flow(x, c[0, 0]).detach().numpy() == model.log_prob(x.numpy(), c[0, 0].numpy())).all()
    assert (flow.sample(5, seed=4, condition=c[0, 0]).detach().numpy() == model.sample(5, seed=4, condition=c[0, 0].numpy())).all()
    assert flow.log_prob(x[:0], c[:0]).shape == (0, 3)
    torch.manual_seed(1)
    draws = [flow.sample(3, condition=c[0, 0]).detach() for _ in range(2)]
    torch.manual_seed(1)
    assert (flow.sample(3, condition=c[0, 0]).detach() == draws[0]).all() and (draws[0] != draws[1]).any()


def test_training():
    model = flowc.Model(flowc.coupling_flow(flowc.standard_normal([2]), nn_width=16, flow_layers=2))
    flow = flowc.torch.Flow(model)
    x = (normal(500, 2) * torch.tensor([1, 0.5]) + torch.tensor([2, -1])).float()
    optimizer = torch.optim.Adam(flow.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = -flow(x).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 1
    trained = flow.to_model()
    assert (trained.log_prob(x.numpy()) == flow(x).detach().numpy()).all()
    assert (model.log_prob(x.numpy()) != trained.log_prob(x.numpy())).any()


def test_in_a_larger_network():
    """Gradients reach what comes before: a network that makes conditions."""
    flow = flowc.torch.Flow(flowc.Model(FLOWS["coupling"]))
    network = torch.nn.Sequential(torch.nn.Linear(5, 2), torch.nn.Tanh())
    whole = torch.nn.ModuleDict({"flow": flow, "network": network})
    (-flow(normal(9, 3), network(normal(9, 5, seed=2).float())).mean()).backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in whole.parameters())


def test_state_and_copies():
    flow = flowc.torch.Flow(flowc.Model(FLOWS["coupling"], seed=3))
    x, c = normal(4, 3), normal(4, 2)
    expected = flow(x, c)
    other = flowc.torch.Flow(flow.to_model())
    with torch.no_grad():
        for parameter in other.parameters():
            parameter += 1
    assert (other(x, c) != expected).any()
    other.load_state_dict(flow.state_dict())
    assert (other(x, c) == expected).all() and (copy.deepcopy(flow)(x, c) == expected).all()
    file = io.BytesIO()
    torch.save(flow, file)
    file.seek(0)
    assert (torch.load(file, weights_only=False)(x, c) == expected).all()
    assert "coupling_flow" in repr(flow)


def test_what_is_wrong_is_said():
    flow = flowc.torch.Flow(flowc.Model(FLOWS["coupling"]))
    x, c = normal(5, 3), normal(5, 2)
    wrong = {
        r"'x' has shape \(5, 2\), expected shape \(..., 3\)": lambda: flow(c, c),
        "'condition' is missing": lambda: flow(x),
        "'condition' has 4 rows, expected 5": lambda: flow(x, c[:4]),
        "'x' is a tensor of meta, expected one of the CPU": lambda: flow(x.to("meta"), c),
        "'n' is -1": lambda: flow.sample(-1, condition=c[0]),
    }
    for message, call in wrong.items():
        with pytest.raises(flowc.FlowError, match=message):
            call()
    with pytest.raises(flowc.FlowError, match="is a bijection, which has no log_prob"):
        flowc.torch.Flow(flowc.Model("bijection b = affine([1, 2], [3, 4])"))(normal(5, 2))
    with torch.no_grad():
        next(flow.parameters())[...] = torch.nan
    assert flow(x, c).isnan().all()
    with pytest.raises(flowc.FlowError, match="finite"):
        flow.to_model()
