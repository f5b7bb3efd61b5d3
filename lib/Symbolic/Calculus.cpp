//===- Calculus.cpp - Derivatives and their logarithms --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Symbolic/Expression.h"
#include "Solver.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace flowc::symbolic {

//===----------------------------------------------------------------------===//
// Derivative
//===----------------------------------------------------------------------===//

Expr Algebra::derivative(Expr e, Expr symbol) {
  if (e == symbol)
    return constant(1);
  if (!dependsOn(e, symbol))
    return constant(0);
  std::vector<Expr> slopes; // of the arguments
  for (const Term &term : e->terms) {
    slopes.push_back(e->kind == Kind::Compare ? constant(0) : derivative(term.node, symbol));
    if (!slopes.back())
      return nullptr;
  }
  switch (e->kind) {
  case Kind::Constant:
  case Kind::Symbol:
  case Kind::Compare:
    return constant(0);
  case Kind::Sum: {
    std::vector<Term> terms;
    for (size_t i = 0; i < slopes.size(); ++i)
      terms.push_back({e->terms[i].factor, slopes[i]});
    return shareSums(sum(0, std::move(terms)));
  }
  case Kind::Product: {
    std::vector<Term> terms;
    for (size_t i = 0; i < slopes.size(); ++i) {
      std::vector<Term> factors = e->terms;
      double exponent = factors[i].factor;
      factors[i].factor -= 1;
      factors.push_back({1, slopes[i]});
      terms.push_back({exponent, product(1, std::move(factors))});
    }
    return factorize(sum(0, std::move(terms)));
  }
  case Kind::Select:
    return select(e->argument(0), slopes[1], slopes[2]);
  case Kind::Function:
    break;
  }
  Expr u = e->argument();
  if (e->terms.size() == 1) {
    auto slope = getRow(e->function).derivative;
    return slope ? multiply(slope(*this, u), slopes[0]) : nullptr;
  }
  Expr v = e->argument(1);
  if (e->function == Function::Min || e->function == Function::Max) {
    Relation wins = e->function == Function::Min ? Relation::Less : Relation::Greater;
    return select(compare(wins, u, v), slopes[0], slopes[1]);
  }
  // (u^v)' = v u^(v-1) u' + u^v log(u) v'.
  Expr ofBase = product(1, {{1, v}, {1, call(Function::Pow, u, sum(-1, {{1, v}}))}, {1, slopes[0]}});
  Expr ofExponent =
      slopes[1]->isConstant(0) ? slopes[1] : product(1, {{1, e}, {1, call(Function::Log, u)}, {1, slopes[1]}});
  return add(ofBase, ofExponent);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

static std::vector<Term> factorsOf(Expr e) { return e->kind == Kind::Product ? e->terms : std::vector<Term>{{1, e}}; }

/// The factor u^v of a product that has a power of the base u.
static Term *findPower(std::vector<Term> &factors, Expr base) {
  auto isOfBase = [&](const Term &f) {
    return f.factor == 1 && f.node->is(Function::Pow) && f.node->argument(0) == base;
  };
  auto it = std::find_if(factors.begin(), factors.end(), isOfBase);
  return it == factors.end() ? nullptr : &*it;
}

/// u^(v + k) = u^v u^k for u > 0 and whole k: what all `products` have of u becomes u^v and
/// whole powers.
static void splitPowers(Algebra &algebra, std::vector<std::vector<Term>> &products, Expr base) {
  std::vector<double> shifts;
  Expr exponent = findPower(products[0], base)->node->argument(1);
  for (std::vector<Term> &factors : products) {
    Term *power = findPower(factors, base);
    Expr shift = power ? algebra.subtract(power->node->argument(1), exponent) : nullptr;
    if (!shift || !shift->isConstant() || !isInteger(shift->number))
      return;
    shifts.push_back(shift->number);
  }
  double least = *std::min_element(shifts.begin(), shifts.end());
  Expr common = algebra.power(base, algebra.sum(least, {{1, exponent}}));
  for (size_t i = 0; i < products.size(); ++i) {
    findPower(products[i], base)->node = common;
    if (shifts[i] > least)
      products[i].push_back({shifts[i] - least, base});
  }
}

Expr Algebra::factorize(Expr e) {
  Recursion recursion(*this);
  if (isExhausted() || e->kind != Kind::Sum || e->number != 0 || e->terms.size() < 2)
    return e;
  std::vector<std::vector<Term>> products;
  for (const Term &term : e->terms)
    products.push_back(factorsOf(term.node));
  for (const Term &factor : factorsOf(e->terms[0].node))
    if (factor.factor == 1 && factor.node->is(Function::Pow) && isPositive(factor.node->argument(0)))
      splitPowers(*this, products, factor.node->argument(0));
  // The smallest exponents of the bases that all terms have.
  std::vector<Term> common = products[0];
  for (const std::vector<Term> &factors : products) {
    std::vector<Term> shared;
    for (const Term &candidate : common) {
      auto it = std::find_if(factors.begin(), factors.end(), [&](const Term &f) { return f.node == candidate.node; });
      if (it != factors.end())
        shared.push_back({std::min(candidate.factor, it->factor), candidate.node});
    }
    common = std::move(shared);
  }
  if (common.empty())
    return e;
  std::vector<Term> rest;
  for (size_t i = 0; i < products.size(); ++i) {
    // What is taken out leaves by its exponent: as factors of their own, u^-1 and u need
    // not cancel (x^n and x^-n are two powers of one exponent each).
    // One of them only: x^1 and x^0.5 are two factors of a base that may be negative.
    std::vector<Term> factors = std::move(products[i]);
    for (const Term &candidate : common)
      std::find_if(factors.begin(), factors.end(), [&](const Term &f) { return f.node == candidate.node; })->factor -=
          candidate.factor;
    rest.push_back({e->terms[i].factor, product(1, std::move(factors))});
  }
  std::vector<Term> factors = std::move(common);
  factors.push_back({1, factorize(sum(0, std::move(rest)))});
  return product(1, std::move(factors));
}

Expr Algebra::shareSums(Expr e) {
  Recursion recursion(*this);
  if (isExhausted() || e->kind != Kind::Sum || e->terms.size() < 2 || !spend(e->terms.size()))
    return e;
  // The product is the youngest term, as it was made of the others.
  Term last = e->terms.back();
  std::vector<Term> factors = factorsOf(last.node), common;
  auto isSum = [](const Term &factor) { return factor.factor == 1 && factor.node->kind == Kind::Sum; };
  if (last.node->kind != Kind::Product || std::none_of(factors.begin(), factors.end(), isSum))
    return e;
  std::vector<Term> others = factorsOf(shareSums(subtract(e, scale(last.factor, last.node))));
  for (const Term &factor : factors)
    for (const Term &other : others)
      if (factor.node == other.node && isSum(factor) && isSum(other))
        common.push_back(factor);
  if (common.empty())
    return e;
  auto divide = [&](std::vector<Term> from) {
    for (const Term &shared : common)
      std::erase_if(from, [&](const Term &factor) { return factor.node == shared.node; });
    return product(1, std::move(from));
  };
  common.push_back({1, sum(0, {{1, divide(others)}, {last.factor, divide(factors)}})});
  return product(1, std::move(common));
}

Expr Algebra::logAbs(Expr e) {
  Recursion recursion(*this);
  if (isExhausted())
    return call(Function::Log, call(Function::Abs, e));
  switch (e->kind) {
  case Kind::Constant:
    return constant(std::log(std::abs(e->number)));
  case Kind::Product: {
    std::vector<Term> terms;
    for (const Term &term : e->terms)
      terms.push_back({term.factor, logAbs(term.node)});
    return sum(0, std::move(terms));
  }
  case Kind::Select:
    return select(e->argument(0), logAbs(e->argument(1)), logAbs(e->argument(2)));
  case Kind::Sum:
    if (e->number == 0 && e->terms.size() == 1)
      return sum(std::log(std::abs(e->terms[0].factor)), {{1, logAbs(e->terms[0].node)}});
    if (Expr factored = factorize(e); factored != e && factored->kind != Kind::Sum)
      return logAbs(factored);
    if (range(e).isNegative())
      return call(Function::Log, negate(e));
    break;
  case Kind::Function:
    if (e->is(Function::Pow)) {
      // u^0 = 1, for u = 0 too, which has no logarithm.
      Expr exponent = e->argument(1), log = multiply(exponent, logAbs(e->argument(0)));
      return isNonZero(exponent) ? log : select(compare(Relation::Equal, exponent, constant(0)), constant(0), log);
    }
    break;
  default:
    break;
  }
  return call(Function::Log, call(Function::Abs, e));
}

} // namespace flowc::symbolic
