//===- ScalePanel.cpp - A plane with scales on a canvas -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalePanel.h"

#include <algorithm>

using namespace flowc;
using namespace flowc::tool;

static constexpr double kTickSize = 8.5, kNameSize = 11;

void ScalePanel::drawX(const std::string &name, int ticks) {
  report::Ticks shown = report::labelTicks(x, ticks, area.width);
  double bottom = area.y + area.height;
  for (size_t i = 0; i < shown.values.size(); ++i) {
    double place = area.x + area.width * x.position(shown.values[i]);
    canvas.line({{place, bottom}, {place, bottom + 3}}, faint, 0.7);
    // Hardly beside the frame, where the next panel's may be.
    double half = canvas.textWidth(shown.texts[i], kTickSize) / 2 - 2;
    canvas.text(std::clamp(place, area.x + half, std::max(area.x + half, area.x + area.width - half)), bottom + 13,
                shown.texts[i], kTickSize, ink, Canvas::Align::Center);
  }
  canvas.text(area.x + area.width / 2, bottom + 28, report::fitName(name + shown.suffix, area.width), kNameSize, ink,
              Canvas::Align::Center);
}

void ScalePanel::drawY(const std::string &name, int ticks) {
  report::Ticks shown = report::labelTicks(y, ticks);
  for (size_t i = 0; i < shown.values.size(); ++i) {
    double place = area.y + area.height * (1 - y.position(shown.values[i]));
    canvas.line({{area.x - 3, place}, {area.x, place}}, faint, 0.7);
    canvas.text(area.x - 5, place + 3, shown.texts[i], kTickSize, ink, Canvas::Align::Right);
  }
  canvas.text(area.x - 42, area.y + area.height / 2, report::fitName(name + shown.suffix, area.height), kNameSize, ink,
              Canvas::Align::Center, /*upwards=*/true);
}

static double clampedPosition(const Scale &scale, double value) { return std::clamp(scale.position(value), 0.0, 1.0); }

ScalePanel::Place ScalePanel::clamped(double xValue, double yValue) const {
  return {area.x + area.width * clampedPosition(x, xValue), area.y + area.height * (1 - clampedPosition(y, yValue))};
}

bool ScalePanel::contains(double xValue, double yValue) const {
  auto isInside = [](double position) { return position >= 0 && position <= 1; };
  return isInside(x.position(xValue)) && isInside(y.position(yValue));
}

std::vector<ScalePanel::Place> ScalePanel::outline(const std::vector<double> &heights) const {
  std::vector<Place> points;
  auto bins = static_cast<double>(heights.size());
  for (size_t bin = 0; bin < heights.size(); ++bin)
    for (size_t end : {bin, bin + 1})
      points.push_back(at(x.valueAt(static_cast<double>(end) / bins), heights[bin]));
  return points;
}
