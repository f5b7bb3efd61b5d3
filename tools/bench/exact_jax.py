# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs of JAX in arithmetic of many digits: what a function of FlowJAX would give if nothing were rounded.

A function is traced, and its operations are done one by one with mpmath. With `noise`, each result is off by up to
half a unit in the last place of float64, at random, and is zero or infinite where float64 ends: how much that moves the
result is what float64 can do to the function.
"""

import random

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
from jax.extend import core

mp.mp.dps = 50
ROUNDING = mp.mpf(2) ** -53
SMALLEST, LARGEST = mp.mpf(2) ** -1074, (2 - mp.mpf(2) ** -52) * mp.mpf(2) ** 1023
NAN = mp.mpf("nan")


def total(function):
    """The function with NaN where it has no real value."""
    def call(*arguments):
        try:
            value = function(*arguments)
        except ZeroDivisionError:
            return NAN
        except (ValueError, OverflowError):
            return NAN
        return NAN if isinstance(value, mp.mpc) and value.imag and not any(
            isinstance(a, mp.mpc) for a in arguments) else value
    return call


def divide(a, b):
    if b == 0 and a == a and a != 0:
        return mp.inf if (a > 0) else -mp.inf
    return a / b


def log(x):
    return -mp.inf if x == 0 else mp.log(x)


beyond = []  # arguments of exponentials that no arithmetic can do


def exp(x):
    if not isinstance(x, mp.mpc) and abs(x) > 2**60:
        beyond.append(x)
        return mp.inf if x > 0 else mp.mpf(0)
    return mp.exp(x)


def tanh(x):
    return mp.tanh(x) if abs(x) < 2**60 else mp.sign(x)


def power(x, y):
    if x == 0:
        return mp.mpf(0) if y > 0 else mp.inf if y < 0 else mp.mpf(1)
    return mp.power(x, y)


ROUNDED = {
    "add": lambda a, b: a + b, "add_any": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": divide, "exp": exp, "log": log, "log1p": lambda x: -mp.inf if x == -1 else mp.log1p(x),
    "expm1": lambda x: mp.expm1(x) if abs(x) < 2**60 else exp(x) - 1, "tanh": tanh,
    "logistic": lambda x: 1 / (1 + exp(-x)), "sqrt": mp.sqrt, "rsqrt": lambda x: 1 / mp.sqrt(x), "pow": power,
    "square": lambda x: x * x, "atanh": lambda x: mp.sign(x) * mp.inf if abs(x) == 1 else mp.atanh(x),
    "lgamma": lambda x: mp.re(mp.loggamma(x)) if mp.isfinite(x) else x, "erf": mp.erf, "erfc": mp.erfc,
    "sin": mp.sin, "cos": mp.cos, "sinh": mp.sinh, "cosh": mp.cosh, "asinh": mp.asinh, "atan": mp.atan,
    "digamma": lambda x: mp.digamma(x),
}
EXACT = {
    "neg": lambda x: -x, "abs": abs, "sign": lambda x: mp.sign(x) if x == x else x, "copy": lambda x: x,
    "max": lambda a, b: NAN if a != a or b != b else max(a, b),
    "min": lambda a, b: NAN if a != a or b != b else min(a, b), "stop_gradient": lambda x: x,
    "real": lambda x: mp.re(x), "imag": lambda x: mp.im(x), "conj": lambda x: mp.conj(x), "floor": mp.floor,
    "complex": lambda a, b: mp.mpc(a, b), "reduce_precision": lambda x: x, "optimization_barrier": lambda x: x,
}
TESTS = {"lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
         "eq": lambda a, b: a == b, "ne": lambda a, b: a != b,
         "lt_to": lambda a, b: a < b, "le_to": lambda a, b: a <= b, "is_finite": mp.isfinite}
# Operations that only move elements: they are done with the numbers of the elements.
MOVES = {"reshape", "transpose", "broadcast_in_dim", "slice", "rev", "squeeze", "concatenate", "gather", "scatter",
         "dynamic_slice", "dynamic_update_slice", "select_n", "expand_dims", "pad", "split",
         "stack", "unstack", "tile", "broadcast"}
CALLS = {"pjit": "jaxpr", "jit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr",
         "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr", "remat": "jaxpr", "checkpoint": "jaxpr"}


def is_exact(value):
    return isinstance(value, np.ndarray) and value.dtype == object


def as_array(value):
    """NumPy makes numbers of arrays without axes."""
    return np.asarray(value, object) if isinstance(value, (mp.mpf, mp.mpc)) else np.asarray(value)


def lift(value):
    """Floats as numbers of mpmath; whole numbers and truth values as they are."""
    value = np.asarray(value)
    if not np.issubdtype(value.dtype, np.inexact):
        return value
    out = np.empty(value.shape, object)
    for index in np.ndindex(value.shape):
        v = value[index]
        out[index] = mp.mpc(float(v.real), float(v.imag)) if np.iscomplexobj(value) else mp.mpf(float(v))
    return out


class Evaluator:
    def __init__(self, noise=None):
        self.random = random.Random(noise) if noise is not None else None

    def error(self, magnitude):
        return magnitude * ROUNDING * self.random.uniform(-1, 1)

    def rounded(self, value):
        if self.random is None or not mp.isfinite(value) or value == 0 or isinstance(value, mp.mpc):
            return value
        if abs(value) > LARGEST:
            return mp.sign(value) * mp.inf
        return mp.mpf(0) if abs(value) < SMALLEST / 2 else value * (1 + self.error(1)) + self.error(SMALLEST / ROUNDING)

    def closed(self, closed, arguments):
        return self.jaxpr(closed.jaxpr, [lift(c) for c in closed.consts], arguments)

    def jaxpr(self, jaxpr, consts, arguments):
        values = dict(zip(list(jaxpr.constvars) + list(jaxpr.invars), list(consts) + list(arguments)))

        def read(atom):
            return lift(np.asarray(atom.val, atom.aval.dtype)) if isinstance(atom, core.Literal) else values[atom]

        for equation in jaxpr.eqns:
            results = self.apply(equation, [read(a) for a in equation.invars])
            values.update(zip(equation.outvars, map(as_array, results)))
        return [read(a) for a in jaxpr.outvars]

    def apply(self, equation, operands):
        name, params = equation.primitive.name, equation.params
        if name in CALLS:
            inner = params[CALLS[name]]
            return self.closed(inner, operands) if hasattr(inner, "consts") else self.jaxpr(inner, [], operands)
        method = "do_" + name.replace("-", "_")
        if hasattr(self, method):
            return getattr(self, method)(equation, operands)
        if not any(map(is_exact, operands)):
            return self.bind(equation, operands)
        if name in MOVES:
            return self.move(equation, operands)
        if name in TESTS:
            return [self.each(TESTS[name], operands).astype(bool)]
        if name in EXACT:
            return [self.each(total(EXACT[name]), operands)]
        function = total(ROUNDED[name])
        return [self.each(lambda *a: self.rounded(function(*a)), operands)]

    def each(self, function, operands):
        operands = np.broadcast_arrays(*operands)
        out = np.empty(operands[0].shape, object)
        for index in np.ndindex(out.shape):
            out[index] = function(*(o[index] for o in operands))
        return out

    def bind(self, equation, operands):
        result = equation.primitive.bind(*map(jnp.asarray, operands), **equation.params)
        results = result if equation.primitive.multiple_results else [result]
        return [lift(r) for r in results]

    def move(self, equation, operands):
        pool, numbers = [mp.mpf("nan")], []
        for operand in operands:
            if is_exact(operand):
                numbers.append(np.arange(len(pool), len(pool) + operand.size, dtype=np.int64).reshape(operand.shape))
                pool.extend(operand.ravel())
            else:
                numbers.append(operand)
        result = equation.primitive.bind(*map(jnp.asarray, numbers), **equation.params)
        results = result if equation.primitive.multiple_results else [result]
        pool_array = np.empty(len(pool), object)
        pool_array[:] = pool
        return [pool_array[np.where(np.asarray(r) > 0, np.asarray(r), 0)] for r in results]

    def do_scatter_add(self, equation, operands):
        if not any(map(is_exact, operands)):
            return self.bind(equation, operands)
        total_of, indices, updates = operands
        names = ("dimension_numbers", "indices_are_sorted", "unique_indices", "mode")
        params = {name: equation.params[name] for name in names}
        result = np.array(total_of, object)
        for index in np.ndindex(updates.shape):  # Where each of them goes, a one among zeros tells.
            one = np.zeros(updates.shape, np.int32)
            one[index] = 1
            hit = jax.lax.scatter_add(jnp.zeros(result.shape, jnp.int32), jnp.asarray(indices), jnp.asarray(one), **params)
            for place in map(tuple, np.argwhere(np.asarray(hit))):
                result[place] = self.rounded(result[place] + updates[index])
        return [result]

    def do_convert_element_type(self, equation, operands):
        target = equation.params["new_dtype"]
        if not np.issubdtype(target, np.inexact):
            if is_exact(operands[0]):
                return [self.each(int, operands).astype(target)]
            return self.bind(equation, operands)
        if is_exact(operands[0]):
            return operands
        return [lift(operands[0].astype(np.float64))]

    def do_integer_pow(self, equation, operands):
        if not is_exact(operands[0]):
            return self.bind(equation, operands)
        y = equation.params["y"]
        return [self.each(total(lambda x: self.rounded(divide(mp.mpf(1), x ** -y) if y < 0 else x ** y)), operands)]

    def do_clamp(self, equation, operands):
        if not is_exact(operands[1]):
            return self.bind(equation, operands)
        low, x, high = np.broadcast_arrays(*operands)
        return [self.each(lambda a, v, b: v if v != v else min(max(v, a), b), [low, x, high])]

    def reduce(self, equation, operands, function):
        if not is_exact(operands[0]):
            return self.bind(equation, operands)
        axes = equation.params["axes"]
        x = np.moveaxis(operands[0], axes, range(-len(axes), 0)) if axes else operands[0][..., None]
        shape = x.shape[:x.ndim - len(axes)] if axes else x.shape[:-1]
        x = x.reshape(shape + (-1,))
        out = np.empty(shape, object)
        for index in np.ndindex(shape):
            out[index] = function(list(x[index]))
        return [out]

    def sum(self, terms):
        result = sum(terms, mp.mpf(0))
        if self.random is None or not mp.isfinite(result):
            return result
        return self.rounded(result) + self.error(sum((abs(t) for t in terms), mp.mpf(0)))

    def do_reduce_sum(self, equation, operands):
        return self.reduce(equation, operands, self.sum)

    def do_reduce_max(self, equation, operands):
        return self.reduce(equation, operands, lambda v: NAN if any(t != t for t in v) else max(v))

    def do_reduce_min(self, equation, operands):
        return self.reduce(equation, operands, lambda v: NAN if any(t != t for t in v) else min(v))

    def do_cumsum(self, equation, operands):
        if not is_exact(operands[0]):
            return self.bind(equation, operands)
        axis, backwards = equation.params["axis"], equation.params["reverse"]
        x = np.moveaxis(operands[0], axis, -1)
        x = x[..., ::-1] if backwards else x
        out = np.empty(x.shape, object)
        for index in np.ndindex(x.shape[:-1]):
            for i in range(x.shape[-1]):
                out[index + (i,)] = self.sum(list(x[index][:i + 1]))
        return [np.moveaxis(out[..., ::-1] if backwards else out, -1, axis)]

    def do_dot_general(self, equation, operands):
        (left_sum, right_sum), (left_batch, right_batch) = equation.params["dimension_numbers"]
        a, b = (o if is_exact(o) else lift(np.asarray(o, float)) for o in operands)
        left_free = [i for i in range(a.ndim) if i not in left_sum + left_batch]
        right_free = [i for i in range(b.ndim) if i not in right_sum + right_batch]
        batch = [a.shape[i] for i in left_batch]
        free = [a.shape[i] for i in left_free] + [b.shape[i] for i in right_free]
        count = int(np.prod([a.shape[i] for i in left_sum], dtype=int))
        rows = (int(np.prod(batch, dtype=int)), -1, count)
        a = a.transpose(list(left_batch) + left_free + list(left_sum)).reshape(rows)
        b = b.transpose(list(right_batch) + right_free + list(right_sum)).reshape(rows)
        out = np.empty((a.shape[0], a.shape[1], b.shape[1]), object)
        for i, j, k in np.ndindex(out.shape):
            out[i, j, k] = self.sum([p * q for p, q in zip(a[i, j], b[i, k])])
        return [out.reshape(batch + free)]

    def do_triangular_solve(self, equation, operands):
        params = equation.params
        a, b = operands
        left, lower, transposed = params["left_side"], params["lower"], params["transpose_a"]
        if a.ndim > 2:
            parts = [self.do_triangular_solve(equation, [m, r])[0] for m, r in zip(a, b)]
            return [np.stack(parts)]
        if not left:
            a, b, lower = a.T, b.T, not lower
        if transposed:
            a, lower = a.T, not lower
        n, out = a.shape[0], np.empty(b.shape, object)
        for column in range(b.shape[1]):
            for i in range(n) if lower else reversed(range(n)):
                known = range(i) if lower else range(i + 1, n)
                rest = self.sum([b[i, column]] + [-a[i, j] * out[j, column] for j in known])
                out[i, column] = self.rounded(rest if params["unit_diagonal"] else total(divide)(rest, a[i, i]))
        return [out if left else out.T]

    def do_fft(self, equation, operands):
        x, kind = operands[0], int(equation.params["fft_type"])  # 0: forward, 1: backward, 2: real, 3: back to real
        n = equation.params["fft_lengths"][0]
        turn = lambda k: mp.expjpi(mp.mpf(2 * (k % n)) / n * (-1 if kind in (0, 2) else 1))
        turns = [turn(k) for k in range(n)]
        out = np.empty(x.shape[:-1] + (n // 2 + 1 if kind == 2 else n,), object)
        for index in np.ndindex(x.shape[:-1]):
            row = list(x[index])
            if kind == 3:
                row = row + [mp.conj(row[n - k]) for k in range(len(row), n)]
            for k in range(out.shape[-1]):
                value = self.sum([v * turns[j * k % n] for j, v in enumerate(row)])
                value = value / n if kind in (1, 3) else value
                out[index + (k,)] = mp.re(value) if kind == 3 else value
        return [out]

    def do_argmax(self, equation, operands):
        if not is_exact(operands[0]):
            return self.bind(equation, operands)
        axis = equation.params["axes"][0]
        return [np.argmax(operands[0], axis=axis).astype(equation.params["index_dtype"])]

    def do_while(self, equation, operands):
        """Searches are done in float64: steps of Newton's method follow them."""
        return self.bind(equation, [np.asarray(o, float) if is_exact(o) else o for o in operands])

    def do_scan(self, equation, operands):
        p = equation.params
        consts, carry = operands[:p["num_consts"]], operands[p["num_consts"]:p["num_consts"] + p["num_carry"]]
        rows, results = operands[p["num_consts"] + p["num_carry"]:], []
        order = range(p["length"])
        for i in reversed(order) if p["reverse"] else order:
            out = self.closed(p["jaxpr"], consts + carry + [np.asarray(r[i], r.dtype) for r in rows])
            carry = out[:p["num_carry"]]
            results.append(out[p["num_carry"]:])
        results = results[::-1] if p["reverse"] else results
        return carry + [np.stack(column) for column in zip(*results)]

    def do_cond(self, equation, operands):
        branch = equation.params["branches"][int(operands[0])]
        return self.closed(branch, operands[1:])


def evaluate(function, arguments, noise=None, rounds_first=False):
    """The results of a function, as arrays of mpmath's numbers; `rounds_first`: noise on the first argument, too."""
    closed = jax.make_jaxpr(function)(*arguments)
    evaluator = Evaluator(noise)
    first, *rest = [lift(a) for a in jax.tree_util.tree_leaves(arguments)]
    if rounds_first:
        first = evaluator.each(evaluator.rounded, [first])
    return evaluator.closed(closed, [first, *rest])
