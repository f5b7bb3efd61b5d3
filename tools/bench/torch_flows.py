#!/usr/bin/env python3
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Flows of zuko, nflows and normflows, imported from live objects and compared with their libraries in float64.

    torch_flows.py build/bin/flowc

Each flow is trained for some steps and its numbers are then moved at random. Compared are log-densities, near and far
out, and both directions with their log-determinants. Prints the largest difference of each flow, relative to 1 + |x|,
and ends with 1 if one is above 1e-10. Libraries that are not installed are left out. Needs PyTorch.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
from python_package import import_module
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)  # small networks
ALLOWED = 1e-10


class Case:
    """A flow: what makes it, its dimension and that of its condition; `forward` and `log_prob` are its library's."""

    def __init__(self, name, make, dim, cond_dim=0):
        self.name, self.make, self.dim, self.cond_dim = name, make, dim, cond_dim


# zuko.


def zuko_cases():
    import zuko

    flows = zuko.flows
    two = {"transforms": 2, "hidden_features": (12, 12)}
    return [
        Case("MAF", lambda: flows.MAF(5, **two), 5),
        Case("MAF, condition", lambda: flows.MAF(3, 2, transforms=3, hidden_features=(16,), activation=nn.ELU), 3, 2),
        Case("MAF, random orders", lambda: flows.MAF(6, transforms=3, randperm=True, hidden_features=(20, 13)), 6),
        Case("MAF, 2 passes", lambda: flows.MAF(5, passes=2, **two), 5),
        Case("MAF, residual", lambda: flows.MAF(4, 2, residual=True, **two), 4, 2),
        Case("MAF, residual, SiLU", lambda: flows.MAF(4, residual=True, activation=nn.SiLU, **two), 4),
        Case("MAF, one dimension", lambda: flows.MAF(1, 2, **two), 1, 2),
        Case("MAF, an adjacency", lambda: zuko.lazy.Flow(zuko.flows.autoregressive.MaskedAutoregressiveTransform(
            4, adjacency=torch.tensor([[1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 1, 1]]).bool(),
            hidden_features=(17,)), flows.MAF(4).base), 4),
        Case("NICE", lambda: flows.NICE(5, **two), 5),
        Case("RealNVP, condition", lambda: flows.RealNVP(4, 3, activation=nn.Tanh, **two), 4, 3),
        Case("RealNVP, random masks", lambda: flows.RealNVP(7, transforms=4, randmask=True, hidden_features=(9,)), 7),
        Case("NICE, additive", lambda: flows.NICE(
            4, univariate=zuko.transforms.AdditiveTransform, shapes=[()], **two), 4),
        Case("NSF", lambda: flows.NSF(4, bins=6, **two), 4),
        Case("NSF, condition", lambda: flows.NSF(3, 2, transforms=3, hidden_features=(16, 16)), 3, 2),
        Case("NSF, couplings", lambda: flows.NSF(5, passes=2, bins=5, **two), 5),
        Case("NSF, one dimension", lambda: flows.NSF(1, **two), 1),
    ]


def zuko_functions(flow, x, z, c):
    dist = flow(c if c.shape[1] else None)
    inverse = dist.transform.call_and_ladj(x)
    back = dist.transform.inv.call_and_ladj(z)
    return dist.log_prob(x), inverse, back


# nflows.


def nflows_cases():
    from nflows import distributions, flows, transforms
    from nflows.nn.nets import ResidualNet

    t = transforms
    base = lambda n: distributions.StandardNormal([n])
    whole = lambda n, *layers: flows.Flow(t.CompositeTransform(list(layers)), base(n))
    net = lambda context=None, activation=F.relu, norm=False: lambda i, o: ResidualNet(
        i, o, hidden_features=11, context_features=context, activation=activation, use_batch_norm=norm)
    mask = lambda n: torch.arange(n) % 2

    def maf(n, c=None, spline=False, **named):
        kind = t.MaskedPiecewiseRationalQuadraticAutoregressiveTransform if spline else (
            t.MaskedAffineAutoregressiveTransform)
        named = {"num_bins": 5, "tails": "linear", "tail_bound": 3.0} | named if spline else named
        layers = [part for _ in range(2) for part in (
            kind(features=n, hidden_features=14, context_features=c, **named), t.ReversePermutation(n))]
        return whole(n, *layers)

    rqs = t.PiecewiseRationalQuadraticCouplingTransform
    return [
        Case("MaskedAutoregressiveFlow", lambda: flows.MaskedAutoregressiveFlow(4, 10, 3, 2), 4),
        Case("MAF, feed-forward, random masks", lambda: flows.MaskedAutoregressiveFlow(
            5, 12, 2, 2, use_residual_blocks=False, use_random_masks=True, use_random_permutations=True,
            activation=torch.tanh), 5),
        Case("MAF, batch norms", lambda: flows.MaskedAutoregressiveFlow(
            4, 10, 2, 1, batch_norm_within_layers=True, batch_norm_between_layers=True), 4),
        Case("MAF, condition", lambda: maf(3, 2), 3, 2),
        Case("MAF, condition, feed-forward", lambda: maf(4, 2, use_residual_blocks=False, num_blocks=1), 4, 2),
        Case("MAF, splines", lambda: maf(4, spline=True), 4),
        Case("MAF, splines, condition", lambda: maf(3, 2, spline=True, activation=F.silu), 3, 2),
        Case("SimpleRealNVP", lambda: flows.SimpleRealNVP(5, 10, 3, 2), 5),
        Case("SimpleRealNVP, additive, batch norms", lambda: flows.SimpleRealNVP(
            4, 10, 2, 1, use_volume_preserving=True, batch_norm_between_layers=True,
            batch_norm_within_layers=True), 4),
        Case("RQS coupling", lambda: whole(
            5, rqs(mask(5), net(), num_bins=6, tails="linear", tail_bound=2.5), t.RandomPermutation(5),
            rqs(mask(5), net(), num_bins=6, tails="linear", tail_bound=2.5), t.LULinear(5)), 5),
        Case("RQS coupling, both halves", lambda: whole(
            4, rqs(mask(4), net(activation=F.softplus), tails="linear", tail_bound=3.0,
                   apply_unconditional_transform=True), t.ActNorm(4)), 4),
        Case("embedded condition", lambda: flows.Flow(
            maf(3, 2)._transform, base(3), nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))), 3, 4),
        Case("trained base", lambda: flows.Flow(t.CompositeTransform([t.LULinear(3)]),
                                                distributions.DiagonalNormal([3])), 3),
    ]


def nflows_functions(flow, x, z, c):
    c = c if c.shape[1] else None
    embedded = None if c is None else flow._embedding_net(c)
    return flow.log_prob(x, c), flow._transform(x, embedded), flow._transform.inverse(z, embedded)


# normflows.


def normflows_cases():
    import normflows as nf

    f = nf.flows
    whole = lambda n, *layers, trained=True: nf.NormalizingFlow(nf.distributions.DiagGaussian(n, trained), list(layers))
    mlp = lambda i, o: nf.nets.MLP([i, 9, 9, o])
    bits = lambda n: torch.tensor([float(i % 2) for i in range(n)])
    return [
        Case("RealNVP", lambda: whole(
            2, *[part for _ in range(3) for part in (f.AffineCouplingBlock(mlp(1, 2)), f.Permute(2, mode="swap"))]), 2),
        Case("couplings, sigmoid", lambda: whole(
            5, f.AffineCouplingBlock(mlp(3, 4), scale_map="sigmoid"), f.Permute(5), f.AffineCouplingBlock(
                mlp(2, 6), scale_map="sigmoid_inv", split_mode="channel_inv"), f.Permute(5, mode="swap")), 5),
        Case("couplings, additive", lambda: whole(
            4, f.AffineCouplingBlock(mlp(2, 2), scale=False, split_mode="checkerboard"), trained=False), 4),
        Case("MaskedAffineFlow", lambda: whole(
            5, f.MaskedAffineFlow(bits(5), mlp(5, 5), mlp(5, 5)), f.MaskedAffineFlow(1 - bits(5), mlp(5, 5)),
            f.MaskedAffineFlow(bits(5), None, mlp(5, 5)), f.AffineConstFlow(5)), 5),
        Case("MaskedAffineAutoregressive", lambda: whole(
            4, f.MaskedAffineAutoregressive(4, 10), f.LULinearPermute(4), f.MaskedAffineAutoregressive(
                4, 10, use_residual_blocks=False, random_mask=True), f.Permute(4)), 4),
        Case("coupled splines", lambda: whole(
            5, *[part for _ in range(2) for part in (
                f.CoupledRationalQuadraticSpline(5, 2, 12), f.LULinearPermute(5))]), 5),
        Case("autoregressive splines", lambda: whole(
            4, *[part for _ in range(2) for part in (f.AutoregressiveRationalQuadraticSpline(
                4, 1, 12, permute_mask=True), f.LULinearPermute(4))]), 4),
    ]


def normflows_functions(flow, x, z, c):
    return flow.log_prob(x), flow.inverse_and_log_det(x), flow.forward_and_log_det(z)


LIBRARIES = {"zuko": (zuko_cases, zuko_functions), "nflows": (nflows_cases, nflows_functions),
             "normflows": (normflows_cases, normflows_functions)}


# Comparison.


def train(flow, case, seed):
    """Some steps of maximum likelihood on a curved cloud, then noise on every number."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(256, case.dim, generator=generator)
    x[:, 1:] += 0.5 * x[:, :-1] ** 2 if case.dim > 1 else 0
    c = torch.randn(256, case.cond_dim, generator=generator)
    optimizer = torch.optim.Adam(flow.parameters(), 1e-2)
    for _ in range(20):
        optimizer.zero_grad()
        (-score(flow, x, c)).backward()
        optimizer.step()
    with torch.no_grad():
        for p in flow.parameters():
            p += 0.1 * torch.randn(p.shape, generator=generator)
    flow.eval()


def score(flow, x, c):
    c = c if c.shape[1] else None
    if hasattr(flow, "q0"):
        return flow.log_prob(x).mean()
    return (flow.log_prob(x, c) if hasattr(flow, "_transform") else flow(c).log_prob(x)).mean()


def flowc(tool, folder, command, rows, condition, *more):
    np.save(folder / "rows.npy", rows)
    given = []
    if condition.shape[1]:
        np.save(folder / "condition.npy", condition)
        given = ["--condition", folder / "condition.npy"]
    done = subprocess.run([tool, command, folder / "model.safetensors", folder / "rows.npy", "--dtype", "f64", *given,
                           "-o", folder / "out.npy", *more], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return np.load(folder / "out.npy")


def difference(got, want):
    got, want = np.asarray(got).ravel(), want.detach().numpy().ravel()
    return float(np.max(abs(got - want) / (1 + abs(want))))


def check(tool, library, case, functions, seed):
    torch.manual_seed(seed)
    flow = case.make().double()
    train(flow, case, seed)
    text, numbers = getattr(import_module(f"importing.from_{library}"), f"import_{library}")(flow)
    x, z = torch.randn(64, case.dim), torch.randn(64, case.dim)
    x[48:] *= 3
    c = torch.randn(64, case.cond_dim)
    with torch.no_grad():
        log_prob, inverse, back = functions(flow, x, z, c)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        import_module("importing.model_file").write_model(folder / "model.safetensors", text, numbers)
        x, z, c = x.numpy(), z.numpy(), c.numpy()
        worst = {"log_prob": difference(flowc(tool, folder, "log-prob", x, c), log_prob)}
        for command, rows, (y, log_det) in (("inverse", x, inverse), ("transform", z, back)):
            got = flowc(tool, folder, command, rows, c, "--log-det", folder / "log_det.npy")
            worst[command] = max(difference(got, y), difference(np.load(folder / "log_det.npy"), log_det))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flowc")
    parser.add_argument("--only", default="", help="flows whose library or name contains this")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    failed = 0
    for library, (cases, functions) in LIBRARIES.items():
        try:
            found = cases()
        except ModuleNotFoundError as missing:
            print(f"{library}: left out, {missing}")
            continue
        for case in found:
            if options.only not in f"{library} {case.name}":
                continue
            try:
                worst = check(options.flowc, library, case, functions, options.seed)
                wrong = not all(v <= ALLOWED for v in worst.values())
                result = ", ".join(f"{k} {v:.1e}" for k, v in worst.items())
            except (ValueError, RuntimeError) as error:
                wrong, result = True, f"{type(error).__name__}: {error}"
            failed += wrong
            print(f"{'FAILS ' if wrong else ''}{library}: {case.name}: {result}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
