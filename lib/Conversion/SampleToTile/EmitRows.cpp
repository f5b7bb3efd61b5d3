//===- EmitRows.cpp - Moves of rows on tiles -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

LogicalResult TileEmitter::emitSplit(SplitOp op) {
  Storage whole = find(op.getX());
  int64_t at = 0;
  for (Value piece : op.getPieces()) {
    int64_t size = getNumElements(piece.getType());
    storages[piece] = slice(whole, index(at), size);
    at += size;
  }
  return success();
}

LogicalResult TileEmitter::emitConcat(ConcatOp op) {
  Storage whole = allocateResult(op);
  int64_t at = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    int64_t size = getNumElements(operand.get().getType());
    if (!inPlace.contains(&operand))
      copy(find(operand.get()), slice(whole, index(at), size));
    at += size;
  }
  return success();
}

LogicalResult TileEmitter::emitGather(GatherOp op) {
  Storage from = find(op.getX()), to = allocateResult(op);
  moveElements(from, findIntegers(op.getIndices()), to);
  return success();
}

LogicalResult TileEmitter::emitReverse(ReverseOp op) {
  Storage from = find(op.getX()), to = allocateResult(op);
  forEach(index(to.elements), [&](Value i) {
    Value row = arith::SubIOp::create(b, index(to.elements - 1), i);
    forEachVector([&](Value j) { store(to, i, j, load(from, row, j)); });
  });
  return success();
}
