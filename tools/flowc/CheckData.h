//===- CheckData.h - What data is like, before a training -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_CHECKDATA_H
#define FLOWC_TOOLS_FLOWC_CHECKDATA_H

#include "Common.h"

#include <Eigen/Core>

namespace flowc::tool {

/// Columns of the same rows, all finite.
struct ColumnsSummary {
  int64_t rows = 0;
  /// As messages call them: `'u'`, or `3` in a file without names.
  std::vector<std::string> names;
  Eigen::ArrayXd mean, deviation, least, most;
  /// Correlations of the columns; empty if there are too many of them.
  Eigen::MatrixXd correlation;

  int64_t columns() const { return mean.size(); }
};

/// What `flowc train` would read from the same options: the events, and the conditions
/// if the flow has them.
struct DataSummary {
  ColumnsSummary events;
  std::optional<ColumnsSummary> conditions;
};

/// Reads the data as a training does; a number that is not finite in `dtype` is an error
/// that names row and column.
Expected<DataSummary> summarizeData(const Flow &flow, const TrainingRecord &record, const DataOptions &options,
                                    DType dtype);

/// Prints rows and columns.
void print(const DataSummary &data);

/// What a training fails at, or cannot make a density of: columns that are constant, equal
/// up to scale and shift, linear combinations of others, or too fine for `dtype`. `path` is the
/// file's.
std::vector<std::string> findDataWarnings(const DataSummary &data, DType dtype, const std::string &path);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_CHECKDATA_H
