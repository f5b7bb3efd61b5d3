//===- Fusion.cpp - Where two ops can become one --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace flowc::sample;

bool flowc::sample::isAvailableBefore(Value value, Operation *op) {
  Operation *producer = value.getDefiningOp();
  return !producer || producer->getBlock() != op->getBlock() || producer->isBeforeInBlock(op);
}

Operation *flowc::sample::findMeetingPoint(Operation *first, Operation *second) {
  if (llvm::all_of(first->getUsers(), [&](Operation *user) { return !user->isBeforeInBlock(second); }))
    return second;
  if (llvm::all_of(second->getOperands(), [&](Value operand) {
        return operand.getDefiningOp() == first || isAvailableBefore(operand, first);
      }))
    return first;
  return nullptr;
}

bool flowc::sample::absorbAddend(OpResult result, Value other, Operation *user) {
  auto map = dyn_cast<MapOp>(result.getOwner());
  unsigned numStacked = map ? map.getStacked().size() : 0;
  if (!map || map->getBlock() != user->getBlock() || result.getResultNumber() < numStacked || !result.hasOneUse() ||
      other.getDefiningOp() == map)
    return false;
  OpOperand &init = map.getInitMutable()[result.getResultNumber() - numStacked];
  if (!matchPattern(init.get(), m_AnyZeroFloat()))
    return false;
  if (!isAvailableBefore(other, map)) {
    if (llvm::any_of(map->getUsers(), [&](Operation *other) { return other->isBeforeInBlock(user); }))
      return false;
    map->moveBefore(user);
  }
  init.set(other);
  return true;
}

void flowc::sample::forEachProgramBlock(Operation *root, llvm::function_ref<void(Block &)> visit) {
  root->walk<WalkOrder::PostOrder>([&](Operation *op) {
    if (auto scan = dyn_cast<ScanOp>(op))
      visit(*scan.getBlock());
    else if (auto function = dyn_cast<func::FuncOp>(op); function && !function.isExternal())
      visit(function.getBody().front());
  });
}
