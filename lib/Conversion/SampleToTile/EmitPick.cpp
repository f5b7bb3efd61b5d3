//===- EmitPick.cpp - Elements by position on tiles -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"
#include "flowc/Dialect/Sample/IR/Pick.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

/// A buffer of 32-bit integers: constants are a table of the module, others data of
/// the model or of a density.
Value TileEmitter::findIntegers(Value integers) {
  auto constant = integers.getDefiningOp<arith::ConstantOp>();
  return constant ? table(llvm::to_vector(cast<DenseElementsAttr>(constant.getValue()).getValues<int32_t>()))
                  : pin(find(integers));
}

void TileEmitter::moveElements(const Storage &from, Value positions, const Storage &to) {
  moveElements(to.elements, from, to, [&](Value i) { return loadIndex(positions, i); });
}

LogicalResult TileEmitter::emitPick(PickOp op) {
  Storage from = find(op.getX()), to = allocateResult(op);
  moveElements(from, findIntegers(op.getPositions()), to);
  return success();
}

LogicalResult TileEmitter::emitScatterSum(ScatterSumOp op) {
  Storage from = find(op.getX()), to = allocateResult(op), zero = to;
  zero.kind = Storage::Kind::Constant;
  zero.constant = b.getFloatAttr(shape.element, 0);
  copy(zero, to);
  Value positions = findIntegers(op.getPositions());
  forEach(index(from.elements), [&](Value i) {
    Value row = loadIndex(positions, i);
    forEachVector([&](Value j) { store(to, row, j, arith::AddFOp::create(b, load(to, row, j), load(from, i, j))); });
  });
  return success();
}

/// Flat positions along several axes.
LogicalResult TileEmitter::emitIntegers(Operation *op) {
  Storage x = find(op->getOperand(0)), y = find(op->getOperand(1)), to = allocateResult(op->getResult(0));
  forEach(index(to.elements), [&](Value i) {
    Value operands[] = {load(x, i, nullptr), load(y, i, nullptr)};
    OperationState state(op->getLoc(), op->getName(), operands, {to.elementType}, op->getAttrs());
    store(to, i, nullptr, b.create(state)->getResult(0));
  });
  return success();
}
