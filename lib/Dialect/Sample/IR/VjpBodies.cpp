//===- VjpBodies.cpp - Bodies of derivatives ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VjpBodies.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace flowc::sample;

Value flowc::sample::handThrough(ImplicitLocOpBuilder &builder, Type type, const BodyBuilder &body, Value derivative) {
  if (auto constant = llvm::dyn_cast_or_null<FloatAttr>(getUniformConstant(derivative)))
    return buildConstant(builder, type, constant.getValueAsDouble());
  Value operand = body.getOperand(derivative);
  if (!operand || operand.getType() == type)
    return operand;
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor && tensor.getRank() == 1 && operand.getType() == tensor.getElementType())
    return SplatOp::create(builder, tensor, operand);
  return {};
}

//===----------------------------------------------------------------------===//
// Sparing computations
//===----------------------------------------------------------------------===//

/// All values of `block` that its terminator depends on, as if `cut` were given.
static llvm::SetVector<Value> getLiveValues(Block &block, Value cut) {
  llvm::SetVector<Value> live;
  live.insert(block.getTerminator()->operand_begin(), block.getTerminator()->operand_end());
  for (size_t i = 0; i < live.size(); ++i)
    if (Operation *op = live[i].getDefiningOp(); op && live[i] != cut)
      live.insert(op->operand_begin(), op->operand_end());
  return live;
}

/// Whether the body `block`, if it were given `value`, which it can compute, would
/// be spared an argument or a costly op.
static bool isBetterGiven(Block &block, Value value) {
  llvm::SetVector<Value> computed = getLiveValues(block, {});
  if (isa<BlockArgument>(value) || !computed.contains(value))
    return false;
  llvm::SetVector<Value> given = getLiveValues(block, value);
  return llvm::any_of(computed, [&](Value spared) {
    Operation *op = spared.getDefiningOp();
    return spared == value ? isCostly(op) : !given.contains(spared) && (!op || isCostly(op));
  });
}

void flowc::sample::useGiven(BodyBuilder &body, unsigned group, Value computed, Value outside) {
  if (isBetterGiven(body.getBlock(), computed))
    computed.replaceAllUsesWith(body.add(group, outside, computed.getType()));
}

//===----------------------------------------------------------------------===//
// Sweeps
//===----------------------------------------------------------------------===//

int64_t flowc::sample::getNumExtras(SweepOp sweep, int64_t t) {
  return sweep.getStageBlock(t)->getTerminator()->getNumOperands() - 1 -
         (t == sweep.getNumStages() - 1 ? sweep.getSums().size() : 0);
}

unsigned flowc::sample::getFirstExtra(SweepOp sweep, int64_t t) {
  unsigned number = sweep.getNumStages();
  for (int64_t before = 0; before < t; ++before)
    number += getNumExtras(sweep, before);
  return number;
}

/// Ranks of the units of stage `t`, or (t = -1) of what stage 0 reads: a hidden unit
/// of step s needs only the state before s.
static SmallVector<int64_t> getRanks(SweepOp sweep, int64_t t) {
  SmallVector<int64_t> ranks;
  if (t < 0 && sweep.getPrefix())
    ranks.assign(sweep.getPrefix().getType().getNumElements(), -1);
  for (int64_t s = 0, extent = sweep.getExtent(); s < extent; ++s) {
    int64_t count = t < 0 ? sweep.getStatePerStep() : sweep.getStageRowEnds(t)[s + 1] - sweep.getStageRowEnds(t)[s];
    ranks.append(count, t < 0 || t == sweep.getNumStages() - 1 ? s : s - 1);
  }
  return ranks;
}

/// The steps at which a reverse sweep computes the units of stage `t`, or (t = -1) the
/// elements of its state. Units that it never computes come first.
static SmallVector<int64_t> getReverseSteps(SweepOp sweep, int64_t t) {
  SmallVector<int64_t> steps;
  if (t >= 0)
    steps.assign(sweep.getStageRowEnds(t).front(), -1);
  for (int64_t s = 0, extent = sweep.getExtent(); s < extent; ++s) {
    int64_t count = t < 0 ? sweep.getStatePerStep() : sweep.getStageRowEnds(t)[s + 1] - sweep.getStageRowEnds(t)[s];
    steps.append(count, s);
  }
  return steps;
}

RankMaskAttr flowc::sample::getStageMask(SweepOp sweep, int64_t t) {
  // A reverse sweep has transposed weights, whose rows are what is read: the state behind
  // a step, and units from the step on.
  if (sweep.getReverse())
    return RankMaskAttr::get(sweep.getContext(), getReverseSteps(sweep, t - 1), getReverseSteps(sweep, t),
                             /*strict=*/t == 0);
  return RankMaskAttr::get(sweep.getContext(), getRanks(sweep, t), getRanks(sweep, t - 1),
                           /*strict=*/t == sweep.getNumStages() - 1);
}

Value flowc::sample::buildStageInput(ImplicitLocOpBuilder &builder, SweepOp sweep, const IRMapping &mapping) {
  Value state = mapping.lookupOrDefault(Value(sweep.getState()));
  return sweep.getPrefix() ? buildConcat(builder, {mapping.lookupOrDefault(Value(sweep.getPrefix())), state}) : state;
}

SmallVector<Value> flowc::sample::saveAccumulated(SweepOp sweep, IRMapping &mapping, OpBuilder &builder,
                                                  const llvm::BitVector &saved, ArrayRef<BodyBuilder *> bodies) {
  int64_t stages = sweep.getNumStages();
  SmallVector<Value> values(stages);
  if (saved.none())
    return values;
  auto forward = mapping.lookup(Value(sweep.getState())).getDefiningOp<SweepOp>();
  Type element = forward.getState().getType().getElementType();
  SmallVector<Type> extras;
  SmallVector<unsigned> kept = llvm::to_vector(llvm::seq<unsigned>(0, stages)), added(stages);
  unsigned extra = 0, number = stages;
  for (int64_t t = 0; t < stages; ++t) {
    for (int64_t i = 0; i < getNumExtras(sweep, t); ++i) {
      extras.push_back(forward.getExtras()[extra++].getType());
      kept.push_back(number++);
    }
    if (!saved[t])
      continue;
    Block &block = *forward.getStageBlock(t);
    block.getTerminator()->insertOperands(1 + getNumExtras(sweep, t), ValueRange(block.getArgument(0)));
    // Units before the first one are never computed, but have their places.
    ArrayRef<int64_t> ends = sweep.getStageRowEnds(t);
    extras.push_back(RankedTensorType::get({ends.back() - (t == stages - 1 ? ends.front() : 0)}, element));
    added[t] = number++;
  }
  for (size_t i = 0; i < sweep.getSums().size(); ++i)
    kept.push_back(number++);

  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(forward);
  auto result = SweepOp::create(builder, forward.getLoc(), forward.getUnits().getTypes(), forward.getState().getType(),
                                extras, forward.getSums().getTypes(), forward.getExtent(), forward.getReverse(),
                                forward.getTransposed(), forward.getPrefix(), forward.getWeights(), forward.getBiases(),
                                forward.getIndexed(), forward.getShared(), forward.getInit(), forward.getIndexedStage(),
                                forward.getRowEnds(), forward.getStages().size());
  for (auto [to, from] : llvm::zip_equal(result.getStages(), forward.getStages()))
    to.takeBody(from);
  for (auto [i, replacement] : llvm::enumerate(kept)) {
    forward.getResult(i).replaceAllUsesWith(result.getResult(replacement));
    mapping.map(sweep.getResult(i), result.getResult(replacement));
    for (BodyBuilder *body : bodies)
      body->replaceOperand(forward.getResult(i), result.getResult(replacement));
  }
  forward.erase();
  for (unsigned t : saved.set_bits())
    values[t] = result.getResult(added[t]);
  return values;
}

void flowc::sample::shareOperands(ArrayRef<BodyBuilder *> bodies) {
  llvm::SetVector<Value> all;
  for (BodyBuilder *body : bodies)
    for (Value operand : body->getOperands(BodyBuilder::OfSweep))
      if (body->isUsed(BodyBuilder::OfSweep, operand))
        all.insert(operand);
  for (BodyBuilder *body : bodies) {
    // In one order: what is used is added again at the end.
    for (Value operand : body->getOperands(BodyBuilder::OfSweep))
      if (!body->isUsed(BodyBuilder::OfSweep, operand))
        body->drop(BodyBuilder::OfSweep, operand);
    for (Value operand : all) {
      BlockArgument old = body->add(BodyBuilder::OfSweep, operand, operand.getType());
      body->drop(BodyBuilder::OfSweep, operand);
      old.replaceAllUsesWith(body->add(BodyBuilder::OfSweep, operand, operand.getType()));
    }
  }
}
