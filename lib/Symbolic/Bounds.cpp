//===- Bounds.cpp - Bounds in the parameters -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Solver.h"

#include <algorithm>
#include <cmath>

namespace flowc::symbolic {

namespace {

/// Bounds in the parameters, for a variable in a domain.
struct BoundFinder {
  Algebra &algebra;
  Expr variable;
  Interval domain;

  /// What `e` is nowhere less than, or more than; null if unknown.
  Expr find(Expr e, bool isLower) {
    if (!algebra.dependsOn(e, variable))
      return e;
    if (e->kind == Kind::Sum) {
      // What depends on nothing else is bounded as a whole.
      std::vector<Term> alone, bounds;
      for (auto [factor, node] : e->terms) {
        if (dependsOnVariableAlone(node)) {
          alone.push_back({factor, node});
          continue;
        }
        Expr bound = find(node, factor > 0 ? isLower : !isLower);
        if (!bound)
          return nullptr;
        bounds.push_back({factor, bound});
      }
      Expr known = algebra.sum(e->number, bounds);
      if (alone.empty())
        return known;
      Expr bound = findEnd(algebra.sum(0, alone), isLower);
      return bound ? algebra.add(bound, known) : nullptr;
    }
    if (Expr end = findEnd(e, isLower))
      return end;
    if (e->kind != Kind::Product)
      return nullptr;
    // p(a) q(x) for p >= 0 and a bound of q.
    std::vector<Term> free, dependent;
    for (const Term &term : e->terms)
      (algebra.dependsOn(term.node, variable) ? dependent : free).push_back(term);
    Expr factor = algebra.product(1, free), rest = algebra.product(1, dependent);
    if (free.empty() || !algebra.range(factor).isNonNegative())
      return nullptr;
    Expr end = findEnd(rest, isLower);
    return end ? algebra.multiply(end, factor) : nullptr;
  }

private:
  bool dependsOnVariableAlone(Expr e) {
    for (size_t i = 0; i < algebra.getNumSymbols(); ++i)
      if (Expr symbol = algebra.getSymbol(i); (symbol == variable) != algebra.dependsOn(e, symbol))
        return false;
    return true;
  }

  /// The end of the values, as far as intervals of moderate size tell; null if infinite.
  Expr findEnd(Expr e, bool isLower) {
    std::vector<double> points;
    for (double size : {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 16.0, 64.0})
      points.insert(points.end(), {size, -size});
    points.push_back(0);
    std::erase_if(points, [&](double at) { return at <= domain.low || at >= domain.high; });
    std::sort(points.begin(), points.end());
    std::optional<Interval> values;
    Interval part = domain;
    for (size_t i = 0; i <= points.size(); ++i) {
      if (i < points.size())
        part.high = points[i], part.highOpen = false;
      else
        part.high = domain.high, part.highOpen = domain.highOpen;
      Interval ofPart = algebra.range(e, variable, part);
      values = values ? hull(*values, ofPart) : ofPart;
      part.low = part.high, part.lowOpen = false;
    }
    double end = isLower ? values->low : values->high;
    return std::isfinite(end) ? algebra.constant(end) : nullptr;
  }
};

} // namespace

SlopeBounds findSlopeBounds(Algebra &algebra, Expr e, Expr variable, const Interval &domain) {
  BoundFinder finder{algebra, variable, domain};
  SlopeBounds bounds{finder.find(e, /*isLower=*/true), finder.find(e, /*isLower=*/false)};
  if (bounds.lower && !algebra.isPositive(bounds.lower))
    bounds.lower = nullptr;
  return bounds;
}

} // namespace flowc::symbolic
