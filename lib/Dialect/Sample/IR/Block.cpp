//===- Block.cpp - Ops of block autoregressive networks -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Labels such as block_dense_c1 are those of docs/Spec.md.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/BlockNetwork.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::sample;

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/Block.cpp.inc"

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// Checks that `matrix` consists of `blocks` x `blocks` blocks and that `diagonal`
/// is the shape of those on its diagonal.
static LogicalResult verifyBlocks(Operation *op, RankedTensorType matrix, RankedTensorType diagonal, int64_t blocks) {
  if (blocks < 1 || matrix.getDimSize(0) % blocks != 0 || matrix.getDimSize(1) % blocks != 0)
    return op->emitOpError() << "cannot cut " << matrix << " into " << blocks << " x " << blocks << " blocks";
  if (diagonal.getDimSize(0) == matrix.getDimSize(0) && diagonal.getDimSize(1) == matrix.getDimSize(1) / blocks)
    return success();
  return op->emitOpError() << "diagonal blocks of " << matrix << " need " << matrix.getDimSize(0) << " x "
                           << matrix.getDimSize(1) / blocks << " elements but have " << diagonal;
}

// block_diagonal_c1: a matrix of blocks; block_diagonal_c2: the result fits.
LogicalResult BlockDiagonalOp::verify() { return verifyBlocks(*this, getA().getType(), getY().getType(), getBlocks()); }

// block_triangle_c1: a matrix of blocks; block_triangle_c2: the diagonal fits.
LogicalResult BlockTriangleOp::verify() {
  return verifyBlocks(*this, getA().getType(), getDiagonal().getType(), getBlocks());
}

LogicalResult BlockDiagonalOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value zero = buildConstant(builder, getA().getType(), 0);
  vjp.accumulate(getA(), BlockTriangleOp::create(builder, getA().getType(), zero, cotangents[0], getBlocks()));
  return success();
}

LogicalResult BlockTriangleOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value g = cotangents[0];
  if (vjp.isNeeded(getA())) {
    Value zero = buildConstant(builder, getDiagonal().getType(), 0);
    vjp.accumulate(getA(), BlockTriangleOp::create(builder, getA().getType(), g, zero, getBlocks()));
  }
  if (vjp.isNeeded(getDiagonal()))
    vjp.accumulate(getDiagonal(), BlockDiagonalOp::create(builder, getDiagonal().getType(), g, getBlocks()));
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Checks that `weight` is `blocks` matrices that map x to y.
static LogicalResult verifyProduct(Operation *op, RankedTensorType weight, Type x, Type y, int64_t blocks) {
  if (blocks >= 1 && weight.getDimSize(0) % blocks == 0 && getNumElements(y) == weight.getDimSize(0) &&
      getNumElements(x) == weight.getDimSize(1) * blocks)
    return success();
  return op->emitOpError() << blocks << " blocks of " << weight << " do not map " << x << " to " << y;
}

// block_dense_c1: the blocks map x to y.
LogicalResult BlockDenseOp::verify() {
  Type x = getX().getType(), y = getY().getType();
  return getTransposed() ? verifyProduct(*this, getWeight().getType(), y, x, getBlocks())
                         : verifyProduct(*this, getWeight().getType(), x, y, getBlocks());
}

// block_outer_c1: the blocks are products of pieces of g and x.
LogicalResult BlockOuterOp::verify() {
  return verifyProduct(*this, getWeight().getType(), getX().getType(), getG().getType(), getBlocks());
}

LogicalResult BlockDenseOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value g = cotangents[0], x = vjp.lookup(getX());
  if (vjp.isNeeded(getX()))
    vjp.accumulate(getX(), BlockDenseOp::create(builder, getX().getType(), vjp.lookup(getWeight()), g, getBlocks(),
                                                !getTransposed()));
  if (vjp.isNeeded(getWeight())) {
    Value rows = getTransposed() ? x : g, columns = getTransposed() ? g : x;
    vjp.accumulate(getWeight(), BlockOuterOp::create(builder, getWeight().getType(), rows, columns, getBlocks()));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

LogicalResult flowc::sample::verifyBlockNetwork(Operation *op, int64_t dim, OperandRange weights) {
  int64_t inputs = dim;
  for (auto [layer, weight] : llvm::enumerate(weights)) {
    auto type = cast<RankedTensorType>(weight.getType());
    if (type.getDimSize(1) != inputs || type.getDimSize(0) % dim != 0 || type.getDimSize(0) < dim)
      return op->emitOpError() << "weight " << type << " of layer " << layer << " must have " << inputs
                               << " columns and a multiple of " << dim << " rows";
    inputs = type.getDimSize(0);
  }
  if (inputs == dim)
    return success();
  return op->emitOpError() << "the last layer must have " << dim << " rows but has " << inputs;
}

LogicalResult flowc::sample::verifyBlockBiases(Operation *op, OperandRange weights, OperandRange biases) {
  if (weights.size() != biases.size() || weights.empty())
    return op->emitOpError("needs as many biases as weights, at least one");
  for (auto [weight, bias] : llvm::zip_equal(weights, biases))
    if (getNumElements(bias.getType()) != cast<RankedTensorType>(weight.getType()).getDimSize(0))
      return op->emitOpError() << "bias " << bias.getType() << " does not fit the weight " << weight.getType();
  return success();
}

/// Checks the diagonal blocks of the weights of a network on `dim` coordinates.
static LogicalResult verifyDiagonals(Operation *op, int64_t dim, OperandRange weights, OperandRange diagonals) {
  if (weights.size() != diagonals.size() || weights.size() < 2)
    return op->emitOpError("needs diagonal blocks for each of at least two weights");
  for (auto [weight, diagonal] : llvm::zip_equal(weights, diagonals))
    if (failed(verifyBlocks(op, cast<RankedTensorType>(weight.getType()), cast<RankedTensorType>(diagonal.getType()),
                            dim)))
      return failure();
  return success();
}

LogicalResult BlockSweepOp::verify() {
  int64_t dim = getY().getType().getNumElements();
  Type element = getY().getType().getElementType();
  // block_sweep_c1: weights, biases and diagonal blocks form a network.
  if (failed(verifyBlockBiases(*this, getWeights(), getBiases())) ||
      failed(verifyBlockNetwork(*this, dim, getWeights())) ||
      failed(verifyDiagonals(*this, dim, getWeights(), getDiagonals())))
    return failure();
  // block_sweep_c2: the offset has an element per unit of the first layer.
  if (getOffset() && getOffset().getType() != getBiases().front().getType())
    return emitOpError("offset ") << getOffset().getType() << " must have the type of the first bias, "
                                  << getBiases().front().getType();
  // block_sweep_c3: five bounds or none, an element per coordinate each.
  if ((!getBounds().empty() && getBounds().size() != 5) ||
      llvm::any_of(getBounds().getTypes(), [&](Type type) { return type != getY().getType(); }))
    return emitOpError("needs no bounds or five of type ") << getY().getType();
  // block_sweep_c4: a region takes a float and the shared operands and yields two
  // floats.
  SmallVector<Type> arguments{element};
  llvm::append_range(arguments, getShared().getTypes());
  for (Region *region : getRegions()) {
    if (region->empty())
      continue;
    Block &block = region->front();
    if (TypeRange(block.getArgumentTypes()) != TypeRange(arguments))
      return emitOpError("activation must take ") << arguments << " but takes " << block.getArgumentTypes();
    if (TypeRange(block.getTerminator()->getOperandTypes()) != TypeRange({element, element}))
      return emitOpError("activation must yield a value and its derivative");
  }
  // block_sweep_c5: a surrogate needs bounds.
  if (!getSurrogate().empty() && getBounds().empty())
    return emitOpError("has a surrogate but no bounds");
  return success();
}

LogicalResult BlockAdjointOp::verify() {
  int64_t dim = getG().getType().getNumElements();
  // block_adjoint_c1: weights and diagonal blocks form a network.
  if (failed(verifyBlockNetwork(*this, dim, getWeights())) ||
      failed(verifyDiagonals(*this, dim, getWeights(), getDiagonals())))
    return failure();
  // block_adjoint_c2: slopes of every hidden unit.
  if (getSlopes().size() + 1 != getWeights().size())
    return emitOpError("needs slopes for every layer but the last");
  for (auto [slopes, weight] : llvm::zip(getSlopes(), getWeights()))
    if (getNumElements(slopes.getType()) != cast<RankedTensorType>(weight.getType()).getDimSize(0))
      return emitOpError("slopes ") << slopes.getType() << " do not fit the weight " << weight.getType();
  return success();
}
