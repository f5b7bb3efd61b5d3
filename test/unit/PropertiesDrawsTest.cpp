//===- PropertiesDrawsTest.cpp - Statistics of draws of distributions -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every distribution against its exact distribution function, by the test of
// Kolmogorov and Smirnov. Seeds are fixed, so nothing here can fail now and then;
// bounds are those that a correct sampler exceeds with a probability below 1e-4
// for each check.
//
//===----------------------------------------------------------------------===//

#include "Cdf.h"
#include "FlowTesting.h"

#include <algorithm>
#include <functional>

using namespace flowc;
using namespace flowc::test;

namespace {

constexpr int64_t kDraws = 1000000;
/// sqrt(n) times the Kolmogorov-Smirnov distance, exceeded with probability 1e-4.
constexpr double kKolmogorov = 2.23;
/// Standard deviations of a statistic that are allowed.
constexpr double kSigmas = 4;

using Cdf = std::function<Real(Real)>;

/// The function of loc + scale X where X has `cdf`.
Cdf moved(Cdf cdf, Real loc, Real scale) {
  return [=](Real x) { return cdf((x - loc) / scale); };
}

template <typename T>
class Draws : public testing::Test {};
using ElementTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(Draws, ElementTypes);

/// A flow and the distribution functions of its coordinates. `least` and `most` are
/// the values that stand for all smaller, or larger, numbers: draws stay inside of
/// the support and finite.
struct Case {
  std::string text;
  std::vector<Cdf> coordinates;
  bool isPositive = false, isBelowOne = false;
};

template <typename T>
Rows<T> draw(const std::string &text, int64_t count, uint64_t seed) {
  Model model = makeModel("flow f = " + text, dtypeOf<T>, 1, /*noise=*/0);
  return take(compileFresh(model, /*threads=*/2)->template sample<T>(model, count, seed), text);
}

/// sqrt(n) times the largest distance of the empirical distribution of `x` from
/// `cdf`, where a number stands for all that round to it. Only every few draws are
/// looked at, which misses less than 0.02.
template <typename T>
double kolmogorovSmirnov(std::vector<T> x, const Case &flow, const Cdf &cdf) {
  constexpr size_t stride = 16;
  std::sort(x.begin(), x.end());
  constexpr T infinity = std::numeric_limits<T>::infinity();
  T least = flow.isPositive ? std::numeric_limits<T>::min() : std::numeric_limits<T>::lowest();
  T most = flow.isBelowOne ? std::nextafter(T(1), T(0)) : std::numeric_limits<T>::max();
  auto between = [](T a, T b) { return (static_cast<Real>(a) + static_cast<Real>(b)) / 2; };
  Real worst = 0, count = x.size();
  for (size_t i = 0; i < x.size(); i += stride) {
    auto [first, last] = std::equal_range(x.begin(), x.end(), x[i]);
    Real below = x[i] <= least ? 0 : cdf(between(std::nextafter(x[i], -infinity), x[i]));
    Real above = x[i] >= most ? 1 : cdf(between(x[i], std::nextafter(x[i], infinity)));
    worst = std::max({worst, below - (first - x.begin()) / count, (last - x.begin()) / count - above});
  }
  return static_cast<double>(worst * std::sqrt(count));
}

template <typename T>
std::vector<T> column(const Rows<T> &rows, int64_t index) {
  return std::vector<T>(rows.col(index).begin(), rows.col(index).end());
}

template <typename T>
void check(const Case &flow) {
  Rows<T> x = draw<T>(flow.text, kDraws, /*seed=*/11);
  ASSERT_EQ(x.cols(), int64_t(flow.coordinates.size())) << flow.text;
  EXPECT_TRUE(x.allFinite()) << flow.text;
  if (flow.isPositive) {
    EXPECT_GT(x.minCoeff(), 0) << flow.text;
  }
  if (flow.isBelowOne) {
    EXPECT_LT(x.maxCoeff(), 1) << flow.text;
  }
  for (int64_t i = 0; i < x.cols(); ++i)
    EXPECT_LT(kolmogorovSmirnov(column(x, i), flow, flow.coordinates[i]), kKolmogorov)
        << flow.text << ", coordinate " << i;

  // Coordinates and neighbouring samples are independent: so are the uniform
  // numbers that their distribution functions make of them, and their squares.
  constexpr int64_t few = 100000;
  Rows<double> u(few, x.cols());
  for (int64_t i = 0; i < x.cols(); ++i)
    for (int64_t row = 0; row < few; ++row)
      u(row, i) = std::sqrt(12.0) * (static_cast<double>(flow.coordinates[i](x(row, i))) - 0.5);
  Rows<double> squares = (u.array().square() - 1) * std::sqrt(1.25);
  double bound = 1.2 * kSigmas / std::sqrt(double(few));
  for (int64_t i = 0; i < x.cols(); ++i) {
    // Rounded draws close to an end have no uniform numbers.
    if (std::abs(u.col(i).array().square().mean() - 1) > 0.01)
      continue;
    for (int64_t j = i + 1; j < x.cols(); ++j) {
      EXPECT_NEAR(u.col(i).cwiseProduct(u.col(j)).mean(), 0, bound) << flow.text << ", " << i << " and " << j;
      EXPECT_NEAR(squares.col(i).cwiseProduct(squares.col(j)).mean(), 0, bound)
          << flow.text << ", squares of " << i << " and " << j;
    }
    EXPECT_NEAR(u.col(i).head(few - 1).cwiseProduct(u.col(i).tail(few - 1)).mean(), 0, bound) << flow.text;
  }
}

/// A coordinate for each entry of `values`, as a list of the language.
template <typename... Entries>
std::string list(Entries... entries) {
  std::string text;
  char buffer[40];
  for (double entry : {static_cast<double>(entries)...}) {
    std::snprintf(buffer, sizeof(buffer), "%s%.17g", text.empty() ? "[" : ", ", entry);
    text += buffer;
  }
  return text + "]";
}

Cdf gammaOf(Real a, Real scale = 1) {
  return moved([a](Real x) { return gammaCdf(a, x); }, 0, scale);
}
Cdf betaOf(Real a, Real b) {
  return [=](Real x) { return betaCdf(a, b, x, 1 - x); };
}
Cdf studentTOf(Real df, Real loc = 0, Real scale = 1) {
  return moved([df](Real x) { return studentTCdf(df, x); }, loc, scale);
}

} // namespace

//===----------------------------------------------------------------------===//
// One function of a uniform number
//===----------------------------------------------------------------------===//

TYPED_TEST(Draws, Uniform) {
  check<TypeParam>({"uniform([-1, 0.5, 0], [1, 0.75, 100])",
                    {moved(uniformCdf, -1, 2), moved(uniformCdf, 0.5, 0.25), moved(uniformCdf, 0, 100)}});
}

TYPED_TEST(Draws, UniformStaysInside) {
  Rows<TypeParam> x = draw<TypeParam>("uniform(zeros(3), ones(3))", kDraws, 5);
  EXPECT_GT(x.minCoeff(), 0);
  EXPECT_LT(x.maxCoeff(), 1);
  // Small numbers are as fine as any.
  EXPECT_LT(x.minCoeff(), 1e-5);
}

// One number in 2^25 is closer to 1 than to any float below it. This is one of them: 1 is
// no draw, and its logit no number.
TEST(UniformDraws, NeverRoundUpToOne) {
  constexpr int64_t number = 4339987;
  for (const char *text :
       {"uniform(zeros(3), ones(3))", "transformed(uniform(zeros(3), ones(3)), invert(sigmoid([3])))"}) {
    Model model = makeModel("flow f = " + std::string(text), F32, 1, /*noise=*/0);
    Rows<float> x = take(compileFresh(model)->sample<float>(model, 1, /*seed=*/5, {}, number), text);
    constexpr double largest = 0x1.fffffep-1;
    bool isLogit = std::string_view(text).starts_with("transformed");
    double expected = isLogit ? std::log(largest) - std::log1p(-largest) : largest;
    EXPECT_NEAR(x(0, 2), expected, isLogit ? 1e-5 : 0) << text;
  }
}

TYPED_TEST(Draws, Gumbel) { check<TypeParam>({"gumbel([0, 3], [1, 0.5])", {gumbelCdf, moved(gumbelCdf, 3, 0.5)}}); }

TYPED_TEST(Draws, Cauchy) { check<TypeParam>({"cauchy([0, 3], [1, 0.5])", {cauchyCdf, moved(cauchyCdf, 3, 0.5)}}); }

TYPED_TEST(Draws, Laplace) { check<TypeParam>({"laplace([0, 3], [1, 0.5])", {laplaceCdf, moved(laplaceCdf, 3, 0.5)}}); }

TYPED_TEST(Draws, Logistic) {
  check<TypeParam>({"logistic([0, 3], [1, 0.5])", {logisticCdf, moved(logisticCdf, 3, 0.5)}});
}

TYPED_TEST(Draws, Exponential) {
  check<TypeParam>({"exponential([1, 4])", {exponentialCdf, moved(exponentialCdf, 0, 0.25)}, /*isPositive=*/true});
}

TYPED_TEST(Draws, LogNormal) {
  auto logNormal = [](Real loc, Real scale) -> Cdf {
    return [=](Real x) { return x <= 0 ? 0 : normalCdf((std::log(x) - loc) / scale); };
  };
  check<TypeParam>({"log_normal([0, 1], [1, 0.5])", {logNormal(0, 1), logNormal(1, 0.5)}, /*isPositive=*/true});
}

// Among n draws, the most extreme ones are about as far as 1/n says.
TYPED_TEST(Draws, TailsAreThere) {
  struct Tail {
    const char *text;
    double far, tooFar;
  };
  for (auto [text, far, tooFar] : {Tail{"gumbel()", 11, 30}, Tail{"laplace()", 10.5, 30}, Tail{"logistic()", 11, 30},
                                   Tail{"exponential()", 11, 30}, Tail{"cauchy()", 3e4, 1e11}}) {
    Rows<TypeParam> x = draw<TypeParam>(text, kDraws, 21);
    EXPECT_GT(x.maxCoeff(), far) << text;
    EXPECT_LT(x.maxCoeff(), tooFar) << text;
  }
  // Small numbers too: quantiles keep their relative accuracy at both ends.
  EXPECT_LT(draw<TypeParam>("exponential()", kDraws, 21).minCoeff(), 1e-5);
}

//===----------------------------------------------------------------------===//
// Gamma and relatives
//===----------------------------------------------------------------------===//

TYPED_TEST(Draws, Gamma) {
  check<TypeParam>(
      {"gamma(" + list(0.01, 0.1, 0.5, 0.99, 1, 1.5, 3, 30, 1e4) + ", " + list(1, 2, 1, 1, 3, 1, 1, 0.1, 1) + ")",
       {gammaOf(0.01L), gammaOf(0.1L, 2), gammaOf(0.5L), gammaOf(0.99L), gammaOf(1, 3), gammaOf(1.5L), gammaOf(3),
        gammaOf(30, 0.1L), gammaOf(1e4L)},
       /*isPositive=*/true});
}

TYPED_TEST(Draws, Beta) {
  check<TypeParam>(
      {"beta(" + list(0.02, 0.1, 0.5, 1, 2, 5, 1000, 0.3) + ", " + list(0.03, 0.5, 0.1, 1, 3, 0.7, 2000, 50) + ")",
       {betaOf(0.02L, 0.03L), betaOf(0.1L, 0.5L), betaOf(0.5L, 0.1L), betaOf(1, 1), betaOf(2, 3), betaOf(5, 0.7L),
        betaOf(1000, 2000), betaOf(0.3L, 50)},
       /*isPositive=*/true,
       /*isBelowOne=*/true});
}

TYPED_TEST(Draws, StudentT) {
  check<TypeParam>({"student_t(" + list(0.2, 0.7, 1, 2.5, 30, 1e5) + ", " + list(0, 1, -1, 0, 0, 0) + ", " +
                        list(1, 2, 1, 0.5, 1, 1) + ")",
                    {studentTOf(0.2L), studentTOf(0.7L, 1, 2), studentTOf(1, -1), studentTOf(2.5L, 0, 0.5L),
                     studentTOf(30), studentTOf(1e5L)}});
}

// Concentrations for which no float resolves the width: mean and deviation hold.
TYPED_TEST(Draws, LargeConcentrations) {
  double a = sizeof(TypeParam) == 4 ? 1e8 : 1e12;
  Rows<TypeParam> x = draw<TypeParam>("gamma(" + list(a) + ", 1)", kDraws, 3);
  Eigen::ArrayXd z = (x.col(0).template cast<double>().array() - a) / std::sqrt(a);
  // The scale is softplus of a rounded number: 1 up to an epsilon.
  double slack = 4 * std::numeric_limits<TypeParam>::epsilon() * std::sqrt(a);
  EXPECT_NEAR(z.mean(), 0, kSigmas / std::sqrt(double(kDraws)) + slack);
  EXPECT_NEAR(z.square().mean(), 1, kSigmas * std::sqrt(2.0 / kDraws) + slack);
}

//===----------------------------------------------------------------------===//
// Joint distributions
//===----------------------------------------------------------------------===//

TYPED_TEST(Draws, MultivariateNormal) {
  Rows<TypeParam> x =
      draw<TypeParam>("multivariate_normal([1, -2, 0], [[2, 0.6, -0.4], [0.6, 1, 0.3], [-0.4, 0.3, 0.5]])", kDraws, 9);
  for (auto [i, loc, variance] : {std::tuple{0, 1.0, 2.0}, {1, -2.0, 1.0}, {2, 0.0, 0.5}})
    EXPECT_LT(kolmogorovSmirnov(column(x, i), Case(), moved(normalCdf, loc, std::sqrt(Real(variance)))), kKolmogorov);
  Eigen::MatrixXd centered = x.template cast<double>().rowwise() - Eigen::RowVector3d(1, -2, 0);
  Eigen::MatrixXd covariance = centered.transpose() * centered / double(kDraws);
  Eigen::Matrix3d expected{{2, 0.6, -0.4}, {0.6, 1, 0.3}, {-0.4, 0.3, 0.5}};
  // An entry has a variance of (s_ii s_jj + s_ij^2) / n, at most 8 / n.
  EXPECT_LT((covariance - expected).cwiseAbs().maxCoeff(), kSigmas * std::sqrt(8.0 / kDraws));
}

// Weights that differ by orders of magnitude, and both coordinates of one component.
TYPED_TEST(Draws, Mixture) {
  using T = TypeParam;
  std::string text = "vmap_mixture([uniform([0, 0], [1, 1]), uniform([2, 3], [3, 4]), uniform([5, 6], [6, 8]), "
                     "uniform([10, 10], [11, 11])], weights = [1000, 3000, 1, 600])";
  Rows<T> x = draw<T>(text, kDraws, 13);
  auto mixed = [](std::vector<std::pair<Real, Real>> intervals) -> Cdf {
    return [=](Real v) {
      Real weights[] = {1000, 3000, 1, 600}, sum = 0;
      for (size_t k = 0; k < intervals.size(); ++k)
        sum += weights[k] / 4601 * uniformCdf((v - intervals[k].first) / (intervals[k].second - intervals[k].first));
      return sum;
    };
  };
  EXPECT_LT(kolmogorovSmirnov(column(x, 0), Case(), mixed({{0, 1}, {2, 3}, {5, 6}, {10, 11}})), kKolmogorov);
  EXPECT_LT(kolmogorovSmirnov(column(x, 1), Case(), mixed({{0, 1}, {3, 4}, {6, 8}, {10, 11}})), kKolmogorov);
  int64_t rare = 0;
  for (int64_t row = 0; row < kDraws; ++row) {
    auto component = [](T value, T second, T third, T fourth) {
      return value < second ? 0 : value < third ? 1 : value < fourth ? 2 : 3;
    };
    int first = component(x(row, 0), 2, 5, 10);
    ASSERT_EQ(first, component(x(row, 1), 3, 6, 10)) << "row " << row;
    rare += first == 2;
  }
  double expected = kDraws / 4601.0;
  EXPECT_NEAR(double(rare), expected, kSigmas * std::sqrt(expected));
}

TYPED_TEST(Draws, NestedMixture) {
  std::string text = "transformed(vmap_mixture([vmap_mixture([gamma(0.5, 1), gamma(2, 1)], weights = [1, 3]), "
                     "vmap_mixture([gamma(5, 1), gamma(20, 2)], weights = [2, 1])], weights = [1, 2]), affine(1, 2))";
  auto cdf = [](Real x) {
    Real z = (x - 1) / 2;
    return (gammaCdf(0.5L, z) / 4 + gammaCdf(2, z) * 3 / 4) / 3 +
           (gammaCdf(5, z) * 2 / 3 + gammaCdf(20, z / 2) / 3) * 2 / 3;
  };
  EXPECT_LT(kolmogorovSmirnov(column(draw<TypeParam>(text, kDraws, 17), 0), Case(), cdf), kKolmogorov);
}

// The component does not depend on the draw inside of it: z is normal in each.
TYPED_TEST(Draws, MixtureOfNormals) {
  using T = TypeParam;
  Rows<T> x = draw<T>("vmap_mixture([normal([-20, 0]), normal([20, 0])], weights = [1, 1])", kDraws, 19);
  std::vector<T> left, right;
  for (int64_t row = 0; row < kDraws; ++row)
    (x(row, 0) < 0 ? left : right).push_back(x(row, 1));
  EXPECT_NEAR(double(left.size()), kDraws / 2, kSigmas * std::sqrt(kDraws / 4.0));
  EXPECT_LT(kolmogorovSmirnov(left, Case(), normalCdf), kKolmogorov);
  EXPECT_LT(kolmogorovSmirnov(right, Case(), normalCdf), kKolmogorov);
}

//===----------------------------------------------------------------------===//
// Reproducibility
//===----------------------------------------------------------------------===//

namespace {
const char *const everyKind[] = {
    "uniform([0, 1, 2], [1, 3, 3])",
    "cauchy(zeros(5), 2)",
    "exponential(2)",
    "gamma([0.3, 2, 30], 1)",
    "beta([0.3, 2], [4, 0.2])",
    "student_t([1, 2.5, 30], 1, 2)",
    "vmap_mixture([normal([0, 1]), normal([4, 5])], weights = [1, 2])",
    "vmap_mixture(vmap_mixture([gamma([1, 2], 1), gamma([5, 0.4], 2)], weights = [1, 2]), weights = [3, 1])",
    "vmap_mixture(masked_autoregressive_flow(student_t(full(3, 3)), cond_dim = 2, flow_layers = 2, nn_width = 8), "
    "weights = [1, 1, 2])",
    "coupling_flow(vmap_mixture([logistic([0, 1, 2]), logistic([3, 1, 0])], weights = [1, 1]), flow_layers = 2, "
    "nn_width = 8)",
};
} // namespace

// Sample i is the same whatever else is drawn: rejection in one lane does not show
// in another.
TYPED_TEST(Draws, AnyStretchIsTheSame) {
  using T = TypeParam;
  constexpr int64_t count = 500;
  for (const char *text : everyKind) {
    Model model = makeModel(std::string("flow f = ") + text, dtypeOf<T>);
    auto one = compileFresh(model, 1), two = compileFresh(model, 2);
    Rows<T> conditions = makeConditions<T>(model.flow(), count);
    Rows<T> all = take(one->sample<T>(model, count, 7, conditions), text);
    EXPECT_TRUE(isSameBits(all, take(two->sample<T>(model, count, 7, conditions), text))) << text;
    for (auto [first, length] : {std::pair<int64_t, int64_t>{0, 1}, {1, 1}, {3, 130}, {77, 64}, {499, 1}}) {
      Rows<T> part = take(one->sample<T>(model, length, 7, sliceRows(conditions, first, length), first), text);
      EXPECT_TRUE(isSameBits(part, Rows<T>(all.middleRows(first, length)))) << text << ", from " << first;
    }
    // Samples are numbered with 64 bits.
    Rows<T> far = take(one->sample<T>(model, count, 7, conditions, 1ull << 32), text);
    EXPECT_FALSE(isSameBits(far, all)) << text;
  }
}

TYPED_TEST(Draws, TheirDensityComesWithThem) {
  using T = TypeParam;
  constexpr int64_t count = 2000;
  for (const char *text : everyKind) {
    Model model = makeModel(std::string("flow f = ") + text, dtypeOf<T>);
    auto kernels = compileFresh(model, 2);
    Rows<T> conditions = makeConditions<T>(model.flow(), count);
    auto [x, logProb] = take(kernels->sampleAndLogProb<T>(model, count, 6, conditions), text);
    EXPECT_TRUE(isSameBits(x, take(kernels->sample<T>(model, count, 6, conditions), text))) << text;
    Column<T> expected = take(kernels->logProb<T>(model, x, conditions), text);
    std::vector<double> errors(count);
    for (int64_t i = 0; i < count; ++i)
      errors[i] = std::abs(double(logProb[i]) - double(expected[i])) / std::max(1.0, std::abs(double(expected[i])));
    std::sort(errors.begin(), errors.end());
    EXPECT_LT(errors[count / 2], 20 * double(std::numeric_limits<T>::epsilon())) << text;
    EXPECT_LT(errors[count * 99 / 100], 1000 * double(std::numeric_limits<T>::epsilon())) << text;
  }
}
