//===- ExpandMathStirling.cpp - What gamma functions leave ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Log-densities are differences of large terms. These functions are what is left
// of them: the remainder of Stirling's formula, with its derivative, and the
// logarithm less its tangent. Trigamma stands here, too: it is computed alike.
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

/// A polynomial whose first term is by far the largest: one rounding of that.
static MathValue polynomialBehind(MathValue x, ArrayRef<double> coefficients) {
  return fma(x, polynomial(x, coefficients.drop_front()), coefficients.front());
}

namespace {
/// 1 / (x + low), where `low` is below an ULP of x, and its square: both to little
/// more than half an ULP.
struct Reciprocal {
  MathValue value, square;

  Reciprocal(MathValue x, MathValue low) : value(x), square(x) {
    MathValue r = x.constant(1.0) / x, rLow = r * (fma(-r, x, 1.0) - r * low);
    value = r + rLow;
    square = r * r;
    square = square + fma(r * 2.0, rLow, fma(r, r, -square));
  }
};
} // namespace

/// A function of x > 0: by its asymptotic series in 1/x from 10 on; by that at
/// x + 9 and differences f(x) - f(x+1) in s = 1 / (2x + 1) from 1 on; below by
/// f(x + 1), from which `finish` makes f(x).
static Value buildByDifferences(ImplicitLocOpBuilder &b, Value value, llvm::function_ref<MathValue(Reciprocal)> series,
                                llvm::function_ref<MathValue(Reciprocal)> step,
                                llvm::function_ref<MathValue(MathValue x, MathValue next)> finish) {
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    MathValue x = operands[0], zero = x.constant(0.0);
    Value isTiny = x < 1.0;
    MathValue y = select(isTiny, x + 1.0, x), twice = y * 2.0;
    Value isSmall = y < seriesStart;
    // The small differences first.
    MathValue sum = zero;
    for (int i = seriesShift - 1; i >= 0; --i) {
      double odd = 2.0 * i + 1.0;
      MathValue d = twice + odd;
      sum = sum + step(Reciprocal(d, twice - (d - odd)));
    }
    MathValue far = select(isSmall, y + double(seriesShift), y);
    MathValue result = series(Reciprocal(far, zero)) + select(isSmall, sum, 0.0);
    result = select(isTiny, finish(x, result), result);
    result = select(x == std::numeric_limits<double>::infinity(), zero, result);
    return select(x < 0.0, x.nan(), result);
  });
}

// Close to 0 it is (x + 1/2) (log(1 + x) - log(x)) - 1 more than at x + 1, of which
// the product with log(x) is all but a bounded part.
Value flowc::buildStirling(ImplicitLocOpBuilder &b, Value value) {
  return buildByDifferences(
      b, value, [](Reciprocal r) { return r.value * polynomialBehind(r.square, stirlingSeries); },
      [](Reciprocal s) { return s.square * polynomialBehind(s.square, stepSeries); },
      [&](MathValue x, MathValue next) {
        MathPair log = logPair(x);
        MathValue log1p{&b, buildLog1p(b, x)}, factor = x + 0.5, low = x - (factor - 0.5);
        MathValue bounded = fma(-low, log.high, fma(factor, log1p - log.low, next - 1.0));
        return select(x < 0x1p-1022, std::numeric_limits<double>::infinity(), fma(-factor, log.high, bounded));
      });
}

// The same for the derivative, log(1 + 1/x) - 1 / 2(x + 1) - 1 / 2x.
Value flowc::buildStirlingSlope(ImplicitLocOpBuilder &b, Value value) {
  return buildByDifferences(
      b, value, [](Reciprocal r) { return -(r.square * polynomialBehind(r.square, slopeSeries)); },
      [](Reciprocal s) { return s.value * -2.0 * (s.square * polynomialBehind(s.square, stepSlopeSeries)); },
      [&](MathValue x, MathValue next) {
        MathValue half = x.constant(0.5), log{&b, buildLog(b, x)}, log1p{&b, buildLog1p(b, x)};
        MathValue bounded = (next - half / (x + 1.0)) + (log1p - log);
        return select(x < 0x1p-1022, -std::numeric_limits<double>::infinity(), bounded - half / x);
      });
}

// 1/x^2 + 1/(x+1)^2 + ... + 1/(x+9)^2 + trigamma(x + 10): all terms are positive. From
// 10 on the series 1/x + 1/2x^2 + B(2)/x^3 + B(4)/x^5 + ... is good.
Value flowc::buildTrigamma(ImplicitLocOpBuilder &b, Value value) {
  static constexpr double bernoulli[] = {1.0 / 6,       -1.0 / 30, 1.0 / 42,      -1.0 / 30,    5.0 / 66,
                                         -691.0 / 2730, 7.0 / 6,   -3617.0 / 510, 43867.0 / 798};
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    MathValue x = operands[0];
    Value isSmall = x < seriesStart;
    MathValue far = select(isSmall, x + seriesStart, x), inverse = x.constant(1.0) / far;
    MathValue rest = fma(inverse, polynomial(inverse * inverse, bernoulli), 0.5);
    MathValue series = fma(inverse, inverse * rest, inverse);
    // The small terms first, what their sums lose apart.
    MathValue sum = series, lost = x.constant(0.0);
    for (int i = int(seriesStart) - 1; i >= 0; --i) {
      MathValue d = x + double(i), term = Reciprocal(d, x - (d - double(i))).square;
      MathValue next = sum + term, part = next - sum;
      lost = lost + ((sum - (next - part)) + (term - part));
      sum = next;
    }
    sum = sum + lost;
    // So close to 0 the first term is all.
    MathValue root = x.constant(1.0) / x;
    sum = select(x < 0x1p-500, root * root, sum);
    return select(x < 0.0, x.nan(), select(isSmall, sum, series));
  });
}

// With s = t / (2 + t), log(1 + t) = 2s + s R(s^2) and 2s - t = -s t. Far from 0, t
// is subtracted from the logarithm as a sum of two numbers.
Value flowc::buildLogMinus(ImplicitLocOpBuilder &b, Value ratio, Value excess) {
  return inF64(b, {ratio, excess}, [&](ArrayRef<MathValue> operands) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    MathValue r = operands[0], t = operands[1];
    // Both factors of s (R - t) as sums of two numbers.
    MathValue d = t + 2.0, dLow = t - (d - 2.0), inverse = d.constant(1.0) / d;
    MathValue s = t * inverse, sLow = (fma(-s, d, t) - s * dLow) * inverse;
    MathValue rest = logSeries(s * s), u = rest - t, uLow = rest - (u + t);
    MathValue close = fma(s, u, fma(s, uLow, sLow * u));
    MathPair log = logPair(r);
    Value isNormal = arith::AndIOp::create(b, r >= 0x1p-1022, r < infinity);
    MathValue high = select(isNormal, log.high, select(r < 0x1p-1022, -infinity, r));
    high = select(r < 0.0, r.nan(), high);
    MathValue far = (high - t) + select(isNormal, log.low, 0.0);
    Value isClose = arith::AndIOp::create(b, t > -0.29, t < 0.41);
    return select(isClose, close, far);
  });
}
