//===- Dates.cpp - Dates as numbers ---------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Dates.h"

#include <charconv>
#include <chrono>
#include <cstdio>

using namespace flowc;

/// Takes `digits` digits and what follows them (0: nothing) from the front of `text`.
static bool take(std::string_view &text, size_t digits, char mark, int &value) {
  if (text.size() < digits + (mark ? 1 : 0) || (mark && text[digits] != mark))
    return false;
  for (char c : text.substr(0, digits))
    if (c < '0' || c > '9')
      return false;
  std::from_chars(text.data(), text.data() + digits, value);
  text.remove_prefix(digits + (mark ? 1 : 0));
  return true;
}

std::optional<Date> flowc::parseDate(std::string_view text) {
  int year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0;
  if (!take(text, 4, '-', year) || !take(text, 2, '-', month) || !take(text, 2, 0, day))
    return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok())
    return std::nullopt;
  Date result{std::chrono::sys_days(date).time_since_epoch().count() * kSecondsOfDay, !text.empty()};
  if (text.empty())
    return result;
  if (text.front() != 'T' && text.front() != ' ')
    return std::nullopt;
  text.remove_prefix(1);
  if (!take(text, 2, ':', hours) || !take(text, 2, 0, minutes))
    return std::nullopt;
  if (text.starts_with(':')) {
    text.remove_prefix(1);
    if (!take(text, 2, 0, seconds))
      return std::nullopt;
  }
  if ((!text.empty() && text != "Z") || hours > 23 || minutes > 59 || seconds > 59)
    return std::nullopt;
  result.seconds += (hours * 60 + minutes) * 60 + seconds;
  return result;
}

std::string flowc::formatDate(int64_t seconds, bool withTime) {
  std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  auto days = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(days);
  std::chrono::hh_mm_ss<std::chrono::seconds> clock(time - days);
  char text[64];
  int length = std::snprintf(text, sizeof(text), "%04d-%02u-%02u", static_cast<int>(date.year()),
                             static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (withTime)
    std::snprintf(text + length, sizeof(text) - static_cast<size_t>(length), "T%02d:%02d:%02d",
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
  return text;
}
