//===- TextMutator.cpp - Changes of whole words ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of texts with other bytes few can be parsed. So half of the changes that libFuzzer makes
// to texts exchange parts that stand for something: words, numbers, what is in brackets,
// lines.
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace {

/// Parts of one kind can take each other's place.
enum class Kind { Word, Number, Bracket, Line };
constexpr Kind kKinds[] = {Kind::Word, Kind::Number, Kind::Bracket, Kind::Line};

/// Numbers at which something changes.
constexpr std::string_view kNumbers[] = {
    "0",     "1",     "-1",     "2",     "0.5",   "64",         "65536",
    "1e-30", "1e308", "5e-324", "1e400", "3.141", "2147483648", "9223372036854775807"};

class Text {
public:
  Text(const uint8_t *data, size_t size, std::minstd_rand &random)
      : text(reinterpret_cast<const char *>(data), size), random(random) {}

  /// A part of this kind; an empty one if there is none.
  std::string_view choose(Kind kind) const {
    std::vector<std::string_view> parts = find(kind);
    return parts.empty() ? std::string_view() : parts[below(parts.size())];
  }
  Kind chooseKind() const { return kKinds[below(std::size(kKinds))]; }
  size_t below(size_t count) const { return random() % count; }

  /// The text with `part`, which is one of it, replaced.
  std::string replaced(std::string_view part, std::string_view by) const {
    size_t at = static_cast<size_t>(part.data() - text.data());
    std::string result = text;
    return result.replace(at, part.size(), by);
  }

private:
  static bool isWord(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '%' || c == '@' || c == '!';
  }

  std::vector<std::string_view> find(Kind kind) const {
    if (kind == Kind::Bracket)
      return findBrackets();
    std::vector<std::string_view> parts;
    auto isInside = [&](char c) { return kind == Kind::Line ? c != '\n' : isWord(c); };
    for (auto at = text.begin(); at != text.end();) {
      auto begin = std::find_if(at, text.end(), isInside);
      at = std::find_if_not(begin, text.end(), isInside);
      if (begin == at)
        break;
      bool isNumber = std::isdigit(static_cast<unsigned char>(*begin)) || *begin == '.';
      if (kind == Kind::Line || isNumber == (kind == Kind::Number))
        parts.emplace_back(&*begin, static_cast<size_t>(at - begin));
    }
    return parts;
  }

  /// What is between brackets, and between brackets and commas.
  std::vector<std::string_view> findBrackets() const {
    std::vector<std::string_view> parts;
    std::vector<size_t> open;
    for (size_t i = 0; i < text.size(); ++i) {
      bool opens = std::string_view("([{<").find(text[i]) != std::string_view::npos;
      bool closes = std::string_view(")]}>").find(text[i]) != std::string_view::npos;
      if ((closes || text[i] == ',') && !open.empty()) {
        parts.push_back(std::string_view(text).substr(open.back(), i - open.back()));
        closes ? open.pop_back() : void(open.back() = i + 1);
      }
      if (opens)
        open.push_back(i + 1);
    }
    return parts;
  }

  std::string text;
  std::minstd_rand &random;
};

} // namespace

/// Copies `result` to `data` if it fits; its size, or 0.
static size_t give(const std::string &result, uint8_t *data, size_t maxSize) {
  if (result.size() > maxSize)
    return 0;
  std::copy(result.begin(), result.end(), data);
  return result.size();
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize, unsigned seed) {
  std::minstd_rand random(seed);
  Text text(data, size, random);
  if (text.below(2) == 0)
    return LLVMFuzzerMutate(data, size, maxSize);
  Kind kind = text.chooseKind();
  std::string_view part = text.choose(kind), by = text.choose(kind);
  if (kind == Kind::Number && text.below(2) == 0)
    by = kNumbers[text.below(std::size(kNumbers))];
  std::string changed = std::string(by);
  if (size_t way = text.below(8); way == 0)
    changed.clear();
  else if (way == 1 && kind == Kind::Line)
    changed = std::string(part) + "\n" + changed;
  if (part.empty())
    return LLVMFuzzerMutate(data, size, maxSize);
  size_t given = give(text.replaced(part, changed), data, maxSize);
  return given > 0 ? given : LLVMFuzzerMutate(data, size, maxSize);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2, size_t size2,
                                            uint8_t *out, size_t maxOutSize, unsigned seed) {
  std::minstd_rand random(seed);
  Text into(data1, size1, random), from(data2, size2, random);
  Kind kind = into.chooseKind();
  std::string_view part = into.choose(kind);
  return part.empty() ? 0 : give(into.replaced(part, from.choose(kind)), out, maxOutSize);
}
