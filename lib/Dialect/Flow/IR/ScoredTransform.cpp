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

#include "ScoredElement.h"
#include "SpecializerChain.h"
#include "flowc/Dialect/Flow/IR/FlowPlanar.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc;
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

/// Whether `ops`, which make `y` of `x`, do so element by element.
static bool isElementwise(ArrayRef<Operation *> ops, Value x, Value y) {
  if (!isa<RankedTensorType>(x.getType()))
    return false;
  auto extent = uint64_t(getNumElements(x.getType()));
  // What has an element of x in each element, and what depends on x in any other way.
  DenseSet<Value> elements{x}, others;
  for (Operation *op : ops) {
    auto isElement = [&](Value value) { return elements.contains(value); };
    auto isOther = [&](Value value) { return others.contains(value); };
    bool dependsOnOthers = llvm::any_of(op->getOperands(), isOther);
    if (!dependsOnOthers && llvm::none_of(op->getOperands(), isElement))
      continue;
    auto map = dyn_cast<MapOp>(op);
    bool keepsElements =
        map && !dependsOnOthers && map.getExtent() == extent && llvm::none_of(map.getShared(), isElement);
    if (keepsElements)
      elements.insert(map.getStacked().begin(), map.getStacked().end());
    for (Value result : op->getResults())
      if (!isElement(result))
        others.insert(result);
  }
  return y != x && elements.contains(y);
}

/// The slope after a map of elements, which all has diagonal derivatives: the way back has
/// their reciprocals, and whatever finds an inverse (roots, searches) is spared.
static FailureOr<Value> buildByOwnSlopes(ImplicitLocOpBuilder &builder, Value x, Value score,
                                         llvm::function_ref<FailureOr<Transformed>(Value)> emit) {
  Type element = getElementTypeOrSelf(x.getType());
  Value ones = buildConstant(builder, x.getType(), 1), one = buildConstant(builder, element, 1);
  auto pullBack = [&](bool ofLogDet) {
    return buildPullback(builder, x, [&](Value at) -> FailureOr<SmallVector<Seeded>> {
      FailureOr<Transformed> there = emit(at);
      if (failed(there))
        return failure();
      if (ofLogDet)
        return there->logDet ? SmallVector<Seeded>{{there->logDet, one}} : SmallVector<Seeded>();
      return SmallVector<Seeded>{{there->event, ones}};
    });
  };
  FailureOr<Value> slopes = pullBack(/*ofLogDet=*/false), logSlopes = pullBack(/*ofLogDet=*/true);
  if (failed(slopes) || failed(logSlopes))
    return failure();
  SmallVector<Value> indexed{score, *slopes};
  if (*logSlopes)
    indexed.push_back(*logSlopes);
  FailureOr<MapOp> map = buildMap(builder, getNumElements(x.getType()), indexed, {},
                                  [](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    Value g = arguments[0];
                                    if (arguments.size() > 2)
                                      g = arith::SubFOp::create(at, g, arguments[2]);
                                    Value reciprocal = buildReciprocal(at, arguments[1]);
                                    yields.stacked.push_back(arith::MulFOp::create(at, g, reciprocal));
                                    return success();
                                  });
  return failed(map) ? FailureOr<Value>(failure()) : FailureOr<Value>(map->getStacked().front());
}

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

  auto emitOnceMore = [&](Value at, bool isInverse) {
    Specializer own(builder, /*withLogDets=*/true);
    own.getMapping() = specializer.getMapping();
    return build(bijection, own, at, isInverse);
  };
  if (!inverse && isElementwise(opsThere, x, there->event)) {
    FailureOr<Value> carried =
        buildByOwnSlopes(builder, x, score, [&](Value at) { return emitOnceMore(at, /*isInverse=*/false); });
    return failed(carried) ? FailureOr<Scored>(failure()) : Scored{there->event, there->logDet, *carried};
  }
  Value one = buildConstant(builder, getElementTypeOrSelf(x.getType()), 1);
  Transformed back;
  auto emit = [&](Value y) -> FailureOr<SmallVector<Seeded>> {
    FailureOr<Transformed> result = emitOnceMore(y, !inverse);
    if (failed(result))
      return failure();
    back = *result;
    SmallVector<Seeded> seeded{{back.event, score}};
    if (back.logDet)
      seeded.emplace_back(back.logDet, one);
    return seeded;
  };
  auto shareValues = [&](Block &way, IRMapping &mapping) {
    share({std::move(opsThere), way, mapping});
    // The way back ends where the way there began.
    if (back.event.getDefiningOp())
      mapping.lookup(back.event).replaceAllUsesWith(x);
  };
  FailureOr<Value> carried = buildPullback(builder, there->event, emit, shareValues);
  if (failed(carried))
    return failure();
  return Scored{there->event, there->logDet, *carried ? *carried : buildConstant(builder, x.getType(), 0)};
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
FailureOr<Scored> flow::ScanOp::buildScored(Specializer &specializer, Value x, Value score, bool inverse) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  Block &layer = getBody().front();
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
  sample::YieldOp::create(inner, ValueRange{step->event, step->score, own.addLogDets(logDet, step->logDet)});
  eraseDeadOps(block);

  auto lookup = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) { return specializer.lookup(value); });
  };
  SmallVector<Value> carries{x, score, buildConstant(builder, element, 0)};
  auto result = sample::ScanOp::create(builder, TypeRange(ValueRange(carries)), TypeRange{}, getLayers(),
                                       getReverse() != inverse, carries, lookup(getOver()), lookup(getShared()));
  result.getBody().takeBody(region);
  return Scored{result.getFinals()[0], result.getFinals()[2], result.getFinals()[1]};
}

/// Both ways pass through one number, which tanh is taken of: on one of them it is a
/// root.
FailureOr<Scored> PlanarOp::buildScored(Specializer &specializer, Value x, Value score, bool inverse) {
  return buildByWayBack(*this, specializer, x, score, inverse, [](const Ways &ways) {
    for (auto [there, back] : llvm::zip(ways.getThere<math::TanhOp>(), ways.back.getOps<math::TanhOp>()))
      ways.mapping.lookup(back.getOperand()).replaceAllUsesWith(there.getOperand());
  });
}
