"""Lets the N-th call of the system fail, in every command, and looks at what is left.

    faults.py FLOWC LIBRARY FOLDER [--kinds KIND ...] [--commands NAME ...] [--limit N] [--lasting]

LIBRARY is Faults.cpp, compiled. A first run of each command counts its calls by kind. Then it runs once for each N
with the N-th call failing (with --lasting: and all later ones), or for N spread evenly if there are more than --limit.
Whatever fails: the command ends within a minute, with 0 and its full result, or with 1 and a message; a file that it
writes is the old one or the new one to the last bit; no temporary stays. Prints a line per command and kind.
"""

import argparse
import errno
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

# The order of Faults.cpp.
KINDS = {
    "open": errno.EMFILE,
    "read": errno.EIO,
    "write": errno.ENOSPC,
    "fsync": errno.EIO,
    "rename": errno.EXDEV,
    "mmap": errno.ENOMEM,
    "malloc": errno.ENOMEM,
}

FLOW = "flow f = coupling_flow(base_dist = standard_normal([2]), flow_layers = 2, nn_width = 4)\n"
DENSITY = "density t(x[2]) = -x[0]^2 - (x[1] - x[0])^2\n"
ROWS = "a,b\n" + "0.1,0.2\n0.3,-0.4\n0.5,0.6\n-0.2,0.1\n" * 10

# Name: arguments; outputs are the files that are there afterwards, beginning with "out".
COMMANDS = {
    "check": ["check", "f.flow"],
    "check-data": ["check", "f.flow", "--data", "rows.csv"],
    "explain": ["explain", "model.safetensors"],
    "init": ["init", "f.flow", "-o", "out.safetensors"],
    "log-prob": ["log-prob", "model.safetensors", "rows.csv", "-o", "out.csv"],
    "transform": ["transform", "model.safetensors", "rows.csv", "-o", "out.npy"],
    "gradient": ["gradient", "model.safetensors", "rows.csv", "-o", "out.csv"],
    "sample": ["sample", "model.safetensors", "-n", "50", "--log-prob", "-o", "out.csv"],
    "sample-stdout": ["sample", "model.safetensors", "-n", "5"],
    "evaluate": ["evaluate", "model.safetensors", "--data", "rows.csv"],
    "compile": ["compile", "--emit=llvm", "model.safetensors", "-o", "out.ll"],
    "plot": ["plot", "model.safetensors", "rows.csv", "-o", "out.svg"],
    "train": ["train", "f.flow", "--data", "rows.csv", "--schedule", "constant", "--max-epochs", "3", "--checkpoint", "out.check.safetensors",
              "--checkpoint-seconds", "0", "--log", "out.log.csv", "-o", "out.safetensors"],
    "resume": ["train", "f.flow", "--data", "rows.csv", "--schedule", "constant", "--max-epochs", "3", "--resume", "check.safetensors",
               "-o", "out.safetensors"],
    "train-target": ["train", "f.flow", "--target", "t.flow", "--steps", "3", "--num-samples", "4", "-o",
                     "out.safetensors"],
}


def numbers(path):
    """What has to be the same in two files of one content: without the seconds that a training took."""
    data = path.read_bytes()
    if path.suffix == ".safetensors":
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8 : 8 + size])
        header.pop("__metadata__", None)
        return json.dumps(header).encode() + data[8 + size :]
    if path.suffix == ".svg":  # Whole is enough: another font is taken where that of the system cannot be read.
        return data.endswith(b"</svg>\n")
    if path.name.endswith(".log.csv"):
        lines = [line.split(b",") for line in data.splitlines()]
        timed = lines[0].index(b"seconds") if lines else 0
        return [[field for i, field in enumerate(line) if i != timed] for line in lines]
    return data


class Command:
    def __init__(self, arguments, name):
        self.name, self.flowc, self.library = name, arguments.flowc, arguments.library
        self.inputs, self.folder = arguments.folder / "inputs", arguments.folder / name
        self.counters = arguments.folder / f"{name}.counts"
        self.old = {}
        self.prepare()
        done = self.run("")
        assert done.returncode == 0, f"{name} fails by itself with {done.returncode}: {done.stderr}"
        self.counts = dict(zip(KINDS, struct.unpack(f"<{len(KINDS)}q", self.counters.read_bytes())))
        self.new = {path.name: numbers(path) for path in self.outputs()}
        self.stdout = done.stdout

    def outputs(self):
        return [path for path in self.folder.iterdir() if path.name.startswith("out")]

    def prepare(self):
        """The inputs, and outputs of an earlier run that must survive a failure."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.inputs, self.folder)
        for name in COMMANDS[self.name]:
            # A log is written as training goes on; an old one is not kept.
            if name.startswith("out") and ".log" not in name:
                (self.folder / name).write_bytes(b"old\n")

    def run(self, fault):
        self.counters.write_bytes(bytes(8 * len(KINDS)))
        environment = {**os.environ, "LD_PRELOAD": str(self.library), "FLOWC_FAULT": fault,
                       "XDG_CACHE_HOME": str(self.folder / "cache"), "FLOWC_FAULT_COUNTS": str(self.counters)}
        return subprocess.run([self.flowc, *COMMANDS[self.name], *self.threads()], cwd=self.folder, env=environment,
                              capture_output=True, text=True, timeout=60)

    def threads(self):
        """One thread: the N-th call is the same one in every run."""
        return ["--threads", "1"] if self.name not in ("check", "check-data", "explain", "init", "compile") else []

    def judge(self, done):
        """What is wrong with the end of a run, or None."""
        if done.returncode not in (0, 1):
            return f"ended with {done.returncode}"
        if done.returncode == 1 and "error: " not in done.stderr:
            return "failed without a message"
        if done.returncode == 0 and self.numbers(done.stdout) != self.numbers(self.stdout):
            return "succeeded without its full output"
        found = {path.name: path for path in self.folder.iterdir() if path.name.startswith("out")}
        for name, path in found.items():
            if name.endswith(".tmp"):
                return f"left {name}"
            if path.read_bytes() == b"old\n" and done.returncode == 1:
                continue
            if self.is_part_of_log(name, path, done):
                continue
            if name not in self.new or numbers(path) != self.new[name]:
                if self.is_checkpoint(name) or (done.returncode == 1 and self.is_model(name)):
                    continue
                return f"left {name}, neither old nor new"
        if done.returncode == 0 and found.keys() != self.new.keys():
            return "succeeded without all of its files"
        return None

    @staticmethod
    def numbers(text):
        """Without times."""
        return re.sub(r"[0-9.]+ s\b", "", text)

    def is_part_of_log(self, name, path, done):
        """Whole lines of a log are there after a failure of training."""
        if not name.endswith(".log.csv") or done.returncode == 0:
            return False
        return not path.read_bytes() or numbers(path) == self.new[name][: len(numbers(path))]

    def is_checkpoint(self, name):
        """Whether a training goes on from it to the same model; it holds seconds, too, and may be of any step."""
        if ".check." not in name:
            return False
        resumed = subprocess.run([self.flowc, *COMMANDS["train"][:-2], "--resume", name, "-o", "whole.safetensors"],
                                 cwd=self.folder, capture_output=True)
        return resumed.returncode == 0 and numbers(self.folder / "whole.safetensors") == self.new["out.safetensors"]

    def is_model(self, name):
        """Whether it is the model of the best parameters before training failed."""
        return (self.name == "train" and name == "out.safetensors"
                and subprocess.run([self.flowc, "check", name], cwd=self.folder, capture_output=True).returncode == 0)

    def fail(self, kind, lasting, limit):
        """Runs with the faults of a kind; the number of runs, and what was wrong."""
        count = self.counts[kind]
        runs = min(count, limit)
        wrong, refused = [], 0
        for i in range(runs):
            number = 1 + i * count // runs
            self.prepare()
            try:
                done = self.run(f"{kind}:{number}{'+' if lasting else ''}:{KINDS[kind]}")
                what = self.judge(done)
                refused += done.returncode != 0
            except subprocess.TimeoutExpired:
                done, what = None, "did not end"
            if what:
                said = done.stderr.strip()[-200:] if done else ""
                wrong.append(f"{kind} {number}{'+' if lasting else ''} of {self.name}: {what} {said}")
        return runs, refused, wrong


def make_inputs(arguments):
    folder = arguments.folder / "inputs"
    folder.mkdir(parents=True)
    (folder / "f.flow").write_text(FLOW)
    (folder / "t.flow").write_text(DENSITY)
    (folder / "rows.csv").write_text(ROWS)
    for command in (
        ["init", "f.flow", "-o", "model.safetensors"],
        ["train", "f.flow", "--data", "rows.csv", "--schedule", "constant", "--max-epochs", "2", "--checkpoint", "check.safetensors", "-o", "trained.safetensors"],
    ):
        subprocess.run([arguments.flowc, *command], cwd=folder, check=True, capture_output=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flowc")
    parser.add_argument("library", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--limit", type=int, default=1 << 40)
    parser.add_argument("--lasting", action="store_true")
    arguments = parser.parse_args()
    arguments.flowc = os.path.abspath(shutil.which(arguments.flowc))
    make_inputs(arguments)
    all_wrong, all_runs = [], 0
    for name in arguments.commands:
        command = Command(arguments, name)
        for kind in arguments.kinds:
            runs, refused, wrong = command.fail(kind, arguments.lasting, arguments.limit)
            print(f"{name}: {command.counts[kind]} calls of {kind}, {runs} failed, {refused} refused, "
                  f"{len(wrong)} wrong", flush=True)
            for line in wrong[:5]:
                print("  " + line, flush=True)
            all_runs += runs
            all_wrong += wrong
    print(f"{all_runs} faults, {len(all_wrong)} wrong")
    return bool(all_wrong)


if __name__ == "__main__":
    sys.exit(main())
