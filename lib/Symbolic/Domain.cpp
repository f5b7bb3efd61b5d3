//===- Domain.cpp - Where formulas are defined ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Solver.h"
#include "flowc/Symbolic/DefinedWhere.h"

#include <cmath>
#include <set>
#include <utility>

namespace flowc::symbolic {

static constexpr double kInfinity = Interval::kInfinity;

namespace {

/// Finds where a formula is defined, condition by condition.
class DomainFinder {
public:
  DomainFinder(Algebra &algebra, const Piece &piece, std::string &error)
      : domain(piece.domain), algebra(algebra), piece(piece), error(error) {}

  void visit(Expr e);
  /// Leaves the part where `condition` holds, which compares something or consists of such
  /// conditions.
  void visitCondition(Expr condition);
  /// Visits what a `where` chooses between that no piece decides: both have to leave the
  /// same part, or it is not known where the formula is defined.
  void visitArms(Expr select, void (DomainFinder::*visitArm)(Expr));
  void failAt(Expr decider) { error = "where it is defined depends on " + algebra.print(decider); }

  Interval domain;
  /// Whether the formula is defined nowhere.
  bool isEmpty = false;

private:
  /// `u`, an argument of something called `name`, has to lie in `allowed`.
  void require(Expr u, const Interval &allowed, const std::string &name);
  bool requirePositiveProduct(Expr u, const std::string &name);
  /// The factors of a product that decide on its sign.
  Expr dropPositiveFactors(Expr product);
  /// Whether all values of `u` can be shown to lie in `allowed`, whatever it takes.
  bool isShownInside(Expr u, const Interval &allowed);
  Sign signOf(Expr e) { return proveSignOn(algebra, e, getPart()).sign; }
  Interval rangeOf(Expr e) { return rangeOn(algebra, getPart(), e); }
  /// The piece, as far as the formula is known to be defined there.
  Piece getPart() const;
  void requireNonZero(Expr u);
  /// Leaves the part in `allowed`; `name` is that of what is defined there only.
  void narrow(const Interval &allowed, const std::string &name, Expr u);

  Algebra &algebra;
  const Piece &piece;
  std::string &error;
  std::set<Expr> seen;
};

} // namespace

/// What has a condition that the simplified formula does not show.
static constexpr const char *kAsWritten = "the formula, as it is written,";

/// What `name` is applied to.
static const char *getNoun(const std::string &name) {
  return name == kAsWritten ? "part" : name == "a power" ? "base" : "argument";
}

Piece DomainFinder::getPart() const {
  Piece part = piece;
  part.domain = domain;
  return part;
}

Expr DomainFinder::dropPositiveFactors(Expr product) {
  if (product->kind != Kind::Product)
    return product;
  std::vector<Term> rest;
  for (const Term &term : product->terms)
    if (!rangeOf(term.node).isPositive())
      rest.push_back(term);
  return rest.empty() ? product : algebra.product(1, rest);
}

bool DomainFinder::isShownInside(Expr u, const Interval &allowed) {
  auto isShown = [&](double factor, double end, bool isOpen) {
    if (!std::isfinite(end))
      return true;
    Sign sign = signOf(algebra.sum(-factor * end, {{factor, u}}));
    return sign == Sign::Positive || (!isOpen && isNonNegative(sign));
  };
  return isShown(1, allowed.low, allowed.lowOpen) && isShown(-1, allowed.high, allowed.highOpen);
}

void DomainFinder::require(Expr u, const Interval &allowed, const std::string &name) {
  Expr x = algebra.getVariable();
  if (rangeOf(u).isInside(allowed))
    return;
  bool isHalfLine = allowed.low == 0 && allowed.high == kInfinity;
  Expr decisive = isHalfLine ? dropPositiveFactors(u) : u;
  if (std::optional<Interval> preimage = findPreimage(algebra, decisive, allowed, domain))
    return narrow(*preimage, name, u);
  if ((isHalfLine && requirePositiveProduct(u, name)) || isShownInside(u, allowed) || !error.empty())
    return;
  Interval values = rangeOf(u);
  std::string trouble = !isHalfLine              ? " can leave its domain"
                        : values.isNonNegative() ? " can be 0"
                                                 : " can be negative";
  error = name + " is not defined everywhere: its " + getNoun(name) + " " + algebra.print(u) + trouble +
          (algebra.dependsOn(u, x) ? "" : ": give it a domain, as in `positive(1)`");
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
  if (!rangeOf(u).containsZero() || !error.empty() || isStrict(signOf(u)))
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
  if (e->kind == Kind::Select) {
    visit(e->argument(0));
    return visitArms(e, &DomainFinder::visit);
  }
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
  if (e->is(Function::Pow))
    require(e->argument(), algebra.isPositive(e->argument(1)) ? halfLine : Interval::positive(), "a power");
  else if (e->kind == Kind::Function && !getRow(e->function).domain.isAll())
    require(e->argument(), getRow(e->function).domain, std::string(getName(e->function)));
}

void DomainFinder::visitCondition(Expr condition) {
  if (condition->isConstant(0)) {
    isEmpty = true;
    error = std::string(kAsWritten) + " is defined nowhere";
  }
  if (!algebra.dependsOn(condition, algebra.getVariable()))
    return;
  if (condition->kind == Kind::Compare) {
    // Not only conditions of functions: what a `where` decides by, too, if its other arm is undefined.
    Relation relation = condition->relation;
    Expr low = condition->argument(1), high = condition->argument(0);
    if (relation == Relation::Less || relation == Relation::LessEqual)
      std::swap(low, high);
    else if (relation != Relation::Greater && relation != Relation::GreaterEqual)
      return failAt(condition);
    bool isStrict = relation == Relation::Greater || relation == Relation::Less;
    return require(algebra.subtract(high, low), Interval{0, kInfinity, isStrict, true}, kAsWritten);
  }
  // One condition and another, or the conditions of the arms of a `where`.
  if (!condition->argument(2)->isConstant(0))
    return visitArms(condition, &DomainFinder::visitCondition);
  visitCondition(condition->argument(0));
  visitCondition(condition->argument(1));
}

void DomainFinder::visitArms(Expr select, void (DomainFinder::*visitArm)(Expr)) {
  const Interval whole = domain;
  const std::set<Expr> known = seen;
  const bool wasEmpty = std::exchange(isEmpty, false);
  (this->*visitArm)(select->argument(1));
  const Interval first = std::exchange(domain, whole);
  const bool isFirstEmpty = std::exchange(isEmpty, false);
  seen = known;
  (this->*visitArm)(select->argument(2));
  bool isSame = isEmpty == isFirstEmpty && (isEmpty || (first.isInside(domain) && domain.isInside(first)));
  if (!isSame)
    failAt(select->argument(0));
  // What else is defined there only may make them the same.
  domain = isEmpty ? first : isFirstEmpty ? domain : hull(first, domain);
  isEmpty = wasEmpty || (isEmpty && isFirstEmpty);
}

std::optional<Interval> findDomain(Algebra &algebra, const Piece &piece, std::string &error) {
  // Conditions that narrow the line come to hold for each other: once more.
  DomainFinder narrow(algebra, piece, error);
  std::string ignored;
  DomainFinder first(algebra, piece, ignored);
  auto visit = [&](DomainFinder &finder, const Interval &within) {
    finder.domain = within;
    finder.visit(piece.function);
    for (Expr decider : piece.deciders)
      finder.visit(decider);
    if (piece.condition)
      finder.visitCondition(piece.condition);
  };
  visit(first, piece.domain);
  visit(narrow, first.domain);
  return narrow.isEmpty ? std::nullopt : std::optional(narrow.domain);
}

} // namespace flowc::symbolic
