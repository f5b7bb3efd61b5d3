//===- DefinedWhere.cpp - Where formulas are defined as written -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Symbolic/DefinedWhere.h"

#include "Solver.h"

#include <map>
#include <set>

namespace flowc::symbolic {

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

Expr reduceSign(Algebra &algebra, Expr e) {
  if (e->kind == Kind::Product) {
    std::vector<Term> factors;
    for (auto [exponent, node] : e->terms)
      if (!algebra.isPositive(node) && !isEven(exponent))
        factors.push_back({isInteger(exponent) ? 1 : exponent, node});
    return algebra.product(1, factors);
  }
  if (e->kind == Kind::Function && getRow(e->function).parity == Parity::Odd && getRow(e->function).rising)
    return reduceSign(algebra, e->argument());
  if (e->kind != Kind::Sum || e->terms.size() != 1)
    return e;
  auto [factor, node] = e->terms[0];
  if (e->number == 0)
    return factor > 0 ? reduceSign(algebra, node) : algebra.negate(reduceSign(algebra, node));
  if (bool isReciprocal = node->kind == Kind::Product && node->terms.size() == 1 && node->terms[0].factor == -1;
      isReciprocal && algebra.isPositive(node->terms[0].node))
    return reduceSign(algebra, algebra.sum(factor, {{e->number, node->terms[0].node}}));
  if (!node->is(Function::Exp) || e->number / factor >= 0)
    return e;
  Expr distance = algebra.sum(-std::log(-e->number / factor), {{1, node->argument()}});
  return factor > 0 ? distance : algebra.negate(distance);
}

/// e > 0, or e >= 0; null if that holds but for single points.
static Expr atLeastZero(Algebra &algebra, Expr e, bool isStrict) {
  if (algebra.range(e).isNonNegative())
    return nullptr;
  Expr sign = reduceSign(algebra, e);
  if (algebra.range(sign).isNonNegative())
    return nullptr;
  return algebra.compare(isStrict ? Relation::Greater : Relation::GreaterEqual, sign, algebra.constant(0));
}

Expr bothHold(Algebra &algebra, Expr a, Expr b) {
  if (!a || !b || a == b)
    return a ? a : b;
  return algebra.select(a, b, algebra.constant(0));
}

Expr holdsInArms(Algebra &algebra, Expr condition, Expr yes, Expr no) {
  if (!yes && !no)
    return nullptr;
  Expr holds = algebra.constant(1);
  Expr both = algebra.select(condition, yes ? yes : holds, no ? no : holds);
  return both->isConstant(1) ? nullptr : both;
}

Expr getCondition(Algebra &algebra, Function function, std::span<const Expr> arguments) {
  if (function == Function::Pow)
    return getPowerCondition(algebra, arguments[0], arguments[1]);
  const FunctionRow &row = getRow(function);
  // log1mexp is written for either sign; the table has the algebra's domain, that of |x|.
  if (row.domain.isAll() || function == Function::Log1mExp)
    return nullptr;
  Expr u = arguments[0], result = nullptr;
  if (row.domain.low > -Interval::kInfinity)
    result = atLeastZero(algebra, algebra.sum(-row.domain.low, {{1, u}}), row.domain.lowOpen);
  if (row.domain.high < Interval::kInfinity)
    result =
        bothHold(algebra, result, atLeastZero(algebra, algebra.sum(row.domain.high, {{-1, u}}), row.domain.highOpen));
  return result;
}

Expr getPowerCondition(Algebra &algebra, Expr base, Expr exponent) {
  if (exponent->isConstant() && isInteger(exponent->number))
    return nullptr;
  return atLeastZero(algebra, base, exponent->isConstant() && exponent->number < 0);
}

// Selects of numbers: those of conditions are none that code is emitted for.
Expr restrict(Algebra &algebra, Expr value, Expr condition) {
  if (!condition)
    return value;
  if (condition->isConstant())
    return condition->number != 0 ? value : algebra.undefined();
  if (condition->kind != Kind::Select)
    return algebra.select(condition, value, algebra.undefined());
  Expr decider = condition->argument(0), yes = restrict(algebra, value, condition->argument(1));
  if (condition->argument(2)->isConstant(0))
    return restrict(algebra, yes, decider);
  return algebra.select(decider, yes, restrict(algebra, value, condition->argument(2)));
}

//===----------------------------------------------------------------------===//
// What simplified formulas have lost
//===----------------------------------------------------------------------===//

namespace {

/// Takes conditions away that the value makes sure of.
class LossFinder {
public:
  LossFinder(Algebra &algebra, Expr value, Powers powers) : algebra(algebra), value(value), powers(powers) {}

  Expr find(Expr condition) { return prune(condition, {}); }

private:
  /// Conditions of `where`s that hold, or do not, on the way to a part.
  using Path = std::map<Expr, bool>;

  /// What must hold for the value to be a number on `path`.
  const std::set<Expr> &getEnforced(const Path &path);
  void collect(Expr e, const Path &path, std::set<Expr> &seen, std::set<Expr> &enforced);
  Expr prune(Expr condition, const Path &path);

  Algebra &algebra;
  Expr value;
  Powers powers;
  std::map<Path, std::set<Expr>> known;
  std::map<std::pair<Path, Expr>, Expr> pruned;
};

} // namespace

void LossFinder::collect(Expr e, const Path &path, std::set<Expr> &seen, std::set<Expr> &enforced) {
  if (!seen.insert(e).second || !algebra.spend(1))
    return;
  if (e->kind == Kind::Select) {
    // What is compared decides, but a comparison of NaN is false, not NaN.
    if (auto it = path.find(e->argument(0)); it != path.end())
      collect(e->argument(it->second ? 1 : 2), path, seen, enforced);
    return;
  }
  std::vector<Expr> arguments;
  for (const Term &term : e->terms) {
    collect(term.node, path, seen, enforced);
    arguments.push_back(term.node);
    if (e->kind == Kind::Product)
      enforced.insert(getPowerCondition(algebra, term.node, algebra.constant(term.factor)));
  }
  if (e->kind == Kind::Function && (powers == Powers::Ieee || !e->is(Function::Pow)))
    enforced.insert(getCondition(algebra, e->function, arguments));
}

const std::set<Expr> &LossFinder::getEnforced(const Path &path) {
  auto [it, isNew] = known.try_emplace(path);
  if (isNew) {
    std::set<Expr> seen;
    collect(value, path, seen, it->second);
    // Two conditions in one, and u > 0 where u >= 0 is asked for.
    std::vector<Expr> open(it->second.begin(), it->second.end());
    while (!open.empty()) {
      Expr e = open.back();
      open.pop_back();
      std::vector<Expr> parts;
      if (e && e->kind == Kind::Select)
        parts = {e->argument(0), e->argument(1)};
      else if (e && e->kind == Kind::Compare && e->relation == Relation::Greater)
        parts = {algebra.compare(Relation::GreaterEqual, e->argument(0), e->argument(1))};
      for (Expr part : parts)
        if (it->second.insert(part).second)
          open.push_back(part);
    }
  }
  return it->second;
}

Expr LossFinder::prune(Expr condition, const Path &path) {
  if (condition->isConstant() || !algebra.spend(1))
    return condition;
  if (auto it = path.find(condition); it != path.end())
    return algebra.constant(it->second ? 1 : 0);
  if (getEnforced(path).count(condition))
    return algebra.constant(1);
  if (condition->kind != Kind::Select)
    return condition;
  auto [it, isNew] = pruned.try_emplace({path, condition}, condition);
  if (!isNew)
    return it->second;
  Expr decider = prune(condition->argument(0), path);
  Expr result;
  if (decider->isConstant()) {
    result = prune(condition->argument(decider->number != 0 ? 1 : 2), path);
  } else {
    // Both of two conditions need no look at the arms of the value.
    bool isBoth = condition->argument(2)->isConstant(0);
    Path yes = path, no = path;
    if (!isBoth) {
      yes[condition->argument(0)] = true;
      no[condition->argument(0)] = false;
    }
    result = algebra.select(decider, prune(condition->argument(1), yes), prune(condition->argument(2), no));
  }
  return pruned[{path, condition}] = result;
}

Expr findLostCondition(Algebra &algebra, Expr value, Expr condition, Powers powers) {
  if (!condition || value->isConstant())
    return condition;
  Expr lost = LossFinder(algebra, value, powers).find(condition);
  return lost->isConstant(1) ? nullptr : lost;
}

} // namespace flowc::symbolic
