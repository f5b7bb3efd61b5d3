# ===- mutate_ir.py - Damaged IR is refused, and kills no pass --------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
#
# Takes the IR of the lit tests apart and puts it together wrongly: other types,
# operands, numbers, attributes, names of ops and functions, lines that are missing
# or there twice. Every mutant goes through the verifier alone and through the passes
# that its functions call for. Whatever flowc-opt says of it is fine; that it is ended
# by a signal, or does not end, is not.
#
#   mutate_ir.py FLOWC_OPT TEST_FOLDER [--mutants N] [--seed S] [--keep FOLDER]
#
# Mutants share a process (--split-input-file); those of a batch that fails run once
# more alone. With --keep, what fails is written to that folder.

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import resource
import subprocess
import sys

TYPES = """f32 f64 f16 i1 i32 i64 index tensor<f32> tensor<0xf32> tensor<?xf32> tensor<*xf32> tensor<1xf32> tensor<2xf32>
tensor<3xf32> tensor<4xf32> tensor<5xf32> tensor<8xf32> tensor<3xf64> tensor<3xf16> tensor<3xi32> tensor<0xi32> tensor<2x3xf32>
tensor<3x3xf32> tensor<0x3xf32> tensor<3x0xf32> tensor<?x3xf32> tensor<2x2x2xf32> tensor<3x3xf64> vector<4xf32> tensor<65xf32>""".split()
NUMBERS = ["-1", "0", "1", "2", "3", "4", "5", "7", "64", "65", "-2147483648", "4294967296", "9223372036854775807"]
FLOATS = ["0.0", "-1.0", "1.0", "1.0e300", "-1.0e-300", "0x7FF0000000000000", "0x7FF8000000000000"]
FUNCTIONS = ["@flow", "@bijection", "@density", "@kernel", "@prepare", "@finish"]
ATTRIBUTES = ["flow.row", "flow.sum", "flow.cotangent", "flow.condition", "flow.trainable", "flow.tangent", "flow.base"]

TYPE = re.compile(r"tensor<[^<>]*>|\b[fi](?:1|16|32|64)\b")
NUMBER = re.compile(r"(?<![\w.%^#\"x<])-?\d+(?![\w.x])")
EXTENT = re.compile(r"(?<=[<x])\d+(?=x)")
FLOAT = re.compile(r"(?<![\w.%])-?\d+\.\d+(?:[eE][+-]?\d+)?")
VALUE = re.compile(r"%[A-Za-z_0-9]+")
OP = re.compile(r"\b(?:flow|arith|math)\.[a-z_0-9]+")

CLEANUP = "canonicalize,cse"
TO_TILE = f"sample-outline-maps,sample-fuse-maps,sample-fuse-scan,{CLEANUP},sample-pack-weights,convert-sample-to-tile,tile-assign-storage,convert-tile-to-llvm,{CLEANUP}"
TO_LLVM = f"{TO_TILE},flow-expand-math,flow-lower-to-llvm"
PROGRAMS = ["log_prob", "nll", "sample", "sample_and_log_prob", "transform", "inverse", "elbo", "stl", "weigh"]


def split_sections(path):
    text = path.read_text(encoding="utf-8")
    sections = re.split(r"^// -----.*$", text, flags=re.M)
    lines = ("\n".join(line for line in section.splitlines() if not line.lstrip().startswith("//")) for section in sections)
    return [section for section in lines if "func.func" in section]


def substitute(rng, text, pattern, replacements):
    """One occurrence of `pattern` becomes one of `replacements`, or another occurrence."""
    found = list(pattern.finditer(text))
    if not found:
        return text
    at = rng.choice(found)
    choices = replacements if replacements and rng.random() < 0.6 else [match.group() for match in found]
    return text[: at.start()] + rng.choice(choices) + text[at.end() :]


def change_lines(rng, text):
    lines = text.split("\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(3)
    if kind == 0:
        del lines[i]
    elif kind == 1:
        lines.insert(j, lines[i])
    else:
        lines[i], lines[j] = lines[j], lines[i]
    return "\n".join(lines)


def change_attributes(rng, text):
    return substitute(rng, text, re.compile("|".join(map(re.escape, ATTRIBUTES))), ATTRIBUTES)


def drop_part(rng, text):
    """Without one of `name(...)`, `{...}` or an element of a list."""
    found = list(re.finditer(r"\b[a-z_]+\([^()]*\)|\{[^{}\n]*\}|, [^,()\[\]{}<>\n]+", text))
    if not found:
        return text
    at = rng.choice(found)
    return text[: at.start()] + text[at.end() :]


def change_all(rng, text):
    """Every occurrence of a type becomes another one, so that more of the op agrees."""
    found = sorted(set(TYPE.findall(text)))
    return text.replace(rng.choice(found), rng.choice(TYPES)) if found else text


def mutate(rng, text):
    changes = [
        lambda t: substitute(rng, t, TYPE, TYPES),
        lambda t: change_all(rng, t),
        lambda t: substitute(rng, t, NUMBER, NUMBERS),
        lambda t: substitute(rng, t, EXTENT, NUMBERS[1:8]),
        lambda t: substitute(rng, t, FLOAT, FLOATS),
        lambda t: substitute(rng, t, VALUE, []),
        lambda t: substitute(rng, t, OP, []),
        lambda t: change_attributes(rng, t),
        lambda t: change_lines(rng, t),
        lambda t: drop_part(rng, t),
        lambda t: substitute(rng, t, re.compile(r"(?<=func\.func )@\w+"), FUNCTIONS),
    ]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        text = rng.choice(changes)(text)
    return text


def choose_passes(rng, text):
    """Passes that fit the functions of the module, of the many that do."""
    if rng.random() < 0.1:
        return CLEANUP
    derivative = rng.choice(["", "", *(f"sample-differentiate{{of={of}}}," for of in ("params", "inputs", "condition"))])
    tangent = rng.choice(["", "", "", "sample-linearize{of=inputs},", "sample-linearize{of=params},"])
    merged = "sample-merge-sums," if "params" in derivative and not tangent else ""
    hoist = f"{tangent}sample-hoist-parameters{{stack-weights={rng.choice(['true', 'false'])}}},{derivative}"
    rest = TO_LLVM.replace("sample-pack-weights", merged + "sample-pack-weights")
    if re.search("@(flow|bijection|density)\\b", text):
        rows = rng.choice(["given", "given", "drawn"])
        weighted = rng.choice(["true", "false", "false"])
        specialize = f"flow-specialize{{program={rng.choice(PROGRAMS)} rows={rows} weighted={weighted}}}"
        return f"flow-stabilize,{specialize},{CLEANUP},{hoist}{rest}"
    if "@prepare" in text:
        return rng.choice([f"{derivative}{rest}", rest, f"sample-pack-weights,convert-sample-to-tile,tile-assign-storage,convert-tile-to-llvm,{CLEANUP}"])
    return hoist + rest


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))


def run(opt, passes, texts, seconds):
    """How the process ended: None if it did so by itself, else what happened."""
    command = [opt, "-", "--split-input-file", "-o", os.devnull]
    command += [f"--pass-pipeline=builtin.module({passes})"] if passes else []
    try:
        result = subprocess.run(
            command, input="\n// -----\n".join(texts), text=True, capture_output=True, timeout=seconds, preexec_fn=limit_memory
        )
    except subprocess.TimeoutExpired:
        return f"does not end in {seconds} s"
    if result.returncode < 0 or "PLEASE submit a bug report" in result.stderr:
        return f"ended by signal {-result.returncode}"
    if len(texts) == 1 and result.returncode != 0 and "error:" not in result.stderr:
        return "fails without an error"
    return None


def check_batch(opt, passes, texts):
    if run(opt, passes, texts, 120) is None:
        return []
    failures = ((text, run(opt, passes, [text], 60)) for text in texts)
    return [(text, passes, reason) for text, reason in failures if reason]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("opt")
    parser.add_argument("tests", type=pathlib.Path)
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    sections = [section for path in sorted(arguments.tests.rglob("*.mlir")) for section in split_sections(path)]
    # Mutants of equal passes share a process, so there are not more of these than batches.
    size = 25
    batches = []
    for _ in range((arguments.mutants + size - 1) // size):
        passes = choose_passes(rng, rng.choice(sections))
        needed = re.search(r"flow-specialize|flow-hoist|$", passes).group()
        names = {"flow-specialize": "@(flow|bijection|density)\\b", "flow-hoist": "@kernel\\b", "": "@"}[needed]
        fitting = [section for section in sections if re.search(names, section)]
        batches.append((passes, [mutate(rng, rng.choice(fitting)) for _ in range(size)]))
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        plain = pool.map(lambda batch: check_batch(arguments.opt, "", batch[1]), batches)
        passed = pool.map(lambda batch: check_batch(arguments.opt, *batch), batches)
        failures = [failure for found in (*plain, *passed) for failure in found]
    for number, (text, passes, reason) in enumerate(failures):
        print(f"{reason}: --pass-pipeline='builtin.module({passes})'\n{text}\n")
        if arguments.keep:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            (arguments.keep / f"{arguments.seed}-{number}.mlir").write_text(f"// {reason}\n// {passes}\n{text}")
    print(f"{len(batches) * size} mutants of {len(sections)} modules, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
