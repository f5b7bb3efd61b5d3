//===- Domain.cpp - Where formulas are defined ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Solver.h"

#include <cmath>
#include <set>

namespace flowc::symbolic {

static constexpr double kInfinity = Interval::kInfinity;

namespace {

/// Finds where a formula is defined, condition by condition.
class DomainFinder {
public:
  DomainFinder(Algebra &algebra, std::string &error) : algebra(algebra), error(error) {}

  void visit(Expr e);

  Interval domain;
  /// Whether the formula is defined nowhere.
  bool isEmpty = false;

private:
  /// `u`, an argument of something called `name`, has to lie in `allowed`.
  void require(Expr u, const Interval &allowed, const std::string &name);
  bool requirePositiveProduct(Expr u, const std::string &name);
  void requireNonZero(Expr u);
  /// Leaves the part in `allowed`; `name` is that of what is defined there only.
  void narrow(const Interval &allowed, const std::string &name, Expr u);

  Algebra &algebra;
  std::string &error;
  std::set<Expr> seen;
};

} // namespace

/// What `name` is applied to.
static const char *getNoun(const std::string &name) { return name == "a power" ? "base" : "argument"; }

void DomainFinder::require(Expr u, const Interval &allowed, const std::string &name) {
  Expr x = algebra.getVariable();
  if (algebra.range(u, x, domain).isInside(allowed))
    return;
  std::optional<Linear> linear = matchLinear(algebra, u);
  bool isSimple = linear && linear->node == x && linear->slope->isConstant() && linear->offset->isConstant();
  if (!isSimple && allowed.low == 0 && requirePositiveProduct(u, name))
    return;
  if (!isSimple) {
    Interval values = algebra.range(u, x, domain);
    std::string trouble = allowed.low != 0 || allowed.high < kInfinity ? " can leave its domain"
                          : values.isNonNegative()                     ? " can be 0"
                                                                       : " can be negative";
    if (error.empty())
      error = name + " is not defined everywhere: its " + getNoun(name) + " " + algebra.print(u) + trouble +
              (algebra.dependsOn(u, x) ? "" : ": give it a domain, as in `positive(1)`");
    return;
  }
  double slope = linear->slope->number, offset = linear->offset->number;
  Interval mapped{(allowed.low - offset) / slope, (allowed.high - offset) / slope, true, true};
  if (slope < 0)
    std::swap(mapped.low, mapped.high);
  narrow(mapped, name, u);
}

void DomainFinder::narrow(const Interval &allowed, const std::string &name, Expr u) {
  Interval rest = domain.clippedTo(allowed);
  if (rest.isInside(domain)) {
    domain = rest;
    return;
  }
  isEmpty = true;
  error = name + " is defined nowhere: its " + getNoun(name) + " " + algebra.print(u) +
          " leaves its domain where the rest of the formula is defined";
}

/// For a product of powers of linear factors that is positive on one interval only.
bool DomainFinder::requirePositiveProduct(Expr u, const std::string &name) {
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
    narrow(*found, name, u);
  return found.has_value();
}

void DomainFinder::requireNonZero(Expr u) {
  Expr x = algebra.getVariable();
  Interval values = algebra.range(u, x, domain);
  if (!values.containsZero())
    return;
  Sign sign = proveSignOf(algebra, u, domain).sign;
  if (sign == Sign::Positive || sign == Sign::Negative)
    return;
  if (!error.empty())
    return;
  std::optional<Linear> linear = matchLinear(algebra, u);
  bool isSimple = linear && linear->node == x && algebra.isNonZero(linear->slope);
  error = "it divides by " + algebra.print(u) + ", which " + (isSimple ? "is 0" : "can be 0");
  if (isSimple)
    error += " at " + algebra.getName(x) + " = " +
             algebra.print(algebra.divide(algebra.negate(linear->offset), linear->slope));
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
  if (e->kind == Kind::Function && !getRow(e->function).domain.isAll())
    require(e->argument(), getRow(e->function).domain,
            e->is(Function::Pow) ? "a power" : std::string(getName(e->function)));
}

std::optional<Interval> findDomain(Algebra &algebra, const Piece &piece, std::string &error) {
  // Conditions that narrow the line come to hold for each other: once more.
  DomainFinder narrow(algebra, error);
  std::string ignored;
  DomainFinder first(algebra, ignored);
  auto visit = [&](DomainFinder &finder, const Interval &within) {
    finder.domain = within;
    finder.visit(piece.function);
    for (Expr decider : piece.deciders)
      finder.visit(decider);
  };
  visit(first, piece.domain);
  visit(narrow, first.domain);
  return narrow.isEmpty ? std::nullopt : std::optional(narrow.domain);
}

} // namespace flowc::symbolic
