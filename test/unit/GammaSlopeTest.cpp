//===- GammaSlopeTest.cpp - Gamma draws and their concentration -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpandMathJit.h"

#include "flowc/Conversion/ExpandMath.h"

#include <cmath>
#include <fstream>
#include <limits>

using namespace flowc;
using namespace flowc::test;
using namespace mlir;

namespace {

template <typename T>
struct SlopeFunction {
  SlopeFunction() {
    OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
    ImplicitLocOpBuilder b(module->getLoc(), module->getBodyRegion());
    Type type = sizeof(T) == 4 ? Type(b.getF32Type()) : Type(b.getF64Type());
    auto function = func::FuncOp::create(b, "slope", b.getFunctionType({type, type}, {type}));
    Block *body = function.addEntryBlock();
    b.setInsertionPointToStart(body);
    func::ReturnOp::create(b, buildGammaSlope(b, body->getArgument(0), body->getArgument(1)));
    jit = Jit::compile(*module);
    call = jit ? jit->lookup<T(T, T)>("slope") : nullptr;
  }

  TileContext context;
  std::unique_ptr<Jit> jit;
  T (*call)(T, T) = nullptr;
};

/// Compares with mpmath's values (test/data/gamma_slope/generate.py).
template <typename T>
void checkKnown(double tolerance) {
  SlopeFunction<T> slope;
  ASSERT_TRUE(slope.call);
  std::ifstream file(FLOWC_TEST_DATA "/gamma_slope/gamma_slope.csv");
  std::string line;
  std::getline(file, line);
  int lines = 0;
  double worst = 0;
  for (; std::getline(file, line); ++lines) {
    double a = 0, x = 0, expected = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), "%lf,%lf,%lf", &a, &x, &expected), 3) << line;
    // What rounding the draw to T changes: the slope's own derivative in it is about
    // slope / x, of which 2 ULP of x are accounted for.
    double rounding = sizeof(T) == 4 ? 0x1p-22 : 0;
    double error = std::abs(double(slope.call(T(a), T(x))) / expected - 1);
    EXPECT_LE(error, tolerance + rounding) << line;
    worst = std::max(worst, error);
  }
  EXPECT_EQ(lines, 169);
  std::printf("largest relative error: %.2g\n", worst);
}

} // namespace

// The bounds that ExpandMath.h states.
TEST(GammaSlopeTest, AgainstMpmathF64) { checkKnown<double>(1e-11); }
TEST(GammaSlopeTest, AgainstMpmathF32) { checkKnown<float>(2e-7); }

// For concentration 1 the quantile is -log(1 - u), and for a large one a normal
// quantile: x = a + z sqrt(a) + (z^2 - 1) / 3 + ..., so that dx/da = 1 + z / (2 sqrt(a)) + O(1/a).
TEST(GammaSlopeTest, LargeConcentrations) {
  SlopeFunction<double> slope;
  ASSERT_TRUE(slope.call);
  for (double a : {1e6, 1e8, 1e12})
    for (double z : {-3.0, -0.5, 0.0, 1.0, 4.0})
      EXPECT_NEAR(slope.call(a, a + z * std::sqrt(a) + (z * z - 1) / 3), 1 + z / (2 * std::sqrt(a)), 20 / a + 1e-9)
          << a << " " << z;
}

TEST(GammaSlopeTest, Edges) {
  SlopeFunction<double> slope;
  ASSERT_TRUE(slope.call);
  EXPECT_EQ(slope.call(1.5, 0), 0);
  EXPECT_TRUE(std::isnan(slope.call(1.5, std::numeric_limits<double>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(slope.call(std::numeric_limits<double>::quiet_NaN(), 1)));
  for (double a : {1.0, 3.0, 1e5, 1e15, 1e100, 1e300})
    for (double x : {1e-300, 1e-20, 1e-3, 1.0, 1e3, 1e20, 1e300}) {
      double value = slope.call(a, x);
      EXPECT_TRUE(std::isfinite(value)) << a << " " << x << " " << value;
      EXPECT_GE(value, 0) << a << " " << x;
    }
  // Close to 0, P(a, x) = x^a / Gamma(a + 1) (1 - O(x)): dx/da = x (psi(a + 1) - log x) / a.
  EXPECT_NEAR(slope.call(1, 1e-200) / (1e-200 * (0.42278433509846714 - std::log(1e-200))), 1, 1e-12);
}
