//===- VjpSweep.cpp - The derivative of a sweep ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Let a[t] be the sums that the units of stage t start from, u[t] the units, x the
// state. With ga the cotangents of a, in descending steps s:
//
//   gx(s)    = incoming + W[0]^T ga[0], over the units of steps after s
//   ga[S-1](s) = the last body's derivative at step s, applied to gx(s)
//   ga[t](s) = body t's derivative, applied to W[t+1]^T ga[t+1], over steps from s on
//
// That is a sweep in reverse with the stages in reverse order: its state is
// ga[S-1], its stages 0 ... S-2 make ga[S-2] ... ga[0], its last stage makes gx and
// from it the state. A hidden unit that needs only coordinates before s belongs to
// step s of the primal, but to step s-1 here: it is complete as soon as the state
// after s-1 is there. The units of step 0, which read the prefix only, come after
// the sweep. The weights' cotangents are outer products of ga[t] and the inputs.
//
//===----------------------------------------------------------------------===//

#include "VjpBodies.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc::sample;

namespace {
/// The derivative of one stage's body.
struct ReverseStage {
  ReverseStage(Location loc) : body(loc), vjp(body.getBuilder(), mapping) {}

  BodyBuilder body;
  IRMapping mapping;
  VjpBuilder vjp;
  /// Argument for what comes from the stage behind: W[t+1]^T ga[t+1], or W[0]^T ga[0].
  BlockArgument incoming;
  /// Argument for the primal's accumulated values.
  BlockArgument saved;
  /// Operands of the primal whose cotangents the body yields after the first
  /// value: those of the stage, then (last stage) the shared ones.
  SmallVector<Value> indexed, shared;
};

class SweepDifferentiator {
public:
  SweepDifferentiator(SweepOp sweep, VjpBuilder &vjp, ValueRange cotangents)
      : sweep(sweep), vjp(vjp), builder(vjp.getBuilder()), cotangents(cotangents), last(sweep.getNumStages() - 1),
        extent(sweep.getExtent()) {
    if (sweep.getPrefix())
      prefix = sweep.getPrefix().getType().getNumElements();
  }

  LogicalResult run();

private:
  LogicalResult buildStage(int64_t t);
  void addArguments(int64_t t, ReverseStage &stage);
  SmallVector<Value> addSeeds(int64_t t, ReverseStage &stage);
  LogicalResult yieldCotangents(int64_t t, ReverseStage &stage);
  Value getSeed(ReverseStage &stage, Value cotangent, Type type);
  void buildSweep();
  void completeFirstUnits(int64_t t);
  void accumulateWeights();

  /// Units of stage `t` that read the prefix only.
  int64_t getNumFirstUnits(int64_t t) { return sweep.getStageRowEnds(t)[1]; }
  /// W[t]^T g for the first `count` inputs of stage `t` only.
  Value buildTransposedHead(int64_t t, Value g, int64_t count);
  /// The first `count` elements of `x` and the others.
  std::pair<Value, Value> splitAt(Value x, int64_t count);

  SweepOp sweep;
  VjpBuilder &vjp;
  ImplicitLocOpBuilder &builder;
  ValueRange cotangents;
  int64_t last, extent, prefix = 0;
  SmallVector<std::unique_ptr<ReverseStage>> stages;
  SweepOp reverse;
  /// ga[t], and the cotangents of each stage's indexed operands.
  SmallVector<Value> accumulated;
  SmallVector<SmallVector<Value>> indexedCotangents;
};
} // namespace

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// What a stage's body sees of the cotangent of a stacked result.
Value SweepDifferentiator::getSeed(ReverseStage &stage, Value cotangent, Type type) {
  auto constant = llvm::dyn_cast_or_null<FloatAttr>(getUniformConstant(cotangent));
  if (constant)
    return buildConstant(stage.body.getBuilder(), type, constant.getValueAsDouble());
  return stage.body.add(BodyBuilder::OfUnit, cotangent, type);
}

/// Arguments: accumulated values, the stage's operands, shared operands.
void SweepDifferentiator::addArguments(int64_t t, ReverseStage &stage) {
  Block &primal = *sweep.getStageBlock(t);
  BodyBuilder &body = stage.body;
  stage.incoming = body.add(BodyBuilder::Accumulated, {}, primal.getTerminator()->getOperand(0).getType());
  stage.saved = body.add(BodyBuilder::OfUnit, {}, primal.getArgument(0).getType());
  stage.mapping.map(primal.getArgument(0), stage.saved);
  stage.vjp.markNeeded(primal.getArgument(0));
  unsigned next = 1;
  auto add = [&](Value operand, unsigned group) {
    BlockArgument argument = primal.getArgument(next++);
    stage.mapping.map(argument, body.add(group, vjp.lookup(operand), argument.getType()));
    if (vjp.isNeeded(operand))
      stage.vjp.markNeeded(argument);
  };
  for (auto [operand, number] : llvm::zip_equal(sweep.getIndexed(), sweep.getIndexedStage()))
    if (number == t)
      add(operand, BodyBuilder::OfUnit);
  for (Value operand : sweep.getShared())
    add(operand, BodyBuilder::OfSweep);
}

/// Cotangents of what the primal body yields.
SmallVector<Value> SweepDifferentiator::addSeeds(int64_t t, ReverseStage &stage) {
  ValueRange yielded = sweep.getStageBlock(t)->getTerminator()->getOperands();
  BodyBuilder &body = stage.body;
  SmallVector<Value> seeds{stage.incoming};
  if (Value own = cotangents[t])
    seeds[0] = arith::AddFOp::create(body.getBuilder(), seeds[0], getSeed(stage, own, seeds[0].getType()));
  for (int64_t i = 0; i < getNumExtras(sweep, t); ++i) {
    Value cotangent = cotangents[getFirstExtra(sweep, t) + i];
    seeds.push_back(cotangent ? getSeed(stage, cotangent, yielded[1 + i].getType()) : Value());
  }
  for (Value cotangent : cotangents.take_back(t == last ? sweep.getSums().size() : 0))
    seeds.push_back(cotangent ? body.addShared(BodyBuilder::OfSweep, cotangent) : Value());
  return seeds;
}

/// Yields ga[t], then the cotangents of the stage's operands.
LogicalResult SweepDifferentiator::yieldCotangents(int64_t t, ReverseStage &stage) {
  Block &primal = *sweep.getStageBlock(t);
  ImplicitLocOpBuilder &at = stage.body.getBuilder();
  Value ga = stage.vjp.getCotangent(primal.getArgument(0));
  SmallVector<Value> yielded{ga ? ga : buildConstant(at, stage.saved.getType(), 0.0)};
  unsigned next = 1;
  auto add = [&](Value operand, SmallVectorImpl<Value> &operands) {
    Value cotangent = stage.vjp.getCotangent(primal.getArgument(next++));
    if (!cotangent)
      return;
    operands.push_back(operand);
    yielded.push_back(cotangent);
  };
  for (auto [operand, number] : llvm::zip_equal(sweep.getIndexed(), sweep.getIndexedStage()))
    if (number == t)
      add(operand, stage.indexed);
  for (Value operand : sweep.getShared())
    add(operand, stage.shared);
  if (t != last && !stage.shared.empty())
    return sweep.emitOpError("with trained shared operands of hidden stages has no derivative");
  YieldOp::create(at, yielded);
  return success();
}

LogicalResult SweepDifferentiator::buildStage(int64_t t) {
  Block &primal = *sweep.getStageBlock(t);
  ReverseStage &stage = *stages.emplace_back(std::make_unique<ReverseStage>(sweep.getLoc()));
  addArguments(t, stage);
  SmallVector<Value> seeds = addSeeds(t, stage);
  cloneForward(stage.vjp, primal);
  if (failed(buildBlockVjp(stage.vjp, primal, seeds)) || failed(yieldCotangents(t, stage)))
    return failure();
  auto use = [&](unsigned number, Value result) {
    Value computed = primal.getTerminator()->getOperand(number);
    useGiven(stage.body, BodyBuilder::OfUnit, stage.mapping.lookup(computed), vjp.lookup(result));
  };
  use(0, sweep.getResult(t));
  for (int64_t i = 0; i < getNumExtras(sweep, t); ++i)
    use(1 + i, sweep.getResult(getFirstExtra(sweep, t) + i));
  eraseDeadOps(stage.body.getBlock());
  return success();
}

//===----------------------------------------------------------------------===//
// The sweep
//===----------------------------------------------------------------------===//

void SweepDifferentiator::buildSweep() {
  auto stateType = RankedTensorType::get({sweep.getStageRowEnds(last).back() - sweep.getStageRowEnds(last).front()},
                                         sweep.getState().getType().getElementType());
  SmallVector<Type> units, extras, sums;
  SmallVector<Value> weights, indexed, init;
  SmallVector<int64_t> indexedStage;
  SmallVector<Attribute> rowEnds;
  // Stage t here is the derivative of body t-1's primal stage: hidden ones from
  // the last to the first, then the one that makes the state.
  for (int64_t here = 0; here <= last; ++here) {
    int64_t t = here == last ? last : last - 1 - here;
    ReverseStage &stage = *stages[t];
    weights.push_back(vjp.lookup(sweep.getWeights()[last - here]));
    SmallVector<int64_t> ends;
    if (here < last) {
      units.push_back(sweep.getUnits()[t].getType());
      llvm::append_range(ends, sweep.getStageRowEnds(t).drop_front());
      ends.push_back(ends.back());
    } else {
      for (int64_t s = 0; s <= extent; ++s)
        ends.push_back(prefix + s * sweep.getStatePerStep());
    }
    rowEnds.push_back(builder.getDenseI64ArrayAttr(ends));
    for (Value operand : stage.body.getOperands(BodyBuilder::OfUnit)) {
      indexed.push_back(operand);
      indexedStage.push_back(here);
    }
    for (Value operand : stage.indexed)
      extras.push_back(operand.getType());
    for (Value operand : stage.shared) {
      sums.push_back(operand.getType());
      init.push_back(buildConstant(builder, operand.getType(), 0.0));
    }
  }
  reverse = SweepOp::create(builder, units, stateType, extras, sums, extent, /*reverse=*/true, /*transposed=*/true,
                            /*prefix=*/Value(), weights, /*biases=*/ValueRange(), indexed,
                            stages[last]->body.getOperands(BodyBuilder::OfSweep), init, indexedStage,
                            builder.getArrayAttr(rowEnds), last + 1);

  accumulated.resize(last + 1);
  indexedCotangents.resize(last + 1);
  auto extra = reverse.getExtras().begin();
  for (int64_t here = 0; here <= last; ++here) {
    int64_t t = here == last ? last : last - 1 - here;
    stages[t]->body.finish(reverse.getStages()[here]);
    accumulated[t] = here == last ? Value(reverse.getState()) : reverse.getUnits()[here];
    for (size_t i = 0; i < stages[t]->indexed.size(); ++i)
      indexedCotangents[t].push_back(*extra++);
  }
  for (auto [operand, cotangent] : llvm::zip_equal(stages[last]->shared, reverse.getSums()))
    vjp.accumulate(operand, cotangent);
}

//===----------------------------------------------------------------------===//
// After the sweep
//===----------------------------------------------------------------------===//

std::pair<Value, Value> SweepDifferentiator::splitAt(Value x, int64_t count) {
  auto type = cast<RankedTensorType>(x.getType());
  if (count == type.getNumElements())
    return {x, {}};
  auto getPart = [&](int64_t elements) { return RankedTensorType::get({elements}, type.getElementType()); };
  auto split = SplitOp::create(builder, TypeRange{getPart(count), getPart(type.getNumElements() - count)}, x);
  return {split.getResult(0), split.getResult(1)};
}

Value SweepDifferentiator::buildTransposedHead(int64_t t, Value g, int64_t count) {
  auto weight = cast<RankedTensorType>(sweep.getWeights()[t].getType());
  // Only the first `count` columns exist.
  SmallVector<int64_t> columns(weight.getDimSize(1), 1);
  std::fill_n(columns.begin(), count, -1);
  auto mask = RankMaskAttr::get(sweep.getContext(), SmallVector<int64_t>(weight.getDimSize(0), 0), columns,
                                /*strict=*/false);
  auto type = RankedTensorType::get({weight.getDimSize(1)}, weight.getElementType());
  Value all = DenseOp::create(builder, type, vjp.lookup(sweep.getWeights()[t]), g, /*bias=*/Value(),
                              /*transposed=*/true, mask);
  return splitAt(all, count).first;
}

/// Completes ga[t], and the cotangents of the stage's operands, by the units that
/// read the prefix only.
void SweepDifferentiator::completeFirstUnits(int64_t t) {
  int64_t count = getNumFirstUnits(t);
  if (count == 0)
    return;
  Region &body = reverse.getStages()[last - 1 - t];
  int64_t rows = sweep.getStageRowEnds(t).back();
  SmallVector<Value> indexed{buildTransposedHead(t + 1, accumulated[t + 1], count)};
  for (auto [operand, number] : llvm::zip_equal(reverse.getIndexed(), reverse.getIndexedStage()))
    if (number == last - 1 - t)
      indexed.push_back(splitAt(operand, count * (getNumElements(operand.getType()) / rows)).first);
  SmallVector<Type> types;
  for (Type type : body.front().getTerminator()->getOperandTypes())
    types.push_back(MapOp::getStackedType(type, count));
  auto map = MapOp::create(builder, types, TypeRange(), count, indexed, reverse.getShared(), ValueRange());
  IRMapping mapping;
  body.cloneInto(&map.getBody(), mapping);
  auto complete = [&](Value &all, Value head) {
    Value rest = splitAt(all, getNumElements(head.getType())).second;
    all = rest ? Value(ConcatOp::create(builder, all.getType(), ValueRange{head, rest})) : head;
  };
  complete(accumulated[t], map.getResult(0));
  for (auto [i, cotangent] : llvm::enumerate(indexedCotangents[t]))
    complete(cotangent, map.getResult(1 + i));
}

void SweepDifferentiator::accumulateWeights() {
  for (int64_t t = 0; t <= last; ++t) {
    Value weight = sweep.getWeights()[t], bias = sweep.getBiases().empty() ? Value() : sweep.getBiases()[t];
    if (!vjp.isNeeded(weight)) {
      if (bias)
        vjp.accumulate(bias, accumulated[t]);
      continue;
    }
    Value input = t == 0 ? buildStageInput(builder, sweep, vjp.getMapping()) : vjp.lookup(sweep.getUnits()[t - 1]);
    auto outer = OuterOp::create(builder, weight.getType(), accumulated[t].getType(), accumulated[t], input,
                                 getStageMask(sweep, t));
    vjp.accumulate(weight, outer.getWeight());
    if (bias)
      vjp.accumulate(bias, outer.getBias());
  }
  if (sweep.getPrefix() && vjp.isNeeded(sweep.getPrefix()))
    vjp.accumulate(sweep.getPrefix(), buildTransposedHead(0, accumulated[0], prefix));
}

LogicalResult SweepDifferentiator::run() {
  if (sweep.getReverse() || sweep.getTransposed())
    return sweep.emitOpError("has a derivative only forwards and with weights as they are stored");
  for (auto [init, cotangent] : llvm::zip_equal(sweep.getInit(), cotangents.take_back(sweep.getInit().size())))
    vjp.accumulate(init, cotangent);
  for (int64_t t = 0; t <= last; ++t)
    if (failed(buildStage(t)))
      return failure();
  connectStages(sweep, vjp.getMapping(), builder, stages);
  buildSweep();
  for (int64_t t = last - 1; t >= 0; --t)
    completeFirstUnits(t);
  for (int64_t t = 0; t <= last; ++t)
    for (auto [operand, cotangent] : llvm::zip_equal(stages[t]->indexed, indexedCotangents[t]))
      vjp.accumulate(operand, cotangent);
  accumulateWeights();
  return success();
}

LogicalResult SweepOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  return SweepDifferentiator(*this, vjp, cotangents).run();
}
