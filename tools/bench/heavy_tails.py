#!/usr/bin/env python3
"""Trains 32 affine couplings on heavy-tailed data, seed after seed, and prints a table:

    python3 tools/bench/heavy_tails.py --flowc build/bin/flowc [--seeds 100] [--rows 4000] [-- TRAIN OPTIONS]

The data are rows of D = 19 Student's t of two degrees of freedom (no variance), independent in every coordinate or, with
--joint, one common scale for a row. Everything is made from the seed, training has nothing but defaults. A run fails if
it ends with an error or a number that is not finite, or if at its end the validation loss is more than 0.5 nats per
dimension above that of its best epoch. Exit code 1 if a run fails.
"""

import argparse
import array
import json
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

DIM = 19
LAYERS = 32
MOST_LOST = 0.5  # nats per dimension


def write_npy(path, values, columns):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({len(values) // columns}, {columns}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
    path.write_bytes(start + header.encode() + array.array("d", values).tobytes())


def draw(rows, seed, joint):
    """Z / sqrt(E), Z normal and E exponential, is Student's t of two degrees of freedom."""
    generator = random.Random(seed)
    values = []
    for _ in range(rows):
        common = generator.expovariate(1)
        values += [generator.gauss(0, 1) / math.sqrt(common if joint else generator.expovariate(1)) for _ in range(DIM)]
    return values


def train(arguments, folder, seed):
    """The epochs of a run, as its log has them, and what went to stderr if it failed."""
    write_npy(folder / "x.npy", draw(arguments.rows, seed, arguments.joint), DIM)
    log = folder / "log.jsonl"
    log.unlink(missing_ok=True)
    command = [arguments.flowc, "train", folder / "flow.flow", "--data", folder / "x.npy", "--seed", str(seed)]
    command += ["--threads", "1", "--log", log, "-o", folder / "model.safetensors", *arguments.options]
    done = subprocess.run(command, capture_output=True, text=True)
    epochs = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return epochs, done.stderr.strip() if done.returncode else ""


def judge(epochs, error):
    """How much the run lost against its best epoch in nats per dimension, and why it failed, or nothing."""
    if error or not epochs:
        return math.inf, error or "no epoch"
    losses = [math.nan if epoch["val_loss"] is None else epoch["val_loss"] for epoch in epochs]
    if not all(map(math.isfinite, losses)):
        return math.inf, "a validation loss is not finite"
    lost = (losses[-1] - min(losses)) / DIM
    return lost, "" if lost <= MOST_LOST else f"lost {lost:.3f} nats per dimension"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flowc", default="flowc")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--joint", action="store_true", help="one scale for a whole row")
    parser.add_argument("--each", action="store_true", help="print a line for every seed")
    parser.add_argument("options", nargs="*", help="options of flowc train, after --")
    arguments = parser.parse_args()
    failed, lost, recoveries, epochs_run = [], [], 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "flow.flow").write_text(f"flow f = coupling_flow(standard_normal([{DIM}]), flow_layers = {LAYERS})\n")
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            epochs, error = train(arguments, folder, seed)
            loss, reason = judge(epochs, error)
            lost.append(loss)
            epochs_run += len(epochs)
            recoveries += int(epochs[-1]["recoveries"]) if epochs else 0
            if reason:
                failed.append(seed)
            if reason or arguments.each:
                print(f"seed {seed}: {len(epochs)} epochs, lost {loss:.4f} {reason}", flush=True)
    print(f"{arguments.seeds} seeds, {epochs_run / arguments.seeds:.1f} epochs each: {len(failed)} failed, most lost "
          f"{max(lost):.4f}, median {sorted(lost)[len(lost) // 2]:.4f} nats per dimension, {recoveries} recoveries")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
