# Runs commands with a full device as standard output, and with one as their file: each ends with 1 and says so.
#
#   full_disk.py FLOWC MODEL FLOW DATA

import subprocess
import sys

flowc, model, flow, data = sys.argv[1:]
printing = [
    ["--help"],
    ["--version"],
    ["train", "--help"],
    ["check", flow],
    ["check", flow, "--data", data],
    ["explain", flow],
    ["log-prob", model, data],
    ["transform", model, data],
    ["inverse", model, data],
    ["sample", model, "-n", "3"],
    ["sample", model, "-n", "100000"],
    ["gradient", model, data],
    ["evaluate", model, "--data", data],
    ["bench", flow, "--rows", "16", "--kernels", "log_prob", "--seconds", "0.01"],
    ["bench", flow, "--rows", "16", "--kernels", "log_prob", "--seconds", "0.01", "--json"],
    *(["compile", flow, "--emit", level] for level in ("flow", "sample", "tile", "llvm", "asm")),
]
silent = 0
for arguments in printing:
    with open("/dev/full", "wb") as full:
        result = subprocess.run([flowc, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
    if result.returncode != 1 or "cannot write" not in result.stderr:
        silent += 1
        print(arguments, result.returncode, result.stderr, file=sys.stderr)
print(f"{len(printing)} commands, {silent} without an error")
