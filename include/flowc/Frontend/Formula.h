//===- Formula.h - Items defined by a formula -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_FORMULA_H
#define FLOWC_FRONTEND_FORMULA_H

#include "flowc/Frontend/AST.h"
#include "flowc/Frontend/Source.h"

#include <memory>

namespace flowc {

/// An item that a formula defines, with the text that its tree points into.
struct Formula {
  std::shared_ptr<const SourceText> source;
  ast::Item item;
  /// Of a bijection: the ends of its domain, and where they go (NaN: that depends on
  /// parameters).
  std::vector<double> domain = {}, image = {};
};

/// The value of a formula that holds numbers and arithmetic only; nothing if it
/// depends on anything else.
std::optional<double> foldConstant(const ast::MathExpr &formula);

} // namespace flowc

#endif // FLOWC_FRONTEND_FORMULA_H
