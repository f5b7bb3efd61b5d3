//===- ExpandMathTest.cpp - Accuracy of the math expansions ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every function is compiled for vectors of f32 and f64 and compared with the
// C library in a wider type: double for f32, whose error is 2^-29 ULP, and
// the 64-bit mantissa of long double for f64, whose error is 2^-11 ULP. Each
// function has its own bound, a little above what was measured, so that a digit
// that is lost somewhere shows; none is beyond what the header promises.
//
//===----------------------------------------------------------------------===//

#include "flowc/Conversion/ExpandMath.h"
#include "ExpandMathJit.h"
#include "ExpandMathReferences.h"
#include <bit>
#include <climits>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>
#include <random>

using namespace flowc;
using namespace flowc::test;
using namespace mlir;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// One builder, its reference, and where the bound holds.
struct Function {
  const char *name;
  Value (*build)(ImplicitLocOpBuilder &, Value);
  long double (*wide)(long double);
  double (*narrow)(double);
  /// The domain that is sampled for f32, and for f64.
  double low32, high32, low64, high64;
  /// Results closer to zero count as if they were so far from it.
  double floor32, floor64;
  /// What was measured, and a tenth more; at most what ExpandMath.h promises.
  double maxUlp32, maxUlp64;
  /// Whether arguments about every edge of the range are looked at, too.
  bool hasEdges = false;
};

/// What ExpandMath.h promises of pow.
constexpr double maxUlp = 2;

/// `void f(const T *x, T *y, int64_t n)` with n a multiple of the lanes.
void addLoop(ModuleOp module, StringRef name, Type element, int64_t lanes,
             llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> build) {
  ImplicitLocOpBuilder b(module.getLoc(), module.getContext());
  b.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext()), i64 = b.getI64Type();
  auto function = func::FuncOp::create(b, name, b.getFunctionType({pointer, pointer, i64}, {}));
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
  Value step = arith::ConstantOp::create(b, b.getI64IntegerAttr(lanes));
  auto loop = scf::ForOp::create(b, zero, entry->getArgument(2), step);
  func::ReturnOp::create(b);
  b.setInsertionPointToStart(loop.getBody());
  auto address = [&](unsigned argument) -> Value {
    return LLVM::GEPOp::create(b, pointer, element, entry->getArgument(argument),
                               ArrayRef<LLVM::GEPArg>{loop.getInductionVar()});
  };
  Value x = LLVM::LoadOp::create(b, VectorType::get({lanes}, element), address(0), 4);
  LLVM::StoreOp::create(b, build(b, x), address(1), 4);
}

/// Distance in units in the last place of the result type; 0 for equal
/// non-finite values, infinity for unequal ones.
template <typename T, typename Wide>
double ulps(T got, Wide want, double floor = 0) {
  constexpr Wide limit = std::numeric_limits<T>::max(), smallest = std::numeric_limits<T>::min();
  if (std::isnan(want) || std::isnan(got))
    return std::isnan(want) && std::isnan(got) ? 0 : inf;
  // Subnormals are flushed: anything up to the smallest normal may be zero.
  if (std::abs(want) < smallest && !(floor > 0))
    return std::abs(got) <= smallest ? 0 : inf;
  if (std::isinf(got))
    return std::abs(want) >= limit && std::signbit(got) == std::signbit(want) ? 0 : inf;
  if (std::isinf(want))
    return inf;
  int exponent =
      std::max({std::ilogb(want), floor > 0 ? std::ilogb(floor) : INT_MIN, std::numeric_limits<T>::min_exponent - 1});
  Wide ulp = std::ldexp(Wide(1), exponent - std::numeric_limits<T>::digits + 1);
  return static_cast<double>(std::abs(static_cast<Wide>(got) - want) / ulp);
}

/// Uniform over the domain, uniform over its bit patterns, around zero and
/// one, and special values.
template <typename T>
std::vector<T> samples(double low, double high, size_t count, unsigned seed) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  std::mt19937_64 random(seed);
  std::vector<T> result;
  result.reserve(count + 64);
  T lowest = std::max(T(low), std::numeric_limits<T>::lowest()),
    highest = std::min(T(high), std::numeric_limits<T>::max());
  double wideLow = std::max(low, -1e4), wideHigh = std::min(high, 1e4);
  std::uniform_real_distribution<double> uniform(wideLow, wideHigh), narrow(std::max(low, -4.0), std::min(high, 4.0));
  while (result.size() < count) {
    result.push_back(T(uniform(random)));
    result.push_back(T(narrow(random)));
    for (int i = 0; i < 2;) {
      T x = std::bit_cast<T>(static_cast<Bits>(random()));
      if (low >= 0)
        x = std::abs(x);
      if (!std::isnormal(x) || x < lowest || x > highest)
        continue;
      result.push_back(x);
      ++i;
    }
  }
  for (double x : {0.0,
                   -0.0,
                   1.0,
                   -1.0,
                   0.5,
                   -0.5,
                   2.0,
                   -2.0,
                   inf,
                   -inf,
                   nan,
                   double(std::numeric_limits<T>::max()),
                   double(std::numeric_limits<T>::lowest()),
                   double(std::numeric_limits<T>::min()),
                   -double(std::numeric_limits<T>::min()),
                   double(std::nextafter(T(1), T(0))),
                   double(std::nextafter(T(1), T(2))),
                   double(std::nextafter(T(-1), T(0))),
                   low,
                   high})
    if (!std::isfinite(x) || (x >= low && x <= high))
      result.push_back(T(x));
  // A quiet NaN with every payload bit set.
  result.push_back(std::bit_cast<T>(static_cast<Bits>(~Bits(0) >> 1)));
  while (result.size() % 16)
    result.push_back(T(0));
  return result;
}

/// Where a float is among all of them: the next one has the next number.
template <typename T, typename Int = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>
Int ordinalOf(T x) {
  Int bits = std::bit_cast<Int>(x);
  return bits < 0 ? std::numeric_limits<Int>::min() - bits : bits;
}
template <typename T, typename Int>
T floatAt(Int ordinal) {
  return std::bit_cast<T>(ordinal < 0 ? static_cast<Int>(std::numeric_limits<Int>::min() - ordinal) : ordinal);
}

/// Arguments about which results become infinite, subnormal or NaN, found by bisection
/// from a coarse grid of all floats between `low` and `high`: the two next to each such
/// edge and their neighbours.
template <typename T, typename Reference>
std::vector<T> edges(double low, double high, Reference reference) {
  auto kindOf = [&](T x) {
    auto size = std::abs(reference(x));
    if (std::isnan(size))
      return 0;
    return size < std::numeric_limits<T>::min() ? 1 : size <= std::numeric_limits<T>::max() ? 2 : 3;
  };
  auto first = ordinalOf(std::max(T(low), std::numeric_limits<T>::lowest()));
  auto last = ordinalOf(std::min(T(high), std::numeric_limits<T>::max()));
  using Int = decltype(first);
  constexpr Int parts = 4096;
  const Int step = last / parts - first / parts;
  std::vector<T> found;
  Int above = first;
  for (int i = 0; i < parts; ++i) {
    Int below = above;
    above = i + 1 < parts ? below + step : last;
    if (kindOf(floatAt<T>(below)) == kindOf(floatAt<T>(above)))
      continue;
    while (above - below > 1) {
      Int middle = below + (above - below) / 2;
      (kindOf(floatAt<T>(middle)) == kindOf(floatAt<T>(below)) ? below : above) = middle;
    }
    for (Int near = below - 3; near <= above + 3; ++near)
      if (T x = floatAt<T>(near); std::isnormal(x) && near >= first && near <= last)
        found.push_back(x);
  }
  return found;
}

template <typename T, typename Wide, typename Reference>
void check(const Function &function, Jit &jit, const std::string &symbol, double low, double high, double floor,
           size_t count, Reference reference) {
  std::vector<T> x = samples<T>(low, high, count, 7);
  for (T edge : function.hasEdges ? edges<T>(low, high, reference) : std::vector<T>())
    x.push_back(edge);
  while (x.size() % 16)
    x.push_back(T(0));
  std::vector<T> y(x.size());
  {
    FlushSubnormals flush;
    jit.lookup<void(const T *, T *, int64_t)>(symbol)(x.data(), y.data(), x.size());
  }
  double worst = 0;
  T at = 0, got = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    Wide want = reference(x[i]);
    double error = ulps<T, Wide>(y[i], want, floor);
    bool signLost = x[i] == 0 && want == 0 && std::signbit(want) != std::signbit(y[i]);
    if (signLost)
      error = inf;
    if (error > worst) {
      worst = error;
      at = x[i];
      got = y[i];
    }
  }
  std::printf("%-12s %s  max %.3f ULP at %.17g\n", function.name, sizeof(T) == 4 ? "f32" : "f64", worst, double(at));
  EXPECT_LE(worst, sizeof(T) == 4 ? function.maxUlp32 : function.maxUlp64)
      << function.name << " of " << std::hexfloat << at << " gives " << got << ", not " << reference(at);
}

class ExpandMathAccuracy : public ::testing::TestWithParam<Function> {};

TEST_P(ExpandMathAccuracy, IsWithinBound) {
  const Function &function = GetParam();
  TileContext context;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  addLoop(*module, "f32", Float32Type::get(&context), 16, function.build);
  addLoop(*module, "f64", Float64Type::get(&context), 8, function.build);
  std::unique_ptr<Jit> jit = Jit::compile(*module);
  ASSERT_TRUE(jit);
  check<float, double>(function, *jit, "f32", function.low32, function.high32, function.floor32, 10'000'000,
                       [&](float x) { return function.narrow(x); });
  check<double, long double>(function, *jit, "f64", function.low64, function.high64, function.floor64, 2'000'000,
                             [&](double x) { return function.wide(x); });
}

/// log(r) - t with the ratio r that 1 + t rounds to, as the expansion gets it.
Value buildLogMinusOf(ImplicitLocOpBuilder &b, Value t) {
  Type type = t.getType();
  auto one = DenseElementsAttr::get(cast<ShapedType>(type), Attribute(b.getFloatAttr(getElementTypeOrSelf(type), 1.0)));
  return buildLogMinus(b, arith::AddFOp::create(b, t, arith::ConstantOp::create(b, one)), t);
}

#define FLOWC_STD(NAME) std::NAME, std::NAME
const Function functions[] = {
    {"exp", buildExp, FLOWC_STD(exp), -120, 120, -760, 760, 0, 0, 1.12, 1.1, true},
    {"log", buildLog, FLOWC_STD(log), -inf, inf, -inf, inf, 0, 0, 1.05, 0.85, true},
    {"log1p", buildLog1p, FLOWC_STD(log1p), -inf, inf, -inf, inf, 0, 0, 1.66, 1.43, true},
    {"expm1", buildExpm1, FLOWC_STD(expm1), -120, 120, -760, 760, 0, 0, 1.57, 1.97, true},
    {"log1pExp", buildLog1pExp, log1pExp, log1pExp, -120, 120, -760, 760, 0, 0, 2, 1.81, true},
    {"invLogit", buildInvLogit, invLogit, invLogit, -120, 120, -760, 760, 0, 0, 1.8, 1.7, true},
    {"tanh", buildTanh, FLOWC_STD(tanh), -20, 20, -40, 40, 0, 0, 1.58, 1.54, true},
    {"sin", buildSin, FLOWC_STD(sin), -1e6, 1e6, -1e6, 1e6, 0, 0, 1.68, 1.57, true},
    {"cos", buildCos, FLOWC_STD(cos), -1e6, 1e6, -1e6, 1e6, 0, 0, 1.67, 1.6, true},
    {"atan", buildAtan, FLOWC_STD(atan), -inf, inf, -inf, inf, 0, 0, 0.56, 1.58, true},
    {"sinh", buildSinh, FLOWC_STD(sinh), -120, 120, -760, 760, 0, 0, 1.76, 1.73, true},
    {"cosh", buildCosh, FLOWC_STD(cosh), -120, 120, -760, 760, 0, 0, 1.6, 1.56, true},
    {"asinh", buildAsinh, FLOWC_STD(asinh), -inf, inf, -inf, inf, 0, 0, 0.56, 1.68, true},
    {"atanh", buildAtanh, FLOWC_STD(atanh), -1.5, 1.5, -1.5, 1.5, 0, 0, 0.56, 2, true},
    {"erf", buildErf, FLOWC_STD(erf), -8, 8, -8, 8, 0, 0, 1.52, 1.49, true},
    {"erfc", buildErfc, FLOWC_STD(erfc), -inf, inf, -inf, inf, 0, 0, 0.56, 2.27, true},
    {"erfcTail", buildErfc, FLOWC_STD(erfc), 0.4, 9.2, 0.4, 26.6, 0, 0, 2, 3},
    {"log1mExp", buildLog1mExp, log1mExp, log1mExp, -inf, inf, -inf, inf, 0, 0, 0.56, 2.36, true},
    {"normalLogCdf", buildNormalLogCdf, normalLogCdf, normalLogCdf, -inf, inf, -inf, inf, 0, 0, 2, 4},
    {"normalLogCdfTail", buildNormalLogCdf, normalLogCdf, normalLogCdf, -40, 14, -40, 39, 0, 0, 2, 4},
    {"normalHazard", buildNormalHazard, normalHazard, normalHazard, -inf, inf, -inf, inf, 0, 0, 2, 4},
    {"normalHazardTail", buildNormalHazard, normalHazard, normalHazard, -40, 14, -40, 39, 0, 0, 2, 4},
    // Near their roots the error is that of terms of the size of lgamma(16).
    {"lgamma", buildLgamma, lgammaPositive, lgammaPositive, -1, inf, -1, inf, 1e-7, 32, 2, 2},
    {"digamma", buildDigamma, digamma, digamma, -1, inf, -1, inf, 1e-7, 32, 2, 2},
    {"trigamma", buildTrigamma, trigamma, trigamma, -1, inf, -1, inf, 0, 0, 2, 2},
    {"stirling", buildStirling, stirling, stirling, -1, inf, -1, inf, 0, 2, 2, 2},
    {"stirlingAboveOne", buildStirling, stirling, stirling, 1, inf, 1, inf, 0, 0, 2, 4},
    {"stirlingSlope", buildStirlingSlope, stirlingSlope, stirlingSlope, -1, inf, -1, inf, 0, 8, 2, 2},
    {"stirlingSlopeAboveOne", buildStirlingSlope, stirlingSlope, stirlingSlope, 1, inf, 1, inf, 0, 0, 2, 4},
    {"logMinus", buildLogMinusOf, logMinus<double, long double>, logMinus<float, double>, -1, 1e30, -1, 1e300, 0, 0, 2,
     2},
};

INSTANTIATE_TEST_SUITE_P(All, ExpandMathAccuracy, ::testing::ValuesIn(functions),
                         [](const auto &info) { return std::string(info.param.name); });

//===----------------------------------------------------------------------===//
// pow
//===----------------------------------------------------------------------===//

template <typename T, typename Wide>
void checkPow(int64_t lanes, size_t count) {
  TileContext context;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  Type element = sizeof(T) == 4 ? Type(Float32Type::get(&context)) : Type(Float64Type::get(&context));
  // Pairs are stored as vectors of bases and of exponents in turn.
  std::mt19937_64 random(5);
  std::vector<T> special = {0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1e30, -1e30, T(inf), T(-inf), T(nan), 5, T(1.5),
                            // Odd and even whole numbers, as long as there are odd ones.
                            0x1p23 + 1, 0x1p24, 0x1p24 + 2, T(0x1p52 + 1), T(0x1p53 - 1), 0x1p53, 0x1p53 + 2, 0x1p54,
                            -0x1p53 - 2, 0x1p62, 0x1p100, T(1 + 0x1p-40), T(-1 - 0x1p-40)};
  std::vector<T> x, y;
  for (T p : special) {
    for (T q : special) {
      x.push_back(p);
      y.push_back(q);
    }
  }
  std::uniform_real_distribution<double> logBase(-1, 1), size(-5, 11);
  while (x.size() < count) {
    // Bases of all sizes, exponents that keep the result in range mostly.
    double base = std::exp(logBase(random) * std::exp2(size(random) - 2)),
           power = logBase(random) * std::exp2(size(random));
    if (!std::isnormal(T(base)))
      continue;
    x.push_back(T(random() % 4 ? base : -base));
    y.push_back(T(random() % 4 ? power : std::round(power)));
  }
  while (x.size() % lanes) {
    x.push_back(1);
    y.push_back(1);
  }
  std::vector<T> pairs, got(2 * x.size());
  for (size_t i = 0; i < x.size(); i += lanes) {
    pairs.insert(pairs.end(), x.begin() + i, x.begin() + i + lanes);
    pairs.insert(pairs.end(), y.begin() + i, y.begin() + i + lanes);
  }
  addLoop(*module, "power", element, 2 * lanes, [&](ImplicitLocOpBuilder &b, Value both) -> Value {
    Value base = vector::ExtractStridedSliceOp::create(b, both, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{lanes},
                                                       ArrayRef<int64_t>{1});
    Value power = vector::ExtractStridedSliceOp::create(b, both, ArrayRef<int64_t>{lanes}, ArrayRef<int64_t>{lanes},
                                                        ArrayRef<int64_t>{1});
    return vector::InsertStridedSliceOp::create(b, buildPow(b, base, power), both, ArrayRef<int64_t>{0},
                                                ArrayRef<int64_t>{1});
  });
  std::unique_ptr<Jit> jit = Jit::compile(*module);
  ASSERT_TRUE(jit);
  {
    FlushSubnormals flush;
    jit->lookup<void(const T *, T *, int64_t)>("power")(pairs.data(), got.data(), pairs.size());
  }
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    T result = got[i / lanes * 2 * lanes + i % lanes];
    Wide want = std::pow(Wide(x[i]), Wide(y[i]));
    double error = ulps<T, Wide>(result, want);
    if ((result == 0 || std::isinf(result)) && std::signbit(result) != std::signbit(want))
      error = inf;
    ASSERT_LE(error, maxUlp) << x[i] << " ^ " << y[i] << " gives " << result << ", not " << want;
    worst = std::max(worst, error);
  }
  std::printf("%-12s %s  max %.3f ULP\n", "pow", sizeof(T) == 4 ? "f32" : "f64", worst);
}

TEST(ExpandMathPow, IsWithinBoundF32) { checkPow<float, double>(16, 4'000'000); }
TEST(ExpandMathPow, IsWithinBoundF64) { checkPow<double, long double>(8, 2'000'000); }

//===----------------------------------------------------------------------===//
// Angles given as integers
//===----------------------------------------------------------------------===//

template <typename T, typename Bits>
void checkTurn(int64_t lanes) {
  TileContext context;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  Type element = sizeof(T) == 4 ? Type(Float32Type::get(&context)) : Type(Float64Type::get(&context));
  for (bool sine : {true, false}) {
    addLoop(*module, sine ? "sine" : "cosine", element, lanes, [&](ImplicitLocOpBuilder &b, Value x) -> Value {
      Type integer = VectorType::get({lanes}, b.getIntegerType(8 * sizeof(T)));
      auto [sin, cos] = buildSinCosTurn(b, x.getType(), arith::BitcastOp::create(b, integer, x));
      return sine ? sin : cos;
    });
  }
  std::unique_ptr<Jit> jit = Jit::compile(*module);
  ASSERT_TRUE(jit);
  std::mt19937_64 random(3);
  std::vector<T> x(1 << 20), y(x.size());
  for (T &value : x)
    value = std::bit_cast<T>(static_cast<Bits>(random()));
  for (bool sine : {true, false}) {
    // Without FlushSubnormals, which would spoil the integers' copies.
    jit->lookup<void(const T *, T *, int64_t)>(sine ? "sine" : "cosine")(x.data(), y.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      // The quarter turn is taken off exactly, so that pi's rounding is small.
      Bits bits = std::bit_cast<Bits>(x[i]);
      uint64_t turn = sizeof(T) == 4 ? uint64_t(bits) << 32 : uint64_t(bits) >> 11 << 11;
      uint64_t quadrant = (turn + (1ull << 61)) >> 62;
      long double angle = static_cast<int64_t>(turn - (quadrant << 62)) * 0x1p-63L * std::acos(-1.0L);
      unsigned q = (quadrant + (sine ? 0 : 1)) & 3;
      long double want = (q & 1 ? std::cos(angle) : std::sin(angle)) * (q & 2 ? -1 : 1);
      ASSERT_LE((ulps<T, long double>(y[i], want)), 3) << std::hex << bits;
    }
  }
}

TEST(ExpandMathTurn, IsWithinBoundF32) { checkTurn<float, uint32_t>(16); }
TEST(ExpandMathTurn, IsWithinBoundF64) { checkTurn<double, uint64_t>(8); }

//===----------------------------------------------------------------------===//
// Logarithms of products
//===----------------------------------------------------------------------===//

/// x^40 and 24 constants, most of whose prefixes would over- or underflow.
template <typename T>
void checkProduct(int64_t lanes, double smallest) {
  TileContext context;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  Type element = sizeof(T) == 4 ? Type(Float32Type::get(&context)) : Type(Float64Type::get(&context));
  T largest = std::numeric_limits<T>::max(), constants[] = {largest, T(smallest), 1, T(0.01), 3, largest, T(1.5), 7};
  constexpr int powers = 5, rounds = 3; // for each constant; of all
  addLoop(*module, "product", element, lanes, [&](ImplicitLocOpBuilder &b, Value x) -> Value {
    LogOfProduct product = buildEmptyProduct(b, x.getType());
    for (T constant : constants) {
      auto splat = DenseElementsAttr::get(cast<ShapedType>(x.getType()), Attribute(b.getFloatAttr(element, constant)));
      for (int i = 0; i < powers; ++i)
        product = buildMultiply(b, product, x);
      for (int i = 0; i < rounds; ++i)
        product = buildMultiply(b, product, arith::ConstantOp::create(b, splat));
    }
    return buildLog(b, product);
  });
  std::unique_ptr<Jit> jit = Jit::compile(*module);
  ASSERT_TRUE(jit);
  std::vector<T> x = samples<T>(smallest, largest, 100'000, 4);
  std::erase_if(x, [&](T value) { return !(value >= T(smallest) && std::isfinite(value)); });
  x.resize(x.size() / lanes * lanes);
  std::vector<T> y(x.size());
  {
    FlushSubnormals flush;
    jit->lookup<void(const T *, T *, int64_t)>("product")(x.data(), y.data(), x.size());
  }
  long double ofConstants = 0;
  for (T constant : constants)
    ofConstants += rounds * std::log(static_cast<long double>(constant));
  const int factors = (powers + rounds) * std::size(constants);
  for (size_t i = 0; i < x.size(); ++i) {
    long double want = powers * std::size(constants) * std::log(static_cast<long double>(x[i])) + ofConstants;
    // A rounding of half an epsilon per factor, and 2 ULP of the result.
    long double allowed = std::numeric_limits<T>::epsilon() * (factors / 2 + 2 * std::abs(want));
    ASSERT_LE(std::abs(y[i] - want), allowed) << "factor " << x[i] << ": got " << y[i] << ", not " << want;
  }
}

TEST(ExpandMathProduct, IsWithinBoundF32) { checkProduct<float>(16, 1e-30); }
TEST(ExpandMathProduct, IsWithinBoundF64) { checkProduct<double>(8, 1e-300); }

} // namespace
