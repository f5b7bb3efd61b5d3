//===- ParameterOps.cpp - Matrices of parameters --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/ParameterOps.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace flowc::sample;

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/ParameterOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Weight normalisation
//===----------------------------------------------------------------------===//

static LogicalResult verifyScales(Operation *op, RankedTensorType matrix, Type scales) {
  if (matrix.getDimSize(0) == getNumElements(scales))
    return success();
  return op->emitOpError("needs one scale per row, ") << matrix.getDimSize(0) << ", but has " << getNumElements(scales);
}

// weight_normalize_c1, weight_normalize_vjp_c1: one scale per row.
LogicalResult WeightNormalizeOp::verify() { return verifyScales(*this, getW().getType(), getRawScale().getType()); }
LogicalResult WeightNormalizeVjpOp::verify() { return verifyScales(*this, getW().getType(), getRawScale().getType()); }

LogicalResult WeightNormalizeOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  auto op = WeightNormalizeVjpOp::create(vjp.getBuilder(), getW().getType(), getRawScale().getType(),
                                         vjp.lookup(getW()), vjp.lookup(getRawScale()), cotangents[0]);
  vjp.accumulate(getW(), op.getWCotangent());
  vjp.accumulate(getRawScale(), op.getRawScaleCotangent());
  return success();
}

/// Each row of `matrix` times its element of `factors`.
static Value scaleRows(ImplicitLocOpBuilder &builder, Value matrix, Value factors) {
  auto type = cast<RankedTensorType>(matrix.getType());
  auto scan = ScanOp::create(builder, TypeRange(), type, type.getDimSize(0), /*reverse=*/false, ValueRange(),
                             ValueRange{matrix, factors}, /*shared=*/ValueRange());
  Block &block = scan.getBody().emplaceBlock();
  Location loc = builder.getLoc();
  Value row = block.addArgument(ScanOp::getSliceType(type), loc);
  Value factor = block.addArgument(type.getElementType(), loc);
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  Value spread = SplatOp::create(inner, row.getType(), factor);
  YieldOp::create(inner, arith::MulFOp::create(inner, row, spread).getResult());
  return scan.getStacked().front();
}

// By a row w[o] the Jacobian is a projection, which is its own transpose; by the scale
// s = softplus(raw), row o of the result changes by its own multiple ds / s.
LogicalResult WeightNormalizeOp::buildJvp(JvpBuilder &jvp) {
  ImplicitLocOpBuilder &builder = jvp.getBuilder();
  Value w = jvp.lookup(getW()), raw = jvp.lookup(getRawScale());
  if (Value tangent = jvp.getTangent(getW())) {
    auto projected = WeightNormalizeVjpOp::create(builder, w.getType(), raw.getType(), w, raw, tangent);
    jvp.addTangent(getY(), projected.getWCotangent());
  }
  Value ofScale = jvp.getTangent(getRawScale());
  if (!ofScale)
    return success();
  Value slope = InvLogitOp::create(builder, raw.getType(), raw);
  Value change = arith::MulFOp::create(builder, ofScale, slope);
  Value relative = arith::DivFOp::create(builder, change, Log1pExpOp::create(builder, raw.getType(), raw));
  jvp.addTangent(getY(), scaleRows(builder, jvp.lookup(getY()), relative));
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

// triangular_inverse_c1, triangular_inverse_vjp_c1, triangular_inverse_jvp_c1: the matrix is square.
LogicalResult TriangularInverseOp::verify() { return verifySquare(*this, getA().getType()); }
LogicalResult TriangularInverseVjpOp::verify() { return verifySquare(*this, getInverse().getType()); }
LogicalResult TriangularInverseJvpOp::verify() { return verifySquare(*this, getInverse().getType()); }

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

LogicalResult TriangularInverseOp::buildJvp(JvpBuilder &jvp) {
  jvp.addTangent(getY(), TriangularInverseJvpOp::create(jvp.getBuilder(), getY().getType(), jvp.lookup(getY()),
                                                        jvp.getTangent(getA()), getUpper()));
  return success();
}

//===----------------------------------------------------------------------===//
// AntiTranspose
//===----------------------------------------------------------------------===//

// anti_transpose_c1: as many rows as the operand has columns, and the reverse.
LogicalResult AntiTransposeOp::verify() {
  RankedTensorType from = getA().getType(), to = getY().getType();
  if (from.getDimSize(0) == to.getDimSize(1) && from.getDimSize(1) == to.getDimSize(0))
    return success();
  return emitOpError("cannot mirror ") << from << " to " << to;
}

LogicalResult AntiTransposeOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(getA(), AntiTransposeOp::create(vjp.getBuilder(), getA().getType(), cotangents[0]));
  return success();
}
