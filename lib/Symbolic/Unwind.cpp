//===- Unwind.cpp - Solving an equation step by step ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where a value has no preimage the inverse has to be undefined. Most inverse
// functions see to that themselves (the logarithm of a negative number); the
// others get a condition.
//
//===----------------------------------------------------------------------===//

#include "Solver.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace flowc::symbolic {

/// slope * x + offset of any linear expression, brackets opened.
static std::optional<Linear> expandLinear(Algebra &algebra, Expr e) {
  if (e->kind != Kind::Sum && e->kind != Kind::Product)
    return Linear{algebra.constant(1), e, algebra.constant(0)};
  Expr x = algebra.getVariable();
  if (e->kind == Kind::Product) {
    std::vector<Term> free, dependent;
    for (const Term &term : e->terms)
      (algebra.dependsOn(term.node, x) ? dependent : free).push_back(term);
    Expr factor = algebra.product(1, free);
    std::optional<Linear> inner = dependent.size() == 1 && dependent[0].factor == 1
                                      ? expandLinear(algebra, dependent[0].node)
                                      : Linear{algebra.constant(1), algebra.product(1, dependent), algebra.constant(0)};
    if (inner)
      inner = Linear{algebra.multiply(factor, inner->slope), inner->node, algebra.multiply(factor, inner->offset)};
    return inner;
  }
  std::optional<Linear> result;
  Expr offset = algebra.constant(e->number);
  for (auto [factor, node] : e->terms) {
    if (!algebra.dependsOn(node, x)) {
      offset = algebra.sum(0, {{1, offset}, {factor, node}});
      continue;
    }
    std::optional<Linear> term = expandLinear(algebra, node);
    if (!term || (result && result->node != term->node))
      return std::nullopt;
    Expr slope = algebra.scale(factor, term->slope);
    result = Linear{result ? algebra.add(result->slope, slope) : slope, term->node, offset};
    offset = algebra.sum(0, {{1, offset}, {factor, term->offset}});
  }
  result->offset = offset;
  return result;
}

std::optional<Linear> matchLinear(Algebra &algebra, Expr e) {
  Expr x = algebra.getVariable();
  if (!algebra.dependsOn(e, x))
    return std::nullopt;
  if (e->kind == Kind::Sum) {
    std::vector<Term> free, dependent;
    for (const Term &term : e->terms)
      (algebra.dependsOn(term.node, x) ? dependent : free).push_back(term);
    if (dependent.size() > 1)
      return expandLinear(algebra, e);
    auto [factor, node] = dependent[0];
    Linear inner{algebra.constant(1), node, algebra.constant(0)};
    if (node->kind == Kind::Product)
      inner = *matchLinear(algebra, node);
    return Linear{algebra.scale(factor, inner.slope), inner.node, algebra.sum(e->number, free)};
  }
  if (e->kind != Kind::Product)
    return Linear{algebra.constant(1), e, algebra.constant(0)};
  std::vector<Term> free, dependent;
  for (const Term &term : e->terms)
    (algebra.dependsOn(term.node, x) ? dependent : free).push_back(term);
  return Linear{algebra.product(1, free), algebra.product(1, dependent), algebra.constant(0)};
}

bool Unwinder::take(Expr &e, Expr &value, std::string rule, Expr part, Expr newValue) {
  e = part;
  value = newValue;
  steps.push_back({std::move(rule), algebra.print(e) + " = " + algebra.print(value)});
  return true;
}

void Unwinder::requirePositive(Expr e) {
  if (!algebra.isPositive(e))
    conditions.push_back(algebra.compare(Relation::Greater, e, algebra.constant(0)));
}

bool Unwinder::failAtFactor(Expr factor) {
  if (factor->kind == Kind::Product)
    for (auto [exponent, node] : factor->terms)
      if (exponent < 0 && !algebra.isNonZero(node))
        return failAtParameter("the denominator " + algebra.print(node) + " can be 0");
  return failAtParameter("the factor " + algebra.print(factor) + " can be 0");
}

//===----------------------------------------------------------------------===//
// Sums and products
//===----------------------------------------------------------------------===//

bool Unwinder::advanceSum(Expr &e, Expr &value) {
  if (std::optional<Linear> linear = matchLinear(algebra, e)) {
    if (!algebra.isNonZero(linear->slope))
      return failAtFactor(linear->slope);
    Expr rest = algebra.subtract(value, linear->offset);
    if (linear->slope->isConstant(1))
      return take(e, value, "subtract " + algebra.print(linear->offset), linear->node, rest);
    std::string rule = "divide by " + algebra.print(linear->slope);
    if (!linear->offset->isConstant(0))
      rule = "subtract " + algebra.print(linear->offset) + ", " + rule;
    return take(e, value, rule, linear->node, algebra.divide(rest, linear->slope));
  }
  std::vector<Term> dependent;
  Expr offset = algebra.constant(e->number);
  for (const Term &term : e->terms)
    if (dependsOnVariable(term.node))
      dependent.push_back(term);
    else
      offset = algebra.sum(0, {{1, offset}, term});
  // c log(u) + c log(v) = c log(u v); each has to be defined, so u v > 0 is not enough
  // in general, but where u or v is negative the sum is undefined in both directions.
  double scale = std::abs(dependent[0].factor);
  bool areLogs = std::all_of(dependent.begin(), dependent.end(), [&](const Term &term) {
    return term.node->is(Function::Log) && std::abs(term.factor) == scale;
  });
  if (areLogs && dependent.size() == 2) {
    std::vector<Term> factors;
    for (const Term &term : dependent)
      factors.push_back({term.factor / scale, term.node->argument()});
    Expr argument = algebra.product(1, factors);
    Expr rest = algebra.product(1 / scale, {{1, algebra.subtract(value, offset)}});
    return take(e, value, "log(u) + log(v) = log(u*v)", argument, algebra.call(Function::Exp, rest));
  }
  if (advanceInverseSoftplus(e, value, dependent))
    return true;
  Expr whole = algebra.sum(0, dependent), factored = algebra.factorize(whole);
  if (factored != whole)
    return take(e, value, "take out what the terms share", factored, algebra.subtract(value, offset));
  return fail(algebra.getName(algebra.getVariable()) + " occurs in more than one term of " + algebra.print(e));
}

/// k w + k log(1 - exp(-w)) = v: w = softplus(v/k).
bool Unwinder::advanceInverseSoftplus(Expr &e, Expr &value, std::span<const Term> dependent) {
  for (auto [k, node] : dependent) {
    Expr sum = node->is(Function::Log) ? node->argument() : nullptr;
    bool isComplement = sum && sum->kind == Kind::Sum && sum->number == 1 && sum->terms.size() == 1 &&
                        sum->terms[0].factor == -1 && sum->terms[0].node->is(Function::Exp);
    if (!isComplement)
      continue;
    Expr w = algebra.negate(sum->terms[0].node->argument());
    Expr rest = algebra.sum(0, {{1, e}, {-k, node}, {-k, w}});
    if (dependsOnVariable(rest))
      continue;
    Expr part = algebra.scale(1 / k, algebra.subtract(value, rest));
    return take(e, value, "apply softplus, the inverse of v + log(1 - exp(-v))", w,
                algebra.call(Function::Softplus, part));
  }
  return false;
}

/// t (c + d |t|^n)^(-1/n) = v for c > 0: t = v (c / (1 - d |v|^n))^(1/n), if 1 - d |v|^n > 0.
bool Unwinder::advanceRootFraction(Expr &e, Expr &value) {
  if (e->terms.size() != 2)
    return false;
  for (size_t i : {0, 1}) {
    auto [one, t] = e->terms[i];
    auto [exponent, sum] = e->terms[1 - i];
    std::optional<Linear> linear =
        one == 1 && exponent < 0 && sum->kind == Kind::Sum ? matchLinear(algebra, sum) : std::nullopt;
    // Only a positive base has a root, but a whole power may be of a negative one.
    if (linear && isInteger(exponent) && !rangeOf(sum).isPositive())
      continue;
    double n = -1 / exponent;
    Expr size = algebra.power(isEven(n) ? t : algebra.call(Function::Abs, t), n);
    if (!linear || linear->node != size || !algebra.isPositive(linear->offset))
      continue;
    Expr magnitude = algebra.power(isEven(n) ? value : algebra.call(Function::Abs, value), n);
    Expr rest = algebra.sum(1, {{-1, algebra.multiply(linear->slope, magnitude)}});
    requirePositive(rest);
    Expr scale = algebra.power(algebra.divide(linear->offset, rest), 1 / n);
    return take(e, value, "solve the fraction for " + algebra.print(t), t, algebra.multiply(value, scale));
  }
  return false;
}

/// `sum` as c part + rest with a number c, as 1 - p of p.
static std::optional<Linear> matchMultiple(Algebra &algebra, Expr sum, Expr part) {
  auto isDependent = [&](const Term &term) { return algebra.dependsOn(term.node, algebra.getVariable()); };
  if (sum->kind != Kind::Sum || part->kind != Kind::Sum)
    return std::nullopt;
  auto first = std::ranges::find_if(part->terms, isDependent);
  auto same = std::ranges::find_if(sum->terms, [&](const Term &term) { return term.node == first->node; });
  if (same == sum->terms.end())
    return std::nullopt;
  double ratio = same->factor / first->factor;
  Expr rest = algebra.subtract(sum, algebra.scale(ratio, part));
  if (algebra.dependsOn(rest, algebra.getVariable()))
    return std::nullopt;
  return Linear{algebra.constant(ratio), part, rest};
}

/// (a t + b) / (c t + d) = v: t = (d v - b) / (a - c v).
bool Unwinder::advanceFraction(Expr &e, Expr &value) {
  Expr above = algebra.constant(1), below = above;
  for (auto [exponent, node] : e->terms)
    if (exponent == -1)
      below = algebra.multiply(below, node);
    else
      above = algebra.multiply(above, algebra.power(node, exponent));
  std::optional<Linear> top = matchLinear(algebra, above), bottom = matchLinear(algebra, below);
  if (top && bottom && top->node != bottom->node)
    top = expandLinear(algebra, above), bottom = expandLinear(algebra, below);
  if ((!top || !bottom || top->node != bottom->node) && (bottom = matchMultiple(algebra, below, above)))
    top = Linear{algebra.constant(1), above, algebra.constant(0)};
  if (advanceRootFraction(e, value))
    return true;
  if (!top || !bottom || top->node != bottom->node)
    return fail(algebra.getName(algebra.getVariable()) + " occurs in more than one factor of " + algebra.print(e));
  Expr first = algebra.multiply(top->slope, bottom->offset), second = algebra.multiply(bottom->slope, top->offset);
  Expr determinant = algebra.subtract(first, second);
  if (!algebra.isNonZero(determinant))
    return fail(algebra.print(e) + " is constant where " + algebra.print(determinant) + " = 0");
  Expr denominator = algebra.subtract(top->slope, algebra.multiply(bottom->slope, value));
  // Values that are never a / c are those of one side of the pole.
  bool isOneSide = algebra.isNonZero(denominator);
  if (!isOneSide && rangeOf(below).containsZero())
    return fail("the denominator " + algebra.print(below) + " can be 0");
  Expr solved = algebra.divide(algebra.subtract(algebra.multiply(bottom->offset, value), top->offset), denominator);
  // c t + d = (a d - b c) / (a - c v): the sign of a - c v tells on which side of the pole t is.
  bool isPositive = rangeOf(below).isPositive() == algebra.isPositive(determinant);
  if (!isOneSide)
    requirePositive(isPositive ? denominator : algebra.negate(denominator));
  return take(e, value, "solve the fraction for " + algebra.print(top->node), top->node, solved);
}

bool Unwinder::advancePower(Expr &e, Expr &value, Expr base, double exponent) {
  Interval values = rangeOf(base);
  if (!isInteger(exponent))
    values = values.clippedTo(Interval::positive());
  double inverse = 1 / exponent;
  // What an odd power has the sign of has it, too.
  Interval given = algebra.range(value);
  if (isInteger(exponent) && !isEven(exponent) && (given.isPositive() || given.isNegative()))
    values = values.clippedTo(given.isPositive() ? Interval::positive() : -Interval::positive());
  if (exponent < 0 && values.contains(0))
    return fail(algebra.print(base) + " in the denominator can be 0");
  if (isInteger(exponent) && exponent < 0 && !isEven(exponent))
    requirePositive(values.isPositive() ? value : algebra.negate(value));
  std::string rule = exponent == -1    ? "take the reciprocal"
                     : exponent == 2   ? "take the square root"
                     : exponent == 0.5 ? "square"
                                       : "raise to the power 1/" + printNumber(exponent);
  if (values.isNonNegative()) {
    // A whole power is defined for negative numbers too, which have no preimage.
    if (isInteger(inverse) && exponent != -1)
      conditions.push_back(algebra.compare(Relation::GreaterEqual, value, algebra.constant(0)));
    return take(e, value, rule, base, algebra.power(value, inverse));
  }
  if (!isEven(exponent)) {
    Expr size = algebra.power(algebra.call(Function::Abs, value), inverse);
    Expr root = exponent == -1 ? algebra.power(value, -1) : algebra.multiply(algebra.call(Function::Sign, value), size);
    return take(e, value, rule, base, root);
  }
  if (values.isNonPositive())
    return take(e, value, rule + " (the negative one)", base, algebra.negate(algebra.power(value, inverse)));
  return fail(algebra.print(algebra.power(base, exponent)) + " has equal values at " + algebra.print(base) +
              " and its negative");
}

bool Unwinder::advanceProduct(Expr &e, Expr &value) {
  std::vector<Term> free, dependent;
  for (const Term &term : e->terms)
    (dependsOnVariable(term.node) ? dependent : free).push_back(term);
  if (!free.empty()) {
    Expr factor = algebra.product(1, free);
    if (!algebra.isNonZero(factor))
      return failAtFactor(factor);
    return take(e, value, "divide by " + algebra.print(factor), algebra.product(1, dependent),
                algebra.divide(value, factor));
  }
  return dependent.size() == 1 ? advancePower(e, value, dependent[0].node, dependent[0].factor)
                               : advanceFraction(e, value);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

bool Unwinder::advanceFunction(Expr &e, Expr &value) {
  Expr u = e->argument();
  auto call = [&](Function f, Expr argument) { return algebra.call(f, argument); };
  if (std::optional<Function> inverse = getRow(e->function).inverse) {
    // The tangent is defined beyond the values of atan.
    if (e->is(Function::Atan))
      conditions.push_back(
          algebra.compare(Relation::Less, call(Function::Abs, value), algebra.constant(std::numbers::pi / 2)));
    return take(e, value, "apply " + std::string(getName(*inverse)), u, call(*inverse, value));
  }
  switch (e->function) {
  case Function::Sigmoid: {
    Expr log = call(Function::Log, value), rest = call(Function::Log, algebra.sum(1, {{-1, value}}));
    return take(e, value, "apply log(v) - log(1 - v), the inverse of sigmoid", u, algebra.subtract(log, rest));
  }
  case Function::Softplus: {
    Expr rest = algebra.sum(1, {{-1, call(Function::Exp, algebra.negate(value))}});
    return take(e, value, "apply v + log(1 - exp(-v)), the inverse of softplus", u,
                algebra.add(value, call(Function::Log, rest)));
  }
  case Function::Log1mExp: {
    Expr size = algebra.negate(value);
    requirePositive(size);
    return take(e, value, "apply -log1mexp(-v), the inverse of log1mexp", u,
                algebra.negate(call(Function::Log1mExp, size)));
  }
  case Function::Pow: {
    Expr exponent = e->argument(1);
    if (dependsOnVariable(exponent))
      break;
    if (!algebra.isNonZero(exponent))
      return failAtParameter("the exponent " + algebra.print(exponent) + " can be 0");
    // Where the exponent is a whole number, a negative one has a power, too.
    if (!algebra.range(value).isNonNegative())
      conditions.push_back(algebra.compare(Relation::GreaterEqual, value, algebra.constant(0)));
    return take(e, value, "raise to the power 1/" + algebra.print(exponent), u,
                algebra.power(value, algebra.power(exponent, -1)));
  }
  default:
    break;
  }
  return fail(std::string(getName(e->function)) + " has no inverse in closed form");
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

bool Unwinder::advance(Expr &e, Expr &value) {
  switch (e->kind) {
  case Kind::Sum:
    return advanceSum(e, value);
  case Kind::Product:
    return advanceProduct(e, value);
  case Kind::Function:
    return advanceFunction(e, value);
  default:
    return fail(algebra.getName(algebra.getVariable()) + " occurs in a `where`");
  }
}

Expr Unwinder::restrictLevel() {
  for (Expr condition : conditions) {
    level = algebra.select(condition, level, algebra.undefined());
    steps.push_back({"if " + algebra.print(condition), algebra.print(rest) + " = " + algebra.print(level)});
  }
  return level;
}

Expr Unwinder::solve(Expr function) {
  rest = function, level = image;
  steps.clear();
  // Every step takes away an operation, but for two that rearrange.
  constexpr int kMaxSteps = 200;
  for (int i = 0; i < kMaxSteps; ++i) {
    if (rest == algebra.getVariable())
      return restrictLevel();
    if (!advance(rest, level)) {
      restrictLevel();
      return nullptr;
    }
  }
  reason = "it does not unwind";
  return nullptr;
}

} // namespace flowc::symbolic
