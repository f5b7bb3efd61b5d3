//===- Format.h - Numbers as people write them ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_FORMAT_H
#define FLOWC_SUPPORT_FORMAT_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flowc {

/// A number as a person would write it.
std::string formatNumber(double value);

/// E.g. 1,234,567.
std::string formatCount(int64_t count);

/// A value with its standard error, with as many digits as that has meaning for; without
/// one that is finite, the value alone. `sign` stands between the two.
std::string formatWithError(double value, double error, std::string_view sign = "+-");

/// Text of a user's as messages show it: at most `limit` characters, of which the last
/// is `…` if something is left out; control characters become `?`.
std::string abbreviate(std::string_view text, size_t limit = 60);

/// `items`, abbreviated, separated by commas; of many the first ones, and how many there
/// are.
std::string abbreviateList(const std::vector<std::string> &items, size_t limit = 20);

} // namespace flowc

#endif // FLOWC_SUPPORT_FORMAT_H
