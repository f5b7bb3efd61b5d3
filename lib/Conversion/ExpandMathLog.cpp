//===- ExpandMathLog.cpp - log, log1p and the inverse hyperbolics ---------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), found by integer
// arithmetic on the bits of x; then log x = k ln 2 + log(1 + f). In f32 the
// latter is f + f^2 P(f), minimax. In f64, where P would have 20 terms, it is
// the series in s = f / (2 + f), log(1 + f) = 2s + s R(s^2), arranged as in
// fdlibm so that the division's rounding error is scaled down.
//
//===----------------------------------------------------------------------===//

#include "ExpandMathValue.h"
#include "flowc/Conversion/ExpandMath.h"

using namespace flowc;
using namespace mlir;

// (log(1+f)/f - 1) / f; relative error in log(1+f) below 2^-27.3.
static constexpr double logF32[] = {-0x1p-1,       0x1.555554p-2,  -0x1.000226p-2, 0x1.99a01ep-3, -0x1.54728cp-3,
                                    0x1.22d8fcp-3, -0x1.0d8216p-3, 0x1.055fa8p-3,  -0x1.38cb4p-4};
// The same for f in [0, 1]; below 2^-29.4.
static constexpr double log1pUnitF32[] = {-0x1p-1,     0x1.5554b4p-2,  -0x1.ffdcfp-3, 0x1.981756p-3,  -0x1.4c5ad8p-3,
                                          0x1.03abp-3, -0x1.5fe216p-4, 0x1.6acedap-5, -0x1.e0e9f4p-7, 0x1.2a2f62p-9};
// R(z) / z; relative error in log(1+f) below 2^-59.4.
static constexpr double logF64[] = {0x1.5555555555593p-1, 0x1.999999997f9f8p-2, 0x1.249249422a430p-2,
                                    0x1.c71c51d7d5d8cp-3, 0x1.746649acdae9ep-3, 0x1.39a095fb9c78dp-3,
                                    0x1.2f1178f68ce3ep-3};

// (R(z)/z - 2/3) / z; relative error in log(1+f) below 2^-73.
static constexpr double logTailF64[] = {0x1.9999999999996p-2, 0x1.2492492492f56p-2, 0x1.c71c71c595961p-3,
                                        0x1.745d1829ee659p-3, 0x1.3b13649a891a0p-3, 0x1.112076ec41908p-3,
                                        0x1.de3c1f5c2d8a9p-4, 0x1.ead1503e67010p-4};
// (asinh(x)/x - 1) / x^2 over x^2; relative error below 2^-60.3 for |x| <= 1/2.
static constexpr double asinhF64[] = {-0x1.5555555555541p-3, 0x1.3333333330711p-4,  -0x1.6db6db6ba1b0fp-5,
                                      0x1.f1c71ba7d1f6ap-6,  -0x1.6e8b8c72d7b32p-6, 0x1.1c4d2c49ba987p-6,
                                      -0x1.c972a330045c0p-7, 0x1.793ff5be90c3ap-7,  -0x1.3861485f01e1bp-7,
                                      0x1.e910f3c733492p-8,  -0x1.36cea7ee81606p-8, 0x1.c175a4d055d71p-10};

static constexpr double ln2 = 0x1.62e42fefa39efp-1;
// ln 2 in two parts; k times the first is exact.
static constexpr double ln2Hi = 0x1.62e42feep-1, ln2Lo = 0x1.a39ef35793c76p-33;

/// What `Exponent::minusK` counts in: k is converted where it lies in f32.
static double exponentUnit(MathValue x) { return x.pick(0x1p-23, 1.0); }

/// log(1 + f) + k ln 2, from minus k in units of `exponentUnit`: with k itself
/// +0 * ln 2 would turn a result of -0 into +0.
static MathValue logOfReduced(MathValue f, MathValue minusK) {
  if (!f.isF64())
    return fma(minusK, -ln2 * exponentUnit(f), fma(f * f, polynomial(f, logF32), f));
  MathValue s = f / (f + 2.0), z = s * s;
  MathValue r = z * polynomial(z, logF64);
  MathValue half = f * f * 0.5;
  MathValue low = fma(minusK, -ln2Lo, s * (half + r));
  return fma(minusK, -ln2Hi, f - (half - low));
}

namespace {
/// A positive number is 2^k times one between sqrt(1/2) and sqrt(2), or 2^scale
/// times as much.
struct Exponent {
  MathBits field;   // -k in the position of the exponent
  MathValue minusK; // -k / exponentUnit, never -0
};
} // namespace

static Exponent exponentOf(MathValue x, int64_t scale = 0) {
  uint64_t offset = uint64_t(scale) << x.mantissaBits();
  if (!x.isF64()) {
    MathBits bits = x.bits(), sqrt2 = bits.constant(uint32_t(0x3fb504f3 + offset));
    MathBits field = (sqrt2 - bits) & 0xff800000;
    return {field, {x.b, arith::SIToFPOp::create(*x.b, x.type(), field.v)}};
  }
  // 64-bit integers convert slowly without AVX-512: place -k, made positive,
  // into the mantissa of 2^52.
  constexpr uint64_t sqrt2 = 0x3ff6a09e667f3bcd, bias = 0x4000000000000000;
  MathBits bits = x.bits(), biased = bits.constant(sqrt2 + bias + offset) - bits;
  MathBits field = (biased & 0xfff0000000000000) - bias;
  return {field, x.fromBits((biased >> 52) | 0x4330000000000000) - (0x1p52 + 0x400)};
}

/// log(2^k x), where `minusK` counts as that of `Exponent` does; null: k = 0.
static MathValue logPositive(MathValue x, const MathValue *minusK = nullptr) {
  Exponent exponent = exponentOf(x);
  MathValue f = x.fromBits(x.bits() + exponent.field) - 1.0;
  return logOfReduced(f, minusK ? *minusK + exponent.minusK : exponent.minusK);
}

Value flowc::buildLogPositive(ImplicitLocOpBuilder &b, Value x) { return logPositive({&b, x}); }

Value flowc::buildLog(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value};
  MathValue y = logPositive(x);
  MathValue below = select(x < 0.0, x.nan(), -std::numeric_limits<double>::infinity());
  y = select(x < x.pick(0x1p-126, 0x1p-1022), below, y);
  return select(x < std::numeric_limits<double>::infinity(), y, x);
}

// Between factors the mantissa is at most sqrt(1/2), so that no factor makes it
// overflow.
static constexpr int64_t productScale = -1;

LogOfProduct flowc::buildEmptyProduct(ImplicitLocOpBuilder &b, Type type) {
  Type element = getElementTypeOrSelf(type);
  MathValue one{&b, buildConstant(b, type, b.getFloatAttr(element, 1.0))};
  return {one.constant(0.5), one.constant(productScale / exponentUnit(one))};
}

LogOfProduct flowc::buildMultiply(ImplicitLocOpBuilder &b, LogOfProduct product, Value factor) {
  MathValue mantissa{&b, product.mantissa}, minusK{&b, product.minusK};
  MathValue next = mantissa * MathValue{&b, factor};
  Exponent exponent = exponentOf(next, productScale);
  return {next.fromBits(next.bits() + exponent.field), minusK + exponent.minusK};
}

Value flowc::buildLog(ImplicitLocOpBuilder &b, LogOfProduct product) {
  MathValue minusK{&b, product.minusK};
  return logPositive({&b, product.mantissa}, &minusK);
}

// With u = 1 + x rounded and k its exponent, f = 2^-k x - (1 - 2^-k) carries one
// rounding only. 2^-k is computed times 4, since k may be 128 (1024).
Value flowc::buildLog1p(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value};
  MathValue u = x + 1.0;
  Exponent exponent = exponentOf(u);
  MathValue scale = x.fromBits(exponent.field + x.pick<uint64_t>(0x40800000, 0x4010000000000000));
  MathValue f = x.fromBits(x.bits() + exponent.field) - fma(scale, -0.25, 1.0);
  MathValue y = logOfReduced(f, exponent.minusK);
  MathValue below = select(x < -1.0, x.nan(), -std::numeric_limits<double>::infinity());
  y = select(x <= -1.0, below, y);
  return select(x < std::numeric_limits<double>::infinity(), y, x);
}

MathValue flowc::logSeries(MathValue z) { return z * polynomial(z, logF64); }

MathValue flowc::log1pUnit(MathValue u) {
  if (!u.isF64())
    return fma(u * u, polynomial(u, log1pUnitF32), u);
  // Above sqrt(2) - 1, 1 + u is 2 (1 + f); both f are exact.
  Value upper = u > 0x1.a827999fcef32p-2;
  MathValue f = select(upper, fma(u, 0.5, -0.5), u);
  return logOfReduced(f, select(upper, u.constant(-1.0), 0.0));
}

// Of 1 - e^-a what is closer to 1 is 1 itself below log(2), and e^-a above (Maechler
// 2012, "Accurately computing log(1 - exp(-|a|))").
Value flowc::buildLog1mExp(ImplicitLocOpBuilder &b, Value value) {
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    MathValue x = operands[0], minus = x.negativeAbs(), expm1{&b, buildExpm1(b, minus)};
    MathValue close{&b, buildLog(b, -expm1)}, far{&b, buildLog1p(b, -MathValue{&b, buildExpNegative(b, minus)})};
    return select(minus > -ln2, close, far);
  });
}

// log1p(a + a^2 / (1 + sqrt(1 + a^2))), a = |x|; a polynomial below 1/2, and
// log a + ln 2 where the square might overflow.
Value flowc::buildAsinh(ImplicitLocOpBuilder &b, Value value) {
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    MathValue x = operands[0], a = x.abs(), square = a * a;
    MathValue small = fma(a * square, polynomial(square, asinhF64), a);
    Value huge = a > 0x1p60;
    MathValue t = a + square / ((square + 1.0).sqrt() + 1.0);
    MathValue large{&b, buildLog1p(b, select(huge, a, t))};
    large = large + select(huge, x.constant(ln2), 0.0);
    return select(a < 0.5, small, large).copySign(x);
  });
}

// The series in x itself, see above, up to 1/6; log1p(2a / (1 - a)) / 2 beyond.
Value flowc::buildAtanh(ImplicitLocOpBuilder &b, Value value) {
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    MathValue x = operands[0], a = x.abs(), square = a * a;
    MathValue small = fma(a * square * 0.5, polynomial(square, logF64), a);
    MathValue large{&b, buildLog1p(b, (a + a) / (x.constant(1.0) - a))};
    MathValue y = select(a < 1.0 / 6, small, large * 0.5);
    return select(a > 1.0, x.nan(), y).copySign(x);
  });
}

// As in `logOfReduced`, with everything down to the second term of the series
// kept as a pair. The sum of errors is that of z^2 R, 2^-12 of the whole.
MathPair flowc::logPair(MathValue x) {
  Exponent exponent = exponentOf(x);
  MathValue f = x.fromBits(x.bits() + exponent.field) - 1.0;
  // s = f / (2 + f)
  MathValue d = f + 2.0, dLow = f - (d - 2.0);
  MathValue s = f / d, sLow = (fma(-s, d, f) - s * dLow) / d;
  MathValue z = s * s, zLow = fma(s, s, -z) + s * sLow * 2.0;
  MathValue cube = s * z, cubeLow = fma(s, z, -cube) + fma(s, zLow, sLow * z);
  // t = 2/3 + z (...), the rest of the series over s^3
  constexpr double third = 0x1.5555555555555p-1, thirdLow = 0x1.5555555555555p-55;
  MathValue rest = z * polynomial(z, logTailF64);
  MathValue t = rest + third, tLow = (rest - (t - third)) + thirdLow;
  MathValue p = cube * t, pLow = fma(cube, t, -p) + fma(cube, tLow, cubeLow * t);
  // k ln 2 + 2s + p, the largest first
  MathValue twice = s * 2.0;
  MathValue whole = fma(exponent.minusK, -ln2Hi, twice);
  MathValue wholeLow = twice - fma(exponent.minusK, ln2Hi, whole);
  MathValue sum = whole + p;
  MathValue low = (p - (sum - whole)) + wholeLow;
  low = low + (pLow + fma(exponent.minusK, -ln2Lo, sLow * 2.0));
  MathValue high = sum + low;
  return {high, low - (high - sum)};
}
