//===- ExpandMathReferences.h - What expansions are compared with -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions that the C library lacks, in long double, by other means than the
// expansions: recurrences with series, continued fractions.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_EXPANDMATHREFERENCES_H
#define FLOWC_TEST_UNIT_EXPANDMATHREFERENCES_H

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace flowc::test {

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
inline long double digamma(long double x) {
  long double shift = 0;
  if (std::isnan(x) || x < 0)
    return std::nan("");
  for (; x < 30; x += 1)
    shift += 1 / x;
  long double w = 1 / (x * x), series = 0;
  for (long double c : {1.0L / 12, -691.0L / 32760, 1.0L / 132, -1.0L / 240, 1.0L / 252, -1.0L / 120, 1.0L / 12})
    series = series * w + c;
  return std::log(x) - 1 / (2 * x) - series * w - shift;
}
inline double digamma(double x) { return static_cast<double>(digamma(static_cast<long double>(x))); }

/// The sum of 1 / (x + i)^2, its tail by the asymptotic series, for x >= 0.
inline long double trigamma(long double x) {
  long double shift = 0;
  if (std::isnan(x) || x < 0)
    return std::nan("");
  for (; x < 30; x += 1)
    shift += 1 / (x * x);
  long double w = 1 / (x * x), series = 0;
  for (long double c : {7.0L / 6, -691.0L / 2730, 5.0L / 66, -1.0L / 30, 1.0L / 42, -1.0L / 30, 1.0L / 6})
    series = series * w + c;
  return shift + 1 / x + w / 2 + series * w / x;
}
inline double trigamma(double x) { return static_cast<double>(trigamma(static_cast<long double>(x))); }

/// Stirling's series for x >= 30; below, the differences to x + 1.
inline long double stirling(long double x) {
  if (std::isnan(x) || x < 0)
    return std::nan("");
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
inline double stirling(double x) { return static_cast<double>(stirling(static_cast<long double>(x))); }

inline long double stirlingSlope(long double x) {
  if (std::isnan(x) || x < 0)
    return std::nan("");
  if (x == 0)
    return -HUGE_VALL;
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
inline double stirlingSlope(double x) { return static_cast<double>(stirlingSlope(static_cast<long double>(x))); }

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
  return r < 0 ? std::numeric_limits<Wide>::quiet_NaN() : std::log(static_cast<Wide>(r)) - t;
}

inline long double log1mExp(long double x) {
  long double a = std::abs(x);
  return a < 0.6931L ? std::log(-std::expm1(-a)) : std::log1p(-std::exp(-a));
}
inline double log1mExp(double x) { return static_cast<double>(log1mExp(static_cast<long double>(x))); }

/// e^(a^2) erfc(a) for a >= 0; by Laplace's continued fraction where the square is large.
inline long double erfcx(long double a) {
  if (a < 2)
    return std::exp(a * a) * std::erfc(a);
  long double fraction = a;
  for (int k = 120; k >= 1; --k)
    fraction = a + k / 2.0L / fraction;
  return std::numbers::inv_sqrtpi_v<long double> / fraction;
}

/// {erfcx(|x| / sqrt(2)), e^(-x^2 / 2)}, the square with all its digits.
inline std::pair<long double, long double> normalParts(long double x) {
  long double a = std::abs(x), square = std::isinf(a * a) ? a : a * a;
  long double rest = std::isinf(square) ? 0 : std::fma(a, a, -square);
  return {erfcx(a / std::numbers::sqrt2_v<long double>), std::exp(-square / 2) * (1 - rest / 2)};
}

inline long double normalLogCdf(long double x) {
  auto [scaled, exponential] = normalParts(x);
  return x < 0 ? std::log(scaled / 2) - x * x / 2 : std::log1p(-scaled * exponential / 2);
}
inline double normalLogCdf(double x) { return static_cast<double>(normalLogCdf(static_cast<long double>(x))); }

inline long double normalHazard(long double x) {
  constexpr long double root = std::numbers::sqrt2_v<long double> * std::numbers::inv_sqrtpi_v<long double>;
  auto [scaled, exponential] = normalParts(x);
  return x < 0 ? root / scaled : exponential * root / 2 / (1 - scaled * exponential / 2);
}
inline double normalHazard(double x) { return static_cast<double>(normalHazard(static_cast<long double>(x))); }

template <typename T>
T lgammaPositive(T x) {
  return x < 0 ? std::numeric_limits<T>::quiet_NaN() : std::lgamma(x);
}

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_EXPANDMATHREFERENCES_H
