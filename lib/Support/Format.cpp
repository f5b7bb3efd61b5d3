//===- Format.cpp - Numbers as people write them --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Support/Format.h"

#include <cmath>
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
