//===- Folds.cpp - Rows to train on, and rows to judge by -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Folds.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

/// Tables of fewer rows are cross-validated.
constexpr int64_t kCrossValidated = 5000;
constexpr int64_t kParts = 5;
constexpr double kShareHeldOut = 0.1;
constexpr int64_t kMostHeldOut = 20000;
constexpr uint32_t kStream = 17;

/// The rows of `subset`, side by side: events, then conditions.
Rows<double> copyRows(const FitTable &table, const RowSubset &subset) {
  std::vector<int64_t> rows(static_cast<size_t>(subset.size()));
  subset.list(0, rows);
  Rows<double> result(subset.size(), table.x.columns() + table.condition.columns());
  Rows<double> part(subset.size(), table.x.columns());
  table.x.copy(rows, F64, part.data());
  result.leftCols(part.cols()) = part;
  if (table.condition) {
    part.resize(subset.size(), table.condition.columns());
    table.condition.copy(rows, F64, part.data());
    result.rightCols(part.cols()) = part;
  }
  return result;
}

void standardizeColumns(Rows<double> &rows, const ColumnStatistics &event,
                        const std::optional<ColumnStatistics> &condition) {
  auto apply = [&rows](const ColumnStatistics &columns, int64_t first) {
    for (int64_t i = 0; i < std::ssize(columns.mean); ++i)
      rows.col(first + i) = (rows.col(first + i).array() - columns.mean[i]) / columns.deviation[i];
  };
  apply(event, 0);
  if (condition)
    apply(*condition, std::ssize(event.mean));
}

/// Statistics of a sample of events, where bounds have been mapped onto all real numbers.
void computeMapped(const Rows<double> &sample, const TableSupport &support, ColumnStatistics &event) {
  for (size_t i = 0; i < event.mean.size(); ++i) {
    if (support.isLine(i))
      continue;
    auto column = sample.col(static_cast<Eigen::Index>(i)).array();
    event.mean[i] = column.mean();
    event.deviation[i] = std::sqrt((column - event.mean[i]).square().mean());
  }
}

/// Rows that stay, as a part of training data.
RowsView keepRows(const RowsView &from, const RowSubset &subset, DType dtype) {
  if (!from)
    return {};
  size_t size = static_cast<size_t>(subset.size() * from.columns());
  auto memory = std::make_shared<std::vector<double>>(size); // Aligned for floats, too.
  std::vector<int64_t> rows(static_cast<size_t>(subset.size()));
  subset.list(0, rows);
  from.copy(rows, dtype, memory->data());
  return {std::shared_ptr<const void>(memory, memory->data()), elementTypeOf(dtype), subset.size(), from.columns()};
}

/// Parts of the rows to train on and to hold out: those of one division.
using Division = std::pair<std::shared_ptr<const RowSubset>, std::shared_ptr<const RowSubset>>;

std::vector<Division> divideRows(int64_t rows, uint64_t seed) {
  if (rows >= kCrossValidated) {
    double share = std::min(kShareHeldOut, static_cast<double>(kMostHeldOut) / static_cast<double>(rows));
    HeldOut parts = holdOutRows(rows, share, seed, FitOptions().listedRows);
    return {{parts.kept, parts.out}};
  }
  std::vector<int64_t> order(static_cast<size_t>(rows));
  randomPermutation(seed, kStream, 0, order);
  std::vector<Division> result;
  for (int64_t part = 0; part < kParts; ++part) {
    std::vector<uint32_t> train, out;
    for (int64_t i = 0; i < rows; ++i)
      (i % kParts == part ? out : train).push_back(static_cast<uint32_t>(order[i]));
    std::ranges::sort(train);
    std::ranges::sort(out);
    result.emplace_back(listedRows(std::move(train)), listedRows(std::move(out)));
  }
  return result;
}

/// Columns that are linear functions of others have no density; fewer rows than columns
/// always look so.
Expected<void> checkCollinear(const Rows<double> &sample, int64_t dim, const std::vector<std::string> &names) {
  if (dim > kWidestWhitened || sample.rows() < 2 * dim)
    return {};
  int64_t column = findCollinear(Covariance::of(sample.leftCols(dim)));
  if (column < 0)
    return {};
  std::string name = column < std::ssize(names) ? "'" + names[column] + "'" : std::to_string(column);
  return Error{"column " + name + " is a linear function of those before it, so that there is no density of all: " +
               "leave it out with --columns"};
}

/// Units of standardised rows: with the best shrinkage, and column by column.
Expected<std::pair<Whitening, Whitening>> unitsOf(const Rows<double> &sample, const ColumnStatistics &event) {
  auto dim = static_cast<int64_t>(event.mean.size());
  Covariance all;
  std::vector<Covariance> parts = covariancesOfParts(sample.leftCols(dim <= kWidestWhitened ? dim : 0));
  double shrinkage = dim <= kWidestWhitened ? chooseShrinkage(parts) : 1;
  if (dim <= kWidestWhitened) {
    for (const Covariance &part : parts)
      all = all.merged(part);
  } else {
    all.count = sample.rows();
    all.mean = sample.leftCols(dim).colwise().mean();
    all.scatter = Eigen::MatrixXd::Identity(dim, dim) * static_cast<double>(all.count);
  }
  auto whitening = Whitening::of(all, shrinkage);
  if (!whitening)
    return whitening.takeError();
  auto columns = Whitening::of(all, 1);
  if (!columns)
    return columns.takeError();
  return std::pair(whitening->before(event), columns->before(event));
}

} // namespace

double Folds::columnsLogDet() const {
  double sum = 0;
  for (double deviation : event.deviation)
    sum -= std::log(deviation);
  return sum;
}

Expected<Folds> flowc::divideTable(const FitTable &table, const FitTableOptions &options) {
  constexpr int64_t leastRows = 10;
  int64_t rows = table.x.rows();
  if (rows < leastRows)
    return Error{"the table has " + std::to_string(rows) + " rows, expected at least " + std::to_string(leastRows)};
  Folds result;
  std::shared_ptr<const RowSubset> all = allRows(rows);
  auto event = computeStatistics(table.x, *all, options.dtype, table.names);
  if (!event)
    return event.takeError();
  result.event = std::move(*event);
  if (table.condition) {
    auto condition = computeStatistics(table.condition, *all, options.dtype, table.conditionNames);
    if (!condition)
      return condition.takeError();
    result.condition = std::move(*condition);
  }
  int64_t size = unitsSampleRows(table.x.columns() + table.condition.columns());
  auto rowsOf = [&](const RowSubset &subset) {
    Rows<double> sample = copyRows(table, subset);
    Eigen::VectorXd slopes = result.support.toLine(sample);
    standardizeColumns(sample, result.event, result.condition);
    return std::pair(std::move(sample), std::move(slopes));
  };
  result.all = TrainingData(table.x, table.condition);
  result.all.subset = all;
  result.sample = copyRows(table, *everyNth(all, size));
  auto support = TableSupport::choose(table.bounds, result.sample, table.names);
  if (!support)
    return support.takeError();
  result.support = std::move(*support);
  result.support.toLine(result.sample);
  computeMapped(result.sample, result.support, result.event);
  standardizeColumns(result.sample, result.event, result.condition);
  if (auto ok = checkCollinear(result.sample, table.x.columns(), table.names); !ok)
    return ok.takeError();
  auto units = unitsOf(result.sample, result.event);
  if (!units)
    return units.takeError();
  std::tie(result.whitening, result.columns) = std::move(*units);
  for (const auto &[train, out] : divideRows(rows, options.seed)) {
    Fold &fold = result.folds.emplace_back();
    fold.data = TrainingData(table.x, table.condition);
    fold.data.subset = train;
    fold.data.validation = keepRows(table.x, *out, options.dtype);
    fold.data.validationCondition = keepRows(table.condition, *out, options.dtype);
    fold.trainSample = rowsOf(*everyNth(train, size)).first;
    std::tie(fold.heldOut, fold.heldOutSlope) = rowsOf(*out);
    auto units = unitsOf(fold.trainSample, result.event);
    if (!units)
      return units.takeError();
    std::tie(fold.whitening, fold.columns) = std::move(*units);
    result.heldOutRows += out->size();
  }
  return result;
}
