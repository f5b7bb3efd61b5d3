//===- Rows.cpp - Data files, row by row ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowsDetail.h"

#include "flowc/IO/Npy.h"
#include "flowc/IO/Safetensors.h"

#include <algorithm>
#include <charconv>

using namespace flowc;

std::string RowReader::describeColumn(int64_t column) const {
  if (column < static_cast<int64_t>(names.size()))
    return "column '" + names[column] + "'";
  return "column " + std::to_string(column);
}

std::vector<std::string> flowc::defaultColumnNames(const std::string &prefix, int64_t count) {
  if (count == 1)
    return {prefix};
  std::vector<std::string> names;
  for (int64_t i = 0; i < count; ++i)
    names.push_back(prefix + std::to_string(i));
  return names;
}

char detail::separatorOf(const std::string &path) {
  if (path.ends_with(".csv"))
    return ',';
  if (path.ends_with(".tsv"))
    return '\t';
  return 0;
}

Expected<std::vector<int64_t>> detail::selectColumns(const std::string &path, const std::vector<std::string> &names,
                                                     int64_t count, const std::vector<std::string> &wanted) {
  std::vector<int64_t> selected;
  if (wanted.empty()) {
    for (int64_t i = 0; i < count; ++i)
      selected.push_back(i);
    return selected;
  }
  for (const std::string &column : wanted) {
    if (names.empty()) {
      int64_t index = -1;
      auto [end, status] = std::from_chars(column.data(), column.data() + column.size(), index);
      if (status != std::errc() || end != column.data() + column.size() || index < 0 || index >= count)
        return Error{"'" + path + "' has no column names: cannot select '" + column +
                     "', expected numbers of columns from 0 to " + std::to_string(count - 1)};
      selected.push_back(index);
      continue;
    }
    auto matches = std::count(names.begin(), names.end(), column);
    if (matches == 1) {
      selected.push_back(std::find(names.begin(), names.end(), column) - names.begin());
      continue;
    }
    if (matches > 1)
      return Error{"'" + path + "' has " + std::to_string(matches) + " columns named '" + column + "'"};
    std::string known;
    for (const std::string &name : names)
      known += (known.empty() ? "" : ", ") + name;
    return Error{"'" + path + "' has no column '" + column + "'; its columns are: " + known};
  }
  return selected;
}

namespace {

/// Splits `FILE.safetensors:NAME`; an empty name if it is not of this form.
std::pair<std::string, std::string> splitTensorPath(const std::string &path) {
  static const std::string mark = ".safetensors:";
  size_t at = path.rfind(mark);
  if (at == std::string::npos)
    return {path, {}};
  return {path.substr(0, at + mark.size() - 1), path.substr(at + mark.size())};
}

Expected<std::unique_ptr<RowReader>> openTensorRows(const std::string &path, const std::vector<std::string> &columns) {
  auto [file, name] = splitTensorPath(path);
  auto reader = SafetensorsReader::open(file);
  if (!reader)
    return reader.takeError();
  const ArrayLayout *layout = reader->find(name);
  if (!layout) {
    std::string known;
    for (const auto &[tensor, unused] : reader->tensors())
      known += (known.empty() ? "" : ", ") + tensor;
    return Error{"'" + file + "' has no tensor '" + name + "'; its tensors are: " + known};
  }
  auto input = InputFile::open(file);
  if (!input)
    return input.takeError();
  return detail::openArrayRows(std::move(*input), *layout, path, columns);
}

} // namespace

Expected<std::unique_ptr<RowReader>> flowc::openRows(const std::string &path, const std::vector<std::string> &columns) {
  if (char separator = detail::separatorOf(path))
    return detail::openTextRows(path, separator, columns);
  if (!splitTensorPath(path).second.empty())
    return openTensorRows(path, columns);
  if (path.ends_with(".npy")) {
    auto file = InputFile::open(path);
    if (!file)
      return file.takeError();
    auto layout = readNpyHeader(*file, 0, "'" + path + "'");
    if (!layout)
      return layout.takeError();
    if (layout->offset + layout->numBytes() != file->size())
      return Error{"'" + path + "' is no valid .npy array: there are " +
                   std::to_string(file->size() - layout->offset - layout->numBytes()) + " bytes after its data"};
    return detail::openArrayRows(std::move(*file), *layout, path, columns);
  }
  return Error{"cannot tell the format of '" + path + "', expected .npy, .csv, .tsv or FILE.safetensors:NAME"};
}

int64_t detail::rowsPerBlock(int64_t columns) {
  constexpr int64_t elements = 1 << 20;
  return std::max<int64_t>(1, elements / std::max<int64_t>(1, columns));
}

template <typename T>
Expected<std::vector<T>> flowc::readAllRows(RowReader &reader, bool finite) {
  const int64_t columns = reader.columns(), chunk = detail::rowsPerBlock(columns);
  std::vector<T> values;
  if (reader.rows() >= 0)
    values.reserve(static_cast<size_t>(reader.rows() * columns));
  for (int64_t row = 0;;) {
    values.resize(static_cast<size_t>((row + chunk) * columns));
    auto got = reader.next(chunk, sizeof(T) == 4 ? F32 : F64, values.data() + row * columns);
    if (!got)
      return got.takeError();
    if (finite)
      if (auto ok = detail::checkFinite(
              reader, std::span<const T>(values).subspan(row * columns, static_cast<size_t>(*got * columns)), row);
          !ok)
        return ok.takeError();
    row += *got;
    if (*got == 0) {
      values.resize(static_cast<size_t>(row * columns));
      return values;
    }
  }
}

template Expected<std::vector<float>> flowc::readAllRows<float>(RowReader &, bool);
template Expected<std::vector<double>> flowc::readAllRows<double>(RowReader &, bool);
