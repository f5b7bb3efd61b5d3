# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Flows of FlowJAX, as live objects: structure and numbers.

The language has FlowJAX's vocabulary and flowc FlowJAX's names of numbers, so that each class is a row of a table: a
function of the object that gives a part, most of them a constructor's call with the object's own fields. Numbers go
over as they are stored. Where a wrapper around them is not the one that FlowJAX's constructor makes, its value is
taken, and the number that flowc's wrapper makes that value of.
"""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import paramax
from flowjax import bijections as bij
from flowjax import distributions as dist
from flowjax.bijections import block_autoregressive_network as bnaf
from jax.tree_util import tree_leaves, tree_map

from .flowjax_numbers import activation, agrees, number_leaves, own, positive, raw_of, start, triangle
from .parts import Part, Unsupported, call, model_text, scaled, shaped, to_text


def import_flowjax(tree):
    """The text and the numbers of a distribution or a bijection of FlowJAX."""
    part = walk(tree, "")
    kind = "flow" if isinstance(tree, dist.AbstractDistribution) else "bijection"
    return model_text(part, kind), {name: np.asarray(array) for name, array in part.leaves.items()}


def walk(node, path):
    """The part that an object is. `path` is where it stands, as JAX writes it."""
    if isinstance(node, paramax.NonTrainable):
        return walk(paramax.non_trainable(node.tree), path + ".tree")
    if type(node) in TABLE:
        return TABLE[type(node)](node, path)
    plain = all(getattr(type(node), method) is getattr(dist.AbstractTransformed, method)
                for method in ("_sample", "_log_prob", "_sample_and_log_prob")) if isinstance(
                    node, dist.AbstractTransformed) else False
    if plain:
        return transformed(node, path)
    raise Unsupported(path, node, "flowc has no equal of this class")


# Simple bijections.


def numbers(constructor, **fields):
    """A bijection of arrays of its own shape: `loc` as it is, `scale` positive."""

    def build(node, path):
        written, starts, replaced = {}, {}, {}
        for field, fill in fields.items():
            scale = field == "scale"
            if scale:
                replaced[f".{field}"] = positive(node, field, path)
            value, first = start(paramax.unwrap(getattr(node, field)), node.shape, scaled if scale else lambda v: v)
            written[field] = shaped(fill, node.shape) if value is None else value
            first = {"zeros": 0.0, "ones": scaled(1.0) if scale else 1.0}[fill] if first is None else first
            starts[f".{field}.args[0]" if scale else f".{field}"] = first
        return own(node, path, call(constructor, **written), starts, replaced)

    return build


def least_scale(node):
    """The least scale of the affine map that FlowJAX's flows have by default; None for others."""
    function = getattr(node.scale, "fn", None)
    known = inspect.getclosurevars(function).nonlocals if inspect.isfunction(function) else {}
    return known.get("min_scale")


def affine_with_least_scale(node, path, least):
    item = f"bijection affine_above(x; loc = 0, raw = 0) = x*(softplus(raw) + {least!r}) + loc"
    leaves = {".loc": np.asarray(node.loc), ".raw": np.asarray(node.scale.args[0])}
    return Part("affine_above()", leaves, (item,), dict.fromkeys(leaves, 0.0))


def affine(node, path):
    """With one of both frozen, a scale and a location after each other."""
    least = least_scale(node)
    if least is not None and node.shape == ():
        return affine_with_least_scale(node, path, least)
    states = {still for _, _, still in number_leaves(node)}
    if len(states) < 2:
        return numbers("affine", loc="zeros", scale="ones")(node, path)
    loc = bij.Loc(jnp.zeros(node.shape))
    scale = bij.Scale(jnp.ones(node.shape))
    return call("chain", bijections=[walk(eqx.tree_at(lambda b: b.scale, scale, node.scale), path),
                                     walk(eqx.tree_at(lambda b: b.loc, loc, node.loc), path)])


def fields(constructor, *names):
    """A call with fields of the object as arguments."""
    return lambda node, path: own(node, path, call(constructor, **{name: getattr(node, name) for name in names}))


def permute(node, path):
    shape = node.shape
    leaves = {f".{field}[{axis}]": np.asarray(array).astype(np.int32)
              for field in ("permutation", "inverse_permutation") for axis, array in enumerate(getattr(node, field))}
    if len(shape) == 1:
        return Part(f"permute(shuffled({shape[0]}))", leaves)
    return Part(call("permute", permutation=np.arange(int(np.prod(shape))).reshape(shape)).text, leaves)


def triangular_affine(node, path):
    n, text = node.shape[0], {}
    part = call("triangular_affine", loc=f"zeros({n})", arr=f"eye({n})", lower=node.lower)
    matrix = node.triangular
    if isinstance(matrix, paramax.WeightNormalization):
        part = call("weight_normalized", bijection=part)
        text[".triangular.scale"] = raw_of(matrix.scale, jax.nn.softplus, scaled, path, node)
        text[".triangular.weight"] = raw_of(matrix.weight, *triangle(node.lower), path, node)
    else:
        text[".triangular"] = raw_of(matrix, *triangle(node.lower), path, node)
    return own(node, path, part, replaced=text)


def spline(node, path):
    known = inspect.getclosurevars(node.derivatives.fn).nonlocals if isinstance(
        node.derivatives, paramax.Parameterize) and inspect.isfunction(node.derivatives.fn) else {}
    least = known.get("min_derivative", 1e-3)
    for field in ("x_pos", "y_pos"):
        wrapper = getattr(node, field)
        if not isinstance(wrapper, paramax.RealToIncreasingOnInterval) or wrapper.include_endpoints != "both":
            raise Unsupported(path, node, f"its `{field}` is no `RealToIncreasingOnInterval` with both end points")
    if node.x_pos.min_width != node.y_pos.min_width:
        raise Unsupported(path, node, "bins of another least width than height")
    slopes = raw_of(node.derivatives, lambda raw: jax.nn.softplus(raw) + least, lambda v: scaled(v, least), path, node)
    part = call("rational_quadratic_spline", knots=node.knots, interval=list(node.interval), min_derivative=least,
                min_width=node.x_pos.min_width)
    starts = {".x_pos.arr": 0.0, ".y_pos.arr": 0.0, ".derivatives.args[0]": scaled(1.0, least)}
    return own(node, path, part, starts, {".derivatives": slopes})


# Networks.


def check_network(net, path):
    if "scalar" in (net.in_size, net.out_size) or not (net.use_bias and net.use_final_bias) or net.scan:
        raise Unsupported(path, net, "a network without all of its biases, of scalars, or with `scan = True`")
    if net.final_activation(1.5) != 1.5:
        raise Unsupported(path, net, "an activation of the last layer")


def network(net, path):
    if isinstance(net, eqx.nn.Linear):
        if "scalar" in (net.in_features, net.out_features):
            raise Unsupported(path, net, "a layer of scalars")
        bias = to_text(net.use_bias)
        return own(net, path, Part(f"linear({net.in_features}, {net.out_features}, use_bias = {bias})"))
    if not isinstance(net, eqx.nn.MLP):
        raise Unsupported(path, net, "a network that is no `equinox.nn.MLP` and no `equinox.nn.Linear`")
    check_network(net, path)
    return own(net, path, call("mlp", in_size=net.in_size, out_size=net.out_size, width_size=net.width_size,
                               depth=net.depth, activation=activation(net.activation, path, net)))


def conditioner(node, path, field, constructor, **more):
    """A bijection whose transformer gets its numbers from a network. FlowJAX keeps the transformer in a closure; what
    flowc would start it with instead is made up for by the biases of the last layer."""
    net, dim = getattr(node, field), node.shape[0]
    check_network(net, f"{path}.{field}")
    moved = dim - more.get("untransformed_dim", 0)
    transformer = walk(node.transformer_constructor(jnp.zeros(net.out_size // moved)), f"{path}.transformer")
    cond_dim = node.cond_shape and node.cond_shape[0]
    part = call(constructor, hidden=("transformer",), transformer=transformer, **more, dim=dim, cond_dim=cond_dim,
                nn_width=net.width_size, nn_depth=net.depth, nn_activation=activation(net.activation, path, node))
    whole = own(node, path, part)
    offset = np.tile(transformer_offset(transformer, path, node), moved)
    if np.any(offset):
        bias = next(n for n in whole.leaves if n.removesuffix(".tree") == f".{field}.layers[{net.depth}].bias")
        whole.leaves[bias] = (whole.leaves[bias] + offset).astype(whole.leaves[bias].dtype)
    return whole


def transformer_offset(transformer, path, node):
    offset = []
    for name, array in transformer.leaves.items():
        first = transformer.starts.get(name.removesuffix(".tree"))
        if first is None or (name.endswith(".tree") and not agrees(np.broadcast_to(first, array.shape), array)):
            raise Unsupported(path, node, f"a transformer whose `{name}` cannot be written in the language")
        if not name.endswith(".tree"):
            difference = np.asarray(array, float) - first
            offset.append(np.where(abs(difference) < 1e-15, 0, difference).ravel())
    return np.concatenate(offset)


def coupling(node, path):
    return conditioner(node, path, "conditioner", "coupling", untransformed_dim=node.untransformed_dim)


def masked_autoregressive(node, path):
    for layer in node.masked_autoregressive_mlp.layers:
        if not isinstance(layer.weight, paramax.Parameterize) or layer.weight.fn is not jnp.where:
            raise Unsupported(path, node, "weights that are not masked as FlowJAX's constructor does it")
    return conditioner(node, path, "masked_autoregressive_mlp", "masked_autoregressive")


def planar(node, path):
    named = {"dim": node.shape[0], "negative_slope": node.negative_slope}
    if node.cond_shape is None:
        return own(node, path, call("planar", **named))
    net = node.conditioner
    check_network(net, f"{path}.conditioner")
    return own(node, path, call("planar", **named, cond_dim=node.cond_shape[0], width_size=net.width_size,
                                depth=net.depth, activation=activation(net.activation, path, node)))


def block_network(node, path):
    function, items = node.activation, ()
    if isinstance(function, bnaf._LeakyTanh):
        name = None
        if function.min_grad != 0.01:
            name, items = "steeper_tanh()", (f"bijection steeper_tanh(x) = tanh(x) + {function.min_grad!r}*x",)
    elif isinstance(function, bnaf._CallableToBijection):
        name = activation(function.fn, path, node)
    else:
        name = walk(function, f"{path}.activation")
        if name.leaves:
            raise Unsupported(path, node, "an activation with numbers of its own")
        items = name.items
    part = call("block_autoregressive_network", dim=node.shape[0], cond_dim=node.cond_shape and node.cond_shape[0],
                depth=node.depth, block_dim=node.block_dim, activation=name)
    return own(node, path, Part(part.text, {}, items))


# Combinators.


def child(node, path, field="bijection"):
    return walk(getattr(node, field), f"{path}.{field}")


def children(node, path):
    return [walk(part, f"{path}.bijections[{i}]") for i, part in enumerate(node.bijections)]


def scan(node, path):
    leading = [array.shape[0] for array in tree_leaves(node.bijection) if eqx.is_array(array)]
    if not leading:
        raise Unsupported(path, node, "its layers have no arrays that would tell their number")
    return call("scan", bijection=child(node, path), layers=leading[0])


def vmap(node, path):
    in_axes, _, in_axes_condition = node.in_axes
    used = set()

    def note(axis, below):
        used.update(axis(a) if callable(axis) else axis for a in tree_leaves(below) if eqx.is_array(a))

    tree_map(note, in_axes, paramax.unwrap(node.bijection), is_leaf=lambda axis: axis is None)
    if used not in ({0}, {None}, set()):
        raise Unsupported(path, node, "`in_axes` that are not 0 for all arrays, nor None for all; write it as a chain "
                          "of a `Vmap` with shared and one with mapped numbers")
    if in_axes_condition is not None and node.bijection.cond_shape is None:
        in_axes_condition = None
    return call("vmap", bijection=child(node, path), axis_size=node.axis_size, in_axes=0 if used == {0} else None,
                in_axes_condition=in_axes_condition)


def indexed(node, path):
    where = node.idxs
    if isinstance(where, slice):
        text = call("slice", start=where.start or 0, stop=node.shape[0] if where.stop is None else where.stop,
                    step=where.step).text
    elif isinstance(where, tuple):
        raise Unsupported(path, node, "a tuple of indices")
    else:
        text = np.asarray(where)
        if eqx.is_array(where) and text.ndim > 1 and text.size:  # copies of layers
            copies = text.reshape(-1, text.shape[-1])
            if (copies != copies[0]).any():
                raise Unsupported(path, node, "other indices in each layer")
            text = copies[0]
    return call("indexed", bijection=child(node, path), idxs=text, shape=node.shape)


def embed(node, path):
    return call("embed_condition", bijection=child(node, path),
                embedding_net=network(node.embedding_net, f"{path}.embedding_net"), raw_cond_shape=node.cond_shape)


def reshape(node, path):
    return call("reshape", bijection=child(node, path), shape=node.shape,
                cond_shape=node.cond_shape if node.cond_shape != node.bijection.cond_shape else None)


def additive(node, path):
    return call("additive_condition", module=network(node.module, f"{path}.module"), shape=node.shape,
                cond_shape=node.cond_shape)


def several(constructor, **names):
    return lambda node, path: call(constructor, bijections=children(node, path),
                                   **{name: getattr(node, name) for name in names})


def wrapping(constructor, *fields):
    return lambda node, path: call(constructor, **{field: child(node, path, field) for field in fields})


# Distributions.


def transformed(node, path):
    part = call("transformed", base_dist=child(node, path, "base_dist"), bijection=child(node, path))
    return default_flow(node, part) or part


DEFAULT_LAYERS = {bij.Coupling: ("coupling_flow", "conditioner"),
                  bij.MaskedAutoregressive: ("masked_autoregressive_flow", "masked_autoregressive_mlp")}


def default_flow(node, part):
    """The part of a flow of FlowJAX's with its default transformer, which is no constructor: the flow itself is one.
    None for others; `part` is what it is in general."""
    stack = node.bijection.bijection if isinstance(node.bijection, bij.Invert) else node.bijection
    layer = getattr(stack, "bijection", None)
    first, *rest = layer.bijections if isinstance(layer, bij.Chain) else [layer]
    after = {1: [], 2: [bij.Flip]}.get(node.shape[-1] if node.shape else 0, [bij.Permute])
    if not isinstance(stack, bij.Scan) or type(first) not in DEFAULT_LAYERS or [type(b) for b in rest] != after:
        return None
    constructor, field = DEFAULT_LAYERS[type(first)]
    net, kept = getattr(first, field), getattr(first, "untransformed_dim", 0)
    count = net.out_size // (first.shape[0] - kept)
    transformer = first.transformer_constructor(jnp.zeros(count))
    leaves = number_leaves(node.bijection)
    if type(transformer) is not bij.Affine or least_scale(transformer) != 0.01 or any(still for *_, still in leaves):
        return None
    start = np.array([0, scaled(1.0, 0.01)])
    given = np.array([transformer.loc, transformer.scale.args[0]])
    halves = type(first) is not bij.Coupling or kept == first.shape[0] // 2
    if not np.allclose(given, start, rtol=0, atol=1e-7) or not halves:
        return None
    numbers = {f".bijection{name}": array for name, array, _ in leaves}
    text = call(constructor, base_dist=walk(node.base_dist, ""), cond_dim=first.cond_shape and first.cond_shape[0],
                flow_layers=len(leaves[0][1]), nn_width=net.width_size, nn_depth=net.depth,
                nn_activation=activation(net.activation, "", first), invert=stack is not node.bijection)
    return Part(text.text, {name: numbers.get(name, array) for name, array in part.leaves.items()}, text.items)


def distribution(constructor, *arguments, scale=None, base=()):
    """A distribution of arrays of its own shape. `scale`: where its scale stands; `base`: what its base keeps."""

    def build(node, path):
        replaced = {}
        if scale:
            bijection = node.bijection
            replaced[".bijection.scale"] = positive(bijection, "scale", path)
        for field in base:
            owner = node.base_dist if hasattr(node, "base_dist") else node
            place = f".base_dist.{field}" if hasattr(node, "base_dist") else f".{field}"
            replaced[place] = positive(owner, field, path)
        return own(node, path, call(constructor, **{a: shaped("ones", node.shape) for a in arguments}),
                   replaced=replaced)

    return build


def log_normal(node, path):
    return own(node, path, call("log_normal", loc=shaped("zeros", node.shape), scale=shaped("ones", node.shape)),
               replaced={".base_dist.bijection.scale": positive(node.base_dist.bijection, "scale", path)})


def multivariate_normal(node, path):
    n = node.shape[0]
    raw = raw_of(node.bijection.triangular, *triangle(True), path, node)
    return own(node, path, call("multivariate_normal", loc=f"zeros({n})", covariance=f"eye({n})"),
               replaced={".bijection.triangular": raw})


def uniform(node, path):
    """Frozen in flowc, too."""
    replaced = positive(node.bijection, "scale", path)
    leaves = {name.removesuffix(".tree") + ".tree": array for name, array, _ in number_leaves(node)}
    if replaced is not None:
        leaves[".bijection.scale.args[0].tree"] = replaced
    return Part(call("uniform", minval=shaped("zeros", node.shape), maxval=shaped("ones", node.shape)).text, leaves)


def mixture(node, path):
    weights = node.log_normalized_weights
    raw = raw_of(weights, jax.nn.log_softmax, lambda v: v, path, node)
    name, (_, array, still) = ".log_normalized_weights", number_leaves(weights)[0]
    if still:
        raise Unsupported(path, node, "frozen weights")
    leaves = {f"{name}.args[0]": array if raw is None else raw}
    return call("vmap_mixture", leaves, dist=child(node, path, "dist"),
                weights=f"ones({leaves[f'{name}.args[0]'].shape[-1]})")


LOC_SCALE = ("loc", "scale")
TABLE = {
    bij.Affine: affine,
    bij.Loc: numbers("loc", loc="zeros"),
    bij.Scale: numbers("scale", scale="ones"),
    bij.TriangularAffine: triangular_affine,
    bij.AdditiveCondition: additive,
    bij.Exp: fields("exp", "shape"),
    bij.Sigmoid: fields("sigmoid", "shape"),
    bij.SoftPlus: fields("softplus", "shape"),
    bij.Tanh: fields("tanh", "shape"),
    bij.LeakyTanh: fields("leaky_tanh", "max_val", "shape"),
    bij.Power: fields("power", "exponent", "shape"),
    bij.Identity: fields("identity", "shape"),
    bij.Flip: fields("flip", "shape"),
    bij.DiscreteCosine: fields("discrete_cosine", "shape", "axis"),
    bij.Permute: permute,
    bij.Householder: lambda node, path: own(node, path, call("householder", params=shaped("ones", node.shape))),
    bij.RationalQuadraticSpline: spline,
    bij.Coupling: coupling,
    bij.MaskedAutoregressive: masked_autoregressive,
    bij.Planar: planar,
    bij.BlockAutoregressiveNetwork: block_network,
    bij.Chain: several("chain"),
    bij.Concatenate: several("concatenate", axis=0),
    bij.Stack: several("stack", axis=0),
    bij.Invert: wrapping("invert", "bijection"),
    bij.NumericalInverse: wrapping("numerical_inverse", "bijection"),
    bij.Sandwich: wrapping("sandwich", "inner", "outer"),
    bij.Scan: scan,
    bij.Vmap: vmap,
    bij.Indexed: indexed,
    bij.Reshape: reshape,
    bij.EmbedCondition: embed,
    dist.StandardNormal: fields("standard_normal", "shape"),
    dist.Normal: distribution("normal", *LOC_SCALE, scale="scale"),
    dist.Gumbel: distribution("gumbel", *LOC_SCALE, scale="scale"),
    dist.Cauchy: distribution("cauchy", *LOC_SCALE, scale="scale"),
    dist.Laplace: distribution("laplace", *LOC_SCALE, scale="scale"),
    dist.Logistic: distribution("logistic", *LOC_SCALE, scale="scale"),
    dist.StudentT: distribution("student_t", "df", *LOC_SCALE, scale="scale", base=("df",)),
    dist.Exponential: distribution("exponential", "rate", scale="scale"),
    dist.Gamma: distribution("gamma", "concentration", "scale", scale="scale", base=("concentration",)),
    dist.Beta: distribution("beta", "alpha", "beta", base=("alpha", "beta")),
    dist.LogNormal: log_normal,
    dist.MultivariateNormal: multivariate_normal,
    dist.Uniform: uniform,
    dist.VmapMixture: mixture,
    dist.Transformed: transformed,
}
