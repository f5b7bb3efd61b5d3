//===- FlowElementwise.cpp - Formulas of elementwise bijections -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each formula is written for one element: the image and log|derivative|, both
// finite for every element of the domain, however large. Unselected branches get
// safe operands, so that cotangents of zero never meet an infinity.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowElementwise.h"
#include "flowc/Dialect/Flow/IR/ElementFormula.h"

#include <cmath>
#include <limits>
#include <numbers>

using namespace mlir;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowElementwise.cpp.inc"

//===----------------------------------------------------------------------===//
// Identity, loc, scale
//===----------------------------------------------------------------------===//

Transformed IdentityOp::buildElement(ImplicitLocOpBuilder &, Value x, ValueRange) { return {x, {}}; }
Transformed IdentityOp::buildElementInverse(ImplicitLocOpBuilder &, Value y, ValueRange) { return {y, {}}; }

// loc_c1: loc has the event's type.
LogicalResult LocOp::verify() { return verifyPerElement(*this, "loc", getLoc()); }

Transformed LocOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange parameters) {
  return {formula(builder, x).add(x, parameters[0]), {}};
}

Transformed LocOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange parameters) {
  return {formula(builder, y).sub(y, parameters[0]), {}};
}

// scale_c1: scale has the event's type.
LogicalResult ScaleOp::verify() { return verifyPerElement(*this, "scale", getScale()); }

Transformed ScaleOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange parameters) {
  Formula f = formula(builder, x);
  return {f.mul(parameters[0], x), f.logAbs(parameters[0])};
}

Transformed ScaleOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange parameters) {
  Formula f = formula(builder, y);
  return {f.div(y, parameters[0]), f.neg(f.logAbs(parameters[0]))};
}

//===----------------------------------------------------------------------===//
// BoundedAffine
//===----------------------------------------------------------------------===//

// With a bound of at most 80 the scale and its inverse are normal numbers in
// float32, too.
LogicalResult BoundedAffineOp::verify() {
  // bounded_affine_c1: loc has the event's type.
  if (failed(verifyPerElement(*this, "loc", getLoc())))
    return failure();
  // bounded_affine_c2: log_scale has the event's type.
  if (failed(verifyPerElement(*this, "log_scale", getLogScale())))
    return failure();
  // bounded_affine_c3: the bound is positive and at most 80.
  double bound = getBound().convertToDouble();
  if (bound > 0 && bound <= 80)
    return success();
  return emitOpError("bound must be positive and at most 80 but is ") << bound;
}

/// s = bound tanh(log_scale / bound).
static Value buildBoundedLogScale(Formula &f, Value logScale, double bound) {
  return f.mul(f.constant(bound), f.tanh(f.mul(f.constant(1 / bound), logScale)));
}

Transformed BoundedAffineOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange parameters) {
  Formula f = formula(builder, x);
  Value logScale = buildBoundedLogScale(f, parameters[1], getBound().convertToDouble());
  return {f.add(f.mul(f.exp(logScale), x), parameters[0]), logScale};
}

Transformed BoundedAffineOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange parameters) {
  Formula f = formula(builder, y);
  Value minus = f.neg(buildBoundedLogScale(f, parameters[1], getBound().convertToDouble()));
  return {f.mul(f.exp(minus), f.sub(y, parameters[0])), minus};
}

//===----------------------------------------------------------------------===//
// Exp, sigmoid, softplus
//===----------------------------------------------------------------------===//

Transformed ExpOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange) {
  return {formula(builder, x).exp(x), x};
}

Transformed ExpOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange) {
  Formula f = formula(builder, y);
  Value x = f.log(y);
  return {x, f.neg(x)};
}

// log f' = log y + log(1 - y) = -softplus(-x) - softplus(x), with softplus(x) =
// x + softplus(-x).
Transformed SigmoidOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange) {
  Formula f = formula(builder, x);
  Value tail = f.softplus(f.neg(x));
  return {f.sigmoid(x), f.neg(f.add(x, f.mul(f.constant(2), tail)))};
}

// With a = log y and b = log(1 - y): x = a - b and log|f^-1'| = -(a + b).
Transformed SigmoidOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange) {
  Formula f = formula(builder, y);
  Value a = f.log(y), b = f.log1p(f.neg(y));
  return {f.sub(a, b), f.neg(f.add(a, b))};
}

Transformed SoftplusOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange) {
  Formula f = formula(builder, x);
  return {f.softplus(x), f.neg(f.softplus(f.neg(x)))};
}

// With t = log(1 - exp(-y)): x = y + t and log|f^-1'| = softplus(-x) = -t.
Transformed SoftplusOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange) {
  Formula f = formula(builder, y);
  Value t = f.log(f.neg(math::ExpM1Op::create(builder, f.neg(y))));
  return {f.add(t, y), f.neg(t)};
}

//===----------------------------------------------------------------------===//
// Tanh, leaky tanh
//===----------------------------------------------------------------------===//

// log|f'| = -2 (x + softplus(-2x) - log 2): log(1 - tanh(x)^2) without its
// cancellation and overflow.
static Transformed buildTanh(Formula &f, Value x) {
  Value minusTwo = f.constant(-2);
  Value tail = f.add(x, f.softplus(f.mul(minusTwo, x)));
  return {f.tanh(x), f.mul(minusTwo, f.sub(tail, f.constant(std::numbers::ln2)))};
}

// With a = log(1 + y) and b = log(1 - y): x = (a - b) / 2 and log|f^-1'| =
// -log(1 - y^2) = -(a + b).
static Transformed buildArtanh(Formula &f, Value y) {
  Value a = f.log1p(y), b = f.log1p(f.neg(y));
  return {f.mul(f.constant(0.5), f.sub(a, b)), f.neg(f.add(a, b))};
}

Transformed TanhOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange) {
  Formula f = formula(builder, x);
  return buildTanh(f, x);
}

Transformed TanhOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange) {
  Formula f = formula(builder, y);
  return buildArtanh(f, y);
}

// leaky_tanh_c1: the linear parts begin beyond 0.
LogicalResult LeakyTanhOp::verify() {
  if (getMaxVal().convertToDouble() > 0)
    return success();
  return emitOpError("max_val must be positive but is ") << getMaxVal().convertToDouble();
}

namespace {
/// What both directions of a leaky tanh have in common.
struct LeakyTanh {
  double max, edge, logSlope, slope;

  explicit LeakyTanh(LeakyTanhOp op) : max(op.getMaxVal().convertToDouble()), edge(std::tanh(max)) {
    logSlope = -2 * (max + std::log1p(std::exp(-2 * max)) - std::numbers::ln2);
    slope = std::pow(std::cosh(max), -2);
  }
};
} // namespace

/// `value` with the sign of `x`.
static Value withSignOf(Formula &f, Value x, double value) {
  Value isNegative = f.compare(arith::CmpFPredicate::OLT, x, f.constant(0));
  return f.select(isNegative, f.constant(-value), f.constant(value));
}

Transformed LeakyTanhOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange) {
  Formula f = formula(builder, x);
  LeakyTanh leaky(*this);
  Value isLinear = f.compare(arith::CmpFPredicate::OGE, f.abs(x), f.constant(leaky.max));
  Transformed inner = buildTanh(f, f.select(isLinear, f.constant(0), x));
  Value intercept = withSignOf(f, x, leaky.edge - leaky.slope * leaky.max);
  Value line = f.add(f.mul(f.constant(leaky.slope), x), intercept);
  return {f.select(isLinear, line, inner.event), f.select(isLinear, f.constant(leaky.logSlope), inner.logDet)};
}

// The lines are taken from where they begin: if the slope is so small that the
// edge is 1, the edge still goes to max_val.
Transformed LeakyTanhOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange) {
  Formula f = formula(builder, y);
  double steepest = APFloat::getLargest(cast<FloatType>(f.type).getFloatSemantics()).convertToDouble();
  LeakyTanh leaky(*this);
  Value isLinear = f.compare(arith::CmpFPredicate::OGE, f.abs(y), f.constant(leaky.edge));
  Transformed inner = buildArtanh(f, f.select(isLinear, f.constant(0), y));
  Value beyond = f.sub(y, withSignOf(f, y, leaky.edge));
  Value line = f.add(f.mul(f.constant(std::min(1 / leaky.slope, steepest)), beyond), withSignOf(f, y, leaky.max));
  return {f.select(isLinear, line, inner.event), f.select(isLinear, f.constant(-leaky.logSlope), inner.logDet)};
}

//===----------------------------------------------------------------------===//
// Power
//===----------------------------------------------------------------------===//

// power_c1: the exponent is finite and not zero.
LogicalResult PowerOp::verify() {
  double exponent = getExponent().convertToDouble();
  if (std::isfinite(exponent) && exponent != 0)
    return success();
  return emitOpError("exponent must be finite and not zero but is ") << exponent;
}

/// x^p with log|derivative| = log|p| + (p - 1) log x.
static Transformed buildPower(Formula &f, Value x, double p) {
  Value isInDomain = f.compare(arith::CmpFPredicate::OGE, x, f.constant(0));
  Value y = p == 1 ? x : Value(math::PowFOp::create(f.builder, x, f.constant(p)));
  y = f.select(isInDomain, y, f.constant(std::numeric_limits<double>::quiet_NaN()));
  if (p == 1)
    return {y, {}};
  return {y, f.add(f.constant(std::log(std::abs(p))), f.mul(f.constant(p - 1), f.log(x)))};
}

Transformed PowerOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange) {
  Formula f = formula(builder, x);
  return buildPower(f, x, getExponent().convertToDouble());
}

Transformed PowerOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange) {
  Formula f = formula(builder, y);
  return buildPower(f, y, 1 / getExponent().convertToDouble());
}
