//===- Image.cpp - Which values a formula takes ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Limits by trial: nothing that is computed depends on them, only what is said
// about the support of a flow.
//
//===----------------------------------------------------------------------===//

#include "flowc/Symbolic/Derivation.h"

#include <algorithm>
#include <cmath>

namespace flowc::symbolic {

static constexpr double kInfinity = Interval::kInfinity;

/// Three values of a parameter inside of its domain.
static double getTrial(const Interval &domain, double start, int i) {
  if (i == 0)
    return start;
  if (domain.isBounded())
    return domain.low + (i == 1 ? 0.3 : 0.8) * (domain.high - domain.low);
  return domain.low == 0 ? start * (i == 1 ? 1.7 : 0.4) : start + (i == 1 ? 0.7 : -0.9);
}

/// The limit of values on the way to an end: of ever larger steps those that do not
/// shrink lead to infinity.
static double getLimit(const std::vector<double> &values) {
  for (double value : values)
    if (std::isinf(value))
      return value;
  size_t n = values.size();
  double last = values[n - 1] - values[n - 2], before = values[n - 2] - values[n - 3];
  bool isUnbounded = last != 0 && std::abs(last) > 0.5 * std::abs(before);
  return isUnbounded ? std::copysign(kInfinity, last) : values.back();
}

/// The limit at an end of the domain, NaN if it depends on the parameters.
static double findLimit(const Algebra &algebra, const Derivation &derivation, bool atHigh) {
  double end = atHigh ? derivation.domain.high : derivation.domain.low;
  // Steps are large enough that a logarithm takes equal ones.
  static constexpr double sizes[] = {1e2, 1e4, 1e6, 1e8, 1e10, 1e12};
  std::vector<double> limits;
  for (int trial = 0; trial < 3; ++trial) {
    std::vector<double> values, arguments(algebra.getNumSymbols());
    for (size_t i = 1; i < arguments.size(); ++i)
      arguments[i] = getTrial(algebra.getDomain(algebra.getSymbol(i)), algebra.getStart(algebra.getSymbol(i)), trial);
    for (double size : sizes) {
      double distance = (atHigh ? -1 : 1) / size;
      arguments[0] = std::isinf(end) ? std::copysign(size, end) : end + distance;
      values.push_back(algebra.evaluate(derivation.function, arguments));
    }
    limits.push_back(getLimit(values));
  }
  bool isFixed = std::all_of(limits.begin(), limits.end(), [&](double limit) {
    return limit == limits[0] || std::abs(limit - limits[0]) < 1e-6 * (1 + std::abs(limit));
  });
  if (!isFixed || std::isnan(limits[0]))
    return std::numeric_limits<double>::quiet_NaN();
  // Limits that the parameters do not move are mostly round numbers.
  double rounded = std::round(limits[0]);
  return std::abs(limits[0] - rounded) < 1e-6 ? rounded + 0.0 : limits[0];
}

std::pair<double, double> findImage(const Algebra &algebra, const Derivation &derivation) {
  return {findLimit(algebra, derivation, /*atHigh=*/false), findLimit(algebra, derivation, /*atHigh=*/true)};
}

} // namespace flowc::symbolic
