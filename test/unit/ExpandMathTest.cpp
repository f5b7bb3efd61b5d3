//===- ExpandMathTest.cpp - Accuracy of the math expansions ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every function is compiled for vectors of f32 and f64 and compared with the
// C library in a wider type: double for f32, whose error is 2^-29 ULP, and
// the 64-bit mantissa of long double for f64, whose error is 2^-11 ULP. The
// bound is the 2 ULP that the header promises.
//
//===----------------------------------------------------------------------===//

#include "flowc/Conversion/ExpandMath.h"
#include "ExpandMathJit.h"
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
  double floor32 = 0, floor64 = 0;
  double maxUlp64 = 2;
};

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

template <typename T, typename Wide, typename Reference>
void check(const Function &function, Jit &jit, const std::string &symbol, double low, double high, double floor,
           size_t count, Reference reference) {
  std::vector<T> x = samples<T>(low, high, count, 7), y(x.size());
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
  EXPECT_LE(worst, sizeof(T) == 4 ? maxUlp : function.maxUlp64)
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

template <typename T>
T log1pExp(T x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

template <typename T>
T invLogit(T x) {
  // For negative x this form loses nothing, 1 / (1 + e^-x) overflows late.
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}

/// By the recurrence and the asymptotic series, for x >= 0.
long double digamma(long double x) {
  long double shift = 0;
  if (std::isnan(x) || x < 0)
    return nan;
  for (; x < 30; x += 1)
    shift += 1 / x;
  long double w = 1 / (x * x), series = 0;
  for (long double c : {1.0L / 12, -691.0L / 32760, 1.0L / 132, -1.0L / 240, 1.0L / 252, -1.0L / 120, 1.0L / 12})
    series = series * w + c;
  return std::log(x) - 1 / (2 * x) - series * w - shift;
}
double digamma(double x) { return static_cast<double>(digamma(static_cast<long double>(x))); }

/// The sum of 1 / (x + i)^2, its tail by the asymptotic series, for x >= 0.
long double trigamma(long double x) {
  long double shift = 0;
  if (std::isnan(x) || x < 0)
    return nan;
  for (; x < 30; x += 1)
    shift += 1 / (x * x);
  long double w = 1 / (x * x), series = 0;
  for (long double c : {7.0L / 6, -691.0L / 2730, 5.0L / 66, -1.0L / 30, 1.0L / 42, -1.0L / 30, 1.0L / 6})
    series = series * w + c;
  return shift + 1 / x + w / 2 + series * w / x;
}
double trigamma(double x) { return static_cast<double>(trigamma(static_cast<long double>(x))); }

/// Stirling's series for x >= 30; below, the differences to x + 1.
long double stirling(long double x) {
  if (std::isnan(x) || x < 0)
    return nan;
  long double shift = 0;
  if (x < 1) { // where nothing cancels
    shift = (x + 0.5L) * (std::log1p(x) - std::log(x)) - 1;
    x += 1;
  }
  for (; x < 30; x += 1) {
    long double s = 1 / (2 * x + 1), square = s * s, series = 0;
    for (int k = 24; k >= 1; --k)
      series = (series + 1.0L / (2 * k + 1)) * square;
    shift += series;
  }
  long double w = 1 / (x * x), series = 0;
  for (long double c : {1.0L / 156, -691.0L / 360360, 1.0L / 1188, -1.0L / 1680, 1.0L / 1260, -1.0L / 360, 1.0L / 12})
    series = series * w + c;
  return series / x + shift;
}
double stirling(double x) { return static_cast<double>(stirling(static_cast<long double>(x))); }

long double stirlingSlope(long double x) {
  if (std::isnan(x) || x < 0)
    return nan;
  if (x == 0)
    return -inf;
  long double shift = 0;
  if (x < 1) {
    shift = std::log1p(x) - std::log(x) - (x + 0.5L) / (x * (x + 1));
    x += 1;
  }
  for (; x < 30; x += 1) {
    long double s = 1 / (2 * x + 1), square = s * s, series = 0;
    for (int k = 24; k >= 1; --k)
      series = (series + 2.0L * k / (2 * k + 1)) * square;
    shift -= 2 * s * series;
  }
  long double w = 1 / (x * x), series = 0;
  for (long double c : {1.0L / 12, -691.0L / 32760, 1.0L / 132, -1.0L / 240, 1.0L / 252, -1.0L / 120, 1.0L / 12})
    series = series * w + c;
  return shift - series * w;
}
double stirlingSlope(double x) { return static_cast<double>(stirlingSlope(static_cast<long double>(x))); }

/// log(r) - t with the ratio r that 1 + t rounds to, as the expansion gets it.
Value buildLogMinusOf(ImplicitLocOpBuilder &b, Value t) {
  Type type = t.getType();
  auto one = DenseElementsAttr::get(cast<ShapedType>(type), Attribute(b.getFloatAttr(getElementTypeOrSelf(type), 1.0)));
  return buildLogMinus(b, arith::AddFOp::create(b, t, arith::ConstantOp::create(b, one)), t);
}

template <typename Narrow, typename Wide>
Wide logMinus(Wide t) {
  if (t == 0) // an even function, more or less
    return 0;
  if (t > -0.29 && t < 0.41) { // series of log1p(t) - t, for small t
    Wide s = t / (2 + t), series = 0;
    for (int k = 30; k >= 1; --k)
      series = (series + Wide(2) / (2 * k + 1)) * (s * s);
    return s * (series - t);
  }
  volatile Narrow r = static_cast<Narrow>(1 + t);
  return r < 0 ? Wide(nan) : std::log(static_cast<Wide>(r)) - t;
}

long double log1mExp(long double x) {
  long double a = std::abs(x);
  return a < 0.6931L ? std::log(-std::expm1(-a)) : std::log1p(-std::exp(-a));
}
double log1mExp(double x) { return static_cast<double>(log1mExp(static_cast<long double>(x))); }

/// e^(a^2) erfc(a) for a >= 0; by Laplace's continued fraction where the square is large.
long double erfcx(long double a) {
  if (a < 2)
    return std::exp(a * a) * std::erfc(a);
  long double fraction = a;
  for (int k = 120; k >= 1; --k)
    fraction = a + k / 2.0L / fraction;
  return std::numbers::inv_sqrtpi_v<long double> / fraction;
}

/// {erfcx(|x| / sqrt(2)), e^(-x^2 / 2)}, the square with all its digits.
std::pair<long double, long double> normalParts(long double x) {
  long double a = std::abs(x), square = std::isinf(a * a) ? a : a * a;
  long double rest = std::isinf(square) ? 0 : std::fma(a, a, -square);
  return {erfcx(a / std::numbers::sqrt2_v<long double>), std::exp(-square / 2) * (1 - rest / 2)};
}

long double normalLogCdf(long double x) {
  auto [scaled, exponential] = normalParts(x);
  return x < 0 ? std::log(scaled / 2) - x * x / 2 : std::log1p(-scaled * exponential / 2);
}
double normalLogCdf(double x) { return static_cast<double>(normalLogCdf(static_cast<long double>(x))); }

long double normalHazard(long double x) {
  constexpr long double root = std::numbers::sqrt2_v<long double> * std::numbers::inv_sqrtpi_v<long double>;
  auto [scaled, exponential] = normalParts(x);
  return x < 0 ? root / scaled : exponential * root / 2 / (1 - scaled * exponential / 2);
}
double normalHazard(double x) { return static_cast<double>(normalHazard(static_cast<long double>(x))); }

template <typename T>
T lgammaPositive(T x) {
  return x < 0 ? T(nan) : std::lgamma(x);
}

#define FLOWC_STD(NAME) std::NAME, std::NAME
const Function functions[] = {
    {"exp", buildExp, FLOWC_STD(exp), -120, 120, -760, 760},
    {"log", buildLog, FLOWC_STD(log), -inf, inf, -inf, inf},
    {"log1p", buildLog1p, FLOWC_STD(log1p), -inf, inf, -inf, inf},
    {"expm1", buildExpm1, FLOWC_STD(expm1), -120, 120, -760, 760},
    {"log1pExp", buildLog1pExp, log1pExp, log1pExp, -120, 120, -760, 760},
    {"invLogit", buildInvLogit, invLogit, invLogit, -120, 120, -760, 760},
    {"tanh", buildTanh, FLOWC_STD(tanh), -20, 20, -40, 40},
    {"sin", buildSin, FLOWC_STD(sin), -1e6, 1e6, -1e6, 1e6},
    {"cos", buildCos, FLOWC_STD(cos), -1e6, 1e6, -1e6, 1e6},
    {"atan", buildAtan, FLOWC_STD(atan), -inf, inf, -inf, inf},
    {"sinh", buildSinh, FLOWC_STD(sinh), -120, 120, -760, 760},
    {"cosh", buildCosh, FLOWC_STD(cosh), -120, 120, -760, 760},
    {"asinh", buildAsinh, FLOWC_STD(asinh), -inf, inf, -inf, inf},
    {"atanh", buildAtanh, FLOWC_STD(atanh), -1.5, 1.5, -1.5, 1.5},
    {"erf", buildErf, FLOWC_STD(erf), -8, 8, -8, 8},
    {"erfc", buildErfc, FLOWC_STD(erfc), -inf, inf, -inf, inf, 0, 0, 3},
    {"erfcTail", buildErfc, FLOWC_STD(erfc), 0.4, 9.2, 0.4, 26.6, 0, 0, 3},
    {"log1mExp", buildLog1mExp, log1mExp, log1mExp, -inf, inf, -inf, inf, 0, 0, 3},
    {"normalLogCdf", buildNormalLogCdf, normalLogCdf, normalLogCdf, -inf, inf, -inf, inf, 0, 0, 4},
    {"normalLogCdfTail", buildNormalLogCdf, normalLogCdf, normalLogCdf, -40, 14, -40, 39, 0, 0, 4},
    {"normalHazard", buildNormalHazard, normalHazard, normalHazard, -inf, inf, -inf, inf, 0, 0, 4},
    {"normalHazardTail", buildNormalHazard, normalHazard, normalHazard, -40, 14, -40, 39, 0, 0, 4},
    // Near their roots the error is that of terms of the size of lgamma(16).
    {"lgamma", buildLgamma, lgammaPositive, lgammaPositive, -1, inf, -1, inf, 1e-7, 32},
    {"digamma", buildDigamma, digamma, digamma, -1, inf, -1, inf, 1e-7, 32},
    {"trigamma", buildTrigamma, trigamma, trigamma, -1, inf, -1, inf},
    {"stirling", buildStirling, stirling, stirling, -1, inf, -1, inf, 0, 2},
    {"stirlingAboveOne", buildStirling, stirling, stirling, 1, inf, 1, inf, 0, 0, 4},
    {"stirlingSlope", buildStirlingSlope, stirlingSlope, stirlingSlope, -1, inf, -1, inf, 0, 8},
    {"stirlingSlopeAboveOne", buildStirlingSlope, stirlingSlope, stirlingSlope, 1, inf, 1, inf, 0, 0, 4},
    {"logMinus", buildLogMinusOf, logMinus<double, long double>, logMinus<float, double>, -1, 1e30, -1, 1e300},
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
  std::vector<T> special = {0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1e30, -1e30, T(inf), T(-inf), T(nan), 5, T(1.5)};
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
