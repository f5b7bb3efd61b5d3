//===- Witness.cpp - Where a slope has either sign ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Trial finds a place, interval arithmetic says that the sign there is no rounding.
//
//===----------------------------------------------------------------------===//

#include "Solver.h"

#include <algorithm>
#include <cmath>

namespace flowc::symbolic {

namespace {

/// Looks for values of an expression of both signs.
class WitnessFinder {
public:
  WitnessFinder(Algebra &algebra, Expr e, const Interval &domain);

  Witnesses find();

private:
  /// Tries all x with the given values of the parameters; true if both signs were found.
  bool attempt(const std::vector<double> &values);
  bool attemptEach(size_t parameter);
  /// 1 or -1 if that is the sign of `e` at `values` without doubt, else 0.
  int getSign(const std::vector<double> &values) const;
  Witness describe(const std::vector<double> &values, double value) const;

  Algebra &algebra;
  Expr e;
  std::vector<double> points, start;
  Witnesses found;
};

} // namespace

/// Round numbers first.
static std::vector<double> trialPoints(const Interval &domain) {
  std::vector<double> points{0};
  for (double unit : {1.0, 0.125})
    for (int i = 1; i * unit <= 10; ++i)
      for (double sign : {1.0, -1.0})
        points.push_back(sign * i * unit);
  for (double size : {0.001, 0.01, 20.0, 50.0, 100.0, 1000.0})
    for (double sign : {1.0, -1.0})
      points.push_back(sign * size);
  if (domain.isBounded())
    for (int i = 1; i < 64; ++i)
      points.push_back(domain.low + i / 64.0 * (domain.high - domain.low));
  std::erase_if(points, [&](double x) { return !domain.contains(x); });
  return points;
}

/// Values of a parameter to try.
static std::vector<double> trialValues(const Interval &domain, double start) {
  std::vector<double> values{start};
  if (domain.isBounded())
    for (double part : {0.01, 0.5, 0.99, 1e-6, 1 - 1e-6})
      values.push_back(domain.low + part * (domain.high - domain.low));
  else
    for (double value : {0.01, 1.0, 10.0, -0.01, -1.0, -10.0, 100.0, 1000.0, -100.0})
      if (domain.contains(value))
        values.push_back(value);
  return values;
}

WitnessFinder::WitnessFinder(Algebra &algebra, Expr e, const Interval &domain)
    : algebra(algebra), e(e), points(trialPoints(domain)) {
  for (size_t i = 0; i < algebra.getNumSymbols(); ++i)
    start.push_back(algebra.getStart(algebra.getSymbol(i)));
}

int WitnessFinder::getSign(const std::vector<double> &values) const {
  std::vector<Interval> domains;
  for (double value : values)
    domains.push_back(Interval::point(value));
  Interval exact = algebra.range(e, domains);
  return exact.isPositive() ? 1 : exact.isNegative() ? -1 : 0;
}

Witness WitnessFinder::describe(const std::vector<double> &values, double value) const {
  std::string where;
  for (size_t i = 0; i < values.size(); ++i)
    if (algebra.dependsOn(e, algebra.getSymbol(i)))
      where += (where.empty() ? "" : ", ") + algebra.getName(algebra.getSymbol(i)) + " = " + printNumber(values[i]);
  return {value, where, std::equal(values.begin() + 1, values.end(), start.begin() + 1)};
}

bool WitnessFinder::attempt(const std::vector<double> &given) {
  std::vector<double> values = given;
  std::optional<Witness> positive, negative;
  for (double x : points) {
    values[0] = x;
    double value = algebra.evaluate(e, values);
    std::optional<Witness> &same = value > 0 ? positive : negative;
    if (value == 0 || !std::isfinite(value) || same || getSign(values) != (value > 0 ? 1 : -1))
      continue;
    same = describe(values, value);
    if (positive && negative) {
      found = {positive, negative, true};
      return true;
    }
  }
  if (!found.positive)
    found.positive = positive;
  if (!found.negative)
    found.negative = negative;
  return false;
}

bool WitnessFinder::attemptEach(size_t parameter) {
  Expr symbol = algebra.getSymbol(parameter);
  if (!algebra.dependsOn(e, symbol))
    return false;
  for (double value : trialValues(algebra.getDomain(symbol), start[parameter])) {
    std::vector<double> values = start;
    values[parameter] = value;
    if (attempt(values))
      return true;
  }
  return false;
}

Witnesses WitnessFinder::find() {
  if (attempt(start))
    return found;
  // Then with one parameter at a time elsewhere.
  for (size_t i = 1; i < start.size(); ++i)
    if (attemptEach(i))
      break;
  return found;
}

Witnesses findBothSigns(Algebra &algebra, Expr e, const Interval &domain) {
  return WitnessFinder(algebra, e, domain).find();
}

} // namespace flowc::symbolic
