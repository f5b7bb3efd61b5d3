//===- FormulaEdgesTest.cpp - Where formulas end and bend -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Simplification takes nothing from the domain of a formula and adds nothing to it, so
// that densities integrate to 1; at a kink the slope is one of those on its sides.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"

using namespace flowc;
using namespace flowc::test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A density on [low, high], outside of which it is 0.
struct Supported {
  std::string text;
  double low, high;
};

void PrintTo(const Supported &flow, std::ostream *os) { *os << flow.text; }

std::string pushed(const std::string &formula, const std::string &base) {
  return "bijection f" + formula + "\nflow d = transformed(" + base + ", f(shape = [1]))";
}

/// The density of f^-1 of a draw.
std::string pulled(const std::string &formula, const std::string &base) {
  return "bijection f" + formula + "\nflow d = transformed(" + base + ", invert(f(shape = [1])))";
}

class Supports : public testing::TestWithParam<Supported> {};

std::vector<double> logProbAt(const std::string &text, const std::vector<double> &points) {
  Model model = initialise(text, {.dtype = F64});
  Rows<double> x = Eigen::Map<const Rows<double>>(points.data(), static_cast<int64_t>(points.size()), 1);
  auto logProb = take(compileFresh(model)->logProb<double>(model, x), text);
  return {logProb.data(), logProb.data() + logProb.size()};
}

const char *const kUniform = "uniform(zeros(1), ones(1))";
const char *const kNormal = "standard_normal([1])";
const char *const kExponential = "exponential(ones(1))";

} // namespace

INSTANTIATE_TEST_SUITE_P(
    Formulas, Supports,
    testing::Values(
        // Exponents that happen to be whole numbers.
        Supported{pulled("(x; a = positive(2), b = positive(3)) = 1 - (1 - x^a)^b", kUniform), 0, 1},
        Supported{pulled("(x; a = positive(2)) = x^a", kUniform), 0, 1},
        Supported{pushed("(x; a = positive(2)) = x^(1/a)", kExponential), 0, kInfinity},
        Supported{pushed("(x; a = positive(0.5)) = x^a", kExponential), 0, kInfinity},
        Supported{pulled("(x; a = positive(2), s = positive(3)) = 1 - exp(-(x/s)^a)", kUniform), 0, kInfinity},
        Supported{pulled("(x; a = positive(2), s = positive(3)) = 1/(1 + (x/s)^(-a))", kUniform), 0, kInfinity},
        // Functions that are undone.
        Supported{pulled("(x) = exp(log(x))", kExponential), 0, kInfinity},
        Supported{pushed("(x) = exp(log(x))", kExponential), 0, kInfinity},
        Supported{pulled("(x) = sqrt(x)^2", kExponential), 0, kInfinity},
        Supported{pushed("(x) = sqrt(x)^2", kExponential), 0, kInfinity},
        Supported{pulled("(x) = sqrt(x)*sqrt(x)", kExponential), 0, kInfinity},
        Supported{pulled("(x) = tanh(atanh(x))", kUniform), 0, 1},
        Supported{pulled("(x) = 2*exp(3*log(x))", kExponential), 0, kInfinity},
        Supported{pulled("(x) = exp(0.5*log(x))^4", kExponential), 0, kInfinity},
        Supported{pulled("(x) = exp(log(1 + x) + log(1 - x)*0) - 1", kUniform), 0, 1},
        Supported{pulled("(x) = sigmoid(log(x) - log(1 - x))", kUniform), 0, 1},
        Supported{pulled("(x) = where(sqrt(x) > -1, x, -x)", kExponential), 0, kInfinity},
        Supported{pulled("(x) = 2*x + min(log(x), 700)", kNormal), 0, kInfinity}));

/// The integral of a density, by the midpoint rule in x = t/(1 - t^2) from end to end.
static double integrate(const std::string &text) {
  constexpr int kSteps = 400000;
  std::vector<double> x, weight;
  for (int i = 0; i < kSteps; ++i) {
    double t = -1 + 2 * (i + 0.5) / kSteps, d = 1 - t * t;
    x.push_back(t / d);
    weight.push_back(2.0 / kSteps * (1 + t * t) / (d * d));
  }
  std::vector<double> logProb = logProbAt(text, x);
  double sum = 0;
  for (int i = 0; i < kSteps; ++i)
    sum += weight[i] * std::exp(logProb[i]);
  return sum;
}

TEST_P(Supports, AreThoseOfTheFormula) {
  auto [text, low, high] = GetParam();
  std::vector<double> outside;
  for (double distance : {1e-3, 0.1, 0.5, 1.0, 1.5, 20.0}) {
    outside.push_back(low - distance);
    if (std::isfinite(high))
      outside.push_back(high + distance);
  }
  std::vector<double> logProb = logProbAt(text, outside);
  for (size_t i = 0; i < outside.size(); ++i)
    EXPECT_EQ(logProb[i], -kInfinity) << "at " << outside[i];
  // An end that a density is infinite at costs the most.
  EXPECT_NEAR(integrate(text), 1, 5e-3);
}

/// The same for densities as targets, which no inverse tells from their domain.
TEST(Supports, OfDensities) {
  for (const char *formula :
       {"-exp(log(x[0]))", "-sqrt(x[0])^2", "-sqrt(x[0])*sqrt(x[0])", "-x[0]*exp(0*log(x[0]))", "sum(-exp(log(x)))"}) {
    Flow density = take(Flow::parseDensity(std::string("density d(x[1]) = ") + formula), formula);
    Model model = take(Model::initialise(density, {.dtype = F64}));
    auto kernels = take(compile(density, {.dtype = F64}));
    Rows<double> x(3, 1);
    x << -2, 0.5, 3;
    auto logProb = take(kernels->logProb<double>(model, x));
    EXPECT_EQ(logProb[0], -kInfinity) << formula;
    EXPECT_DOUBLE_EQ(logProb[1], -0.5) << formula;
    EXPECT_DOUBLE_EQ(logProb[2], -3) << formula;
  }
}

//===----------------------------------------------------------------------===//
// Kinks
//===----------------------------------------------------------------------===//

namespace {

/// A formula with a kink, and the slopes on both sides.
struct Kink {
  const char *formula;
  double at, left, right;
};

void PrintTo(const Kink &kink, std::ostream *os) { *os << kink.formula; }

class Kinks : public testing::TestWithParam<Kink> {};

} // namespace

INSTANTIATE_TEST_SUITE_P(
    Formulas, Kinks,
    testing::Values(Kink{"(x; a = positive(2), b = positive(3)) = a*max(x, 0) + b*min(x, 0)", 0, 3, 2},
                    Kink{"(x; a = positive(2), b = positive(3)) = a*max(0, x) + b*min(x, 0)", 0, 3, 2},
                    Kink{"(x; a = positive(2), b = positive(3)) = a*max(0, x) + b*min(0, x)", 0, 3, 2},
                    Kink{"(x; a = positive(2), b = positive(3)) = a*max(x - 1, 0) - b*max(1 - x, 0)", 1, 3, 2},
                    Kink{"(x; a = positive(2), b = positive(3)) = where(x > 0, a*x, 0) + where(x < 0, b*x, 0)", 0, 3,
                         2},
                    Kink{"(x; a = positive(2), b = positive(3)) = where(x > 0, a*x, 0) + b*min(x, 0)", 0, 3, 2},
                    Kink{"(x; a = positive(2), b = positive(3)) = where(x > 0, a*x, b*x)", 0, 3, 2},
                    Kink{"(x; a = positive(2), b = positive(3)) = where(x >= 0, a*x, b*x)", 0, 3, 2},
                    Kink{"(x; a = positive(2), b = positive(3)) = max(a*x, 0) + min(b*x, 0) + x", 0, 4, 3},
                    Kink{"(x; a = positive(2), m = 0.5) = a*max(x - m, 0) + min(x - m, 0)", 0.5, 1, 2},
                    Kink{"(x; a = positive(2)) = exp(max(x, 0)) + a*min(x, 0)", 0, 2, 1},
                    Kink{"(x; a = positive(1)) = x^a", 0, 1, 1}, Kink{"(x; a = positive(1)) = 3*x^a + x", 0, 4, 4},
                    Kink{"(x; a = positive(0.5)) = x + x*abs(x)^a", 0, 1, 1}, Kink{"(x) = x + x*abs(x)^0.5", 0, 1, 1}));

/// log f' at the kink, its derivatives in the parameters and that of y.
TEST_P(Kinks, HaveASlopeOfOneSide) {
  auto [formula, at, left, right] = GetParam();
  Model model = initialise("bijection f" + std::string(formula) + "\nbijection g = f(shape = [1])", {.dtype = F64});
  auto kernels = compileFresh(model);
  Rows<double> x = Rows<double>::Constant(1, 1, at);
  auto [y, logDet] = take(kernels->transform<double>(model, x));
  double slope = std::exp(logDet[0]);
  bool isLeft = std::abs(slope - left) < 1e-12;
  EXPECT_TRUE(isLeft || std::abs(slope - right) < 1e-12) << slope;
  auto [back, inverseLogDet] = take(kernels->inverse<double>(model, y));
  EXPECT_NEAR(back(0, 0), at, 1e-12);
  EXPECT_NEAR(inverseLogDet[0], -logDet[0], 1e-12);
  // What differentiation makes of y agrees with it.
  double one = 1, none = 0, dx = 0;
  auto ok = kernels->run(model,
                         {.kernel = Kernel::VjpInputs, .inputs = {x.data(), &one, &none}, .outputs = {&dx}, .rows = 1});
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_NEAR(dx, slope, 1e-12);
  std::vector<double> gradient(static_cast<size_t>(model.numTrainable()));
  ok = kernels->run(model, {.kernel = Kernel::VjpParams,
                            .inputs = {x.data(), &none, &one},
                            .rows = 1,
                            .mean = false,
                            .gradient = gradient.data()});
  ASSERT_TRUE(ok) << ok.error().message;
  for (double value : gradient)
    EXPECT_TRUE(std::isfinite(value)) << value;
}
