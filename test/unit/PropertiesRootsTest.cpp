//===- PropertiesRootsTest.cpp - Inverses that are roots ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The planar bijection with tanh, against the reference interpreter's bisection in
// long double, and the promises of sample.root: no lane depends on its neighbours, NaN
// where there is no root.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "flowc/Reference/Reference.h"

using namespace flowc;
using namespace flowc::test;

namespace {

template <typename T>
class Roots : public testing::Test {};
using ElementTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(Roots, ElementTypes);

/// `planar(dim)` with the parameters w, u, b.
template <typename T>
Model makePlanar(const std::string &options, const std::vector<double> &parameters) {
  Model model = makeModel("bijection f = " + options, dtypeOf<T>);
  if (auto ok = model.setTrainable(parameters); !ok)
    ADD_FAILURE() << ok.error().message;
  return model;
}

/// Rows of every magnitude from 1e-30 to 1e30, and zero.
template <typename T>
Rows<T> allMagnitudes(int64_t dim) {
  Rows<T> x = Random(1).normals<T>(62 * 5, dim);
  for (int64_t row = 0; row < x.rows(); ++row)
    x.row(row) *= row / 5 == 61 ? T(0) : std::pow(T(10), T(row / 5 - 30));
  return x;
}

} // namespace

/// w, u and b with |w| about `size` and w.u about `product`: w.v is from -1 to 3.7.
static std::vector<double> makeParameters(int64_t dim, double size, double product) {
  std::vector<double> parameters(2 * dim + 1);
  Random random(7);
  double squared = 0;
  for (int64_t i = 0; i < dim; ++i) {
    parameters[i] = size * random.uniform(0.5, 1);
    squared += parameters[i] * parameters[i];
  }
  for (int64_t i = 0; i < dim; ++i)
    parameters[dim + i] = parameters[i] * product / squared + random.uniform(-1, 1);
  parameters[2 * dim] = random.uniform(-1, 1);
  return parameters;
}

/// A root is right if it maps back: exact arithmetic on what was found gives y, but
/// for what rounding x and the parameters can do.
template <typename T>
static void checkRoundTrip(const Model &model, const Rows<T> &y, const Rows<T> &x, const std::string &what) {
  using Exact = long double;
  reference::Interpreter<Exact> exact(model);
  for (int64_t row = 0; row < y.rows(); ++row) {
    Column<Exact> point = x.row(row).transpose().template cast<Exact>();
    Column<Exact> image = exact.transform(point).value, wanted = y.row(row).transpose().template cast<Exact>();
    auto largest = [](const Column<Exact> &column) { return static_cast<double>(column.cwiseAbs().maxCoeff()); };
    double scale = std::max({largest(wanted), largest(point), largest(image - point)});
    ASSERT_LE(largest(image - wanted), 300 * double(y.cols()) * std::numeric_limits<T>::epsilon() * scale)
        << what << ", y = " << y.row(row);
  }
}

TYPED_TEST(Roots, OfThePlanarMapAtAllMagnitudes) {
  using T = TypeParam;
  for (int64_t dim : {1, 2, 7}) {
    std::string text = "planar(" + std::to_string(dim) + ")";
    auto kernels = compileFresh(makePlanar<T>(text, makeParameters(dim, 1, 1)));
    Rows<T> y = allMagnitudes<T>(dim);
    for (double size : {1e-3, 0.5, 3.0})
      for (double product : {-20.0, -3.0, 0.0, 5.0, 40.0}) {
        Model model = makePlanar<T>(text, makeParameters(dim, size, product));
        auto [x, logDet] = take(kernels->template inverse<T>(model, y));
        ASSERT_TRUE(x.allFinite() && logDet.allFinite());
        checkRoundTrip<T>(model, y, x, text + ", w.u = " + std::to_string(product));
      }
  }
}

/// softplus(w.u) underflows below -104 in float32 and -745 in float64: the map is then
/// as flat as the element type can say, and no flatter.
TYPED_TEST(Roots, TheStretchOfAFlatMapIsNotZero) {
  using T = TypeParam;
  double least = std::log(double(std::numeric_limits<T>::min()));
  for (double product : {-80.0, -200.0, -1000.0, -1e6}) {
    // w = (1, 0), so that w.u = u_1; the slope at w.x + b = 0 is softplus(w.u).
    Model model = makePlanar<T>("planar(2)", {1, 0, product, 0.5, 0});
    auto kernels = compileFresh(model);
    Rows<T> x = Rows<T>::Zero(1, 2);
    double logDet = take(kernels->template transform<T>(model, x)).second[0];
    double expected = std::max(product, least);
    EXPECT_NEAR(logDet, expected, 1e-6 * std::abs(expected)) << "w.u = " << product;
    EXPECT_TRUE(take(kernels->template inverse<T>(model, x)).second.allFinite()) << "w.u = " << product;
  }
}

/// Where w.y overflows, tanh has long been +-1.
TYPED_TEST(Roots, OfRowsThatOverflowTheProduct) {
  using T = TypeParam;
  Model model = makePlanar<T>("planar(2)", {3, 1, 0.5, 2, 0.3});
  auto kernels = compileFresh(model);
  T large = std::numeric_limits<T>::max() * T(0.9);
  Rows<T> y(4, 2);
  y << large, 1, -large, 1, large, large, -large, -large;
  auto [x, logDet] = take(kernels->template inverse<T>(model, y));
  for (int64_t row = 0; row < y.rows(); ++row) {
    EXPECT_EQ(x(row, 0), y(row, 0)) << "row " << row;
    EXPECT_TRUE(std::isfinite(x(row, 1))) << "row " << row;
    EXPECT_EQ(logDet[row], 0) << "row " << row;
  }
}

TYPED_TEST(Roots, DoNotDependOnTheirNeighbours) {
  using T = TypeParam;
  Model model = makePlanar<T>("planar(3)", {1, -2, 0.5, -3, 2, 1, 0.3});
  auto kernels = compileFresh(model);
  Rows<T> y = allMagnitudes<T>(3);
  auto all = take(kernels->template inverse<T>(model, y));
  for (int64_t row = 0; row < y.rows(); ++row) {
    Rows<T> alone = y.row(row);
    auto one = take(kernels->template inverse<T>(model, alone));
    ASSERT_TRUE(isSameBits(one.first, all.first.row(row))) << "row " << row;
    ASSERT_TRUE(isSameBits(one.second, all.second.segment(row, 1))) << "row " << row;
  }
}

TYPED_TEST(Roots, AreNaNOnlyWhereTheInputIs) {
  using T = TypeParam;
  Model model = makePlanar<T>("planar(2)", {1, -2, 0.5, 2, 0.3});
  auto kernels = compileFresh(model);
  Rows<T> y = Random(2).normals<T>(40, 2);
  y(11, 1) = std::numeric_limits<T>::quiet_NaN();
  auto [x, logDet] = take(kernels->template inverse<T>(model, y));
  for (int64_t row = 0; row < y.rows(); ++row)
    EXPECT_EQ(std::isnan(logDet[row]), row == 11) << "row " << row;
}

/// FlowJAX divides by |w|^2.
TYPED_TEST(Roots, ZeroWeightsMoveAlongU) {
  using T = TypeParam;
  for (const char *options : {"planar(2)", "planar(2, negative_slope = 0.5)"}) {
    Model model = makePlanar<T>(options, {0, 0, 3, -1, 0.5});
    auto kernels = compileFresh(model);
    Rows<T> x = Random(3).normals<T>(9, 2);
    auto [y, logDet] = take(kernels->template transform<T>(model, x));
    double moved = std::string(options) == "planar(2)" ? std::tanh(0.5) : 0.5;
    for (int64_t row = 0; row < x.rows(); ++row) {
      EXPECT_NEAR(y(row, 0) - x(row, 0), 3 * moved, 1e-5);
      EXPECT_NEAR(y(row, 1) - x(row, 1), -moved, 1e-5);
      EXPECT_EQ(logDet[row], 0);
    }
    auto [back, logDetBack] = take(kernels->template inverse<T>(model, y));
    EXPECT_LE((back - x).cwiseAbs().maxCoeff(), 1e-5);
    EXPECT_EQ(logDetBack.cwiseAbs().maxCoeff(), 0);
  }
}

/// A tolerance that is asked for may be used, and holds.
TYPED_TEST(Roots, ToleranceIsKept) {
  using T = TypeParam;
  std::vector<double> parameters{0.8, -0.6, 2, 3, 0.3}; // |w| = 1
  Model exact = makePlanar<T>("planar(2)", parameters);
  Model loose = makePlanar<T>("numerical_inverse(planar(2), newton(tolerance = 0.01))", parameters);
  Rows<T> y = Random(4).normals<T>(500, 2);
  auto a = take(compileFresh(exact)->template inverse<T>(exact, y)),
       b = take(compileFresh(loose)->template inverse<T>(loose, y));
  // x = y - v tanh(s): an error in s shows by at most |v| < 4 in x.
  T largest = (a.first - b.first).cwiseAbs().maxCoeff();
  EXPECT_LE(largest, T(0.04));
}
