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
#   run_mutants.py BUILD --trace            first: what each test comes past, and its time
#   run_mutants.py BUILD [--area REGEX] [--numbers 1,2,..] [--kind known] [--budget S]
#   run_mutants.py BUILD --report           the score by area
#
# A mutant is run against the tests that come past it: those of its own area first
# (areas.json), then the others, quick ones first, until one of them fails. Results are
# kept in BUILD/mutation, so that a run can be stopped and goes on where it was.
#
# ===-----------------------------------------------------------------------===#

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent


def list_tests(build, lit, wanted):
    """Commands by name: programs of GoogleTest, folders of lit, and what else ctest runs."""
    shown = subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, check=True, capture_output=True)
    tests = {}
    for test in json.loads(shown.stdout)["tests"]:
        command = test.get("command")
        if not command or test["name"] == "lit":
            continue
        program = pathlib.Path(command[0])
        if program.parent == build / "test/unit":
            flags = ["--gtest_fail_fast", "--gtest_brief=1"]
            tests[program.name] = {"command": [str(program), *flags], "environment": []}
            continue
        properties = {one["name"]: one["value"] for one in test.get("properties", [])}
        if "PASS_REGULAR_EXPRESSION" not in properties:
            tests[test["name"]] = {"command": command, "environment": properties.get("ENVIRONMENT", [])}
    for folder in sorted({path.parent for path in (build / "../test").resolve().rglob("*.test")} | lit_folders(build)):
        name = "lit:" + str(folder.relative_to((build / "../test").resolve()))
        tests[name] = {"command": [lit, "-q", "--max-failures=1", "-j1", str(folder)], "environment": []}
    return {name: test for name, test in tests.items() if re.search(wanted, name)}


def lit_folders(build):
    """Folders of lit tests, but not those of their inputs."""
    root = (build / "../test").resolve()
    return {path.parent for suffix in ("mlir", "flow") for path in root.rglob("*." + suffix)
            if not {"Inputs", "data", "golden", "unit", "mutation", "fuzz"} & set(path.relative_to(root).parts)}  # fmt: skip


def run(test, limit, **variables):
    """Whether the test passes, and its time. A test that takes too long fails."""
    environment = {**os.environ, **dict(entry.split("=", 1) for entry in test["environment"]), **variables}
    begin = time.monotonic()
    process = subprocess.Popen(
        test["command"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=limit)
        passed = process.returncode == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        passed, output = False, output + b"\ntook too long"
    return passed, time.monotonic() - begin, output.decode(errors="replace")


class Store:
    """Results in a file, written after each of them."""

    def __init__(self, path):
        self.path = path
        self.results = json.loads(path.read_text()) if path.exists() else {}

    def put(self, key, value):
        self.results[key] = value
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.results, indent=1))
        temporary.replace(self.path)


def cold_cache(folder):
    """Objects of an empty cache: those of another run would hide what compiles them."""
    cache = folder / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    return {"XDG_CACHE_HOME": str(cache)}


def trace(tests, folder, store):
    """What each test comes past if nothing is wrong."""
    for name, test in tests.items():
        path = folder / "trace.txt"
        path.unlink(missing_ok=True)
        passed, seconds, output = run(test, 1800, FLOWC_MUTANT_TRACE=str(path), **cold_cache(folder))
        reached = sorted({int(line) for line in path.read_text().split()}) if path.exists() else []
        store.put(name, {"passed": passed, "seconds": seconds, "reached": reached})
        print(f"{name}: {'passes' if passed else 'FAILS, and is left out'}, {seconds:.1f} s, {len(reached)} mutants",
              flush=True)  # fmt: skip
        if not passed:
            print("\n".join(output.splitlines()[-15:]))


def order_of(mutant, traced, areas):
    """Tests that come past the mutant, those of its area first."""
    own = next((tests for pattern, tests in areas.items() if re.match(pattern, mutant["file"])), [])
    reaching = [name for name, entry in traced.items() if entry["passed"] and mutant["number"] in entry["reached"]]
    position = {name: i for i, name in enumerate(own)}
    return sorted(reaching, key=lambda name: (position.get(name, len(own)), traced[name]["seconds"]))


def judge(mutant, tests, traced, areas, folder, most):
    """The result of one mutant: who kills it, if anybody."""
    order = [name for name in order_of(mutant, traced, areas) if name in tests]
    result = {"reaching": len(order), "killed_by": None, "ran": 0, "seconds": 0.0}
    for name in order:
        if result["seconds"] + traced[name]["seconds"] > most:
            result["not_run"] = order[result["ran"] :]
            break
        limit = 30 + 4 * traced[name]["seconds"]
        passed, seconds, output = run(tests[name], limit, FLOWC_MUTANT=str(mutant["number"]), **cold_cache(folder))
        result["ran"] += 1
        result["seconds"] += seconds
        if not passed:
            failed = re.search(r"\[  FAILED  \] (\S+)|^FAIL: (.*) \(", output, re.MULTILINE)
            result["killed_by"] = name + (": " + (failed.group(1) or failed.group(2)) if failed else "")
            break
    return result


def describe(mutant):
    return f"{mutant['number']} {mutant['file']}:{mutant['line']} [{mutant['kind']}] {mutant['before']}  ->  {mutant['after']}"


def report(mutants, results):
    """The score of each area. Mutants that no test comes past survive."""
    by_area = collections.defaultdict(list)
    for mutant in mutants:
        if str(mutant["number"]) in results:
            by_area[mutant["area"]].append(results[str(mutant["number"])])
    print(f"{'area':34} mutants killed survived unreached undecided")
    total = collections.Counter()
    for area, entries in sorted(by_area.items()):
        counts = collections.Counter(classify(entry) for entry in entries)
        total += counts
        print(f"{area:34} {len(entries):7} {counts['killed']:6} {counts['survived']:8} {counts['unreached']:9} "
              f"{counts['undecided']:9}")  # fmt: skip
    print(f"{'all':34} {sum(total.values()):7} {total['killed']:6} {total['survived']:8} {total['unreached']:9} "
          f"{total['undecided']:9}")  # fmt: skip
    for mutant in mutants:
        entry = results.get(str(mutant["number"]))
        if entry and classify(entry) != "killed":
            print(f"{classify(entry)}: {describe(mutant)}")


def classify(entry):
    if entry["killed_by"]:
        return "killed"
    if entry["reaching"] == 0:
        return "unreached"
    return "undecided" if entry.get("not_run") else "survived"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--again", action="store_true", help="also mutants that have a result")
    parser.add_argument("--area", default="", help="only files whose path has this expression")
    parser.add_argument("--kind", default="", help="only this kind: token, never, always, left out, known")
    parser.add_argument("--numbers", help="only these")
    parser.add_argument("--tests", default="", help="only tests whose name has this expression")
    parser.add_argument("--most", type=float, default=1e9, help="seconds for one mutant")
    parser.add_argument("--budget", type=float, default=1e9, help="seconds for all")
    parser.add_argument("--lit", default=shutil.which("lit") or "/usr/lib/llvm-22/bin/lit")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    folder = build / "mutation"
    folder.mkdir(exist_ok=True)
    mutants = json.loads((build / "../mutants.json").read_text())["mutants"]
    traces, results = Store(folder / "trace.json"), Store(folder / "results.json")
    if arguments.report:
        return report(mutants, results.results)
    tests = list_tests(build, arguments.lit, arguments.tests)
    if arguments.trace:
        return trace(tests, folder, traces)
    areas = json.loads((HERE / "areas.json").read_text())
    numbers = {int(number) for number in arguments.numbers.split(",")} if arguments.numbers else None
    begin = time.monotonic()
    for mutant in mutants:
        done = str(mutant["number"]) in results.results and not arguments.again
        wanted = arguments.kind in mutant["kind"] and re.search(arguments.area, mutant["file"])
        if done or not wanted or (numbers is not None and mutant["number"] not in numbers):
            continue
        if time.monotonic() - begin > arguments.budget:
            break
        result = judge(mutant, tests, traces.results, areas, folder, arguments.most)
        results.put(str(mutant["number"]), result)
        print(f"{classify(result):9} {describe(mutant)}  {result['killed_by'] or ''}", flush=True)
    return None


if __name__ == "__main__":
    sys.exit(main())
