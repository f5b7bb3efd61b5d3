//===- ExpandMathSpecial.cpp - pow, lgamma, digamma -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpandMathValue.h"
#include "flowc/Conversion/ExpandMath.h"

using namespace flowc;
using namespace mlir;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// a rounded to an integer, for 0 <= a < 2^52.
static MathValue roundBelow(MathValue a) { return (a + 0x1p52) - 0x1p52; }

// exp(y log |x|), the logarithm and the product as unevaluated sums of two
// numbers. Then the signs, and IEEE 754's cases.
Value flowc::buildPow(ImplicitLocOpBuilder &b, Value base, Value exponent) {
  return inF64(b, {base, exponent}, [&](ArrayRef<MathValue> operands) {
    MathValue x = operands[0], y = operands[1], a = x.abs(), n = y.abs();
    auto both = [&](Value p, Value q) -> Value { return arith::AndIOp::create(b, p, q); };

    MathPair log = logPair(a);
    MathValue high = select(a < infinity, log.high, a);
    high = select(a < 0x1p-1022, -infinity, high);
    MathValue product = y * high;
    MathValue low = fma(y, high, -product) + y * log.low;
    low = select(product.abs() < 0x1p12, low, 0.0);
    // 1 to the power of infinity is 1, not e^(inf * 0).
    MathValue r = expOfPair({select(a == 1.0, 0.0, product), low});

    // From 2^52 on every number is an integer, from 2^53 on it is even.
    MathValue half = n * 0.5;
    Value integer = arith::OrIOp::create(b, n >= 0x1p52, n.compare(arith::CmpFPredicate::OEQ, roundBelow(n)));
    Value odd = both(both(integer, n < 0x1p53), half.compare(arith::CmpFPredicate::ONE, roundBelow(half)));
    r = select(odd, r.copySign(x), r);
    Value negative = both(x<0.0, x> - infinity);
    Value fractional = arith::XOrIOp::create(b, integer, buildConstant(b, integer.getType(), b.getBoolAttr(true)));
    r = select(both(negative, fractional), x.nan(), r);
    r = select(y.compare(arith::CmpFPredicate::UNO, y), y, r);
    r = select(x == 1.0, 1.0, r);
    return select(y == 0.0, 1.0, r);
  });
}

// Below 8, Gamma(x) = Gamma(x + 8) / (x (x+1) ... (x+7)); above, Stirling's
// series. The coefficients are Bernoulli numbers: B(2k) / 2k(2k-1), B(2k) / 2k.
static constexpr double lgammaSeries[] = {1.0 / 12,        -1.0 / 360, 1.0 / 1260,       -1.0 / 1680,     1.0 / 1188,
                                          -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400, 43867.0 / 244188};
static constexpr double digammaSeries[] = {1.0 / 12,       -1.0 / 120, 1.0 / 252,      -1.0 / 240,     1.0 / 132,
                                           -691.0 / 32760, 1.0 / 12,   -3617.0 / 8160, 43867.0 / 14364};
static constexpr int gammaShift = 8;

Value flowc::buildLgamma(ImplicitLocOpBuilder &b, Value value) {
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    MathValue x = operands[0], product = x;
    for (int i = 1; i < gammaShift; ++i)
      product = product * (x + i);
    Value small = x < gammaShift;
    MathValue y = select(small, x + gammaShift, x);
    MathValue inverse = y.constant(1.0) / y;
    MathValue log{&b, buildLog(b, y)}, logProduct{&b, buildLog(b, select(small, product, 1.0))};
    // (y - 1/2) (log y - 1) + (log(2 pi) - 1) / 2 + ...
    constexpr double constant = 0x1.acfe390c97d69p-2;
    MathValue series = fma(inverse, polynomial(inverse * inverse, lgammaSeries), constant);
    MathValue r = fma(y - 0.5, log - 1.0, series) - logProduct;
    return select(x < 0.0, x.nan(), r);
  });
}

Value flowc::buildDigamma(ImplicitLocOpBuilder &b, Value value) {
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    // The derivative of the logarithm of (x+1) ... (x+7) is a quotient; that of
    // log x, which is all that matters close to 0, stays apart.
    MathValue x = operands[0], product = x + 1.0, derivative = x.constant(1.0);
    for (int i = 2; i < gammaShift; ++i) {
      MathValue factor = x + i;
      derivative = fma(derivative, factor, product);
      product = product * factor;
    }
    Value small = x < gammaShift;
    MathValue y = select(small, x + gammaShift, x);
    MathValue inverse = y.constant(1.0) / y, square = inverse * inverse;
    MathValue log{&b, buildLog(b, y)};
    MathValue r = log - fma(square, polynomial(square, digammaSeries), inverse * 0.5);
    r = r - select(small, derivative / product, 0.0) - select(small, x.constant(1.0) / x, 0.0);
    return select(x < 0.0, x.nan(), r);
  });
}
