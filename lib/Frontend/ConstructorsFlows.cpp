//===- ConstructorsFlows.cpp - FlowJAX's premade flows --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace flowc {

/// FlowJAX's `_affine_with_min_scale`, the transformer of flows that name none:
/// the identity, with scales that stay above 0.01.
static NodePtr makeDefaultTransformer(Call &call) {
  ArrayValue zero = std::get<ArrayValue>(number(0)), one = std::get<ArrayValue>(number(1));
  return makeAffine(call, zero, one, /*minScale=*/0.01);
}

/// FlowJAX's `_add_default_permute`: a layer followed by a permutation, in one chain.
static NodePtr addPermutation(Call &call, const NodePtr &bijection) {
  if (call.failed() || bijection->shape == Shape{1})
    return bijection;
  int64_t dim = bijection->shape[0];
  NodeList parts;
  if (getKind(*bijection).isSequence)
    parts = getChildren(*bijection);
  else
    parts.push_back(bijection);
  parts.push_back(dim == 2 ? makeShaped(call, Node::Category::Bijection, "flip", bijection->shape)
                           : makeShuffledPermute(call, dim));
  return makeChain(call, parts);
}

/// The base transformed by `flow_layers` copies of a layer.
static NodePtr makeFlow(Call &call, const NodePtr &base, const NodePtr &layer) {
  constexpr int64_t maxLayers = 1000000;
  if (!call.failed() && base->condShape && layer->condShape && *base->condShape != *layer->condShape) {
    call.failAt("cond_dim", "`cond_dim` of `" + call.name() + "` must agree with `base_dist`: " + describe(*base) +
                                " takes conditions of shape " + formatShape(*base->condShape) +
                                ", the layers of shape " + formatShape(*layer->condShape));
    return nullptr;
  }
  NodePtr bijection = makeScan(call, addPermutation(call, layer), call.integer("flow_layers", 1, maxLayers));
  if (call.boolean("invert"))
    bijection = makeInvert(call, bijection);
  return makeTransformed(call, base, bijection);
}

/// `base_dist`, which must be a distribution over vectors.
static NodePtr readBase(Call &call) {
  NodePtr base = call.distribution("base_dist");
  if (base && base->shape.size() != 1)
    call.failAt("base_dist", "`base_dist` of `" + call.name() + "` must be over vectors, a shape such as [3]; " +
                                 describe(*base) + " has shape " + formatShape(base->shape));
  return base;
}

/// The options of a layer with a conditioner, from the flow's arguments.
static ConditionerOptions readOptions(Call &call, const NodePtr &base) {
  ConditionerOptions options;
  options.transformer = call.has("transformer") ? call.bijection("transformer") : makeDefaultTransformer(call);
  options.condDim = call.optionalInteger("cond_dim");
  options.width = call.integer("nn_width");
  options.depth = call.integer("nn_depth", 0, maxNetworkDepth);
  options.activation = call.activation("nn_activation");
  if (!call.failed())
    options.dim = base->shape[0];
  return options;
}

static Value::Data buildCouplingFlow(Call &call) {
  NodePtr base = readBase(call);
  ConditionerOptions options = readOptions(call, base);
  return makeFlow(call, base, makeCoupling(call, options, options.dim / 2));
}

static Value::Data buildMaskedAutoregressiveFlow(Call &call) {
  NodePtr base = readBase(call);
  return makeFlow(call, base, makeMaskedAutoregressive(call, readOptions(call, base)));
}

static Value::Data buildPlanarFlow(Call &call) {
  NodePtr base = readBase(call);
  return call.failed() ? nullptr : makeFlow(call, base, makePlanar(call, base->shape[0]));
}

static Value::Data buildBlockNeuralAutoregressiveFlow(Call &call) {
  NodePtr base = readBase(call);
  BlockNetworkOptions options;
  options.condDim = call.optionalInteger("cond_dim");
  options.depth = call.integer("nn_depth", 0, maxNetworkDepth);
  options.blockDim = call.integer("nn_block_dim");
  if (call.failed())
    return {};
  options.dim = base->shape[0];
  NodePtr network = makeBlockAutoregressiveNetwork(call, options);
  return makeFlow(call, base, makeNumericalInverse(call, network));
}

//===----------------------------------------------------------------------===//
// Triangular spline flow
//===----------------------------------------------------------------------===//

namespace {
/// An initialiser of `jax.nn.initializers`, with JAX's default arguments.
struct Initialiser {
  llvm::StringLiteral name;
  Init::Kind kind;
  /// Of the entries of a matrix with one row.
  double variance;
  /// Whether the variance falls with the number of rows.
  bool isScaled = true;
  double mean = 0;
};
} // namespace

static llvm::ArrayRef<Initialiser> getInitialisers() {
  using enum Init::Kind;
  // `uniform` is U(0, 0.01), `normal` has the deviation 0.01.
  static constexpr Initialiser table[] = {
      {"glorot_uniform", Uniform, 1},
      {"xavier_uniform", Uniform, 1},
      {"glorot_normal", TruncatedNormal, 1},
      {"xavier_normal", TruncatedNormal, 1},
      {"he_uniform", Uniform, 2},
      {"kaiming_uniform", Uniform, 2},
      {"he_normal", TruncatedNormal, 2},
      {"kaiming_normal", TruncatedNormal, 2},
      {"lecun_uniform", Uniform, 1},
      {"lecun_normal", TruncatedNormal, 1},
      {"uniform", Uniform, 1e-4 / 12, false, 0.005},
      {"normal", Normal, 1e-4, false},
      {"zeros", Uniform, 0, false},
      {"ones", Uniform, 0, false, 1},
  };
  return table;
}

/// The argument `init`: a square matrix, or an initialiser of one.
static ArrayValue readInitialMatrix(Call &call, int64_t dim) {
  ArrayValue matrix;
  if (call.has("init") && !call.isName("init")) {
    matrix = call.array("init", "the name of an initialiser, such as glorot_uniform, or a matrix");
    if (!call.failed() && matrix.shape != Shape{dim, dim})
      call.failAt("init", "`init` of `" + call.name() + "` must be a matrix of shape " + formatShape({dim, dim}) +
                              " or the name of an initialiser, such as glorot_uniform; found shape " +
                              formatShape(matrix.shape));
    // FlowJAX puts ones on the diagonal of whatever it is.
    for (int64_t i = 0; !call.failed() && matrix.init.kind == Init::Kind::Values && i < dim; ++i)
      matrix.init.values[i * dim + i] = 1;
    return matrix;
  }
  std::string name = call.has("init") ? call.word("init") : "glorot_uniform";
  const Initialiser *found =
      llvm::find_if(getInitialisers(), [&](const Initialiser &entry) { return entry.name == name; });
  matrix.shape = {dim, dim};
  matrix.integral = false;
  if (found == getInitialisers().end()) {
    std::vector<llvm::StringRef> names;
    for (const Initialiser &entry : getInitialisers())
      names.push_back(entry.name);
    if (!call.failed())
      call.failAt("init", "unknown initialiser `" + llvm::StringRef(name).substr(0, 60) + "`" +
                              suggestion(name, names) + " (initialisers: " + llvm::join(names, ", ") +
                              "; or a matrix)");
    return matrix;
  }
  double deviation = std::sqrt(found->isScaled ? found->variance / double(dim) : found->variance);
  // Half the width of a uniform distribution; what is cut off narrows a normal one.
  constexpr double truncatedDeviation = 0.87962566103423978;
  matrix.init.kind = found->kind;
  matrix.init.offset = found->mean;
  matrix.init.scale = found->kind == Init::Kind::Uniform           ? std::sqrt(3.0) * deviation
                      : found->kind == Init::Kind::TruncatedNormal ? deviation / truncatedDeviation
                                                                   : deviation;
  return matrix;
}

/// A layer of FlowJAX's `triangular_spline_flow`, before the permutation.
static NodePtr makeTriangularSpline(Call &call, int64_t dim, std::optional<int64_t> condDim) {
  int64_t knots = call.integer("knots", 1, maxKnots);
  double tanhMaxVal = call.real("tanh_max_val");
  if (tanhMaxVal <= 0)
    call.failAt("tanh_max_val",
                "`tanh_max_val` of `" + call.name() + "` must be positive, found " + formatNumber(tanhMaxVal));
  ArrayValue matrix = readInitialMatrix(call, dim);
  NodePtr spline = makeSpline(call, knots, {-1, 1}, /*minDerivative=*/1e-3, /*minWidth=*/1e-3);
  NodePtr splines = makeVmap(call, spline, dim, /*isStacked=*/true);
  NodePtr tanh = makeElementwise(call, "leaky_tanh", tanhMaxVal, {dim});
  ArrayValue zeros;
  zeros.shape = {dim};
  zeros.init.values.assign(dim, 0.0);
  NodePtr triangular = makeTriangularAffine(call, zeros, matrix, /*lower=*/true);
  NodeList parts{makeSandwich(call, splines, tanh), makeWeightNormalized(call, triangular)};
  if (condDim)
    parts.push_back(makeAdditiveCondition(call, makeLinear(call, *condDim, dim, /*useBias=*/false), {dim}, {*condDim}));
  return makeChain(call, parts);
}

static Value::Data buildTriangularSplineFlow(Call &call) {
  NodePtr base = readBase(call);
  std::optional<int64_t> condDim = call.optionalInteger("cond_dim");
  return call.failed() ? nullptr : makeFlow(call, base, makeTriangularSpline(call, base->shape[0], condDim));
}

llvm::ArrayRef<Constructor> flowConstructors() {
  static const std::vector<Parameter> conditionerFlow = {{"base_dist"},
                                                         {"transformer", std::monostate()},
                                                         {"cond_dim", std::monostate()},
                                                         {"flow_layers", number(8)},
                                                         {"nn_width", number(50)},
                                                         {"nn_depth", number(1)},
                                                         {"nn_activation", Word{"relu"}},
                                                         {"invert", true}};
  static const std::vector<Constructor> table = {
      {"coupling_flow", conditionerFlow, buildCouplingFlow,
       "Layers of `coupling`, each behind a permutation: both directions cost one network pass."},
      {"masked_autoregressive_flow", conditionerFlow, buildMaskedAutoregressiveFlow,
       "Layers of `masked_autoregressive`, each behind a permutation: the density costs one network pass a layer, a "
       "sample one for each coordinate; `invert = false` exchanges the two."},
      {"block_neural_autoregressive_flow",
       {{"base_dist"},
        {"cond_dim", std::monostate()},
        {"nn_depth", number(1)},
        {"nn_block_dim", number(8)},
        {"flow_layers", number(1)},
        {"invert", true},
        {"activation", std::monostate()},
        {"inverter", std::monostate()},
        {"use_implicit_differentation", true}},
       buildBlockNeuralAutoregressiveFlow,
       "Layers of `block_autoregressive_network`, each behind a permutation."},
      {"triangular_spline_flow",
       {{"base_dist"},
        {"cond_dim", std::monostate()},
        {"flow_layers", number(8)},
        {"knots", number(8)},
        {"tanh_max_val", number(3)},
        {"invert", true},
        {"init", Word{"glorot_uniform"}}},
       buildTriangularSplineFlow,
       "Layers of splines between `leaky_tanh`, of a triangular matrix and of a shift by the condition."},
      {"planar_flow",
       {{"base_dist"},
        {"cond_dim", std::monostate()},
        {"flow_layers", number(8)},
        {"invert", true},
        {"negative_slope", std::monostate()},
        {"width_size", std::monostate()},
        {"depth", std::monostate()},
        {"activation", Word{"relu"}}},
       buildPlanarFlow,
       "Layers of `planar`, each behind a permutation."},
  };
  return table;
}

} // namespace flowc
