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
static constexpr double logF32[] = {-0x1p-1,        0x1.555554p-2,  -0x1.000226p-2, 0x1.99a01ep-3, -0x1.54728cp-3,
                                    0x1.22d8fcp-3, -0x1.0d8216p-3, 0x1.055fa8p-3,  -0x1.38cb4p-4};
// The same for f in [0, 1]; below 2^-26.9.
static constexpr double log1pUnitF32[] = {-0x1p-1,       0x1.55527ep-2,  -0x1.ff7d56p-3, 0x1.94f9a2p-3, -0x1.3eda66p-3,
                                          0x1.c38b7ep-4, -0x1.f2f7aep-5, 0x1.66490cp-6,  -0x1.e1c5fcp-9};
// R(z) / z; relative error in log(1+f) below 2^-59.4.
static constexpr double logF64[] = {0x1.5555555555593p-1, 0x1.999999997f9f8p-2, 0x1.249249422a430p-2,
                                    0x1.c71c51d7d5d8cp-3, 0x1.746649acdae9ep-3, 0x1.39a095fb9c78dp-3,
                                    0x1.2f1178f68ce3ep-3};

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
/// A positive number is 2^k times one between sqrt(1/2) and sqrt(2).
struct Exponent {
  MathBits field;   // -k in the position of the exponent
  MathValue minusK; // -k / exponentUnit, never -0
};
} // namespace

static Exponent exponentOf(MathValue x) {
  if (!x.isF64()) {
    MathBits bits = x.bits(), sqrt2 = bits.constant(0x3fb504f3);
    MathBits field = (sqrt2 - bits) & 0xff800000;
    return {field, {x.b, arith::SIToFPOp::create(*x.b, x.type(), field.v)}};
  }
  // 64-bit integers convert slowly without AVX-512: place -k, made positive,
  // into the mantissa of 2^52.
  constexpr uint64_t sqrt2 = 0x3ff6a09e667f3bcd, bias = 0x4000000000000000;
  MathBits bits = x.bits(), biased = bits.constant(sqrt2 + bias) - bits;
  MathBits field = (biased & 0xfff0000000000000) - bias;
  return {field, x.fromBits((biased >> 52) | 0x4330000000000000) - (0x1p52 + 0x400)};
}

static MathValue logPositive(MathValue x) {
  Exponent exponent = exponentOf(x);
  return logOfReduced(x.fromBits(x.bits() + exponent.field) - 1.0, exponent.minusK);
}

Value flowc::buildLogPositive(ImplicitLocOpBuilder &b, Value x) { return logPositive({&b, x}); }

Value flowc::buildLog(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value};
  MathValue y = logPositive(x);
  MathValue below = select(x < 0.0, x.nan(), -std::numeric_limits<double>::infinity());
  y = select(x < x.pick(0x1p-126, 0x1p-1022), below, y);
  return select(x < std::numeric_limits<double>::infinity(), y, x);
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

MathValue flowc::log1pUnit(MathValue u) {
  if (!u.isF64())
    return fma(u * u, polynomial(u, log1pUnitF32), u);
  // Above sqrt(2) - 1, 1 + u is 2 (1 + f); both f are exact.
  Value upper = u > 0x1.a827999fcef32p-2;
  MathValue f = select(upper, fma(u, 0.5, -0.5), u);
  return logOfReduced(f, select(upper, u.constant(-1.0), 0.0));
}
