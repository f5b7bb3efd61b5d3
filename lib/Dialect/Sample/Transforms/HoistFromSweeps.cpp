//===- HoistFromSweeps.cpp - What sweeps share with their block -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A step of a sweep that runs back through a network knows the network's outputs
// before the sweep begins, and with them scales, knots and bins. A map beside the sweep
// may compute them already, as that of the way there does: then they move to a map that
// fuses with it, and the sweep reads them.
//
// The other way round, a network whose units are those of a sweep has the outputs that
// the sweep's last stage started from.
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"
#include "flowc/Dialect/Sample/IR/Bodies.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace flowc::sample;

/// Whether `op` costs no more than reading its result from memory would.
static bool isCheap(Operation *op) {
  if (isa<arith::ArithDialect>(op->getDialect()))
    return !isa<arith::DivFOp>(op);
  return isa<math::AbsFOp>(op) || op->hasTrait<Renames>();
}

/// Numbers of a step that are worth keeping: more than these take longer to store and
/// load than to compute twice. An affine transformer has three, a spline of eight knots
/// sixty.
static constexpr int64_t kMostNumbers = 8;

namespace {
/// The last stage of a sweep.
class SweepHoister {
public:
  explicit SweepHoister(SweepOp sweep)
      : sweep(sweep), body(*sweep.getStageBlock(sweep.getNumStages() - 1)), lastStage(sweep.getNumStages() - 1) {}

  void run();

private:
  void findOperands();
  void findKnown();
  void findStaying();
  /// Whether `user` reads a value of what moves from the sweep.
  bool isReader(Operation *user) const { return !moved.contains(user) || staying.contains(user); }
  bool hasPartner();
  /// Numbers that ops which stay read from those that move.
  SmallVector<Value> findResults();
  MapOp buildMap(ArrayRef<Value> results);

  SweepOp sweep;
  Block &body;
  int64_t lastStage;
  /// The operand that an argument stands for; none for what the step accumulates.
  DenseMap<Value, Value> operands;
  unsigned firstShared = 0;
  /// Ops that depend on nothing that a step computes, as far as dear ones need them;
  /// those that need a dear one, or are one.
  llvm::SetVector<Operation *> moved;
  DenseSet<Operation *> dear;
  /// Conditions and bins of `moved` that the sweep reads: only numbers are kept, so it
  /// finds these again.
  DenseSet<Operation *> staying;
};
} // namespace

void SweepHoister::findOperands() {
  SmallVector<Value> values;
  for (auto [operand, stage] : llvm::zip_equal(sweep.getIndexed(), sweep.getIndexedStage()))
    if (stage == lastStage)
      values.push_back(operand);
  firstShared = body.getNumArguments() - sweep.getShared().size();
  llvm::append_range(values, sweep.getShared());
  for (auto [argument, value] : llvm::zip_equal(body.getArguments().take_back(values.size()), values))
    operands[argument] = value;
}

void SweepHoister::findKnown() {
  SmallVector<Operation *> known;
  DenseSet<Operation *> isKnown;
  for (Operation &op : body.without_terminator()) {
    bool knows = op.getNumRegions() == 0 && isMemoryEffectFree(&op) && llvm::all_of(op.getOperands(), [&](Value value) {
                   return operands.contains(value) || isKnown.contains(value.getDefiningOp());
                 });
    if (!knows)
      continue;
    known.push_back(&op);
    isKnown.insert(&op);
    if (!isCheap(&op) ||
        llvm::any_of(op.getOperands(), [&](Value value) { return dear.contains(value.getDefiningOp()); }))
      dear.insert(&op);
  }
  DenseSet<Operation *> isNeeded;
  for (Operation *op : llvm::reverse(known))
    if (!isCheap(op) || llvm::any_of(op->getUsers(), [&](Operation *user) { return isNeeded.contains(user); }))
      isNeeded.insert(op);
  for (Operation *op : known)
    if (isNeeded.contains(op))
      moved.insert(op);
}

void SweepHoister::findStaying() {
  for (Operation *op : llvm::reverse(moved))
    for (Value result : op->getResults())
      if (!isDifferentiable(result.getType()) &&
          llvm::any_of(result.getUsers(), [&](Operation *user) { return isReader(user); }))
        staying.insert(op);
}

/// Whether a map of the same block goes through elements that what moves reads, too.
bool SweepHoister::hasPartner() {
  DenseSet<Value> read;
  for (Operation *op : moved)
    for (Value value : op->getOperands())
      if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getArgNumber() < firstShared)
        read.insert(operands.lookup(argument));
  return llvm::any_of(sweep->getBlock()->getOps<MapOp>(), [&](MapOp map) {
    return map.getExtent() == sweep.getExtent() &&
           llvm::any_of(map.getIndexed(), [&](Value operand) { return read.contains(operand); });
  });
}

SmallVector<Value> SweepHoister::findResults() {
  SmallVector<Value> results;
  for (Operation *op : moved)
    for (Value result : op->getResults())
      if (dear.contains(op) && isDifferentiable(result.getType()) &&
          llvm::any_of(result.getUsers(), [&](Operation *user) { return isReader(user); }))
        results.push_back(result);
  return results;
}

MapOp SweepHoister::buildMap(ArrayRef<Value> results) {
  BodyBuilder inside(sweep.getLoc());
  IRMapping mapping;
  for (BlockArgument argument : body.getArguments())
    if (Value operand = operands.lookup(argument))
      mapping.map(argument,
                  inside.add(argument.getArgNumber() < firstShared ? BodyBuilder::Indexed : BodyBuilder::Shared,
                             operand, argument.getType()));
  for (Operation *op : moved)
    inside.getBuilder().clone(*op, mapping);
  SmallVector<Type> types;
  for (Value result : results)
    types.push_back(RankedTensorType::get({int64_t(sweep.getExtent()) * getNumElements(result.getType())},
                                          getElementTypeOrSelf(result.getType())));
  YieldOp::create(inside.getBuilder(), llvm::map_to_vector(results, [&](Value v) { return mapping.lookup(v); }));
  eraseDeadOps(inside.getBlock());
  inside.dropUnused(BodyBuilder::Indexed);
  inside.dropUnused(BodyBuilder::Shared);
  ImplicitLocOpBuilder builder(sweep.getLoc(), sweep);
  auto map = MapOp::create(builder, types, TypeRange(), sweep.getExtent(), inside.getOperands(BodyBuilder::Indexed),
                           inside.getOperands(BodyBuilder::Shared), ValueRange());
  inside.finish(map.getBody());
  return map;
}

void SweepHoister::run() {
  findOperands();
  findKnown();
  if (dear.empty() || !hasPartner())
    return;
  findStaying();
  SmallVector<Value> results = findResults();
  int64_t numbers = 0;
  for (Value result : results)
    numbers += getNumElements(result.getType());
  if (numbers == 0 || numbers > kMostNumbers)
    return;
  MapOp map = buildMap(results);
  SmallVector<int64_t> stages(sweep.getIndexedStage());
  for (auto [result, stacked] : llvm::zip_equal(results, map.getStacked())) {
    BlockArgument argument = body.insertArgument(firstShared++, result.getType(), result.getLoc());
    result.replaceUsesWithIf(argument, [&](OpOperand &use) { return isReader(use.getOwner()); });
    sweep.getIndexedMutable().append(stacked);
    stages.push_back(lastStage);
  }
  sweep.setIndexedStage(stages);
  eraseDeadOps(body);
}

void flowc::sample::hoistFromSweeps(Block &block) {
  for (SweepOp sweep : block.getOps<SweepOp>())
    SweepHoister(sweep).run();
}

//===----------------------------------------------------------------------===//
// Outputs of networks
//===----------------------------------------------------------------------===//

/// What the units of the last stage start from, if the sweep keeps it.
static Value getKeptSums(SweepOp sweep) {
  int64_t last = sweep.getNumStages() - 1;
  size_t extra = 0;
  for (int64_t t = 0; t < last; ++t)
    extra += sweep.getStageBlock(t)->getTerminator()->getNumOperands() - 1;
  Block &body = *sweep.getStageBlock(last);
  for (Value yielded : body.getTerminator()->getOperands().drop_front().drop_back(sweep.getSums().size())) {
    if (yielded == body.getArgument(0))
      return sweep.getExtras()[extra];
    ++extra;
  }
  return {};
}

/// Whether `dense` computes for all steps what the last stage of `sweep` does step by step.
static bool isLastStage(DenseOp dense, SweepOp sweep) {
  int64_t last = sweep.getNumStages() - 1;
  std::optional<RankMaskAttr> mask = dense.getMask();
  Value bias = sweep.getBiases().empty() ? Value() : sweep.getBiases()[last];
  if (dense.getTransposed() || !dense.getActivation().empty() || !mask || dense.getBias() != bias ||
      dense.getWeight() != sweep.getWeights()[last] || dense.getX() != sweep.getUnits()[last - 1])
    return false;
  ArrayRef<int64_t> rowEnds = sweep.getStageRowEnds(last), columnEnds = sweep.getStageRowEnds(last - 1);
  for (int64_t step = 0, extent = sweep.getExtent(); step < extent; ++step)
    for (int64_t row = rowEnds[step]; row < rowEnds[step + 1]; ++row)
      for (int64_t column = 0; column < columnEnds.back(); ++column)
        if (mask->exists(row, column) != (column < columnEnds[step + 1]))
          return false;
  return true;
}

void flowc::sample::useSumsOfSweeps(Block &block) {
  for (SweepOp sweep : block.getOps<SweepOp>()) {
    if (sweep.getReverse() || sweep.getTransposed() || sweep.getNumStages() < 2)
      continue;
    Value kept = getKeptSums(sweep);
    if (!kept)
      continue;
    for (DenseOp dense : block.getOps<DenseOp>())
      if (dense.getType() == kept.getType() && isLastStage(dense, sweep))
        dense.replaceAllUsesWith(kept);
  }
}
