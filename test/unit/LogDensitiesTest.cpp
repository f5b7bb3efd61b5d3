//===- LogDensitiesTest.cpp - Functions of densities ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Log-densities as functions, and what of mathematics only densities need, compared
// with known answers: the textbook formulas, and central differences of them, with 450
// digits (log_densities.py).
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "flowc/Symbolic/Functions.h"

#include <algorithm>
#include <map>
#include <set>

using namespace flowc;
using namespace flowc::test;

namespace {

struct Answer {
  const char *function;
  std::vector<double> arguments;
  double value;
  /// By each argument; 0 by counts, which have none.
  std::vector<double> gradient;
};

const Answer kAnswers[] = {
#include "LogDensities.inc"
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A density of `dim` numbers, compiled.
template <typename T>
struct Compiled {
  explicit Compiled(const std::string &formula, int64_t dim)
      : density(take(Flow::parseDensity("density d(x[" + std::to_string(dim) + "]) = " + formula), formula)),
        model(take(Model::initialise(density, {.dtype = dtypeOf<T>}), formula)),
        kernels(take(compile(density, {.dtype = dtypeOf<T>}), formula)) {}

  std::pair<T, std::vector<T>> operator()(const std::vector<double> &arguments) const {
    Rows<T> x(1, static_cast<int64_t>(arguments.size()));
    for (size_t i = 0; i < arguments.size(); ++i)
      x(0, static_cast<int64_t>(i)) = static_cast<T>(arguments[i]);
    auto value = take(kernels->template logProb<T>(model, x));
    auto score = take(kernels->template score<T>(model, x));
    return {value(0), std::vector<T>(score.data(), score.data() + score.size())};
  }

  Flow density;
  Model model;
  decltype(take(compile(density))) kernels;
};

std::string callOf(const std::string &function, size_t count) {
  std::string text = function;
  for (size_t i = 0; i < count; ++i)
    text += (i ? ", x[" : "(x[") + std::to_string(i) + "]";
  return text + ")";
}

class KnownAnswers : public testing::TestWithParam<std::string> {
protected:
  template <typename T>
  void check(double relative, double absolute);
};

} // namespace

/// Whether rows in single precision say the same: arguments are single, results normal.
static bool fitsFloat(const Answer &answer) {
  auto isModerate = [](double v) { return v == 0 || (std::abs(v) > 1e-30 && std::abs(v) < 1e30); };
  for (double argument : answer.arguments)
    if (argument != static_cast<float>(argument))
      return false;
  for (double slope : answer.gradient)
    if (!isModerate(slope))
      return false;
  return isModerate(answer.value);
}

template <typename T>
void KnownAnswers::check(double relative, double absolute) {
  std::optional<Compiled<T>> compiled;
  for (const Answer &answer : kAnswers) {
    if (answer.function != GetParam() || (sizeof(T) == 4 && !fitsFloat(answer)))
      continue;
    if (!compiled)
      compiled.emplace(callOf(GetParam(), answer.arguments.size()), static_cast<int64_t>(answer.arguments.size()));
    auto [value, gradient] = (*compiled)(answer.arguments);
    std::string what = testing::PrintToString(answer.arguments);
    EXPECT_NEAR(value, answer.value, absolute + relative * std::abs(answer.value)) << what;
    // Of a binomial distribution it is the count less the mean n p, of which p is rounded.
    bool isDifference = GetParam() == "binomial_logit_log";
    double ofMean = isDifference ? std::numeric_limits<T>::epsilon() * answer.arguments[1] : 0;
    for (size_t i = 0; i < gradient.size(); ++i)
      EXPECT_NEAR(gradient[i], answer.gradient[i], absolute + ofMean + relative * std::abs(answer.gradient[i]))
          << what << " by argument " << i;
  }
  EXPECT_TRUE(compiled) << "no row to test";
}

/// Functions with tails of which every digit counts: what is computed is the answer
/// itself, and not a difference of numbers of the size of 1 that happens to be small.
static bool isExactInTails(const std::string &function) {
  static const std::set<std::string> functions = {"bernoulli_logit_log", "erfc", "exponential_log", "log1mexp",
                                                  "normal_log_cdf"};
  return functions.contains(function);
}

// A dozen roundings, in terms of the size of 1 or of the answer; deviances of 10^9 counts
// magnify the rounding of a probability by 10^4, which singles have no rows of.
TEST_P(KnownAnswers, HoldInDouble) { check<double>(2e-14, isExactInTails(GetParam()) ? 1e-307 : 5e-12); }
TEST_P(KnownAnswers, HoldInSingle) { check<float>(1e-5, isExactInTails(GetParam()) ? 1e-37 : 4e-6); }

// The judge's terms are as large as the largest lgamma, and are rounded to 2^-64.
TEST_P(KnownAnswers, AreTheJudges) {
  const symbolic::FunctionRow &row = *symbolic::findFunction(GetParam());
  for (const Answer &answer : kAnswers) {
    if (answer.function != GetParam())
      continue;
    std::vector<long double> arguments(answer.arguments.begin(), answer.arguments.end());
    long double value = row.isLogDensity() ? row.density(arguments) : row.value(arguments[0]);
    double largest = 1;
    for (double argument : answer.arguments)
      largest = std::max(largest, std::abs(argument));
    double tolerance = largest <= 1e12 ? 1e-17 * largest * (1 + std::log(largest)) : 1e-17;
    EXPECT_NEAR(value, answer.value, tolerance + 4e-16 * std::abs(answer.value))
        << testing::PrintToString(answer.arguments);
  }
}

static std::vector<std::string> getFunctionsWithAnswers() {
  std::set<std::string> names;
  for (const Answer &answer : kAnswers)
    names.insert(answer.function);
  return {names.begin(), names.end()};
}

INSTANTIATE_TEST_SUITE_P(Functions, KnownAnswers, testing::ValuesIn(getFunctionsWithAnswers()),
                         [](const auto &info) { return info.param; });

TEST(LogDensities, AllHaveAnswers) {
  std::vector<std::string> tested = getFunctionsWithAnswers();
  for (const symbolic::FunctionRow &row : symbolic::getFunctions())
    if (row.isLogDensity())
      EXPECT_TRUE(std::ranges::find(tested, row.name) != tested.end()) << row.name;
}

//===----------------------------------------------------------------------===//
// Edges of supports
//===----------------------------------------------------------------------===//

namespace {

/// y and parameters, the value, and whether the derivatives there are 0.
struct Edge {
  const char *function;
  std::vector<double> arguments;
  double value;
};

const Edge kOutside[] = {
    {"gamma_log", {-1, 2, 3}, -kInfinity},
    {"gamma_log", {0, 2, 3}, -kInfinity},
    {"gamma_log", {0, 0.5, 3}, kInfinity},
    {"beta_log", {-0.25, 2, 3}, -kInfinity},
    {"beta_log", {1.25, 2, 3}, -kInfinity},
    {"beta_log", {0, 2, 3}, -kInfinity},
    {"beta_log", {1, 2, 3}, -kInfinity},
    {"beta_log", {0, 0.5, 3}, kInfinity},
    {"beta_log", {1, 2, 0.5}, kInfinity},
    {"exponential_log", {-1, 2}, -kInfinity},
    {"log_normal_log", {0, 1, 2}, -kInfinity},
    {"log_normal_log", {-3, 1, 2}, -kInfinity},
    {"bernoulli_logit_log", {2, 1}, -kInfinity},
    {"bernoulli_logit_log", {0.5, 1}, -kInfinity},
    {"bernoulli_logit_log", {-1, 1}, -kInfinity},
    {"binomial_logit_log", {-1, 5, 1}, -kInfinity},
    {"binomial_logit_log", {6, 5, 1}, -kInfinity},
    {"binomial_logit_log", {2.5, 5, 1}, -kInfinity},
    {"binomial_logit_log", {2, 5.5, 1}, -kInfinity},
    {"poisson_log", {-1, 2}, -kInfinity},
    {"poisson_log", {1.5, 2}, -kInfinity},
};

/// Ends of supports with a finite limit.
const Edge kInside[] = {
    {"gamma_log", {0, 1, 4}, -std::log(4)},
    {"beta_log", {0, 1, 1}, 0},
    {"beta_log", {0, 1, 3}, std::log(3)},
    {"beta_log", {1, 4, 1}, std::log(4)},
    {"exponential_log", {0, 2}, std::log(2)},
    {"poisson_log", {0, 0}, 0},
    {"binomial_logit_log", {0, 3, 0}, -3 * std::log(2)},
    {"binomial_logit_log", {0, 0, 2}, 0},
};

} // namespace

template <typename T>
static void checkEdges() {
  std::map<std::string, Compiled<T>> compiled;
  auto apply = [&](const Edge &edge) {
    size_t count = edge.arguments.size();
    auto [it, isNew] = compiled.try_emplace(edge.function, callOf(edge.function, count), static_cast<int64_t>(count));
    return it->second(edge.arguments);
  };
  for (const Edge &edge : kOutside) {
    auto [value, gradient] = apply(edge);
    EXPECT_EQ(value, edge.value) << edge.function << testing::PrintToString(edge.arguments);
    for (T slope : gradient)
      EXPECT_TRUE(std::isfinite(slope)) << edge.function << testing::PrintToString(edge.arguments) << slope;
  }
  for (const Edge &edge : kInside) {
    auto [value, gradient] = apply(edge);
    EXPECT_NEAR(value, edge.value, 4 * std::numeric_limits<T>::epsilon())
        << edge.function << testing::PrintToString(edge.arguments);
    for (T slope : gradient)
      EXPECT_TRUE(std::isfinite(slope)) << edge.function << testing::PrintToString(edge.arguments) << slope;
  }
}

TEST(LogDensities, EndWithTheirSupports) {
  checkEdges<double>();
  checkEdges<float>();
}

TEST(LogDensities, AreUndefinedWithoutAValue) {
  // Not a number where there is none to tell from: the row is, so the density is, too.
  for (const char *function : {"poisson_log", "exponential_log"}) {
    Compiled<double> compiled(callOf(function, 2), 2);
    EXPECT_TRUE(std::isnan(compiled({std::nan(""), 2}).first)) << function;
    // A rate below 0 is undefined without NaN in the row.
    EXPECT_EQ(compiled({3, -2}).first, -kInfinity) << function;
  }
  Compiled<double> binomial(callOf("binomial_logit_log", 3), 3);
  EXPECT_TRUE(std::isnan(binomial({1, std::nan(""), 0.5}).first));
  EXPECT_TRUE(std::isnan(binomial({1, 2, std::nan("")}).first));
}

//===----------------------------------------------------------------------===//
// As a part of formulas
//===----------------------------------------------------------------------===//

TEST(LogDensities, ActOnElementsAndHaveDefaults) {
  Compiled<double> sums("sum(normal_log(x, [1, 2, 3], 2)) + normal_log(x[0]) + sum(student_t_log(x, 4)) + "
                        "poisson_log(2, exp(x[1])) + sum(exponential_log(x^2)) + cauchy_log(0, x[2])",
                        3);
  std::vector<double> x = {0.5, -1, 2.25};
  double expected = 0, pi = std::acos(-1.0);
  for (int i = 0; i < 3; ++i) {
    double z = (x[i] - (i + 1)) / 2;
    expected += -z * z / 2 - std::log(2 * std::sqrt(2 * pi));
    // The density of Student's t with 4 degrees of freedom is 3/8 (1 + x^2/4)^(-5/2).
    expected += std::log(0.375) - 2.5 * std::log1p(x[i] * x[i] / 4) - x[i] * x[i];
  }
  expected +=
      -0.125 - std::log(std::sqrt(2 * pi)) + 2 * x[1] - std::exp(x[1]) - std::log(2) - std::log(pi * (1 + x[2] * x[2]));
  EXPECT_NEAR(sums(x).first, expected, 1e-14 * 20);
}

TEST(LogDensities, MessagesNameTheArguments) {
  auto message = [](const std::string &text) { return Flow::parse(text).error().message; };
  EXPECT_NE(message("density d(x[2]) = sum(normal_log(x, 0, 1, 2))")
                .find("`normal_log` takes 1 to 3 arguments (y, loc = 0, scale = 1), found 4"),
            std::string::npos);
  EXPECT_NE(message("density d(x[2]) = gamma_log(x[0], 1)")
                .find("`gamma_log` takes 3 arguments (y, concentration, scale), found 2"),
            std::string::npos);
  EXPECT_NE(message("density d(x[2]) = normal_logg(x[0])").find("did you mean `normal_log`?"), std::string::npos);
  EXPECT_NE(message("bijection b(x) = x + normal_log(x)")
                .find("`normal_log` is a function of densities; write its formula to make a bijection of it"),
            std::string::npos);
}
