//===- Compare.h - Rows beside draws of a model -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_REPORT_COMPARE_H
#define FLOWC_LIB_REPORT_COMPARE_H

#include "FlowRows.h"
#include "flowc/Report/Statistics.h"

namespace flowc::report {

/// Rows with a density that are compared, and draws of the model: as many for each row,
/// under its condition.
struct Compared {
  Rows<double> x, condition;
  Eigen::VectorXd logProb;
  DrawnRows draws;
  Rows<double> drawConditions;
  /// The columns of both, ascending.
  std::vector<std::vector<double>> sorted, sortedDraws;
};

void compareMarginals(const Compared &rows, Report &report);
void comparePairs(const Compared &rows, Report &report);
void compareBands(const Compared &rows, Report &report);

/// For some rows: of each coordinate, and of the log-density, the share of draws under the row's
/// condition that lie below.
struct SharesUnderCondition {
  std::vector<int64_t> rows; ///< Of those compared.
  Rows<double> shares;       ///< The last column is that of the log-density.
  int64_t draws = 0;         ///< For each row.
};
Expected<SharesUnderCondition> sharesUnderConditions(const FlowRows &flow, const Compared &rows);

/// Uniformity (the Rosenblatt transform, or the coordinates of the base, and shares of draws
/// of lower density) and the coverage of intervals. `shares` of a conditional flow, else null.
Expected<void> compareUniformity(const FlowRows &flow, const Compared &rows, const SharesUnderCondition *shares,
                                 Report &report);

} // namespace flowc::report

#endif // FLOWC_LIB_REPORT_COMPARE_H
