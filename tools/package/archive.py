#!/usr/bin/env python3
# ===- archive.py - An archive for any Linux -------------------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Packs the tool and libflowc with the libraries that they need beside those of every
# system, their licenses, and what C programs are built with:
#
#   archive.py BUILD VERSION LICENSE [FOLDER]
#
# writes BUILD/package/flowc-VERSION-linux-x86_64.tar.xz or, without packing it, FOLDER. Run
# by `cmake --build BUILD --target archive`.

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tarfile

# What every system has, and no second copy of which should be in a process.
OF_THE_SYSTEM = re.compile(r"(linux-vdso|ld-linux[\w-]*|libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)\.so")
# The oldest C library that the archive runs with.
NEWEST_GLIBC = (2, 36)


def output_of(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def libraries_of(program):
    """The shared libraries that come along: name and file."""
    found = {}
    for line in output_of("ldd", program).splitlines():
        name = line.split()[0]
        match = re.search(r"=> (/\S+)", line)
        if not match:
            if "not found" in line:
                sys.exit(f"{program} needs {name}, which there is not")
        elif not OF_THE_SYSTEM.match(name):
            found[name] = pathlib.Path(match.group(1)).resolve()
    return found


def check_glibc(file):
    """Fails if a file needs a newer C library than the archive says."""
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", output_of("objdump", "-T", file))
    newest = max((int(major), int(minor)) for major, minor in versions)
    if newest > NEWEST_GLIBC:
        sys.exit(f"{file} needs glibc {newest[0]}.{newest[1]}, expected at most {NEWEST_GLIBC}")


def package_of(file):
    """The Debian package that a file is from."""
    # Files of /usr/lib may be known by their names in /lib.
    for name in (str(file), str(file).removeprefix("/usr")):
        done = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    sys.exit(f"no package has {file}, so that its license is not known")


def add_licenses(files, folder):
    packages = {package_of(file) for file in files} | {"llvm-22-dev", "libmlir-22-dev"}
    folder.mkdir(parents=True)
    for package in sorted(packages):
        shutil.copy(f"/usr/share/doc/{package}/copyright", folder / package)


def fill(folder, build, license_file):
    packed = build / "package"
    output_of("cmake", "--install", build, "--component", "c-dev", "--prefix", folder)
    (folder / "bin").mkdir()
    private = folder / "lib/flowc"
    private.mkdir(parents=True)
    shutil.copy(packed / "bin/flowc-packaged", folder / "bin/flowc")
    for file in (packed / "lib").glob("libflowc.so.*"):
        shutil.copy(file, folder / "lib", follow_symlinks=False)
    programs = [folder / "bin/flowc", (folder / "lib/libflowc.so.0").resolve()]
    libraries = {}
    for program in (packed / "bin/flowc-packaged", packed / "lib/libflowc.so.0"):
        libraries |= libraries_of(program)
    for name, file in libraries.items():
        shutil.copy(file, private / name)
    for file in [*programs, *private.iterdir()]:
        check_glibc(file)
    share = folder / "share/doc/flowc"
    add_licenses(libraries.values(), share / "licenses")
    shutil.copy(license_file, share)


def pack(folder, archive):
    """The same bytes for the same files."""

    def plain(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = 0
        return entry

    with tarfile.open(archive, "w:xz") as tar:
        for path in sorted([folder, *folder.rglob("*")]):
            tar.add(path, path.relative_to(folder.parent), recursive=False, filter=plain)


def main():
    build, version, license_file, *only = sys.argv[1:]
    build = pathlib.Path(build).resolve()
    name = f"flowc-{version}-linux-{platform.machine()}"
    folder = pathlib.Path(only[0]) if only else build / "package" / name
    # (A DESTDIR of the caller would put files elsewhere.)
    os.environ.pop("DESTDIR", None)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fill(folder, build, license_file)
    if only:
        return
    archive = folder.with_name(name + ".tar.xz")
    pack(folder, archive)
    shutil.rmtree(folder)
    print(f"{archive}: {archive.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
