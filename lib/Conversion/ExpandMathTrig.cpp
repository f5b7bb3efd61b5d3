//===- ExpandMathTrig.cpp - sin, cos, atan --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpandMathValue.h"
#include "flowc/Conversion/ExpandMath.h"

using namespace flowc;
using namespace mlir;

// (sin(r)/r - 1) / r^2 over r^2; relative error in sin(r) below 2^-27.9 and 2^-57.8 for |r| <= pi/4.
static constexpr double sinF32[] = {-0x1.555546p-3, 0x1.110776p-7, -0x1.9953p-13};
static constexpr double sinF64[] = {-0x1.5555555555548p-3, 0x1.111111110f752p-7,   -0x1.a01a019bf0121p-13,
                                    0x1.71de355cdd029p-19, -0x1.ae5e528eba56ap-26, 0x1.5d8d9de5f9bb8p-33};
// (cos(r) - 1 + r^2/2) / r^4 over r^2; below 2^-32.9 and 2^-63.9.
static constexpr double cosF32[] = {0x1.55554ap-5, -0x1.6c0c2ap-10, 0x1.99e904p-16};
static constexpr double cosF64[] = {0x1.555555555554bp-5,   -0x1.6c16c16c1500ep-10, 0x1.a01a019c8df69p-16,
                                    -0x1.27e4f7f06eebap-22, 0x1.1ee9dae2087bep-29,  -0x1.8fa5f8a26635fp-37};
// (atan(t)/t - 1) / t^2 over t^2; relative error in atan(t) below 2^-61 for |t| <= 1/2.
static constexpr double atanF64[] = {
    -0x1.5555555555551p-2, 0x1.9999999998f05p-3,  -0x1.2492492449b98p-3, 0x1.c71c71a79b9efp-4,  -0x1.745d13379889ap-4,
    0x1.3b135adc54689p-4,  -0x1.110c2e5aa81eep-4, 0x1.e17ebbf23dd02p-5,  -0x1.ac5c69e325691p-5, 0x1.77aa63ef4376bp-5,
    -0x1.2f5b2a6070ce3p-5, 0x1.818f8208aef13p-6,  -0x1.0fa9723e15371p-7};

namespace {
struct SinCos {
  MathValue sin, cos;
};
} // namespace

/// For |r| <= pi/4. Where a reduction has failed, far outside its domain, the
/// limits at least give finite values.
static SinCos reducedSinCos(MathValue r) {
  r = r.max(-0.8).min(0.8);
  MathValue square = r * r;
  MathValue s = polynomial(square, r.pick<ArrayRef<double>>(sinF32, sinF64));
  MathValue c = polynomial(square, r.pick<ArrayRef<double>>(cosF32, cosF64));
  MathValue sin = fma(r * square, s, r);
  MathValue cos = fma(square, fma(square, c, -0.5), 1.0);
  return {sin, cos};
}

/// Turns by a right angle `quadrant` (mod 4) times.
static SinCos turn(SinCos x, MathBits quadrant) {
  unsigned shift = x.sin.isF64() ? 62 : 30;
  Value odd = quadrant.any(1);
  auto negate = [&](MathValue y, MathBits by) { return y.fromBits(y.bits() ^ ((by & 2) << shift)); };
  return {negate(select(odd, x.cos, x.sin), quadrant), negate(select(odd, x.sin, x.cos), quadrant + 1)};
}

// x = n pi/2 + r. In f64 by Cody and Waite's method with pi/2 in four parts, of
// which all but the last have 33 bits: n times them is exact for |n| < 2^20, and
// so is every difference that cancels; rounding errors are collected in `low`.
// f32 is reduced in f64 with two parts.
static SinCos sinCos(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value}, wide = x;
  if (!x.isF64())
    wide = {&b, arith::ExtFOp::create(b, withElementType(x.type(), b.getF64Type()), value)};
  MathValue shifted = fma(wide, 0x1.45f306dc9c883p-1, 0x1.8p52);
  MathValue n = shifted - 0x1.8p52;
  if (x.isF64()) {
    MathValue r = fma(n, -0x1.921fb544p0, x), low = x.constant(0.0);
    for (double part : {0x1.0b4611a6p-34, 0x1.3198a2ep-69}) {
      MathValue next = fma(n, -part, r);
      low = low + fma(n, -part, r - next);
      r = next;
    }
    return turn(reducedSinCos(r + fma(n, -0x1.b839a252049c1p-104, low)), shifted.bits());
  }
  MathValue r = fma(n, -0x1.1a62633145c07p-54, fma(n, -0x1.921fb54442d18p0, wide));
  Value narrow = arith::TruncFOp::create(b, x.type(), r);
  Value quadrant = arith::TruncIOp::create(b, withElementType(x.type(), b.getI32Type()), shifted.bits());
  return turn(reducedSinCos({&b, narrow}), {&b, quadrant});
}

Value flowc::buildSin(ImplicitLocOpBuilder &b, Value value) {
  MathValue x{&b, value};
  // The polynomial makes +0 of -0.
  return select(x == 0.0, x, sinCos(b, value).sin);
}

Value flowc::buildCos(ImplicitLocOpBuilder &b, Value x) { return sinCos(b, x).cos; }

// The angle's upper bits, rounded, are the quadrant; the signed rest converts
// to r with one rounding.
std::pair<Value, Value> flowc::buildSinCosTurn(ImplicitLocOpBuilder &b, Type type, Value value) {
  MathBits bits{&b, value};
  bool isF64 = getElementTypeOrSelf(type).isF64();
  unsigned fractionBits = isF64 ? 51 : 30;
  if (isF64)
    bits = bits >> 11;
  MathBits quadrant = (bits + (1ull << (fractionBits - 1))) >> fractionBits;
  MathBits fraction = bits - (quadrant << fractionBits);
  MathValue number{&b, arith::SIToFPOp::create(b, type, fraction)};
  SinCos result = turn(reducedSinCos(number * (isF64 ? 0x1.921fb54442d18p-51 : 0x1.921fb54442d18p-30)), quadrant);
  return {result.sin, result.cos};
}

// For |x| beyond 1/2, where a - 1 is exact, and beyond tan(3pi/8):
// pi/4 + atan((a-1) / (a+1)) and pi/2 + atan(-1/a). One division serves all.
Value flowc::buildAtan(ImplicitLocOpBuilder &b, Value value) {
  return inF64(b, value, [](ArrayRef<MathValue> operands) {
    MathValue x = operands[0], a = x.abs();
    Value middle = a > 0.5, upper = a > 0x1.3504f333f9de6p1;
    auto choose = [&](auto above, auto between, MathValue below) {
      MathValue lower = select(middle, between, below);
      return select(upper, above, lower);
    };
    MathValue t = choose(-1.0, a - 1.0, a) / choose(a, a + 1.0, x.constant(1.0)), square = t * t;
    // Multiples of pi/4, and what their rounding leaves.
    MathValue zero = x.constant(0.0);
    MathValue offset = choose(0x1.921fb54442d18p0, 0x1.921fb54442d18p-1, zero);
    MathValue offsetLow = choose(0x1.1a62633145c07p-54, 0x1.1a62633145c07p-55, zero);
    MathValue y = fma(t * square, polynomial(square, atanF64), t);
    return (offset + (y + offsetLow)).copySign(x);
  });
}
