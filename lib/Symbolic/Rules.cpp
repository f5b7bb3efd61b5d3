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

bool Algebra::applySumRules(Sum &sum) {
  bool changed = false;
  // Most pairs are told apart at a glance.
  constexpr size_t kPairsPerStep = 16;
  if (!spend(sum.terms.size() * sum.terms.size() / kPairsPerStep))
    return false;
  for (size_t i = 0; i < sum.terms.size() && !changed; ++i) {
    changed = applyConstantRule(sum, i) || applyRootRule(sum, i);
    for (size_t j = 0; j < sum.terms.size() && !changed; ++j)
      changed = i != j && (applyPairRule(sum, i, j) || applyDifferenceRule(sum, i, j));
  }
  if (!changed && !applyMixtureRule(sum))
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

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

bool Algebra::applyProductRules(double &factor, std::vector<Term> &factors) {
  if (isExhausted())
    return false;
  auto find = [&](auto matches) -> Term * {
    auto it = std::find_if(factors.begin(), factors.end(), matches);
    return it == factors.end() ? nullptr : &*it;
  };
  for (Term &term : factors) {
    Expr node = term.node;
    // (c + k exp(u))^-n = (sigmoid(-u - log(k/c)) / c)^n.
    if (node->kind == Kind::Sum && term.factor < 0 && node->terms.size() == 1 && node->number > 0 &&
        node->terms[0].factor > 0 && node->terms[0].node->is(Function::Exp)) {
      double c = node->number, k = node->terms[0].factor;
      Expr u = this->sum(std::log(k / c), {{1, node->terms[0].node->argument()}});
      Expr to = call(Function::Sigmoid, negate(u));
      note("1/(1 + exp(u)) = sigmoid(-u)", "1/(" + print(node) + ")", to);
      factor *= std::pow(c, term.factor);
      term = {-term.factor, to};
      return true;
    }
    // exp(u) sigmoid(-u) = sigmoid(u).
    if (node->is(Function::Sigmoid) && isInteger(term.factor) && term.factor > 0) {
      Expr v = node->argument();
      Term *exponential = find([&](const Term &other) {
        return other.node->is(Function::Exp) && other.factor == 1 && other.node->argument() == negate(v);
      });
      if (exponential) {
        note("exp(u)*sigmoid(-u) = sigmoid(u)", print(exponential->node) + "*" + print(node),
             call(Function::Sigmoid, negate(v)));
        exponential->node = call(Function::Sigmoid, negate(v));
        term.factor -= 1;
        return true;
      }
    }
    // (exp(v) - 1) sigmoid(-v) = tanh(v/2), and with a factor.
    if (node->kind == Kind::Sum && term.factor == 1 && node->terms.size() == 1 && node->number != 0 &&
        node->number == -node->terms[0].factor && node->terms[0].node->is(Function::Exp)) {
      Expr v = node->terms[0].node->argument();
      Term *sigmoid = find([&](const Term &other) {
        return other.node->is(Function::Sigmoid) && other.node->argument() == negate(v) && other.factor >= 1;
      });
      if (sigmoid) {
        Expr to = call(Function::Tanh, scale(0.5, v));
        note("(exp(u) - 1)/(exp(u) + 1) = tanh(u/2)", "(" + print(node) + ")*" + print(sigmoid->node), to);
        factor *= node->terms[0].factor;
        sigmoid->factor -= 1;
        term = {1, to};
        return true;
      }
    }
    // u u^v = u^(v + 1) for u >= 0: at 0 the product may be one of 0 and infinity.
    if (node->is(Function::Pow) && term.factor == 1) {
      Expr u = node->argument(0);
      Term *base = find([&](const Term &other) { return other.node == u; });
      if (base && range(u).isNonNegative()) {
        Expr to = call(Function::Pow, u, this->sum(base->factor, {{1, node->argument(1)}}));
        note("u^k*u^v = u^(k + v)", print(base->node) + "*" + print(node), to);
        base->factor = 0;
        term = {1, to};
        return true;
      }
    }
    if (node->is(Function::Cosh)) {
      Expr u = node->argument();
      if (Term *sinh = find([&](const Term &other) {
            return other.node->is(Function::Sinh) && other.node->argument() == u && other.factor > 0 && term.factor < 0;
          })) {
        note("sinh(u)/cosh(u) = tanh(u)", print(sinh->node) + "/" + print(node), call(Function::Tanh, u));
        sinh->factor -= 1;
        term.factor += 1;
        factors.push_back({1, call(Function::Tanh, u)});
        return true;
      }
      if (term.factor <= -2) {
        Expr twice = scale(2, u);
        Expr a = call(Function::Sigmoid, twice), b = call(Function::Sigmoid, negate(twice));
        note("1/cosh(u)^2 = 4*sigmoid(2*u)*sigmoid(-2*u)", "1/" + print(node) + "^2", scale(4, multiply(a, b)));
        factor *= 4;
        term.factor += 2;
        factors.push_back({1, a});
        factors.push_back({1, b});
        return true;
      }
    }
    // u sign(u) = |u|, |u| sign(u) = u, sign(u)^2 = 1.
    if (node->is(Function::Sign)) {
      if (isInteger(term.factor) && std::abs(term.factor) > 1) {
        term.factor = isEven(term.factor) ? 0 : 1;
        return true;
      }
      Expr u = node->argument();
      Expr size = call(Function::Abs, u);
      for (Term &other : factors) {
        if ((other.node != u && other.node != size) || !isInteger(other.factor) || isEven(other.factor))
          continue;
        Expr to = other.node == u ? size : u;
        note(to == size ? "u*sign(u) = |u|" : "|u|*sign(u) = u", print(other.node) + "*" + print(node), to);
        other.factor -= 1;
        term = {1, to};
        return true;
      }
    }
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// exp(u + k log v) = v^k exp(u) for v > 0; exp(-softplus(v)) = sigmoid(-v).
Expr Algebra::simplifyExp(Expr u) {
  std::vector<Term> terms = u->kind == Kind::Sum ? u->terms : std::vector<Term>{{1, u}};
  double offset = u->kind == Kind::Sum ? u->number : 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    auto [k, node] = terms[i];
    Expr factor = nullptr;
    if (node->is(Function::Log) && isPositive(node->argument()))
      factor = power(node->argument(), k);
    else if (node->is(Function::Softplus) && k == -1)
      factor = call(Function::Sigmoid, negate(node->argument()));
    if (!factor)
      continue;
    terms.erase(terms.begin() + static_cast<ptrdiff_t>(i));
    Expr rest = call(Function::Exp, sum(offset, terms));
    return note(k == -1 && node->is(Function::Softplus) ? "exp(-softplus(u)) = sigmoid(-u)" : "exp(k*log(u)) = u^k",
                "exp(" + print(u) + ")", multiply(factor, rest));
  }
  return nullptr;
}

Expr Algebra::simplifyLogOfSum(Expr u) {
  if (u->terms.size() == 1 && u->number == 0) {
    auto [factor, node] = u->terms[0];
    Expr log = factor > 0 ? simplifyLog(node) : nullptr;
    return log ? add(constant(std::log(factor)), log) : nullptr;
  }
  auto contains = [](Expr e, Function function) {
    if (e->kind == Kind::Product)
      return std::any_of(e->terms.begin(), e->terms.end(), [&](const Term &term) { return term.node->is(function); });
    return e->is(function);
  };
  auto [k, node] = u->terms[0];
  if (u->terms.size() == 1 && node->is(Function::Exp) && k > 0 && u->number > 0) {
    Expr softplus = call(Function::Softplus, sum(std::log(k / u->number), {{1, node->argument()}}));
    return note("log(1 + exp(u)) = softplus(u)", "log(" + print(u) + ")", sum(std::log(u->number), {{1, softplus}}));
  }
  if (u->terms.size() == 1 && node->is(Function::Exp) && k > 0 && u->number == -k) {
    Expr v = node->argument();
    Expr rest = makeCall(Function::Log, {sum(1, {{-1, call(Function::Exp, negate(v))}})});
    return note("log(exp(u) - 1) = u + log(1 - exp(-u))", "log(" + print(u) + ")",
                sum(std::log(k), {{1, v}, {1, rest}}));
  }
  if (Expr factored = factorize(u); factored != u)
    return simplifyLog(factored);
  // log(a + b) = log(a) + softplus(log(b) - log(a)) for an exponential b, which can
  // overflow, and where all terms can vanish.
  auto vanishes = [&](const Term &term) {
    return contains(term.node, Function::Exp) || contains(term.node, Function::Sigmoid);
  };
  bool allVanish = u->number == 0 && std::all_of(u->terms.begin(), u->terms.end(), vanishes);
  for (size_t i = 0; i < u->terms.size(); ++i) {
    Expr b = scale(u->terms[i].factor, u->terms[i].node);
    if (!allVanish && !contains(u->terms[i].node, Function::Exp))
      continue;
    Expr a = subtract(u, b);
    if (!isPositive(a) || !isPositive(b))
      return nullptr;
    Expr logA = call(Function::Log, a);
    Expr to = add(logA, call(Function::Softplus, subtract(call(Function::Log, b), logA)));
    return note("log(u + v) = log(u) + softplus(log(v) - log(u))", "log(" + print(u) + ")", to);
  }
  return nullptr;
}

/// log(u^k v) = k log(u) + log(v), if that takes a function away or u is alone.
Expr Algebra::simplifyLogOfProduct(Expr u) {
  auto isTakenApart = [&](Expr e) {
    if (e->kind == Kind::Sum) // c + k exp(v)
      return e->terms.size() == 1 && e->number > 0 && e->terms[0].factor > 0 && e->terms[0].node->is(Function::Exp);
    return e->is(Function::Exp) || e->is(Function::Sigmoid) || e->is(Function::Cosh);
  };
  bool isAlone = u->terms.size() == 1;
  std::vector<Term> logs, rest;
  for (auto [exponent, node] : u->terms) {
    if (isAlone || isTakenApart(node))
      logs.push_back({exponent, call(Function::Log, isEven(exponent) ? call(Function::Abs, node) : node)});
    else
      rest.push_back({exponent, node});
  }
  if (logs.empty())
    return nullptr;
  if (!rest.empty())
    logs.push_back({1, call(Function::Log, product(1, rest))});
  return note(isAlone ? "log(u^k) = k*log(u)" : "log(u*v) = log(u) + log(v)", "log(" + print(u) + ")", sum(0, logs));
}

Expr Algebra::simplifyLog(Expr u) {
  if (u->is(Function::Exp))
    return note("log(exp(u)) = u", "log(" + print(u) + ")", u->argument());
  if (u->is(Function::Sigmoid))
    return note("log(sigmoid(u)) = -softplus(-u)", "log(" + print(u) + ")",
                negate(call(Function::Softplus, negate(u->argument()))));
  if (u->is(Function::Cosh)) {
    Expr size = call(Function::Abs, u->argument());
    Expr to = sum(-std::numbers::ln2, {{1, size}, {1, call(Function::Softplus, scale(-2, size))}});
    return note("log(cosh(u)) = |u| + softplus(-2*|u|) - log(2)", "log(" + print(u) + ")", to);
  }
  if (u->is(Function::Pow) && isPositive(u->argument(0)))
    return note("log(u^v) = v*log(u)", "log(" + print(u) + ")",
                multiply(u->argument(1), call(Function::Log, u->argument(0))));
  if (u->kind == Kind::Sum)
    return simplifyLogOfSum(u);
  if (u->kind == Kind::Product)
    return simplifyLogOfProduct(u);
  return nullptr;
}

/// Of u and -u one has it: the sign of the first term with the variable, or else of
/// the last term.
bool Algebra::hasLeadingMinus(Expr u) const {
  if (u->kind != Kind::Sum)
    return false;
  for (const Term &term : u->terms)
    if (dependsOn(term.node, getVariable()))
      return term.factor < 0;
  return u->terms.back().factor < 0;
}

/// Null if nothing applies.
Expr Algebra::simplifyCall(Function function, Expr u) {
  if (u->isConstant()) {
    double value = evaluate(makeCall(function, {u}), {});
    return std::isinf(value) ? nullptr : constant(value);
  }
  if (function == Function::Exp)
    return simplifyExp(u);
  if (function == Function::Log)
    return simplifyLog(u);
  Parity parity = getRow(function).parity;
  if (parity != Parity::None && hasLeadingMinus(u)) {
    Expr mirrored = call(function, negate(u));
    return parity == Parity::Odd ? negate(mirrored) : mirrored;
  }
  if (u->kind == Kind::Function && getRow(u->function).inverse == function)
    return note("f(inverse of f) = u", printCall(function, u), u->argument());
  switch (function) {
  case Function::Abs: {
    Interval values = range(u);
    if (values.isNonNegative())
      return u;
    if (values.isNonPositive())
      return negate(u);
    if (u->kind == Kind::Sum && u->number == 0 && u->terms.size() == 1)
      return scale(std::abs(u->terms[0].factor), call(Function::Abs, u->terms[0].node));
    if (u->kind != Kind::Product)
      return nullptr;
    std::vector<Term> sizes;
    for (auto [exponent, node] : u->terms)
      sizes.push_back({exponent, isEven(exponent) ? node : call(Function::Abs, node)});
    return product(1, sizes);
  }
  case Function::Sign: {
    Interval values = range(u);
    if (values.isPositive())
      return constant(1);
    if (values.isNegative())
      return constant(-1);
    bool isMultiple = u->kind == Kind::Sum && u->number == 0 && u->terms.size() == 1;
    return isMultiple ? call(Function::Sign, u->terms[0].node) : nullptr;
  }
  default:
    return nullptr;
  }
}

} // namespace flowc::symbolic
