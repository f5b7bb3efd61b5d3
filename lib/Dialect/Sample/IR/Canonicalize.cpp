//===- Canonicalize.cpp - Simplifications of structured ops ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a map or a scan computes or takes for nothing disappears.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Bodies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace flowc::sample;

/// The values whose bit, counted from `first` on, is not set.
static SmallVector<Value> keep(ValueRange values, const llvm::BitVector &dropped, unsigned first = 0) {
  SmallVector<Value> kept;
  for (auto [i, value] : llvm::enumerate(values))
    if (!dropped[first + i])
      kept.push_back(value);
  return kept;
}

/// Replaces the results of `op` that are not `dropped` by those of `replacement`.
static void replaceKept(PatternRewriter &rewriter, Operation *op, Operation *replacement,
                        const llvm::BitVector &dropped) {
  SmallVector<Value> results(op->getNumResults());
  unsigned next = 0;
  for (unsigned i = 0, end = op->getNumResults(); i < end; ++i)
    if (!dropped[i])
      results[i] = replacement->getResult(next++);
  for (unsigned i = 0, end = op->getNumResults(); i < end; ++i)
    if (results[i])
      rewriter.replaceAllUsesWith(op->getResult(i), results[i]);
  rewriter.eraseOp(op);
}

/// Drops what `block` yields for `unused` results, and the ops that only serve it.
static void dropYielded(PatternRewriter &rewriter, Block &block, const llvm::BitVector &unused) {
  if (unused.none())
    return;
  Operation *yield = block.getTerminator();
  rewriter.modifyOpInPlace(yield, [&] { yield->eraseOperands(unused); });
  for (Operation &nested : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&nested))
      rewriter.eraseOp(&nested);
}

/// Marks the arguments of `block` from `first` on that nobody uses, and merges
/// those that stand for the same operand.
static llvm::BitVector findUselessArguments(PatternRewriter &rewriter, Block &block, ValueRange operands,
                                            unsigned first, unsigned groupEnd) {
  llvm::SmallDenseMap<Value, BlockArgument, 16> firstOf;
  for (BlockArgument argument : block.getArguments().drop_front(first)) {
    if (argument.getArgNumber() == groupEnd)
      firstOf.clear();
    auto [entry, isFirst] = firstOf.try_emplace(operands[argument.getArgNumber()], argument);
    if (!isFirst && !argument.use_empty())
      rewriter.replaceAllUsesWith(argument, entry->second);
  }
  llvm::BitVector useless(block.getNumArguments());
  for (BlockArgument argument : block.getArguments().drop_front(first))
    useless[argument.getArgNumber()] = argument.use_empty();
  return useless;
}

//===----------------------------------------------------------------------===//
// MapOp
//===----------------------------------------------------------------------===//

namespace {
/// Drops results and operands that nobody uses.
struct DropUnusedOfMap : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rewriter) const override {
    Block &block = *op.getBlock();
    unsigned numIndexed = op.getIndexed().size(), numStacked = op.getStacked().size();
    llvm::BitVector unused(op->getNumResults());
    for (OpResult result : op->getResults())
      unused[result.getResultNumber()] = result.use_empty();
    // With no result left the op is dead as a whole.
    if (unused.all())
      return rewriter.notifyMatchFailure(op, "is dead");
    dropYielded(rewriter, block, unused);
    llvm::BitVector useless = findUselessArguments(rewriter, block, op.getOperands(), 0, numIndexed);
    if (unused.none() && useless.none())
      return rewriter.notifyMatchFailure(op, "nothing is unused");
    block.eraseArguments(useless);
    auto map = MapOp::create(rewriter, op.getLoc(), TypeRange(ValueRange(keep(op.getStacked(), unused))),
                             TypeRange(ValueRange(keep(op.getSums(), unused, numStacked))), op.getExtent(),
                             keep(op.getIndexed(), useless), keep(op.getShared(), useless, numIndexed),
                             keep(op.getInit(), unused, numStacked));
    rewriter.inlineRegionBefore(op.getBody(), map.getBody(), map.getBody().end());
    replaceKept(rewriter, op, map, unused);
    return success();
  }
};

/// An indexed operand that is the same everywhere becomes a constant of the body
/// or a shared float; a shared constant becomes one of the body.
struct UniformOperandOfMap : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rewriter) const override {
    Block &block = *op.getBlock();
    unsigned numIndexed = op.getIndexed().size();
    for (auto [i, operand] : llvm::enumerate(op->getOperands().take_front(block.getNumArguments()))) {
      BlockArgument argument = block.getArgument(i);
      if (argument.use_empty())
        continue;
      if (auto constant = operand.getDefiningOp<arith::ConstantOp>()) {
        TypedAttr value = i < numIndexed ? getUniformConstant(operand) : constant.getValue();
        if (!value || value.getType() != argument.getType())
          continue;
        rewriter.setInsertionPointToStart(&block);
        rewriter.replaceAllUsesWith(argument, arith::ConstantOp::create(rewriter, op.getLoc(), value));
        return success();
      }
      auto splat = operand.getDefiningOp<SplatOp>();
      if (!splat || i >= numIndexed || argument.getType() != splat.getX().getType())
        continue;
      rewriter.modifyOpInPlace(op, [&] { op.getSharedMutable().append(splat.getX()); });
      rewriter.replaceAllUsesWith(argument, block.addArgument(argument.getType(), op.getLoc()));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no uniform operand");
  }
};
} // namespace

void MapOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropUnusedOfMap, UniformOperandOfMap>(context);
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

namespace {
/// Drops results that nobody uses, carries that only serve themselves, and
/// operands that the body does not read.
struct DropUnusedOfScan : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScanOp op, PatternRewriter &rewriter) const override {
    Block &block = *op.getBlock();
    unsigned numCarries = op.getCarries().size(), numOver = op.getOver().size();
    llvm::BitVector unused = findUnusedResults(op);
    if (unused.all())
      return rewriter.notifyMatchFailure(op, "is dead");
    dropYielded(rewriter, block, unused);
    llvm::BitVector useless = findUselessArguments(rewriter, block, op.getOperands(), numCarries, numCarries + numOver);
    if (unused.none() && useless.none())
      return rewriter.notifyMatchFailure(op, "nothing is unused");
    for (unsigned i = 0; i < numCarries; ++i)
      useless[i] = unused[i];
    block.eraseArguments(useless);
    auto scan = ScanOp::create(rewriter, op.getLoc(), TypeRange(ValueRange(keep(op.getFinals(), unused))),
                               TypeRange(ValueRange(keep(op.getStacked(), unused, numCarries))), op.getLayers(),
                               op.getReverse(), keep(op.getCarries(), useless), keep(op.getOver(), useless, numCarries),
                               keep(op.getShared(), useless, numCarries + numOver));
    rewriter.inlineRegionBefore(op.getBody(), scan.getBody(), scan.getBody().end());
    replaceKept(rewriter, op, scan, unused);
    return success();
  }

private:
  /// Results that nobody uses; of the carries only those that no other result of
  /// a later layer depends on.
  static llvm::BitVector findUnusedResults(ScanOp op) {
    Block &block = *op.getBlock();
    llvm::BitVector unused(op->getNumResults());
    for (OpResult result : op->getResults())
      unused[result.getResultNumber()] = result.use_empty();
    for (bool changed = true; changed;) {
      changed = false;
      DenseSet<Value> live;
      SmallVector<Value> worklist;
      for (auto [i, value] : llvm::enumerate(op.getYield().getValues()))
        if (!unused[i])
          worklist.push_back(value);
      while (!worklist.empty()) {
        Value value = worklist.pop_back_val();
        if (!live.insert(value).second)
          continue;
        if (Operation *producer = value.getDefiningOp())
          llvm::append_range(worklist, producer->getOperands());
      }
      for (unsigned i = 0, end = op.getCarries().size(); i < end; ++i)
        if (unused[i] && live.contains(block.getArgument(i))) {
          unused.reset(i);
          changed = true;
        }
    }
    return unused;
  }
};

/// A carry that every layer hands through is a shared operand, and so is its
/// final value; a shared constant becomes one of the body.
struct UniformOperandOfScan : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScanOp op, PatternRewriter &rewriter) const override {
    Block &block = *op.getBlock();
    unsigned numCarries = op.getCarries().size();
    for (unsigned i = 0; i < numCarries; ++i) {
      BlockArgument argument = block.getArgument(i);
      if (op.getYield().getOperand(i) != argument || (argument.hasOneUse() && op.getFinals()[i].use_empty()))
        continue;
      Value carry = op.getCarries()[i];
      rewriter.modifyOpInPlace(op, [&] { op.getSharedMutable().append(carry); });
      BlockArgument shared = block.addArgument(argument.getType(), op.getLoc());
      rewriter.replaceUsesWithIf(argument, shared, [&](OpOperand &use) {
        return use.getOwner() != op.getYield() || use.getOperandNumber() != i;
      });
      rewriter.replaceAllUsesWith(op.getFinals()[i], carry);
      return success();
    }
    unsigned firstShared = numCarries + op.getOver().size();
    for (unsigned i = firstShared, end = block.getNumArguments(); i < end; ++i) {
      auto constant = op.getOperand(i).getDefiningOp<arith::ConstantOp>();
      if (!constant || block.getArgument(i).use_empty())
        continue;
      rewriter.setInsertionPointToStart(&block);
      rewriter.replaceAllUsesWith(block.getArgument(i), rewriter.clone(*constant)->getResult(0));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no uniform operand");
  }
};

/// Stacks of one value are one stack.
struct EqualResultsOfScan : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScanOp op, PatternRewriter &rewriter) const override {
    DenseMap<Value, Value> stacks;
    bool changed = false;
    for (auto [value, stack] :
         llvm::zip_equal(op.getYield().getValues().drop_front(op.getCarries().size()), op.getStacked())) {
      auto [first, isNew] = stacks.try_emplace(value, stack);
      if (isNew || stack.use_empty())
        continue;
      rewriter.replaceAllUsesWith(stack, first->second);
      changed = true;
    }
    return success(changed);
  }
};
} // namespace

void ScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropUnusedOfScan, UniformOperandOfScan, EqualResultsOfScan>(context);
}

//===----------------------------------------------------------------------===//
// SplitOp, ConcatOp
//===----------------------------------------------------------------------===//

namespace {
/// split(concat(pieces)) into pieces of the same sizes.
struct SplitOfConcat : OpRewritePattern<SplitOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SplitOp op, PatternRewriter &rewriter) const override {
    auto concat = op.getX().getDefiningOp<ConcatOp>();
    if (!concat || concat.getPieces().getTypes() != op.getPieces().getTypes())
      return rewriter.notifyMatchFailure(op, "not of a concat into the same pieces");
    rewriter.replaceOp(op, concat.getPieces());
    return success();
  }
};
} // namespace

void SplitOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<SplitOfConcat>(context);
}

/// concat(x) = x, concat(split(x)) = x.
OpFoldResult ConcatOp::fold(FoldAdaptor) {
  if (getPieces().size() == 1 && getPieces().front().getType() == getY().getType())
    return getPieces().front();
  auto split = getPieces().empty() ? SplitOp() : getPieces().front().getDefiningOp<SplitOp>();
  if (split && getPieces() == ValueRange(split.getPieces()))
    return split.getX();
  return {};
}
