//===- FlowObjective.cpp - What losses are made of ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowObjective.h"

#include "flowc/Dialect/Flow/IR/FlowBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowObjective.cpp.inc"

LogicalResult DetachOp::buildVjp(VjpBuilder &, ValueRange) { return success(); }

LogicalResult SurrogateOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  Value seed = cotangents.front(), slope = vjp.lookup(getSlope());
  auto scale = [](ImplicitLocOpBuilder &at, Value factor, Value number) -> Value {
    Value zero = buildConstant(at, factor.getType(), 0);
    Value isOut = arith::CmpFOp::create(at, arith::CmpFPredicate::OEQ, factor, zero);
    return arith::SelectOp::create(at, isOut, zero, arith::MulFOp::create(at, factor, number));
  };
  if (!isa<RankedTensorType>(slope.getType())) {
    vjp.accumulate(getX(), scale(vjp.getBuilder(), seed, slope));
    return success();
  }
  FailureOr<MapOp> map = buildMap(vjp.getBuilder(), getNumElements(slope.getType()), slope, seed,
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    yields.stacked.push_back(scale(at, arguments[1], arguments[0]));
                                    return success();
                                  });
  if (failed(map))
    return failure();
  vjp.accumulate(getX(), map->getStacked().front());
  return success();
}

LogicalResult SurrogateOp::buildJvp(JvpBuilder &jvp) {
  ImplicitLocOpBuilder &builder = jvp.getBuilder();
  Value tangent = jvp.getTangent(getX()), slope = jvp.lookup(getSlope());
  if (!tangent)
    return success();
  if (!isa<RankedTensorType>(slope.getType())) {
    jvp.addTangent(getY(), arith::MulFOp::create(builder, slope, tangent));
    return success();
  }
  FailureOr<MapOp> map = buildMap(builder, getNumElements(slope.getType()), {slope, tangent}, {},
                                  [](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    yields.summands.push_back(arith::MulFOp::create(at, arguments[0], arguments[1]));
                                    return success();
                                  });
  jvp.addTangent(getY(), map->getSums().front());
  return success();
}

LogicalResult DetachOp::buildJvp(JvpBuilder &) { return success(); }
