//===- PropertiesBlockTest.cpp - Block autoregressive networks ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Networks of all shapes against the reference interpreter in long double, and what
// is promised of their inverse: small residuals at all magnitudes, results that do
// not depend on neighbours, NaN where there is no preimage.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "flowc/Reference/Reference.h"

using namespace flowc;
using namespace flowc::test;

namespace {

using Exact = long double;

constexpr const char *kNetworks[] = {
    "dim = 3, depth = 1, block_dim = 8",
    "dim = 3, cond_dim = 2, depth = 1, block_dim = 5",
    "dim = 4, cond_dim = 1, depth = 2, block_dim = 3",
    "dim = 2, depth = 3, block_dim = 4",
    "dim = 1, depth = 1, block_dim = 8",
    "dim = 1, cond_dim = 3, depth = 2, block_dim = 1",
    "dim = 5, depth = 1, block_dim = 1",
    "dim = 3, cond_dim = 2, depth = 0, block_dim = 4",
    "dim = 2, depth = 1, block_dim = 20",
    "dim = 2, depth = 2, block_dim = 20",
    "dim = 3, depth = 1, block_dim = 4, activation = leaky_tanh(2)",
    "dim = 3, depth = 2, block_dim = 4, activation = tanh",
    "dim = 3, depth = 2, block_dim = 2, activation = softplus",
    "dim = 3, depth = 1, block_dim = 3, activation = leaky_relu",
    "dim = 2, depth = 2, block_dim = 3, activation = rational_quadratic_spline(knots = 5, interval = 3)",
    "dim = 3, depth = 2, block_dim = 4, activation = chain([affine(0.3, 1.5), leaky_tanh(3)])",
};

std::string textOf(const std::string &arguments) {
  return "bijection b = block_autoregressive_network(" + arguments + ")";
}

template <typename T>
class BlockNetworks : public testing::Test {};
using ElementTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(BlockNetworks, ElementTypes);

template <typename T>
Column<Exact> exactRow(const Rows<T> &rows, int64_t row) {
  return rows.rows() > 0 ? Column<Exact>(rows.row(row).transpose().template cast<Exact>()) : Column<Exact>();
}

/// The largest of |got - wanted| / max(1, |wanted|).
template <typename A, typename B>
double distance(const A &got, const B &wanted) {
  double worst = 0;
  for (int64_t i = 0; i < wanted.size(); ++i)
    worst = std::max(worst, double(std::abs(Exact(got.data()[i]) - Exact(wanted.data()[i])) /
                                   std::max<Exact>(1, std::abs(Exact(wanted.data()[i])))));
  return worst;
}

} // namespace

TYPED_TEST(BlockNetworks, AreThoseOfTheReference) {
  using T = TypeParam;
  // Some hundred roundings, of terms somewhat larger than their sums.
  const double tolerance = 300 * double(std::numeric_limits<T>::epsilon());
  for (const char *network : kNetworks) {
    SCOPED_TRACE(network);
    Model model = makeModel(textOf(network), dtypeOf<T>);
    auto kernels = compileFresh(model);
    reference::Interpreter<Exact> exact(model);
    constexpr int64_t rows = 9;
    Rows<T> x = Random(1).normals<T>(rows, model.flow().dim()) * T(2), c = makeConditions<T>(model.flow(), rows);
    auto [y, logDet] = take(kernels->template transform<T>(model, x, c));
    for (int64_t row = 0; row < rows; ++row) {
      auto expected = exact.transform(exactRow(x, row), exactRow(c, row));
      EXPECT_LE(distance(Column<T>(y.row(row).transpose()), expected.value), tolerance);
      EXPECT_NEAR(logDet[row], double(expected.logDet), tolerance * (1 + std::abs(double(expected.logDet))));
    }
    auto [back, logDetBack] = take(kernels->template inverse<T>(model, y, c));
    for (int64_t row = 0; row < rows; ++row) {
      auto image = exact.transform(exactRow(back, row), exactRow(c, row));
      EXPECT_LE(distance(image.value, Column<T>(y.row(row).transpose())), tolerance);
      EXPECT_NEAR(logDetBack[row], -double(image.logDet), tolerance * (1 + std::abs(double(image.logDet))));
    }
  }
}

TYPED_TEST(BlockNetworks, InversesHaveSmallResiduals) {
  using T = TypeParam;
  for (int64_t dim : {1, 2, 8, 64})
    for (const char *options : {"", ", nn_depth = 2, nn_block_dim = 4"}) {
      std::string text =
          "flow f = block_neural_autoregressive_flow(standard_normal([" + std::to_string(dim) + "])" + options + ")";
      SCOPED_TRACE(text);
      Model model = take(Model::initialise(take(Flow::parse(text)), {.seed = 2, .dtype = dtypeOf<T>}));
      auto kernels = compileFresh(model);
      Rows<T> z = Random(3).normals<T>(400, dim);
      auto x = take(kernels->template transform<T>(model, z)).first;
      // With two hidden layers no float32 x may be better than 1e-5: half a rounding of
      // it moves the image by as much (docs/Numerics.md).
      double tolerance = sizeof(T) == 8 ? 1e-12 : *options ? 1e-4 : 1e-6;
      EXPECT_LE(distance(take(kernels->template inverse<T>(model, x)).first, z), tolerance);
    }
}

/// Far from zero the default activation is all but linear: nothing overflows.
TYPED_TEST(BlockNetworks, AreFiniteAtAllMagnitudes) {
  using T = TypeParam;
  for (const char *network : {kNetworks[0], kNetworks[3], kNetworks[4], kNetworks[9], kNetworks[11]}) {
    SCOPED_TRACE(network);
    bool isOnto = std::string(network).find("tanh") == std::string::npos;
    Model model = makeModel(textOf(network), dtypeOf<T>);
    auto kernels = compileFresh(model);
    Rows<T> x = Random(4).normals<T>(61, model.flow().dim());
    for (int64_t row = 0; row < x.rows(); ++row)
      x.row(row) *= std::pow(T(10), T(row - 30));
    auto [y, logDet] = take(kernels->template transform<T>(model, x));
    EXPECT_TRUE(y.allFinite() && logDet.allFinite());
    if (!isOnto)
      continue;
    auto [back, logDetBack] = take(kernels->template inverse<T>(model, x));
    EXPECT_TRUE(back.allFinite() && logDetBack.allFinite());
    Rows<T> image = take(kernels->template transform<T>(model, back)).first;
    for (int64_t row = 0; row < x.rows(); ++row) {
      double scale = std::max(1.0, double(x.row(row).cwiseAbs().maxCoeff()));
      EXPECT_LE(double((image.row(row) - x.row(row)).cwiseAbs().maxCoeff()),
                100 * double(std::numeric_limits<T>::epsilon()) * scale)
          << "row " << row;
    }
  }
}

TYPED_TEST(BlockNetworks, RowsDoNotDependOnTheirNeighbours) {
  using T = TypeParam;
  for (const char *network : {kNetworks[1], kNetworks[2], kNetworks[10]}) {
    SCOPED_TRACE(network);
    Model model = makeModel(textOf(network), dtypeOf<T>);
    auto kernels = compileFresh(model);
    constexpr int64_t rows = 131;
    Rows<T> y = Random(5).normals<T>(rows, model.flow().dim()) * T(3), c = makeConditions<T>(model.flow(), rows);
    // A lane that takes its time.
    y.row(17) *= T(1e6);
    auto all = take(kernels->template inverse<T>(model, y, c));
    for (int64_t first = 0; first < rows; first += 1 + first % 40) {
      int64_t count = std::min(rows - first, 1 + first % 40);
      auto some =
          take(kernels->template inverse<T>(model, Rows<T>(y.middleRows(first, count)), sliceRows(c, first, count)));
      ASSERT_TRUE(isSameBits(some.first, all.first.middleRows(first, count))) << first;
      ASSERT_TRUE(isSameBits(some.second, all.second.segment(first, count))) << first;
    }
  }
}

/// tanh reaches a bounded set only. A coordinate without a preimage spoils those
/// after it, which need it, but no other row.
TYPED_TEST(BlockNetworks, NoPreimageIsNaN) {
  using T = TypeParam;
  Model model = makeModel(textOf("dim = 3, depth = 1, block_dim = 4, activation = tanh"), dtypeOf<T>);
  auto kernels = compileFresh(model);
  Rows<T> y = take(kernels->template transform<T>(model, Random(6).normals<T>(40, 3))).first;
  y(5, 1) = 1e3;
  y(30, 0) = std::numeric_limits<T>::quiet_NaN();
  auto [x, logDet] = take(kernels->template inverse<T>(model, y));
  for (int64_t row = 0; row < y.rows(); ++row) {
    EXPECT_EQ(std::isnan(logDet[row]), row == 5 || row == 30) << row;
    EXPECT_EQ(std::isnan(x(row, 0)), row == 30) << row;
    EXPECT_EQ(std::isnan(x(row, 2)), row == 5 || row == 30) << row;
  }
}
