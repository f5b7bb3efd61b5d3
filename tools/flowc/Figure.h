//===- Figure.h - Marginals and losses as a picture -------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_FIGURE_H
#define FLOWC_TOOLS_FLOWC_FIGURE_H

#include "flowc/Support/Expected.h"

#include <string>
#include <vector>

namespace flowc::tool {

/// What `flowc plot` shows.
struct Figure {
  std::string title;
  /// Names of the columns; both sets are row-major with as many numbers a row.
  std::vector<std::string> names;
  std::vector<double> data; ///< May be empty.
  std::string dataLabel = "data";
  std::vector<double> samples;
  std::vector<double> trainLosses, valLosses;
  int64_t bestEpoch = 0;

  /// Draws all pairs of marginals: data below the diagonal, samples above (or
  /// below, if there is no data), both on it; losses by epoch beneath.
  Expected<void> draw(const std::string &path) const;
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_FIGURE_H
