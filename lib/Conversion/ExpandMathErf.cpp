//===- ExpandMathErf.cpp - erf, erfc and the normal distribution ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What has to be exact in the tails is made of erfcx(a) = e^(a^2) erfc(a), which
// falls slowly from 1 to 1 / (a sqrt(pi)), and of e^(-a^2), whose exponent is taken as
// a sum of two numbers: one rounding of a^2 = 700 would cost 350 ULP.
//
//===----------------------------------------------------------------------===//

#include "ExpandMathValue.h"
#include "flowc/Conversion/ExpandMath.h"
#include <numbers>

using namespace flowc;
using namespace mlir;

// erf(x)/x - 1 over x^2; relative error in erf(x) below 2^-29.3 and 2^-56.3 for |x| <= 1.
static constexpr double erfF32[] = {0x1.06eba8p-3, -0x1.81273ep-2,  0x1.ce2ce8p-4, -0x1.b7f76ap-6,
                                    0x1.53f60ap-8, -0x1.a377bep-11, 0x1.47f488p-14};
static constexpr double erfF64[] = {0x1.06eba8214db69p-3,   -0x1.812746b037a23p-2,  0x1.ce2f21a045709p-4,
                                    -0x1.b82ce3134bc9ep-6,  0x1.565bcd2b00817p-8,   -0x1.c02db8f472c1ep-11,
                                    0x1.f9a3b268ebb2bp-14,  -0x1.f4dc721f1a051p-17, 0x1.ba63089039a96p-20,
                                    -0x1.636089fd9cd69p-23, 0x1.122e63fa557afp-26,  -0x1.bf4da31b3e085p-30,
                                    0x1.34e0d337d1c6bp-33};
// log(1 - erf(1 + t)); error in erf below 2^-26.6 and 2^-58.7 from 1 to where erf rounds to 1.
static constexpr double logErfcF32[] = {-0x1.d97fcp+0, -0x1.51c9a2p+1, -0x1.afab36p-1, -0x1.559798p-5,
                                        0x1.5ab864p-7, -0x1.734488p-9, 0x1.b28526p-11, -0x1.35b7f8p-13};
static constexpr double logErfcF64[] = {
    -0x1.d97fbf27aa2a1p+0,  -0x1.51c9b0006c23dp+1,  -0x1.afabc11a29233p-1,  -0x1.5477f09c3a7fap-5,
    0x1.48c9d3f18f1c4p-7,   -0x1.033f6619e4651p-9,  0x1.f1b3974cff61bp-13,  0x1.b8de861d4e11dp-16,
    -0x1.c7a98be4bdbffp-16, 0x1.42785c77917c6p-17,  -0x1.14c84cc415793p-19, 0x1.3880607025695p-23,
    0x1.9a4655957518dp-24,  -0x1.b58a55ebecb27p-25, 0x1.f1bcfc671b8efp-27,  -0x1.79fd2c74de4aep-29,
    0x1.7eda6873d34ebp-32,  -0x1.d6313dc51f814p-36, 0x1.091320cd0d349p-40};

// (1 + 2a) erfcx(a) - 1 over q = (a - 4) / (a + 4), Chebyshev's expansion; error below
// 2^-56.1 for all a >= 0.
static constexpr double erfcxF64[] = {
    0x1.dd2c8b74febf6p-3,   -0x1.1df1ad154a28ep-3,  0x1.f7f5df66fd6c2p-7,   0x1.16ecefcfa5342p-4,
    -0x1.9ddb23c3e8a22p-4,  0x1.7fee004e1312cp-4,   -0x1.0fb06dfe5229fp-4,  0x1.3079edf66992fp-5,
    -0x1.0962388397d97p-6,  0x1.49c6728d8f7d4p-8,   -0x1.8d4a9b00c7997p-11, -0x1.a1df2abbaddf5p-13,
    0x1.3be04bf52bb5ap-13,  -0x1.9958ab3ba5c33p-16, -0x1.78861f18ee7b4p-17, 0x1.7f2369c34c9ffp-18,
    0x1.3981051d34c77p-22,  -0x1.bae01eb0d8ac7p-21, 0x1.4cbb15f961e46p-24,  0x1.d8dd577cdf1c6p-24,
    -0x1.613ab11aa87fdp-26, -0x1.f96a93e7cc6f0p-27, 0x1.b39ff8659b236p-29,  0x1.ec1f75354e746p-30,
    -0x1.246d137a7141bp-32, -0x1.2e4a1567a7226p-33};

//===----------------------------------------------------------------------===//
// erf, erfc
//===----------------------------------------------------------------------===//

/// erf(x) for |x| < 1.
static MathValue erfSmall(MathValue x, MathValue square) {
  return fma(x, polynomial(square, x.pick<ArrayRef<double>>(erfF32, erfF64)), x);
}

// 1 - exp(P(|x| - 1)), with a polynomial of its own for |x| < 1.
Value flowc::buildErf(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value}, a = x.abs(), square = x * x;
  MathValue small = erfSmall(a, square);
  MathValue t = a.min(x.pick(3.95, 5.95)) - 1.0;
  MathValue large = x.constant(1.0) - expInRange(polynomial(t, x.pick<ArrayRef<double>>(logErfcF32, logErfcF64)));
  return select(a < 1.0, small, large).copySign(x);
}

/// erfcx(a) for finite f64 a >= 0, to about 2^-56: quotients get a step of Newton's
/// method.
static MathPair erfcx(MathValue a) {
  MathValue near = a.min(0x1p60), inverse = a.constant(1.0) / (near + 4.0);
  MathValue q = (near - 4.0) * inverse;
  q = fma(fma(q, -near, fma(q + 1.0, -4.0, near)), inverse, q);
  MathValue p = polynomial(q, erfcxF64);
  // (1 + p) / (1 + 2a)
  MathValue divisor = a.constant(1.0) / fma(a, 2.0, 1.0), r = fma(p, divisor, divisor);
  MathValue rest = ((p - r) + fma(r * -2.0, a, 1.0)) * divisor, high = r + rest;
  return {high, rest - (high - r)};
}

namespace {
/// f e^(-a^2 scale) and the exponential itself, for a >= 0 where it is no zero.
struct Tail {
  MathValue value, exponential;

  Tail(MathPair f, MathValue a, double scale) : value(a), exponential(a) {
    MathValue square = a * a, rest = fma(a, a, -square) * -scale;
    MathValue e{a.b, buildExpNegative(*a.b, square * -scale)};
    exponential = fma(e, rest, e);
    // Lifted, so that the small parts of small products are no subnormals.
    MathValue high = f.high * 0x1p60, product = high * e, low = fma(high, e, -product) + f.low * 0x1p60 * e;
    value = (product + fma(product, rest, low)) * 0x1p-60;
  }
};
} // namespace

// Every e^(-a^2 / 2) is zero from here on.
static constexpr double tailEnd = 64;

Value flowc::buildErfc(ImplicitLocOpBuilder &b, Value value) {
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    MathValue x = operands[0], a = x.abs().min(tailEnd);
    MathValue tail = Tail(erfcx(a), a, 1.0).value;
    MathValue large = select(x < 0.0, x.constant(2.0) - tail, tail);
    // Up to where erf is 1/2.
    return select(a < 0.47, x.constant(1.0) - erfSmall(x, x * x), large);
  });
}

//===----------------------------------------------------------------------===//
// The normal distribution: Phi(x) = erfc(-x / sqrt(2)) / 2
//===----------------------------------------------------------------------===//

static constexpr double rootHalf = std::numbers::sqrt2 * 0.5;

// Below 0, log(erfcx(|x| / sqrt(2)) / 2) - x^2 / 2, two negative terms; above,
// log(1 - Phi(-x)).
Value flowc::buildNormalLogCdf(ImplicitLocOpBuilder &b, Value value) {
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    MathValue x = operands[0], a = x.abs();
    MathPair scaled = erfcx(a.min(0x1p1000) * rootHalf);
    MathValue tail = Tail(scaled, a.min(tailEnd), 0.5).value;
    MathValue lower{&b, buildLog(b, scaled.high * 0.5)}, upper{&b, buildLog1p(b, tail * -0.5)};
    return select(x < 0.0, fma(a * -0.5, a, lower), upper);
  });
}

// Below 0, the exponentials of the density and of Phi are the same, and far below the
// quotient is |x|.
Value flowc::buildNormalHazard(ImplicitLocOpBuilder &b, Value value) {
  return inF64(b, value, [&](ArrayRef<MathValue> operands) {
    constexpr double root = 0x1.9884533d43651p-1; // sqrt(2 / pi)
    MathValue x = operands[0], a = x.abs();
    MathValue z = a.min(0x1p60) * rootHalf;
    MathPair scaled = erfcx(z);
    MathValue lower = select(a < 0x1p30, x.constant(root) / scaled.high, a);
    Tail tail(scaled, a.min(tailEnd), 0.5);
    MathValue phi = select(z < 0.47, fma(erfSmall(z, z * z), 0.5, 0.5), fma(tail.value, -0.5, 1.0));
    return select(x < 0.0, lower, tail.exponential * (root * 0.5) / phi);
  });
}
