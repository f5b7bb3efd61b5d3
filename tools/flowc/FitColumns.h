//===- FitColumns.h - The table of flowc fit --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_FITCOLUMNS_H
#define FLOWC_TOOLS_FLOWC_FITCOLUMNS_H

#include "Common.h"

#include "flowc/Fit.h"
#include "flowc/Table/DescribeTable.h"

namespace flowc::tool {

/// What the command line says of columns.
struct ColumnOptions {
  std::map<std::string, ColumnBounds> bounds;
  std::map<std::string, ColumnKind> kinds;
  bool keepTies = false;
  MissingCells missing = MissingCells::Error;
  /// The same as words of a command line.
  std::string words;

  /// Adds --bounds, --ties, --missing, --categories and --columns-as.
  void add(CLI::App &command);
};

/// The columns of a file to fit a flow to, and what they are.
class TableFile {
public:
  static Expected<TableFile> describe(const DataOptions &data, const ColumnOptions &columns, uint64_t seed);

  /// The rows as numbers of the model.
  Expected<FitTable> hold(DType dtype) const;
  /// One line for each column that is more than real numbers, and for rows left out.
  std::string describe() const;
  void remember(TrainingRecord &record) const;
  int64_t eventColumns() const { return std::ssize(events.table.schema.columns); }
  int64_t conditionColumns() const { return conditions ? std::ssize(conditions->table.schema.columns) : 0; }

private:
  /// Columns of the file with one use.
  struct Part {
    std::vector<std::string> columns, names;
    TableDescription table;
  };
  static Expected<Part> describePart(const std::string &path, std::vector<std::string> columns,
                                     const TableOptions &options);
  Expected<RowsView> holdPart(const Part &part, DType dtype) const;

  std::string path, words;
  Part events;
  std::optional<Part> conditions;
  std::vector<int64_t> skipped; ///< Rows with missing cells, if they are to be left out.
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_FITCOLUMNS_H
