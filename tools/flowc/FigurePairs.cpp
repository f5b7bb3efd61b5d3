//===- FigurePairs.cpp - All pairs of marginals ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Figure.h"
#include "ScalePanel.h"

#include "flowc/Report/Statistics.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::tool;

namespace {

class Pairs final : public FigurePart {
public:
  explicit Pairs(const Figure &figure)
      : figure(figure), columns(static_cast<int64_t>(figure.names.size())),
        panel(std::clamp(820 / static_cast<double>(columns), 62.0, 240.0)) {
    for (int64_t column = 0; column < columns; ++column)
      scales.push_back(figure.scaleOf(column));
  }

  double width() const override { return static_cast<double>(columns) * (panel + gap) - gap; }
  double height() const override { return width() + 40; }
  void draw(Canvas &canvas, double left, double top) const override;
  Cropped cropped() const override { return {countCropped(figure.data, scales), countCropped(figure.samples, scales)}; }

private:
  static constexpr double gap = 5;
  using Bins = std::vector<int64_t>;

  bool hasData() const { return figure.data.rows() > 0; }
  void drawDiagonal(Canvas &canvas, int64_t column, const Rectangle &area) const;
  void drawCells(Canvas &canvas, const Bins &bins, double most, const Color &color, const Rectangle &area) const;
  void drawAxes(Canvas &canvas, int64_t row, int64_t column, const Rectangle &area) const;
  /// Bins of each column, the same for both sides: larger ones if there are few rows, so that
  /// a bin still holds some.
  int64_t binsPerSide() const {
    int64_t rows = hasData() ? std::min(figure.data.rows(), figure.samples.rows()) : figure.samples.rows();
    return std::clamp(static_cast<int64_t>(std::sqrt(static_cast<double>(rows)) / 2.5), int64_t(12), int64_t(56));
  }

  const Figure &figure;
  int64_t columns;
  double panel;
  std::vector<Scale> scales;
};

/// The largest share of rows in one bin.
double largestShare(const std::vector<int64_t> &bins, int64_t rows) {
  return static_cast<double>(std::ranges::max(bins)) / static_cast<double>(std::max<int64_t>(1, rows));
}

void Pairs::drawDiagonal(Canvas &canvas, int64_t column, const Rectangle &area) const {
  constexpr int64_t count = 48;
  SharedBins bins = report::binColumn(report::sortedColumn(figure.data, column),
                                      report::sortedColumn(figure.samples, column), scales[column], count);
  double most = std::max(largestShare(bins.data, bins.dataRows), largestShare(bins.model, bins.modelRows));
  ScalePanel plane(canvas, area, scales[column], {0, std::max(most, 1e-300) / 0.88});
  auto shares = [](const Bins &counts, int64_t rows) {
    std::vector<double> result;
    for (int64_t bin : counts)
      result.push_back(static_cast<double>(bin) / static_cast<double>(std::max<int64_t>(1, rows)));
    return result;
  };
  auto fill = [&](const std::vector<double> &heights, const Color &color, double alpha) {
    canvas.fillBelow(plane.outline(heights), area.y + area.height, {color.red, color.green, color.blue, alpha});
  };
  std::vector<double> ofSamples = shares(bins.model, bins.modelRows);
  if (hasData())
    fill(shares(bins.data, bins.dataRows), dataColor, 0.35);
  else
    fill(ofSamples, sampleColor, 0.25);
  canvas.line(plane.outline(ofSamples), sampleColor, 1.3);
}

/// A joint histogram, from white to the full colour at `most` of the rows.
void Pairs::drawCells(Canvas &canvas, const Bins &bins, double most, const Color &color, const Rectangle &area) const {
  auto count = static_cast<int>(std::lround(std::sqrt(static_cast<double>(bins.size()))));
  std::vector<uint32_t> pixels;
  for (int row = count - 1; row >= 0; --row)
    for (int column = 0; column < count; ++column) // The root brings out the tails.
      pixels.push_back(
          shade(color,
                most > 0 ? std::sqrt(static_cast<double>(bins[static_cast<size_t>(row * count + column)]) / most) : 0));
  canvas.image(area, pixels, count, count);
}

void Pairs::drawAxes(Canvas &canvas, int64_t row, int64_t column, const Rectangle &area) const {
  ScalePanel plane(canvas, area, scales[column], scales[row]);
  plane.drawFrame();
  int ticks = panel > 90 ? 4 : 3;
  if (row + 1 == columns)
    plane.drawX(figure.names[column], ticks);
  // The first panel of the diagonal has no scale of its own upwards.
  if (column == 0 && row > 0)
    plane.drawY(figure.names[row], ticks);
  else if (column == 0)
    canvas.text(area.x - 42, area.y + area.height / 2, report::fitName(figure.names[0], area.height), 11, ink,
                Canvas::Align::Center, /*upwards=*/true);
}

void Pairs::draw(Canvas &canvas, double left, double top) const {
  int64_t count = binsPerSide();
  auto place = [&](int64_t row, int64_t column) {
    return Rectangle{left + static_cast<double>(column) * (panel + gap), top + static_cast<double>(row) * (panel + gap),
                     panel, panel};
  };
  for (int64_t row = 0; row < columns; ++row)
    for (int64_t column = 0; column <= row; ++column) {
      if (row == column) {
        drawDiagonal(canvas, column, place(row, row));
        drawAxes(canvas, row, row, place(row, row));
        continue;
      }
      SharedBins below =
                     report::binPair(figure.data, figure.samples, {column, row}, {scales[column], scales[row]}, count),
                 above =
                     report::binPair(figure.data, figure.samples, {row, column}, {scales[row], scales[column]}, count);
      double ofData = static_cast<double>(below.dataRows), ofSamples = static_cast<double>(below.modelRows);
      double most = std::max(largestShare(below.data, below.dataRows), largestShare(below.model, below.modelRows));
      if (hasData()) {
        drawCells(canvas, below.data, most * ofData, dataColor, place(row, column));
        drawCells(canvas, above.model, most * ofSamples, sampleColor, place(column, row));
        drawAxes(canvas, column, row, place(column, row));
      } else {
        drawCells(canvas, below.model, most * ofSamples, sampleColor, place(row, column));
      }
      drawAxes(canvas, row, column, place(row, column));
    }
}

} // namespace

std::unique_ptr<FigurePart> tool::makePairs(const Figure &figure) { return std::make_unique<Pairs>(figure); }
