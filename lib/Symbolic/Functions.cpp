//===- Functions.cpp - The table of mathematical functions ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Symbolic/Functions.h"

#include "LogDensities.h"
#include "flowc/Symbolic/Expression.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace flowc::symbolic {

using enum Function;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static constexpr double kInfinity = Interval::kInfinity;

/// log Gamma(x) for x > 0.
template <typename T>
static T lgammaOf(T x) {
  return x > 0 ? std::lgamma(x) : std::numeric_limits<T>::quiet_NaN();
}

/// The derivative of log Gamma for x > 0: psi(x) = psi(x + 1) - 1/x up to where the
/// asymptotic series is good.
template <typename T>
static T digammaOf(T x) {
  if (!(x > 0))
    return x == 0 ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::quiet_NaN();
  T shift = 0;
  for (; x < 30; ++x)
    shift -= 1 / x;
  T r = 1 / (x * x);
  return shift + std::log(x) - 1 / (2 * x) -
         r * (T(1) / 12 - r * (T(1) / 120 - r * (T(1) / 252 - r * (T(1) / 240 - r * (T(5) / 660)))));
}

/// {h, log Phi(x)} of the normal distribution, h = phi(x) / Phi(x) with its density phi.
struct NormalTail {
  long double hazard, logCdf;

  explicit NormalTail(long double x) {
    constexpr long double halfLogTwoPi = 0.918938533204672741780329736405617640L;
    long double logDensity = -x * x / 2 - halfLogTwoPi;
    constexpr long double start = -20;
    if (x >= start) {
      long double cdf = std::erfc(-x / std::numbers::sqrt2_v<long double>) / 2;
      logCdf = x > 0 ? std::log1p(-std::erfc(x / std::numbers::sqrt2_v<long double>) / 2) : std::log(cdf);
      hazard = std::exp(logDensity) / cdf;
      return;
    }
    // Phi(x) = phi(x) / |x| (1 - 1/x^2 + 3/x^4 - 15/x^6 + ...), whose terms fall down to the 200th.
    long double series = 1, term = 1;
    for (int k = 1; k <= 15; ++k)
      series += term *= -(2 * k - 1) / (x * x);
    logCdf = logDensity - std::log(-x) + std::log(series);
    hazard = -x / series;
  }
};

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

static Interval signOf(const Interval &u) {
  return u.isPositive() ? Interval::point(1) : u.isNegative() ? Interval::point(-1) : Interval::closed(-1, 1);
}

static Interval cosOf(const Interval &u) {
  return u.isPoint() && u.low == 0 ? Interval::point(1) : sin(u + Interval::closed(1.5707963267948, 1.5707963267950));
}

/// It falls up to 1.46, and rises from there on.
static Interval lgammaRange(const Interval &u) {
  Interval values = Interval::open(-0.1215, kInfinity);
  return u.low >= 1.4616321449683625 ? applyIncreasing(u, lgammaOf<double>, values) : values;
}

static Interval digammaRange(const Interval &u) {
  return applyIncreasing(u, digammaOf<double>, Interval::all()) + Interval::open(-1e-9, 1e-9);
}

/// Of a function that falls, from its opposite and its values.
template <double (*opposite)(double)>
static Interval fallingRange(const Interval &u, const Interval &values) {
  return -applyIncreasing(u, opposite, -values);
}

static Interval erfcRange(const Interval &u) {
  return fallingRange<+[](double x) { return -std::erfc(x); }>(u, Interval::open(0, 2));
}

static Interval hazardRange(const Interval &u) {
  return fallingRange<+[](double x) { return static_cast<double>(-NormalTail(x).hazard); }>(u, Interval::positive());
}

/// u^v = exp(v log u), for u > 0.
static Interval powRange(const Interval &u, const Interval &v) {
  Interval logs = applyIncreasing(
      u, [](double x) { return std::log(x); }, Interval::all());
  return applyIncreasing(
      v * logs, [](double x) { return std::exp(x); }, Interval::positive());
}

//===----------------------------------------------------------------------===//
// Derivatives
//===----------------------------------------------------------------------===//

static Expr square(Algebra &a, Expr u) { return a.power(u, 2); }

/// sigmoid(u) sigmoid(-u).
static Expr sigmoidSlope(Algebra &a, Expr u) {
  Expr rising = a.call(Sigmoid, u), falling = a.call(Sigmoid, a.negate(u));
  return a.multiply(rising, falling);
}

/// 1/((1 + u)(1 - u)), which is exact close to the ends.
static Expr atanhSlope(Algebra &a, Expr u) {
  return a.product(1, {{-1, a.sum(1, {{1, u}})}, {-1, a.sum(1, {{-1, u}})}});
}

/// 1 - tanh(u)^2 without its cancellation.
static Expr tanhSlope(Algebra &a, Expr u) {
  Expr twice = a.scale(2, u);
  return a.product(4, {{1, a.call(Sigmoid, twice)}, {1, a.call(Sigmoid, a.negate(twice))}});
}

/// h' = -h (u + h) of h = phi / Phi.
static Expr hazardSlope(Algebra &a, Expr u) {
  Expr h = a.call(NormalHazard, u);
  return a.negate(a.multiply(h, a.add(u, h)));
}

//===----------------------------------------------------------------------===//
// Arguments of log-densities: y, and those of the distribution's constructor
//===----------------------------------------------------------------------===//

static constexpr FunctionArgument kLocScale[] = {{"y"}, {"loc", 0}, {"scale", 1}};
static constexpr FunctionArgument kBernoulli[] = {{"y"}, {"logits"}};
static constexpr FunctionArgument kBeta[] = {{"y"}, {"alpha"}, {"beta"}};
static constexpr FunctionArgument kBinomial[] = {{"y"}, {"n"}, {"logits"}};
static constexpr FunctionArgument kExponential[] = {{"y"}, {"rate", 1}};
static constexpr FunctionArgument kGamma[] = {{"y"}, {"concentration"}, {"scale"}};
static constexpr FunctionArgument kPoisson[] = {{"y"}, {"rate"}};
static constexpr FunctionArgument kStudentT[] = {{"y"}, {"df"}, {"loc", 0}, {"scale", 1}};

static constexpr FunctionRow logDensity(Function function, std::string_view name,
                                        std::span<const FunctionArgument> arguments, RealFunctionOfMany density) {
  return {.function = function,
          .name = name,
          .scope = Scope::Densities,
          .arity = static_cast<unsigned>(arguments.size()),
          .arguments = arguments,
          .density = density};
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

static constexpr FunctionRow kRows[] = {
    {.function = Abs,
     .name = "abs",
     .op = "math.absf",
     .value = [](auto x) { return std::abs(x); },
     .slope = [](auto x) { return decltype(x)(x > 0) - decltype(x)(x < 0); },
     .parity = Parity::Even,
     .rangeOf = intervals::abs,
     .derivative = [](Algebra &a, Expr u) { return a.call(Sign, u); }},
    {.function = Asinh,
     .name = "asinh",
     .op = "math.asinh",
     .value = [](auto x) { return std::asinh(x); },
     .slope = [](auto x) { return 1 / std::hypot(decltype(x)(1), x); },
     .parity = Parity::Odd,
     .rising = Interval::all(),
     .derivative =
         [](Algebra &a, Expr u) {
           return a.power(a.sum(1, {{1, square(a, u)}}), -0.5);
         },
     .inverse = Sinh},
    {.function = Atan,
     .name = "atan",
     .op = "math.atan",
     .value = [](auto x) { return std::atan(x); },
     .slope = [](auto x) { return 1 / (1 + x * x); },
     .parity = Parity::Odd,
     .rising = Interval::open(-1.570796326794897, 1.570796326794897),
     .derivative =
         [](Algebra &a, Expr u) {
           return a.power(a.sum(1, {{1, square(a, u)}}), -1);
         },
     .inverse = Tan},
    {.function = Atanh,
     .name = "atanh",
     .op = "math.atanh",
     .value = [](auto x) { return std::atanh(x); },
     .slope = [](auto x) { return 1 / ((1 - x) * (1 + x)); },
     .parity = Parity::Odd,
     .domain = Interval::open(-1, 1),
     .rising = Interval::all(),
     .derivative = atanhSlope,
     .inverse = Tanh},
    logDensity(BernoulliLogitLog, "bernoulli_logit_log", kBernoulli, [](auto u) { return bernoulliLogitLog(u); }),
    logDensity(BetaLog, "beta_log", kBeta, [](auto u) { return betaLog(u); }),
    logDensity(BinomialLogitLog, "binomial_logit_log", kBinomial, [](auto u) { return binomialLogitLog(u); }),
    logDensity(CauchyLog, "cauchy_log", kLocScale, [](auto u) { return cauchyLog(u); }),
    {.function = Cos,
     .name = "cos",
     .op = "math.cos",
     .value = [](auto x) { return std::cos(x); },
     .slope = [](auto x) { return -std::sin(x); },
     .parity = Parity::Even,
     .rangeOf = cosOf,
     .derivative = [](Algebra &a, Expr u) { return a.negate(a.call(Sin, u)); }},
    {.function = Cosh,
     .name = "cosh",
     .op = "math.cosh",
     .value = [](auto x) { return std::cosh(x); },
     .slope = [](auto x) { return std::sinh(x); },
     .parity = Parity::Even,
     .rising = Interval{1, kInfinity, false, true},
     .derivative = [](Algebra &a, Expr u) { return a.call(Sinh, u); }},
    {.function = Cumsum, .name = "cumsum", .scope = Scope::Densities, .arity = 0, .vectorArity = 1},
    {.function = Detach, .name = "detach", .scope = Scope::Densities, .arity = 0, .vectorArity = 1},
    {.function = Digamma,
     .name = "digamma",
     .scope = Scope::Algebra,
     .op = "sample.digamma",
     .value = [](auto x) { return digammaOf(x); },
     .domain = Interval::positive(),
     .rangeOf = digammaRange},
    {.function = Dot, .name = "dot", .scope = Scope::Densities, .arity = 0, .vectorArity = 2},
    {.function = Erf,
     .name = "erf",
     .op = "math.erf",
     .value = [](auto x) { return std::erf(x); },
     .slope = [](auto x) { return 2 * std::numbers::inv_sqrtpi_v<decltype(x)> * std::exp(-x * x); },
     .parity = Parity::Odd,
     .rising = Interval::open(-1, 1),
     .derivative = [](Algebra &a,
                      Expr u) { return a.scale(2 * std::numbers::inv_sqrtpi, a.call(Exp, a.negate(square(a, u)))); }},
    {.function = Erfc,
     .name = "erfc",
     .op = "math.erfc",
     .value = [](auto x) { return std::erfc(x); },
     .slope = [](auto x) { return -2 * std::numbers::inv_sqrtpi_v<decltype(x)> * std::exp(-x * x); },
     .rangeOf = erfcRange,
     .derivative = [](Algebra &a,
                      Expr u) { return a.scale(-2 * std::numbers::inv_sqrtpi, a.call(Exp, a.negate(square(a, u)))); }},
    {.function = Exp,
     .name = "exp",
     .op = "math.exp",
     .value = [](auto x) { return std::exp(x); },
     .slope = [](auto x) { return std::exp(x); },
     .rising = Interval::positive(),
     .derivative = [](Algebra &a, Expr u) { return a.call(Exp, u); },
     .inverse = Log},
    {.function = Expm1,
     .name = "expm1",
     .op = "math.expm1",
     .value = [](auto x) { return std::expm1(x); },
     .slope = [](auto x) { return std::exp(x); },
     .written =
         [](Algebra &a, std::span<const Expr> u) {
           return a.sum(-1, {{1, a.call(Exp, u[0])}});
         }},
    logDensity(ExponentialLog, "exponential_log", kExponential, [](auto u) { return exponentialLog(u); }),
    logDensity(GammaLog, "gamma_log", kGamma, [](auto u) { return gammaLog(u); }),
    logDensity(GumbelLog, "gumbel_log", kLocScale, [](auto u) { return gumbelLog(u); }),
    logDensity(LaplaceLog, "laplace_log", kLocScale, [](auto u) { return laplaceLog(u); }),
    {.function = Lgamma,
     .name = "lgamma",
     .op = "sample.lgamma",
     .value = [](auto x) { return lgammaOf(x); },
     .slope = [](auto x) { return digammaOf(x); },
     .domain = Interval::positive(),
     .rangeOf = lgammaRange,
     .derivative = [](Algebra &a, Expr u) { return a.call(Digamma, u); }},
    {.function = Log,
     .name = "log",
     .op = "math.log",
     .value = [](auto x) { return std::log(x); },
     .slope = [](auto x) { return 1 / x; },
     .domain = Interval::positive(),
     .rising = Interval::all(),
     .derivative = [](Algebra &a, Expr u) { return a.power(u, -1); },
     .inverse = Exp},
    // log(1 - exp(-|x|)): the algebra's own function is that of |x|.
    {.function = Log1mExp,
     .name = "log1mexp",
     .op = "sample.log1m_exp",
     .value = [](auto x) { return std::log(-std::expm1(-std::abs(x))); },
     .slope = [](auto x) { return std::copysign(1 / std::expm1(std::abs(x)), x); },
     .domain = Interval::positive(),
     .rising = Interval::open(-kInfinity, 0),
     .derivative =
         [](Algebra &a, Expr u) {
           return a.power(a.sum(-1, {{1, a.call(Exp, u)}}), -1);
         },
     .written = [](Algebra &a, std::span<const Expr> u) { return a.call(Log1mExp, a.call(Abs, u[0])); }},
    {.function = Log1p,
     .name = "log1p",
     .op = "math.log1p",
     .value = [](auto x) { return std::log1p(x); },
     .slope = [](auto x) { return 1 / (1 + x); },
     .domain = Interval::open(-1, kInfinity),
     .written =
         [](Algebra &a, std::span<const Expr> u) {
           return a.call(Log, a.sum(1, {{1, u[0]}}));
         }},
    logDensity(LogNormalLog, "log_normal_log", kLocScale, [](auto u) { return logNormalLog(u); }),
    logDensity(LogisticLog, "logistic_log", kLocScale, [](auto u) { return logisticLog(u); }),
    {.function = LogSumExp, .name = "logsumexp", .scope = Scope::Densities, .arity = 0, .vectorArity = 1},
    {.function = Max,
     .name = "max",
     .arity = 2,
     .vectorArity = 1,
     .op = "arith.maximumf",
     .valueOfTwo = [](double x, double y) { return x > y || std::isnan(x) ? x : y; },
     .rangeOfTwo = intervals::max},
    {.function = Mean, .name = "mean", .scope = Scope::Densities, .arity = 0, .vectorArity = 1},
    {.function = Min,
     .name = "min",
     .arity = 2,
     .vectorArity = 1,
     .op = "arith.minimumf",
     .valueOfTwo = [](double x, double y) { return x < y || std::isnan(x) ? x : y; },
     .rangeOfTwo = intervals::min},
    {.function = NormalHazard,
     .name = "normal_hazard",
     .scope = Scope::Algebra,
     .op = "sample.normal_hazard",
     .value = [](auto x) { return static_cast<decltype(x)>(NormalTail(x).hazard); },
     .rangeOf = hazardRange,
     .derivative = hazardSlope},
    logDensity(NormalLog, "normal_log", kLocScale, [](auto u) { return normalLog(u); }),
    {.function = NormalLogCdf,
     .name = "normal_log_cdf",
     .op = "sample.normal_log_cdf",
     .value = [](auto x) { return static_cast<decltype(x)>(NormalTail(x).logCdf); },
     .slope = [](auto x) { return static_cast<decltype(x)>(NormalTail(x).hazard); },
     .rising = Interval::open(-kInfinity, 0),
     .derivative = [](Algebra &a, Expr u) { return a.call(NormalHazard, u); }},
    logDensity(PoissonLog, "poisson_log", kPoisson, [](auto u) { return poissonLog(u); }),
    {.function = Pow,
     .name = "pow",
     .scope = Scope::Algebra,
     .arity = 2,
     .op = "math.powf",
     .domain = Interval::positive(),
     .valueOfTwo = [](double x, double y) { return std::pow(x, y); },
     .rangeOfTwo = powRange},
    {.function = Sigmoid,
     .name = "sigmoid",
     .op = "sample.inv_logit",
     .value = [](auto x) { return 1 / (1 + std::exp(-x)); },
     .slope = [](auto x) { return 1 / (2 + std::exp(x) + std::exp(-x)); },
     .rising = Interval::open(0, 1),
     .derivative = sigmoidSlope},
    {.function = Sign,
     .name = "sign",
     .scope = Scope::Algebra,
     .value = [](auto x) { return decltype(x)(x > 0) - decltype(x)(x < 0); },
     .parity = Parity::Odd,
     .rangeOf = signOf,
     .derivative = [](Algebra &a, Expr) { return a.constant(0); }},
    {.function = Sin,
     .name = "sin",
     .op = "math.sin",
     .value = [](auto x) { return std::sin(x); },
     .slope = [](auto x) { return std::cos(x); },
     .parity = Parity::Odd,
     .rangeOf = intervals::sin,
     .derivative = [](Algebra &a, Expr u) { return a.call(Cos, u); }},
    {.function = Sinh,
     .name = "sinh",
     .op = "math.sinh",
     .value = [](auto x) { return std::sinh(x); },
     .slope = [](auto x) { return std::cosh(x); },
     .parity = Parity::Odd,
     .rising = Interval::all(),
     .derivative = [](Algebra &a, Expr u) { return a.call(Cosh, u); },
     .inverse = Asinh},
    {.function = Softplus,
     .name = "softplus",
     .op = "sample.log1p_exp",
     .value = [](auto x) { return std::max(x, decltype(x)(0)) + std::log1p(std::exp(-std::abs(x))); },
     .slope = [](auto x) { return 1 / (1 + std::exp(-x)); },
     .rising = Interval::positive(),
     .derivative = [](Algebra &a, Expr u) { return a.call(Sigmoid, u); }},
    {.function = Sqrt,
     .name = "sqrt",
     .op = "math.sqrt",
     .value = [](auto x) { return std::sqrt(x); },
     .slope = [](auto x) { return 1 / (2 * std::sqrt(x)); },
     .domain = Interval{0, kInfinity, false, true},
     .written = [](Algebra &a, std::span<const Expr> u) { return a.power(u[0], 0.5); }},
    logDensity(StudentTLog, "student_t_log", kStudentT, [](auto u) { return studentTLog(u); }),
    {.function = Sum, .name = "sum", .scope = Scope::Densities, .arity = 0, .vectorArity = 1},
    {.function = Tan,
     .name = "tan",
     .scope = Scope::Algebra,
     .value = [](auto x) { return std::tan(x); },
     .parity = Parity::Odd,
     .rangeOf = [](const Interval &) { return Interval::all(); },
     .derivative = [](Algebra &a, Expr u) { return a.power(a.call(Cos, u), -2); }},
    {.function = Tanh,
     .name = "tanh",
     .op = "math.tanh",
     .value = [](auto x) { return std::tanh(x); },
     .slope = [](auto x) { return 1 / (std::cosh(x) * std::cosh(x)); },
     .parity = Parity::Odd,
     .rising = Interval::open(-1, 1),
     .derivative = tanhSlope,
     .inverse = Atanh},
    {.function = Where,
     .name = "where",
     .arity = 3,
     .op = "arith.select",
     .written = [](Algebra &a, std::span<const Expr> u) { return a.select(u[0], u[1], u[2]); }},
};

static_assert(std::ranges::is_sorted(kRows, {}, &FunctionRow::name), "rows stand in the order of names");

static constexpr bool standInOrder() {
  for (size_t i = 0; i < std::size(kRows); ++i)
    if (static_cast<size_t>(kRows[i].function) != i)
      return false;
  return true;
}
static_assert(standInOrder(), "rows stand in the order of the enumeration");

size_t FunctionRow::getLeastArity() const {
  return arguments.empty()
             ? arity
             : std::ranges::count_if(arguments, [](const FunctionArgument &argument) { return !argument.otherwise; });
}

std::span<const FunctionRow> getFunctions() { return kRows; }

const FunctionRow &getRow(Function function) { return kRows[static_cast<size_t>(function)]; }

const FunctionRow *findFunction(std::string_view name) {
  const FunctionRow *row = std::ranges::lower_bound(kRows, name, {}, &FunctionRow::name);
  return row != std::end(kRows) && row->name == name && row->scope != Scope::Algebra ? row : nullptr;
}

const FunctionRow *findFunctionOfOp(std::string_view op) {
  const FunctionRow *row = std::ranges::find(kRows, op, &FunctionRow::op);
  return row != std::end(kRows) && !op.empty() ? row : nullptr;
}

} // namespace flowc::symbolic
