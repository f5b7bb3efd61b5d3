//===- StandardizeTest.cpp - Units of flows with a support ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/Training/Standardize.h"
#include "flowc/Training/SupportMap.h"
#include "flowc/Training/TargetStart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

using namespace flowc;
using flowc::test::parse;
using flowc::test::take;
using testing::HasSubstr;

namespace {

/// Onto a < b, c > 0, 0 < d < 1.
constexpr const char *kMapped =
    "flow f = transformed(masked_autoregressive_flow(standard_normal([4]), flow_layers = 2, nn_width = 5), "
    "concatenate([ordered(2), exp([1]), sigmoid([1])]))";

SupportMap mapOf(const Flow &flow) {
  auto map = take(SupportMap::create(flow));
  EXPECT_TRUE(map.has_value());
  return map.value_or(SupportMap());
}

TEST(SupportMap, LeadsToAllReals) {
  SupportMap map = mapOf(parse(kMapped));
  EXPECT_FALSE(map.isIdentity());
  Rows<double> u(2, 4), x(2, 4);
  u << 1, -0.5, 2, -1, 0, 1, -3, 4;
  for (int64_t i : {0, 1}) // ordered is Stan's: the first number, then increments exp(u)
    x.row(i) << u(i, 0), u(i, 0) + std::exp(u(i, 1)), std::exp(u(i, 2)), 1 / (1 + std::exp(-u(i, 3)));
  Rows<double> found = take(map.invert(x));
  EXPECT_LT((found - u).cwiseAbs().maxCoeff(), 1e-13); // a few roundings of numbers up to 4
  // Outside of the support nothing is finite.
  x(1, 2) = -1;
  found = take(map.invert(x));
  EXPECT_TRUE(found.row(0).allFinite());
  EXPECT_FALSE(found.row(1).allFinite());

  SupportMap identity = mapOf(parse("flow f = coupling_flow(standard_normal([2]), flow_layers = 1)"));
  EXPECT_TRUE(identity.isIdentity());
  EXPECT_EQ(take(identity.invert(u)), u);
  double density = 0;
  ASSERT_TRUE(identity.pullBack([](const double *at, int64_t, double *logDensity, double *) {
    *logDensity = at[0];
    return Expected<void>();
  })(u.data(), 1, &density, nullptr));
  EXPECT_EQ(density, u(0, 0));
  EXPECT_FALSE(take(SupportMap::create(parse("flow f = beta([2, 2], [3, 3])"))).has_value());
}

TEST(SupportMap, PullsTargetsBack) {
  // Independent log-normal, beta and ordered exponential gaps: known densities over u.
  TargetFunction target = [](const double *x, int64_t rows, double *logDensity, double *gradient) {
    for (int64_t i = 0; i < rows; ++i, x += 4) {
      logDensity[i] = -x[0] * x[0] - (x[1] - x[0]) - 3 * x[2] + 2 * std::log(x[3]);
      if (!gradient)
        continue;
      double slope[] = {-2 * x[0] + 1, -1, -3, 2 / x[3]};
      std::copy(slope, slope + 4, gradient + 4 * i);
    }
    return Expected<void>();
  };
  TargetFunction pulled = mapOf(parse(kMapped)).pullBack(target);
  Rows<double> u(3, 4), slope(3, 4);
  u << 1, -0.5, 2, -1, 0, 1, -3, 4, 30, -2, 0.1, 0;
  Eigen::VectorXd density(3), alone(3);
  ASSERT_TRUE(bool(pulled(u.data(), 3, density.data(), slope.data())));
  ASSERT_TRUE(bool(pulled(u.data(), 3, alone.data(), nullptr)));
  EXPECT_EQ(density, alone);
  for (int64_t i = 0; i < 3; ++i) {
    double gap = std::exp(u(i, 1)), c = std::exp(u(i, 2)), d = 1 / (1 + std::exp(-u(i, 3)));
    // log |det| = u1 + u2 + log d + log(1 - d)
    double expected = -u(i, 0) * u(i, 0) - gap - 3 * c + 3 * std::log(d) + u(i, 1) + u(i, 2) + std::log1p(-d);
    // |u|^2/2 is taken away and added again: up to 450, in double.
    EXPECT_NEAR(density[i], expected, 1e-12 * 900);
    EXPECT_NEAR(slope(i, 0), -2 * u(i, 0), 1e-12 * 60);
    EXPECT_NEAR(slope(i, 1), 1 - gap, 1e-12 * 60);
    EXPECT_NEAR(slope(i, 2), 1 - 3 * c, 1e-12 * 60);
    EXPECT_NEAR(slope(i, 3), 3 * (1 - d) - d, 1e-12 * 60);
  }
}

TEST(Standardize, PutsUnitsBeforeTheMapOntoTheSupport) {
  Flow flow = parse(kMapped);
  ColumnStatistics statistics{{10, -2, 3, 0}, {4, 0.5, 2, 0.25}};
  Flow standardized = take(standardize(flow, &statistics, nullptr));
  EXPECT_THAT(standardized.text(), HasSubstr("flow f_data = transformed(transformed(unconstrained(f),\n    "
                                             "non_trainable(affine([10, -2, 3, 0], [4, 0.5, 2, 0.25]))),\n    "
                                             "support_map(f))"));
  // log q_data(x) = log q(B(v)) + log |det B'(v)| - log |det B'(u)| - log deviations, u = B^-1(x) = 4 v + ...
  Model inner = take(Model::initialise(flow, {.seed = 3, .dtype = F64})),
        outer = take(Model::initialise(standardized, {.seed = 3, .dtype = F64}));
  ASSERT_EQ(inner.numTrainable(), outer.numTrainable());
  ASSERT_TRUE(bool(outer.setTrainable(inner.trainable())));
  for (size_t i = 0; i < inner.parameters().size(); ++i) // the permutations
    ASSERT_TRUE(bool(outer.setValues(i, inner.values(i))));
  auto kernels = take(compile(flow, {.dtype = F64})), scaled = take(compile(standardized, {.dtype = F64}));
  // Both draw from the same numbers.
  Rows<double> x = take(kernels->sample<double>(inner, 50, 1)), y = take(scaled->sample<double>(outer, 50, 1));
  SupportMap map = mapOf(flow);
  Rows<double> v = take(map.invert(x)), u = take(map.invert(y));
  for (int64_t d = 0; d < 4; ++d)
    EXPECT_LT(
        (u.col(d) - (statistics.deviation[d] * v.col(d).array() + statistics.mean[d]).matrix()).cwiseAbs().maxCoeff(),
        // 1 - sigmoid and differences of ordered numbers lose some of sixteen digits
        1e-9);
}

// What training adds has a name that nothing in the text has.
TEST(Standardize, NamesThatAreTakenAreNotTakenAgain) {
  std::string text = "flow f_data = standard_normal([2])\nflow f_data_ = standard_normal([2])\n"
                     "flow f = coupling_flow(standard_normal([2]), flow_layers = 1)\n";
  Flow flow = take(Flow::parse(text, "f"));
  ColumnStatistics statistics{{1, 2}, {3, 4}};
  Flow standardized = take(standardize(flow, &statistics, nullptr));
  EXPECT_EQ(standardized.name(), "f_data__");
  EXPECT_THAT(standardized.text(), testing::StartsWith(text));
  EXPECT_EQ(standardized.dim(), 2);
  // A text that does not end its last line gets an end before what is added.
  EXPECT_EQ(addItem("flow g = f", "h", "flow @ = g").first, "flow g = f\nflow h = g\n");
  EXPECT_EQ(addItem("", "h", "flow @ = g").first, "flow h = g\n");
}

TEST(Standardize, SavesAndLoadsFlowsWithASupport) {
  ColumnStatistics statistics{{10, -2, 3, 0}, {4, 0.5, 2, 0.25}};
  Flow flow = take(standardize(parse(kMapped), &statistics, nullptr));
  Model model = take(Model::initialise(flow, {.seed = 3}));
  test::TemporaryDirectory folder;
  ASSERT_TRUE(bool(model.save(folder / "m.safetensors")));
  Model loaded = take(Model::load(folder / "m.safetensors"));
  EXPECT_EQ(loaded.flow().text(), flow.text());
  EXPECT_EQ(loaded.trainable(), model.trainable());
  // A model of a model: its own units are a part of the flow that stays.
  Flow again = take(standardize(flow, &statistics, nullptr));
  EXPECT_EQ(again.name(), "f_data_data");
  EXPECT_EQ(take(Model::initialise(again)).numTrainable(), model.numTrainable());
}

TEST(Standardize, ConditionsOfFlowsWithASupport) {
  Flow flow = parse("flow f = transformed(coupling_flow(standard_normal([2]), cond_dim = 1, flow_layers = 1, "
                    "nn_width = 4), exp([2]))");
  ColumnStatistics statistics{{1, 2}, {3, 4}}, conditions{{8}, {2}};
  Flow both = take(standardize(flow, &statistics, &conditions)), one = take(standardize(flow, nullptr, &conditions));
  EXPECT_THAT(both.text(), HasSubstr("transformed(unconstrained(embed_condition(f, non_trainable(affine([-4], [0.5])), "
                                     "raw_cond_shape = [1])),"));
  Model plain = take(Model::initialise(flow, {.seed = 1, .dtype = F64})),
        embedded = take(Model::initialise(one, {.seed = 1, .dtype = F64})),
        whole = take(Model::initialise(both, {.seed = 1, .dtype = F64}));
  ASSERT_TRUE(bool(embedded.setTrainable(plain.trainable())));
  ASSERT_TRUE(bool(whole.setTrainable(plain.trainable())));
  Rows<double> x(1, 2), c(1, 1), scaled(1, 1), stretched(1, 2);
  x << 0.5, 2;
  c << 9;
  scaled << 0.5;
  stretched << std::exp(1 + 3 * std::log(0.5)), std::exp(2 + 4 * std::log(2));
  double expected = take(take(compile(flow, {.dtype = F64}))->logProb<double>(plain, x, scaled))[0];
  EXPECT_NEAR(take(take(compile(one, {.dtype = F64}))->logProb<double>(embedded, x, c))[0], expected, 1e-12);
  // Densities over x and over exp(1 + 3 log x0), ...: those of log x less the logarithms of both.
  double moved = expected + x.array().log().sum() - stretched.array().log().sum() - std::log(12);
  EXPECT_NEAR(take(take(compile(both, {.dtype = F64}))->logProb<double>(whole, stretched, c))[0], moved, 1e-12);
}

TEST(Standardize, ScalesNormalDrawsIntoTheIntervalsOfSplines) {
  auto flow = [](const std::string &interval) {
    return parse("flow f = coupling_flow(standard_normal([2]), flow_layers = 1, nn_width = 4, "
                 "transformer = rational_quadratic_spline(knots = 3, interval = " +
                 interval + "))");
  };
  EXPECT_DOUBLE_EQ(scaleIntoSplines(flow("4")), 4.0 / 6);
  EXPECT_DOUBLE_EQ(scaleIntoSplines(flow("[-5, 3]")), 0.5);
  EXPECT_EQ(scaleIntoSplines(flow("8")), 1);
  EXPECT_EQ(scaleIntoSplines(parse("flow f = coupling_flow(standard_normal([2]), flow_layers = 1)")), 1);
  ColumnStatistics statistics{{10, -2}, {4, 0.5}};
  Flow scaled = take(standardize(flow("3"), &statistics, nullptr, 0.5));
  EXPECT_THAT(scaled.text(), HasSubstr("transformed(after_base(f, non_trainable(scale([0.5, 0.5]))),\n    "
                                       "non_trainable(affine([10, -2], [8, 1])))"));
  // With networks that give 0 the flow is the identity: a normal distribution of this mean
  // and deviation.
  Model model = take(Model::initialise(scaled, {.dtype = F64}));
  ASSERT_TRUE(bool(model.setTrainable(std::vector<double>(static_cast<size_t>(model.numTrainable())))));
  Rows<double> x(1, 2);
  x << 14, -3;
  double logProb = take(take(compile(scaled, {.dtype = F64}))->logProb<double>(model, x))[0];
  EXPECT_NEAR(logProb, -0.5 * (1 + 4) - std::log(2 * M_PI) - std::log(2), 1e-6); // scales are kept as float32
}

TEST(Standardize, NeedsAPlaceForUnits) {
  ColumnStatistics statistics{{1, 2}, {3, 4}};
  auto refused = standardize(parse("flow f = beta([2, 2], [3, 3])"), &statistics, nullptr);
  ASSERT_FALSE(bool(refused));
  EXPECT_THAT(refused.error().message, HasSubstr("its data cannot be standardised"));
}

TEST(TargetStart, FindsNarrowTargetsFarAway) {
  // 1/1000 wide, at 40 and exp(5): draws of the initial flow see nothing of it.
  auto density = Flow::parseDensity("density t(x[2]) = -0.5*((x[0] - 40)/0.001)^2 - 0.5*((log(x[1]) - 5)/0.001)^2 - "
                                    "log(x[1]) - 2*log(0.001) - log(2*pi)");
  ASSERT_TRUE(bool(density)) << density.error().message;
  Flow flow = parse("flow f = transformed(masked_autoregressive_flow(standard_normal([2]), invert = false, "
                    "flow_layers = 2, nn_width = 8), concatenate([identity([1]), exp([1])]))");
  Model model = take(startTowardsTarget(flow, *density, {.dtype = F64, .seed = 1}));
  auto [x, logProb] = take(take(compile(model.flow(), {.dtype = F64}))->sampleAndLogProb<double>(model, 500, 7));
  Column<double> target = take(
      take(compile(*density, {.dtype = F64}))->logProb<double>(take(Model::initialise(*density, {.dtype = F64})), x));
  // The target is normalised; 5,120 draws of chains leave little to do.
  EXPECT_LT((logProb - target).mean(), 0.1);
}

TEST(TargetStart, FindsAllModes) {
  std::string path = std::string(FLOWC_TEST_DATA) + "/targets/cross.flow";
  Flow density = take(Flow::parseDensity(test::TemporaryDirectory::read(path), {}, path));
  Flow flow = parse("flow f = coupling_flow(standard_normal([2]), invert = false)");
  for (uint64_t seed : {2, 3, 4}) {
    SCOPED_TRACE(seed);
    Model model = take(startTowardsTarget(flow, density, {.seed = seed}));
    Rows<float> x = take(take(compile(model.flow()))->sample<float>(model, 2000, 7));
    // Four arms with a quarter of the draws each; 512 chains do not know that to more than a few
    // percent.
    std::array<int, 4> counts = {};
    for (int64_t i = 0; i < x.rows(); ++i)
      ++counts[std::abs(x(i, 0)) > std::abs(x(i, 1)) ? (x(i, 0) > 0) : 2 + (x(i, 1) > 0)];
    for (int count : counts)
      EXPECT_NEAR(count, 500, 150);
  }
}

} // namespace
