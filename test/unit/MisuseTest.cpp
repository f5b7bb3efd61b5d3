//===- MisuseTest.cpp - Wrong calls of the C++ interface ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An error is returned where one can be; else the program ends with a message.
//
//===----------------------------------------------------------------------===//

#include "TemporaryDirectory.h"
#include "flowc/Evaluation.h"
#include "flowc/Targets.h"
#include "flowc/Training/Trainer.h"
#include "flowc/flowc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

using namespace flowc;
using testing::HasSubstr;

namespace {

constexpr const char *kFlow = "flow f = transformed(standard_normal([2]), affine([1, 2], [3, 4]))";
constexpr const char *kConditional = "flow g = coupling_flow(standard_normal([2]), cond_dim = 1, nn_width = 2)";

class Misuse : public testing::Test {
protected:
  static Model makeModel(const char *text, DType dtype) {
    return *Model::initialise(*Flow::parse(text), {.seed = 1, .dtype = dtype});
  }
  static std::shared_ptr<Kernels> makeKernels(const Model &model) {
    return *compile(model.flow(), {.dtype = model.dtype(), .threads = 1});
  }
  template <typename T>
  static std::string messageOf(const Expected<T> &result) {
    return result ? "no error" : result.error().message;
  }

  Model model = makeModel(kFlow, F32);
  std::shared_ptr<Kernels> kernels = makeKernels(model);
};

} // namespace

TEST_F(Misuse, NumbersOfRows) {
  // Rows alone would be no trouble: it is their size that counts.
  EXPECT_FALSE(detail::checkSize(10'000'000'000'000, /*columns=*/1000, sizeof(float)));
  EXPECT_EQ(messageOf(kernels->sample<float>(model, -1, 0)), "the number of rows is negative: -1");
  EXPECT_EQ(messageOf(kernels->sampleAndLogProb<float>(model, -7, 0)), "the number of rows is negative: -7");
  for (int64_t n : {int64_t(10'000'000'000'000), std::numeric_limits<int64_t>::max()}) {
    EXPECT_THAT(messageOf(kernels->sample<float>(model, n, 0)),
                HasSubstr("there is no memory for " + std::to_string(n)));
    EXPECT_THAT(messageOf(kernels->sampleAndLogProb<float>(model, n, 0)), HasSubstr("there is no memory for"));
  }
  Model conditional = makeModel(kConditional, F32);
  Rows<float> condition = Rows<float>::Constant(1, 1, 0.5);
  EXPECT_EQ(messageOf(makeKernels(conditional)->sample<float>(conditional, -1, 0, condition)),
            "the number of rows is negative: -1");
  Kernels::Call call{.kernel = Kernel::Sample, .outputs = {nullptr}, .rows = -3};
  EXPECT_EQ(messageOf(kernels->run(model, call)), "the number of rows is negative: -3");
}

TEST_F(Misuse, NullData) {
  Eigen::Map<const Rows<float>> nothing(nullptr, 5, 2);
  EXPECT_THAT(messageOf(kernels->logProb<float>(model, nothing)), HasSubstr("null array"));
  EXPECT_THAT(messageOf(kernels->transform<float>(model, nothing)), HasSubstr("null array"));
  EXPECT_THAT(messageOf(kernels->nllValueAndGradient<float>(model, nothing)), HasSubstr("null array"));
  EXPECT_THAT(messageOf(kernels->score<float>(model, nothing)), HasSubstr("null array"));
  EXPECT_THAT(messageOf(fitToData(model, nothing, {.maxEpochs = 1})), HasSubstr("null"));
  EXPECT_THAT(messageOf(evaluateData(*kernels, model, {.x = nullptr, .rows = 5})), HasSubstr("null"));
  EXPECT_THAT(messageOf(evaluateData(*kernels, model, {.x = nullptr, .rows = -5})), HasSubstr("negative"));
}

TEST_F(Misuse, Parameters) {
  EXPECT_DEATH((void)model.values(99), "values of parameter 99 of a model that has 2");
  double value = 1;
  EXPECT_THAT(messageOf(model.setValues(99, {&value, 1})), HasSubstr("there is none of number 99"));
  EXPECT_THAT(messageOf(model.setTrainable({&value, 1})), HasSubstr("but got 1"));
  std::vector<double> large(2, 1e300);
  EXPECT_THAT(messageOf(model.setValues(0, large)), HasSubstr("expected finite numbers"));
  Model wide = makeModel(kFlow, F64);
  ASSERT_TRUE(wide.setValues(0, large));
  test::TemporaryDirectory directory;
  EXPECT_THAT(messageOf(wide.astype(F32).save(directory / "m.safetensors")),
              HasSubstr("holds an infinite number (element 0)"));
}

TEST_F(Misuse, ModelsThatCouldNotBeLoadedAreNotSaved) {
  Flow flow = *Flow::parse("flow f = transformed(standard_normal([3]), permute([2, 0, 1]))");
  test::TemporaryDirectory directory;
  std::string path = directory / "m.safetensors";
  EXPECT_THAT(messageOf(Model::zeros(flow, F32).save(path)), HasSubstr("is no permutation"));
  EXPECT_FALSE(Model::load(path));
}

TEST_F(Misuse, ObjectsThatWereMovedFrom) {
  Model other = std::move(model);
  EXPECT_DEATH((void)model.flow(), "moved from");                        // NOLINT(bugprone-use-after-move)
  EXPECT_DEATH((void)Model(model), "moved from");                        // NOLINT(bugprone-use-after-move)
  EXPECT_DEATH((void)kernels->sample<float>(model, 1, 0), "moved from"); // NOLINT(bugprone-use-after-move)
  EXPECT_DEATH((void)model.save("/dev/null"), "moved from");             // NOLINT(bugprone-use-after-move)
  Flow flow = other.flow(), taken = std::move(flow);
  EXPECT_DEATH((void)flow.dim(), "moved from"); // NOLINT(bugprone-use-after-move)
  // It can be given a value again.
  model = other;
  EXPECT_EQ(model.values(0).size(), 2u);
}

TEST_F(Misuse, ResultsThatAreNotThere) {
  EXPECT_DEATH((void)Flow::parse(kFlow).error(), "error\\(\\) of a success");
  EXPECT_DEATH((void)Expected<void>().error(), "error\\(\\) of a success");
  EXPECT_DEATH((void)Flow::parse("flow f = nothing()")->dim(), "a result was used that is an error: .*nothing");
  EXPECT_DEATH((void)*Flow::parse("flow f = nothing()"), "a result was used that is an error");
}

TEST_F(Misuse, KernelsOfAnotherModel) {
  Model wide = model.astype(F64);
  EXPECT_THAT(messageOf(kernels->sample<float>(wide, 1, 0)), HasSubstr("use Model::astype"));
  Model other = makeModel(kConditional, F32);
  EXPECT_THAT(messageOf(kernels->sample<float>(other, 1, 0)), HasSubstr("those of another flow"));
  EXPECT_THAT(messageOf(kernels->logProb<float>(model, Rows<float>::Zero(1, 3))), HasSubstr("rows of 3"));
  EXPECT_THAT(messageOf(kernels->logProb<double>(model, Rows<double>::Zero(1, 2))), HasSubstr("rows of double"));
  EXPECT_THAT(messageOf(kernels->elboValueAndGradient<float>(model, Rows<float>::Zero(1, 2))), HasSubstr("target"));
  EXPECT_THAT(messageOf(kernels->prepare(static_cast<Kernel>(10000))), HasSubstr("unknown kernel"));
}

TEST_F(Misuse, Targets) {
  ExternalTarget none{.name = "none", .dim = 2, .threadSafe = false, .function = {}};
  double x[2] = {}, logDensity[1];
  EXPECT_THAT(messageOf(none.evaluate(x, 1, logDensity, nullptr)), HasSubstr("has no function"));
  EXPECT_THAT(messageOf(none.evaluate(x, -1, logDensity, nullptr)), HasSubstr("(-1)"));
  std::vector<double> gradient(4);
  ExternalTarget flat{.name = "flat",
                      .dim = 2,
                      .threadSafe = true,
                      .function = [](const double *, int64_t rows, double *values, double *slopes) -> Expected<void> {
                        std::fill_n(values, rows, 0.0);
                        if (slopes)
                          std::fill_n(slopes, 2 * rows, 0.0);
                        return {};
                      }};
  EXPECT_THAT(messageOf(elboGradient(*kernels, model, flat, {.rows = -1}, gradient)), HasSubstr("at least one draw"));
  EXPECT_THAT(messageOf(elboGradient(*kernels, model, flat, {.rows = 4}, std::span(gradient).first(1))),
              HasSubstr("4"));
}
