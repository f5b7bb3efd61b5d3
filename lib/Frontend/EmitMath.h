//===- EmitMath.h - Emission of formulas ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the operators and functions of formulas are in the IR, one table for all
// formulas. They act on every element: operands are floats, or tensors of one
// type. Formulas are emitted as they were written; `flow-stabilize` rewrites them.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_EMITMATH_H
#define FLOWC_LIB_FRONTEND_EMITMATH_H

#include "flowc/Frontend/AST.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/ScopedHashTable.h"

namespace flowc {

/// Emits an operator: Negate, Add ... Power, a comparison (which gives i1). Null
/// if `kind` is no operator.
mlir::Value emitMathOperator(mlir::ImplicitLocOpBuilder &builder, ast::MathExpr::Kind kind, mlir::ValueRange operands);

/// Emits a function that acts on every element, `where(condition, a, b)` and the
/// `min` and `max` of two arguments included. Null if `name` is none.
mlir::Value emitMathFunction(mlir::ImplicitLocOpBuilder &builder, llvm::StringRef name, mlir::ValueRange arguments);

/// What names mean where a formula is emitted.
using MathScope = llvm::ScopedHashTable<llvm::StringRef, mlir::Value>;

/// Emits the formula of a scalar bijection, whose names have been checked. `type`
/// is that of all its numbers.
mlir::Value emitScalarMath(mlir::ImplicitLocOpBuilder &builder, mlir::FloatType type, const ast::MathExpr &formula,
                           MathScope &names);

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_EMITMATH_H
