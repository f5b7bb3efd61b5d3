//===- JudgeColumn.cpp - What a column is ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CellDigits.h"
#include "ColumnScan.h"
#include "Dates.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

/// Rounded numbers are a grid if so many of them are repeated, and if its cells are no more
/// than so many for each row: of finer ones the grid is not what makes values repeat.
constexpr double kShareRepeated = 0.05, kMostCells = 100;
/// A value that so many rows have is one that a density would find, or the end of a range.
constexpr double kShareOfAtom = 0.005, kShareOfEnd = 0.05;
/// A grid of so few values ends where they do.
constexpr size_t kFewValues = 20;

/// Values of a column and how often each is there, in order.
struct Value {
  double value;
  int64_t count;
};

std::vector<Value> countValues(const std::vector<double> &sorted) {
  std::vector<Value> result;
  for (double value : sorted) {
    if (result.empty() || result.back().value != value)
      result.push_back({value, 0});
    ++result.back().count;
  }
  return result;
}

class NumberJudge {
public:
  NumberJudge(const std::string &name, const ColumnScan &scan, const ColumnBounds &declared,
              const TableOptions &options)
      : scan(scan), declared(declared), options(options), sample(scan.sample.sorted()), values(countValues(sample)) {
    column.name = name;
    column.hasIndicator = scan.missing > 0 && options.missing == MissingCells::Indicator;
  }

  Expected<TableColumn> judge(std::optional<ColumnKind> kind);

private:
  bool isFrequent(int64_t count, double share, int64_t least) const {
    return count >= least && static_cast<double>(count) >= share * static_cast<double>(sample.size());
  }
  double shareRepeated() const;
  /// Whether numbers that lie on `grid` are those of a grid.
  bool isRounded(const Grid &grid) const;
  Expected<void> checkDeclared() const;
  Expected<void> takeAsReal(bool isForced);
  void addAtom(size_t i);
  void takeAsGrid(const Grid &grid);
  /// Whether a value at the end of the grid is the last that there can be.
  bool isEnd(const Value &last, const Value &next, double step, bool isRound) const;
  void findFilled();

  const ColumnScan &scan;
  const ColumnBounds &declared;
  const TableOptions &options;
  std::vector<double> sample;
  std::vector<Value> values;
  TableColumn column;
};

} // namespace

double NumberJudge::shareRepeated() const {
  int64_t repeated = 0;
  for (const Value &value : values)
    repeated += value.count > 1 ? value.count : 0;
  return static_cast<double>(repeated) / static_cast<double>(std::max<size_t>(1, sample.size()));
}

bool NumberJudge::isRounded(const Grid &grid) const {
  double cells = (scan.most - scan.least) / grid.stepSize();
  return grid.decimals == 0 ||
         (shareRepeated() >= kShareRepeated && cells <= kMostCells * static_cast<double>(scan.count));
}

Expected<void> NumberJudge::checkDeclared() const {
  bool isBelow = scan.least<declared.lower, isAbove = scan.most> declared.upper;
  if (!isBelow && !isAbove)
    return {};
  return Error{"'" + abbreviate(column.name) + "' is " + formatNumber(isBelow ? scan.least : scan.most) + " in row " +
               std::to_string((isBelow ? scan.rowOfLeast : scan.rowOfMost) + 1) + ", expected at " +
               (isBelow ? "least " + formatNumber(declared.lower) : "most " + formatNumber(declared.upper)) +
               ", as --bounds says"};
}

//===----------------------------------------------------------------------===//
// Real columns
//===----------------------------------------------------------------------===//

/// The cell of a value: half way to its neighbours, and not beyond the bounds.
void NumberJudge::addAtom(size_t i) {
  double value = values[i].value;
  double below = i > 0 ? 0.5 * (value - values[i - 1].value) : 0;
  double above = i + 1 < values.size() ? 0.5 * (values[i + 1].value - value) : 0;
  constexpr double alone = 1e-3;
  double side = std::max(below, above) > 0 ? std::max(below, above) : alone * std::max(1.0, std::abs(value));
  double low = value - (below > 0 ? below : side), high = value + (above > 0 ? above : side);
  column.atoms.push_back({value, std::max(low, column.bounds.lower), std::min(high, column.bounds.upper)});
}

Expected<void> NumberJudge::takeAsReal(bool isForced) {
  column.kind = ColumnKind::Real;
  column.bounds = declared;
  bool mayHaveAtoms = !isForced && !options.keepTies;
  // Of a few rows some agree by chance.
  int64_t least = shareRepeated() >= kShareRepeated ? 2 : 5;
  auto isAtom = [&](const Value &value) { return isFrequent(value.count, kShareOfAtom, least); };
  if (mayHaveAtoms && !values.empty()) {
    // Where a value at the end piles up, nothing goes beyond it.
    if (!declared.hasLower() && values.front().value == 0 && isFrequent(values.front().count, kShareOfEnd, 3))
      column.bounds.lower = 0;
    if (!declared.hasUpper() && column.bounds.hasLower() && isFrequent(values.back().count, kShareOfEnd, 3))
      column.bounds.upper = values.back().value;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    bool isAtBound = values[i].value == column.bounds.lower || values[i].value == column.bounds.upper;
    if (isAtBound && options.keepTies)
      return Error{"'" + abbreviate(column.name) + "' is " + formatNumber(values[i].value) +
                   " in some rows, at its bound, where no density reaches: leave --ties keep out"};
    if ((mayHaveAtoms && isAtom(values[i])) || isAtBound)
      addAtom(i);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

bool NumberJudge::isEnd(const Value &last, const Value &next, double step, bool isRound) const {
  if (!isFrequent(last.count, kShareOfEnd, 3))
    return false;
  bool isNeighbour = std::abs(last.value - next.value) < 1.5 * step;
  return values.size() <= kFewValues || isRound || last.count > 2 * (isNeighbour ? next.count : 0);
}

void NumberJudge::takeAsGrid(const Grid &grid) {
  column.kind = ColumnKind::Grid;
  column.grid = grid;
  double step = grid.stepSize();
  // Of values beyond those of the grid the next ones.
  if (declared.hasLower())
    column.bounds.lower = grid.value(std::ceil((declared.lower - grid.value(0)) / step - 1e-9));
  if (declared.hasUpper())
    column.bounds.upper = grid.value(std::floor((declared.upper - grid.value(0)) / step + 1e-9));
  if (values.size() < 2) {
    column.bounds = {scan.least, scan.most};
    return;
  }
  const Value &first = values.front(), &last = values.back();
  bool isCount = grid.decimals == 0 && scan.least == 0; // Which is never negative.
  if (!declared.hasLower() && (isCount || isEnd(first, values[1], step, first.value == 0)))
    column.bounds.lower = scan.least;
  bool isRound = column.bounds.lower == 0 && (last.value == 1 || last.value == 100);
  if (!declared.hasUpper() && isEnd(last, values[values.size() - 2], step, isRound))
    column.bounds.upper = scan.most;
}

/// The middle half of the values.
void NumberJudge::findFilled() {
  double low = sample[sample.size() / 4], high = sample[sample.size() * 3 / 4];
  if (low == high) {
    low = scan.least;
    high = scan.most;
  }
  double half = column.kind == ColumnKind::Grid ? 0.5 * column.grid.stepSize() : low == high ? 0.5 : 0;
  column.filled = {low - half, high + half};
  if (column.kind == ColumnKind::Real)
    column.filled = {std::max(column.filled.lower, column.bounds.lower),
                     std::min(column.filled.upper, column.bounds.upper)};
}

Expected<TableColumn> NumberJudge::judge(std::optional<ColumnKind> kind) {
  if (scan.count == 0) {
    column.kind = ColumnKind::Constant;
    column.hasIndicator = false;
    return column;
  }
  if (auto ok = checkDeclared(); !ok)
    return ok.takeError();
  if (scan.least == scan.most && !column.hasIndicator) {
    column.kind = ColumnKind::Constant;
    column.constant = cellDigits(scan.least, std::nullopt);
    return column;
  }
  std::optional<Grid> grid = scan.grid.grid(scan.least);
  if (kind == ColumnKind::Grid && !grid)
    return Error{"'" + abbreviate(column.name) +
                 "' is to be a grid, but its values have no common step of up to nine "
                 "decimals"};
  bool isGrid = kind == ColumnKind::Grid ||
                (!kind && !options.keepTies && grid && (grid->decimals == 0 || shareRepeated() >= kShareRepeated));
  if (isGrid)
    takeAsGrid(*grid);
  else if (auto ok = takeAsReal(kind == ColumnKind::Real); !ok)
    return ok.takeError();
  if (column.hasIndicator)
    findFilled();
  return column;
}

Expected<TableColumn> flowc::judgeNumbers(const std::string &name, const ColumnScan &scan,
                                          std::optional<ColumnKind> kind, const ColumnBounds &declared,
                                          const TableOptions &options) {
  return NumberJudge(name, scan, declared, options).judge(kind);
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

Expected<TableColumn> flowc::judgeTexts(const std::string &name, const TextScan &scan, const TableOptions &options) {
  TableColumn column{.name = name};
  if (scan.areDates && scan.seconds.count > 0 && scan.counts.size() > 1) {
    column.kind = ColumnKind::Grid;
    column.grid = *scan.seconds.grid.grid(scan.seconds.least); // Seconds are whole numbers.
    column.grid.unit = scan.haveTimes ? DateUnit::Second : DateUnit::Day;
    if (!scan.haveTimes) {
      column.grid.offset /= kSecondsOfDay;
      column.grid.step /= kSecondsOfDay;
    }
    column.isDequantised = !options.keepTies;
    column.hasIndicator = scan.missing > 0;
    if (column.hasIndicator) {
      std::vector<double> sample = scan.seconds.sample.sorted();
      double unit = scan.haveTimes ? 1 : kSecondsOfDay, half = 0.5 * column.grid.stepSize();
      column.filled = {sample[sample.size() / 4] / unit - half, sample[sample.size() * 3 / 4] / unit + half};
    }
    return column;
  }
  if (scan.isFull)
    return Error{"'" + abbreviate(name) + "' has more than " + std::to_string(TextScan::kMostCategories) +
                 " different texts: leave it out with --columns"};
  column.categories = scan.categories();
  column.kind = column.categories.size() > 1 ? ColumnKind::Category : ColumnKind::Constant;
  if (column.kind == ColumnKind::Constant) {
    column.constant = column.categories.empty() ? "" : column.categories.front();
    column.categories.clear();
  }
  return column;
}
