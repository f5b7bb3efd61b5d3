//===- ColumnScan.cpp - What a column holds -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ColumnScan.h"

#include "Dates.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

using namespace flowc;

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

/// Whether `value` is a multiple of 10^-decimals, as closely as its type can be one.
bool GridScan::fits(double value) const {
  double scaled = value * scale;
  // Numbers with no digits to spare lie on any grid; whole ones are exact.
  double most = decimals == 0 ? 0x1p53 : areFloats ? 0x1p18 : 0x1p47;
  if (!(std::abs(scaled) < most))
    return false;
  double nearest = std::nearbyint(scaled) / scale;
  return areFloats ? static_cast<float>(nearest) == static_cast<float>(value) : nearest == value;
}

bool GridScan::refine() {
  constexpr int mostDecimals = 9;
  constexpr int64_t most = int64_t(1) << 53;
  if (++decimals > mostDecimals || std::abs(first) > most || step > most)
    return false;
  scale *= 10;
  first *= 10;
  step *= 10;
  return true;
}

void GridScan::add(double value) {
  while (isGrid && !fits(value))
    isGrid = refine();
  if (!isGrid)
    return;
  auto units = static_cast<int64_t>(std::nearbyint(value * scale));
  if (!isStarted)
    first = units;
  else if (step != 1)
    step = std::gcd(step, std::abs(units - first));
  isStarted = true;
}

std::optional<Grid> GridScan::grid(double least) const {
  if (!isGrid || !isStarted)
    return std::nullopt;
  return Grid{decimals, static_cast<int64_t>(std::nearbyint(least * scale)), std::max<int64_t>(1, step)};
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

void Thinned::add(int64_t index, double value) {
  constexpr size_t most = size_t(1) << 16;
  if (index % stride != 0)
    return;
  values.push_back(value);
  if (values.size() < most)
    return;
  for (size_t i = 0; i < values.size() / 2; ++i)
    values[i] = values[2 * i];
  values.resize(values.size() / 2);
  stride *= 2;
}

std::vector<double> Thinned::sorted() const {
  std::vector<double> result = values;
  std::ranges::sort(result);
  return result;
}

void flowc::addToHash(ColumnHash &hash, uint64_t cell) {
  hash[0] = (hash[0] ^ cell) * 0x9e3779b97f4a7c15;
  hash[1] = std::rotl(hash[1] + cell, 29) * 0xbf58476d1ce4e5b9;
}

void ColumnScan::add(int64_t row, double value) {
  addToHash(hash, std::bit_cast<uint64_t>(value));
  if (std::isnan(value)) {
    if (missing++ == 0)
      firstMissing = row;
    return;
  }
  if (std::isinf(value)) {
    firstInfinite = firstInfinite < 0 ? row : firstInfinite;
    return;
  }
  if (count == 0 || value < least) {
    least = value;
    rowOfLeast = row;
  }
  if (count == 0 || value > most) {
    most = value;
    rowOfMost = row;
  }
  grid.add(value);
  sample.add(count++, value);
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

void TextScan::add(const std::string &text) {
  int64_t row = rows++;
  addToHash(hash, std::hash<std::string>()(text));
  if (isMissingCell(text)) {
    ++missing;
    return;
  }
  if (auto date = areDates ? parseDate(text) : std::nullopt) {
    haveTimes = haveTimes || date->hasTime;
    seconds.add(row, static_cast<double>(date->seconds));
  } else {
    areDates = false;
  }
  auto known = counts.find(text);
  if (known != counts.end())
    ++known->second;
  else if (counts.size() < kMostCategories)
    counts.emplace(text, 1);
  else
    isFull = true;
}

std::vector<std::string> TextScan::categories() const {
  std::vector<std::pair<std::string, int64_t>> found(counts.begin(), counts.end());
  if (missing > 0)
    found.emplace_back("", missing);
  std::ranges::sort(found, {}, [](const auto &entry) { return std::pair(-entry.second, entry.first); });
  std::vector<std::string> result;
  for (auto &[text, count] : found)
    result.push_back(std::move(text));
  return result;
}
