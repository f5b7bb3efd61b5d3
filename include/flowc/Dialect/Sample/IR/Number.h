//===- Number.h - Notation of densities -------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that build ops, so that a density reads like its formula.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_NUMBER_H
#define FLOWC_DIALECT_SAMPLE_IR_NUMBER_H

#include "flowc/Dialect/Sample/IR/Functions.h"
#include "flowc/Dialect/Sample/IR/SampleDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

namespace flowc::sample {

using mlir::ImplicitLocOpBuilder;
using mlir::Value;
namespace arith = mlir::arith;
namespace math = mlir::math;

/// A float in a formula.
struct Number {
  ImplicitLocOpBuilder *builder;
  Value value;

  operator Value() const { return value; }
  Number constant(double number) const { return {builder, buildConstant(*builder, value.getType(), number)}; }
  template <typename OpTy>
  Number apply() const {
    return {builder, OpTy::create(*builder, value)};
  }
  template <typename OpTy>
  Number apply(Number b) const {
    return {builder, OpTy::create(*builder, value, b.value)};
  }
  Number operator-() const { return apply<arith::NegFOp>(); }
  Value compare(arith::CmpFPredicate predicate, Number b) const {
    return arith::CmpFOp::create(*builder, predicate, value, b.value);
  }
  Value operator<(double b) const { return compare(arith::CmpFPredicate::OLT, constant(b)); }
  Value operator>(double b) const { return compare(arith::CmpFPredicate::OGT, constant(b)); }
  Value operator>=(double b) const { return compare(arith::CmpFPredicate::OGE, constant(b)); }
  Value operator<=(double b) const { return compare(arith::CmpFPredicate::OLE, constant(b)); }
  Value operator==(Number b) const { return compare(arith::CmpFPredicate::OEQ, b); }
  Value isZero() const { return compare(arith::CmpFPredicate::OEQ, constant(0)); }
  Value isNaN() const { return compare(arith::CmpFPredicate::UNO, *this); }
  bool isF32() const { return value.getType().isF32(); }
};

inline Number operator+(Number a, Number b) { return a.apply<arith::AddFOp>(b); }
inline Number operator-(Number a, Number b) { return a.apply<arith::SubFOp>(b); }
inline Number operator*(Number a, Number b) { return a.apply<arith::MulFOp>(b); }
inline Number operator/(Number a, Number b) { return a.apply<arith::DivFOp>(b); }
inline Number operator+(Number a, double b) { return a + a.constant(b); }
inline Number operator-(Number a, double b) { return a - a.constant(b); }
inline Number operator*(double a, Number b) { return b.constant(a) * b; }
inline Number operator/(double a, Number b) { return b.constant(a) / b; }
inline Number operator-(double a, Number b) { return b.constant(a) - b; }

inline Number select(Value condition, Number yes, Number no) {
  return {yes.builder, arith::SelectOp::create(*yes.builder, condition, yes.value, no.value)};
}
inline Number select(Value condition, Number yes, double no) { return select(condition, yes, yes.constant(no)); }
inline Number select(Value condition, double yes, Number no) { return select(condition, no.constant(yes), no); }
inline Number log(Number a) { return a.apply<math::LogOp>(); }
inline Number log1p(Number a) { return a.apply<math::Log1pOp>(); }
inline Number exp(Number a) { return a.apply<math::ExpOp>(); }
inline Number abs(Number a) { return a.apply<math::AbsFOp>(); }
inline Number stirling(Number a) { return a.apply<StirlingOp>(); }
inline Number logMinus(Number r, Number t) { return r.apply<LogMinusOp>(t); }

inline Value either(ImplicitLocOpBuilder &builder, Value a, Value b) { return arith::OrIOp::create(builder, a, b); }
inline Value both(ImplicitLocOpBuilder &builder, Value a, Value b) { return arith::AndIOp::create(builder, a, b); }

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kHalfLogTwoPi = 0.91893853320467274178;

/// The largest finite number, and the smallest normal one.
inline double getLargest(Number like) {
  return like.isF32() ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
}
inline double getSmallest(Number like) {
  return like.isF32() ? std::numeric_limits<float>::min() : std::numeric_limits<double>::min();
}

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_IR_NUMBER_H
