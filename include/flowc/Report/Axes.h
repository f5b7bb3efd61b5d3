//===- Axes.h - Scales of pictures, and their ticks -------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_REPORT_AXES_H
#define FLOWC_REPORT_AXES_H

#include "flowc/Report.h"

namespace flowc::report {

/// Values for ticks: about `count` round numbers, or powers of ten.
std::vector<double> ticksOf(const Scale &scale, int count);
/// Ticks with short texts: of very large, very small or hardly different numbers a power of
/// ten or an offset goes into `suffix`, which belongs behind the name of the axis.
struct Ticks {
  std::vector<double> values;
  std::vector<std::string> texts;
  std::string suffix;
};
/// About `count` of them, or fewer, lest their texts meet along `extent` units (0: whatever
/// they are).
Ticks labelTicks(const Scale &scale, int count, double extent = 0);

/// A scale for `values` that are finite, with a margin.
Scale scaleOf(std::initializer_list<double> values);

/// Characters of a text in UTF-8.
size_t countCharacters(const std::string &text);

/// A name that fits into `extent` units of an axis: of a longer one, beginning and end.
std::string fitName(const std::string &name, double extent);

} // namespace flowc::report

#endif // FLOWC_REPORT_AXES_H
