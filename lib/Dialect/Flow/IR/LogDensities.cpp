//===- LogDensities.cpp - Log-densities as functions of formulas ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `normal_log(y, loc, scale)` and its kin, constants included. Those of distributions
// of the language are the formulas of their ops (Distributions.cpp), moved and scaled.
//
// Outside of the support they are -inf with derivative 0; invalid parameters give NaN.
// Counts are rounded down where they enter a formula: they have no derivative.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/LogDensities.h"
#include "flowc/Dialect/Flow/IR/FlowDistributions.h"
#include "flowc/Dialect/Sample/IR/Number.h"

#include <numbers>

using namespace mlir;
using namespace flowc::flow;
using flowc::symbolic::Function;

/// The log-density of the distribution `OpTy` with `parameters` at x.
template <typename OpTy>
static Number densityOf(Number x, ValueRange parameters = {}) {
  ImplicitLocOpBuilder &builder = *x.builder;
  PreparedDensity prepared = OpTy::buildPrepared(builder, x.value.getType(), parameters);
  Number density{&builder, OpTy::buildElement(builder, x, prepared.values)};
  return prepared.norm ? density + Number{&builder, prepared.norm} : density;
}

/// The same at (y - loc) / scale, as a density of y.
template <typename OpTy>
static Number densityOf(Number y, Number loc, Number scale, ValueRange parameters = {}) {
  return densityOf<OpTy>((y - loc) / scale, parameters) - log(scale);
}

//===----------------------------------------------------------------------===//
// On the line and on half of it
//===----------------------------------------------------------------------===//

static Number buildNormal(Number y, Number loc, Number scale) {
  Number z = (y - loc) / scale;
  return -0.5 * (z * z) - (log(scale) + kHalfLogTwoPi);
}

static Number buildLogNormal(Number y, Number loc, Number scale) {
  Value outside = y <= 0;
  Number logY = log(select(outside, 1.0, y));
  return select(outside, -kInfinity, buildNormal(logY, loc, scale) - logY);
}

static Number buildExponential(Number y, Number rate) { return densityOf<StandardExponentialOp>(y * rate) + log(rate); }

static Number buildGamma(Number y, Number concentration, Number scale) {
  return densityOf<StandardGammaOp>(y / scale, concentration.value) - log(scale);
}

//===----------------------------------------------------------------------===//
// Counts
//===----------------------------------------------------------------------===//

static Number floor(Number a) { return a.apply<math::FloorOp>(); }
static Number softplus(Number a) { return a.apply<Log1pExpOp>(); }
static Number sigmoid(Number a) { return a.apply<InvLogitOp>(); }

/// `density` where `isCount` holds, NaN where y is NaN, -inf elsewhere.
static Number onCounts(Number y, Value isCount, Number density) {
  return select(isCount, density, select(y.isNaN(), y, -kInfinity));
}

// With a sign that is part of the condition, one softplus that is exact in both tails:
// log sigmoid(l) = -softplus(-l) of a success, log sigmoid(-l) = -softplus(l) otherwise.
static Number buildBernoulli(Number y, Number logits) {
  Value isOne = y == y.constant(1), isCount = either(*y.builder, isOne, y.isZero());
  return onCounts(y, isCount, -softplus(select(isOne, -logits, logits)));
}

/// k log(mean / k) - (mean - k) for a count k > 0 and a mean > 0: half of Poisson's
/// deviance, with a minus sign. Close to 0 nothing cancels, far from it nothing
/// underflows.
static Number buildDeviance(Number k, Number mean, Number logMean) {
  Number ratio = mean / k, excess = (mean - k) / k;
  Value isClose = both(*k.builder, ratio > 0.25, ratio < 4);
  Number close = logMinus(select(isClose, ratio, 1.0), select(isClose, excess, 0.0));
  return k * select(isClose, close, (logMean - log(k)) - excess);
}

// lgamma(k + 1) = (k + 1/2) log(k) - k + log(2 pi) / 2 + stirling(k) for k > 0.
static Number buildPoisson(Number y, Number rate) {
  Number k = floor(y);
  Value isCount = both(*y.builder, y == k, k >= 0), isPositive = both(*y.builder, isCount, k > 0);
  Number safe = select(isPositive, k, 1.0);
  Number norm = 0.5 * log(safe) + (stirling(safe) + kHalfLogTwoPi);
  Number density = select(isPositive, buildDeviance(safe, rate, log(rate)) - norm, -rate);
  return onCounts(y, isCount, select(rate >= 0, density, rate.constant(std::numeric_limits<double>::quiet_NaN())));
}

// With a = y, b = n - y and p = sigmoid(logits), q = sigmoid(-logits), and Stirling's
// formula: log C(n, a) + a log(p) + b log(q) is the sum of the deviances of a from n p
// and b from n q, and what does not depend on p. If one of a and b is 0, it is the other
// one times a logarithm.
static Number buildBinomial(Number y, Number n, Number logits) {
  ImplicitLocOpBuilder &builder = *y.builder;
  Number a = floor(y), total = floor(n), b = total - a;
  Value areWhole = both(builder, y == a, n == total);
  Value isCount = both(builder, areWhole, both(builder, a >= 0, b >= 0));
  Value isInside = both(builder, isCount, both(builder, a > 0, b > 0));
  Number k = select(isInside, a, 1.0), l = select(isInside, b, 1.0), m = k + l;
  Number logP = -softplus(-logits), logQ = -softplus(logits), logM = log(m);
  Number deviances =
      buildDeviance(k, m * sigmoid(logits), logM + logP) + buildDeviance(l, m * sigmoid(-logits), logM + logQ);
  Number remainders = stirling(m) - stirling(k) - stirling(l);
  Number inside = deviances + (remainders - (0.5 * (log(k) + log(l) - logM) + kHalfLogTwoPi));
  Number edge = select(a.isZero(), b * logQ, a * logP);
  Number density = onCounts(y, isCount, select(isInside, inside, edge));
  return select(n.isNaN(), n, density);
}

//===----------------------------------------------------------------------===//
// By name
//===----------------------------------------------------------------------===//

Value flowc::flow::buildLogDensity(ImplicitLocOpBuilder &builder, Function function, ValueRange arguments) {
  auto at = [&](size_t i) { return Number{&builder, arguments[i]}; };
  Number y = at(0);
  switch (function) {
  case Function::BernoulliLogitLog:
    return buildBernoulli(y, at(1));
  case Function::BetaLog:
    return densityOf<BetaOp>(y, arguments.drop_front());
  case Function::BinomialLogitLog:
    return buildBinomial(y, at(1), at(2));
  case Function::CauchyLog:
    return densityOf<StandardCauchyOp>(y, at(1), at(2));
  case Function::ExponentialLog:
    return buildExponential(y, at(1));
  case Function::GammaLog:
    return buildGamma(y, at(1), at(2));
  case Function::GumbelLog:
    return densityOf<StandardGumbelOp>(y, at(1), at(2));
  case Function::LaplaceLog:
    return densityOf<StandardLaplaceOp>(y, at(1), at(2));
  case Function::LogNormalLog:
    return buildLogNormal(y, at(1), at(2));
  case Function::LogisticLog:
    return densityOf<StandardLogisticOp>(y, at(1), at(2));
  case Function::NormalLog:
    return buildNormal(y, at(1), at(2));
  case Function::PoissonLog:
    return buildPoisson(y, at(1));
  case Function::StudentTLog:
    return densityOf<StandardStudentTOp>(y, at(2), at(3), arguments[1]);
  default:
    return {};
  }
}
