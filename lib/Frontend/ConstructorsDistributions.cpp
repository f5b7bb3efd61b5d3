//===- ConstructorsDistributions.cpp - Distributions ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <cmath>

namespace flowc {

using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Transformed distributions
//===----------------------------------------------------------------------===//

/// A distribution whose fields are `base_dist` and `bijection`.
static NodePtr makeWithBase(Call &call, StringRef kind, const NodePtr &base, const NodePtr &bijection) {
  if (!base || !bijection)
    return nullptr;
  auto node = call.makeNode(Node::Category::Distribution, kind, base->shape, mergeCondShapes(call, {base, bijection}));
  node->fields.push_back(Child{"base_dist", base});
  node->fields.push_back(Child{"bijection", bijection});
  return call.finish(node);
}

NodePtr makeTransformed(Call &call, const NodePtr &base, const NodePtr &bijection) {
  if (call.failed())
    return nullptr;
  if (base->shape != bijection->shape) {
    call.fail("the shapes of `base_dist` and `bijection` differ: " + describe(*base) + " has shape " +
              formatShape(base->shape) + ", " + describe(*bijection) + " has shape " + formatShape(bijection->shape));
    return nullptr;
  }
  return makeWithBase(call, "transformed", base, bijection);
}

static Value::Data buildTransformed(Call &call) {
  NodePtr base = call.distribution("base_dist"), bijection = call.bijection("bijection");
  return makeTransformed(call, base, bijection);
}

/// The distribution `kind` without parameters.
static NodePtr makeStandard(Call &call, StringRef kind, const Shape &shape) {
  return makeShaped(call, Node::Category::Distribution, kind, shape);
}

static Value::Data buildStandardNormal(Call &call) { return makeStandard(call, call.name(), call.shape("shape")); }

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// The positive arrays among `names` and the others, all broadcast to their common
/// shape; empty after an error.
static llvm::SmallVector<ArrayValue> readArrays(Call &call, llvm::ArrayRef<StringRef> names,
                                                llvm::ArrayRef<StringRef> positive) {
  llvm::SmallVector<ArrayValue> arrays;
  for (StringRef name : names)
    arrays.push_back(llvm::is_contained(positive, name) ? call.positiveArray(name) : call.array(name));
  if (call.failed())
    return {};
  Shape shape;
  for (auto [name, array] : llvm::zip_equal(names, arrays)) {
    std::optional<Shape> wider = broadcastShapes(shape, array.shape);
    if (!wider) {
      call.failAt(name, "`" + name + "` of `" + call.name() + "` has shape " + formatShape(array.shape) +
                            ", which does not fit to the other arguments, of shape " + formatShape(shape));
      return {};
    }
    shape = *wider;
  }
  for (auto [name, array] : llvm::zip_equal(names, arrays)) {
    if (array.init.kind != Init::Kind::Values && array.shape != shape) {
      call.failAt(name, "a random `" + name + "` of `" + call.name() + "` must have the shape of the whole, " +
                            formatShape(shape) + ", found " + formatShape(array.shape));
      return {};
    }
    array = broadcast(array, shape);
  }
  return arrays;
}

/// Whether the entries of an argument are known numbers.
static bool checkNumbers(Call &call, StringRef name, const ArrayValue &array) {
  if (array.init.kind == Init::Kind::Values)
    return true;
  call.failAt(name, "`" + name + "` of `" + call.name() + "` must be given numbers, not a random array");
  return false;
}

/// The leaf of a positive parameter that FlowJAX keeps as softplus of a raw number.
static Leaf positiveLeaf(const std::string &name, const ArrayValue &value) {
  return trainableLeaf(name + ".args[0]", rawScale(value, /*minScale=*/0));
}

//===----------------------------------------------------------------------===//
// Location and scale
//===----------------------------------------------------------------------===//

/// `NAME(loc, scale)`: `standard_NAME` behind an affine map.
static Value::Data buildLocScale(Call &call) {
  ArrayValue loc = call.array("loc"), scale = call.positiveArray("scale");
  NodePtr affine = makeAffine(call, loc, scale, /*minScale=*/0);
  if (!affine)
    return {};
  return makeWithBase(call, call.name(), makeStandard(call, ("standard_" + call.name()).str(), affine->shape), affine);
}

static Value::Data buildLogNormal(Call &call) {
  ArrayValue loc = call.array("loc"), scale = call.positiveArray("scale");
  NodePtr affine = makeAffine(call, loc, scale, /*minScale=*/0);
  if (!affine)
    return {};
  NodePtr normal = makeWithBase(call, "normal", makeStandard(call, "standard_normal", affine->shape), affine);
  return makeWithBase(call, call.name(), normal, makeShaped(call, Node::Category::Bijection, "exp", affine->shape));
}

static Value::Data buildUniform(Call &call) {
  llvm::SmallVector<ArrayValue> arrays = readArrays(call, {"minval", "maxval"}, {});
  if (arrays.empty() || !checkNumbers(call, "minval", arrays[0]) || !checkNumbers(call, "maxval", arrays[1]))
    return {};
  const ArrayValue &minval = arrays[0];
  ArrayValue scale = arrays[1];
  for (auto [index, entry] : llvm::enumerate(scale.init.values)) {
    double low = minval.init.values[index];
    if (entry > low) {
      entry -= low;
      continue;
    }
    std::string where = scale.shape.empty() ? "" : " at index " + std::to_string(index);
    call.failAt("maxval", "`maxval` of `uniform` must be above `minval`, found " + formatNumber(entry) + " and " +
                              formatNumber(low) + where);
    return {};
  }
  NodePtr affine = makeAffine(call, minval, scale, /*minScale=*/0);
  if (!affine)
    return {};
  return makeWithBase(call, call.name(), makeStandard(call, "standard_uniform", affine->shape), freeze(call, affine));
}

//===----------------------------------------------------------------------===//
// Multivariate normal
//===----------------------------------------------------------------------===//

/// The lower Cholesky factor of the covariance matrix in place; false if it is
/// not positive definite.
static bool factorise(std::vector<double> &matrix, int64_t dim) {
  for (int64_t i = 0; i < dim; ++i)
    for (int64_t j = 0; j < dim; ++j) {
      double &entry = matrix[i * dim + j];
      if (j > i) {
        entry = 0;
        continue;
      }
      for (int64_t k = 0; k < j; ++k)
        entry -= matrix[i * dim + k] * matrix[j * dim + k];
      if (i == j && !(entry > 0))
        return false;
      entry = i == j ? std::sqrt(entry) : entry / matrix[j * dim + j];
    }
  return true;
}

/// Whether the array is a symmetric matrix of numbers.
static bool checkCovariance(Call &call, const ArrayValue &covariance) {
  constexpr StringRef name = "covariance";
  if (call.failed() || !checkNumbers(call, name, covariance))
    return false;
  const Shape &shape = covariance.shape;
  if (shape.size() != 2 || shape[0] != shape[1]) {
    call.failAt(name,
                "`covariance` of `multivariate_normal` must be a square matrix, found shape " + formatShape(shape));
    return false;
  }
  int64_t dim = shape[0];
  for (int64_t i = 0; i < dim; ++i)
    for (int64_t j = 0; j < i; ++j) {
      double lower = covariance.init.values[i * dim + j], upper = covariance.init.values[j * dim + i];
      // FlowJAX would take the mean of what are rounding errors.
      if (std::abs(lower - upper) <= 1e-6 * (std::abs(lower) + std::abs(upper)))
        continue;
      call.failAt(name, "`covariance` of `multivariate_normal` must be symmetric: entry [" + Twine(i) + ", " +
                            Twine(j) + "] is " + formatNumber(lower) + ", entry [" + Twine(j) + ", " + Twine(i) +
                            "] is " + formatNumber(upper));
      return false;
    }
  return true;
}

static Value::Data buildMultivariateNormal(Call &call) {
  ArrayValue loc = call.array("loc"), covariance = call.array("covariance");
  if (!checkCovariance(call, covariance))
    return {};
  int64_t dim = covariance.shape[0];
  bool isNumber = loc.shape.size() <= 1 && numElements(loc.shape) == 1 && loc.init.kind == Init::Kind::Values;
  if (!isNumber && loc.shape != Shape{dim}) {
    call.failAt("loc", "`loc` of `multivariate_normal` must be a number or have shape " + formatShape({dim}) +
                           ", as many elements as `covariance` has rows; its shape is " + formatShape(loc.shape));
    return {};
  }
  std::vector<double> &entries = covariance.init.values;
  for (int64_t i = 0; i < dim; ++i)
    for (int64_t j = 0; j < i; ++j)
      entries[i * dim + j] = (entries[i * dim + j] + entries[j * dim + i]) / 2;
  if (!factorise(entries, dim)) {
    call.failAt("covariance", "`covariance` of `multivariate_normal` is not positive definite");
    return {};
  }
  NodePtr affine = makeTriangularAffine(call, broadcast(loc, {dim}), covariance, /*lower=*/true);
  if (!affine)
    return {};
  return makeWithBase(call, call.name(), makeStandard(call, "standard_normal", affine->shape), affine);
}

//===----------------------------------------------------------------------===//
// Distributions with parameters of their own
//===----------------------------------------------------------------------===//

static Value::Data buildStudentT(Call &call) {
  llvm::SmallVector<ArrayValue> arrays = readArrays(call, {"df", "loc", "scale"}, {"df", "scale"});
  if (arrays.empty())
    return {};
  auto base = call.makeNode(Node::Category::Distribution, "standard_student_t", arrays[0].shape);
  addShapes(*base);
  base->fields.push_back(positiveLeaf("df", arrays[0]));
  return makeWithBase(call, call.name(), call.finish(base), makeAffine(call, arrays[1], arrays[2], /*minScale=*/0));
}

/// FlowJAX's `Scale`.
static NodePtr makeScale(Call &call, const ArrayValue &scale) {
  auto node = call.makeNode(Node::Category::Bijection, "scale", scale.shape);
  addShapes(*node);
  node->fields.push_back(positiveLeaf("scale", scale));
  return call.finish(node);
}

static Value::Data buildExponential(Call &call) {
  ArrayValue scale = call.positiveArray("rate");
  if (call.failed())
    return {};
  for (double &entry : scale.init.values)
    entry = 1 / entry;
  return makeWithBase(call, call.name(), makeStandard(call, "standard_exponential", scale.shape),
                      makeScale(call, scale));
}

static Value::Data buildGamma(Call &call) {
  llvm::SmallVector<ArrayValue> arrays = readArrays(call, {"concentration", "scale"}, {"concentration", "scale"});
  if (arrays.empty())
    return {};
  auto base = call.makeNode(Node::Category::Distribution, "standard_gamma", arrays[0].shape);
  base->fields.push_back(positiveLeaf("concentration", arrays[0]));
  addShapes(*base);
  return makeWithBase(call, call.name(), call.finish(base), makeScale(call, arrays[1]));
}

static Value::Data buildBeta(Call &call) {
  llvm::SmallVector<ArrayValue> arrays = readArrays(call, {"alpha", "beta"}, {"alpha", "beta"});
  if (arrays.empty())
    return {};
  auto node = call.makeNode(Node::Category::Distribution, call.name(), arrays[0].shape);
  node->fields.push_back(positiveLeaf("alpha", arrays[0]));
  node->fields.push_back(positiveLeaf("beta", arrays[1]));
  addShapes(*node);
  return call.finish(node);
}

//===----------------------------------------------------------------------===//
// Mixtures
//===----------------------------------------------------------------------===//

static Value::Data buildMixture(Call &call) {
  ArrayValue weights = call.positiveArray("weights");
  if (!call.failed() && weights.shape.size() != 1)
    call.failAt("weights",
                "`weights` of `vmap_mixture` must be a list of numbers, one for each component, found shape " +
                    formatShape(weights.shape));
  if (call.failed())
    return {};
  int64_t components = weights.shape[0];
  NodePtr component;
  if (call.isList("dist")) {
    NodeList nodes = call.distributions("dist");
    if (!call.failed() && static_cast<int64_t>(nodes.size()) != components)
      call.failAt("weights", "`weights` of `vmap_mixture` does not fit to the list, which has " + Twine(nodes.size()) +
                                 " distributions: found " + Twine(components) + " weights");
    component = stackNodes(call, "dist", nodes);
  } else {
    component = call.distribution("dist");
  }
  if (call.failed())
    return {};
  for (double &weight : weights.init.values)
    weight = std::log(weight);
  auto node = call.makeNode(Node::Category::Distribution, call.name(), component->shape, component->condShape);
  addShapes(*node);
  node->fields.push_back(trainableLeaf("log_normalized_weights.args[0]", weights));
  node->fields.push_back(Child{"dist", component});
  node->stack = components;
  return call.finish(node);
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

llvm::ArrayRef<Constructor> distributionConstructors() {
  static const std::vector<Parameter> locScale = {{"loc", number(0)}, {"scale", number(1)}};
  static const std::vector<Constructor> table = {
      {"standard_normal",
       {{"shape", scalarShape()}},
       buildStandardNormal,
       "The normal distribution with mean 0 and deviation 1 in every coordinate."},
      {"normal", locScale, buildLocScale, "Independent normal distributions with trained `loc` and `scale`."},
      {"log_normal", locScale, buildLogNormal, "exp of independent normal numbers; `loc` and `scale` are trained."},
      {"multivariate_normal",
       {{"loc"}, {"covariance"}},
       buildMultivariateNormal,
       "The normal distribution with mean `loc` and matrix `covariance`; both are trained."},
      {"uniform", {{"minval"}, {"maxval"}}, buildUniform, "The uniform distribution between `minval` and `maxval`."},
      {"gumbel", locScale, buildLocScale, "Independent Gumbel distributions with trained `loc` and `scale`."},
      {"cauchy", locScale, buildLocScale, "Independent Cauchy distributions with trained `loc` and `scale`."},
      {"student_t",
       {{"df"}, {"loc", number(0)}, {"scale", number(1)}},
       buildStudentT,
       "Independent t distributions with trained degrees of freedom `df`, `loc` and `scale`."},
      {"laplace", locScale, buildLocScale, "Independent Laplace distributions with trained `loc` and `scale`."},
      {"exponential",
       {{"rate", number(1)}},
       buildExponential,
       "Independent exponential distributions, x ≥ 0, with a trained `rate`."},
      {"logistic", locScale, buildLocScale, "Independent logistic distributions with trained `loc` and `scale`."},
      {"gamma",
       {{"concentration"}, {"scale"}},
       buildGamma,
       "Independent gamma distributions, x ≥ 0, with trained `concentration` and `scale`."},
      {"beta",
       {{"alpha"}, {"beta"}},
       buildBeta,
       "Independent beta distributions, 0 ≤ x ≤ 1, with trained `alpha` and `beta`."},
      {"vmap_mixture",
       {{"dist"}, {"weights"}},
       buildMixture,
       "A mixture with trained `weights`: of copies of `dist`, each with parameters of its own, or of a list of "
       "distributions of equal structure."},
      {"transformed",
       {{"base_dist"}, {"bijection"}},
       buildTransformed,
       "The distribution of `bijection`(x) for x of `base_dist`."},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

constinit const NodeKind standardNormalKind = {.name = "standard_normal"};
constinit const NodeKind transformedKind = {.name = "transformed"};

static constexpr Range kUnit = {0, 1}, kPositive = {0, std::numeric_limits<double>::infinity()};
static constexpr NodeKind standardUniformKind = {.name = "standard_uniform", .range = kUnit};
static constexpr NodeKind standardExponentialKind = {.name = "standard_exponential", .range = kPositive};
static constexpr NodeKind standardGammaKind = {.name = "standard_gamma", .range = kPositive};
static constexpr NodeKind betaKind = {.name = "beta", .range = kUnit};

llvm::ArrayRef<const NodeKind *> distributionKinds() {
  static constexpr const NodeKind *kinds[] = {&standardNormalKind,      &transformedKind,   &standardUniformKind,
                                              &standardExponentialKind, &standardGammaKind, &betaKind};
  return kinds;
}

} // namespace flowc
