//===- FunctionsTest.cpp - The table of mathematical functions ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The columns of a row are judged by each other: a slope by differences of values,
// what the algebra derives by the slope, ranges and inverses by values.
//
//===----------------------------------------------------------------------===//

#include "flowc/Symbolic/Expression.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <regex>
#include <set>

using namespace flowc::symbolic;

namespace {

/// Numbers of the domain, of several sizes, away from kinks and poles at 0.
std::vector<double> getPoints(const FunctionRow &row) {
  std::vector<double> points;
  for (double x : {-6.25, -2.5, -1.0625, -0.75, -0.25, -0.0625, 0.0625, 0.25, 0.75, 1.0625, 1.375, 2.5, 6.25})
    if (row.domain.contains(x))
      points.push_back(x);
  return points;
}

class Rows : public testing::TestWithParam<Function> {};

} // namespace

static std::vector<Function> getUnaryFunctions() {
  std::vector<Function> functions;
  for (const FunctionRow &row : getFunctions())
    if (row.arity == 1)
      functions.push_back(row.function);
  return functions;
}

/// By Richardson's extrapolation: an error of h^4 and of rounding over h.
static double differentiate(const FunctionRow &row, double at) {
  auto difference = [&](long double h) {
    long double x = at;
    return (row.value(x + h) - row.value(x - h)) / (2 * h);
  };
  constexpr long double h = 1e-4L;
  return static_cast<double>((4 * difference(h) - difference(2 * h)) / 3);
}

TEST_P(Rows, SlopesAreThoseOfValues) {
  const FunctionRow &row = getRow(GetParam());
  ASSERT_TRUE(row.slope || row.scope == Scope::Algebra) << "the judge needs it";
  for (double x : getPoints(row)) {
    double expected = differentiate(row, x);
    // h^4 times a fifth derivative, of which that of log at 1/16 is the largest.
    double tolerance = 1e-10 * (1 + std::abs(expected));
    if (row.slope)
      EXPECT_NEAR(row.slope(x), expected, tolerance) << row.name << " at " << x;
    Algebra algebra;
    Expr u = algebra.symbol("x", row.domain);
    Expr derivative = algebra.derivative(algebra.call(row.function, std::array{u}), u);
    if (derivative)
      EXPECT_NEAR(algebra.evaluate(derivative, std::array{x}), expected, tolerance) << row.name << " at " << x;
    else
      EXPECT_EQ(row.function, Function::Digamma);
  }
}

// At a kink a function has the slope between those of both sides, as in JAX.
TEST(Kinks, HaveTheSlopeOfTheMiddle) {
  EXPECT_EQ(getRow(Function::Abs).slope(0.0), 0);
  EXPECT_EQ(getRow(Function::Abs).slope(-1e-300), -1);
  EXPECT_EQ(getRow(Function::Abs).slope(1e-300), 1);
}

TEST_P(Rows, ValuesAreTheSameInEveryPrecision) {
  const FunctionRow &row = getRow(GetParam());
  for (double x : getPoints(row)) {
    double expected = static_cast<double>(row.value(static_cast<long double>(x)));
    // A few units in the last place of the larger of the value and 1 (sums of such terms).
    double size = std::max(1.0, std::abs(expected));
    EXPECT_NEAR(row.value(x), expected, 1e-15 * 8 * size) << row.name << " at " << x;
    EXPECT_NEAR(row.value(static_cast<float>(x)), expected, 1e-6 * size) << row.name << " at " << x;
  }
}

TEST_P(Rows, RangesHoldAllValues) {
  const FunctionRow &row = getRow(GetParam());
  std::vector<double> points = getPoints(row);
  for (size_t i = 0; i < points.size(); ++i)
    for (size_t j = i; j < points.size(); ++j) {
      Algebra algebra;
      Expr u = algebra.symbol("x", Interval::closed(points[i], points[j]));
      Interval range = algebra.range(algebra.call(row.function, std::array{u}));
      for (size_t k = i; k <= j; ++k) { // an open end may be what a value rounds to
        EXPECT_GE(row.value(points[k]), range.low) << row.name << " from " << points[i] << " to " << points[j];
        EXPECT_LE(row.value(points[k]), range.high) << row.name << " from " << points[i] << " to " << points[j];
      }
    }
}

TEST_P(Rows, ParitiesAndInversesHold) {
  const FunctionRow &row = getRow(GetParam());
  for (double x : getPoints(row)) {
    if (row.parity != Parity::None)
      EXPECT_EQ(row.value(-x), row.parity == Parity::Odd ? -row.value(x) : row.value(x)) << row.name << " at " << x;
    // Where atanh and tan lose digits, the condition of the function is at most 1e5.
    if (row.inverse)
      EXPECT_NEAR(getRow(*row.inverse).value(row.value(x)), x, 1e-9) << row.name << " at " << x;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Rows, testing::ValuesIn(getUnaryFunctions()),
                         [](const auto &info) { return std::string(getName(info.param)); });

TEST(Functions, AreFoundByNameAndByOp) {
  for (const FunctionRow &row : getFunctions()) {
    EXPECT_EQ(&getRow(row.function), &row);
    EXPECT_EQ(findFunction(row.name), row.scope == Scope::Algebra ? nullptr : &row) << row.name;
    EXPECT_EQ(findFunctionOfOp(row.op), row.op.empty() ? nullptr : &row) << row.name;
  }
  EXPECT_EQ(findFunction("pow"), nullptr);
  EXPECT_EQ(findFunction(""), nullptr);
  EXPECT_EQ(findFunctionOfOp("math.exp2"), nullptr);
}

TEST(Functions, TakeNumbersOrVectors) {
  const FunctionRow &max = getRow(Function::Max), &sum = getRow(Function::Sum), &exp = getRow(Function::Exp);
  EXPECT_TRUE(max.takes(1) && max.takes(2) && !max.takes(3) && !max.takes(0));
  EXPECT_TRUE(max.isOfVectors(1) && !max.isOfVectors(2));
  EXPECT_TRUE(sum.takes(1) && !sum.takes(0) && sum.isOfVectors(1));
  EXPECT_TRUE(exp.takes(1) && !exp.takes(0) && !exp.isOfVectors(1));
}

//===----------------------------------------------------------------------===//
// docs/Language.md
//===----------------------------------------------------------------------===//

/// Names between backquotes, up to brackets: of `where(c, a, b)` it is `where`.
static std::set<std::string> getQuotedNames(const std::string &text) {
  std::set<std::string> names;
  static const std::regex name("`([a-z][a-z0-9_]*)(\\([^`]*\\))?`");
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it)
    names.insert((*it)[1]);
  return names;
}

static std::string getSignature(const FunctionRow &row) {
  std::string text(row.name);
  for (const FunctionArgument &argument : row.arguments) {
    text += (&argument == &row.arguments.front() ? "(" : ", ") + std::string(argument.name);
    if (argument.otherwise)
      text += " = " + printNumber(*argument.otherwise);
  }
  return text + ")";
}

TEST(Functions, StandInThePageOfTheLanguage) {
  std::ifstream file(FLOWC_TEST_DATA "/../../docs/Language.md");
  ASSERT_TRUE(file);
  std::string page(std::istreambuf_iterator<char>(file), {});
  size_t begin = page.find("and the functions\n"), end = page.find("\n\n", begin);
  ASSERT_NE(begin, std::string::npos);
  std::set<std::string> listed = getQuotedNames(page.substr(begin, end - begin)), known;
  // A construction with a grammar of its own.
  EXPECT_EQ(listed.erase("scan"), 1u);
  for (const FunctionRow &row : getFunctions())
    if (row.isLogDensity())
      EXPECT_NE(page.find("| `" + getSignature(row) + "` |"), std::string::npos) << getSignature(row);
    else if (row.scope != Scope::Algebra)
      known.insert(std::string(row.name));
  EXPECT_EQ(listed, known);
}
