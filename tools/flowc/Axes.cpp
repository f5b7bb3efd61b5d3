//===- Axes.cpp - Scales of pictures --------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Axes.h"

#include "flowc/Report/Statistics.h"
#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

Range tool::rangeOf(const std::vector<double> &sorted) {
  if (sorted.empty())
    return {};
  constexpr double tail = 0.003;
  Range range{quantile(sorted, tail), quantile(sorted, 1 - tail)};
  double margin = 0.06 * (range.high - range.low);
  if (margin == 0)
    margin = range.low == 0 ? 1 : 0.1 * std::abs(range.low);
  return {range.low - margin, range.high + margin};
}

std::vector<double> tool::ticksOf(const Range &range, int count) {
  double step = (range.high - range.low) / count;
  double power = std::pow(10, std::floor(std::log10(step)));
  for (double factor : {1.0, 2.0, 5.0, 10.0})
    if (factor * power >= step) {
      step = factor * power;
      break;
    }
  std::vector<double> ticks;
  for (double tick = std::ceil(range.low / step) * step; tick <= range.high && ticks.size() < 20; tick += step)
    ticks.push_back(std::abs(tick) < step * 1e-9 ? 0 : tick);
  return ticks;
}

std::string tool::tickText(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

uint32_t tool::shade(const Color &color, double level) {
  auto channel = [&](double full) {
    double value = level < 0.6 ? 1 + (full - 1) * level / 0.6 : full * (1 - 0.75 * (level - 0.6) / 0.4);
    return static_cast<uint32_t>(std::lround(255 * value));
  };
  return 0xff000000U | channel(color.red) << 16 | channel(color.green) << 8 | channel(color.blue);
}

double tool::drawHeading(Canvas &canvas, double left, const std::string &title, const std::vector<std::string> &lines) {
  double y = 24;
  canvas.text(left, y, title, 14, ink, Canvas::Align::Left, false, /*bold=*/true);
  for (const std::string &line : lines)
    canvas.text(left, y += headingLine, line, 10, ink);
  return y;
}

std::optional<std::string> tool::describeCropped(int64_t rows, const std::string &rowsName, int64_t samples) {
  if (rows + samples == 0)
    return std::nullopt;
  std::string text = "beside the panels: ";
  if (rows > 0)
    text += formatCount(rows) + " " + rowsName + (samples > 0 ? " and " : "");
  if (samples > 0)
    text += formatCount(samples) + (samples == 1 ? " sample" : " samples");
  return text;
}
