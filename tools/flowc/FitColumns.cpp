//===- FitColumns.cpp - The table of flowc fit ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FitColumns.h"

#include <algorithm>
#include <charconv>

using namespace flowc;
using namespace flowc::tool;

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

/// `NAME=TEXT`; the last = parts them.
static std::pair<std::string, std::string> splitAssignment(const std::string &option, const std::string &text,
                                                           const std::string &expected) {
  size_t at = text.rfind('=');
  if (at == std::string::npos || at == 0)
    throw CLI::ValidationError(option, "'" + text + "' is not of the form " + expected);
  return {text.substr(0, at), text.substr(at + 1)};
}

/// One end of a range; an empty text is none.
static double parseEnd(const std::string &option, std::string_view text, double none) {
  if (text.empty())
    return none;
  double value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size())
    throw CLI::ValidationError(option, "'" + std::string(text) + "' is no number");
  return value;
}

static std::pair<std::string, ColumnBounds> parseBounds(const std::string &text) {
  const std::string option = "--bounds", expected = "COLUMN=LOWEST..HIGHEST, one of which may be left out";
  auto [name, range] = splitAssignment(option, text, expected);
  size_t dots = range.find("..");
  if (dots == std::string::npos)
    throw CLI::ValidationError(option, "'" + text + "' is not of the form " + expected);
  ColumnBounds bounds;
  bounds.lower = parseEnd(option, std::string_view(range).substr(0, dots), bounds.lower);
  bounds.upper = parseEnd(option, std::string_view(range).substr(dots + 2), bounds.upper);
  if (!(bounds.lower < bounds.upper))
    throw CLI::ValidationError(option, "'" + text + "' leaves no values");
  return {name, bounds};
}

static std::pair<std::string, ColumnKind> parseKind(const std::string &text) {
  static const std::map<std::string, ColumnKind> kinds{
      {"real", ColumnKind::Real}, {"grid", ColumnKind::Grid}, {"category", ColumnKind::Category}};
  const std::string option = "--columns-as", expected = "COLUMN=real, COLUMN=grid or COLUMN=category";
  auto [name, word] = splitAssignment(option, text, expected);
  auto kind = kinds.find(word);
  if (kind == kinds.end())
    throw CLI::ValidationError(option, "'" + text + "' is not of the form " + expected);
  return {name, kind->second};
}

/// An option with a list, each item of which goes to `take`.
static void addList(CLI::App &command, std::string &words, const std::string &name, const std::string &description,
                    const std::function<void(const std::string &)> &take) {
  command.add_option_function<std::vector<std::string>>(
      name,
      [take, name, &words](const std::vector<std::string> &lists) {
        for (const std::string &list : lists) {
          words += (words.empty() ? "" : " ") + name + " '" + list + "'";
          for (const std::string &item : splitColumnNames(list))
            take(item);
        }
      },
      description);
}

/// An option with one of some words.
template <typename T>
static void addChoice(CLI::App &command, std::string &words, const std::string &name, const std::string &description,
                      const std::map<std::string, T> &values, T &chosen) {
  std::vector<std::string> known;
  for (const auto &[word, unused] : values)
    known.push_back(word);
  command
      .add_option_function<std::string>(
          name,
          [values, name, &words, &chosen](const std::string &word) {
            words += (words.empty() ? "" : " ") + name + " " + word;
            chosen = values.at(word);
          },
          description)
      ->check(CLI::IsMember(known));
}

void ColumnOptions::add(CLI::App &command) {
  addList(command, words, "--bounds", "Where values of columns lie, e.g. price=0..,percent=0..100",
          [this](const std::string &item) { bounds.insert(parseBounds(item)); });
  addChoice(command, words, "--ties",
            "Repeated values: dequantise (default; each becomes a number of the cell around it), or keep",
            {{"dequantise", false}, {"keep", true}}, keepTies);
  addChoice(command, words, "--missing",
            "Rows with cells without a value: error (default), drop, or indicator (fit which are missing, too)",
            {{"error", MissingCells::Error}, {"drop", MissingCells::Drop}, {"indicator", MissingCells::Indicator}},
            missing);
  addList(command, words, "--categories", "Columns of numbers that are names of categories",
          [this](const std::string &item) { kinds.emplace(item, ColumnKind::Category); });
  addList(command, words, "--columns-as",
          "What columns are, e.g. age=grid,ratio=real,code=category (default: found out)",
          [this](const std::string &item) { kinds.insert(parseKind(item)); });
}

/// Options are about columns that there are.
static Expected<void> checkNames(const ColumnOptions &options, const std::string &path) {
  auto known = listColumns(path);
  if (!known)
    return known.takeError();
  auto check = [&](const auto &given, const char *option) -> Expected<void> {
    for (const auto &[name, unused] : given)
      if (std::ranges::find(*known, name) == known->end() && !name.starts_with('#'))
        return Error{"'" + path + "' has no column '" + name + "', which " + option + " names"};
    return {};
  };
  if (auto ok = check(options.bounds, "--bounds"); !ok)
    return ok;
  return check(options.kinds, "--columns-as or --categories");
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

Expected<TableFile::Part> TableFile::describePart(const std::string &path, std::vector<std::string> columns,
                                                  const TableOptions &options) {
  Part part{std::move(columns), {}, {}};
  auto table = describeTable(path, part.columns, options);
  if (!table)
    return table.takeError();
  part.table = std::move(*table);
  auto names = readColumnNames(path);
  if (!names)
    return names.takeError();
  if (!names->empty())
    part.names = part.table.schema.names();
  return part;
}

Expected<TableFile> TableFile::describe(const DataOptions &data, const ColumnOptions &columns, uint64_t seed) {
  TableFile file;
  file.path = data.path;
  file.words = columns.words;
  auto chosen = withoutColumns(data, {}, data.conditionColumns);
  if (!chosen)
    return chosen.takeError();
  if (chosen->columns.empty() && !data.conditionColumns.empty())
    return Error{"all columns of '" + data.path + "' are conditions: nothing is left to fit"};
  if (auto ok = checkNames(columns, data.path); !ok)
    return ok.takeError();
  TableOptions options{.bounds = columns.bounds,
                       .kinds = columns.kinds,
                       .keepTies = columns.keepTies,
                       .missing = columns.missing,
                       .seed = seed};
  auto events = describePart(data.path, chosen->columns, options);
  if (!events)
    return events.takeError();
  file.events = std::move(*events);
  file.skipped = file.events.table.missingRows;
  if (int64_t rows = file.events.table.rows; rows < 2)
    return Error{"'" + data.path + "' has " + (rows == 0 ? "no rows" : "a single row") + ", expected at least 10"};
  if (file.events.table.schema.width() == 0)
    return Error{"no column of '" + data.path + "' has more than one value: nothing is left to fit"};
  if (data.conditionColumns.empty())
    return file;
  options.isCondition = true;
  auto conditions = describePart(data.path, data.conditionColumns, options);
  if (!conditions)
    return conditions.takeError();
  file.conditions = std::move(*conditions);
  if (file.conditions->table.schema.width() == 0)
    return Error{"no condition of '" + data.path + "' has more than one value: leave --condition-columns out"};
  std::vector<int64_t> both;
  std::ranges::set_union(file.skipped, file.conditions->table.missingRows, std::back_inserter(both));
  file.skipped = std::move(both);
  return file;
}

Expected<RowsView> TableFile::holdPart(const Part &part, DType dtype) const {
  bool isPlain = part.table.schema.isIdentity() && skipped.empty();
  auto reader = isPlain
                    ? openRows(path, part.columns)
                    : openEncoded(path, part.columns, part.table.schema, {.skipped = skipped, .rows = part.table.rows});
  if (!reader)
    return reader.takeError();
  return holdRows(**reader, dtype);
}

Expected<FitTable> TableFile::hold(DType dtype) const {
  FitTable table;
  auto x = holdPart(events, dtype);
  if (!x)
    return x.takeError();
  table.x = std::move(*x);
  table.names = events.table.schema.modelNames();
  table.bounds = events.table.schema.support();
  if (!conditions)
    return table;
  auto condition = holdPart(*conditions, dtype);
  if (!condition)
    return condition.takeError();
  table.condition = std::move(*condition);
  table.conditionNames = conditions->table.schema.modelNames();
  return table;
}

std::string TableFile::describe() const {
  std::string text;
  if (!events.table.schema.isIdentity())
    text += "columns (others than these: --columns-as, --bounds, --ties keep):\n" + events.table.schema.describe();
  if (conditions && !conditions->table.schema.isIdentity())
    text += "conditions:\n" + conditions->table.schema.describe();
  if (!skipped.empty())
    text += "note: " + formatCount(std::ssize(skipped)) + (skipped.size() == 1 ? " row" : " rows") +
            " with missing values left out\n";
  return text;
}

void TableFile::remember(TrainingRecord &record) const {
  record.columns = events.names;
  if (!words.empty())
    record.choices["columns"] = words;
  if (!events.table.schema.isIdentity())
    record.table = events.table.schema;
  if (!conditions)
    return;
  record.conditionColumns = conditions->names;
  if (!conditions->table.schema.isIdentity())
    record.conditionTable = conditions->table.schema;
}
