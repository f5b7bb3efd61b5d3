#!/usr/bin/env python3
"""Measures flowc and FlowJAX side by side and prints a table.

Run it with a Python that has FlowJAX, on an otherwise idle machine:

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install flowjax==19.1.2
    /tmp/peers/bin/python tools/bench/peers.py --flowc build/bin/flowc [--galaxies] [--json OUT]

Both sides use all processors, float32, the same flow with the defaults of its
constructor, and the same number of rows. FlowJAX is timed after compilation, with
the results awaited; its initial parameters do not matter to the time. The two
sides take turns, and the best of several rounds counts for each.

--elbo compares steps on a target instead: FlowJAX's `fit_to_key_based_loss` with
`ElboLoss` (once without progress, as a user would call it; the compilation is done
before) with `flowc bench --target`, on Neal's funnel.

--galaxies also trains the same spline flow on the galaxy catalogue with both
(`fit_to_data` and its defaults), for several seeds, and compares time and
log-likelihood of held-out rows. When training stops early is a matter of luck, and
spreads the result of either side by some 0.3 nats; `--patience 100` makes both run
all epochs, and compares the training rather than the luck.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from flowjax.bijections import RationalQuadraticSpline
from flowjax.distributions import StandardNormal
from flowjax.flows import (
    block_neural_autoregressive_flow,
    coupling_flow,
    masked_autoregressive_flow,
    planar_flow,
    triangular_spline_flow,
)
from flowjax.train import fit_to_data, fit_to_key_based_loss
from flowjax.train.losses import ElboLoss, MaximumLikelihoodLoss
from flowjax.train.train_utils import step

CONSTRUCTORS = {
    "coupling_flow": coupling_flow,
    "masked_autoregressive_flow": masked_autoregressive_flow,
    "block_neural_autoregressive_flow": block_neural_autoregressive_flow,
    "triangular_spline_flow": triangular_spline_flow,
    "planar_flow": planar_flow,
}

# Constructor, spline or not, dimension, kernel, rows, the ratio that is asked for (if any).
CASES = [
    ("coupling_flow", False, 2, "log_prob", 200_000, 15),
    ("coupling_flow", False, 8, "log_prob", 200_000, 4),
    ("coupling_flow", False, 64, "log_prob", 50_000, 3),
    ("coupling_flow", True, 8, "log_prob", 50_000, 8),
    ("masked_autoregressive_flow", True, 8, "log_prob", 50_000, 8),
    ("masked_autoregressive_flow", False, 8, "sample", 50_000, 15),
    ("masked_autoregressive_flow", False, 64, "sample", 5_000, 150),
    ("coupling_flow", False, 2, "step_100", 100, 10),
    ("coupling_flow", False, 8, "step_100", 100, 10),
    ("block_neural_autoregressive_flow", False, 2, "log_prob", 50_000, None),
    ("block_neural_autoregressive_flow", False, 8, "log_prob", 50_000, 20),
    ("block_neural_autoregressive_flow", False, 64, "log_prob", 5_000, 20),
    ("block_neural_autoregressive_flow", False, 2, "sample", 10_000, None),
    ("block_neural_autoregressive_flow", False, 8, "sample", 10_000, 20),
    ("block_neural_autoregressive_flow", False, 64, "sample", 5_000, 20),
    ("triangular_spline_flow", False, 2, "log_prob", 50_000, 6),
    ("triangular_spline_flow", False, 8, "log_prob", 50_000, 6),
    ("triangular_spline_flow", False, 64, "log_prob", 5_000, 6),
    ("planar_flow", False, 2, "log_prob", 200_000, 4),
    ("planar_flow", False, 8, "log_prob", 200_000, 4),
    ("planar_flow", False, 64, "log_prob", 50_000, 4),
    ("block_neural_autoregressive_flow", False, 2, "step_100", 100, 10),
    ("block_neural_autoregressive_flow", False, 8, "step_100", 100, 10),
    ("triangular_spline_flow", False, 2, "step_100", 100, 10),
    ("triangular_spline_flow", False, 8, "step_100", 100, 10),
    ("planar_flow", False, 2, "step_100", 100, 10),
    ("planar_flow", False, 8, "step_100", 100, 10),
]

# Constructor, its options and the losses that FlowJAX has for it: steps on a target. (Sticking the landing needs an
# inverse there, which a planar flow has not.)
ELBO_FLOWS = [
    ("coupling_flow", {}, ("elbo", "stl")),
    ("masked_autoregressive_flow", {"invert": False}, ("elbo", "stl")),
    ("planar_flow", {"invert": False}, ("elbo",)),
]
ELBO_ASKED, ELBO_ASKED_MEAN = 12, 25

SPLINE = "rational_quadratic_spline(knots = 8, interval = 4)"


def flow_text(constructor: str, spline: bool, dim: int, extra: str = "") -> str:
    transformer = f", transformer = {SPLINE}" if spline else ""
    return f"flow f = {constructor}(base_dist = standard_normal([{dim}]){transformer}{extra})\n"


def make_flow(constructor: str, spline: bool, dim: int, key, **options):
    if spline:
        options["transformer"] = RationalQuadraticSpline(knots=8, interval=4)
    return CONSTRUCTORS[constructor](key, base_dist=StandardNormal((dim,)), **options)


class FlowJAXCase:
    """One case on FlowJAX's side, compiled when it is made."""

    def __init__(self, constructor, spline, dim, kernel, rows):
        flow = make_flow(constructor, spline, dim, jr.key(0))
        x = jr.normal(jr.key(1), (rows, dim))
        self.rows = rows
        self.calls = 1
        if kernel == "log_prob":
            function = eqx.filter_jit(lambda flow, x: flow.log_prob(x))
            self.run = lambda: function(flow, x).block_until_ready()
        elif kernel == "sample":
            function = eqx.filter_jit(lambda flow, key: flow.sample(key, (rows,)))
            self.run = lambda: function(flow, jr.key(2)).block_until_ready()
        else:
            self.calls = 200
            self.run = self.make_steps(flow, x)
        self.run()

    def make_steps(self, flow, x):
        """`calls` training steps as `fit_to_data` does them."""
        params, static = eqx.partition(flow, eqx.is_inexact_array)
        optimizer = optax.adam(5e-4)
        state = optimizer.init(params)
        loss = MaximumLikelihoodLoss()

        def run():
            p, s = params, state
            key = jr.key(3)
            for _ in range(self.calls):
                key, subkey = jr.split(key)
                p, s, value = step(p, static, x, optimizer=optimizer, opt_state=s, loss_fn=loss, key=subkey)
            value.block_until_ready()

        return run

    def rows_per_second(self) -> float:
        """The best of as many runs as fit into a second, two at least."""
        best = float("inf")
        spent, runs = 0.0, 0
        while spent < 1.0 or runs < 2:
            start = time.perf_counter()
            self.run()
            elapsed = time.perf_counter() - start
            best = min(best, elapsed)
            spent += elapsed
            runs += 1
        return self.rows * self.calls / best


def flowc_bench(flowc: str, text: str, kernel: str, rows: int, folder: Path) -> dict:
    """What `flowc bench` says about one kernel."""
    path = folder / "bench.flow"
    path.write_text(text)
    command = [flowc, "bench", str(path), f"--kernels={kernel}", "--json"]
    if kernel != "step_100":
        command += ["--rows", str(rows)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    report = json.loads(output)
    (measured,) = [entry for entry in report["kernels"] if entry["kernel"] == kernel]
    return {**measured, "fma_peak_gflops": report["fma_peak_gflops"], "cold": report["cold_compile_seconds"]}


def verdict(ratio: float, asked) -> str:
    if asked is None:
        return ""
    return f"≥ {asked} ×{'' if ratio >= asked else ' MISSED'}"


def compare_kernels(flowc: str, rounds: int, folder: Path, only: str) -> list[dict]:
    results = []
    print("| flow | D | work | flowc, 10^3 rows/s | share of FMA peak | FlowJAX, 10^3 rows/s | ratio | asked for |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for constructor, spline, dim, kernel, rows, asked in CASES:
        if only and only not in f"{constructor} {kernel}":
            continue
        text = flow_text(constructor, spline, dim)
        peer = FlowJAXCase(constructor, spline, dim, kernel, rows)
        ours, theirs = {"rows_per_second": 0.0}, 0.0
        for _ in range(rounds):
            measured = flowc_bench(flowc, text, kernel, rows, folder)
            ours = max(ours, measured, key=lambda entry: entry["rows_per_second"])
            theirs = max(theirs, peer.rows_per_second())
        ratio = ours["rows_per_second"] / theirs
        name = constructor + (", spline" if spline else "")
        share = ours.get("share_of_peak")
        results.append(
            {
                "flow": name,
                "dim": dim,
                "kernel": kernel,
                "rows": rows,
                "flowc_rows_per_second": ours["rows_per_second"],
                "flowjax_rows_per_second": theirs,
                "ratio": ratio,
                "asked_for": asked,
                "share_of_peak": share,
                "fma_peak_gflops": ours["fma_peak_gflops"],
            }
        )
        print(
            f"| {name} | {dim} | {kernel} | {ours['rows_per_second'] / 1e3:,.1f} | "
            f"{'' if share is None else f'{100 * share:.0f} %'} | {theirs / 1e3:,.1f} | "
            f"{ratio:.1f} × | {verdict(ratio, asked)} |",
            flush=True,
        )
    return results


def funnel_text(dim: int) -> str:
    return (
        f"density funnel(x[{dim}]) = -0.5*(x[0]/3)^2 - 0.5*sum(x[1:]^2)*exp(-x[0]) - 0.5*{dim - 1}*x[0]\n"
    )


def funnel(x):
    rest = x[1:]
    return -0.5 * (x[0] / 3) ** 2 - 0.5 * (rest**2).sum() * jnp.exp(-x[0]) - 0.5 * rest.size * x[0]


class FlowJAXElbo:
    """Steps of `fit_to_key_based_loss`, compiled when this is made."""

    def __init__(self, constructor, options, dim, draws, stick_the_landing):
        self.flow = make_flow(constructor, False, dim, jr.key(0), **options)
        self.loss = ElboLoss(funnel, draws, stick_the_landing=stick_the_landing)
        # Made once, or every fit compiles anew. So small a rate that the flow stays as it is, as on the other side.
        self.optimizer = optax.adam(1e-12)
        self.fit(1)

    def fit(self, steps) -> float:
        start = time.perf_counter()
        options = {"loss_fn": self.loss, "optimizer": self.optimizer, "show_progress": False}
        fit_to_key_based_loss(jr.key(1), self.flow, steps=steps, **options)
        return time.perf_counter() - start

    def seconds_per_step(self) -> float:
        """The best of as many runs of 100 steps as fit into a second, two at least."""
        best, spent, runs = float("inf"), 0.0, 0
        while spent < 1.0 or runs < 2:
            elapsed = self.fit(100)
            best, spent, runs = min(best, elapsed / 100), spent + elapsed, runs + 1
        return best


def compare_elbo(flowc: str, rounds: int, folder: Path, only: str) -> list[dict]:
    results = []
    print("| flow | D | draws | loss | flowc, us/step | FlowJAX, us/step | ratio | asked for |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    cells = itertools.product(ELBO_FLOWS, (2, 10, 50), (100, 1000))
    for (constructor, options, losses), dim, draws in cells:
        if only and only not in f"{constructor} elbo {dim}":
            continue
        extra = "".join(f", {name} = {str(value).lower()}" for name, value in options.items())
        target, path = folder / "funnel.flow", folder / "bench.flow"
        target.write_text(funnel_text(dim))
        path.write_text(flow_text(constructor, False, dim, extra))
        for loss in losses:
            peer = FlowJAXElbo(constructor, options, dim, draws, loss == "stl")
            ours = theirs = float("inf")
            command = [flowc, "bench", path, "--target", target, "--objective", loss, "--kernels=step"]
            command += ["--rows", str(draws), "--json"]
            for _ in range(rounds):
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                ours = min(ours, json.loads(output)["kernels"][0]["seconds_per_call"])
                theirs = min(theirs, peer.seconds_per_step())
            ratio = theirs / ours
            asked = ELBO_ASKED if loss == "elbo" else None
            results.append(
                {
                    "flow": constructor + extra,
                    "dim": dim,
                    "draws": draws,
                    "loss": loss,
                    "flowc_seconds": ours,
                    "flowjax_seconds": theirs,
                    "ratio": ratio,
                    "asked_for": asked,
                }
            )
            print(
                f"| {constructor}{extra} | {dim} | {draws} | {loss} | {ours * 1e6:,.1f} | {theirs * 1e6:,.1f} | "
                f"{ratio:.1f} × | {verdict(ratio, asked)} |",
                flush=True,
            )
    for loss in ("elbo", "stl"):
        ratios = [entry["ratio"] for entry in results if entry["loss"] == loss]
        if ratios:
            mean = float(np.exp(np.mean(np.log(ratios))))
            asked = f" (asked for: {ELBO_ASKED_MEAN})" if loss == "elbo" else ""
            print(f"\n{loss}: geometric mean {mean:.1f} ×{asked}, least {min(ratios):.1f} ×")
    return results


def read_galaxies(data: Path):
    """Training rows and held-out rows, as the demo splits them."""
    lines = data.read_text().splitlines()
    rows = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])
    held_out = np.arange(len(rows)) % 10 == 8
    return lines[0], rows[~held_out], rows[held_out]


def write_csv(path: Path, header: str, rows) -> None:
    np.savetxt(path, rows, delimiter=",", header=header, comments="", fmt="%.8g")


def train_flowjax(seed: int, patience: int, train, test):
    mean, std = train.mean(axis=0), train.std(axis=0)
    scaled = jnp.asarray((train - mean) / std, dtype=jnp.float32)
    key, subkey = jr.split(jr.key(seed))
    flow = make_flow("coupling_flow", True, train.shape[1], key, nn_width=50)
    start = time.perf_counter()
    flow, losses = fit_to_data(subkey, flow, scaled, max_patience=patience, show_progress=False)
    seconds = time.perf_counter() - start
    scaled_test = jnp.asarray((test - mean) / std, dtype=jnp.float32)
    log_prob = np.asarray(eqx.filter_jit(flow.log_prob)(scaled_test), dtype=np.float64)
    # In the units of the data: less the log-det of the standardisation.
    return seconds, float(log_prob.mean() - np.log(std).sum()), len(losses["train"])


def train_flowc(flowc: str, seed: int, patience: int, header: str, train, test, folder: Path):
    flow, model = folder / "galaxies.flow", folder / "galaxies.safetensors"
    flow.write_text(flow_text("coupling_flow", True, train.shape[1], extra=", nn_width = 50"))
    write_csv(folder / "train.csv", header, train)
    write_csv(folder / "test.csv", header, test)
    start = time.perf_counter()
    command = [flowc, "train", flow, "--data", folder / "train.csv", "-o", model]
    command += ["--seed", str(seed), "--max-patience", str(patience)]
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - start
    scores = folder / "log_prob.npy"
    subprocess.run([flowc, "log-prob", model, folder / "test.csv", "-o", scores], check=True, capture_output=True)
    return seconds, float(np.load(scores).astype(np.float64).mean())


def compare_training(flowc: str, data: Path, seeds: int, patience: int, folder: Path) -> list[dict]:
    header, train, test = read_galaxies(data)
    print("\n| galaxies, seed | flowc, s | FlowJAX, s | flowc, test log-likelihood | FlowJAX, test log-likelihood |")
    print("| --- | --- | --- | --- | --- |")
    results = []
    for seed in range(seeds):
        our_time, ours = train_flowc(flowc, seed, patience, header, train, test, folder)
        their_time, theirs, epochs = train_flowjax(seed, patience, train, test)
        results.append(
            {
                "seed": seed,
                "flowc_seconds": our_time,
                "flowjax_seconds": their_time,
                "flowjax_epochs": epochs,
                "flowc_log_likelihood": ours,
                "flowjax_log_likelihood": theirs,
            }
        )
        print(f"| {seed} | {our_time:.2f} | {their_time:.1f} ({epochs} epochs) | {ours:.4f} | {theirs:.4f} |", flush=True)
    spread = [np.std([entry[f"{side}_log_likelihood"] for entry in results]) for side in ("flowc", "flowjax")]
    mean = {key: float(np.mean([entry[key] for entry in results])) for key in results[0]}
    print(
        f"| mean | {mean['flowc_seconds']:.2f} | {mean['flowjax_seconds']:.1f} | "
        f"{mean['flowc_log_likelihood']:.4f} ± {spread[0]:.2f} | {mean['flowjax_log_likelihood']:.4f} ± {spread[1]:.2f} |"
    )
    print(
        f"\nflowc takes {mean['flowc_seconds'] / mean['flowjax_seconds']:.3f} of FlowJAX's time (asked for: 0.1); its mean "
        f"test log-likelihood is {mean['flowc_log_likelihood'] - mean['flowjax_log_likelihood']:+.4f} nats off "
        "(asked for: ≥ -0.05)"
    )
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--flowc", default=str(root / "build/bin/flowc"), help="the tool (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns that each side takes (default: %(default)s)")
    parser.add_argument("--only", default="", help="cases with this in `CONSTRUCTOR KERNEL`, e.g. 'planar_flow step'")
    parser.add_argument("--elbo", action="store_true", help="compare steps on a target, and nothing else")
    parser.add_argument("--galaxies", action="store_true", help="compare training, too (minutes)")
    parser.add_argument("--seeds", type=int, default=3, help="training runs of each side (default: %(default)s)")
    parser.add_argument("--patience", type=int, default=5, help="fruitless epochs to put up with (default: %(default)s)")
    parser.add_argument("--json", help="write all results to this file")
    arguments = parser.parse_args()
    print(f"FlowJAX on {len(jax.devices())} × {jax.devices()[0].platform}, {os.cpu_count()} processors\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare = compare_elbo if arguments.elbo else compare_kernels
        report = {"kernels": compare(arguments.flowc, arguments.rounds, folder, arguments.only)}
        if arguments.galaxies:
            data = root / "test/data/galaxies.csv"
            report["galaxies"] = compare_training(
                arguments.flowc, data, arguments.seeds, arguments.patience, folder
            )
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
