//===- Statistics.cpp - Numbers that a report is made of ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Report/Statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace flowc;
using namespace flowc::report;

//===----------------------------------------------------------------------===//
// Axes and bins
//===----------------------------------------------------------------------===//

double Scale::position(double value) const {
  if (!logarithmic)
    return (value - low) / (high - low);
  return value > 0 ? std::log(value / low) / std::log(high / low) : std::numeric_limits<double>::quiet_NaN();
}

double Scale::valueAt(double position) const {
  return logarithmic ? low * std::pow(high / low, position) : low + position * (high - low);
}

std::vector<double> report::sortedColumn(const Rows<double> &rows, int64_t column) {
  std::vector<double> values;
  for (double value : rows.col(column))
    if (!std::isnan(value))
      values.push_back(value);
  std::ranges::sort(values);
  return values;
}

double report::meanOf(std::span<const double> values) {
  double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return sum / static_cast<double>(values.size());
}

double report::deviationOf(std::span<const double> values) {
  double mean = meanOf(values), squares = 0;
  for (double value : values)
    squares += (value - mean) * (value - mean);
  return std::sqrt(squares / (static_cast<double>(values.size()) - 1));
}

Scale report::chooseScale(std::span<const double> data, std::span<const double> model) {
  constexpr double tail = 0.003, longTail = 15;
  Scale scale{std::min(quantile(data, tail), quantile(model, tail)),
              std::max(quantile(data, 1 - tail), quantile(model, 1 - tail))};
  double median = quantile(data, 0.5);
  scale.logarithmic = scale.low > 0 && data.front() > 0 && quantile(data, 0.99) > longTail * median;
  if (scale.logarithmic) {
    double factor = std::pow(scale.high / scale.low, 0.04);
    return {scale.low / factor, scale.high * factor, true};
  }
  double margin = 0.04 * (scale.high - scale.low);
  if (!(margin > 0))
    margin = scale.low == 0 ? 1 : 0.1 * std::abs(scale.low);
  return {scale.low - margin, scale.high + margin};
}

int64_t SharedBins::croppedData() const { return dataRows - std::accumulate(data.begin(), data.end(), int64_t(0)); }
int64_t SharedBins::croppedModel() const { return modelRows - std::accumulate(model.begin(), model.end(), int64_t(0)); }

/// Which of `count` bins a value is in, or -1.
static int64_t binOf(double value, const Scale &scale, int64_t count) {
  double place = scale.position(value) * static_cast<double>(count);
  return place >= 0 && place < static_cast<double>(count) ? static_cast<int64_t>(place) : -1;
}

SharedBins report::binColumn(std::span<const double> data, std::span<const double> model, const Scale &scale,
                             int64_t count) {
  auto fill = [&](std::span<const double> values) {
    std::vector<int64_t> bins(static_cast<size_t>(count));
    for (double value : values)
      if (int64_t bin = binOf(value, scale, count); bin >= 0)
        ++bins[static_cast<size_t>(bin)];
    return bins;
  };
  return {fill(data), fill(model), std::ssize(data), std::ssize(model)};
}

SharedBins report::binPair(const Rows<double> &data, const Rows<double> &model, const PairOfColumns &columns,
                           const std::array<Scale, 2> &scales, int64_t count) {
  auto fill = [&](const Rows<double> &rows) {
    std::vector<int64_t> bins(static_cast<size_t>(count * count));
    for (int64_t row = 0; row < rows.rows(); ++row) {
      int64_t across = binOf(rows(row, columns.across), scales[0], count),
              up = binOf(rows(row, columns.up), scales[1], count);
      if (across >= 0 && up >= 0)
        ++bins[static_cast<size_t>(up * count + across)];
    }
    return bins;
  };
  return {fill(data), fill(model), data.rows(), model.rows()};
}

std::vector<QuantilePair> report::compareQuantiles(std::span<const double> data, std::span<const double> model) {
  constexpr int64_t most = 60;
  constexpr double normal95 = 1.959963984540054;
  auto n = static_cast<double>(data.size()), m = static_cast<double>(model.size());
  int64_t count = std::min<int64_t>(most, std::ssize(data));
  std::vector<QuantilePair> result;
  for (int64_t i = 0; i < count; ++i) {
    double share = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    double spread = normal95 * std::sqrt(share * (1 - share) * (1 / n + 1 / m));
    result.push_back({share, quantile(model, share), quantile(data, share),
                      quantile(model, std::max(0.0, share - spread)), quantile(model, std::min(1.0, share + spread))});
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Correlations and tests
//===----------------------------------------------------------------------===//

std::vector<double> report::ranksOf(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(values[i], i); });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]])
      ++end;
    for (size_t place = begin; place < end; ++place)
      ranks[order[place]] = 0.5 * static_cast<double>(begin + 1 + end);
    begin = end;
  }
  return ranks;
}

Eigen::MatrixXd report::rankCorrelations(const Rows<double> &rows) {
  Eigen::MatrixXd ranks(rows.rows(), rows.cols());
  for (int64_t column = 0; column < rows.cols(); ++column) {
    Eigen::VectorXd values = rows.col(column);
    std::vector<double> ofColumn = ranksOf({values.data(), static_cast<size_t>(values.size())});
    ranks.col(column) = Eigen::Map<const Eigen::VectorXd>(ofColumn.data(), rows.rows()).array() -
                        0.5 * static_cast<double>(rows.rows() + 1);
    if (double length = ranks.col(column).norm(); length > 0)
      ranks.col(column) /= length;
  }
  return ranks.transpose() * ranks;
}

double report::rankCorrelationError(double value, int64_t rows) {
  return (1 - value * value) * std::sqrt((1 + value * value / 2) / std::max(1.0, static_cast<double>(rows) - 3));
}

std::vector<double> report::adjustByHolm(const std::vector<double> &pValues) {
  std::vector<size_t> order(pValues.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(pValues[i], i); });
  std::vector<double> result(pValues.size());
  double least = 0;
  for (size_t place = 0; place < order.size(); ++place) {
    least = std::max(least, pValues[order[place]] * static_cast<double>(order.size() - place));
    result[order[place]] = std::min(1.0, least);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Coverage
//===----------------------------------------------------------------------===//

double Coverage::share() const { return static_cast<double>(inside) / static_cast<double>(rows); }
double Coverage::error() const { return std::sqrt(level * (1 - level) / static_cast<double>(rows)); }

/// Counts values in the interval that `bounds` gives for each level.
template <typename Bounds>
static std::vector<Coverage> coverageIn(std::span<const double> values, Bounds bounds) {
  std::vector<Coverage> result;
  for (double level : kCoverageLevels) {
    auto [low, high] = bounds(level);
    Coverage &coverage = result.emplace_back(Coverage{.level = level});
    for (double value : values) {
      coverage.rows += !std::isnan(value);
      coverage.inside += value >= low && value <= high;
    }
  }
  return result;
}

std::vector<Coverage> report::centralCoverage(std::span<const double> values) {
  return coverageIn(values, [](double level) { return std::pair((1 - level) / 2, (1 + level) / 2); });
}

std::vector<Coverage> report::upperCoverage(std::span<const double> values) {
  return coverageIn(values, [](double level) { return std::pair(1 - level, 1.0); });
}

std::vector<int64_t> report::countUniform(std::span<const double> values, int64_t count) {
  std::vector<int64_t> bins(static_cast<size_t>(count));
  for (double value : values)
    if (value >= 0 && value <= 1)
      ++bins[static_cast<size_t>(std::min(count - 1, static_cast<int64_t>(value * static_cast<double>(count))))];
  return bins;
}

double report::shareBelow(std::span<const double> sorted, double value) {
  auto [first, last] = std::ranges::equal_range(sorted, value);
  auto below = static_cast<double>(first - sorted.begin()), equal = static_cast<double>(last - first);
  return (below + 0.5 * equal + 0.5) / (static_cast<double>(sorted.size()) + 1);
}
