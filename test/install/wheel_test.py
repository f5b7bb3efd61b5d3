#!/usr/bin/env python3
# ===- wheel_test.py - The wheel of `tools/bootstrap.sh package` -----------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
# Makes the wheel, installs it, and uses it: no library of it comes from outside but what every
# system has, and another LLVM in the process does not matter.
#
#   wheel_test.py SOURCE BUILD VERSION PYTHON LLVM_LIBRARIES

import os
import pathlib
import sys
import tempfile

from install_test import expect, run
from package_test import OF_THE_SYSTEM

sys.dont_write_bytecode = True
PROGRAM = """
import flowc, importlib.util, numpy
if importlib.util.find_spec("jax"):
    import flowc.jax
x = numpy.random.default_rng(0).normal(size=(500, 2))
model = flowc.train(flowc.coupling_flow(flowc.standard_normal([2])), x, max_epochs=2, progress=False)
print(flowc.__file__, model.sample(100).shape, bool(numpy.isfinite(model.log_prob(x)).all()))
"""


def check_libraries(package):
    (module,) = package.glob("_core.*.so")
    for file in (module, package / "lib/libflowc.so.0"):
        for line in run("ldd", file).splitlines():
            name = pathlib.Path(line.split()[0]).name
            if not name.startswith(OF_THE_SYSTEM):
                expect(line, str(package))


def main():
    source, build, version, python, llvm = sys.argv[1:]
    source = pathlib.Path(source)
    run("cmake", "--build", build, "--target", "FlowcPackagedTool", "FlowcPackagedLibrary")
    with tempfile.TemporaryDirectory(prefix="flowc-wheel-") as scratch:
        folder = pathlib.Path(scratch)
        run(sys.executable, source / "tools/package/wheel.py", build, version, source / "LICENSE", python, folder)
        (wheel,) = folder.glob(f"flowc-{version}-*manylinux*.whl")
        site = folder / "site"
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel)
        check_libraries(site / "flowc")
        environment = dict(os.environ, PYTHONPATH=str(site), XDG_CACHE_HOME=str(folder / "cache"))
        expect(run(python, "-c", PROGRAM, env=environment, cwd=folder), f"{site}/flowc/__init__.py (100, 2) True")
        others = [*pathlib.Path(llvm).glob("libLLVM.so.*"), *pathlib.Path(llvm).glob("libMLIR.so.*")]
        environment.update(LD_PRELOAD=":".join(map(str, others)), XDG_CACHE_HOME=str(folder / "another-cache"))
        expect(run(python, "-c", PROGRAM, env=environment, cwd=folder), "(100, 2) True")
        del environment["LD_PRELOAD"]
        # (Another compiler may have made its module than that of the build.)
        tests = [source / f"test/python/test_{name}.py" for name in ("beside", "model", "tables")]
        environment.update(FLOWC_SOURCE=str(source), FLOWC_BUILD=build)
        expect(run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, env=environment, cwd=folder), "passed")
    print("the wheel can be installed and used")


if __name__ == "__main__":
    main()
