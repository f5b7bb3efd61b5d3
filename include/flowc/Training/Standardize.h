//===- Standardize.h - Data of mean 0 and variance 1 ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Flows learn standardised data much faster. The standardisation becomes a part
// of the flow, so that a trained model takes and gives data in its own units. Of a
// bounded support (flowc/Training/SupportMap.h) the units are those of coordinates
// without bounds.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_STANDARDIZE_H
#define FLOWC_TRAINING_STANDARDIZE_H

#include "flowc/Training/RowSubset.h"
#include "flowc/flowc.h"

namespace flowc {

/// Mean and standard deviation of each column.
struct ColumnStatistics {
  std::vector<double> mean, deviation;
};

/// Statistics of the rows in `subset`, in one pass: those of blocks of a million
/// numbers, merged in a fixed tree. A column whose values are all equal, or nearly so
/// that `dtype` cannot tell, is an error that gives its name from `names` (or its
/// number).
Expected<ColumnStatistics> computeStatistics(const RowsView &rows, const RowSubset &subset, DType dtype,
                                             const std::vector<std::string> &names);
/// The same of what `map` makes of blocks of these rows; it is given the place of a
/// block's first row in the subset.
using BlockMap = std::function<Expected<Rows<double>>(Rows<double> block, int64_t first)>;
Expected<ColumnStatistics> computeStatistics(const RowsView &rows, const RowSubset &subset, DType dtype,
                                             const std::vector<std::string> &names, const BlockMap &map);
/// The first of rows in memory.
template <typename T>
Expected<ColumnStatistics> computeStatistics(const T *rows, int64_t count, int64_t columns,
                                             const std::vector<std::string> &names) {
  return computeStatistics({rows, count, columns}, *allRows(count), sizeof(T) == 4 ? F32 : F64, names);
}

/// Whether float32 rounds numbers around `mean` to multiples of more than 2^-11 of their
/// standard deviation, as it does seconds since 1970 that span a day: samples would stand on
/// a grid that can be seen, and what is learnt from rounded rows fits others no better. So does
/// it with numbers that differ by less than its smallest.
bool isCoarseInFloat32(double mean, double deviation);
/// The first column of the rows in `subset` of which that is true; -1 if there is none. If
/// rows are held as float32, it may also be a column that is constant, other than 0: whether
/// it was before, they do not tell.
Expected<int64_t> findCoarseColumn(const RowsView &rows, const RowSubset &subset);

/// Whether one of the rows holds a finite number that float32 has no place for. Views may be
/// empty.
Expected<bool> exceedsFloat32(std::initializer_list<RowsView> views);

/// The flow in data units: its text is that of `flow` and one more item, `NAME_data`,
/// with a frozen affine layer outside of `flow` or, if it has a `SupportMap`, before that;
/// `data` are statistics of the events there. `data` or `condition` is null if it is left as
/// it is. Error: `data` of a flow without such a place.
/// With a `baseScale` other than 1 draws of the base are multiplied by it, and the layer's
/// scales are divided by it: the same normal distribution, if the flow is the identity, but
/// in other units inside (`scaleIntoSplines`).
Expected<Flow> standardize(const Flow &flow, const ColumnStatistics *data, const ColumnStatistics *condition,
                           double baseScale = 1);

/// The factor, at most 1, by which normal draws have to be multiplied so that those up to 6
/// standard deviations lie in the intervals of all splines that meet them unscaled. Beyond
/// its interval a spline is the identity, whatever the target: one draw in 8,000 of two
/// coordinates is beyond 4, one in 250 million beyond 6.
double scaleIntoSplines(const Flow &flow);

/// An array literal of the language, of this shape, with the digits of float32 where it
/// has the numbers.
std::string arrayLiteral(const std::vector<int64_t> &shape, const std::vector<double> &values);

} // namespace flowc

#endif // FLOWC_TRAINING_STANDARDIZE_H
