//===- ScoredTransform.cpp - Events with the slope of their density -------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// If y = f(x) and g is the gradient of log q at x, then that of the density of y is
//
//   g' = J^-T (g - d log|det J| / dx),  J = df/dx:
//
// the vector-Jacobian product of the way back x = f^-1(y) with the cotangents g of x
// and 1 of its log-determinant. Taken step by step on the way there, it spares the
// inverse pass that log q(y) would need (L. Vaitl, K. Nicoli, S. Nakajima, P. Kessel,
// "Gradients should stay on path", 2022, section 3): whatever the way back computes
// that the way there knows (networks, knots, x itself) is not computed again.
//
//===----------------------------------------------------------------------===//

#include "SpecializerChain.h"
#include "flowc/Dialect/Flow/IR/FlowBuilders.h"
#include "flowc/Dialect/Flow/IR/FlowPlanar.h"
#include "flowc/Dialect/Flow/IR/FlowVjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace flowc::flow;

static FailureOr<Transformed> build(BijectionOpInterface op, Specializer &specializer, Value x, bool inverse) {
  return inverse ? op.buildInverse(specializer, x) : op.buildTransform(specializer, x);
}

namespace {
/// The ops of the way there, and those of the way back with what stands for their values.
struct Ways {
  SmallVector<Operation *> there;
  Block &back;
  IRMapping &mapping;

  /// The ops of one kind on the way there.
  template <typename OpT>
  SmallVector<OpT> getThere() const {
    SmallVector<OpT> result;
    for (Operation *op : there)
      if (auto typed = dyn_cast<OpT>(op))
        result.push_back(typed);
    return result;
  }
};
} // namespace

/// `share` tells values of the way back from those of the way there, beyond those that
/// are seen to be equal.
static FailureOr<Scored> buildByWayBack(BijectionOpInterface bijection, Specializer &specializer, Value x, Value score,
                                        bool inverse, llvm::function_ref<void(const Ways &)> share) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  Block *block = builder.getInsertionBlock();
  Operation *before = block->empty() ? nullptr : &block->back();
  FailureOr<Transformed> there = build(bijection, specializer, x, inverse);
  if (failed(there))
    return failure();
  builder.setLoc(loc);
  SmallVector<Operation *> opsThere;
  for (auto it = before ? std::next(before->getIterator()) : block->begin(); it != block->end(); ++it)
    opsThere.push_back(&*it);

  Region region;
  Block &way = region.emplaceBlock();
  Value y = way.addArgument(there->event.getType(), loc);
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, way);
  Specializer back(inner, /*withLogDets=*/true);
  back.getMapping() = specializer.getMapping();
  FailureOr<Transformed> result = build(bijection, back, y, !inverse);
  if (failed(result))
    return failure();
  SmallVector<Value> yields{result->event}, seeds{score};
  if (result->logDet) {
    yields.push_back(result->logDet);
    seeds.push_back(buildConstant(builder, result->logDet.getType(), 1));
  }
  YieldOp::create(inner, yields);

  IRMapping mapping;
  mapping.map(y, there->event);
  VjpBuilder vjp(builder, mapping);
  vjp.markNeeded(y);
  cloneForward(vjp, way);
  if (failed(buildBlockVjp(vjp, way, seeds)))
    return failure();
  builder.setLoc(loc);
  share({std::move(opsThere), way, mapping});
  // The way back ends where the way there began.
  if (result->event.getDefiningOp())
    vjp.lookup(result->event).replaceAllUsesWith(x);
  Value carried = vjp.getCotangent(y);
  return Scored{there->event, there->logDet, carried ? carried : buildConstant(builder, x.getType(), 0)};
}

FailureOr<Scored> flowc::flow::buildScoredByWayBack(Operation *op, Specializer &specializer, Value x, Value score,
                                                    bool inverse) {
  return buildByWayBack(cast<BijectionOpInterface>(op), specializer, x, score, inverse, [](const Ways &) {});
}

FailureOr<Scored> Specializer::applyScored(ArrayRef<Operation *> chain, bool inverse, Value event, Value score) {
  Scored total{event, {}, score};
  SmallVector<Operation *> steps(chain);
  if (inverse)
    std::reverse(steps.begin(), steps.end());
  for (Operation *op : steps) {
    builder.setLoc(op->getLoc());
    FailureOr<Scored> result = cast<BijectionOpInterface>(op).buildScored(*this, total.event, total.score, inverse);
    if (failed(result))
      return failure();
    total = {result->event, addLogDets(total.logDet, result->logDet), result->score};
  }
  return total;
}

FailureOr<Scored> Specializer::specializeScored(Block &block, bool inverse, Value event, Value score) {
  FailureOr<SmallVector<Operation *>> chain = enterBlock(*this, block);
  if (failed(chain))
    return failure();
  return applyScored(*chain, inverse, event, score);
}

//===----------------------------------------------------------------------===//
// Ops with a way of their own
//===----------------------------------------------------------------------===//

FailureOr<Scored> InvertOp::buildScored(Specializer &specializer, Value x, Value score, bool inverse) {
  return specializer.specializeScored(getBody().front(), !inverse, x, score);
}

/// One loop, which carries the event, the slope and the log-determinant so far.
FailureOr<Scored> ScanOp::buildScored(Specializer &specializer, Value x, Value score, bool inverse) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  if (getCarries().size() != 1 || !getStacked().empty())
    return emitOpError("in a flow graph must carry the event alone");
  Location loc = builder.getLoc();
  Block &layer = *getBlock();
  Region region;
  Block &block = region.emplaceBlock();
  Value event = block.addArgument(x.getType(), loc), slope = block.addArgument(score.getType(), loc);
  Type element = getElementTypeOrSelf(x.getType());
  Value logDet = block.addArgument(element, loc);
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  Specializer own(inner, /*withLogDets=*/true);
  for (Value argument : layer.getArguments().drop_front())
    own.getMapping().map(argument, block.addArgument(argument.getType(), argument.getLoc()));
  FailureOr<Scored> step = own.specializeScored(layer, inverse, event, slope);
  if (failed(step))
    return failure();
  inner.setLoc(loc);
  YieldOp::create(inner, ValueRange{step->event, step->score, own.addLogDets(logDet, step->logDet)});
  eraseDeadOps(block);

  auto lookup = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) { return specializer.lookup(value); });
  };
  SmallVector<Value> carries{x, score, buildConstant(builder, element, 0)};
  auto result = ScanOp::create(builder, TypeRange(ValueRange(carries)), TypeRange{}, getLayers(),
                               getReverse() != inverse, carries, lookup(getOver()), lookup(getShared()));
  result.getBody().takeBody(region);
  return Scored{result.getFinals()[0], result.getFinals()[2], result.getFinals()[1]};
}

/// What a network's layer computes, before and after its activation; the last has none.
static Value getAfterActivation(MutableArrayRef<DenseOp> layers, size_t layer) {
  return layer + 1 < layers.size() ? Value(layers[layer + 1].getX()) : Value(layers[layer].getY());
}

/// The sweep back has the units of the network there.
static void shareWithSweep(MutableArrayRef<DenseOp> layers, SweepOp sweep) {
  for (auto [layer, unit] : llvm::enumerate(sweep.getUnits()))
    unit.replaceAllUsesWith(getAfterActivation(layers, layer));
  // Extras are sums that units start from, kept for their derivatives.
  auto extra = sweep.getExtras().begin();
  for (int64_t stage = 0; stage < sweep.getNumStages(); ++stage) {
    Block &block = *sweep.getStageBlock(stage);
    size_t sums = stage + 1 == sweep.getNumStages() ? sweep.getSums().size() : 0;
    for (Value kept : block.getTerminator()->getOperands().drop_front().drop_back(sums)) {
      Value known = layers[stage].getY();
      if (kept == block.getArgument(0) && known.getType() == (*extra).getType())
        (*extra).replaceAllUsesWith(known);
      ++extra;
    }
  }
}

/// The network back has the units of the sweep there, if that computes all of them.
static void shareWithNetwork(SweepOp sweep, MutableArrayRef<DenseOp> layers, IRMapping &mapping) {
  for (auto [layer, unit] : llvm::enumerate(sweep.getUnits()))
    if (sweep.getStageRowEnds(layer).back() == getNumElements(unit.getType()))
      mapping.lookup(getAfterActivation(layers, layer)).replaceAllUsesWith(unit);
}

/// Both ways pass through one number, which tanh is taken of: on one of them it is a
/// root.
FailureOr<Scored> PlanarOp::buildScored(Specializer &specializer, Value x, Value score, bool inverse) {
  return buildByWayBack(*this, specializer, x, score, inverse, [](const Ways &ways) {
    for (auto [there, back] : llvm::zip(ways.getThere<math::TanhOp>(), ways.back.getOps<math::TanhOp>()))
      ways.mapping.lookup(back.getOperand()).replaceAllUsesWith(there.getOperand());
  });
}

FailureOr<Scored> MaskedAutoregressiveOp::buildScored(Specializer &specializer, Value x, Value score, bool inverse) {
  return buildByWayBack(*this, specializer, x, score, inverse, [&](const Ways &ways) {
    SmallVector<DenseOp> layers = inverse ? llvm::to_vector(ways.back.getOps<DenseOp>()) : ways.getThere<DenseOp>();
    SmallVector<SweepOp> sweeps = inverse ? ways.getThere<SweepOp>() : llvm::to_vector(ways.back.getOps<SweepOp>());
    for (SweepOp sweep : sweeps)
      if (inverse)
        shareWithNetwork(sweep, layers, ways.mapping);
      else
        shareWithSweep(layers, ways.mapping.lookup(sweep.getState()).getDefiningOp<SweepOp>());
  });
}
