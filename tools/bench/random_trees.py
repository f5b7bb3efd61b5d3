#!/usr/bin/env python3
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random trees of FlowJAX, imported by flowc and compared with FlowJAX in float64.

    random_trees.py build/bin/flowc --count 1000 --seed 1

A tree is saved as users of FlowJAX save it, imported (with --live, taken as it is by flowc.from_flowjax, without a
text), and evaluated by both: log-densities of flowc's own draws and of
rows further out, the transform and the inverse with their log-determinants. What differs by more than 1e-10 is done
again in arithmetic with 50 digits (exact_jax.py), which says whose result is off, and by how much rounding alone can
move it. Prints a table of outcomes and every difference that this does not explain, with the seed that makes it again;
ends with 1 if there is any. Needs flowjax==19.1.2 and mpmath.
"""

import argparse
import collections
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

os.environ["EQX_ON_ERROR"] = "off"  # FlowJAX's runtime checks fail whole batches for one row
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # every program runs once

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_default_prng_impl", "unsafe_rbg")

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import mpmath as mp
import numpy as np
import paramax
from flowjax.bijections import AbstractBijection
from flowjax.distributions import AbstractTransformed

import exact_jax
from flowjax_trees import Grammar
from python_package import import_module

import_flowjax = import_module("importing.from_flowjax").import_flowjax
write_model = import_module("importing.model_file").write_model
Unsupported = import_module("importing.parts").Unsupported

ALLOWED = 1e-10
NOISY_RUNS = 6  # of two, both may by chance be closer to the exact number than rounding usually is
AGREE, ROUNDED, INEXACT, ILL, WRONG = ("agrees", "rounding of FlowJAX", "overflow or NaN in FlowJAX",
                                       "within rounding and range of float64", "UNEXPLAINED")
# Outside of an image: zeros of FlowJAX's matrices, and of flowc's blocks of rows, times NaN.
OUTSIDE = "NaN in both, in other coordinates"
ORDER = [AGREE, INEXACT, ROUNDED, ILL, OUTSIDE, WRONG]


class Refused(Exception):
    """flowc ends with an error."""


def scatter(tree, random):
    """Parameters of all sizes: noise on every array, of one scale for the whole tree."""
    scale = random.choice([0.1, 0.5, 0.5, 1.0, 2.0])

    def move(leaf):
        if not eqx.is_inexact_array(leaf):
            return leaf
        fan = np.sqrt(leaf.shape[-1]) if leaf.ndim > 1 else 1.0
        return jnp.asarray(np.asarray(leaf) + scale / fan * random.normal(size=leaf.shape))

    return jax.tree_util.tree_map(move, tree)


class Reference:
    """FlowJAX's side of a tree: functions of one row and its condition, None where FlowJAX has none."""

    def __init__(self, tree):
        self.tree = paramax.unwrap(tree)
        bijection = self.tree if isinstance(self.tree, AbstractBijection) else getattr(self.tree, "bijection", None)
        self.functions = {}
        if bijection is not None:
            self.functions["transform"] = bijection.transform_and_log_det
            self.functions["inverse"] = bijection.inverse_and_log_det
        if not isinstance(self.tree, AbstractBijection):
            self.functions["log_prob"] = lambda x, c=None: (self.tree._log_prob(x, c),)
        row = jnp.zeros(self.tree.shape)
        condition = () if self.tree.cond_shape is None else (jnp.zeros(self.tree.cond_shape),)
        self.missing = {name for name, f in self.functions.items() if not self.has(f, row, *condition)}

    @staticmethod
    def has(function, *arguments):
        try:
            jax.eval_shape(function, *arguments)
        except (NotImplementedError, jax.errors.NonConcreteBooleanIndexError):
            return False  # The second: a mixture of densities whose bijection has a mask of indices.
        return True

    def rows(self, inputs, conditions):
        """The results for all rows of all functions, from one compiled program."""
        names = [n for n in inputs if n not in self.missing]

        def all_of(inputs, conditions):
            rest = () if conditions is None else (conditions,)
            return {n: jax.vmap(self.functions[n])(inputs[n], *rest) for n in names}

        results = jax.jit(all_of)({n: inputs[n] for n in names}, conditions)
        return {n: [np.asarray(v) for v in values] for n, values in results.items()}


class Flowc:
    """flowc's side: a model in a folder, and commands on it."""

    def __init__(self, flowc, folder, seconds, live):
        self.flowc, self.folder, self.seconds, self.live = flowc, folder, seconds, live
        self.model = folder / "model.safetensors"

    def run(self, *arguments):
        for stale in self.folder.glob("out*.npy"):
            stale.unlink()
        done = subprocess.run([self.flowc, *map(str, arguments)], capture_output=True, text=True, timeout=self.seconds)
        if done.returncode != 0:
            raise Refused((done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[0])

    def load(self, tree, text):
        if self.live:
            try:
                write_model(self.model, *import_flowjax(tree))
            except Unsupported as refusal:
                raise Refused(str(refusal)) from refusal
            return
        (self.folder / "model.flow").write_text(text + "\n")
        eqx.tree_serialise_leaves(self.folder / "model.eqx", tree)
        self.run("import", self.folder / "model.eqx", "--flow", self.folder / "model.flow", "-o", self.model)

    def conditions(self, conditions):
        if conditions is None:
            return []
        np.save(self.folder / "condition.npy", conditions.reshape(len(conditions), -1))
        return ["--condition", self.folder / "condition.npy"]

    def sample(self, count, seed, conditions):
        n = 1 if conditions is not None else count
        self.run("sample", self.model, "-n", n, "--seed", seed, "--log-prob", "--dtype", "f64",
                 *self.conditions(conditions), "-o", self.folder / "out.npy")
        rows = np.load(self.folder / "out.npy").reshape(count, -1)
        return rows[:, :-1], rows[:, -1]

    def rows(self, name, inputs, conditions):
        np.save(self.folder / "rows.npy", inputs.reshape(len(inputs), -1))
        out, log_det = self.folder / "out.npy", self.folder / "out_log_det.npy"
        both = [] if name == "log_prob" else ["--log-det", log_det]
        self.run(name.replace("_", "-"), self.model, self.folder / "rows.npy", "--dtype", "f64",
                 *self.conditions(conditions), "-o", out, *both)
        if name == "log_prob":
            return [np.load(out).reshape(-1)]
        return [np.load(out).reshape(inputs.shape), np.load(log_det).reshape(-1)]


def close(got, want):
    with np.errstate(invalid="ignore", over="ignore"):
        return (got == want) | (np.isnan(got) & np.isnan(want)) | (abs(got - want) <= ALLOWED * (1 + abs(want)))


def judge(got, want, exact, noisy):
    """What explains that flowc has `got` and FlowJAX `want` for a number that is `exact`, and `noisy` with errors."""
    allowed = ALLOWED * (1 + abs(exact))
    if got == exact or (mp.isnan(got) and mp.isnan(exact)) or (mp.isfinite(exact) and abs(got - exact) <= allowed):
        return ROUNDED if mp.isfinite(want) else INEXACT
    if not mp.isfinite(got) and mp.isfinite(exact) and abs(want - exact) <= allowed:
        return WRONG
    if any(mp.isnan(n) != mp.isnan(exact) or mp.isinf(n) != mp.isinf(exact) for n in noisy):
        return ILL
    if not mp.isfinite(exact):
        return ILL if exact_jax.beyond else WRONG
    spread = max(abs(n - exact) for n in noisy)
    return ILL if spread > (1 + abs(exact)) / 2 or abs(got - exact) <= 20 * spread else WRONG


class Comparison:
    def __init__(self, reference, conditions):
        self.reference, self.conditions = reference, conditions
        self.outcomes, self.notes = {}, []

    def arguments(self, inputs, row):
        rest = () if self.conditions is None else (jnp.asarray(self.conditions[row]),)
        return (jnp.asarray(inputs[row]), *rest)

    def compare(self, what, function, inputs, got, want, support):
        """Rows of results of flowc and of FlowJAX, each a list of arrays by row."""
        good = np.ones(len(inputs), bool)
        for g, w in zip(got, want):
            good &= close(g, w).reshape(len(inputs), -1).all(axis=1)
        verdict = AGREE
        for row in np.flatnonzero(~good)[:2]:
            verdict = max(verdict, self.explain(what, function, inputs, got, want, row, support),
                          key=ORDER.index)
        self.outcomes[what] = verdict

    def explain(self, what, function, inputs, got, want, row, support):
        """The verdict on a row that differs."""
        exact_jax.beyond.clear()
        try:
            # The density of a draw is that of the base's: the draw itself is rounded.
            exact, *noisy = [exact_jax.evaluate(function, self.arguments(inputs, row), noise, what == "sample")
                             for noise in (None, *range(NOISY_RUNS))]
        except KeyError as missing:
            self.notes.append(f"{what}: exact_jax.py lacks the operation {missing}")
            return WRONG
        verdict, notes = self.judge_row(what, inputs, got, want, row, support, exact, noisy)
        self.notes += notes
        return verdict

    @staticmethod
    def judge_row(what, inputs, got, want, row, support, exact, noisy):
        """The worst verdict on the numbers of a row, and a note on each that is not explained."""
        verdicts, notes = [AGREE], []
        is_outside = any(np.isnan(part[row]).any() for part in got) and any(
            mp.isnan(n) for part in exact for n in part.ravel())
        for part, (g, w) in enumerate(zip(got, want)):
            for i in range(g[row].size):
                at = lambda results: support(mp.mpf(results[part].ravel()[i]))
                values = [mp.mpf(float(np.ravel(v[row])[i])) for v in (g, w)]
                verdict = AGREE if close(*(np.float64(v) for v in values)) else judge(
                    *values, at(exact), [at(n) for n in noisy])
                if verdict == WRONG and is_outside and (mp.isnan(at(exact)) or mp.isnan(values[0])):
                    verdict = OUTSIDE
                verdicts.append(verdict)
                if verdict == WRONG:
                    rounded = ", ".join(mp.nstr(at(n), 17) for n in noisy)
                    notes.append(f"{what}, row {row}, part {part}, element {i}: flowc {float(values[0])!r}, "
                                 f"FlowJAX {float(values[1])!r}, exact {mp.nstr(at(exact), 17)}, with rounding "
                                 f"{rounded}; input {inputs[row].tolist()}")
        return max(verdicts, key=ORDER.index), notes


def outside(value):
    """A log-density that is no number is that of a point outside of the support."""
    return -mp.inf if mp.isnan(value) else value


def forward_again(reference, name, inputs, got, comparison):
    """Checks a direction that FlowJAX lacks by the other one: it has to lead back."""
    other = {"inverse": "transform", "transform": "inverse"}[name]
    finite = np.isfinite(got[0]).reshape(len(inputs), -1).all(axis=1)
    if other in reference.missing or not finite.any():
        return
    function = reference.functions[other]
    rows = np.flatnonzero(finite)
    conditions = None if comparison.conditions is None else comparison.conditions[rows]
    back = Reference.rows(reference, {other: got[0][rows]}, conditions)[other]
    some = Comparison(reference, conditions)
    some.compare(name, function, got[0][rows], [inputs[rows], -got[1][rows]], back, lambda v: v)
    comparison.outcomes[name + " (round trip)"] = some.outcomes[name]
    comparison.notes += some.notes


def check(flowc, seed, folder, seconds, live):
    text, tree = Grammar(seed).root()
    random = np.random.default_rng(seed)
    tree = scatter(tree.build(jr.key(seed)), random)
    reference, other = Reference(tree), Flowc(flowc, folder, seconds, live)
    shape, cond_shape, count = reference.tree.shape, reference.tree.cond_shape, 12
    conditions = None if cond_shape is None else random.normal(size=(count, *cond_shape))
    comparison = Comparison(reference, conditions)
    try:
        other.load(tree, text)
        normal = random.normal(size=(count, *shape)) * np.array([1] * 8 + [3, 3, 8, 0]).reshape(-1, *[1] * len(shape))
        draws, draws_log_prob = normal, None
        if "log_prob" in reference.functions:
            draws, draws_log_prob = other.sample(count, seed, conditions)
            draws = draws.reshape(normal.shape)
        far = np.concatenate([draws[:6], 3 * draws[6:8], -2 * draws[8:9], normal[9:]])
        inputs = {"transform": normal, "inverse": far, "log_prob": far}
        inputs = {n: rows for n, rows in inputs.items() if n in reference.functions}
        found = {n: other.rows(n, rows, conditions) for n, rows in inputs.items()}
    except (Refused, subprocess.TimeoutExpired) as error:
        return text, {"flowc": WRONG}, [str(error)]
    if draws_log_prob is not None:
        inputs["sample"], found["sample"] = draws, [draws_log_prob]
        reference.functions["sample"] = reference.functions["log_prob"]
        reference.missing |= {"sample"} if "log_prob" in reference.missing else set()
    wanted = reference.rows(inputs, conditions)
    for name in inputs:
        density = name in ("log_prob", "sample")
        if name not in reference.missing:
            if density:
                # A row that holds a NaN has no density in flowc.
                whole = np.isfinite(inputs[name]).reshape(len(inputs[name]), -1).all(axis=1)
                known = np.where(np.isnan(wanted[name][0]), -np.inf, wanted[name][0])
                wanted[name] = [np.where(whole, known, np.nan)]
            comparison.compare(name, reference.functions[name], inputs[name], found[name], wanted[name],
                               outside if density else lambda v: v)
        elif not density:
            forward_again(reference, name, inputs[name], found[name], comparison)
    return text, comparison.outcomes, comparison.notes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flowc")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="the first tree; tree I has seed SEED + I")
    parser.add_argument("--seconds", type=int, default=600, help="for each command of flowc")
    parser.add_argument("--live", action="store_true", help="import the live object, without a text")
    parser.add_argument("--show", action="store_true", help="print the text of every tree")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    table, unexplained = collections.Counter(), 0
    for seed in range(options.seed, options.seed + options.count):
        with tempfile.TemporaryDirectory() as folder:
            text, outcomes, notes = check(options.flowc, seed, pathlib.Path(folder), options.seconds,
                                            options.live)
        table.update(outcomes.items())
        wrong = WRONG in outcomes.values()
        unexplained += wrong
        if options.show or wrong:
            print(f"seed {seed}: {outcomes}\n    {text}", *notes[:4], sep="\n    ", flush=True)
        if seed % 100 == 0:
            jax.clear_caches()
            print(f"at seed {seed}", file=sys.stderr, flush=True)
    for (what, outcome), n in sorted(table.items()):
        print(f"{what:24} {outcome:40} {n:6}")
    print(f"{unexplained} of {options.count} trees differ without an explanation")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
