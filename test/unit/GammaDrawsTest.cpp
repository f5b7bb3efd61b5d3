//===- GammaDrawsTest.cpp - Derivatives of gamma, beta and t draws --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/flowc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

using namespace flowc;

namespace {

struct Compiled {
  Model model;
  std::shared_ptr<Kernels> kernels;
};

template <typename T>
Compiled compileText(const std::string &text, const std::string &target = {}) {
  constexpr DType dtype = sizeof(T) == 4 ? F32 : F64;
  auto flow = Flow::parse(text);
  EXPECT_TRUE(flow) << flow.error().message;
  auto model = Model::initialise(*flow, {.dtype = dtype});
  EXPECT_TRUE(model) << model.error().message;
  CompileOptions options{.dtype = dtype};
  if (!target.empty()) {
    auto density = Flow::parseDensity(target);
    EXPECT_TRUE(density) << density.error().message;
    options.target = *density;
  }
  auto kernels = compile(*flow, options);
  EXPECT_TRUE(kernels) << kernels.error().message;
  return {*model, *kernels};
}

struct Estimate {
  double mean, error;
};

/// The gradient of the ELBO's loss in each trained number, with standard errors: one
/// mean for each of 40 batches.
template <typename T>
std::vector<Estimate> elboGradient(const std::string &text, const std::string &target, bool stl, int64_t rows) {
  auto [model, kernels] = compileText<T>(text, target);
  constexpr int batches = 40;
  auto size = static_cast<size_t>(model.numTrainable());
  std::vector<double> sum(size), squares(size);
  for (int batch = 0; batch < batches; ++batch) {
    double loss = 0;
    std::vector<double> gradient(size);
    auto ok = kernels->run(model, {.kernel = stl ? Kernel::StlSampleGradient : Kernel::ElboSampleGradient,
                                   .rows = rows,
                                   .first = static_cast<uint64_t>(batch * rows),
                                   .seed = 3,
                                   .loss = &loss,
                                   .gradient = gradient.data()});
    EXPECT_TRUE(ok) << ok.error().message;
    for (size_t i = 0; i < size; ++i) {
      sum[i] += gradient[i] / batches;
      squares[i] += gradient[i] * gradient[i] / batches;
    }
  }
  std::vector<Estimate> result;
  for (size_t i = 0; i < size; ++i)
    result.push_back({sum[i], std::sqrt((squares[i] - sum[i] * sum[i]) / (batches - 1))});
  return result;
}

/// Compares the gradients in leading trained numbers. A parameter a = softplus(raw) has
/// da/draw = 1 - exp(-a).
template <typename T>
void checkGradient(const std::string &text, const std::string &target,
                   const std::vector<std::pair<double, double>> &valueAndDerivative, int64_t rows = 5000) {
  for (bool stl : {false, true}) {
    std::vector<Estimate> gradient = elboGradient<T>(text, target, stl, rows);
    ASSERT_GE(gradient.size(), valueAndDerivative.size());
    for (size_t i = 0; i < valueAndDerivative.size(); ++i) {
      auto [value, derivative] = valueAndDerivative[i];
      double expected = derivative * -std::expm1(-value);
      // Four standard errors, which are small enough to tell a wrong derivative.
      EXPECT_NEAR(gradient[i].mean, expected, 4 * gradient[i].error) << text << (stl ? " stl " : " elbo ") << i;
      EXPECT_LT(gradient[i].error, 0.1 * std::abs(derivative) + 0.003) << text;
    }
  }
}

/// The second derivative of log Gamma: its recurrence, then the asymptotic series.
double trigamma(double x) {
  double sum = 0;
  for (; x < 30; ++x)
    sum += 1 / (x * x);
  double w = 1 / (x * x);
  return sum + 1 / x + w / 2 + w / x * (1.0 / 6 - w * (1.0 / 30 - w / 42));
}

} // namespace

// KL(Gamma(a), Gamma(b)) = (a - b) psi(a) + log Gamma(b) - log Gamma(a) for equal scales:
// its derivative in a is (a - b) trigamma(a).
TEST(GammaDrawsTest, ElboOfGammas) {
  for (double a : {0.4, 1.0, 2.5, 40.0}) {
    std::string text = "flow q = gamma([" + std::to_string(a) + "], [1])";
    double b = a < 1 ? 0.9 : a + 2;
    std::string target = "density p(x[1]) = " + std::to_string(b - 1) + "*log(x[0]) - x[0]";
    checkGradient<double>(text, target, {{a, (a - b) * trigamma(a)}});
    checkGradient<float>(text, target, {{a, (a - b) * trigamma(a)}});
  }
}

// KL of beta distributions: the derivatives are (a - c) psi'(a) - (a + b - c - d) psi'(a + b), and
// the same for b.
TEST(GammaDrawsTest, ElboOfBetas) {
  for (auto [a, b] : {std::pair(2.0, 3.0), {0.5, 1.5}, {30.0, 4.0}}) {
    double c = a + 1, d = 0.75 * b;
    std::string text = "flow q = beta([" + std::to_string(a) + "], [" + std::to_string(b) + "])";
    std::string target =
        "density p(x[1]) = " + std::to_string(c - 1) + "*log(x[0]) + " + std::to_string(d - 1) + "*log1p(-x[0])";
    double common = (a + b - c - d) * trigamma(a + b);
    checkGradient<double>(text, target, {{a, (a - c) * trigamma(a) - common}, {b, (b - d) * trigamma(b) - common}});
  }
}

// The derivative of KL(t(df), t(df0)) in df, by quadrature with mpmath.
TEST(GammaDrawsTest, ElboOfStudents) {
  struct Case {
    double df, target, derivative;
  };
  for (auto [df, targetDf, derivative] :
       {Case{3, 8, -0.06478662095855326}, {1.5, 1, 0.07368844080642829}, {0.8, 2, -0.9383101252722021}}) {
    std::string text = "flow q = student_t([" + std::to_string(df) + "])";
    std::string target =
        "density p(x[1]) = -" + std::to_string((targetDf + 1) / 2) + "*log1p(x[0]^2/" + std::to_string(targetDf) + ")";
    checkGradient<double>(text, target, {{df, derivative}}, 20000);
    checkGradient<float>(text, target, {{df, derivative}}, 20000);
  }
}

// The pull-back of draws: d E[x] / d(concentration) = scale.
TEST(GammaDrawsTest, PullBackOfDraws) {
  auto [model, kernels] = compileText<double>("flow q = gamma([3], [2])");
  constexpr int64_t rows = 100000;
  std::vector<double> ones(rows, 1.0), zeros(rows, 0.0), gradient(2);
  auto ok = kernels->run(model, {.kernel = Kernel::SampleVjpParams,
                                 .inputs = {ones.data(), zeros.data()},
                                 .rows = rows,
                                 .seed = 3,
                                 .gradient = gradient.data()});
  ASSERT_TRUE(ok) << ok.error().message;
  // The slope of a draw has a standard deviation below 1.
  EXPECT_NEAR(gradient[0] / -std::expm1(-3.0), 2, 2 * 4 / std::sqrt(double(rows)));
}

TEST(GammaDrawsTest, FiniteFromTheSmallestConcentrationOn) {
  for (const char *a : {"1e-6", "1e-3", "0.03", "1e4", "1e7"}) {
    for (bool isDouble : {false, true}) {
      std::string text = std::string("flow q = gamma([") + a + "], [1])", target = "density p(x[1]) = -x[0]";
      auto gradient =
          isDouble ? elboGradient<double>(text, target, false, 500) : elboGradient<float>(text, target, false, 500);
      EXPECT_TRUE(std::isfinite(gradient[0].mean)) << text << " " << isDouble;
      EXPECT_TRUE(std::isfinite(gradient[1].mean)) << text << " " << isDouble;
    }
  }
}
