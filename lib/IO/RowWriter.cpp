//===- RowWriter.cpp - Writing data files row by row ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowsDetail.h"

#include "flowc/IO/Npy.h"
#include "flowc/Support/Format.h"

#include <charconv>
#include <cmath>

using namespace flowc;

namespace {

class NpyWriter : public RowWriter {
public:
  NpyWriter(OutputFile file, DType dtype, Shape rowShape)
      : file(std::move(file)), dtype(dtype), rowShape(std::move(rowShape)) {}

  /// Reserves the place of the header.
  Expected<void> begin() {
    std::string header = makeHeader();
    headerSize = header.size();
    return file.write(header.data(), header.size());
  }

  Expected<void> append(const void *data, int64_t count) override {
    rows += count;
    return file.write(data, static_cast<size_t>(count * numElements(rowShape)) * elementSize(elementTypeOf(dtype)));
  }

  Expected<void> finish() override {
    std::string header = makeHeader();
    if (auto ok = file.writeAt(header.data(), header.size(), 0); !ok)
      return ok;
    return file.commit();
  }

private:
  std::string makeHeader() const {
    Shape shape = {rows};
    shape.insert(shape.end(), rowShape.begin(), rowShape.end());
    // The number of rows may take up to 19 digits more than now.
    return makeNpyHeader(dtype, shape, headerSize ? headerSize : 128 + rowShape.size() / 3 * 64);
  }

  OutputFile file;
  DType dtype;
  Shape rowShape;
  int64_t rows = 0;
  size_t headerSize = 0;
};

class TextWriter : public RowWriter {
public:
  TextWriter(OutputFile file, DType dtype, int64_t columns, char separator, CellWriter cells)
      : file(std::move(file)), dtype(dtype), columns(columns), separator(separator), cells(std::move(cells)) {}

  Expected<void> begin(const std::vector<std::string> &names) {
    // Names that are numbers would be taken for a row.
    double value;
    bool isRow = std::ranges::any_of(names, [&](const std::string &name) { return detail::parseNumber(name, value); });
    // A name of two words would be taken for two.
    bool isWords = names.size() == 1 && names[0].find(' ') != std::string::npos;
    for (size_t i = 0; i < names.size(); ++i) {
      if (i)
        text += separator;
      text += detail::writeName(names[i], isRow || isWords);
    }
    text += '\n';
    return {};
  }

  Expected<void> append(const void *data, int64_t count) override {
    return dtype == F32 ? format(static_cast<const float *>(data), count)
                        : format(static_cast<const double *>(data), count);
  }

  Expected<void> finish() override {
    if (auto ok = flush(); !ok)
      return ok;
    return file.commit();
  }

private:
  Expected<void> flush() {
    auto ok = file.write(text.data(), text.size());
    text.clear();
    return ok;
  }

  /// The text of a cell, or the shortest digits that give the same number back.
  template <typename T>
  void formatCell(int64_t column, T value) {
    std::string cell;
    if (cells && cells(column, static_cast<double>(value), cell)) {
      // A line without anything would be no row.
      bool isBlankLine = columns == 1 && cell.empty();
      text += detail::writeName(cell, isBlankLine);
      return;
    }
    if (std::isnan(value)) { // Whose sign means nothing, and differs between processors.
      text += "nan";
      return;
    }
    char digits[40];
    auto result = std::to_chars(digits, digits + sizeof(digits), value);
    text.append(digits, result.ptr);
  }

  template <typename T>
  Expected<void> format(const T *values, int64_t count) {
    for (int64_t row = 0; row < count; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        if (column)
          text += separator;
        formatCell(column, *values++);
      }
      text += '\n';
      if (text.size() > (1 << 20))
        if (auto ok = flush(); !ok)
          return ok;
    }
    return {};
  }

  OutputFile file;
  DType dtype;
  int64_t columns;
  char separator;
  CellWriter cells;
  std::string text;
};

} // namespace

/// The separator of a text file to write; nothing for other files.
static std::optional<char> outputSeparator(const std::string &path) {
  if (path.empty() || path.ends_with(".csv"))
    return ',';
  return path.ends_with(".tsv") ? std::optional('\t') : std::nullopt;
}

Expected<void> flowc::checkOutputFormat(const std::string &path) {
  if (path.ends_with(".npy") || outputSeparator(path))
    return {};
  return Error{"cannot tell the format of '" + abbreviate(path, 200) +
               "', expected a name that ends in .npy, .csv or .tsv"};
}

Expected<std::unique_ptr<RowWriter>> flowc::createRowWriter(const std::string &path, DType dtype, const Shape &rowShape,
                                                            const std::vector<std::string> &columnNames,
                                                            CellWriter cells) {
  if (auto ok = checkOutputFormat(path); !ok)
    return ok.takeError();
  auto file = path.empty() ? Expected<OutputFile>(OutputFile::standardOutput()) : OutputFile::create(path);
  if (!file)
    return file.takeError();
  if (path.ends_with(".npy")) {
    auto writer = std::make_unique<NpyWriter>(std::move(*file), dtype, rowShape);
    if (auto ok = writer->begin(); !ok)
      return ok.takeError();
    return std::unique_ptr<RowWriter>(std::move(writer));
  }
  auto writer = std::make_unique<TextWriter>(std::move(*file), dtype, numElements(rowShape), *outputSeparator(path),
                                             std::move(cells));
  if (auto ok = writer->begin(columnNames); !ok)
    return ok.takeError();
  return std::unique_ptr<RowWriter>(std::move(writer));
}
