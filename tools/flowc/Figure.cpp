//===- Figure.cpp - Marginals and losses as a picture ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Figure.h"

#include "LinePanel.h"

#include "flowc/Report/Statistics.h"
#include "flowc/Support/Format.h"

#include <algorithm>

using namespace flowc;
using namespace flowc::tool;

Scale Figure::scaleOf(int64_t column) const {
  std::vector<double> ofSamples = report::sortedColumn(samples, column),
                      ofData = data.rows() > 0 ? report::sortedColumn(data, column) : ofSamples;
  if (ofData.empty() || ofSamples.empty())
    return {};
  return report::chooseScale(ofData, ofSamples);
}

int64_t tool::countCropped(const Rows<double> &rows, const std::vector<Scale> &scales) {
  int64_t count = 0;
  for (int64_t row = 0; row < rows.rows(); ++row)
    for (int64_t column = 0; column < std::ssize(scales); ++column)
      if (double position = scales[column].position(rows(row, column)); !(position >= 0 && position <= 1)) {
        ++count;
        break;
      }
  return count;
}

/// Names what is drawn, and its colours, in lines of their own.
static void drawNames(const Figure &figure, Canvas &canvas, double left, const std::vector<std::string> &lines) {
  double x = left, y = drawHeading(canvas, left, figure.title, lines) + headingLine + 1;
  auto entry = [&](const std::string &label, const Color &color) {
    canvas.fill({x, y - 9, 11, 11}, color);
    canvas.text(x + 16, y, label, 10, ink);
    x += 16 + canvas.textWidth(label, 10) + 18;
  };
  bool hasData = figure.data.rows() > 0, hasPairs = figure.names.size() > 1 && figure.conditions.rows() == 0;
  if (hasData)
    entry(figure.dataLabel + (hasPairs ? " (below)" : ""), dataColor);
  entry(hasData && hasPairs ? "samples (above)" : "samples", sampleColor);
}

static void drawLosses(const Figure &figure, Canvas &canvas, const Rectangle &area) {
  LinePanel axes(canvas, area, 1, static_cast<double>(figure.trainLosses.size()),
                 LinePanel::rangeOf({figure.trainLosses, figure.valLosses}, false), false);
  axes.drawAxes("epoch", "loss");
  if (figure.bestEpoch > 0)
    axes.mark(static_cast<double>(figure.bestEpoch), faint);
  axes.curve(figure.trainLosses, trainColor, 1.4);
  axes.curve(figure.valLosses, validationColor, 1.4);
  axes.legend({{"training", trainColor}, {"validation", validationColor}});
}

Expected<void> Figure::draw(const std::string &path) const {
  constexpr double left = 58, right = 16, lossHeight = 130;
  std::unique_ptr<FigurePart> part = conditions.rows() > 0 ? makeBands(*this)
                                     : names.size() == 1   ? makeColumn(*this)
                                                           : makePairs(*this);
  std::vector<std::string> lines = {subtitle};
  auto [rows, drawn] = part->cropped();
  if (auto line = describeCropped(rows, rowsName, drawn))
    lines.push_back(*line);
  double top = 24 + headingLine * (static_cast<double>(lines.size()) + 1) + 14;
  double width = std::max(left + part->width() + right, 440.0);
  bool hasLosses = trainLosses.size() > 1;
  double height = top + part->height() + (hasLosses ? lossHeight + 58 : 0);
  auto canvas = Canvas::create(path, width, height);
  if (!canvas)
    return canvas.takeError();
  drawNames(*this, *canvas, left, lines);
  part->draw(*canvas, left, top);
  if (hasLosses)
    drawLosses(*this, *canvas, {left, top + part->height() + 22, width - left - right, lossHeight});
  return canvas->finish();
}
