//===- FormulaRootsTest.cpp - Numeric inverses far out --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a numeric inverse finds for numbers of all magnitudes is a root, and there is none
// where it finds nothing.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"

using namespace flowc;
using namespace flowc::test;

namespace {

using Exact = long double;

/// A formula with a numeric inverse, as it is written.
struct Rooted {
  const char *formula;
  Exact (*value)(Exact);
  /// Where it is tried, apart from the sign.
  double low, high;
  bool isOfPositive = false;
};

Exact softplus(Exact x) { return std::max(x, Exact(0)) + std::log1p(std::exp(-std::abs(x))); }
Exact fourSoftplus(Exact x) { return softplus(x + 2) + softplus(x + 1) - softplus(x - 1) - softplus(x); }

void PrintTo(const Rooted &rooted, std::ostream *os) { *os << rooted.formula; }

class FarRoots : public testing::TestWithParam<Rooted> {
protected:
  template <typename T>
  void check();
};

} // namespace

INSTANTIATE_TEST_SUITE_P(
    Formulas, FarRoots,
    testing::Values(
        Rooted{"(x) = x^3 + x", [](Exact x) { return x * x * x + x; }, 1e-30, 1e30},
        Rooted{"(x) = x + exp(x)", [](Exact x) { return x + std::exp(x); }, 1e-30, 1e30},
        Rooted{"(x) = x + tanh(x)", [](Exact x) { return x + std::tanh(x); }, 1e-30, 1e30},
        Rooted{"(x) = sinh(x) + x", [](Exact x) { return std::sinh(x) + x; }, 1e-30, 1e3},
        Rooted{"(x) = x*exp(x^2)", [](Exact x) { return x * std::exp(x * x); }, 1e-30, 30},
        Rooted{"(x) = exp(x) - exp(-2*x)", [](Exact x) { return std::exp(x) - std::exp(-2 * x); }, 1e-3, 1e3},
        Rooted{"(x) = x^3 + x + sin(x)/2", [](Exact x) { return x * x * x + x + std::sin(x) / 2; }, 1e-10, 1e4},
        Rooted{"(x) = asinh(x) + atan(x)", [](Exact x) { return std::asinh(x) + std::atan(x); }, 1e-30, 1e30},
        Rooted{"(x) = x + log(x)", [](Exact x) { return x + std::log(x); }, 1e-30, 1e30, true},
        Rooted{"(x) = x + sqrt(x)", [](Exact x) { return x + std::sqrt(x); }, 1e-30, 1e30, true},
        Rooted{"(x) = exp(x) + log(x)", [](Exact x) { return std::exp(x) + std::log(x); }, 1e-30, 700, true},
        Rooted{"(x) = x - x^(-0.5)", [](Exact x) { return x - 1 / std::sqrt(x); }, 1e-30, 1e30, true},
        // Newton's method creeps towards its roots, and beyond them it is all rounding.
        Rooted{"(x) = softplus(x + 2) + softplus(x + 1) - softplus(x - 1) - softplus(x)", fourSoftplus, 1e-3, 9},
        // What begins at the root of x + exp(x).
        Rooted{"(x) = log(x + exp(x))", [](Exact x) { return std::log(x + std::exp(x)); }, 0.1, 80, true},
        Rooted{"(x) = x + x*sigmoid(x)", [](Exact x) { return x + x / (1 + std::exp(-x)); }, 1e-30, 1e30}));

/// Random points of all magnitudes: what is found maps back to y, as far as x has digits.
template <typename T>
void FarRoots::check() {
  const Rooted &rooted = GetParam();
  Model model =
      initialise("bijection f" + std::string(rooted.formula) + "\nbijection g = f(shape = [1])", {.dtype = dtypeOf<T>});
  auto kernels = compileFresh(model);
  Random random(5);
  std::vector<T> wanted;
  for (int i = 0; i < 2000; ++i) {
    Exact x = std::exp(random.uniform(std::log(rooted.low), std::log(rooted.high)));
    x *= rooted.isOfPositive || random.chance(0.5) ? 1 : -1;
    auto y = static_cast<T>(rooted.value(static_cast<T>(x)));
    if (std::isfinite(y) && std::isnormal(y))
      wanted.push_back(y);
  }
  Rows<T> y = Eigen::Map<const Rows<T>>(wanted.data(), static_cast<int64_t>(wanted.size()), 1);
  Rows<T> x = take(kernels->template inverse<T>(model, y)).first;
  int wrong = 0;
  for (int64_t row = 0; row < y.rows() && wrong < 10; ++row) {
    // The values at the neighbours of x, a few roundings away, enclose y; what the formula
    // itself rounds displaces it, too.
    constexpr Exact epsilon = std::numeric_limits<T>::epsilon();
    // On a half line the root is sought in the logarithm of x, whose rounding grows with it.
    Exact at = x(row, 0), digits = rooted.isOfPositive ? 16 + std::abs(std::log(at)) : 16;
    Exact step = 16 * digits * epsilon * std::abs(at) + 16 * std::numeric_limits<T>::min();
    Exact below = rooted.value(rooted.isOfPositive ? std::max(at - step, at / 2) : at - step);
    Exact above = rooted.value(at + step), room = 8 * epsilon * std::abs(Exact(y(row, 0)));
    bool isRoot = std::min(below, above) - room <= y(row, 0) && y(row, 0) <= std::max(below, above) + room;
    wrong += !isRoot;
    EXPECT_TRUE(isRoot) << "x = " << at << " for y = " << y(row, 0);
  }
}

TEST_P(FarRoots, AreRootsInDouble) { check<double>(); }
TEST_P(FarRoots, AreRootsInSingle) { check<float>(); }

/// Beyond all values there is no root, however the search ends.
TEST(FarRoots, AreNaNWhereThereAreNone) {
  for (const char *formula :
       {"(x) = tanh(x) + x/(1 + abs(x))", "(x) = sigmoid(x) + tanh(x)", "(x) = x/(1 + abs(x)) - exp(-x)"}) {
    for (DType dtype : {F64, F32}) {
      Flow flow = parse("bijection f" + std::string(formula) + "\nbijection g = f(shape = [1])");
      Model model = take(Model::initialise(flow, {.dtype = dtype}));
      auto kernels = compileFresh(model);
      for (double y : {2.5, 100.0, 1e30}) {
        double x = dtype == F64
                       ? take(kernels->inverse<double>(model, Rows<double>::Constant(1, 1, y))).first(0, 0)
                       : take(kernels->inverse<float>(model, Rows<float>::Constant(1, 1, float(y)))).first(0, 0);
        EXPECT_TRUE(std::isnan(x)) << formula << " of " << y << ": " << x;
      }
    }
  }
}
