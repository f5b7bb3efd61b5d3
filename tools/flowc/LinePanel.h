//===- LinePanel.h - Curves over epochs or steps ----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_LINEPANEL_H
#define FLOWC_TOOLS_FLOWC_LINEPANEL_H

#include "Axes.h"

#include <span>

namespace flowc::tool {

inline constexpr Color trainColor{0.45, 0.48, 0.52}, validationColor{0.16, 0.55, 0.35};

/// One system of axes with curves, whose points are numbered. What is not finite is a
/// gap.
class LinePanel {
public:
  using Values = std::span<const double>;

  /// Points `first` ... `last` from left to right; upwards what `y` covers, or its
  /// decimal logarithm.
  LinePanel(Canvas &canvas, const Rectangle &area, double first, double last, const Range &y, bool logarithmic);

  /// Lines and numbers of both axes (of x only if it has a name), and their names.
  void drawAxes(const std::string &xName, const std::string &yName);
  void curve(Values values, const Color &color, double width);
  /// A vertical line at a point.
  void mark(double point, const Color &color);
  /// Names of curves in their colours, above the frame, from the right.
  void legend(const std::vector<std::pair<std::string, Color>> &entries);

  /// What holds all finite `values`, without the first ones and the rare largest ones if
  /// there are many; of a logarithmic axis: without what is not positive.
  static Range rangeOf(const std::vector<Values> &values, bool logarithmic);

private:
  double across(double point) const { return area.x + area.width * x.position(point); }
  /// NaN if there is no such place.
  double up(double value) const;
  void stroke(std::vector<std::pair<double, double>> &points, const Color &color, double width);

  Canvas &canvas;
  Rectangle area;
  double first;
  Range x, y;
  bool logarithmic;
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_LINEPANEL_H
