"""Runs commands on flows of every kind, alone and inside of others: they succeed, or
say what is wrong. python every_command.py graph|kernels FLOWC GOLDEN FOLDER"""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor


def nested(flowc, case):
    """Texts of a golden case alone and inside of others."""
    path = os.path.join(case, "model.flow")
    with open(path) as file:
        text = file.read()
    checked = subprocess.run([flowc, "check", path], capture_output=True, text=True).stdout
    shape = re.search(r"event: *(\[.*?\])", checked).group(1)
    name = text.split("=")[0].split()[-1]
    affine = f"affine(full({shape}, 0.5), full({shape}, 2))"
    if text.startswith("flow"):
        insides = [f"transformed({name}, {affine})", f"transformed(transformed({name}, {affine}), invert({affine}))"]
        return [text] + [f"{text}\nflow outer = {inside}\n" for inside in insides]
    flow = f"{text}\nflow outer = transformed(transformed(standard_normal({shape}), {affine}), {name})\n"
    insides = [f"invert({name})", f"chain([{name}, {affine}, invert({name})])", f"scan({name}, layers = 2)"]
    return [text, flow] + [f"{text}\nbijection outer = {inside}\n" for inside in insides]


def graph_commands(text, _):
    return [["explain", text], ["compile", "--emit=sample", text]]


def kernel_commands(text, folder):
    names = ("m.safetensors", "x.csv", "l.csv", "t.flow")
    model, rows, numbers, target = (os.path.join(folder, name) for name in names)
    out = os.path.join(folder, "o.csv")
    with open(rows, "w") as file:
        file.write("a,b\n" + "0.1,0.2\n0.3,-0.4\n0.5,0.6\n0.2,0.1\n" * 30)
    with open(numbers, "w") as file:
        file.write("l\n" + "1\n" * 120)
    with open(target, "w") as file:
        file.write("density t(x[2]) = -x[0]^2 - x[1]^2\n")
    trained = os.path.join(folder, "trained.safetensors")
    commands = [
        ["init", text, "-o", model],
        ["train", text, "--data", rows, "--max-epochs", "1", "-o", trained],
        ["train", text, "--target", target, "--steps", "2", "--num-samples", "4", "-o", os.path.join(folder, "t.safetensors")],
    ]
    for m in [model, trained]:
        commands += [[command, m] for command in ("check", "explain")]
        commands += [[command, m, rows, "-o", out] for command in ("log-prob", "transform", "inverse", "gradient")]
        commands += [["gradient", m, rows, "--of", "inputs", "-o", out]]
        commands += [[command, m, rows, "--tangent", rows, "-o", out] for command in ("jvp", "hvp")]
        commands += [
            ["vjp", m, rows, "--cotangent", rows, "--log-det-cotangent", numbers, "-o", out],
            ["sample", m, "-n", "5", "--log-prob", "-o", out],
            ["sample", m, "-n", "5", "--target", target, "--weights", "-o", out],
            ["evaluate", m, "--data", rows],
            ["evaluate", m, "--target", target, "-n", "100"],
            ["verify", m, "--rows", "20", "-n", "1000"],
            ["compile", "--emit=tile", m],
            ["compile", "--emit=llvm", m],
            ["plot", m, rows, "-o", os.path.join(folder, "p.svg")],
            ["report", m, rows, "-o", os.path.join(folder, "r.html")],
            ["bench", m, "--rows", "10", "--kernels", "log_prob", "--seconds", "0.001"],
        ]
    return commands


def run(flowc, command):
    done = subprocess.run([flowc, *command], capture_output=True, text=True)
    said = "error: " in done.stderr or "Run with --help" in done.stderr
    if done.returncode == 0 or (done.returncode == 1 and said):
        return done.returncode == 0
    print(f"flowc {' '.join(command)} ended with {done.returncode}: {done.stderr[:300]}")
    return None


def main(kind, flowc, golden, folder):
    commands = []
    cases = sorted(case for case in os.listdir(golden) if os.path.isdir(os.path.join(golden, case)))
    if kind == "kernels":
        cases = ["coupling_d2"]
    for case in cases:
        for i, text in enumerate(nested(flowc, os.path.join(golden, case))):
            inside = os.path.join(folder, f"{case}-{i}")
            os.makedirs(inside)
            path = os.path.join(inside, "f.flow")
            with open(path, "w") as file:
                file.write(text)
            commands.append(graph_commands(path, inside) if kind == "graph" else kernel_commands(path, inside))
    # The commands of one text need each other's files.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda group: [run(flowc, command) for command in group], commands)
    results = [result for group in results for result in group]
    print(f"{results.count(True)} succeeded, {results.count(False)} refused, {results.count(None)} crashed")
    return None in results


sys.exit(main(*sys.argv[1:]))
