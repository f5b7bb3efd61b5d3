//===- DescribeTable.h - Finding out what columns are -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files are read in chunks, of any length: once, and a second time those of their columns
// that hold text.
//
//   auto table = flowc::describeTable("weather.csv", {}, {.bounds = {{"wind", {0}}}});
//   auto rows = flowc::openEncoded("weather.csv", {}, table->schema, {});
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TABLE_DESCRIBETABLE_H
#define FLOWC_TABLE_DESCRIBETABLE_H

#include "flowc/Table/TableSchema.h"

#include <map>

namespace flowc {

/// What is known of columns, by name or `#NUMBER`, and what to do with what is found.
struct TableOptions {
  std::map<std::string, ColumnBounds> bounds = {};
  /// Real, grid or category; others are found out.
  std::map<std::string, ColumnKind> kinds = {};
  bool keepTies = false; ///< Repeated values are taken as they are.
  MissingCells missing = MissingCells::Error;
  uint64_t seed = 0;
  bool isCondition = false;
};

struct TableDescription {
  TableSchema schema;
  int64_t rows = 0;
  /// Rows with missing cells, in order, if they are to be dropped.
  std::vector<int64_t> missingRows;
};

/// The columns of a file: their names, or, in files without names, their numbers.
Expected<std::vector<std::string>> listColumns(const std::string &path);

/// The first of `names` (of columns; `#NUMBER` is not looked up) that the file does not have; empty: it has all.
Expected<std::string> findMissingColumn(const std::string &path, const std::vector<std::string> &names);

Expected<TableDescription> describeTable(const std::string &path, const std::vector<std::string> &columns,
                                         const TableOptions &options);

/// Numbers of the model for the rows of a file of such a table, without those with the numbers
/// in `skipped`. With `keepMissing`, numbers of rows with missing cells that the schema has no
/// place for are NaN; else they are errors.
struct EncodedOptions {
  std::vector<int64_t> skipped = {};
  bool keepMissing = false;
  int64_t rows = -1; ///< Of the file, if known.
};
Expected<std::unique_ptr<RowReader>> openEncoded(const std::string &path, const std::vector<std::string> &columns,
                                                 TableSchema schema, EncodedOptions options);

/// Writes rows of the model as rows of the table, followed by `others` numbers of each row that
/// are none of the model's, as they are.
Expected<std::unique_ptr<RowWriter>> createDecodingWriter(const std::string &path, DType dtype,
                                                          const TableSchema &schema,
                                                          const std::vector<std::string> &others);

} // namespace flowc

#endif // FLOWC_TABLE_DESCRIBETABLE_H
