//===- Figure.cpp - Marginals and losses as a picture ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Figure.h"

#include "Axes.h"

#include <algorithm>
#include <cmath>
#include <limits>

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
  size_t epochs = figure.trainLosses.size();
  Range x{1, std::max<double>(2, static_cast<double>(epochs))},
      y{std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()};
  // The first epochs may be far off: the scale is that of the later ones.
  size_t skipped = epochs > 10 ? epochs / 20 : 0;
  for (const auto *losses : {&figure.trainLosses, &figure.valLosses})
    for (size_t i = skipped; i < losses->size(); ++i)
      if (std::isfinite((*losses)[i])) {
        y.low = std::min(y.low, (*losses)[i]);
        y.high = std::max(y.high, (*losses)[i]);
      }
  if (y.low > y.high)
    return;
  double margin = std::max(0.06 * (y.high - y.low), 1e-9 + 1e-6 * std::abs(y.high));
  y = {y.low - margin, y.high + margin};
  for (double tick : ticksOf(y, 5)) {
    double at = area.y + area.height * (1 - y.position(tick));
    canvas.line({{area.x, at}, {area.x + area.width, at}}, grid, 0.7);
    canvas.text(area.x - 5, at + 3, tickText(tick), 8, ink, Canvas::Align::Right);
  }
  for (double tick : ticksOf(x, 10)) {
    if (tick != std::floor(tick))
      continue;
    double at = area.x + area.width * x.position(tick);
    canvas.text(at, area.y + area.height + 12, tickText(tick), 8, ink, Canvas::Align::Center);
  }
  auto curve = [&](const std::vector<double> &losses, const Color &color) {
    std::vector<std::pair<double, double>> points;
    for (size_t i = 0; i < losses.size(); ++i) {
      double height = y.position(losses[i]);
      if (std::isfinite(height) && height <= 1)
        points.emplace_back(area.x + area.width * x.position(static_cast<double>(i + 1)),
                            area.y + area.height * (1 - height));
    }
    canvas.line(points, color, 1.4);
  };
  if (figure.bestEpoch > 0) {
    double at = area.x + area.width * x.position(static_cast<double>(figure.bestEpoch));
    canvas.line({{at, area.y}, {at, area.y + area.height}}, faint, 0.8);
  }
  curve(figure.trainLosses, {0.45, 0.48, 0.52});
  curve(figure.valLosses, {0.16, 0.55, 0.35});
  canvas.frame(area, faint, 0.7);
  canvas.text(area.x + area.width / 2, area.y + area.height + 26, "epoch", 10, ink, Canvas::Align::Center);
  canvas.text(14, area.y + area.height / 2, "loss", 10, ink, Canvas::Align::Center, /*upwards=*/true);
  double at = area.x + area.width - 8;
  for (auto [label, color] :
       {std::pair<const char *, Color>{"training", {0.45, 0.48, 0.52}}, {"validation", {0.16, 0.55, 0.35}}}) {
    canvas.text(at, area.y + 14, label, 9, color, Canvas::Align::Right);
    at -= canvas.textWidth(label, 9) + 12;
  }
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
