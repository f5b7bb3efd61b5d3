//===- Functions.cpp - Derivatives of special functions -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Functions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace flowc::sample;

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/Functions.cpp.inc"

// Close to 0 the slope is 1/x, far out e^-|x|.
LogicalResult Log1mExpOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value x = vjp.lookup(getX());
  Value below = math::ExpM1Op::create(builder, math::AbsFOp::create(builder, x));
  Value signedBelow = math::CopySignOp::create(builder, below, x);
  vjp.accumulate(getX(), arith::DivFOp::create(builder, cotangents[0], signedBelow));
  return success();
}

LogicalResult NormalLogCdfOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value slope = NormalHazardOp::create(builder, vjp.lookup(getX()));
  vjp.accumulate(getX(), arith::MulFOp::create(builder, cotangents[0], slope));
  return success();
}

/// h + x for the hazard h at x, which cancel far to the left: h is there -x + r - 2 r^3 + 10 r^5 -
/// ... with r = -1/x.
static Value buildSumWithHazard(ImplicitLocOpBuilder &builder, Value x, Value h) {
  constexpr double kFar = -30; // the next term is below all digits
  constexpr double kSeries[] = {110410, -8162, 706, -74, 10, -2, 1};
  auto constant = [&](double number) { return buildConstant(builder, x.getType(), number); };
  auto multiply = [&](Value a, Value b) -> Value { return arith::MulFOp::create(builder, a, b); };
  Value isFar = arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT, x, constant(kFar));
  Value at = arith::SelectOp::create(builder, isFar, x, constant(kFar));
  Value r = arith::DivFOp::create(builder, constant(-1), at), square = multiply(r, r), series = constant(-1708394);
  for (double coefficient : kSeries)
    series = arith::AddFOp::create(builder, multiply(series, square), constant(coefficient));
  Value sum = arith::AddFOp::create(builder, x, h);
  return arith::SelectOp::create(builder, isFar, multiply(r, series), sum);
}

LogicalResult NormalHazardOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value h = vjp.lookup(getY()), sum = buildSumWithHazard(builder, vjp.lookup(getX()), h);
  Value slope = arith::NegFOp::create(builder, arith::MulFOp::create(builder, h, sum));
  vjp.accumulate(getX(), arith::MulFOp::create(builder, cotangents[0], slope));
  return success();
}

/// Accumulates g * slope(x) for a function of one argument.
template <typename SlopeOp, typename OpTy>
static LogicalResult buildUnaryVjp(OpTy op, VjpBuilder &vjp, ValueRange cotangents) {
  Value slope = SlopeOp::create(vjp.getBuilder(), vjp.lookup(op.getX()));
  vjp.accumulate(op.getX(), arith::MulFOp::create(vjp.getBuilder(), cotangents[0], slope));
  return success();
}

LogicalResult LgammaOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  return buildUnaryVjp<DigammaOp>(*this, vjp, cotangents);
}

LogicalResult DigammaOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  return buildUnaryVjp<TrigammaOp>(*this, vjp, cotangents);
}

LogicalResult StirlingOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  return buildUnaryVjp<StirlingSlopeOp>(*this, vjp, cotangents);
}

LogicalResult LogMinusOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value slope = arith::DivFOp::create(builder, vjp.lookup(getT()), vjp.lookup(getR()));
  vjp.accumulate(getR(), arith::NegFOp::create(builder, arith::MulFOp::create(builder, cotangents[0], slope)));
  return success();
}
