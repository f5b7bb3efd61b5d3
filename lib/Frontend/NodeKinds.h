//===- NodeKinds.h - What is known of a kind of node ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What supports, warnings and checks of arguments need to know of a bijection or a
// base distribution, they ask its kind. A kind is declared beside its constructor; what
// it does not say has the meaning that is given here.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_NODEKINDS_H
#define FLOWC_LIB_FRONTEND_NODEKINDS_H

#include "flowc/Frontend/Support.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <vector>

namespace flowc {

//===----------------------------------------------------------------------===//
// Ranges on their way through bijections
//===----------------------------------------------------------------------===//

using Ranges = llvm::MutableArrayRef<Range>;

/// A bijection, or its inverse, where ranges of values meet it.
struct RangeStep {
  const Node &node;
  bool inverse = false;
  /// Whether arrays hold the numbers of several copies.
  bool isStacked = false;

  /// The same way through `part`.
  RangeStep at(const Node &part) const { return {part, inverse, isStacked}; }
};

/// Follows the ranges of some coordinates through a bijection.
struct RangeTracer {
  /// Whether nothing was met that makes the ranges uncertain.
  bool isKnown = true;
  /// Whether the values are all of the product of the ranges.
  bool isProduct = true;

  void apply(const RangeStep &step, Ranges ranges);
};

/// An elementwise map that increases from its domain onto its image.
struct IncreasingMap {
  Range domain = {}, image = {};
  /// Where a number inside of the domain goes, or where one of the image comes from, given
  /// the numbers of the object; NaN if those move it. Null: it moves in any case.
  using EndFn = double (*)(double end, llvm::ArrayRef<double> numbers);
  EndFn transform = nullptr, inverse = nullptr;
};

void moveThrough(const IncreasingMap &map, llvm::ArrayRef<double> numbers, RangeTracer &tracer, const RangeStep &step,
                 Ranges ranges);

/// The number that every element of a leaf has, or NaN: training, stacks and different
/// values move it.
double getFixedNumber(const RangeStep &step, const std::string &path);

/// Of a kind that is another way to write its part `bijection`.
void moveThroughPart(RangeTracer &tracer, const RangeStep &step, Ranges ranges);
/// Of one that mixes coordinates, and takes R^D onto itself.
void mixRanges(RangeTracer &tracer, const RangeStep &step, Ranges ranges);

/// An end at a place that depends on parameters.
inline constexpr double kMovingEnd = std::numeric_limits<double>::quiet_NaN();

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

/// What a bijection acts on.
enum class Reach : uint8_t {
  Other,
  Elements, ///< Each element of the event alone.
  Parts,    ///< What its parts act on.
  Vectors,  ///< Vectors; in a place for one number it is a mistake.
};

/// How an inverse is found.
enum class InverseEffort : uint8_t { Formula, Root, Network };

/// One step on an event's way: a bijection, or its inverse.
struct Step {
  NodePtr node;
  bool inverse = false;
};

struct NodeKind {
  /// That of the nodes.
  llvm::StringRef name;
  Reach reach = Reach::Other;
  /// Whether it multiplies by a scale that is a parameter.
  bool isAffine = false;
  /// Whether it takes all numbers into a range that does not depend on parameters.
  bool squashes = false;
  /// Whether it moves elements at most, and changes none.
  bool keepsValues = false;
  /// Whether it is the identity outside of its attribute `interval`.
  bool hasInterval = false;
  /// Whether it is nothing but its parts, one after the other.
  bool isSequence = false;
  /// What an event meets in it, one after the other; null: nothing, it is one step.
  std::vector<Step> (*steps)(const Node &node) = nullptr;
  /// How ranges move through it; null: nothing is known behind it.
  void (*moveRanges)(RangeTracer &tracer, const RangeStep &step, Ranges ranges) = nullptr;
  /// Whether one of shape [] falls; null: parts that fall cancel in pairs.
  bool (*falls)(const Node &node) = nullptr;
  /// How its own inverse is found, parts aside; null: by a formula.
  InverseEffort (*inverseEffort)(const Node &node) = nullptr;
  /// The values of each coordinate of a base distribution.
  Range range = {};
};

/// The kind of a node: one of the tables below, or, if it is in none, one that says nothing.
const NodeKind &getKind(const Node &node);
/// All kinds of the tables.
llvm::ArrayRef<const NodeKind *> allKinds();

/// The children of a node, `hidden` ones left out.
std::vector<NodePtr> getChildren(const Node &node);
/// The child with this path, or null.
NodePtr findChild(const Node &node, llvm::StringRef path);
/// Whether a bijection of shape [] falls.
bool isFalling(const Node &bijection);
/// The only step of a kind that is another way to write its part `bijection`.
std::vector<Step> stepThroughPart(const Node &node);

// Kinds that others ask for.
/// A distribution that was made of a base and a bijection, not by a name of its own.
extern const NodeKind transformedKind;
extern const NodeKind standardNormalKind;
extern const NodeKind linearKind, mlpKind;

// The tables, by the file that has the constructors.
llvm::ArrayRef<const NodeKind *> bijectionKinds();
llvm::ArrayRef<const NodeKind *> elementwiseKinds();
llvm::ArrayRef<const NodeKind *> formulaKinds();
llvm::ArrayRef<const NodeKind *> linearKinds();
llvm::ArrayRef<const NodeKind *> combinatorKinds();
llvm::ArrayRef<const NodeKind *> partKinds();
llvm::ArrayRef<const NodeKind *> inverseKinds();
llvm::ArrayRef<const NodeKind *> networkKinds();
llvm::ArrayRef<const NodeKind *> blockKinds();
llvm::ArrayRef<const NodeKind *> conditionerKinds();
llvm::ArrayRef<const NodeKind *> distributionKinds();

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_NODEKINDS_H
