#!/usr/bin/env python3
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random trees of FlowJAX's bijections and distributions, each with the text that says the same to flowc.

A tree has a text and a function that builds FlowJAX's object with random parameters from a key. Whatever is
random about its structure is drawn before, so that a scan or a vmap can build as many copies as it needs.
"""

import math
import random
from dataclasses import dataclass
from functools import partial
from typing import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import paramax
from flowjax import bijections as bij
from flowjax import distributions as dist
from flowjax import flows
from flowjax.root_finding import bisect_check_expand_search, root_finder_to_inverter
from jax.scipy.linalg import solve_triangular

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "silu": jax.nn.silu, "gelu": jax.nn.gelu, "elu": jax.nn.elu,
               "softplus": jax.nn.softplus, "sigmoid": jax.nn.sigmoid, "leaky_relu": jax.nn.leaky_relu}
LOC_SCALE = {"normal": dist.Normal, "gumbel": dist.Gumbel, "cauchy": dist.Cauchy, "laplace": dist.Laplace,
             "logistic": dist.Logistic, "log_normal": dist.LogNormal}


@dataclass
class Tree:
    text: str
    build: Callable


def to_text(value):
    """A value of Python in the language."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(to_text, value)) + "]"
    return "none" if value is None else str(value)


def call(name, *values, **named):
    parts = [to_text(v) for v in values] + [f"{k} = {to_text(v)}" for k, v in named.items() if v is not None]
    return f"{name}({', '.join(parts)})"


def unit(normals):
    """FlowJAX divides the normals of stacked reflections by the norm of all of them, and its inverse undoes nothing."""
    return normals / jnp.linalg.norm(normals, axis=-1, keepdims=True)


def polished(bijection, y, condition=None):
    """FlowJAX's search stops at residuals of 1e-5. Some steps of Newton's method make an inverse to compare with."""
    search = partial(bisect_check_expand_search, midpoint=jnp.zeros(y.shape), width=5, max_width=1e9, throw=False,
                     max_steps=150)
    x = root_finder_to_inverter(search)(bijection, y, condition)
    for _ in range(3):
        transform = lambda flat: bijection.transform(flat.reshape(x.shape), condition).ravel()
        slopes = jax.jacfwd(transform)(x.ravel())
        step = solve_triangular(slopes, transform(x.ravel()) - y.ravel(), lower=True)
        x = jnp.where(jnp.isfinite(step).all(), x.ravel() - step, x.ravel()).reshape(x.shape)
    return x


def copies(build, key, count):
    """FlowJAX's stacked form of several trees of one structure: arrays with a leading axis."""
    built = [build(k) for k in jr.split(key, min(count, 3))]
    leaves, structure = jax.tree_util.tree_flatten(built[0])
    others = [jax.tree_util.tree_leaves(b) for b in built]
    stacked = [jnp.asarray(np.stack([np.asarray(others[i % len(built)][k]) for i in range(count)]))
               if eqx.is_array(leaf) else leaf for k, leaf in enumerate(leaves)]
    return jax.tree_util.tree_unflatten(structure, stacked)


class Grammar:
    """Draws trees. `cond` is the shape of the condition or None, `depth` how many combinators may still be nested."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, probability):
        return self.random.random() < probability

    def below(self, n):
        return self.random.randrange(n)

    def number(self, low, high):
        return round(self.random.uniform(low, high), 3)

    def shape(self):
        kind = self.random.random()
        if kind < 0.1:
            return ()
        if kind < 0.65:
            return (self.random.choice([1, 2, 2, 3, 3, 4, 5, 6, 8, 10, 16, 25, 40]),)
        if kind < 0.9:
            return self.random.choice([(2, 2), (3, 2), (1, 4), (5, 3), (4, 10), (6, 1), (2, 7)])
        return self.random.choice([(2, 1, 3), (2, 3, 2), (2, 4, 5), (1, 1, 2)])

    def condition(self, shape):
        if self.chance(0.55):
            return None
        n = 1 + self.below(4)
        return (shape[0], n) if shape and self.chance(0.1) else (n,)

    def bijection(self, shape, cond, depth):
        """Of all numbers onto all numbers, or close to it."""
        if depth <= 0 or self.chance(0.1):
            return self.leaf(shape, cond)
        makers = [self.chain, self.chain, self.scan, self.inverted, self.sandwich, self.there_and_back, self.frozen,
                  self.leaf, self.reshaped]
        if shape:
            makers += [self.vmap_shared, self.vmap_copies, self.concatenate, self.stack, self.indexed]
        if cond is not None:
            makers += [self.embedded, self.shift]
            if shape and shape[0] in cond:
                makers += [self.vmap_conditions] * 4
        return self.random.choice(makers)(shape, cond, depth)

    def leaf(self, shape, cond, depth=0):
        makers = [self.affine, self.affine, self.simple, self.simple]
        if not shape:
            makers += [self.spline] * 3
        else:
            makers += [self.permute, self.cosine]
        if len(shape) == 1:
            makers += [self.triangular, self.householder, self.planar]
            if cond is None or len(cond) == 1:
                makers += [self.coupling, self.autoregressive, self.block]
        if cond is not None and len(cond) == 1:
            makers += [self.shift] * 2
        return self.random.choice(makers)(shape, cond, depth)

    def affine(self, shape, cond, depth):
        loc, scale = self.number(-1, 1), self.number(0.3, 2)
        full = lambda v: f"full({to_text(shape)}, {v})"
        return self.random.choice([
            Tree(call("affine", full(loc), scale), lambda key: bij.Affine(jnp.full(shape, loc), scale)),
            Tree(call("loc", full(loc)), lambda key: bij.Loc(jnp.full(shape, loc))),
            Tree(call("scale", full(scale)), lambda key: bij.Scale(jnp.full(shape, scale))),
        ])

    def simple(self, shape, cond, depth):
        reach = self.number(0.5, 4)
        return self.random.choice([
            Tree(call("leaky_tanh", reach, shape), lambda key: bij.LeakyTanh(reach, shape)),
            Tree(call("identity", shape), lambda key: bij.Identity(shape)),
            Tree(call("flip", shape), lambda key: bij.Flip(shape)),
        ])

    def spline(self, shape, cond, depth):
        knots, low, high = 1 + self.below(8), self.number(-4, -1), self.number(1, 5)
        interval = (low, high) if self.chance(0.5) else high
        least = self.random.choice([1e-3, 1e-3, 0.01, 0.05])
        return Tree(call("rational_quadratic_spline", knots=knots, interval=interval, min_derivative=least),
                    lambda key: bij.RationalQuadraticSpline(knots=knots, interval=interval, min_derivative=least))

    def permute(self, shape, cond, depth):
        order = self.random.sample(range(math.prod(shape)), math.prod(shape))
        array = jnp.array(order).reshape(shape)
        if len(shape) == 1 and self.chance(0.5):
            return Tree(call("permute", f"shuffled({shape[0]})"),
                        lambda key: bij.Permute(jr.permutation(key, jnp.arange(shape[0]))))
        return Tree(call("permute", array.tolist()), lambda key: bij.Permute(array))

    def cosine(self, shape, cond, depth):
        axis = self.below(len(shape)) - (len(shape) if self.chance(0.5) else 0)
        return Tree(call("discrete_cosine", shape, axis=axis), lambda key: bij.DiscreteCosine(shape, axis=axis))

    def householder(self, shape, cond, depth):
        def build(key):
            normal = jr.normal(key, shape)
            return eqx.tree_at(lambda b: b.unit_vec, bij.Householder(normal), paramax.Parameterize(unit, normal))
        return Tree(call("householder", f"ones({shape[0]})"), build)

    def triangular(self, shape, cond, depth):
        n, lower = shape[0], self.chance(0.6)
        text = call("triangular_affine", f"zeros({n})", f"eye({n})", lower=lower)
        plain = lambda key: bij.TriangularAffine(jnp.zeros(n), jnp.eye(n), lower=lower)
        if self.chance(0.6):
            return Tree(text, plain)
        return Tree(call("weight_normalized", text), lambda key: eqx.tree_at(
            lambda t: t.triangular, plain(key), replace_fn=paramax.WeightNormalization))

    def network(self):
        return {"width": 1 + self.below(12), "depth": self.below(3), "act": self.random.choice(list(ACTIVATIONS))}

    def planar(self, shape, cond, depth):
        net, conditional = self.network(), cond is not None and len(cond) == 1
        slope = self.number(0.05, 1.5) if self.chance(0.7) else None
        named = {"dim": shape[0], "negative_slope": slope}
        if not conditional:
            return Tree(call("planar", **named), lambda key: bij.Planar(key, **named))
        named |= {"cond_dim": cond[0], "width_size": net["width"], "depth": net["depth"]}
        return Tree(call("planar", **named, activation=net["act"]),
                    lambda key: bij.Planar(key, **named, activation=ACTIVATIONS[net["act"]]))

    def transformer(self):
        loc, scale, reach = self.number(-0.5, 0.5), self.number(0.5, 1.5), self.number(1, 3)
        affine = Tree(call("affine", loc, scale), lambda key: bij.Affine(loc, scale))
        spline = self.spline((), None, 0)
        return self.random.choice([
            affine, affine, spline, spline, self.wrap("invert", bij.Invert, affine),
            self.wrap("invert", bij.Invert, spline), self.join([spline, affine]),
            self.join([affine, Tree(call("leaky_tanh", reach), lambda key: bij.LeakyTanh(reach))]),
            Tree(call("scale", scale), lambda key: bij.Scale(scale)),
            self.join([affine, Tree("softplus()", lambda key: bij.SoftPlus())]),
        ])

    def coupling(self, shape, cond, depth):
        n = shape[0]
        if n == 1 and cond is None:
            return self.affine(shape, cond, depth)
        net, transformer = self.network(), self.transformer()
        named = {"untransformed_dim": self.random.randrange(0 if cond else 1, n), "dim": n,
                 "cond_dim": cond and cond[0], "nn_width": net["width"], "nn_depth": net["depth"]}
        return Tree(call("coupling", transformer.text, **named, nn_activation=net["act"]), lambda key: bij.Coupling(
            key, transformer=transformer.build(key), **named, nn_activation=ACTIVATIONS[net["act"]]))

    def autoregressive(self, shape, cond, depth):
        net, transformer = self.network(), self.transformer()
        named = {"dim": shape[0], "cond_dim": cond and cond[0], "nn_width": net["width"], "nn_depth": net["depth"]}
        return Tree(call("masked_autoregressive", transformer.text, **named, nn_activation=net["act"]),
                    lambda key: bij.MaskedAutoregressive(key, transformer=transformer.build(key), **named,
                                                         nn_activation=ACTIVATIONS[net["act"]]))

    def block(self, shape, cond, depth):
        if shape[0] > 8:
            return self.autoregressive(shape, cond, depth)
        named = {"dim": shape[0], "cond_dim": cond and cond[0], "depth": self.below(3), "block_dim": 1 + self.below(4)}
        if named["depth"] == 0:
            named["block_dim"] = 1
        activation, build = self.random.choice([(None, None), (None, None), ("leaky_tanh(2.5)", bij.LeakyTanh(2.5))])
        inner = Tree(call("block_autoregressive_network", **named, activation=activation),
                     lambda key: bij.BlockAutoregressiveNetwork(key, **named, activation=build))
        return inner if self.chance(0.2) else self.numeric(inner)

    def numeric(self, inner):
        return self.wrap("numerical_inverse", lambda b: bij.NumericalInverse(b, polished), inner)

    def shift(self, shape, cond, depth):
        if len(cond) != 1 or not shape:
            return self.affine(shape, cond, depth)
        n, net, bias = shape[-1], self.network(), self.chance(0.7)
        if self.chance(0.5):
            text = call("linear", cond[0], n, use_bias=bias)
            module = lambda key: eqx.nn.Linear(cond[0], n, use_bias=bias, key=key)
        else:
            text, module = self.mlp(cond[0], n)
        return Tree(call("additive_condition", text, shape=shape, cond_shape=cond),
                    lambda key: bij.AdditiveCondition(module(key), shape, cond))

    def mlp(self, count, results):
        net = self.network()
        return call("mlp", count, results, width_size=net["width"], depth=net["depth"], activation=net["act"]), (
            lambda key: eqx.nn.MLP(count, results, net["width"], net["depth"], ACTIVATIONS[net["act"]], key=key))

    def wrap(self, name, function, inner, **named):
        return Tree(call(name, inner.text, **named), lambda key: function(inner.build(key)))

    def join(self, parts):
        return Tree(call("chain", [p.text for p in parts]), lambda key: bij.Chain(
            [p.build(k) for p, k in zip(parts, jr.split(key, len(parts)))]))

    def chain(self, shape, cond, depth):
        return self.join([self.bijection(shape, cond, depth - 1) for _ in range(2 + self.below(2))])

    def scan(self, shape, cond, depth):
        layers, inner = 1 + self.below(4), self.bijection(shape, cond, depth - 1)
        inner = self.join([self.affine(shape, cond, 0), inner])
        build = lambda key: bij.Scan(copies(inner.build, key, layers))
        if self.chance(0.3):
            return Tree(call("scan", [inner.text] * layers), build)
        return Tree(call("scan", inner.text, layers=layers), build)

    def inverted(self, shape, cond, depth):
        return self.wrap("invert", bij.Invert, self.bijection(shape, cond, depth - 1))

    def frozen(self, shape, cond, depth):
        return self.wrap("non_trainable", paramax.non_trainable, self.bijection(shape, cond, depth - 1))

    def sandwich(self, shape, cond, depth):
        inner, outer = self.bijection(shape, cond, depth - 1), self.bijection(shape, cond, depth - 1)
        return Tree(call("sandwich", inner.text, outer.text),
                    lambda key: bij.Sandwich(*(t.build(k) for t, k in zip([inner, outer], jr.split(key)))))

    def there_and_back(self, shape, cond, depth):
        """Into a part of the line, around in it, and back to all numbers."""
        def element(name, kind):
            return Tree(call(name, shape), lambda key: kind(shape))
        exponent = self.random.choice([0.5, 1.7, 2.5, 3, 0.9, -1.3])
        to_positive = self.random.choice([("exp", bij.Exp), ("softplus", bij.SoftPlus)])
        from_positive = self.random.choice([("exp", bij.Exp), ("softplus", bij.SoftPlus)])
        back = lambda pair: self.wrap("invert", bij.Invert, element(*pair))
        power = Tree(call("power", exponent, shape), lambda key: bij.Power(exponent, shape))
        scale = Tree(call("scale", f"ones({to_text(shape)})"), lambda key: bij.Scale(jnp.ones(shape)))
        between = self.random.choice([("sigmoid", bij.Sigmoid), ("tanh", bij.Tanh)])
        return self.random.choice([
            self.join([element(*to_positive), power, back(from_positive)]),
            self.join([element(*to_positive), scale, back(from_positive)]),
            self.join([element(*between), self.wrap("invert", bij.Invert, element(*between))]),
            self.numeric(self.affine(shape, cond, 0)),
        ])

    def reshaped(self, shape, cond, depth):
        n = math.prod(shape)
        other = self.random.choice([(n,), (1, n), (n, 1)] + [(d, n // d) for d in range(2, n) if n % d == 0])
        if shape and cond is not None and len(cond) > 1:
            return self.condition_reshaped(shape, cond, depth)
        inner = self.bijection(other, cond, depth - 1)
        return Tree(call("reshape", inner.text, shape=shape), lambda key: bij.Reshape(inner.build(key), shape))

    def condition_reshaped(self, shape, cond, depth):
        flat = (math.prod(cond),)
        inner = self.join([self.shift(shape, flat, 0), self.bijection(shape, flat, depth - 1)])
        return Tree(call("reshape", inner.text, cond_shape=cond),
                    lambda key: bij.Reshape(inner.build(key), cond_shape=cond))

    def embedded(self, shape, cond, depth):
        if len(cond) != 1 or not shape:
            return self.leaf(shape, cond)
        n = 1 + self.below(3)
        text, net = self.mlp(cond[0], n)
        if self.chance(0.3):
            inner = self.bijection(shape, None, depth - 1)
        else:
            inner = self.join([self.shift(shape, (n,), 0), self.bijection(shape, (n,), depth - 1)])
        return Tree(call("embed_condition", inner.text, text, raw_cond_shape=cond),
                    lambda key: bij.EmbedCondition(inner.build(key), net(key), cond))

    def vmap_shared(self, shape, cond, depth):
        return self.wrap("vmap", lambda b: bij.Vmap(b, axis_size=shape[0]),
                         self.bijection(shape[1:], cond, depth - 1), axis_size=shape[0])

    def each_its_own(self, shape, cond, depth):
        inner = self.bijection(shape[1:], cond, depth)
        inner = self.join([self.affine(shape[1:], cond, 0), inner])
        return inner, lambda key: copies(inner.build, key, shape[0])

    def vmap_copies(self, shape, cond, depth):
        inner, build = self.each_its_own(shape, cond, depth - 1)
        whole = lambda key: bij.Vmap(build(key), in_axes=eqx.if_array(0))
        if shape[0] <= 6 and self.chance(0.3):
            return Tree(call("vmap", [inner.text] * shape[0]), whole)
        return Tree(call("vmap", inner.text, axis_size=shape[0], in_axes=0), whole)

    def vmap_conditions(self, shape, cond, depth):
        axis = cond.index(shape[0])
        if len(cond) != 2 or len(shape) < 2:
            return self.leaf(shape, cond)
        own = cond[:axis] + cond[axis + 1:]
        inner = self.join([self.shift(shape[1:], own, 0), self.bijection(shape[1:], own, depth - 1)])
        build = lambda key: copies(inner.build, key, shape[0])
        return Tree(call("vmap", inner.text, axis_size=shape[0], in_axes=0, in_axes_condition=axis),
                    lambda key: bij.Vmap(build(key), in_axes=eqx.if_array(0), in_axes_condition=axis))

    def concatenate(self, shape, cond, depth):
        axis, parts = self.below(len(shape)), []
        left = shape[axis]
        while left:
            n = 1 + self.below(left)
            parts.append(self.bijection(shape[:axis] + (n,) + shape[axis + 1:], cond, depth - 1))
            left -= n
        return self.several("concatenate", bij.Concatenate, parts, axis)

    def stack(self, shape, cond, depth):
        axis = self.below(len(shape))
        rest = shape[:axis] + shape[axis + 1:]
        few = shape[axis] <= 4
        parts = [self.bijection(rest, cond, depth - 1 if few else 0) for _ in range(shape[axis])]
        return self.several("stack", bij.Stack, parts, axis)

    def several(self, name, kind, parts, axis):
        return Tree(call(name, [p.text for p in parts], axis=axis), lambda key: kind(
            [p.build(k) for p, k in zip(parts, jr.split(key, len(parts)))], axis=axis))

    def indexed(self, shape, cond, depth):
        n, rest = shape[0], shape[1:]
        kind = self.below(4)
        if kind == 0:
            where = self.below(n)
            text, where, part = str(where), where, rest
        elif kind == 1:
            start = self.below(n)
            stop = 1 + start + self.below(n - start)
            text, where, part = call("slice", start, stop), slice(start, stop), (stop - start,) + rest
        elif kind == 2:
            chosen = [self.chance(0.5) for _ in range(n)]
            chosen[self.below(n)] = True
            text, where, part = to_text(chosen), jnp.array(chosen), (sum(chosen),) + rest
        else:
            some = [i - (n if self.chance(0.2) else 0) for i in self.random.sample(range(n), 1 + self.below(n))]
            text, where, part = to_text(some), jnp.array(some), (len(some),) + rest
        inner = self.bijection(part, cond, depth - 1)
        return Tree(call("indexed", inner.text, text, shape), lambda key: bij.Indexed(inner.build(key), where, shape))

    def distribution(self, shape, cond, depth):
        if depth > 0 and self.chance(0.25):
            return self.mixture(shape, cond, depth)
        if depth > 0 and self.chance(0.3):
            return self.transformed(shape, cond, depth)
        if len(shape) == 1 and self.chance(0.15):
            return self.normals(shape)
        return self.plain(shape)

    def plain(self, shape):
        a, b = self.number(0.5, 4), self.number(0.5, 3)
        loc, shift = round(a - 2, 3), round(b - 1, 3)
        full = lambda v: f"full({to_text(shape)}, {v})"
        name = self.random.choice(["standard_normal"] * 4 + list(LOC_SCALE) + [
            "uniform", "student_t", "exponential", "gamma", "beta"])
        if name == "standard_normal":
            return Tree(call(name, shape), lambda key: dist.StandardNormal(shape))
        if name in LOC_SCALE:
            return Tree(call(name, full(loc), b), lambda key: LOC_SCALE[name](jnp.full(shape, loc), b))
        kinds = {"uniform": ((full(-a), full(b)), lambda: dist.Uniform(jnp.full(shape, -a), jnp.full(shape, b))),
                 "student_t": ((full(a), shift, b), lambda: dist.StudentT(jnp.full(shape, a), shift, b)),
                 "exponential": ((full(a),), lambda: dist.Exponential(jnp.full(shape, a))),
                 "gamma": ((full(a), b), lambda: dist.Gamma(jnp.full(shape, a), b)),
                 "beta": ((full(a), full(b)), lambda: dist.Beta(jnp.full(shape, a), jnp.full(shape, b)))}
        arguments, build = kinds[name]
        return Tree(call(name, *arguments), lambda key: build())

    def normals(self, shape):
        n = shape[0]
        return Tree(call("multivariate_normal", f"zeros({n})", f"eye({n})"),
                    lambda key: dist.MultivariateNormal(jnp.zeros(n), jnp.eye(n)))

    def mixture(self, shape, cond, depth):
        count, inner = 1 + self.below(4), self.distribution(shape, cond, depth - 1)
        inner = self.push(inner, self.affine(shape, cond, 0))  # components have parameters of their own
        weights = [self.number(0.2, 3) for _ in range(count)]
        build = lambda key: dist.VmapMixture(copies(inner.build, key, count), jnp.array(weights))
        if self.chance(0.3):
            return Tree(call("vmap_mixture", [inner.text] * count, weights=weights), build)
        return Tree(call("vmap_mixture", inner.text, weights=weights), build)

    def transformed(self, shape, cond, depth):
        base, b = self.distribution(shape, cond, depth - 1), self.bijection(shape, cond, depth - 1)
        if self.chance(0.2):
            name, kind = self.random.choice([("exp", bij.Exp), ("sigmoid", bij.Sigmoid), ("softplus", bij.SoftPlus),
                                             ("tanh", bij.Tanh)])
            b = self.join([b, Tree(call(name, shape), lambda key: kind(shape))])
        return self.push(base, b)

    def push(self, base, b):
        return Tree(call("transformed", base.text, b.text), lambda key: dist.Transformed(
            *(t.build(k) for t, k in zip([base, b], jr.split(key)))))

    def premade(self, shape, cond):
        n, net, layers, invert = shape[0], self.network(), 1 + self.below(3), self.chance(0.6)
        cond_dim, base = cond and cond[0], self.plain(shape)
        kind = self.below(5 if n > 1 or cond else 3)
        named = {"cond_dim": cond_dim, "flow_layers": layers, "invert": invert}
        texts, extra = {}, {}
        if kind == 0 and n <= 8:
            name, named = "block_neural_autoregressive_flow", named | {
                "nn_depth": self.below(3), "nn_block_dim": 1 + self.below(4)}
            extra = {"inverter": polished}
        elif kind <= 1:
            name, named = "triangular_spline_flow", named | {"knots": 1 + self.below(8),
                                                             "tanh_max_val": self.number(1, 4)}
        elif kind == 2:
            name, named["negative_slope"] = "planar_flow", self.number(0.05, 1) if self.chance(0.8) else None
            if cond:
                named |= {"width_size": net["width"], "depth": net["depth"]}
        else:
            name = "coupling_flow" if kind == 3 else "masked_autoregressive_flow"
            named |= {"nn_width": net["width"], "nn_depth": net["depth"]}
            texts, extra = {"nn_activation": net["act"]}, {"nn_activation": ACTIVATIONS[net["act"]]}
            if self.chance(0.6):
                transformer = self.transformer()
                texts["transformer"] = transformer.text
                extra["transformer"] = transformer.build(jr.key(0))
        function = getattr(flows, name)
        return Tree(call(name, base.text, **named, **texts),
                    lambda key: function(key, base_dist=base.build(key), **named, **extra))

    def root(self):
        """The text of an item, the tree, and what it is: a flow or a bijection."""
        shape = self.shape()
        cond = self.condition(shape)
        depth = self.random.choice([1, 2, 3, 3, 4, 4, 5, 5])
        if self.chance(0.2):
            tree = self.bijection(shape, cond, depth)
            return "bijection f = " + tree.text, tree
        if len(shape) == 1 and (cond is None or len(cond) == 1) and self.chance(0.25):
            tree = self.premade(shape, cond)
        elif self.chance(0.15):
            tree = self.distribution(shape, cond, depth)
        else:
            tree = self.transformed(shape, cond, depth)
        return "flow f = " + tree.text, tree
