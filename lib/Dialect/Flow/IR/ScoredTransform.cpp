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

#include "flowc/Dialect/Flow/IR/FlowBuilders.h"
#include "flowc/Dialect/Flow/IR/FlowVjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc::flow;

static FailureOr<Transformed> build(BijectionOpInterface op, Specializer &specializer, Value x, bool inverse) {
  return inverse ? op.buildInverse(specializer, x) : op.buildTransform(specializer, x);
}

FailureOr<Scored> flowc::flow::buildScoredByWayBack(Operation *op, Specializer &specializer, Value x, Value score,
                                                    bool inverse) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  auto bijection = cast<BijectionOpInterface>(op);
  FailureOr<Transformed> there = build(bijection, specializer, x, inverse);
  if (failed(there))
    return failure();
  builder.setLoc(loc);

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
  // The way back ends where the way there began.
  if (result->event.getDefiningOp())
    vjp.lookup(result->event).replaceAllUsesWith(x);
  Value carried = vjp.getCotangent(y);
  return Scored{there->event, there->logDet, carried ? carried : buildConstant(builder, x.getType(), 0)};
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
  Value first;
  SmallVector<Operation *> chain = getChain(block.getTerminator()->getOperand(0), first);
  if (first != block.getArgument(0))
    return block.getTerminator()->emitOpError("must yield the block's event after bijections");
  if (failed(cloneParameterOps(block, chain)))
    return failure();
  return applyScored(chain, inverse, event, score);
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

/// A way back that is a sweep is known: its units are those of the network on the way
/// there, and what it keeps of its last stage are the network's outputs.
FailureOr<Scored> MaskedAutoregressiveOp::buildScored(Specializer &specializer, Value x, Value score, bool inverse) {
  return buildScoredByWayBack(*this, specializer, x, score, inverse);
}
