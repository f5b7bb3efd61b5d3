#!/usr/bin/env python3
# ===- install_test.py - flowc after `cmake --install` ---------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Installs the build into a folder, moves that, and builds and runs programs with what is
# there: by the CMake package and by pkg-config.
#
#   install_test.py BUILD [-DNAME=VALUE...]

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run(*command, **options):
    """The output of a command that has to succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} exits with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(output, part):
    if part not in output:
        sys.exit(f"expected '{part}' in\n{output}")


def install(build, folder):
    """Installs to one place and moves everything to another."""
    run("cmake", "--install", build, "--prefix", folder / "first")
    prefix = folder / "else where"
    (folder / "first").rename(prefix)
    return prefix


def try_tool(prefix, folder):
    (folder / "f.flow").write_text("flow f = standard_normal([2])\n", encoding="utf-8")
    expect(run(prefix / "bin/flowc", "check", folder / "f.flow"), "flow f")


def try_package(prefix, folder, definitions, components=("cpp",)):
    build, model = folder / "package", folder / "a model.safetensors"
    (folder / "f.flow").write_text("flow f = coupling_flow(standard_normal([2]), nn_width = 4)\n", encoding="utf-8")
    run(prefix / "bin/flowc", "init", folder / "f.flow", "-o", model)
    run("cmake", "-S", HERE, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DMODEL={model}", f"-DCOMPONENTS={';'.join(components)}", "-DCMAKE_BUILD_TYPE=Release", *definitions)
    run("cmake", "--build", build)
    for language in ("c", "model", *components):
        expect(run(build / f"{language}-program"), "100 draws")


def try_pkg_config(prefix, folder):
    (found,) = prefix.rglob("flowc.pc")
    environment = dict(os.environ, PKG_CONFIG_PATH=str(found.parent))
    # (A folder with a space in its name is escaped by pkg-config.)
    flags = run("pkg-config", "--cflags", "--libs", "flowc", env=environment)
    program = folder / "by-pkg-config"
    run("sh", "-c", f"cc -std=c99 -Wall -Werror '{HERE / 'program.c'}' {flags.strip()} -o '{program}'")
    (library,) = prefix.rglob("libflowc.so.0")
    expect(run(program, env=dict(os.environ, LD_LIBRARY_PATH=str(library.parent))), "100 draws")


def main():
    build, *definitions = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="flowc-install-") as scratch:
        folder = pathlib.Path(scratch)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        prefix = install(pathlib.Path(build), folder)
        try_tool(prefix, folder)
        try_pkg_config(prefix, folder)
        try_package(prefix, folder, definitions)
    print("what is installed can be used")


if __name__ == "__main__":
    main()
