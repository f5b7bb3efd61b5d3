//===- ScanUtils.cpp - Changing the operands and results of scans ---------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanUtils.h"

using namespace mlir;
using namespace flowc::sample;

BlockArgument flowc::sample::appendOver(ScanOp scan, Value stack) {
  unsigned position = scan.getCarries().size() + scan.getOver().size();
  BlockArgument argument =
      scan.getBlock()->insertArgument(position, ScanOp::getSliceType(stack.getType()), stack.getLoc());
  scan.getOverMutable().append(stack);
  return argument;
}

BlockArgument flowc::sample::appendShared(ScanOp scan, Value value) {
  BlockArgument argument = scan.getBlock()->addArgument(value.getType(), value.getLoc());
  scan.getSharedMutable().append(value);
  return argument;
}

void flowc::sample::dropUnusedOperands(ScanOp scan) {
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
