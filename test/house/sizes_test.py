#!/usr/bin/env python3
# ===- sizes_test.py - Functions fit on a screen ---------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
#   sizes_test.py SOURCE
#
# A function has at most 60 lines, a file less than 500. `LONG` has the functions that
# have more, for now: an entry that is no longer true has to go.
#
# ===-----------------------------------------------------------------------===#

import pathlib
import re
import sys

MOST_IN_FUNCTION, MOST_IN_FILE = 60, 499
LONG = {
    "lib/Conversion/SampleToTile/EmitBlock.cpp: TileEmitter::emitBlocks",
    "lib/Conversion/SampleToTile/EmitBlockSweep.cpp: TileEmitter::BlockSolver::emitSearch",
    "lib/Conversion/SampleToTile/EmitBlockSweep.cpp: TileEmitter::BlockSolver::emitSolve",
    "lib/Conversion/SampleToTile/EmitBody.cpp: BodyEmitter::emitOp",
    "lib/Conversion/SampleToTile/EmitRoot.cpp: RootEmitter::emitStep",
}
NO_FUNCTION = re.compile(r"^(?:(?:inline|static|constexpr|const|template.*>) )*(namespace|class|struct|enum|union|extern)\b")


def functions_of(lines):
    """Name and number of lines of each function that begins in the first column."""
    start = None
    for number, line in enumerate(lines):
        if line[:1].isalpha() and not line.startswith(("using", "#")):
            # Declarations and tables that end before their body begin anew.
            start = number if start is None else start
        if line.startswith("}"):
            if start is not None:
                head = " ".join(lines[start : start + 4])
                name = re.search(r"([\w:~<>]+)\(", head)
                if name and line == "}" and not NO_FUNCTION.match(lines[start]):
                    yield name[1], number - start + 1
            start = None
        elif start is not None and line.endswith(";") and not line.startswith(" "):
            start = None


def main():
    source = pathlib.Path(sys.argv[1])
    problems, seen = [], set()
    for folder in ("lib", "include", "tools"):
        for path in sorted((source / folder).rglob("*")):
            if path.suffix not in (".cpp", ".h", ".td"):
                continue
            name = path.relative_to(source).as_posix()
            lines = path.read_text(encoding="utf-8").splitlines()
            if len(lines) > MOST_IN_FILE:
                problems.append(f"{name} has {len(lines)} lines, expected less than 500")
            for function, size in functions_of(lines):
                if size <= MOST_IN_FUNCTION:
                    continue
                seen.add(f"{name}: {function}")
                if f"{name}: {function}" not in LONG:
                    problems.append(f"{name}: {function} has {size} lines, expected at most 60")
    problems += [f"{entry} is in the list of long functions, but is none" for entry in sorted(LONG - seen)]
    for problem in problems:
        print(f"sizes_test.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
