//===- PropertiesEdgesTest.cpp - Special values ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What docs/Numerics.md promises at the edges: NaN stays in the rows that hold it, -inf
// is the density outside the support, and far tails keep finite gradients.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "flowc/Reference/Reference.h"

using namespace flowc;
using namespace flowc::test;

namespace {

template <typename T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();
template <typename T>
constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();

template <typename T>
class Edges : public testing::Test {};
using ElementTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(Edges, ElementTypes);

/// Conditional and unconditional flows of every conditioner and transformer.
const std::vector<std::string> &neuralFlows() {
  static const std::vector<std::string> flows = [] {
    std::vector<std::string> result;
    for (const char *constructor : {"coupling_flow", "masked_autoregressive_flow"})
      for (const char *options : {"", ", transformer = rational_quadratic_spline(knots = 8, interval = 4)",
                                  ", cond_dim = 2", ", invert = false"})
        result.push_back(std::string("flow f = ") + constructor +
                         "(standard_normal([3]), flow_layers = 3, nn_width = 10" + options + ")");
    return result;
  }();
  return flows;
}

template <typename T>
Rows<T> rowsOf(std::initializer_list<std::initializer_list<T>> values) {
  return Rows<T>(values);
}

/// Trainable values `values` for all parameters of `model`.
void setTrainable(Model &model, const std::vector<double> &values) {
  auto ok = model.setTrainable(values);
  ASSERT_TRUE(ok) << ok.error().message;
}

} // namespace

//===----------------------------------------------------------------------===//
// Splines
//===----------------------------------------------------------------------===//

/// A spline with knots at -4, -3, ... 4 in x (or y, `inverse`) and uneven ones in
/// the other, at every knot and beside it. `hasFreeEnds`: its slopes at the ends are not 1.
template <typename T>
static void checkKnots(bool inverse, const std::string &spline, bool hasFreeEnds) {
  Model model = makeModel("bijection f = " + spline, dtypeOf<T>, 1, 0);
  // 8 logits of x, 8 of y, 7 or 9 slopes; equal logits give equal bins.
  std::vector<double> parameters = model.trainable();
  Random random(3);
  for (size_t i = 0; i < parameters.size(); ++i)
    if (bool isEven = inverse ? i >= 8 && i < 16 : i < 8; !isEven)
      parameters[i] += random.uniform(-1, 1);
  setTrainable(model, parameters);

  std::vector<T> points;
  for (int knot = -4; knot <= 4; ++knot)
    points.insert(points.end(),
                  {std::nextafter(T(knot), -kInfinity<T>), T(knot), std::nextafter(T(knot), kInfinity<T>)});
  points.insert(points.end(), {T(0), -T(0), T(1e30), T(-1e30), std::numeric_limits<T>::max(),
                               std::numeric_limits<T>::lowest(), std::numeric_limits<T>::denorm_min()});
  Rows<T> in = Eigen::Map<Rows<T>>(points.data(), points.size(), 1);

  auto kernels = compileFresh(model);
  auto got = inverse ? take(kernels->inverse<T>(model, in)) : take(kernels->transform<T>(model, in));
  reference::Interpreter<long double> exact(model);
  for (int64_t row = 0; row < in.rows(); ++row) {
    Column<long double> point = Column<long double>::Constant(1, in(row, 0));
    auto expected = inverse ? exact.inverse(point) : exact.transform(point);
    // A few roundings; bins are at least a tenth wide, slopes at most about 10.
    T tolerance = 100 * std::numeric_limits<T>::epsilon();
    EXPECT_NEAR(got.first(row, 0), T(expected.value[0]), tolerance * std::max<T>(1, std::abs(in(row, 0))))
        << "at " << in(row, 0);
    EXPECT_NEAR(got.second[row], T(expected.logDet), 10 * tolerance) << "at " << in(row, 0);
    if (std::abs(in(row, 0)) > 4) {
      EXPECT_EQ(got.first(row, 0), in(row, 0)) << "the tails are the identity";
      EXPECT_EQ(got.second[row], 0) << "the tails are the identity";
    }
    if (std::abs(in(row, 0)) == 4 && hasFreeEnds) {
      EXPECT_NE(got.second[row], 0) << "the ends of the interval belong to it";
    }
  }
}

TYPED_TEST(Edges, SplinesAtTheirKnots) {
  for (bool inverse : {false, true}) {
    checkKnots<TypeParam>(inverse, "rational_quadratic_spline(knots = 7, interval = 4)", /*hasFreeEnds=*/true);
    checkKnots<TypeParam>(inverse, "bounded_spline(bins = 8, interval = 4)", /*hasFreeEnds=*/false);
  }
}

//===----------------------------------------------------------------------===//
// NaN, infinity and far tails
//===----------------------------------------------------------------------===//

TYPED_TEST(Edges, NaNStaysInItsRow) {
  using T = TypeParam;
  constexpr int64_t rows = 150;
  for (const std::string &text : neuralFlows()) {
    Model model = makeModel(text, dtypeOf<T>);
    auto kernels = compileFresh(model);
    Rows<T> clean = Random(1).normals<T>(rows, 3), x = clean, conditions = makeConditions<T>(model.flow(), rows);
    Rows<T> cleanConditions = conditions;
    std::vector<bool> isBad(rows);
    for (int64_t row : {0, 5, 63, 64, 70, 149}) {
      isBad[row] = true;
      if (conditions.rows() > 0 && row % 2)
        conditions(row, 1) = kNaN<T>;
      else
        x(row, row % 3) = kNaN<T>;
    }
    auto logProb = take(kernels->logProb<T>(model, x, conditions), text);
    auto expected = take(kernels->logProb<T>(model, clean, cleanConditions), text);
    auto there = take(kernels->transform<T>(model, x, conditions), text);
    auto expectedThere = take(kernels->transform<T>(model, clean, cleanConditions), text);
    auto back = take(kernels->inverse<T>(model, x, conditions), text);
    for (int64_t row = 0; row < rows; ++row) {
      if (isBad[row]) {
        EXPECT_TRUE(std::isnan(logProb[row])) << text << ", row " << row;
        EXPECT_TRUE(std::isnan(there.second[row]) || there.first.row(row).hasNaN()) << text << ", row " << row;
        EXPECT_TRUE(std::isnan(back.second[row]) || back.first.row(row).hasNaN()) << text << ", row " << row;
        continue;
      }
      EXPECT_EQ(logProb[row], expected[row]) << text << ", row " << row;
      EXPECT_TRUE(isSameBits(there.first.row(row), expectedThere.first.row(row))) << text << ", row " << row;
      EXPECT_FALSE(std::isnan(back.second[row])) << text << ", row " << row;
    }
  }
}

/// Rows of everything that is no NaN.
template <typename T>
static Rows<T> extremeRows() {
  T max = std::numeric_limits<T>::max(), min = std::numeric_limits<T>::denorm_min(), inf = kInfinity<T>;
  T large = T(1e30);
  return rowsOf<T>({{0, 0, 0},          {-T(0), 0, -T(0)},  {1, 1, 1},          {min, -min, min},
                    {large, 0, 0},      {0, large, 0},      {0, 0, -large},     {large, large, large},
                    {-large, large, 1}, {max, max, max},    {-max, max, -max},  {inf, 0, 0},
                    {0, -inf, 0},       {inf, -inf, inf},   {4, -4, 4},         {1e4, 1e4, 1e4},
                    {1e-20f, 1, -1},    {-1e14f, 1e14f, 1}, {1e-38f, 1e38f, 0}, {3, 3, 3}});
}

TYPED_TEST(Edges, DensitiesOfExtremeRowsAreNumbers) {
  using T = TypeParam;
  Rows<T> x = extremeRows<T>();
  for (const std::string &text : neuralFlows()) {
    Model model = makeModel(text, dtypeOf<T>);
    auto kernels = compileFresh(model);
    Rows<T> conditions = makeConditions<T>(model.flow(), x.rows());
    auto logProb = take(kernels->logProb<T>(model, x, conditions), text);
    auto score = take(kernels->score<T>(model, x, conditions), text);
    for (int64_t row = 0; row < x.rows(); ++row) {
      EXPECT_FALSE(std::isnan(logProb[row])) << text << ", row " << x.row(row);
      EXPECT_LT(logProb[row], kInfinity<T>) << text << ", row " << x.row(row);
      EXPECT_FALSE(score.row(row).hasNaN())
          << text << ", row " << x.row(row) << ": " << score.row(row) << " where log_prob is " << logProb[row];
    }
  }
}

TYPED_TEST(Edges, FarTailsKeepFiniteGradients) {
  using T = TypeParam;
  // Their squares are numbers, too.
  T far = sizeof(T) == 4 ? T(1e9) : T(1e60);
  Rows<T> x = rowsOf<T>({{far, 0, 1}, {-far, 1, 2}, {1, far, -1}, {0.5, 1, -far}, {100, -100, 100}, {0, 0, 0}});
  for (const std::string &text : neuralFlows()) {
    Model model = makeModel(text, dtypeOf<T>);
    auto kernels = compileFresh(model);
    Rows<T> conditions = makeConditions<T>(model.flow(), x.rows());
    int64_t numbers = 0;
    for (int64_t row = 0; row < x.rows(); ++row) {
      auto nll = take(kernels->nllValueAndGradient<T>(model, x.row(row), sliceRows(conditions, row, 1)), text);
      auto score = take(kernels->score<T>(model, x.row(row), sliceRows(conditions, row, 1)), text);
      EXPECT_FALSE(std::isnan(nll.first)) << text << ", row " << x.row(row);
      // Affine layers that multiply by what they see may overflow.
      if (std::isinf(nll.first))
        continue;
      ++numbers;
      for (double entry : nll.second)
        ASSERT_TRUE(std::isfinite(entry)) << text << ", row " << x.row(row) << ", loss " << nll.first;
      EXPECT_TRUE(score.allFinite()) << text << ", row " << x.row(row) << ": " << score;
    }
    bool isSpline = text.find("spline") != std::string::npos;
    EXPECT_GE(numbers, isSpline ? x.rows() : 2) << text;
  }
}

TYPED_TEST(Edges, OutsideTheSupport) {
  using T = TypeParam;
  struct {
    std::string text;
    Rows<T> outside, inside;
  } cases[] = {
      {"flow f = transformed(standard_normal([2]), softplus([2]))",
       rowsOf<T>({{-1, 1}, {1, -1}, {0, 1}, {-T(1e30), -1}, {1, -kInfinity<T>}}), rowsOf<T>({{1, 1}, {1e-3f, 50}})},
      {"flow f = transformed(normal([0, 0], [1, 2]), chain([tanh([2]), affine([0, 1], [1, 3])]))",
       rowsOf<T>({{2, 1}, {0, 5}, {-1, 1}, {T(1e30), 0}}), rowsOf<T>({{0, 1}, {0.5, 2}})},
  };
  for (auto &[text, outside, inside] : cases) {
    Model model = makeModel(text, dtypeOf<T>, 1, /*noise=*/0);
    auto kernels = compileFresh(model);
    auto logProb = take(kernels->logProb<T>(model, outside), text);
    auto score = take(kernels->score<T>(model, outside), text);
    for (int64_t row = 0; row < outside.rows(); ++row) {
      EXPECT_EQ(logProb[row], -kInfinity<T>) << text << ", row " << outside.row(row);
      EXPECT_TRUE((score.row(row).array() == 0).all())
          << text << ", row " << outside.row(row) << ": " << score.row(row);
    }
    EXPECT_TRUE(take(kernels->logProb<T>(model, inside), text).allFinite()) << text;
    EXPECT_TRUE(take(kernels->score<T>(model, inside), text).allFinite()) << text;
    auto nll = take(kernels->nllValueAndGradient<T>(model, outside.topRows(1)), text);
    EXPECT_EQ(nll.first, std::numeric_limits<double>::infinity()) << text;
  }
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

TYPED_TEST(Edges, EmptyBatches) {
  using T = TypeParam;
  for (const std::string &text : neuralFlows()) {
    Model model = makeModel(text, dtypeOf<T>);
    auto kernels = compileFresh(model, /*threads=*/2);
    Rows<T> none(0, 3), conditions(0, model.flow().condDim());
    EXPECT_EQ(take(kernels->logProb<T>(model, none, conditions), text).rows(), 0);
    EXPECT_EQ(take(kernels->sample<T>(model, 0, 1, conditions), text).rows(), 0);
    EXPECT_EQ(take(kernels->transform<T>(model, none, conditions), text).first.rows(), 0);
    EXPECT_EQ(take(kernels->inverse<T>(model, none, conditions), text).second.rows(), 0);
    EXPECT_EQ(take(kernels->score<T>(model, none, conditions), text).rows(), 0);
    auto nll = kernels->nllValueAndGradient<T>(model, none, conditions);
    ASSERT_FALSE(nll);
    EXPECT_NE(nll.error().message.find("no mean over 0 rows"), std::string::npos) << nll.error().message;
  }
}

TYPED_TEST(Edges, OneCoordinate) {
  using T = TypeParam;
  for (const char *options :
       {"", ", cond_dim = 1", ", transformer = rational_quadratic_spline(knots = 4, interval = 2)",
        ", invert = false, nn_depth = 0"}) {
    std::string text =
        std::string("flow f = masked_autoregressive_flow(standard_normal([1]), flow_layers = 2") + options + ")";
    Model model = makeModel(text, dtypeOf<T>);
    auto kernels = compileFresh(model);
    Rows<T> x = Random(3).normals<T>(5, 1), conditions = makeConditions<T>(model.flow(), 5);
    auto logProb = take(kernels->logProb<T>(model, x, conditions), text);
    reference::Interpreter<long double> exact(model);
    for (int64_t row = 0; row < 5; ++row) {
      Column<long double> condition;
      if (conditions.rows() > 0)
        condition = conditions.row(row).transpose().template cast<long double>();
      auto expected = T(exact.logProb(x.row(row).transpose().template cast<long double>(), condition));
      // A few tens of roundings.
      EXPECT_NEAR(logProb[row], expected, 50 * std::numeric_limits<T>::epsilon() * (1 + std::abs(expected))) << text;
    }
    // The density of one coordinate integrates to 1.
    if (sizeof(T) == 8 && model.flow().condDim() == 0) {
      constexpr int64_t points = 40001;
      Rows<T> grid(points, 1);
      for (int64_t i = 0; i < points; ++i)
        grid(i, 0) = T(-20 + 40.0 * static_cast<double>(i) / (points - 1));
      double integral = take(kernels->logProb<T>(model, grid), text).template cast<double>().array().exp().sum() *
                        40.0 / (points - 1);
      EXPECT_NEAR(integral, 1, 1e-3) << text; // the spline's slope jumps at its ends
    }
  }
}
