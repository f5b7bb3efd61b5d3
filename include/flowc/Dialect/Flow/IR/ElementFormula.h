//===- ElementFormula.h - Arithmetic of elementwise formulas ----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_ELEMENTFORMULA_H
#define FLOWC_DIALECT_FLOW_IR_ELEMENTFORMULA_H

#include "flowc/Dialect/Flow/IR/FlowDialect.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace flowc::flow {

/// Arithmetic on floats of one type, so that formulas read like formulas.
struct Formula {
  using Value = mlir::Value;

  mlir::ImplicitLocOpBuilder &builder;
  mlir::Type type;

  Value constant(double value) { return buildConstant(builder, type, value); }
  Value add(Value a, Value b) { return mlir::arith::AddFOp::create(builder, a, b); }
  Value sub(Value a, Value b) { return mlir::arith::SubFOp::create(builder, a, b); }
  Value mul(Value a, Value b) { return mlir::arith::MulFOp::create(builder, a, b); }
  Value div(Value a, Value b) { return mlir::arith::DivFOp::create(builder, a, b); }
  Value neg(Value a) { return mlir::arith::NegFOp::create(builder, a); }
  Value abs(Value a) { return mlir::math::AbsFOp::create(builder, a); }
  Value exp(Value a) { return mlir::math::ExpOp::create(builder, a); }
  Value log(Value a) { return mlir::math::LogOp::create(builder, a); }
  Value log1p(Value a) { return mlir::math::Log1pOp::create(builder, a); }
  Value logAbs(Value a) { return log(abs(a)); }
  Value tanh(Value a) { return mlir::math::TanhOp::create(builder, a); }
  Value softplus(Value a) { return Log1pExpOp::create(builder, type, a); }
  Value sigmoid(Value a) { return InvLogitOp::create(builder, type, a); }
  Value compare(mlir::arith::CmpFPredicate predicate, Value a, Value b) {
    return mlir::arith::CmpFOp::create(builder, predicate, a, b);
  }
  Value select(Value condition, Value yes, Value no) {
    return mlir::arith::SelectOp::create(builder, condition, yes, no);
  }
  /// `x` moved into [lower, upper].
  Value clip(Value x, Value lower, Value upper) {
    x = select(compare(mlir::arith::CmpFPredicate::OLT, x, lower), lower, x);
    return select(compare(mlir::arith::CmpFPredicate::OGT, x, upper), upper, x);
  }
};

inline Formula formula(mlir::ImplicitLocOpBuilder &builder, mlir::Value like) { return {builder, like.getType()}; }

/// Checks that `parameter`, the operand `name` of a bijection, has one element for
/// each element of the event.
mlir::LogicalResult verifyPerElement(mlir::Operation *op, llvm::StringRef name, mlir::Value parameter);

} // namespace flowc::flow

#endif // FLOWC_DIALECT_FLOW_IR_ELEMENTFORMULA_H
