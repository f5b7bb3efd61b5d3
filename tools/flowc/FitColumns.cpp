//===- FitColumns.cpp - What flowc fit is told of columns ----------------------------===//
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
  auto check = [&](const auto &given, const char *option) -> Expected<void> {
    std::vector<std::string> names;
    for (const auto &[name, unused] : given)
      names.push_back(name);
    auto missing = findMissingColumn(path, names);
    if (!missing)
      return missing.takeError();
    if (missing->empty())
      return {};
    return Error{"'" + path + "' has no column '" + *missing + "', which " + option + " names"};
  };
  if (auto ok = check(options.bounds, "--bounds"); !ok)
    return ok;
  return check(options.kinds, "--columns-as or --categories");
}

Expected<FitFile> tool::describeFile(const DataOptions &data, const ColumnOptions &columns, uint64_t seed) {
  if (auto ok = checkNames(columns, data.path); !ok)
    return ok.takeError();
  return FitFile::describe(data.path, {.columns = data.columns,
                                       .conditionColumns = data.conditionColumns,
                                       .bounds = columns.bounds,
                                       .kinds = columns.kinds,
                                       .keepTies = columns.keepTies,
                                       .missing = columns.missing,
                                       .seed = seed});
}

std::string tool::describeColumns(const FitFile &file) {
  std::string text;
  if (!file.events().isIdentity())
    text += "columns (others than these: --columns-as, --bounds, --ties keep):\n" + file.events().describe();
  if (file.conditions() && !file.conditions()->isIdentity())
    text += "conditions:\n" + file.conditions()->describe();
  if (int64_t skipped = file.skippedRows())
    text += "note: " + formatCount(skipped) + (skipped == 1 ? " row" : " rows") + " with missing values left out\n";
  return text;
}
