//===- TextFormat.cpp - How a text file writes its rows -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextFormat.h"

#include "flowc/IO/Rows.h"

#include <algorithm>
#include <array>
#include <cctype>

using namespace flowc;
using namespace flowc::detail;

//===----------------------------------------------------------------------===//
// Names of files
//===----------------------------------------------------------------------===//

std::optional<TextName> detail::parseTextName(const std::string &path) {
  TextName name{path, std::nullopt, std::nullopt};
  for (auto [suffix, hasHeader] : {std::pair<std::string_view, bool>{":header", true}, {":no-header", false}})
    if (name.file.ends_with(suffix)) {
      name.file.resize(name.file.size() - suffix.size());
      name.hasHeader = hasHeader;
      break;
    }
  std::string_view ending = name.file;
  if (ending.ends_with(".gz"))
    ending.remove_suffix(3);
  if (ending.ends_with(".tsv"))
    name.separator = '\t';
  bool isText = name.separator || name.file == "-" || ending.ends_with(".csv") || ending.ends_with(".txt") ||
                ending.ends_with(".dat");
  return isText ? std::optional(name) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Cells
//===----------------------------------------------------------------------===//

static bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view detail::trim(std::string_view text) {
  while (!text.empty() && isBlank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && isBlank(text.back()))
    text.remove_suffix(1);
  return text;
}

static bool isQuoted(std::string_view cell) { return cell.size() >= 2 && cell.front() == '"' && cell.back() == '"'; }

std::string_view detail::cellValue(std::string_view cell) {
  cell = trim(cell);
  return isQuoted(cell) ? cell.substr(1, cell.size() - 2) : cell;
}

std::string detail::cellText(std::string_view cell) {
  std::string_view value = cellValue(cell);
  std::string text;
  bool isQuotedCell = isQuoted(trim(cell));
  for (size_t at = 0; at < value.size(); ++at) {
    text += value[at];
    // Two quotes stand for one.
    if (isQuotedCell && value.substr(at).starts_with("\"\""))
      ++at;
  }
  return text;
}

/// Where the quotes that begin a cell end: after the closing one, or 0 if there are none.
static size_t skipQuotes(std::string_view text) {
  size_t at = text.find_first_not_of(' ');
  if (at == std::string_view::npos || text[at] != '"')
    return 0;
  for (++at; at < text.size(); ++at) {
    if (text[at] != '"')
      continue;
    if (at + 1 == text.size() || text[at + 1] != '"')
      return at + 1;
    ++at;
  }
  return 0;
}

void detail::splitLine(std::string_view line, Separator separator, std::vector<std::string_view> &cells) {
  cells.clear();
  bool isBlanks = separator == ' ';
  if (isBlanks)
    line = trim(line);
  while (true) {
    size_t from = skipQuotes(line);
    size_t end = isBlanks ? line.find_first_of(" \t", from) : line.find(separator, from);
    cells.push_back(line.substr(0, end));
    if (end == std::string_view::npos)
      return;
    line.remove_prefix(end + 1);
    if (isBlanks)
      line = trim(line);
  }
}

Separator detail::findSeparator(std::string_view first, std::optional<std::string_view> second) {
  std::vector<std::string_view> cells;
  auto count = [&](std::string_view line, Separator separator) {
    splitLine(line, separator, cells);
    return cells.size();
  };
  auto separates = [&](Separator separator) {
    size_t cellsOfSecond = second ? count(*second, separator) : 0;
    bool isCut = count(first, separator) > 1 && (!second || cellsOfSecond == cells.size());
    // What separates does not stand within quotes.
    return isCut && std::ranges::all_of(cells, [](auto cell) { return std::ranges::count(cell, '"') % 2 == 0; });
  };
  // Commas may be decimal marks between semicolons, tabs or blanks, none of which is
  // part of a number.
  for (Separator separator : {';', '\t', ',', ' '})
    if (separates(separator))
      return separator;
  return ',';
}

//===----------------------------------------------------------------------===//
// Headers
//===----------------------------------------------------------------------===//

/// A number, with a decimal comma if commas are free for that.
static bool isNumber(std::string_view text, Separator separator) {
  double value;
  std::string copy(text);
  if (size_t comma = copy.find(','); separator != ',' && comma != std::string::npos)
    copy[comma] = '.';
  return parseNumber(copy, value);
}

/// How programs write that there is no number.
static bool isMissing(std::string_view text) {
  constexpr std::array<std::string_view, 9> words{"", "nan", "na", "n/a", "null", "none", "?", "-", "."};
  return std::ranges::any_of(words, [&](std::string_view word) {
    return std::ranges::equal(text, word,
                              [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
  });
}

/// The number in a cell of nothing but a few digits; -1 for others.
static int64_t wholeNumber(std::string_view text) {
  bool isWhole =
      !text.empty() && text.size() <= 9 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  return isWhole ? std::stoll(std::string(text)) : -1;
}

/// Whether the cells are whole numbers that grow by the same step.
static bool isProgression(const std::vector<std::string_view> &cells) {
  std::vector<int64_t> numbers;
  for (std::string_view cell : cells)
    numbers.push_back(wholeNumber(cellValue(cell)));
  if (numbers.size() < 2 || numbers[0] < 0 || numbers[1] <= numbers[0])
    return false;
  for (size_t i = 1; i < numbers.size(); ++i)
    if (numbers[i] - numbers[i - 1] != numbers[1] - numbers[0])
      return false;
  return true;
}

static bool isYear(std::string_view cell) {
  int64_t number = wholeNumber(cellValue(cell));
  return number >= 1900 && number < 2100;
}

/// Whether the cells are years in order, above a line that holds none.
static bool areYearsAbove(const std::vector<std::string_view> &first, const std::vector<std::string_view> &second) {
  auto value = [](std::string_view cell) { return wholeNumber(cellValue(cell)); };
  auto hasNo = [&](auto step) { return std::ranges::adjacent_find(first, step, value) == first.end(); };
  bool isOrdered = hasNo(std::ranges::greater_equal()) || hasNo(std::ranges::less_equal());
  return first.size() > 1 && isOrdered && std::ranges::all_of(first, isYear) && std::ranges::none_of(second, isYear);
}

/// Whether the cells count the columns from 0; pandas leaves the name of the index empty.
static bool countsColumns(const std::vector<std::string_view> &cells) {
  size_t first = cells.size() > 1 && cellValue(cells[0]).empty() ? 1 : 0;
  if (cells.size() < 2)
    return false;
  for (size_t i = first; i < cells.size(); ++i)
    if (cellValue(cells[i]) != std::to_string(i - first))
      return false;
  return true;
}

FirstLine detail::judgeFirstLine(const std::vector<std::string_view> &first,
                                 const std::vector<std::string_view> &second, Separator separator) {
  auto isNumeric = [&](std::string_view cell) { return isNumber(cellValue(cell), separator); };
  auto isInQuotes = [](std::string_view cell) { return isQuoted(trim(cell)); };
  if (std::ranges::none_of(first, isNumeric) || countsColumns(first))
    return FirstLine::Header;
  // Quotes around names alone: csv.QUOTE_NONNUMERIC.
  if (!second.empty() && std::ranges::all_of(first, isInQuotes) && std::ranges::none_of(second, isInQuotes))
    return FirstLine::Header;
  if (!std::ranges::all_of(first, [&](std::string_view cell) { return isNumeric(cell) || isMissing(cellValue(cell)); }))
    return FirstLine::Mixed;
  if (second.empty())
    return FirstLine::Row;
  if (areYearsAbove(first, second))
    return FirstLine::NamesOrNumbers;
  if (!isProgression(first))
    return FirstLine::Row;
  bool isAllFractional = std::ranges::all_of(
      second, [](std::string_view cell) { return cellValue(cell).find_first_of(".,eE") != std::string_view::npos; });
  // Three steps of one size are rare among numbers, if the next line has none.
  bool looksLikeNames = isAllFractional || (first.size() > 2 && !isProgression(second));
  return looksLikeNames ? FirstLine::NamesOrNumbers : FirstLine::Row;
}

/// Whether a file that begins with `name` may be taken for one of another format: by the
/// signatures of gzip and NPY, which are no text, or by a mark of Unicode.
static bool looksLikeSignature(const std::string &name) {
  auto first = name.empty() ? 'x' : static_cast<unsigned char>(name[0]);
  return first < ' ' || (first >= 0x7f && first < 0xc0) || name.starts_with("\xEF\xBB\xBF");
}

std::string detail::writeName(const std::string &name, bool quoteAlways) {
  // Whatever might separate: a header without rows leaves it open what does.
  bool needsQuotes = quoteAlways || name.find_first_of("\"\r\n#;,\t") != std::string::npos ||
                     trim(name).size() != name.size() || looksLikeSignature(name);
  if (!needsQuotes)
    return name;
  std::string quoted = "\"";
  for (char c : name)
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

std::vector<std::string> flowc::splitColumnNames(std::string_view list) {
  std::vector<std::string_view> cells;
  splitLine(list, ',', cells);
  std::vector<std::string> names;
  for (std::string_view cell : cells)
    names.push_back(cellText(cell));
  return names;
}
