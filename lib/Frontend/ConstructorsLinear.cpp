//===- ConstructorsLinear.cpp - Linear bijections, shifts -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace flowc {

using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// TriangularAffine
//===----------------------------------------------------------------------===//

static constexpr StringRef rawMatrix = "triangular.args[0]";

/// Puts what softplus takes to the diagonal on it. A random matrix gets ones there,
/// as that of FlowJAX's `triangular_spline_flow` does.
static bool setRawDiagonal(Call &call, ArrayValue &matrix) {
  int64_t size = matrix.shape[0];
  if (matrix.init.kind != Init::Kind::Values) {
    matrix.init.diagonal = inverseSoftplus(1);
    return true;
  }
  for (int64_t i = 0; i < size; ++i) {
    double &entry = matrix.init.values[i * size + i];
    if (!(entry > 0)) {
      call.failAt("arr", "the diagonal of `arr` of `" + call.name() + "` must be positive, found " +
                             formatNumber(entry) + " at index " + Twine(i));
      return false;
    }
    entry = inverseSoftplus(entry);
  }
  return true;
}

NodePtr makeTriangularAffine(Call &call, const ArrayValue &loc, ArrayValue matrix, bool lower) {
  if (call.failed() || !setRawDiagonal(call, matrix))
    return nullptr;
  auto node = call.makeNode(Node::Category::Bijection, "triangular_affine", {matrix.shape[0]});
  addShapes(*node);
  node->fields.push_back(trainableLeaf("loc", loc));
  node->fields.push_back(trainableLeaf(rawMatrix.str(), matrix));
  node->fields.push_back(numberLeaf("lower", lower, Leaf::Type::Bool));
  node->attributes = {{"lower", lower}, {"weight_normalized", false}};
  return call.finish(node);
}

static Value::Data buildTriangularAffine(Call &call) {
  ArrayValue loc = call.array("loc"), matrix = call.array("arr");
  bool lower = call.boolean("lower");
  if (call.failed())
    return {};
  if (matrix.shape.size() != 2 || matrix.shape[0] != matrix.shape[1]) {
    call.failAt("arr",
                "`arr` of `" + call.name() + "` must be a square matrix, found shape " + formatShape(matrix.shape));
    return {};
  }
  Shape shape{matrix.shape[0]};
  bool isNumber = numElements(loc.shape) == 1 && loc.shape.size() <= 1;
  if (isNumber && loc.init.kind == Init::Kind::Values) {
    loc.init.values.assign(shape[0], loc.init.values[0]);
    loc.shape = shape;
  }
  if (loc.shape != shape) {
    call.failAt("loc", "`loc` of `" + call.name() + "` must be a number or have shape " + formatShape(shape) +
                           ", as many elements as `arr` has rows; its shape is " + formatShape(loc.shape));
    return {};
  }
  return makeTriangularAffine(call, loc, std::move(matrix), lower);
}

/// The triangular matrix of raw values.
static std::vector<double> toTriangular(const std::vector<double> &raw, int64_t size, bool lower) {
  std::vector<double> matrix(raw.size());
  for (int64_t row = 0; row < size; ++row) {
    for (int64_t column = 0; column < size; ++column)
      if (lower ? column < row : column > row)
        matrix[row * size + column] = raw[row * size + column];
    double diagonal = raw[row * size + row];
    matrix[row * size + row] = std::max(diagonal, 0.0) + std::log1p(std::exp(-std::abs(diagonal)));
  }
  return matrix;
}

NodePtr makeWeightNormalized(Call &call, const NodePtr &node) {
  if (call.failed())
    return nullptr;
  auto result = std::make_shared<Node>(*node);
  auto raw = llvm::find_if(result->fields, [](const auto &field) {
    const Leaf *leaf = std::get_if<Leaf>(&field);
    return leaf && StringRef(leaf->path).starts_with(rawMatrix);
  });
  Leaf &matrix = std::get<Leaf>(*raw);
  matrix.path = "triangular.weight" + matrix.path.substr(StringRef("triangular").size());
  int64_t size = node->shape[0];
  // paramax starts with scales 1 / |row|.
  Init init;
  init.kind = Init::Kind::Derived;
  init.derive = [size, lower = node->attribute<bool>("lower")](const std::vector<double> &values) {
    return rawWeightScales(toTriangular(values, size, lower), size);
  };
  result->fields.insert(raw + 1, arrayLeaf(Leaf::Kind::Trainable, Leaf::Type::Float, "triangular.scale.args[0]",
                                           {size, 1}, std::move(init)));
  result->attributes["weight_normalized"] = true;
  return call.finish(result);
}

static Value::Data buildWeightNormalized(Call &call) {
  NodePtr node = call.node("bijection", "a `triangular_affine(...)`");
  if (call.failed())
    return {};
  auto isNormalized = node->attributes.find("weight_normalized");
  bool isTriangular = isNormalized != node->attributes.end();
  if (!isTriangular || std::get<bool>(isNormalized->second)) {
    call.failAt("bijection", "`weight_normalized` takes a `triangular_affine(...)`, found " + describe(*node) +
                                 (isTriangular ? ", which is normalised already" : ""));
    return {};
  }
  return makeWeightNormalized(call, node);
}

//===----------------------------------------------------------------------===//
// Householder, DiscreteCosine
//===----------------------------------------------------------------------===//

static Value::Data buildHouseholder(Call &call) {
  ArrayValue params = call.array("params");
  if (call.failed())
    return {};
  if (params.shape.size() != 1)
    call.failAt("params", "`params` of `householder` must be a vector, found shape " + formatShape(params.shape));
  else if (params.init.kind == Init::Kind::Values && llvm::all_of(params.init.values, [](double v) { return v == 0; }))
    call.failAt("params", "`params` of `householder` is a normal vector and must not be zero");
  auto node = call.makeNode(Node::Category::Bijection, "householder", params.shape);
  addShapes(*node);
  node->fields.push_back(trainableLeaf("unit_vec.args[0]", params));
  return call.finish(node);
}

static Value::Data buildDiscreteCosine(Call &call) {
  Shape shape = call.shape("shape");
  if (call.failed())
    return {};
  auto rank = static_cast<int64_t>(shape.size());
  if (rank == 0) {
    call.failAt("shape", "`discrete_cosine` needs a shape with at least one size, such as [8]");
    return {};
  }
  int64_t axis = call.integer("axis", -rank, rank - 1);
  auto node = call.makeNode(Node::Category::Bijection, "discrete_cosine", shape);
  addShapes(*node);
  node->fields.push_back(numberLeaf("axis", double(axis), Leaf::Type::Int));
  node->attributes["axis"] = axis < 0 ? axis + rank : axis;
  return call.finish(node);
}

//===----------------------------------------------------------------------===//
// AdditiveCondition
//===----------------------------------------------------------------------===//

/// Whether an array of shape `from` broadcasts to `to` by NumPy's rules.
static bool broadcastsTo(const Shape &from, const Shape &to) {
  if (from.size() > to.size())
    return false;
  for (size_t i = 1; i <= from.size(); ++i)
    if (from[from.size() - i] != 1 && from[from.size() - i] != to[to.size() - i])
      return false;
  return true;
}

NodePtr makeAdditiveCondition(Call &call, const NodePtr &module, const Shape &shape, const Shape &condShape) {
  if (call.failed())
    return nullptr;
  auto node = call.makeNode(Node::Category::Bijection, "additive_condition", shape, condShape);
  addShapes(*node);
  node->fields.push_back(Child{"module", module});
  return call.finish(node);
}

static Value::Data buildAdditiveCondition(Call &call) {
  NodePtr module = call.node("module", "a network");
  Shape shape = call.shape("shape"), condShape = call.shape("cond_shape");
  if (call.failed())
    return {};
  if (module->category != Node::Category::Network) {
    call.failAt("module", "`module` of `additive_condition` must be a network, found " + describe(*module));
    return {};
  }
  Shape in{module->attribute<int64_t>("in_size")};
  if (in != condShape) {
    call.failAt("module", describe(*module) + " takes conditions of shape " + formatShape(in) +
                              ", but `cond_shape` is " + formatShape(condShape));
    return {};
  }
  if (!broadcastsTo(module->shape, shape)) {
    call.failAt("module", describe(*module) + " makes shifts of shape " + formatShape(module->shape) +
                              ", which do not fit `shape`, " + formatShape(shape));
    return {};
  }
  return makeAdditiveCondition(call, module, shape, condShape);
}

llvm::ArrayRef<Constructor> linearConstructors() {
  static const std::vector<Constructor> table = {
      {"triangular_affine",
       {{"loc"}, {"arr"}, {"lower", true}},
       buildTriangularAffine,
       "A x + loc for the lower (or upper) triangle A of `arr`, whose diagonal stays positive."},
      {"weight_normalized",
       {{"bijection"}},
       buildWeightNormalized,
       "A `triangular_affine` whose rows have trained norms of their own."},
      {"householder",
       {{"params"}},
       buildHouseholder,
       "x − 2 v (v·x) / (v·v), the reflection at the hyperplane with normal v = `params`."},
      {"discrete_cosine",
       {{"shape"}, {"axis", number(-1)}},
       buildDiscreteCosine,
       "The orthonormal cosine transform (type II) along one axis."},
      {"additive_condition",
       {{"module"}, {"shape"}, {"cond_shape"}},
       buildAdditiveCondition,
       "x + `module`(condition), for a network `module`."},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

static constexpr NodeKind triangularAffineKind = {
    .name = "triangular_affine", .reach = Reach::Vectors, .isAffine = true, .moveRanges = mixRanges};
static constexpr NodeKind householderKind = {.name = "householder", .reach = Reach::Vectors, .moveRanges = mixRanges};
static constexpr NodeKind discreteCosineKind = {
    .name = "discrete_cosine", .reach = Reach::Vectors, .moveRanges = mixRanges};
static constexpr NodeKind additiveConditionKind = {.name = "additive_condition", .moveRanges = mixRanges};

llvm::ArrayRef<const NodeKind *> linearKinds() {
  static constexpr const NodeKind *kinds[] = {&triangularAffineKind, &householderKind, &discreteCosineKind,
                                              &additiveConditionKind};
  return kinds;
}

} // namespace flowc
