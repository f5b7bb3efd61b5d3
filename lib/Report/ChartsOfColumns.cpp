//===- ChartsOfColumns.cpp - Histograms and quantiles ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Charts.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::report;

static constexpr double kWidth = 260, kHeight = 200;
static constexpr Plane::Area kArea = {56, 8, 196, 156};

/// The outline of bars over the bins of a scale.
static std::vector<Point> outline(const Plane &plane, const Scale &x, const std::vector<double> &heights) {
  std::vector<Point> points;
  auto count = static_cast<double>(heights.size());
  for (size_t bin = 0; bin < heights.size(); ++bin)
    for (size_t end : {bin, bin + 1})
      points.push_back(plane.at(x.valueAt(static_cast<double>(end) / count), heights[bin]));
  return points;
}

/// Shares of rows by bin, in per cent.
static std::vector<double> percentages(const std::vector<int64_t> &counts, int64_t rows) {
  std::vector<double> result;
  for (int64_t count : counts)
    result.push_back(100 * static_cast<double>(count) / static_cast<double>(std::max<int64_t>(1, rows)));
  return result;
}

std::string report::drawHistogram(const MarginalReport &marginal, const std::string &name) {
  std::vector<double> data = percentages(marginal.bins.data, marginal.bins.dataRows),
                      model = percentages(marginal.bins.model, marginal.bins.modelRows);
  double most = std::max(std::ranges::max(data), std::ranges::max(model));
  Svg svg(kWidth, kHeight, "Histogram of " + name + ", rows and draws of the model");
  Scale y{0, 1.06 * std::max(most, 1e-9)};
  Plane plane(svg, kArea, marginal.scale, y);
  plane.drawX(name + (marginal.scale.logarithmic ? " (logarithmic)" : ""));
  plane.drawY("% of rows", 4);
  std::vector<Point> area = outline(plane, marginal.scale, data);
  area.insert(area.begin(), plane.at(marginal.scale.low, 0));
  area.push_back(plane.at(marginal.scale.high, 0));
  svg.polygon(area, "data area");
  svg.polyline(outline(plane, marginal.scale, model), "model stroke");
  plane.drawFrame();
  return svg.finish();
}

std::string report::drawQuantiles(const MarginalReport &marginal, const std::string &name) {
  Svg svg(kWidth, kHeight, "Quantiles of " + name + ": rows against draws of the model");
  // As far as quantiles go, with the axis of the histogram.
  const auto &first = marginal.quantiles.front(), &last = marginal.quantiles.back();
  Scale scale = scaleOf({first.model, first.data, last.model, last.data});
  if (marginal.scale.logarithmic && std::min(first.model, first.data) > 0)
    scale = {0.9 * std::min(first.model, first.data), 1.1 * std::max(last.model, last.data), true};
  Plane plane(svg, kArea, scale, scale);
  plane.drawX("quantile of the model");
  plane.drawY("quantile of rows");
  std::vector<Point> band;
  for (const QuantilePair &pair : marginal.quantiles)
    band.push_back(plane.clamped(pair.model, pair.low));
  for (auto pair = marginal.quantiles.rbegin(); pair != marginal.quantiles.rend(); ++pair)
    band.push_back(plane.clamped(pair->model, pair->high));
  svg.polygon(band, "model area");
  svg.line(plane.at(scale.low, scale.low), plane.at(scale.high, scale.high), "reference");
  for (const QuantilePair &pair : marginal.quantiles)
    svg.circle(plane.at(pair.model, pair.data), 2.2, "data dot",
               print("%.3g %%: model %.5g, rows %.5g", 100 * pair.share, pair.model, pair.data));
  plane.drawFrame();
  return svg.finish();
}

std::string report::drawUniformity(const UniformityReport &uniform) {
  Svg svg(320, 200, "Histogram of the transform of " + uniform.label);
  auto count = static_cast<double>(uniform.counts.size());
  double expected = 100 / count, share = 1 / count;
  constexpr double normal99 = 2.5758293035489004;
  double spread = 100 * normal99 * std::sqrt(share * (1 - share) / static_cast<double>(uniform.rows));
  std::vector<double> heights = percentages(uniform.counts, uniform.rows);
  Scale unit{0, 1}, y{0, 1.1 * std::max(std::ranges::max(heights), expected + spread)};
  Plane plane(svg, {50, 8, 262, 152}, unit, y);
  plane.drawX(uniform.label);
  plane.drawY("% of rows", 4);
  for (size_t bin = 0; bin < heights.size(); ++bin) {
    Point from = plane.at(static_cast<double>(bin) / count, heights[bin]),
          to = plane.at(static_cast<double>(bin + 1) / count, 0);
    svg.rectangle({from.x + 0.5, from.y}, {to.x - from.x - 1, to.y - from.y}, "data area",
                  formatCount(uniform.counts[bin]) + " rows");
  }
  Point top = plane.at(0, expected + spread), bottom = plane.at(1, std::max(0.0, expected - spread));
  svg.rectangle(top, {bottom.x - top.x, bottom.y - top.y}, "model area");
  svg.line(plane.at(0, expected), plane.at(1, expected), "reference");
  plane.drawFrame();
  return svg.finish();
}
