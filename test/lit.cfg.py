# Configuration of lit, LLVM's test runner, for flowc.
#
# A test lies where its subject lies: test/Dialect/Sample/Transforms/x.mlir tests
# lib/Dialect/Sample/Transforms/X.cpp. Its RUN lines say how.

import os
import shutil
import subprocess

import lit.formats
from lit.llvm import llvm_config

config.name = "flowc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".flow", ".test"]
# Inputs of tests, and files that tests of other kinds read.
config.excludes = ["Inputs", "data", "golden", "unit", "fuzz", "mutation"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.flowc_obj_root, "test")

llvm_config.use_default_substitutions()
llvm_config.add_tool_substitutions(
    ["flowc", "flowc-opt", "flowc-test-opt", "flowc-lsp-server", "flowc-mlir-lsp-server"],
    [os.path.join(config.flowc_obj_root, "bin")],
)
llvm_config.add_tool_substitutions(["llvm-nm"], [config.llvm_tools_dir])
config.substitutions.append(("%python", f'"{config.python}"'))
config.substitutions.append(("%data", os.path.join(config.test_source_root, "data")))
config.substitutions.append(("%src", config.flowc_src_root))
config.substitutions.append(("%faults", os.path.join(config.flowc_obj_root, "lib", "FlowcFaults.so")))

# Tests have an object cache of their own; a test about the cache sets another.
config.environment["XDG_CACHE_HOME"] = os.path.join(config.test_exec_root, "cache")

# What this machine can run: tests of code for another CPU only look at it.
with open("/proc/cpuinfo") as cpuinfo:
    flags = next((line for line in cpuinfo if line.startswith("flags")), "").split()
for feature in ["avx2", "avx512f"]:
    if feature in flags:
        config.available_features.add("native-" + feature)

# What sanitizers cannot do, or say nothing about.
if config.sanitize:
    config.available_features.add("sanitized")

# Pages are looked at in a browser, if there is one.
chromium = shutil.which("chromium-headless-shell")
if chromium:
    config.available_features.add("chromium")
    config.substitutions.append(("%chromium", chromium))
else:
    lit_config.note("there is no chromium-headless-shell: tests of pages in a browser are left out")

# Sessions with the language server are held by a client of others, if there is one.
for python in [os.path.join(config.test_exec_root, "python", "bin", "python"), config.python]:
    if shutil.which(python) and subprocess.run([python, "-c", "import pygls"], capture_output=True).returncode == 0:
        config.available_features.add("pygls")
        config.substitutions.append(("%client-python", python))
        break
else:
    lit_config.note("there is no pygls: the session of a client with the language server is left out")

# FLOWC_VERIFY_ROUNDTRIP=1 makes every test of passes a test of the parser and
# the printer, too.
if os.environ.get("FLOWC_VERIFY_ROUNDTRIP"):
    opt = os.path.join(config.flowc_obj_root, "bin", "flowc-opt")
    config.substitutions.insert(0, (r"\bflowc-opt\b", opt + " --verify-roundtrip"))
