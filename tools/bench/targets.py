#!/usr/bin/env python3
"""Trains flows on targets with default options, seed after seed, and prints tables:

    python3 tools/bench/targets.py --flowc build/bin/flowc [--seeds 0,1,2]
    python3 tools/bench/targets.py --flowc build/bin/flowc --reference POSTERIORDB [--seeds 0,1]

The first has the four targets of test/data/targets, which are normalised: the best ELBO is 0. Asked for are 0.02 nats (0.1 on
the funnel), by 200,000 draws. The second compares the posteriors of test/data/posteriors with reference draws, in folders
POSTERIORDB/NAME-MODEL/draws.npy (float64, a row for a draw). Asked for are means within 0.1 reference deviations, deviations
within 10 %, a Pareto k below 0.7 and 30 seconds (of one processor). Exit code 1 if something is missed.
"""

import argparse
import array
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

DATA = pathlib.Path(__file__).resolve().parents[2] / "test" / "data"
SPLINES = "transformer = rational_quadratic_spline(knots = 8, interval = 4), "
FLOWS = {
    "autoregressive": "masked_autoregressive_flow(standard_normal([2]), invert = false)",
    "autoregressive, splines": f"masked_autoregressive_flow(standard_normal([2]), {SPLINES}invert = false)",
    "coupling": "coupling_flow(standard_normal([2]), invert = false)",
    "coupling, splines": f"coupling_flow(standard_normal([2]), {SPLINES}invert = false)",
}
MOST_LACKING = {"funnel": 0.1}  # nats; of others, 0.02.
POSTERIORS = ["eight_schools", "kidiq", "arK", "low_dim_gauss_mix"]
DRAWS = 20000


def call(arguments, *command):
    return subprocess.run([arguments.flowc, *map(str, command)], check=True, capture_output=True, text=True).stdout


def fit(arguments, flow, target, seed, model):
    """What `flowc evaluate` says after a training, and the processor's seconds of that."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call(arguments, "train", flow, "--target", target, "--seed", seed, "--threads", 1, *arguments.options, "-o", model)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(call(arguments, "evaluate", model, "--target", target, "-n", 200000, "--json"))["target"]
    return report, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def read_npy(path):
    """The columns of a file of float64 in C order."""
    data = path.read_bytes()
    start = 10 + int.from_bytes(data[8:10], "little")
    header = eval(data[10:start], {}, {})  # A literal of Python's, by the definition of the format.
    rows, columns = header["shape"]
    assert header["descr"] == "<f8" and not header["fortran_order"], f"{path}: {header}"
    values = array.array("d", data[start : start + 8 * rows * columns])
    return [values[column::columns] for column in range(columns)]


def compare_targets(arguments, folder):
    good = True
    print("| flow | target | ELBO of the seeds | seconds of one processor |\n| --- | --- | --- | --- |")
    for name, text in FLOWS.items():
        if arguments.flow not in name:
            continue
        flow = folder / "f.flow"
        flow.write_text(f"flow f = {text}\n")
        for target in sorted((DATA / "targets").glob("*.flow")):
            found, seconds = [], []
            for seed in arguments.seeds:
                report, spent = fit(arguments, flow, target, seed, folder / "m.safetensors")
                found.append(f"{report['elbo']:.4f}")
                seconds.append(spent)
                good &= -report["elbo"] <= MOST_LACKING.get(target.stem, 0.02)
            print(f"| {name} | {target.stem} | {', '.join(found)} | {statistics.mean(seconds):.0f} |", flush=True)
    return good


def on_scale_of_reference(name, columns):
    """The references of the eight schools hold theta = mu + tau eta instead of eta."""
    if name != "eight_schools":
        return columns
    mu, tau = columns[8:10]
    theta = [[m + t * e for m, t, e in zip(mu, tau, eta)] for eta in columns[:8]]
    return [*theta, mu, tau]


def compare_posteriors(arguments, folder):
    good = True
    print("| posterior | seed | mean | deviation | Pareto k | seconds of one processor |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in POSTERIORS:
        (reference,) = arguments.reference.glob(f"{name}-*")
        expected = read_npy(reference / "draws.npy")
        flow = DATA / "posteriors" / f"{name}.flow"
        for seed in arguments.seeds:
            model, draws = folder / "m.safetensors", folder / "draws.npy"
            report, spent = fit(arguments, flow, flow, seed, model)
            call(arguments, "sample", model, "-n", DRAWS, "--seed", 1, "--dtype", "f64", "-o", draws)
            found = on_scale_of_reference(name, read_npy(draws))
            means, deviations = [], []
            for ours, theirs in zip(found, expected, strict=True):
                deviation = statistics.stdev(theirs)
                means.append(abs(statistics.fmean(ours) - statistics.fmean(theirs)) / deviation)
                deviations.append(abs(statistics.stdev(ours) / deviation - 1))
            k = report["pareto_k"]
            good &= max(means) <= 0.1 and max(deviations) <= 0.1 and k < 0.7 and spent <= 30
            print(f"| {name} | {seed} | {max(means):.3f} | {100 * max(deviations):.1f} % | {k:.2f} | {spent:.1f} |",
                  flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flowc", default="flowc")
    parser.add_argument("--seeds", default="0,1,2", type=lambda text: list(map(int, text.split(","))))
    parser.add_argument("--flow", default="", help="only flows with this in their names")
    parser.add_argument("--reference", type=pathlib.Path, help="a folder with reference draws of posteriors")
    parser.add_argument("options", nargs="*", help="options of flowc train, after --")
    arguments = parser.parse_args()
    compare = compare_posteriors if arguments.reference else compare_targets
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if compare(arguments, pathlib.Path(folder)) else 1)


if __name__ == "__main__":
    main()
