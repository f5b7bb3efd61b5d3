//===- ArrayFunctions.h - Functions of whole vectors ---------- -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_ARRAYFUNCTIONS_H
#define FLOWC_LIB_FRONTEND_ARRAYFUNCTIONS_H

#include "flowc/Frontend/AST.h"
#include "flowc/Symbolic/Functions.h"

namespace flowc {

/// The function of whole vectors that `part` calls; nothing if its value is made
/// element by element, or it is no call.
std::optional<symbolic::Function> getArrayFunction(const ast::MathExpr &part);

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_ARRAYFUNCTIONS_H
