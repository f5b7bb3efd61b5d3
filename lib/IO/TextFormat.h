//===- TextFormat.h - How a text file writes its rows -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// RFC 4180 and what programs write besides: other separators, comments, decimal commas.
// The first two lines tell which; what they leave open is asked for, not guessed.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_IO_TEXTFORMAT_H
#define FLOWC_LIB_IO_TEXTFORMAT_H

#include "flowc/Support/Expected.h"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowc::detail {

/// Between cells: a character, or ' ' for blanks and tabs, as many as there are.
using Separator = char;

/// What the name of a text file says of it: `FILE.csv`, `FILE.tsv.gz:header`, `-`.
struct TextName {
  std::string file;
  /// If the ending fixes it (tabs of .tsv); else the lines tell.
  std::optional<Separator> separator;
  /// If `:header` or `:no-header` follows.
  std::optional<bool> hasHeader;
};

/// Nothing if the name is not that of a text file.
std::optional<TextName> parseTextName(const std::string &path);

/// Blanks around it do not belong to a cell.
std::string_view trim(std::string_view text);
/// A cell without the blanks and the quotes around it; doubled quotes inside stay so.
std::string_view cellValue(std::string_view cell);
/// The same with doubled quotes read as one.
std::string cellText(std::string_view cell);

/// Splits a line at separators outside of quotes.
void splitLine(std::string_view line, Separator separator, std::vector<std::string_view> &cells);

/// The separator that the first two lines (the second may be missing) agree on.
Separator findSeparator(std::string_view first, std::optional<std::string_view> second);

/// Reads all of `text` as a number with a decimal point; false if it is none.
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

/// What a first line holds.
enum class FirstLine {
  Header,
  Row,
  NamesOrNumbers, ///< Numbers that may be names: years, say.
  Mixed,          ///< Numbers and words.
};

/// Judges the cells of the first line, by those of the second (none: there is none).
FirstLine judgeFirstLine(const std::vector<std::string_view> &first, const std::vector<std::string_view> &second,
                         Separator separator);

/// A cell that holds `name`, in quotes if it needs them.
std::string writeName(const std::string &name, bool quoteAlways);

} // namespace flowc::detail

#endif // FLOWC_LIB_IO_TEXTFORMAT_H
