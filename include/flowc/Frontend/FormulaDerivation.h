//===- FormulaDerivation.h - Formulas as mathematics ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_FORMULADERIVATION_H
#define FLOWC_FRONTEND_FORMULADERIVATION_H

#include "flowc/Frontend/AST.h"
#include "flowc/Symbolic/Derivation.h"

namespace flowc {

/// The formula of a scalar bijection, read as an expression, and where it is defined: the
/// variable is the first symbol, the parameters with their domains and start values follow.
symbolic::Formula readFormula(symbolic::Algebra &algebra, const ast::Item &item);

/// What was derived from a formula, with the expressions it consists of.
struct DerivedFormula {
  symbolic::Algebra algebra;
  symbolic::Derivation result;

  explicit DerivedFormula(const ast::Item &item) : result(symbolic::derive(algebra, readFormula(algebra, item))) {}
};

} // namespace flowc

#endif // FLOWC_FRONTEND_FORMULADERIVATION_H
