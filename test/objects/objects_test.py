#!/usr/bin/env python3
# ===- objects_test.py - Functions of models in programs of others ---------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Compiles two models, and programs with them: by each C and C++ compiler that there is, with
# the address sanitizer, as an archive and as a shared library, and under valgrind.
#
#   objects_test.py FLOWC

import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MODELS = {
    "one": ("coupling_flow(standard_normal([2]), nn_width = 16)", "f32"),
    "two": ("masked_autoregressive_flow(standard_normal([3]), cond_dim = 2, nn_width = 16)", "f64"),
}
WARNINGS = ("-Wall", "-Wextra", "-pedantic", "-Werror", "-Wstrict-prototypes")


def run(folder, *command):
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} exits with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def compile_models(flowc, folder):
    for name, (flow, dtype) in MODELS.items():
        (folder / f"{name}.flow").write_text(f"flow {name} = {flow}\n", encoding="utf-8")
        run(folder, flowc, "init", f"{name}.flow", "--dtype", dtype, "-o", f"{name}.safetensors")
        for ending in ("o", "a", "so"):
            run(folder, flowc, "compile", f"{name}.safetensors", "-o", f"{name}.{ending}", "--header", f"{name}.h")
    run(folder, flowc, "compile", "two.safetensors", "--parameters", "two.bin")
    run(folder, flowc, "compile", "one.safetensors", "-o", "apart.o", "--header", "apart.h", "--parameters", "one.bin")


def check_program(folder, compiler, source, *inputs, run_with=()):
    standard = "-std=c++20" if source.endswith(".cpp") else "-std=c99"
    warnings = [flag for flag in WARNINGS if flag != "-Wstrict-prototypes" or source.endswith(".c")]
    run(folder, compiler, standard, "-D_POSIX_C_SOURCE=200809L", *warnings, "-I.", HERE / source, *inputs,
        "-lpthread", "-lm", "-o", "program")
    output = run(folder, *run_with, "./program")
    if output != "all holds\n":
        sys.exit(f"{source} by {compiler} with {' '.join(inputs)}:\n{output}")


def main():
    flowc = pathlib.Path(sys.argv[1]).resolve()
    compilers = [(c, cpp) for c, cpp in (("gcc", "g++"), ("clang", "clang++"), ("clang-22", "clang++-22"))
                 if shutil.which(c) and shutil.which(cpp)]
    if not compilers:
        sys.exit("there is no C compiler")
    with tempfile.TemporaryDirectory(prefix="flowc-objects-") as scratch:
        folder = pathlib.Path(scratch)
        compile_models(flowc, folder)
        for c, cpp in compilers:
            check_program(folder, c, "two.c", "one.o", "two.o")
            check_program(folder, c, "two.c", "one.o", "two.o", "-fsanitize=address")
            check_program(folder, c, "apart.c", "one.o", "apart.o")
            check_program(folder, cpp, "spans.cpp", "one.o", "two.o")
        c = compilers[0][0]
        check_program(folder, c, "two.c", "one.a", "two.a", "-static-pie")
        check_program(folder, c, "two.c", "one.so", "two.so", "-Wl,-rpath,$ORIGIN")
        if shutil.which("valgrind"):
            valgrind = ("valgrind", "-q", "--error-exitcode=1", "--leak-check=full")
            check_program(folder, c, "apart.c", "one.o", "apart.o", run_with=valgrind)
    print("functions of models can be used")


if __name__ == "__main__":
    main()
