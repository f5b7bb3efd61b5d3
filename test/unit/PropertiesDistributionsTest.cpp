//===- PropertiesDistributionsTest.cpp - Densities of distributions -------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Densities, their supports and their derivatives against the reference
// interpreter in long double.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "flowc/Reference/Reference.h"

#include <algorithm>

using namespace flowc;
using namespace flowc::test;

namespace {

using Exact = long double;

template <typename T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();

template <typename T>
class Densities : public testing::Test {};
using ElementTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(Densities, ElementTypes);

template <typename T>
Rows<T> rowsOf(std::initializer_list<T> values) {
  Rows<T> rows(values.size(), 1);
  std::copy(values.begin(), values.end(), rows.data());
  return rows;
}

/// Flows on one coordinate without noise on their parameters.
template <typename T>
struct Scalar {
  explicit Scalar(const std::string &text)
      : model(makeModel("flow f = " + text, dtypeOf<T>, 1, /*noise=*/0)), kernels(compileFresh(model)) {}

  T logProb(T x) { return take(kernels->template logProb<T>(model, rowsOf<T>({x})))[0]; }
  T score(T x) { return take(kernels->template score<T>(model, rowsOf<T>({x})))(0, 0); }
  Exact exact(T x) { return reference::Interpreter<Exact>(model).logProb(Column<Exact>::Constant(1, x)); }

  Model model;
  std::shared_ptr<Kernels> kernels;
};

/// Every kind, conditional ones and nested ones; the second is an event to draw
/// test points around.
const std::vector<std::string> &everyKind() {
  static const std::vector<std::string> texts = {
      "uniform([0, 1, 2], [1, 3, 3])",
      "gumbel([0, 1, -1], [1, 0.5, 2])",
      "cauchy([0, 1, -1], [1, 0.5, 2])",
      "laplace([0, 1, -1], [1, 0.5, 2])",
      "logistic([0, 1, -1], [1, 0.5, 2])",
      "exponential([1, 0.5, 2])",
      "log_normal([0, 1, -1], [1, 0.5, 2])",
      "multivariate_normal([0, 1, -1], [[2, 0.6, -0.4], [0.6, 1, 0.3], [-0.4, 0.3, 0.5]])",
      "student_t([0.5, 2, 40], [0, 1, -1], [1, 0.5, 2])",
      "gamma([0.3, 2.5, 40], [1, 0.5, 2])",
      "beta([0.3, 2.5, 40], [0.7, 5, 20])",
      "student_t(2)",
      "gamma([[1.5], [3]], [[1, 2]])",
      "vmap_mixture([normal([0, 1]), normal([4, 5], 0.5)], weights = [1, 2])",
      "vmap_mixture(beta([2, 3], 4), weights = [1, 2, 3])",
      "vmap_mixture(vmap_mixture([gamma([1, 2], 1), gamma([5, 0.4], 2)], weights = [1, 2]), weights = [3, 1])",
      "vmap_mixture(masked_autoregressive_flow(student_t(full(3, 3)), cond_dim = 2, flow_layers = 2, nn_width = 8), "
      "weights = [1, 1, 2])",
      "coupling_flow(vmap_mixture([logistic([0, 1, 2]), logistic([3, 1, 0])], weights = [1, 1]), flow_layers = 2, "
      "nn_width = 8)",
      "transformed(transformed(student_t([3, 4]), affine([1, 2], 3)), coupling(affine(), untransformed_dim = 1, dim = "
      "2, "
      "cond_dim = 1, nn_width = 4, nn_depth = 1))",
      "non_trainable(gamma([2, 3], 1))",
  };
  return texts;
}

template <typename T>
Column<Exact> exactRow(const Rows<T> &rows, int64_t row) {
  return rows.rows() > 0 ? Column<Exact>(rows.row(row).transpose().template cast<Exact>()) : Column<Exact>();
}

} // namespace

//===----------------------------------------------------------------------===//
// Values and derivatives
//===----------------------------------------------------------------------===//

TYPED_TEST(Densities, AgreeWithTheReference) {
  using T = TypeParam;
  constexpr int64_t count = 200;
  for (const std::string &text : everyKind()) {
    Model model = makeModel("flow f = " + text, dtypeOf<T>);
    auto kernels = compileFresh(model);
    Rows<T> conditions = makeConditions<T>(model.flow(), count);
    Rows<T> x = take(kernels->template sample<T>(model, count, 3, conditions), text);
    // Some points outside of the support, or far out.
    for (int64_t row = 0; row < 20; ++row)
      x.row(row) *= T(row % 2 ? -1 : 5);
    Column<T> got = take(kernels->template logProb<T>(model, x, conditions), text);
    reference::Interpreter<Exact> exact(model);
    for (int64_t row = 0; row < count; ++row) {
      Exact expected = exact.logProb(exactRow(x, row), exactRow(conditions, row));
      if (std::isinf(expected)) {
        EXPECT_EQ(got[row], T(expected)) << text << ", row " << row;
        continue;
      }
      // The steepest of these densities lose some digits to the rounding of x.
      Exact tolerance = 500 * std::numeric_limits<T>::epsilon();
      EXPECT_NEAR(Exact(got[row]), expected, tolerance * std::max<Exact>(1, std::abs(expected)))
          << text << ", row " << row << ": " << x.row(row);
    }
  }
}

/// Steps of differences, in proportion to what they are added to.
static Exact stepAt(Exact value) { return 1e-6L * std::max<Exact>(1e-6L, std::abs(value)); }

TEST(DensityGradients, AgreeWithDifferences) {
  constexpr int64_t count = 4;
  for (const std::string &text : everyKind()) {
    Model model = makeModel("flow f = " + text, F64);
    auto kernels = compileFresh(model);
    reference::Interpreter<Exact> exact(model);
    Rows<double> conditions = makeConditions<double>(model.flow(), count);
    Rows<double> x = take(kernels->sample<double>(model, count, 3, conditions), text);
    Rows<double> score = take(kernels->score<double>(model, x, conditions), text);
    for (int64_t row = 0; row < count; ++row) {
      Column<Exact> point = exactRow(x, row);
      std::vector<double> expected =
          differences(point, [&] { return exact.logProb(point, exactRow(conditions, row)); }, stepAt);
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(score(row, i), expected[i], 1e-7 * std::max(1.0, std::abs(expected[i])))
            << text << ", row " << row << ", element " << i;
    }
    auto [loss, gradient] = take(kernels->nllValueAndGradient<double>(model, x, conditions), text);
    std::vector<Exact> parameters = exact.trainable();
    auto meanLoss = [&] {
      exact.setTrainable(parameters);
      Exact sum = 0;
      for (int64_t row = 0; row < count; ++row)
        sum -= exact.logProb(exactRow(x, row), exactRow(conditions, row));
      return sum / count;
    };
    std::vector<double> expected = differences(parameters, meanLoss, stepAt);
    ASSERT_EQ(gradient.size(), expected.size()) << text;
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(gradient[i], expected[i], 1e-7 * std::max(1.0, std::abs(expected[i]))) << text << ", parameter " << i;
  }
}

//===----------------------------------------------------------------------===//
// Ends of supports
//===----------------------------------------------------------------------===//

TYPED_TEST(Densities, OutsideOfTheSupport) {
  using T = TypeParam;
  struct Case {
    const char *text;
    T below, above; ///< outside
  };
  for (auto [text, below, above] : {Case{"uniform(1, 3)", T(0.99), T(3.01)}, Case{"exponential(2)", T(-1e-30), T(-1)},
                                    Case{"gamma(0.5, 2)", T(-1e-30), T(-5)}, Case{"gamma(3, 2)", T(-1e-30), T(-5)},
                                    Case{"beta(2, 3)", T(-1e-30), T(1.001)}, Case{"beta(0.5, 0.3)", T(-2), T(2)},
                                    Case{"log_normal()", T(-1e-30), T(-1)},
                                    Case{"vmap_mixture(gamma(2, 1), weights = [1, 2])", T(-1e-3), T(-1e30)}}) {
    Scalar<T> flow(text);
    for (T x : {below, above, T(-1e30)}) {
      EXPECT_EQ(flow.logProb(x), -kInfinity<T>) << text << " at " << x;
      EXPECT_EQ(flow.score(x), 0) << text << " at " << x;
    }
    EXPECT_TRUE(std::isnan(flow.logProb(std::numeric_limits<T>::quiet_NaN()))) << text;
  }
}

TYPED_TEST(Densities, AtTheEnds) {
  using T = TypeParam;
  auto at = [](const char *text, T x) { return Scalar<T>(text).logProb(x); };
  T tolerance = 10 * std::numeric_limits<T>::epsilon();
  // The ends belong to the support, as FlowJAX has it.
  EXPECT_NEAR(at("uniform(1, 3)", 1), -std::log(T(2)), tolerance);
  EXPECT_NEAR(at("uniform(1, 3)", 3), -std::log(T(2)), tolerance);
  EXPECT_NEAR(at("uniform(0, 0.3)", T(0.3)), -std::log(T(0.3)), tolerance);
  EXPECT_NEAR(at("exponential(2)", 0), std::log(T(2)), tolerance);
  EXPECT_EQ(at("gamma(2, 1)", 0), -kInfinity<T>);
  EXPECT_EQ(at("gamma(0.5, 1)", 0), kInfinity<T>);
  EXPECT_EQ(at("beta(2, 0.5)", 0), -kInfinity<T>);
  EXPECT_EQ(at("beta(2, 0.5)", 1), kInfinity<T>);
  EXPECT_EQ(at("beta(3, 4)", 1), -kInfinity<T>);
  EXPECT_EQ(at("vmap_mixture(gamma(0.5, 1), weights = [1, 2])", 0), kInfinity<T>);
  EXPECT_EQ(Scalar<T>("vmap_mixture(gamma(0.5, 1), weights = [1, 2])").score(0), 0);
}

// Rows come to an end of the support through an affine map whose scale is rounded:
// some of these quotients are beyond 1.
TYPED_TEST(Densities, AtRoundedEnds) {
  using T = TypeParam;
  constexpr int64_t count = 400;
  Rows<T> ends(1, count);
  std::string list;
  for (int64_t i = 0; i < count; ++i) {
    std::string tenths = std::to_string(i / 10) + "." + std::to_string(i % 10 + 1);
    ends(0, i) = static_cast<T>(std::stod(tenths));
    list += (i ? ", " : "") + tenths;
  }
  Model model = makeModel("flow f = uniform(zeros(400), [" + list + "])", dtypeOf<T>, 1, /*noise=*/0);
  auto kernels = compileFresh(model);
  Exact expected = -ends.template cast<Exact>().array().log().sum();
  EXPECT_NEAR(take(kernels->template logProb<T>(model, ends))[0], double(expected),
              count * std::numeric_limits<T>::epsilon() * std::abs(double(expected)));
  // What is a few roundings beyond one of the ends is outside.
  Rows<T> beyond = ends.replicate(count, 1);
  beyond.diagonal() *= 1 + 8 * std::numeric_limits<T>::epsilon();
  Column<T> outside = take(kernels->template logProb<T>(model, beyond));
  for (int64_t i = 0; i < count; ++i)
    EXPECT_EQ(outside[i], -kInfinity<T>) << "beyond " << ends(0, i);
}

// A concentration of exactly 1 has a density at the end.
TYPED_TEST(Densities, AtTheEndsOfFlatOnes) {
  using T = TypeParam;
  T tolerance = 10 * std::numeric_limits<T>::epsilon();
  Scalar<T> gamma("gamma(1, 1)"), flat("beta(1, 1)"), falling("beta(1, 3)"), rising("beta(3, 1)");
  // softplus(raw) == 1 needs the right raw number; where rounding misses it, the
  // density at the very end is infinite or 0, and a number next to it.
  for (T x : {T(0.5), T(0.125), T(0.75)}) {
    EXPECT_NEAR(gamma.logProb(x), -x, tolerance);
    EXPECT_NEAR(flat.logProb(x), 0, tolerance);
    EXPECT_NEAR(falling.logProb(x), std::log(3 * (1 - x) * (1 - x)), tolerance);
    EXPECT_NEAR(rising.logProb(x), std::log(3 * x * x), tolerance);
  }
  for (auto [flow, limit] : {std::pair(&gamma, 0.0), {&flat, 0.0}, {&falling, std::log(3.0)}}) {
    // The power of x by which rounding misses: at most a few epsilons.
    EXPECT_NEAR(flow->logProb(T(1e-30)), limit, 100 * 70 * std::numeric_limits<T>::epsilon());
    EXPECT_FALSE(std::isnan(flow->logProb(0)));
  }
  EXPECT_EQ(rising.logProb(0), -kInfinity<T>);
}

TYPED_TEST(Densities, FarTailsAreFinite) {
  using T = TypeParam;
  for (const char *text :
       {"cauchy(0, 1)", "student_t(0.5)", "student_t(1e3)", "laplace()", "logistic()", "gamma(2, 1)", "gamma(0.01, 1)",
        "exponential(2)", "vmap_mixture([cauchy(), cauchy(5)], weights = [1, 2])"}) {
    Scalar<T> flow(text);
    for (T x : {T(1e4), T(1e10), T(1e20), T(1e30), T(1e-30)})
      for (T value : {x, -x}) {
        Exact expected = flow.exact(value);
        if (std::isinf(expected))
          continue; // outside of the support
        EXPECT_NEAR(flow.logProb(value) / expected, 1, 1e3 * std::numeric_limits<T>::epsilon())
            << text << " at " << value;
        EXPECT_TRUE(std::isfinite(flow.score(value))) << text << " at " << value;
      }
  }
  // Where a density underflows whatever its logarithm, there is none.
  Scalar<T> gumbel("gumbel()");
  EXPECT_EQ(gumbel.logProb(T(-1e30)), -kInfinity<T>);
  EXPECT_EQ(gumbel.score(T(-1e30)), 0);
  EXPECT_EQ(gumbel.logProb(T(1e30)), T(-1e30));
}

//===----------------------------------------------------------------------===//
// Large parameters
//===----------------------------------------------------------------------===//

// Terms of the naive formulas are 10^8 here, and leave a logarithm of order 10.
TYPED_TEST(Densities, LargeParametersCancelNothing) {
  using T = TypeParam;
  // Errors of x in units of the standard deviation: rounding of x / scale.
  auto check = [](const std::string &text, double largest, double mean, double deviation) {
    Scalar<T> flow(text);
    for (double z : {-3.0, -1.0, -0.1, 0.0, 0.5, 2.0, 4.0}) {
      T x = T(mean + z * deviation);
      double rounding = std::abs(mean / deviation) * std::numeric_limits<T>::epsilon() * (1 + std::abs(z));
      // What the terms of the reference lose in long double.
      double slack = 1e-18 * largest * std::log(largest);
      EXPECT_NEAR(flow.logProb(x), double(flow.exact(x)),
                  4 * rounding + slack + 100 * std::numeric_limits<T>::epsilon())
          << text << " at " << z << " deviations";
    }
  };
  check("gamma(1e8, 1)", 1e8, 1e8, 1e4);
  check("gamma(3e5, 1)", 3e5, 3e5, std::sqrt(3e5));
  check("beta(1e7, 1e7)", 2e7, 0.5, 0.5 / std::sqrt(2e7));
  check("beta(2e6, 1e4)", 2e6, 2e6 / 2.01e6, 4.9e-5);
  check("student_t(1e7)", 1e7, 0, 1);
  // The limit is the normal distribution.
  EXPECT_NEAR(Scalar<T>("student_t(1e15)").logProb(2), Scalar<T>("normal()").logProb(2),
              20 * std::numeric_limits<T>::epsilon());
}

// B(a, b) for one large parameter and a small one.
TEST(LargeParameters, OfBeta) {
  for (auto [a, b] : {std::pair{0.5, 1e9}, {1e9, 0.5}, {1.5, 1e9}, {1e-3, 1e6}, {1e6, 1e-3}}) {
    Scalar<double> flow("beta(" + std::to_string(a) + ", " + std::to_string(b) + ")");
    double x = a < b ? std::max(a, 0.5) / b : 1 - std::max(b, 0.5) / a;
    EXPECT_NEAR(flow.logProb(x), double(flow.exact(x)), 1e-7) << a << ", " << b;
  }
}
