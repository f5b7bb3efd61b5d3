//===- Canvas.h - Drawing to SVG and PNG ------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_CANVAS_H
#define FLOWC_TOOLS_FLOWC_CANVAS_H

#include "flowc/IO/File.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace flowc::tool {

struct Color {
  double red, green, blue, alpha = 1;
};

struct Rectangle {
  double x, y, width, height;
};

/// A picture of a given size; units are points from the upper left corner.
class Canvas {
public:
  /// The format follows the extension: .svg or .png (twice as many pixels).
  static Expected<Canvas> create(const std::string &path, double width, double height);
  Canvas(Canvas &&) noexcept;
  ~Canvas();

  enum class Align { Left, Center, Right };

  void fill(const Rectangle &area, const Color &color);
  void frame(const Rectangle &area, const Color &color, double lineWidth);
  void line(const std::vector<std::pair<double, double>> &points, const Color &color, double lineWidth);
  /// Fills the area between the points and the line y = `base`.
  void fillBelow(const std::vector<std::pair<double, double>> &points, double base, const Color &color);
  void text(double x, double y, const std::string &text, double size, const Color &color, Align align = Align::Left,
            bool upwards = false, bool bold = false);
  double textWidth(const std::string &text, double size);
  /// Pixels (0xAARRGGBB, alpha premultiplied), row by row from the top.
  void image(const Rectangle &area, const std::vector<uint32_t> &pixels, int columns, int rows);

  /// Writes the file.
  Expected<void> finish();

private:
  struct Impl;
  explicit Canvas(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_CANVAS_H
