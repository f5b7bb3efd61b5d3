//===- ArrayRows.cpp - Rows of a binary array -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowsDetail.h"

#include "flowc/IO/MappedFile.h"

#include <algorithm>

using namespace flowc;

namespace {

class ArrayRowReader : public RowReader {
public:
  ArrayRowReader(InputFile file, const ArrayLayout &layout, const std::string &path)
      : file(std::move(file)), layout(layout) {
    name = path;
    numRows = layout.shape[0];
    shape.assign(layout.shape.begin() + 1, layout.shape.end());
    fileColumns = numElements(shape);
  }

  /// Keeps only these columns of a two-dimensional array.
  void select(std::vector<int64_t> indices) {
    selection = std::move(indices);
    shape = {static_cast<int64_t>(selection.size())};
  }

  Expected<int64_t> next(int64_t maxRows, DType dtype, void *buffer) override {
    int64_t count = std::min(maxRows, numRows - rowsRead);
    if (count <= 0)
      return 0;
    Expected<void> ok =
        dtype == F32 ? read(count, static_cast<float *>(buffer)) : read(count, static_cast<double *>(buffer));
    if (!ok)
      return ok.takeError();
    rowsRead += count;
    return count;
  }

  std::optional<ElementType> type() const override { return layout.type; }

  RowsView map() const override {
    if ((layout.fortranOrder && layout.shape.size() > 1) || layout.numBytes() == 0)
      return {};
    auto mapped = MappedFile::map(file);
    // Where the file system has no mappings, rows are read.
    return mapped ? RowsView(std::move(*mapped), layout, selection) : RowsView();
  }

private:
  template <typename T>
  Expected<void> read(int64_t count, T *out) {
    bool sameType = layout.type == elementTypeOf(sizeof(T) == 4 ? F32 : F64);
    const auto size = static_cast<int64_t>(elementSize(layout.type));
    if (layout.fortranOrder && layout.shape.size() > 1)
      return readColumns(count, out);
    int64_t offset = layout.offset + rowsRead * fileColumns * size;
    if (sameType && selection.empty())
      return file.readAt(out, static_cast<size_t>(count * fileColumns * size), offset);
    scratch.resize(static_cast<size_t>(count * fileColumns * size));
    if (auto ok = file.readAt(scratch.data(), scratch.size(), offset); !ok)
      return ok;
    if (selection.empty()) {
      convertElements(layout.type, scratch.data(), count * fileColumns, out);
      return {};
    }
    for (int64_t row = 0; row < count; ++row)
      for (int64_t column : selection)
        convertElements(layout.type, scratch.data() + (row * fileColumns + column) * size, 1, out++);
    return {};
  }

  /// In Fortran order the elements of a column lie together.
  template <typename T>
  Expected<void> readColumns(int64_t count, T *out) {
    const auto size = static_cast<int64_t>(elementSize(layout.type));
    const int64_t width = columns();
    scratch.resize(static_cast<size_t>(count * size));
    std::vector<T> column(static_cast<size_t>(count));
    for (int64_t i = 0; i < width; ++i) {
      int64_t from = fortranColumn(selection.empty() ? i : selection[i]);
      if (auto ok = file.readAt(scratch.data(), scratch.size(), layout.offset + (from * numRows + rowsRead) * size);
          !ok)
        return ok;
      convertElements(layout.type, scratch.data(), count, column.data());
      for (int64_t row = 0; row < count; ++row)
        out[row * width + i] = column[row];
    }
    return {};
  }

  /// Position in Fortran order of the row's element with this position in C
  /// order.
  int64_t fortranColumn(int64_t element) const {
    int64_t position = 0, stride = fileColumns;
    for (size_t axis = layout.shape.size(); axis-- > 1;) {
      stride /= layout.shape[axis];
      position += element % layout.shape[axis] * stride;
      element /= layout.shape[axis];
    }
    return position;
  }

  InputFile file;
  ArrayLayout layout;
  int64_t fileColumns = 1;
  std::vector<int64_t> selection;
  std::vector<char> scratch;
};

} // namespace

Expected<std::unique_ptr<RowReader>> detail::openArrayRows(InputFile file, const ArrayLayout &layout,
                                                           const std::string &name,
                                                           const std::vector<std::string> &columns) {
  if (layout.shape.empty())
    return Error{"'" + name + "' is a single number, expected an array with the rows first"};
  // A few bytes could promise any number of them.
  if (layout.shape[0] > 0 && numElements(layout.shape) == 0)
    return Error{"'" + name + "' has rows of no numbers: its shape is " + formatShape(layout.shape)};
  auto reader = std::make_unique<ArrayRowReader>(std::move(file), layout, name);
  if (!columns.empty()) {
    if (layout.shape.size() != 2)
      return Error{"cannot select columns of '" + name + "': its shape is " + formatShape(layout.shape) +
                   ", expected two dimensions"};
    auto selected = selectColumns(name, {}, layout.shape[1], columns);
    if (!selected)
      return selected.takeError();
    reader->select(std::move(*selected));
  }
  return std::unique_ptr<RowReader>(std::move(reader));
}
