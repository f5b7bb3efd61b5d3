//===- Format.cpp - Numbers as people write them --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Support/Format.h"
#include "flowc/Support/Print.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace flowc {

std::string formatNumber(double value) {
  if (value == 0)
    return "0"; // also for -0
  char text[40];
  bool whole = std::abs(value) < 1e15 && value == std::floor(value);
  std::snprintf(text, sizeof(text), whole ? "%.0f" : "%.6g", value);
  return text;
}

std::string print(const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  return text;
}

std::string formatCount(int64_t count) {
  std::string digits = std::to_string(count);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

std::string formatWithError(double value, double error, std::string_view sign) {
  char text[512];
  if (!std::isfinite(error)) {
    std::snprintf(text, sizeof(text), "%.6g", value);
    return text;
  }
  int digits = error > 0 ? std::clamp(1 - static_cast<int>(std::floor(std::log10(error))), 0, 12) : 12;
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  std::string result = text;
  std::snprintf(text, sizeof(text), "%.*f", digits, error);
  return result + " " + std::string(sign) + " " + text;
}

/// Whether a byte of UTF-8 belongs to the character before it.
static bool continuesCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

std::string abbreviate(std::string_view text, size_t limit) {
  std::string shown;
  size_t characters = 0, lastBegin = 0;
  for (char byte : text) {
    if (!continuesCharacter(byte)) {
      if (characters == limit) {
        shown.resize(lastBegin);
        return shown + "…";
      }
      lastBegin = shown.size();
      ++characters;
    }
    bool isControl = static_cast<unsigned char>(byte) < ' ' || byte == '\x7F';
    shown += isControl ? '?' : byte;
  }
  return shown;
}

std::string abbreviateList(const std::vector<std::string> &items, size_t limit) {
  std::string shown;
  for (size_t i = 0; i < items.size() && i < limit; ++i)
    shown += (i ? ", " : "") + abbreviate(items[i]);
  if (items.size() > limit)
    shown += ", … (" + std::to_string(items.size()) + " in all)";
  return shown;
}

} // namespace flowc
