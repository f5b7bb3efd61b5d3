//===- SchemaJson.cpp - Schemas in model files ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Dates.h"

#include "flowc/Support/Format.h"
#include "flowc/Table/TableSchema.h"

#include <nlohmann/json.hpp>

#include <algorithm>

using namespace flowc;
using nlohmann::json;
using nlohmann::ordered_json;

/// Powers of ten beyond are not exact.
static constexpr int kMostDecimals = 22;

namespace flowc {

NLOHMANN_JSON_SERIALIZE_ENUM(ColumnKind, {{ColumnKind::Real, "real"},
                                          {ColumnKind::Grid, "grid"},
                                          {ColumnKind::Category, "category"},
                                          {ColumnKind::Constant, "constant"},
                                          {ColumnKind::Duplicate, "duplicate"}})
NLOHMANN_JSON_SERIALIZE_ENUM(DateUnit, {{DateUnit::None, "none"}, {DateUnit::Day, "day"}, {DateUnit::Second, "second"}})
NLOHMANN_JSON_SERIALIZE_ENUM(MissingCells, {{MissingCells::Error, "error"},
                                            {MissingCells::Drop, "drop"},
                                            {MissingCells::Indicator, "indicator"}})

} // namespace flowc

static ordered_json toJson(const ColumnBounds &bounds) {
  ordered_json result = ordered_json::object();
  if (bounds.hasLower())
    result["lower"] = bounds.lower;
  if (bounds.hasUpper())
    result["upper"] = bounds.upper;
  return result;
}

static ColumnBounds readBounds(const json &given) {
  ColumnBounds none;
  return {given.value("lower", none.lower), given.value("upper", none.upper)};
}

/// What is as it is by default is left out.
static ordered_json toJson(const TableColumn &column) {
  ordered_json result = {{"name", column.name}, {"kind", column.kind}};
  if (column.bounds != ColumnBounds())
    result["bounds"] = toJson(column.bounds);
  if (column.kind == ColumnKind::Grid) {
    result["grid"] = {{"decimals", column.grid.decimals}, {"offset", column.grid.offset}, {"step", column.grid.step}};
    if (column.grid.unit != DateUnit::None)
      result["grid"]["unit"] = column.grid.unit;
  }
  if (!column.isDequantised)
    result["dequantised"] = false;
  for (const Atom &atom : column.atoms)
    result["atoms"].push_back({atom.value, atom.low, atom.high});
  if (!column.categories.empty())
    result["categories"] = column.categories;
  if (column.kind == ColumnKind::Constant)
    result["constant"] = column.constant;
  if (column.kind == ColumnKind::Duplicate)
    result["original"] = column.original;
  if (column.hasIndicator)
    result["filled"] = toJson(column.filled);
  return result;
}

/// A number with a fraction or an exponent is no integer: converting a large one is undefined.
static int64_t readInteger(const json &given) { return given.get_ref<const json::number_integer_t &>(); }

static Grid readGrid(const json &given) {
  auto decimals = static_cast<int>(std::clamp<int64_t>(readInteger(given.at("decimals")), -1, kMostDecimals + 1));
  return {decimals, readInteger(given.at("offset")), readInteger(given.at("step")),
          given.value("unit", DateUnit::None)};
}

static TableColumn readColumn(const json &given) {
  TableColumn column;
  column.name = given.at("name");
  column.kind = given.at("kind");
  column.bounds = readBounds(given.value("bounds", json::object()));
  if (given.contains("grid"))
    column.grid = readGrid(given["grid"]);
  column.isDequantised = given.value("dequantised", true);
  for (const json &atom : given.value("atoms", json::array()))
    column.atoms.push_back({atom.at(0), atom.at(1), atom.at(2)});
  column.categories = given.value("categories", column.categories);
  column.constant = given.value("constant", "");
  if (given.contains("original"))
    column.original = readInteger(given["original"]);
  column.hasIndicator = given.contains("filled");
  if (column.hasIndicator)
    column.filled = readBounds(given["filled"]);
  return column;
}

/// What the rest of the code relies on.
static bool isSound(const Grid &grid) {
  bool isInCalendar = -kLastDate <= grid.offset && grid.offset <= kLastDate;
  return grid.step > 0 && grid.decimals >= 0 && grid.decimals <= kMostDecimals &&
         (grid.unit == DateUnit::None || isInCalendar);
}

static bool isSound(const TableSchema &schema) {
  for (int64_t i = 0; i < std::ssize(schema.columns); ++i) {
    const TableColumn &column = schema.columns[static_cast<size_t>(i)];
    bool isNumber = column.kind == ColumnKind::Real || column.kind == ColumnKind::Grid;
    bool hasOriginal = column.kind != ColumnKind::Duplicate || (column.original >= 0 && column.original < i);
    bool hasCategories = column.kind != ColumnKind::Category || !column.categories.empty();
    // The second number of a value that may be missing has a place in rows of numbers alone.
    if (!isSound(column.grid) || (column.hasIndicator && !isNumber) || !hasOriginal || !hasCategories ||
        !(column.bounds.lower <= column.bounds.upper))
      return false;
  }
  return true;
}

std::string TableSchema::toJson() const {
  ordered_json result = {{"missing", missing}, {"seed", seed}, {"condition", isCondition}};
  result["columns"] = ordered_json::array();
  for (const TableColumn &column : columns)
    result["columns"].push_back(::toJson(column));
  return result.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Expected<TableSchema> TableSchema::fromJson(const std::string &text) {
  TableSchema schema;
  try {
    const json given = json::parse(text);
    schema.missing = given.at("missing");
    schema.seed = static_cast<uint64_t>(readInteger(given.at("seed")));
    schema.isCondition = given.at("condition");
    for (const json &column : given.at("columns"))
      schema.columns.push_back(readColumn(column));
  } catch (const json::exception &error) {
    return Error{"the columns of the table are malformed (" + abbreviate(error.what(), 400) + ")"};
  }
  if (!isSound(schema))
    return Error{"the columns of the table are malformed: a grid, bounds or a copy of a column make no sense"};
  return schema;
}
