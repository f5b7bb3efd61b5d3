#!/usr/bin/env python3
# ===- lists_test.py - Semantics are asked of the op -----------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
#   lists_test.py SOURCE
#
# No list of more than three classes in an isa<>, and no comparison of the kind of a node
# with a string: what a pass or the front end needs to know is asked of the op. `KNOWN`
# has those that there are, for now, by file: a number that is no longer true has to go.
#
# ===-----------------------------------------------------------------------===#

import collections
import pathlib
import re
import sys

ARGUMENT = r"(?:[^<>,;]|<[^<>;]*>)*"
PATTERNS = {
    "list of classes": re.compile(rf"\bisa(?:_and_nonnull)?<{ARGUMENT}(?:,{ARGUMENT}){{3,}}>"),
    "comparison of a kind": re.compile(r'\bkind(?:\(\))?\s*[=!]=\s*"'),
}
KNOWN = {
    ("list of classes", "lib/Conversion/SampleToTile/EmitBody.cpp"): 1,
}


def count(source):
    found = collections.Counter()
    for folder in ("lib", "include", "tools"):
        for path in (source / folder).rglob("*"):
            if path.suffix in (".cpp", ".h"):
                text = path.read_text(encoding="utf-8")
                for what, pattern in PATTERNS.items():
                    if number := len(pattern.findall(text)):
                        found[what, path.relative_to(source).as_posix()] = number
    return found


def main():
    found = count(pathlib.Path(sys.argv[1]))
    problems = [
        f"{path}: {found[what, path]} of '{what}', expected {KNOWN.get((what, path), 0)}"
        for what, path in sorted(found.keys() | KNOWN.keys())
        if found[what, path] != KNOWN.get((what, path), 0)
    ]
    for problem in problems:
        print(f"lists_test.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
