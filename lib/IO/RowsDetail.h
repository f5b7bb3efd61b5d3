//===- RowsDetail.h - Readers of the single formats -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_IO_ROWSDETAIL_H
#define FLOWC_LIB_IO_ROWSDETAIL_H

#include "flowc/IO/Rows.h"

namespace flowc::detail {

/// Positions of `wanted` among the columns of a file that has `names` (or none)
/// and `count` columns; all of them if `wanted` is empty.
Expected<std::vector<int64_t>> selectColumns(const std::string &path, const std::vector<std::string> &names,
                                             int64_t count, const std::vector<std::string> &wanted);

/// Rows of a binary array.
Expected<std::unique_ptr<RowReader>> openArrayRows(InputFile file, const ArrayLayout &layout, const std::string &name,
                                                   const std::vector<std::string> &columns);

/// Rows of a text file with this separator.
Expected<std::unique_ptr<RowReader>> openTextRows(const std::string &path, char separator,
                                                  const std::vector<std::string> &columns);

/// The separator of a text file, by its extension; 0 for other files.
char separatorOf(const std::string &path);

} // namespace flowc::detail

#endif // FLOWC_LIB_IO_ROWSDETAIL_H
