//===- TextRows.cpp - Rows of text files ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ByteStream.h"
#include "RowsDetail.h"
#include "TextFormat.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>

using namespace flowc;
using namespace flowc::detail;

namespace {

/// Bytes of a line at most: longer ones are no rows, and would fill the memory.
constexpr size_t kMaxLine = size_t(1) << 26;

/// The lines of a file.
class LineReader {
public:
  LineReader(ReadBytes bytes, std::string name) : bytes(std::move(bytes)), name(std::move(name)) {}

  /// The next line without its end, valid until the next call; false at the end of the
  /// file. A line break in quotes does not end a line.
  Expected<bool> next(std::string_view &line);
  /// The number, from 1 on, at which the last line began.
  int64_t number() const { return begin; }

private:
  /// The next line, wherever quotes are.
  Expected<bool> nextPart(std::string_view &line);
  Error tooLong() const {
    return {"'" + name + "', line " + std::to_string(begin) + " has more than " + std::to_string(kMaxLine) +
            " bytes, expected rows of numbers"};
  }

  ReadBytes bytes;
  std::string name;
  std::vector<char> buffer = std::vector<char>(1 << 16);
  size_t at = 0, end = 0;
  bool atEnd = false;
  int64_t count = 0, begin = 0;
  std::string joined;
};

} // namespace

Expected<bool> LineReader::nextPart(std::string_view &line) {
  size_t searched = at;
  while (true) {
    if (const void *newline = std::memchr(buffer.data() + searched, '\n', end - searched)) {
      size_t stop = static_cast<const char *>(newline) - buffer.data();
      line = {buffer.data() + at, stop - at};
      at = stop + 1;
      ++count;
      return true;
    }
    if (atEnd) {
      if (at == end)
        return false;
      line = {buffer.data() + at, end - at};
      at = end;
      ++count;
      return true;
    }
    // Make room: move what is left to the front, grow for a very long line.
    std::memmove(buffer.data(), buffer.data() + at, end - at);
    end -= at;
    at = 0;
    searched = end;
    if (end == buffer.size()) {
      if (end >= kMaxLine)
        return tooLong();
      buffer.resize(buffer.size() * 2);
    }
    auto got = bytes(buffer.data() + end, buffer.size() - end);
    if (!got)
      return got.takeError();
    end += *got;
    atEnd = *got == 0;
  }
}

Expected<bool> LineReader::next(std::string_view &line) {
  begin = count + 1;
  auto more = nextPart(line);
  if (!more || !*more || line.find('"') == std::string_view::npos || line.find_first_not_of(" \t") == line.find('#'))
    return more;
  auto isOpen = [](std::string_view text) { return std::ranges::count(text, '"') % 2 != 0; };
  if (!isOpen(line))
    return true;
  joined = line;
  while (true) {
    auto part = nextPart(line);
    if (!part)
      return part;
    if (!*part)
      return Error{"'" + name + "', line " + std::to_string(begin) + " opens a quote that nothing closes"};
    joined += '\n';
    joined += line;
    if (joined.size() > kMaxLine)
      return tooLong();
    if (isOpen(line))
      break;
  }
  line = joined;
  return true;
}

namespace {

class TextRowReader : public RowReader {
public:
  TextRowReader(ReadBytes bytes, TextName from, CellReader others)
      : lines(std::move(bytes), from.file), from(std::move(from)), others(std::move(others)) {
    name = this->from.file;
  }

  /// Reads the header, if there is one, and resolves the columns.
  Expected<void> begin(const std::vector<std::string> &wanted);
  Expected<int64_t> next(int64_t maxRows, DType dtype, void *buffer) override {
    return dtype == F32 ? read(maxRows, static_cast<float *>(buffer)) : read(maxRows, static_cast<double *>(buffer));
  }

private:
  /// A line that was read to see what the file is like.
  struct Pending {
    std::string text;
    int64_t number;
  };

  /// The next line that is neither blank nor a comment; blank lines may only end the
  /// file.
  Expected<bool> nextRow(std::string_view &line);
  /// Keeps the next row for later; false at the end.
  Expected<bool> lookAhead();
  /// Whether the first line is a header.
  Expected<bool> hasHeader(const std::vector<std::string_view> &first);
  /// Names in the comment right before the rows, if it has one for each.
  void readNamesInComment(size_t columns);
  template <typename T>
  Expected<int64_t> read(int64_t maxRows, T *out);
  template <typename T>
  Expected<void> parseRow(std::string_view line, T *out);
  /// The number in a cell of the file's column `column`, or what is made of its text.
  template <typename T>
  Expected<void> readCell(int64_t column, std::string_view cell, T &value);
  template <typename T>
  bool parseCell(std::string_view text, T &value);
  Error cellError(int64_t column, std::string_view text) const;
  std::string where() const {
    return "'" + name + "', line " + std::to_string(lineNumber) + " (row " + std::to_string(rowsRead + 1) + ")";
  }

  LineReader lines;
  TextName from;
  CellReader others;
  Separator separator = ',';
  /// '.' or ','; 0 until a number has one of them.
  char decimalMark = '.';
  int64_t lineNumber = 0;
  std::deque<Pending> ahead;
  std::string current, comment;
  std::vector<std::string> fileNames;
  std::vector<int64_t> selection;
  /// For each column of the file its place in a row, or -1.
  std::vector<int64_t> place;
  std::vector<std::string_view> cells;
};

} // namespace

Expected<bool> TextRowReader::nextRow(std::string_view &line) {
  int64_t blank = 0;
  while (true) {
    auto more = lines.next(line);
    if (!more || !*more)
      return more;
    bool isFirst = lines.number() == 1;
    if (isFirst && line.starts_with("\xEF\xBB\xBF"))
      line.remove_prefix(3);
    std::string_view content = trim(line);
    if (content.starts_with('#')) {
      if (rowsRead == 0 && ahead.empty())
        comment = content.substr(1);
      continue;
    }
    if (!content.empty() || (from.separator == '\t' && line.find('\t') != std::string_view::npos)) {
      if (blank)
        return Error{"'" + name + "', line " + std::to_string(blank) + " is empty, expected numbers"};
      lineNumber = lines.number();
      return true;
    }
    if (!blank)
      blank = lines.number();
  }
}

Expected<bool> TextRowReader::lookAhead() {
  std::string_view line;
  auto more = nextRow(line);
  if (more && *more)
    ahead.push_back({std::string(line), lineNumber});
  return more;
}

Expected<bool> TextRowReader::hasHeader(const std::vector<std::string_view> &first) {
  if (from.hasHeader)
    return *from.hasHeader;
  std::vector<std::string_view> second;
  if (ahead.size() > 1)
    splitLine(ahead[1].text, separator, second);
  FirstLine kind = judgeFirstLine(first, second, separator);
  if (kind == FirstLine::Header || kind == FirstLine::Row)
    return kind == FirstLine::Header;
  std::string problem = kind == FirstLine::Mixed ? "holds numbers and words, so that it is neither a header nor a row"
                                                 : "may be names or numbers";
  return Error{"'" + name + "': the first line, '" + abbreviate(trim(ahead[0].text)) + "', " + problem + ": write '" +
               name + ":header' if it names the columns, '" + name + ":no-header' if it is a row"};
}

void TextRowReader::readNamesInComment(size_t columns) {
  double value;
  std::vector<std::string_view> found;
  splitLine(comment, separator, found);
  if (found.size() == columns &&
      std::ranges::none_of(found, [&](std::string_view cell) { return parseNumber(cellValue(cell), value); }))
    for (std::string_view cell : found)
      fileNames.push_back(cellText(cell));
}

Expected<void> TextRowReader::begin(const std::vector<std::string> &wanted) {
  for (int i = 0; i < 2; ++i)
    if (auto more = lookAhead(); !more)
      return more.takeError();
    else if (!*more)
      break;
  if (ahead.empty())
    return Error{"'" + name + "' is empty, expected a header and rows of numbers"};
  auto second = ahead.size() > 1 ? std::optional<std::string_view>(ahead[1].text) : std::nullopt;
  separator = from.separator ? *from.separator : findSeparator(ahead[0].text, second);
  decimalMark = separator == ',' ? '.' : '\0';
  std::vector<std::string_view> first;
  splitLine(ahead[0].text, separator, first);
  auto count = static_cast<int64_t>(first.size());
  auto isHeader = hasHeader(first);
  if (!isHeader)
    return isHeader.takeError();
  if (*isHeader) {
    for (std::string_view cell : first)
      fileNames.push_back(cellText(cell));
    ahead.pop_front();
  } else if (!comment.empty()) {
    readNamesInComment(first.size());
  }
  auto selected = detail::selectColumns(name, fileNames, count, wanted);
  if (!selected)
    return selected.takeError();
  selection = std::move(*selected);
  place.assign(static_cast<size_t>(count), -1);
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
  std::string problem = text.empty() ? "is empty" : "is '" + abbreviate(text, 40) + "'";
  if (decimalMark == ',' && text.find('.') != std::string_view::npos)
    problem += " where others have decimal commas";
  return {where() + ", " + describeColumn(place[column]) + " " + problem + ", expected a number"};
}

template <typename T>
bool TextRowReader::parseCell(std::string_view text, T &value) {
  if (decimalMark == 0)
    if (size_t at = text.find_first_of(".,"); at != std::string_view::npos)
      decimalMark = text[at];
  if (decimalMark != ',')
    return parseNumber(text, value) && !std::isnan(value);
  std::string copy(text);
  size_t comma = copy.find(',');
  if (comma != std::string::npos)
    copy[comma] = '.';
  return text.find('.') == std::string_view::npos && parseNumber(copy, value) && !std::isnan(value);
}

template <typename T>
Expected<void> TextRowReader::readCell(int64_t column, std::string_view cell, T &value) {
  auto at = static_cast<size_t>(place[column]);
  bool isText = at < others.isText.size() && others.isText[at];
  std::string_view text = cellValue(cell);
  if (!isText && parseCell(text, value))
    return {};
  if (!others.read)
    return cellError(column, text);
  auto made = others.read(place[column], cellText(cell));
  if (!made)
    return Error{where() + ", " + describeColumn(place[column]) + " " + made.error().message};
  value = static_cast<T>(*made);
  return {};
}

template <typename T>
Expected<void> TextRowReader::parseRow(std::string_view line, T *out) {
  const char *from = line.data(), *stop = line.data() + line.size();
  const auto columns = static_cast<int64_t>(place.size());
  bool isPlain = separator != ' ' && line.find('"') == std::string_view::npos;
  for (int64_t column = 0; column < columns; ++column) {
    const char *next = static_cast<const char *>(std::memchr(from, separator, static_cast<size_t>(stop - from)));
    bool last = column + 1 == columns;
    if (!isPlain || (next == nullptr) != last) {
      // Quotes, blanks, or a wrong number of cells.
      splitLine(line, separator, cells);
      if (static_cast<int64_t>(cells.size()) != columns)
        return Error{where() + " has " + std::to_string(cells.size()) + (cells.size() == 1 ? " cell" : " cells") +
                     ", expected " + std::to_string(columns)};
      for (int64_t i = 0; i < columns; ++i)
        if (place[i] >= 0)
          if (auto ok = readCell(i, cells[i], out[place[i]]); !ok)
            return ok;
      return {};
    }
    if (place[column] >= 0)
      if (auto ok = readCell(column, {from, static_cast<size_t>((next ? next : stop) - from)}, out[place[column]]); !ok)
        return ok;
    from = next ? next + 1 : stop;
  }
  return {};
}

template <typename T>
Expected<int64_t> TextRowReader::read(int64_t maxRows, T *out) {
  int64_t count = 0;
  for (; count < maxRows; ++count) {
    std::string_view line;
    if (!ahead.empty()) {
      current = std::move(ahead.front().text);
      lineNumber = ahead.front().number;
      ahead.pop_front();
      line = current;
    } else {
      auto more = nextRow(line);
      if (!more)
        return more.takeError();
      if (!*more)
        break;
    }
    if (auto ok = parseRow(line, out); !ok)
      return ok.takeError();
    out += selection.size();
    ++rowsRead;
  }
  return count;
}

Expected<std::unique_ptr<RowReader>> detail::openTextRows(const TextName &name, const std::vector<std::string> &columns,
                                                          CellReader cells) {
  auto file = name.file == "-" ? InputFile::standardInput() : InputFile::open(name.file);
  if (!file)
    return file.takeError();
  auto bytes = openBytes(std::make_shared<InputFile>(std::move(*file)));
  if (!bytes)
    return bytes.takeError();
  auto reader = std::make_unique<TextRowReader>(std::move(*bytes), name, std::move(cells));
  if (auto ok = reader->begin(columns); !ok)
    return ok.takeError();
  return std::unique_ptr<RowReader>(std::move(reader));
}

Expected<std::vector<std::string>> flowc::readColumnNames(const std::string &path) {
  auto name = parseTextName(path);
  if (!name)
    return std::vector<std::string>();
  auto reader = detail::openTextRows(*name, {});
  if (!reader)
    return reader.takeError();
  return (*reader)->columnNames();
}
