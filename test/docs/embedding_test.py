#!/usr/bin/env python3
# ===- embedding_test.py - flowc inside of another project -----------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
#
# Makes a project of the build file and the program that docs/GettingStarted.md shows,
# on a machine where packages that only flowc's tools and tests need do not exist, and
# compiles the program. What is linked is built by this project's own targets; --link
# builds it all once more, which takes as long as flowc does.
#
#   embedding_test.py SOURCE [--link] [-DNAME=VALUE...]

import pathlib
import re
import subprocess
import sys
import tempfile

ABSENT = ["GTest", "CLI11"]


def blocks_of_page(text):
    """The build file, and the first program after it."""
    cmake = re.search(r"```cmake[^\n]*\n(.*?)```", text, re.S)
    program = re.search(r"```cpp[^\n]*\n(.*?)```", text[cmake.end() :], re.S)
    return cmake.group(1), program.group(1)


def main():
    source, *options = sys.argv[1:]
    source = pathlib.Path(source).resolve()
    links = "--link" in options
    definitions = [option for option in options if option.startswith("-D")]
    cmake, program = blocks_of_page((source / "docs/GettingStarted.md").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder)
        (project / "CMakeLists.txt").write_text(
            f"cmake_minimum_required(VERSION 3.20)\nproject(other LANGUAGES C CXX)\n{cmake}", encoding="utf-8"
        )
        (project / "program.cpp").write_text(program, encoding="utf-8")
        (project / "flowc").symlink_to(source, target_is_directory=True)
        build = project / "build"
        absent = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in ABSENT]
        configure = ["cmake", "-S", project, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"]
        subprocess.run([*configure, *absent, *definitions], check=True)
        target = "program" if links else "CMakeFiles/program.dir/program.cpp.o"
        subprocess.run(["cmake", "--build", build, "--target", target], check=True)
        if links:
            subprocess.run([build / "program"], check=True)


if __name__ == "__main__":
    main()
