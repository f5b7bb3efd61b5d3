//===- Uniformity.cpp - Tests of Kolmogorov and Smirnov -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Uniformity.h"

#include "flowc/Evaluation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace flowc;

double flowc::kolmogorovSurvival(double x) {
  constexpr double pi = std::numbers::pi;
  if (!(x > 0.04)) // Below, the probability is 1 to more digits than a double has.
    return 1;
  // Two series for the same number: that of theta's other argument converges fast
  // where this one does not.
  if (x < 1.18) {
    double sum = 0;
    for (int k = 1; k <= 9; k += 2)
      sum += std::exp(-k * k * pi * pi / (8 * x * x));
    return 1 - std::sqrt(2 * pi) / x * sum;
  }
  double sum = 0;
  for (int k = 1; k <= 5; ++k)
    sum += (k % 2 ? 2 : -2) * std::exp(-2 * k * k * x * x);
  return sum;
}

/// The test that found the distance `statistic` with as many rows.
static UniformityTest makeTest(double statistic, double rows) {
  double root = std::sqrt(rows);
  return {statistic, kolmogorovSurvival((root + 0.12 + 0.11 / root) * statistic)};
}

/// NaN has no place in an order.
static void dropUndefined(std::vector<double> &values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
}

UniformityTest flowc::testUniformity(std::vector<double> values) {
  dropUndefined(values);
  if (values.empty())
    return {};
  std::sort(values.begin(), values.end());
  auto n = static_cast<double>(values.size());
  double statistic = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double below = static_cast<double>(i) / n, upTo = static_cast<double>(i + 1) / n;
    statistic = std::max({statistic, upTo - values[i], values[i] - below});
  }
  return makeTest(statistic, n);
}

UniformityTest flowc::testEquality(std::vector<double> first, std::vector<double> second) {
  dropUndefined(first);
  dropUndefined(second);
  if (first.empty() || second.empty())
    return {};
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  auto n = static_cast<double>(first.size()), m = static_cast<double>(second.size());
  double statistic = 0;
  for (size_t i = 0, j = 0; i < first.size() && j < second.size();) {
    double at = std::min(first[i], second[j]);
    while (i < first.size() && first[i] <= at)
      ++i;
    while (j < second.size() && second[j] <= at)
      ++j;
    statistic = std::max(statistic, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return makeTest(statistic, n * m / (n + m));
}
