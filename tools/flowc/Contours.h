//===- Contours.h - Densities of two coordinates as a picture ---*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_CONTOURS_H
#define FLOWC_TOOLS_FLOWC_CONTOURS_H

#include "Axes.h"

namespace flowc::tool {

/// Densities of two coordinates, side by side on the same axes.
struct ContourFigure {
  /// One density.
  struct Panel {
    std::string label;
    Color color;
    /// Log-density, up to a constant, at the points of `gridPoints`.
    std::vector<double> logDensity;
    /// Row-major, two numbers each.
    std::vector<double> samples;
  };

  /// Points of the grid in each direction.
  static constexpr int size = 161;

  std::string title;
  std::vector<std::string> lines; ///< Below the title.
  std::vector<std::string> names; ///< Of the two coordinates.
  Range x, y;
  std::vector<Panel> panels;

  /// The points where densities are needed, row-major: y from low to high, in it x.
  std::vector<double> gridPoints() const;

  /// How many of these pairs of numbers lie outside of the axes.
  int64_t countCropped(const std::vector<double> &samples) const;

  /// Draws each density, lines around the smallest regions that hold 25, 50, 75, 90
  /// and 99 % of it (of what is in the picture), and samples.
  Expected<void> draw(const std::string &path) const;
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_CONTOURS_H
