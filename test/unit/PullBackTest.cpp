//===- PullBackTest.cpp - What objectives are made of ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pull-backs of log q(x) and of (y, log q(y)), weighted losses, and draws that are
// weighed against a target: against differences, and against other kernels.
//
//===----------------------------------------------------------------------===//

#include "flowc/flowc.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace flowc;

namespace {

constexpr const char *target = "density t(x[3]) = -sum(log1p((x - 0.3)^2)) + 0.1*x[0]*x[2]";

/// A flow with compiled kernels, in one element type.
template <typename T>
struct Compiled {
  explicit Compiled(const std::string &text, const char *density = target) {
    constexpr DType dtype = sizeof(T) == 4 ? F32 : F64;
    auto flow = Flow::parse(text);
    EXPECT_TRUE(flow) << flow.error().message;
    auto initial = Model::initialise(*flow, {.seed = 3, .dtype = dtype});
    EXPECT_TRUE(initial) << initial.error().message;
    model.emplace(*initial);
    auto compiled = compile(*flow, {.dtype = dtype, .target = *Flow::parseDensity(density)});
    EXPECT_TRUE(compiled) << compiled.error().message;
    kernels = *compiled;
  }

  Rows<T> conditions(int64_t rows) const { return someRows(rows, kernels->flow().condDim(), 0.8); }
  static Rows<T> someRows(int64_t rows, int64_t columns, double phase = 0) {
    Rows<T> x(columns ? rows : 0, columns);
    for (int64_t i = 0; i < x.rows(); ++i)
      for (int64_t j = 0; j < columns; ++j)
        x(i, j) = T(1.7 * std::sin(0.37 * double(i) + 1.3 * double(j) + phase));
    return x;
  }
  static Column<T> someColumn(int64_t rows, double phase) { return someRows(rows, 1, phase).col(0); }

  std::optional<Model> model;
  std::shared_ptr<Kernels> kernels;
};

/// Central difference of `value` at `x` in a direction, the same for all of `x`.
template <typename Set, typename Value>
double slope(std::vector<double> x, const std::vector<double> &direction, Set set, Value value) {
  constexpr double step = 1e-6;
  double ends[2];
  for (int side : {0, 1}) {
    std::vector<double> moved = x;
    for (size_t i = 0; i < x.size(); ++i)
      moved[i] += (side ? -step : step) * direction[i];
    set(moved);
    ends[side] = value();
  }
  set(x);
  return (ends[0] - ends[1]) / (2 * step);
}

std::vector<double> someDirection(size_t n) {
  std::vector<double> direction(n);
  for (size_t i = 0; i < n; ++i)
    direction[i] = std::cos(double(i));
  return direction;
}

double dot(const std::vector<double> &a, const std::vector<double> &b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += a[i] * b[i];
  return sum;
}

/// Truncation of a central difference (1e-12 times third derivatives), and rounding
/// over the step of 1e-6.
constexpr double kTolerance = 3e-7;

class PullBackTest : public testing::TestWithParam<const char *> {
protected:
  static constexpr int64_t kRows = 17;

  /// The pull-back in parameters against differences of `value`.
  void expectInParameters(Compiled<double> &of, const std::vector<double> &found, std::function<double()> value) {
    std::vector<double> direction = someDirection(found.size());
    double expected =
        slope(of.model->trainable(), direction, [&](const auto &x) { ASSERT_TRUE(of.model->setTrainable(x)); }, value);
    EXPECT_NEAR(dot(found, direction), expected, kTolerance * (1 + std::abs(expected)));
  }

  /// The pull-back in an array of rows against differences.
  void expectInRows(Rows<double> &x, const Rows<double> &found, std::function<double()> value) {
    ASSERT_EQ(found.rows(), x.rows());
    ASSERT_EQ(found.cols(), x.cols());
    std::vector<double> at(x.data(), x.data() + x.size()), direction = someDirection(at.size());
    double expected =
        slope(at, direction, [&](const auto &moved) { std::copy(moved.begin(), moved.end(), x.data()); }, value);
    EXPECT_NEAR(dot({found.data(), found.data() + found.size()}, direction), expected,
                kTolerance * (1 + std::abs(expected)));
  }
};

} // namespace

TEST_P(PullBackTest, OfLogProb) {
  Compiled<double> flow(GetParam());
  Rows<double> x = flow.someRows(kRows, 3), c = flow.conditions(kRows);
  Column<double> cotangent = flow.someColumn(kRows, 0.4);
  auto value = [&] { return cotangent.dot(*flow.kernels->logProb<double>(*flow.model, x, c)); };
  bool isConditional = c.cols() > 0;
  auto found =
      flow.kernels->pullBackLogProb<double>(*flow.model, x, cotangent, c, {.inputs = true, .condition = isConditional});
  ASSERT_TRUE(found) << found.error().message;
  expectInParameters(flow, found->parameters, value);
  expectInRows(x, found->inputs, value);
  if (isConditional)
    expectInRows(c, found->condition, value);
}

TEST_P(PullBackTest, OfPushedDraws) {
  Compiled<double> flow(GetParam());
  Rows<double> z = flow.someRows(kRows, 3), c = flow.conditions(kRows), cotY = flow.someRows(kRows, 3, 0.2);
  Column<double> cotLogProb = flow.someColumn(kRows, 0.4);
  auto value = [&] {
    auto [y, logProb] = *flow.kernels->push<double>(*flow.model, z, c);
    return (cotY.array() * y.array()).sum() + cotLogProb.dot(logProb);
  };
  bool isConditional = c.cols() > 0;
  auto found = flow.kernels->pullBackPush<double>(*flow.model, z, cotY, cotLogProb, c,
                                                  {.inputs = true, .condition = isConditional});
  ASSERT_TRUE(found) << found.error().message;
  expectInParameters(flow, found->parameters, value);
  expectInRows(z, found->inputs, value);
  if (isConditional)
    expectInRows(c, found->condition, value);
}

TEST_P(PullBackTest, OfDraws) {
  Compiled<double> flow(GetParam());
  Rows<double> c = flow.conditions(kRows), cotY = flow.someRows(kRows, 3, 0.2);
  Column<double> cotLogProb = flow.someColumn(kRows, 0.4);
  auto found = flow.kernels->pullBackSample<double>(*flow.model, /*seed=*/5, cotY, cotLogProb, c, /*first=*/2);
  ASSERT_TRUE(found) << found.error().message;
  expectInParameters(flow, *found, [&] {
    auto [y, logProb] = *flow.kernels->sampleAndLogProb<double>(*flow.model, kRows, /*seed=*/5, c, /*first=*/2);
    return (cotY.array() * y.array()).sum() + cotLogProb.dot(logProb);
  });
}

/// log q and the draw are those of other kernels; the target is that of its own.
TEST_P(PullBackTest, DrawsAreWeighed) {
  Compiled<double> flow(GetParam());
  Rows<double> c = flow.conditions(kRows), y(kRows, 3);
  Column<double> logProb(kRows), logTarget(kRows);
  Kernels::Call call{.kernel = Kernel::SampleAndWeigh,
                     .outputs = {y.data(), logProb.data(), logTarget.data()},
                     .rows = kRows,
                     .seed = 5};
  if (c.cols())
    call.inputs = {c.data()};
  auto ran = flow.kernels->run(*flow.model, call);
  ASSERT_TRUE(ran) << ran.error().message;
  auto [expected, expectedLogProb] = *flow.kernels->sampleAndLogProb<double>(*flow.model, kRows, 5, c);
  EXPECT_EQ(y, expected);
  EXPECT_EQ(logProb, expectedLogProb);
  auto density = Flow::parseDensity(target);
  auto own = (*compile(*density, {.dtype = F64}))->logProb<double>(*Model::initialise(*density, {.dtype = F64}), y);
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_LE((logTarget - *own).cwiseAbs().maxCoeff(), 1e-13);
}

namespace {
/// Loss and gradient of a summing kernel at given rows.
template <typename T>
std::pair<double, std::vector<double>> runSum(Compiled<T> &flow, Kernel kernel, const Rows<T> &x, const Rows<T> &c,
                                              const Column<T> *weight) {
  std::pair<double, std::vector<double>> result{0.0, std::vector<double>(flow.model->numTrainable())};
  Kernels::Call call{.kernel = kernel, .rows = x.rows(), .mean = false, .loss = &result.first};
  call.gradient = result.second.data();
  call.inputs = {x.data()};
  if (c.cols())
    call.inputs.push_back(c.data());
  if (weight)
    call.inputs.push_back(weight->data());
  auto ok = flow.kernels->run(*flow.model, call);
  EXPECT_TRUE(ok) << ok.error().message;
  return result;
}

template <typename T>
void expectWeightsOfOneChangeNothing(const char *text) {
  Compiled<T> flow(text);
  Rows<T> x = flow.someRows(3000, 3), c = flow.conditions(3000);
  Column<T> one = Column<T>::Constant(3000, T(1)), minusOne = -one;
  auto nll = runSum<T>(flow, Kernel::NllGradient, x, c, nullptr);
  auto weighted = runSum<T>(flow, Kernel::LogProbVjpParams, x, c, &minusOne);
  EXPECT_EQ(nll, weighted);
  EXPECT_EQ(runSum<T>(flow, Kernel::ElboGradient, x, c, nullptr),
            runSum<T>(flow, Kernel::WeightedElboGradient, x, c, &one));
  EXPECT_EQ(runSum<T>(flow, Kernel::StlGradient, x, c, nullptr),
            runSum<T>(flow, Kernel::WeightedStlGradient, x, c, &one));
}
} // namespace

TEST_P(PullBackTest, WeightsOfOneChangeNoBit) {
  expectWeightsOfOneChangeNothing<float>(GetParam());
  expectWeightsOfOneChangeNothing<double>(GetParam());
}

TEST_P(PullBackTest, AWeightOfTwoIsTheRowTwice) {
  Compiled<double> flow(GetParam());
  Rows<double> x = flow.someRows(8, 3), c = flow.conditions(8);
  Rows<double> twice(9, 3), twiceC(c.cols() ? 9 : 0, c.cols());
  twice << x, x.row(2);
  if (c.cols())
    twiceC << c, c.row(2);
  Column<double> weight = Column<double>::Constant(8, -1), one = Column<double>::Constant(9, -1);
  weight(2) = -2;
  for (Kernel kernel : {Kernel::LogProbVjpParams, Kernel::WeightedElboGradient, Kernel::WeightedStlGradient}) {
    auto [loss, gradient] = runSum<double>(flow, kernel, x, c, &weight);
    auto [expected, expectedGradient] = runSum<double>(flow, kernel, twice, twiceC, &one);
    // The order of the sum differs.
    EXPECT_NEAR(loss, expected, 1e-12 * std::abs(expected));
    for (size_t i = 0; i < gradient.size(); ++i)
      EXPECT_NEAR(gradient[i], expectedGradient[i], 1e-11 * (1 + std::abs(expectedGradient[i])));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Flows, PullBackTest,
    testing::Values(
        "flow f = coupling_flow(normal([0.5, 0, 1], [1, 2, 1]), cond_dim = 2, flow_layers = 3, nn_width = 9)",
        "flow f = masked_autoregressive_flow(standard_normal([3]), flow_layers = 3, nn_width = 9, "
        "transformer = rational_quadratic_spline(knots = 3, interval = 2))",
        "flow f = masked_autoregressive_flow(normal([1, 2, 3], 2), flow_layers = 2, nn_width = 9, "
        "invert = false, cond_dim = 1)",
        "flow f = planar_flow(standard_normal([3]), flow_layers = 2)",
        "flow f = block_neural_autoregressive_flow(standard_normal([3]), nn_depth = 1, invert = false)"));

TEST(WeightsTest, RowsOfWeightZeroCountForNothing) {
  // Rows outside of the support, with and without a weight.
  Compiled<double> flow("flow f = transformed(normal([1, 2, 3]), exp([3]))");
  Rows<double> x = flow.someRows(6, 3).cwiseAbs() + Rows<double>::Constant(6, 3, 0.1), none;
  Column<double> weight = Column<double>::Constant(6, -1);
  x.row(1).setConstant(-1);
  weight(1) = weight(4) = 0;
  auto [loss, gradient] = runSum<double>(flow, Kernel::LogProbVjpParams, x, none, &weight);
  Rows<double> kept(4, 3);
  kept << x.row(0), x.row(2), x.row(3), x.row(5);
  auto [expected, expectedGradient] = runSum<double>(flow, Kernel::NllGradient, kept, none, nullptr);
  EXPECT_NEAR(loss, expected, 1e-13 * std::abs(expected));
  for (size_t i = 0; i < gradient.size(); ++i)
    EXPECT_NEAR(gradient[i], expectedGradient[i], 1e-12);
  weight(1) = -1;
  EXPECT_EQ(runSum<double>(flow, Kernel::LogProbVjpParams, x, none, &weight).first,
            std::numeric_limits<double>::infinity());
}

TEST(WeightsTest, DrawsOutsideOfTheTargetHaveWeightZero) {
  Compiled<double> flow("flow f = normal([0.5, 0, 1], [1, 2, 1])",
                        "density t(x[3]) = log(x[0]) - sqrt(x[0]) - sum(x^2)");
  Rows<double> z = flow.someRows(6, 3), none;
  z(1, 0) = -4;
  Column<double> weight = Column<double>::Constant(6, 0.5);
  for (int64_t i = 0; i < 6; ++i)
    if (z(i, 0) <= 0)
      weight(i) = 0;
  ASSERT_EQ(weight(1), 0);
  for (Kernel kernel : {Kernel::WeightedElboGradient, Kernel::WeightedStlGradient}) {
    auto [loss, gradient] = runSum<double>(flow, kernel, z, none, &weight);
    EXPECT_TRUE(std::isfinite(loss));
    for (double entry : gradient)
      EXPECT_TRUE(std::isfinite(entry));
  }
}

TEST(PullBackErrors, AreSaid) {
  Compiled<double> flow("flow f = coupling_flow(standard_normal([3]), flow_layers = 2)");
  Rows<double> x = flow.someRows(4, 3);
  auto wrong = flow.kernels->pullBackLogProb<double>(*flow.model, x, Column<double>::Ones(3));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "a cotangent has 3 rows of 1, expected 4 rows of 1");
  wrong = flow.kernels->pullBackPush<double>(*flow.model, x, Rows<double>::Ones(4, 2), Column<double>::Ones(4));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "a cotangent has 4 rows of 2, expected 4 rows of 3");
  wrong = flow.kernels->pullBackLogProb<double>(*flow.model, x, Column<double>::Ones(4), {}, {.condition = true});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "'f' takes no condition, so that it has no score_condition");
}
