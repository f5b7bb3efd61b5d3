//===- Moves.cpp - Ops that move elements, in ONNX ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "flowc/Dialect/Sample/IR/Objective.h"
#include "flowc/Dialect/Sample/IR/Pick.h"
#include "flowc/Dialect/Sample/IR/SampleDialect.h"

#include <numeric>

using namespace flowc;
using namespace flowc::onnx;
using namespace mlir;

/// A float as a tensor of one element.
static Tensor asTensor(Converter &c, Value value) {
  return rankOf(value) == 0 ? c.b.addLastAxis(c.get(value)) : c.get(value);
}

static LogicalResult convertSplit(Converter &c, sample::SplitOp op) {
  std::vector<int64_t> sizes;
  for (Value piece : op.getPieces())
    sizes.push_back(countElements(piece));
  std::vector<Tensor> pieces =
      c.b.makeAll("Split", {c.get(op.getX()), c.b.integers(sizes)}, {{"axis", int64_t(-1)}}, sizes.size());
  for (auto [value, piece] : llvm::zip_equal(op.getPieces(), pieces))
    c.set(value, rankOf(value) == 0 ? c.b.dropLastAxis(piece) : piece);
  return success();
}

static LogicalResult convertConcat(Converter &c, sample::ConcatOp op) {
  std::vector<Tensor> pieces;
  bool withRows = false, withElements = false;
  for (Value piece : op.getPieces()) {
    pieces.push_back(asTensor(c, piece));
    withRows |= pieces.back().hasRows;
    withElements |= pieces.back().hasElements;
  }
  for (Tensor &piece : pieces)
    piece = c.b.expand(piece, 1, withRows, withElements);
  c.set(op, c.b.concat(pieces, -1));
  return success();
}

/// Elements at positions that are the same for all rows.
static LogicalResult convertGather(Converter &c, Operation *op, Value x, Value positions) {
  if (c.get(positions).hasRows || c.get(positions).hasElements)
    return op->emitError("'") << op->getName() << "' at positions that differ by row has no form in ONNX";
  c.set(op->getResult(0), c.b.gather(c.get(x), c.get(positions), -1));
  return success();
}

static LogicalResult convertPermutation(Converter &c, sample::GatherOp op) {
  return convertGather(c, op, op.getX(), op.getIndices());
}

static LogicalResult convertPick(Converter &c, sample::PickOp op) {
  return convertGather(c, op, op.getX(), op.getPositions());
}

static LogicalResult convertReverse(Converter &c, sample::ReverseOp op) {
  std::vector<int64_t> order(countElements(op));
  std::iota(order.rbegin(), order.rend(), 0);
  c.set(op, c.b.gather(c.get(op.getX()), c.b.integers(order), -1));
  return success();
}

static LogicalResult convertReorder(Converter &c, sample::ReorderOp op) {
  Tensor result = c.get(op.getX());
  int64_t axis = -rankOf(op);
  for (ArrayRef<int64_t> order : {op.getRows(), op.getColumns()}) {
    if (!order.empty())
      result = c.b.gather(result, c.b.integers(order), axis);
    ++axis;
  }
  c.set(op, result);
  return success();
}

static LogicalResult convertReshape(Converter &c, sample::ReshapeOp op) {
  c.set(op, c.b.reshape(c.get(op.getX()), shapeOf(op)));
  return success();
}

static LogicalResult convertSplat(Converter &c, sample::SplatOp op) {
  c.set(op, c.b.make("Expand", {asTensor(c, op.getX()), c.b.integers(shapeOf(op))}));
  return success();
}

static LogicalResult convertDetach(Converter &c, sample::DetachOp op) {
  c.set(op->getResult(0), c.get(op->getOperand(0)));
  return success();
}

void flowc::onnx::addMoves(Patterns &patterns) {
  patterns.add(convertSplit);
  patterns.add(convertConcat);
  patterns.add(convertPermutation);
  patterns.add(convertPick);
  patterns.add(convertReverse);
  patterns.add(convertReorder);
  patterns.add(convertReshape);
  patterns.add(convertSplat);
  patterns.add(convertDetach);
}
