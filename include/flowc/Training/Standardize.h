//===- Standardize.h - Data of mean 0 and variance 1 ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Flows learn standardised data much faster. The standardisation becomes a part
// of the flow, so that a trained model takes and gives data in its own units.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_STANDARDIZE_H
#define FLOWC_TRAINING_STANDARDIZE_H

#include "flowc/flowc.h"

namespace flowc {

/// Mean and standard deviation of each column.
struct ColumnStatistics {
  std::vector<double> mean, deviation;
};

/// Statistics of row-major data. A column whose values are all equal, or nearly
/// so that T cannot tell, is an error that gives its name from `names` (or its
/// number).
template <typename T>
Expected<ColumnStatistics> computeStatistics(const T *rows, int64_t count, int64_t columns,
                                             const std::vector<std::string> &names);

/// Whether the flow can give any vector of R^D: only then may an affine layer be
/// put outside of it. False if unsure.
bool supportsAllReals(const Flow &flow);

/// The flow in data units: its text is that of `flow` and one more item,
/// `NAME_data`, which is `flow` behind a frozen affine layer. `data` or `condition`
/// is null if it is left as it is.
Expected<Flow> standardize(const Flow &flow, const ColumnStatistics *data, const ColumnStatistics *condition);

} // namespace flowc

#endif // FLOWC_TRAINING_STANDARDIZE_H
