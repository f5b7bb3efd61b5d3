//===- ScoredElement.cpp - Elements with the slope of their density -------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With t = s(v; p), J = (ds/dv, ds/dp) and L the derivatives of log|ds/dv|, those of the
// way from t to v and of its log-determinant -log|ds/dv| are
//
//   dv = (dt - J_p dp) / J_v,   -(L_v dv + L_p dp).
//
//===----------------------------------------------------------------------===//

#include "ScoredElement.h"
#include "flowc/Dialect/Flow/IR/ElementFormula.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

using namespace mlir;
using namespace flowc::flow;

namespace {
/// Arithmetic with null for zero, of a float and a float or a small tensor.
struct Terms {
  ImplicitLocOpBuilder &builder;

  Value add(Value a, Value b) { return addDerivatives(builder, a, b); }
  Value neg(Value a) { return a ? arith::NegFOp::create(builder, a).getResult() : a; }
  Value scale(Value factor, Value a) {
    if (!factor || !a)
      return {};
    if (isa<RankedTensorType>(a.getType()))
      factor = SplatOp::create(builder, a.getType(), factor);
    return arith::MulFOp::create(builder, factor, a);
  }
};
} // namespace

/// The derivatives of one value that `block`, whose copy `mapping` knows, yields.
static FailureOr<ElementSlopes> buildSlopes(ImplicitLocOpBuilder &builder, IRMapping &mapping, Block &block,
                                            unsigned result) {
  VjpBuilder vjp(builder, mapping);
  for (Value argument : block.getArguments())
    vjp.markNeeded(argument);
  OperandRange yielded = block.getTerminator()->getOperands();
  SmallVector<Value> seeds(yielded.size());
  seeds[result] = buildConstant(builder, yielded[result].getType(), 1);
  if (failed(buildBlockVjp(vjp, block, seeds)))
    return failure();
  return ElementSlopes{vjp.getCotangent(block.getArgument(0)), vjp.getCotangent(block.getArgument(1))};
}

Value flowc::flow::buildReciprocal(ImplicitLocOpBuilder &builder, Value slope) {
  Formula f = formula(builder, slope);
  Value isFlat = f.compare(arith::CmpFPredicate::OEQ, slope, f.constant(0));
  return f.select(isFlat, f.constant(0), f.div(f.constant(1), slope));
}

FailureOr<ScoredElement> flowc::flow::buildScoredElement(ImplicitLocOpBuilder &builder, ElementFn emit, Value x,
                                                         Value raw, bool inverse) {
  FailureOr<Transformed> there;
  if (inverse) {
    there = emit(builder, x, raw, /*inverse=*/true);
    if (failed(there))
      return failure();
  }
  // s at v, forwards: copied to where it is differentiated twice.
  Region region;
  Block &block = region.emplaceBlock();
  Location loc = builder.getLoc();
  block.addArguments({x.getType(), raw.getType()}, {loc, loc});
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  FailureOr<Transformed> forward = emit(inner, block.getArgument(0), block.getArgument(1), /*inverse=*/false);
  if (failed(forward))
    return failure();
  SmallVector<Value> yields{forward->event};
  if (forward->logDet)
    yields.push_back(forward->logDet);
  sample::YieldOp::create(inner, yields);
  IRMapping mapping;
  mapping.map(block.getArgument(0), inverse ? there->event : x);
  mapping.map(block.getArgument(1), raw);
  VjpBuilder copy(builder, mapping);
  cloneForward(copy, block);
  FailureOr<ElementSlopes> slopes = buildSlopes(builder, mapping, block, 0);
  FailureOr<ElementSlopes> ofLog = forward->logDet ? buildSlopes(builder, mapping, block, 1) : ElementSlopes();
  if (failed(slopes) || failed(ofLog))
    return failure();
  builder.setLoc(loc);

  Terms terms{builder};
  ScoredElement element{inverse,
                        inverse ? there->event : mapping.lookup(forward->event),
                        {},
                        *slopes,
                        *slopes,
                        *ofLog,
                        buildReciprocal(builder, slopes->inEvent)};
  Value logDet = forward->logDet ? mapping.lookup(forward->logDet) : Value();
  element.logDet = inverse ? terms.neg(logDet) : logDet;
  if (inverse)
    element.slopes = {element.reciprocal, terms.neg(terms.scale(element.reciprocal, slopes->inRaw))};
  return element;
}

ElementSlopes flowc::flow::buildElementScore(ImplicitLocOpBuilder &builder, const ScoredElement &element, Value g) {
  Terms terms{builder};
  auto [inEvent, inRaw] = element.forward;
  auto [logInEvent, logInRaw] = element.logDerivative;
  // Back by s itself, or by its inverse.
  if (element.isInverse)
    return {terms.add(terms.scale(g, inEvent), logInEvent), terms.add(terms.scale(g, inRaw), logInRaw)};
  Value rest = logInEvent ? arith::SubFOp::create(builder, g, logInEvent).getResult() : g;
  Value score = terms.scale(rest, element.reciprocal);
  return {score, terms.neg(terms.add(terms.scale(score, inRaw), logInRaw))};
}
