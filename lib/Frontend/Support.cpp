//===- Support.cpp - Where a distribution lives ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Support.h"

#include "flowc/Frontend/Formula.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace flowc {

using llvm::ArrayRef;
using llvm::MutableArrayRef;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kMoving = std::numeric_limits<double>::quiet_NaN();

bool Support::isAllReals() const {
  return isKnown && isProduct && llvm::all_of(coordinates, [](const Range &range) { return range.isLine(); });
}

bool Support::isRestricted() const {
  return isKnown && llvm::any_of(coordinates, [](const Range &range) { return !range.isLine(); });
}

//===----------------------------------------------------------------------===//
// Increasing scalar maps
//===----------------------------------------------------------------------===//

namespace {
/// An elementwise map that increases from its domain onto its image.
struct IncreasingMap {
  llvm::StringLiteral kind;
  Range domain, image;
  /// Null: the map depends on parameters.
  double (*transform)(double) = nullptr;
  double (*inverse)(double) = nullptr;
};
} // namespace

static double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

static ArrayRef<IncreasingMap> getIncreasingMaps() {
  constexpr Range line, positive{0, kInfinity}, unit{0, 1}, symmetric{-1, 1};
  static constexpr IncreasingMap maps[] = {
      {"identity", line, line, [](double x) { return x; }, [](double y) { return y; }},
      {"exp", line, positive, [](double x) { return std::exp(x); }, [](double y) { return std::log(y); }},
      {"softplus", line, positive, softplus, [](double y) { return y + std::log(-std::expm1(-y)); }},
      {"sigmoid", line, unit, [](double x) { return 1 / (1 + std::exp(-x)); },
       [](double y) { return std::log(y) - std::log1p(-y); }},
      {"tanh", line, symmetric, [](double x) { return std::tanh(x); }, [](double y) { return std::atanh(y); }},
      {"leaky_tanh", line, line},
      {"power", positive, positive},
      {"loc", line, line},
      {"affine", line, line},
      {"bounded_affine", line, line},
      {"scale", line, line},
  };
  return maps;
}

/// The number that every element of a leaf has, or NaN: training, stacks and
/// different values move it.
static double getFixed(const Node &node, const std::string &path, bool isStacked) {
  const Leaf &leaf = node.leaf(path);
  const std::vector<double> &values = leaf.init.values;
  bool isFixed = leaf.kind == Leaf::Kind::Frozen && leaf.init.kind == Init::Kind::Values && !isStacked;
  return isFixed && llvm::all_equal(values) ? values.front() : kMoving;
}

/// The image of one end of a range.
static double mapEnd(const Node &node, const IncreasingMap &map, double end, double domainEnd, double imageEnd,
                     bool inverse, bool isStacked) {
  if (end == domainEnd)
    return imageEnd;
  if (auto function = inverse ? map.inverse : map.transform)
    return function(end);
  double loc = 0, scale = 1;
  if (node.kind == "affine" || node.kind == "loc")
    loc = getFixed(node, "loc", isStacked);
  if (node.kind == "affine" || node.kind == "scale")
    scale = softplus(getFixed(node, "scale.args[0]", isStacked)) +
            (node.kind == "affine" ? node.attribute<double>("min_scale") : 0);
  if (node.kind == "scale" && end == 0)
    return 0;
  if (node.kind == "affine" || node.kind == "loc" || node.kind == "scale")
    return inverse ? (end - loc) / scale : end * scale + loc;
  return kMoving;
}

//===----------------------------------------------------------------------===//
// Bijections
//===----------------------------------------------------------------------===//

namespace {
/// Follows the ranges of some coordinates through a bijection.
class Tracer {
public:
  /// Whether nothing was met that makes the ranges uncertain.
  bool isKnown = true;
  bool isProduct = true;

  void apply(const Node &node, bool inverse, MutableArrayRef<Range> ranges, bool isStacked);

private:
  void applyIncreasing(const Node &node, const IncreasingMap &map, bool inverse, MutableArrayRef<Range> ranges,
                       bool isStacked);
  void applySpline(const Node &node, MutableArrayRef<Range> ranges);
  void applyParts(const Node &node, bool inverse, MutableArrayRef<Range> ranges, bool isStacked);
  void applyIndexed(const Node &node, bool inverse, MutableArrayRef<Range> ranges, bool isStacked);
  void applyChain(const Node &node, bool inverse, MutableArrayRef<Range> ranges, bool isStacked);
  void applyPermute(const Node &node, MutableArrayRef<Range> ranges);
  void applyOrdered(bool inverse, MutableArrayRef<Range> ranges);
  void applyFormula(const Node &node, bool inverse, MutableArrayRef<Range> ranges);
};
} // namespace

void Tracer::applyIncreasing(const Node &node, const IncreasingMap &map, bool inverse, MutableArrayRef<Range> ranges,
                             bool isStacked) {
  const Range &domain = inverse ? map.image : map.domain, &image = inverse ? map.domain : map.image;
  for (Range &range : ranges) {
    // What is outside of the domain has no image; an end that moves may be there.
    bool fits =
        (!domain.hasLower() || range.lower >= domain.lower) && (!domain.hasUpper() || range.upper <= domain.upper);
    isKnown &= fits;
    range = {mapEnd(node, map, range.lower, domain.lower, image.lower, inverse, isStacked),
             mapEnd(node, map, range.upper, domain.upper, image.upper, inverse, isStacked)};
  }
}

/// The interval of a spline is mapped onto itself, the rest stays.
void Tracer::applySpline(const Node &node, MutableArrayRef<Range> ranges) {
  const auto &interval = node.attribute<std::vector<double>>("interval");
  auto move = [&](double &end) {
    if (end > interval[0] && end < interval[1])
      end = kMoving;
  };
  for (Range &range : ranges) {
    move(range.lower);
    move(range.upper);
  }
}

/// `concatenate` and `stack`: parts lie along an axis.
void Tracer::applyParts(const Node &node, bool inverse, MutableArrayRef<Range> ranges, bool isStacked) {
  int64_t axis = node.attribute<int64_t>("axis"), width = node.shape[axis];
  int64_t inner = numElements(Shape(node.shape.begin() + axis + 1, node.shape.end()));
  int64_t first = 0;
  for (const auto &field : node.fields) {
    const Child *child = std::get_if<Child>(&field);
    if (!child)
      continue;
    int64_t extent = node.kind == "stack" ? 1 : child->node->shape[axis];
    std::vector<int64_t> places;
    for (int64_t i = 0, all = ranges.size(); i < all; ++i)
      if (int64_t place = i / inner % width; place >= first && place < first + extent)
        places.push_back(i);
    std::vector<Range> part;
    for (int64_t place : places)
      part.push_back(ranges[place]);
    apply(*child->node, inverse, part, isStacked);
    for (auto [place, range] : llvm::zip_equal(places, part))
      ranges[place] = range;
    first += extent;
  }
}

void Tracer::applyIndexed(const Node &node, bool inverse, MutableArrayRef<Range> ranges, bool isStacked) {
  const auto &indices = node.attribute<std::vector<int64_t>>("indices");
  std::vector<Range> part;
  for (int64_t index : indices)
    part.push_back(ranges[index]);
  apply(node.child("bijection"), inverse, part, isStacked);
  for (auto [index, range] : llvm::zip_equal(indices, part))
    ranges[index] = range;
}

void Tracer::applyChain(const Node &node, bool inverse, MutableArrayRef<Range> ranges, bool isStacked) {
  std::vector<const Node *> parts;
  for (const auto &field : node.fields)
    if (const Child *child = std::get_if<Child>(&field))
      parts.push_back(child->node.get());
  if (inverse)
    std::reverse(parts.begin(), parts.end());
  for (const Node *part : parts)
    apply(*part, inverse, ranges, isStacked);
}

/// Which coordinate goes where is data of the model: only equal ranges stay known.
void Tracer::applyPermute(const Node &node, MutableArrayRef<Range> ranges) {
  if (node.kind == "flip")
    return std::reverse(ranges.begin(), ranges.end());
  auto isSame = [&](const Range &range) {
    auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
    return same(range.lower, ranges.front().lower) && same(range.upper, ranges.front().upper);
  };
  isKnown &= llvm::all_of(ranges, isSame);
}

/// Ends of sums move. The inverse takes increasing vectors only.
void Tracer::applyOrdered(bool inverse, MutableArrayRef<Range> ranges) {
  if (ranges.size() == 1)
    return;
  isKnown &= !inverse || !isProduct;
  isProduct = false;
  bool hasLower = ranges.front().hasLower(), hasUpper = ranges.front().hasUpper();
  for (Range &range : ranges.drop_front()) {
    hasUpper &= range.hasUpper();
    range = inverse ? Range() : Range{hasLower ? kMoving : -kInfinity, hasUpper ? kMoving : kInfinity};
  }
}

/// A formula knows where the ends of its domain go.
void Tracer::applyFormula(const Node &node, bool inverse, MutableArrayRef<Range> ranges) {
  const std::vector<double> &domain = node.formula->domain, &image = node.formula->image;
  const auto &from = inverse ? image : domain, &to = inverse ? domain : image;
  auto [least, most] = std::minmax(from[0], from[1]);
  auto move = [&](double end) { return end == from[0] ? to[0] : end == from[1] ? to[1] : kMoving; };
  for (Range &range : ranges) {
    isKnown &= !(range.lower < least) && !(range.upper > most);
    double a = move(range.lower), b = move(range.upper);
    // A falling formula exchanges the ends; one that moves stays where it is.
    bool falls = a > b || a == kInfinity || b == -kInfinity;
    range = falls ? Range{b, a} : Range{a, b};
  }
}

void Tracer::apply(const Node &node, bool inverse, MutableArrayRef<Range> ranges, bool isStacked) {
  llvm::StringRef kind = node.kind;
  if (kind == "formula")
    return applyFormula(node, inverse, ranges);
  const IncreasingMap *map =
      llvm::find_if(getIncreasingMaps(), [&](const IncreasingMap &entry) { return entry.kind == kind; });
  if (map != getIncreasingMaps().end())
    return applyIncreasing(node, *map, inverse, ranges, isStacked);
  if (kind == "rational_quadratic_spline")
    return applySpline(node, ranges);
  if (kind == "flip" || kind == "permute")
    return applyPermute(node, ranges);
  if (kind == "ordered")
    return applyOrdered(inverse, ranges);
  if (kind == "chain")
    return applyChain(node, inverse, ranges, isStacked);
  if (kind == "concatenate" || kind == "stack")
    return applyParts(node, inverse, ranges, isStacked);
  if (kind == "indexed")
    return applyIndexed(node, inverse, ranges, isStacked);
  if (kind == "invert")
    return apply(node.child("bijection"), !inverse, ranges, isStacked);
  if (kind == "reshape" || kind == "embed_condition" || kind == "numerical_inverse")
    return apply(node.child("bijection"), inverse, ranges, isStacked);
  if (kind == "sandwich") {
    apply(node.child("outer"), /*inverse=*/false, ranges, isStacked);
    apply(node.child("inner"), inverse, ranges, isStacked);
    return apply(node.child("outer"), /*inverse=*/true, ranges, isStacked);
  }
  if (kind == "scan") {
    // Which ends there are shows after a few layers; where they are does not.
    constexpr int64_t layers = 3;
    for (int64_t layer = 0; layer < std::min(node.stack, layers); ++layer)
      apply(node.child("bijection"), inverse, ranges, /*isStacked=*/true);
    for (Range &range : ranges)
      if (node.stack > layers)
        range = {range.hasLower() ? kMoving : range.lower, range.hasUpper() ? kMoving : range.upper};
    return;
  }
  if (kind == "vmap") {
    size_t size = ranges.size() / node.attribute<int64_t>("axis_size");
    for (; !ranges.empty(); ranges = ranges.drop_front(size))
      apply(node.child("bijection"), inverse, ranges.take_front(size), isStacked || node.stack > 0);
    return;
  }
  if (kind == "coupling" || kind == "masked_autoregressive") {
    size_t head = kind == "coupling" ? node.attribute<int64_t>("untransformed_dim") : 0;
    for (Range &range : ranges.drop_front(head))
      apply(node.child("transformer"), inverse, range, /*isStacked=*/true);
    return;
  }
  if (kind == "block_autoregressive_network") {
    // Onto R^D if its activation is; coordinates mix.
    for (const auto &field : node.fields)
      if (const Child *activation = std::get_if<Child>(&field); activation && activation->path == "activation") {
        Range image;
        apply(*activation->node, /*inverse=*/false, image, isStacked);
        isKnown &= image.isLine();
      }
  }
  // All others mix coordinates.
  static constexpr llvm::StringLiteral mixing[] = {"triangular_affine",  "householder", "discrete_cosine",
                                                   "additive_condition", "planar",      "block_autoregressive_network"};
  isKnown &=
      llvm::is_contained(mixing, kind) && llvm::all_of(ranges, [](const Range &range) { return range.isLine(); });
}

Support getImage(const Node &bijection, Support support, bool inverse) {
  Tracer tracer;
  tracer.isProduct = support.isProduct;
  tracer.apply(bijection, inverse, support.coordinates, /*isStacked=*/false);
  support.isKnown &= tracer.isKnown;
  support.isProduct = tracer.isProduct;
  return support;
}

//===----------------------------------------------------------------------===//
// Distributions
//===----------------------------------------------------------------------===//

namespace {
/// A base distribution that does not reach all real numbers.
struct RestrictedBase {
  llvm::StringLiteral kind;
  Range range;
};
} // namespace

/// Adds the ranges of the distribution to what `tracer` knows.
static std::vector<Range> trace(Tracer &tracer, const Node &node, bool isStacked) {
  static constexpr RestrictedBase bases[] = {{"standard_uniform", {0, 1}},
                                             {"standard_exponential", {0, kInfinity}},
                                             {"standard_gamma", {0, kInfinity}},
                                             {"beta", {0, 1}}};
  for (const auto &field : node.fields) {
    const Child *child = std::get_if<Child>(&field);
    if (!child)
      continue;
    // A mixture, or a distribution behind a bijection.
    if (child->path == "dist")
      return trace(tracer, *child->node, /*isStacked=*/true);
    std::vector<Range> ranges = trace(tracer, node.child("base_dist"), isStacked);
    tracer.apply(node.child("bijection"), /*inverse=*/false, ranges, isStacked);
    return ranges;
  }
  const RestrictedBase *restricted =
      llvm::find_if(bases, [&](const RestrictedBase &entry) { return entry.kind == node.kind; });
  return std::vector<Range>(numElements(node.shape), restricted == std::end(bases) ? Range() : restricted->range);
}

Support getSupport(const Node &distribution) {
  Tracer tracer;
  Support support;
  support.coordinates = trace(tracer, distribution, /*isStacked=*/false);
  support.isKnown = tracer.isKnown;
  support.isProduct = tracer.isProduct;
  return support;
}

//===----------------------------------------------------------------------===//
// Maps onto a support
//===----------------------------------------------------------------------===//

/// The child with this path, or null.
static NodePtr findChild(const Node &node, llvm::StringRef path) {
  for (const auto &field : node.fields)
    if (const Child *child = std::get_if<Child>(&field); child && child->path == path)
      return child->node;
  return nullptr;
}

/// The parts of a chain, and of chains in it; any other bijection alone.
static void flattenChain(const NodePtr &bijection, std::vector<NodePtr> &parts) {
  if (bijection->kind != "chain") {
    parts.push_back(bijection);
    return;
  }
  for (const auto &field : bijection->fields)
    if (const Child *child = std::get_if<Child>(&field))
      flattenChain(child->node, parts);
}

/// Whether a bijection is the same for all conditions and in all models.
static bool isFixed(const Node &bijection) {
  return !bijection.condShape && llvm::all_of(flattenLeaves(bijection, /*withValues=*/false), [](const PlacedLeaf &at) {
    bool isRandom = at.leaf->init.kind != Init::Kind::Values && at.leaf->init.kind != Init::Kind::InversePermutation &&
                    at.leaf->init.kind != Init::Kind::Derived;
    return at.leaf->kind == Leaf::Kind::Constant || (at.leaf->kind != Leaf::Kind::Trainable && !isRandom);
  });
}

std::optional<SupportSplit> splitSupport(const NodePtr &distribution) {
  SupportSplit split{distribution, {}, {}};
  Support support = getSupport(*distribution);
  while (!support.isAllReals()) {
    if (split.inner.empty()) {
      NodePtr base = findChild(*split.base, "base_dist"), bijection = findChild(*split.base, "bijection");
      if (!base || !bijection)
        return std::nullopt;
      flattenChain(bijection, split.inner);
      split.base = base;
    }
    if (!isFixed(*split.inner.back()))
      return std::nullopt;
    split.maps.insert(split.maps.begin(), split.inner.back());
    split.inner.pop_back();
    support = getSupport(*split.base);
    for (const NodePtr &part : split.inner)
      support = getImage(*part, std::move(support));
  }
  return split;
}

} // namespace flowc
