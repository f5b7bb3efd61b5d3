#!/usr/bin/env python3
# ===- mutation_test.py - Tests of mutate.py -------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# A copy with mutants compiles, does the same as the original as long as none is
# switched on, and something else with most of them: mutation_test.py COMPILER
#
# ===-----------------------------------------------------------------------===#

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
import cpp_statements
import mutate
import run_mutants

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
COMPILER = "c++"
PROGRAM = """// A program with something of everything.
#include <algorithm>
#include <cstdio>
#include <vector>

static int count = 0;
static void note() { ++count; }

/// The sum of numbers below `limit`, and twice the rest.
static double sumOf(const std::vector<double> &numbers, double limit) {
  double sum = 0.5;
  for (int i = 0; i < 4; ++i) {
    double number = numbers[i] * 3 + 1;
    if (number < limit && i != 2)
      sum += number - 0.25;
    else
      sum = sum + 2 * number;
    note();
  }
  auto largest = [&](int first) -> double {
    return *std::max_element(numbers.begin() + first, numbers.end());
  };
  return std::max(sum, largest(1)) + count;
}

int main() { std::printf("%.6f\\n", sumOf({1, 5, 2, 3}, 9)); }
"""
KNOWN = """# One that once went unnoticed.
@@ lib/Sum/Sum.cpp: the largest of all numbers
- return *std::max_element({{numbers.begin() + first}}, numbers.end());
+ numbers.begin()
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class StatementsTest(unittest.TestCase):
    def test_finds_statements_of_bodies_only(self):
        found = [(one.kind, "".join(token.text for token in one.tokens)) for one in cpp_statements.find_statements(PROGRAM)]
        self.assertIn(("if", "if(number<limit&&i!=2)"), found)
        self.assertIn(("declaration", "doublenumber=numbers[i]*3+1;"), found)
        self.assertIn(("assignment", "sum=sum+2*number;"), found)
        self.assertIn(("call", "note();"), found)
        self.assertIn(("return", "returnstd::max(sum,largest(1))+count;"), found)
        self.assertNotIn("staticintcount=0;", [text for _, text in found])

    def test_texts_are_no_code(self):
        found = cpp_statements.find_statements('void f() { // if (a)\n g("if (b) { h(1 + 2); }"); }')
        self.assertEqual([one.kind for one in found], ["call"])

    def test_the_end_of_a_statement_is_none(self):
        found = cpp_statements.find_statements("void f() { g([&](int i) { return i; }, T{1}); h(T{2} + 3); }")
        self.assertEqual([one.kind for one in found], ["return"])


class CopyTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.source = pathlib.Path(self.folder.name) / "source"
        self.copy = pathlib.Path(self.folder.name) / "copy"
        write(self.source / "lib/Sum/Sum.cpp", PROGRAM)
        cache = "// The cache.\nvoid key() {\n  add(kMagic);\n  add(other);\n}\n"
        write(self.source / "lib/ExecutionEngine/ObjectCache.cpp", cache)
        write(self.source / "test/lit.cfg.py", "import os\n")
        write(self.source / "cmake/modules/AddFlowc.cmake", "link(${ARG_LINK} GTest::gtest_main)\n")
        write(self.source / "known.txt", KNOWN)

    def mutate(self, *more):
        command = [sys.executable, HERE / "mutate.py", self.source, self.copy, "--known", self.source / "known.txt"]
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=True)
        return done.stdout, json.loads((self.copy / "mutants.json").read_text())

    def test_mutants_change_what_a_program_does(self):
        _, listed = self.mutate("--count", "14", "--only", "Sum")
        self.assertEqual([one["kind"] for one in listed["mutants"]].count("known"), 1)
        self.assertGreaterEqual(len(listed["mutants"]), 8)
        program = str(self.copy / "program")
        compiled = subprocess.run(
            [COMPILER, "-std=c++20", "-I", self.copy / "include", self.copy / "lib/Sum/Sum.cpp", "-o", program],
            capture_output=True, text=True)  # fmt: skip
        self.assertEqual(compiled.returncode, 0, compiled.stderr)

        def output(number, **more):
            environment = {**os.environ, "FLOWC_MUTANT": str(number), **more}
            return subprocess.run([program], env=environment, capture_output=True, text=True, timeout=20).stdout

        trace = self.copy / "trace.txt"
        expected = output(0, FLOWC_MUTANT_TRACE=str(trace))
        self.assertEqual(expected, "74.250000\n")
        reached = {int(line) for line in trace.read_text().split()}
        self.assertEqual(reached, {one["number"] for one in listed["mutants"]})
        different = [one for one in listed["mutants"] if output(one["number"]) != expected]
        self.assertGreaterEqual(len(different), 0.5 * len(listed["mutants"]))
        self.assertIn("mutantOfObjects", (self.copy / "lib/ExecutionEngine/ObjectCache.cpp").read_text())

    def test_what_does_not_compile_is_dropped_for_good(self):
        _, listed = self.mutate("--count", "14", "--only", "Sum")
        bad = listed["mutants"][2]
        log = self.source / "build.log"
        write(log, f"/some/where/{bad['file']}:{bad['line']}:7: error: no\n")
        output, rest = self.mutate("--count", "14", "--only", "Sum", "--drop", log)
        self.assertNotIn(bad["number"], [one["number"] for one in rest["mutants"]])
        self.assertLess(len(rest["mutants"]), len(listed["mutants"]))
        numbers = {one["number"]: one["after"] for one in listed["mutants"]}
        for one in rest["mutants"]:
            self.assertEqual(numbers[one["number"]], one["after"], "numbers stay")
        write(log, "")
        self.assertEqual(self.mutate("--count", "14", "--only", "Sum", "--drop", log)[1], rest)

    def test_known_mistakes_that_are_gone_are_told(self):
        write(self.source / "known.txt", KNOWN.replace("first", "second"))
        command = [sys.executable, HERE / "mutate.py", self.source, self.copy, "--known", self.source / "known.txt"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertIn("known.txt: not once in lib/Sum/Sum.cpp", done.stderr)


class ListsTest(unittest.TestCase):
    """What known.txt and equivalent.txt speak of is in the sources."""

    def test_known_mistakes_are_about_these_sources(self):
        known = mutate.read_known(HERE / "known.txt")
        gone = [block["what"] for block in known if not mutate.edit_of_known(block, mutate.text_of(SOURCE, block["file"]))]
        self.assertEqual(gone, [])
        self.assertGreater(len(known), 40)

    def test_tests_of_areas_are_there(self):
        for names in json.loads((HERE / "areas.json").read_text()).values():
            for name in names:
                folder = name.removeprefix("lit:")
                path = f"test/unit/{name}.cpp" if folder == name else "test/" + folder
                self.assertTrue((SOURCE / path).exists(), path)

    def test_equivalent_mutants_are_of_these_sources(self):
        for block in mutate.read_known(HERE / "equivalent.txt"):
            self.assertIn(" ".join(block["-"]), mutate.one_line((SOURCE / block["file"]).read_text()), block["what"])
            self.assertTrue(block["what"] and block["+"], block)


class JudgeTest(unittest.TestCase):
    traced = {
        "Slow": {"passed": True, "seconds": 9, "reached": [1, 2], "cases": {"A.b": {"seconds": 9, "reached": [1, 2]}}},
        "Quick": {"passed": True, "seconds": 1, "reached": [1], "cases": {}},
        "Own": {"passed": True, "seconds": 20, "reached": [1], "cases": {}},
        "Broken": {"passed": False, "seconds": 1, "reached": [1], "cases": {}},
    }
    mutant = {"number": 1, "file": "lib/Sum/Sum.cpp", "kind": "left out", "before": "note();", "after": "", "area": "Sum"}

    def test_tests_of_the_area_come_first(self):
        areas = {"lib/Sum": ["Own"]}
        self.assertEqual(run_mutants.order_of(self.mutant, self.traced, areas), ["Own", "Quick", "Slow"])
        self.assertEqual(run_mutants.order_of({**self.mutant, "number": 2}, self.traced, areas), ["Slow"])

    def test_some_tests_come_before_whole_programs(self):
        cases = {"slow": (5, 1), "quick": (1, 1), "other": (0.1, 2), "middle": (2, 1)}
        cases = {name: {"seconds": seconds, "reached": [number]} for name, (seconds, number) in cases.items()}
        self.assertEqual(run_mutants.quick_cases(1, cases, most=4), ["quick", "middle"])
        self.assertEqual(run_mutants.quick_cases(1, cases, most=0.5), ["quick"])
        self.assertEqual(
            run_mutants.plan(self.mutant, ["Own", "Slow"], self.traced, False), [("Slow", ["A.b"]), ("Own", []), ("Slow", [])]
        )
        self.assertEqual(run_mutants.plan(self.mutant, ["Own", "Slow"], self.traced, True), [("Slow", ["A.b"])])

    def test_what_each_test_came_past_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "trace.txt"
            write(path, "3\n1\n@ A.b 1500\n@ A.c 0\n7\n")
            cases, rest = run_mutants.read_trace(path)
        self.assertEqual(cases["A.b"], {"seconds": 1.5, "reached": [1, 3]})
        self.assertEqual(cases["A.c"], {"seconds": 0, "reached": []})
        self.assertEqual(rest, [7])

    def judged(self, test, untraced=(), **more):
        """The result of a mutant whose only test is a command of the shell, but for those that were not traced."""
        program = run_mutants.Program(["sh", "-c", test])
        traced = {"Own": {"passed": True, "seconds": 1, "reached": [1], "cases": {}, **more}}
        with tempfile.TemporaryDirectory() as folder:
            return run_mutants.judge(self.mutant, {name: program for name in ("Own", *untraced)}, traced, {}, pathlib.Path(folder), 10)

    def test_mutants_are_killed_by_tests_that_fail(self):
        self.assertEqual(self.judged('test "$FLOWC_MUTANT" != 1')["killed_by"], "Own")
        self.assertEqual(run_mutants.classify(self.judged("true")), "survived")
        self.assertEqual(run_mutants.classify(self.judged("false", seconds=11)), "not run")
        self.assertEqual(run_mutants.classify(self.judged("false", passed=False)), "unreached")
        self.assertEqual(run_mutants.classify(self.judged("true", untraced=["Other"])), "not run")

    def test_results_are_told_apart(self):
        result = {"killed_by": None, "reaching": 2, "ran": 2}
        self.assertEqual(run_mutants.classify(result), "survived")
        self.assertEqual(run_mutants.classify(result, equivalent=True), "equivalent")
        self.assertEqual(run_mutants.classify({**result, "killed_by": "Own"}), "killed")
        self.assertEqual(run_mutants.classify({**result, "killed_by": "Own"}, equivalent=True), "killed")
        self.assertEqual(run_mutants.classify({**result, "not_run": ["Slow"]}), "not run")
        self.assertEqual(run_mutants.classify({**result, "reaching": 0}), "unreached")
        self.assertEqual(run_mutants.classify(None), "not run")

    def test_equivalent_mutants_are_found(self):
        block = {"file": "lib/Sum/Sum.cpp", "what": "nobody reads it", "-": ["note();"], "+": ["left out"]}
        self.assertTrue(run_mutants.is_equivalent(self.mutant, [block]))
        self.assertFalse(run_mutants.is_equivalent({**self.mutant, "kind": "never"}, [block]))
        self.assertFalse(run_mutants.is_equivalent({**self.mutant, "file": "lib/Other.cpp"}, [block]))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        COMPILER = sys.argv.pop(1)
    unittest.main()
