//===- ConstructorsBijections.cpp - Simple bijections ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace flowc {

using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

Leaf numberLeaf(std::string path, double value, Leaf::Type type) {
  Leaf leaf;
  leaf.type = type;
  leaf.path = std::move(path);
  leaf.isArray = false;
  leaf.init.values = {value};
  return leaf;
}

Leaf arrayLeaf(Leaf::Kind kind, Leaf::Type type, std::string path, Shape shape, Init init) {
  Leaf leaf;
  leaf.kind = kind;
  leaf.type = type;
  leaf.path = std::move(path);
  leaf.shape = std::move(shape);
  leaf.init = std::move(init);
  return leaf;
}

Leaf trainableLeaf(std::string path, const ArrayValue &value) {
  return arrayLeaf(Leaf::Kind::Trainable, Leaf::Type::Float, std::move(path), value.shape, value.init);
}

void addShape(Node &node, StringRef path, const Shape &shape) {
  for (auto [index, size] : llvm::enumerate(shape))
    node.fields.push_back(numberLeaf((path + "[" + Twine(index) + "]").str(), size, Leaf::Type::Int));
}

void addShapes(Node &node) {
  addShape(node, "shape", node.shape);
  if (node.condShape)
    addShape(node, "cond_shape", *node.condShape);
}

NodePtr makeShaped(Call &call, Node::Category category, StringRef kind, const Shape &shape) {
  auto node = call.makeNode(category, kind, shape);
  addShapes(*node);
  return call.finish(node);
}

//===----------------------------------------------------------------------===//
// Affine
//===----------------------------------------------------------------------===//

double softplus(double value) { return std::max(value, 0.0) + std::log1p(std::exp(-std::abs(value))); }

double inverseSoftplus(double value) { return std::log(-std::expm1(-value)) + value; }

std::optional<Shape> broadcastShapes(const Shape &a, const Shape &b) {
  Shape result(std::max(a.size(), b.size()));
  for (size_t axis = 0; axis < result.size(); ++axis) { // from the last axis on
    int64_t sizeA = axis < a.size() ? a[a.size() - 1 - axis] : 1;
    int64_t sizeB = axis < b.size() ? b[b.size() - 1 - axis] : 1;
    if (sizeA != sizeB && sizeA != 1 && sizeB != 1)
      return std::nullopt;
    result[result.size() - 1 - axis] = sizeA == 1 ? sizeB : sizeA;
  }
  return result;
}

ArrayValue broadcast(const ArrayValue &value, const Shape &shape) {
  ArrayValue result = value;
  result.shape = shape;
  if (value.init.kind != Init::Kind::Values)
    return result;
  int64_t count = numElements(shape);
  result.init.values.resize(count);
  for (int64_t target = 0; target < count; ++target) {
    int64_t source = 0, sourceStride = 1, rest = target;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      int64_t index = rest % shape[shape.size() - 1 - axis];
      rest /= shape[shape.size() - 1 - axis];
      if (axis >= value.shape.size())
        continue;
      int64_t size = value.shape[value.shape.size() - 1 - axis];
      source += (size == 1 ? 0 : index) * sourceStride;
      sourceStride *= size;
    }
    result.init.values[target] = value.init.values[source];
  }
  return result;
}

ArrayValue rawScale(ArrayValue scale, double minScale) {
  for (double &entry : scale.init.values)
    entry = inverseSoftplus(entry - minScale);
  return scale;
}

std::vector<double> rawWeightScales(const std::vector<double> &matrix, int64_t rows) {
  std::vector<double> scales;
  int64_t columns = static_cast<int64_t>(matrix.size()) / rows;
  for (int64_t row = 0; row < rows; ++row) {
    double square = 0;
    for (int64_t column = 0; column < columns; ++column)
      square += matrix[row * columns + column] * matrix[row * columns + column];
    scales.push_back(inverseSoftplus(1 / std::sqrt(square)));
  }
  return scales;
}

std::optional<Shape> broadcastAll(Call &call, llvm::MutableArrayRef<NamedArray> arrays) {
  if (call.failed())
    return std::nullopt;
  Shape shape = arrays.front().value.shape;
  for (const NamedArray &array : arrays.drop_front()) {
    std::optional<Shape> both = broadcastShapes(shape, array.value.shape);
    if (!both) {
      call.fail("`" + arrays.front().name + "` and `" + array.name + "` of `" + call.name() +
                "` do not fit: their shapes are " + formatShape(shape) + " and " + formatShape(array.value.shape));
      return std::nullopt;
    }
    shape = *both;
  }
  for (NamedArray &array : arrays) {
    if (array.value.init.kind != Init::Kind::Values && shape != array.value.shape) {
      call.fail("a random `" + array.name + "` of `" + call.name() + "` must have the shape of the whole, " +
                formatShape(shape) + ", found " + formatShape(array.value.shape));
      return std::nullopt;
    }
    array.value = broadcast(array.value, shape);
  }
  return shape;
}

NodePtr makeAffine(Call &call, const ArrayValue &loc, const ArrayValue &scale, double minScale) {
  NamedArray arrays[] = {{"loc", loc}, {"scale", scale}};
  std::optional<Shape> shape = broadcastAll(call, arrays);
  if (!shape)
    return nullptr;
  auto node = call.makeNode(Node::Category::Bijection, "affine", *shape);
  addShapes(*node);
  node->fields.push_back(trainableLeaf("loc", arrays[0].value));
  node->fields.push_back(trainableLeaf("scale.args[0]", rawScale(arrays[1].value, minScale)));
  node->attributes["min_scale"] = minScale;
  return call.finish(node);
}

static Value::Data buildAffine(Call &call) {
  ArrayValue loc = call.array("loc"), scale = call.positiveArray("scale");
  return makeAffine(call, loc, scale, /*minScale=*/0);
}

//===----------------------------------------------------------------------===//
// Permute
//===----------------------------------------------------------------------===//

static Leaf permutationLeaf(StringRef field, size_t axis, const Shape &shape, Init init) {
  return arrayLeaf(Leaf::Kind::Permutation, Leaf::Type::Int, (field + "[" + Twine(axis) + "]").str(), shape,
                   std::move(init));
}

/// Adds one index array for each axis of the event: entry i of `flat` is the
/// flat index that element i comes from.
static void addIndexArrays(Node &node, StringRef field, const std::vector<double> &flat) {
  int64_t stride = numElements(node.shape);
  for (auto [axis, size] : llvm::enumerate(node.shape)) {
    stride /= size;
    Init init;
    for (double index : flat)
      init.values.push_back(static_cast<double>(static_cast<int64_t>(index) / stride % size));
    node.fields.push_back(permutationLeaf(field, axis, node.shape, std::move(init)));
  }
}

/// Checks that `flat` holds every index once.
static bool checkPermutation(Call &call, const std::vector<double> &flat) {
  int64_t count = flat.size();
  std::vector<bool> seen(count);
  for (double entry : flat) {
    bool inside = entry == std::floor(entry) && entry >= 0 && entry < double(count);
    if (inside && !seen[static_cast<int64_t>(entry)]) {
      seen[static_cast<int64_t>(entry)] = true;
      continue;
    }
    call.failAt("permutation", "`permutation` of `permute` must hold each of 0 to " + Twine(count - 1) +
                                   " once, found " + formatNumber(entry) + (inside ? " twice" : ""));
    return false;
  }
  return true;
}

/// A permutation of a vector: the second leaf always follows from the first.
static NodePtr makeVectorPermute(Call &call, int64_t size, Init permutation) {
  auto node = call.makeNode(Node::Category::Bijection, "permute", {size});
  addShapes(*node);
  node->fields.push_back(permutationLeaf("permutation", 0, {size}, std::move(permutation)));
  Init inverse;
  inverse.kind = Init::Kind::InversePermutation;
  node->fields.push_back(permutationLeaf("inverse_permutation", 0, {size}, inverse));
  return call.finish(node);
}

NodePtr makeShuffledPermute(Call &call, int64_t size) {
  Init init;
  init.kind = Init::Kind::Shuffled;
  return makeVectorPermute(call, size, init);
}

static Value::Data buildPermute(Call &call) {
  if (std::optional<int64_t> size = call.shuffledSize("permutation"))
    return makeShuffledPermute(call, *size);
  ArrayValue permutation = call.array("permutation");
  if (permutation.init.kind != Init::Kind::Values)
    call.failAt("permutation", "`permutation` of `permute` must be given numbers or `shuffled(n)`");
  // A scalar has one permutation, 0.
  if (!call.failed() && permutation.shape.empty() && permutation.init.values[0] != 0)
    call.failAt("permutation", "`permutation` of `permute` must be an array such as [1, 0, 2], found the number " +
                                   formatNumber(permutation.init.values[0]));
  const std::vector<double> &flat = permutation.init.values;
  if (call.failed() || !checkPermutation(call, flat))
    return {};
  if (permutation.shape.size() == 1)
    return makeVectorPermute(call, permutation.shape[0], permutation.init);

  auto node = call.makeNode(Node::Category::Bijection, "permute", permutation.shape);
  addShapes(*node);
  std::vector<double> inverse(flat.size());
  for (auto [target, source] : llvm::enumerate(flat))
    inverse[static_cast<int64_t>(source)] = static_cast<double>(target);
  addIndexArrays(*node, "permutation", flat);
  addIndexArrays(*node, "inverse_permutation", inverse);
  return call.finish(node);
}

//===----------------------------------------------------------------------===//
// RationalQuadraticSpline
//===----------------------------------------------------------------------===//

/// FlowJAX's `interval`: [lo, hi], or a number B for [-B, B].
static std::vector<double> readInterval(Call &call) {
  ArrayValue given = call.array("interval");
  const std::vector<double> &values = given.init.values;
  bool isPair = given.shape == Shape{2}, isNumber = given.shape.empty();
  if (!call.failed() && (given.init.kind != Init::Kind::Values || !(isPair || isNumber)))
    call.failAt("interval", "`interval` of `" + call.name() +
                                "` must be a number B, which means [-B, B], or a pair "
                                "[lo, hi]");
  if (call.failed())
    return {};
  std::vector<double> interval = isPair ? values : std::vector<double>{-values[0], values[0]};
  if (interval[0] >= interval[1])
    call.failAt("interval", "`interval` of `" + call.name() + "` is empty: " + formatNumber(interval[0]) +
                                " is not below " + formatNumber(interval[1]));
  return interval;
}

/// The leaves of paramax's `RealToIncreasingOnInterval` of zeros.
static void addPositions(Node &node, const std::string &path, int64_t count, const std::vector<double> &interval,
                         double minWidth) {
  Init zeros;
  zeros.values.assign(count, 0.0);
  node.fields.push_back(arrayLeaf(Leaf::Kind::Trainable, Leaf::Type::Float, path + ".arr", {count}, zeros));
  node.fields.push_back(numberLeaf(path + ".interval[0]", interval[0], Leaf::Type::Float));
  node.fields.push_back(numberLeaf(path + ".interval[1]", interval[1], Leaf::Type::Float));
  node.fields.push_back(numberLeaf(path + ".min_width", minWidth, Leaf::Type::Float));
}

NodePtr makeSpline(Call &call, int64_t knots, const std::vector<double> &interval, double minDerivative,
                   double minWidth) {
  if (call.failed())
    return nullptr;
  if (minWidth * double(knots + 1) > interval[1] - interval[0]) {
    call.fail("the " + Twine(knots + 1) + " bins of `" + call.name() + "` do not fit into the interval: min_width * " +
              Twine(knots + 1) + " is " + formatNumber(minWidth * double(knots + 1)) + ", its width is " +
              formatNumber(interval[1] - interval[0]));
    return nullptr;
  }
  auto node = call.makeNode(Node::Category::Bijection, "rational_quadratic_spline", {});
  node->attributes = {{"knots", knots},
                      {"interval", interval},
                      {"min_derivative", minDerivative},
                      {"min_width", minWidth},
                      {"clip", 0.0}};
  node->fields.push_back(numberLeaf("knots", knots, Leaf::Type::Int));
  node->fields.push_back(numberLeaf("interval[0]", interval[0], Leaf::Type::Float));
  node->fields.push_back(numberLeaf("interval[1]", interval[1], Leaf::Type::Float));
  addPositions(*node, "x_pos", knots + 1, interval, minWidth);
  addPositions(*node, "y_pos", knots + 1, interval, minWidth);
  ArrayValue derivatives;
  derivatives.shape = {knots + 2};
  derivatives.init.values.assign(knots + 2, inverseSoftplus(1 - minDerivative));
  node->fields.push_back(trainableLeaf("derivatives.args[0]", derivatives));
  return call.finish(node);
}

/// A spline whose raw numbers are clipped softly, so that its slopes stay inside of [`minSlope`, 1 / `minSlope`] at
/// the knots; those at the ends of the interval are 1. The attribute `clip` is -log of the least slope.
static Value::Data buildBoundedSpline(Call &call) {
  int64_t bins = call.integer("bins", 2, maxKnots + 1);
  std::vector<double> interval = readInterval(call);
  double minSlope = call.real("min_slope");
  if (!(minSlope > 0 && minSlope < 1))
    call.failAt("min_slope",
                "`min_slope` of `" + call.name() + "` must be above 0 and below 1, found " + formatNumber(minSlope));
  if (call.failed())
    return {};
  auto node = call.makeNode(Node::Category::Bijection, "rational_quadratic_spline", {});
  node->attributes = {{"knots", bins - 1},
                      {"interval", interval},
                      {"min_derivative", 0.0},
                      {"min_width", 0.0},
                      {"clip", -std::log(minSlope)}};
  ArrayValue positions, slopes;
  positions.shape = {bins};
  positions.init.values.assign(bins, 0.0);
  slopes.shape = {bins - 1};
  slopes.init.values.assign(bins - 1, 0.0);
  node->fields.push_back(trainableLeaf("x_pos.arr", positions));
  node->fields.push_back(trainableLeaf("y_pos.arr", positions));
  node->fields.push_back(trainableLeaf("derivatives.args[0]", slopes));
  return call.finish(node);
}

static Value::Data buildRationalQuadraticSpline(Call &call) {
  int64_t knots = call.integer("knots", 1, maxKnots);
  std::vector<double> interval = readInterval(call);
  double minDerivative = call.real("min_derivative"), minWidth = call.real("min_width");
  if (minDerivative < 0 || minDerivative >= 1)
    call.failAt("min_derivative", "`min_derivative` of `" + call.name() + "` must be at least 0 and below 1, found " +
                                      formatNumber(minDerivative));
  if (minWidth <= 0)
    call.failAt("min_width", "`min_width` of `" + call.name() + "` must be positive, found " + formatNumber(minWidth));
  return makeSpline(call, knots, interval, minDerivative, minWidth);
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

/// A bijection that is nothing but its name and its shape.
static Value::Data buildShaped(Call &call) {
  return makeShaped(call, Node::Category::Bijection, call.name(), call.shape("shape"));
}

/// Stan's ordered vectors, which FlowJAX does not have.
static Value::Data buildOrdered(Call &call) {
  return makeShaped(call, Node::Category::Bijection, call.name(), {call.integer("n")});
}

llvm::ArrayRef<Constructor> bijectionConstructors() {
  const Value::Data scalar = scalarShape();
  static const std::vector<Constructor> table = {
      {"affine",
       {{"loc", number(0)}, {"scale", number(1)}},
       buildAffine,
       "y = scale · x + loc, elementwise; `loc` and `scale` are trained, and `scale` stays positive."},
      {"bounded_spline",
       {{"bins"}, {"interval"}, {"min_slope", number(1e-3, false)}},
       buildBoundedSpline,
       "A monotone spline of `bins` bins on the interval, the identity outside of it, with slopes from `min_slope` to "
       "1 / `min_slope` at its knots and 1 at its ends, whatever a network says."},
      {"flip", {{"shape", scalar}}, buildShaped, "All elements in reverse order."},
      {"ordered", {{"n"}}, buildOrdered, "Increasing vectors: y[0] = x[0], y[i] = y[i−1] + exp(x[i])."},
      {"permute",
       {{"permutation"}},
       buildPermute,
       "y[i] = x[permutation[i]]; `permutation` holds 0 … n − 1 once each, or is `shuffled(n)`."},
      {"rational_quadratic_spline",
       {{"knots"}, {"interval"}, {"min_derivative", number(1e-3, false)}, {"min_width", number(1e-3, false)}},
       buildRationalQuadraticSpline,
       "A monotone spline of `knots` + 1 bins on the interval, the identity outside of it. `interval` is `[lo, hi]`, "
       "or a number B for [−B, B]."},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

static void moveThroughAffine(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  static constexpr IncreasingMap map = {{},
                                        {},
                                        [](double x, llvm::ArrayRef<double> n) { return x * n[1] + n[0]; },
                                        [](double y, llvm::ArrayRef<double> n) { return (y - n[0]) / n[1]; }};
  double scale = softplus(getFixedNumber(step, "scale.args[0]")) + step.node.attribute<double>("min_scale");
  moveThrough(map, {getFixedNumber(step, "loc"), scale}, tracer, step, ranges);
}

/// The interval is mapped onto itself, the rest stays.
static void moveThroughSpline(RangeTracer &, const RangeStep &step, Ranges ranges) {
  const auto &interval = step.node.attribute<std::vector<double>>("interval");
  auto move = [&](double &end) {
    if (end > interval[0] && end < interval[1])
      end = kMovingEnd;
  };
  for (Range &range : ranges) {
    move(range.lower);
    move(range.upper);
  }
}

/// Which coordinate goes where is data of the model: only equal ranges stay known.
static void moveThroughPermute(RangeTracer &tracer, const RangeStep &, Ranges ranges) {
  auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  tracer.isKnown &= llvm::all_of(ranges, [&](const Range &range) {
    return same(range.lower, ranges.front().lower) && same(range.upper, ranges.front().upper);
  });
}

/// Ends of sums move. The inverse takes increasing vectors only.
static void moveThroughOrdered(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  if (ranges.size() == 1)
    return;
  tracer.isKnown &= !step.inverse || !tracer.isProduct;
  tracer.isProduct = false;
  constexpr Range line;
  bool hasLower = ranges.front().hasLower(), hasUpper = ranges.front().hasUpper();
  for (Range &range : ranges.drop_front()) {
    hasUpper &= range.hasUpper();
    range = step.inverse ? line : Range{hasLower ? kMovingEnd : line.lower, hasUpper ? kMovingEnd : line.upper};
  }
}

static constexpr NodeKind affineKind = {
    .name = "affine", .reach = Reach::Elements, .isAffine = true, .moveRanges = moveThroughAffine};
static constexpr NodeKind splineKind = {
    .name = "rational_quadratic_spline", .hasInterval = true, .moveRanges = moveThroughSpline};
static constexpr NodeKind permuteKind = {.name = "permute", .keepsValues = true, .moveRanges = moveThroughPermute};
static constexpr NodeKind flipKind = {
    .name = "flip", .keepsValues = true, .moveRanges = [](RangeTracer &, const RangeStep &, Ranges ranges) {
      std::reverse(ranges.begin(), ranges.end());
    }};
static constexpr NodeKind orderedKind = {.name = "ordered", .reach = Reach::Vectors, .moveRanges = moveThroughOrdered};

llvm::ArrayRef<const NodeKind *> bijectionKinds() {
  static constexpr const NodeKind *kinds[] = {&affineKind, &splineKind, &permuteKind, &flipKind, &orderedKind};
  return kinds;
}

} // namespace flowc
