//===- CheckData.cpp - What data is like, before a training ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckData.h"

#include "flowc/Support/Format.h"
#include "flowc/Training/Standardize.h"

#include <algorithm>
#include <cstdio>
#include <limits>

using namespace flowc;
using namespace flowc::tool;

namespace {

/// Columns whose correlations are looked at, at most: the work grows with the square.
constexpr int64_t kMostCorrelated = 512;
/// Rows that are worked on at once.
constexpr int64_t kBlockRows = 4096;
/// Shares of a column's variance that count as rounding: numbers in files have six or
/// more digits.
constexpr double kNothingLeft = 1e-10;

using Block = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

} // namespace

static void forEachBlock(const RowsView &rows, const std::function<void(const Block &)> &visit) {
  for (int64_t begin = 0; begin < rows.rows(); begin += kBlockRows) {
    Block block(std::min(kBlockRows, rows.rows() - begin), rows.columns());
    rows.copy(begin, block.rows(), F64, block.data());
    visit(block);
  }
}

static std::vector<std::string> nameColumns(const RowReader &reader) {
  std::vector<std::string> names;
  for (const std::string &name : reader.columnNames())
    names.push_back("'" + abbreviate(name, 30) + "'");
  for (int64_t i = static_cast<int64_t>(names.size()); i < reader.columns(); ++i)
    names.push_back(std::to_string(i));
  return names;
}

static Expected<ColumnsSummary> summarize(RowReader &reader, DType dtype) {
  auto rows = holdRows(reader, dtype);
  if (!rows)
    return rows.takeError();
  ColumnsSummary summary{rows->rows(), nameColumns(reader), {}, {}, {}, {}, {}};
  const int64_t columns = rows->columns();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  summary.mean = Eigen::ArrayXd::Zero(columns);
  summary.least = Eigen::ArrayXd::Constant(columns, infinity);
  summary.most = Eigen::ArrayXd::Constant(columns, -infinity);
  if (summary.rows == 0)
    return Error{"'" + reader.path() + "' has no rows"};
  auto count = static_cast<double>(summary.rows);
  forEachBlock(*rows, [&](const Block &block) {
    summary.mean += (block / count).colwise().sum().transpose();
    summary.least = summary.least.min(block.colwise().minCoeff().transpose());
    summary.most = summary.most.max(block.colwise().maxCoeff().transpose());
  });
  // By the range, so that squares neither overflow nor vanish.
  Eigen::ArrayXd unit = (summary.most - summary.least).unaryExpr([](double range) { return range > 0 ? range : 1; });
  bool isCorrelated = columns <= kMostCorrelated;
  Eigen::ArrayXd variance = Eigen::ArrayXd::Zero(columns);
  Eigen::MatrixXd products = Eigen::MatrixXd::Zero(isCorrelated ? columns : 0, isCorrelated ? columns : 0);
  forEachBlock(*rows, [&](const Block &block) {
    Block centred = (block.rowwise() - summary.mean.transpose()).rowwise() / unit.transpose();
    variance += centred.square().colwise().sum().transpose() / count;
    if (isCorrelated)
      products.noalias() += centred.matrix().transpose() * centred.matrix() / count;
  });
  summary.deviation = variance.sqrt() * unit;
  if (isCorrelated) {
    Eigen::VectorXd scale = variance.unaryExpr([](double v) { return v > 0 ? 1 / std::sqrt(v) : 0; });
    summary.correlation = scale.asDiagonal() * products * scale.asDiagonal();
  }
  return summary;
}

Expected<DataSummary> tool::summarizeData(const Flow &flow, const TrainingRecord &record, const DataOptions &options,
                                          DType dtype) {
  auto readers = openData(flow, record, options);
  if (!readers)
    return readers.takeError();
  auto summary = summarize(*readers->events, dtype);
  if (!summary)
    return summary.takeError();
  DataSummary data{std::move(*summary), std::nullopt};
  if (readers->conditions) {
    auto other = summarize(*readers->conditions, dtype);
    if (!other)
      return other.takeError();
    data.conditions = std::move(*other);
  }
  return data;
}

static void printColumns(const char *label, const ColumnsSummary &columns) {
  constexpr int64_t most = 16;
  size_t width = 0;
  for (const std::string &name : columns.names)
    width = std::max(width, name.size());
  std::printf("    %-*s  %12s %12s %12s %12s\n", static_cast<int>(width), label, "mean", "deviation", "least", "most");
  for (int64_t i = 0; i < std::min(most, columns.columns()); ++i)
    std::printf("    %-*s  %12.6g %12.6g %12.6g %12.6g\n", static_cast<int>(width), columns.names[i].c_str(),
                columns.mean[i], columns.deviation[i], columns.least[i], columns.most[i]);
  if (columns.columns() > most)
    std::printf("    and %s more\n", formatCount(columns.columns() - most).c_str());
}

void tool::print(const DataSummary &data) {
  std::printf("  data:        %s rows\n", formatCount(data.events.rows).c_str());
  printColumns("event", data.events);
  if (data.conditions)
    printColumns("condition", *data.conditions);
}

//===----------------------------------------------------------------------===//
// Warnings
//===----------------------------------------------------------------------===//

/// Columns that are linear in those before them, by Cholesky's decomposition of the
/// correlations: what is left of a column's variance is the pivot.
static std::vector<int64_t> findCollinear(const Eigen::MatrixXd &correlation) {
  std::vector<int64_t> found;
  Eigen::MatrixXd factor = correlation;
  for (int64_t j = 0; j < factor.rows(); ++j) {
    if (correlation(j, j) == 0)
      continue; // constant
    if (factor(j, j) <= kNothingLeft) {
      found.push_back(j);
      factor.col(j).tail(factor.rows() - j).setZero();
      factor.row(j).tail(factor.rows() - j).setZero();
      continue;
    }
    for (int64_t i = j + 1; i < factor.rows(); ++i)
      factor.row(i).tail(factor.rows() - j - 1) -=
          factor(i, j) / factor(j, j) * factor.row(j).tail(factor.rows() - j - 1);
  }
  return found;
}

/// The column before `column` that it equals up to scale and shift, or -1.
static int64_t findTwin(const ColumnsSummary &columns, int64_t column) {
  for (int64_t i = 0; i < column; ++i) {
    double r = columns.correlation(i, column);
    if (1 - r * r <= kNothingLeft)
      return i;
  }
  return -1;
}

static void addWarnings(const ColumnsSummary &columns, DType dtype, bool isEvent, std::vector<std::string> &warnings) {
  for (int64_t i = 0; dtype == F32 && i < columns.columns(); ++i)
    if (columns.least[i] < columns.most[i] && isCoarseInFloat32(columns.mean[i], columns.deviation[i]))
      warnings.push_back("column " + columns.names[i] + " goes from " + formatNumber(columns.least[i]) + " to " +
                         formatNumber(columns.most[i]) +
                         ", which float32 rounds to a grid: use a float64 model, as 'flowc train' makes of a flow by "
                         "default");
  for (int64_t i = 0; i < columns.columns(); ++i)
    if (columns.least[i] == columns.most[i])
      warnings.push_back("column " + columns.names[i] + " is " + formatNumber(columns.least[i]) +
                         " in all rows, which no training can standardise: leave it out");
  if (!isEvent || columns.correlation.size() == 0)
    return;
  if (columns.rows <= columns.columns()) {
    warnings.push_back("there are " + formatCount(columns.rows) + " rows for " + formatCount(columns.columns()) +
                       " columns: a density of so many needs more rows than that");
    return;
  }
  constexpr const char *consequence = ": the rows lie on a plane, where a density grows without bound; leave it out";
  for (int64_t column : findCollinear(columns.correlation)) {
    if (int64_t twin = findTwin(columns, column); twin >= 0)
      warnings.push_back("column " + columns.names[column] + " follows from " + columns.names[twin] +
                         " by scale and shift" + consequence);
    else
      warnings.push_back("column " + columns.names[column] + " is a linear combination of those before it" +
                         consequence);
  }
}

std::vector<std::string> tool::findDataWarnings(const DataSummary &data, DType dtype, const std::string &path) {
  std::vector<std::string> warnings;
  addWarnings(data.events, dtype, /*isEvent=*/true, warnings);
  if (data.conditions)
    addWarnings(*data.conditions, dtype, /*isEvent=*/false, warnings);
  for (std::string &warning : warnings)
    warning = "warning: '" + path + "': " + warning;
  return warnings;
}
