//===- FlowParameterOps.cpp - Matrices of parameters ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowParameterOps.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowParameterOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Weight normalisation
//===----------------------------------------------------------------------===//

// weight_normalize_c1: one scale per row.
LogicalResult WeightNormalizeOp::verify() {
  int64_t rows = getW().getType().getDimSize(0), scales = getNumElements(getRawScale().getType());
  if (rows == scales)
    return success();
  return emitOpError("needs one scale per row, ") << rows << ", but has " << scales;
}

LogicalResult WeightNormalizeOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  auto op = WeightNormalizeVjpOp::create(vjp.getBuilder(), getW().getType(), getRawScale().getType(),
                                         vjp.lookup(getW()), vjp.lookup(getRawScale()), cotangents[0]);
  vjp.accumulate(getW(), op.getWCotangent());
  vjp.accumulate(getRawScale(), op.getRawScaleCotangent());
  return success();
}

//===----------------------------------------------------------------------===//
// Triangular matrices
//===----------------------------------------------------------------------===//

static LogicalResult verifySquare(Operation *op, RankedTensorType type) {
  if (type.getDimSize(0) == type.getDimSize(1))
    return success();
  return op->emitOpError("needs a square matrix but has ") << type;
}

static LogicalResult verifyDiagonal(Operation *op, RankedTensorType matrix, Type diagonal) {
  if (matrix.getDimSize(0) == getNumElements(diagonal))
    return success();
  return op->emitOpError("needs a diagonal of ")
         << matrix.getDimSize(0) << " elements but has " << getNumElements(diagonal);
}

// diagonal_c1: the matrix is square; diagonal_c2: its diagonal is as long.
LogicalResult DiagonalOp::verify() {
  return failure(failed(verifySquare(*this, getA().getType())) ||
                 failed(verifyDiagonal(*this, getA().getType(), getY().getType())));
}

// triangle_c1: the matrix is square; triangle_c2: its diagonal is as long.
LogicalResult TriangleOp::verify() {
  return failure(failed(verifySquare(*this, getA().getType())) ||
                 failed(verifyDiagonal(*this, getA().getType(), getDiagonal().getType())));
}

// triangular_inverse_c1: the matrix is square.
LogicalResult TriangularInverseOp::verify() { return verifySquare(*this, getA().getType()); }

// cosine_matrix_c1: the matrix is square.
LogicalResult CosineMatrixOp::verify() { return verifySquare(*this, getY().getType()); }

LogicalResult DiagonalOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value zero = buildConstant(builder, getA().getType(), 0);
  vjp.accumulate(getA(), TriangleOp::create(builder, getA().getType(), zero, cotangents[0], /*upper=*/false));
  return success();
}

LogicalResult TriangleOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value g = cotangents[0];
  if (vjp.isNeeded(getA())) {
    Value zero = buildConstant(builder, getDiagonal().getType(), 0);
    vjp.accumulate(getA(), TriangleOp::create(builder, getA().getType(), g, zero, getUpper()));
  }
  if (vjp.isNeeded(getDiagonal()))
    vjp.accumulate(getDiagonal(), DiagonalOp::create(builder, getDiagonal().getType(), g));
  return success();
}

LogicalResult TriangularInverseOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(getA(), TriangularInverseVjpOp::create(vjp.getBuilder(), getA().getType(), vjp.lookup(getY()),
                                                        cotangents[0], getUpper()));
  return success();
}
