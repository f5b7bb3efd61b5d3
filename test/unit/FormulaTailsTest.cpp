//===- FormulaTailsTest.cpp - Formulas where naive code loses digits ------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Formulas as people write them, against careful ones in `long double`, at points where
// what is written cancels, overflows or underflows.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"

using namespace flowc;
using namespace flowc::test;

namespace {

using Exact = long double;

/// A formula, and its value and log|f'| without loss of digits.
struct Tail {
  const char *formula;
  Exact (*value)(Exact);
  Exact (*logSlope)(Exact);
  std::vector<double> points;
};

void PrintTo(const Tail &tail, std::ostream *os) { *os << tail.formula; }

class Tails : public testing::TestWithParam<Tail> {
protected:
  template <typename T>
  void check();
};

constexpr Exact kLn2 = std::numbers::ln2_v<Exact>;
const std::vector<double> kLine = {-700, -120, -95, -40, -20, -5, -1, -0.1, -1e-3,
                                   1e-3, 0.1,  1,   5,   20,  40, 95, 120,  700};
const std::vector<double> kPositive = {1e-30, 1e-10, 1e-5, 1e-3, 0.1, 0.5, 1, 3, 20, 95, 400, 1e5, 1e10, 1e30};

Exact softplus(Exact x) { return std::max(x, Exact(0)) + std::log1p(std::exp(-std::abs(x))); }
Exact logErfc(Exact x) { return std::log(std::erfc(x)); }
Exact logNormal(Exact x) { return -x * x / 2 - std::log(2 * std::numbers::pi_v<Exact>) / 2; }
Exact logCdf(Exact x) { return logErfc(-x / std::numbers::sqrt2_v<Exact>) - kLn2; }
Exact logOf1mExp(Exact x) { return x < 1 ? std::log(-std::expm1(-x)) : std::log1p(-std::exp(-x)); }
constexpr Exact kPi = std::numbers::pi_v<Exact>;
Exact softclip(Exact x) {
  Exact rest = std::log1p(std::exp(-std::abs(x) - 1)) - std::log1p(std::exp(1 - std::abs(x)));
  return x > 0 ? 2 + rest : std::log1p(std::exp(x + 1)) - std::log1p(std::exp(x - 1));
}
const Exact kLogErfSlope = std::log(2 / std::sqrt(std::numbers::pi_v<Exact>));

} // namespace

INSTANTIATE_TEST_SUITE_P(
    Formulas, Tails,
    testing::Values(Tail{"(x) = log(softplus(x))", [](Exact x) { return std::log(softplus(x)); },
                         [](Exact x) { return -softplus(-x) - std::log(softplus(x)); }, kLine},
                    Tail{"(x) = log(2*softplus(x))", [](Exact x) { return kLn2 + std::log(softplus(x)); },
                         [](Exact x) { return -softplus(-x) - std::log(softplus(x)); }, kLine},
                    Tail{"(x) = x + log(cosh(x))",
                         [](Exact x) { return softplus(2 * x) - kLn2; },
                         [](Exact x) { return kLn2 - softplus(-2 * x); },
                         {-700, -120, -50, -20, -3, -1, 0.1, 1, 20, 50, 120, 700}},
                    Tail{"(x) = log(cosh(x)) - x",
                         [](Exact x) { return softplus(-2 * x) - kLn2; },
                         [](Exact x) { return kLn2 - softplus(2 * x); },
                         {-700, -120, -50, -20, -3, -1, 1, 20, 50, 120, 700}},
                    Tail{"(x) = asinh(exp(x))",
                         [](Exact x) { return std::asinh(std::exp(x)); },
                         [](Exact x) { return -softplus(-2 * x) / 2; },
                         {-300, -80, -20, -1, 0.1, 1, 20, 95, 700, 1000, 10000}},
                    Tail{"(x; l = positive(0.5)) = ((x + 1)^l - 1)/l",
                         [](Exact x) { return 2 * std::expm1(std::log1p(x) / 2); },
                         [](Exact x) { return -std::log1p(x) / 2; },
                         {-0.9, -0.1, -1e-5, -1e-20, 1e-30, 1e-20, 1e-10, 1e-5, 1e-3, 0.1, 1, 10, 1e5, 1e20}},
                    Tail{"(x) = sqrt(1 + x) - 1",
                         [](Exact x) { return std::expm1(std::log1p(x) / 2); },
                         [](Exact x) { return -kLn2 - std::log1p(x) / 2; },
                         {-0.9, -1e-5, -1e-20, 1e-20, 1e-10, 1e-3, 1, 1e5}},
                    Tail{"(x; a = positive(2), b = positive(3)) = 1 - (1 - x^a)^b",
                         [](Exact x) { return -std::expm1(3 * std::log1p(-x * x)); },
                         [](Exact x) { return std::log(6 * x) + 2 * std::log1p(-x * x); },
                         {1e-15, 1e-10, 1e-5, 1e-3, 0.1, 0.5, 0.9}},
                    Tail{"(x) = log(erfc(x))",
                         logErfc,
                         [](Exact x) { return kLogErfSlope - x * x - logErfc(x); },
                         {-3, -1, 0.1, 1, 5, 10, 30, 90}},
                    Tail{"(x) = log(1 - erf(x))",
                         logErfc,
                         [](Exact x) { return kLogErfSlope - x * x - logErfc(x); },
                         {-3, -1, 0.1, 1, 5, 10, 30, 90}},
                    Tail{"(x) = log((1 + erf(x/sqrt(2)))/2)",
                         logCdf,
                         [](Exact x) { return logNormal(x) - logCdf(x); },
                         {-60, -10, -3, -1, 0.1, 1, 3}},
                    Tail{"(x) = normal_log_cdf(x)",
                         logCdf,
                         [](Exact x) { return logNormal(x) - logCdf(x); },
                         {-60, -10, -1, 0.1, 1, 3}},
                    Tail{"(x) = log(x + 1) - log(x)", [](Exact x) { return std::log1p(1 / x); },
                         [](Exact x) { return -std::log(x) - std::log1p(x); }, kPositive},
                    Tail{"(x) = sqrt(x + 1) - sqrt(x)",
                         [](Exact x) { return 1 / (std::sqrt(x + 1) + std::sqrt(x)); },
                         [](Exact x) {
                           return -kLn2 - std::log(x) / 2 - std::log1p(x) / 2 -
                                  std::log(std::sqrt(x + 1) + std::sqrt(x));
                         },
                         {1e-5, 1e-3, 0.1, 1, 20, 1e5, 1e10, 1e18}},
                    Tail{"(x) = log(sinh(x))",
                         [](Exact x) { return x + logOf1mExp(2 * x) - kLn2; },
                         [](Exact x) { return std::log1p(std::exp(-2 * x)) - logOf1mExp(2 * x); },
                         {1e-10, 1e-3, 0.1, 2, 20, 95, 1000}},
                    Tail{"(x) = log(tanh(x))",
                         [](Exact x) { return logOf1mExp(2 * x) - softplus(-2 * x); },
                         [](Exact x) { return std::log(Exact(4)) - 2 * x - std::log(-std::expm1(-4 * x)); },
                         {1e-10, 1e-3, 0.1, 1, 5, 15, 35}},
                    Tail{"(x) = sqrt(1 + exp(x))",
                         [](Exact x) { return std::exp(softplus(x) / 2); },
                         [](Exact x) { return x - kLn2 - softplus(x) / 2; },
                         {-20, -1, 0.1, 1, 20, 95, 170, 1000}},
                    Tail{"(x) = softplus(x) - x", [](Exact x) { return softplus(-x); },
                         [](Exact x) { return -softplus(x); }, kLine},
                    Tail{"(x) = log(exp(x) - 1)",
                         [](Exact x) { return x + logOf1mExp(x); },
                         [](Exact x) { return -logOf1mExp(x); },
                         {1e-10, 1e-3, 0.1, 1, 20, 95, 1000}},
                    Tail{"(x) = -log(1 - exp(-x))",
                         [](Exact x) { return -logOf1mExp(x); },
                         [](Exact x) { return -x - logOf1mExp(x); },
                         {1e-10, 1e-3, 0.1, 1, 20, 40, 80}},
                    Tail{"(x) = -log1p(-exp(-x))",
                         [](Exact x) { return -logOf1mExp(x); },
                         [](Exact x) { return -x - logOf1mExp(x); },
                         {1e-10, 1e-3, 0.1, 1, 20, 40, 80}},
                    Tail{"(x; b = positive(1)) = softplus(x + b) - softplus(x - b)",
                         softclip,
                         [](Exact x) { return logOf1mExp(2) - softplus(-x - 1) - softplus(x - 1); },
                         {-80, -20, -5, -1, 1, 5, 20, 80, 1e5, 1e10}},
                    Tail{"(x) = 0.5 + atan(x)/pi",
                         [](Exact x) { return (x < 0 ? std::atan(-1 / x) : kPi - std::atan(1 / x)) / kPi; },
                         [](Exact x) { return -std::log(kPi) - std::log1p(x * x); },
                         {-1e15, -1e5, -100, -1, 0.1, 1, 100, 1e5}},
                    Tail{"(x; a = positive(2), b = positive(3)) = log(1 - (1 - x^a)^b)",
                         [](Exact x) { return std::log(-std::expm1(3 * std::log1p(-x * x))); },
                         [](Exact x) {
                           Exact power = 3 * std::log1p(-x * x);
                           return std::log(6 * x) + 2 * power / 3 - std::log(-std::expm1(power));
                         },
                         {1e-10, 1e-5, 1e-3, 0.1, 0.5, 0.9}},
                    Tail{"(x) = log(1 - sigmoid(x)^2)",
                         [](Exact x) { return logOf1mExp(2 * softplus(-x)); },
                         [](Exact x) { return kLn2 - 2 * softplus(-x) - softplus(x) - logOf1mExp(2 * softplus(-x)); },
                         {-40, -5, -1, 1, 5, 20, 80}}));

/// Values have all digits, relative to themselves where only one number is computed; what
/// crosses zero has them relative to 1.
template <typename T>
void Tails::check() {
  const Tail &tail = GetParam();
  Model model =
      initialise("bijection f" + std::string(tail.formula) + "\nbijection g = f(shape = [1])", {.dtype = dtypeOf<T>});
  auto kernels = compileFresh(model);
  constexpr Exact epsilon = std::numeric_limits<T>::epsilon();
  for (double point : tail.points) {
    Rows<T> x = Rows<T>::Constant(1, 1, static_cast<T>(point));
    Exact at = x(0, 0), y = tail.value(at), logSlope = tail.logSlope(at);
    Exact most = std::numeric_limits<T>::max(), least = 16 * std::numeric_limits<T>::min();
    if (std::abs(y) > most || std::abs(y) < least)
      continue;
    auto [value, logDet] = take(kernels->template transform<T>(model, x));
    SCOPED_TRACE(testing::Message() << "x = " << point);
    // The rounding of x and of what is multiplied by it displaces the value, too.
    Exact reach = epsilon * std::abs(at) * std::exp(logSlope);
    // Logarithms around 0 are as exact as their arguments.
    bool isLog = tail.value(at * Exact(1.1)) * y <= 0 || (std::abs(y) < 1 && std::abs(y) > 0.01L);
    EXPECT_NEAR(value(0, 0), static_cast<double>(y),
                static_cast<double>(8 * epsilon * std::abs(y) + 4 * reach + (isLog ? 4 * epsilon : 0)));
    EXPECT_NEAR(
        logDet[0], static_cast<double>(logSlope),
        static_cast<double>(16 * epsilon * (1 + std::abs(logSlope) + std::abs(at) * (std::abs(at) > 1e4L ? 0 : 1))));
    auto [back, inverseLogDet] = take(kernels->template inverse<T>(model, value));
    // Where the value hardly moves with x, it says little about x.
    Exact amplified = epsilon * std::abs(y) / std::exp(logSlope);
    if (amplified < 1e-3L * (1 + std::abs(at)))
      EXPECT_NEAR(back(0, 0), point,
                  static_cast<double>(64 * (epsilon * std::abs(at) + amplified) +
                                      (isLog ? 64 * epsilon / std::exp(logSlope) : 0)));
  }
}

/// The derivative of the value, or of the log-determinant, at some points.
template <typename T>
static void checkSlopes(const std::string &function, Exact (*slope)(Exact), const std::vector<double> &points,
                        bool ofLogDet = false) {
  Model model = initialise("bijection f(x) = " + function + "\nbijection g = f(shape = [1])", {.dtype = dtypeOf<T>});
  auto kernels = compileFresh(model);
  auto rows = static_cast<int64_t>(points.size());
  Rows<T> x(rows, 1), one = Rows<T>::Ones(rows, 1), zero = Rows<T>::Zero(rows, 1), found(rows, 1);
  for (int64_t row = 0; row < rows; ++row)
    x(row, 0) = static_cast<T>(points[row]);
  const T *ofValue = ofLogDet ? zero.data() : one.data(), *ofLogDets = ofLogDet ? one.data() : zero.data();
  auto ok = kernels->run(
      model,
      {.kernel = Kernel::VjpInputs, .inputs = {x.data(), ofValue, ofLogDets}, .outputs = {found.data()}, .rows = rows});
  ASSERT_TRUE(ok) << ok.error().message;
  for (int64_t row = 0; row < rows; ++row) {
    auto expected = static_cast<double>(slope(x(row, 0)));
    EXPECT_NEAR(found(row, 0), expected, 8 * std::numeric_limits<T>::epsilon() * std::abs(expected))
        << function << " at " << x(row, 0);
  }
}

/// d asinh(x) / dx = 1 / sqrt(1 + x^2), d atan(x) / dx = 1 / (1 + x^2).
TEST(Slopes, AreThereWhereSquaresOverflow) {
  auto asinhSlope = [](Exact x) { return 1 / std::hypot(Exact(1), x); };
  checkSlopes<float>("asinh(x)", asinhSlope, {1e25, -1e25, 1e4, -0.5});
  checkSlopes<double>("asinh(x)", asinhSlope, {1e200, -1e200, 1e4, -0.5});
  auto atanSlope = [](Exact x) { return 1 / (1 + x * x); };
  // The square is almost too large, and 1 / (1 + x^2) a normal number.
  checkSlopes<float>("atan(x)", atanSlope, {9e18, -9e18, 1e4, -0.5});
  checkSlopes<double>("atan(x)", atanSlope, {5e153, -5e153, 1e4, -0.5});
}

/// Where a function hardly moves, 1 - y^2 and the like have lost all digits.
TEST(Slopes, AreThereWhereTheyVanish) {
  auto tanhSlope = [](Exact x) { return std::pow(std::cosh(x), Exact(-2)); };
  checkSlopes<float>("tanh(x)", tanhSlope, {-40, -9, -1, 1e-3, 3, 8, 40});
  checkSlopes<double>("tanh(x)", tanhSlope, {-350, -20, -1, 1e-3, 3, 18, 350});
  auto sigmoidSlope = [](Exact x) { return std::exp(-x) / std::pow(1 + std::exp(-x), Exact(2)); };
  checkSlopes<float>("sigmoid(x)", sigmoidSlope, {-80, -10, 0, 1, 10, 17, 80});
  checkSlopes<double>("sigmoid(x)", sigmoidSlope, {-700, -10, 0, 1, 10, 37, 700});
  auto exp = [](Exact x) { return std::exp(x); };
  for (const char *function : {"expm1(x)", "exp(x) - 1"}) {
    checkSlopes<float>(function, exp, {-80, -17, -1, 1, 80});
    checkSlopes<double>(function, exp, {-700, -37, -1, 1, 700});
  }
}

/// The slope of log(h) for h = phi/Phi is -(x + h), of which far to the left
/// 1/(t + 2/(t + 3/(t + ...))) with t = -x is left.
TEST(Slopes, OfTheNormalHazardDoNotCancel) {
  auto slope = [](Exact x) {
    Exact rest = 0;
    for (int k = 1000; k > 0; --k)
      rest = k / (rest - x);
    return -rest;
  };
  checkSlopes<float>("normal_log_cdf(x)", slope, {-1e18, -1e4, -100, -31}, /*ofLogDet=*/true);
  checkSlopes<double>("normal_log_cdf(x)", slope, {-1e100, -1e9, -1e4, -100, -31}, /*ofLogDet=*/true);
}

TEST_P(Tails, KeepTheirDigitsInDouble) { check<double>(); }
TEST_P(Tails, KeepTheirDigitsInSingle) { check<float>(); }
