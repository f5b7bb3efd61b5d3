//===- Figure.cpp - Marginals and losses as a picture ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Figure.h"

#include "LinePanel.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::tool;

namespace {

/// Draws everything of one figure.
class Painter {
public:
  Painter(const Figure &figure, Canvas &canvas, double panel, double left, double top)
      : figure(figure), canvas(canvas), columns(figure.names.size()), panel(panel), left(left), top(top) {
    for (size_t i = 0; i < columns; ++i)
      ranges.push_back(rangeOf(figure.data.empty() ? figure.samples : figure.data, i, columns));
  }

  void pairs();
  void losses(const Rectangle &area);
  void heading(double width);

private:
  static constexpr double gap = 5;

  Rectangle place(size_t row, size_t column) const {
    return {left + static_cast<double>(column) * (panel + gap), top + static_cast<double>(row) * (panel + gap), panel,
            panel};
  }
  void diagonal(size_t column);
  void density(const std::vector<double> &rows, size_t x, size_t y, const Rectangle &area, const Color &color);
  std::vector<double> histogram(const std::vector<double> &rows, size_t column, int bins) const;
  void axes(size_t row, size_t column, const Rectangle &area);

  const Figure &figure;
  Canvas &canvas;
  size_t columns;
  double panel, left, top;
  std::vector<Range> ranges;
};

/// Densities of one column in bins over its range.
std::vector<double> Painter::histogram(const std::vector<double> &rows, size_t column, int bins) const {
  std::vector<double> counts(static_cast<size_t>(bins));
  double total = 0;
  for (size_t i = column; i < rows.size(); i += columns) {
    double position = ranges[column].position(rows[i]) * bins;
    total += 1;
    if (position >= 0 && position < bins)
      counts[static_cast<size_t>(position)] += 1;
  }
  for (double &count : counts)
    count /= std::max(total, 1.0);
  return counts;
}

void Painter::diagonal(size_t column) {
  constexpr int bins = 48;
  Rectangle area = place(column, column);
  std::vector<double> ofData = histogram(figure.data, column, bins);
  std::vector<double> ofSamples = histogram(figure.samples, column, bins);
  double most =
      std::max(*std::max_element(ofData.begin(), ofData.end()), *std::max_element(ofSamples.begin(), ofSamples.end()));
  auto outline = [&](const std::vector<double> &heights) {
    std::vector<std::pair<double, double>> points;
    for (int bin = 0; bin < bins; ++bin)
      for (int end : {0, 1})
        points.emplace_back(area.x + area.width * (bin + end) / bins,
                            area.y + area.height * (1 - 0.88 * heights[bin] / std::max(most, 1e-300)));
    return points;
  };
  double base = area.y + area.height;
  if (!figure.data.empty())
    canvas.fillBelow(outline(ofData), base, {dataColor.red, dataColor.green, dataColor.blue, 0.35});
  else
    canvas.fillBelow(outline(ofSamples), base, {sampleColor.red, sampleColor.green, sampleColor.blue, 0.25});
  canvas.line(outline(ofSamples), sampleColor, 1.3);
}

/// A two-dimensional histogram, from white to the full colour.
void Painter::density(const std::vector<double> &rows, size_t x, size_t y, const Rectangle &area, const Color &color) {
  // Bins grow when there are few rows, so that a bin still holds some.
  size_t count = rows.size() / columns;
  int bins = std::clamp(static_cast<int>(std::sqrt(static_cast<double>(count)) / 2.5), 12, 56);
  std::vector<double> counts(static_cast<size_t>(bins * bins));
  for (size_t i = 0; i < rows.size(); i += columns) {
    double across = ranges[x].position(rows[i + x]) * bins, up = ranges[y].position(rows[i + y]) * bins;
    if (across >= 0 && across < bins && up >= 0 && up < bins)
      counts[static_cast<size_t>(bins - 1 - static_cast<int>(up)) * bins + static_cast<size_t>(across)] += 1;
  }
  double most = *std::max_element(counts.begin(), counts.end());
  std::vector<uint32_t> pixels;
  for (double entry : counts) // The root brings out the tails.
    pixels.push_back(shade(color, most > 0 ? std::sqrt(entry / most) : 0));
  canvas.image(area, pixels, bins, bins);
}

void Painter::axes(size_t row, size_t column, const Rectangle &area) {
  canvas.frame(area, faint, 0.7);
  double size = std::clamp(panel / 11, 6.0, 9.0);
  int count = panel > 90 ? 4 : 3;
  if (row + 1 == columns) {
    for (double tick : ticksOf(ranges[column], count)) {
      double x = area.x + area.width * ranges[column].position(tick);
      canvas.line({{x, area.y + area.height}, {x, area.y + area.height + 3}}, faint, 0.7);
      canvas.text(x, area.y + area.height + 4 + size, tickText(tick), size, ink, Canvas::Align::Center);
    }
    canvas.text(area.x + area.width / 2, area.y + area.height + 12 + 2 * size, figure.names[column], size + 3, ink,
                Canvas::Align::Center);
  }
  if (column == 0) {
    // The first panel of the diagonal has no scale of its own upwards.
    if (row > 0)
      for (double tick : ticksOf(ranges[row], count)) {
        double y = area.y + area.height * (1 - ranges[row].position(tick));
        canvas.line({{area.x - 3, y}, {area.x, y}}, faint, 0.7);
        canvas.text(area.x - 5, y + size / 3, tickText(tick), size, ink, Canvas::Align::Right);
      }
    canvas.text(14, area.y + area.height / 2, figure.names[row], size + 3, ink, Canvas::Align::Center,
                /*upwards=*/true);
  }
}

void Painter::pairs() {
  bool hasData = !figure.data.empty();
  for (size_t row = 0; row < columns; ++row)
    for (size_t column = 0; column < columns; ++column) {
      Rectangle area = place(row, column);
      if (row == column)
        diagonal(column);
      else if (row > column)
        density(hasData ? figure.data : figure.samples, column, row, area, hasData ? dataColor : sampleColor);
      else if (hasData)
        density(figure.samples, column, row, area, sampleColor);
      else
        continue;
      axes(row, column, area);
    }
}

void Painter::heading(double width) {
  canvas.text(left, 24, figure.title, 14, ink, Canvas::Align::Left, false, /*bold=*/true);
  double x = width - 16;
  auto entry = [&](const std::string &label, const Color &color) {
    x -= canvas.textWidth(label, 10);
    canvas.text(x, 23, label, 10, ink);
    x -= 16;
    canvas.fill({x, 14, 11, 11}, color);
    x -= 14;
  };
  entry(figure.data.empty() ? "samples" : "samples (above)", sampleColor);
  if (!figure.data.empty())
    entry(figure.dataLabel + " (below)", dataColor);
}

void Painter::losses(const Rectangle &area) {
  LinePanel axes(canvas, area, 1, static_cast<double>(figure.trainLosses.size()),
                 LinePanel::rangeOf({figure.trainLosses, figure.valLosses}, false), false);
  axes.drawAxes("epoch", "loss");
  if (figure.bestEpoch > 0)
    axes.mark(static_cast<double>(figure.bestEpoch), faint);
  axes.curve(figure.trainLosses, trainColor, 1.4);
  axes.curve(figure.valLosses, validationColor, 1.4);
  axes.legend({{"training", trainColor}, {"validation", validationColor}});
}

} // namespace

Expected<void> Figure::draw(const std::string &path) const {
  auto columns = static_cast<double>(names.size());
  double panel = std::clamp(820 / columns, 62.0, 240.0);
  constexpr double left = 58, top = 42, bottom = 46, right = 16, lossHeight = 130;
  double gridSize = columns * (panel + 5) - 5;
  double width = std::max(left + gridSize + right, 420.0);
  bool hasLosses = trainLosses.size() > 1;
  double height = top + gridSize + bottom + (hasLosses ? lossHeight + 46 : 0);
  auto canvas = Canvas::create(path, width, height);
  if (!canvas)
    return canvas.takeError();
  Painter painter(*this, *canvas, panel, left, top);
  painter.heading(width);
  painter.pairs();
  if (hasLosses)
    painter.losses({left, top + gridSize + bottom + 6, width - left - right, lossHeight});
  return canvas->finish();
}
