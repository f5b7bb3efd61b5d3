//===- Rows.h - Data files, row by row --------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Data of any length passes through buffers of fixed size. Files: `.npy`, `.npz` or
// `FILE.npz:NAME`, `FILE.safetensors:NAME`, and text: `.csv`, `.tsv`, `.txt` or `.dat`,
// compressed by gzip or not, with `:header` or `:no-header` after the name where the first
// line leaves it open. `-` is standard input, text or a `.npy` array.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_IO_ROWS_H
#define FLOWC_IO_ROWS_H

#include "flowc/IO/RowsView.h"

#include <functional>

namespace flowc {

/// Reads rows of a data file in order.
class RowReader {
public:
  virtual ~RowReader() = default;

  /// Reads at most `maxRows` rows into `buffer` (row-major, `columns()` numbers
  /// a row, of type `dtype`). Returns how many; 0 at the end.
  virtual Expected<int64_t> next(int64_t maxRows, DType dtype, void *buffer) = 0;
  /// All rows, mapped; none if the format, or where the file is, does not allow that.
  virtual RowsView map() const { return {}; }

  /// The type of the file's numbers; none for text.
  virtual std::optional<ElementType> type() const { return {}; }

  /// Number of rows, or -1 where only reading tells (text).
  int64_t rows() const { return numRows; }
  /// Shape of one row, and its number of elements.
  const Shape &rowShape() const { return shape; }
  int64_t columns() const { return numElements(shape); }
  /// Names of the columns, or empty if the file has none.
  const std::vector<std::string> &columnNames() const { return names; }
  /// Rows read so far.
  int64_t position() const { return rowsRead; }
  const std::string &path() const { return name; }

  /// How messages speak of a column: `column 'u'` or `column 3`.
  std::string describeColumn(int64_t column) const;

protected:
  std::string name;
  int64_t numRows = -1;
  int64_t rowsRead = 0;
  Shape shape;
  std::vector<std::string> names;
};

/// The file that a path of data names: `FILE.csv` of `FILE.csv:header`.
std::string getDataFile(const std::string &path);

/// Makes numbers of cells of text that are none: names, dates, cells without a value.
struct CellReader {
  /// The number for a cell of a selected column. Messages of errors go on after the name of
  /// the column: `is 'x', expected a number`.
  std::function<Expected<double>(int64_t column, const std::string &text)> read = {};
  /// The selected columns all cells of which it reads, also those that are numbers.
  std::vector<bool> isText = {};
};

/// Opens a data file. `columns` selects columns by name or, in files without
/// names, by number from 0 (`#0` does it in any file); empty: all, in the file's order.
/// `cells` is asked in text files only; without it all cells are numbers.
Expected<std::unique_ptr<RowReader>> openRows(const std::string &path, const std::vector<std::string> &columns = {},
                                              CellReader cells = {});

/// The names in the header of a text file; empty for other files and for text
/// without a header.
Expected<std::vector<std::string>> readColumnNames(const std::string &path);

/// Reads all remaining rows. Numbers that are not finite are errors that name
/// row and column if `finite`.
template <typename T>
Expected<std::vector<T>> readAllRows(RowReader &reader, bool finite);

/// Writes rows in order. Nothing is visible under the final name before
/// `finish`; a writer that is not finished leaves nothing behind.
class RowWriter {
public:
  virtual ~RowWriter() = default;

  /// `rows` holds row-major numbers of the writer's type.
  virtual Expected<void> append(const void *rows, int64_t count) = 0;
  virtual Expected<void> finish() = 0;
};

/// The text of a number in a cell of a text file; false: its digits.
using CellWriter = std::function<bool(int64_t column, double value, std::string &text)>;

/// Opens a writer; the format follows the extension (`.npy`, `.csv`, `.tsv`),
/// an empty path means CSV on standard output. `.npy` files get the shape
/// [rows] + `rowShape`. Text starts with a header of `columnNames`, in quotes where RFC 4180
/// asks for them, and where they could be taken for a row. `cells`, if given, writes the cells
/// of text.
Expected<std::unique_ptr<RowWriter>> createRowWriter(const std::string &path, DType dtype, const Shape &rowShape,
                                                     const std::vector<std::string> &columnNames,
                                                     CellWriter cells = {});

/// Whether `path` has an extension that `createRowWriter` knows; the error
/// names those it knows.
Expected<void> checkOutputFormat(const std::string &path);

/// Splits a list of column names at commas; a name with a comma, or none at all, stands in
/// quotes, as in a file.
std::vector<std::string> splitColumnNames(std::string_view list);

/// Default column names: `prefix` alone for one number, else `prefix0`, `prefix1`, ...
std::vector<std::string> defaultColumnNames(const std::string &prefix, int64_t count);

} // namespace flowc

#endif // FLOWC_IO_ROWS_H
