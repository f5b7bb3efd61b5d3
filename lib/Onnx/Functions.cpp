//===- Functions.cpp - Functions in ONNX ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What ONNX has no operator for, or ONNX Runtime none in float64 (or a poor one in the
// tails: Sigmoid), is a formula of exponentials and logarithms, good to 1e-13 or better in
// float64.
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "flowc/Dialect/Sample/IR/Draws.h"
#include "flowc/Dialect/Sample/IR/Functions.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <numbers>

using namespace flowc;
using namespace flowc::onnx;
using namespace mlir;

static constexpr double kLn2 = std::numbers::ln2, kHalfLogTwoPi = 0.918938533204672741780329736405617640;

/// a0 + a1 x + a2 x^2 + ...
static Number polynomial(const Number &x, ArrayRef<double> coefficients) {
  Number sum = x.constant(coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    sum = sum * x + coefficient;
  return sum;
}

/// Computes in float64, whatever the type of `x`.
static Number inDouble(const Number &x, llvm::function_ref<Number(Number)> formula) {
  return formula(x.cast(ElementType::Double)).cast(x.t.type);
}

/// With the sign of `x`: an odd function from its values for x >= 0.
static Number makeOdd(const Number &x, const Number &ofAbs) { return select(x < 0, -ofAbs, ofAbs); }

//===----------------------------------------------------------------------===//
// Exponentials and logarithms
//===----------------------------------------------------------------------===//

/// log(u) with the error of u = 1 + x divided out (Kahan).
static Number log1p(Number x) {
  Number u = x + 1, rest = u - 1;
  Number log = u.log();
  Number corrected = select(rest == 0, x, log * (x / select(rest == 0, 1, rest)));
  return select(u == x.infinity(), u, corrected);
}

/// tanh(x/2) (e^x + 1).
static Number expm1(Number x) { return (x * 0.5).tanh() * (x.exp() + 1); }

Number flowc::onnx::log1pExp(Number x) { return select(x < 0, 0, x) + log1p((-x.abs()).exp()); }

static Number invLogit(Number x) { return 1.0 / ((-x).exp() + 1); }

/// log(1 - e^-|x|).
static Number log1mExp(Number x) {
  Number a = x.abs();
  return select(a < kLn2, (-expm1(-a)).log(), log1p(-(-a).exp()));
}

//===----------------------------------------------------------------------===//
// Hyperbolic functions and their inverses
//===----------------------------------------------------------------------===//

static Number sinh(Number x) {
  Number e = expm1(x.abs());
  return makeOdd(x, select(e == x.infinity(), e, (e + e / (e + 1)) * 0.5));
}

static Number cosh(Number x) {
  Number a = x.abs();
  return (a.exp() + (-a).exp()) * 0.5;
}

static Number asinh(Number x) {
  Number a = x.abs(), bounded = min(a, a.constant(1e15)), square = bounded * bounded;
  Number near = log1p(bounded + square / ((square + 1).sqrt() + 1));
  return makeOdd(x, select(a < 1e15, near, a.log() + kLn2));
}

static Number atanh(Number x) {
  Number a = x.abs();
  return makeOdd(x, log1p(a * 2 / (1.0 - a)) * 0.5);
}

/// Halves the angle three times, to 0.1 at most.
static Number atan(Number x) {
  static constexpr double series[] = {1, -1.0 / 3, 1.0 / 5, -1.0 / 7, 1.0 / 9, -1.0 / 11, 1.0 / 13, -1.0 / 15};
  Number a = x.abs();
  Truth isLarge = a > 1;
  Number t = select(isLarge, 1.0 / a, a);
  for (int i = 0; i < 3; ++i)
    t = t / ((t * t + 1).sqrt() + 1);
  Number angle = t * polynomial(t * t, series) * 8;
  return makeOdd(x, select(isLarge, std::numbers::pi / 2 - angle, angle));
}

//===----------------------------------------------------------------------===//
// Gamma functions
//===----------------------------------------------------------------------===//

// From 10 on, series in 1/x^2 of Stirling's formula, of its derivative and of trigamma, made
// of Bernoulli numbers.
static constexpr double kStirling[] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                                       1.0 / 1188, -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400};
static constexpr double kSlope[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                                    1.0 / 132, -691.0 / 32760, 1.0 / 12,  -3617.0 / 8160};
static constexpr double kTrigamma[] = {1.0 / 6,  -1.0 / 30,     1.0 / 42, -1.0 / 30,
                                       5.0 / 66, -691.0 / 2730, 7.0 / 6,  -3617.0 / 510};
static constexpr int kSteps = 10;

/// A function of x > 0 from `series` for x >= 10, and else from that at x + 10 and the
/// differences `step`, f(x) - f(x + 1); NaN for x < 0.
static Number byDifferences(const Number &x, llvm::function_ref<Number(Number)> series,
                            llvm::function_ref<Number(Number)> step) {
  return inDouble(x, [&](Number y) {
    Truth isSmall = y < kSteps;
    Number sum = y.constant(0);
    for (int i = kSteps - 1; i >= 0; --i)
      sum = sum + step(y + i);
    Number far = series(select(isSmall, y + kSteps, y));
    return select(y < 0, y.nan(), select(isSmall, far + sum, far));
  });
}

static Number stirling(Number x) {
  return byDifferences(
      x, [](Number y) { return polynomial(1.0 / (y * y), kStirling) / y; },
      [](Number y) { return (y + 0.5) * log1p(1.0 / y) - 1; });
}

static Number stirlingSlope(Number x) {
  return byDifferences(
      x, [](Number y) { return -polynomial(1.0 / (y * y), kSlope) / (y * y); },
      [](Number y) {
        Number step = log1p(1.0 / y) - (1.0 / y + 1.0 / (y + 1)) * 0.5;
        return select(y == 0, -y.infinity(), step);
      });
}

static Number trigamma(Number x) {
  return byDifferences(
      x, [](Number y) { return (1.0 / y) + (polynomial(1.0 / (y * y), kTrigamma) / y + 0.5) / (y * y); },
      [](Number y) { return 1.0 / (y * y); });
}

static Number lgamma(Number x) {
  return inDouble(x, [](Number y) { return stirling(y) + (y - 0.5) * y.log() - y + kHalfLogTwoPi; });
}

static Number digamma(Number x) {
  return inDouble(x, [](Number y) { return stirlingSlope(y) + y.log() - 0.5 / y; });
}

/// log(r) - t for r = 1 + t: with s = t / (2 + t), log(1 + t) = 2s + s R and 2s - t = -s t.
static Number logMinus(Number r, Number t) {
  static constexpr double rest[] = {0,        2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11,
                                    2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};
  Number s = t / (t + 2), close = s * (polynomial(s * s, rest) - t);
  return select(t > -0.29 && t < 0.41, close, r.log() - t);
}

void flowc::onnx::addFunctions(Patterns &patterns) {
  patterns.addSame<math::CosOp>("Cos");
  patterns.addSame<math::ExpOp>("Exp");
  patterns.addSame<math::LogOp>("Log");
  patterns.addSame<math::PowFOp>("Pow");
  patterns.addSame<math::SinOp>("Sin");
  patterns.addSame<math::TanhOp>("Tanh");
  patterns.addFormula<math::AsinhOp>(asinh);
  patterns.addFormula<math::AtanOp>(atan);
  patterns.addFormula<math::AtanhOp>(atanh);
  patterns.addFormula<math::CoshOp>(cosh);
  patterns.addFormula<math::ExpM1Op>(expm1);
  patterns.addFormula<math::Log1pOp>(log1p);
  patterns.addFormula<math::SinhOp>(sinh);
  patterns.addFormula<sample::DigammaOp>(digamma);
  patterns.addFormula<sample::InvLogitOp>(invLogit);
  patterns.addFormula<sample::LgammaOp>(lgamma);
  patterns.addFormula<sample::Log1mExpOp>(log1mExp);
  patterns.addFormula<sample::Log1pExpOp>(log1pExp);
  patterns.addFormula<sample::LogMinusOp>(logMinus);
  patterns.addFormula<sample::StirlingOp>(stirling);
  patterns.addFormula<sample::StirlingSlopeOp>(stirlingSlope);
  patterns.addFormula<sample::TrigammaOp>(trigamma);
}
