//===- Prove.cpp - Domains, signs and bounds ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Solver.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace flowc::symbolic {

static constexpr double kInfinity = Interval::kInfinity;

static bool isInteger(double value) { return value == std::floor(value) && std::abs(value) < 1e6; }

//===----------------------------------------------------------------------===//
// Domain
//===----------------------------------------------------------------------===//

namespace {

/// Finds where a formula is defined, condition by condition.
class DomainFinder {
public:
  DomainFinder(Algebra &algebra, std::string &error) : algebra(algebra), error(error) {}

  void visit(Expr e);

  Interval domain;

private:
  /// `u`, an argument of something called `name`, has to lie in `allowed`.
  void require(Expr u, const Interval &allowed, const std::string &name);
  bool requirePositiveProduct(Expr u);
  void requireNonZero(Expr u);

  Algebra &algebra;
  std::string &error;
  std::set<Expr> seen;
};

} // namespace

void DomainFinder::require(Expr u, const Interval &allowed, const std::string &name) {
  Expr x = algebra.getVariable();
  if (algebra.range(u, x, domain).isInside(allowed))
    return;
  std::optional<Linear> linear = matchLinear(algebra, u);
  bool isSimple = linear && linear->node == x && linear->slope->isConstant() && linear->offset->isConstant();
  if (!isSimple && allowed.low == 0 && requirePositiveProduct(u))
    return;
  if (!isSimple) {
    Interval values = algebra.range(u, x, domain);
    std::string trouble = allowed.low != 0 || allowed.high < kInfinity ? " can leave its domain"
                          : values.isNonNegative()                     ? " can be 0"
                                                                       : " can be negative";
    if (error.empty())
      error = name + " is not defined everywhere: its argument " + algebra.print(u) + trouble;
    return;
  }
  double slope = linear->slope->number, offset = linear->offset->number;
  Interval mapped{(allowed.low - offset) / slope, (allowed.high - offset) / slope, true, true};
  if (slope < 0)
    std::swap(mapped.low, mapped.high);
  domain = domain.clippedTo(mapped);
}

/// For a product of powers of linear factors that is positive on one interval only.
bool DomainFinder::requirePositiveProduct(Expr u) {
  if (u->kind != Kind::Product)
    return false;
  std::set<double> zeros;
  for (auto [exponent, node] : u->terms) {
    std::optional<Linear> linear = matchLinear(algebra, node);
    if (!linear || linear->node != algebra.getVariable() || !linear->slope->isConstant() ||
        !linear->offset->isConstant() || !isInteger(exponent))
      return false;
    zeros.insert(-linear->offset->number / linear->slope->number);
  }
  std::vector<double> ends(zeros.begin(), zeros.end());
  ends.insert(ends.begin(), -kInfinity);
  ends.push_back(kInfinity);
  std::optional<Interval> found;
  for (size_t i = 0; i + 1 < ends.size(); ++i) {
    Interval part = Interval::open(ends[i], ends[i + 1]);
    if (!algebra.range(u, algebra.getVariable(), part).isPositive())
      continue;
    if (found)
      return false;
    found = part;
  }
  if (found)
    domain = domain.clippedTo(*found);
  return found.has_value();
}

void DomainFinder::requireNonZero(Expr u) {
  Expr x = algebra.getVariable();
  Interval values = algebra.range(u, x, domain);
  if (!values.containsZero())
    return;
  Sign sign = proveSign(algebra, u, domain);
  if (sign == Sign::Positive || sign == Sign::Negative)
    return;
  if (!error.empty())
    return;
  std::optional<Linear> linear = matchLinear(algebra, u);
  bool isSimple = linear && linear->node == x && linear->slope->isConstant() && linear->offset->isConstant();
  std::string where = isSimple ? " at x = " + printNumber(0 - linear->offset->number / linear->slope->number) : "";
  error = "it divides by " + algebra.print(u) + ", which " + (isSimple ? "is 0" : "can be 0") + where;
}

void DomainFinder::visit(Expr e) {
  if (!seen.insert(e).second || !algebra.dependsOn(e, algebra.getVariable()))
    return;
  for (const Term &term : e->terms)
    visit(term.node);
  const Interval halfLine{0, kInfinity, false, true};
  if (e->kind == Kind::Product)
    for (auto [exponent, base] : e->terms) {
      if (!isInteger(exponent))
        require(base, exponent < 0 ? Interval::positive() : halfLine, exponent == 0.5 ? "sqrt" : "a power");
      else if (exponent < 0)
        requireNonZero(base);
    }
  if (e->is(Function::Log) || e->is(Function::Lgamma))
    require(e->argument(), Interval::positive(), getName(e->function));
  else if (e->is(Function::Pow))
    require(e->argument(), Interval::positive(), "a power");
  else if (e->is(Function::Atanh))
    require(e->argument(), Interval::open(-1, 1), "atanh");
}

Interval findDomain(Algebra &algebra, Expr function, const Interval &within, std::string &error) {
  // Conditions that narrow the line come to hold for each other: once more.
  DomainFinder narrow(algebra, error);
  std::string ignored;
  DomainFinder first(algebra, ignored);
  first.domain = within;
  first.visit(function);
  narrow.domain = first.domain;
  narrow.visit(function);
  return narrow.domain;
}

//===----------------------------------------------------------------------===//
// Signs
//===----------------------------------------------------------------------===//

/// A point inside, by which proofs go on; none if there is no number left.
static std::optional<double> splitPoint(const Interval &x) {
  double low = x.low, high = x.high, middle = 0;
  constexpr double kFarthest = 1e200, kNearest = 1e-200;
  if (low < 0 && high > 0)
    return 0;
  bool isNegative = high <= 0;
  if (isNegative) {
    std::swap(low, high);
    low = -low;
    high = -high;
  }
  // 0 <= low < high.
  if (high == kInfinity)
    middle = low < 1 ? 1 : low * 4;
  else if (low == 0)
    middle = high > 1 ? 1 : high / 4;
  else
    middle = high > 4 * low ? std::sqrt(low) * std::sqrt(high) : low + (high - low) / 2;
  if (middle <= low || middle >= high || middle > kFarthest || middle < kNearest)
    return std::nullopt;
  return isNegative ? -middle : middle;
}

Sign proveSign(Algebra &algebra, Expr e, const Interval &domain) {
  constexpr int kMaxEvaluations = 4000;
  bool isNonNegative = true, isNonPositive = true, isStrict = true;
  std::vector<Interval> open{domain};
  for (int i = 0; !open.empty(); ++i) {
    Interval x = open.back();
    open.pop_back();
    Interval values = algebra.range(e, algebra.getVariable(), x);
    if (values.isNonNegative() || values.isNonPositive()) {
      isNonNegative &= values.isNonNegative();
      isNonPositive &= values.isNonPositive();
      isStrict &= !values.containsZero();
      if (!isNonNegative && !isNonPositive)
        return Sign::Unknown;
      continue;
    }
    std::optional<double> middle = splitPoint(x);
    if (!middle || i >= kMaxEvaluations)
      return Sign::Unknown;
    // The halves share the point between them.
    open.push_back({*middle, x.high, false, x.highOpen});
    open.push_back({x.low, *middle, x.lowOpen, false});
  }
  if (isStrict)
    return isNonNegative ? Sign::Positive : Sign::Negative;
  // It touches zero: look for an interval where it does not.
  for (double at : {0.5, -0.5, 1.5, -1.5, 0.01, 100.0}) {
    Interval x = Interval::closed(at, at + 1e-3 * std::abs(at));
    if (!x.isInside(domain))
      continue;
    Interval values = algebra.range(e, algebra.getVariable(), x);
    if (values.isPositive() && isNonNegative)
      return Sign::NonNegative;
    if (values.isNegative() && isNonPositive)
      return Sign::NonPositive;
  }
  return Sign::Unknown;
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

namespace {

/// Bounds in the parameters, for x in a domain.
struct BoundFinder {
  Algebra &algebra;
  Interval domain;

  /// What `e` is nowhere less than, or more than; null if unknown.
  Expr find(Expr e, bool isLower) {
    if (!algebra.dependsOn(e, algebra.getVariable()))
      return e;
    if (e->kind == Kind::Sum) {
      std::vector<Term> bounds;
      for (auto [factor, node] : e->terms) {
        Expr bound = find(node, factor > 0 ? isLower : !isLower);
        if (!bound)
          return nullptr;
        bounds.push_back({factor, bound});
      }
      return algebra.sum(e->number, bounds);
    }
    Interval values = algebra.range(e, algebra.getVariable(), domain);
    double end = isLower ? values.low : values.high;
    if (std::isfinite(end))
      return algebra.constant(end);
    if (e->kind != Kind::Product)
      return nullptr;
    // p(a) q(x) for p >= 0 and a bound of q.
    std::vector<Term> free, dependent;
    for (const Term &term : e->terms)
      (algebra.dependsOn(term.node, algebra.getVariable()) ? dependent : free).push_back(term);
    Expr factor = algebra.product(1, free), rest = algebra.product(1, dependent);
    if (free.empty() || !algebra.range(factor).isNonNegative())
      return nullptr;
    Interval restValues = algebra.range(rest, algebra.getVariable(), domain);
    double restEnd = isLower ? restValues.low : restValues.high;
    return std::isfinite(restEnd) ? algebra.scale(restEnd, factor) : nullptr;
  }
};

} // namespace

Expr findPositiveBound(Algebra &algebra, Expr e, const Interval &domain) {
  Expr bound = BoundFinder{algebra, domain}.find(e, /*isLower=*/true);
  return bound && algebra.isPositive(bound) ? bound : nullptr;
}

//===----------------------------------------------------------------------===//
// Witnesses
//===----------------------------------------------------------------------===//

/// Values of a parameter to try.
static std::vector<double> trialValues(const Interval &domain, double start) {
  std::vector<double> values{start};
  if (domain.isBounded())
    for (double part : {0.01, 0.5, 0.99})
      values.push_back(domain.low + part * (domain.high - domain.low));
  else
    for (double value : {0.01, 1.0, 10.0, -0.01, -1.0, -10.0})
      if (domain.contains(value))
        values.push_back(value);
  return values;
}

std::pair<std::optional<Witness>, std::optional<Witness>> findBothSigns(Algebra &algebra, Expr e,
                                                                        const Interval &domain) {
  // Round numbers first.
  std::vector<double> points{0};
  for (double unit : {1.0, 0.125})
    for (int i = 1; i * unit <= 10; ++i)
      for (double sign : {1.0, -1.0})
        points.push_back(sign * i * unit);
  for (double size : {0.001, 0.01, 20.0, 50.0, 100.0, 1000.0})
    for (double sign : {1.0, -1.0})
      points.push_back(sign * size);
  std::vector<double> start;
  for (size_t i = 0; i < algebra.getNumSymbols(); ++i)
    start.push_back(algebra.getStart(algebra.getSymbol(i)));

  std::optional<Witness> positive, negative;
  auto attempt = [&](std::vector<double> values) {
    for (double x : points) {
      if (!domain.contains(x))
        continue;
      values[0] = x;
      double value = algebra.evaluate(e, values);
      std::optional<Witness> &found = value > 0 ? positive : negative;
      if (value == 0 || !std::isfinite(value) || found)
        continue;
      std::string where;
      for (size_t i = 0; i < values.size(); ++i)
        if (algebra.dependsOn(e, algebra.getSymbol(i)))
          where += (where.empty() ? "" : ", ") + algebra.getName(algebra.getSymbol(i)) + " = " + printNumber(values[i]);
      found = Witness{value, where};
    }
  };
  attempt(start);
  // Then with one parameter at a time elsewhere.
  for (size_t i = 1; i < start.size() && !(positive && negative); ++i)
    for (double value : trialValues(algebra.getDomain(algebra.getSymbol(i)), start[i])) {
      std::vector<double> values = start;
      values[i] = value;
      attempt(values);
    }
  return {positive, negative};
}

} // namespace flowc::symbolic
