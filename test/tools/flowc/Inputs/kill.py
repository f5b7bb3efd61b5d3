"""Kills trainings at random moments and resumes them, over and over:

    kill.py FLOWC FOLDER PAIR.flow DATA.csv TARGET.flow [--kills 12] [--seed 0] [--case NAME ...]

Each case is another loop or another state to keep. After every signal all files that are there can be read: the model
by flowc, the checkpoint by the run that goes on, the log line by line. A training that came to its end after kills has
written the model and the log of the uninterrupted run, bit for bit (but for seconds). Kills are dealt out to the
cases in turn; prints how many each had.
"""

import argparse
import csv
import json
import pathlib
import random
import signal
import subprocess
import sys
import time

# Name: rows or density, log, options.
CASES = {
    "data": ("--data", "csv", ["--columns", "u,g", "--max-epochs", "60", "--max-patience", "60"]),
    "plateau": ("--data", "jsonl", ["--columns", "u,g", "--max-epochs", "60", "--max-patience", "60", "--optimizer",
                                    "adamw", "--schedule", "plateau:patience=3", "--average", "0.99"]),
    "recovery": ("--data", "csv", ["--columns", "u,g", "--max-epochs", "40", "--max-patience", "40",
                                   "--learning-rate", "2", "--max-recoveries", "100"]),
    "lbfgs": ("--data", "csv", ["--columns", "u,g", "--max-epochs", "150", "--max-patience", "150", "--optimizer",
                                "lbfgs"]),
    "target": ("--target", "csv", ["--no-chains", "--steps", "4000", "--num-samples", "128"]),
    "chains": ("--target", "jsonl", ["--steps", "1500", "--num-samples", "128", "--objective", "stl"]),
    "target-lbfgs": ("--target", "csv", ["--no-chains", "--steps", "400", "--num-samples", "512", "--optimizer",
                                         "lbfgs"]),
}
SIGNALS = [signal.SIGKILL] * 4 + [signal.SIGTERM] * 2 + [signal.SIGHUP, signal.SIGXCPU]
TIMED = {"seconds"}  # What differs between runs.


def read_log(path):
    """The lines of a log without their seconds; fails if one is cut or does not follow the one before."""
    text = path.read_text()
    assert text == "" or text.endswith("\n"), f"{path} ends within a line"
    if path.suffix == ".csv":
        lines = list(csv.DictReader(text.splitlines()))
    else:
        lines = [json.loads(line) for line in text.splitlines()]
    for number, line in enumerate(lines):
        assert None not in line and None not in line.values(), f"{path}: line {number + 1} is cut"
        assert int(line.get("epoch", line.get("step"))) == number + 1, f"{path}: line {number + 1} is not the next one"
    return [{key: value for key, value in line.items() if key not in TIMED} for line in lines]


class Case:
    def __init__(self, arguments, name):
        kind, ending, options = CASES[name]
        self.name, self.flowc, self.folder = name, arguments.flowc, arguments.folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.folder / "checkpoint.safetensors"
        self.model, self.log = self.folder / "model.safetensors", self.folder / f"log.{ending}"
        source = arguments.data if kind == "--data" else arguments.target
        self.base = [self.flowc, "train", arguments.flow, kind, source, *options]
        self.base += ["--checkpoint", self.checkpoint, "--checkpoint-seconds", "0.02", "--log", self.log]
        self.kills = 0
        self.clear()
        start = time.time()
        subprocess.run(self.command(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.seconds = time.time() - start
        self.samples, self.lines = self.draw(), read_log(self.log)
        if name == "recovery":
            assert int(self.lines[-1]["recoveries"]) > 0, "nothing was recovered from"
        self.clear()

    def clear(self):
        for file in self.folder.iterdir():
            file.unlink()

    def command(self):
        resume = ["--resume", self.checkpoint] if self.checkpoint.exists() else []
        return [*self.base, *resume, "--threads", str(random.choice([1, 2])), "-o", self.model]

    def draw(self):
        return subprocess.run([self.flowc, "sample", self.model, "-n", "200"], check=True, capture_output=True).stdout

    def check_files(self):
        if self.model.exists():
            subprocess.run([self.flowc, "check", self.model], check=True, stdout=subprocess.DEVNULL)
        if self.log.exists():
            read_log(self.log)

    def finish(self, process):
        """After a run that no signal ended."""
        output = process.communicate()[1]
        assert process.returncode == 0, f"{self.name}: exit code {process.returncode}: {output}"
        assert self.draw() == self.samples, f"{self.name}: resumed after kills, the model is another one"
        assert read_log(self.log) == self.lines, f"{self.name}: resumed after kills, the log is another one"
        self.clear()

    def start(self):
        return subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def kill(self):
        """Kills once, at a random moment; a run that ends before that is one that must be right."""
        while True:
            process = self.start()
            try:
                process.wait(random.uniform(0, 0.7) * self.seconds)
                self.finish(process)
            except subprocess.TimeoutExpired:
                break
        number = random.choice(SIGNALS)
        process.send_signal(number)
        output = process.communicate()[1]
        assert process.returncode in (-number, 128 + number, 0), f"{self.name}: exit {process.returncode}: {output}"
        self.check_files()
        self.kills += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["flowc", "folder", "flow", "data", "target"]:
        parser.add_argument(name, type=str if name == "flowc" else pathlib.Path)
    parser.add_argument("--kills", type=int, default=14)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", choices=CASES, action="append")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    cases = [Case(arguments, name) for name in arguments.case or CASES]
    for number in range(arguments.kills):
        cases[number % len(cases)].kill()
    for case in cases:
        case.finish(case.start())
        print(f"{case.name}: {case.kills} kills, the same model and log in the end", flush=True)


if __name__ == "__main__":
    main()
