//===- Axes.h - Scales of pictures ------------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_AXES_H
#define FLOWC_TOOLS_FLOWC_AXES_H

#include "Canvas.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flowc::tool {

inline constexpr Color ink{0.15, 0.17, 0.20}, faint{0.62, 0.65, 0.69}, grid{0.90, 0.91, 0.93};
inline constexpr Color dataColor{0.13, 0.40, 0.67}, sampleColor{0.85, 0.37, 0.05};

/// What an axis covers.
struct Range {
  double low = 0, high = 1;
  double position(double value) const { return (value - low) / (high - low); }
};

/// The range that holds all but a few thousandths of ascending values.
Range rangeOf(const std::vector<double> &sorted);

/// Round numbers in a range, about `count` of them.
std::vector<double> ticksOf(const Range &range, int count);
std::string tickText(double value);

/// The colour of a pixel, from white for `level` 0 by the full `color` to a dark one
/// for 1, as `Canvas::image` takes it.
uint32_t shade(const Color &color, double level);

/// From a line of a picture's heading to the next.
inline constexpr double headingLine = 16;

/// The heading of a picture: its title, and lines that say what is drawn; returns where the
/// last of them is. The title is at y = 24.
double drawHeading(Canvas &canvas, double left, const std::string &title, const std::vector<std::string> &lines);

/// Says how many rows and samples lie beside panels; nothing if none does. `rows` are called
/// `rowsName`.
std::optional<std::string> describeCropped(int64_t rows, const std::string &rowsName, int64_t samples);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_AXES_H
