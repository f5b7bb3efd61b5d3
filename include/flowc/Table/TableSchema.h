//===- TableSchema.h - What the columns of a table are ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tables hold whole numbers, rounded and repeated values, names, dates and cells
// without a value; flows have densities over real numbers. A schema says what each
// column is and turns rows into numbers of the model and back:
//
//   * a value of a grid (whole numbers, rounded ones, days) becomes a number drawn
//     uniformly from the cell of the grid around it, and is found again by rounding;
//   * a value of a real column that rows repeat becomes one of the cell around it in which
//     no other value lies;
//   * a category becomes a cell of a grid, ordered by frequency; as a condition, a number
//     0 or 1 for each category but the most frequent one;
//   * a missing value becomes a number of the middle half of the column, beside a number
//     that says so;
//   * constant columns and those that repeat another one have no number.
//
// What is drawn depends on the seed, the number of the row and the column alone.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TABLE_TABLESCHEMA_H
#define FLOWC_TABLE_TABLESCHEMA_H

#include "flowc/IO/Rows.h"

#include <limits>

namespace flowc {

enum class ColumnKind { Real, Grid, Category, Constant, Duplicate };
/// What a grid of whole numbers counts, from 1970-01-01 on.
enum class DateUnit { None, Day, Second };
/// What becomes of rows with cells without a value.
enum class MissingCells { Error, Drop, Indicator };

/// Where the values of a column lie.
struct ColumnBounds {
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double lower = -kInfinity, upper = kInfinity;

  bool hasLower() const { return lower > -kInfinity; }
  bool hasUpper() const { return upper < kInfinity; }
  friend bool operator==(const ColumnBounds &, const ColumnBounds &) = default;
};

/// A value that many rows repeat, and the cell around it in which no other value lies.
struct Atom {
  double value, low, high;
  friend bool operator==(const Atom &, const Atom &) = default;
};

/// Values (offset + k step) / 10^decimals.
struct Grid {
  int decimals = 0;
  int64_t offset = 0, step = 1;
  DateUnit unit = DateUnit::None;

  double value(double k) const;
  double stepSize() const;
  /// The number of the value closest to `value`, which need be none of the grid.
  double nearest(double value) const;
  /// Numbers of the model count dates from the first one.
  double origin() const { return unit == DateUnit::None ? 0 : value(0); }
  friend bool operator==(const Grid &, const Grid &) = default;
};

/// A column of the table.
struct TableColumn {
  std::string name;
  ColumnKind kind = ColumnKind::Real;
  ColumnBounds bounds = {}; ///< Of its values.
  Grid grid = {};
  bool isDequantised = true; ///< Of grids and atoms; else values are taken as they are.
  std::vector<Atom> atoms = {};
  std::vector<std::string> categories = {}; ///< The most frequent first.
  std::string constant = {};                ///< The only cell.
  int64_t original = -1;                    ///< The column that this one repeats.
  bool hasIndicator = false;                ///< A second number says whether there is no value.
  ColumnBounds filled = {};                 ///< What a missing value is drawn from.

  /// Numbers of the model that it becomes.
  int64_t width(bool isCondition) const;
  /// The only cell, if that is a number.
  std::optional<double> constantNumber() const;
  /// Whether its cells are text, for which formats of numbers have no place.
  bool isText() const;
  friend bool operator==(const TableColumn &, const TableColumn &) = default;
};

/// The columns of events, or those of conditions.
struct TableSchema {
  std::vector<TableColumn> columns;
  bool isCondition = false;
  MissingCells missing = MissingCells::Error;
  uint64_t seed = 0;

  /// Whether rows of the table are rows of the model.
  bool isIdentity() const;
  /// Numbers of the model in a row.
  int64_t width() const;
  std::vector<std::string> names() const;
  std::vector<std::string> modelNames() const;
  /// Where the numbers of the model lie.
  std::vector<ColumnBounds> support() const;
  /// The number of the model, and which one it is, that a cell of a column becomes; nothing if
  /// it becomes none or several, or one that is drawn.
  std::optional<std::pair<int64_t, double>> point(size_t column, double cell) const;
  /// What to add to log-densities of rows to have log-probabilities of the values of grids: the
  /// sum of the logarithms of their steps.
  double logStep() const;

  /// What cells of text are as numbers: of a category its position, of a date its days or
  /// seconds, of a missing value NaN.
  CellReader cellReader() const;
  /// The text of such numbers; numbers of a model of `dtype` have its digits.
  CellWriter cellWriter(DType dtype) const;
  /// The numbers of the model for row number `row` of a file, whose cells are as `cellReader`
  /// makes them. Cells that no row of the model can have are errors that begin with the name
  /// of the column.
  Expected<void> encode(int64_t row, const double *cells, double *model) const;
  /// The cells of a row of the model.
  void decode(const double *model, double *cells) const;
  /// Numbers of the model that rows of the table have: rounded, and within bounds.
  void snap(double *model) const;

  /// One line for each column.
  std::string describe() const;
  std::string toJson() const;
  static Expected<TableSchema> fromJson(const std::string &text);
  friend bool operator==(const TableSchema &, const TableSchema &) = default;
};

/// How programs write that a cell has no value: nothing, NA, N/A, NaN, null or ?.
bool isMissingCell(std::string_view text);

} // namespace flowc

#endif // FLOWC_TABLE_TABLESCHEMA_H
