//===- LinePanel.cpp - Curves over epochs or steps ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinePanel.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::tool;

LinePanel::LinePanel(Canvas &canvas, const Rectangle &area, double first, double last, const Range &y, bool logarithmic)
    : canvas(canvas), area(area), first(first), x{first, std::max(first + 1, last)}, y(y), logarithmic(logarithmic) {}

Range LinePanel::rangeOf(const std::vector<Values> &values, bool logarithmic) {
  std::vector<double> shown;
  for (Values some : values) {
    // The first points may be far off: the scale is that of the later ones.
    size_t skipped = some.size() > 10 ? some.size() / 20 : 0;
    for (double value : some.subspan(skipped))
      if (std::isfinite(value) && (!logarithmic || value > 0))
        shown.push_back(logarithmic ? std::log10(value) : value);
  }
  if (shown.empty())
    return {};
  // Of thousands of steps, single ones may be far off, too.
  constexpr size_t many = 1000;
  double kept = shown.size() > many ? 0.995 : 1;
  auto high = shown.begin() + static_cast<int64_t>(kept * static_cast<double>(shown.size() - 1));
  std::ranges::nth_element(shown, high);
  Range range{*std::min_element(shown.begin(), high + 1), *high};
  double margin = std::max(0.06 * (range.high - range.low), 1e-9 + 1e-6 * std::abs(range.high));
  return {range.low - margin, range.high + margin};
}

double LinePanel::up(double value) const {
  double position = y.position(logarithmic ? std::log10(value) : value);
  return position >= 0 && position <= 1 ? area.y + area.height * (1 - position) : std::nan("");
}

/// Logarithms of powers of 10, and of 2 and 5 times these where there is room.
static std::vector<double> logarithmicTicks(const Range &range) {
  double decades = range.high - range.low;
  double stride = std::max(1.0, std::ceil(decades / 4));
  std::vector<double> ticks;
  for (double power = std::floor(range.low / stride) * stride; power <= range.high; power += stride)
    for (double factor : {1.0, 2.0, 5.0}) {
      double tick = power + std::log10(factor);
      if (tick >= range.low && tick <= range.high && (factor == 1 || decades < 1.5))
        ticks.push_back(tick);
    }
  return ticks;
}

void LinePanel::drawAxes(const std::string &xName, const std::string &yName) {
  constexpr double size = 8;
  for (double tick : logarithmic ? logarithmicTicks(y) : ticksOf(y, area.height > 80 ? 5 : 3)) {
    double at = area.y + area.height * (1 - y.position(tick));
    canvas.line({{area.x, at}, {area.x + area.width, at}}, grid, 0.7);
    canvas.text(area.x - 5, at + 3, tickText(logarithmic ? std::pow(10, tick) : tick), size, ink, Canvas::Align::Right);
  }
  for (double tick : ticksOf(x, 10))
    if (!xName.empty() && tick == std::floor(tick))
      canvas.text(across(tick), area.y + area.height + 12, tickText(tick), size, ink, Canvas::Align::Center);
  canvas.frame(area, faint, 0.7);
  if (!xName.empty())
    canvas.text(area.x + area.width / 2, area.y + area.height + 26, xName, 10, ink, Canvas::Align::Center);
  canvas.text(14, area.y + area.height / 2, yName, 10, ink, Canvas::Align::Center, /*upwards=*/true);
}

void LinePanel::stroke(std::vector<std::pair<double, double>> &points, const Color &color, double width) {
  if (points.size() == 1) // A line of one point would not be seen.
    canvas.fill({points[0].first - width, points[0].second - width, 2 * width, 2 * width}, color);
  else if (!points.empty())
    canvas.line(points, color, width);
  points.clear();
}

void LinePanel::curve(Values values, const Color &color, double width) {
  // No more than the lowest and the highest point of every half unit are seen.
  auto bins = static_cast<size_t>(2 * area.width);
  size_t stride = std::max<size_t>(1, values.size() / bins);
  std::vector<std::pair<double, double>> points;
  for (size_t begin = 0; begin < values.size(); begin += stride) {
    size_t end = std::min(begin + stride, values.size()), low = end, high = end;
    for (size_t i = begin; i < end; ++i)
      if (!std::isnan(up(values[i]))) {
        low = low == end || values[i] < values[low] ? i : low;
        high = high == end || values[i] > values[high] ? i : high;
      }
    if (low == end)
      stroke(points, color, width);
    else
      for (size_t i : {std::min(low, high), std::max(low, high)})
        if (i == std::min(low, high) || low != high)
          points.emplace_back(across(first + static_cast<double>(i)), up(values[i]));
  }
  stroke(points, color, width);
}

void LinePanel::mark(double point, const Color &color) {
  canvas.line({{across(point), area.y}, {across(point), area.y + area.height}}, color, 0.8);
}

void LinePanel::legend(const std::vector<std::pair<std::string, Color>> &entries) {
  // Above the frame, where it meets no curve.
  double at = area.x + area.width;
  for (const auto &[label, color] : entries) {
    canvas.text(at, area.y - 5, label, 9, color, Canvas::Align::Right);
    at -= canvas.textWidth(label, 9) + 12;
  }
}
