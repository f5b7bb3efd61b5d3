//===- Tables.cpp - Columns as they are, for C ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "FitOptions.h"
#include "Options.h"

#include "flowc/FitFile.h"

#include <cmath>

using namespace flowc;
using namespace flowc::capi;

//===----------------------------------------------------------------------===//
// From a file to a flow
//===----------------------------------------------------------------------===//

void flowc_table_options_init(flowc_table_options *options, size_t size) {
  initOptions(options, size, flowc_table_options{});
}

/// `count` names of columns.
static Made<std::vector<std::string>> readNames(const std::string &option, const char *const *names, size_t count) {
  if (count > 0 && !names)
    return Outcome::invalid("'" + option + "' is null, but 'num_" + option + "' is " + std::to_string(count));
  return namesOf(option.c_str(), names, static_cast<int64_t>(count));
}

/// Adds what is known of a column.
static Outcome readKnown(const flowc_column &column, FitFileOptions &options) {
  if (!column.name)
    return Outcome::invalid("'known' has a column without a name");
  const std::string name = column.name, what = "the column '" + name + "' of 'known'";
  if (!(column.lower < column.upper))
    return Outcome::invalid(what + " has bounds between which there are no values");
  ColumnBounds bounds{column.lower, column.upper};
  if (bounds.hasLower() || bounds.hasUpper())
    options.bounds[name] = bounds;
  switch (column.kind) {
  case FLOWC_COLUMN_ANY:
    return {};
  case FLOWC_COLUMN_REAL:
    options.kinds[name] = ColumnKind::Real;
    return {};
  case FLOWC_COLUMN_GRID:
    options.kinds[name] = ColumnKind::Grid;
    return {};
  case FLOWC_COLUMN_CATEGORY:
    options.kinds[name] = ColumnKind::Category;
    return {};
  }
  return Outcome::invalid(what + " has the kind " + std::to_string(column.kind) + ", expected a flowc_column_kind");
}

static Made<MissingCells> toMissingCells(int32_t missing) {
  switch (missing) {
  case FLOWC_MISSING_ERROR:
    return MissingCells::Error;
  case FLOWC_MISSING_DROP:
    return MissingCells::Drop;
  case FLOWC_MISSING_INDICATOR:
    return MissingCells::Indicator;
  }
  return Outcome::invalid("'missing' is " + std::to_string(missing) + ", expected a flowc_missing_cells");
}

static Made<FitFileOptions> readFileOptions(const flowc_table_options &given) {
  FitFileOptions options{.keepTies = given.keep_ties != 0, .seed = given.seed};
  auto columns = readNames("columns", given.columns, given.num_columns);
  if (!columns)
    return columns.takeFailure();
  options.columns = std::move(*columns);
  auto conditions = readNames("condition_columns", given.condition_columns, given.num_condition_columns);
  if (!conditions)
    return conditions.takeFailure();
  options.conditionColumns = std::move(*conditions);
  if (given.num_known > 0 && !given.known)
    return Outcome::invalid("'known' is null, but 'num_known' is " + std::to_string(given.num_known));
  for (size_t i = 0; i < given.num_known; ++i)
    if (Outcome ok = readKnown(given.known[i], options); !ok)
      return ok;
  auto missing = toMissingCells(given.missing);
  if (!missing)
    return missing.takeFailure();
  options.missing = *missing;
  return options;
}

/// What is said of columns is of columns that there are.
static Outcome checkKnown(const std::string &path, const flowc_table_options &given) {
  std::vector<std::string> names;
  for (size_t i = 0; i < given.num_known; ++i)
    names.emplace_back(given.known[i].name);
  auto missing = findMissingColumn(path, names);
  if (!missing)
    return missing.takeError();
  if (missing->empty())
    return {};
  return Error{"'" + path + "' has no column '" + *missing + "', which 'known' names"};
}

flowc_error *flowc_fit_file(const char *path, const flowc_table_options *table, const flowc_fit_table_options *options,
                            flowc_model **result, flowc_training **training) {
  if (training)
    *training = nullptr;
  return make(__func__, {{"path", path}}, result, [&]() -> Made<Model> {
    flowc_table_options givenTable = {};
    flowc_fit_table_options given = fitTableDefaults();
    if (Outcome ok = readOptions(table, givenTable); !ok)
      return ok;
    if (Outcome ok = readOptions(options, given); !ok)
      return ok;
    auto fileOptions = readFileOptions(givenTable);
    if (!fileOptions)
      return fileOptions.takeFailure();
    const bool isFree = given.dtype == -1;
    given.dtype = isFree ? FLOWC_F32 : given.dtype;
    auto own = readFitTableOptions(given);
    if (!own)
      return own.takeFailure();
    if (Outcome ok = checkKnown(path, givenTable); !ok)
      return ok;
    auto file = FitFile::describe(path, *fileOptions);
    if (!file)
      return Outcome(file.takeError());
    auto held = file->hold(isFree ? std::nullopt : std::optional(own->dtype));
    if (!held)
      return Outcome(held.takeError());
    own->dtype = held->dtype;
    auto fitted = fitTable(held->table, *own);
    if (!fitted)
      return Outcome(fitted.takeError());
    file->remember(fitted->record);
    if (training)
      *training = wrap<flowc_training>(new Training(trainingOf(*fitted)));
    return std::move(fitted->model);
  });
}

//===----------------------------------------------------------------------===//
// Columns of a model
//===----------------------------------------------------------------------===//

flowc_error *flowc_table_from_record(const char *record, int is_condition, flowc_table **result) {
  return make(__func__, {{"record", record}}, result, [&]() -> Made<Table> {
    auto read = TrainingRecord::fromJson(record);
    if (!read)
      return Outcome(read.takeError());
    auto &schema = is_condition ? read->conditionTable : read->table;
    if (!schema)
      return Outcome::invalid(std::string("the record tells of no columns of ") +
                              (is_condition ? "conditions" : "events") + " that are more than real numbers");
    std::string description = schema->describe();
    return Table{std::move(*schema), is_condition ? read->conditionColumns : read->columns, std::move(description)};
  });
}

void flowc_table_free(flowc_table *table) { destroy(table); }
int64_t flowc_table_width(const flowc_table *table) { return table ? unwrap(table)->schema.width() : 0; }
double flowc_table_log_step(const flowc_table *table) { return table ? unwrap(table)->schema.logStep() : 0; }
const char *flowc_table_describe(const flowc_table *table) { return table ? unwrap(table)->description.c_str() : ""; }

/// Reads `result.rows` rows, of which there must be neither more nor less.
static Outcome readRows(RowReader &reader, const flowc_output &result) {
  char *to = static_cast<char *>(result.data);
  const DType dtype = toDType(result.dtype);
  const int64_t rowBytes = result.columns * static_cast<int64_t>(elementSize(elementTypeOf(dtype)));
  int64_t rows = 0;
  for (;;) {
    std::vector<char> beyond(rows == result.rows ? rowBytes : 0);
    auto count = reader.next(std::max<int64_t>(1, result.rows - rows), dtype,
                             beyond.empty() ? to + rows * rowBytes : beyond.data());
    if (!count)
      return Outcome(count.takeError());
    if (*count == 0 && rows == result.rows)
      return {};
    if (*count == 0 || rows == result.rows)
      return Outcome::invalid("'" + reader.path() + "' has " + (*count == 0 ? std::to_string(rows) : "more") +
                              " rows, expected the " + std::to_string(result.rows) + " of 'result'");
    rows += *count;
  }
}

flowc_error *flowc_table_read(const flowc_table *table, const char *path, flowc_output result) {
  return call(__func__, {{"table", table}, {"path", path}}, [&]() -> Outcome {
    const Table &own = *unwrap(table);
    if (Outcome ok = checkArray("result", result, result.rows, own.schema.width()); !ok)
      return ok;
    auto names = readColumnNames(path);
    if (!names)
      return names.takeError();
    auto reader = openEncoded(path, names->empty() ? std::vector<std::string>() : own.columns, own.schema,
                              {.keepMissing = own.schema.missing == MissingCells::Drop});
    if (!reader)
      return reader.takeError();
    return readRows(**reader, result);
  });
}

flowc_error *flowc_table_write(const flowc_table *table, flowc_input rows, const char *path) {
  return call(__func__, {{"table", table}, {"path", path}}, [&]() -> Outcome {
    const Table &own = *unwrap(table);
    if (Outcome ok = checkArray("rows", rows, rows.rows, own.schema.width()); !ok)
      return ok;
    if (Outcome ok = checkFinite("rows", rows); !ok)
      return ok;
    auto writer = createDecodingWriter(path, toDType(rows.dtype), own.schema, {});
    if (!writer)
      return writer.takeError();
    if (auto ok = (*writer)->append(rows.data, rows.rows); !ok)
      return ok;
    return (*writer)->finish();
  });
}
