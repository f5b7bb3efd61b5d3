#!/usr/bin/env python3
# ===- run_docs_test.py - Tests of run_docs.py -----------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# A runner that accepts wrong pages would be worse than none.
#
# ===-----------------------------------------------------------------------===#

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
import run_docs


class TextTest(unittest.TestCase):
    def test_equal_lines_match(self):
        self.assertTrue(run_docs.text_matches("a\nb\n", "a  \nb\n"))
        self.assertFalse(run_docs.text_matches("a\n", "a\nb\n"))
        self.assertFalse(run_docs.text_matches("a\nb\n", "a\n"))

    def test_dots_stand_for_text_in_a_line(self):
        self.assertTrue(run_docs.text_matches("took ... s", "took 0.25 s"))
        self.assertFalse(run_docs.text_matches("took ... s", "took 0.25 m"))

    def test_dots_alone_stand_for_lines(self):
        self.assertTrue(run_docs.text_matches("a\n...\nz", "a\nb\nc\nz"))
        self.assertTrue(run_docs.text_matches("a\n...\nz", "a\nz"))
        self.assertFalse(run_docs.text_matches("a\n...\nz", "a\nb"))

    def test_numbers_are_exact_unless_about(self):
        self.assertFalse(run_docs.text_matches("rows: 1,000", "rows: 1,001"))
        self.assertTrue(run_docs.text_matches("rows: 1,000", "rows: 1,001", about=True))
        self.assertFalse(run_docs.text_matches("rows: 1,000", "rows: 2,000", about=True))
        self.assertFalse(run_docs.text_matches("rows: 1,000", "lines: 1,000", about=True))
        self.assertTrue(run_docs.text_matches("in 2 s", "in 31.5 s", about=True))
        self.assertTrue(run_docs.text_matches("best epoch 3", "best epoch 4", about=True))
        self.assertFalse(run_docs.text_matches("best epoch 3", "best epoch 5", about=True))
        self.assertTrue(run_docs.text_matches("loss 0.5", "loss 0.46", about=True))
        self.assertFalse(run_docs.text_matches("loss 0.5", "loss 1.1", about=True))
        self.assertFalse(run_docs.text_matches("loss 0.5", "loss -0.4", about=True))


class IRTest(unittest.TestCase):
    actual = """module {
  func.func @f(%arg0: f32, %arg1: f32) -> f32 {
    %0 = math.exp %arg0 : f32
    %1 = arith.addf %0, %arg1 : f32
    return %1 : f32
  }
}
"""

    def matches(self, *lines):
        return run_docs.IRMatcher("\n".join(lines), self.actual).matches()

    def test_names_of_values_do_not_matter(self):
        head = "func.func @f(%x: f32, %y: f32) -> f32 {"
        self.assertTrue(self.matches(head, "// ...", "%s = arith.addf %e, %y : f32", "return %s : f32", "}"))
        self.assertFalse(self.matches(head, "// ...", "%s = arith.addf %e, %x : f32", "return %s : f32", "}"))
        self.assertFalse(self.matches(head, "// ...", "%s = arith.addf %e, %y : f32", "return %e : f32", "}"))

    def test_values_next_to_dots_are_paired(self):
        head = "func.func @f(%x: f32, ..."
        self.assertTrue(self.matches(head, "%e = math.exp %x ...", "// ...", "}"))
        self.assertTrue(self.matches(head, "// ...", "%s = ... %y : f32", "return %s : f32", "}"))
        self.assertFalse(self.matches(head, "%e = math.exp ...", "%s = ... %e : f32", "return %e : f32", "}"))
        self.assertFalse(self.matches(head, "// ...", "%s = arith.addf %x, ...", "// ...", "}"))

    def test_lines_cannot_be_missing(self):
        self.assertFalse(self.matches("func.func @f(%x: f32, %y: f32) -> f32 {", "return %s : f32", "}"))
        self.assertTrue(self.matches("func.func @f(%x: ...", "// ...", "}"))


class PageTest(unittest.TestCase):
    def problems(self, text, python=None):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "Page.md"
            page.write_text(text, encoding="utf-8")
            return run_docs.run_page(page, pathlib.Path(folder), pathlib.Path(folder), python)

    def test_blocks_of_python_are_one_session(self):
        first = "```python\nx = 3\n```\n"
        show = first + "```python\nprint(x)\n```\n```text output\n%s\n```\n"
        self.assertEqual(self.problems(show % 3, sys.executable), [])
        self.assertEqual(len(self.problems(show % 4, sys.executable)), 1)
        self.assertEqual(len(self.problems("```python\nprint(x)\n```\n", sys.executable)), 1)
        fails = "```python fails\n%s\n```\n```text output\nNameError: name 'x' is not defined\n```\n"
        self.assertEqual(self.problems(fails % "x", sys.executable), [])
        self.assertEqual(len(self.problems(fails % "x = 1", sys.executable)), 2)
        self.assertEqual(len(self.problems("```python\nimport os; os._exit(3)\n```\n", sys.executable)), 1)

    def test_what_needs_a_missing_module_is_left_out(self):
        needs = '```python needs="%s"\n1 / 0\n```\n```text output\na\n```\n'
        self.assertEqual(self.problems(needs % "json no_such_module", sys.executable), [])
        self.assertEqual(len(self.problems(needs % "json", sys.executable)), 2)

    def test_without_an_interpreter_they_are_left_out(self):
        self.assertEqual(self.problems("```python\nnonsense(\n```\n```text output\na\n```\n"), [])

    def test_commands_have_to_succeed(self):
        self.assertEqual(self.problems("```sh\ntrue\n```\n"), [])
        self.assertEqual(len(self.problems("```sh\nfalse\n```\n")), 1)
        self.assertEqual(self.problems("```sh fails\nexit 1\n```\n"), [])
        self.assertEqual(len(self.problems("```sh fails\ntrue\n```\n")), 1)

    def test_output_is_compared(self):
        self.assertEqual(self.problems("```sh\necho a\n```\n```text output\na\n```\n"), [])
        self.assertEqual(len(self.problems("```sh\necho a\n```\n```text output\nb\n```\n")), 1)

    def test_blocks_cannot_be_skipped_by_accident(self):
        self.assertEqual(len(self.problems("```sh skip\nfalse\n```\n")), 1)
        self.assertEqual(self.problems('```sh skip="needs a network"\nfalse\n```\n'), [])
        self.assertEqual(len(self.problems("```fortran\nend\n```\n")), 1)
        self.assertEqual(len(self.problems("```sh\ntrue\n")), 1)

    def test_files_are_kept(self):
        self.assertEqual(self.problems("```c keep=a.c\nint a;\n```\n```sh\ncat a.c\n```\n```text output\nint a;\n```\n"), [])

    def test_what_needs_a_missing_program_is_left_out(self):
        self.assertEqual(self.problems('```sh needs="no-such-program"\nfalse\n```\n```text output\na\n```\n'), [])
        self.assertEqual(len(self.problems('```sh needs="sh"\nfalse\n```\n')), 1)
        self.assertEqual(len(self.problems('```sh needs="no-such-program"\n:\n```\n```sh\nfalse\n```\n')), 1)

    def test_links_lead_somewhere(self):
        self.assertEqual(self.problems("# A heading\n[to it](#a-heading) [itself](Page.md)\n"), [])
        self.assertEqual(len(self.problems("[nowhere](Other.md) [neither](#b)\n")), 2)


if __name__ == "__main__":
    unittest.main()
