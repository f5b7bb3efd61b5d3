//===- DescribeTable.cpp - Finding out what columns are -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Table/DescribeTable.h"

#include "CellDigits.h"
#include "ColumnScan.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

/// Stands for text in a cell of a column that may hold numbers.
constexpr double kText = std::numeric_limits<double>::infinity();

class Describer {
public:
  Describer(const std::string &path, const std::vector<std::string> &wanted, const TableOptions &options)
      : path(path), wanted(wanted), options(options) {}

  Expected<TableDescription> run();

private:
  Expected<void> scanNumbers();
  Expected<void> scanTexts();
  void addRow(const double *cells);
  Expected<void> checkMissing() const;
  Expected<TableColumn> judge(size_t i) const;
  void findDuplicates();
  /// What the options have for a column, by its name or its position.
  template <typename T>
  std::optional<T> option(const std::map<std::string, T> &given, size_t i) const;
  Error at(int64_t row, size_t column, const std::string &problem) const {
    return {"'" + path + "': row " + std::to_string(row + 1) + ", column '" + abbreviate(names[column]) + "' " +
            problem};
  }

  const std::string &path;
  const std::vector<std::string> &wanted;
  const TableOptions &options;
  std::vector<std::string> names;
  std::vector<ColumnScan> scans;
  std::vector<bool> hasText;
  std::vector<size_t> textColumns;
  std::vector<TextScan> texts; ///< Of these.
  TableDescription result;
};

template <typename Visit>
Expected<void> forEachRow(RowReader &reader, const Visit &visit) {
  const int64_t columns = reader.columns(), block = std::max<int64_t>(1, (1 << 16) / std::max<int64_t>(1, columns));
  std::vector<double> cells(static_cast<size_t>(block * columns));
  while (true) {
    auto count = reader.next(block, F64, cells.data());
    if (!count)
      return count.takeError();
    if (*count == 0)
      return {};
    for (int64_t row = 0; row < *count; ++row)
      visit(cells.data() + row * columns);
  }
}

} // namespace

template <typename T>
std::optional<T> Describer::option(const std::map<std::string, T> &given, size_t i) const {
  auto found = given.find(names[i]);
  if (found == given.end())
    found = given.find("#" + std::to_string(i));
  return found == given.end() ? std::nullopt : std::optional<T>(found->second);
}

void Describer::addRow(const double *cells) {
  int64_t row = result.rows++;
  bool isIncomplete = std::any_of(cells, cells + scans.size(), [](double cell) { return std::isnan(cell); });
  if (isIncomplete && options.missing == MissingCells::Drop) {
    result.missingRows.push_back(row);
    return;
  }
  for (size_t i = 0; i < scans.size(); ++i)
    scans[i].add(row, cells[i]);
}

Expected<void> Describer::scanNumbers() {
  CellReader cells;
  cells.read = [this](int64_t column, const std::string &text) -> Expected<double> {
    if (isMissingCell(text))
      return std::numeric_limits<double>::quiet_NaN();
    hasText[static_cast<size_t>(column)] = true;
    return kText;
  };
  auto reader = openRows(path, wanted, std::move(cells));
  if (!reader)
    return reader.takeError();
  auto count = static_cast<size_t>((*reader)->columns());
  names = (*reader)->columnNames();
  if (names.empty())
    names = defaultColumnNames("x", (*reader)->columns());
  scans.resize(count);
  hasText.resize(count);
  if ((*reader)->type() == ElementType::F32)
    for (ColumnScan &scan : scans)
      scan.grid.setFloats();
  if (auto ok = forEachRow(**reader, [this](const double *cells) { addRow(cells); }); !ok)
    return ok;
  for (size_t i = 0; i < count; ++i) {
    if (scans[i].firstInfinite >= 0 && !hasText[i])
      return at(scans[i].firstInfinite, i, "is infinite, expected a finite number");
    if (hasText[i] || option(options.kinds, i) == ColumnKind::Category)
      textColumns.push_back(i);
  }
  return {};
}

Expected<void> Describer::scanTexts() {
  if (textColumns.empty())
    return {};
  std::vector<std::string> columns;
  for (size_t i : textColumns)
    columns.push_back(wanted.empty() ? "#" + std::to_string(i) : wanted[i]);
  texts.resize(columns.size());
  std::vector<int64_t> row(columns.size()), skipped(columns.size());
  auto add = [&](size_t i, const std::string &text) {
    const std::vector<int64_t> &dropped = result.missingRows;
    bool isDropped = skipped[i] < std::ssize(dropped) && dropped[static_cast<size_t>(skipped[i])] == row[i];
    ++row[i];
    if (isDropped)
      ++skipped[i];
    else
      texts[i].add(text);
  };
  CellReader cells;
  cells.isText.assign(columns.size(), true);
  cells.read = [&](int64_t column, const std::string &text) -> Expected<double> {
    add(static_cast<size_t>(column), text);
    return 0;
  };
  auto reader = openRows(path, columns, std::move(cells));
  if (!reader)
    return reader.takeError();
  std::optional<ElementType> type = (*reader)->type();
  return forEachRow(**reader, [&](const double *values) {
    for (size_t i = 0; type && i < columns.size(); ++i)
      add(i, cellDigits(values[i], type));
  });
}

Expected<void> Describer::checkMissing() const {
  if (options.missing != MissingCells::Error)
    return {};
  size_t first = scans.size();
  for (size_t i = 0; i < scans.size(); ++i)
    if (scans[i].missing > 0 && (first == scans.size() || scans[i].firstMissing < scans[first].firstMissing))
      first = i;
  if (first == scans.size())
    return {};
  return at(scans[first].firstMissing, first,
            "has no value: leave such rows out with --missing drop, or fit which values are missing, too, with "
            "--missing indicator");
}

Expected<TableColumn> Describer::judge(size_t i) const {
  auto text = std::ranges::find(textColumns, i);
  if (text == textColumns.end())
    return judgeNumbers(names[i], scans[i], option(options.kinds, i),
                        option(options.bounds, i).value_or(ColumnBounds()), options);
  if (option(options.bounds, i))
    return Error{"'" + abbreviate(names[i]) + "' has bounds, but holds text"};
  if (auto kind = option(options.kinds, i); kind && *kind != ColumnKind::Category)
    return Error{"'" + abbreviate(names[i]) + "' is to hold numbers, but holds text"};
  return judgeTexts(names[i], texts[static_cast<size_t>(text - textColumns.begin())], options);
}

void Describer::findDuplicates() {
  std::vector<TableColumn> &columns = result.schema.columns;
  // Of texts the numbers in their place are no measure.
  auto hashOf = [&](size_t i) {
    auto text = std::ranges::find(textColumns, i);
    return text == textColumns.end() ? scans[i].hash : texts[static_cast<size_t>(text - textColumns.begin())].hash;
  };
  for (size_t i = 0; i < columns.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (columns[i].kind != ColumnKind::Constant && columns[j].kind == columns[i].kind && hashOf(i) == hashOf(j)) {
        columns[i] = TableColumn{.name = names[i], .kind = ColumnKind::Duplicate, .original = static_cast<int64_t>(j)};
        break;
      }
}

Expected<TableDescription> Describer::run() {
  if (auto ok = scanNumbers(); !ok)
    return ok.takeError();
  if (auto ok = checkMissing(); !ok)
    return ok.takeError();
  if (auto ok = scanTexts(); !ok)
    return ok.takeError();
  result.schema.isCondition = options.isCondition;
  result.schema.missing = options.missing;
  result.schema.seed = options.seed;
  for (size_t i = 0; i < names.size(); ++i) {
    auto column = judge(i);
    if (!column)
      return Error{"'" + path + "': column " + column.error().message};
    result.schema.columns.push_back(std::move(*column));
  }
  findDuplicates();
  return std::move(result);
}

Expected<std::vector<std::string>> flowc::listColumns(const std::string &path) {
  auto reader = openRows(path);
  if (!reader)
    return reader.takeError();
  std::vector<std::string> columns = (*reader)->columnNames();
  if (columns.empty() && (*reader)->rowShape().size() == 1)
    for (int64_t i = 0; i < (*reader)->columns(); ++i)
      columns.push_back(std::to_string(i));
  return columns;
}

Expected<std::string> flowc::findMissingColumn(const std::string &path, const std::vector<std::string> &names) {
  if (names.empty())
    return std::string();
  auto known = listColumns(path);
  if (!known)
    return known.takeError();
  for (const std::string &name : names)
    if (!name.starts_with('#') && std::ranges::find(*known, name) == known->end())
      return name;
  return std::string();
}

Expected<TableDescription> flowc::describeTable(const std::string &path, const std::vector<std::string> &columns,
                                                const TableOptions &options) {
  return Describer(path, columns, options).run();
}
