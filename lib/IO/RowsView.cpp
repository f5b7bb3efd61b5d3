//===- RowsView.cpp - Rows in any order -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/IO/RowsView.h"

#include "RowsDetail.h"

#include "flowc/IO/MappedFile.h"

#include <algorithm>
#include <cstring>

using namespace flowc;

RowsView::RowsView(std::shared_ptr<const void> memory, ElementType type, int64_t rows, int64_t columns)
    : owner(std::move(memory)), first(static_cast<const char *>(owner.get())), elementType(type), numRows(rows),
      width(columns) {}

RowsView::RowsView(std::shared_ptr<const MappedFile> mapped, const ArrayLayout &layout, std::vector<int64_t> selection)
    : owner(mapped), file(mapped.get()), first(mapped->data() + layout.offset), elementType(layout.type),
      numRows(layout.shape[0]), width(numElements(layout.shape) / std::max<int64_t>(1, layout.shape[0])),
      selection(std::move(selection)) {}

template <typename T>
void RowsView::copyRow(int64_t row, T *to) const {
  const char *from = first + row * rowBytes();
  if (!selection.empty()) {
    for (int64_t column : selection)
      convertElements(elementType, from + column * static_cast<int64_t>(elementSize(elementType)), 1, to++);
  } else if (elementType == elementTypeOf(sizeof(T) == 4 ? F32 : F64)) {
    std::memcpy(to, from, static_cast<size_t>(rowBytes()));
  } else {
    convertElements(elementType, from, width, to);
  }
}

/// Calls `copy` with `to` as a pointer to numbers of `dtype`.
template <typename Copy>
static void forType(DType dtype, void *to, const Copy &copy) {
  if (dtype == F32)
    copy(static_cast<float *>(to));
  else
    copy(static_cast<double *>(to));
}

void RowsView::copy(std::span<const int64_t> rows, DType dtype, void *to) const {
  forType(dtype, to, [&](auto *out) {
    for (int64_t row : rows) {
      copyRow(row, out);
      out += columns();
    }
  });
}

void RowsView::copy(int64_t begin, int64_t count, DType dtype, void *to) const {
  if (selection.empty() && elementType == elementTypeOf(dtype)) {
    std::memcpy(to, first + begin * rowBytes(), static_cast<size_t>(count * rowBytes()));
    return;
  }
  forType(dtype, to, [&](auto *out) {
    for (int64_t row = begin; row < begin + count; ++row) {
      copyRow(row, out);
      out += columns();
    }
  });
}

void RowsView::willNeed(int64_t begin, int64_t count) const {
  if (file)
    file->willNeed(first - file->data() + begin * rowBytes(), count * rowBytes());
}

Expected<void> RowsView::checkSize() const { return file ? file->checkSize() : Expected<void>(); }

//===----------------------------------------------------------------------===//
// Rows of a reader
//===----------------------------------------------------------------------===//

/// Looks through mapped rows block by block, so that they need not fit in memory.
template <typename T>
static Expected<void> checkFinite(const RowsView &rows, const RowReader &reader) {
  constexpr DType dtype = sizeof(T) == 4 ? F32 : F64;
  const int64_t step = detail::rowsPerBlock(rows.columns());
  std::vector<T> block(static_cast<size_t>(std::min(step, rows.rows()) * rows.columns()));
  for (int64_t begin = 0; begin < rows.rows(); begin += step) {
    int64_t count = std::min(step, rows.rows() - begin);
    rows.copy(begin, count, dtype, block.data());
    if (auto ok = detail::checkFinite(
            reader, std::span<const T>(block).first(static_cast<size_t>(count * rows.columns())), begin);
        !ok)
      return ok;
  }
  return {};
}

template <typename T>
static Expected<RowsView> hold(RowReader &reader) {
  if (RowsView mapped = reader.map()) {
    if (auto ok = checkFinite<T>(mapped, reader); !ok)
      return ok.takeError();
    return mapped;
  }
  auto values = readAllRows<T>(reader, /*finite=*/true);
  if (!values)
    return values.takeError();
  auto kept = std::make_shared<const std::vector<T>>(std::move(*values));
  // The pointer to the numbers shares the ownership of the vector.
  return RowsView(std::shared_ptr<const void>(kept, kept->data()), elementTypeOf(sizeof(T) == 4 ? F32 : F64),
                  reader.position(), reader.columns());
}

Expected<RowsView> flowc::holdRows(RowReader &reader, DType dtype) {
  return dtype == F32 ? hold<float>(reader) : hold<double>(reader);
}
