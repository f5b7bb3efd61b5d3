//===- SpecialFunctions.cpp - Derivatives of special functions ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowDistributions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace flowc::flow;

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

LogicalResult NormalHazardOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value h = vjp.lookup(getY()), sum = arith::AddFOp::create(builder, vjp.lookup(getX()), h);
  Value slope = arith::NegFOp::create(builder, arith::MulFOp::create(builder, h, sum));
  vjp.accumulate(getX(), arith::MulFOp::create(builder, cotangents[0], slope));
  return success();
}
