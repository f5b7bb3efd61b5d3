//===- EncodedRows.cpp - Rows of a table as rows of the model -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Table/DescribeTable.h"

#include "CellDigits.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

using namespace flowc;

namespace {

/// Rows that are read at once.
int64_t rowsOfBlock(int64_t columns) {
  constexpr int64_t numbers = 1 << 16;
  return std::max<int64_t>(1, numbers / std::max<int64_t>(1, columns));
}

class EncodedRows : public RowReader {
public:
  EncodedRows(std::unique_ptr<RowReader> from, TableSchema given, EncodedOptions how)
      : from(std::move(from)), schema(std::move(given)), options(std::move(how)) {
    name = this->from->path();
    int64_t all = this->from->rows() >= 0 ? this->from->rows() : options.rows;
    numRows = all < 0 ? all : all - std::ssize(options.skipped);
    shape = {schema.width()};
    names = schema.modelNames();
    if (this->from->type())
      readCategoriesOfNumbers();
    cells.resize(static_cast<size_t>(rowsOfBlock(this->from->columns()) * this->from->columns()));
    row.resize(static_cast<size_t>(std::max<int64_t>(1, schema.width())));
  }

  Expected<int64_t> next(int64_t maxRows, DType dtype, void *buffer) override {
    return dtype == F32 ? read(maxRows, static_cast<float *>(buffer)) : read(maxRows, static_cast<double *>(buffer));
  }

private:
  /// Files of numbers have no text: a category is the digits of a number.
  void readCategoriesOfNumbers() {
    categories.resize(schema.columns.size());
    for (size_t i = 0; i < schema.columns.size(); ++i)
      for (size_t k = 0; k < schema.columns[i].categories.size(); ++k)
        categories[i].emplace(schema.columns[i].categories[k], static_cast<double>(k));
  }
  /// The numbers of such a file as those of its text would be.
  Expected<void> fromNumbers(double *values) const;
  Expected<void> encodeRow(double *values);
  bool hasUnplacedMissing(const double *values) const;
  template <typename T>
  Expected<int64_t> read(int64_t maxRows, T *out);
  std::string where() const { return "'" + name + "', row " + std::to_string(fileRow + 1); }

  std::unique_ptr<RowReader> from;
  TableSchema schema;
  EncodedOptions options;
  std::vector<std::unordered_map<std::string, double>> categories;
  std::vector<double> cells, row;
  int64_t filled = 0, used = 0, fileRow = 0;
  size_t skipped = 0;
};

} // namespace

Expected<void> EncodedRows::fromNumbers(double *values) const {
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    const TableColumn &column = schema.columns[i];
    if (column.kind == ColumnKind::Constant && column.constant.empty())
      values[i] = std::isnan(values[i]) ? 0 : 1;
    const size_t like = column.kind == ColumnKind::Duplicate ? static_cast<size_t>(column.original) : i;
    if (categories[like].empty())
      continue;
    std::string text = cellDigits(values[i], from->type());
    auto found = categories[like].find(text);
    if (found == categories[like].end())
      return Error{where() + ": column '" + abbreviate(column.name) + "' is " + text +
                   ", which it was in no row of the training: expected one of " +
                   abbreviateList(schema.columns[like].categories)};
    values[i] = found->second;
  }
  return {};
}

/// Whether a value is missing that the model has no number for.
bool EncodedRows::hasUnplacedMissing(const double *values) const {
  for (size_t i = 0; i < schema.columns.size(); ++i)
    if (const TableColumn &column = schema.columns[i];
        column.width(schema.isCondition) > 0 && !column.hasIndicator && std::isnan(values[i]))
      return true;
  return false;
}

Expected<void> EncodedRows::encodeRow(double *values) {
  if (!categories.empty())
    if (auto ok = fromNumbers(values); !ok)
      return ok;
  if (options.keepMissing && hasUnplacedMissing(values)) {
    std::ranges::fill(row, std::numeric_limits<double>::quiet_NaN());
    return {};
  }
  auto ok = schema.encode(fileRow, values, row.data());
  return ok ? ok : Expected<void>(Error{where() + ": column " + ok.error().message});
}

template <typename T>
Expected<int64_t> EncodedRows::read(int64_t maxRows, T *out) {
  const int64_t columns = from->columns(), width = schema.width(), block = rowsOfBlock(columns);
  int64_t count = 0;
  while (count < maxRows) {
    if (used == filled) {
      auto got = from->next(block, F64, cells.data());
      if (!got)
        return got;
      filled = *got;
      used = 0;
      if (filled == 0)
        return count;
    }
    bool isSkipped = skipped < options.skipped.size() && options.skipped[skipped] == fileRow;
    if (isSkipped) {
      ++skipped;
    } else {
      if (auto ok = encodeRow(cells.data() + used * columns); !ok)
        return ok.takeError();
      for (int64_t i = 0; i < width; ++i)
        *out++ = static_cast<T>(row[static_cast<size_t>(i)]);
      ++count;
      ++rowsRead;
    }
    ++used;
    ++fileRow;
  }
  return count;
}

Expected<std::unique_ptr<RowReader>> flowc::openEncoded(const std::string &path,
                                                        const std::vector<std::string> &columns, TableSchema schema,
                                                        EncodedOptions options) {
  auto reader = openRows(path, columns, schema.cellReader());
  if (!reader)
    return reader;
  if ((*reader)->columns() != std::ssize(schema.columns))
    return Error{"'" + path + "' has " + std::to_string((*reader)->columns()) + " columns, expected " +
                 std::to_string(schema.columns.size()) + ", as in the training: " + abbreviateList(schema.names())};
  auto isDate = [](const TableColumn &column) { return column.grid.unit != DateUnit::None; };
  if (auto date = std::ranges::find_if(schema.columns, isDate); (*reader)->type() && date != schema.columns.end())
    return Error{"column '" + date->name + "' holds dates, for which '" + path +
                 "', a file of numbers, has no place: expected text"};
  return std::unique_ptr<RowReader>(
      std::make_unique<EncodedRows>(std::move(*reader), std::move(schema), std::move(options)));
}

//===----------------------------------------------------------------------===//
// The way back
//===----------------------------------------------------------------------===//

namespace {

class DecodingWriter : public RowWriter {
public:
  DecodingWriter(std::unique_ptr<RowWriter> to, DType from, DType into, TableSchema given, int64_t others)
      : to(std::move(to)), from(from), into(into), schema(std::move(given)), others(others),
        model(static_cast<size_t>(schema.width())) {}

  Expected<void> append(const void *rows, int64_t count) override {
    return from == F32 ? decode(static_cast<const float *>(rows), count)
                       : decode(static_cast<const double *>(rows), count);
  }
  Expected<void> finish() override { return to->finish(); }

private:
  template <typename T>
  Expected<void> decode(const T *rows, int64_t count) {
    const int64_t width = schema.width(), columns = std::ssize(schema.columns);
    cells.resize(static_cast<size_t>(count * (columns + others)));
    double *out = cells.data();
    for (int64_t row = 0; row < count; ++row) {
      std::copy_n(rows, width, model.begin());
      schema.decode(model.data(), out);
      std::copy_n(rows + width, others, out + columns);
      rows += width + others;
      out += columns + others;
    }
    if (into == F64)
      return to->append(cells.data(), count);
    std::vector<float> narrow(cells.begin(), cells.end());
    return to->append(narrow.data(), count);
  }

  std::unique_ptr<RowWriter> to;
  DType from, into;
  TableSchema schema;
  int64_t others;
  std::vector<double> model, cells;
};

} // namespace

Expected<std::unique_ptr<RowWriter>> flowc::createDecodingWriter(const std::string &path, DType dtype,
                                                                 const TableSchema &schema,
                                                                 const std::vector<std::string> &others) {
  bool isArray = path.ends_with(".npy");
  auto text = std::ranges::find_if(schema.columns, &TableColumn::isText);
  if (isArray && text != schema.columns.end())
    return Error{"column '" + text->name + "' is text, for which '" + path + "' has no place: write .csv or .tsv"};
  std::vector<std::string> names = schema.names();
  names.insert(names.end(), others.begin(), others.end());
  DType into = isArray ? dtype : F64;
  CellWriter cells = [inTable = schema.cellWriter(dtype), columns = std::ssize(schema.columns),
                      dtype](int64_t column, double value, std::string &cell) {
    if (column < columns || dtype == F64)
      return inTable(column, value, cell);
    cell = cellDigits(value, elementTypeOf(dtype));
    return true;
  };
  auto writer = createRowWriter(path, into, {std::ssize(names)}, names, std::move(cells));
  if (!writer)
    return writer;
  return std::unique_ptr<RowWriter>(
      std::make_unique<DecodingWriter>(std::move(*writer), dtype, into, schema, std::ssize(others)));
}
