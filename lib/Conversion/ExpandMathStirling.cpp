//===- ExpandMathStirling.cpp - What gamma functions leave ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Log-densities are differences of large terms. These functions are what is left
// of them: the remainder of Stirling's formula, with its derivative, and the
// logarithm less its tangent.
//
//===----------------------------------------------------------------------===//

#include "ExpandMathValue.h"
#include "flowc/Conversion/ExpandMath.h"

using namespace flowc;
using namespace mlir;

// From 10 on, Stirling's series; the coefficients are B(2k) / 2k(2k-1), and B(2k) / 2k
// of its derivative, with Bernoulli numbers B.
static constexpr double stirlingSeries[] = {1.0 / 12,        -1.0 / 360, 1.0 / 1260,       -1.0 / 1680,     1.0 / 1188,
                                            -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400, 43867.0 / 244188};
static constexpr double slopeSeries[] = {1.0 / 12,       -1.0 / 120, 1.0 / 252,      -1.0 / 240,     1.0 / 132,
                                         -691.0 / 32760, 1.0 / 12,   -3617.0 / 8160, 43867.0 / 14364};
static constexpr double seriesStart = 10;
static constexpr int seriesShift = 9;

// With s = 1 / (2x + 1), the remainder at x is larger than that at x + 1 by
//   (x + 1/2) log(1 + 1/x) - 1 = atanh(s)/s - 1 = sum of s^2k / (2k + 1), k > 0,
// whose derivative is -2 times the sum of s^(2k+1) 2k / (2k + 1): nothing cancels.
// So many terms are enough for s <= 1/3.
static constexpr double stepSeries[] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11, 1.0 / 13,
                                        1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23, 1.0 / 25,
                                        1.0 / 27, 1.0 / 29, 1.0 / 31, 1.0 / 33, 1.0 / 35};
static constexpr double stepSlopeSeries[] = {2.0 / 3,   4.0 / 5,   6.0 / 7,   8.0 / 9,   10.0 / 11, 12.0 / 13,
                                             14.0 / 15, 16.0 / 17, 18.0 / 19, 20.0 / 21, 22.0 / 23, 24.0 / 25,
                                             26.0 / 27, 28.0 / 29, 30.0 / 31, 32.0 / 33, 34.0 / 35};

/// log(1 + 1/x) for x in (0, 1].
static MathValue logStep(MathValue x) {
  ImplicitLocOpBuilder &b = *x.b;
  return MathValue{&b, buildLog1p(b, x)} - MathValue{&b, buildLog(b, x)};
}

/// A function of x > 0 by its asymptotic series, and its differences f(x) - f(x+1)
/// in terms of s for x >= 1, and in terms of x for x < 1.
static Value buildByDifferences(ImplicitLocOpBuilder &b, Value value,
                                llvm::function_ref<MathValue(MathValue inverse)> series,
                                llvm::function_ref<MathValue(MathValue s)> step,
                                llvm::function_ref<MathValue(MathValue x)> firstStep) {
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    MathValue x = operands[0];
    Value isTiny = x < 1.0;
    MathValue y = select(isTiny, x + 1.0, x), one = y.constant(1.0);
    Value isSmall = y < seriesStart;
    // The small differences first.
    MathValue sum = one.constant(0.0);
    for (int i = seriesShift - 1; i >= 0; --i)
      sum = sum + step(one / (y * 2.0 + (2.0 * i + 1.0)));
    MathValue far = select(isSmall, y + double(seriesShift), y);
    MathValue result = series(one / far) + select(isSmall, sum, 0.0);
    result = result + select(isTiny, firstStep(select(isTiny, x, 1.0)), 0.0);
    return select(x < 0.0, x.nan(), result);
  });
}

Value flowc::buildStirling(ImplicitLocOpBuilder &b, Value value) {
  return buildByDifferences(
      b, value, [](MathValue inverse) { return inverse * polynomial(inverse * inverse, stirlingSeries); },
      [](MathValue s) { return s * s * polynomial(s * s, stepSeries); },
      [](MathValue x) { return (x + 0.5) * logStep(x) - 1.0; });
}

Value flowc::buildStirlingSlope(ImplicitLocOpBuilder &b, Value value) {
  return buildByDifferences(
      b, value,
      [](MathValue inverse) {
        MathValue square = inverse * inverse;
        return -(square * polynomial(square, slopeSeries));
      },
      [](MathValue s) { return s * s * (s * -2.0) * polynomial(s * s, stepSlopeSeries); },
      [](MathValue x) { return logStep(x) - (x + 0.5) / (x * (x + 1.0)); });
}

// With s = t / (2 + t), log(1 + t) = 2s + s R(s^2) and 2s - t = -s t. Far from 0, t
// is subtracted from the logarithm as a sum of two numbers.
Value flowc::buildLogMinus(ImplicitLocOpBuilder &b, Value ratio, Value excess) {
  return inF64(b, {ratio, excess}, [&](ArrayRef<MathValue> operands) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    MathValue r = operands[0], t = operands[1];
    MathValue s = t / (t + 2.0);
    MathValue close = s * (logSeries(s * s) - t);
    MathPair log = logPair(r);
    Value isNormal = arith::AndIOp::create(b, r >= 0x1p-1022, r < infinity);
    MathValue high = select(isNormal, log.high, select(r < 0x1p-1022, -infinity, r));
    high = select(r < 0.0, r.nan(), high);
    MathValue far = (high - t) + select(isNormal, log.low, 0.0);
    Value isClose = arith::AndIOp::create(b, t > -0.29, t < 0.41);
    return select(isClose, close, far);
  });
}
