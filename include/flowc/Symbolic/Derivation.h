//===- Derivation.h - Inverse and log-derivative of a formula ---*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a bijection needs besides its formula y = f(x): log|f'|, and the inverse,
// either as a formula in y or as a root of f(x) - y, which is proven to exist
// once. Every step is kept, with the rule that it used, for people to read.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SYMBOLIC_DERIVATION_H
#define FLOWC_SYMBOLIC_DERIVATION_H

#include "flowc/Symbolic/Expression.h"

namespace flowc::symbolic {

/// A step of a derivation: what was done, and what holds then.
struct Step {
  std::string rule, result;
};

struct Derivation {
  /// x and y; all other symbols are parameters.
  Expr variable = nullptr, image = nullptr;
  /// f(x), f'(x) and log|f'(x)|.
  Expr function = nullptr, derivative = nullptr, logDerivative = nullptr;
  /// f(x) as it is computed: undefined where the formula as written is, and with one slope
  /// where it has a kink, that of `derivative`.
  Expr value = nullptr;
  /// Where the formula as written is defined, but `function` and the inverse do not show it
  /// (DefinedWhere.h); null: nowhere.
  Expr condition = nullptr;
  /// f^-1(y), undefined where y has no preimage; null if it is a root.
  Expr inverse = nullptr;
  /// x by what was found for it (`inverse` or a root), where the formula as written is defined.
  Expr position = nullptr;

  /// Where f is defined, for some parameters at least.
  Interval domain;

  // Of a root: x solves g(x) = level(y) for a part g of f, and what has to be its value where f
  // is y. Mostly those are f and y; in log(x + exp(x)) = y, x + exp(x) = exp(y).
  Expr part = nullptr, partSlope = nullptr, level = nullptr;
  /// log|dx/dy|, in x and y.
  Expr inverseLogDerivative = nullptr;
  /// Where g is looked at. In these four x may stand for a linear expression in x, if the ends
  /// of f's domain are numbers for that only.
  Interval rootDomain;
  /// Whether g rises.
  bool isIncreasing = true;
  /// |g'| is nowhere less than the first, positive, and nowhere more than the second
  /// expression in the parameters; null if no such bound is known.
  Expr slopeBound = nullptr, slopeLimit = nullptr;

  /// Rules that brought the formula to its normal form.
  std::vector<Rewriting> rewritings;
  /// How the inverse was found: y = f(x) solved for x, or the proof that it can
  /// be.
  std::vector<Step> steps;
  /// Why there is no inverse; empty if there is one.
  std::string error;

  bool isAnalytic() const { return inverse != nullptr; }
};

/// A formula: what it simplifies to, and where it is defined as it was written
/// (DefinedWhere.h; null: everywhere).
struct Formula {
  Expr value = nullptr, condition = nullptr;
};

/// Derives everything from `formula`, one in `algebra.getVariable()`, or only what the
/// forward direction needs.
Derivation derive(Algebra &algebra, const Formula &formula, bool withInverse = true);

/// Where f goes at the low and at the high end of its domain; NaN if that depends on
/// the parameters. Found by trial, not proven.
std::pair<double, double> findImage(const Algebra &algebra, const Derivation &derivation);

} // namespace flowc::symbolic

#endif // FLOWC_SYMBOLIC_DERIVATION_H
