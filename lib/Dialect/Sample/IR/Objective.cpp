//===- Objective.cpp - What losses are made of ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Objective.h"

#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::sample;

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/Objective.cpp.inc"

LogicalResult DetachOp::buildVjp(VjpBuilder &, ValueRange) { return success(); }

LogicalResult DetachOp::buildJvp(JvpBuilder &) { return success(); }

LogicalResult SurrogateOp::verify() {
  // surrogate_c1: each element of a tensor has as large a share of every x.
  if (!isa<RankedTensorType>(getValue().getType()))
    return success();
  int64_t extent = getNumElements(getValue().getType());
  for (Value x : getXs())
    if (getNumElements(x.getType()) % extent != 0)
      return emitOpError("of ") << extent << " elements cannot share out " << x.getType() << " to them";
  return success();
}

/// `slope`, a float or a small tensor, times `cotangent`; 0 if that is 0.
static Value buildScaled(ImplicitLocOpBuilder &at, Value cotangent, Value slope) {
  Type type = slope.getType();
  Value isOut =
      arith::CmpFOp::create(at, arith::CmpFPredicate::OEQ, cotangent, buildConstant(at, cotangent.getType(), 0));
  Value factor = isa<RankedTensorType>(type) ? SplatOp::create(at, type, cotangent).getResult() : cotangent;
  Value product = arith::MulFOp::create(at, factor, slope);
  return arith::SelectOp::create(at, isOut, buildConstant(at, type, 0), product);
}

/// Whether `op` stands in the body of a map or a sweep, whose tensors are small.
static bool isInBody(Operation *op) { return isa<MapOp, SweepOp>(op->getParentOp()); }

/// The derivatives of a float.
static LogicalResult buildVjpOfFloat(SurrogateOp op, VjpBuilder &vjp, Value seed) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  for (auto [x, primalSlope] : llvm::zip_equal(op.getXs(), op.getSlopes())) {
    Value slope = vjp.lookup(primalSlope);
    if (isInBody(op) || !isa<RankedTensorType>(slope.getType())) {
      vjp.accumulate(x, buildScaled(builder, seed, slope));
      continue;
    }
    FailureOr<MapOp> map = buildMap(builder, getNumElements(slope.getType()), slope, seed,
                                    [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                      yields.stacked.push_back(buildScaled(at, arguments[1], arguments[0]));
                                      return success();
                                    });
    if (failed(map))
      return failure();
    vjp.accumulate(x, map->getStacked().front());
  }
  return success();
}

LogicalResult SurrogateOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  if (!isa<RankedTensorType>(getValue().getType()))
    return buildVjpOfFloat(*this, vjp, cotangents.front());
  SmallVector<Value> wanted, operands{cotangents.front()};
  for (auto [x, slope] : llvm::zip_equal(getXs(), getSlopes()))
    if (vjp.isNeeded(x)) {
      wanted.push_back(x);
      operands.push_back(vjp.lookup(slope));
    }
  FailureOr<MapOp> map = buildMap(vjp.getBuilder(), getNumElements(getValue().getType()), operands, {},
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    for (Value slope : arguments.drop_front())
                                      yields.stacked.push_back(buildScaled(at, arguments.front(), slope));
                                    return success();
                                  });
  if (failed(map))
    return failure();
  for (auto [x, cotangent] : llvm::zip_equal(wanted, map->getStacked()))
    vjp.accumulate(x, cotangent);
  return success();
}

/// The sum of the products of the elements of two floats or small tensors.
static Value buildInner(ImplicitLocOpBuilder &at, Value a, Value b) {
  Value product = arith::MulFOp::create(at, a, b);
  return isa<RankedTensorType>(a.getType())
             ? ReduceSumOp::create(at, getElementTypeOrSelf(a.getType()), product).getResult()
             : product;
}

LogicalResult SurrogateOp::buildJvp(JvpBuilder &jvp) {
  ImplicitLocOpBuilder &builder = jvp.getBuilder();
  auto tensor = dyn_cast<RankedTensorType>(getValue().getType());
  for (auto [x, primalSlope] : llvm::zip_equal(getXs(), getSlopes())) {
    Value tangent = jvp.getTangent(x), slope = jvp.lookup(primalSlope);
    if (!tangent)
      continue;
    if (isInBody(*this) || !isa<RankedTensorType>(slope.getType())) {
      jvp.addTangent(getY(), buildInner(builder, slope, tangent));
      continue;
    }
    FailureOr<MapOp> map =
        buildMap(builder, getNumElements((tensor ? Type(tensor) : slope.getType())), {slope, tangent}, {},
                 [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                   Value inner = buildInner(at, arguments[0], arguments[1]);
                   (tensor ? yields.stacked : yields.summands).push_back(inner);
                   return success();
                 });
    if (failed(map))
      return failure();
    jvp.addTangent(getY(), map->getResult(0));
  }
  return success();
}
