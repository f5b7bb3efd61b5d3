//===- Statistics.h - Numbers that a report is made of ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_REPORT_STATISTICS_H
#define FLOWC_REPORT_STATISTICS_H

#include "flowc/Report.h"
#include "flowc/Support/Quantile.h"

namespace flowc::report {

std::vector<double> sortedColumn(const Rows<double> &rows, int64_t column);

double meanOf(std::span<const double> values);
/// The standard deviation, by one less than there are values; NaN of one.
double deviationOf(std::span<const double> values);

/// An axis for ascending values of both sides: all but the outermost 0.3 % of either, with a
/// margin; logarithmic if all are positive and the long tail of the data is to the right.
Scale chooseScale(std::span<const double> data, std::span<const double> model);

/// Both in `count` bins of `scale`.
SharedBins binColumn(std::span<const double> data, std::span<const double> model, const Scale &scale, int64_t count);

/// Columns of both in `count` * `count` bins.
struct PairOfColumns {
  int64_t across, up;
};
SharedBins binPair(const Rows<double> &data, const Rows<double> &model, const PairOfColumns &columns,
                   const std::array<Scale, 2> &scales, int64_t count);

/// Rows, and what they are conditioned on.
struct ConditionedRows {
  const Rows<double> &x, &condition;
};
/// One column against one condition, in rows and in draws under their conditions.
BandReport compareBand(const ConditionedRows &rows, const ConditionedRows &draws, int64_t column, int64_t condition);

/// Quantiles of `model` against those of `data` (both ascending) at shares that 60 rows or
/// fewer have in their middles, with bands of 95 %: the share of rows below a quantile of the
/// model is binomial.
std::vector<QuantilePair> compareQuantiles(std::span<const double> data, std::span<const double> model);

/// Spearman's rank correlations of the columns; 0 where one is constant.
Eigen::MatrixXd rankCorrelations(const Rows<double> &rows);
/// Ranks of values from 1, ties with their mean ranks.
std::vector<double> ranksOf(std::span<const double> values);
/// The standard error of a rank correlation `value` of `rows` rows (D. G. Bonett, T. A. Wright,
/// "Sample size requirements for estimating Pearson, Kendall and Spearman correlations", 2000).
double rankCorrelationError(double value, int64_t rows);

/// p-values times what S. Holm's step-down method (1979) multiplies them by, in their order: the
/// probability of one as small among all of them is at most `result[i]`.
std::vector<double> adjustByHolm(const std::vector<double> &pValues);

/// How often `values`, uniform on [0, 1] if all is right, lie in the central interval of each
/// level; NaN is left out.
std::vector<Coverage> centralCoverage(std::span<const double> values);
/// The same of the intervals above 1 - level: regions of highest density, if the values are
/// shares of draws of a lower one.
std::vector<Coverage> upperCoverage(std::span<const double> values);

/// How many of `values` are in each of `count` bins of [0, 1].
std::vector<int64_t> countUniform(std::span<const double> values, int64_t count);

/// The share of `sorted` below `value`, half of those equal to it, of one more than there are: in
/// ]0, 1[.
double shareBelow(std::span<const double> sorted, double value);

} // namespace flowc::report

#endif // FLOWC_REPORT_STATISTICS_H
