//===- Cdf.h - Distribution functions in long double ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// P(X <= x) of standard distributions, to far more digits than a test of draws
// can tell. The incomplete gamma and beta functions are those of DLMF 8.11.4,
// 8.9.2 and 8.17.22: a series, and continued fractions by Lentz's method.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TEST_UNIT_CDF_H
#define FLOWC_TEST_UNIT_CDF_H

#include <cmath>
#include <limits>
#include <numbers>

namespace flowc::test {

using Real = long double;

/// b(0) + a(1) / (b(1) + a(2) / (b(2) + ...)) for `term(n, a, b)`.
template <typename Term>
Real continuedFraction(Real b0, Term term) {
  constexpr Real tiny = 1e-4000L;
  Real value = b0 == 0 ? tiny : b0, c = value, d = 0;
  for (int n = 1; n < 100000; ++n) {
    Real a, b;
    term(n, a, b);
    d = b + a * d;
    d = 1 / (d == 0 ? tiny : d);
    c = b + a / c;
    c = c == 0 ? tiny : c;
    value *= c * d;
    if (std::abs(c * d - 1) < 1e-17L)
      break;
  }
  return value;
}

/// The regularised lower incomplete gamma function P(a, x).
inline Real gammaCdf(Real a, Real x) {
  if (x <= 0)
    return 0;
  Real front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1) {
    Real term = 1 / a, sum = term;
    for (int n = 1; n < 100000 && term > sum * 1e-18L; ++n)
      sum += term *= x / (a + n);
    return front * sum;
  }
  return 1 - front / continuedFraction(x + 1 - a, [&](int n, Real &numerator, Real &b) {
               numerator = -n * (n - a);
               b = x + 2 * n + 1 - a;
             });
}

/// The regularised incomplete beta function I_x(a, b); `rest` is 1 - x.
inline Real betaCdf(Real a, Real b, Real x, Real rest) {
  if (x <= 0)
    return 0;
  if (rest <= 0)
    return 1;
  if (x > (a + 1) / (a + b + 2))
    return 1 - betaCdf(b, a, rest, x);
  Real front =
      std::exp(a * std::log(x) + b * std::log(rest) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b)) / a;
  return front / continuedFraction(1, [&](int n, Real &numerator, Real &one) {
           int m = n / 2;
           numerator = n % 2 ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                             : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
           one = 1;
         });
}

inline Real normalCdf(Real x) { return 0.5L * std::erfc(-x / std::numbers::sqrt2_v<Real>); }
inline Real uniformCdf(Real x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
inline Real gumbelCdf(Real x) { return std::exp(-std::exp(-x)); }
inline Real cauchyCdf(Real x) { return std::atan2(Real(1), -x) / std::numbers::pi_v<Real>; }
inline Real laplaceCdf(Real x) { return x < 0 ? std::exp(x) / 2 : 1 - std::exp(-x) / 2; }
inline Real exponentialCdf(Real x) { return x < 0 ? 0 : -std::expm1(-x); }
inline Real logisticCdf(Real x) { return 1 / (1 + std::exp(-x)); }

/// Student's t distribution with `df` degrees of freedom.
inline Real studentTCdf(Real df, Real x) {
  Real square = x * x, lower = betaCdf(df / 2, Real(0.5), df / (df + square), square / (df + square)) / 2;
  return x < 0 ? lower : 1 - lower;
}

} // namespace flowc::test

#endif // FLOWC_TEST_UNIT_CDF_H
