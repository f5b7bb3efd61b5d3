//===- FuseScan.cpp - Scans become one loop -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"
#include "flowc/Dialect/Sample/IR/Bodies.h"
#include "flowc/Dialect/Sample/Transforms/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace flowc::sample {
#define GEN_PASS_DEF_FUSESCANPASS
#include "flowc/Dialect/Sample/Transforms/Passes.h.inc"
} // namespace flowc::sample

using namespace flowc::sample;

namespace {
/// Merges two scans over the same layers in one block; the second may use
/// stacked results of the first, layer by layer.
class ScanFuser {
public:
  ScanFuser(ScanOp first, ScanOp second) : first(first), second(second), body(second.getLoc()) {}

  bool canFuse();
  void fuse();

private:
  /// The stacked result of `first` whose layers operand `i` of `second` takes.
  OpResult getLink(unsigned i);
  void cloneBody(ScanOp scan);
  void yield(ScanOp scan, ResultRange results);

  ScanOp first, second;
  Operation *place = nullptr;
  BodyBuilder body;
  IRMapping mapping;
  SmallVector<Value> results, yielded;
};
} // namespace

OpResult ScanFuser::getLink(unsigned i) {
  auto result = dyn_cast<OpResult>(second.getOperand(i));
  unsigned firstOver = second.getCarries().size(), firstShared = firstOver + second.getOver().size();
  if (!result || result.getOwner() != first || result.getResultNumber() < first.getFinals().size() || i < firstOver ||
      i >= firstShared)
    return {};
  return result;
}

bool ScanFuser::canFuse() {
  if (first.getLayers() != second.getLayers() || first.getReverse() != second.getReverse())
    return false;
  for (auto [i, operand] : llvm::enumerate(second->getOperands()))
    if (operand.getDefiningOp() == first && !getLink(i))
      return false;
  place = findMeetingPoint(first, second);
  return place;
}

void ScanFuser::cloneBody(ScanOp scan) {
  unsigned firstOver = scan.getCarries().size(), firstShared = firstOver + scan.getOver().size();
  for (BlockArgument argument : scan.getBlock()->getArguments()) {
    unsigned i = argument.getArgNumber();
    Value operand = scan.getOperand(i);
    if (OpResult link = scan == second ? getLink(i) : OpResult()) {
      mapping.map(argument, mapping.lookup(first.getYield().getOperand(link.getResultNumber())));
      continue;
    }
    if (i >= firstOver) {
      unsigned group = i < firstShared ? BodyBuilder::Over : BodyBuilder::Whole;
      mapping.map(argument, body.add(group, operand, argument.getType()));
      continue;
    }
    // Carries that start at the same value are different ones.
    BlockArgument carry = body.add(BodyBuilder::Carries, {}, argument.getType());
    body.setOperand(carry, operand);
    mapping.map(argument, carry);
  }
  for (Operation &op : scan.getBlock()->without_terminator())
    body.getBuilder().clone(op, mapping);
}

void ScanFuser::yield(ScanOp scan, ResultRange range) {
  for (OpResult result : range) {
    results.push_back(result);
    yielded.push_back(mapping.lookup(scan.getYield().getOperand(result.getResultNumber())));
  }
}

void ScanFuser::fuse() {
  cloneBody(first);
  cloneBody(second);
  yield(first, first.getFinals());
  yield(second, second.getFinals());
  yield(first, first.getStacked());
  yield(second, second.getStacked());
  YieldOp::create(body.getBuilder(), yielded);
  ImplicitLocOpBuilder builder(second.getLoc(), place);
  TypeRange types{ValueRange(results)};
  size_t numCarries = first.getFinals().size() + second.getFinals().size();
  auto scan = ScanOp::create(builder, types.take_front(numCarries), types.drop_front(numCarries), second.getLayers(),
                             second.getReverse(), body.getOperands(BodyBuilder::Carries),
                             body.getOperands(BodyBuilder::Over), body.getOperands(BodyBuilder::Whole));
  body.finish(scan.getBody());
  for (auto [from, to] : llvm::zip_equal(results, scan.getResults()))
    from.replaceAllUsesWith(to);
  second.erase();
  first.erase();
}

/// Fuses the first pair of scans of `block` that can be fused.
static bool fuseOne(Block &block) {
  SmallVector<ScanOp> scans(block.getOps<ScanOp>());
  for (auto [i, first] : llvm::enumerate(scans))
    for (ScanOp second : llvm::drop_begin(scans, i + 1)) {
      ScanFuser fuser(first, second);
      if (!fuser.canFuse())
        continue;
      fuser.fuse();
      return true;
    }
  return false;
}

namespace {
struct FuseScan : flowc::sample::impl::FuseScanPassBase<FuseScan> {
  using Base::Base;

  void runOnOperation() override {
    forEachProgramBlock(getOperation(), [](Block &block) {
      while (fuseOne(block)) {
      }
    });
    RewritePatternSet patterns(&getContext());
    ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
