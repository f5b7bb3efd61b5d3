//===- FitFile.h - The table that a flow is fitted to -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Columns of a file as they are: whole numbers, categories, dates, cells without a value.
//
//   auto file = flowc::FitFile::describe("weather.csv", {.conditionColumns = {"month"}});
//   auto held = file->hold();
//   auto result = flowc::fitTable(held->table, {.dtype = held->dtype});
//   file->remember(result->record);
//   result->model.save("model.safetensors", result->record.toJson());
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FITFILE_H
#define FLOWC_FITFILE_H

#include "flowc/Fit.h"
#include "flowc/Table/DescribeTable.h"

namespace flowc {

/// Which columns, by name or `#NUMBER`, and what is known of them.
struct FitFileOptions {
  /// Of the event; none: all that are no conditions.
  std::vector<std::string> columns = {};
  std::vector<std::string> conditionColumns = {};
  std::map<std::string, ColumnBounds> bounds = {};
  /// Real, grid or category; others are found out.
  std::map<std::string, ColumnKind> kinds = {};
  bool keepTies = false; ///< Repeated values are taken as they are.
  MissingCells missing = MissingCells::Error;
  uint64_t seed = 0;
};

class FitFile {
public:
  /// Reads the file and finds out what its columns are. Errors: of the file; columns that there are
  /// not; cells that do not fit to what is said of their column; nothing to fit.
  static Expected<FitFile> describe(const std::string &path, const FitFileOptions &options);

  /// The rows as numbers of the model, and the element type that holds them.
  struct Held {
    FitTable table;
    DType dtype;
    std::string why = {}; ///< Why it is float64, if nobody asked for that.
  };
  /// In this element type; without one in float32, or, if that is too coarse, in float64.
  Expected<Held> hold(std::optional<DType> dtype = std::nullopt) const;
  /// Writes down which columns the model is of, and what they are.
  void remember(TrainingRecord &record) const;

  const TableSchema &events() const { return eventPart.table.schema; }
  /// Null if there are no conditions.
  const TableSchema *conditions() const { return conditionPart ? &conditionPart->table.schema : nullptr; }
  /// Rows with missing cells that are left out.
  int64_t skippedRows() const { return std::ssize(skipped); }

private:
  /// Columns of the file with one use.
  struct Part {
    std::vector<std::string> columns, names;
    TableDescription table;
  };
  Expected<Part> describePart(std::vector<std::string> columns, const TableOptions &options) const;
  Expected<RowsView> holdPart(const Part &part, DType dtype) const;
  Expected<FitTable> holdAs(DType dtype) const;

  std::string path;
  Part eventPart;
  std::optional<Part> conditionPart;
  std::vector<int64_t> skipped; ///< In order.
};

} // namespace flowc

#endif // FLOWC_FITFILE_H
