//===- FitFile.cpp - The table that a flow is fitted to -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/FitFile.h"

#include "flowc/Training/Standardize.h"

#include <algorithm>

using namespace flowc;

//===----------------------------------------------------------------------===//
// What columns are
//===----------------------------------------------------------------------===//

/// The columns of the event: those that are asked for, or all that are no conditions.
static Expected<std::vector<std::string>> chooseColumns(const std::string &path, const FitFileOptions &options) {
  const auto &conditions = options.conditionColumns;
  if (!options.columns.empty() || conditions.empty())
    return options.columns;
  auto names = listColumns(path);
  if (!names)
    return names;
  std::erase_if(*names,
                [&](const std::string &name) { return std::ranges::find(conditions, name) != conditions.end(); });
  if (names->empty())
    return Error{"all columns of '" + path + "' are conditions: nothing is left to fit"};
  return names;
}

Expected<FitFile::Part> FitFile::describePart(std::vector<std::string> columns, const TableOptions &options) const {
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

Expected<FitFile> FitFile::describe(const std::string &path, const FitFileOptions &given) {
  FitFile file;
  file.path = path;
  auto columns = chooseColumns(path, given);
  if (!columns)
    return columns.takeError();
  TableOptions options{.bounds = given.bounds,
                       .kinds = given.kinds,
                       .keepTies = given.keepTies,
                       .missing = given.missing,
                       .seed = given.seed};
  auto events = file.describePart(std::move(*columns), options);
  if (!events)
    return events.takeError();
  file.eventPart = std::move(*events);
  file.skipped = file.eventPart.table.missingRows;
  if (int64_t rows = file.eventPart.table.rows; rows < 2)
    return Error{"'" + path + "' has " + (rows == 0 ? "no rows" : "a single row") + ", expected at least 10"};
  if (file.events().width() == 0)
    return Error{"no column of '" + path + "' has more than one value: nothing is left to fit"};
  if (given.conditionColumns.empty())
    return file;
  options.isCondition = true;
  auto conditions = file.describePart(given.conditionColumns, options);
  if (!conditions)
    return conditions.takeError();
  file.conditionPart = std::move(*conditions);
  if (file.conditions()->width() == 0)
    return Error{"no condition of '" + path + "' has more than one value: leave the condition columns out"};
  std::vector<int64_t> both;
  std::ranges::set_union(file.skipped, file.conditionPart->table.missingRows, std::back_inserter(both));
  file.skipped = std::move(both);
  return file;
}

void FitFile::remember(TrainingRecord &record) const {
  record.columns = eventPart.names;
  if (!events().isIdentity())
    record.table = events();
  if (!conditionPart)
    return;
  record.conditionColumns = conditionPart->names;
  if (!conditions()->isIdentity())
    record.conditionTable = *conditions();
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

Expected<RowsView> FitFile::holdPart(const Part &part, DType dtype) const {
  bool isPlain = part.table.schema.isIdentity() && skipped.empty();
  auto reader = isPlain
                    ? openRows(path, part.columns)
                    : openEncoded(path, part.columns, part.table.schema, {.skipped = skipped, .rows = part.table.rows});
  if (!reader)
    return reader.takeError();
  return holdRows(**reader, dtype);
}

Expected<FitTable> FitFile::holdAs(DType dtype) const {
  FitTable table;
  auto x = holdPart(eventPart, dtype);
  if (!x)
    return x.takeError();
  table.x = std::move(*x);
  table.names = events().modelNames();
  table.bounds = events().support();
  if (!conditionPart)
    return table;
  auto condition = holdPart(*conditionPart, dtype);
  if (!condition)
    return condition.takeError();
  table.condition = std::move(*condition);
  table.conditionNames = conditions()->modelNames();
  return table;
}

/// Whether float32 is too coarse for a column.
static Expected<bool> isCoarse(const FitTable &table) {
  for (const RowsView *view : {&table.x, &table.condition}) {
    auto column = *view ? findCoarseColumn(*view, *allRows(view->rows())) : Expected<int64_t>(-1);
    if (!column)
      return column.takeError();
    if (*column >= 0)
      return true;
  }
  return false;
}

Expected<FitFile::Held> FitFile::hold(std::optional<DType> dtype) const {
  auto table = holdAs(dtype.value_or(F32));
  if (dtype)
    return table ? Expected<Held>(Held{std::move(*table), *dtype}) : table.takeError();
  auto isNeeded = table ? isCoarse(*table) : Expected<bool>(true);
  if (!isNeeded)
    return isNeeded.takeError();
  if (!*isNeeded)
    return Held{std::move(*table), F32};
  std::optional<Error> error;
  if (!table)
    error = table.takeError();
  table = FitTable(); // Not both at a time.
  table = holdAs(F64);
  if (!table)
    return table.takeError();
  Held held{std::move(*table), F64, "float32 rounds a column to a grid"};
  if (!error)
    return held;
  auto exceeds = exceedsFloat32({held.table.x, held.table.condition});
  if (!exceeds || !*exceeds)
    return *error; // Another error, that did not come again.
  held.why = "numbers are beyond the range of float32";
  return held;
}
