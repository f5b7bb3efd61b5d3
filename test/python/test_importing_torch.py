# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# needs torch
"""Flows of libraries of PyTorch become models with equal values. tools/bench/torch_flows.py compares many more."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import flowc  # noqa: E402


def rows(dim):
    return np.random.default_rng(1).normal(size=(30, dim))


def compare(model, log_prob, dim, condition=None):
    x = rows(dim)
    with torch.no_grad():
        want = log_prob(torch.from_numpy(x)).numpy()
    got = model.log_prob(x) if condition is None else model.log_prob(x, condition)
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind, options", [("MAF", {"randperm": True}), ("NSF", {"bins": 5}), ("RealNVP", {})])
def test_zuko(kind, options):
    zuko = pytest.importorskip("zuko")
    torch.manual_seed(0)
    flow = getattr(zuko.flows, kind)(4, 2, transforms=2, hidden_features=(8, 8), **options).double()
    condition = np.random.default_rng(2).normal(size=(30, 2))
    compare(flowc.from_zuko(flow), flow(torch.from_numpy(condition)).log_prob, 4, condition)


def test_zuko_refuses_with_the_place():
    zuko = pytest.importorskip("zuko")
    flow = zuko.flows.NCSF(3, transforms=1, hidden_features=(8,))
    with pytest.raises(ValueError, match=r"`CircularRQSTransform` at `.transform.transforms\[0\]`"):
        flowc.from_zuko(zuko.lazy.Flow(flow.transform, zuko.flows.MAF(3).base))


def test_nflows():
    nflows = pytest.importorskip("nflows")
    from nflows import distributions, flows, transforms

    torch.manual_seed(0)
    layers = [part for _ in range(2) for part in (
        transforms.MaskedPiecewiseRationalQuadraticAutoregressiveTransform(4, 8, tails="linear", tail_bound=3.0),
        transforms.ReversePermutation(4))]
    flow = flows.Flow(transforms.CompositeTransform(layers), distributions.StandardNormal([4])).double()
    compare(flowc.from_nflows(flow), flow.log_prob, 4)
    assert nflows


def test_normflows():
    nf = pytest.importorskip("normflows")
    torch.manual_seed(0)
    layers = [part for _ in range(2) for part in (
        nf.flows.CoupledRationalQuadraticSpline(4, 1, 8), nf.flows.LULinearPermute(4))]
    flow = nf.NormalizingFlow(nf.distributions.DiagGaussian(4), layers).double()
    compare(flowc.from_normflows(flow), flow.log_prob, 4)
