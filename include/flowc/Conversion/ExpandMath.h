//===- ExpandMath.h - Vector expansions of math functions -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels call no libm: every transcendental function is expanded into
// arithmetic, bit operations and `math.fma`. The same builders serve scalars
// and vectors of any rank with f32 or f64 elements. They use no table and no
// fast-math flag, so a value depends on its own lane only and is the same for
// every vector shape.
//
// Errors are in ULP of the result type, at most 2 on the stated domain;
// test/unit/ExpandMathTest.cpp measures them. Subnormal numbers are outside
// every domain, since kernels run with FTZ and DAZ: subnormal arguments count
// as zero, subnormal results are flushed to zero. Unless stated otherwise NaN
// gives NaN, infinities give the limits, and odd functions keep the sign of
// zero.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_CONVERSION_EXPANDMATH_H
#define FLOWC_CONVERSION_EXPANDMATH_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"
#include <memory>
#include <utility>

namespace flowc {

#define GEN_PASS_DECL_FLOWEXPANDMATH
#include "flowc/Conversion/Passes.h.inc"

/// e^x on the whole line; +inf after overflow, 0 below the smallest normal.
mlir::Value buildExp(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// e^x for x <= 0 (or NaN): one instruction less than `buildExp`.
mlir::Value buildExpNegative(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// log(x) on [0, inf]; -inf at ±0 and for positive subnormals, NaN below.
mlir::Value buildLog(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// log(x) for positive, normal, finite x, without the selects for the rest;
/// the value for any other argument is unspecified.
mlir::Value buildLogPositive(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// The logarithm of a product, factor by factor, for less than half of what the sum
/// of logarithms costs: `mantissa` * 2^k with `minusK` counting -k, in units of which
/// integers up to 2^24 are exact.
struct LogOfProduct {
  mlir::Value mantissa, minusK;
};

/// A product of no factors yet; `type` is f32, f64 or a vector of them.
LogOfProduct buildEmptyProduct(mlir::ImplicitLocOpBuilder &b, mlir::Type type);

/// One more factor: a positive, finite number, of at least 1e-30 in f32, 1e-300 in f64.
LogOfProduct buildMultiply(mlir::ImplicitLocOpBuilder &b, LogOfProduct product, mlir::Value factor);

/// The logarithm itself; its error is that of one logarithm and half an ULP of 1
/// per factor.
mlir::Value buildLog(mlir::ImplicitLocOpBuilder &b, LogOfProduct product);

/// log(1 + x) on [-1, inf]; -inf at -1, NaN below.
mlir::Value buildLog1p(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// e^x - 1 on the whole line.
mlir::Value buildExpm1(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// log(1 + e^x), the softplus, on the whole line.
mlir::Value buildLog1pExp(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// 1 / (1 + e^-x), the logistic sigmoid, on the whole line.
mlir::Value buildInvLogit(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// tanh(x) on the whole line.
mlir::Value buildTanh(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// sinh(x) and cosh(x) on the whole line.
mlir::Value buildSinh(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
mlir::Value buildCosh(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// asinh(x) on the whole line, atanh(x) on [-1, 1].
mlir::Value buildAsinh(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
mlir::Value buildAtanh(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// atan(x) on the whole line.
mlir::Value buildAtan(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// sin(x) and cos(x) for |x| <= 10^6 (beyond, accuracy decays); NaN at ±inf.
mlir::Value buildSin(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
mlir::Value buildCos(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// {sin(2 pi u), cos(2 pi u)} of u = bits / 2^n, for an unsigned integer (or
/// vector) `bits` of n = 32 bits when `type` is f32, and for the upper 53 of
/// n = 64 bits when it is f64. The reduction is exact, the error at most 3 ULP.
std::pair<mlir::Value, mlir::Value> buildSinCosTurn(mlir::ImplicitLocOpBuilder &b, mlir::Type type, mlir::Value bits);

/// The error function on the whole line.
mlir::Value buildErf(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// 1 - erf(x) on the whole line, to the last normal number in the tail: at most 3 ULP
/// in f64.
mlir::Value buildErfc(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// log(1 - e^-|x|) on the whole line; -inf at 0. At most 3 ULP in f64.
mlir::Value buildLog1mExp(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// The logarithm of the normal distribution function Phi on the whole line, and its
/// derivative, phi / Phi with the density phi: at most 4 ULP in f64.
mlir::Value buildNormalLogCdf(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
mlir::Value buildNormalHazard(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// x^y as IEEE 754 defines `pow`, with negative bases for integral y.
mlir::Value buildPow(mlir::ImplicitLocOpBuilder &b, mlir::Value x, mlir::Value y);

/// log Gamma(x) and its derivative for x > 0: +inf and -inf at 0, NaN below.
/// Both have roots, close to which only the absolute error is bounded: 2 ULP
/// hold for the larger of the result and 32 in f64, and 10^-7 in f32.
mlir::Value buildLgamma(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
mlir::Value buildDigamma(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// The second derivative of log Gamma for x > 0: +inf at 0, NaN below.
mlir::Value buildTrigamma(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// The remainder of Stirling's formula, lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2,
/// and its derivative for x > 0: +inf and -inf at 0, NaN below. In f64 errors are at
/// most 4 ULP; for x < 1, 2 ULP of the larger of the result and 2, or the slope and 8.
mlir::Value buildStirling(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
mlir::Value buildStirlingSlope(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

/// log(r) - t for r = 1 + t >= 0, of which it reads t where it is small; -inf at
/// r = 0, NaN below and at infinity.
mlir::Value buildLogMinus(mlir::ImplicitLocOpBuilder &b, mlir::Value r, mlir::Value t);

/// The derivative of a draw `x` of the gamma distribution of scale 1 in its concentration
/// `a` >= 1, for fixed randomness: -(dP/da) / (dP/dx) of the distribution function P(a, x).
/// 0 at x = 0. The relative error is at most 1e-11 in f64 (1e-9 for a > 10^8) and 2e-7 in f32,
/// for draws x that have any probability.
mlir::Value buildGammaSlope(mlir::ImplicitLocOpBuilder &b, mlir::Value a, mlir::Value x);

/// Adds one pattern per expanded op of the math dialect. Operands of another
/// element type than f32 and f64 are left alone.
void populateExpandMathPatterns(mlir::RewritePatternSet &patterns);

/// Expands every op of the math dialect under `root` in one walk. What stays
/// (`fma`, `sqrt`, `absf`, `copysign`, the roundings) maps to instructions.
/// Fails, with an error at the op, on a floating-point function that has no
/// expansion.
llvm::LogicalResult expandMath(mlir::Operation *root);

} // namespace flowc

#endif // FLOWC_CONVERSION_EXPANDMATH_H
