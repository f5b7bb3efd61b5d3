//===- Whitening.cpp - Data without correlations --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Whitening.h"

#include "DataUnits.h"

#include <cmath>
#include <limits>
#include <numbers>

using namespace flowc;

Covariance Covariance::of(ConstRows<double> rows) {
  Covariance result{rows.rows(), Eigen::VectorXd::Zero(rows.cols()), Eigen::MatrixXd::Zero(rows.cols(), rows.cols())};
  if (rows.rows() == 0)
    return result;
  result.mean = rows.colwise().mean();
  Rows<double> centred = rows.rowwise() - result.mean.transpose();
  result.scatter.noalias() = centred.transpose() * centred;
  return result;
}

Covariance Covariance::merged(const Covariance &other) const {
  if (count == 0 || other.count == 0)
    return count == 0 ? other : *this;
  auto mine = static_cast<double>(count), others = static_cast<double>(other.count);
  Eigen::VectorXd difference = other.mean - mean;
  double share = others / (mine + others);
  return {count + other.count, mean + share * difference,
          scatter + other.scatter + mine * share * difference * difference.transpose()};
}

Eigen::MatrixXd Covariance::shrunk(double shrinkage) const {
  Eigen::MatrixXd result = (1 - shrinkage) / static_cast<double>(count) * scatter;
  result.diagonal() = scatter.diagonal() / static_cast<double>(count);
  return result;
}

/// The Cholesky factor; a column of which nothing is left once those before it are known
/// has 0 on the diagonal.
static Eigen::MatrixXd factorise(const Eigen::MatrixXd &matrix) {
  constexpr double nothing = 1e-12; // More is left by rounding.
  Eigen::MatrixXd factor = Eigen::MatrixXd::Zero(matrix.rows(), matrix.cols());
  for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
    for (Eigen::Index j = 0; j < i; ++j)
      if (factor(j, j) > 0)
        factor(i, j) = (matrix(i, j) - factor.row(i).head(j).dot(factor.row(j).head(j))) / factor(j, j);
    double left = matrix(i, i) - factor.row(i).head(i).squaredNorm();
    factor(i, i) = left > nothing * matrix(i, i) ? std::sqrt(left) : 0;
  }
  return factor;
}

static int64_t firstZero(const Eigen::MatrixXd &factor) {
  for (Eigen::Index i = 0; i < factor.rows(); ++i)
    if (factor(i, i) == 0)
      return i;
  return -1;
}

int64_t flowc::findCollinear(const Covariance &covariance) { return firstZero(factorise(covariance.shrunk(0))); }

Expected<Whitening> Whitening::of(const Covariance &covariance, double shrinkage) {
  Whitening result{covariance.mean, factorise(covariance.shrunk(shrinkage)), shrinkage};
  if (int64_t column = firstZero(result.factor); column >= 0)
    return Error{"column " + std::to_string(column) + " is a linear function of those before it"};
  return result;
}

Whitening Whitening::before(const ColumnStatistics &columns) const {
  Whitening result = *this;
  for (Eigen::Index i = 0; i < mean.size(); ++i) {
    result.mean[i] = columns.mean[i] + columns.deviation[i] * mean[i];
    result.factor.row(i) *= columns.deviation[i];
  }
  return result;
}

Rows<double> Whitening::whiten(ConstRows<double> x) const {
  Eigen::MatrixXd z = (x.rowwise() - mean.transpose()).transpose();
  factor.triangularView<Eigen::Lower>().solveInPlace(z);
  return z.transpose();
}

namespace {

/// Mean log-density of rows with the moments `of` under the normal distribution with those
/// of `from`; -inf if that is none.
double normalLikelihood(const Covariance &of, const Covariance &from, double shrinkage) {
  auto units = Whitening::of(from, shrinkage);
  if (!units || of.count == 0)
    return -std::numeric_limits<double>::infinity();
  auto dim = static_cast<double>(from.mean.size());
  Eigen::VectorXd shift = of.mean - from.mean;
  Eigen::MatrixXd second = of.scatter / static_cast<double>(of.count) + shift * shift.transpose();
  // trace((L L')^-1 S) = trace(L^-1 (L^-1 S)')
  auto lower = units->factor.triangularView<Eigen::Lower>();
  double distance = lower.solve(lower.solve(second).transpose()).trace();
  return units->logDet() - 0.5 * (distance + dim * std::log(2 * std::numbers::pi));
}

} // namespace

std::vector<Covariance> flowc::covariancesOfParts(ConstRows<double> rows) {
  constexpr int64_t count = 5;
  std::vector<Covariance> parts;
  for (int64_t part = 0; part < count; ++part) {
    Rows<double> own((rows.rows() - part + count - 1) / count, rows.cols());
    for (int64_t i = 0; i < own.rows(); ++i)
      own.row(i) = rows.row(part + i * count);
    parts.push_back(Covariance::of(own));
  }
  return parts;
}

double flowc::heldOutLikelihood(std::span<const Covariance> parts, double shrinkage) {
  double sum = 0, count = 0;
  for (size_t out = 0; out < parts.size(); ++out) {
    Covariance others;
    for (size_t i = 0; i < parts.size(); ++i)
      if (i != out)
        others = others.merged(parts[i]);
    if (others.count < 2)
      return -std::numeric_limits<double>::infinity();
    auto rows = static_cast<double>(parts[out].count);
    sum += normalLikelihood(parts[out], others, shrinkage) * rows;
    count += rows;
  }
  return sum / count;
}

double flowc::chooseShrinkage(std::span<const Covariance> parts) {
  constexpr double tried[] = {1, 0.6, 0.3, 0.15, 0.08, 0.04, 0.02, 0.01, 0.003, 0.001, 0.0001, 0};
  double best = 1, most = -std::numeric_limits<double>::infinity();
  for (double shrinkage : tried)
    if (double found = heldOutLikelihood(parts, shrinkage); found > most) {
      most = found;
      best = shrinkage;
    }
  return best;
}

int64_t flowc::unitsSampleRows(int64_t columns) {
  constexpr int64_t numbers = 4'000'000, most = 50000, least = 1000;
  return std::clamp(numbers / std::max<int64_t>(1, columns), least, most);
}

/// A sample of the rows of `subset`, in standardised columns.
static Rows<double> sampleRows(const RowsView &view, const std::shared_ptr<const RowSubset> &subset,
                               const ColumnStatistics &columns) {
  std::shared_ptr<const RowSubset> chosen = everyNth(subset, unitsSampleRows(view.columns()));
  std::vector<int64_t> rows(static_cast<size_t>(chosen->size()));
  chosen->list(0, rows);
  Rows<double> sample(chosen->size(), view.columns());
  view.copy(rows, F64, sample.data());
  for (Eigen::Index i = 0; i < sample.cols(); ++i)
    sample.col(i) = (sample.col(i).array() - columns.mean[i]) / columns.deviation[i];
  return sample;
}

Expected<Whitening> flowc::chooseUnits(const RowsView &rows, const std::shared_ptr<const RowSubset> &subset,
                                       const ColumnStatistics &columns, Units units) {
  constexpr double leastGain = 1; // Nats per column.
  auto dim = std::ssize(columns.mean);
  Whitening byColumn{Eigen::VectorXd::Zero(dim), Eigen::MatrixXd::Identity(dim, dim)};
  if (dim == 1 || dim > kWidestWhitened || (units != Units::Cholesky && units != Units::Auto))
    return byColumn.before(columns);
  std::vector<Covariance> parts = covariancesOfParts(sampleRows(rows, subset, columns));
  double shrinkage = chooseShrinkage(parts);
  double gain = heldOutLikelihood(parts, shrinkage) - heldOutLikelihood(parts, 1);
  if (units == Units::Auto && !(gain > leastGain * static_cast<double>(dim)))
    return byColumn.before(columns);
  Covariance all;
  for (const Covariance &part : parts)
    all = all.merged(part);
  auto found = Whitening::of(all, shrinkage);
  if (!found)
    return found;
  return found->before(columns);
}

Expected<Flow> flowc::whiten(const Flow &flow, const Whitening &units, const ColumnStatistics *condition) {
  std::vector<double> mean(units.mean.begin(), units.mean.end());
  if (units.shrinkage == 1) {
    Eigen::VectorXd deviation = units.factor.diagonal();
    ColumnStatistics columns{mean, {deviation.begin(), deviation.end()}};
    return standardize(flow, &columns, condition);
  }
  Rows<double> factor = units.factor;
  std::vector<double> elements(factor.data(), factor.data() + factor.size());
  std::string layer = "non_trainable(triangular_affine(" + arrayLiteral(flow.shape(), mean) + ", " +
                      arrayLiteral({factor.rows(), factor.cols()}, elements) + "))";
  return inDataUnits(flow, layer, /*afterBase=*/{}, condition);
}
