//===- TargetsTest.cpp - Targets that are code of somebody else -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Targets.h"

#include "TemporaryDirectory.h"

#include "flowc/Evaluation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

using namespace flowc;

namespace {

const std::string banana = FLOWC_TEST_TARGETS "/banana_target.so", stan = FLOWC_TEST_TARGETS "/stan_target.so";
constexpr const char *bananaText = "density p(x[2]) = -0.5*(x[0]^2 + (x[1] - 0.3*x[0]^2)^2)";
constexpr const char *stanData = "{\"y\": 1.5}";

std::string messageOf(const Expected<ExternalTarget> &target) { return target ? "no error" : target.error().message; }

} // namespace

TEST(TargetsTest, SharedLibraryOfFlowc) {
  auto target = loadTargetLibrary(banana);
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(target->dim, 2);
  EXPECT_TRUE(target->threadSafe);
  std::vector<double> x, gradient(2000), alone(1000), values(1000);
  for (int i = 0; i < 2000; ++i)
    x.push_back(8 * std::sin(0.7 * i));
  ASSERT_TRUE(target->evaluate(x.data(), 1000, values.data(), gradient.data(), 3));
  ASSERT_TRUE(target->evaluate(x.data(), 1000, alone.data(), nullptr, 1));
  EXPECT_EQ(values, alone);
  for (int i = 0; i < 1000; ++i) {
    double a = x[2 * i], r = x[2 * i + 1] - 0.3 * a * a;
    if (a > -6) {
      EXPECT_DOUBLE_EQ(values[i], -0.5 * (a * a + r * r));
      EXPECT_DOUBLE_EQ(gradient[2 * i + 1], -r);
    } else {
      EXPECT_EQ(values[i], -std::numeric_limits<double>::infinity());
    }
  }
  // A copy keeps the library loaded.
  ExternalTarget copy = *target;
  *target = {};
  ASSERT_TRUE(copy.evaluate(x.data(), 10, values.data(), nullptr));
  // An error is that of the first part that has one.
  x[600] = 2e6;
  auto failed = copy.evaluate(x.data(), 1000, values.data(), nullptr, 3);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "flowc_target_log_density of the target '" + banana + "' failed: x0 is too large");
}

TEST(TargetsTest, DataOfASharedLibrary) {
  auto target = loadTargetLibrary(banana, "0.5");
  ASSERT_TRUE(target) << target.error().message;
  double x[] = {2, 2}, value = 0;
  ASSERT_TRUE(target->evaluate(x, 1, &value, nullptr));
  EXPECT_DOUBLE_EQ(value, -2);
  EXPECT_EQ(messageOf(loadTargetLibrary(banana, "bent")),
            "flowc_target_load of the target '" + banana + "' failed: the curvature is no number");
  ASSERT_TRUE(loadTargetLibrary(banana, "0.3")); // As other tests expect it.
}

TEST(TargetsTest, CodeIsToldFromOtherCode) {
  test::TemporaryDirectory folder;
  std::string bytes = test::TemporaryDirectory::read(banana);
  std::string same = folder.write("same.so", bytes), other = folder.write("other.so", bytes + "!");
  auto target = loadTargetLibrary(banana), copy = loadTargetLibrary(same), changed = loadTargetLibrary(other);
  ASSERT_TRUE(target && copy && changed);
  EXPECT_NE(target->codeHash, 0u);
  EXPECT_EQ(target->codeHash, copy->codeHash);
  EXPECT_NE(target->codeHash, changed->codeHash);
  auto model = loadTargetLibrary(stan, stanData);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_NE(model->codeHash, 0u);
  EXPECT_NE(model->codeHash, target->codeHash);
}

TEST(TargetsTest, StanModel) {
  auto target = loadTargetLibrary(stan, stanData);
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(target->name, "location_model");
  EXPECT_EQ(target->dim, 2);
  EXPECT_FALSE(target->threadSafe);
  double x[] = {0.4, -0.3, 1, 1000}, values[2], gradient[4];
  ASSERT_TRUE(target->evaluate(x, 2, values, gradient));
  // normal(0.4 | 0, 2) exponential(s | 1) normal(1.5 | 0.4, s) s for s = exp(-0.3).
  double s = std::exp(-0.3), z = (1.5 - 0.4) / s, logRootTwoPi = 0.91893853320467274178;
  double expected = (-0.02 - std::log(2) - logRootTwoPi) - s + (-z * z / 2 - std::log(s) - logRootTwoPi) + std::log(s);
  EXPECT_NEAR(values[0], expected, 1e-14);
  EXPECT_NEAR(gradient[0], -0.1 + z / s, 1e-14);
  EXPECT_NEAR(gradient[1], -s + z * z, 1e-14);
  double two[] = {1, -0.3, 0.4, -0.3}, alone[2];
  ASSERT_TRUE(target->evaluate(two, 2, alone, nullptr));
  EXPECT_EQ(alone[1], values[0]);
  // What the model rejects has the density 0; if that is all, it is an error.
  EXPECT_EQ(values[1], -std::numeric_limits<double>::infinity());
  EXPECT_EQ(gradient[2], 0);
  double rejected[] = {1, 1000, 2, 1000};
  auto failed = target->evaluate(rejected, 2, values, nullptr);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message,
            "the Stan model '" + stan + "' rejects all of 2 points: Exception: normal_lpdf: Scale parameter is inf");
  EXPECT_EQ(messageOf(loadTargetLibrary(stan)), "cannot make the Stan model of '" + stan +
                                                    "' without data (--target-data): variable does not exist; "
                                                    "variable name=y");
}

TEST(TargetsTest, WhatIsNoTarget) {
  EXPECT_NE(messageOf(loadTargetLibrary("missing.so")).find("cannot load the target 'missing.so'"), std::string::npos);
  EXPECT_NE(messageOf(loadTargetLibrary(FLOWC_TEST_TARGETS "/no_target.so")).find("is no target: it has neither"),
            std::string::npos);
  EXPECT_TRUE(isTargetLibrary("a/model.so"));
  EXPECT_FALSE(isTargetLibrary("a/model.flow"));
  ExternalTarget bad{"bad", 1, false, [](const double *, int64_t rows, double *values, double *gradient) {
                       for (int64_t i = 0; i < rows; ++i) {
                         values[i] = gradient ? 1 : std::nan("");
                         if (gradient)
                           gradient[i] = std::numeric_limits<double>::infinity();
                       }
                       return Expected<void>();
                     }};
  double x = 1, value = 0, gradient = 0;
  auto failed = bad.evaluate(&x, 1, &value, nullptr);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("gives the log-density nan"), std::string::npos);
  failed = bad.evaluate(&x, 1, &value, &gradient);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("gives inf for derivative 0"), std::string::npos);
}

// The pull-back of the target's gradients against the kernels that have the same density
// inside: a flow whose base is trained, too.
TEST(TargetsTest, ElboGradientIsThatOfTheKernels) {
  // The library's density is 0 somewhere: this one is `bananaText` everywhere.
  ExternalTarget target{"banana", 2, true, [](const double *x, int64_t rows, double *values, double *gradient) {
                          for (int64_t i = 0; i < rows; ++i) {
                            double a = x[2 * i], r = x[2 * i + 1] - 0.3 * a * a;
                            values[i] = -0.5 * (a * a + r * r);
                            if (gradient) {
                              gradient[2 * i] = -a + 0.6 * a * r;
                              gradient[2 * i + 1] = -r;
                            }
                          }
                          return Expected<void>();
                        }};
  for (const char *text :
       {"flow q = coupling_flow(normal([0.5, 0], [1, 2]), flow_layers = 3, nn_width = 9, invert = false)",
        "flow q = transformed(student_t([3, 5]), affine([1, 0], [2, 0.5]))"})
    for (DType dtype : {F64, F32})
      for (bool stl : {false, true}) {
        auto flow = Flow::parse(text);
        ASSERT_TRUE(flow) << flow.error().message;
        auto model = Model::initialise(*flow, {.seed = 3, .dtype = dtype});
        auto kernels = compile(*flow, {.dtype = dtype, .target = *Flow::parseDensity(bananaText)});
        ASSERT_TRUE(model && kernels);
        auto size = static_cast<size_t>(model->numTrainable());
        std::vector<double> expected(size), got(size);
        double loss = 0;
        auto ok = (*kernels)->run(*model, {.kernel = stl ? Kernel::StlSampleGradient : Kernel::ElboSampleGradient,
                                           .rows = 300,
                                           .first = 7,
                                           .seed = 5,
                                           .loss = &loss,
                                           .gradient = expected.data()});
        ASSERT_TRUE(ok) << ok.error().message;
        auto value =
            elboGradient(**kernels, *model, target, {.rows = 300, .first = 7, .seed = 5, .stickTheLanding = stl}, got);
        ASSERT_TRUE(value) << value.error().message;
        std::vector<double> terms(300);
        auto done = elboTerms(**kernels, *model, target, {.rows = 300, .first = 7, .seed = 5}, terms);
        ASSERT_TRUE(done) << done.error().message;
        EXPECT_NEAR(std::accumulate(terms.begin(), terms.end(), 0.0) / 300, *value, 1e-12 * std::abs(*value));
        // Rounding in the element type: of draws and log q, and of sums of 300 of them.
        double tolerance = dtype == F64 ? 1e-10 : 2e-4, largest = 0;
        for (double entry : expected)
          largest = std::max(largest, std::abs(entry));
        EXPECT_NEAR(*value, loss, tolerance * std::max(1.0, std::abs(loss)));
        for (size_t i = 0; i < size; ++i)
          EXPECT_NEAR(got[i], expected[i], tolerance * std::max(1.0, largest)) << text << " " << i;
      }
}

TEST(TargetsTest, WrongUseOfTheElbo) {
  auto target = loadTargetLibrary(banana);
  auto flow = Flow::parse("flow q = standard_normal([3])"), other = Flow::parse("flow q = normal([0, 0], [1, 1])");
  auto model = Model::initialise(*flow, {}), right = Model::initialise(*other, {});
  auto kernels = compile(*flow), rightKernels = compile(*other);
  ASSERT_TRUE(target && model && right && kernels && rightKernels);
  std::vector<double> gradient(3);
  auto width = elboGradient(**kernels, *model, *target, {.rows = 10}, gradient);
  ASSERT_FALSE(width);
  EXPECT_NE(width.error().message.find("has 2 coordinates, the flow 'q' has 3"), std::string::npos);
  auto room = elboGradient(**rightKernels, *right, *target, {.rows = 10}, gradient);
  ASSERT_FALSE(room);
  EXPECT_EQ(room.error().message, "the gradient of 'q' has 4 numbers, but there is room for 3");
  EXPECT_FALSE(elboTerms(**rightKernels, *right, *target, {.rows = 10}, gradient));
  EXPECT_FALSE(elboTerms(**rightKernels, *right, *target, {.rows = 0}, {}));
}

TEST(TargetsTest, EvaluatedAsADensityIs) {
  auto target = loadTargetLibrary(banana);
  ASSERT_TRUE(target);
  auto flow = Flow::parse("flow q = normal([0, 0.3], [1.5, 1.5])");
  auto model = Model::initialise(*flow, {.dtype = F64});
  auto kernels = compile(*flow, {.dtype = F64});
  ASSERT_TRUE(model && kernels);
  // As good as no draw is where the library's density is 0.
  LogDensity external = [&](const double *x, int64_t rows, double *result) {
    return target->evaluate(x, rows, result, nullptr);
  };
  auto density = compileLogDensity(*Flow::parseDensity(bananaText));
  auto one = evaluateTarget(**kernels, *model, external, {.draws = 5000}),
       other = evaluateTarget(**kernels, *model, *density, {.draws = 5000});
  ASSERT_TRUE(one && other);
  EXPECT_NEAR(one->elbo, other->elbo, 1e-12 * std::abs(other->elbo));
  EXPECT_NEAR(one->paretoK, other->paretoK, 1e-9);
}
