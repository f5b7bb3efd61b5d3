//===- DeriveParts.cpp - Roots of a part of a formula ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where a formula is defined may be no interval between numbers, and what is inside of an
// outer function, or a formula in another variable, have no such trouble.
//
//===----------------------------------------------------------------------===//

#include "Deriver.h"
#include "flowc/Symbolic/DefinedWhere.h"

#include <algorithm>

namespace flowc::symbolic {

bool Deriver::solvePart() {
  if (result.part == result.function)
    return false;
  Derivation part;
  part.variable = x;
  part.function = result.part;
  part.image = algebra.newSymbol("v");
  const Interval known = algebra.getDomain(x);
  Deriver deriver(algebra, part, nullptr);
  // What was undone could be for x in the domain, so the root may be nowhere else.
  bool isFound = deriver.differentiate() && deriver.trouble.empty() && part.domain.isInside(result.domain) &&
                 result.domain.isInside(part.domain);
  if (isFound)
    deriver.invert();
  if (!isFound || !part.error.empty()) {
    algebra.setDomain(x, known);
    return false;
  }
  result.error.clear();
  result.steps = std::move(unwound);
  result.steps.insert(result.steps.end(), part.steps.begin(), part.steps.end());
  if (part.isAnalytic()) {
    result.inverse = algebra.substitute(part.inverse, part.image, result.level);
    return true;
  }
  result.rootDomain = part.domain;
  result.partSlope = part.derivative;
  Expr levelSlope = algebra.derivative(result.level, result.image);
  result.inverseLogDerivative = algebra.subtract(algebra.logAbs(levelSlope), part.logDerivative);
  result.isIncreasing = part.isIncreasing;
  result.slopeBound = part.slopeBound;
  result.slopeLimit = part.slopeLimit;
  return true;
}

bool Deriver::solveIn(const Composite &composite) {
  const auto &[whole, linear] = composite;
  Expr u = algebra.newSymbol("u"), slope = linear.slope;
  Expr position = algebra.divide(algebra.subtract(u, linear.offset), slope);
  if (linear.node != x) {
    Linear innermost = *matchLinear(algebra, linear.node);
    position = algebra.divide(algebra.subtract(position, innermost.offset), innermost.slope);
    slope = algebra.multiply(slope, innermost.slope);
  }
  if (!algebra.isNonZero(slope))
    return false;
  // The first symbol is the variable of all derivations.
  auto change = [&](Expr e) {
    return e ? algebra.substitute(algebra.substitute(algebra.substitute(e, whole, u), x, position), u, x) : nullptr;
  };
  Derivation shifted;
  shifted.variable = x;
  shifted.function = change(result.function);
  shifted.image = result.image;
  const Interval known = algebra.getDomain(x);
  Deriver deriver(algebra, shifted, change(condition));
  deriver.isShifted = true;
  bool isFound = deriver.differentiate() && deriver.trouble.empty();
  if (isFound)
    deriver.invert();
  if (!isFound || !shifted.error.empty() || shifted.isAnalytic()) {
    algebra.setDomain(x, known);
    return false;
  }
  result.steps = {{"for " + algebra.print(whole) + " write " + algebra.getName(x), algebra.print(shifted.function)}};
  result.steps.insert(result.steps.end(), shifted.steps.begin(), shifted.steps.end());
  result.part = shifted.part;
  result.partSlope = shifted.partSlope;
  result.level = shifted.level;
  result.rootDomain = shifted.rootDomain;
  result.inverseLogDerivative = algebra.subtract(shifted.inverseLogDerivative, algebra.logAbs(slope));
  result.position = restrict(algebra, algebra.substitute(position, u, x), shifted.condition);
  result.isIncreasing = shifted.isIncreasing;
  result.slopeBound = shifted.slopeBound;
  result.slopeLimit = shifted.slopeLimit;
  return true;
}

bool Deriver::solveShifted() {
  constexpr size_t kMaxTrials = 3;
  std::vector<Composite> composites = findComposites(algebra, result.function);
  composites.resize(std::min(kMaxTrials, composites.size()));
  return !isShifted && std::ranges::any_of(composites, [&](const Composite &composite) { return solveIn(composite); });
}

} // namespace flowc::symbolic
