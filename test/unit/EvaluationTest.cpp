//===- EvaluationTest.cpp - Targets, data, resampling ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Evaluation.h"
#include "flowc/RestrictedDraws.h"

#include "Triangular.h"
#include "Uniformity.h"

#include <Eigen/LU>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <numbers>
#include <set>
#include <sstream>

using namespace flowc;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Compiled {
  Model model;
  std::shared_ptr<Kernels> kernels;
};

Compiled compileFlow(const std::string &text, DType dtype = F64, int threads = 0) {
  auto flow = Flow::parse(text);
  EXPECT_TRUE(flow) << flow.error().message;
  auto model = Model::initialise(*flow, {.seed = 3, .dtype = dtype});
  EXPECT_TRUE(model) << model.error().message;
  auto kernels = compile(*flow, {.dtype = dtype, .threads = threads});
  EXPECT_TRUE(kernels) << kernels.error().message;
  return {*model, *kernels};
}

LogDensity compileTarget(const std::string &text) {
  auto density = Flow::parseDensity(text);
  EXPECT_TRUE(density) << density.error().message;
  auto target = compileLogDensity(*density);
  EXPECT_TRUE(target) << target.error().message;
  return *target;
}

constexpr const char *normalTarget = "density p(x[1]) = -0.5*x[0]^2";
const double logRootTwoPi = 0.5 * std::log(2 * std::numbers::pi);

/// The same log-ratios as in test/data/psis/generate.py.
std::vector<double> knownRatios(const std::string &kind, int64_t count) {
  std::vector<double> ratios;
  for (int64_t i = 1; i <= count; ++i) {
    double u = std::fmod(static_cast<double>(i) * 0.6180339887498949, 1.0);
    if (kind.starts_with("pareto"))
      ratios.push_back(-std::stod(kind.substr(6)) * std::log(u));
    else
      ratios.push_back(kind == "bounded" ? u * u : kind == "exponential" ? std::log(-std::log(u)) : -300 * std::log(u));
  }
  return ratios;
}

} // namespace

//===----------------------------------------------------------------------===//
// Pareto
//===----------------------------------------------------------------------===//

TEST(EvaluationTest, ParetoAsArvizFitsIt) {
  std::ifstream file(FLOWC_TEST_DATA "/psis/psis.csv");
  std::string line;
  std::getline(file, line);
  int lines = 0;
  for (; std::getline(file, line); ++lines) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream words(line);
    std::string kind;
    int64_t count = 0;
    double k = 0, largest = 0, logSquares = 0;
    words >> kind >> count >> k >> largest >> logSquares;
    ASSERT_TRUE(words) << line;
    std::vector<double> ratios = knownRatios(kind, count);
    // The sums over the tail and the logarithms round differently.
    EXPECT_NEAR(paretoK(ratios), k, 1e-10 * std::max(1.0, std::abs(k))) << line;
    EXPECT_EQ(smoothLogRatios(ratios), paretoK(knownRatios(kind, count)));
    double most = *std::max_element(ratios.begin(), ratios.end()), sum = 0, squares = 0;
    for (double ratio : ratios) {
      sum += std::exp(ratio - most);
      squares += std::exp(2 * (ratio - most));
    }
    EXPECT_NEAR(-std::log(sum), largest, 1e-9) << line;
    EXPECT_NEAR(std::log(squares / sum / sum), logSquares, 1e-9) << line;
  }
  EXPECT_EQ(lines, 21);
}

TEST(EvaluationTest, ParetoAtItsEdges) {
  EXPECT_EQ(paretoK(std::vector<double>(1000, -3.5)), 0);
  EXPECT_EQ(paretoK(std::vector<double>(1000, -infinity)), infinity);
  EXPECT_EQ(paretoK({}), infinity);
  // One ratio beside which all others are nothing.
  std::vector<double> single = knownRatios("bounded", 1000);
  single[17] = 1e6;
  EXPECT_EQ(paretoK(single), infinity);
  // Ratios of zero are part of the body: five of them among the largest are not.
  std::vector<double> ratios = knownRatios("pareto0.5", 1000), padded = ratios;
  std::sort(ratios.begin(), ratios.end());
  std::fill(ratios.begin(), ratios.begin() + 500, -infinity);
  EXPECT_EQ(paretoK(ratios), paretoK(padded));
  EXPECT_EQ(paretoKThreshold(100), 0.5);
  EXPECT_NEAR(paretoKThreshold(1000), 2.0 / 3, 1e-15);
  EXPECT_EQ(paretoKThreshold(100000), 0.7);
  EXPECT_TRUE(describeParetoK(0.69, 100000).starts_with("good"));
  EXPECT_NE(describeParetoK(0.6, 100).find("317 draws"), std::string::npos); // 10^(1 / 0.4)
  EXPECT_TRUE(describeParetoK(0.71, 100000).starts_with("bad"));
  EXPECT_TRUE(describeParetoK(infinity, 100000).starts_with("very bad"));
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

TEST(EvaluationTest, FlowEqualToItsTarget) {
  for (DType dtype : {F64, F32}) {
    auto [model, kernels] = compileFlow("flow q = normal([1, -2], [0.5, 3])", dtype);
    LogDensity target = compileTarget("density p(x[2]) = 2.5 - 0.5*(((x[0] - 1) / 0.5)^2 + ((x[1] + 2) / 3)^2)");
    auto result = evaluateTarget(*kernels, model, target, {.draws = 10000});
    ASSERT_TRUE(result) << result.error().message;
    double logEvidence = 2.5 + 2 * logRootTwoPi + std::log(0.5 * 3);
    // Rounding of log q in the flow's own type; a mean of such errors is smaller.
    double tolerance = dtype == F64 ? 1e-13 : 2e-6;
    EXPECT_NEAR(result->elbo, logEvidence, tolerance);
    EXPECT_NEAR(result->logEvidence, logEvidence, tolerance);
    EXPECT_LE(result->elboError, tolerance);
    // The root of a difference that is rounding alone, over that of the draws.
    EXPECT_LE(result->logEvidenceError, std::max(tolerance, 1e-9));
    EXPECT_NEAR(result->effectiveSampleSize, 10000, 1e-3);
    EXPECT_LT(result->paretoK, 0.5);
    EXPECT_EQ(result->outside, 0);
  }
}

// For q = N(0, s^2) and p = N(0, 1) Z, Z = sqrt(2 pi): log w has the mean log Z + log s +
// (1 - s^2) / 2 and the variance (s^2 - 1)^2 / 2; w^2 has the mean Z^2 s^2 / sqrt(2 s^2 - 1).
TEST(EvaluationTest, WideFlowAgainstTheFormulas) {
  auto [model, kernels] = compileFlow("flow q = normal([0], [2])");
  constexpr int64_t draws = 200000;
  auto result = evaluateTarget(*kernels, model, compileTarget(normalTarget), {.draws = draws, .seed = 5});
  ASSERT_TRUE(result) << result.error().message;
  double s = 2, n = draws, elboError = (s * s - 1) / std::sqrt(2 * n), share = std::sqrt(2 * s * s - 1) / (s * s);
  // Four standard errors; errors of errors are smaller than a twentieth.
  EXPECT_NEAR(result->elbo, logRootTwoPi + std::log(s) + (1 - s * s) / 2, 4 * elboError);
  EXPECT_NEAR(result->elboError, elboError, 0.05 * elboError);
  double evidenceError = std::sqrt((1 / share - 1) / n);
  EXPECT_NEAR(result->logEvidence, logRootTwoPi, 4 * evidenceError);
  EXPECT_NEAR(result->logEvidenceError, evidenceError, 0.05 * evidenceError);
  EXPECT_NEAR(result->effectiveSampleSize / n, share, 0.01);
  // The ratios are bounded.
  EXPECT_LT(result->paretoK, 0);
}

/// Ratios of all sizes: what is added up relative to the largest one never overflows.
TEST(EvaluationTest, RatiosFarApart) {
  auto [model, kernels] = compileFlow("flow q = normal([0], [1])");
  auto result = evaluateTarget(*kernels, model, compileTarget("density p(x[1]) = -2000*x[0]^2"), {.draws = 20000});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_NEAR(result->logEvidence, 0.5 * std::log(std::numbers::pi / 2000), 0.2);
  EXPECT_TRUE(std::isfinite(result->effectiveSampleSize));
}

// Here the ratios have a tail with k = 1 - s^2, but for logarithms.
TEST(EvaluationTest, NarrowFlowIsFoundOut) {
  LogDensity target = compileTarget(normalTarget);
  for (auto [scale, isGood] : {std::pair(0.8, true), {0.4, false}}) {
    auto [model, kernels] = compileFlow("flow q = normal([0], [" + std::to_string(scale) + "])");
    auto result = evaluateTarget(*kernels, model, target);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_NEAR(result->paretoK, 1 - scale * scale, 0.12);
    EXPECT_EQ(result->paretoK < paretoKThreshold(result->draws), isGood);
    EXPECT_EQ(describeParetoK(result->paretoK, result->draws).starts_with("good"), isGood);
  }
}

TEST(EvaluationTest, SupportOfTheTarget) {
  auto [model, kernels] = compileFlow("flow q = normal([0], [1])");
  LogDensity half = compileTarget("density p(x[1]) = where(x[0] > 0, -0.5*x[0]^2, log(0))");
  auto result = evaluateTarget(*kernels, model, half, {.draws = 40000});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_NEAR(static_cast<double>(result->outside), 20000, 400); // Four standard deviations.
  EXPECT_EQ(result->elbo, -infinity);
  EXPECT_TRUE(std::isnan(result->elboError));
  double share = 1 - static_cast<double>(result->outside) / 40000;
  EXPECT_NEAR(result->logEvidence, logRootTwoPi + std::log(share), 1e-12);
  EXPECT_NEAR(result->effectiveSampleSize, share * 40000, 1e-6);
  EXPECT_NE(result->toJson().find("\"elbo\":null"), std::string::npos);

  LogDensity none = compileTarget("density p(x[1]) = log(0) + 0*x[0]");
  result = evaluateTarget(*kernels, model, none, {.draws = 100});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->outside, 100);
  EXPECT_EQ(result->logEvidence, -infinity);
  EXPECT_EQ(result->effectiveSampleSize, 0);
  EXPECT_EQ(result->paretoK, infinity);
  auto resampled = resample(*kernels, model, none, {.count = 10});
  ASSERT_FALSE(resampled);
  EXPECT_NE(resampled.error().message.find("none of the 10000 draws of 'q' lies in the support"), std::string::npos);
}

TEST(EvaluationTest, UndefinedTargetNamesTheDraw) {
  auto [model, kernels] = compileFlow("flow q = normal([0], [1])");
  LogDensity target = [](const double *x, int64_t rows, double *result) -> Expected<void> {
    for (int64_t i = 0; i < rows; ++i)
      result[i] = x[i] > 3 ? std::nan("") : 0;
    return {};
  };
  auto result = evaluateTarget(*kernels, model, target, {.draws = 100000});
  ASSERT_FALSE(result);
  // The draw that it names is one of those.
  size_t at = result.error().message.find("draw ");
  ASSERT_NE(at, std::string::npos) << result.error().message;
  auto number = std::stoull(result.error().message.substr(at + 5));
  EXPECT_GE(number, kFirstEvaluationDraw);
  auto draw = kernels->sample<double>(model, 1, 0, {}, number);
  ASSERT_TRUE(draw);
  EXPECT_GT((*draw)(0, 0), 3);
}

TEST(EvaluationTest, WrongUseOfTargets) {
  auto [model, kernels] = compileFlow("flow q = normal([0], [1])");
  LogDensity target = compileTarget(normalTarget);
  auto few = evaluateTarget(*kernels, model, target, {.draws = 99});
  ASSERT_FALSE(few);
  EXPECT_NE(few.error().message.find("by 99 draws, expected at least 100"), std::string::npos);
  auto surplus = evaluateTarget(*kernels, model, target, {.condition = {1, 2}});
  ASSERT_FALSE(surplus);
  EXPECT_NE(surplus.error().message.find("'q' takes no condition, found 2 numbers"), std::string::npos);
  auto bijection = Flow::parse("bijection b = affine([1, 2])");
  EXPECT_FALSE(compileLogDensity(*bijection));
}

TEST(EvaluationTest, ConditionalFlowUnderOneCondition) {
  auto [model, kernels] = compileFlow("flow q = masked_autoregressive_flow(normal([0], [1]), cond_dim = 2)");
  LogDensity target = compileTarget(normalTarget);
  auto first = evaluateTarget(*kernels, model, target, {.draws = 1000, .condition = {1, 2}});
  ASSERT_TRUE(first) << first.error().message;
  auto drawn = kernels->sampleAndLogProb<double>(model, 1000, 0, Rows<double>{{1, 2}}, kFirstEvaluationDraw);
  ASSERT_TRUE(drawn);
  double mean = 0;
  for (int i = 0; i < 1000; ++i)
    mean += (-0.5 * drawn->first(i, 0) * drawn->first(i, 0) - drawn->second(i)) / 1000;
  EXPECT_NEAR(first->elbo, mean, 1e-12);
  EXPECT_FALSE(evaluateTarget(*kernels, model, target));
}

//===----------------------------------------------------------------------===//
// Resampling
//===----------------------------------------------------------------------===//

TEST(EvaluationTest, ResampledDrawsFollowTheTarget) {
  auto [model, kernels] = compileFlow("flow q = normal([0], [2])", F32);
  LogDensity target = compileTarget("density p(x[1]) = 7 - 0.5*(x[0] - 1)^2");
  for (bool replacement : {true, false}) {
    ResampleOptions options{.count = 5000, .pool = 100000, .seed = 11, .replacement = replacement};
    auto result = resample(*kernels, model, target, options);
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->chosen.size(), 5000u);
    EXPECT_TRUE(std::is_sorted(result->chosen.begin(), result->chosen.end()));
    EXPECT_EQ(result->distinct, std::set<int64_t>(result->chosen.begin(), result->chosen.end()).size());
    EXPECT_TRUE(replacement || result->distinct == 5000);
    std::vector<float> values;
    auto collected = drawChosen(*kernels, model, *result, options, [&](const void *rows, int64_t count) {
      values.insert(values.end(), static_cast<const float *>(rows), static_cast<const float *>(rows) + count);
      return Expected<void>();
    });
    ASSERT_TRUE(collected) << collected.error().message;
    ASSERT_EQ(values.size(), 5000u);
    // They are the draws with these numbers.
    for (size_t i : {size_t(0), size_t(1234), size_t(4999)}) {
      auto draw = kernels->sample<float>(model, 1, 11, {}, static_cast<uint64_t>(result->chosen[i]));
      ASSERT_TRUE(draw);
      EXPECT_EQ((*draw)(0, 0), values[i]);
    }
    double mean = 0, square = 0;
    for (float value : values) {
      mean += value / 5000.0;
      square += value * value / 5000.0;
    }
    EXPECT_NEAR(mean, 1, 4 / std::sqrt(5000.0));
    // Four standard deviations of a variance of 5,000 draws. Without replacement from
    // a pool 20 times as large, the tails are a little too heavy: within a twentieth.
    EXPECT_NEAR(square - mean * mean, 1, 4 * std::sqrt(2 / 5000.0) + (replacement ? 0 : 0.05));
    auto again = resample(*kernels, model, target, options);
    EXPECT_EQ(again->chosen, result->chosen);
    options.seed = 12;
    EXPECT_NE(resample(*kernels, model, target, options)->chosen, result->chosen);
  }
  // A pool of more than one chunk has as many draws as it should, and says how far it is.
  int64_t done = 0;
  auto whole = resample(*kernels, model, target,
                        {.count = 10, .pool = 400001, .progress = [&](int64_t draws) { done = draws; }});
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(done, 400001);
  // 1/E[w^2] of the normal densities.
  EXPECT_NEAR(whole->pool.effectiveSampleSize / 400001, std::sqrt(7.0) / 4 * std::exp(-1.0 / 7), 0.01);
  auto tooMany = resample(*kernels, model, target, {.count = 200, .pool = 150, .replacement = false});
  ASSERT_FALSE(tooMany);
  EXPECT_NE(tooMany.error().message.find("200 different draws from a pool of 150"), std::string::npos);
}

// With systematic resampling, a draw is chosen its expected number of times, up to one.
TEST(EvaluationTest, SystematicCounts) {
  auto [model, kernels] = compileFlow("flow q = uniform([0], [1])");
  LogDensity target = compileTarget("density p(x[1]) = log(2*x[0])"); // Bounded ratios: nothing to smooth away.
  constexpr int64_t pool = 400, count = 4000;
  auto result = resample(*kernels, model, target, {.count = count, .pool = pool});
  ASSERT_TRUE(result);
  auto draws = kernels->sample<double>(model, pool, 0);
  std::vector<double> ratios;
  for (int64_t i = 0; i < pool; ++i)
    ratios.push_back(std::log(2 * (*draws)(i, 0)));
  smoothLogRatios(ratios);
  double total = 0;
  for (double ratio : ratios)
    total += std::exp(ratio);
  for (int64_t i = 0; i < pool; ++i) {
    auto times = std::count(result->chosen.begin(), result->chosen.end(), i);
    EXPECT_NEAR(static_cast<double>(times), std::exp(ratios[static_cast<size_t>(i)]) / total * count, 1) << i;
  }
}

//===----------------------------------------------------------------------===//
// Tests of uniformity
//===----------------------------------------------------------------------===//

TEST(EvaluationTest, KolmogorovsDistribution) {
  // scipy.special.kolmogorov, SciPy 1.16.
  for (auto [x, expected] : {std::pair(0.1, 1.0),
                             {0.3, 0.9999906941986655},
                             {0.5, 0.9639452436648751},
                             {0.8, 0.5441424115741981},
                             {1.0, 0.26999967167735456},
                             {1.17, 0.12939004218561884},
                             {1.19, 0.11774229287977166},
                             {1.5, 0.022217962616525127},
                             {2.0, 0.0006709252557796953},
                             {3.0, 3.045995948942526e-08}})
    EXPECT_NEAR(kolmogorovSurvival(x), expected, 2e-15) << x;
  EXPECT_EQ(kolmogorovSurvival(0), 1);
}

TEST(EvaluationTest, StatisticsByHand) {
  EXPECT_DOUBLE_EQ(testUniformity({0.9, 0.1}).statistic, 0.4);
  EXPECT_DOUBLE_EQ(testUniformity({0.5, 0.6, 0.7}).statistic, 0.5);
  EXPECT_DOUBLE_EQ(testEquality({1, 2, 3, 4}, {1, 2, 3, 4}).statistic, 0);
  EXPECT_DOUBLE_EQ(testEquality({1, 1, 1, 2}, {1, 2}).statistic, 0.25);
  EXPECT_DOUBLE_EQ(testEquality({1, 2}, {3, 4}).statistic, 1);
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

namespace {

template <typename T>
Expected<DataEvaluation> evaluateRows(const Compiled &flow, const Rows<T> &x, const EvaluateDataOptions &options = {}) {
  return evaluateData(*flow.kernels, flow.model, {.x = x.data(), .rows = x.rows()}, options);
}

double smallestP(const std::vector<UniformityTest> &tests) {
  double smallest = 1;
  for (const UniformityTest &test : tests)
    smallest = std::min(smallest, test.pValue);
  return smallest;
}

constexpr const char *autoregressive =
    "flow f = masked_autoregressive_flow(standard_normal([3]), flow_layers = 1, nn_width = 8)";

} // namespace

TEST(EvaluationTest, DataOfTheFlowItself) {
  for (const char *text :
       {autoregressive, "flow f = coupling_flow(standard_normal([3]), flow_layers = 3, nn_width = 8)",
        "flow f = transformed(gamma([1, 2, 3], [1, 1, 2]), affine([0, 1, 2], [1, 2, 3]))"}) {
    Compiled flow = compileFlow(text, F32);
    auto x = flow.kernels->sample<float>(flow.model, 20000, 9);
    ASSERT_TRUE(x);
    auto result = evaluateRows<float>(flow, *x);
    ASSERT_TRUE(result) << result.error().message;
    auto logProb = flow.kernels->logProb<float>(flow.model, *x)->cast<double>().eval();
    EXPECT_NEAR(result->meanLogProb, logProb.mean(), 1e-9);
    double variance = (logProb.array() - logProb.mean()).square().sum() / 19999;
    EXPECT_NEAR(result->logProbError, std::sqrt(variance / 20000), 1e-9);
    EXPECT_EQ(result->exactBase, std::string(text).find("standard_normal") != std::string::npos);
    // Six tests: a false alarm once in 1,600 seeds, and this is one.
    EXPECT_GT(std::min(smallestP(result->marginal), smallestP(result->base)), 1e-4) << text;
    // The same rows, moved a little, are found out by both.
    Rows<float> moved = x->array() + 0.2F;
    result = evaluateRows<float>(flow, moved);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_LT(smallestP(result->marginal), 1e-6) << text;
    EXPECT_LT(smallestP(result->base), 1e-6) << text;
  }
}

TEST(EvaluationTest, RosenblattOrder) {
  auto orderOf = [](const std::string &text) {
    Compiled flow = compileFlow(text);
    auto x = flow.kernels->sample<double>(flow.model, 200, 9);
    return *evaluateRows<double>(flow, *x);
  };
  DataEvaluation forward = orderOf(autoregressive);
  EXPECT_EQ(forward.rosenblattOrder, (std::vector<int64_t>{0, 1, 2}));
  // z is shuffled afterwards.
  std::sort(forward.rosenblatt.begin(), forward.rosenblatt.end());
  EXPECT_EQ(forward.rosenblatt, (std::vector<int64_t>{0, 1, 2}));
  DataEvaluation turned = orderOf("flow f = transformed(standard_normal([3]), chain([triangular_affine([0, 0, 0], "
                                  "[[1, 0, 0], [1, 1, 0], [1, 1, 1]]), permute([2, 0, 1])]))");
  // x = (y2, y0, y1): the first is x1, then x2, then x0.
  EXPECT_EQ(turned.rosenblattOrder, (std::vector<int64_t>{1, 2, 0}));
  EXPECT_EQ(turned.rosenblatt, (std::vector<int64_t>{1, 2, 0}));
  // Behind the affine map that training adds for data in its own units, too.
  std::string standardised =
      std::string(autoregressive) + "\nflow f_data = transformed(f, non_trainable(affine([1, 2, 3], [2, 0.5, 1])))";
  EXPECT_EQ(orderOf(standardised).rosenblattOrder, (std::vector<int64_t>{0, 1, 2}));
  EXPECT_TRUE(orderOf(standardised).exactBase);
  EXPECT_TRUE(orderOf("flow f = coupling_flow(standard_normal([3]), flow_layers = 3)").rosenblattOrder.empty());
}

/// Rows that are compared come with the condition of the one that they are made of.
TEST(EvaluationTest, TriangularOrderOfRowsWithConditions) {
  std::vector<double> rows{1, 2, 3, 4, 5, 6}, conditions{10, 20, 30};
  auto dependences = Dependences::find(rows, conditions, 2, 1, [](const auto &x, const auto &c) {
    EXPECT_EQ(c.size() * 2, x.size());
    std::vector<double> z;
    for (size_t i = 0; i < c.size(); ++i) {
      EXPECT_EQ(c[i], c[0]);
      z.insert(z.end(), {x[2 * i] + x[2 * i + 1] + c[i], x[2 * i + 1] * c[i]});
    }
    return Expected<std::vector<double>>(z);
  });
  ASSERT_TRUE(dependences);
  TriangularOrder order = findTriangularOrder(*dependences);
  EXPECT_EQ(order.order, (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(order.coordinates, (std::vector<int64_t>{0, 1}));
}

TEST(EvaluationTest, RowsOutsideTheSupportAndUndefinedOnes) {
  Compiled flow = compileFlow("flow f = exponential([1, 1])");
  Rows<double> x(5, 2);
  x << 1, 2, -1, 1, std::nan(""), 1, 0.5, 0.5, 3, -1e-9;
  auto result = evaluateRows<double>(flow, x);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->rows, 5);
  EXPECT_EQ(result->outside, 2);
  EXPECT_EQ(result->undefined, 1);
  EXPECT_EQ(result->testedRows, 2);
  EXPECT_NEAR(result->meanLogProb, -2, 1e-14); // -3 and -1
  EXPECT_NEAR(result->logProbError, 1, 1e-14);
  EXPECT_FALSE(evaluateRows<double>(flow, Rows<double>(0, 2)));
}

TEST(EvaluationTest, ChunksAndThreadsDoNotMatter) {
  Compiled flow = compileFlow(autoregressive, F64, 1), threaded = compileFlow(autoregressive, F64, 3);
  auto x = flow.kernels->sample<double>(flow.model, 3000, 9);
  EvaluateDataOptions options{.seed = 4, .testRows = 500};
  auto whole = evaluateRows<double>(flow, *x, options);
  auto evaluator = DataEvaluator::create(*threaded.kernels, threaded.model, options);
  for (int64_t at = 0; at < 3000; at += 700)
    ASSERT_TRUE(evaluator->add(x->data() + at * 3, nullptr, std::min<int64_t>(700, 3000 - at)));
  auto parts = evaluator->finish();
  ASSERT_TRUE(whole && parts);
  EXPECT_EQ(whole->testedRows, 500);
  std::vector<std::string> names = {"a", "b", "c"};
  EXPECT_EQ(whole->toJson(names), parts->toJson(names));
  LogDensity target = compileTarget("density p(x[3]) = -sum(log1p(x^2))");
  EXPECT_EQ(evaluateTarget(*flow.kernels, flow.model, target)->toJson(),
            evaluateTarget(*threaded.kernels, threaded.model, target)->toJson());
}

//===----------------------------------------------------------------------===//
// Row by row
//===----------------------------------------------------------------------===//

TEST(RowScorerTest, IsExactForANormalDistribution) {
  Compiled flow = compileFlow("flow f = multivariate_normal([1, -2, 0], [[4, 1.5, 0], [1.5, 1, 0.2], [0, 0.2, 2]])");
  Eigen::Matrix3d covariance;
  covariance << 4, 1.5, 0, 1.5, 1, 0.2, 0, 0.2, 2;
  Eigen::Matrix3d precision = covariance.inverse();
  Eigen::Vector3d mean(1, -2, 0);
  Rows<double> x(4, 3);
  x << 1, -2, 0, 3, -2, 1, 9, -2, 0, 1, 2, -0.5;
  constexpr int64_t draws = 200000;
  auto scorer = RowScorer::create(*flow.kernels, flow.model, {.draws = draws, .seed = 1});
  ASSERT_TRUE(scorer);
  auto scores = (*scorer)->score(x.data(), nullptr, 4);
  ASSERT_TRUE(scores) << scores.error().message;
  for (int64_t row = 0; row < 4; ++row) {
    Eigen::Vector3d difference = x.row(row).transpose() - mean, pulled = precision * difference;
    double squared = difference.dot(pulled);
    EXPECT_NEAR(scores->logProb[row],
                -0.5 * (squared + std::log(covariance.determinant()) + 3 * std::log(2 * std::numbers::pi)), 1e-12);
    // Densities are lower where the squared distance, chi-squared of three degrees, is larger.
    double tail =
        std::erfc(std::sqrt(squared / 2)) + std::sqrt(2 * squared / std::numbers::pi) * std::exp(-squared / 2);
    EXPECT_NEAR(scores->tail[row], tail, 4 * std::sqrt(tail / draws) + 2.0 / draws) << row;
    for (int64_t i = 0; i < 3; ++i)
      EXPECT_NEAR(scores->residuals(row, i), pulled[i] / std::sqrt(precision(i, i)), 1e-9) << row;
  }
}

TEST(RowScorerTest, KnowsConditionsSupportsAndNaN) {
  // x ~ N(c, 1) for x > 0 on the scale of its logarithm.
  Compiled flow = compileFlow("flow f = transformed(transformed(standard_normal([1]), "
                              "additive_condition(linear(1, 1), [1], [1])), exp([1]))");
  Rows<double> x(4, 1), c(4, 1);
  x << std::exp(0.5), -1, std::nan(""), std::exp(30);
  c << 0.3, 0.3, 0.3, 30;
  auto scorer = RowScorer::create(*flow.kernels, flow.model, {.draws = 500, .seed = 2});
  auto scores = (*scorer)->score(x.data(), c.data(), 4);
  ASSERT_TRUE(scores) << scores.error().message;
  EXPECT_GT(scores->tail[0], 0.01);
  EXPECT_EQ(scores->logProb[1], -infinity);
  EXPECT_EQ(scores->tail[1], 1 / 501.0);
  EXPECT_EQ(scores->residuals(1, 0), 0);
  EXPECT_TRUE(std::isnan(scores->tail[2]) && std::isnan(scores->residuals(2, 0)));
  // Row by row it is the same: each has draws under its own condition.
  auto other = RowScorer::create(*flow.kernels, flow.model, {.draws = 500, .seed = 2});
  for (int64_t row : {0, 1, 3}) {
    auto one = (*other)->score(x.data() + row, c.data() + row, 1);
    EXPECT_EQ(one->tail[0], scores->tail[row]) << row;
    EXPECT_EQ(one->residuals(0, 0), scores->residuals(row, 0)) << row;
  }
  EXPECT_FALSE(RowScorer::create(*flow.kernels, flow.model, {.draws = 9}));
}

TEST(RowScorerTest, HasResidualsWhereTheDensityIsConvex) {
  // Far out the log-density of Cauchy's distribution is convex; its typical curvature is not.
  Compiled flow = compileFlow("flow f = cauchy([0], [1])");
  Rows<double> x(2, 1);
  x << 5, -5;
  auto scores = (*RowScorer::create(*flow.kernels, flow.model, {.draws = 1000}))->score(x.data(), nullptr, 2);
  ASSERT_TRUE(scores) << scores.error().message;
  EXPECT_GT(scores->residuals(0, 0), 0.1);
  EXPECT_EQ(scores->residuals(1, 0), -scores->residuals(0, 0));
}

//===----------------------------------------------------------------------===//
// Draws of which something is known
//===----------------------------------------------------------------------===//

namespace {

double normalCdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

/// x1 given x0 is normal with mean 0.9 x0 and variance 0.19.
constexpr const char *correlated =
    "flow f = transformed(standard_normal([2]), triangular_affine([0, 0], [[1, 0], [0.9, 0.43588989435406744]]))";

Expected<Rows<double>> drawUnder(const Compiled &flow, const Restriction &restriction, int64_t count,
                                 const RestrictedDrawsOptions &options = {}) {
  auto draws = RestrictedDraws::create(*flow.kernels, flow.model, restriction, options);
  return draws ? (*draws)->next(count) : Expected<Rows<double>>(draws.takeError());
}

std::string whyNot(const Compiled &flow, const Restriction &restriction, const RestrictedDrawsOptions &options = {}) {
  auto draws = RestrictedDraws::create(*flow.kernels, flow.model, restriction, options);
  return draws ? "" : draws.error().message;
}

std::vector<double> columnOf(const Rows<double> &rows, int64_t column) {
  return {rows.col(column).begin(), rows.col(column).end()};
}

} // namespace

TEST(EvaluationTest, GivenValuesOfANormalDistribution) {
  for (DType dtype : {F64, F32}) {
    Compiled flow = compileFlow(correlated, dtype);
    auto rows = drawUnder(flow, {.given = {{0, 1.5}}}, 20000);
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_TRUE((rows->col(0).array() == 1.5).all());
    std::vector<double> uniform;
    for (double x : columnOf(*rows, 1))
      uniform.push_back(normalCdf((x - 0.9 * 1.5) / std::sqrt(0.19)));
    EXPECT_GT(testUniformity(uniform).pValue, 1e-3);
  }
}

TEST(EvaluationTest, GivenValuesAreWhatAWindowAroundThemHas) {
  // One autoregressive layer of three coordinates and splines, under a condition.
  Compiled flow =
      compileFlow("flow f = masked_autoregressive_flow(standard_normal([3]), cond_dim = 1, flow_layers = 1, "
                  "transformer = rational_quadratic_spline(knots = 5, interval = 3))");
  std::vector<double> trainable = flow.model.trainable();
  for (size_t i = 0; i < trainable.size(); ++i)
    trainable[i] += 0.5 * std::sin(2.3 * static_cast<double>(i)); // Not the identity that it starts as.
  ASSERT_TRUE(flow.model.setTrainable(trainable));
  RestrictedDrawsOptions options{.seed = 4, .condition = {0.7}};
  std::string why = whyNot(flow, {.given = {{0, 0.3}, {1, 0.2}, {2, 0.1}}}, options);
  EXPECT_NE(why.find("nothing is left"), std::string::npos) << why;
  auto free = drawUnder(flow, {}, 4000, options);
  ASSERT_TRUE(free) << free.error().message;
  int exact = 0;
  for (int64_t first = 0; first < 3; ++first) {
    double upper = estimateQuantiles(columnOf(*free, first), std::vector<double>{0.8}).front().value;
    auto rows = drawUnder(flow, {.given = {{first, upper}}}, 2000, options);
    if (!rows) {
      EXPECT_NE(rows.error().message.find("only given the first columns"), std::string::npos) << rows.error().message;
      continue;
    }
    ++exact;
    Restriction window{.within = {{first, {upper - 0.01, upper + 0.01}}}};
    auto near = drawUnder(flow, window, 2000, {.seed = 5, .condition = {0.7}});
    ASSERT_TRUE(near) << near.error().message;
    double unlike = 1; // Without the given value.
    for (int64_t column = 0; column < 3; ++column) {
      if (column == first)
        continue;
      EXPECT_GT(testEquality(columnOf(*rows, column), columnOf(*near, column)).pValue, 1e-3) << column;
      unlike = std::min(unlike, testEquality(columnOf(*free, column), columnOf(*near, column)).pValue);
    }
    EXPECT_LT(unlike, 1e-3);
  }
  EXPECT_EQ(exact, 1);
}

TEST(EvaluationTest, DrawsWithinBounds) {
  Compiled flow = compileFlow("flow f = standard_normal([2])");
  auto draws = RestrictedDraws::create(*flow.kernels, flow.model, {.within = {{1, {1, 2}}}}, {.seed = 3});
  ASSERT_TRUE(draws) << draws.error().message;
  auto rows = (*draws)->next(20000);
  ASSERT_TRUE(rows) << rows.error().message;
  double low = normalCdf(1), share = normalCdf(2) - low;
  std::vector<double> uniform, other;
  for (double x : columnOf(*rows, 1)) {
    EXPECT_TRUE(x >= 1 && x <= 2) << x;
    uniform.push_back((normalCdf(x) - low) / share);
  }
  for (double x : columnOf(*rows, 0))
    other.push_back(normalCdf(x));
  EXPECT_GT(testUniformity(uniform).pValue, 1e-3);
  EXPECT_GT(testUniformity(other).pValue, 1e-3);
  EXPECT_EQ((*draws)->accepted(), 20000);
  EXPECT_NEAR(20000.0 / static_cast<double>((*draws)->tried()), share, 5 * std::sqrt(share / 20000) * share);
}

TEST(EvaluationTest, RestrictedDrawsComeInAnyPortions) {
  Compiled flow = compileFlow(correlated, F32), alone = compileFlow(correlated, F32, /*threads=*/1);
  Restriction restriction{.given = {{0, -0.5}}, .within = {{1, {-0.3, 9}}}};
  auto all = drawUnder(flow, restriction, 700000);
  ASSERT_TRUE(all) << all.error().message;
  auto draws = RestrictedDraws::create(*alone.kernels, alone.model, restriction);
  for (int64_t done = 0; done < 700000; done += 100000) {
    auto part = (*draws)->next(100000);
    ASSERT_TRUE(part) << part.error().message;
    EXPECT_TRUE(*part == all->middleRows(done, 100000));
  }
}

TEST(EvaluationTest, RestrictionsThatAreRefused) {
  Compiled flow = compileFlow(correlated);
  auto has = [&](const Compiled &of, const Restriction &restriction, const char *text,
                 const RestrictedDrawsOptions &options = {}) {
    std::string why = whyNot(of, restriction, options);
    EXPECT_NE(why.find(text), std::string::npos) << why;
  };
  has(flow, {.given = {{1, 0}}}, "only given the first columns, one or more, in the order a, b", {.names = {"a", "b"}});
  has(flow, {.given = {{2, 0}}}, "there is no coordinate 2");
  has(flow, {.within = {{-1, {0, 1}}}}, "there is no coordinate -1");
  has(flow, {.given = {{0, infinity}}}, "expected a finite number");
  has(flow, {.within = {{0, {2, 1}}}}, "hold no number");
  has(flow, {.within = {{0, {std::nan(""), 1}}}}, "hold no number");
  has(flow, {.given = {{0, 2}}, .within = {{0, {0, 1}}}}, "lies outside of its bounds");
  has(flow, {}, "takes no condition", {.condition = {1}});
  has(compileFlow("flow f = coupling_flow(standard_normal([4]))"), {.given = {{0, 0.5}}}, "its layers mix the columns");
  has(compileFlow("flow f = vmap_mixture(normal(zeros([3, 2]), ones([3, 2])), ones([3]))"), {.given = {{0, 0.5}}},
      "a mixture");
  has(compileFlow("flow f = transformed(standard_normal([2]), concatenate([exp([1]), identity([1])]))"),
      {.given = {{0, -1}}}, "density 0");
  auto never = drawUnder(flow, {.within = {{0, {40, 41}}}}, 1, {.mostRejections = 100000});
  ASSERT_FALSE(never);
  EXPECT_NE(never.error().message.find("next to no probability"), std::string::npos) << never.error().message;
}

TEST(EvaluationTest, QuantilesAsNumPyHasThem) {
  // numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], [0, 0.1, 0.5, 0.8, 1])
  std::vector<double> expected = {1, 1, 3.5, 5.6, 9}, probabilities = {0, 0.1, 0.5, 0.8, 1};
  std::vector<Quantile> found = estimateQuantiles({3, 1, 4, 1, 5, 9, 2, 6}, probabilities);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(found[i].value, expected[i], 1e-14) << probabilities[i];
    EXPECT_EQ(found[i].probability, probabilities[i]);
  }
  EXPECT_TRUE(std::isnan(estimateQuantiles({}, probabilities)[2].value));
  // Of n draws of a density f, the error of a quantile is sqrt(p (1 - p) / n) / f.
  Compiled flow = compileFlow("flow f = standard_normal([1])");
  auto rows = flow.kernels->sample<double>(flow.model, 100000, 1);
  Quantile high = estimateQuantiles(columnOf(*rows, 0), std::vector<double>{0.95}).front();
  double error = std::sqrt(0.95 * 0.05 / 100000) / 0.10313564037537128;
  EXPECT_NEAR(high.error, error, 0.2 * error);
  EXPECT_NEAR(high.value, 1.6448536269514722, 4 * error);
}

//===----------------------------------------------------------------------===//
// Beside another flow
//===----------------------------------------------------------------------===//

TEST(EvaluationTest, ComparisonRowByRow) {
  ModelComparer comparer;
  EXPECT_FALSE(comparer.finish());
  comparer.add(std::vector<double>{1, 2}, std::vector<double>{0, 3});
  comparer.add(std::vector<double>{4, 5, std::nan("")}, std::vector<double>{2, 5, 1});
  auto result = comparer.finish();
  ASSERT_TRUE(result);
  // Differences 1, -1, 2, 0.
  EXPECT_EQ(result->rows, 5);
  EXPECT_EQ(result->undefined, 1);
  EXPECT_NEAR(result->first, 3, 1e-15);
  EXPECT_NEAR(result->second, 2.5, 1e-15);
  EXPECT_NEAR(result->difference, 0.5, 1e-15);
  EXPECT_NEAR(result->differenceError, std::sqrt(5.0 / 3 / 4), 1e-15);
  EXPECT_NEAR(result->better, 2.5 / 4, 1e-15);
  EXPECT_NE(result->toText("'p'", "'q'").find("do not tell"), std::string::npos);
  comparer.add(std::vector<double>{-infinity}, std::vector<double>{1});
  result = comparer.finish();
  EXPECT_EQ(result->firstOutside, 1);
  EXPECT_EQ(result->first, -infinity);
  EXPECT_NEAR(result->difference, 0.5, 1e-15);
}
