//===- PropertiesSamplersTest.cpp - Statistics of draws -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Seeds are fixed, so nothing here can fail now and then. Bounds are those that
// a correct sampler exceeds with a probability below 1e-4 for each check.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"

#include <algorithm>

using namespace flowc;
using namespace flowc::test;

namespace {

constexpr int64_t kDraws = 400000;
/// Standard deviations of a statistic that are allowed.
constexpr double kSigmas = 4;
/// sqrt(n) times the Kolmogorov-Smirnov distance, exceeded with probability 1e-4.
constexpr double kKolmogorov = 2.23;

template <typename T>
class Samplers : public testing::Test {};
using ElementTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(Samplers, ElementTypes);

double normalDistribution(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// sqrt(n) times the largest distance between the empirical distribution of `z`
/// and the standard normal one.
double kolmogorovSmirnov(std::vector<double> z) {
  std::sort(z.begin(), z.end());
  double count = static_cast<double>(z.size()), worst = 0;
  for (size_t i = 0; i < z.size(); ++i) {
    double expected = normalDistribution(z[i]), below = static_cast<double>(i) / count;
    worst = std::max({worst, expected - below, below + 1 / count - expected});
  }
  return worst * std::sqrt(count);
}

void expectStandardNormal(const std::vector<double> &z, const std::string &what) {
  double n = static_cast<double>(z.size()), moments[5] = {};
  for (double value : z)
    for (int power = 1; power <= 4; ++power)
      moments[power] += std::pow(value, power) / n;
  // Deviations of the moments of n normal numbers: those of z^2, z^3 and z^4
  // are 2, 15 and 96.
  EXPECT_NEAR(moments[1], 0, kSigmas / std::sqrt(n)) << what;
  EXPECT_NEAR(moments[2], 1, kSigmas * std::sqrt(2 / n)) << what;
  EXPECT_NEAR(moments[3], 0, kSigmas * std::sqrt(15 / n)) << what;
  EXPECT_NEAR(moments[4], 3, kSigmas * std::sqrt(96 / n)) << what;
  EXPECT_LT(kolmogorovSmirnov(z), kKolmogorov) << what;
  // The tails are there: among n draws, one beyond 3.8 is as good as certain and
  // one beyond 6.5 as good as impossible.
  auto [least, most] = std::minmax_element(z.begin(), z.end());
  EXPECT_LT(*least, -3.8) << what;
  EXPECT_GT(*most, 3.8) << what;
  EXPECT_LT(std::max(-*least, *most), 6.5) << what;
}

/// Correlation of numbers with mean 0 and variance 1.
template <typename A, typename B>
double correlation(const A &a, const B &b) {
  return a.template cast<double>().cwiseProduct(b.template cast<double>()).mean();
}

template <typename T>
std::vector<double> column(const Rows<T> &rows, int64_t index, double loc = 0, double scale = 1) {
  std::vector<double> result(rows.rows());
  for (int64_t row = 0; row < rows.rows(); ++row)
    result[row] = (static_cast<double>(rows(row, index)) - loc) / scale;
  return result;
}

} // namespace

TYPED_TEST(Samplers, StandardNormal) {
  using T = TypeParam;
  Model model = makeModel("flow f = standard_normal([3])", dtypeOf<T>);
  auto kernels = compileFresh(model, /*threads=*/2);
  Rows<T> z = take(kernels->sample<T>(model, kDraws, /*seed=*/1));
  for (int64_t i = 0; i < 3; ++i)
    expectStandardNormal(column(z, i), "coordinate " + std::to_string(i));

  // Coordinates, neighbours, distant samples and other seeds know nothing of each
  // other, nor do their squares.
  Rows<T> other = take(kernels->sample<T>(model, kDraws, 2)),
          far = take(kernels->sample<T>(model, kDraws, 1, {}, 1ull << 33));
  double bound = kSigmas / std::sqrt(double(kDraws - 64));
  auto expectIndependent = [&](const Column<T> &a, const Column<T> &b, const char *what) {
    EXPECT_NEAR(correlation(a, b), 0, bound) << what;
    Column<T> squaresA = (a.array().square() - 1) / T(std::sqrt(2.0)),
              squaresB = (b.array().square() - 1) / T(std::sqrt(2.0));
    EXPECT_NEAR(correlation(squaresA, squaresB), 0, bound) << what << ", squares";
  };
  for (int64_t i = 0; i < 3; ++i) {
    expectIndependent(z.col(i), z.col((i + 1) % 3), "coordinates");
    for (int64_t lag : {1, 2, 16, 64})
      expectIndependent(z.col(i).head(kDraws - lag), z.col(i).tail(kDraws - lag), "neighbours");
    expectIndependent(z.col(i), other.col(i), "seeds");
    expectIndependent(z.col(i), far.col(i), "distant samples");
  }
}

TYPED_TEST(Samplers, NoTwoDrawsAreEqual) {
  using T = TypeParam;
  Model model = makeModel("flow f = standard_normal([2])", dtypeOf<T>);
  Rows<T> z = take(compileFresh(model)->sample<T>(model, 100000, 3));
  std::vector<std::pair<T, T>> pairs;
  for (int64_t row = 0; row < z.rows(); ++row)
    pairs.emplace_back(z(row, 0), z(row, 1));
  std::sort(pairs.begin(), pairs.end());
  // Two float32 numbers of 2^23 values or so each: 1e5 pairs do not meet.
  EXPECT_EQ(std::adjacent_find(pairs.begin(), pairs.end()), pairs.end());
}

TYPED_TEST(Samplers, NormalWithLocAndScale) {
  using T = TypeParam;
  Model model = makeModel("flow f = normal([1, -20], [0.5, 30])", dtypeOf<T>, 1, /*noise=*/0);
  Rows<T> x = take(compileFresh(model, 2)->sample<T>(model, kDraws, 4));
  expectStandardNormal(column(x, 0, 1, 0.5), "first");
  expectStandardNormal(column(x, 1, -20, 30), "second");
}

TYPED_TEST(Samplers, DrawsOfAFlowGoBackToNormalOnes) {
  using T = TypeParam;
  for (const char *text : {"flow f = masked_autoregressive_flow(standard_normal([3]), flow_layers = 2, nn_width = 10)",
                           "flow f = coupling_flow(standard_normal([3]), flow_layers = 2, nn_width = 10, transformer = "
                           "rational_quadratic_spline(knots = 5, interval = 3))"}) {
    Model model = makeModel(text, dtypeOf<T>);
    auto kernels = compileFresh(model, 2);
    Rows<T> x = take(kernels->sample<T>(model, kDraws, 5), text);
    auto back = take(kernels->inverse<T>(model, x), text);
    for (int64_t i = 0; i < 3; ++i)
      expectStandardNormal(column(back.first, i), text);
  }
}

TYPED_TEST(Samplers, SampleAndLogProbIsTheDensityOfTheDraws) {
  using T = TypeParam;
  constexpr int64_t count = 3000;
  for (const char *constructor : {"coupling_flow", "masked_autoregressive_flow"})
    for (const char *options : {"", ", cond_dim = 2", ", invert = false",
                                ", transformer = rational_quadratic_spline(knots = 8, interval = 4)"}) {
      std::string text = std::string("flow f = ") + constructor +
                         "(normal(ones(3), ones(3)), flow_layers = 2, nn_width = 10" + options + ")";
      Model model = makeModel(text, dtypeOf<T>);
      auto kernels = compileFresh(model, 2);
      Rows<T> conditions = makeConditions<T>(model.flow(), count);
      auto [x, logProb] = take(kernels->sampleAndLogProb<T>(model, count, 6, conditions), text);
      Column<T> expected = take(kernels->logProb<T>(model, x, conditions), text);
      // Both directions of the flow round: by a median of a few epsilon, by far
      // more in the few places where a flow is steep.
      std::vector<double> errors(count);
      for (int64_t i = 0; i < count; ++i)
        errors[i] = std::abs(double(logProb[i]) - double(expected[i])) / std::max(1.0, std::abs(double(expected[i])));
      std::sort(errors.begin(), errors.end());
      EXPECT_LT(errors[count / 2], 20 * double(std::numeric_limits<T>::epsilon())) << text;
      EXPECT_LT(errors[count * 99 / 100], 1000 * double(std::numeric_limits<T>::epsilon())) << text;
    }
}
