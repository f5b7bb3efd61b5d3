//===- Svg.h - Pictures inside of a page ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shapes have classes, whose colours the page's style sheet gives, in light and dark.
// Pictures are as wide as the page lets them.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_REPORT_SVG_H
#define FLOWC_LIB_REPORT_SVG_H

#include "flowc/Report/Axes.h"
#include "flowc/Support/Print.h"

#include <string>
#include <string_view>

namespace flowc::report {

/// Text as HTML has it, in content and in quoted attributes; control characters become `?`.
std::string escapeHtml(std::string_view text);

struct Point {
  double x = 0, y = 0;
};

/// A picture of this size, in units of about a pixel.
class Svg {
public:
  /// `label` is for those who cannot see it.
  Svg(double width, double height, std::string_view label);

  void rectangle(Point corner, Point size, std::string_view classes, std::string_view title = {});
  void line(Point from, Point to, std::string_view classes);
  void polyline(const std::vector<Point> &points, std::string_view classes);
  void polygon(const std::vector<Point> &points, std::string_view classes);
  void circle(Point center, double radius, std::string_view classes, std::string_view title = {});
  /// `data`: SVG's path data.
  void path(std::string_view data, std::string_view classes, double opacity = 1);
  enum class Anchor { Start, Middle, End };
  void text(Point at, std::string_view text, Anchor anchor, std::string_view classes, bool upwards = false);

  double getWidth() const { return width; }
  /// The element.
  std::string finish() const;

private:
  void shape(const std::string &element, std::string_view classes, std::string_view title);

  std::string content;
  double width, height;
  std::string label;
};

/// A plane with two axes inside of a picture.
class Plane {
public:
  struct Area {
    double left, top, width, height;
  };
  Plane(Svg &svg, const Area &area, const Scale &x, const Scale &y) : svg(svg), area(area), x(x), y(y) {}

  /// Lines at the ticks, with their numbers.
  void drawX(const std::string &label, int ticks = 5);
  void drawY(const std::string &label, int ticks = 5);
  void drawFrame();

  double across(double value) const { return area.left + area.width * x.position(value); }
  double up(double value) const { return area.top + area.height * (1 - y.position(value)); }
  Point at(double xValue, double yValue) const { return {across(xValue), up(yValue)}; }
  /// The same, moved to the edge if it lies outside.
  Point clamped(double xValue, double yValue) const;

private:
  Svg &svg;
  Area area;
  Scale x, y;
};

} // namespace flowc::report

#endif // FLOWC_LIB_REPORT_SVG_H
