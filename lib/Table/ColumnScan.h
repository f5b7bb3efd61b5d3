//===- ColumnScan.h - What a column holds -----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TABLE_COLUMNSCAN_H
#define FLOWC_LIB_TABLE_COLUMNSCAN_H

#include "flowc/Table/DescribeTable.h"

#include <array>
#include <unordered_map>

namespace flowc {

/// The coarsest grid with decimal steps that numbers lie on.
class GridScan {
public:
  /// Numbers of a file of floats are rounded to them.
  void setFloats() { areFloats = true; }
  void add(double value);
  /// The grid from the least number on; nothing if there is none with up to nine decimals.
  std::optional<Grid> grid(double least) const;

private:
  bool fits(double value) const;
  bool refine();

  bool areFloats = false, isStarted = false, isGrid = true;
  int decimals = 0;
  double scale = 1; ///< 10^decimals.
  int64_t first = 0, step = 0;
};

/// Some of many numbers, spread over all of them.
class Thinned {
public:
  void add(int64_t index, double value);
  std::vector<double> sorted() const;

private:
  int64_t stride = 1;
  std::vector<double> values;
};

/// A measure of all cells of a column in their order.
using ColumnHash = std::array<uint64_t, 2>;
void addToHash(ColumnHash &hash, uint64_t cell);

/// The numbers of a column; NaN stands for a missing one.
struct ColumnScan {
  int64_t count = 0, missing = 0, firstMissing = -1, firstInfinite = -1;
  double least = 0, most = 0;
  int64_t rowOfLeast = 0, rowOfMost = 0;
  ColumnHash hash = {1, 2};
  GridScan grid;
  Thinned sample;

  void add(int64_t row, double value);
};

/// The texts of a column.
struct TextScan {
  static constexpr size_t kMostCategories = 1000;
  std::unordered_map<std::string, int64_t> counts; ///< Up to that many.
  bool isFull = false, areDates = true, haveTimes = false;
  int64_t rows = 0, missing = 0;
  ColumnHash hash = {1, 2};
  ColumnScan seconds; ///< Of dates.

  void add(const std::string &text);
  /// The most frequent first.
  std::vector<std::string> categories() const;
};

/// What a column of numbers, or of texts, is. Errors begin with the name of the column.
Expected<TableColumn> judgeNumbers(const std::string &name, const ColumnScan &scan, std::optional<ColumnKind> kind,
                                   const ColumnBounds &declared, const TableOptions &options);
Expected<TableColumn> judgeTexts(const std::string &name, const TextScan &scan, const TableOptions &options);

} // namespace flowc

#endif // FLOWC_LIB_TABLE_COLUMNSCAN_H
