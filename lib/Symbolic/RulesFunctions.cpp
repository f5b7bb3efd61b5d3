//===- RulesFunctions.cpp - Rules for functions of expressions ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Solver.h"
#include "flowc/Symbolic/Expression.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace flowc::symbolic {

/// exp(u + k log v) = v^k exp(u) for v > 0, and at the end of that for k > 0; exp(-softplus(v)) =
/// sigmoid(-v).
Expr Algebra::simplifyExp(Expr u) {
  std::vector<Term> terms = u->kind == Kind::Sum ? u->terms : std::vector<Term>{{1, u}};
  double offset = u->kind == Kind::Sum ? u->number : 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    auto [k, node] = terms[i];
    Expr factor = nullptr, exponent = constant(k), log = node;
    // Parameters may stand before the logarithm of what holds the variable.
    auto isLog = [&](const Term &term) {
      return term.factor == 1 && term.node->is(Function::Log) && dependsOn(term.node, getVariable());
    };
    if (node->kind == Kind::Product)
      if (auto it = std::ranges::find_if(node->terms, isLog); it != node->terms.end())
        if (Expr before = divide(node, it->node); !dependsOn(before, getVariable())) {
          log = it->node;
          exponent = scale(k, before);
        }
    // At 0 it is 0, as the limit of its logarithm says.
    bool isEnd = log->is(Function::Log) && range(log->argument()).isNonNegative() && isPositive(exponent);
    if (log->is(Function::Log) && (isEnd || isPositive(log->argument())))
      factor = power(log->argument(), exponent);
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

/// A positive function that vanishes or overflows long before its logarithm does.
static bool hasModerateLog(Expr e) {
  return e->is(Function::Exp) || e->is(Function::Sigmoid) || e->is(Function::Cosh) || e->is(Function::Softplus) ||
         e->is(Function::Erfc);
}

Expr Algebra::simplifyLogOfSum(Expr u) {
  if (u->terms.size() == 1 && u->number == 0) {
    auto [factor, node] = u->terms[0];
    Expr log = factor <= 0 ? nullptr : node->is(Function::Softplus) ? call(Function::Log, node) : simplifyLog(node);
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
  if (bool isReciprocal = node->kind == Kind::Product && node->terms.size() == 1 && node->terms[0].factor == -1;
      isReciprocal && u->terms.size() == 1 && k > 0 && u->number == -k && isPositive(node->terms[0].node)) {
    Expr v = node->terms[0].node;
    Expr odds = subtract(call(Function::Log, sum(1, {{-1, v}})), call(Function::Log, v));
    return note("log(1/u - 1) = log(1 - u) - log(u)", "log(" + print(u) + ")", add(constant(std::log(k)), odds));
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
    return hasModerateLog(e);
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
  if (u->is(Function::Erfc))
    return note(
        "log(erfc(u)) = normal_log_cdf(-sqrt(2)*u) + log(2)", "log(" + print(u) + ")",
        sum(std::numbers::ln2, {{1, call(Function::NormalLogCdf, scale(-std::numbers::sqrt2, u->argument()))}}));
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
