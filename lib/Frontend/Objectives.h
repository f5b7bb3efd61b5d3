//===- Objectives.h - Losses in the language --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_OBJECTIVES_H
#define FLOWC_LIB_FRONTEND_OBJECTIVES_H

#include "flowc/Frontend/AST.h"
#include "flowc/Frontend/Diagnostics.h"

namespace flowc {

/// Most terms of an objective beside the log-densities.
inline constexpr size_t maxObjectiveTerms = 64;

/// Replaces `log_prob(q, x, c)` in the formula of an objective by a name; false after a
/// mistake.
bool bindTerms(Diagnostics &diagnostics, ast::Item &item);

/// The objective for a batch of `rows` rows: a density over (1 + terms) * rows numbers.
ast::Item instantiate(const ast::Item &objective, int64_t rows);

/// `let NAME = VALUE in BODY`.
ast::MathExpr makeLet(llvm::StringRef name, ast::MathExpr value, ast::MathExpr body);
/// Elements `begin` ... `end` - 1 of the vector `name`.
ast::MathExpr makeSlice(llvm::StringRef name, int64_t begin, int64_t end, llvm::SMLoc loc);

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_OBJECTIVES_H
