#!/usr/bin/env python3
"""Trains flows on data whose density is known, and prints how much they lack:

    python3 tools/bench/known_entropy.py --flowc build/bin/flowc [--dims 2,6,8,21,43] [--rows 30000]

The data are a Gaussian with a full covariance, and a mixture of three of them. What a flow lacks is the mean, over rows
that training has not seen, of the true log-density less the flow's: noise of the rows themselves cancels. Asked for are
0.02 nats per dimension. The flows are masked autoregressive ones (affine for Gaussians; splines for mixtures); training has
its defaults, unless options are given. Exit code 1 if a flow lacks more.
"""

import argparse
import array
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

MOST = 0.02  # nats per dimension
COMPONENTS = 3

FLOWS = {
    "gaussian": "masked_autoregressive_flow(standard_normal([{dim}]), nn_width = {width}, flow_layers = 4)",
    "mixture": "masked_autoregressive_flow(standard_normal([{dim}]), transformer = rational_quadratic_spline(knots = 8, "
    "interval = 4), nn_width = {width}, flow_layers = 4)",
}


def write_npy(path, values, columns):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({len(values) // columns}, {columns}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
    path.write_bytes(start + header.encode() + array.array("d", values).tobytes())


class Gaussian:
    """x = mean + L z with a lower triangular L."""

    def __init__(self, generator, dim, spread):
        self.mean = [generator.gauss(0, spread) for _ in range(dim)]
        self.factor = [[generator.gauss(0, 0.6 / math.sqrt(dim)) for _ in range(row)] + [math.exp(generator.gauss(0, 0.3))]
                       for row in range(dim)]
        self.constant = -sum(math.log(row[-1]) for row in self.factor) - 0.5 * dim * math.log(2 * math.pi)

    def draw(self, generator):
        z = [generator.gauss(0, 1) for _ in self.mean]
        return [mean + sum(map(float.__mul__, row, z)) for mean, row in zip(self.mean, self.factor)]

    def log_density(self, x):
        z = []
        for value, mean, row in zip(x, self.mean, self.factor):
            z.append((value - mean - sum(map(float.__mul__, row, z))) / row[-1])
        return self.constant - 0.5 * sum(map(float.__mul__, z, z))


class Mixture:
    def __init__(self, generator, dim, count):
        spread = 0 if count == 1 else 2
        self.parts = [Gaussian(generator, dim, spread) for _ in range(count)]

    def draw(self, generator):
        return generator.choice(self.parts).draw(generator)

    def log_density(self, x):
        logs = [part.log_density(x) for part in self.parts]
        most = max(logs)
        return most + math.log(sum(math.exp(value - most) for value in logs) / len(logs))


def run(arguments, folder, kind, dim):
    generator = random.Random(1000 * arguments.seed + dim)
    density = Mixture(generator, dim, 1 if kind == "gaussian" else COMPONENTS)
    rows = [density.draw(generator) for _ in range(arguments.rows)]
    test = [density.draw(generator) for _ in range(arguments.test_rows)]
    write_npy(folder / "x.npy", [value for row in rows for value in row], dim)
    write_npy(folder / "test.npy", [value for row in test for value in row], dim)
    (folder / "f.flow").write_text("flow f = " + FLOWS[kind].format(dim=dim, width=max(32, 2 * dim)) + "\n")
    start = time.time()
    subprocess.run([arguments.flowc, "train", folder / "f.flow", "--data", folder / "x.npy", "--seed", str(arguments.seed),
                    *arguments.options, "-o", folder / "m.safetensors"],
                   check=True, stdout=subprocess.DEVNULL)
    seconds = time.time() - start
    output = subprocess.run([arguments.flowc, "log-prob", folder / "m.safetensors", folder / "test.npy"], check=True,
                            capture_output=True, text=True).stdout
    found = [float(line) for line in output.split()[1:]]
    lacks = [density.log_density(row) - value for row, value in zip(test, found)]
    mean = sum(lacks) / len(lacks)
    error = math.sqrt(sum((value - mean) ** 2 for value in lacks)) / len(lacks)
    return mean, error, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flowc", default="flowc")
    parser.add_argument("--dims", default="2,6,8,21,43")
    parser.add_argument("--kinds", default="gaussian,mixture")
    parser.add_argument("--rows", type=int, default=30000, help="rows to train on")
    parser.add_argument("--test-rows", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("options", nargs="*", help="options of flowc train, after --")
    arguments = parser.parse_args()
    print("| data | D | lacks (nats) | per dimension | seconds |\n| --- | --- | --- | --- | --- |")
    good = True
    with tempfile.TemporaryDirectory() as name:
        for kind in arguments.kinds.split(","):
            for dim in map(int, arguments.dims.split(",")):
                mean, error, seconds = run(arguments, pathlib.Path(name), kind, dim)
                good &= mean <= MOST * dim
                print(f"| {kind} | {dim} | {mean:.4f} ± {error:.4f} | {mean / dim:.4f} | {seconds:.0f} |", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
