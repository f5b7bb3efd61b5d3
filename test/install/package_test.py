#!/usr/bin/env python3
# ===- package_test.py - What `tools/bootstrap.sh package` makes -----------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Fills the folder of the archive, moves it, and uses it: nothing comes from outside but what
# every system has, results are those of the build, and another LLVM in the process does not
# matter. Where the kernel allows it, a root folder with nothing but the C and C++ libraries
# is such a system. Makes the Debian package, too, and unpacks it.
#
#   package_test.py SOURCE BUILD VERSION LLVM_LIBRARIES [-DNAME=VALUE...]

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from install_test import expect, run, try_package, try_pkg_config, try_tool

sys.dont_write_bytecode = True
OF_THE_SYSTEM = ("libc.", "libm.", "libstdc++.", "libgcc_s.", "ld-linux", "linux-vdso", "libdl.", "libpthread.", "librt.")


def check_libraries(prefix):
    """Everything that is not of the system is found in the archive, and LLVM is none of it."""
    libraries = list((prefix / "lib/flowc").iterdir())
    for file in (prefix / "bin/flowc", prefix / "lib/libflowc.so.0"):
        for line in run("ldd", file).splitlines():
            name = line.split()[0]
            if not pathlib.Path(name).name.startswith(OF_THE_SYSTEM):
                expect(line, str(prefix))
            if "LLVM" in line or "MLIR" in line:
                sys.exit(f"{file} needs {name}")
    if len(list((prefix / "share/doc/flowc/licenses").iterdir())) < 3 or len(libraries) < 3:
        sys.exit("expected libraries and their licenses")


def check_bits(prefix, build, folder):
    """The packed tool and the one of the build give the same numbers."""
    flow = folder / "g.flow"
    flow.write_text("flow g = masked_autoregressive_flow(standard_normal([3]), nn_width = 8)\n", encoding="utf-8")
    run(build / "bin/flowc", "init", flow, "-o", folder / "g.safetensors")
    draws = [
        run(tool, "sample", folder / "g.safetensors", "-n", "500", "--seed", "3", "--log-prob")
        for tool in (build / "bin/flowc", prefix / "bin/flowc")
    ]
    if draws[0] != draws[1]:
        sys.exit("the packed tool draws other samples than that of the build")
    run(prefix / "bin/flowc", "plot", folder / "g.safetensors", "-o", folder / "g.png")


def check_other_llvm(prefix, folder, llvm):
    """Debian's LLVM and MLIR, all of whose symbols come first, are in the process, too."""
    others = [*pathlib.Path(llvm).glob("libLLVM.so.*"), *pathlib.Path(llvm).glob("libMLIR.so.*")]
    if not others:
        sys.exit(f"there is no LLVM in {llvm} to load beside flowc")
    environment = dict(
        os.environ,
        LD_PRELOAD=":".join(map(str, others)),
        LD_LIBRARY_PATH=str(prefix / "lib"),
        XDG_CACHE_HOME=str(folder / "another-cache"),
    )
    expect(run(folder / "by-pkg-config", env=environment), "100 draws")


BARE_PACKAGES = ("libc6", "libstdc++6", "libgcc-s1")


def make_root(folder):
    """A folder with the libraries of these packages at their places."""
    for package in BARE_PACKAGES:
        for name in run("dpkg", "-L", package).split():
            if ".so" in name and pathlib.Path(name).is_file():
                target = folder / name[1:]
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(name, target)
    # Debian's /lib is /usr/lib, wherever the package says that its files are.
    shutil.copytree(folder / "lib", folder / "usr/lib", dirs_exist_ok=True)
    shutil.rmtree(folder / "lib")
    (folder / "lib").symlink_to("usr/lib")
    (folder / "proc").mkdir()


def check_bare_system(prefix, folder):
    isolated = ("unshare", "--map-root-user", "--mount", "--pid", "--fork")
    if subprocess.run([*isolated, "true"], capture_output=True).returncode:
        print("a bare system is left out: the kernel allows no name spaces")
        return
    root = folder / "bare"
    make_root(root)
    shutil.copytree(prefix, root / "opt", symlinks=True)
    (root / "f.flow").write_text("flow f = coupling_flow(standard_normal([2]))\n", encoding="utf-8")
    for arguments in ("init f.flow -o m.safetensors", "sample m.safetensors -n 3", "plot m.safetensors -o m.svg"):
        # ($ORIGIN is known by /proc.)
        command = f"mount -t proc proc '{root}/proc' && exec chroot '{root}' /opt/bin/flowc {arguments}"
        run(*isolated, "sh", "-c", command, env={"PATH": os.environ["PATH"], "HOME": "/"})


def check_debian_package(build, folder):
    # (cpack packs with one thread, and xz is slow.)
    run("cpack", "-G", "DEB", "--config", build / "CPackConfig.cmake", "-B", folder / "deb",
        "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=none")
    (package,) = (folder / "deb").glob("flowc_*.deb")
    for name in ("libllvm22", "libmlir-22", "libtbb12", "libc6"):
        expect(run("dpkg-deb", "--field", package, "Depends"), name)
    run("dpkg-deb", "--extract", package, folder / "root")
    try_tool(folder / "root/usr", folder)


def main():
    source, build, version, llvm, *definitions = sys.argv[1:]
    source, build = pathlib.Path(source), pathlib.Path(build)
    run("cmake", "--build", build, "--target", "FlowcPackagedTool", "FlowcPackagedLibrary")
    with tempfile.TemporaryDirectory(prefix="flowc-package-") as scratch:
        folder = pathlib.Path(scratch)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        first, prefix = folder / "first", folder / "else where"
        run(sys.executable, source / "tools/package/archive.py", build, version, source / "LICENSE", first)
        first.rename(prefix)
        check_libraries(prefix)
        check_bits(prefix, build, folder)
        try_pkg_config(prefix, folder)
        try_package(prefix, folder, definitions, components=())
        check_other_llvm(prefix, folder, llvm)
        check_bare_system(prefix, folder)
        check_debian_package(build, folder)
    print("what is packed can be used")


if __name__ == "__main__":
    main()
