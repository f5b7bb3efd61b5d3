#!/usr/bin/env python3
# ===- cross_test.py - Objects for machines of another architecture --------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
#   cross_test.py FLOWC look          what is in objects, archives and libraries for AArch64
#   cross_test.py FLOWC GOLDEN [all]  what they compute, run by qemu-aarch64: for golden flows
#                                     the bits of the object for x86-64-v3
#
# The second one takes each flow in both types, of these every fifth or all, and is left out,
# with exit code 77, where something is missing that it needs.

import concurrent.futures
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
OTHER = "aarch64-linux-gnu"
SKIPPED, SHARE, ROWS = 77, 5, 37
AARCH64 = 183  # of ELF's machines
FLAGS = ("-std=c11", "-O1", "-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror")


def run(folder, *command):
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} exits with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def find_program(*names):
    return next((name for name in names if shutil.which(name)), None)


# ===-----------------------------------------------------------------------===#
# What is in them
# ===-----------------------------------------------------------------------===#


def elf_of(path):
    """Kind (1: an object, 3: a library), machine, undefined and defined global symbols of an ELF file."""
    raw = path.read_bytes()
    assert raw[:6] == b"\x7fELF\x02\x01", f"{path} is no ELF file of 64 bits"
    kind, machine = struct.unpack_from("<HH", raw, 16)
    start, size, count = (struct.unpack_from("<Q", raw, 40)[0], *struct.unpack_from("<HH", raw, 58))
    sections = [struct.unpack_from("<IIQQQQIIQQ", raw, start + i * size) for i in range(count)]
    undefined, defined = set(), set()
    for section in sections:
        if section[1] != (2 if kind == 1 else 11):  # symbols; of libraries, dynamic ones
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, info, _, index = struct.unpack_from("<IBBH", raw, at)
            if name and info >> 4:
                text = raw[names + name : raw.index(b"\0", names + name)].decode()
                (defined if index else undefined).add(text)
    return kind, machine, undefined, defined


def header_without_machine(path):
    return re.sub(r"Compiled for[^.]*\.", "", path.read_text(encoding="utf-8"))


def look(flowc, folder):
    functions = {f"m_{name}" for name in ("log_prob", "sample", "sample_and_log_prob", "workspace_size", "error_message")}
    (folder / "m.flow").write_text("flow m = coupling_flow(standard_normal([3]), nn_width = 8)\n", encoding="utf-8")
    for dtype in ("f32", "f64"):
        for target, name in ((OTHER, "other"), ("", "own")):
            for ending in ("o", "so") if target else ("o",):
                run(folder, flowc, "compile", "m.flow", "--dtype", dtype, "-o", f"{name}.{ending}", "--header",
                    f"{name}.h", "--prefix", "m", *([f"--target={target}"] if target else []))
        for ending, expected in (("o", 1), ("so", 3)):
            kind, machine, undefined, defined = elf_of(folder / f"other.{ending}")
            assert (kind, machine) == (expected, AARCH64), f"kind {kind}, machine {machine}"
            assert undefined <= {"memcpy", "memmove", "memset"}, undefined
            assert defined == functions, defined
        assert header_without_machine(folder / "other.h") == header_without_machine(folder / "own.h")
    run(folder, flowc, "compile", "m.flow", "-o", "m.a", "--header", "m.h", f"--target={OTHER}")
    assert (folder / "m.a").read_bytes().startswith(b"!<arch>\n")


# ===-----------------------------------------------------------------------===#
# What they compute
# ===-----------------------------------------------------------------------===#


def read_safetensors(path):
    raw = path.read_bytes()
    n = int.from_bytes(raw[:8], "little")
    return {
        name: np.frombuffer(raw[8 + n + t["data_offsets"][0] : 8 + n + t["data_offsets"][1]], "<f8").reshape(t["shape"])
        for name, t in json.loads(raw[8 : 8 + n]).items()
        if name != "__metadata__"
    }


def functions_of(header):
    """Name, inputs and outputs (each with its width) and the names of all arguments of each function of rows."""
    comment = re.compile(r"/\*(?:(?!\*/).)*?\*/\nint m_(?!prepare)(\w+)\(([^)]*)\);", re.S)
    for match in comment.finditer(header):
        widths = dict(re.findall(r"(\w+): rows x (\d+)", match[0]))
        inputs = {name: int(widths[name]) for name in re.findall(r"const \w+ \*(\w+)", match[2]) if name in widths}
        outputs = {name: int(width) for name, width in widths.items() if name not in inputs}
        yield match[1], inputs, outputs, [argument.split()[-1].lstrip("*") for argument in match[2].split(",")]


def numbers_for(name, width, arrays):
    """Rows for an input: the golden ones, over and over again, or draws."""
    golden = arrays.get(name)
    if golden is not None and golden.size % width == 0 and golden.size:
        return np.resize(golden.reshape(-1, width), (ROWS, width))
    return np.random.default_rng(len(name)).uniform(0.05, 0.95, (ROWS, width))


def write_calls(folder, arrays, parameters):
    """calls.h: all functions of m.h, one after the other; `parameters` if they are given at run time."""
    header = (folder / "m.h").read_text(encoding="utf-8")
    real = "float" if "const float" in header or "float *" in header else "double"
    cast = np.float32 if real == "float" else np.float64
    text, calls = '#include "m.h"\n\n', ""
    if parameters:
        text += f"static const unsigned char parameters[] = {{{', '.join(map(str, parameters))}}};\n"
        text += f"static char prepared[{2 * len(parameters) + (1 << 20)}];\n"
        calls = "  check(m_prepare(parameters, sizeof parameters, prepared, sizeof prepared));\n"
    for function, inputs, outputs, arguments in functions_of(header):
        values = {"rows": str(ROWS), "seed": "7", "first": "5", "workspace": "workspace", "workspace_size": "size",
                  "prepared": "prepared"}
        for name, width in inputs.items():
            values[name] = f"{function}_{name}"
            data = ", ".join(float(number).hex() for number in numbers_for(name, width, arrays).astype(cast).flat)
            text += f"static const {real} {values[name]}[] = {{{data}}};\n"
        for name, width in outputs.items():
            values[name] = f"{function}_{name}"
            text += f"static {real} {values[name]}[{ROWS * width}];\n"
        calls += f"  check(m_{function}({', '.join(values[name] for name in arguments)}));\n"
        calls += "".join(f"  writeAll({values[name]}, sizeof {values[name]});\n" for name in outputs)
    text += f"\nstatic void callAll(void *workspace, size_t size) {{\n{calls}}}\n"
    (folder / "calls.h").write_text(text, encoding="utf-8")
    return cast


def results_of(folder, tools, triple, with_program=()):
    clang, linker = tools
    run(folder, clang, f"--target={triple}", *FLAGS, "-I.", "-c", HERE / "cross.c", "-o", f"{triple}.program.o")
    run(folder, linker, "-static", f"{triple}.program.o", f"{triple}.o", "-o", f"{triple}.program")
    return run(folder, *with_program, f"./{triple}.program")


def differences_of(first, second, cast):
    """How many numbers differ; NaNs, of which a processor chooses sign and payload, do not."""
    a, b = np.frombuffer(first, cast), np.frombuffer(second, cast)
    assert a.size == b.size > 0
    bits = np.uint32 if cast is np.float32 else np.uint64
    return int(np.count_nonzero((a.view(bits) != b.view(bits)) & ~(np.isnan(a) & np.isnan(b)))), a.size


def functions_to_ask_for(golden):
    is_flow = (golden / "model.flow").read_text(encoding="utf-8").lstrip().startswith("flow")
    return "log_prob,sample,sample_and_log_prob,score" if is_flow else "transform,inverse,vjp_inputs"


def compare(flowc, tools, emulator, golden, dtype, is_apart):
    """What is wrong with a flow, if anything is, and how many numbers were compared. `is_apart`: its parameters are
    no part of the object."""
    with tempfile.TemporaryDirectory(prefix="flowc-cross-") as scratch:
        folder = pathlib.Path(scratch)
        run(folder, flowc, "import", golden / "model.eqx", "--flow", golden / "model.flow", "-o", "m.safetensors")
        for triple, cpu in ((OTHER, ()), ("x86_64-linux-gnu", ("--cpu=x86-64-v3",))):
            run(folder, flowc, "compile", "m.safetensors", "--dtype", dtype, "-o", f"{triple}.o", "--header", "m.h",
                "--prefix", "m", f"--functions={functions_to_ask_for(golden)}", f"--target={triple}", *cpu,
                *(("--parameters", "m.bin") if is_apart else ()))
        parameters = (folder / "m.bin").read_bytes() if is_apart else None
        cast = write_calls(folder, read_safetensors(golden / "arrays.safetensors"), parameters)
        wrong, count = differences_of(results_of(folder, tools, OTHER, (emulator,)),
                                      results_of(folder, tools, "x86_64-linux-gnu"), cast)
        return f"{golden.name} in {dtype}: {wrong} of {count} numbers differ" if wrong else None, count


def compare_all(flowc, golden, everything):
    emulator = find_program("qemu-aarch64", "qemu-aarch64-static")
    tools = find_program("clang-22", "clang"), find_program("ld.lld-22", "ld.lld")
    cpu = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    missing = [what for what, there in (("qemu-aarch64", emulator), ("clang", tools[0]), ("ld.lld", tools[1]),
                                        ("a processor with AVX2 and FMA", " avx2 " in cpu and " fma " in cpu)) if not there]
    if missing:
        print(f"left out: there is no {', no '.join(missing)}")
        return SKIPPED
    folders = sorted(path.parent for path in golden.glob("*/model.flow"))
    jobs = [(folder, dtype, (i + j) % 3 == 0) for i, folder in enumerate(folders) for j, dtype in enumerate(("f32", "f64"))]
    jobs = jobs[:: 1 if everything else SHARE]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda job: compare(flowc, tools, emulator, *job), jobs))
    problems = [problem for problem, _ in done if problem]
    print(*problems, f"{len(jobs)} objects, {sum(count for _, count in done)} numbers", sep="\n")
    return 1 if problems else 0


def main():
    flowc = pathlib.Path(sys.argv[1]).resolve()
    if sys.argv[2] != "look":
        return compare_all(flowc, pathlib.Path(sys.argv[2]).resolve(), "all" in sys.argv[3:])
    with tempfile.TemporaryDirectory(prefix="flowc-cross-") as scratch:
        look(flowc, pathlib.Path(scratch))
    print("objects for AArch64 are what they should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
