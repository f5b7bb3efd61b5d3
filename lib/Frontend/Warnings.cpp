//===- Warnings.cpp - What is valid but hardly meant ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Warnings.h"

#include "NodeKinds.h"

#include "flowc/Frontend/Source.h"
#include "flowc/Frontend/Support.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace flowc {

using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// The order in which an event meets bijections
//===----------------------------------------------------------------------===//

/// Returns false to stop.
using StepFn = llvm::function_ref<bool(const Node &bijection, bool inverse)>;

/// Calls `visit` for the bijections that an event meets on its way through
/// `bijection`, or its inverse, in order; a scan's layer counts once.
static bool visitSteps(const Node &bijection, bool inverse, StepFn visit) {
  auto stepsOf = getKind(bijection).steps;
  if (!stepsOf)
    return visit(bijection, inverse);
  std::vector<Step> steps = stepsOf(bijection);
  if (inverse)
    std::reverse(steps.begin(), steps.end());
  return llvm::all_of(steps, [&](const Step &step) { return visitSteps(*step.node, inverse ^ step.inverse, visit); });
}

/// Whether a distribution was made of a base and a bijection, not by a name of its own.
static bool isTransformed(const Node &node) { return &getKind(node) == &transformedKind; }

/// The same for the way of data through a distribution, from its own bijection to
/// those of its base; or through a bijection.
static bool visitFromData(const Node &root, StepFn visit) {
  if (root.category == Node::Category::Bijection)
    return visitSteps(root, /*inverse=*/false, visit);
  if (!isTransformed(root))
    return true;
  return visitSteps(root.child("bijection"), /*inverse=*/true, visit) && visitFromData(root.child("base_dist"), visit);
}

static bool isTrainable(const Node &node) {
  return llvm::any_of(flattenLeaves(node, /*withValues=*/false),
                      [](const PlacedLeaf &leaf) { return leaf.leaf->kind == Leaf::Kind::Trainable; });
}

//===----------------------------------------------------------------------===//
// Splines
//===----------------------------------------------------------------------===//

/// The splines on the way, until something brings data into a known range. A
/// layer transforms part of the event at least; what comes after it is not judged.
static bool collectSplines(const Node &node, bool inverse, std::vector<ExposedSpline> &splines) {
  const NodeKind &kind = getKind(node);
  if (kind.isAffine || (!inverse && kind.squashes))
    return false;
  if (kind.hasInterval) {
    const auto &interval = node.attribute<std::vector<double>>("interval");
    splines.push_back({node.location, interval[0], interval[1]});
    return true;
  }
  auto collect = [&](const Node &inner, bool innerInverse) { return collectSplines(inner, innerInverse, splines); };
  for (const Child &child : node.hidden)
    if (!visitSteps(*child.node, inverse, collect))
      return false;
  bool goesOn = true;
  for (const auto &field : node.fields)
    if (const auto *child = std::get_if<Child>(&field); child && child->node->category == Node::Category::Bijection)
      goesOn &= visitSteps(*child->node, inverse, collect);
  return goesOn;
}

std::vector<ExposedSpline> findExposedSplines(const Node &root) {
  std::vector<ExposedSpline> splines;
  visitFromData(root, [&](const Node &node, bool inverse) { return collectSplines(node, inverse, splines); });
  return splines;
}

//===----------------------------------------------------------------------===//
// Single bijections and distributions
//===----------------------------------------------------------------------===//

namespace {
class WarningFinder {
public:
  std::vector<Warning> warnings;

  /// Looks at a node and all below it.
  void visit(const Node &node);

private:
  void checkRedundantBase(const Node &flow);
  void checkSupport(const Node &flow);
  void add(const Node &node, const Twine &message);
};
} // namespace

void WarningFinder::add(const Node &node, const Twine &message) {
  Warning warning{node.location, message.str()};
  // A name that is used twice is one place of the text.
  bool isKnown = llvm::any_of(warnings, [&](const Warning &other) {
    return other.location.line == warning.location.line && other.location.column == warning.location.column &&
           other.message == warning.message;
  });
  if (!isKnown)
    warnings.push_back(std::move(warning));
}

/// Whether a distribution has a location or a scale that is trained.
static bool hasTrainableAffine(const Node &distribution) {
  if (distribution.category != Node::Category::Distribution)
    return false;
  for (const auto &field : distribution.fields)
    if (const auto *child = std::get_if<Child>(&field))
      if ((getKind(*child->node).isAffine && isTrainable(*child->node)) || hasTrainableAffine(*child->node))
        return true;
  return false;
}

void WarningFinder::checkRedundantBase(const Node &flow) {
  if (!isTransformed(flow) || !hasTrainableAffine(flow.child("base_dist")))
    return;
  // What comes first after the base, apart from moves of coordinates.
  visitSteps(flow.child("bijection"), /*inverse=*/false, [&](const Node &node, bool) {
    if (getKind(node).keepsValues)
      return true;
    if (getKind(node).isAffine && isTrainable(node))
      add(node, "the base distribution already has a location and a scale that are trained, so those of this `" +
                    node.kind +
                    "` are redundant: use a standard base such as `standard_normal`, or freeze one with "
                    "`non_trainable(...)`");
    return false;
  });
}

void WarningFinder::checkSupport(const Node &flow) {
  if (!isTransformed(flow))
    return;
  const Node &base = flow.child("base_dist");
  Support support = getSupport(base);
  if (!support.isKnown)
    return;
  bool isBounded = support.isRestricted();
  visitSteps(flow.child("bijection"), /*inverse=*/false, [&](const Node &node, bool inverse) {
    Support before = support;
    support = getImage(node, std::move(support), inverse);
    bool isOutside = !support.isKnown && before.isAllReals();
    bool moves = isBounded && (!support.isKnown || llvm::any_of(support.coordinates, [](const Range &range) {
                   return std::isnan(range.lower) || std::isnan(range.upper);
                 }));
    if (isOutside)
      add(node, "the inverse of `" + node.kind +
                    "` takes part of the real numbers only, but all of them reach it from "
                    "the base: samples there are NaN; use a base with that support, or "
                    "another bijection");
    else if (moves)
      add(node, "`" + base.kind + "` has a bounded support and `" + node.kind +
                    "` moves its ends, so data can fall where the density is 0: use an unbounded base such as "
                    "`standard_normal`, and end with a map onto the support, as `sigmoid` or `exp`");
    return !isOutside && !moves;
  });
}

void WarningFinder::visit(const Node &node) {
  if (!node.note.empty())
    add(node, node.note);
  checkRedundantBase(node);
  checkSupport(node);
  for (const auto &field : node.fields)
    if (const auto *child = std::get_if<Child>(&field))
      visit(*child->node);
  for (const Child &child : node.hidden)
    visit(*child.node);
}

std::vector<Warning> findWarnings(const Node &root) {
  WarningFinder finder;
  finder.visit(root);
  llvm::stable_sort(finder.warnings, [](const Warning &a, const Warning &b) {
    return std::pair(a.location.line, a.location.column) < std::pair(b.location.line, b.location.column);
  });
  return finder.warnings;
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

std::string formatWarning(const Warning &warning, std::string_view text, std::string_view file) {
  auto [lineNumber, column] = warning.location;
  std::string message =
      (StringRef(file) + ":" + Twine(lineNumber) + ":" + Twine(column) + ": warning: " + warning.message).str();
  StringRef rest = text, line;
  for (unsigned i = 0; i < lineNumber; ++i)
    std::tie(line, rest) = rest.split('\n');
  line = line.rtrim('\r');
  if (lineNumber == 0 || line.empty())
    return message;
  // The caret stands below a character, which may be several bytes.
  std::string caret;
  unsigned at = 1;
  for (char byte : line) {
    bool continues = (byte & 0xC0) == 0x80;
    if (continues)
      continue;
    if (at++ == column)
      break;
    caret += byte == '\t' ? '\t' : ' ';
  }
  return message + "\n" + line.str() + "\n" + caret + "^";
}

} // namespace flowc
