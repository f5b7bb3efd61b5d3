//===- Compare.cpp - Marginals, pairs, bands ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace flowc;
using namespace flowc::report;

void report::compareMarginals(const Compared &rows, Report &report) {
  for (int64_t column = 0; column < rows.x.cols(); ++column) {
    const std::vector<double> &data = rows.sorted[column], &model = rows.sortedDraws[column];
    MarginalReport &marginal = report.marginals.emplace_back();
    marginal.column = static_cast<size_t>(column);
    marginal.modelMean = meanOf(model);
    marginal.modelDeviation = deviationOf(model);
    marginal.scale = chooseScale(data, model);
    auto bins = std::clamp<int64_t>(std::lround(2 * std::cbrt(static_cast<double>(data.size()))), 8, 48);
    marginal.bins = binColumn(data, model, marginal.scale, bins);
    marginal.quantiles = compareQuantiles(data, model);
    marginal.test = testEquality(data, model);
  }
}

/// Of more columns than fit into one picture those that depend most on others.
static std::vector<size_t> choosePairColumns(const Eigen::MatrixXd &correlations) {
  constexpr size_t most = 7;
  std::vector<size_t> columns(static_cast<size_t>(correlations.cols()));
  std::iota(columns.begin(), columns.end(), size_t(0));
  if (columns.size() <= most)
    return columns;
  Eigen::VectorXd strength = correlations.cwiseAbs2().rowwise().sum() - correlations.diagonal().cwiseAbs2();
  std::ranges::stable_sort(columns, [&](size_t a, size_t b) { return strength[a] > strength[b]; });
  columns.resize(most);
  std::ranges::sort(columns);
  return columns;
}

void report::comparePairs(const Compared &rows, Report &report) {
  Eigen::MatrixXd data = rankCorrelations(rows.x), model = rankCorrelations(rows.draws.x);
  report.pairColumns = choosePairColumns(data);
  double perSide = std::sqrt(static_cast<double>(rows.x.rows())) / 2.5;
  report.binsPerSide = std::clamp<int64_t>(std::lround(perSide), 10, 32);
  for (size_t up : report.pairColumns)
    for (size_t across : report.pairColumns)
      if (across < up)
        report.pairs.push_back(
            {across, up,
             binPair(rows.x, rows.draws.x, {static_cast<int64_t>(across), static_cast<int64_t>(up)},
                     {report.marginals[across].scale, report.marginals[up].scale}, report.binsPerSide)});
  for (int64_t second = 0; second < data.cols(); ++second)
    for (int64_t first = 0; first < second; ++first) {
      double a = data(first, second), b = model(first, second);
      double error = std::hypot(rankCorrelationError(a, rows.x.rows()), rankCorrelationError(b, rows.draws.x.rows()));
      report.dependence.push_back({static_cast<size_t>(first), static_cast<size_t>(second), a, b, error});
    }
  // The worst first.
  std::ranges::stable_sort(report.dependence, std::greater<>(), [](const Dependence &pair) {
    return std::abs(pair.data - pair.model) / std::max(pair.error, 1e-12);
  });
}

//===----------------------------------------------------------------------===//
// Against conditions
//===----------------------------------------------------------------------===//

static std::array<double, 3> bandOf(std::vector<double> &values) {
  std::ranges::sort(values);
  return {quantile(values, 0.1), quantile(values, 0.5), quantile(values, 0.9)};
}

/// Bins of one condition with about equal numbers of rows; their upper ends.
static std::vector<double> binEnds(std::span<const double> sorted) {
  constexpr int64_t most = 14, fewestRows = 15;
  int64_t count = std::clamp<int64_t>(std::ssize(sorted) / fewestRows, 1, most);
  std::vector<double> ends;
  for (int64_t bin = 1; bin <= count; ++bin) {
    double end = sorted[static_cast<size_t>(bin * std::ssize(sorted) / count - 1)];
    if (ends.empty() || end > ends.back()) // Values that repeat fill bins of their own.
      ends.push_back(end);
  }
  return ends;
}

BandReport report::compareBand(const ConditionedRows &rows, const ConditionedRows &draws, int64_t column,
                               int64_t condition) {
  BandReport band;
  band.column = static_cast<size_t>(column);
  band.condition = static_cast<size_t>(condition);
  std::vector<double> conditions = sortedColumn(rows.condition, condition);
  band.x = chooseScale(conditions, conditions);
  band.y = chooseScale(sortedColumn(rows.x, column), sortedColumn(draws.x, column));
  std::vector<double> ends = binEnds(conditions);
  auto binOf = [&](double value) { return std::ranges::lower_bound(ends, value) - ends.begin(); };
  std::vector<std::vector<double>> data(ends.size()), model(ends.size()), under(ends.size());
  for (int64_t row = 0; row < rows.x.rows(); ++row) {
    double value = rows.condition(row, condition);
    data[binOf(value)].push_back(rows.x(row, column));
    under[binOf(value)].push_back(value);
  }
  for (int64_t row = 0; row < draws.x.rows(); ++row)
    model[binOf(draws.condition(row, condition))].push_back(draws.x(row, column));
  for (size_t bin = 0; bin < ends.size(); ++bin) {
    std::ranges::sort(under[bin]);
    band.bins.push_back({under[bin].front(), under[bin].back(), quantile(under[bin], 0.5), std::ssize(data[bin]),
                         bandOf(data[bin]), bandOf(model[bin])});
  }
  constexpr int64_t mostPoints = 400;
  int64_t points = std::min(mostPoints, rows.x.rows());
  for (int64_t i = 0; i < points; ++i) {
    int64_t row = i * rows.x.rows() / points;
    band.points.push_back({rows.condition(row, condition), rows.x(row, column)});
  }
  return band;
}

void report::compareBands(const Compared &rows, Report &report) {
  constexpr int64_t mostColumns = 4, mostConditions = 6;
  ConditionedRows data{rows.x, rows.condition}, draws{rows.draws.x, rows.drawConditions};
  for (int64_t condition = 0; condition < std::min(mostConditions, rows.condition.cols()); ++condition)
    if (rows.condition.col(condition).minCoeff() < rows.condition.col(condition).maxCoeff())
      for (int64_t column = 0; column < std::min(mostColumns, rows.x.cols()); ++column)
        report.bands.push_back(compareBand(data, draws, column, condition));
}
