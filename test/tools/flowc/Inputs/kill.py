"""Kills trainings at random moments and resumes them, over and over:

    kill.py FOLDER tool FLOWC PAIR.flow DATA.csv TARGET.flow [--kills 14] [--seed 0] [--case NAME ...]
    kill.py FOLDER program FLOWC-RESUME [the same]

Each case is another loop or another state to keep: of the tool, or of a program that uses the C++ interface
(test/api/resume.cpp). After every signal all files that are there can be read: the model by flowc, the checkpoint by the
run that goes on, the log line by line. A training that came to its end after kills has written the model and the log (a
program: the result) of the uninterrupted run, bit for bit (but for seconds), and has removed the temporaries of those
that were killed while they wrote. Kills are dealt out to the cases in turn; prints how many each had.
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
    """A training in a folder of its own. Subclasses know the command, the result and what else can be checked."""

    def __init__(self, folder, name):
        self.name, self.folder = name, folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.folder / "checkpoint.safetensors"
        self.kills = 0

    def run_whole(self):
        """What the uninterrupted run gives, and how long it takes."""
        self.clear()
        start = time.time()
        subprocess.run(self.command(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.seconds = time.time() - start
        self.whole = self.result()
        self.clear()

    def clear(self):
        for file in self.folder.iterdir():
            file.unlink()

    def finish(self, process):
        """After a run that no signal ended."""
        output = process.communicate()[1]
        assert process.returncode == 0, f"{self.name}: exit code {process.returncode}: {output}"
        assert self.result() == self.whole, f"{self.name}: resumed after kills, the result is another one"
        left = [file.name for file in self.folder.iterdir() if file.suffix == ".tmp"]
        assert not left, f"{self.name}: temporaries of killed processes are left: {left}"
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


class ToolCase(Case):
    """flowc train."""

    def __init__(self, arguments, name):
        super().__init__(arguments.folder, name)
        kind, ending, options = CASES[name]
        self.flowc = arguments.flowc
        self.model, self.log = self.folder / "model.safetensors", self.folder / f"log.{ending}"
        source = arguments.data if kind == "--data" else arguments.target
        self.base = [self.flowc, "train", arguments.flow, kind, source, *options]
        self.base += ["--checkpoint", self.checkpoint, "--checkpoint-seconds", "0.02", "--log", self.log]
        self.run_whole()
        if name == "recovery":
            assert int(self.whole[1][-1]["recoveries"]) > 0, "nothing was recovered from"

    def command(self):
        resume = ["--resume", self.checkpoint] if self.checkpoint.exists() else []
        return [*self.base, *resume, "--threads", str(random.choice([1, 2])), "-o", self.model]

    def result(self):
        """Draws of the model, and the lines of the log."""
        draws = subprocess.run([self.flowc, "sample", self.model, "-n", "200"], check=True, capture_output=True).stdout
        return draws, read_log(self.log)

    def check_files(self):
        if self.model.exists():
            subprocess.run([self.flowc, "check", self.model], check=True, stdout=subprocess.DEVNULL)
        if self.log.exists():
            read_log(self.log)


class ProgramCase(Case):
    """A loop of flowc-resume."""

    def __init__(self, arguments, name):
        super().__init__(arguments.folder, name)
        self.program, self.output = arguments.program, self.folder / "result.txt"
        self.run_whole()

    def command(self):
        return [self.program, self.name, self.checkpoint, self.output, str(random.choice([1, 2]))]

    def result(self):
        return self.output.read_text()

    def check_files(self):
        """The next run reads all that there is."""


def loops_of(program):
    """What the program says that it knows."""
    usage = subprocess.run([program], capture_output=True, text=True).stderr
    return usage.split("loops:")[1].split()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    kinds = parser.add_subparsers(dest="kind", required=True)
    tool, program = kinds.add_parser("tool"), kinds.add_parser("program")
    tool.add_argument("flowc")
    for name in ["flow", "data", "target"]:
        tool.add_argument(name, type=pathlib.Path)
    program.add_argument("program")
    for kind in [tool, program]:
        kind.add_argument("--kills", type=int, default=14)
        kind.add_argument("--seed", type=int, default=0)
        kind.add_argument("--case", action="append")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    make, known = (ToolCase, CASES) if arguments.kind == "tool" else (ProgramCase, loops_of(arguments.program))
    cases = [make(arguments, name) for name in arguments.case or known]
    for number in range(arguments.kills):
        cases[number % len(cases)].kill()
    for case in cases:
        case.finish(case.start())
        print(f"{case.name}: {case.kills} kills, the same result in the end", flush=True)


if __name__ == "__main__":
    main()
