//===- Source.cpp - Text with places to report at -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Source.h"

#include "flowc/Support/Format.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/MemoryBuffer.h"

#include <algorithm>

namespace flowc {

using llvm::StringRef;
using llvm::Twine;

static bool isContinuationByte(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

SourceText::SourceText(StringRef text, StringRef file) : file(file.str()) {
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, file), llvm::SMLoc());
  lineStarts.push_back(0);
  unsigned count = 0;
  for (auto [i, c] : llvm::enumerate(text)) {
    if (i % kBlock == 0)
      characters.push_back(count);
    count += !isContinuationByte(c);
    if (c == '\n')
      lineStarts.push_back(i + 1);
  }
  // The end is a place, too.
  if (text.size() % kBlock == 0)
    characters.push_back(count);
}

unsigned SourceText::countCharacters(size_t byte) const {
  size_t start = byte / kBlock * kBlock;
  return characters[byte / kBlock] + static_cast<unsigned>(llvm::count_if(
                                         buffer().slice(start, byte), [](char c) { return !isContinuationByte(c); }));
}

StringRef SourceText::buffer() const { return sources.getMemoryBuffer(sources.getMainFileID())->getBuffer(); }

/// The line that holds `where`, without its end.
static StringRef lineAround(StringRef buffer, const char *where) {
  const char *begin = where, *end = where;
  while (begin != buffer.begin() && begin[-1] != '\n')
    --begin;
  while (end != buffer.end() && *end != '\n')
    ++end;
  return StringRef(begin, end - begin).rtrim('\r');
}

SourceLocation SourceText::locate(llvm::SMLoc where) const {
  auto place = static_cast<size_t>(where.getPointer() - buffer().begin());
  auto line = std::prev(llvm::upper_bound(lineStarts, place));
  return {static_cast<unsigned>(line - lineStarts.begin()) + 1, countCharacters(place) - countCharacters(*line) + 1};
}

/// `bytes` with everything that is not printable text replaced, one character
/// in the result's columns for one in the source's.
static std::string printable(StringRef bytes) {
  std::string result;
  for (size_t i = 0; i < bytes.size();) {
    auto *at = reinterpret_cast<const llvm::UTF8 *>(bytes.begin() + i);
    auto *end = reinterpret_cast<const llvm::UTF8 *>(bytes.end());
    size_t length = llvm::isLegalUTF8Sequence(at, end) ? llvm::getNumBytesForUTF8(*at) : 1;
    if (length > 1)
      result += bytes.substr(i, length);
    else if (bytes[i] == '\t')
      result += ' ';
    else
      result += llvm::isPrint(bytes[i]) ? bytes[i] : '?';
    i += length;
  }
  return result;
}

Error SourceText::error(llvm::SMLoc where, const Twine &message) const {
  // A line can be megabytes long: show what is around the place.
  constexpr ptrdiff_t before = 60, after = 60;
  SourceLocation location = locate(where);
  const char *place = where.getPointer();
  StringRef line = lineAround(buffer(), place);
  const char *begin = line.begin(), *end = line.end();
  if (place - begin > before) {
    begin = place - before;
    while (begin < place && isContinuationByte(*begin))
      ++begin;
  }
  if (end - place > after) {
    end = place + after;
    while (end > place && isContinuationByte(*end))
      --end;
  }
  // `where` can be the end of the buffer, after the last line's end.
  end = std::max(begin, end);
  std::string head = printable(StringRef(begin, std::min(place, end) - begin));
  std::string tail = place < end ? printable(StringRef(place, end - place)) : "";
  StringRef cutBegin = begin == line.begin() ? "" : "...", cutEnd = end == line.end() ? "" : "...";
  size_t caret = cutBegin.size();
  for (char c : head)
    caret += !isContinuationByte(c);
  // Messages repeat names and numbers of the text, which may hold anything.
  constexpr size_t longest = 2000;
  return {(file + Twine(":") + Twine(location.line) + ":" + Twine(location.column) +
           ": error: " + abbreviate(message.str(), longest) + "\n" + cutBegin + head + tail + cutEnd + "\n" +
           std::string(caret, ' ') + "^")
              .str()};
}

/// `RationalQuadraticSpline` as `rational_quadratic_spline`.
static std::string snakeCase(StringRef word) {
  std::string result;
  for (size_t i = 0; i < word.size(); ++i) {
    if (llvm::isUpper(word[i]) && i > 0 && llvm::isLower(word[i - 1]))
      result += '_';
    result += llvm::toLower(word[i]);
  }
  return result;
}

/// Edits between two words, where a swap of neighbours is one edit.
static unsigned editDistance(StringRef a, StringRef b, unsigned bound) {
  auto [inA, inB] = llvm::mismatch(a, b);
  bool isSwap = a.size() == b.size() && a.end() - inA >= 2 && inA[0] == inB[1] && inA[1] == inB[0] &&
                std::equal(inA + 2, a.end(), inB + 2);
  return isSwap ? 1 : a.edit_distance(b, /*AllowReplacements=*/true, bound);
}

StringRef nearestName(StringRef word, llvm::ArrayRef<StringRef> candidates) {
  if (word.size() > 100)
    return {};
  std::string snake = snakeCase(word);
  StringRef best;
  // One edit for every three letters, and never a whole word's worth.
  unsigned bestDistance = std::min((word.size() + 2) / 3 + 1, word.size());
  for (StringRef candidate : candidates) {
    unsigned distance = editDistance(snake, candidate, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

std::string suggestion(StringRef word, llvm::ArrayRef<StringRef> candidates) {
  StringRef nearest = nearestName(word, candidates);
  return nearest.empty() ? "" : ("; did you mean `" + nearest + "`?").str();
}

} // namespace flowc
