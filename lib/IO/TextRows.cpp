//===- TextRows.cpp - Rows of .csv and .tsv files -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowsDetail.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string_view>

using namespace flowc;

namespace {

std::string_view trim(std::string_view text) {
  auto isSpace = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && isSpace(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && isSpace(text.back()))
    text.remove_suffix(1);
  return text;
}

/// A cell without the blanks and the quotes around it.
std::string_view cellValue(std::string_view cell) {
  cell = trim(cell);
  if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"')
    cell = cell.substr(1, cell.size() - 2);
  return cell;
}

/// A name from a header: inside of quotes, two quotes stand for one (RFC 4180).
std::string nameIn(std::string_view cell) {
  std::string_view value = cellValue(cell);
  bool isQuoted = value.size() < trim(cell).size();
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    text += value[i];
    i += isQuoted && value.substr(i, 2) == "\"\"";
  }
  return text;
}

template <typename T>
bool parseNumber(std::string_view text, T &value) {
  if (!text.empty() && text.front() == '+')
    text.remove_prefix(1);
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status == std::errc::result_out_of_range) {
    // Too large or too small for T: infinite, subnormal or zero.
    value = static_cast<T>(std::strtod(std::string(text.data(), end).c_str(), nullptr));
    return end == text.data() + text.size();
  }
  return status == std::errc() && end == text.data() + text.size();
}

/// Splits a line at separators outside of quotes.
void splitLine(std::string_view line, char separator, std::vector<std::string_view> &cells) {
  cells.clear();
  while (true) {
    size_t from = 0;
    if (size_t quote = line.find_first_not_of(' '); quote != std::string_view::npos && line[quote] == '"') {
      size_t close = line.find('"', quote + 1);
      while (close != std::string_view::npos && line.substr(close).starts_with("\"\""))
        close = line.find('"', close + 2);
      from = close == std::string_view::npos ? 0 : close + 1;
    }
    size_t end = line.find(separator, from);
    cells.push_back(line.substr(0, end));
    if (end == std::string_view::npos)
      return;
    line.remove_prefix(end + 1);
  }
}

class TextRowReader : public RowReader {
public:
  TextRowReader(InputFile file, char separator) : file(std::move(file)), separator(separator) {
    name = this->file.path();
  }

  /// Reads the header, if there is one, and resolves the columns.
  Expected<void> begin(const std::vector<std::string> &wanted);
  Expected<int64_t> next(int64_t maxRows, DType dtype, void *buffer) override {
    return dtype == F32 ? read(maxRows, static_cast<float *>(buffer)) : read(maxRows, static_cast<double *>(buffer));
  }

private:
  /// The next line without its end; false at the end of the file.
  Expected<bool> nextLine(std::string_view &line);
  /// The next line that is not blank; blank lines may only end the file.
  Expected<bool> nextRow(std::string_view &line);
  template <typename T>
  Expected<int64_t> read(int64_t maxRows, T *out);
  template <typename T>
  Expected<void> parseRow(std::string_view line, T *out);
  Error cellError(int64_t column, std::string_view text) const;
  std::string where() const {
    return "'" + name + "', line " + std::to_string(lineNumber) + " (row " + std::to_string(rowsRead + 1) + ")";
  }

  InputFile file;
  char separator;
  std::vector<char> buffer = std::vector<char>(1 << 20);
  size_t at = 0, end = 0;
  bool atEnd = false;
  int64_t lineNumber = 0;
  /// The first line, if it is a row.
  std::string pending;
  bool hasPending = false;
  std::vector<std::string> fileNames;
  std::vector<int64_t> selection;
  /// For each column of the file its place in a row, or -1.
  std::vector<int64_t> place;
  std::vector<std::string_view> cells;
};

Expected<bool> TextRowReader::nextLine(std::string_view &line) {
  size_t searched = at;
  while (true) {
    if (const void *newline = std::memchr(buffer.data() + searched, '\n', end - searched)) {
      size_t stop = static_cast<const char *>(newline) - buffer.data();
      line = {buffer.data() + at, stop - at};
      at = stop + 1;
      ++lineNumber;
      return true;
    }
    if (atEnd) {
      if (at == end)
        return false;
      line = {buffer.data() + at, end - at};
      at = end;
      ++lineNumber;
      return true;
    }
    // Make room: move what is left to the front, grow for a very long line.
    std::memmove(buffer.data(), buffer.data() + at, end - at);
    end -= at;
    at = 0;
    searched = end;
    if (end == buffer.size())
      buffer.resize(buffer.size() * 2);
    auto got = file.readSome(buffer.data() + end, buffer.size() - end);
    if (!got)
      return got.takeError();
    end += *got;
    atEnd = *got == 0;
  }
}

Expected<bool> TextRowReader::nextRow(std::string_view &line) {
  int64_t blank = 0;
  while (true) {
    auto more = nextLine(line);
    if (!more || !*more)
      return more;
    if (!trim(line).empty() || (separator == '\t' && line.find('\t') != std::string_view::npos)) {
      if (blank)
        return Error{"'" + name + "', line " + std::to_string(blank) + " is empty, expected numbers"};
      return true;
    }
    if (!blank)
      blank = lineNumber;
  }
}

Expected<void> TextRowReader::begin(const std::vector<std::string> &wanted) {
  std::string_view line;
  auto more = nextRow(line);
  if (!more)
    return more.takeError();
  if (!*more)
    return Error{"'" + name + "' is empty, expected a header and rows of numbers"};
  if (line.starts_with("\xEF\xBB\xBF"))
    line.remove_prefix(3);
  splitLine(line, separator, cells);
  // A header has no numbers, except for one that counts the columns from 0.
  size_t numbers = 0;
  bool counts = cells.size() > 1;
  for (size_t i = 0; i < cells.size(); ++i) {
    double value;
    std::string_view text = cellValue(cells[i]);
    numbers += parseNumber(text, value);
    counts = counts && text == std::to_string(i);
  }
  if (numbers == 0 || counts) {
    for (std::string_view cell : cells)
      fileNames.push_back(nameIn(cell));
  } else {
    pending = line;
    hasPending = true;
  }
  auto count = static_cast<int64_t>(cells.size());
  auto selected = detail::selectColumns(name, fileNames, count, wanted);
  if (!selected)
    return selected.takeError();
  selection = std::move(*selected);
  place.assign(cells.size(), -1);
  for (size_t i = 0; i < selection.size(); ++i) {
    if (place[selection[i]] >= 0)
      return Error{"column '" + wanted[i] + "' is selected twice"};
    place[selection[i]] = static_cast<int64_t>(i);
    if (!fileNames.empty())
      names.push_back(fileNames[selection[i]]);
  }
  shape = {static_cast<int64_t>(selection.size())};
  return {};
}

Error TextRowReader::cellError(int64_t column, std::string_view text) const {
  std::string shown(text.substr(0, 40));
  for (char &c : shown)
    c = static_cast<unsigned char>(c) < ' ' ? '?' : c;
  std::string problem = text.empty() ? "is empty" : "is '" + shown + "'";
  return {where() + ", " + describeColumn(place[column]) + " " + problem + ", expected a number"};
}

template <typename T>
Expected<void> TextRowReader::parseRow(std::string_view line, T *out) {
  const char *from = line.data(), *stop = line.data() + line.size();
  const auto columns = static_cast<int64_t>(place.size());
  for (int64_t column = 0; column < columns; ++column) {
    const char *next = static_cast<const char *>(std::memchr(from, separator, static_cast<size_t>(stop - from)));
    bool last = column + 1 == columns;
    if ((next == nullptr) != last || std::memchr(from, '"', static_cast<size_t>((next ? next : stop) - from))) {
      // Not the plain case: quotes, or a wrong number of cells.
      splitLine(line, separator, cells);
      if (static_cast<int64_t>(cells.size()) != columns)
        return Error{where() + " has " + std::to_string(cells.size()) + " cells, expected " + std::to_string(columns)};
      for (int64_t i = 0; i < columns; ++i)
        if (place[i] >= 0) {
          std::string_view text = cellValue(cells[i]);
          if (!parseNumber(text, out[place[i]]) || std::isnan(out[place[i]]))
            return cellError(i, text);
        }
      return {};
    }
    if (place[column] >= 0) {
      std::string_view text = trim({from, static_cast<size_t>((next ? next : stop) - from)});
      T &value = out[place[column]];
      if (!parseNumber(text, value) || std::isnan(value))
        return cellError(column, text);
    }
    from = next ? next + 1 : stop;
  }
  return {};
}

template <typename T>
Expected<int64_t> TextRowReader::read(int64_t maxRows, T *out) {
  int64_t count = 0;
  for (; count < maxRows; ++count) {
    std::string_view line = pending;
    if (!hasPending) {
      auto more = nextRow(line);
      if (!more)
        return more.takeError();
      if (!*more)
        break;
    }
    hasPending = false;
    if (auto ok = parseRow(line, out); !ok)
      return ok.takeError();
    out += selection.size();
    ++rowsRead;
  }
  return count;
}

} // namespace

Expected<std::unique_ptr<RowReader>> detail::openTextRows(const std::string &path, char separator,
                                                          const std::vector<std::string> &columns) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  auto reader = std::make_unique<TextRowReader>(std::move(*file), separator);
  if (auto ok = reader->begin(columns); !ok)
    return ok.takeError();
  return std::unique_ptr<RowReader>(std::move(reader));
}

Expected<std::vector<std::string>> flowc::readColumnNames(const std::string &path) {
  char separator = detail::separatorOf(path);
  if (!separator)
    return std::vector<std::string>();
  auto reader = detail::openTextRows(path, separator, {});
  if (!reader)
    return reader.takeError();
  return (*reader)->columnNames();
}
