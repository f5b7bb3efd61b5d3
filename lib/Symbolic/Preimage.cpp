//===- Preimage.cpp - Where an expression has given values ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An interval of values is taken through the operations of an expression, from the
// outermost to x: 1 - x^2 > 0, so x^2 < 1, so -1 < x < 1.
//
//===----------------------------------------------------------------------===//

#include "Solver.h"

#include <cmath>

namespace flowc::symbolic {

static constexpr double kInfinity = Interval::kInfinity;

namespace {

class PreimageFinder {
public:
  PreimageFinder(Algebra &algebra, const Interval &domain) : algebra(algebra), domain(domain) {}

  std::optional<Interval> find(Expr e, Interval values);

private:
  /// Each replaces `e` by its part with x, and `values` by those of the part. False if they
  /// are no interval between numbers.
  bool enterLinear(Expr &e, Interval &values, const Linear &linear);
  bool enterPower(Expr &e, Interval &values, Expr base, double exponent);
  bool enterEven(Expr &e, Interval &values, Expr base, double root);
  bool enterFunction(Expr &e, Interval &values);

  Algebra &algebra;
  Interval domain;
};

} // namespace

/// Whether a positive multiple of all numbers of `x` is the same set.
static bool isCone(const Interval &x) {
  return (x.low == 0 || x.low == -kInfinity) && (x.high == 0 || x.high == kInfinity);
}

/// `values` under an increasing function, infinite where it is not defined.
template <typename Function>
static void mapEnds(Interval &values, Function f) {
  double low = f(values.low), high = f(values.high);
  values = {std::isnan(low) ? -kInfinity : low, std::isnan(high) ? kInfinity : high,
            values.lowOpen || !std::isfinite(low), values.highOpen || !std::isfinite(high)};
}

bool PreimageFinder::enterLinear(Expr &e, Interval &values, const Linear &linear) {
  if (!linear.offset->isConstant() || !algebra.isNonZero(linear.slope))
    return false;
  double offset = linear.offset->number, slope = algebra.isPositive(linear.slope) ? 1 : -1;
  values = {values.low - offset, values.high - offset, values.lowOpen, values.highOpen};
  if (linear.slope->isConstant())
    slope = linear.slope->number;
  else if (!isCone(values))
    return false;
  values = {values.low / slope, values.high / slope, values.lowOpen, values.highOpen};
  if (slope < 0)
    values = {values.high, values.low, values.highOpen, values.lowOpen};
  e = linear.node;
  return true;
}

/// |base| ^ (1/root) in `values`.
bool PreimageFinder::enterEven(Expr &e, Interval &values, Expr base, double root) {
  e = base;
  bool holdsZero = values.low < 0 || (values.low == 0 && !values.lowOpen);
  if (values.high < 0 || (values.high == 0 && values.highOpen))
    return false;
  mapEnds(values, [&](double value) { return value < 0 ? 0 : std::pow(value, root); });
  if (holdsZero) {
    values = {-values.high, values.high, values.highOpen, values.highOpen};
    return true;
  }
  Interval sides = algebra.range(base, algebra.getVariable(), domain);
  if (sides.isNonPositive())
    values = -values;
  return sides.isNonNegative() || sides.isNonPositive();
}

bool PreimageFinder::enterPower(Expr &e, Interval &values, Expr base, double exponent) {
  if (isEven(exponent) && exponent > 0)
    return enterEven(e, values, base, 1 / exponent);
  if (exponent < 0 && !isCone(values))
    return false;
  e = base;
  // An odd power has the sign of its base, any other is of a positive base.
  if (!isInteger(exponent)) {
    mapEnds(values, [&](double value) { return value <= 0 ? 0 : std::pow(value, 1 / exponent); });
    values = values.clippedTo(Interval::positive());
  } else if (exponent > 0) {
    mapEnds(values, [&](double value) { return std::copysign(std::pow(std::abs(value), 1 / exponent), value); });
  }
  return true;
}

bool PreimageFinder::enterFunction(Expr &e, Interval &values) {
  const FunctionRow &row = getRow(e->function);
  Expr u = e->argument();
  if (e->is(Function::Abs))
    return enterEven(e, values, u, 1);
  if (e->is(Function::Pow)) {
    // u^v for v > 0 is on the same side of 1 as u.
    bool isKnown = algebra.isPositive(e->argument(1)) && (values.low <= 0 || values.low == 1) &&
                   (values.high == 1 || values.high == kInfinity);
    e = u;
    values = values.clippedTo(Interval::positive());
    return isKnown;
  }
  if (e->is(Function::Sigmoid))
    mapEnds(values, [](double value) { return std::log(value / (1 - value)); });
  else if (row.inverse && row.rising)
    mapEnds(values, [&](double value) {
      if (value <= row.rising->low || value >= row.rising->high)
        return value <= row.rising->low ? -kInfinity : kInfinity;
      return getRow(*row.inverse).value(value);
    });
  else
    return false;
  e = u;
  values = values.clippedTo(row.domain);
  return true;
}

std::optional<Interval> PreimageFinder::find(Expr e, Interval values) {
  // Every step takes an operation away.
  while (e != algebra.getVariable()) {
    std::optional<Linear> linear = matchLinear(algebra, e);
    if (!linear)
      return std::nullopt;
    bool isEntered = false;
    if (linear->node != e)
      isEntered = enterLinear(e, values, *linear);
    else if (e->kind == Kind::Product && e->terms.size() == 1)
      isEntered = enterPower(e, values, e->terms[0].node, e->terms[0].factor);
    else if (e->kind == Kind::Function)
      isEntered = enterFunction(e, values);
    if (!isEntered)
      return std::nullopt;
    if (!(values.low < values.high))
      return std::nullopt;
  }
  return values;
}

std::optional<Interval> findPreimage(Algebra &algebra, Expr e, const Interval &values, const Interval &domain) {
  std::optional<Interval> found = PreimageFinder(algebra, domain).find(e, values);
  if (found)
    found->lowOpen = found->highOpen = true;
  return found;
}

} // namespace flowc::symbolic
