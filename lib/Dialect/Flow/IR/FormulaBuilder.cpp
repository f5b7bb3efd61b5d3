//===- FormulaBuilder.cpp - Formulas as ops, element by element -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FormulaBuilder.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace flowc::flow;
using flowc::symbolic::Algebra;
using flowc::symbolic::Expr;
using flowc::symbolic::Function;
using flowc::symbolic::Interval;
using flowc::symbolic::Kind;
using flowc::symbolic::Term;

/// Adds the largest parts of `e` that depend on parameters only and are not mere
/// parameters or constants.
static void collectUniform(const Algebra &algebra, Expr e, ArrayRef<Expr> varying, llvm::SetVector<Expr> &uniform) {
  auto varies = [&](Expr part) {
    return llvm::any_of(varying, [&](Expr symbol) { return algebra.dependsOn(part, symbol); });
  };
  if (varies(e)) {
    for (const Term &term : e->terms)
      collectUniform(algebra, term.node, varying, uniform);
    return;
  }
  // Conditions are no floats: what they compare is.
  if (e->kind == Kind::Compare)
    for (const Term &term : e->terms)
      collectUniform(algebra, term.node, varying, uniform);
  else if (e->kind != Kind::Symbol && !e->isConstant())
    uniform.insert(e);
}

Transformed FormulaBuilder::forward(Value x) {
  emitter.bind(result.variable, x);
  Value y = emitter.emit(result.value);
  return {y, result.logDerivative->isConstant(0) ? Value() : emitter.emit(result.logDerivative)};
}

/// On a half line or an interval, x follows from a t that can be any number.
FormulaBuilder::Equation FormulaBuilder::getEquation() {
  if (equation)
    return *equation;
  const Interval &domain = result.rootDomain;
  bool hasLow = std::isfinite(domain.low), hasHigh = std::isfinite(domain.high);
  bool isOfImage = result.level == result.image;
  Expr target = isOfImage ? result.image : algebra.newSymbol("level");
  Equation made{result.variable, result.variable, target, result.part, result.partSlope};
  if (hasLow || hasHigh) {
    made.t = algebra.newSymbol("t");
    if (hasLow && hasHigh)
      made.position = algebra.sum(domain.low, {{domain.high - domain.low, algebra.call(Function::Sigmoid, made.t)}});
    else
      made.position =
          algebra.sum(hasLow ? domain.low : domain.high, {{hasLow ? 1.0 : -1.0, algebra.call(Function::Exp, made.t)}});
    made.function = algebra.substitute(result.part, result.variable, made.position);
    made.slope = algebra.factorize(algebra.derivative(made.function, made.t));
  }
  // x = high - exp(t) falls.
  bool isFlipped = hasHigh && !hasLow;
  if (result.isIncreasing == isFlipped)
    made.slope = algebra.negate(made.slope);
  made.function = algebra.subtract(made.function, made.target);
  if (result.isIncreasing == isFlipped)
    made.function = algebra.negate(made.function);
  equation = made;
  return made;
}

llvm::SetVector<Expr> FormulaBuilder::getUniform(bool isInverse) {
  llvm::SetVector<Expr> uniform;
  SmallVector<Expr> varying{result.variable, result.image};
  SmallVector<Expr> wanted;
  if (isInverse)
    wanted.push_back(result.position);
  if (!isInverse) {
    llvm::append_values(wanted, result.logDerivative, result.value);
  } else if (result.isAnalytic()) {
    llvm::append_values(wanted, result.logDerivative, result.inverse);
  } else {
    Equation made = getEquation();
    llvm::append_values(varying, made.t, made.target);
    llvm::append_values(wanted, result.inverseLogDerivative, made.position, made.function, made.slope, result.level);
    if (isBracketed())
      llvm::append_range(wanted, getBracketParts());
  }
  for (Expr e : wanted)
    collectUniform(algebra, e, varying, uniform);
  return uniform;
}

/// An infinite number becomes the largest finite one.
static Value clipToFinite(ImplicitLocOpBuilder &builder, Value value) {
  APFloat largest = APFloat::getLargest(cast<FloatType>(value.getType()).getFloatSemantics());
  FloatAttr limit = builder.getF64FloatAttr(largest.convertToDouble());
  FloatAttr opposite = builder.getF64FloatAttr(-largest.convertToDouble());
  return ClipOp::create(builder, value.getType(), value, opposite, limit);
}

bool FormulaBuilder::isBracketed() const {
  return result.slopeBound && result.slopeLimit && Interval::all().isInside(result.rootDomain);
}

SmallVector<Expr> FormulaBuilder::getBracketParts() {
  Expr zero = algebra.constant(0), slope = algebra.substitute(getEquation().slope, result.variable, zero);
  Expr offset = algebra.substitute(result.part, result.variable, zero);
  return {offset, algebra.power(slope, -1), algebra.power(result.slopeLimit, -1), algebra.power(result.slopeBound, -1),
          algebra.divide(algebra.call(Function::Abs, offset), result.slopeBound)};
}

/// |y - f(0)| / |t| is a mean of the slope. The search begins where the tangent at 0
/// has the value y, but not far beyond the nearest place where the root can be.
RootBracket FormulaBuilder::emitBracket() {
  SmallVector<Expr> parts = getBracketParts();
  Expr target = getEquation().target;
  Expr offset = result.isIncreasing ? algebra.subtract(target, parts[0]) : algebra.subtract(parts[0], target);
  Value distance = emitter.emit(offset), inverse = emitter.emit(parts[1]);
  Value start = arith::MulFOp::create(builder, distance, inverse);
  Value atMost = emitter.emit(parts[2]), atLeast = emitter.emit(parts[3]);
  Value nearest = arith::MulFOp::create(builder, distance, atMost);
  Value farthest = arith::MulFOp::create(builder, distance, atLeast);
  // A flat tangent leads far beyond.
  Value least = math::AbsFOp::create(builder, nearest);
  Value twice = arith::MulFOp::create(builder, least, buildConstant(builder, type, 2));
  Value reach = arith::AddFOp::create(builder, twice, buildConstant(builder, type, 1));
  start = arith::MinimumFOp::create(builder, start, reach);
  Value opposite = arith::NegFOp::create(builder, reach);
  start = arith::MaximumFOp::create(builder, start, opposite);
  // Rounding in f displaces its root; that of terms much larger than f by far more.
  constexpr double kRoom = 1.0 / 1024;
  Value size = math::AbsFOp::create(builder, clipToFinite(builder, farthest));
  Value room = arith::MulFOp::create(builder, size, buildConstant(builder, type, kRoom));
  if (!parts[4]->isConstant(0))
    room = arith::AddFOp::create(builder, room, emitter.emit(algebra.scale(2 * kRoom, parts[4])));
  Value lower = arith::MinimumFOp::create(builder, nearest, farthest);
  lower = clipToFinite(builder, arith::SubFOp::create(builder, lower, room));
  Value upper = arith::MaximumFOp::create(builder, nearest, farthest);
  upper = clipToFinite(builder, arith::AddFOp::create(builder, upper, room));
  return {lower, upper, start};
}

Value FormulaBuilder::solve(Value y) {
  Equation made = getEquation();
  // What does not depend on t is computed once.
  llvm::SetVector<Expr> uniform;
  for (Expr e : {made.function, made.slope})
    collectUniform(algebra, e, {made.t, made.target}, uniform);
  SmallVector<Expr> inputs{made.target};
  auto isNeeded = [&](Expr symbol) {
    return algebra.dependsOn(made.function, symbol) || algebra.dependsOn(made.slope, symbol);
  };
  llvm::copy_if(parameters, std::back_inserter(inputs), isNeeded);
  llvm::append_range(inputs, uniform);
  emitter.bind(result.image, y);
  emitter.bind(made.target, emitter.emit(result.level));
  SmallVector<Value> operands;
  for (Expr input : inputs)
    operands.push_back(emitter.emit(input));
  auto body = [&](ImplicitLocOpBuilder &at, Value t, ValueRange arguments) -> RootValues {
    ExpressionEmitter inner(at, type);
    inner.bind(made.t, t);
    for (auto [input, argument] : llvm::zip_equal(inputs, arguments))
      inner.bind(input, argument);
    Value value = inner.emit(made.function), slope = inner.emit(made.slope);
    // Of an infinite y, no finite t is the root.
    Value size = clipToFinite(at, inner.emit(algebra.call(Function::Abs, made.target)));
    return {value, slope, size};
  };
  RootBracket bracket = isBracketed() ? emitBracket() : RootBracket();
  Value t = buildRoot(builder, type, bracket, operands, body, tolerance).getRoot();
  emitter.bind(made.t, t);
  return emitter.emit(made.position);
}

Transformed FormulaBuilder::inverse(Value y) {
  Value x;
  if (result.isAnalytic()) {
    emitter.bind(result.image, y);
    x = emitter.emit(result.inverse);
  } else {
    x = solve(y);
  }
  emitter.bind(result.variable, x);
  // What the simplified formula maps to y may be outside of the domain of the written one.
  x = emitter.emit(result.position);
  if (result.logDerivative->isConstant(0))
    return {x, {}};
  return {x, emitter.emit(result.isAnalytic() ? algebra.negate(result.logDerivative) : result.inverseLogDerivative)};
}
