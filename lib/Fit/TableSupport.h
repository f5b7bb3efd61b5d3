//===- TableSupport.h - Columns with bounds ---------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FIT_TABLESUPPORT_H
#define FLOWC_LIB_FIT_TABLESUPPORT_H

#include "flowc/Table/TableSchema.h"
#include "flowc/flowc.h"

namespace flowc {

/// An increasing map x = b(u) of all real numbers onto where the values of a column lie.
struct ColumnMap {
  enum class Form {
    Line,     ///< u
    Exp,      ///< lower + e^u
    Softplus, ///< lower + scale softplus(u / scale): far from the bound, u
    Below,    ///< upper - scale softplus(-u / scale)
    Sigmoid   ///< lower + scale sigmoid(u)
  };
  Form form = Form::Line;
  double end = 0, scale = 1;

  /// u of x, not finite outside of the bounds, and log |du/dx|, which is added.
  double toLine(double x, double &logSlope) const;
};

/// The maps of all columns of an event: the last bijections of every flow that is tried.
class TableSupport {
public:
  TableSupport() = default;
  /// Of columns with these bounds; where two maps fit, that under which the values of `rows`
  /// are closer to a normal distribution. Errors: values that are not within the bounds.
  static Expected<TableSupport> choose(const std::vector<ColumnBounds> &bounds, const Rows<double> &rows,
                                       const std::vector<std::string> &names);

  bool isLine() const { return maps.empty(); }
  bool isLine(size_t column) const { return isLine() || maps[column].form == ColumnMap::Form::Line; }
  /// Replaces the event's columns, the first of `rows`, by u; returns log |det du/dx| of each.
  Eigen::VectorXd toLine(Rows<double> &rows) const;
  /// `text`, whose last item is the flow `name` over all real numbers, with one more item: that
  /// flow behind the maps.
  std::string put(const std::string &text, const std::string &name) const;

private:
  std::vector<ColumnMap> maps; ///< None: all columns are over all real numbers.
};

} // namespace flowc

#endif // FLOWC_LIB_FIT_TABLESUPPORT_H
