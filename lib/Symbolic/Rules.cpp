//===- Rules.cpp - Rules that make formulas stable ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every rule holds exactly for real numbers (where its left side is defined) and
// takes away a cancellation, an overflow or an occurrence of the variable.
//
//===----------------------------------------------------------------------===//

#include "Solver.h"
#include "flowc/Symbolic/Expression.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace flowc::symbolic {

/// The base of a node that is `base ^ exponent`, else null.
static Expr matchPower(Expr e, double exponent) {
  bool matches = e->kind == Kind::Product && e->terms.size() == 1 && e->terms[0].factor == exponent;
  return matches ? e->terms[0].node : nullptr;
}

static bool isFunction(Expr e, Function function) { return e && e->is(function); }

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

void Algebra::Sum::replace(size_t i, double newConstant, Term term) {
  constant = newConstant;
  terms[i] = term;
}

/// atan(u) + pi/2 = 2 atan(exp(asinh(u))), for k atan(u) and a constant of k pi/2 or -k pi/2: what
/// is left far out does not cancel.
bool Algebra::applyArcRule(Sum &sum, size_t i) {
  auto [k, node] = sum.terms[i];
  double distance = std::abs(sum.constant / k) - std::numbers::pi / 2;
  if (!node->is(Function::Atan) || !dependsOn(node, getVariable()) || std::abs(distance) > 1e-15)
    return false;
  bool isSum = sum.constant / k > 0;
  Expr angle = call(Function::Asinh, node->argument());
  Expr to = call(Function::Atan, call(Function::Exp, isSum ? angle : negate(angle)));
  note(isSum ? "atan(u) + pi/2 = 2*atan(exp(asinh(u)))" : "pi/2 - atan(u) = 2*atan(exp(-asinh(u)))",
       (isSum ? "pi/2 + " : "pi/2 - ") + print(node), scale(2, to));
  sum.replace(i, 0, {isSum ? 2 * k : -2 * k, to});
  return true;
}

/// Rules for a constant c and one term k u.
bool Algebra::applyConstantRule(Sum &sum, size_t i) {
  double c = sum.constant, k = sum.terms[i].factor;
  if (c == 0 || std::abs(c) != std::abs(k))
    return false;
  Expr node = sum.terms[i].node;
  bool isOpposite = c == -k;
  auto apply = [&](const char *rule, Expr to) {
    note(rule, (isOpposite ? "1 - " : "1 + ") + print(node), to);
    sum.replace(i, 0, {c, to});
    return true;
  };
  if (node->is(Function::Tanh)) {
    Expr twice = scale(isOpposite ? -2 : 2, node->argument());
    return apply(isOpposite ? "1 - tanh(u) = 2*sigmoid(-2*u)" : "1 + tanh(u) = 2*sigmoid(2*u)",
                 scale(2, call(Function::Sigmoid, twice)));
  }
  if (node->is(Function::Erf))
    return apply(isOpposite ? "1 - erf(u) = erfc(u)" : "1 + erf(u) = erfc(-u)",
                 call(Function::Erfc, isOpposite ? node->argument() : negate(node->argument())));
  if (node->is(Function::Sigmoid) && isOpposite)
    return apply("1 - sigmoid(u) = sigmoid(-u)", call(Function::Sigmoid, negate(node->argument())));
  if (node->is(Function::Cos)) {
    Function half = isOpposite ? Function::Sin : Function::Cos;
    return apply(isOpposite ? "1 - cos(u) = 2*sin(u/2)^2" : "1 + cos(u) = 2*cos(u/2)^2",
                 scale(2, power(call(half, scale(0.5, node->argument())), 2)));
  }
  if (node->is(Function::Cosh)) {
    Function half = isOpposite ? Function::Sinh : Function::Cosh;
    return apply(isOpposite ? "1 - cosh(u) = -2*sinh(u/2)^2" : "1 + cosh(u) = 2*cosh(u/2)^2",
                 scale(isOpposite ? -2 : 2, power(call(half, scale(0.5, node->argument())), 2)));
  }
  if (node->is(Function::Erf))
    return apply(isOpposite ? "1 - erf(u) = erfc(u)" : "1 + erf(u) = erfc(-u)",
                 call(Function::Erfc, isOpposite ? node->argument() : negate(node->argument())));
  if (node->is(Function::Erfc) && isOpposite)
    return apply("1 - erfc(u) = erf(u)", call(Function::Erf, node->argument()));
  Expr base = matchPower(node, 2);
  if (isFunction(base, Function::Tanh) && isOpposite) {
    Expr twice = scale(2, base->argument());
    Expr a = call(Function::Sigmoid, twice), b = call(Function::Sigmoid, negate(twice));
    return apply("1 - tanh(u)^2 = 4*sigmoid(2*u)*sigmoid(-2*u)", scale(4, multiply(a, b)));
  }
  if (isFunction(base, Function::Sinh) && !isOpposite)
    return apply("1 + sinh(u)^2 = cosh(u)^2", power(call(Function::Cosh, base->argument()), 2));
  return false;
}

/// Rules for two terms.
bool Algebra::applyPairRule(Sum &sum, size_t i, size_t j) {
  auto [k, a] = sum.terms[i];
  auto [l, b] = sum.terms[j];
  bool isEqual = k == l, isOpposite = k == -l;
  auto replaceBoth = [&](const char *rule, Expr to) {
    note(rule, print(a) + (isOpposite ? " - " : " + ") + print(b), to);
    sum.terms[i] = {k, to};
    sum.terms.erase(sum.terms.begin() + static_cast<ptrdiff_t>(j));
    return true;
  };
  // k u + k sqrt(1 + u^2), with a factor inside.
  if (Expr inside = matchPower(b, 0.5); inside && inside->kind == Kind::Sum && inside->number == 1 &&
                                        inside->terms.size() == 1 && matchPower(inside->terms[0].node, 2) == a) {
    double ratio = k / l;
    if (inside->terms[0].factor == ratio * ratio) {
      Expr u = scale(std::abs(ratio), a);
      Expr angle = call(Function::Asinh, u);
      Expr to = call(Function::Exp, ratio > 0 ? angle : negate(angle));
      note("u + sqrt(1 + u^2) = exp(asinh(u))", print(scale(ratio, a)) + " + " + print(b), to);
      sum.terms[i] = {l, to};
      sum.terms.erase(sum.terms.begin() + static_cast<ptrdiff_t>(j));
      return true;
    }
  }
  if (!isEqual && !isOpposite)
    return false;
  if (isOpposite && k > 0 && applyDistanceRule(sum, i, j))
    return true;
  if (isOpposite && a->is(Function::Exp) && b->is(Function::Sigmoid) && a->argument() == b->argument())
    return replaceBoth("exp(u) - sigmoid(u) = exp(u)*sigmoid(u)", multiply(a, b));
  bool isMirrored = a->kind == Kind::Function && b->kind == Kind::Function && a->function == b->function &&
                    a->terms.size() == 1 && a->argument() == negate(b->argument());
  if (isMirrored && a->is(Function::Exp))
    return replaceBoth(isEqual ? "exp(u) + exp(-u) = 2*cosh(u)" : "exp(u) - exp(-u) = 2*sinh(u)",
                       scale(2, call(isEqual ? Function::Cosh : Function::Sinh, a->argument())));
  if (isMirrored && a->is(Function::Softplus)) {
    if (isOpposite)
      return replaceBoth("softplus(u) - softplus(-u) = u", a->argument());
    Expr size = call(Function::Abs, a->argument());
    return replaceBoth("softplus(u) + softplus(-u) = |u| + 2*softplus(-|u|)",
                       add(size, scale(2, call(Function::Softplus, negate(size)))));
  }
  if (isMirrored && a->is(Function::Sigmoid) && isEqual)
    return replaceBoth("sigmoid(u) + sigmoid(-u) = 1", constant(1));
  Expr p = matchPower(a, 2), q = matchPower(b, 2);
  if (p && q && p->kind == Kind::Function && q->kind == Kind::Function && p->argument() == q->argument()) {
    bool hasSin = p->is(Function::Sin) || q->is(Function::Sin), hasCos = p->is(Function::Cos) || q->is(Function::Cos);
    if (isEqual && hasSin && hasCos)
      return replaceBoth("sin(u)^2 + cos(u)^2 = 1", constant(1));
    if (isOpposite && p->is(Function::Cosh) && q->is(Function::Sinh))
      return replaceBoth("cosh(u)^2 - sinh(u)^2 = 1", constant(1));
  }
  return false;
}

/// f(u) - f(v) where u - v is a number, for terms i and j with factors k and -k.
bool Algebra::applyDistanceRule(Sum &sum, size_t i, size_t j) {
  auto [k, a] = sum.terms[i];
  Expr b = sum.terms[j].node;
  auto apply = [&](const char *rule, Term by) {
    note(rule, print(a) + " - " + print(b), scale(by.factor, by.node));
    sum.terms[i] = {k * by.factor, by.node};
    sum.terms.erase(sum.terms.begin() + static_cast<ptrdiff_t>(j));
    return true;
  };
  auto matchLog = [](Expr e) { return e->is(Function::Log) ? e->argument() : nullptr; };
  auto matchRoot = [](Expr e) { return matchPower(e, 0.5); };
  auto matchReciprocal = [](Expr e) { return matchPower(e, -1); };
  auto distanceOf = [&](Expr u, Expr v) {
    Expr distance = u && v ? subtract(u, v) : nullptr;
    return distance && distance->isConstant() ? distance->number : 0;
  };
  if (Expr u = matchLog(a), v = matchLog(b); double d = distanceOf(u, v)) {
    // By the smaller one, of which the other is a multiple above 1.
    Expr ratio = d > 0 ? product(d, {{-1, v}}) : product(-d, {{-1, u}});
    return apply("log(u) - log(v) = log(1 + (u - v)/v)",
                 {d > 0 ? 1.0 : -1.0, call(Function::Log, this->sum(1, {{1, ratio}}))});
  }
  if (Expr u = matchRoot(a), v = matchRoot(b); double d = distanceOf(u, v))
    return apply("sqrt(u) - sqrt(v) = (u - v)/(sqrt(u) + sqrt(v))", {d, power(add(a, b), -1)});
  if (Expr u = matchReciprocal(a), v = matchReciprocal(b); double d = distanceOf(u, v))
    return apply("1/u - 1/v = (v - u)/(u*v)", {-d, multiply(a, b)});
  return false;
}

/// Whether `sum` holds factor * u, which is then taken out of it.
static bool takeOut(double &constant, std::vector<Term> &terms, double factor, Expr u) {
  bool isSum = u->kind == Kind::Sum;
  std::vector<Term> rest = terms;
  for (auto [inner, node] : isSum ? u->terms : std::vector<Term>{{1, u}}) {
    auto it = std::find_if(rest.begin(), rest.end(), [&, n = node](const Term &term) { return term.node == n; });
    if (it == rest.end() || it->factor != factor * inner)
      return false;
    rest.erase(it);
  }
  constant -= isSum ? factor * u->number : 0;
  terms = std::move(rest);
  return true;
}

/// Rules for k softplus(w) and what there is besides it.
bool Algebra::applySoftplusRule(Sum &sum, size_t i) {
  auto [k, node] = sum.terms[i];
  if (!node->is(Function::Softplus))
    return false;
  Expr w = node->argument();
  Sum rest = sum;
  rest.terms.erase(rest.terms.begin() + static_cast<ptrdiff_t>(i));
  auto apply = [&](const char *rule, const std::string &from, Expr to) {
    note(rule, from, to);
    rest.terms.push_back({k, to});
    sum = std::move(rest);
    return true;
  };
  if (takeOut(rest.constant, rest.terms, -k, w))
    return apply("softplus(u) - u = softplus(-u)", print(node) + " - (" + print(w) + ")",
                 call(Function::Softplus, negate(w)));
  // softplus(u) = (u + |u|)/2 + softplus(-|u|), which is how log(cosh(u)) is written.
  bool isOfSize = w->kind == Kind::Sum && w->number == 0 && w->terms.size() == 1 && w->terms[0].factor < 0 &&
                  w->terms[0].node->is(Function::Abs);
  if (!isOfSize)
    return false;
  double c = -w->terms[0].factor;
  Expr size = w->terms[0].node, v = size->argument();
  if (!takeOut(rest.constant, rest.terms, k * c / 2, size))
    return false;
  for (int sign : {1, -1})
    if (takeOut(rest.constant, rest.terms, sign * k * c / 2, v))
      return apply("u/2 + |u|/2 + softplus(-|u|) = softplus(u)", print(node) + " + ...",
                   call(Function::Softplus, scale(sign * c, v)));
  return false;
}

bool Algebra::applySumRules(Sum &sum) {
  bool changed = false;
  // Most pairs are told apart at a glance.
  constexpr size_t kPairsPerStep = 16;
  if (!spend(sum.terms.size() * sum.terms.size() / kPairsPerStep))
    return false;
  for (size_t i = 0; i < sum.terms.size() && !changed; ++i) {
    changed = applyConstantRule(sum, i) || applyArcRule(sum, i) || applyRootRule(sum, i) || applySoftplusRule(sum, i);
    for (size_t j = 0; j < sum.terms.size() && !changed; ++j)
      changed = i != j && (applyPairRule(sum, i, j) || applyDifferenceRule(sum, i, j));
  }
  if (!changed && !applyShareRule(sum) && !applyMixtureRule(sum) && !applyComplementRule(sum))
    return false;
  // A rule may have made a sum or a constant: open and collect again.
  Expr reduced = this->sum(sum.constant, sum.terms);
  sum = {0, {}};
  if (reduced->isConstant())
    sum.constant = reduced->number;
  else if (reduced->kind == Kind::Sum)
    sum = {reduced->number, reduced->terms};
  else
    sum.terms = {{1, reduced}};
  return false;
}

} // namespace flowc::symbolic
