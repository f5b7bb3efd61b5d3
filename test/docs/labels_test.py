#!/usr/bin/env python3
# ===- labels_test.py - Constraints in specification, code and tests -------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Every constraint of docs/Spec.md has a label such as *coupling_c2*. The code
# that verifies it names the label in a comment, and a function of that name in a
# `*-invalid.mlir` file violates it. This test compares the three sets:
#
#   labels_test.py SOURCE
#
# ===-----------------------------------------------------------------------===#

import pathlib
import re
import sys
import unittest

LABEL = r"[a-z][a-z0-9_]*_c[0-9]+"
source = pathlib.Path(__file__).resolve().parents[2]


def labels_of_spec(text):
    """Labels in emphasis; `*a_c3* … *_c9*` stands for all from a_c3 to a_c9."""
    labels = set(re.findall(rf"\*({LABEL})\*", text))
    for op, first, last in re.findall(r"\*([a-z0-9_]+)_c(\d+)\* … \*_c(\d+)\*", text):
        labels |= {f"{op}_c{number}" for number in range(int(first), int(last) + 1)}
    return labels


def labels_of_comments(text):
    """Labels in comments of C++ or TableGen."""
    comments = re.findall(r"//.*", text)
    return {label for comment in comments for label in re.findall(rf"\b{LABEL}\b", comment)}


def labels_of_functions(text):
    return set(re.findall(rf"func\.func (?:private )?@({LABEL})\b", text))


def collect(folders, pattern, find):
    files = [file for folder in folders for file in (source / folder).rglob("*") if re.search(pattern, file.name)]
    return set().union(*(find(file.read_text(encoding="utf-8")) for file in files))


class LabelsTest(unittest.TestCase):
    def compare(self, found, what):
        spec = labels_of_spec((source / "docs/Spec.md").read_text(encoding="utf-8"))
        self.assertGreater(len(spec), 100)
        self.assertEqual(sorted(spec - found), [], f"labels of docs/Spec.md without {what}")
        self.assertEqual(sorted(found - spec), [], f"labels of {what} that are not in docs/Spec.md")

    def test_code_names_every_constraint(self):
        self.compare(collect(["lib/Dialect", "include/flowc/Dialect"], r"\.(cpp|h|td)$", labels_of_comments), "the code")

    def test_every_constraint_is_violated(self):
        self.compare(collect(["test/Dialect"], r"-invalid\.mlir$", labels_of_functions), "a test")

    def test_differences_are_found(self):
        self.assertEqual(labels_of_spec("*a_c1*: x; *b_d_c2* … *_c4*; b_c9"), {"a_c1", "b_d_c2", "b_d_c3", "b_d_c4"})
        self.assertEqual(labels_of_comments('int x_c1; // y_c2: z\n"w_c3"'), {"y_c2"})
        self.assertEqual(labels_of_functions("func.func @a_c1(%x)\nfunc.func @b(%x)"), {"a_c1"})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        source = pathlib.Path(sys.argv.pop(1))
    unittest.main()
