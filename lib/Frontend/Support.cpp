//===- Support.cpp - Where a distribution lives ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Support.h"

#include "NodeKinds.h"

#include "flowc/Frontend/Base.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"

namespace flowc {

using llvm::ArrayRef;

bool Support::isAllReals() const {
  return isKnown && isProduct && llvm::all_of(coordinates, [](const Range &range) { return range.isLine(); });
}

bool Support::isRestricted() const {
  return isKnown && llvm::any_of(coordinates, [](const Range &range) { return !range.isLine(); });
}

//===----------------------------------------------------------------------===//
// Ranges on their way through bijections
//===----------------------------------------------------------------------===//

double getFixedNumber(const RangeStep &step, const std::string &path) {
  const Leaf &leaf = step.node.leaf(path);
  const std::vector<double> &values = leaf.init.values;
  bool isFixed = leaf.kind == Leaf::Kind::Frozen && leaf.init.kind == Init::Kind::Values && !step.isStacked;
  return isFixed && llvm::all_equal(values) ? values.front() : kMovingEnd;
}

void moveThrough(const IncreasingMap &map, ArrayRef<double> numbers, RangeTracer &tracer, const RangeStep &step,
                 Ranges ranges) {
  const Range &domain = step.inverse ? map.image : map.domain, &image = step.inverse ? map.domain : map.image;
  auto function = step.inverse ? map.inverse : map.transform;
  auto move = [&](double end, double domainEnd, double imageEnd) {
    return end == domainEnd ? imageEnd : function ? function(end, numbers) : kMovingEnd;
  };
  for (Range &range : ranges) {
    // What is outside of the domain has no image; an end that moves may be there.
    bool fits =
        (!domain.hasLower() || range.lower >= domain.lower) && (!domain.hasUpper() || range.upper <= domain.upper);
    tracer.isKnown &= fits;
    range = {move(range.lower, domain.lower, image.lower), move(range.upper, domain.upper, image.upper)};
  }
}

void moveThroughPart(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  tracer.apply(step.at(step.node.child("bijection")), ranges);
}

void mixRanges(RangeTracer &tracer, const RangeStep &, Ranges ranges) {
  tracer.isKnown &= llvm::all_of(ranges, [](const Range &range) { return range.isLine(); });
}

void RangeTracer::apply(const RangeStep &step, Ranges ranges) {
  if (auto move = getKind(step.node).moveRanges)
    return move(*this, step, ranges);
  isKnown = false;
}

Support getImage(const Node &bijection, Support support, bool inverse) {
  RangeTracer tracer;
  tracer.isProduct = support.isProduct;
  tracer.apply({bijection, inverse}, support.coordinates);
  support.isKnown &= tracer.isKnown;
  support.isProduct = tracer.isProduct;
  return support;
}

//===----------------------------------------------------------------------===//
// Distributions
//===----------------------------------------------------------------------===//

/// The ranges of the distribution; adds to what `tracer` knows.
static std::vector<Range> trace(RangeTracer &tracer, const Node &node, bool isStacked) {
  // The components of a mixture.
  if (NodePtr components = findChild(node, "dist"))
    return trace(tracer, *components, /*isStacked=*/true);
  const Node *base = findBase(node);
  if (!base)
    return std::vector<Range>(numElements(node.shape), getKind(node).range);
  std::vector<Range> ranges = trace(tracer, *base, isStacked);
  tracer.apply({node.child("bijection"), /*inverse=*/false, isStacked}, ranges);
  return ranges;
}

Support getSupport(const Node &distribution) {
  RangeTracer tracer;
  Support support;
  support.coordinates = trace(tracer, distribution, /*isStacked=*/false);
  support.isKnown = tracer.isKnown;
  support.isProduct = tracer.isProduct;
  return support;
}

//===----------------------------------------------------------------------===//
// Maps onto a support
//===----------------------------------------------------------------------===//

/// The parts of a chain, and of chains in it; any other bijection alone.
static void flattenChain(const NodePtr &bijection, std::vector<NodePtr> &parts) {
  if (!getKind(*bijection).isSequence) {
    parts.push_back(bijection);
    return;
  }
  for (const NodePtr &part : getChildren(*bijection))
    flattenChain(part, parts);
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
