//===- MergeSums.cpp - Equal gradients are summed once --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// After common subexpressions have been merged, equal gradients are one value.
// What adds up rows has a place for one sum of a value, so that every value is
// yielded once and returned once.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/SampleDialect.h"
#include "flowc/Dialect/Sample/Transforms/KernelFunctions.h"
#include "flowc/Dialect/Sample/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/BitVector.h"

namespace flowc::sample {
#define GEN_PASS_DEF_MERGESUMSPASS
#include "flowc/Dialect/Sample/Transforms/Passes.h.inc"
} // namespace flowc::sample

using namespace mlir;
using namespace flowc::sample;

/// Lets users of a stacked result that holds the same as an earlier one use that.
static void mergeStacked(ScanOp scan) {
  unsigned numCarries = scan.getCarries().size();
  llvm::DenseMap<Value, OpResult> known;
  for (OpResult stack : scan.getStacked()) {
    auto [it, isNew] = known.try_emplace(scan.getYield().getOperand(stack.getResultNumber()), stack);
    if (!isNew)
      stack.replaceAllUsesWith(it->second);
  }
  llvm::BitVector unused(scan->getNumResults());
  for (OpResult stack : scan.getStacked())
    unused[stack.getResultNumber()] = stack.use_empty();
  if (unused.none())
    return;
  scan.getYield()->eraseOperands(unused);
  SmallVector<Type> types;
  SmallVector<OpResult> kept;
  for (OpResult stack : scan.getStacked())
    if (!unused[stack.getResultNumber()]) {
      types.push_back(stack.getType());
      kept.push_back(stack);
    }
  ImplicitLocOpBuilder builder(scan.getLoc(), scan);
  auto replacement = ScanOp::create(builder, SmallVector<Type>(scan.getFinals().getTypes()), types, scan.getLayers(),
                                    scan.getReverse(), scan.getCarries(), scan.getOver(), scan.getShared());
  replacement.getBody().takeBody(scan.getBody());
  for (unsigned i = 0; i < numCarries; ++i)
    scan.getFinals()[i].replaceAllUsesWith(replacement.getFinals()[i]);
  for (auto [from, to] : llvm::zip_equal(kept, replacement.getStacked()))
    from.replaceAllUsesWith(to);
  scan.erase();
}

/// Lets `finish` read one cotangent where two results of `kernel` are equal sums.
static void mergeResults(func::FuncOp kernel, func::FuncOp finish) {
  Operation *results = kernel.getBody().front().getTerminator();
  SmallVector<BlockArgument> cotangents;
  for (BlockArgument argument : finish.getArguments())
    if (finish.getArgAttr(argument.getArgNumber(), SampleDialect::kCotangentAttr))
      cotangents.push_back(argument);
  // The first sum is the loss.
  llvm::BitVector equalResults(results->getNumOperands()), equalArguments(finish.getNumArguments());
  llvm::DenseMap<Value, BlockArgument> known;
  for (auto [number, cotangent] : llvm::enumerate(cotangents)) {
    auto [it, isNew] = known.try_emplace(results->getOperand(number + 1), cotangent);
    if (isNew)
      continue;
    cotangent.replaceAllUsesWith(it->second);
    equalResults.set(number + 1);
    equalArguments.set(cotangent.getArgNumber());
  }
  results->eraseOperands(equalResults);
  (void)kernel.eraseResults(equalResults);
  (void)finish.eraseArguments(equalArguments);
}

namespace {
struct MergeSums : flowc::sample::impl::MergeSumsPassBase<MergeSums> {
  using Base::Base;

  void runOnOperation() override {
    FailureOr<KernelFunctions> functions = findKernelFunctions(getOperation(), {"kernel", "finish"});
    if (failed(functions))
      return signalPassFailure();
    SmallVector<ScanOp> scans;
    functions->kernel.walk<WalkOrder::PostOrder>([&](ScanOp scan) { scans.push_back(scan); });
    for (ScanOp scan : scans)
      mergeStacked(scan);
    mergeResults(functions->kernel, functions->finish);
  }
};
} // namespace
