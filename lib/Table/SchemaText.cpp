//===- SchemaText.cpp - Cells as text, and columns in words ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Dates.h"

#include "flowc/Support/Format.h"
#include "flowc/Table/TableSchema.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <unordered_map>

using namespace flowc;

static constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

bool flowc::isMissingCell(std::string_view text) {
  constexpr std::array<std::string_view, 6> words{"", "na", "n/a", "nan", "null", "?"};
  return std::ranges::any_of(words, [&](std::string_view word) {
    return std::ranges::equal(text, word,
                              [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
  });
}

std::optional<double> TableColumn::constantNumber() const {
  double value = 0;
  auto [end, problem] = std::from_chars(constant.data(), constant.data() + constant.size(), value);
  bool isNumber = problem == std::errc() && end == constant.data() + constant.size() && !constant.empty();
  return isNumber ? std::optional(value) : std::nullopt;
}

bool TableColumn::isText() const {
  return kind == ColumnKind::Category || grid.unit != DateUnit::None ||
         (kind == ColumnKind::Constant && !constantNumber());
}

static int64_t secondsOf(DateUnit unit) { return unit == DateUnit::Day ? kSecondsOfDay : 1; }

//===----------------------------------------------------------------------===//
// Cells
//===----------------------------------------------------------------------===//

static Expected<double> readDate(const std::string &text, DateUnit unit) {
  auto date = parseDate(text);
  if (!date)
    return Error{"is '" + abbreviate(text, 40) + "', expected a date such as " +
                 (unit == DateUnit::Day ? "2024-02-29" : "2024-02-29T12:30:00")};
  return static_cast<double>(date->seconds) / static_cast<double>(secondsOf(unit));
}

CellReader TableSchema::cellReader() const {
  CellReader reader;
  using Positions = std::unordered_map<std::string, double>;
  auto positions = std::make_shared<std::vector<Positions>>(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    const TableColumn &column = columns[i];
    // A column that repeats another is read like it.
    const TableColumn &like = column.kind == ColumnKind::Duplicate ? columns[column.original] : column;
    reader.isText.push_back(like.isText());
    for (size_t k = 0; k < like.categories.size(); ++k)
      (*positions)[i].emplace(like.categories[k], static_cast<double>(k));
  }
  reader.read = [positions, columns = columns](int64_t at, const std::string &text) -> Expected<double> {
    const TableColumn &own = columns[static_cast<size_t>(at)];
    const TableColumn &column = own.kind == ColumnKind::Duplicate ? columns[own.original] : own;
    if (column.kind == ColumnKind::Category) {
      auto found = (*positions)[static_cast<size_t>(at)].find(isMissingCell(text) ? "" : text);
      if (found != (*positions)[static_cast<size_t>(at)].end())
        return found->second;
      return Error{"is '" + abbreviate(text, 40) + "', which it was in no row of the training: expected one of " +
                   abbreviateList(column.categories)};
    }
    if (column.kind == ColumnKind::Constant)
      return text == column.constant || (isMissingCell(text) && column.constant.empty()) ? 0 : 1;
    if (isMissingCell(text))
      return kMissing;
    if (column.grid.unit != DateUnit::None)
      return readDate(text, column.grid.unit);
    return Error{"is '" + abbreviate(text, 40) + "', expected a number"};
  };
  return reader;
}

CellWriter TableSchema::cellWriter(DType dtype) const {
  return [columns = columns, dtype](int64_t at, double value, std::string &text) {
    if (at >= std::ssize(columns)) // None of the table.
      return false;
    const TableColumn &own = columns[static_cast<size_t>(at)];
    const TableColumn &column = own.kind == ColumnKind::Duplicate ? columns[own.original] : own;
    if (column.kind == ColumnKind::Constant)
      text = column.constant;
    else if (std::isnan(value))
      text.clear();
    else if (column.kind == ColumnKind::Category)
      text = column.categories[static_cast<size_t>(value)];
    else if (column.grid.unit != DateUnit::None && std::abs(value) < static_cast<double>(kLastDate))
      text = formatDate(static_cast<int64_t>(std::nearbyint(value)) * secondsOf(column.grid.unit),
                        column.grid.unit == DateUnit::Second);
    else if (column.kind == ColumnKind::Real && dtype == F32) {
      char digits[40];
      auto end = std::to_chars(digits, digits + sizeof(digits), static_cast<float>(value)).ptr;
      text.assign(digits, end);
    } else
      return false;
    return true;
  };
}

//===----------------------------------------------------------------------===//
// Columns in words
//===----------------------------------------------------------------------===//

static std::string describeGrid(const Grid &grid) {
  auto counted = [&](const std::string &what) {
    return grid.step == 1 ? what + "s" : "each " + std::to_string(grid.step) + " " + what + "s";
  };
  if (grid.unit == DateUnit::Day)
    return "dates, " + counted("day") + " from " + formatDate(grid.offset * kSecondsOfDay, false) + " on";
  if (grid.unit == DateUnit::Second)
    return "dates, " + counted("second") + " from " + formatDate(grid.offset, true) + " on";
  if (grid.offset % grid.step != 0)
    return "steps of " + formatNumber(grid.stepSize()) + " from " + formatNumber(grid.value(0)) + " on";
  return grid.stepSize() == 1 ? "whole numbers" : "multiples of " + formatNumber(grid.stepSize());
}

static std::string describeColumn(const TableColumn &column, const std::vector<TableColumn> &columns,
                                  bool isCondition) {
  switch (column.kind) {
  case ColumnKind::Constant:
    return "always '" + abbreviate(column.constant, 40) + "', left out";
  case ColumnKind::Duplicate:
    return "the same as '" + columns[static_cast<size_t>(column.original)].name + "', left out";
  case ColumnKind::Category:
    return std::to_string(column.categories.size()) + " categories: " + abbreviateList(column.categories, 5);
  case ColumnKind::Real:
  case ColumnKind::Grid:
    break;
  }
  std::string text = column.kind == ColumnKind::Grid ? describeGrid(column.grid) : "real numbers";
  if (size_t count = column.atoms.size())
    text += count == 1 ? ", of which rows repeat " + formatNumber(column.atoms.front().value)
                       : ", " + std::to_string(count) + " of which rows repeat";
  if (column.bounds.hasLower())
    text += ", at least " + formatNumber(column.bounds.lower);
  if (column.bounds.hasUpper())
    text += ", at most " + formatNumber(column.bounds.upper);
  if (column.hasIndicator)
    text += ", or missing";
  bool isSpread = !isCondition && column.isDequantised && (column.kind == ColumnKind::Grid || !column.atoms.empty());
  return text + (isSpread ? ", dequantised" : "");
}

std::string TableSchema::describe() const {
  size_t width = 0;
  for (const TableColumn &column : columns)
    width = std::max(width, abbreviate(column.name, 30).size());
  std::string text;
  for (const TableColumn &column : columns) {
    std::string name = abbreviate(column.name, 30);
    text +=
        "  " + name + std::string(width - name.size() + 2, ' ') + describeColumn(column, columns, isCondition) + "\n";
  }
  return text;
}
