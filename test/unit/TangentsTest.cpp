//===- TangentsTest.cpp - Forward mode against reverse mode ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A Jacobian J is the same in both modes: <u, J v> = <J^T u, v> but for rounding, for
// every golden flow with FlowJAX's parameters and for random compositions. Reverse
// mode is judged elsewhere, by differences of the reference. Hessian-vector products
// are symmetric, and the slopes of the score.
//
//===----------------------------------------------------------------------===//

#include "GoldenFlows.h"
#include "RandomFlows.h"

#include <numeric>

using namespace flowc;
using namespace flowc::test;

namespace {

constexpr int64_t kRows = 7;

/// What both sides of an identity may differ by, against the sum of the sizes of its
/// terms: some roundings for each of the operations of a flow, whose sums cancel.
template <typename T>
constexpr double kTolerance = sizeof(T) == 8 ? 1e-11 : 2e-3;

/// Forward and reverse mode of one model.
template <typename T>
class Modes {
public:
  explicit Modes(Model given)
      : model(std::move(given)), dim(model.flow().dim()), kernels(compileFresh(model)),
        conditions(makeConditions<T>(model.flow(), kRows)), x(Random(3).normals<T>(kRows, dim)),
        direction(model.numTrainable()) {
    Random random(4);
    for (double &entry : direction)
      entry = random.normal();
  }

  /// Rows where the flow maps into a support of its own.
  void takeSamples() { x = take(kernels->sample<T>(model, kRows, /*seed=*/9, conditions)); }

  void checkTransform() {
    Rows<T> v = Random(5).normals<T>(kRows, dim), u = Random(6).normals<T>(kRows, dim);
    Column<T> l = Random(7).normals<T>(kRows, 1);
    auto ofInputs = take(kernels->jvp<T>(model, x, v, conditions), text());
    auto ofParams = take(kernels->jvpParams<T>(model, x, direction, conditions), text());
    auto plain = take(kernels->transform<T>(model, x, conditions), text());
    Rows<T> gradient(kRows, dim);
    run({.kernel = Kernel::VjpInputs, .inputs = inputs({u.data(), l.data()}), .outputs = {gradient.data()}});
    int finite = 0;
    for (int64_t row = 0; row < kRows; ++row) {
      if (!gradient.row(row).array().isFinite().all() || !plain.first.row(row).array().isFinite().all())
        continue;
      ++finite;
      expectNear({ofInputs.y.row(row), ofParams.y.row(row)}, plain.first.row(row), "y");
      EXPECT_NEAR(ofInputs.logDet[row], plain.second[row], kTolerance<T> * (1 + std::abs(plain.second[row])));
      Identity identity;
      for (int64_t i = 0; i < dim; ++i) {
        identity.add(u(row, i), ofInputs.yTangent(row, i));
        identity.subtract(gradient(row, i), v(row, i));
      }
      identity.add(l[row], ofInputs.logDetTangent[row]);
      identity.expect(text() + ", inputs, row " + std::to_string(row), kTolerance<T>);
    }
    EXPECT_GT(finite, 0) << text();
    if (finite < kRows)
      return; // sums over rows are not finite
    std::vector<double> sums(direction.size());
    double loss = 0;
    run({.kernel = Kernel::VjpParams,
         .inputs = inputs({u.data(), l.data()}),
         .mean = false,
         .loss = &loss,
         .gradient = sums.data()});
    Identity identity;
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t i = 0; i < dim; ++i)
        identity.add(u(row, i), ofParams.yTangent(row, i));
      identity.add(l[row], ofParams.logDetTangent[row]);
    }
    for (size_t i = 0; i < sums.size(); ++i)
      identity.subtract(sums[i], direction[i]);
    identity.expect(text() + ", parameters", kTolerance<T>);
  }

  void checkDensity() {
    std::vector<double> gradient(direction.size());
    double loss = 0;
    run({.kernel = Kernel::NllGradient, .inputs = inputs(), .mean = false, .loss = &loss, .gradient = gradient.data()});
    auto [logProb, tangent] = take(kernels->logProbJvpParams<T>(model, x, direction, conditions), text());
    EXPECT_NEAR(logProb.template cast<double>().sum(), -loss, kTolerance<T> * (1 + std::abs(loss))) << text();
    Identity identity;
    for (int64_t row = 0; row < kRows; ++row)
      identity.add(1, tangent[row]);
    for (size_t i = 0; i < gradient.size(); ++i)
      identity.add(gradient[i], direction[i]);
    identity.expect(text() + ", log_prob in parameters", kTolerance<T>);
  }

  void checkHessian() {
    Rows<T> v = Random(5).normals<T>(kRows, dim), w = Random(6).normals<T>(kRows, dim);
    auto [score, ofV] = take(kernels->hvp<T>(model, x, v, conditions), text());
    Rows<T> ofW = take(kernels->hvp<T>(model, x, w, conditions), text()).second;
    Rows<T> plain = take(kernels->score<T>(model, x, conditions), text());
    for (int64_t row = 0; row < kRows; ++row) {
      expectNear({score.row(row)}, plain.row(row), "score");
      Identity identity;
      for (int64_t i = 0; i < dim; ++i) {
        identity.add(w(row, i), ofV(row, i));
        identity.subtract(v(row, i), ofW(row, i));
      }
      identity.expect(text() + ", symmetry, row " + std::to_string(row), kTolerance<T>);
    }
  }

  /// Against central differences of the score. (Only in float64.)
  void checkHessianByDifferences() {
    Rows<T> v = Random(5).normals<T>(kRows, dim);
    Rows<T> found = take(kernels->hvp<T>(model, x, v, conditions), text()).second;
    // The error is of the order of the step squared, and of rounding over the step.
    constexpr double step = 1e-5, tolerance = 3e-5;
    Rows<T> above = take(kernels->score<T>(model, Rows<T>(x + step * v), conditions), text());
    Rows<T> below = take(kernels->score<T>(model, Rows<T>(x - step * v), conditions), text());
    Rows<T> expected = (above - below) / (2 * step);
    for (int64_t row = 0; row < kRows; ++row) {
      double scale = 1 + expected.row(row).cwiseAbs().maxCoeff();
      EXPECT_LE((found.row(row) - expected.row(row)).cwiseAbs().maxCoeff(), tolerance * scale)
          << text() << ", row " << row << ": " << found.row(row) << " instead of " << expected.row(row);
    }
  }

  const Model &getModel() const { return model; }

private:
  /// A sum that should be zero.
  struct Identity {
    double sum = 0, size = 0;

    void add(double a, double b) {
      sum += a * b;
      size += std::abs(a * b);
    }
    void subtract(double a, double b) { add(-a, b); }
    void expect(const std::string &what, double tolerance) const {
      EXPECT_LE(std::abs(sum), tolerance * size) << what << " (terms of size " << size << ")";
    }
  };

  std::string text() const { return model.flow().text(); }
  std::vector<const void *> inputs(std::vector<const void *> more = {}) const {
    if (conditions.rows() > 0)
      more.insert(more.begin(), conditions.data());
    more.insert(more.begin(), x.data());
    return more;
  }
  void run(Kernels::Call call) {
    call.rows = kRows;
    auto ok = kernels->run(model, call);
    ASSERT_TRUE(ok) << text() << ": " << ok.error().message;
  }
  void expectNear(const std::vector<Rows<T>> &found, const Rows<T> &expected, const char *what) {
    for (const Rows<T> &row : found)
      EXPECT_LE((row - expected).cwiseAbs().maxCoeff(), kTolerance<T> * (1 + expected.cwiseAbs().maxCoeff()))
          << text() << ", " << what;
  }

  Model model;
  int64_t dim;
  std::shared_ptr<Kernels> kernels;
  Rows<T> conditions, x;
  std::vector<double> direction;
};

template <typename T>
void checkAll(Modes<T> modes) {
  modes.checkTransform();
  if (!modes.getModel().flow().isDistribution())
    return;
  modes.takeSamples();
  modes.checkDensity();
  modes.checkHessian();
  if constexpr (sizeof(T) == 8)
    modes.checkHessianByDifferences();
}

//===----------------------------------------------------------------------===//
// Golden flows
//===----------------------------------------------------------------------===//

class GoldenTangents : public testing::TestWithParam<std::string> {};

} // namespace

TEST_P(GoldenTangents, AreTransposedCotangents) { checkAll(Modes<double>(importGolden(GetParam()))); }
TEST_P(GoldenTangents, AreTransposedCotangentsInFloat32) { checkAll(Modes<float>(importGolden(GetParam()).astype(F32))); }

INSTANTIATE_TEST_SUITE_P(Cases, GoldenTangents, testing::ValuesIn(goldenCases()),
                         [](const auto &info) { return info.param; });

//===----------------------------------------------------------------------===//
// Random compositions
//===----------------------------------------------------------------------===//

class RandomTangents : public testing::TestWithParam<int> {};

/// Those without a derivative that exists everywhere are rare enough not to be met.
TEST_P(RandomTangents, AreTransposedCotangents) {
  constexpr int seedsPerTest = 6;
  for (int seed = GetParam() * seedsPerTest; seed < (GetParam() + 1) * seedsPerTest; ++seed)
    Modes<double>(makeModel(programOf(seed), F64, seed)).checkTransform();
}

INSTANTIATE_TEST_SUITE_P(Portions, RandomTangents, testing::Range(0, 10));

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST(Tangents, OfTheWrongShape) {
  Model model = makeModel("flow f = transformed(standard_normal([2]), affine([1, 2], 3))", F64);
  auto kernels = compileFresh(model);
  Rows<double> x = Rows<double>::Ones(3, 2);
  EXPECT_EQ(kernels->jvp<double>(model, x, x.topRows(2)).error().message,
            "a tangent has 2 rows of 2, expected 3 rows of 2");
  EXPECT_EQ(kernels->hvp<double>(model, x, x.leftCols(1)).error().message,
            "a tangent has 3 rows of 1, expected 3 rows of 2");
  std::vector<double> direction(3);
  EXPECT_EQ(kernels->jvpParams<double>(model, x, direction).error().message,
            "jvp_params of 'f' takes a tangent of 4 trainable parameters, got 3 numbers");
  Rows<double> y(3, 2);
  Column<double> logDet(3);
  auto ok = kernels->run(model, {.kernel = Kernel::Transform,
                                 .inputs = {x.data()},
                                 .outputs = {y.data(), logDet.data()},
                                 .rows = 3,
                                 .tangent = direction});
  EXPECT_EQ(ok.error().message, "transform of 'f' takes a tangent of 0 trainable parameters, got 3 numbers");
}

/// No parameter, no direction, no change.
TEST(Tangents, WithoutParameters) {
  Model model = makeModel("bijection f = chain([exp([2]), tanh([2])])", F64);
  auto kernels = compileFresh(model);
  auto found = take(kernels->jvpParams<double>(model, Rows<double>::Ones(3, 2), {}));
  EXPECT_EQ(found.yTangent.cwiseAbs().maxCoeff(), 0);
  EXPECT_EQ(found.logDetTangent.cwiseAbs().maxCoeff(), 0);
}

/// Outside of the support a density has no slope, and none along anything.
TEST(Tangents, OutsideOfTheSupport) {
  Model model = makeModel("flow f = transformed(standard_normal([2]), chain([affine([1, 2], 3), exp([2])]))", F64);
  auto kernels = compileFresh(model);
  Rows<double> x(2, 2), v = Rows<double>::Ones(2, 2);
  x << -1, 2, 1, 0;
  auto [score, hvp] = take(kernels->hvp<double>(model, x, v));
  EXPECT_EQ(score.cwiseAbs().maxCoeff(), 0);
  EXPECT_EQ(hvp.cwiseAbs().maxCoeff(), 0);
}
