#!/usr/bin/env python3
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Formulas against arithmetic with 60 digits: of a file, or from a grammar.

    formulas.py build/bin/flowc                      # test/data/formulas.txt
    formulas.py build/bin/flowc --random 1000 --seed 7

Every formula is given to `flowc init`, within --seconds of processor time. What is accepted
has to rise or fall throughout, and `flowc transform` and `flowc inverse` have to agree with
mpmath. Prints what is wrong, and ends with 1 if anything is. Needs mpmath.
"""

import argparse
import csv
import pathlib
import random
import re
import resource
import subprocess
import sys
import tempfile

import mpmath as mp

mp.mp.dps = 60
POINTS = [-7.3, -3.1, -1.7, -0.9, -0.4, -0.05, 0.03, 0.2, 0.45, 0.7, 0.95, 1.3, 2.2, 3.9, 8.1]
HEAD = re.compile(r"\(x(?:;(.*?))?\) = (.*)$", re.DOTALL)
PARAMETER = re.compile(r"(\w+) = (?:positive\(([^)]*)\)|interval\(([^)]*)\)|(-?[\d.e]+))")
WHOLE = re.compile(r"\(?-?mpf\('\d+'\)\)?")


def power(base, exponent):
    """A power as the language means it: of numbers that are not negative, unless the text has a whole exponent."""
    if base < 0:
        raise ValueError("the base of a power is negative")
    return base**exponent


FUNCTIONS = {
    "abs": abs, "asinh": mp.asinh, "atan": mp.atan, "atanh": mp.atanh, "cos": mp.cos, "cosh": mp.cosh, "erf": mp.erf,
    "erfc": mp.erfc, "exp": mp.exp, "expm1": mp.expm1, "lgamma": mp.loggamma, "log": mp.log, "log1p": mp.log1p,
    "max": max, "min": min, "sigmoid": lambda u: 1 / (1 + mp.exp(-u)), "sin": mp.sin, "sinh": mp.sinh,
    "softplus": lambda u: mp.log1p(mp.exp(u)), "sqrt": mp.sqrt, "tanh": mp.tanh, "pi": mp.pi,
    "log1mexp": lambda u: mp.log(-mp.expm1(-abs(u))), "power": power, "normal_log_cdf": lambda u: mp.log(mp.erfc(-u / mp.sqrt(2)) / 2),
    "where": lambda condition, yes, no: yes() if condition else no(),
}


def to_python(formula):
    """The formula as a Python expression: `let` as a lambda, numbers exact, values of `where` on demand."""
    tokens = re.findall(r"\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|\w+|<=|>=|==|!=|.", formula.replace("\n", " "))
    tokens = [t for t in tokens if not t.isspace()]
    place = 0

    def peek():
        return tokens[place] if place < len(tokens) else None

    def take():
        nonlocal place
        place += 1
        return tokens[place - 1]

    def expression():
        if peek() == "let":
            take()
            name = take()
            take()
            value = expression()
            take()
            return f"(lambda {name}: {expression()})({value})"
        left = binary(["+", "-"], lambda: binary(["*", "/"], signed))
        if peek() in ("<", "<=", ">", ">=", "==", "!="):
            return left + take() + binary(["+", "-"], lambda: binary(["*", "/"], signed))
        return left

    def binary(operators, operand):
        left = operand()
        while peek() in operators:
            left = f"({left}{take()}{operand()})"
        return left

    def signed():
        if peek() in ("-", "+"):
            return f"({take()}{signed()})"
        base = primary()
        if peek() == "^":
            take()
            exponent = signed()
            return f"({base}**{exponent})" if WHOLE.fullmatch(exponent) else f"power({base}, {exponent})"
        return base

    def primary():
        token = take()
        if token == "(":
            inner = expression()
            take()
            return f"({inner})"
        if token[0].isdigit() or token[0] == ".":
            return f"mpf('{token}')"
        if peek() != "(":
            return token
        take()
        arguments = [expression()]
        while take() == ",":
            arguments.append(expression())
        if token == "where":
            arguments[1:] = ["lambda: " + a for a in arguments[1:]]
        return f"{token}({', '.join(arguments)})"

    return expression()


class Grammar:
    """Random formulas that have a chance to rise: sums, products and compositions of rising parts."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def draw(self, depth):
        pick = self.random.choice
        if depth == 0:
            return pick(["x", "x", "a*x", "x + b", "n*x - 1", "x/a"])
        u, v = self.draw(depth - 1), self.draw(self.random.randrange(depth))
        return pick([
            f"({u}) + ({v})", f"({u})*a", f"sinh({u})", f"asinh({u})", f"tanh({u})", f"softplus({u})", f"exp({u})",
            f"log(1 + exp({u}))", f"({u})^3", f"({u}) - c*sin({u})", f"({u}) + c*tanh({v})", f"atan({u}) + ({v})",
            f"max({u}, {v})", f"where(x > 0, {u}, {u})", f"let w = {u} in w + exp(w)", f"({u})/(1 + abs({u}))",
            f"({u}) + c*({v})", f"erf({u}) + c*({u})", f"({u})*sigmoid({v})", f"({u}) - ({v})", f"log({u})",
            f"sqrt({u})", f"({u})*abs({u})^n", f"({u} + sqrt(({u})^2 + a))/2", f"(({u})^n - 1)/n",
        ])

    def formula(self):
        head = "(x; a = positive(1.5), b = -0.5, n = positive(2), c = interval(-1, 1, 0.3)) = "
        formula = self.draw(self.random.randrange(1, 4))
        used = [p for p in re.findall(r"\w = [^=]*?\)(?=[,)])|b = -0.5", head) if re.search(rf"\b{p[0]}\b", formula)]
        return ("(x; " + ", ".join(used) + ") = " if used else "(x) = ") + formula


def run(arguments, seconds):
    limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    return subprocess.run(arguments, capture_output=True, text=True, preexec_fn=limit)


def read_column(path):
    return [float(row[0]) for row in list(csv.reader(open(path)))[1:]]


def check(flowc, text, mark, seconds, folder):
    """What is wrong with what flowc makes of a formula; empty if nothing."""
    parameters, formula = HEAD.match(text).groups()
    names = dict(FUNCTIONS, mpf=mp.mpf)
    for name, positive, interval, number in PARAMETER.findall(parameters or ""):
        names[name] = mp.mpf(positive or number or (interval.split(",")[2].strip() if interval else ""))
    f = eval("lambda x: " + to_python(formula), names)
    (folder / "f.flow").write_text("bijection f" + text + "\n")
    made = run([flowc, "init", folder / "f.flow", "--dtype", "float64", "-o", folder / "f.safetensors"], seconds)
    if made.returncode < 0:
        return f"no answer within {seconds} s"
    if (made.returncode == 0) != (mark == "+") and mark in "+-":
        return "accepted" if made.returncode == 0 else made.stderr.strip().splitlines()[0]
    if made.returncode != 0:
        return ""
    points, images, slopes = [], [], []
    for x in POINTS:
        try:
            y, slope = f(mp.mpf(x)), mp.diff(f, mp.mpf(x))
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):  # TypeError: of a complex number, > is not known
            continue
        if all(mp.im(v) == 0 and mp.isfinite(v) for v in (y, slope)) and abs(y) < 1e15 and abs(slope) > 1e-12:
            points.append(x), images.append(mp.re(y)), slopes.append(mp.re(slope))
    if len({mp.sign(s) for s in slopes}) > 1:
        return f"accepted, but its slope is {mp.nstr(min(slopes), 5)} and {mp.nstr(max(slopes), 5)}"
    if not points:
        return ""
    (folder / "x.csv").write_text("x\n" + "\n".join(map(repr, points)) + "\n")
    for arguments in (["transform", folder / "f.safetensors", folder / "x.csv", "-o", folder / "y.csv", "--log-det",
                       folder / "d.csv"],
                      ["inverse", folder / "f.safetensors", folder / "y.csv", "-o", folder / "back.csv"]):
        if (done := run([flowc, *arguments], 10 * seconds)).returncode != 0:
            return done.stderr.strip()
    rows = zip(points, images, slopes, *(read_column(folder / n) for n in ("y.csv", "d.csv", "back.csv")))
    for x, y, slope, y_found, d_found, back in rows:
        condition = 1 + abs(y) + abs(x * slope)
        if not abs(y - y_found) <= 1e-12 * condition:
            return f"f({x}) = {mp.nstr(y, 17)}, found {y_found!r}"
        if not abs(mp.log(abs(slope)) - d_found) <= 1e-9 * (1 + abs(d_found)):
            return f"log|f'({x})| = {mp.nstr(mp.log(abs(slope)), 17)}, found {d_found!r}"
        if not abs(back - x) <= 1e-9 * (1 + abs(x)) + 1e-14 * condition / abs(slope):
            return f"the inverse of f({x}) is {back!r}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flowc")
    default = pathlib.Path(__file__).resolve().parents[2] / "test" / "data" / "formulas.txt"
    parser.add_argument("file", nargs="?", type=pathlib.Path, default=default)
    parser.add_argument("--random", type=int, default=0, metavar="N", help="N formulas from a grammar instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    if options.random:
        grammar = Grammar(options.seed)
        formulas = [("?", grammar.formula()) for _ in range(options.random)]
    else:
        lines = options.file.read_text().splitlines()
        formulas = [(line[0], line[2:]) for line in lines if line and line[0] != "#"]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for mark, text in formulas:
            if trouble := check(options.flowc, text, mark, options.seconds, pathlib.Path(folder)):
                wrong += 1
                print(f"{text}\n    {trouble}", flush=True)
    print(f"{wrong} of {len(formulas)} are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
