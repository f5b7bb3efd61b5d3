//===- Figure.h - Marginals and losses as a picture -------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_FIGURE_H
#define FLOWC_TOOLS_FLOWC_FIGURE_H

#include "Canvas.h"

#include "flowc/Report.h"

#include <string>
#include <vector>

namespace flowc::tool {

/// Rows of data beside samples of a flow.
struct Figure {
  std::string title;
  std::string subtitle; ///< How many rows, how likely.
  std::vector<std::string> names, conditionNames;
  Rows<double> data; ///< May be empty.
  std::string dataLabel = "data", rowsName = "rows";
  Rows<double> samples;
  /// Of a conditional flow that is compared with data: what each row, and each sample, is
  /// conditioned on; else empty.
  Rows<double> conditions, sampleConditions;
  std::vector<double> trainLosses, valLosses;
  int64_t bestEpoch = 0;

  /// Draws what suits: columns against conditions with bands of quantiles; one column as a
  /// histogram, with quantiles against quantiles; of more columns all pairs, data below the
  /// diagonal, samples above (or below, if there is no data), both on it. Losses by epoch
  /// beneath.
  Expected<void> draw(const std::string &path) const;

  /// An axis for column `column` of both.
  Scale scaleOf(int64_t column) const;
};

/// So many columns, and so many conditions, have bands of quantiles.
inline constexpr size_t kMostBands = 6;

/// Pictures of a figure: each has a size, and is drawn with this corner.
class FigurePart {
public:
  virtual ~FigurePart() = default;
  virtual double width() const = 0;
  virtual double height() const = 0;
  virtual void draw(Canvas &canvas, double left, double top) const = 0;
  /// Rows and samples that lie beside the panels.
  struct Cropped {
    int64_t data = 0, samples = 0;
  };
  virtual Cropped cropped() const = 0;
};
std::unique_ptr<FigurePart> makePairs(const Figure &figure);
std::unique_ptr<FigurePart> makeColumn(const Figure &figure);
std::unique_ptr<FigurePart> makeBands(const Figure &figure);

/// Rows of which a column in one of `scales` is beside it.
int64_t countCropped(const Rows<double> &rows, const std::vector<Scale> &scales);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_FIGURE_H
