//===- PropertiesBijectionsTest.cpp - Simple bijections at their limits ---===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Elementwise and linear bijections at zero, at the ends of their domains and far
// out, against the reference interpreter in long double.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "flowc/Reference/Reference.h"

#include "gtest/gtest.h"

#include <limits>

using namespace flowc;
using namespace flowc::test;

namespace {

template <typename T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();

template <typename T>
class SimpleBijections : public testing::Test {};
using ElementTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(SimpleBijections, ElementTypes);

/// A scalar bijection, and where its two directions are defined.
struct Subject {
  const char *constructor;
  double lower = -INFINITY, upper = INFINITY;           ///< of x; both belong to the domain
  double imageLower = -INFINITY, imageUpper = INFINITY; ///< of y
  /// Beyond, the image of x is no normal number.
  double forwardLimit = INFINITY;
};

const Subject subjects[] = {
    {"exp()", -INFINITY, INFINITY, 0, INFINITY, 80},
    {"sigmoid()", -INFINITY, INFINITY, 0, 1},
    {"softplus()", -INFINITY, INFINITY, 0, INFINITY},
    {"tanh()", -INFINITY, INFINITY, -1, 1},
    {"bounded_affine()"},
    {"bounded_affine(log_scale = 7)"},
    {"bounded_affine(log_scale = -7, bound = 80)"},
    {"leaky_tanh(3)"},
    {"leaky_tanh(0.01)"},
    {"leaky_tanh(20)"},
    {"power(2.5)", 0, INFINITY, 0, INFINITY, 1e12},
    {"power(1)", 0, INFINITY, 0, INFINITY},
    {"power(-0.5)", 0, INFINITY, 0, INFINITY, 1e30},
};

/// Points of every magnitude and sign, and those next to the joints of leaky_tanh.
template <typename T>
std::vector<T> allPoints() {
  std::vector<T> points{0, -T(0), std::numeric_limits<T>::min(), T(1e30), T(-1e30)};
  for (double magnitude : {1e-20, 1e-7, 0.01, 0.3, 0.999, 1.0, 1.5, 3.0, 7.0, 20.0, 50.0, 86.0, 300.0, 1e6})
    for (T point : {T(magnitude), std::nextafter(T(magnitude), T(0)), std::nextafter(T(magnitude), kInfinity<T>)})
      points.insert(points.end(), {point, -point});
  return points;
}

} // namespace

/// Compares a direction with the reference on its domain; outside of it, value or
/// log-determinant is NaN or infinite.
template <typename T>
static void checkPoints(const Subject &subject, bool inverse) {
  std::string text = std::string("bijection f = ") + subject.constructor;
  Model model = makeModel(text, dtypeOf<T>, 1, /*noise=*/0);
  auto kernels = compileFresh(model);
  std::vector<T> points = allPoints<T>();
  Rows<T> in = Eigen::Map<Rows<T>>(points.data(), points.size(), 1);
  auto got = inverse ? take(kernels->inverse<T>(model, in), text) : take(kernels->transform<T>(model, in), text);
  reference::Interpreter<long double> exact(model);
  double lower = inverse ? subject.imageLower : subject.lower, upper = inverse ? subject.imageUpper : subject.upper;
  for (int64_t row = 0; row < in.rows(); ++row) {
    T point = in(row, 0), value = got.first(row, 0), logDet = got.second[row];
    std::string where = text + (inverse ? ", inverse at " : " at ") + std::to_string(double(point));
    if (point < lower || point > upper) {
      EXPECT_FALSE(std::isfinite(value)) << where;
      continue;
    }
    EXPECT_FALSE(std::isnan(value)) << where;
    EXPECT_FALSE(std::isnan(logDet)) << where;
    // Ends of the domain go to infinity or come from there.
    if (point == lower || point == upper || (!inverse && std::abs(point) > subject.forwardLimit))
      continue;
    Column<long double> column = Column<long double>::Constant(1, point);
    auto expected = inverse ? exact.inverse(column) : exact.transform(column);
    // A few roundings of the value and of the terms of the log-determinant; the
    // slope tells what rounding the argument does to an inverse, the logarithm what
    // rounding 1 / exponent does to a power.
    long double epsilon = std::numeric_limits<T>::epsilon();
    long double sensitivity = std::abs(point) * std::exp(std::min<long double>(expected.logDet, 80));
    long double magnitude = 1 + (point == 0 ? 0 : std::abs(std::log(std::abs(static_cast<long double>(point)))) / 8);
    long double scale = std::max<long double>(magnitude * std::abs(expected.value[0]), inverse ? sensitivity : 0);
    if (std::isinf(T(expected.value[0]))) {
      EXPECT_EQ(value, T(expected.value[0])) << where << " (overflow)";
    } else if (std::abs(expected.value[0]) > std::numeric_limits<T>::min()) {
      EXPECT_NEAR(value, T(expected.value[0]), 8 * epsilon * scale + std::numeric_limits<T>::min()) << where;
    }
    long double curvature = inverse ? 4 * sensitivity : 0;
    EXPECT_NEAR(logDet, T(expected.logDet), 20 * epsilon * (1 + std::abs(expected.logDet) + curvature)) << where;
  }
}

TYPED_TEST(SimpleBijections, TransformEverywhere) {
  for (const Subject &subject : subjects)
    checkPoints<TypeParam>(subject, /*inverse=*/false);
}

TYPED_TEST(SimpleBijections, InverseEverywhere) {
  for (const Subject &subject : subjects)
    checkPoints<TypeParam>(subject, /*inverse=*/true);
}

/// The score of a density on the line is finite however far out.
TYPED_TEST(SimpleBijections, ScoresOfFarTails) {
  using T = TypeParam;
  for (const char *bijection : {"invert(sigmoid())", "invert(softplus())", "invert(tanh())", "leaky_tanh(3)",
                                "invert(leaky_tanh(3))", "chain([leaky_tanh(1), affine(1, 2), leaky_tanh(2)])"}) {
    std::string text = std::string("flow f = transformed(standard_normal([]), ") + bijection + ")";
    Model model = makeModel(text, dtypeOf<T>, 1, 0);
    auto kernels = compileFresh(model);
    std::vector<T> points = allPoints<T>();
    points.erase(std::remove_if(points.begin(), points.end(), [](T x) { return std::abs(x) > T(1e16); }), points.end());
    Rows<T> in = Eigen::Map<Rows<T>>(points.data(), points.size(), 1);
    EXPECT_TRUE(take(kernels->logProb<T>(model, in), text).allFinite()) << text;
    EXPECT_TRUE(take(kernels->score<T>(model, in), text).allFinite()) << text;
  }
}

TYPED_TEST(SimpleBijections, OutsideTheSupport) {
  using T = TypeParam;
  struct {
    const char *bijection;
    std::vector<T> outside;
  } cases[] = {{"exp([2])", {-1, 1, 1, -kInfinity<T>}},
               {"sigmoid([2])", {T(0.5), 2, -1, T(0.5)}},
               {"ordered(2)", {2, 1, 1, 1, kInfinity<T>, 1}},
               {"chain([exp([2]), power(3, [2])])", {-1, 1, 1, T(-1e-3)}}};
  for (auto &[bijection, outside] : cases) {
    std::string text = std::string("flow f = transformed(standard_normal([2]), ") + bijection + ")";
    Model model = makeModel(text, dtypeOf<T>, 1, 0);
    auto kernels = compileFresh(model);
    Rows<T> in = Eigen::Map<Rows<T>>(outside.data(), outside.size() / 2, 2);
    auto logProb = take(kernels->logProb<T>(model, in), text);
    auto score = take(kernels->score<T>(model, in), text);
    for (int64_t row = 0; row < in.rows(); ++row) {
      EXPECT_EQ(logProb[row], -kInfinity<T>) << text << " at " << in.row(row);
      EXPECT_TRUE((score.row(row).array() == 0).all()) << text << " at " << in.row(row);
    }
  }
}

/// Beyond 1, where tanh is 1 to all digits, the slope is no normal number in
/// float: even the ends of the curved part have an inverse.
TYPED_TEST(SimpleBijections, LeakyTanhWithFlatTails) {
  using T = TypeParam;
  Model model = makeModel("bijection f = leaky_tanh(60)", dtypeOf<T>);
  Rows<T> ends(2, 1);
  ends << -1, 1;
  auto inverse = take(compileFresh(model)->inverse<T>(model, ends));
  EXPECT_EQ(inverse.first, (ends * 60).eval());
  EXPECT_TRUE(inverse.second.allFinite());
}

//===----------------------------------------------------------------------===//
// Ordered vectors
//===----------------------------------------------------------------------===//

/// Sizes around those of vectors, one element among them, and steps of every size.
TYPED_TEST(SimpleBijections, OrderedVectors) {
  using T = TypeParam;
  const long double epsilon = std::numeric_limits<T>::epsilon();
  for (int64_t size : {1, 2, 3, 17, 100}) {
    std::string text = "bijection f = ordered(" + std::to_string(size) + ")";
    Model model = makeModel(text, dtypeOf<T>);
    auto kernels = compileFresh(model);
    reference::Interpreter<long double> exact(model);
    Rows<T> in = T(2) * Random(size).normals<T>(70, size);
    auto forward = take(kernels->transform<T>(model, in), text);
    auto backward = take(kernels->inverse<T>(model, forward.first), text);
    for (int64_t row = 0; row < in.rows(); ++row) {
      auto wide = [&](const Rows<T> &rows) {
        return Column<long double>(rows.row(row).transpose().template cast<long double>());
      };
      auto expected = exact.transform(wide(in)), inverse = exact.inverse(wide(forward.first));
      // A rounding of the sum and two of the exponential at each step.
      long double largest = expected.value.cwiseAbs().maxCoeff(), error = 4 * size * epsilon * largest;
      EXPECT_LE((wide(forward.first) - expected.value).cwiseAbs().maxCoeff(), error) << text;
      EXPECT_NEAR(forward.second[row], T(expected.logDet), 4 * size * epsilon * in.row(row).cwiseAbs().sum()) << text;
      // The difference of the numbers that are there is rounded once, then its logarithm.
      for (int64_t i = 0; i < size; ++i)
        EXPECT_NEAR(backward.first(row, i), T(inverse.value[i]), 4 * epsilon * (1 + std::abs(inverse.value[i])))
            << text << " element " << i;
      EXPECT_NEAR(backward.second[row], T(inverse.logDet), 4 * size * epsilon * (1 + inverse.value.cwiseAbs().sum()))
          << text;
      for (int64_t i = 1; i < size; ++i)
        EXPECT_GE(forward.first(row, i), forward.first(row, i - 1));
    }
  }
}

/// Steps that overflow, that vanish beside what they are added to, and both ends of
/// the numbers: nothing finite becomes NaN, log-determinants stay sums of elements.
TYPED_TEST(SimpleBijections, OrderedVectorsFarOut) {
  using T = TypeParam;
  Model model = makeModel("flow f = transformed(standard_normal([3]), ordered(3))", dtypeOf<T>, 1, 0);
  auto kernels = compileFresh(model);
  const T huge = std::numeric_limits<T>::max(), inf = kInfinity<T>;
  Rows<T> in(4, 3);
  in << 1, 2000, 3, huge, -2000, -3, -huge, 1, -40, 0, -huge, 2000;
  auto [y, logDet] = take(kernels->transform<T>(model, in));
  EXPECT_FALSE(y.array().isNaN().any());
  EXPECT_EQ(y(0, 1), inf);
  EXPECT_EQ(y(1, 2), huge) << "steps below the rounding of what they are added to";
  EXPECT_EQ(y(3, 1), 0);
  EXPECT_EQ(logDet[0], 2003);
  EXPECT_EQ(logDet[1], -2003);
  EXPECT_EQ(logDet[2], -39);

  // Equal neighbours lie on the edge of the support.
  Rows<T> edge(3, 3);
  edge << 1, 1, 2, -huge, 0, huge, T(1e30), std::nextafter(T(1e30), inf), T(2e30);
  auto logProb = take(kernels->logProb<T>(model, edge));
  EXPECT_EQ(logProb[0], -inf);
  for (int row : {1, 2})
    EXPECT_TRUE(!std::isnan(logProb[row]) && logProb[row] < 0) << row;
  EXPECT_TRUE((take(kernels->score<T>(model, edge)).array().isFinite()).all());
}

//===----------------------------------------------------------------------===//
// Linear maps
//===----------------------------------------------------------------------===//

/// Sizes below, at and above a vector, and events of several axes.
TYPED_TEST(SimpleBijections, LinearMapsOfAllSizes) {
  using T = TypeParam;
  std::vector<std::string> texts{"discrete_cosine([3, 5], axis = 0)", "discrete_cosine([2, 3, 4], axis = 1)",
                                 "discrete_cosine([4, 1])", "discrete_cosine([70, 3], axis = -2)"};
  for (int size : {1, 2, 7, 16, 33, 70}) {
    std::string n = std::to_string(size), matrix = "glorot_uniform([" + n + ", " + n + "])";
    texts.push_back("discrete_cosine([" + n + "])");
    texts.push_back("householder(random_normal(" + n + ", 1))");
    for (const char *lower : {"true", "false"}) {
      texts.push_back("triangular_affine(2, " + matrix + ", lower = " + lower + ")");
      texts.push_back("weight_normalized(triangular_affine(1, " + matrix + ", lower = " + lower + "))");
    }
  }
  for (const std::string &constructor : texts) {
    std::string text = "bijection f = " + constructor;
    Model model = makeModel(text, dtypeOf<T>);
    auto kernels = compileFresh(model);
    reference::Interpreter<long double> exact(model);
    Rows<T> in = Random(7).normals<T>(5, model.flow().dim());
    auto forward = take(kernels->transform<T>(model, in), text), backward = take(kernels->inverse<T>(model, in), text);
    for (int64_t row = 0; row < in.rows(); ++row) {
      Column<long double> point = in.row(row).transpose().template cast<long double>();
      for (bool inverse : {false, true}) {
        auto expected = inverse ? exact.inverse(point) : exact.transform(point);
        auto &got = inverse ? backward : forward;
        long double error =
            (got.first.row(row).transpose().template cast<long double>() - expected.value).cwiseAbs().maxCoeff();
        // Sums of up to 70 terms; inverses of these matrices have entries of about 1.
        long double scale = 1 + expected.value.cwiseAbs().maxCoeff();
        EXPECT_LE(error, 200 * std::numeric_limits<T>::epsilon() * scale) << text << ", inverse " << inverse;
        EXPECT_NEAR(got.second[row], T(expected.logDet),
                    50 * std::numeric_limits<T>::epsilon() * (1 + std::abs(expected.logDet)))
            << text;
      }
    }
  }
}
