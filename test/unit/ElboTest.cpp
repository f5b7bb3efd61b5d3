//===- ElboTest.cpp - Losses against a density ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/flowc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

using namespace flowc;

namespace {

constexpr const char *affineText = "flow f = transformed(standard_normal([2]), affine([1, -2], [2, 0.5]))";
constexpr const char *standardTarget = "density t(x[2]) = -0.5*sum(x^2)";
constexpr const char *coupling =
    "flow f = coupling_flow(normal([0.5, 0, 1], [1, 2, 1]), cond_dim = 2, flow_layers = 3, nn_width = 9)";
constexpr const char *autoregressive =
    "flow f = masked_autoregressive_flow(standard_normal([3]), flow_layers = 3, nn_width = "
    "9, transformer = rational_quadratic_spline(knots = 3, interval = 2))";
constexpr const char *wideTarget = "density t(x[3]) = -sum(log1p((x - 0.3)^2)) + 0.1*x[0]*x[2]";

struct Compiled {
  Model model;
  std::shared_ptr<Kernels> kernels;
};

template <typename T>
Compiled compileText(const std::string &text, const std::string &target, int threads = 0) {
  constexpr DType dtype = sizeof(T) == 4 ? F32 : F64;
  auto flow = Flow::parse(text);
  EXPECT_TRUE(flow) << flow.error().message;
  auto density = Flow::parseDensity(target);
  EXPECT_TRUE(density) << density.error().message;
  auto model = Model::initialise(*flow, {.seed = 3, .dtype = dtype});
  EXPECT_TRUE(model) << model.error().message;
  auto kernels = compile(*flow, {.dtype = dtype, .threads = threads, .target = *density});
  EXPECT_TRUE(kernels) << kernels.error().message;
  return {*model, *kernels};
}

template <typename T>
Rows<T> someRows(int64_t rows, int64_t columns) {
  Rows<T> x(rows, columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      x(i, j) = T(1.7 * std::sin(0.37 * double(i) + 1.3 * double(j)));
  return x;
}

} // namespace

TEST(ElboTest, OfAnAffineFlowByHand) {
  auto [model, kernels] = compileText<double>(affineText, standardTarget);
  Rows<double> z(2, 2);
  z << 0.5, -1, 2, 0.25;
  // y = loc + scale z; log q(y) = -|z|^2/2 - log 2 pi - log det; target = -|y|^2/2.
  double loc[] = {1, -2}, scale[] = {2, 0.5}, loss = 0, dloc[2] = {}, dscale[2] = {}, stlLoc[2] = {};
  for (int i = 0; i < 2; ++i)
    for (int d = 0; d < 2; ++d) {
      double y = loc[d] + scale[d] * z(i, d);
      loss += (-z(i, d) * z(i, d) / 2 - std::log(2 * std::numbers::pi) / 2 - std::log(scale[d]) + y * y / 2) / 2;
      dloc[d] += y / 2;
      dscale[d] += (y * z(i, d) - 1 / scale[d]) / 2;
      // Sticking the landing: d log q / dy = -z / scale takes part.
      stlLoc[d] += (y - z(i, d) / scale[d]) / 2;
    }
  auto elbo = kernels->elboValueAndGradient<double>(model, z);
  ASSERT_TRUE(elbo) << elbo.error().message;
  EXPECT_NEAR(elbo->first, loss, 1e-13);
  ASSERT_EQ(elbo->second.size(), 4u);
  auto stl = kernels->elboValueAndGradient<double>(model, z, {}, /*stl=*/true);
  ASSERT_TRUE(stl) << stl.error().message;
  EXPECT_NEAR(stl->first, loss, 1e-13);
  for (int d = 0; d < 2; ++d) {
    EXPECT_NEAR(elbo->second[d], dloc[d], 1e-13);
    // Behind softplus: ds/draw = 1 - exp(-s).
    EXPECT_NEAR(elbo->second[2 + d], dscale[d] * -std::expm1(-scale[d]), 1e-13);
    EXPECT_NEAR(stl->second[d], stlLoc[d], 1e-13);
  }
}

TEST(ElboTest, GradientIsThatOfTheLoss) {
  for (const char *text : {coupling, autoregressive}) {
    auto [model, kernels] = compileText<double>(text, wideTarget);
    Rows<double> z = someRows<double>(40, 3), c = someRows<double>(40, kernels->flow().condDim());
    if (!kernels->flow().condShape())
      c = {};
    auto elbo = kernels->elboValueAndGradient<double>(model, z, c);
    ASSERT_TRUE(elbo) << elbo.error().message;
    std::vector<double> parameters = model.trainable();
    // A direction in which all parameters change.
    double expected = 0, step = 1e-6;
    std::vector<double> losses;
    for (double sign : {1.0, -1.0}) {
      std::vector<double> moved = parameters;
      for (size_t i = 0; i < moved.size(); ++i)
        moved[i] += sign * step * std::cos(double(i));
      ASSERT_TRUE(model.setTrainable(moved));
      losses.push_back(kernels->elboValueAndGradient<double>(model, z, c)->first);
    }
    for (size_t i = 0; i < parameters.size(); ++i)
      expected += elbo->second[i] * std::cos(double(i));
    // Central differences: 1e-6^2 and rounding over 1e-6.
    EXPECT_NEAR((losses[0] - losses[1]) / (2 * step), expected, 1e-7 * (1 + std::abs(expected))) << text;
  }
}

TEST(ElboTest, IsTheSameForEveryNumberOfThreads) {
  Rows<float> z = someRows<float>(5000, 3), c = someRows<float>(5000, 2);
  for (bool stl : {false, true}) {
    auto [model, one] = compileText<float>(coupling, wideTarget, 1);
    auto expected = one->elboValueAndGradient<float>(model, z, c, stl);
    ASSERT_TRUE(expected) << expected.error().message;
    for (int threads : {2, 3}) {
      auto [same, kernels] = compileText<float>(coupling, wideTarget, threads);
      auto found = kernels->elboValueAndGradient<float>(model, z, c, stl);
      ASSERT_TRUE(found) << found.error().message;
      EXPECT_EQ(found->first, expected->first);
      EXPECT_EQ(found->second, expected->second);
    }
  }
}

TEST(ElboTest, DrawnInsideOrGivenIsTheSame) {
  // The base has no parameters, so the draws do not depend on any.
  auto [model, kernels] = compileText<double>(autoregressive, wideTarget);
  constexpr int64_t n = 200;
  auto flow = Flow::parse("flow f = standard_normal([3])");
  auto base = compile(*flow, {.dtype = F64});
  auto z = (*base)->sample<double>(*Model::initialise(*flow, {.dtype = F64}), n, /*seed=*/9);
  ASSERT_TRUE(z) << z.error().message;
  for (auto [given, drawn] : {std::pair(Kernel::ElboGradient, Kernel::ElboSampleGradient),
                              std::pair(Kernel::StlGradient, Kernel::StlSampleGradient)}) {
    double expectedLoss = 0, loss = 0;
    std::vector<double> expected(model.numTrainable()), found(model.numTrainable());
    Kernels::Call call{
        .kernel = given, .inputs = {z->data()}, .rows = n, .loss = &expectedLoss, .gradient = expected.data()};
    ASSERT_TRUE(kernels->run(model, call));
    call = {.kernel = drawn, .rows = n, .seed = 9, .loss = &loss, .gradient = found.data()};
    auto ran = kernels->run(model, call);
    ASSERT_TRUE(ran) << ran.error().message;
    EXPECT_NEAR(loss, expectedLoss, 1e-12);
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], expected[i], 1e-11 * (1 + std::abs(expected[i])));
  }
}

TEST(ElboTest, TargetsThatDoNotFit) {
  auto flow = Flow::parse(affineText);
  auto wide = Flow::parseDensity(wideTarget);
  auto kernels = compile(*flow, {.target = *wide});
  ASSERT_FALSE(kernels);
  EXPECT_EQ(kernels.error().message, "the target 't' has 3 coordinates, but 'f' has 2");
  kernels = compile(*flow, {.target = *flow});
  ASSERT_FALSE(kernels);
  EXPECT_EQ(kernels.error().message, "the target 'f' is no density: write 'density NAME(x[2]) = ...'");
  kernels = compile(*flow);
  ASSERT_TRUE(kernels);
  auto model = Model::initialise(*flow);
  auto none = (*kernels)->elboValueAndGradient<float>(*model, Rows<float>::Zero(1, 2));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "elbo_gradient of 'f' needs a target density");
}

TEST(DensityTest, HasALogDensityAndAScore) {
  auto density = Flow::parseDensity("density d(x[2]) = log(x[0]) - x[1]^2");
  ASSERT_TRUE(density) << density.error().message;
  EXPECT_TRUE(density->isDensity());
  EXPECT_FALSE(density->isDistribution());
  auto model = Model::initialise(*density, {.dtype = F64});
  ASSERT_TRUE(model) << model.error().message;
  auto kernels = compile(*density, {.dtype = F64});
  ASSERT_TRUE(kernels) << kernels.error().message;
  Rows<double> x(3, 2);
  x << 2, 3, -1, 0, std::nan(""), 1;
  auto logProb = (*kernels)->logProb<double>(*model, x);
  ASSERT_TRUE(logProb) << logProb.error().message;
  EXPECT_NEAR((*logProb)(0), std::log(2) - 9, 1e-13);
  // Undefined, though the row is not: outside of the support.
  EXPECT_EQ((*logProb)(1), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan((*logProb)(2)));
  auto score = (*kernels)->score<double>(*model, x);
  ASSERT_TRUE(score) << score.error().message;
  EXPECT_NEAR((*score)(0, 0), 0.5, 1e-15);
  EXPECT_NEAR((*score)(0, 1), -6, 1e-14);
  auto transform = (*kernels)->transform<double>(*model, x);
  ASSERT_FALSE(transform);
  EXPECT_EQ(transform.error().message, "'d' is a density, which has no transform, only log_prob, score, log_prob_jvp_inputs, hvp");
}
