//===- LogDets.cpp - Log-determinants and Jacobians -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The log-determinant that a map gives against that of its whole Jacobian, which
// forward mode makes column by column; and forward mode against differences of the
// map, which know nothing of derivatives.
//
//===----------------------------------------------------------------------===//

#include "Checks.h"
#include "RandomNumbers.h"

#include <Eigen/LU>

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::verification;

/// `count` of `size` rows, evenly spread.
static std::vector<int64_t> spreadRows(int64_t size, int64_t count) {
  count = std::min(size, count);
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back(i * size / count);
  return rows;
}

//===----------------------------------------------------------------------===//
// Jacobians
//===----------------------------------------------------------------------===//

namespace {

/// Each row as often as there are coordinates.
Rows<double> repeatEach(const Rows<double> &rows, int64_t times) {
  Rows<double> result(rows.rows() * times, rows.cols());
  for (int64_t row = 0; row < result.rows(); ++row)
    result.row(row) = rows.row(row / times);
  return result;
}

/// log |det J| of each row by Gaussian elimination. Columns are scaled by `sizes`, which
/// leaves no trace but in rounding.
Expected<Column<double>> eliminate(FlowUnderTest &flow, const Rows<double> &z, const Rows<double> &condition,
                                   const std::vector<double> &sizes, Arithmetic how) {
  const int64_t dim = z.cols();
  Rows<double> directions = Rows<double>::Zero(z.rows() * dim, dim);
  double logScale = 0;
  for (int64_t i = 0; i < dim; ++i) {
    for (int64_t row = 0; row < z.rows(); ++row)
      directions(row * dim + i, i) = sizes[static_cast<size_t>(i)];
    logScale += std::log(sizes[static_cast<size_t>(i)]);
  }
  Rows<double> given = condition.size() ? repeatEach(condition, dim) : Rows<double>();
  auto columns = flow.jvp(repeatEach(z, dim), directions, given, how);
  if (!columns)
    return columns.takeError();
  Column<double> result(z.rows());
  for (int64_t row = 0; row < z.rows(); ++row) {
    // Its rows are the columns of the Jacobian.
    Eigen::PartialPivLU<Eigen::MatrixXd> lu(columns->middleRows(row * dim, dim));
    result[row] = lu.matrixLU().diagonal().array().abs().log().sum() - logScale;
  }
  return result;
}

} // namespace

Expected<Checks> verification::checkLogDets(Context &context) {
  const std::string name = "log_det", claim = "log-det = log |det Jacobian|";
  constexpr int64_t largest = 512, elements = int64_t(1) << 16;
  const int64_t dim = context.facts().dim;
  if (!context.facts().hasMap)
    return Checks{notApplicable(name, claim, "a density has no map")};
  if (dim > largest)
    return Checks{notApplicable(name, claim,
                                print("%lld coordinates: whole Jacobians are made of up to %lld",
                                      static_cast<long long>(dim), static_cast<long long>(largest)))};
  std::vector<int64_t> rows = spreadRows(context.points.size(), std::clamp<int64_t>(elements / (dim * dim), 2, 200));
  Rows<double> z = pickRows(context.points.z, rows), condition = pickRows(context.points.condition, rows);
  std::vector<double> sizes = typicalSizes(context.points.z);
  Column<double> given[kTrials + 1], found[kTrials + 1];
  RowErrors errors(z.rows());
  for (int trial = 0; trial <= kTrials; ++trial) {
    Rows<double> at = RowMoves(trial).move(z);
    auto mapped = context.flow.transform(at, condition, {.neighbour = neighbourOf(trial)});
    if (!mapped)
      return mapped.takeError();
    auto eliminated = eliminate(context.flow, at, condition, sizes, {.neighbour = neighbourOf(trial)});
    if (!eliminated)
      return eliminated.takeError();
    given[trial] = std::move(mapped->logDet);
    found[trial] = std::move(*eliminated);
  }
  Context picked{context.flow, context.options, {.z = z, .noun = context.points.noun}};
  for (int64_t i = 0; i < z.rows(); ++i) {
    picked.points.numbers.push_back(context.points.numbers[static_cast<size_t>(rows[static_cast<size_t>(i)])]);
    errors.error[i] = distance(given[0][i], found[0][i]);
    errors.floor[i] = 1e-10 * static_cast<double>(dim);
    errors.rounding[i] = context.rounding[rows[static_cast<size_t>(i)]] * static_cast<double>(dim);
    for (int trial = 1; trial <= kTrials; ++trial)
      errors.rounding[i] =
          std::max(errors.rounding[i], movement(given[trial][i] - found[trial][i], given[0][i] - found[0][i]));
  }
  return Checks{judgeRows(picked, name, claim, errors, z, "")};
}

//===----------------------------------------------------------------------===//
// Differences
//===----------------------------------------------------------------------===//

namespace {

/// Around the cube root of the rounding, where both errors of a difference are small.
constexpr double kSteps[] = {2e-5, 1e-5, 0.5e-5};

/// What differences of the map along a direction say about its derivative.
class Differences {
public:
  Differences(FlowUnderTest &flow, Rows<double> z, Rows<double> direction, Rows<double> condition)
      : flow(flow), z(std::move(z)), direction(std::move(direction)), condition(std::move(condition)) {}

  Expected<void> run();
  /// The error of `derivative` at an element, beyond what kinks explain, and what the
  /// differences themselves leave open.
  std::pair<double, double> compare(double derivative, int64_t row, int64_t column) const;

private:
  /// Quotients to the right, to the left and of both, with one step.
  struct Quotients {
    Rows<double> right, left;
    double central(int64_t row, int64_t column) const { return (right(row, column) + left(row, column)) / 2; }
  };
  Expected<Quotients> divide(double step);

  FlowUnderTest &flow;
  Rows<double> z, direction, condition, center;
  std::vector<Quotients> quotients;
};

} // namespace

Expected<Differences::Quotients> Differences::divide(double step) {
  auto above = flow.transform(z + step * direction, condition, {});
  if (!above)
    return above.takeError();
  auto below = flow.transform(z - step * direction, condition, {});
  if (!below)
    return below.takeError();
  return Quotients{(above->event - center) / step, (center - below->event) / step};
}

Expected<void> Differences::run() {
  auto mapped = flow.transform(z, condition, {});
  if (!mapped)
    return mapped.takeError();
  center = std::move(mapped->event);
  for (double step : kSteps) {
    auto quotient = divide(step);
    if (!quotient)
      return quotient.takeError();
    quotients.push_back(std::move(*quotient));
  }
  return {};
}

std::pair<double, double> Differences::compare(double derivative, int64_t row, int64_t column) const {
  if (!std::isfinite(derivative))
    return {HUGE_VAL, distance(center(row, column), 0) < HUGE_VAL ? 0 : HUGE_VAL};
  double least = HUGE_VAL, most = -HUGE_VAL;
  for (const Quotients &quotient : quotients) {
    least = std::min(least, quotient.central(row, column));
    most = std::max(most, quotient.central(row, column));
  }
  const Quotients &middle = quotients[1];
  double left = middle.left(row, column), right = middle.right(row, column);
  double low = std::min({least, left, right}), high = std::max({most, left, right});
  double beyond = std::max({0.0, derivative - high, low - derivative});
  // What rounding of the map's results makes of the quotient.
  double noise = 4 * std::numeric_limits<double>::epsilon() * std::abs(center(row, column)) / kSteps[2];
  return {beyond, most - least + noise};
}

Expected<Checks> verification::checkDifferences(Context &context) {
  const std::string name = "jacobian", claim = "Jacobian = differences";
  if (!context.facts().hasMap)
    return Checks{notApplicable(name, claim, "a density has no map")};
  constexpr int64_t count = 100;
  std::vector<int64_t> rows = spreadRows(context.points.size(), count);
  Rows<double> z = pickRows(context.points.z, rows), condition = pickRows(context.points.condition, rows);
  std::vector<double> sizes = typicalSizes(context.points.z);
  RandomNumbers random(context.options.seed, Stream::Directions);
  Rows<double> direction(z.rows(), z.cols());
  for (int64_t row = 0; row < z.rows(); ++row)
    for (int64_t i = 0; i < z.cols(); ++i)
      direction(row, i) = random.normal() * sizes[static_cast<size_t>(i)];
  auto tangent = context.flow.jvp(z, direction, condition, {});
  if (!tangent)
    return tangent.takeError();
  Differences differences(context.flow, z, direction, condition);
  if (auto ok = differences.run(); !ok)
    return ok.takeError();
  RowErrors errors(z.rows());
  std::vector<double> usual = typicalSizes(*tangent);
  Context picked{context.flow, context.options, {.z = z, .noun = context.points.noun}};
  for (int64_t row = 0; row < z.rows(); ++row) {
    picked.points.numbers.push_back(context.points.numbers[static_cast<size_t>(rows[static_cast<size_t>(row)])]);
    for (int64_t i = 0; i < z.cols(); ++i) {
      double derivative = (*tangent)(row, i), size = std::max(usual[static_cast<size_t>(i)], std::abs(derivative));
      auto [error, open] = differences.compare(derivative, row, i);
      errors.error[row] = std::max(errors.error[row], error / size);
      errors.rounding[row] = std::max(errors.rounding[row], distance(open / size, 0));
    }
    errors.rounding[row] = std::max(errors.rounding[row], context.rounding[rows[static_cast<size_t>(row)]]);
    errors.floor[row] = 1e-6;
  }
  return Checks{judgeRows(picked, name, claim, errors, z, " of the derivative")};
}
