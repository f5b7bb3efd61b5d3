//===- TableSchema.cpp - What the columns of a table are ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Table/TableSchema.h"

#include "CellNoise.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

static double powerOfTen(int exponent) {
  double result = 1; // Exact up to 10^22.
  for (int i = 0; i < exponent; ++i)
    result *= 10;
  return result;
}

double Grid::value(double k) const {
  return (static_cast<double>(offset) + k * static_cast<double>(step)) / powerOfTen(decimals);
}

double Grid::stepSize() const { return static_cast<double>(step) / powerOfTen(decimals); }

double Grid::nearest(double value) const {
  return std::nearbyint((value * powerOfTen(decimals) - static_cast<double>(offset)) / static_cast<double>(step));
}

//===----------------------------------------------------------------------===//
// Columns
//===----------------------------------------------------------------------===//

int64_t TableColumn::width(bool isCondition) const {
  switch (kind) {
  case ColumnKind::Constant:
  case ColumnKind::Duplicate:
    return 0;
  case ColumnKind::Category:
    return isCondition ? std::ssize(categories) - 1 : 1;
  case ColumnKind::Real:
  case ColumnKind::Grid:
    return hasIndicator ? 2 : 1;
  }
  return 0;
}

/// Where the number of the model lies that a value becomes.
static ColumnBounds modelBounds(const TableColumn &column) {
  if (column.kind == ColumnKind::Category)
    return {-0.5, static_cast<double>(column.categories.size()) - 0.5};
  if (column.kind != ColumnKind::Grid)
    return column.bounds;
  const Grid &grid = column.grid;
  double half = column.isDequantised ? 0.5 * grid.stepSize() : 0;
  return {column.bounds.lower - grid.origin() - half, column.bounds.upper - grid.origin() + half};
}

static constexpr ColumnBounds kIndicator{-0.5, 1.5};

bool TableSchema::isIdentity() const {
  return std::ranges::all_of(columns, [](const TableColumn &column) {
    return column.kind == ColumnKind::Real && column.bounds == ColumnBounds() && column.atoms.empty() &&
           !column.hasIndicator;
  });
}

int64_t TableSchema::width() const {
  int64_t sum = 0;
  for (const TableColumn &column : columns)
    sum += column.width(isCondition);
  return sum;
}

std::vector<std::string> TableSchema::names() const {
  std::vector<std::string> result;
  for (const TableColumn &column : columns)
    result.push_back(column.name);
  return result;
}

std::vector<std::string> TableSchema::modelNames() const {
  std::vector<std::string> result;
  for (const TableColumn &column : columns) {
    if (column.kind == ColumnKind::Category && isCondition) {
      for (size_t i = 1; i < column.categories.size(); ++i)
        result.push_back(column.name + "=" + column.categories[i]);
      continue;
    }
    if (column.width(isCondition) > 0)
      result.push_back(column.name);
    if (column.width(isCondition) > 1)
      result.push_back(column.name + " is missing");
  }
  return result;
}

std::vector<ColumnBounds> TableSchema::support() const {
  std::vector<ColumnBounds> result;
  if (isCondition)
    return std::vector<ColumnBounds>(static_cast<size_t>(width()));
  for (const TableColumn &column : columns) {
    if (column.width(isCondition) > 0)
      result.push_back(modelBounds(column));
    if (column.width(isCondition) > 1)
      result.push_back(kIndicator);
  }
  return result;
}

double TableSchema::logStep() const {
  double sum = 0;
  for (const TableColumn &column : columns)
    if (column.kind == ColumnKind::Grid && column.isDequantised)
      sum += std::log(column.grid.stepSize());
  return sum;
}

//===----------------------------------------------------------------------===//
// From the table to the model
//===----------------------------------------------------------------------===//

namespace {

/// Encodes one row.
class RowEncoder {
public:
  RowEncoder(const TableSchema &schema, int64_t row, const double *cells, double *model)
      : schema(schema), noise(schema.seed, row), cells(cells), model(model) {}

  Expected<void> run() {
    for (size_t i = 0; i < schema.columns.size(); ++i)
      if (auto ok = encode(schema.columns[i], i); !ok)
        return ok;
    return {};
  }

private:
  void push(double value) { model[at++] = value; }
  /// A number of the cell from `low` to `high`; of conditions, the value itself.
  void pushCell(double value, double low, double high) {
    double drawn = schema.isCondition ? value : noise.draw(static_cast<uint32_t>(at), low, high);
    push(drawn);
  }
  Expected<void> encode(const TableColumn &column, size_t i);
  void pushCategory(const TableColumn &column, double index);
  void pushValue(const TableColumn &column, double value);
  Expected<void> pushMissing(const TableColumn &column);

  const TableSchema &schema;
  CellNoise noise;
  const double *cells;
  double *model;
  int64_t at = 0;
};

/// A value within open bounds stays there as a float.
double keepInside(const ColumnBounds &bounds, double value) {
  constexpr double rounding = 0x1p-21, least = 1e-30;
  if (bounds.hasLower() && value > bounds.lower)
    value = std::max(value, bounds.lower + std::max(least, rounding * std::abs(bounds.lower)));
  if (bounds.hasUpper() && value < bounds.upper)
    value = std::min(value, bounds.upper - std::max(least, rounding * std::abs(bounds.upper)));
  return value;
}

/// Whether two cells are the same; NaN is a missing one.
bool isSame(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

} // namespace

void RowEncoder::pushCategory(const TableColumn &column, double index) {
  if (!schema.isCondition) {
    pushCell(index, index - 0.5, index + 0.5);
    return;
  }
  for (size_t i = 1; i < column.categories.size(); ++i)
    push(static_cast<double>(i) == index ? 1 : 0);
}

void RowEncoder::pushValue(const TableColumn &column, double value) {
  if (column.kind == ColumnKind::Grid) {
    const Grid &grid = column.grid;
    double shifted = grid.value(grid.nearest(value)) - grid.origin(), half = 0.5 * grid.stepSize();
    if (column.isDequantised)
      pushCell(shifted, shifted - half, shifted + half);
    else
      push(value - grid.origin());
    return;
  }
  auto atom = std::ranges::lower_bound(column.atoms, value, {}, &Atom::value);
  if (atom != column.atoms.end() && atom->value == value)
    pushCell(value, atom->low, atom->high);
  else
    push(schema.isCondition ? value : keepInside(column.bounds, value));
}

Expected<void> RowEncoder::pushMissing(const TableColumn &column) {
  if (!column.hasIndicator)
    return Error{"'" + abbreviate(column.name) + "' is missing, as it was in no row of the training"};
  double middle = 0.5 * (column.filled.lower + column.filled.upper) - column.grid.origin();
  pushCell(middle, column.filled.lower - column.grid.origin(), column.filled.upper - column.grid.origin());
  pushCell(1, 0.5, 1.5);
  return {};
}

Expected<void> RowEncoder::encode(const TableColumn &column, size_t i) {
  double cell = cells[i];
  switch (column.kind) {
  case ColumnKind::Constant:
    if (!isSame(cell, column.constantNumber().value_or(0)))
      return Error{"'" + abbreviate(column.name) + "' is another than '" + abbreviate(column.constant, 40) +
                   "', which all rows of the training had"};
    return {};
  case ColumnKind::Duplicate:
    if (!isSame(cell, cells[column.original]))
      return Error{"'" + abbreviate(column.name) + "' differs from '" +
                   abbreviate(schema.columns[static_cast<size_t>(column.original)].name) +
                   "', with which it agreed in all rows of the training"};
    return {};
  case ColumnKind::Category:
    pushCategory(column, cell);
    return {};
  case ColumnKind::Real:
  case ColumnKind::Grid:
    if (std::isnan(cell))
      return pushMissing(column);
    pushValue(column, cell);
    if (column.hasIndicator)
      pushCell(0, -0.5, 0.5);
    return {};
  }
  return {};
}

std::optional<std::pair<int64_t, double>> TableSchema::point(size_t column, double cell) const {
  const TableColumn &one = columns[column];
  bool isAtom = std::ranges::binary_search(one.atoms, cell, {}, &Atom::value);
  bool isNumber = one.kind == ColumnKind::Real || (one.kind == ColumnKind::Grid && !one.isDequantised);
  if (!isNumber || one.hasIndicator || isAtom)
    return {};
  int64_t before = 0;
  for (size_t i = 0; i < column; ++i)
    before += columns[i].width(isCondition);
  return std::pair(before, cell - (one.kind == ColumnKind::Grid ? one.grid.origin() : 0));
}

Expected<void> TableSchema::encode(int64_t row, const double *cells, double *model) const {
  return RowEncoder(*this, row, cells, model).run();
}

//===----------------------------------------------------------------------===//
// From the model to the table
//===----------------------------------------------------------------------===//

static double clampTo(const ColumnBounds &bounds, double value) {
  return std::isnan(value) ? value : std::clamp(value, bounds.lower, bounds.upper);
}

static double decodeValue(const TableColumn &column, double number) {
  if (column.kind == ColumnKind::Category)
    return clampTo({0, static_cast<double>(column.categories.size()) - 1}, std::nearbyint(number));
  if (column.kind == ColumnKind::Grid) {
    double value = number + column.grid.origin();
    return clampTo(column.bounds, column.isDequantised ? column.grid.value(column.grid.nearest(value)) : value);
  }
  auto atom = std::ranges::lower_bound(column.atoms, number, {}, &Atom::high);
  bool isInCell = atom != column.atoms.end() && atom->low <= number;
  return isInCell ? atom->value : clampTo(column.bounds, number);
}

void TableSchema::decode(const double *model, double *cells) const {
  for (size_t i = 0; i < columns.size(); ++i) {
    const TableColumn &column = columns[i];
    if (column.kind == ColumnKind::Constant)
      cells[i] = column.constantNumber().value_or(0);
    else if (column.kind == ColumnKind::Duplicate)
      cells[i] = cells[column.original];
    else
      cells[i] = decodeValue(column, *model);
    if (column.hasIndicator && model[1] >= 0.5)
      cells[i] = std::numeric_limits<double>::quiet_NaN();
    model += column.width(isCondition);
  }
}

void TableSchema::snap(double *model) const {
  for (const TableColumn &column : columns) {
    if (column.width(isCondition) > 0)
      *model = decodeValue(column, *model) - column.grid.origin();
    if (column.width(isCondition) > 1)
      model[1] = model[1] >= 0.5 ? 1 : 0;
    model += column.width(isCondition);
  }
}
