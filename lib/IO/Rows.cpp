//===- Rows.cpp - Data files, row by row ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowsDetail.h"

#include "flowc/IO/Npy.h"
#include "flowc/IO/Safetensors.h"
#include "flowc/Support/Format.h"

#include <algorithm>
#include <charconv>

using namespace flowc;

std::string RowReader::describeColumn(int64_t column) const {
  if (column < static_cast<int64_t>(names.size()))
    return "column '" + abbreviate(names[column]) + "'";
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

/// The position that `text` is, from 0 to `count` - 1, or -1.
static int64_t parsePosition(std::string_view text, int64_t count) {
  int64_t index = -1;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), index);
  bool isPosition = status == std::errc() && end == text.data() + text.size() && index >= 0 && index < count;
  return isPosition ? index : -1;
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
    bool isMarked = column.starts_with('#');
    if (names.empty()) {
      int64_t index = parsePosition(std::string_view(column).substr(isMarked), count);
      if (index < 0)
        return Error{"'" + path + "' has no column names: cannot select '" + abbreviate(column) +
                     "', expected numbers of columns from 0 to " + std::to_string(count - 1)};
      selected.push_back(index);
      continue;
    }
    auto matches = std::count(names.begin(), names.end(), column);
    if (matches == 1) {
      selected.push_back(std::find(names.begin(), names.end(), column) - names.begin());
      continue;
    }
    int64_t index = isMarked ? parsePosition(std::string_view(column).substr(1), count) : -1;
    if (matches == 0 && index >= 0) {
      selected.push_back(index);
      continue;
    }
    if (matches > 1)
      return Error{"'" + path + "' has " + std::to_string(matches) + " columns named '" + abbreviate(column) +
                   "': choose by position, e.g. #" +
                   std::to_string(std::find(names.begin(), names.end(), column) - names.begin())};
    return Error{"'" + path + "' has no column '" + abbreviate(column) +
                 "'; its columns are: " + abbreviateList(names)};
  }
  return selected;
}

namespace {

/// Splits `FILE.safetensors:NAME`, by its ending; an empty name if it is not of this form.
std::pair<std::string, std::string> splitMember(const std::string &path, const std::string &ending) {
  size_t at = path.rfind(ending + ":");
  if (at == std::string::npos)
    return {path, {}};
  return {path.substr(0, at + ending.size()), path.substr(at + ending.size() + 1)};
}

Expected<std::unique_ptr<RowReader>> openTensorRows(const std::string &path, const std::vector<std::string> &columns) {
  auto [file, name] = splitMember(path, ".safetensors");
  auto reader = SafetensorsReader::open(file);
  if (!reader)
    return reader.takeError();
  const ArrayLayout *layout = reader->find(name);
  if (!layout) {
    std::vector<std::string> known;
    for (const auto &[tensor, unused] : reader->tensors())
      known.push_back(tensor);
    return Error{"'" + file + "' has no tensor '" + abbreviate(name) + "'; its tensors are: " + abbreviateList(known)};
  }
  auto input = InputFile::open(file);
  if (!input)
    return input.takeError();
  return detail::openArrayRows(std::move(*input), *layout, path, columns);
}

Expected<std::unique_ptr<RowReader>> openNpyRows(InputFile file, const std::vector<std::string> &columns) {
  std::string path = file.path();
  auto layout = readNpyHeader(file, 0, "'" + path + "'");
  if (!layout)
    return layout.takeError();
  if (layout->offset + layout->numBytes() != file.size())
    return Error{"'" + path + "' is no valid .npy array: there are " +
                 std::to_string(file.size() - layout->offset - layout->numBytes()) + " bytes after its data"};
  return detail::openArrayRows(std::move(file), *layout, path, columns);
}

/// Standard input holds an array if it begins like one, else text.
Expected<bool> isArrayOnInput() {
  auto file = InputFile::standardInput();
  if (!file)
    return file.takeError();
  std::string_view magic = "\x93NUMPY";
  std::string begin(magic.size(), '\0');
  if (file->size() < static_cast<int64_t>(begin.size()))
    return false;
  if (auto ok = file->readAt(begin.data(), begin.size(), 0); !ok)
    return ok.takeError();
  return begin == magic;
}

} // namespace

std::string flowc::getDataFile(const std::string &path) {
  if (auto text = detail::parseTextName(path))
    return text->file;
  for (const char *ending : {".safetensors", ".npz"})
    if (auto [file, name] = splitMember(path, ending); !name.empty())
      return file;
  return path;
}

Expected<std::unique_ptr<RowReader>> flowc::openRows(const std::string &path, const std::vector<std::string> &columns,
                                                     CellReader cells) {
  if (path == "-") {
    auto isArray = isArrayOnInput();
    if (!isArray)
      return isArray.takeError();
    if (*isArray) {
      auto input = InputFile::standardInput();
      return input ? openNpyRows(std::move(*input), columns) : input.takeError();
    }
  }
  if (auto name = detail::parseTextName(path))
    return detail::openTextRows(*name, columns, std::move(cells));
  if (!splitMember(path, ".safetensors").second.empty())
    return openTensorRows(path, columns);
  if (auto [file, name] = splitMember(path, ".npz"); !name.empty() || path.ends_with(".npz"))
    return detail::openArchiveRows(file, name, columns);
  if (path.ends_with(".npy")) {
    auto file = InputFile::open(path);
    return file ? openNpyRows(std::move(*file), columns) : file.takeError();
  }
  return Error{"cannot tell the format of '" + abbreviate(path, 200) +
               "', expected .npy, .csv, .tsv, .txt, .npz or FILE.safetensors:NAME"};
}

int64_t detail::rowsPerBlock(int64_t columns) {
  constexpr int64_t elements = 1 << 20;
  return std::max<int64_t>(1, elements / std::max<int64_t>(1, columns));
}

template <typename T>
Expected<std::vector<T>> flowc::readAllRows(RowReader &reader, bool finite) {
  const int64_t columns = reader.columns(), block = detail::rowsPerBlock(columns), rows = reader.rows();
  std::vector<T> values;
  if (rows >= 0)
    values.reserve(static_cast<size_t>(rows * columns));
  for (int64_t row = 0;;) {
    // Where nobody knows how many rows there are, room for as many as there were.
    int64_t chunk = std::min(block, rows >= 0 ? rows - row : std::max<int64_t>(row, 128));
    if (chunk == 0)
      return values;
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
