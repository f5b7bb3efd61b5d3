# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models as live objects of FlowJAX: the text is built with FlowJAX's classes, then every array gets its number."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import paramax
from flowjax import bijections as bij
from flowjax import distributions as dist
from flowjax import flows
from jax.tree_util import keystr, tree_flatten_with_path, tree_map, tree_unflatten

from .flowjax_numbers import ACTIVATIONS
from .parts import Unsupported
from .reading import evaluate, read_items

KEY = jax.random.key(0)  # of initial values, which are replaced
TUPLES = {"shape", "cond_shape", "raw_cond_shape", "interval"}
INITIALISERS = ["uniform", "normal", "zeros", "ones"] + [
    f"{kind}_{law}" for kind in ("glorot", "xavier", "he", "kaiming", "lecun") for law in ("uniform", "normal")]
WORDS = (dict.fromkeys(INITIALISERS) | {"none": None, "true": True, "false": False} |
         {name: same[0] for name, same in ACTIVATIONS.items()})


def export_flowjax(text, name, parameters):
    """The object that an item of a text is, with the numbers of a model: arrays by name."""
    wide = [n for n, array in parameters.items() if np.asarray(array).dtype == np.float64]
    if wide and not jax.config.jax_enable_x64:
        raise ValueError("the model is of float64: set jax_enable_x64 before, or export a float32 model")
    known = dict(WORDS)
    for _, item, tree in read_items(text):
        if tree is not None:
            known[item] = evaluate(tree, known, construct)
    return with_numbers(known[name], parameters)


def with_numbers(tree, parameters):
    leaves, structure = tree_flatten_with_path(tree)
    left, new = dict(parameters), []
    for path, leaf in leaves:
        name = keystr(path)
        if name not in left:
            new.append(leaf)
            continue
        array = jnp.asarray(np.asarray(left.pop(name)), leaf.dtype if eqx.is_array(leaf) and leaf.dtype.kind == "i"
                            else None)
        if array.shape != leaf.shape:
            raise Unsupported(name, "array", f"its shape is {array.shape} in the model, {leaf.shape} in FlowJAX",
                              "exported")
        new.append(array)
    if left:
        raise Unsupported(next(iter(left)), "array", "FlowJAX's object has no such number", "exported")
    return tree_unflatten(structure, new)


# Constructors.


def construct(name, values, named):
    if name not in TABLE:
        raise Unsupported("", name, "FlowJAX has nothing of this kind", "exported")
    return TABLE[name](*values, **named)


def to_array(value):
    return jnp.asarray(value, float) if isinstance(value, list) else value


def is_objects(value):
    return isinstance(value, list) and bool(value) and not isinstance(value[0], (int, float, list))


def fitting(name, value):
    """An argument as FlowJAX wants it."""
    if name in TUPLES and isinstance(value, list):
        return tuple(value)
    if name == "idxs" and isinstance(value, list):
        return jnp.asarray(value)
    return value if is_objects(value) else to_array(value)


def of(function, *more):
    """Calls a class or a function of FlowJAX, whose arguments come in the language's order: FlowJAX's, less the key."""
    signature = inspect.signature(function).parameters
    order = [n for n, p in signature.items() if n != "key" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]

    def build(*values, **named):
        named = dict(zip([*order, *more], values)) | named
        key = {"key": KEY} if "key" in signature else {}
        return function(**key, **{n: fitting(n, v) for n, v in named.items() if not (n in more and v is None)})

    return build


def vector_like(function):
    """`zeros(shape)` and the like, of a shape or a number."""
    return lambda shape, *rest: function(tuple(shape) if isinstance(shape, list) else (shape,), *rest)


def copies(tree, count):
    return tree_map(lambda a: jnp.broadcast_to(a, (count, *a.shape)) if eqx.is_array(a) else a, tree)


def stacked(trees):
    def stack(*leaves):
        return jnp.stack(leaves) if eqx.is_array(leaves[0]) else leaves[0]
    return tree_map(stack, *trees)


def scan(bijection, layers=None):
    return bij.Scan(stacked(bijection) if isinstance(bijection, list) else copies(bijection, layers))


def vmap(bijection, axis_size=None, in_axes=None, in_axes_condition=None):
    if isinstance(bijection, list):
        bijection, in_axes = stacked(bijection), 0
    elif in_axes is not None:
        bijection = copies(bijection, axis_size)
    if in_axes is None:
        return bij.Vmap(bijection, axis_size=axis_size, in_axes_condition=in_axes_condition)
    return bij.Vmap(bijection, in_axes=eqx.if_array(0), in_axes_condition=in_axes_condition)


def mixture(dist_, weights):
    weights = jnp.asarray(weights, float)
    return dist.VmapMixture(stacked(dist_) if isinstance(dist_, list) else copies(dist_, len(weights)), weights)


def triangular_spline_flow(*values, init=None, **named):
    """`init` makes start values."""
    return of(flows.triangular_spline_flow)(*values[:7], **named)


def mlp(in_size, out_size, width_size, depth, activation=jax.nn.relu):
    return eqx.nn.MLP(in_size, out_size, width_size, depth, activation, key=KEY)


def weight_normalized(bijection):
    return eqx.tree_at(lambda t: t.triangular, bijection, replace_fn=paramax.WeightNormalization)


def numerical_inverse(bijection, inverter=None, use_implicit_differentation=True):
    if inverter is None:
        from functools import partial

        from flowjax.root_finding import bisect_check_expand_search, root_finder_to_inverter
        inverter = root_finder_to_inverter(
            partial(bisect_check_expand_search, midpoint=jnp.zeros(bijection.shape), width=5))
    return bij.NumericalInverse(bijection, inverter, use_implicit_differentation=use_implicit_differentation)


def embed_condition(bijection, embedding_net, raw_cond_shape):
    wrap = lambda b: bij.EmbedCondition(b, embedding_net, tuple(raw_cond_shape))
    if isinstance(bijection, dist.AbstractDistribution):
        return dist.Transformed(bijection.base_dist, wrap(bijection.bijection))
    return wrap(bijection)


# Flows in units of data: the last bijections that map onto a support, with nothing to train, and the rest.

ONTO_A_PART = (bij.Exp, bij.Sigmoid, bij.SoftPlus, bij.Tanh)


def parts_of(bijection):
    return [p for b in bijection.bijections for p in parts_of(b)] if isinstance(bijection, bij.Chain) else [bijection]


def split(flow):
    parts = parts_of(flow.bijection) if isinstance(flow, dist.AbstractTransformed) else []
    last = len(parts)
    while last and isinstance(parts[last - 1], ONTO_A_PART):
        last -= 1
    return (flow.base_dist, parts[:last], parts[last:]) if last < len(parts) else (flow, [], [])


def joined(parts):
    return parts[0] if len(parts) == 1 else bij.Chain(parts)


def unconstrained(flow):
    base, inner, _ = split(flow)
    return dist.Transformed(base, joined(inner)) if inner else base


def support_map(flow):
    maps = split(flow)[2]
    return joined(maps) if maps else bij.Identity(flow.shape)


def after_base(flow, bijection):
    if not isinstance(flow, dist.AbstractTransformed):
        return dist.Transformed(flow, bijection)
    return dist.Transformed(after_base(flow.base_dist, bijection), flow.bijection)


TABLE = {
    "zeros": vector_like(jnp.zeros), "ones": vector_like(jnp.ones), "full": vector_like(jnp.full),
    "random_normal": vector_like(lambda shape, scale=1: jnp.ones(shape)), "glorot_uniform": vector_like(jnp.ones),
    "arange": jnp.arange, "shuffled": jnp.arange, "eye": jnp.eye, "slice": slice,
    "standard_normal": of(dist.StandardNormal), "normal": of(dist.Normal), "log_normal": of(dist.LogNormal),
    "multivariate_normal": of(dist.MultivariateNormal), "uniform": of(dist.Uniform), "gumbel": of(dist.Gumbel),
    "cauchy": of(dist.Cauchy), "laplace": of(dist.Laplace), "logistic": of(dist.Logistic),
    "student_t": of(dist.StudentT), "exponential": of(dist.Exponential), "gamma": of(dist.Gamma),
    "beta": of(dist.Beta), "transformed": of(dist.Transformed),
    "vmap_mixture": lambda dist, weights: mixture(dist, weights),
    "affine": of(bij.Affine), "loc": of(bij.Loc), "scale": of(bij.Scale), "exp": of(bij.Exp),
    "sigmoid": of(bij.Sigmoid), "softplus": of(bij.SoftPlus), "tanh": of(bij.Tanh), "leaky_tanh": of(bij.LeakyTanh),
    "power": of(bij.Power), "identity": of(bij.Identity), "flip": of(bij.Flip),
    "permute": lambda permutation: bij.Permute(jnp.asarray(permutation, int)),
    "triangular_affine": of(bij.TriangularAffine), "weight_normalized": weight_normalized,
    "householder": of(bij.Householder), "discrete_cosine": of(bij.DiscreteCosine),
    "additive_condition": of(bij.AdditiveCondition), "rational_quadratic_spline": of(bij.RationalQuadraticSpline),
    "coupling": of(bij.Coupling), "masked_autoregressive": of(bij.MaskedAutoregressive),
    "planar": of(bij.Planar, "width_size", "depth", "activation"),
    "block_autoregressive_network": of(bij.BlockAutoregressiveNetwork),
    "chain": of(bij.Chain), "scan": scan, "invert": of(bij.Invert), "numerical_inverse": numerical_inverse,
    "embed_condition": embed_condition, "sandwich": of(bij.Sandwich), "concatenate": of(bij.Concatenate),
    "stack": of(bij.Stack), "indexed": of(bij.Indexed), "reshape": of(bij.Reshape), "vmap": vmap,
    "non_trainable": paramax.non_trainable, "unconstrained": unconstrained, "support_map": support_map,
    "after_base": after_base, "mlp": mlp,
    "linear": lambda n, out, use_bias=True: eqx.nn.Linear(n, out, use_bias, key=KEY),
    "coupling_flow": of(flows.coupling_flow), "masked_autoregressive_flow": of(flows.masked_autoregressive_flow),
    "block_neural_autoregressive_flow": of(flows.block_neural_autoregressive_flow),
    "triangular_spline_flow": triangular_spline_flow,
    "planar_flow": of(flows.planar_flow, "width_size", "depth", "activation"),
}
