//===- Pick.cpp - Elements by position ------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Pick.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::sample;

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/Pick.cpp.inc"

/// What both ops ask for: an element of `moved` for each position, and one type of
/// elements.
static LogicalResult verifyPositions(Operation *op, Type moved, Type other, Type positions) {
  if (getNumElements(moved) != getNumElements(positions))
    return op->emitOpError("has ") << getNumElements(positions) << " positions for " << getNumElements(moved)
                                   << " elements";
  if (getElementTypeOrSelf(moved) != getElementTypeOrSelf(other))
    return op->emitOpError("elements change their type from ") << moved << " to " << other;
  return success();
}

LogicalResult PickOp::verify() {
  // pick_c1: an element of the result for each position.
  // pick_c2: of the operand's type.
  if (failed(verifyPositions(*this, getY().getType(), getX().getType(), getPositions().getType())))
    return failure();
  // pick_c3: constant positions are in the operand.
  return verifyConstantPositions(*this, getPositions(), getX().getType().getNumElements());
}

LogicalResult PickOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(getX(),
                 ScatterSumOp::create(vjp.getBuilder(), getX().getType(), cotangents[0], vjp.lookup(getPositions())));
  return success();
}

LogicalResult ScatterSumOp::verify() {
  // scatter_sum_c1: a position for each element of the operand.
  // scatter_sum_c2: of the result's type.
  if (failed(verifyPositions(*this, getX().getType(), getY().getType(), getPositions().getType())))
    return failure();
  // scatter_sum_c3: constant positions are in the result.
  return verifyConstantPositions(*this, getPositions(), getY().getType().getNumElements());
}

LogicalResult ScatterSumOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(getX(), PickOp::create(vjp.getBuilder(), getX().getType(), cotangents[0], vjp.lookup(getPositions())));
  return success();
}
