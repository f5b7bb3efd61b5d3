#!/usr/bin/env python3
# ===- run_mutants.py - Which mistakes the tests find -----------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Runs the tests of a copy that mutate.py wrote, once as they are and then with each
# mutant, and says which mutants survive:
#
#   run_mutants.py BUILD --trace [--tests REGEX] [--skip REGEX]
#                                           first: what each test comes past, and its time
#   run_mutants.py BUILD [--area REGEX] [--numbers 1,2,..] [--kind known] [--budget S]
#   run_mutants.py BUILD --report           the score by area
#
# A mutant is run against the programs that come past it: those of its own area first
# (areas.json), then the others, quick ones first, until one of them fails. Each runs some
# of its tests that come past the mutant at first, and all of them if nothing has failed
# (--quick leaves that out). What was not traced is not run. Mutants of equivalent.txt are counted apart.
# Results are kept in BUILD/mutation, so that a run can be stopped and goes on where it was.
#
# ===-----------------------------------------------------------------------===#

import argparse
import collections
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from mutate import read_known

HERE = pathlib.Path(__file__).parent
# Kernels are the same whatever is wrong there, so that those of the original will do at first.
WITHOUT_KERNELS = re.compile(r"lib/(IO|API|Evaluation|Targets|Explain|Reference|Training/(?!Objectives))|tools/")
QUICK = 3  # seconds of tests at first
WAITING = 10  # times the processor time: the machine may do other things, or the mutant sleep


@dataclass
class Program:
    """Tests that are run together: a program of GoogleTest, a folder of lit, or what else ctest runs."""

    command: list
    environment: list = field(default_factory=list)
    files: list = field(default_factory=list)  # of lit

    def of(self, cases):
        """The command for some of its tests, or for all."""
        if self.files:
            return [*self.command, *cases]
        cases = list(cases)
        return [*self.command, "--gtest_filter=" + ":".join(cases)] if cases else self.command


def list_programs(build, lit, wanted, skipped):
    shown = subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, check=True, capture_output=True)
    programs = {}
    for test in json.loads(shown.stdout)["tests"]:
        command = test.get("command")
        if not command or test["name"] == "lit":
            continue
        path = pathlib.Path(command[0])
        if path.parent == build / "test/unit":
            programs[path.name] = Program([str(path), "--gtest_fail_fast", "--gtest_brief=1"])
            continue
        properties = {one["name"]: one["value"] for one in test.get("properties", [])}
        if "PASS_REGULAR_EXPRESSION" not in properties:
            programs[test["name"]] = Program(command, properties.get("ENVIRONMENT", []))
    for folder, files in lit_folders((build / "../test").resolve(), build / "test").items():
        programs["lit:" + folder] = Program([lit, "-q", "--max-failures=1", "-j1"], files=files)
    return {
        name: program
        for name, program in programs.items()
        if re.search(wanted, name) and not (skipped and re.search(skipped, name))
    }


def lit_folders(root, built):
    """Files of lit by folder, under the names that they have in the build, whose settings lit needs; no inputs."""
    folders = collections.defaultdict(list)
    for path in sorted(root.rglob("*.*")):
        others = {"Inputs", "data", "golden", "unit", "mutation", "fuzz"} & set(path.relative_to(root).parts)
        if path.suffix in (".mlir", ".flow", ".test") and not others:
            folders[str(path.parent.relative_to(root))].append(str(built / path.relative_to(root)))
    return folders


def run(command, limit, environment=(), **variables):
    """Whether a test passes, its seconds of processor time (whatever else the machine does), and
    what it says. A test that takes too long fails."""
    settings = {**os.environ, **dict(entry.split("=", 1) for entry in environment), **variables}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        command,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit))),
    )
    try:
        output, _ = process.communicate(timeout=WAITING * limit)
        passed = process.returncode == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        passed = False
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode in (-signal.SIGKILL, -signal.SIGXCPU):
        output += b"\ntook too long"
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, output.decode(errors="replace")


class Store:
    """Results in a file, written after each of them."""

    def __init__(self, path):
        self.path = path
        self.results = json.loads(path.read_text()) if path.exists() else {}

    def put(self, key, value):
        self.results[key] = value
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.results))
        temporary.replace(self.path)


def cache_of(folder, kind, empty):
    """Where objects are cached: those of another run would hide what compiles them."""
    cache = folder / kind
    if empty:
        shutil.rmtree(cache, ignore_errors=True)
    return {"XDG_CACHE_HOME": str(cache)}


def read_trace(path):
    """What was come past by test, and the milliseconds of each; what no test is said for belongs to all."""
    cases, reached = {}, set()
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("@ "):
            _, name, milliseconds = line.split(" ")
            cases[name] = {"seconds": int(milliseconds) / 1000, "reached": sorted(reached)}
            reached = set()
        else:
            reached.add(int(line))
    path.unlink(missing_ok=True)
    return cases, sorted(reached)


def trace_program(program, folder):
    """What the tests of a program come past if nothing is wrong, and the output of one that fails."""
    path = folder / "trace.txt"
    path.unlink(missing_ok=True)
    variables = {"FLOWC_MUTANT_TRACE": str(path), **cache_of(folder, "original", False)}
    entry = {"passed": False, "seconds": 0.0, "cases": {}, "reached": []}
    failures = []
    for file in program.files or [None]:
        passed, seconds, output = run(program.of(filter(None, [file])), 1800, program.environment, **variables)
        cases, rest = read_trace(path)
        entry["seconds"] += seconds
        if not passed:
            failures.append(output)
            continue
        entry["passed"] = True
        share = seconds / max(1e-3, sum(case["seconds"] for case in cases.values()))
        for case in cases.values():
            case["seconds"] = round(case["seconds"] * min(1, share), 3)
        entry["cases"] |= {file: {"seconds": seconds, "reached": rest}} if file else cases
        reached = {number for case in cases.values() for number in case["reached"]}
        entry["reached"] = sorted(reached.union(entry["reached"], rest))
    return entry, failures


def trace(programs, folder, store):
    cache_of(folder, "original", not store.results)
    for name, program in programs.items():
        entry, failures = trace_program(program, folder)
        store.put(name, entry)
        print(f"{name}: {len(entry['cases'])} tests, {entry['seconds']:.1f} s, {len(entry['reached'])} mutants", flush=True)  # fmt: skip
        for output in failures:
            print("FAILS, and is left out:", *output.splitlines()[-15:], sep="\n", flush=True)


def order_of(mutant, traced, areas):
    """Programs that come past the mutant, those of its area first."""
    own = next((tests for pattern, tests in areas.items() if re.match(pattern, mutant["file"])), [])
    reaching = [name for name, entry in traced.items() if entry["passed"] and mutant["number"] in entry["reached"]]
    position = {name: i for i, name in enumerate(own)}
    return sorted(reaching, key=lambda name: (position.get(name, len(own)), traced[name]["seconds"]))


def quick_cases(number, cases, most=QUICK):
    """Quick tests that come past the mutant, and the quickest one in any case."""
    found, seconds = [], 0
    reaching = [name for name, case in cases.items() if number in case["reached"]]
    for name in sorted(reaching, key=lambda name: cases[name]["seconds"])[:400]:
        seconds += cases[name]["seconds"]
        if found and seconds > most:
            break
        found.append(name)
    return found


def plan(mutant, order, traced, quick):
    """Pairs of a program and tests of it: some of each program, then whole programs."""
    steps = [(name, quick_cases(mutant["number"], traced[name]["cases"])) for name in order]
    steps = [(name, cases) for name, cases in steps if cases]
    return steps if quick else steps + [(name, []) for name in order]


def judge(mutant, programs, traced, areas, folder, most, quick=False):
    """The result of one mutant: who kills it, if anybody."""
    order = [name for name in order_of(mutant, traced, areas) if name in programs]
    result = {"reaching": len(order), "killed_by": None, "ran": 0, "seconds": 0.0, "traced": len(traced)}
    steps = plan(mutant, order, traced, quick)
    number = str(mutant["number"])
    cache_of(folder, "mutant", True)
    for step, (name, cases) in enumerate(steps):
        own = traced[name]["cases"]
        expected = sum(own[case]["seconds"] for case in cases) if cases else traced[name]["seconds"]
        if result["seconds"] + expected > most:
            result["not_run"] = [name for name, _ in steps[step:]]
            break
        variables = {"FLOWC_MUTANT": number, **cache_of(folder, "mutant", not cases)}
        if cases and WITHOUT_KERNELS.match(mutant["file"]):
            variables |= {"FLOWC_MUTANT_OBJECTS": "0", **cache_of(folder, "original", False)}
        command = programs[name].of(cases or (own if programs[name].files else []))
        passed, seconds, output = run(command, 20 + 4 * expected, programs[name].environment, **variables)
        result["ran"] += 1
        result["seconds"] += seconds
        if not passed:
            failed = re.search(r"\[  FAILED  \] (\S+)|^FAIL: (.*) \(|(took too long)", output, re.MULTILINE)
            result["killed_by"] = name + (": " + next(filter(None, failed.groups())) if failed else "")
            return result
    left = result.get("not_run", order if quick else []) + [name for name in programs if name not in traced]
    return result | ({"not_run": left} if left else {})


def describe(mutant):
    return f"{mutant['number']} {mutant['file']}:{mutant['line']} [{mutant['kind']}] {mutant['before']}  ->  {mutant['after']}"


def is_equivalent(mutant, judged):
    """Whether somebody has found that the mutant changes nothing that counts (equivalent.txt)."""
    return any(
        block["file"] == mutant["file"]
        and " ".join(block["-"]) == mutant["before"]
        and " ".join(block["+"]) == (mutant["after"] or mutant["kind"])
        for block in judged
    )


CLASSES = ("killed", "equivalent", "survived", "unreached", "not run")


def classify(entry, equivalent=False):
    if entry and entry["killed_by"]:
        return "killed"
    if equivalent:
        return "equivalent"
    if not entry or entry.get("not_run"):
        return "not run"
    return "unreached" if entry["reaching"] == 0 else "survived"


def report(mutants, results, judged):
    """The score of each area: killed mutants among those that are not equivalent, of which some may not be run yet."""
    classes = {m["number"]: classify(results.get(str(m["number"])), is_equivalent(m, judged)) for m in mutants}
    by_area = collections.defaultdict(collections.Counter)
    for mutant in mutants:
        for area in (mutant["area"], "all"):
            by_area[area][classes[mutant["number"]]] += 1
    print("| area | mutants | " + " | ".join(CLASSES) + " | score |\n|" + " --- |" * (len(CLASSES) + 3))
    for area, counts in sorted(by_area.items(), key=lambda entry: (entry[0] == "all", entry[0])):
        others = sum(counts.values()) - counts["equivalent"]
        score = f"{'≥ ' if counts['not run'] else ''}{100 * counts['killed'] / others:.0f} %" if others else ""
        print(f"| {area} | {sum(counts.values())} | " + " | ".join(str(counts[one]) for one in CLASSES) + f" | {score} |")
    for mutant in mutants:
        if classes[mutant["number"]] not in ("killed", "equivalent"):
            print(f"{classes[mutant['number']]}: {describe(mutant)}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--again", action="store_true", help="also mutants that have a result")
    parser.add_argument("--area", default="", help="only files whose path has this expression")
    parser.add_argument("--kind", default="", help="only this kind: token, never, always, left out, known")
    parser.add_argument("--numbers", help="only these")
    parser.add_argument("--tests", default="", help="only programs whose name has this expression")
    parser.add_argument("--skip", default="", help="no programs whose name has this expression")
    parser.add_argument("--quick", action="store_true", help="no whole programs: what nothing kills is not decided")
    parser.add_argument("--most", type=float, default=1e9, help="seconds for one mutant")
    parser.add_argument("--budget", type=float, default=1e9, help="seconds for all")
    parser.add_argument("--lit", default=shutil.which("lit") or "/usr/lib/llvm-22/bin/lit")
    return parser.parse_args()


def is_wanted(mutant, arguments, results, traced):
    """Whether a mutant is asked for and not killed yet, nor judged by all that is traced."""
    result = results.get(str(mutant["number"]))
    isJudged = result and result.get("traced") == len(traced) and (arguments.quick or classify(result) != "not run")
    isDone = result and (result["killed_by"] or isJudged) and not arguments.again
    numbers = arguments.numbers.split(",") if arguments.numbers else [str(mutant["number"])]
    isNamed = arguments.kind in mutant["kind"] and re.search(arguments.area, mutant["file"])
    return not isDone and isNamed and str(mutant["number"]) in numbers


def main():
    arguments = parse_arguments()
    build = arguments.build.resolve()
    folder = build / "mutation"
    folder.mkdir(exist_ok=True)
    mutants = json.loads((build / "../mutants.json").read_text())["mutants"]
    traces, results = Store(folder / "trace.json"), Store(folder / "results.json")
    judged = read_known(HERE / "equivalent.txt")
    if arguments.report:
        return report(mutants, results.results, judged)
    programs = list_programs(build, arguments.lit, arguments.tests, arguments.skip)
    if arguments.trace:
        return trace(programs, folder, traces)
    areas = json.loads((HERE / "areas.json").read_text())
    begin = time.monotonic()
    for mutant in mutants:
        if not is_wanted(mutant, arguments, results.results, traces.results) or is_equivalent(mutant, judged):
            continue
        if time.monotonic() - begin > arguments.budget:
            break
        result = judge(mutant, programs, traces.results, areas, folder, arguments.most, arguments.quick)
        results.put(str(mutant["number"]), result)
        print(f"{classify(result):9} {result['seconds']:6.1f} s  {describe(mutant)}  {result['killed_by'] or ''}", flush=True)
    return None


if __name__ == "__main__":
    sys.exit(main())
