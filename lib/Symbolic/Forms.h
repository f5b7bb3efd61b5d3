//===- Forms.h - Forms of expressions that can be bounded -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_SYMBOLIC_FORMS_H
#define FLOWC_LIB_SYMBOLIC_FORMS_H

#include "Solver.h"

#include <span>

namespace flowc::symbolic {

/// u = slope * inner + offset, which x enters through `inner` (x itself or a sum) only.
struct Composite {
  Expr whole;
  Linear linear;
};

/// Linear expressions of x that hold parameters, such as a*x + b or, of a*x^2, sqrt(a)*x.
std::vector<Composite> findComposites(Algebra &algebra, Expr e);

/// The terms of k `e` with products of sums written out, unless those are many.
void expandTerms(Algebra &algebra, Term term, std::vector<Term> &terms);
/// `e` with its brackets opened.
Expr expand(Algebra &algebra, Expr e);
/// The same, and what cancels but for the rounding of numbers such as 1/3 is gone.
Expr expandRounded(Algebra &algebra, Expr e);

/// Terms with the same factor that does not depend on `variable` belong together:
/// b u + b v = b (u + v), so that b does not seem to be two numbers.
Expr groupTerms(Algebra &algebra, Expr e, Expr variable);
/// The same, and then terms that differ in the power of `variable`.
Expr groupPowers(Algebra &algebra, Expr e, Expr variable);

/// Whether `part` occurs in `e`.
bool contains(Expr e, Expr part);
/// Whether the mean value theorem holds for `e` where it is defined: it has no jumps.
bool isContinuous(Expr e);

/// The coefficients c[0], c[1], ... of `part`^0, `part`^1, ... of a sum of terms without
/// brackets, up to `maxDegree`; nothing if it is no such polynomial.
std::optional<std::vector<Expr>> matchPolynomial(Algebra &algebra, std::span<const Term> expanded, Expr part,
                                                 unsigned maxDegree);

} // namespace flowc::symbolic

#endif // FLOWC_LIB_SYMBOLIC_FORMS_H
