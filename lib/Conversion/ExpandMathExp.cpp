//===- ExpandMathExp.cpp - exp and what is built from it ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All functions here reduce x = n ln 2 + r with |r| <= ln(2)/2, n integer, by
// Cody and Waite's method: n ln2Hi is exact, so that r carries one rounding.
// n comes from adding a number so large that the sum is an integer; the sum's
// low bits are then n itself, and 2^n takes one shift. The polynomials are
// minimax (Remez' and Lawson's algorithms), rounded one coefficient at a time
// with the rest refitted.
//
//===----------------------------------------------------------------------===//

#include "ExpandMathValue.h"
#include "flowc/Conversion/ExpandMath.h"

using namespace flowc;
using namespace mlir;

// (e^r - 1 - r) / r^2; relative error in e^r below 2^-28.2 and 2^-57.8.
static constexpr double expF32[] = {0x1.fffffcp-2, 0x1.555492p-3, 0x1.5558bp-5, 0x1.12398ep-7, 0x1.6a4d88p-10};
static constexpr double expF64[] = {
    0x1.000000000000ap-1,  0x1.5555555555504p-3,  0x1.55555555506a6p-5,  0x1.111111112553ap-7,  0x1.6c16c1847e852p-10,
    0x1.a01a0136eaeb1p-13, 0x1.a01999458cf84p-16, 0x1.71df0a076ef48p-19, 0x1.28ae18034b15ep-22, 0x1.ada9ca7c29ffbp-26};
// The same; relative error in e^r - 1 below 2^-31.1 and 2^-61.6.
static constexpr double expm1F32[] = {0x1p-1,        0x1.555554p-3,  0x1.5554f8p-5,
                                      0x1.1112d8p-7, 0x1.6d3a4ap-10, 0x1.9e73b8p-13};
static constexpr double expm1F64[] = {0x1p-1,
                                      0x1.5555555555559p-3,
                                      0x1.5555555555557p-5,
                                      0x1.111111110f6e5p-7,
                                      0x1.6c16c16c17557p-10,
                                      0x1.a01a01afb66b8p-13,
                                      0x1.a01a019adcb41p-16,
                                      0x1.71ddf8e33bab0p-19,
                                      0x1.27e4fe79fc8bdp-22,
                                      0x1.af5db36ce261bp-26,
                                      0x1.1f325d4f832b4p-29};
// (tanh(x)/x - 1) / x^2 over x^2; relative error below 2^-29.7 and 2^-60.5 for |x| < 0.55.
static constexpr double tanhF32[] = {-0x1.55554ap-2, 0x1.110ceep-3, -0x1.b91e7ep-5, 0x1.58e518p-6, -0x1.9921a2p-8};
static constexpr double tanhF64[] = {-0x1.555555555554fp-2,  0x1.111111111078dp-3,  -0x1.ba1ba1b97c6d4p-5,
                                     0x1.664f48592c85cp-6,   -0x1.226e2f0b43899p-7, 0x1.d6d29a10db0b3p-9,
                                     -0x1.7d8fbf3ea1e62p-10, 0x1.3483002e0f4a3p-11, -0x1.e9689a9d95fb5p-13,
                                     0x1.5d5f26cbbafaep-14,  -0x1.46db22dcbf844p-16};
// (sinh(x)/x - 1) / x^2 over x^2; below 2^-31.6 and 2^-61.7 for |x| <= 1.
static constexpr double sinhF32[] = {0x1.555556p-3, 0x1.1110ep-7, 0x1.a022b6p-13, 0x1.756df8p-19};
static constexpr double sinhF64[] = {0x1.5555555555556p-3,  0x1.111111111101ep-7,  0x1.a01a01a037278p-13,
                                     0x1.71de3a3b03282p-19, 0x1.ae646ffb847d0p-26, 0x1.6116f05178718p-33,
                                     0x1.b5ca8457ed061p-41};

// The last arguments for which e^x is finite, and is normal.
static double expOverflow(MathValue x) { return x.pick(0x1.62e42ep+6, 0x1.62e42fefa39efp+9); }
static double expUnderflow(MathValue x) { return x.pick(-0x1.5d589ep+6, -0x1.6232bdd7abcd2p+9); }

namespace {
/// x = n ln 2 + r.
struct Reduced {
  MathValue shifted; // 1.5 * 2^mantissaBits + offset + n
  MathValue r;

  /// 2^(n + offset - bias), as long as that exponent is between 1 and 2 bias.
  MathValue scale() const { return r.fromBits(shifted.bits() << r.mantissaBits()); }
};
} // namespace

/// Reduces `x`; the low bits of `shifted` hold n + `offset`.
static Reduced reduce(MathValue x, int offset) {
  double magic = x.pick(0x1.8p23, 0x1.8p52) + offset;
  MathValue shifted = fma(x, 0x1.71547652b82fep0, magic);
  MathValue n = shifted - magic;
  MathValue r = fma(n, -x.pick(0x1.62e3p-1, 0x1.62e42feep-1), x);
  return {shifted, fma(n, -x.pick(0x1.2fefa4p-17, 0x1.a39ef35793c76p-33), r)};
}

static MathValue expPolynomial(MathValue r) {
  MathValue p = polynomial(r, r.pick<ArrayRef<double>>(expF32, expF64));
  return fma(r * r, p, r) + 1.0;
}

static MathValue expm1Polynomial(MathValue r) {
  return fma(r * r, polynomial(r, r.pick<ArrayRef<double>>(expm1F32, expm1F64)), r);
}

MathValue flowc::expInRange(MathValue x) {
  Reduced reduced = reduce(x, int(x.bias()));
  return expPolynomial(reduced.r) * reduced.scale();
}

/// 2^offset e^x, as long as that is finite and normal; not for NaN. n is added
/// to the exponent as an integer, since 2^128 is no float but 2^128 e^r may be.
static MathValue expToTheEdge(MathValue x, int offset) {
  Reduced reduced = reduce(x, offset);
  MathBits exponent = reduced.shifted.bits() << x.mantissaBits();
  return x.fromBits(expPolynomial(reduced.r).bits() + exponent);
}

/// `y`, or infinity for x beyond `limit`, or NaN for NaN.
static MathValue overflowBeyond(double limit, MathValue x, MathValue y) {
  return select(x.greaterOrNaN(limit), x + x.infinity(), y);
}

// The overflow comes last: it puts NaN right.
Value flowc::buildExp(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value};
  MathValue y = expToTheEdge(x, 0);
  y = select(x < expUnderflow(x), 0.0, y);
  return overflowBeyond(expOverflow(x), x, y);
}

MathValue flowc::expOfPair(MathPair x) {
  MathValue y = expToTheEdge(x.high, 0);
  // e^low - 1 is low itself to double precision.
  y = select(x.high < expUnderflow(x.high), 0.0, fma(y, x.low, y));
  return overflowBeyond(expOverflow(x.high), x.high, y);
}

static MathValue expNegative(MathValue x) { return select(x < expUnderflow(x), 0.0, expInRange(x)); }

Value flowc::buildExpNegative(ImplicitLocOpBuilder &b, Value x) { return expNegative({&b, x}); }

// 2^n (e^r - 1) + (2^n - 1), with half of 2^n since 2^128 is no float. Far below
// zero the result rounds to -1; close to it it rounds to x, which keeps -0 and
// the smallest normal numbers.
Value flowc::buildExpm1(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value};
  MathValue clamped = x.max(x.pick(-18.0, -40.0));
  Reduced reduced = reduce(clamped, int(x.bias()) - 1);
  MathValue half = reduced.scale();
  MathValue y = fma(half, expm1Polynomial(reduced.r), half - 0.5) * 2.0;
  y = select(x.abs() < x.pick(0x1p-25, 0x1p-54), x, y);
  return overflowBeyond(expOverflow(x), x, y);
}

// The last arguments for which sinh and cosh are finite.
static double hyperbolicOverflow(MathValue x) { return x.pick(0x1.65a9f8p+6, 0x1.633ce8fb9f87dp+9); }

// With h = e^|x| / 2: h - 1 / 4h, which cancels for small |x|: there a polynomial.
Value flowc::buildSinh(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value}, a = x.abs();
  MathValue h = expToTheEdge(a, -1), square = x * x;
  MathValue small = fma(a * square, polynomial(square, x.pick<ArrayRef<double>>(sinhF32, sinhF64)), a);
  MathValue y = select(a < 1.0, small, h - x.constant(0.25) / h);
  return overflowBeyond(hyperbolicOverflow(x), a, y).copySign(x);
}

Value flowc::buildCosh(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value}, a = x.abs();
  MathValue h = expToTheEdge(a, -1);
  return overflowBeyond(hyperbolicOverflow(x), a, h + x.constant(0.25) / h);
}

// 1 - 2 / (e^2|x| + 1), which cancels for small |x|: there a polynomial.
Value flowc::buildTanh(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value}, a = x.abs();
  MathValue limited = a.min(x.pick(10.0, 20.0));
  MathValue e = expInRange(limited + limited);
  MathValue large = x.constant(1.0) - x.constant(2.0) / (e + 1.0);
  MathValue square = x * x;
  MathValue small = fma(a * square, polynomial(square, x.pick<ArrayRef<double>>(tanhF32, tanhF64)), a);
  return select(a < 0.55, small, large).copySign(x);
}

// With u = e^-|x| and q = u / (1 + u): 1 - q above 0 and u - u q below, where
// q itself, whose rounding errors add up to 2.4 ULP, is the smaller term.
Value flowc::buildInvLogit(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value};
  MathValue u = expNegative(x.negativeAbs());
  MathValue q = u / (u + 1.0), s = select(x < 0.0, u, x.constant(1.0));
  return fma(-q, s, s);
}

// max(x, 0) + log(1 + e^-|x|); NaN passes through the maximum.
Value flowc::buildLog1pExp(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value};
  return x.max(0.0) + log1pUnit(expNegative(x.negativeAbs()));
}
