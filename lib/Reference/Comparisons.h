//===- Comparisons.h - Comparisons of formulas ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_REFERENCE_COMPARISONS_H
#define FLOWC_LIB_REFERENCE_COMPARISONS_H

#include "flowc/Frontend/AST.h"

namespace flowc::reference {

/// Whether `a` and `b` compare as the kind of a formula says.
template <typename T>
bool compare(ast::MathExpr::Kind kind, T a, T b) {
  using Kind = ast::MathExpr::Kind;
  switch (kind) {
  case Kind::Less:
    return a < b;
  case Kind::LessEqual:
    return a <= b;
  case Kind::Greater:
    return a > b;
  case Kind::GreaterEqual:
    return a >= b;
  case Kind::Equal:
    return a == b;
  default:
    return a != b;
  }
}

} // namespace flowc::reference

#endif // FLOWC_LIB_REFERENCE_COMPARISONS_H
