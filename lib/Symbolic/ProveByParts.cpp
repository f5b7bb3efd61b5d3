//===- ProveByParts.cpp - Signs of what expressions consist of ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interval arithmetic does not know that two occurrences of a parameter are one number,
// nor that a function touches 0 without crossing it. What is linear in a part has its
// extremes at the ends of the part's values, a parabola has a sign by its discriminant,
// and a function that is 0 somewhere has that of its slope beside it.
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace flowc::symbolic {

static constexpr double kInfinity = Interval::kInfinity;

static Sign flip(Sign sign) {
  switch (sign) {
  case Sign::Positive:
    return Sign::Negative;
  case Sign::Negative:
    return Sign::Positive;
  case Sign::NonNegative:
    return Sign::NonPositive;
  case Sign::NonPositive:
    return Sign::NonNegative;
  case Sign::Unknown:
  case Sign::Zero:
    return sign;
  }
  return sign;
}

/// Of a + b.
static Sign addSigns(Sign a, Sign b) {
  if (a == Sign::Zero)
    return b;
  if (isNonNegative(a) && isNonNegative(b))
    return isStrict(a) || isStrict(b) ? Sign::Positive : Sign::NonNegative;
  if (isNonPositive(a) && isNonPositive(b))
    return isStrict(a) || isStrict(b) ? Sign::Negative : Sign::NonPositive;
  return Sign::Unknown;
}

/// Of a b, whose zeros are isolated.
static Sign multiplySigns(Sign a, Sign b) {
  if (a == Sign::Unknown || b == Sign::Unknown || a == Sign::Zero || b == Sign::Zero)
    return a == Sign::Zero || b == Sign::Zero ? Sign::Zero : Sign::Unknown;
  bool isPositive = isNonNegative(a) == isNonNegative(b);
  if (isStrict(a) && isStrict(b))
    return isPositive ? Sign::Positive : Sign::Negative;
  return isPositive ? Sign::NonNegative : Sign::NonPositive;
}

namespace {

/// Takes an expression apart until interval arithmetic sees signs.
class PartProver {
public:
  /// Interval arithmetic may be tried `attempts` times, on `maxParts` intervals.
  PartProver(Algebra &algebra, Expr variable, int attempts, int maxParts, std::vector<std::string> &reductions)
      : algebra(algebra), variable(variable), attempts(attempts), maxParts(maxParts), reductions(reductions) {}

  /// Within `depth` reductions.
  Sign prove(Expr e, const Interval &domain, int depth);

private:
  Sign proveAsItIs(Expr e, const Interval &domain, int depth);
  Sign proveProduct(Expr product, const Interval &domain, int depth);
  /// Whether `e` is not 0 throughout for any parameters: somewhere it is not, or its slope.
  bool vanishesAtPointsOnly(Expr e, const Interval &domain);
  /// c + b v + a v^2 of the variable v by its discriminant.
  Sign proveQuadratic(std::span<const Term> expanded);
  /// r + q s in a part s, which may be a parameter or a bounded function, at the ends of s.
  Sign proveLinear(std::span<const Term> expanded, const Interval &domain, int depth);
  Sign proveLinearIn(Expr part, std::span<const Term> expanded, const Interval &domain, int depth);
  /// Left and right of a point where it is 0, or known otherwise, by the sign of its slope.
  Sign proveBySlope(Expr e, const Interval &domain, int depth);
  /// Whether `e` is a number at a point, and not the 0 that a product with an infinite
  /// factor becomes.
  bool isDefinedAt(double at, Expr e) const;
  Sign proveBySlopeFrom(double at, Expr e, Expr slope, const Interval &domain, int depth);

  Algebra &algebra;
  Expr variable;
  int attempts, maxParts;
  std::vector<std::string> &reductions;
};

} // namespace

bool PartProver::vanishesAtPointsOnly(Expr e, const Interval &domain) {
  constexpr int kMaxOrder = 3;
  for (int order = 0; e && order <= kMaxOrder; ++order, e = algebra.derivative(e, variable))
    for (double at : {0.5, -0.5, 1.5, -1.5, 0.01, 100.0})
      if (domain.contains(at) && !algebra.range(e, variable, Interval::point(at)).containsZero())
        return true;
  return false;
}

Sign PartProver::proveProduct(Expr product, const Interval &domain, int depth) {
  Sign sign = Sign::Positive;
  for (auto [exponent, node] : product->terms) {
    // What has to be positive, or not 0, to be defined is so: the domain was found before.
    bool isDefined = !isInteger(exponent) || isEven(exponent);
    Sign part = Sign::Positive;
    if (!isDefined)
      part = prove(node, domain, depth);
    else if (exponent > 0 && algebra.range(node, variable, domain).containsZero())
      part = vanishesAtPointsOnly(node, domain) ? Sign::NonNegative : Sign::Unknown;
    sign = multiplySigns(sign, part);
    if (sign == Sign::Unknown)
      return sign;
  }
  return sign;
}

Sign PartProver::proveQuadratic(std::span<const Term> expanded) {
  std::optional<std::vector<Expr>> c = matchPolynomial(algebra, expanded, variable, 2);
  if (!c || (*c)[2]->isConstant(0))
    return Sign::Unknown;
  // Where the leading coefficient can be 0, a discriminant that is not positive leaves the last
  // one, which must not be 0.
  Interval leading = algebra.range((*c)[2]), last = algebra.range((*c)[0]);
  bool isPositive = leading.isNonNegative() && (leading.isPositive() || last.isPositive());
  bool isNegative = leading.isNonPositive() && (leading.isNegative() || last.isNegative());
  if (!isPositive && !isNegative)
    return Sign::Unknown;
  Expr square = algebra.multiply((*c)[1], (*c)[1]), product = algebra.multiply((*c)[0], (*c)[2]);
  Interval discriminant = algebra.range(expandRounded(algebra, algebra.sum(0, {{1, square}, {-4, product}})));
  Sign sign = discriminant.isNegative()      ? Sign::Positive
              : discriminant.isNonPositive() ? Sign::NonNegative
                                             : Sign::Unknown;
  if (sign != Sign::Unknown)
    reductions.push_back("its discriminant as a polynomial of " + algebra.getName(variable) + " is not positive");
  return isPositive ? sign : flip(sign);
}

Sign PartProver::proveLinearIn(Expr part, std::span<const Term> expanded, const Interval &domain, int depth) {
  std::optional<std::vector<Expr>> c = matchPolynomial(algebra, expanded, part, 1);
  if (!c || (*c)[1]->isConstant(0))
    return Sign::Unknown;
  Interval values = algebra.range(part, variable, domain);
  // As many occurrences as before the brackets were opened are one too many for intervals.
  Expr rest = algebra.factorize((*c)[0]), slope = algebra.factorize((*c)[1]);
  if (values.low == -kInfinity) {
    if (values.high == kInfinity)
      return Sign::Unknown;
    slope = algebra.negate(slope);
    values = -values;
  }
  // Values are taken on between the ends, so there the sum of both has the sign.
  auto signAt = [&](double at, double nearby) {
    auto proveAt = [&](double value, int within) {
      return prove(algebra.sum(0, {{1, rest}, {value, slope}}), domain, within);
    };
    Sign sign = proveAt(at, 0);
    if (sign == Sign::Unknown && nearby != at)
      sign = proveAt(nearby, depth);
    return sign == Sign::Unknown ? proveAt(at, depth) : sign;
  };
  // Constants of formulas are rounded: at the open end of a parameter itself
  // 1 - 1.0000000000000002 may not be positive.
  constexpr double kClose = 0x1p-40;
  bool isBounded = values.high < kInfinity;
  double inset = isBounded && !algebra.dependsOn(part, variable) ? kClose * (values.high - values.low) : 0;
  Sign low = signAt(values.low, values.lowOpen ? values.low + inset : values.low);
  if (low == Sign::Unknown)
    return low;
  Sign high = isBounded ? signAt(values.high, values.highOpen ? values.high - inset : values.high)
                        : prove(slope, domain, depth);
  if ((!values.lowOpen || !values.highOpen) && (!isStrict(low) || !isStrict(high)))
    return Sign::Unknown;
  return addSigns(low, high);
}

Sign PartProver::proveLinear(std::span<const Term> expanded, const Interval &domain, int depth) {
  // Functions first, the outermost before others: parameters stand in their arguments.
  std::vector<Expr> functions, parameters;
  for (auto [factor, node] : expanded)
    for (const Term &term : node->kind == Kind::Product ? node->terms : std::vector<Term>{{1, node}}) {
      bool isParameter = term.node->kind == Kind::Symbol && term.node != variable;
      bool isFunction = term.node->kind == Kind::Function;
      std::vector<Expr> &list = isParameter ? parameters : functions;
      if (term.factor == 1 && (isParameter || isFunction) &&
          std::find(list.begin(), list.end(), term.node) == list.end())
        list.push_back(term.node);
    }
  std::sort(functions.begin(), functions.end(),
            [](Expr a, Expr b) { return a->depth != b->depth ? a->depth > b->depth : a->id < b->id; });
  functions.insert(functions.end(), parameters.begin(), parameters.end());
  constexpr size_t kMaxParts = 8;
  for (size_t i = 0; i < std::min(kMaxParts, functions.size()); ++i) {
    std::vector<std::string> before = reductions;
    Sign sign = proveLinearIn(functions[i], expanded, domain, depth);
    if (sign != Sign::Unknown) {
      reductions.push_back("it is linear in " + algebra.print(functions[i]) + ", at both ends of its values");
      return sign;
    }
    reductions = before;
  }
  return Sign::Unknown;
}

bool PartProver::isDefinedAt(double at, Expr e) const {
  std::vector<double> values;
  for (size_t i = 0; i < algebra.getNumSymbols(); ++i)
    values.push_back(algebra.getSymbol(i) == variable ? at : algebra.getStart(algebra.getSymbol(i)));
  return std::isfinite(algebra.evaluate(e, values));
}

Sign PartProver::proveBySlopeFrom(double at, Expr e, Expr slope, const Interval &domain, int depth) {
  Expr value = expandRounded(algebra, algebra.substitute(e, variable, algebra.constant(at)));
  Interval there = algebra.range(value);
  if ((!there.isNonNegative() && !there.isNonPositive()) || !isDefinedAt(at, e))
    return Sign::Unknown;
  Sign sign = value->isConstant(0)    ? Sign::Zero
              : there.isPositive()    ? Sign::Positive
              : there.isNegative()    ? Sign::Negative
              : there.isNonNegative() ? Sign::NonNegative
                                      : Sign::NonPositive;
  auto go = [&](const Interval &side, bool isLeft) {
    Sign growth = prove(slope, side, depth);
    if (growth == Sign::Zero)
      return Sign::Unknown;
    return addSigns(sign, isLeft ? flip(growth) : growth);
  };
  if (domain.low < at)
    sign = go({domain.low, at, domain.lowOpen, true}, /*isLeft=*/true);
  if (sign != Sign::Unknown && at < domain.high)
    sign = go({at, domain.high, true, domain.highOpen}, /*isLeft=*/false);
  // At the point itself it is what it is there.
  if (there.containsZero() && domain.contains(at))
    sign = sign == Sign::Positive ? Sign::NonNegative : sign == Sign::Negative ? Sign::NonPositive : sign;
  return sign;
}

Sign PartProver::proveBySlope(Expr e, const Interval &domain, int depth) {
  Expr slope = isContinuous(e) ? algebra.derivative(e, variable) : nullptr;
  if (!slope)
    return Sign::Unknown;
  std::vector<double> points{0, 1, -1};
  for (double end : {domain.low, domain.high})
    if (std::isfinite(end))
      points.insert(points.begin(), end);
  for (double at : points) {
    if (at < domain.low || at > domain.high)
      continue;
    std::vector<std::string> before = reductions;
    Sign sign = proveBySlopeFrom(at, e, slope, domain, depth);
    if (sign != Sign::Unknown && sign != Sign::Zero) {
      std::string name = algebra.getName(variable);
      reductions.push_back("from " + name + " = " + printNumber(at) + " by the sign of its slope");
      return sign;
    }
    reductions = before;
  }
  return Sign::Unknown;
}

Sign PartProver::proveAsItIs(Expr e, const Interval &domain, int depth) {
  if (e->isConstant() || !algebra.dependsOn(e, variable)) {
    Interval values = algebra.range(e);
    if (e->isConstant(0))
      return Sign::Zero;
    if (!values.containsZero())
      return values.isPositive() ? Sign::Positive : Sign::Negative;
    if (values.isNonNegative() || values.isNonPositive())
      return Sign::Unknown;
  }
  if (--attempts < 0)
    return Sign::Unknown;
  Interval stuck;
  Sign sign = proveSign(algebra, e, variable, domain, stuck, maxParts);
  if (sign == Sign::Unknown && isMultiple(e))
    sign =
        e->terms[0].factor > 0 ? prove(e->terms[0].node, domain, depth) : flip(prove(e->terms[0].node, domain, depth));
  else if (sign == Sign::Unknown && e->kind == Kind::Product && depth > 0)
    sign = proveProduct(e, domain, depth - 1);
  return sign;
}

Sign PartProver::prove(Expr e, const Interval &domain, int depth) {
  Sign sign = proveAsItIs(e, domain, depth);
  if (sign != Sign::Unknown || depth == 0 || attempts <= 0 || algebra.isExhausted())
    return sign;
  std::vector<Term> expanded;
  expandTerms(algebra, {1, e}, expanded);
  if (sign = proveQuadratic(expanded); sign != Sign::Unknown)
    return sign;
  if (Expr grouped = groupPowers(algebra, e, variable); grouped != e)
    if (sign = proveAsItIs(grouped, domain, depth); sign != Sign::Unknown)
      return sign;
  if (sign = proveLinear(expanded, domain, depth - 1); sign != Sign::Unknown)
    return sign;
  return proveBySlope(e, domain, depth - 1);
}

Sign proveByParts(Algebra &algebra, Expr e, Expr variable, const Interval &domain,
                  std::vector<std::string> &reductions) {
  // What is a sum of positive terms, once it is taken apart, needs one interval: many such
  // are tried before few that need many.
  for (auto [attempts, maxParts, depth] : {std::tuple(300, 2, 10), std::tuple(60, 400, 4)})
    if (Sign sign = PartProver(algebra, variable, attempts, maxParts, reductions).prove(e, domain, depth);
        sign != Sign::Unknown)
      return sign;
  return Sign::Unknown;
}

} // namespace flowc::symbolic
