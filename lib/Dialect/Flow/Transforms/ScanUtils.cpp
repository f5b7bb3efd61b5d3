//===- ScanUtils.cpp - Changing the operands and results of scans ---------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanUtils.h"

using namespace mlir;
using namespace flowc::flow;

BlockArgument flowc::flow::appendOver(ScanOp scan, Value stack) {
  unsigned position = scan.getCarries().size() + scan.getOver().size();
  BlockArgument argument =
      scan.getBlock()->insertArgument(position, ScanOp::getSliceType(stack.getType()), stack.getLoc());
  scan.getOverMutable().append(stack);
  return argument;
}

BlockArgument flowc::flow::appendShared(ScanOp scan, Value value) {
  BlockArgument argument = scan.getBlock()->addArgument(value.getType(), value.getLoc());
  scan.getSharedMutable().append(value);
  return argument;
}

void flowc::flow::dropUnusedOperands(ScanOp scan) {
  Block &body = *scan.getBlock();
  unsigned first = scan.getCarries().size();
  for (int64_t i = scan.getShared().size() - 1; i >= 0; --i) {
    unsigned number = first + scan.getOver().size() + i;
    if (!body.getArgument(number).use_empty())
      continue;
    body.eraseArgument(number);
    scan.getSharedMutable().erase(i);
  }
  for (int64_t i = scan.getOver().size() - 1; i >= 0; --i) {
    if (!body.getArgument(first + i).use_empty())
      continue;
    body.eraseArgument(first + i);
    scan.getOverMutable().erase(i);
  }
}

ScanOp flowc::flow::dropUnusedStacked(ScanOp scan) {
  unsigned numCarries = scan.getCarries().size();
  SmallVector<Value> kept;
  SmallVector<Type> types;
  for (auto [i, result] : llvm::enumerate(scan.getStacked()))
    if (!result.use_empty()) {
      kept.push_back(result);
      types.push_back(result.getType());
    }
  if (kept.size() == scan.getStacked().size())
    return scan;
  YieldOp yield = scan.getYield();
  for (int64_t i = scan.getStacked().size() - 1; i >= 0; --i)
    if (scan.getStacked()[i].use_empty())
      yield->eraseOperand(numCarries + i);
  OpBuilder builder(scan);
  auto replacement = ScanOp::create(builder, scan.getLoc(), scan.getFinals().getTypes(), types, scan.getLayers(),
                                    scan.getReverse(), scan.getCarries(), scan.getOver(), scan.getShared());
  replacement.getBody().takeBody(scan.getBody());
  replacement->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
  for (auto [from, to] : llvm::zip_equal(scan.getFinals(), replacement.getFinals()))
    from.replaceAllUsesWith(to);
  for (auto [from, to] : llvm::zip_equal(kept, replacement.getStacked()))
    from.replaceAllUsesWith(to);
  scan.erase();
  return replacement;
}
