//===- LogDensitySlopesTest.cpp - Derivatives at all magnitudes -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Log-densities and their derivatives by every argument, for arguments of all sizes,
// against the textbook's derivatives in `long double`, whose exponents reach much further.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "flowc/Symbolic/Functions.h"

using namespace flowc;
using namespace flowc::test;
using symbolic::Function;

namespace {

using Exact = long double;
using Arguments = std::vector<Exact>;

/// A derivative as the sum of its terms, whose sizes say how much rounding may do.
using Terms = std::vector<Exact>;

struct Density {
  const char *name;
  /// The exponents of 10 that the arguments have; `isSigned` ones take both signs.
  std::vector<std::pair<int, int>> exponents;
  std::vector<bool> isSigned;
  std::vector<Terms> (*slopes)(const Arguments &);
  /// What is computed on the way, and has to be a number.
  Terms (*steps)(const Arguments &) = [](const Arguments &) { return Terms(); };
};

void PrintTo(const Density &density, std::ostream *os) { *os << density.name; }

Exact digamma(Exact x) { return symbolic::getRow(Function::Digamma).value(x); }
Exact sign(Exact x) { return static_cast<Exact>((x > 0) - (x < 0)); }

std::vector<Terms> normalSlopes(const Arguments &u) {
  Exact s = u[2], z = (u[0] - u[1]) / s;
  return {{-z / s}, {z / s}, {z * z / s, -1 / s}};
}
std::vector<Terms> logNormalSlopes(const Arguments &u) {
  Exact y = u[0], s = u[2], w = (std::log(y) - u[1]) / s;
  return {{-1 / y, -std::log(y) / s / s / y, u[1] / s / s / y},
          {std::log(y) / s / s, -u[1] / s / s},
          {w * w / s, -1 / s, 2 * w * std::log(y) / s / s, -2 * w * std::log(y) / s / s}};
}
std::vector<Terms> laplaceSlopes(const Arguments &u) {
  Exact s = u[2], z = (u[0] - u[1]) / s;
  return {{-sign(z) / s}, {sign(z) / s}, {std::abs(z) / s, -1 / s}};
}
std::vector<Terms> logisticSlopes(const Arguments &u) {
  Exact s = u[2], z = (u[0] - u[1]) / s, t = std::tanh(z / 2);
  // 1 - 2 sigmoid(z), as it is computed.
  return {{-t / s, 1 / s, -1 / s}, {t / s, 1 / s, -1 / s}, {z * t / s, -1 / s, z / s, -z / s}};
}
std::vector<Terms> cauchySlopes(const Arguments &u) {
  Exact s = u[2], z = (u[0] - u[1]) / s, t = 2 * z / (1 + z * z);
  return {{-t / s}, {t / s}, {t * z / s, -1 / s}};
}
std::vector<Terms> gumbelSlopes(const Arguments &u) {
  Exact s = u[2], z = (u[0] - u[1]) / s, e = std::exp(-z);
  return {{-1 / s, e / s}, {1 / s, -e / s}, {z / s, -z * e / s, -1 / s}};
}
std::vector<Terms> exponentialSlopes(const Arguments &u) { return {{-u[1]}, {1 / u[1], -u[0]}}; }
std::vector<Terms> gammaSlopes(const Arguments &u) {
  Exact y = u[0], a = u[1], s = u[2];
  return {{a / y, -1 / y, -1 / s}, {std::log(y), -std::log(s), -digamma(a), 1, -1}, {y / s / s, -a / s, 1 / s, -1 / s}};
}
std::vector<Terms> betaSlopes(const Arguments &u) {
  Exact y = u[0], a = u[1], b = u[2];
  return {{a / y, -1 / y, -b / (1 - y), 1 / (1 - y)},
          {std::log(y), -digamma(a), digamma(a + b), 1, -1},
          {std::log1p(-y), -digamma(b), digamma(a + b), 1, -1}};
}
std::vector<Terms> studentTSlopes(const Arguments &u) {
  Exact y = u[0], df = u[1], square = y * y;
  return {{-(df + 1) * y / (df + square)},
          {digamma((df + 1) / 2) / 2, -digamma(df / 2) / 2, -1 / (2 * df), -std::log1p(square / df) / 2,
           (df + 1) * (square / df) / (df + square) / 2}};
}

const std::pair<int, int> kAll{-300, 300};

class Slopes : public testing::TestWithParam<Density> {
protected:
  template <typename T>
  void check(int most, double tolerance);
};

} // namespace

INSTANTIATE_TEST_SUITE_P(
    Functions, Slopes,
    testing::Values(Density{"normal_log", {kAll, kAll, kAll}, {true, true, false}, normalSlopes},
                    Density{"log_normal_log", {kAll, {-3, 3}, {-3, 3}}, {false, true, false}, logNormalSlopes},
                    Density{"laplace_log", {kAll, kAll, kAll}, {true, true, false}, laplaceSlopes},
                    Density{"logistic_log", {kAll, kAll, kAll}, {true, true, false}, logisticSlopes},
                    Density{"cauchy_log", {kAll, kAll, kAll}, {true, true, false}, cauchySlopes},
                    Density{"gumbel_log", {kAll, kAll, kAll}, {true, true, false}, gumbelSlopes},
                    Density{"exponential_log", {kAll, kAll}, {false, false}, exponentialSlopes},
                    Density{"gamma_log",
                            {kAll, kAll, kAll},
                            {false, false, false},
                            gammaSlopes,
                            [](const Arguments &u) { return Terms{u[1] * u[2] / u[0], u[2] / u[0]}; }},
                    Density{"beta_log", {{-300, 0}, kAll, kAll}, {false, false, false}, betaSlopes},
                    Density{"student_t_log",
                            {kAll, kAll},
                            {true, false},
                            studentTSlopes,
                            [](const Arguments &u) { return Terms{u[0] * u[0], u[0] * u[0] / u[1]}; }}),
    [](const auto &info) { return std::string(info.param.name); });

template <typename T>
void Slopes::check(int most, double tolerance) {
  const Density &density = GetParam();
  const symbolic::FunctionRow &row = *symbolic::findFunction(density.name);
  size_t count = density.exponents.size();
  // Draws of the arguments, and what of them is within reach.
  Random random(3);
  std::vector<Arguments> all;
  const Exact largest = std::pow(Exact(10), most), smallest = 1 / largest;
  for (int i = 0; i < 20000; ++i) {
    Arguments u;
    for (size_t k = 0; k < count; ++k) {
      auto [low, high] = density.exponents[k];
      double scale = random.chance(0.5) ? 1 : 0.03; // far out, and close to 1
      double exponent = random.uniform(std::max(low, -most) * scale, std::min(high, most) * scale);
      double value = std::pow(10, exponent) * (density.isSigned[k] && random.chance(0.5) ? -1 : 1);
      u.push_back(static_cast<T>(value));
    }
    std::vector<Exact> given = u;
    if (count < row.arity)
      given.insert(given.end(), {0, 1});
    // What is scaled has to be a number, too.
    auto hasArgument = [&](const char *name) {
      return std::ranges::find(row.arguments, name, &symbolic::FunctionArgument::name) != row.arguments.end();
    };
    Exact distance = hasArgument("loc") ? given[0] - given[given.size() - 2] : given[0];
    Exact z = hasArgument("scale") ? std::abs(distance / given.back()) : 1;
    bool isWithin = std::abs(row.density(given)) < largest && z > smallest && z < largest;
    std::vector<Terms> numbers = density.slopes(u);
    numbers.push_back(density.steps(u));
    for (const Terms &terms : numbers)
      for (Exact term : terms)
        isWithin &= term == 0 || (std::abs(term) < largest && std::abs(term) > smallest);
    if (isWithin)
      all.push_back(u);
  }
  ASSERT_GT(all.size(), 500u);

  std::string text = "density d(x[" + std::to_string(count) + "]) = " + density.name + "(x[0]";
  for (size_t k = 1; k < count; ++k)
    text += ", x[" + std::to_string(k) + "]";
  Flow flow = take(Flow::parseDensity(text + ")"), text);
  Model model = take(Model::initialise(flow, {.dtype = dtypeOf<T>}));
  auto kernels = take(compile(flow, {.dtype = dtypeOf<T>}), text);
  Rows<T> x(static_cast<int64_t>(all.size()), static_cast<int64_t>(count));
  for (int64_t i = 0; i < x.rows(); ++i)
    for (int64_t k = 0; k < x.cols(); ++k)
      x(i, k) = static_cast<T>(all[i][k]);
  auto score = take(kernels->template score<T>(model, x));
  int64_t wrong = 0;
  for (int64_t i = 0; i < x.rows() && wrong < 10; ++i) {
    std::vector<Terms> slopes = density.slopes(all[i]);
    for (int64_t k = 0; k < x.cols(); ++k) {
      Exact slope = 0, size = smallest;
      for (Exact term : slopes[k]) {
        slope += term;
        size += std::abs(term);
      }
      bool isRight = std::abs(score(i, k) - slope) <= tolerance * size;
      wrong += !isRight;
      EXPECT_TRUE(isRight) << density.name << testing::PrintToString(all[i]) << " by argument " << k << ": "
                           << score(i, k) << ", not " << slope;
    }
  }
}

// The slopes of special functions are good to some 10 roundings of their terms.
TEST_P(Slopes, HoldInDouble) { check<double>(290, 1e-13); }
TEST_P(Slopes, HoldInSingle) { check<float>(35, 3e-5); }
