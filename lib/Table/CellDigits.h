//===- CellDigits.h - Numbers as text -------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TABLE_CELLDIGITS_H
#define FLOWC_LIB_TABLE_CELLDIGITS_H

#include "flowc/IO/ArrayLayout.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace flowc {

/// The fewest digits that give a number of this type back; nothing for NaN.
inline std::string cellDigits(double value, std::optional<ElementType> type) {
  if (std::isnan(value))
    return {};
  char digits[40];
  auto end = type == elementTypeOf(F32) ? std::to_chars(digits, digits + sizeof(digits), static_cast<float>(value)).ptr
                                        : std::to_chars(digits, digits + sizeof(digits), value).ptr;
  return {digits, end};
}

} // namespace flowc

#endif // FLOWC_LIB_TABLE_CELLDIGITS_H
