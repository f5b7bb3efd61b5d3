//===- Whitening.h - Data without correlations ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where columns are close to collinear, flows learn much faster what is left once
// their covariance is divided out. How far to go is a question of how well the
// covariance is known: its shrinkage towards uncorrelated columns is chosen by the
// likelihood of rows that it was not computed from.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_WHITENING_H
#define FLOWC_TRAINING_WHITENING_H

#include "flowc/Training/Standardize.h"

namespace flowc {

/// Mean and covariance of rows, which can be merged (T. F. Chan, G. H. Golub,
/// R. J. LeVeque, 1979).
struct Covariance {
  int64_t count = 0;
  Eigen::VectorXd mean;
  Eigen::MatrixXd scatter; ///< Sum of the outer products of differences to the mean.

  static Covariance of(ConstRows<double> rows);
  /// That of the rows of both.
  Covariance merged(const Covariance &other) const;
  /// The mean of the outer products, with correlations multiplied by 1 - `shrinkage`.
  Eigen::MatrixXd shrunk(double shrinkage) const;
};

/// The first column that is a linear function of those before it, but for rounding; -1 if
/// there is none.
int64_t findCollinear(const Covariance &covariance);

/// Units in which rows have mean 0 and no correlations: x = mean + factor z.
struct Whitening {
  Eigen::VectorXd mean;
  Eigen::MatrixXd factor; ///< Lower triangular; diagonal if `shrinkage` is 1.
  double shrinkage = 1;

  /// Of rows with this covariance. Columns that are linear functions of others are an error
  /// unless shrinkage has parted them.
  static Expected<Whitening> of(const Covariance &covariance, double shrinkage);
  /// Of rows that were standardised with `columns`: the units of the rows before that.
  Whitening before(const ColumnStatistics &columns) const;
  /// z of each row.
  Rows<double> whiten(ConstRows<double> x) const;
  /// log |det dz/dx|.
  double logDet() const { return -factor.diagonal().array().log().sum(); }
};

/// Wider events are not whitened: their covariance would take longer than a training.
inline constexpr int64_t kWidestWhitened = 256;

/// How many rows of so many columns stand for all where units are chosen: up to 50,000.
int64_t unitsSampleRows(int64_t columns);

/// Of five parts of rows, each fifth row in one.
std::vector<Covariance> covariancesOfParts(ConstRows<double> rows);

/// Mean log-density of the rows of each part under the normal distribution with the shrunk
/// moments of all others (cross-validation); -inf with a single part.
double heldOutLikelihood(std::span<const Covariance> parts, double shrinkage);

/// The shrinkage of those tried, from none to 1, with the largest of these likelihoods; with
/// a single part 1.
double chooseShrinkage(std::span<const Covariance> parts);

/// What events are divided by before they are trained on.
enum class Units {
  None,
  Columns,  ///< Mean and standard deviation of each column.
  Cholesky, ///< Correlations, too.
  Auto      ///< The last if columns are as good as collinear, else the columns.
};

/// Units of the rows of `subset`, whose columns have the statistics `columns`: by a
/// sample of them. `Units::Auto` chooses correlations if they are worth more than a nat per
/// column in `heldOutLikelihood`. Of more than `kWidestWhitened` columns always column by column.
Expected<Whitening> chooseUnits(const RowsView &rows, const std::shared_ptr<const RowSubset> &subset,
                                const ColumnStatistics &columns, Units units);

/// The flow in data units, as `standardize` makes it, with these units: a frozen
/// `triangular_affine` if they are no diagonal. For flows of vectors over R^D.
Expected<Flow> whiten(const Flow &flow, const Whitening &units, const ColumnStatistics *condition);

} // namespace flowc

#endif // FLOWC_TRAINING_WHITENING_H
