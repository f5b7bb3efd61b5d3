//===- RowsView.h - Rows in any order ---------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What training takes its batches from: rows in memory, or in a mapped file of any
// length and element type. Numbers are converted as they are copied.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_IO_ROWSVIEW_H
#define FLOWC_IO_ROWSVIEW_H

#include "flowc/IO/ArrayLayout.h"

#include <memory>
#include <span>

namespace flowc {

class MappedFile;
class RowReader;

/// Rows that lie one after the other; cheap to copy.
class RowsView {
public:
  /// None.
  RowsView() = default;
  /// Row-major memory of the caller's, which outlives the view; without columns, none.
  template <typename T>
  RowsView(const T *data, int64_t rows, int64_t columns)
      : first(reinterpret_cast<const char *>(data)), elementType(elementTypeOf(sizeof(T) == 4 ? F32 : F64)),
        numRows(rows), width(columns) {}
  /// Row-major memory that the view keeps alive.
  RowsView(std::shared_ptr<const void> owner, ElementType type, int64_t rows, int64_t columns);
  /// The array at `layout` (in C order) of a file; of its columns those in
  /// `selection`, or all if that is empty.
  RowsView(std::shared_ptr<const MappedFile> file, const ArrayLayout &layout, std::vector<int64_t> selection);

  /// Whether there are any; there may be 0 of them.
  explicit operator bool() const { return width > 0; }
  int64_t rows() const { return numRows; }
  int64_t columns() const { return selection.empty() ? width : static_cast<int64_t>(selection.size()); }
  ElementType type() const { return elementType; }
  /// Whether there is nothing where they would be.
  bool isNull() const { return !file && !first; }
  /// The first element of rows in memory.
  const void *data() const { return first; }

  /// Copies these rows to `to`, side by side, as numbers of `dtype`.
  void copy(std::span<const int64_t> rows, DType dtype, void *to) const;
  /// The rows `begin` ... `begin + count - 1`.
  void copy(int64_t begin, int64_t count, DType dtype, void *to) const;

  /// Of rows in a file: starts to read them; fails if the file has become shorter.
  /// Nothing for rows in memory.
  void willNeed(int64_t begin, int64_t count) const;
  Expected<void> checkSize() const;

private:
  template <typename T>
  void copyRow(int64_t row, T *to) const;
  int64_t rowBytes() const { return width * static_cast<int64_t>(elementSize(elementType)); }

  std::shared_ptr<const void> owner;
  const MappedFile *file = nullptr;
  const char *first = nullptr;
  ElementType elementType = ElementType::F64;
  int64_t numRows = 0, width = 0;
  std::vector<int64_t> selection;
};

/// All rows of a reader that has read none yet, checked to be finite as numbers of
/// `dtype`: mapped if the format allows it, else read into memory. A number that is
/// not finite is an error that names row and column.
Expected<RowsView> holdRows(RowReader &reader, DType dtype);

} // namespace flowc

#endif // FLOWC_IO_ROWSVIEW_H
