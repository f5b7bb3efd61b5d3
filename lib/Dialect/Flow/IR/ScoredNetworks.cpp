//===- ScoredNetworks.cpp - Networks and the slope of a density -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// BijectionOpInterface::buildScored of bijections whose parameters a network computes. A
// transformer is emitted once, with all of its slopes (ScoredElement.h): those of the
// density are pulled back through the network, and those of the event are kept for the
// gradient of the path, which computes no transformer again.
//
//===----------------------------------------------------------------------===//

#include "Networks.h"
#include "ScoredElement.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Objective.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::flow;

static FailureOr<ScoredElement> buildScoredTransformer(Region &transformer, ImplicitLocOpBuilder &builder,
                                                       Value coordinate, Value raw, bool inverse) {
  auto emit = [&](ImplicitLocOpBuilder &at, Value v, Value parameters, bool isInverse) {
    return buildTransformer(transformer, at, /*withLogDets=*/true, v, parameters, isInverse);
  };
  return buildScoredElement(builder, emit, coordinate, raw, inverse);
}

/// Adds to `yielded` the slopes in `element`, a coordinate and its raw parameters.
static void pushSlopes(ImplicitLocOpBuilder &builder, const ElementSlopes &slopes, ValueRange element,
                       SmallVectorImpl<Value> &yielded) {
  Value both[] = {slopes.inEvent, slopes.inRaw};
  for (auto [slope, of] : llvm::zip(both, element))
    yielded.push_back(slope ? slope : buildConstant(builder, of.getType(), 0));
}

//===----------------------------------------------------------------------===//
// CouplingOp
//===----------------------------------------------------------------------===//

/// The tail in one map, with the slopes of its density and its own; then the way back
/// through the network, of the slopes in its outputs.
FailureOr<Scored> CouplingOp::buildScored(Specializer &specializer, Value x, Value score, bool inverse) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  auto [head, tail] = splitHalves(*this, builder, x);
  auto [headScore, tailScore] = splitHalves(*this, builder, score);
  Value raw = buildNetwork(*this, specializer, head);
  FailureOr<MapOp> map =
      buildMap(builder, getNumElements(tail.getType()), {tail, raw, tailScore}, {},
               [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) -> LogicalResult {
                 FailureOr<ScoredElement> element =
                     buildScoredTransformer(getTransformer(), at, arguments[0], arguments[1], inverse);
                 if (failed(element))
                   return failure();
                 ElementSlopes carried = buildElementScore(at, *element, arguments[2]);
                 yields.stacked.push_back(element->event);
                 for (const ElementSlopes &slopes : {element->slopes, carried})
                   pushSlopes(at, slopes, arguments, yields.stacked);
                 if (element->logDet)
                   yields.summands.push_back(element->logDet);
                 return success();
               });
  if (failed(map))
    return failure();
  builder.setLoc(loc);
  ResultRange results = map->getStacked();
  Value event = SurrogateOp::create(builder, results[0], ValueRange{tail, raw}, ValueRange{results[1], results[2]});
  Value carried = results[3];
  if (head) {
    FailureOr<Value> throughNetwork = buildPullback(builder, head, [&](Value at) -> FailureOr<SmallVector<Seeded>> {
      return SmallVector<Seeded>{{buildNetwork(*this, specializer, at), results[4]}};
    });
    if (failed(throughNetwork))
      return failure();
    headScore = addDerivatives(builder, headScore, *throughNetwork);
    carried = buildConcat(builder, {headScore, carried});
  }
  return Scored{buildConcat(builder, {head, event}), map->getSums().empty() ? Value() : map->getSums().front(),
                carried};
}

//===----------------------------------------------------------------------===//
// MaskedAutoregressiveOp
//===----------------------------------------------------------------------===//

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

/// A step of the way back that has the derivatives of one, given those of the transformer:
/// of x, and of its log-determinant. What it computes is linear, and not used.
static LogicalResult emitLinearStep(ImplicitLocOpBuilder &builder, Value raw, ValueRange indexed, SweepYields &yields) {
  Value y = indexed[0], reciprocal = indexed[1], inRaw = indexed[2], logInEvent = indexed[3], logInRaw = indexed[4];
  auto sum = [&](Value slopes) -> Value {
    Value product = arith::MulFOp::create(builder, slopes, raw);
    return isa<RankedTensorType>(product.getType()) ? ReduceSumOp::create(builder, y.getType(), product).getResult()
                                                    : product;
  };
  yields.state = arith::MulFOp::create(builder, reciprocal, arith::SubFOp::create(builder, y, sum(inRaw)));
  Value logDerivative =
      arith::AddFOp::create(builder, arith::MulFOp::create(builder, logInEvent, yields.state), sum(logInRaw));
  yields.summands.push_back(arith::NegFOp::create(builder, logDerivative));
  return success();
}

/// The network there, a sweep backwards.
static FailureOr<Scored> buildScoredByNetwork(MaskedAutoregressiveOp op, Specializer &specializer, Value x,
                                              Value score) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  SmallVector<DenseOp> layers;
  Value raw = buildNetwork(op, specializer, x, &layers);
  FailureOr<MapOp> map =
      buildMap(builder, getNumElements(x.getType()), {x, raw}, {},
               [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) -> LogicalResult {
                 FailureOr<ScoredElement> element =
                     buildScoredTransformer(op.getTransformer(), at, arguments[0], arguments[1], /*inverse=*/false);
                 if (failed(element))
                   return failure();
                 yields.stacked = {element->event, element->reciprocal};
                 for (const ElementSlopes &slopes : {element->slopes, element->logDerivative})
                   pushSlopes(at, slopes, arguments, yields.stacked);
                 if (element->logDet)
                   yields.summands.push_back(element->logDet);
                 return success();
               });
  if (failed(map))
    return failure();
  builder.setLoc(loc);
  ResultRange results = map->getStacked();
  Value event = results[0], reciprocal = results[1], inEvent = results[2], inRaw = results[3];
  Value y = SurrogateOp::create(builder, event, ValueRange{x, raw}, ValueRange{inEvent, inRaw});

  SweepOp sweep;
  Value one = buildConstant(builder, getElementTypeOrSelf(x.getType()), 1);
  auto emitBack = [&](Value at) -> FailureOr<SmallVector<Seeded>> {
    FailureOr<SweepOp> emitted =
        buildSweep(op, specializer, {at, reciprocal, inRaw, results[4], results[5]}, emitLinearStep);
    if (failed(emitted))
      return failure();
    sweep = *emitted;
    return SmallVector<Seeded>{{sweep.getState(), score}, {sweep.getSums().front(), one}};
  };
  auto share = [&](Block &, IRMapping &mapping) {
    shareWithSweep(layers, mapping.lookup(sweep.getState()).getDefiningOp<SweepOp>());
  };
  FailureOr<Value> carried = buildPullback(builder, event, emitBack, share);
  if (failed(carried))
    return failure();
  return Scored{y, map->getSums().empty() ? Value() : map->getSums().front(), *carried};
}

/// A sweep there, which keeps all slopes; the network backwards.
static FailureOr<Scored> buildScoredBySweep(MaskedAutoregressiveOp op, Specializer &specializer, Value x, Value score) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Location loc = builder.getLoc();
  FailureOr<SweepOp> sweep =
      buildSweep(op, specializer, {x, score},
                 [&](ImplicitLocOpBuilder &inner, Value raw, ValueRange indexed, SweepYields &yields) -> LogicalResult {
                   FailureOr<ScoredElement> element =
                       buildScoredTransformer(op.getTransformer(), inner, indexed[0], raw, /*inverse=*/true);
                   if (failed(element))
                     return failure();
                   ElementSlopes carried = buildElementScore(inner, *element, indexed[1]);
                   for (const ElementSlopes &slopes : {carried, element->slopes})
                     pushSlopes(inner, slopes, {indexed[0], raw}, yields.extras);
                   yields.state = SurrogateOp::create(inner, element->event, ValueRange{indexed[0], raw},
                                                      ValueRange(yields.extras).drop_front(2));
                   if (element->logDet)
                     yields.summands.push_back(element->logDet);
                   return success();
                 });
  if (failed(sweep))
    return failure();
  builder.setLoc(loc);
  Value y = sweep->getState();
  SmallVector<DenseOp> layers;
  auto emitBack = [&](Value at) -> FailureOr<SmallVector<Seeded>> {
    return SmallVector<Seeded>{{buildNetwork(op, specializer, at, &layers), sweep->getExtras()[1]}};
  };
  auto share = [&](Block &, IRMapping &mapping) { shareWithNetwork(*sweep, layers, mapping); };
  FailureOr<Value> throughNetwork = buildPullback(builder, y, emitBack, share);
  if (failed(throughNetwork))
    return failure();
  Value carried = addDerivatives(builder, sweep->getExtras()[0], *throughNetwork);
  return Scored{y, sweep->getSums().empty() ? Value() : sweep->getSums().front(), carried};
}

FailureOr<Scored> MaskedAutoregressiveOp::buildScored(Specializer &specializer, Value x, Value score, bool inverse) {
  if (isBiasOnly(*this))
    return buildScoredByWayBack(*this, specializer, x, score, inverse);
  return inverse ? buildScoredBySweep(*this, specializer, x, score)
                 : buildScoredByNetwork(*this, specializer, x, score);
}
