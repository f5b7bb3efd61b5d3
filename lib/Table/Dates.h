//===- Dates.h - Dates as numbers -------------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TABLE_DATES_H
#define FLOWC_LIB_TABLE_DATES_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowc {

struct Date {
  int64_t seconds = 0; ///< Since 1970-01-01.
  bool hasTime = false;
};

inline constexpr int64_t kSecondsOfDay = 86400;
/// In seconds or days: no calendar has later ones, and arithmetic with them does not overflow.
inline constexpr int64_t kLastDate = 100'000'000'000;

/// Reads `2024-02-29`, `2024-02-29T12:30`, `2024-02-29 12:30:15` or one of these with a Z
/// (ISO 8601); nothing for other texts, and for days that no calendar has.
std::optional<Date> parseDate(std::string_view text);
std::string formatDate(int64_t seconds, bool withTime);

} // namespace flowc

#endif // FLOWC_LIB_TABLE_DATES_H
