#!/usr/bin/env python3
# ===- kinds_test.py - A kind is the kind of something ---------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
#   kinds_test.py SOURCE
#
# What the front end knows of a kind of node is found by name: a name that no
# constructor gives to a node, misspelt or left behind, would say nothing to nobody.
# And a kind that no table lists would never be found.
#
# ===-----------------------------------------------------------------------===#

import pathlib
import re
import sys

KIND = re.compile(r'const(?:expr| NodeKind)[^=;]*\b(\w+Kind) = \{\s*\.name = "(\w+)"')


def find_problems(text):
    for variable, name in KIND.findall(text):
        # Once as the kind's own name, once where nodes are made.
        if text.count(f'"{name}"') < 2:
            yield f"no constructor makes nodes of the kind `{name}` of {variable}"
        if f"&{variable}" not in re.sub(r"== &\w+", "", text):
            yield f"{variable} is in no table"


def main():
    sources = (pathlib.Path(sys.argv[1]) / "lib/Frontend").glob("*.cpp")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    problems = list(find_problems(text))
    if len(KIND.findall(text)) < 20:
        problems.append("few kinds were found: has their notation changed?")
    for problem in problems:
        print(f"kinds_test.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
