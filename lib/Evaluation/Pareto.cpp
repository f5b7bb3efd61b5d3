//===- Pareto.cpp - Pareto-smoothed importance sampling -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pareto.h"

#include "flowc/Evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace flowc;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

int64_t flowc::tailSize(int64_t draws) {
  auto s = static_cast<double>(draws);
  return static_cast<int64_t>(std::ceil(std::min(s / 5, 3 * std::sqrt(s))));
}

/// Mean of log(1 - b x).
static double meanLog(std::span<const double> x, double b) {
  double sum = 0;
  for (double value : x)
    sum += std::log1p(-b * value);
  return sum / static_cast<double>(x.size());
}

/// Zhang and Stephens' estimate for ascending positive `x`: the posterior mean of b =
/// -k / sigma over a grid of quasi-random points of its prior, then k by likelihood;
/// PSIS draws k towards 1/2 with the weight of ten observations.
static std::pair<double, double> fitPareto(std::span<const double> x) {
  constexpr double priorSpread = 3, priorWeight = 10, priorK = 0.5;
  auto n = static_cast<double>(x.size());
  auto points = 30 + static_cast<int64_t>(std::sqrt(n));
  double quartile = x[static_cast<size_t>(n / 4 + 0.5) - 1];
  std::vector<double> b, profile;
  for (int64_t i = 1; i <= points; ++i) {
    double at =
        (1 - std::sqrt(static_cast<double>(points) / (static_cast<double>(i) - 0.5))) / (priorSpread * quartile) +
        1 / x.back();
    double k = meanLog(x, at), likelihood = n * (std::log(-at / k) - k - 1);
    if (!std::isfinite(likelihood)) // b = 0, a distribution of its own
      continue;
    b.push_back(at);
    profile.push_back(likelihood);
  }
  if (b.empty())
    return {kInfinity, 0};
  double most = *std::max_element(profile.begin(), profile.end()), total = 0, mean = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    double weight = std::exp(profile[i] - most);
    total += weight;
    mean += weight * b[i];
  }
  mean /= total;
  double k = meanLog(x, mean), sigma = -k / mean;
  return {(n * k + priorWeight * priorK) / (n + priorWeight), sigma};
}

ParetoTail flowc::fitTail(std::span<const double> sorted, bool hasCutoff) {
  constexpr int64_t fewest = 5;
  ParetoTail tail;
  tail.k = kInfinity;
  if (sorted.empty())
    return tail;
  double most = sorted.back(), least = std::log(std::numeric_limits<double>::min());
  double cutoff = hasCutoff ? std::max(sorted.front() - most, least) : least;
  if (hasCutoff && sorted.front() == most) {
    tail.k = 0; // As many ratios as make a tail are equal and the largest.
    return tail;
  }
  tail.cutoff = std::exp(cutoff);
  std::vector<double> excess;
  for (double logRatio : sorted)
    if (logRatio - most > cutoff)
      excess.push_back(std::exp(logRatio - most) - tail.cutoff);
  tail.size = static_cast<int64_t>(excess.size());
  // What rounding leaves of a difference may be zero.
  if (tail.size < fewest || !(excess.front() > 0))
    return tail;
  auto [k, scale] = fitPareto(excess);
  tail.k = std::isnan(k) ? kInfinity : k;
  if (std::isfinite(tail.k) && scale > 0)
    tail.scale = scale;
  return tail;
}

double ParetoTail::logQuantile(int64_t i) const {
  double exponent = -std::log1p(-(static_cast<double>(i) + 0.5) / static_cast<double>(size));
  double unit = std::abs(k) < std::numeric_limits<double>::epsilon() ? exponent : std::expm1(k * exponent) / k;
  return std::min(0.0, std::log(*scale * unit + cutoff));
}

double flowc::smoothLogRatios(std::span<double> logRatios) {
  std::vector<size_t> order;
  for (size_t i = 0; i < logRatios.size(); ++i)
    if (logRatios[i] > -kInfinity)
      order.push_back(i);
  auto kept = std::min(order.size(), static_cast<size_t>(tailSize(static_cast<int64_t>(logRatios.size())) + 1));
  bool hasCutoff = kept < order.size() || kept == logRatios.size();
  // Equal ratios are told apart by their number, so that the order is one.
  auto above = [&](size_t a, size_t b) { return logRatios[a] != logRatios[b] ? logRatios[a] > logRatios[b] : a > b; };
  std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(kept), order.end(), above);
  order.resize(kept);
  std::reverse(order.begin(), order.end());
  std::vector<double> sorted;
  for (size_t i : order)
    sorted.push_back(logRatios[i]);
  ParetoTail tail = fitTail(sorted, hasCutoff);
  if (!tail.scale)
    return tail.k;
  double most = sorted.back();
  for (int64_t i = 0; i < tail.size; ++i)
    logRatios[order[order.size() - static_cast<size_t>(tail.size - i)]] = most + tail.logQuantile(i);
  return tail.k;
}

double flowc::paretoK(std::span<const double> logRatios) {
  std::vector<double> copy(logRatios.begin(), logRatios.end());
  return smoothLogRatios(copy);
}

double flowc::paretoKThreshold(int64_t draws) {
  return std::min(1 - 1 / std::log10(static_cast<double>(std::max<int64_t>(draws, 2))), 0.7);
}

std::string flowc::describeParetoK(double k, int64_t draws) {
  if (k < paretoKThreshold(draws))
    return "good: importance sampling makes up for what the flow misses";
  if (k < 0.7) // From this many draws on, k is below the threshold.
    return "not yet good: as heavy a tail takes " +
           std::to_string(static_cast<int64_t>(std::ceil(std::pow(10, 1 / (1 - k))))) + " draws";
  if (k < 1)
    return "bad: few draws have most of the weight, the evidence and resampled draws are unreliable";
  return "very bad: the flow misses a part of the target, and more draws will not find it";
}
