//===- SymbolicTest.cpp - Derived inverses, derivatives and proofs --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is derived from formulas, as a person reads it. That it is right, numbers
// tell (FormulasTest.cpp).
//
//===----------------------------------------------------------------------===//

#include "FrontendTesting.h"
#include "flowc/Frontend/FormulaDerivation.h"
#include "flowc/Frontend/Parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace flowc;
using symbolic::Interval;
using test::messageFor;

namespace {

/// A formula of `bijection f`, read and derived.
struct Derived {
  explicit Derived(const std::string &text)
      : source("bijection f" + text, "test.flow"), file(*parseSource(source)), formula(file.items.front()) {}

  std::string print(symbolic::Expr e) const { return e ? formula.algebra.print(e) : "none"; }
  std::string function() const { return print(formula.result.function); }
  std::string logDerivative() const { return print(formula.result.logDerivative); }
  std::string inverse() const { return print(formula.result.inverse); }

  SourceText source;
  ast::File file;
  DerivedFormula formula;
};

std::string simplified(const std::string &formula) { return Derived("(x; a = positive(1)) = " + formula).function(); }

} // namespace

TEST(Simplify, NaiveFormulasBecomeStable) {
  EXPECT_EQ(simplified("log(1 + exp(x))"), "softplus(x)");
  EXPECT_EQ(simplified("log1p(exp(x))"), "softplus(x)");
  EXPECT_EQ(simplified("log(2 + 2*exp(x))"), "softplus(x) + log(2)");
  EXPECT_EQ(simplified("log(sigmoid(x))"), "-softplus(-x)");
  EXPECT_EQ(simplified("log(1 - sigmoid(x))"), "-softplus(x)");
  EXPECT_EQ(simplified("log(exp(x))"), "x");
  EXPECT_EQ(simplified("log(exp(x)*a)"), "x + log(a)");
  EXPECT_EQ(simplified("1 - tanh(x)^2"), "4*sigmoid(2*x)*sigmoid(-2*x)");
  EXPECT_EQ(simplified("log(1 - tanh(x)^2)"), "log(4) - 2*abs(x) - 2*softplus(-2*abs(x))");
  EXPECT_EQ(simplified("1 + tanh(x)"), "2*sigmoid(2*x)");
  EXPECT_EQ(simplified("1/(1 + exp(-x))"), "sigmoid(x)");
  EXPECT_EQ(simplified("exp(x)/(1 + exp(x))"), "sigmoid(x)");
  EXPECT_EQ(simplified("x/(1 + exp(-x))"), "x*sigmoid(x)");
  EXPECT_EQ(simplified("1 - 1/(1 + exp(x))"), "sigmoid(x)");
  EXPECT_EQ(simplified("sqrt(x^2)"), "abs(x)");
  EXPECT_EQ(simplified("sqrt(a^2)"), "a");
  EXPECT_EQ(simplified("(exp(x) + exp(-x))/2"), "cosh(x)");
  EXPECT_EQ(simplified("log(cosh(x))"), "abs(x) + softplus(-2*abs(x)) - log(2)");
  EXPECT_EQ(simplified("sinh(x)/cosh(x)"), "tanh(x)");
  EXPECT_EQ(simplified("(exp(2*x) - 1)/(exp(2*x) + 1)"), "tanh(x)");
  EXPECT_EQ(simplified("log(x + sqrt(1 + x^2))"), "asinh(x)");
  EXPECT_EQ(simplified("1 - cos(x)"), "2*sin(0.5*x)^2");
  EXPECT_EQ(simplified("sin(x)^2 + cos(x)^2"), "1");
  EXPECT_EQ(simplified("softplus(x) - softplus(-x)"), "x");
  EXPECT_EQ(simplified("log(exp(x) - 1)"), "x + log(1 - exp(-x))");
  EXPECT_EQ(simplified("x*x*x"), "x^3");
  EXPECT_EQ(simplified("exp(a*x)*exp(-x)"), "exp(a*x - x)");
  EXPECT_EQ(simplified("a^x"), "exp(log(a)*x)");
  EXPECT_EQ(simplified("log(exp(x) + x)"), "log(x + exp(x))");
  EXPECT_EQ(simplified("log(exp(x) - exp(2*x))"), "log(exp(x) - exp(2*x))");
}

TEST(Simplify, RulesAreRecorded) {
  Derived derived("(x) = log(1 + exp(-x))");
  ASSERT_EQ(derived.formula.result.rewritings.size(), 1u);
  EXPECT_EQ(derived.formula.result.rewritings[0].rule, "log(1 + exp(u)) = softplus(u)");
  EXPECT_EQ(derived.formula.result.rewritings[0].to, "softplus(-x)");
}

TEST(Derive, LogDerivatives) {
  auto log = [](const std::string &text) { return Derived(text).logDerivative(); };
  EXPECT_EQ(log("(x; a = positive(1), b = 0.0) = a*x + b"), "log(a)");
  EXPECT_EQ(log("(x) = exp(2*x)"), "2*x + log(2)");
  EXPECT_EQ(log("(x; a = positive(1), b = positive(1)) = a*x^3 + b*x"), "log(3*a*x^2 + b)");
  EXPECT_EQ(log("(x) = log(1 + exp(x))"), "-softplus(-x)");
  EXPECT_EQ(log("(x) = sinh(x)"), "abs(x) + softplus(-2*abs(x)) - log(2)");
  EXPECT_EQ(log("(x) = asinh(x)"), "-0.5*log(x^2 + 1)");
  EXPECT_EQ(log("(x) = x + exp(x)"), "softplus(x)");
  EXPECT_EQ(log("(x) = exp(3*log(x))"), "2*log(x) + 1.0986122886681098"); // x is positive
  EXPECT_EQ(log("(x) = log(x/(1 - x))"), "-log(x) - log(1 - x)");
  EXPECT_EQ(log("(x; a = positive(1)) = a*x/(1 + abs(x))"), "log(a) - 2*log(abs(x) + 1)");
}

TEST(Derive, Inverses) {
  auto inverse = [](const std::string &text) { return Derived(text).inverse(); };
  EXPECT_EQ(inverse("(x; a = positive(1), b = 0.0) = a*x + b"), "(y - b)/a");
  EXPECT_EQ(inverse("(x; y = positive(1)) = x + y"), "y_ - y");
  EXPECT_EQ(inverse("(x) = 1/(1 + exp(-x))"), "log(y) - log(1 - y)");
  EXPECT_EQ(inverse("(x) = log(x/(1 - x))"), "sigmoid(y)");
  EXPECT_EQ(inverse("(x) = log(x) - log(1 - x)"), "sigmoid(y)");
  EXPECT_EQ(inverse("(x; e = 0.0, d = positive(1)) = sinh((asinh(x) + e)*d)"), "sinh(asinh(y)/d - e)");
  EXPECT_EQ(inverse("(x; p = positive(1)) = x^p"), "where(y >= 0, y^(1/p), undefined)");
  EXPECT_EQ(inverse("(x) = sqrt(x)"), "where(y >= 0, y^2, undefined)");
  EXPECT_EQ(inverse("(x) = where(x > 0, x, 0.5*x)"), "where(y < 0, 2*y, y)");
  EXPECT_EQ(inverse("(x) = x*abs(x)"), "where(y < 0, -sqrt(-y), sqrt(y))");
  EXPECT_EQ(inverse("(x) = x + tanh(x)"), "none");
}

TEST(Derive, StepsOfTheInverse) {
  Derived derived("(x; a = positive(1), b = 0.0) = exp(a*x + b)");
  const auto &steps = derived.formula.result.steps;
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].rule, "apply log");
  EXPECT_EQ(steps[0].result, "a*x + b = log(y)");
  EXPECT_EQ(steps[1].rule, "subtract b, divide by a");
  EXPECT_EQ(steps[1].result, "x = (log(y) - b)/a");
}

TEST(Derive, RootsAreProven) {
  Derived cubic("(x; a = positive(1), b = positive(1)) = a*x^3 + b*x");
  EXPECT_TRUE(cubic.formula.result.isIncreasing);
  EXPECT_EQ(cubic.print(cubic.formula.result.slopeBound), "b");
  EXPECT_EQ(cubic.formula.result.steps.back().result, "3*a*x^2 + b > 0");
  Derived falling("(x; a = positive(1)) = -x - exp(a*x)");
  EXPECT_FALSE(falling.formula.result.isIncreasing);
  EXPECT_EQ(falling.print(falling.formula.result.slopeBound), "1");
  Derived halfLine("(x) = x + log(x)");
  EXPECT_EQ(halfLine.formula.result.domain.low, 0);
  Derived touching("(x) = x - sin(x)"); // f' = 0 at multiples of 2 pi
  EXPECT_EQ(touching.formula.result.error, "");
}

/// A slope in which x stands in a*x, or (x - m)/s, only is one function of that.
TEST(Derive, RootsAreProvenInOtherVariables) {
  Derived swish("(x; a = positive(1)) = x + x*sigmoid(a*x)");
  EXPECT_EQ(swish.formula.result.error, "");
  EXPECT_EQ(swish.formula.result.steps.back().rule, "interval arithmetic over all u = a*x and all parameters");
  EXPECT_EQ(swish.formula.result.steps.back().result, "sigmoid(u) + u*sigmoid(u)*sigmoid(-u) + 1 > 0");
  // The slope lies between 0.9002 and 2.0998.
  ASSERT_TRUE(swish.formula.result.slopeBound && swish.formula.result.slopeLimit);
  double least = swish.formula.result.slopeBound->number, most = swish.formula.result.slopeLimit->number;
  EXPECT_TRUE(least > 0.7 && least <= 0.9002) << least;
  EXPECT_TRUE(most < 2.3 && most >= 2.0998) << most;
  for (const char *text : {
           "(x; a = 1.0) = x + x*sigmoid(a*x)",
           "(x; a = positive(1)) = x + 0.5*x*tanh(a*x)",
           "(x; a = positive(1), b = interval(0, 9, 1)) = x + b*x*sigmoid(a*x)",
           "(x; m = 0.0, s = positive(1)) = x + 0.3*(x - m)*tanh((x - m)/s)",
           "(x; a = positive(1)) = 2*x + tanh(a*x + 0.5)*x",
           "(x; a = positive(1)) = 3*x - x*exp(-(a*x)^2)",
           "(x; a = positive(1), b = interval(-0.9, 0.9, 0)) = x + b*sqrt(a^2 + x^2)",
           "(x; a = positive(1), b = interval(-0.9, 7, 0)) = x + b*x/(1 + (a*x)^2)",
       })
    EXPECT_EQ(Derived(text).formula.result.error, "") << text;
  for (const char *text : {
           "(x; a = positive(1), b = interval(0, 11, 1)) = x + b*x*sigmoid(a*x)",
           "(x; a = positive(1)) = x + x*tanh(a*x)",
           "(x; a = positive(1), b = interval(-0.9, 9, 0)) = x + b*x/(1 + (a*x)^2)",
       })
    EXPECT_NE(Derived(text).formula.result.error, "") << text;
}

TEST(Derive, DomainAndImage) {
  auto ends = [](const std::string &text) {
    Derived derived(text);
    auto [low, high] = symbolic::findImage(derived.formula.algebra, derived.formula.result);
    const Interval &domain = derived.formula.result.domain;
    return std::vector<double>{domain.low, domain.high, low, high};
  };
  constexpr double infinity = Interval::kInfinity;
  using Ends = std::vector<double>;
  EXPECT_EQ(ends("(x; a = positive(1), b = positive(1)) = a*x^3 + b*x"),
            (Ends{-infinity, infinity, -infinity, infinity}));
  EXPECT_EQ(ends("(x; a = positive(1)) = exp(a*x)"), (Ends{-infinity, infinity, 0, infinity}));
  EXPECT_EQ(ends("(x; a = positive(1)) = 2 - x - exp(a*x)"), (Ends{-infinity, infinity, infinity, -infinity}));
  EXPECT_EQ(ends("(x) = log(x/(1 - x))"), (Ends{0, 1, -infinity, infinity}));
  EXPECT_EQ(ends("(x; a = positive(1)) = log(a*x)"), (Ends{0, infinity, -infinity, infinity}));
  EXPECT_EQ(ends("(x) = exp(3*log(x))"), (Ends{0, infinity, 0, infinity}));
  EXPECT_EQ(ends("(x) = x/(1 + abs(x))"), (Ends{-infinity, infinity, -1, 1}));
  EXPECT_EQ(ends("(x) = asinh(x)"), (Ends{-infinity, infinity, -infinity, infinity}));
  EXPECT_TRUE(std::isnan(ends("(x; a = positive(1)) = a*tanh(x)")[3]));
}

TEST(Intervals, RoundOutwards) {
  Interval third = intervals::power(Interval::point(3), -1);
  EXPECT_LT(third.low, third.high);
  EXPECT_LE(third.high - third.low, 1e-16);
  Interval one = third * Interval::point(3);
  EXPECT_TRUE(one.contains(1));
  // Exact results stay exact, so that an open end at 0 keeps its meaning.
  Interval positive = Interval::positive() * Interval::positive() + Interval::positive();
  EXPECT_TRUE(positive.isPositive());
  EXPECT_FALSE((Interval::positive() + -Interval::positive()).isPositive());
  EXPECT_TRUE(intervals::power(Interval::open(-1, 2), 2).isNonNegative());
  EXPECT_FALSE(intervals::power(Interval::open(-1, 2), 2).isPositive());
  EXPECT_TRUE((Interval::point(4) * Interval::closed(0, 0.25)).contains(1));
  EXPECT_FALSE((Interval::open(-1, 1) * Interval::point(1) + Interval::point(1)).contains(0));
}

/// Random expressions of numbers: the interval of every part holds its value.
TEST(Intervals, HoldTheValuesOfExpressions) {
  const char *formulas[] = {
      "x^3 - 2*x^2 + x/3",
      "sin(3*x)*cos(x - 1) + abs(x - a)",
      "tanh(x)*exp(-x^2) + log(1 + x^2)",
      "sigmoid(x)*sigmoid(-x)*a - erf(x)",
      "x^2/(1 + abs(x)) - x^2/(1 + x^2)",
      "x^2/(1 + x^4) + (1 + x^2)*x^4/(1 + x^4)",
      "where(x > a, sqrt(x^2 + a), min(x, a)^3)",
      "asinh(x) - atan(a*x) + cosh(x/2) - sinh(x)/9",
      "a^x + softplus(x)/(2 + cos(x))",
      "lgamma(a + x^2) + max(x, 1 - x)",
  };
  for (const char *text : formulas) {
    Derived derived(std::string("(x; a = positive(1)) = ") + text);
    symbolic::Algebra &algebra = derived.formula.algebra;
    symbolic::Expr x = algebra.getVariable(), f = derived.formula.result.function;
    for (double low = -4; low < 4; low += 0.37)
      for (double width : {0.0, 0.01, 0.5, 3.0}) {
        Interval domain = Interval::closed(low, low + width);
        for (double part : {0.0, 0.3, 0.77, 1.0})
          for (double a : {0.01, 1.0, 7.0}) {
            algebra.setDomain(algebra.getSymbol(1), Interval::closed(a, a));
            double values[] = {low + part * width, a, 0};
            double value = algebra.evaluate(f, values);
            Interval range = algebra.range(f, x, domain);
            EXPECT_LE(range.low, value + 1e-9 * std::abs(value)) << text << " at x = " << values[0] << ", a = " << a;
            EXPECT_GE(range.high, value - 1e-9 * std::abs(value)) << text << " at x = " << values[0] << ", a = " << a;
          }
      }
  }
}

/// Products of what grows and what vanishes are bounded far out.
TEST(Intervals, HoldTheValuesOfTails) {
  const char *formulas[] = {
      "x*exp(-x)",
      "x^3*exp(2 - x/2)",
      "x*exp(2 - x^2)",
      "x*sigmoid(-x)",
      "x^2*sigmoid(2*x)*sigmoid(-2*x)",
      "x*sigmoid(1 - 3*x)*tanh(x)",
      "x/cosh(x)",
      "x/sqrt(a^2 + x^2)",
      "x^2/(1 + x + x^2)",
      "(1 - x^2)/(1 + x^2)^2",
      "x*exp(-abs(x))*sin(x)",
  };
  for (const char *text : formulas) {
    Derived derived(std::string("(x; a = positive(1)) = ") + text);
    symbolic::Algebra &algebra = derived.formula.algebra;
    for (double low : {0.125, 1.0, 3.0, 64.0}) {
      Interval range = algebra.range(derived.formula.result.function, algebra.getVariable(),
                                     {low, Interval::kInfinity, false, true});
      EXPECT_TRUE(range.isBounded()) << text << " from " << low;
      for (double distance : {0.0, 0.01, 0.5, 1.0, 2.5, 6.0, 30.0, 1e3})
        for (double a : {0.001, 1.0, 40.0}) {
          double values[] = {low + distance, a, 0};
          // Values that vanish as doubles count as members.
          double value = algebra.evaluate(derived.formula.result.function, values);
          EXPECT_TRUE(range.low <= value && value <= range.high) << text << " at x = " << values[0] << ", a = " << a;
        }
    }
  }
}

/// A random formula with its value, computed as it is written.
struct RandomFormula {
  std::mt19937 engine;
  double x, a;

  unsigned below(unsigned n) { return engine() % n; }
  std::pair<std::string, double> make(int depth) {
    static const double numbers[] = {1, 2, 0.5, 3, -1};
    if (depth == 0) {
      switch (below(4)) {
      case 0:
        return {"a", a};
      case 1: {
        double number = numbers[below(5)];
        return {"(" + symbolic::printNumber(number) + ")", number};
      }
      default:
        return {"x", x};
      }
    }
    auto [u, p] = make(depth - 1);
    switch (below(15)) {
    case 0:
      return {"exp(" + u + ")", std::exp(p)};
    case 1:
      return {"log(1 + exp(" + u + "))", std::log(1 + std::exp(p))};
    case 2:
      return {"tanh(" + u + ")", std::tanh(p)};
    case 3:
      return {"(1/(1 + exp(-(" + u + "))))", 1 / (1 + std::exp(-p))};
    case 4:
      return {"(1 - tanh(" + u + ")^2)", 1 - std::tanh(p) * std::tanh(p)};
    case 5:
      return {"abs(" + u + ")", std::abs(p)};
    case 6:
      return {"sqrt(1 + (" + u + ")^2)", std::sqrt(1 + p * p)};
    case 7:
      return {"sin(" + u + ")", std::sin(p)};
    case 8:
      return {"((" + u + ")^2)", p * p};
    case 9:
      return {"log((" + u + ")^2 + 1)", std::log(p * p + 1)};
    case 10:
      return {"(sinh(" + u + ")/cosh(" + u + "))", std::sinh(p) / std::cosh(p)};
    default:
      break;
    }
    auto [v, q] = make(depth - 1);
    switch (below(4)) {
    case 0:
      return {"(" + u + " + " + v + ")", p + q};
    case 1:
      return {"(" + u + " - " + v + ")", p - q};
    case 2:
      return {"((" + u + ")*(" + v + "))", p * q};
    default:
      return {"where(" + u + " < " + v + ", " + u + ", " + v + "*2)", p < q ? p : q * 2};
    }
  }
};

/// No rule changes the value of a formula.
TEST(Simplify, RulesKeepTheValue) {
  int compared = 0, branched = 0, differing = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    for (auto [x, a] : {std::pair(0.7, 1.3), std::pair(-1.1, 0.4), std::pair(2.3, 2.0)}) {
      RandomFormula random{std::mt19937(seed), x, a};
      auto [text, value] = random.make(1 + static_cast<int>(seed % 5));
      if (!(std::abs(value) < 1e6))
        continue;
      Derived derived("(x; a = positive(1)) = " + text + " + 0*x + 0*a");
      double values[] = {x, a, 0};
      double got = derived.formula.algebra.evaluate(derived.formula.result.function, values);
      // Naive formulas lose digits, by which a few comparisons even turn out otherwise.
      bool isClose = std::abs(got - value) <= 1e-7 * (1 + std::abs(value));
      bool hasBranch = text.find("where") != std::string::npos;
      EXPECT_TRUE(isClose || hasBranch) << text << " at x = " << x << ", a = " << a << ": " << got << ", not " << value;
      compared += isClose;
      branched += hasBranch;
      differing += !isClose;
    }
  }
  EXPECT_GT(compared, 2000);
  EXPECT_LE(differing, branched / 100);
}

/// The derivative of every formula against differences.
TEST(Derive, DerivativesAreSlopes) {
  const char *formulas[] = {
      "x^3*sin(x)",
      "exp(-x^2)*x",
      "log(2 + cos(x))/x",
      "tanh(x)^3",
      "sqrt(1 + x^2)",
      "asinh(x*a)",
      "atan(x)/(1+x^2)",
      "a^x",
      "softplus(x)*sigmoid(x)",
      "cosh(x)/(2 + sinh(x)^2)",
      "erf(x)*abs(x)",
      "where(x > 1, x^2, 2*x - 1)",
      "max(x, sin(x))",
      "(2 + x^2)^x",
      "lgamma(2 + x^2)",
  };
  for (const char *text : formulas) {
    Derived derived(std::string("(x; a = positive(2)) = ") + text);
    const symbolic::Derivation &result = derived.formula.result;
    for (double x : {-1.3, -0.4, 0.7, 1.9}) {
      constexpr double step = 1e-6;
      double above[] = {x + step, 2, 0}, below[] = {x - step, 2, 0}, at[] = {x, 2, 0};
      const symbolic::Algebra &algebra = derived.formula.algebra;
      double slope = (algebra.evaluate(result.function, above) - algebra.evaluate(result.function, below)) / (2 * step);
      EXPECT_NEAR(algebra.evaluate(result.derivative, at), slope, 1e-7 * (1 + std::abs(slope))) << text << " at " << x;
      EXPECT_NEAR(algebra.evaluate(result.logDerivative, at), std::log(std::abs(slope)),
                  1e-6 * (1 + 1 / std::abs(slope)))
          << text << " at " << x;
    }
  }
}

TEST(FormulaErrors, JumpsAreFoundWhereverTheyAre) {
  EXPECT_EQ(
      Derived("(x) = where(x*x < 3, x, x + 1)").formula.result.error,
      "it cannot be shown to have no jump: where the condition x^2 < 3 changes is not known; nor can it be solved "
      "step by step: x occurs in a `where`");
  EXPECT_EQ(Derived("(x; a = 1) = 2*x + where(a*x < sigmoid(x), 1, 0)").formula.result.error,
            "it cannot be shown to have no jump: where the condition a*x < sigmoid(x) changes is not known; nor can it "
            "be solved step by step: x occurs in more than one term of 2*x + where(a*x < sigmoid(x), 1, 0)");
}

TEST(FormulaErrors, WhatDecidesHasToBeDefined) {
  // log(x) < 0 < exp(x) - 3 where it is defined only.
  Interval domain = Derived("(x) = 2*x + min(log(x), 700)").formula.result.domain;
  EXPECT_EQ(domain.low, 0);
  domain = Derived("(x) = where(sqrt(x) > -1, x, -x)").formula.result.domain;
  EXPECT_EQ(domain.low, 0);
  // What is not chosen need not be.
  domain = Derived("(x) = where(x > 1, x + log(x), x)").formula.result.domain;
  EXPECT_EQ(domain.low, -Interval::kInfinity);
}

TEST(FormulaErrors, DomainsDoNotDependOnParameters) {
  // Left of 0 the second arm falls and rises.
  EXPECT_EQ(Derived("(x; a = 1) = where(a > 0, x + log(x), x^2 + x^3)").formula.result.error,
            "where it is defined depends on a > 0");
  EXPECT_EQ(Derived("(x; a = 1) = where(a > 0, exp(log(x)), 2*x + sin(x))").formula.result.error,
            "where it is defined depends on a > 0");
  for (const char *text :
       {"(x; a = 1) = where(a > 0, x + log(x), 2*log(x))", "(x; a = 1) = where(a > 0, exp(log(x)), x + sqrt(x))",
        "(x; a = 1) = where(a > 0, x + sqrt(x), x) + log(x)"}) {
    Derived derived(text);
    EXPECT_EQ(derived.formula.result.error, "") << text;
    EXPECT_EQ(derived.formula.result.domain.low, 0) << text;
  }
}

TEST(FormulaErrors, PositiveFactorsDoNotDecide) {
  // exp(x) has no influence on where the product is positive.
  Derived derived("(x) = x + log((x - 2)*exp(x)*(1 + x^2))");
  EXPECT_EQ(derived.formula.result.error, "");
  EXPECT_EQ(derived.formula.result.domain.low, 2);
}

// u^2/(1 + u^2) is at most 1, whichever of them stands first.
TEST(Intervals, BoundRatiosOfPowers) {
  for (const char *text : {"x^2/(1 + x^2)", "x^2/(1 + exp(x) + x^2)", "sinh(x)^2/(1 + sinh(x)^2)"}) {
    Derived derived("(x) = " + std::string(text));
    symbolic::Algebra &algebra = derived.formula.algebra;
    Interval range = algebra.range(derived.formula.result.function, algebra.getVariable(),
                                   Interval::open(-Interval::kInfinity, Interval::kInfinity));
    EXPECT_TRUE(range.isNonNegative()) << text;
    EXPECT_LE(range.high, 1 + 1e-15) << text;
  }
}

TEST(FormulaErrors, GapsAreSeen) {
  // Undefined from 5^(1/3) to 3, where the simplified formula falls.
  EXPECT_EQ(Derived("(x) = let y = x - exp(-10*(x - 2.5)^2) in where(x^3 < 5, y, y + 0*exp(log(x - 3)))")
                .formula.result.error,
            "it is defined on parts of the line with gaps between them");
}

TEST(FormulaErrors, PowersThatShareAnExponentEnd) {
  EXPECT_EQ(Derived("(x; n = positive(2)) = x^n/(1 + x^n)").formula.result.error, "");
  EXPECT_EQ(Derived("(x; a = positive(1), n = positive(2)) = a*x^n + x^(n + 1)").formula.result.error, "");
}

TEST(FormulaErrors, EffortIsBounded) {
  auto chain = [](const std::string &step, int count) {
    std::string text = "(x; a = positive(1)) = let v = x in ";
    for (int i = 0; i < count; ++i)
      text += "let v = " + step + " in ";
    return Derived(text + "v + a").formula.result.error;
  };
  EXPECT_EQ(chain("sqrt(1 + exp(sin(cos(v))))", 240),
            "it cannot be shown to be one because it has more than 1000 operations in a row; write it with fewer "
            "operations");
  EXPECT_EQ(chain("v*log(1 + exp(v))", 30), "it has more than 1000 operations when every `let` is written out");
  EXPECT_EQ(chain("v + log(a + exp(v) + exp(a*v))", 8),
            "it cannot be shown to be one because it takes more than 10000000 steps; write it with fewer operations");
}

TEST(FormulaErrors, SayWhichStepFails) {
  struct Mistake {
    const char *text, *message;
  };
  const Mistake mistakes[] = {
      {"bijection f(x) = x^2", "1:18: error: `f` is no bijection: the derivative 2*x changes its sign: it is 2 at x = "
                               "1 and -2 at x = -1; nor can it be solved step by step: x^2 has equal values "
                               "at x and its negative"},
      {"bijection f(x; a = positive(1), b = positive(1)) = a*x^3 - b*x",
       "1:52: error: `f` is no bijection: the derivative 3*a*x^2 - b changes its sign: it is 2 at x = 1, a = 1, b = 1 "
       "and -1 at x = 0, a = 1, b = 1"},
      {"bijection f(x; a = 1) = a*x",
       "1:25: error: `f` is no bijection: the factor a can be 0: give it a domain, as in `positive(1)`"},
      {"bijection f(x) = 1/x", "1:18: error: `f` is no bijection: it divides by x, which is 0 at x = 0"},
      {"bijection f(x) = 1/(x - 2) + x", "1:18: error: `f` is no bijection: it divides by x - 2, which is 0 at x = 2"},
      {"bijection f(x) = where(x > 1, x + 1, x)", "1:18: error: `f` is no bijection: it jumps at x = 1 from 1 to 2"},
      {"bijection f(x) = max(x, 0)", "1:18: error: `f` is no bijection: it is constant for x < 0"},
      {"bijection f(x; a = positive(1)) = min(x, a)", "1:35: error: `f` is no bijection: it is constant for x > a"},
      {"bijection f(x; a = positive(1)) = x/(a - x)",
       "1:35: error: `f` is no bijection: it divides by a - x, which is 0 at x = a"},
      {"bijection f(x) = log(x) + log(-x)", "1:18: error: `f` is no bijection: log is defined nowhere: its argument -x "
                                            "leaves its domain where the rest of the formula is defined"},
      {"bijection f(x; a = 1.5) = a^x", "1:27: error: `f` is no bijection: a power is not defined everywhere: its base "
                                        "a can be negative: give it a domain, as in `positive(1)`"},
      {"bijection f(x; a = 1) = x + a*tanh(x)",
       "1:25: error: `f` is no bijection: the derivative 4*a*sigmoid(2*x)*sigmoid(-2*x) + 1 changes its sign: it is "
       "0.293492 at x = 2, a = -10 and -9 at x = 0, a = -10; narrower domains of the parameters, as in `interval(-1, "
       "1, 0.5)`, "
       "may help; nor can it be solved step by step: x occurs in more than one term of x + a*tanh(x)"},
      {"bijection f(x; a = positive(1)) = x + a*x*sigmoid(x)",
       "1:35: error: `f` is no bijection: the derivative a*sigmoid(x)*(x*sigmoid(-x) + 1) + 1 changes its sign: it "
       "is "},
      {"bijection f(x; a = positive(1), b = interval(0, 10.1, 1)) = x + b*x*sigmoid(a*x)",
       "1:61: error: `f` is no bijection: the derivative b*sigmoid(a*x)*(a*x*sigmoid(-a*x) + 1) + 1 changes its sign: "
       "it "
       "is 6.04999 at x = 0, a = 1, b = 10.0999898"},
      {"bijection f(x; a = positive(1), b = positive(2)) = x/(1 + abs(x)^a)^(1/(a + b))",
       "1:52: error: `f` is no bijection: the derivative ((-x)^a + 1)^(-1/(a + b) - 1)*((-x)^a - a*(-x)^a/(a + b) + 1) "
       "cannot be shown to have one sign: interval arithmetic finds no bound for it for large negative x"},
      {"bijection f(x) = x/sqrt(abs(x))", "1:18: error: `f` is no bijection: it is not defined at x = 0"},
      {"bijection f(x; a = positive(1)) = a + 1", "1:35: error: `f` is no bijection: it does not depend on x"},
      {"bijection f(x) = x - x", "1:18: error: `f` is no bijection: it does not depend on x"},
      {"bijection f(x; a = positive(1)) = 2*x", "1:16: error: the parameter `a` does not occur in the formula"},
      {"bijection f(x) = sin(x)", "1:18: error: `f` is no bijection: the derivative cos(x) changes its sign"},
      {"bijection f(x) = log(x^2)",
       "1:18: error: `f` is no bijection: the derivative 2/x changes its sign: it is 2 at x = 1 and -2 at x = -1"},
      {"bijection f(x; a = -0.5) = x + log(exp(x) + a)",
       "1:28: error: `f` is no bijection: log is not defined everywhere: its argument"},
      {"bijection f(x; a = positive(1)) = x + log(a*x^2 - 1)",
       "1:35: error: `f` is no bijection: log is not defined everywhere: its argument a*x^2 - 1 can be negative"},
      {"bijection f(x) = sum(x)", "1:18: error: `sum` needs a vector, and a bijection defined by a formula has only "
                                  "numbers"},
      {"bijection f(x) = [x, 1]", "1:18: error: a bijection defined by a formula has only numbers, no arrays"},
      {"bijection f(x; a = 1) = x + a.b",
       "1:31: error: a bijection defined by a formula has only numbers: only tables have columns"},
      {"bijection f(x) = x[\"b\"]", "1:20: error: a bijection defined by a formula has only numbers"},
      {"bijection f(x) = x + (x > 1)", "1:23: error: a comparison is no number: use `where(CONDITION, 1, 0)`"},
      {"bijection f(x) = where(x, 1, 2)", "1:24: error: `where` needs a comparison first, as in `where(x > 0, a, b)`"},
      {"bijection f(x) = y + x", "1:18: error: unknown name `y` in the formula of `f`"},
      {"bijection f(x) = 2*x\nbijection g = f",
       "2:15: error: `f` is defined by a formula; to construct an object write "
       "`f()`"},
      {"bijection f(x) = 2*x\nbijection g = f(3)", "2:17: error: `shape` of `f` is a shape: write `[3]` for a vector"},
      {"bijection f(x) = 2*x\nbijection g = f(a = 3)", "2:17: error: `f` has no argument `a` (its arguments: shape)"},
      {"bijection g = f()\nbijection f(x) = 2*x", "1:15: error: `f` is defined in line 2: define it before it is used"},
      {"density d(x[1]) = x[0]\nbijection g = d", "2:15: error: `d` is a density"},
  };
  for (const Mistake &mistake : mistakes) {
    std::string message = messageFor(mistake.text), expected = std::string("test.flow:") + mistake.message;
    EXPECT_EQ(message.substr(0, expected.size()), expected) << "for: " << mistake.text << "\nfound: " << message;
  }
}
