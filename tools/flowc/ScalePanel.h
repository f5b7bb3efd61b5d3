//===- ScalePanel.h - A plane with scales on a canvas -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_SCALEPANEL_H
#define FLOWC_TOOLS_FLOWC_SCALEPANEL_H

#include "Axes.h"

#include "flowc/Report/Axes.h"

namespace flowc::tool {

/// Draws in a rectangle of a canvas what has a place on two scales.
class ScalePanel {
public:
  ScalePanel(Canvas &canvas, const Rectangle &area, const Scale &x, const Scale &y)
      : canvas(canvas), area(area), x(x), y(y) {}

  /// Ticks with their numbers beside the frame, and the name of the axis.
  void drawX(const std::string &name, int ticks);
  void drawY(const std::string &name, int ticks);
  void drawFrame() { canvas.frame(area, faint, 0.7); }

  using Place = std::pair<double, double>;
  Place at(double xValue, double yValue) const {
    return {area.x + area.width * x.position(xValue), area.y + area.height * (1 - y.position(yValue))};
  }
  /// The same, moved to the edge if it lies outside.
  Place clamped(double xValue, double yValue) const;
  bool contains(double xValue, double yValue) const;
  /// The outline of bars over equal bins of x.
  std::vector<Place> outline(const std::vector<double> &heights) const;

private:
  Canvas &canvas;
  Rectangle area;
  Scale x, y;
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_SCALEPANEL_H
