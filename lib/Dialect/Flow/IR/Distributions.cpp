//===- Distributions.cpp - Formulas of base distributions -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each formula is written for one coordinate. Outside of the support a density is
// -inf with derivative 0, and only NaN gives NaN. Sums of terms that would cancel
// for large parameters are rearranged: what is left of them is the remainder of
// Stirling's formula (sample.stirling) and log(r) - t (sample.log_minus).
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowDistributions.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Draws.h"
#include "flowc/Dialect/Sample/IR/Jvp.h"
#include "flowc/Dialect/Sample/IR/Number.h"

#include <cmath>
#include <limits>
#include <numbers>

using namespace mlir;
using namespace flowc::flow;

/// The norm of a distribution without parameters.
static PreparedDensity constantNorm(ImplicitLocOpBuilder &builder, Type type, double norm) {
  return {buildConstant(builder, type, norm), {}};
}

//===----------------------------------------------------------------------===//
// Uniform
//===----------------------------------------------------------------------===//

PreparedDensity StandardUniformOp::buildPrepared(ImplicitLocOpBuilder &, Type, ValueRange) { return {}; }

// The ends belong to the support. A coordinate comes out of an affine map with
// a rounded scale: what is one rounding beyond an end is meant to be the end.
Value StandardUniformOp::buildElement(ImplicitLocOpBuilder &builder, Value value, ValueRange) {
  Number x{&builder, value};
  double margin = x.isF32() ? 0x1p-22 : 0x1p-51;
  Value outside = either(builder, x < -margin, x > 1 + margin);
  return select(outside, -kInfinity, select(x.isNaN(), x, 0.0));
}

/// The uniform number that sample.random_tail stands for, below 1 in any case.
static Number buildUniform(Number tail) {
  Number u = select(tail > 0, tail, tail + 1.0);
  double largest = tail.isF32() ? 0x1.fffffep-1 : 0x1.fffffffffffffp-1;
  return select(u > largest, largest, u);
}

Value StandardUniformOp::buildDraw(ImplicitLocOpBuilder &builder, Value tail) { return buildUniform({&builder, tail}); }

//===----------------------------------------------------------------------===//
// Exponential, Gumbel
//===----------------------------------------------------------------------===//

PreparedDensity StandardExponentialOp::buildPrepared(ImplicitLocOpBuilder &, Type, ValueRange) { return {}; }

Value StandardExponentialOp::buildElement(ImplicitLocOpBuilder &builder, Value value, ValueRange) {
  Number x{&builder, value};
  Value isOutside = x < 0;
  return select(isOutside, -kInfinity, -x);
}

/// -log(u), which is large for small u and close to 0 for u close to 1.
static Number buildExponential(Number tail) {
  Value isLow = tail > 0;
  Number low = log(select(isLow, tail, 1.0)), high = log1p(select(isLow, 0.0, tail));
  return -select(isLow, low, high);
}

Value StandardExponentialOp::buildDraw(ImplicitLocOpBuilder &builder, Value tail) {
  return buildExponential({&builder, tail});
}

PreparedDensity StandardGumbelOp::buildPrepared(ImplicitLocOpBuilder &, Type, ValueRange) { return {}; }

// Where exp(-x) overflows, the density is zero in any precision.
Value StandardGumbelOp::buildElement(ImplicitLocOpBuilder &builder, Value value, ValueRange) {
  Number x{&builder, value};
  Value isZero = x < (x.isF32() ? -88.0 : -709.0);
  Number safe = select(isZero, 0.0, x);
  return select(isZero, -kInfinity, -(safe + exp(-safe)));
}

Value StandardGumbelOp::buildDraw(ImplicitLocOpBuilder &builder, Value tail) {
  return -log(buildExponential({&builder, tail}));
}

//===----------------------------------------------------------------------===//
// Laplace, logistic
//===----------------------------------------------------------------------===//

PreparedDensity StandardLaplaceOp::buildPrepared(ImplicitLocOpBuilder &builder, Type type, ValueRange) {
  return constantNorm(builder, type, -std::numbers::ln2);
}

Value StandardLaplaceOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange) {
  return -abs({&builder, x});
}

/// `lower`, a quantile of the lower half, or its mirror image in the upper half.
static Number mirror(Number tail, Number lower) { return select(tail > 0, lower, -lower); }

Value StandardLaplaceOp::buildDraw(ImplicitLocOpBuilder &builder, Value value) {
  Number tail{&builder, value};
  return mirror(tail, log(2.0 * abs(tail)));
}

PreparedDensity StandardLogisticOp::buildPrepared(ImplicitLocOpBuilder &, Type, ValueRange) { return {}; }

Value StandardLogisticOp::buildElement(ImplicitLocOpBuilder &builder, Value value, ValueRange) {
  Number x{&builder, value};
  return x - 2.0 * x.apply<Log1pExpOp>();
}

Value StandardLogisticOp::buildDraw(ImplicitLocOpBuilder &builder, Value value) {
  Number tail{&builder, value}, u = abs(tail);
  return mirror(tail, log(u) - log1p(-u));
}

//===----------------------------------------------------------------------===//
// Cauchy, Student's t
//===----------------------------------------------------------------------===//

/// log(1 + x^2), which is finite wherever x is.
static Number buildLog1pSquare(Number x) {
  // From here on, 1 is nothing beside x^2.
  double limit = x.isF32() ? 0x1p13 : 0x1p27;
  Number a = abs(x);
  Value isFar = a > limit;
  Number close = select(isFar, 0.0, x);
  return select(isFar, 2.0 * log(select(isFar, a, 1.0)), log1p(close * close));
}

PreparedDensity StandardCauchyOp::buildPrepared(ImplicitLocOpBuilder &builder, Type type, ValueRange) {
  return constantNorm(builder, type, -std::log(std::numbers::pi));
}

Value StandardCauchyOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange) {
  return -buildLog1pSquare({&builder, x});
}

// tan(pi (u - 1/2)) = -cot(pi u)
Value StandardCauchyOp::buildDraw(ImplicitLocOpBuilder &builder, Value value) {
  Number tail{&builder, value}, angle = std::numbers::pi * abs(tail);
  return mirror(tail, -(angle.apply<math::CosOp>() / angle.apply<math::SinOp>()));
}

// With h = df / 2: lgamma(h + 1/2) - lgamma(h) - log(2 pi h) / 2
//   = h log(1 + 1 / 2h) - 1/2 + stirling(h + 1/2) - stirling(h) - log(2 pi) / 2,
// whose logarithm has a form for each end that differentiates without overflow.
PreparedDensity StandardStudentTOp::buildPrepared(ImplicitLocOpBuilder &builder, Type, ValueRange parameters) {
  Number df{&builder, parameters[0]}, h = 0.5 * df, logDf = log(df);
  Value isSmall = df < 1.0;
  Number logRatio = select(isSmall, log1p(select(isSmall, df, 0.0)) - logDf, log1p(1.0 / select(isSmall, 1.0, df)));
  Number norm = h * logRatio + (stirling(h + 0.5) - stirling(h)) - (0.5 + kHalfLogTwoPi);
  return {norm, {df.apply<math::SqrtOp>(), -(h + 0.5), logDf}};
}

// Far out 1 is nothing beside x^2 / df, and x / sqrt(df) may overflow.
Value StandardStudentTOp::buildElement(ImplicitLocOpBuilder &builder, Value value, ValueRange prepared) {
  Number x{&builder, value}, rootDf{&builder, prepared[0]}, exponent{&builder, prepared[1]},
      logDf{&builder, prepared[2]};
  Number a = abs(x);
  Value isFar = a.compare(arith::CmpFPredicate::OGT, (x.isF32() ? 0x1p13 : 0x1p27) * rootDf);
  Number close = select(isFar, 0.0, x) / rootDf;
  return exponent * select(isFar, 2.0 * log(select(isFar, a, 1.0)) - logDf, log1p(close * close));
}

//===----------------------------------------------------------------------===//
// Gamma
//===----------------------------------------------------------------------===//

// With k = a - 1, m = max(a, 1), r = x / m and t = r - 1:
//   k log(x) - x - lgamma(a) = k (log(r) - t) + (k - m) t + k log(m) - m - lgamma(a)
// and the last three terms are -log(2 pi a) / 2 - stirling(a) for a >= 1, else
// -1 - lgamma(a). Far from the mode the first two are k log(r) - m t: what moves with a in
// k t would cancel.
PreparedDensity StandardGammaOp::buildPrepared(ImplicitLocOpBuilder &builder, Type, ValueRange parameters) {
  Number a{&builder, parameters[0]}, logA = log(a);
  Value isLarge = a >= 1;
  Number rest = select(isLarge, -0.5 * logA, (0.5 - a) * logA + (a - 1.0));
  Number norm = rest - stirling(a) - kHalfLogTwoPi;
  return {norm, {a - 1.0, select(isLarge, a, 1.0), select(isLarge, -1.0, a - 2.0), select(isLarge, logA, 0.0)}};
}

namespace {
/// The logarithm of r = x / m for x >= 0, of which t = (x - m) / m is known without
/// cancellation; anything finite for x = 0.
struct LogRatio {
  Value isClose; ///< r is of the size of 1
  Number rest;   ///< log(r) - t, where it is close
  Number whole;  ///< log(r)
};
} // namespace

/// Far out r may underflow or overflow, and so may the factors of its derivatives;
/// log(x) - log(m) cancels little there.
static LogRatio buildLogRatio(Number x, Number m, Number logM, Number t) {
  ImplicitLocOpBuilder &builder = *x.builder;
  Number r = x / m;
  Value isClose = both(builder, r > 0.25, r < 4), isModerate = both(builder, r > 0x1p-20, r < 0x1p20);
  Number rest = logMinus(select(isClose, r, 1.0), select(isClose, t, 0.0));
  Number logarithm = log(select(isModerate, r, select(x.isZero(), 1.0, x)));
  Number far = select(isModerate, logarithm, logarithm - logM);
  return {isClose, rest, select(isClose, rest + t, far)};
}

/// `density`, or where `distance` to an end of the support is 0, the limit that a
/// term `factor` log(distance) has there. A limit has no derivative.
static Number buildEnd(Number factor, Number distance, Number density) {
  Value isEnd = both(*factor.builder, distance.isZero(), factor.compare(arith::CmpFPredicate::ONE, factor.constant(0)));
  Number limit = select(factor > 0, factor.constant(-kInfinity), kInfinity);
  return select(isEnd, limit, density);
}

Value StandardGammaOp::buildElement(ImplicitLocOpBuilder &builder, Value value, ValueRange prepared) {
  Number x{&builder, value}, k{&builder, prepared[0]}, m{&builder, prepared[1]}, slope{&builder, prepared[2]},
      logM{&builder, prepared[3]};
  Value outside = x < 0;
  Number inside = select(outside, m, x);
  Number t = (inside - m) / m;
  LogRatio ratio = buildLogRatio(inside, m, logM, t);
  Number density = select(ratio.isClose, k * ratio.rest + slope * t, k * ratio.whole - (inside - m));
  return select(outside, -kInfinity, buildEnd(k, inside, density));
}

//===----------------------------------------------------------------------===//
// Beta
//===----------------------------------------------------------------------===//

// With k = a - 1, l = b - 1, n = k + l. If both a and b are at least 2, the mode
// p = k / n, q = l / n is inside, and
//   k log(x) + l log(1 - x) = k (log(x/p) - t) + l (log((1-x)/q) - s) + k log(p) + l log(q)
// for t = (x - p) / p, s = (p - x) / q, since k t + l s = 0. Otherwise nothing is
// gained: p = q = 1, t = x - 1, s = -x, and k t + l s = (k - l) x - k. Far from the mode
// t and s are left out, as in the gamma distribution.
PreparedDensity BetaOp::buildPrepared(ImplicitLocOpBuilder &builder, Type, ValueRange parameters) {
  Number a{&builder, parameters[0]}, b{&builder, parameters[1]};
  Value aIsLess = a.compare(arith::CmpFPredicate::OLT, b);
  Number least = select(aIsLess, a, b), most = select(aIsLess, b, a);
  Value isLarge = least >= 2;
  Number k = a - 1.0, l = b - 1.0;
  Number u = select(isLarge, k, least), v = select(isLarge, l, most), w = u + v;
  Number remainders = stirling(u) + stirling(v) - stirling(w);
  // -log B(k + 1, l + 1) + k log(k/n) + l log(l/n), and -log B(a, b) - k.
  Number large = 0.5 * (log(w) - log(u) - log(v)) + log(w + 1.0) - remainders;
  Number small = 0.5 * log(u) - u * (log(u) - log(w)) + (v - 0.5) * log1p(u / v) - remainders - k;
  Number norm = select(isLarge, large, small) - kHalfLogTwoPi;
  Number p = select(isLarge, u / w, 1.0), q = select(isLarge, v / w, 1.0);
  return {
      norm,
      {k, l, p, q, select(isLarge, u / w, 0.0), select(isLarge, 0.0, k - l), log(p), log(q), select(isLarge, 0.0, k)}};
}

Value BetaOp::buildElement(ImplicitLocOpBuilder &builder, Value value, ValueRange prepared) {
  auto number = [&](Value v) { return Number{&builder, v}; };
  Number x = number(value), k = number(prepared[0]), l = number(prepared[1]), p = number(prepared[2]),
         q = number(prepared[3]), center = number(prepared[4]), slope = number(prepared[5]);
  Value outside = either(builder, x<0, x> 1);
  Number inside = select(outside, 0.5, x);
  LogRatio first = buildLogRatio(inside, p, number(prepared[6]), (inside - p) / p);
  LogRatio second = buildLogRatio(1.0 - inside, q, number(prepared[7]), (center - inside) / q);
  Number density =
      select(both(builder, first.isClose, second.isClose), k * first.rest + l * second.rest + slope * inside,
             k * first.whole + l * second.whole + number(prepared[8]));
  return select(outside, -kInfinity, buildEnd(k, inside, buildEnd(l, 1.0 - inside, density)));
}

//===----------------------------------------------------------------------===//
// Draws by way of gamma draws
//===----------------------------------------------------------------------===//

static RandomGammaOp drawGamma(ImplicitLocOpBuilder &builder, Value concentration, RandomStream stream) {
  Type type = concentration.getType();
  return RandomGammaOp::create(builder, type, type, concentration, stream);
}

// A draw that is too large or too small for a float is the closest one: neither
// infinite nor on the edge of the support.
Value StandardGammaOp::buildSample(Specializer &specializer) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  auto random = drawGamma(builder, specializer.lookup(getConcentration()), FirstGamma);
  return buildElements(builder, random.getResults(), [](ImplicitLocOpBuilder &at, ValueRange draws) -> Value {
    Number x = Number{&at, draws[0]} * exp({&at, draws[1]});
    x = select(x < getSmallest(x), getSmallest(x), x);
    return select(x > getLargest(x), getLargest(x), x);
  });
}

// normal / sqrt(G / h), where G is a gamma draw of concentration h = df / 2.
Value StandardStudentTOp::buildSample(Specializer &specializer) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Value df = specializer.lookup(getDf());
  Value h = buildElements(builder, df, [](ImplicitLocOpBuilder &at, ValueRange values) -> Value {
    return 0.5 * Number{&at, values[0]};
  });
  auto random = drawGamma(builder, h, FirstGamma);
  Value normal = RandomNormalOp::create(builder, df.getType());
  return buildElements(
      builder, {normal, h, random.getGamma(), random.getLogFactor()},
      [](ImplicitLocOpBuilder &at, ValueRange draws) -> Value {
        Number z{&at, draws[0]}, shape{&at, draws[1]}, gamma{&at, draws[2]}, logFactor = -0.5 * Number{&at, draws[3]};
        double limit = logFactor.isF32() ? 88.0 : 709.0;
        Number x = z * (shape / gamma).apply<math::SqrtOp>() * exp(select(logFactor > limit, limit, logFactor));
        return select(abs(x) > getLargest(x), x.constant(getLargest(x)).apply<math::CopySignOp>(x), x);
      });
}

// G / (G + H) = 1 / (1 + exp(log(H) - log(G))): draws close to 0 need not be
// representable in G itself.
Value BetaOp::buildSample(Specializer &specializer) {
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  auto first = drawGamma(builder, specializer.lookup(getAlpha()), FirstGamma);
  auto second = drawGamma(builder, specializer.lookup(getBeta()), SecondGamma);
  SmallVector<Value> draws(first.getResults());
  llvm::append_range(draws, second.getResults());
  return buildElements(builder, draws, [](ImplicitLocOpBuilder &at, ValueRange values) -> Value {
    Number g{&at, values[0]}, logG{&at, values[1]}, h{&at, values[2]}, logH{&at, values[3]};
    Number x = (log(g / h) + (logG - logH)).apply<InvLogitOp>();
    double largest = x.isF32() ? 0x1.fffffep-1 : 0x1.fffffffffffffp-1;
    x = select(x < getSmallest(x), getSmallest(x), x);
    return select(x > largest, largest, x);
  });
}
