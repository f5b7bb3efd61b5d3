//===- ChartsOfPairs.cpp - All pairs of columns ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Charts.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::report;

namespace {

constexpr int kLevels = 9;

/// Pairs of columns below the diagonal as the rows have them, above it as the model has them.
class PairsPainter {
public:
  PairsPainter(const Report &report, Svg &svg, double side) : report(report), svg(svg), side(side) {}

  void paint();

  static constexpr double left = 60, top = 8, gap = 6, below = 40;

private:
  Plane::Area place(size_t row, size_t column) const {
    return {left + static_cast<double>(column) * (side + gap), top + static_cast<double>(row) * (side + gap), side,
            side};
  }
  const std::string &nameOf(size_t place) const { return report.columns[report.pairColumns[place]].name; }
  const Scale &scaleOf(size_t place) const { return report.marginals[report.pairColumns[place]].scale; }
  void paintPair(const PairReport &pair, size_t first, size_t second);
  void paintCells(const std::vector<int64_t> &counts, int64_t rows, double most, const Plane::Area &area,
                  std::string_view classes, bool transposed);
  void paintDiagonal(size_t place);
  void paintAxes(size_t row, size_t column);

  const Report &report;
  Svg &svg;
  double side;
};

/// Cells of equal shade as one path of horizontal runs.
void PairsPainter::paintCells(const std::vector<int64_t> &counts, int64_t rows, double most, const Plane::Area &area,
                              std::string_view classes, bool transposed) {
  int64_t bins = report.binsPerSide;
  auto levelAt = [&](int64_t across, int64_t up) {
    int64_t count = transposed ? counts[across * bins + up] : counts[up * bins + across];
    double share = static_cast<double>(count) / static_cast<double>(rows);
    return static_cast<int>(std::ceil(kLevels * std::sqrt(share / most) - 1e-9)); // The root brings out the tails.
  };
  std::vector<std::string> paths(kLevels + 1);
  double cell = side / static_cast<double>(bins);
  for (int64_t up = 0; up < bins; ++up)
    for (int64_t begin = 0; begin < bins;) {
      int level = levelAt(begin, up);
      int64_t end = begin + 1;
      while (end < bins && levelAt(end, up) == level)
        ++end;
      if (level > 0)
        paths[level] += print("M%.1f %.1fh%.1fv%.1fh%.1fz", area.left + cell * static_cast<double>(begin),
                              area.top + side - cell * static_cast<double>(up + 1),
                              cell * static_cast<double>(end - begin), cell, -cell * static_cast<double>(end - begin));
      begin = end;
    }
  for (int level = 1; level <= kLevels; ++level)
    if (!paths[level].empty())
      svg.path(paths[level], classes, static_cast<double>(level) / kLevels);
}

void PairsPainter::paintPair(const PairReport &pair, size_t first, size_t second) {
  auto shareOf = [](const std::vector<int64_t> &counts, int64_t rows) {
    return static_cast<double>(std::ranges::max(counts)) / static_cast<double>(rows);
  };
  double most =
      std::max({shareOf(pair.bins.data, pair.bins.dataRows), shareOf(pair.bins.model, pair.bins.modelRows), 1e-300});
  paintCells(pair.bins.data, pair.bins.dataRows, most, place(second, first), "data cells", false);
  paintCells(pair.bins.model, pair.bins.modelRows, most, place(first, second), "model cells", true);
}

void PairsPainter::paintDiagonal(size_t at) {
  const MarginalReport &marginal = report.marginals[report.pairColumns[at]];
  double most = std::max(
      static_cast<double>(std::ranges::max(marginal.bins.data)) / static_cast<double>(marginal.bins.dataRows),
      static_cast<double>(std::ranges::max(marginal.bins.model)) / static_cast<double>(marginal.bins.modelRows));
  Plane::Area area = place(at, at);
  auto outline = [&](const std::vector<int64_t> &counts, int64_t rows) {
    std::vector<Point> points;
    auto bins = static_cast<double>(counts.size());
    for (size_t bin = 0; bin < counts.size(); ++bin)
      for (size_t end : {bin, bin + 1})
        points.push_back({area.left + side * static_cast<double>(end) / bins,
                          area.top + side * (1 - 0.9 * static_cast<double>(counts[bin]) / static_cast<double>(rows) /
                                                     std::max(most, 1e-300))});
    return points;
  };
  std::vector<Point> data = outline(marginal.bins.data, marginal.bins.dataRows);
  data.insert(data.begin(), {area.left, area.top + side});
  data.push_back({area.left + side, area.top + side});
  svg.polygon(data, "data area");
  svg.polyline(outline(marginal.bins.model, marginal.bins.modelRows), "model stroke");
}

void PairsPainter::paintAxes(size_t row, size_t column) {
  Plane::Area area = place(row, column);
  svg.rectangle({area.left, area.top}, {side, side}, "frame");
  double bottom = area.top + side;
  if (row + 1 == report.pairColumns.size()) {
    Ticks ticks = labelTicks(scaleOf(column), 3, side);
    for (size_t i = 0; i < ticks.values.size(); ++i) {
      double x = area.left + side * scaleOf(column).position(ticks.values[i]);
      if (x > area.left + 0.88 * side || x < area.left + 0.08 * side)
        continue; // Its number would meet the next panel's.
      svg.line({x, bottom}, {x, bottom + 3}, "mark");
      svg.text({x, bottom + 15}, ticks.texts[i], Svg::Anchor::Middle, "tick");
    }
    svg.text({area.left + side / 2, bottom + 31}, fitName(nameOf(column) + ticks.suffix, side), Svg::Anchor::Middle,
             "axis");
  }
  if (column > 0)
    return;
  Ticks ticks = labelTicks(scaleOf(row), 3);
  if (row > 0) // The first panel of the diagonal has no scale of its own upwards.
    for (size_t i = 0; i < ticks.values.size(); ++i) {
      double y = bottom - side * scaleOf(row).position(ticks.values[i]);
      svg.line({area.left - 3, y}, {area.left, y}, "mark");
      svg.text({area.left - 6, y + 3.5}, ticks.texts[i], Svg::Anchor::End, "tick");
    }
  svg.text({12, area.top + side / 2}, fitName(nameOf(row) + (row > 0 ? ticks.suffix : ""), side), Svg::Anchor::Middle,
           "axis", /*upwards=*/true);
}

void PairsPainter::paint() {
  auto placeOf = [&](size_t column) {
    return static_cast<size_t>(std::ranges::find(report.pairColumns, column) - report.pairColumns.begin());
  };
  for (const PairReport &pair : report.pairs)
    paintPair(pair, placeOf(pair.across), placeOf(pair.up));
  for (size_t row = 0; row < report.pairColumns.size(); ++row) {
    paintDiagonal(row);
    for (size_t column = 0; column < report.pairColumns.size(); ++column)
      paintAxes(row, column);
  }
}

} // namespace

std::string report::drawPairs(const Report &report) {
  auto count = static_cast<double>(report.pairColumns.size());
  double side = std::clamp(740 / count, 100.0, 240.0), extent = count * (side + PairsPainter::gap);
  Svg svg(PairsPainter::left + extent + 8, PairsPainter::top + extent + PairsPainter::below,
          "All pairs of columns: rows below the diagonal, draws of the model above it");
  PairsPainter(report, svg, side).paint();
  return svg.finish();
}
