//===- Print.cpp - Expressions as the language writes them ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Symbolic/Expression.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>

namespace flowc::symbolic {

const char *getName(Relation relation) {
  static constexpr const char *names[] = {"<", "<=", ">", ">=", "==", "!="};
  return names[static_cast<size_t>(relation)];
}

std::string printNumber(double value, int digits) {
  char text[32];
  for (; digits <= 17; ++digits) {
    std::snprintf(text, sizeof(text), "%.*g", digits, value);
    if (digits < 15 || std::strtod(text, nullptr) == value)
      break;
  }
  return std::isnan(value) ? "undefined" : text;
}

namespace {

/// How tightly an operator binds.
enum Level { AnyLevel, SumLevel, ProductLevel, PowerLevel, PrimaryLevel };

struct Printer {
  const Algebra &algebra;

  /// The text of `e`, in brackets if it binds less tightly than `level`.
  std::string print(Expr e, Level level) const;
  std::string printSum(Expr e) const;
  std::string printProduct(double factor, Expr e) const;
  std::string printPower(Expr base, double exponent) const;
};

} // namespace

static std::string bracket(const std::string &text, bool needed) { return needed ? "(" + text + ")" : text; }

/// Multiples of pi are written as such.
static std::string printConstant(double value) {
  static constexpr std::pair<double, const char *> known[] = {{std::numbers::pi, "pi"},
                                                              {std::numbers::pi / 2, "pi/2"},
                                                              {std::numbers::ln2, "log(2)"},
                                                              {2 * std::numbers::ln2, "log(4)"}};
  for (auto [number, name] : known)
    if (std::abs(value) == number)
      return (value < 0 ? "-" : "") + std::string(name);
  return printNumber(value);
}

std::string Printer::printPower(Expr base, double exponent) const {
  if (exponent == 1)
    return print(base, PowerLevel);
  if (exponent == 0.5)
    return "sqrt(" + print(base, AnyLevel) + ")";
  return print(base, PrimaryLevel) + "^" + printNumber(exponent);
}

/// factor * e for a factor > 0.
std::string Printer::printProduct(double factor, Expr e) const {
  std::vector<Term> factors = e->kind == Kind::Product ? e->terms : std::vector<Term>{{1, e}};
  // Parameters first.
  Expr x = algebra.getVariable();
  std::stable_partition(factors.begin(), factors.end(),
                        [&](const Term &term) { return !algebra.dependsOn(term.node, x); });
  std::string above, below;
  size_t numBelow = 0;
  if (factor != 1)
    above = printConstant(factor);
  for (auto [exponent, base] : factors) {
    std::string &side = exponent < 0 ? below : above;
    side += (side.empty() ? "" : "*") + printPower(base, std::abs(exponent));
    numBelow += exponent < 0;
  }
  if (below.empty())
    return above;
  return (above.empty() ? "1" : above) + "/" + bracket(below, numBelow > 1);
}

std::string Printer::printSum(Expr e) const {
  // The variable first, but nothing negative if it can be helped.
  Expr x = algebra.getVariable();
  std::vector<Term> terms = e->terms;
  std::stable_partition(terms.begin(), terms.end(), [&](const Term &term) { return algebra.dependsOn(term.node, x); });
  std::stable_partition(terms.begin(), terms.end(), [](const Term &term) { return term.factor > 0; });
  std::string text;
  bool startsWithConstant = e->number > 0 && terms[0].factor < 0;
  if (startsWithConstant)
    text = printConstant(e->number);
  for (auto [factor, node] : terms) {
    std::string term = printProduct(std::abs(factor), node);
    if (text.empty())
      text = (factor < 0 ? "-" : "") + term;
    else
      text += (factor < 0 ? " - " : " + ") + term;
  }
  if (e->number != 0 && !startsWithConstant)
    text += (e->number < 0 ? " - " : " + ") + printConstant(std::abs(e->number));
  return text;
}

std::string Printer::print(Expr e, Level level) const {
  auto argument = [&](size_t i) { return print(e->argument(i), AnyLevel); };
  switch (e->kind) {
  case Kind::Constant:
    return bracket(printConstant(e->number), e->number < 0 && level > SumLevel);
  case Kind::Symbol:
    return algebra.getName(e);
  case Kind::Sum: {
    bool isMultiple = e->number == 0 && e->terms.size() == 1 && e->terms[0].factor > 0;
    return bracket(printSum(e), level > (isMultiple ? ProductLevel : SumLevel));
  }
  case Kind::Product:
    if (e->terms.size() == 1 && e->terms[0].factor > 0)
      return bracket(printProduct(1, e), level > (e->terms[0].factor == 0.5 ? PrimaryLevel : PowerLevel));
    return bracket(printProduct(1, e), level > ProductLevel);
  case Kind::Function:
    if (e->is(Function::Pow))
      return bracket(print(e->argument(0), PrimaryLevel) + "^" + print(e->argument(1), PrimaryLevel),
                     level > PowerLevel);
    if (e->terms.size() == 2)
      return std::string(getName(e->function)) + "(" + argument(0) + ", " + argument(1) + ")";
    return std::string(getName(e->function)) + "(" + argument(0) + ")";
  case Kind::Compare:
    return bracket(argument(0) + " " + getName(e->relation) + " " + argument(1), level > AnyLevel);
  case Kind::Select:
    return "where(" + argument(0) + ", " + argument(1) + ", " + argument(2) + ")";
  }
  return "";
}

std::string Algebra::print(Expr e) const {
  constexpr unsigned kMaxPrinted = 1000;
  return e->size > kMaxPrinted || !spend(e->size) ? "..." : Printer{*this}.print(e, AnyLevel);
}

std::string Algebra::printCall(Function function, Expr argument) const {
  return std::string(symbolic::getName(function)) + "(" + print(argument) + ")";
}

} // namespace flowc::symbolic
