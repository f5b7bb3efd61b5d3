//===- ApiTest.cpp - The interface of flowc.h -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/flowc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

using namespace flowc;
using testing::HasSubstr;

namespace {

constexpr double log2Pi = 1.8378770664093453;

/// A flow whose density is known: y = loc + scale * z.
constexpr const char *affineText = "flow f = transformed(standard_normal([2]), affine([1, -2], [2, 0.5]))";
constexpr const char *conditionalText =
    "flow f = coupling_flow(standard_normal([3]), cond_dim = 2, flow_layers = 2, nn_width = 8)";

struct Compiled {
  Model model;
  std::shared_ptr<Kernels> kernels;
};

Compiled compileText(const std::string &text, DType dtype) {
  auto flow = Flow::parse(text);
  EXPECT_TRUE(bool(flow));
  auto model = Model::initialise(*flow, {.seed = 1, .dtype = dtype});
  EXPECT_TRUE(bool(model));
  auto kernels = compile(*flow, {.dtype = dtype});
  EXPECT_TRUE(bool(kernels));
  return {*model, *kernels};
}

double affineLogProb(double x, double y) {
  double a = (x - 1) / 2, b = (y + 2) / 0.5;
  return -0.5 * (a * a + b * b) - log2Pi - std::log(2 * 0.5);
}

} // namespace

TEST(ApiTest, DensitiesOfAKnownFlow) {
  auto [model, kernels] = compileText(affineText, F64);
  Rows<double> x(2, 2);
  x << 1, -2, 4, 0.25;
  auto logProb = kernels->logProb<double>(model, x);
  ASSERT_TRUE(bool(logProb)) << logProb.error().message;
  EXPECT_NEAR((*logProb)(0), affineLogProb(1, -2), 1e-13);
  EXPECT_NEAR((*logProb)(1), affineLogProb(4, 0.25), 1e-13);

  auto score = kernels->score<double>(model, x);
  ASSERT_TRUE(bool(score));
  EXPECT_NEAR((*score)(1, 0), -(4 - 1) / 4.0, 1e-13);
  EXPECT_NEAR((*score)(1, 1), -(0.25 + 2) / 0.25, 1e-13);

  auto nll = kernels->nllValueAndGradient<double>(model, x);
  ASSERT_TRUE(bool(nll));
  EXPECT_NEAR(nll->first, -0.5 * (affineLogProb(1, -2) + affineLogProb(4, 0.25)), 1e-13);
  ASSERT_EQ(nll->second.size(), 4u);
  // d nll / d loc is minus the mean of (x - loc) / scale^2.
  EXPECT_NEAR(nll->second[0], -0.5 * 3 / 4.0, 1e-13);
  EXPECT_NEAR(nll->second[1], -0.5 * 2.25 / 0.25, 1e-13);
}

TEST(ApiTest, TransformAndInverseUndoEachOther) {
  auto [model, kernels] = compileText(conditionalText, F64);
  Rows<double> z = Rows<double>::Random(10, 3), condition = Rows<double>::Random(10, 2);
  auto there = kernels->transform<double>(model, z, condition);
  ASSERT_TRUE(bool(there)) << there.error().message;
  auto back = kernels->inverse<double>(model, there->first, condition);
  ASSERT_TRUE(bool(back));
  EXPECT_LT((back->first - z).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_LT((back->second + there->second).cwiseAbs().maxCoeff(), 1e-12);
}

TEST(ApiTest, SamplesAreThoseOfTheirNumber) {
  auto [model, kernels] = compileText(conditionalText, F32);
  Rows<float> condition = Rows<float>::Random(1, 2);
  auto all = kernels->sampleAndLogProb<float>(model, 100, 7, condition);
  auto part = kernels->sample<float>(model, 40, 7, condition, 60);
  ASSERT_TRUE(bool(all) && bool(part));
  EXPECT_EQ(Rows<float>(all->first.bottomRows(40)), *part);
  auto logProb = kernels->logProb<float>(model, all->first, condition);
  ASSERT_TRUE(bool(logProb));
  // Both go through the flow, in opposite directions.
  EXPECT_LT((*logProb - all->second).cwiseAbs().maxCoeff(), 1e-4f);
}

TEST(ApiTest, WrongCallsAreErrors) {
  auto [model, kernels] = compileText(conditionalText, F32);
  Rows<float> x = Rows<float>::Zero(4, 3), condition = Rows<float>::Zero(4, 2);
  auto error = [&, &model = model, &kernels = kernels](const Rows<float> &rows, const Rows<float> &cond) {
    auto result = kernels->logProb<float>(model, rows, cond);
    return result ? "" : result.error().message;
  };
  EXPECT_EQ(error(x, condition), "");
  EXPECT_EQ(error(x, condition.topRows(1)), "");
  EXPECT_THAT(error(x, {}), HasSubstr("'f' needs a condition of 2 numbers per row"));
  EXPECT_THAT(error(x, condition.topRows(3)), HasSubstr("there are 4 rows, but 3 conditions"));
  EXPECT_THAT(error(x, Rows<float>::Zero(4, 3)), HasSubstr("has 2 numbers per row, but got 3"));
  EXPECT_THAT(error(Rows<float>::Zero(4, 2), condition), HasSubstr("has 3 coordinates, but got rows of 2"));
  auto wrongType = kernels->logProb<double>(model, Rows<double>::Zero(4, 3));
  EXPECT_THAT(wrongType.error().message, HasSubstr("compiled for float, but got rows of double"));
  auto wrongModel = kernels->logProb<float>(model.astype(F64), x, condition);
  EXPECT_THAT(wrongModel.error().message, HasSubstr("the model is of double: use Model::astype"));
  auto [affine, affineKernels] = compileText(affineText, F32);
  EXPECT_THAT(affineKernels->logProb<float>(affine, Rows<float>::Zero(4, 2), condition).error().message,
              HasSubstr("takes no condition"));
}

TEST(ApiTest, SeveralThreadsShareNothingButTheCache) {
  std::vector<std::thread> threads;
  std::vector<float> results(4);
  for (float &result : results)
    threads.emplace_back([&result] {
      auto [model, kernels] = compileText(conditionalText, F32);
      auto logProb = kernels->logProb<float>(model, Rows<float>::Zero(1, 3), Rows<float>::Zero(1, 2));
      if (logProb)
        result = (*logProb)(0);
    });
  for (std::thread &thread : threads)
    thread.join();
  for (float result : results)
    EXPECT_EQ(result, results[0]);
  EXPECT_NE(results[0], 0);
}
