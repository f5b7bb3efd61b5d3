//===- ProductRules.cpp - Rules that make products stable -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As those for sums (Rules.cpp), every rule holds exactly for real numbers, where its left
// side is defined.
//
//===----------------------------------------------------------------------===//

#include "Solver.h"
#include "flowc/Symbolic/Expression.h"

#include <algorithm>
#include <cmath>

namespace flowc::symbolic {

/// The first factor that `matches`; null if there is none.
template <typename Matches>
static Term *findFactor(std::vector<Term> &factors, Matches matches) {
  auto it = std::find_if(factors.begin(), factors.end(), matches);
  return it == factors.end() ? nullptr : &*it;
}

/// The term k exp(u) of a node that is c + k exp(u); null for others.
static const Term *matchShiftedExp(Expr node) {
  bool matches = node->kind == Kind::Sum && node->terms.size() == 1 && node->terms[0].node->is(Function::Exp);
  return matches ? &node->terms[0] : nullptr;
}

/// (c + k exp(u))^-n = (sigmoid(-u - log(k/c)) / c)^n.
bool Algebra::applySigmoidRule(Product &product, Term &term) {
  Expr node = term.node;
  const Term *exponential = matchShiftedExp(node);
  if (!exponential || term.factor >= 0 || node->number <= 0 || exponential->factor <= 0)
    return false;
  double c = node->number, k = exponential->factor;
  Expr u = this->sum(std::log(k / c), {{1, exponential->node->argument()}});
  Expr to = call(Function::Sigmoid, negate(u));
  note("1/(1 + exp(u)) = sigmoid(-u)", "1/(" + print(node) + ")", to);
  product.factor *= std::pow(c, term.factor);
  term = {-term.factor, to};
  return true;
}

/// exp(u) sigmoid(-u) = sigmoid(u).
bool Algebra::applyExpRule(Product &product, Term &term) {
  Expr node = term.node;
  if (!node->is(Function::Sigmoid) || !isInteger(term.factor) || term.factor <= 0)
    return false;
  Expr v = node->argument();
  Term *exponential = findFactor(product.factors, [&](const Term &other) {
    return other.node->is(Function::Exp) && other.factor == 1 && other.node->argument() == negate(v);
  });
  if (!exponential)
    return false;
  note("exp(u)*sigmoid(-u) = sigmoid(u)", print(exponential->node) + "*" + print(node),
       call(Function::Sigmoid, negate(v)));
  exponential->node = call(Function::Sigmoid, negate(v));
  term.factor -= 1;
  return true;
}

/// (exp(v) - 1) sigmoid(-v) = tanh(v/2), and with a factor.
bool Algebra::applyExpMinus1Rule(Product &product, Term &term) {
  Expr node = term.node;
  const Term *exponential = matchShiftedExp(node);
  if (!exponential || term.factor != 1 || node->number == 0 || node->number != -exponential->factor)
    return false;
  Expr v = exponential->node->argument();
  Term *sigmoid = findFactor(product.factors, [&](const Term &other) {
    return other.node->is(Function::Sigmoid) && other.node->argument() == negate(v) && other.factor >= 1;
  });
  if (!sigmoid)
    return false;
  Expr to = call(Function::Tanh, scale(0.5, v));
  note("(exp(u) - 1)/(exp(u) + 1) = tanh(u/2)", "(" + print(node) + ")*" + print(sigmoid->node), to);
  product.factor *= exponential->factor;
  sigmoid->factor -= 1;
  term = {1, to};
  return true;
}

/// u u^v = u^(v + 1), which both are for u >= 0 only: at 0 the product may be one of 0 and
/// infinity. u may be a multiple of the other factor: x (-x)^v = -(-x)^(v + 1).
bool Algebra::applyPowRule(Product &product, Term &term) {
  Expr node = term.node;
  if (!node->is(Function::Pow) || term.factor != 1)
    return false;
  Expr u = node->argument(0);
  double multiple = isMultiple(u) ? u->terms[0].factor : 1;
  Expr part = isMultiple(u) ? u->terms[0].node : u;
  Term *base = findFactor(product.factors, [&](const Term &other) {
    return other.node == part && (isInteger(other.factor) || (multiple > 0 && range(u).isNonNegative()));
  });
  if (!base)
    return false;
  Expr to = call(Function::Pow, u, this->sum(base->factor, {{1, node->argument(1)}}));
  note("u^k*u^v = u^(k + v)", print(base->node) + "*" + print(node), to);
  product.factor *= std::pow(multiple, -base->factor);
  base->factor = 0;
  term = {1, to};
  return true;
}

/// sinh(u) / cosh(u) = tanh(u).
bool Algebra::applySinhRule(Product &product, Term &term) {
  Expr node = term.node;
  if (!node->is(Function::Cosh) || term.factor >= 0)
    return false;
  Expr u = node->argument();
  Term *sinh = findFactor(product.factors, [&](const Term &other) {
    return other.node->is(Function::Sinh) && other.node->argument() == u && other.factor > 0;
  });
  if (!sinh)
    return false;
  note("sinh(u)/cosh(u) = tanh(u)", print(sinh->node) + "/" + print(node), call(Function::Tanh, u));
  sinh->factor -= 1;
  term.factor += 1;
  product.factors.push_back({1, call(Function::Tanh, u)});
  return true;
}

/// 1 / cosh(u)^2 = 4 sigmoid(2 u) sigmoid(-2 u).
bool Algebra::applyCoshRule(Product &product, Term &term) {
  Expr node = term.node;
  if (!node->is(Function::Cosh) || term.factor > -2)
    return false;
  Expr twice = scale(2, node->argument());
  Expr a = call(Function::Sigmoid, twice), b = call(Function::Sigmoid, negate(twice));
  note("1/cosh(u)^2 = 4*sigmoid(2*u)*sigmoid(-2*u)", "1/" + print(node) + "^2", scale(4, multiply(a, b)));
  product.factor *= 4;
  term.factor += 2;
  product.factors.push_back({1, a});
  product.factors.push_back({1, b});
  return true;
}

/// sign(u)^2 = 1.
bool Algebra::applyPowerOfSignRule(Product &, Term &term) {
  if (!term.node->is(Function::Sign) || !isInteger(term.factor) || std::abs(term.factor) <= 1)
    return false;
  term.factor = isEven(term.factor) ? 0 : 1;
  return true;
}

/// u sign(u) = |u|, |u| sign(u) = u.
bool Algebra::applySignRule(Product &product, Term &term) {
  Expr node = term.node;
  if (!node->is(Function::Sign))
    return false;
  Expr u = node->argument();
  Expr size = call(Function::Abs, u);
  Term *other = findFactor(product.factors, [&](const Term &factor) {
    return (factor.node == u || factor.node == size) && isInteger(factor.factor) && !isEven(factor.factor);
  });
  if (!other)
    return false;
  Expr to = other->node == u ? size : u;
  note(to == size ? "u*sign(u) = |u|" : "|u|*sign(u) = u", print(other->node) + "*" + print(node), to);
  other->factor -= 1;
  term = {1, to};
  return true;
}

bool Algebra::applyProductRules(Product &product) {
  if (isExhausted())
    return false;
  static constexpr bool (Algebra::*kRules[])(Product &, Term &) = {
      &Algebra::applySigmoidRule, &Algebra::applyExpRule,  &Algebra::applyExpMinus1Rule,   &Algebra::applyPowRule,
      &Algebra::applySinhRule,    &Algebra::applyCoshRule, &Algebra::applyPowerOfSignRule, &Algebra::applySignRule,
  };
  for (Term &term : product.factors)
    for (auto rule : kRules)
      if ((this->*rule)(product, term))
        return true;
  return false;
}

} // namespace flowc::symbolic
