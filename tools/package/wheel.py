#!/usr/bin/env python3
# ===- wheel.py - A Python wheel for any Linux -----------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Builds the Python package over the libflowc of the archive, which brings its LLVM along:
#
#   wheel.py BUILD VERSION LICENSE PYTHON [FOLDER]
#
# writes BUILD/package/flowc-VERSION-....whl (or into FOLDER). PYTHON has scikit-build-core, nanobind and wheel.
# Run by `cmake --build BUILD --target wheel`.

import pathlib
import subprocess
import sys
import tempfile
import zipfile

import archive

PACKAGE = pathlib.Path(__file__).resolve().parent.parent / "python"
MOST_MEGABYTES = 80


def build(python, prefix, output):
    """A wheel for this machine alone."""
    subprocess.run(
        [python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", output, PACKAGE,
         "--config-settings", f"cmake.define.CMAKE_PREFIX_PATH={prefix}", "--config-settings", "cmake.define.FLOWC_BUNDLE=ON"],
        check=True,
    )  # fmt: skip
    (wheel,) = pathlib.Path(output).glob("flowc-*.whl")
    return wheel


def keep_needed(prefix, library):
    """Removes what the tool of the archive needs, and libflowc does not."""
    needed = archive.libraries_of(library)
    for file in (prefix / "lib/flowc").iterdir():
        if file.name not in needed:
            file.unlink()


def check_modules(wheel, scratch):
    """Fails if a module needs a newer C library than the archive."""
    with zipfile.ZipFile(wheel) as files:
        modules = [name for name in files.namelist() if ".so" in name]
        for name in modules:
            archive.check_glibc(files.extract(name, scratch))
    if len(modules) < 3:
        sys.exit(f"{wheel} has the modules {modules}, expected libflowc and its libraries, too")


def main():
    build_folder, version, license_file, python, *only = sys.argv[1:]
    build_folder = pathlib.Path(build_folder).resolve()
    output = pathlib.Path(only[0]) if only else build_folder / "package"
    with tempfile.TemporaryDirectory(prefix="flowc-wheel-") as scratch:
        prefix = pathlib.Path(scratch) / "prefix"
        prefix.mkdir()
        archive.fill(prefix, build_folder, license_file)
        keep_needed(prefix, build_folder / "package/lib/libflowc.so.0")
        wheel = build(python, prefix, pathlib.Path(scratch) / "wheels")
        check_modules(wheel, pathlib.Path(scratch) / "modules")
        platform = "manylinux_{}_{}_x86_64".format(*archive.NEWEST_GLIBC)
        archive.output_of(python, "-m", "wheel", "tags", "--remove", "--platform-tag", platform, wheel)
        (wheel,) = wheel.parent.glob("flowc-*.whl")
        megabytes = wheel.stat().st_size / 1e6
        if megabytes > MOST_MEGABYTES:
            sys.exit(f"{wheel.name} has {megabytes:.1f} MB, expected at most {MOST_MEGABYTES}")
        output.mkdir(parents=True, exist_ok=True)
        for old in output.glob(f"flowc-{version}-*.whl"):
            old.unlink()
        (output / wheel.name).write_bytes(wheel.read_bytes())
    print(f"{output / wheel.name}: {megabytes:.1f} MB")


if __name__ == "__main__":
    main()
