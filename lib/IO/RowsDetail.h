//===- RowsDetail.h - Readers of the single formats -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_IO_ROWSDETAIL_H
#define FLOWC_LIB_IO_ROWSDETAIL_H

#include "TextFormat.h"

#include "flowc/IO/Rows.h"

#include <algorithm>
#include <cmath>

namespace flowc::detail {

/// Positions of `wanted` among the columns of a file that has `names` (or none) and
/// `count` columns; all of them if `wanted` is empty. `#3` is the column at position 3,
/// whatever its name.
Expected<std::vector<int64_t>> selectColumns(const std::string &path, const std::vector<std::string> &names,
                                             int64_t count, const std::vector<std::string> &wanted);

/// Rows of a binary array.
Expected<std::unique_ptr<RowReader>> openArrayRows(InputFile file, const ArrayLayout &layout, const std::string &name,
                                                   const std::vector<std::string> &columns);

/// Rows of a text file.
Expected<std::unique_ptr<RowReader>> openTextRows(const TextName &name, const std::vector<std::string> &columns,
                                                  CellReader cells = {});

/// Rows of an array of a NumPy archive (.npz), which need not be named if it is the only
/// one.
Expected<std::unique_ptr<RowReader>> openArchiveRows(const std::string &path, const std::string &array,
                                                     const std::vector<std::string> &columns);

/// Rows of so many columns that are worked on at once where they may be more than
/// fit in memory.
int64_t rowsPerBlock(int64_t columns);

/// Whether these rows, the first of which is row `first` of the file, are finite; the
/// error names row and column.
template <typename T>
Expected<void> checkFinite(const RowReader &reader, std::span<const T> rows, int64_t first) {
  auto bad = std::ranges::find_if(rows, [](T value) { return !std::isfinite(value); });
  if (bad == rows.end())
    return {};
  int64_t at = bad - rows.begin();
  return Error{"'" + reader.path() + "': row " + std::to_string(first + at / reader.columns() + 1) + ", " +
               reader.describeColumn(at % reader.columns()) + " is " +
               (std::isnan(*bad) ? "NaN"
                : sizeof(T) == 4 ? "infinite or beyond the range of float32"
                                 : "infinite") +
               ", expected a finite number"};
}

} // namespace flowc::detail

#endif // FLOWC_LIB_IO_ROWSDETAIL_H
