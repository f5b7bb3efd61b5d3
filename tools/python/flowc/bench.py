# ===- bench.py - flowc and FlowJAX side by side ---------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
"""Compares flowc with FlowJAX on this machine, in one process::

    python -m flowc.bench --help

Each flow is made and trained for some steps by FlowJAX and taken by `flowc.from_flowjax`, so that both compute the
same. Both have all processors and float32; FlowJAX's functions are compiled before, and results awaited. The two take
turns, and the best time of each counts. Without FlowJAX flowc's own times are shown.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time

import numpy

import flowc

#: Constructors, alone or with splines.
FLOWS = {
    "coupling": ("coupling_flow", False),
    "coupling-spline": ("coupling_flow", True),
    "autoregressive": ("masked_autoregressive_flow", False),
    "autoregressive-spline": ("masked_autoregressive_flow", True),
    "block": ("block_neural_autoregressive_flow", False),
    "triangular-spline": ("triangular_spline_flow", False),
    "planar": ("planar_flow", False),
}
DEFAULT_FLOWS = ["coupling", "coupling-spline", "autoregressive", "autoregressive-spline"]
#: What each does: `step` is one of training, with Adam on `BATCH` rows.
WORK = ["log_prob", "sample", "step"]
BATCH = 100
EPOCH = 20  # steps of flowc, which has no measure of one alone in Python
STEPS = 200  # of FlowJAX


def best_seconds(run, seconds):
    """The shortest time of a call, of as many as fit, two at least."""
    best, spent, runs = math.inf, 0.0, 0
    while spent < seconds or runs < 2:
        start = time.perf_counter()
        run()
        elapsed = time.perf_counter() - start
        best, spent, runs = min(best, elapsed), spent + elapsed, runs + 1
    return best


class OfFlowc:
    """A model's work."""

    def __init__(self, model, rows, dim):
        self.model, self.rows = model, rows
        self.x = normal(rows, dim)
        # (And as few rows to validate with as there may be.)
        self.batches = normal((EPOCH + 1) * BATCH, dim)

    def log_prob(self, seconds):
        return best_seconds(lambda: self.model.log_prob(self.x), seconds) / self.rows

    def sample(self, seconds):
        return best_seconds(lambda: self.model.sample(self.rows, seed=1), seconds) / self.rows

    def step(self, seconds):
        """Of the fastest epoch, of so small a rate that the flow stays as it is."""
        ends = [time.perf_counter()]

        def is_enough(*_):
            ends.append(time.perf_counter())
            return ends[-1] - ends[0] > seconds and len(ends) > 3

        self.model.fit(
            self.batches, max_epochs=10**6, max_patience=10**6, batch_size=BATCH, val_prop=1 / (EPOCH + 1), average=0,
            learning_rate=1e-12, callback=is_enough, progress=False,
        )  # fmt: skip
        # (The first one has what comes before it, too.)
        return min(end - start for start, end in zip(ends[1:], ends[2:], strict=False)) / (EPOCH * BATCH)


class OfFlowJAX:
    """A flow of FlowJAX and its work, compiled when it is first done."""

    def __init__(self, constructor, spline, dim, rows):
        import equinox as eqx
        import jax
        import optax
        from flowjax import bijections, distributions, flows
        from flowjax.train.losses import MaximumLikelihoodLoss

        options = {"transformer": bijections.RationalQuadraticSpline(knots=8, interval=4)} if spline else {}
        base = distributions.StandardNormal((dim,))
        self.flow = getattr(flows, constructor)(jax.random.key(0), base_dist=base, **options)
        self.rows, self.x = rows, jax.numpy.asarray(normal(rows, dim))
        self.optimizer, self.loss = optax.adam(5e-4), MaximumLikelihoodLoss()
        self.score = eqx.filter_jit(lambda flow, x: flow.log_prob(x))
        self.draw = eqx.filter_jit(lambda flow, key: flow.sample(key, (rows,)))

    def train(self, x, steps):
        """Steps as `fit_to_data` does them, which change the flow."""
        import equinox as eqx
        import jax
        from flowjax.train.train_utils import step

        parameters, static = eqx.partition(self.flow, eqx.is_inexact_array)
        state, key, x = self.optimizer.init(parameters), jax.random.key(3), jax.numpy.asarray(x)
        for _ in range(steps):
            key, subkey = jax.random.split(key)
            parameters, state, value = step(
                parameters, static, x, optimizer=self.optimizer, opt_state=state, loss_fn=self.loss, key=subkey
            )
        if steps:
            value.block_until_ready()
        return eqx.combine(parameters, static)

    def log_prob(self, seconds):
        return best_seconds(lambda: self.score(self.flow, self.x).block_until_ready(), seconds) / self.rows

    def sample(self, seconds):
        import jax

        key = jax.random.key(2)
        return best_seconds(lambda: self.draw(self.flow, key).block_until_ready(), seconds) / self.rows

    def step(self, seconds):
        x = normal(BATCH, self.x.shape[1])
        return best_seconds(lambda: self.train(x, STEPS), seconds) / (STEPS * BATCH)


def normal(rows, dim):
    return numpy.random.default_rng(0).normal(size=(rows, dim)).astype("float32")


def make_pair(name, dim, rows, train_steps):
    """The same flow for both; None for a FlowJAX that is not there."""
    constructor, spline = FLOWS[name]
    try:
        theirs = OfFlowJAX(constructor, spline, dim, rows)
    except ModuleNotFoundError:
        options = {"transformer": flowc.rational_quadratic_spline(knots=8, interval=4)} if spline else {}
        flow = getattr(flowc, constructor)(flowc.standard_normal([dim]), **options)
        return OfFlowc(flowc.Model(flow), rows, dim), None
    # Banana-shaped rows.
    x = normal(BATCH, dim)
    x[:, 1:] += 0.5 * x[:, :1] ** 2
    theirs.flow = theirs.train(x, train_steps)
    return OfFlowc(flowc.from_flowjax(theirs.flow), rows, dim), theirs


def compare(pair, work, rounds, seconds):
    """The best seconds for a row of each; they take turns."""
    sides = [getattr(side, work) for side in pair if side is not None]
    for side in sides:
        side(0)  # compiles
    best = [math.inf] * len(sides)
    for _ in range(rounds):
        best = [min(least, side(seconds)) for least, side in zip(best, sides, strict=True)]
    return best


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m flowc.bench",
        description="Compares flowc with FlowJAX on this machine: the same trained flows, in one process. The machine "
        "should have nothing else to do.",
    )
    parser.add_argument("--flows", nargs="+", choices=FLOWS, default=DEFAULT_FLOWS, help=f"default: {' '.join(DEFAULT_FLOWS)}")
    parser.add_argument("--dims", nargs="+", type=int, default=[2, 8], metavar="D", help="coordinates; default: 2 8")
    parser.add_argument("--work", nargs="+", choices=WORK, default=WORK,
                        help=f"default: all. step: one of training, on {BATCH} rows")  # fmt: skip
    parser.add_argument("--rows", type=int, default=50_000, metavar="N", help="of log_prob and sample; default: 50,000")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often the two take turns; default: 3")
    parser.add_argument("--seconds", type=float, default=0.5, metavar="S", help="of each turn, at least; default: 0.5")
    parser.add_argument("--train-steps", type=int, default=200, metavar="N",
                        help="that FlowJAX trains each flow for before; default: 200")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="writes the numbers there, too")
    options = parser.parse_args(arguments)
    for name in ("rows", "rounds", *(["dims"] if min(options.dims) < 1 else [])):
        if name == "dims" or getattr(options, name) < 1:
            parser.error(f"--{name} has to be at least 1")
    if options.seconds < 0 or options.train_steps < 0:
        parser.error("--seconds and --train-steps cannot be negative")
    if 1 in options.dims and any(name.startswith("coupling") for name in options.flows):
        parser.error("a coupling flow needs at least 2 coordinates: --dims")
    return options


def run(options):
    """Prints the table; gives its numbers."""
    results = []
    print("| flow | D | work | flowc, 10^3 rows/s | FlowJAX, 10^3 rows/s | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in options.flows:
        for dim in options.dims:
            pair = make_pair(name, dim, options.rows, options.train_steps)
            for work in options.work:
                ours, *theirs = compare(pair, work, options.rounds, options.seconds)
                entry = {"flow": name, "dim": dim, "work": work, "flowc_rows_per_second": 1 / ours}
                cells = ["", ""]
                if theirs:
                    entry |= {"flowjax_rows_per_second": 1 / theirs[0], "ratio": theirs[0] / ours}
                    cells = [f"{1e-3 / theirs[0]:,.1f}", f"{theirs[0] / ours:.1f} ×"]
                results.append(entry)
                print(f"| {name} | {dim} | {work} | {1e-3 / ours:,.1f} | {cells[0]} | {cells[1]} |", flush=True)
    ratios = [entry["ratio"] for entry in results if "ratio" in entry]
    if ratios:
        print(f"\ngeometric mean {math.prod(ratios) ** (1 / len(ratios)):.1f} ×, least {min(ratios):.1f} ×")
    else:
        print("\nFlowJAX is not installed: pip install flowjax")
    return results


def main(arguments=None):
    options = parse_arguments(arguments)
    results = run(options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"flowc": flowc.__version__, "python": sys.version.split()[0], "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
