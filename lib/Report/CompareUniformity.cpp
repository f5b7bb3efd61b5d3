//===- CompareUniformity.cpp - What should be uniform, and coverage -------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"

#include "flowc/Support/WithType.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace flowc;
using namespace flowc::report;

namespace {

/// What is uniform if the model is right, by row.
struct Uniform {
  Rows<double> values;
  std::vector<std::string> labels;
};

/// Which distribution the base is, and in which order of columns the map to it is triangular:
/// as an evaluation of some rows finds out.
Expected<DataEvaluation> examine(const FlowRows &flow, const Compared &rows) {
  constexpr int64_t most = 1000;
  int64_t count = std::min(most, rows.x.rows());
  Kernels &kernels = flow.getKernels();
  return withType(kernels.dtype(), [&]<typename T>() -> Expected<DataEvaluation> {
    Rows<T> x = rows.x.topRows(count).cast<T>(), condition;
    if (rows.condition.cols() > 0)
      condition = rows.condition.topRows(count).cast<T>();
    return evaluateData(kernels, flow.getModel(), {x.data(), condition.data(), count});
  });
}

std::string conditionalLabel(const std::vector<ColumnDescription> &columns, const std::vector<int64_t> &order,
                             size_t place, bool isConditional) {
  std::string label = columns[order[place]].name;
  std::string given = isConditional ? "condition" : "";
  if (place == 1)
    given += (isConditional ? ", " : "") + columns[order[0]].name;
  else if (place > 1)
    given += (isConditional ? " and " : "") + std::to_string(place) + " above";
  return given.empty() ? label : label + " | " + given;
}

/// The probability integral transform of what rows come from: by the normal distribution, or by
/// what draws of the model come from.
Expected<Uniform> transformRows(const FlowRows &flow, const Compared &rows, Report &report) {
  auto found = examine(flow, rows);
  if (!found)
    return found.takeError();
  report.isExact = found->exactBase;
  report.isRosenblatt = !found->rosenblattOrder.empty();
  auto z = flow.toBase(rows.x, rows.condition);
  if (!z)
    return z.takeError();
  Uniform result{std::move(*z), {}};
  if (report.isExact) {
    result.values = result.values.unaryExpr([](double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }).eval();
  } else {
    auto drawn = flow.toBase(rows.draws.x, rows.drawConditions);
    if (!drawn)
      return drawn.takeError();
    for (int64_t column = 0; column < drawn->cols(); ++column) {
      std::vector<double> sorted = sortedColumn(*drawn, column);
      for (double &value : result.values.col(column))
        value = shareBelow(sorted, value);
    }
  }
  if (!report.isRosenblatt) {
    for (int64_t column = 0; column < result.values.cols(); ++column)
      result.labels.push_back("z" + std::to_string(column));
    return result;
  }
  // In the order in which columns are conditioned on each other.
  Rows<double> ordered = result.values;
  const std::vector<int64_t> &order = found->rosenblattOrder;
  for (size_t place = 0; place < order.size(); ++place) {
    auto base = std::ranges::find(found->rosenblatt, order[place]) - found->rosenblatt.begin();
    ordered.col(static_cast<int64_t>(place)) = result.values.col(base);
    result.labels.push_back(conditionalLabel(report.columns, order, place, report.isConditional()));
  }
  result.values = std::move(ordered);
  return result;
}

std::vector<double> columnOf(const Rows<double> &rows, int64_t column) {
  return {rows.col(column).begin(), rows.col(column).end()};
}

UniformityReport uniformityOf(const std::string &label, const std::vector<double> &values) {
  auto bins = std::clamp<int64_t>(std::ssize(values) / 25, 4, 20);
  return {.label = label,
          .counts = countUniform(values, bins),
          .rows = std::ssize(values),
          .test = testUniformity(values),
          .adjusted = 1};
}

} // namespace

Expected<SharesUnderCondition> report::sharesUnderConditions(const FlowRows &flow, const Compared &rows) {
  constexpr int64_t draws = 199; // Shares are whole multiples of 1/200: of all levels, too.
  constexpr int64_t elements = 6'000'000, fewest = 100, chunk = 500;
  int64_t dim = rows.x.cols(), columns = dim + rows.condition.cols();
  int64_t count = std::min(rows.x.rows(), std::max(fewest, elements / (draws * columns)));
  SharesUnderCondition result{{}, Rows<double>(count, dim + 1), draws};
  for (int64_t i = 0; i < count; ++i)
    result.rows.push_back(i * rows.x.rows() / count);
  for (int64_t begin = 0; begin < count; begin += chunk) {
    int64_t size = std::min(chunk, count - begin);
    Rows<double> under(size, rows.condition.cols());
    for (int64_t i = 0; i < size; ++i)
      under.row(i) = rows.condition.row(result.rows[begin + i]);
    // Other draws than those that all rows are compared with.
    auto drawn = flow.draw(size * draws, repeatEach(under, draws), rows.draws.x.rows() + begin * draws);
    if (!drawn)
      return drawn.takeError();
    for (int64_t i = 0; i < size; ++i) {
      int64_t row = result.rows[begin + i];
      for (int64_t column = 0; column < dim; ++column)
        result.shares(begin + i, column) =
            shareBelow(sortedColumn(drawn->x.middleRows(i * draws, draws), column), rows.x(row, column));
      result.shares(begin + i, dim) =
          shareBelow(sortedColumn(drawn->logProb.segment(i * draws, draws), 0), rows.logProb[row]);
    }
  }
  return result;
}

/// The share of draws of lower density, by row, of an unconditional flow.
static std::vector<double> densityShares(const Compared &rows) {
  std::vector<double> sorted = sortedColumn(rows.draws.logProb, 0), result;
  for (double value : rows.logProb)
    result.push_back(shareBelow(sorted, value));
  return result;
}

Expected<void> report::compareUniformity(const FlowRows &flow, const Compared &rows, const SharesUnderCondition *shares,
                                         Report &report) {
  auto uniform = transformRows(flow, rows, report);
  if (!uniform)
    return uniform.takeError();
  for (int64_t column = 0; column < uniform->values.cols(); ++column)
    report.uniform.push_back(uniformityOf(uniform->labels[column], columnOf(uniform->values, column)));
  report.coverageDraws = shares ? shares->draws : 0;
  report.coverageRows = shares ? std::ssize(shares->rows) : rows.x.rows();
  std::vector<double> ofDensity = shares ? columnOf(shares->shares, rows.x.cols()) : densityShares(rows);
  report.uniform.push_back(uniformityOf("log-density", ofDensity));
  for (int64_t column = 0; column < rows.x.cols(); ++column) {
    if (report.isRosenblatt) {
      report.coverage.push_back({uniform->labels[column], centralCoverage(columnOf(uniform->values, column))});
      continue;
    }
    std::vector<double> values;
    if (shares)
      values = columnOf(shares->shares, column);
    else
      for (double value : rows.x.col(column))
        values.push_back(shareBelow(rows.sortedDraws[column], value));
    report.coverage.push_back({report.columns[column].name, centralCoverage(values)});
  }
  report.coverage.push_back({"all columns together", upperCoverage(ofDensity)});
  return {};
}
