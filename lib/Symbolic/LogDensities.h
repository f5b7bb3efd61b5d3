//===- LogDensities.h - Log-densities as textbooks write them ---*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values for the judge, in any precision: nothing is rearranged against cancellation.
// The arguments are those of the function's row.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_SYMBOLIC_LOGDENSITIES_H
#define FLOWC_LIB_SYMBOLIC_LOGDENSITIES_H

#include <cmath>
#include <limits>
#include <numbers>
#include <span>

namespace flowc::symbolic {

template <typename T>
using Arguments = std::span<const T>;

/// `density` in the support, -inf elsewhere.
template <typename T>
T inSupport(bool isInside, T density) {
  return isInside ? density : -std::numeric_limits<T>::infinity();
}

/// (y - loc) / scale of {y, ..., loc, scale}.
template <typename T>
T standardized(Arguments<T> u) {
  return (u[0] - u[u.size() - 2]) / u.back();
}

/// log(1 + e^x).
template <typename T>
T softplusOf(T x) {
  return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
}

template <typename T>
T normalLog(Arguments<T> u) {
  T z = standardized(u);
  return -z * z / 2 - std::log(u[2]) - std::log(2 * std::numbers::pi_v<T>) / 2;
}

template <typename T>
T logNormalLog(Arguments<T> u) {
  T logY = std::log(u[0]), moved[] = {logY, u[1], u[2]};
  return inSupport(u[0] > 0, normalLog(Arguments<T>(moved)) - logY);
}

template <typename T>
T studentTLog(Arguments<T> u) {
  T z = standardized(u), df = u[1];
  T norm = std::lgamma((df + 1) / 2) - std::lgamma(df / 2) - std::log(df * std::numbers::pi_v<T>) / 2;
  return norm - (df + 1) / 2 * std::log1p(z * z / df) - std::log(u[3]);
}

template <typename T>
T cauchyLog(Arguments<T> u) {
  T z = standardized(u);
  return -std::log(std::numbers::pi_v<T>) - std::log1p(z * z) - std::log(u[2]);
}

template <typename T>
T laplaceLog(Arguments<T> u) {
  return -std::abs(standardized(u)) - std::log(2 * u[2]);
}

template <typename T>
T logisticLog(Arguments<T> u) {
  T z = std::abs(standardized(u));
  return -z - 2 * std::log1p(std::exp(-z)) - std::log(u[2]);
}

template <typename T>
T gumbelLog(Arguments<T> u) {
  T z = standardized(u);
  return -z - std::exp(-z) - std::log(u[2]);
}

template <typename T>
T exponentialLog(Arguments<T> u) {
  return inSupport(u[0] >= 0, std::log(u[1]) - u[1] * u[0]);
}

/// factor log(x), which is 0 for a factor of 0 even if x is 0.
template <typename T>
T timesLog(T factor, T x) {
  return factor == 0 ? 0 : factor * std::log(x);
}

template <typename T>
T gammaLog(Arguments<T> u) {
  T y = u[0], a = u[1], scale = u[2];
  return inSupport(y >= 0, timesLog(a - 1, y) - y / scale - std::lgamma(a) - a * std::log(scale));
}

template <typename T>
T betaLog(Arguments<T> u) {
  T y = u[0], a = u[1], b = u[2];
  T norm = std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b);
  return inSupport(y >= 0 && y <= 1, timesLog(a - 1, y) + timesLog(b - 1, 1 - y) + norm);
}

template <typename T>
T bernoulliLogitLog(Arguments<T> u) {
  return inSupport(u[0] == 0 || u[0] == 1, -softplusOf(u[0] == 1 ? -u[1] : u[1]));
}

template <typename T>
T binomialLogitLog(Arguments<T> u) {
  T a = u[0], n = u[1], b = n - a, logits = u[2];
  T choices = std::lgamma(n + 1) - std::lgamma(a + 1) - std::lgamma(b + 1);
  bool isCount = a == std::floor(a) && n == std::floor(n) && a >= 0 && b >= 0;
  return inSupport(isCount, choices - a * softplusOf(-logits) - b * softplusOf(logits));
}

template <typename T>
T poissonLog(Arguments<T> u) {
  T k = u[0], rate = u[1];
  return inSupport(k == std::floor(k) && k >= 0, timesLog(k, rate) - rate - std::lgamma(k + 1));
}

} // namespace flowc::symbolic

#endif // FLOWC_LIB_SYMBOLIC_LOGDENSITIES_H
