//===- Support.h - Where a distribution lives -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which values the coordinates of a distribution can take. It follows from the
// base distribution and from what each bijection makes of an interval; parameters
// that are trained can move the ends of an interval, but make it neither finite
// nor infinite.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_SUPPORT_H
#define FLOWC_FRONTEND_SUPPORT_H

#include "flowc/Frontend/Node.h"

#include <limits>

namespace flowc {

/// The values of one coordinate. An end is infinite if there is none, and NaN if
/// there is one at a place that depends on parameters.
struct Range {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();

  bool hasLower() const { return lower != -std::numeric_limits<double>::infinity(); }
  bool hasUpper() const { return upper != std::numeric_limits<double>::infinity(); }
  bool isLine() const { return !hasLower() && !hasUpper(); }
};

/// The support of a distribution.
struct Support {
  /// One range for each coordinate, in row-major order. The support is inside of
  /// their product, and all of it as far as coordinates can be told apart.
  std::vector<Range> coordinates;
  /// Whether it is all of their product: not behind `ordered`, whose vectors increase.
  bool isProduct = true;
  /// Whether that is certain: not if a bijection mixes coordinates that have ends,
  /// maps a part of its domain only, or is a formula.
  bool isKnown = true;

  /// Whether it is R^D; false if unsure.
  bool isAllReals() const;
  /// Whether a coordinate has an end; false if unsure.
  bool isRestricted() const;
};

/// The support of `distribution`.
Support getSupport(const Node &distribution);

/// Where `bijection`, or its inverse, takes events of `support`.
Support getImage(const Node &bijection, Support support, bool inverse = false);

/// A distribution taken apart: `base`, then the bijections `inner` give a distribution
/// over R^D, and `maps`, which have neither parameters to train nor random ones and take
/// no condition, take that onto the support.
struct SupportSplit {
  NodePtr base;
  std::vector<NodePtr> inner, maps; ///< In the order of an event's way from the base.
};

/// Takes `distribution` apart with as few `maps` as there can be (none if it covers R^D);
/// nothing if there is no such place.
std::optional<SupportSplit> splitSupport(const NodePtr &distribution);

} // namespace flowc

#endif // FLOWC_FRONTEND_SUPPORT_H
