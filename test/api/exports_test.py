#!/usr/bin/env python3
# ===- exports_test.py - What libflowc.so shows ----------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Compares the symbols that the shared library exports with the checked-in list, and with
# what the headers declare:
#
#   exports_test.py NM LIBRARY LIST HEADER...
#
# Names that programs were linked with must stay: a name that is new goes to the list with
# the next FLOWC_C_API_MINOR, one that goes away needs another FLOWC_C_API_MAJOR.

import pathlib
import re
import subprocess
import sys


def exported_by(nm, library):
    output = subprocess.run(
        [nm, "--dynamic", "--defined-only", "--extern-only", library], check=True, capture_output=True, text=True
    ).stdout
    names = [line.split()[-1] for line in output.splitlines() if line.split()[-2] != "A"]
    return {name.replace("@@", "@") for name in names}


def declared_by(headers):
    text = "\n".join(pathlib.Path(header).read_text(encoding="utf-8") for header in headers)
    return set(re.findall(r"^FLOWC_API[^;]*?\b(flowc_\w+)\(", text, re.M))


def main():
    nm, library, listed, *headers = sys.argv[1:]
    exported = exported_by(nm, library)
    expected = set(pathlib.Path(listed).read_text(encoding="utf-8").split())
    declared = declared_by(headers)
    problems = [f"{name} is exported, but not in the list" for name in sorted(exported - expected)]
    problems += [f"{name} is in the list, but not exported" for name in sorted(expected - exported)]
    names = {name.split("@")[0] for name in exported}
    problems += [f"{name} is declared, but not exported" for name in sorted(declared - names)]
    problems += [f"{name} is exported, but not declared" for name in sorted(names - declared)]
    print("\n".join(problems) if problems else f"{len(exported)} symbols as listed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
