//===- TileKernels.cpp - Micro-kernels ------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Labels such as tile_dense_c1 are those of docs/Spec.md.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Tile/IR/TileDialect.h"

using namespace mlir;
using namespace flowc::tile;

/// Numbers that a block of a table takes.
static constexpr int64_t kTableStride = 8;

/// Checks that buffers of floats have the same elements.
static LogicalResult verifyFloats(Operation *op, ArrayRef<BufferType> buffers) {
  for (BufferType buffer : buffers)
    if (!isa<FloatType>(buffer.getElement()) || buffer.getElement() != buffers.front().getElement())
      return op->emitOpError("works on floats of one type but has ") << buffers.front() << " and " << buffer;
  return success();
}

/// Checks a table of blocks.
static LogicalResult verifyBlocks(Operation *op, BufferType table) {
  if (table.getElement().isSignlessInteger(32) && table.getElements() % kTableStride == 0)
    return success();
  return op->emitOpError("needs a table of ") << kTableStride << " i32 for each block but has " << table;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

// tile_load_rows_c1, tile_store_rows_c1: floats of one type.
LogicalResult LoadRowsOp::verify() { return verifyFloats(*this, {getData().getType(), getTile().getType()}); }
LogicalResult StoreRowsOp::verify() { return verifyFloats(*this, {getData().getType(), getTile().getType()}); }

//===----------------------------------------------------------------------===//
// Dense layers
//===----------------------------------------------------------------------===//

LogicalResult DenseOp::verify() {
  // tile_dense_c1: floats of one type.
  BufferType x = getX().getType();
  if (failed(verifyFloats(*this, {x, getY().getType(), getWeights().getType()})))
    return failure();
  // tile_dense_c2: blocks of eight numbers.
  if (failed(verifyBlocks(*this, getTable().getType())))
    return failure();
  // tile_dense_c3: an operand belongs to an argument of the region, and has the type of y.
  if (bool(getOperand()) != getOfOperand().has_value() ||
      (getOperand() && getOperand().getType().getElement() != getY().getType().getElement()))
    return emitOpError("needs an argument of the region for its operand, and an operand for that");
  Region &region = getEpilogue();
  if (region.empty())
    return getOperand() ? LogicalResult(emitOpError("has an operand that nothing reads")) : success();
  // tile_dense_c4: the region takes the sum, and yields one float.
  Block &block = region.front();
  auto isFloat = [&](int64_t number) {
    return number >= 0 && number < block.getNumArguments() && block.getArgument(number).getType() == x.getElement();
  };
  if (!region.hasOneBlock() || block.empty() || !block.back().hasTrait<OpTrait::IsTerminator>() ||
      block.back().getNumOperands() != 1 || block.back().getOperand(0).getType() != x.getElement())
    return emitOpError("needs a region that yields one ") << x.getElement();
  if (!isFloat(getSum()) || (getOfOperand() && (!isFloat(*getOfOperand()) || *getOfOperand() == getSum())))
    return emitOpError("needs a region that takes the sum, and the operand, if there is one");
  return success();
}

//===----------------------------------------------------------------------===//
// Weight gradients
//===----------------------------------------------------------------------===//

template <typename OpTy>
static LogicalResult verifyGradient(OpTy op) {
  BufferType g = op.getG().getType(), weight = op.getWeight().getType();
  // tile_dots_c1, tile_outer_c1: floats of one type.
  if (failed(verifyFloats(op, {g, op.getX().getType(), weight, op.getBias().getType()})))
    return failure();
  // tile_dots_c2, tile_outer_c2: blocks of eight numbers.
  if (failed(verifyBlocks(op, op.getTable().getType())))
    return failure();
  // tile_dots_c3, tile_outer_c3: ranks for both axes where a mask says which weights there are.
  bool isMasked = op.getWhich() != WhichWeights::All;
  for (auto ranks : {op.getOutRanks(), op.getInRanks()})
    if (bool(ranks) != isMasked || (ranks && !ranks.getType().getElement().isSignlessInteger(32)))
      return op.emitOpError("needs ranks, i32, of rows and columns for a mask, and none without");
  // tile_dots_c4, tile_outer_c4: there are columns.
  if (int64_t columns = op.getColumns(); columns < 1)
    return op.emitOpError("needs a column or more but has ") << columns;
  return success();
}

LogicalResult DotsOp::verify() {
  if (failed(verifyGradient(*this)))
    return failure();
  // tile_dots_c5: blocks have rows and columns.
  int64_t rows = getBlockRows(), columns = getBlockColumns();
  if (rows >= 1 && columns >= 1)
    return success();
  return emitOpError("needs blocks of rows and columns but has ") << rows << " x " << columns;
}

LogicalResult OuterOp::verify() { return verifyGradient(*this); }

LogicalResult TransposeOp::verify() {
  // tile_transpose_c1: floats of one type.
  if (failed(verifyFloats(*this, {getX().getType(), getTo().getType()})))
    return failure();
  // tile_transpose_c2: columns are elements of x, and there is room for them.
  int64_t columns = getColumns();
  if (columns >= 1 && columns <= getX().getType().getElements() && columns <= getTo().getType().getElements())
    return success();
  return emitOpError("cannot put ") << columns << " columns of " << getX().getType() << " into " << getTo().getType();
}

//===----------------------------------------------------------------------===//
// Draws
//===----------------------------------------------------------------------===//

// tile_random_gamma_c1: the concentration and both results have one type.
LogicalResult RandomGammaOp::verify() {
  if (getGamma().getType() == getFactor().getType() && getConcentration().getType() == getGamma().getType())
    return success();
  return emitOpError("needs buffers of one type but has ")
         << getConcentration().getType() << ", " << getGamma().getType() << " and " << getFactor().getType();
}
