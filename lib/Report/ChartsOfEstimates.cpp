//===- ChartsOfEstimates.cpp - Likelihoods, losses, coverage, bands -------===//
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

std::string report::drawEstimates(const std::vector<Estimate> &estimates, const std::string &axis) {
  constexpr double width = 400, line = 34, top = 4;
  double height = line * static_cast<double>(estimates.size());
  Svg svg(width, top + height + 34, "Likelihoods with standard errors");
  double low = estimates.front().value, high = low;
  for (const Estimate &estimate : estimates) {
    low = std::min(low, estimate.value - 2 * estimate.error);
    high = std::max(high, estimate.value + 2 * estimate.error);
  }
  Scale x = scaleOf({low, high}), y{0, 1};
  Plane plane(svg, {8, top, width - 16, height}, x, y);
  plane.drawX(axis, 5);
  for (size_t i = 0; i < estimates.size(); ++i) {
    // The label stands above the line, where there is room for it on any screen.
    const Estimate &estimate = estimates[i];
    double at = top + line * static_cast<double>(i);
    std::string classes = estimate.isModel ? "model" : "data";
    bool isRight = x.position(estimate.value) > 0.5;
    svg.text({isRight ? width - 14 : 14, at + 13}, estimate.label, isRight ? Svg::Anchor::End : Svg::Anchor::Start,
             estimate.isModel ? "axis strong" : "axis");
    svg.line({plane.across(estimate.value - 2 * estimate.error), at + 24},
             {plane.across(estimate.value + 2 * estimate.error), at + 24}, classes + " stroke");
    svg.circle({plane.across(estimate.value), at + 24}, 4, classes + " dot",
               estimate.label + ": " + formatWithError(estimate.value, estimate.error, "\u00b1"));
  }
  plane.drawFrame();
  return svg.finish();
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// The range of losses without the first ones, which may be far off.
static Scale lossScale(const TrainingRecord &record) {
  double low = INFINITY, high = -INFINITY;
  for (const std::vector<double> *losses : {&record.trainLosses, &record.valLosses})
    for (size_t i = losses->size() > 10 ? losses->size() / 20 : 0; i < losses->size(); ++i)
      if (std::isfinite((*losses)[i])) {
        low = std::min(low, (*losses)[i]);
        high = std::max(high, (*losses)[i]);
      }
  return scaleOf({low, high});
}

std::string report::drawLosses(const TrainingRecord &record) {
  Svg svg(480, 250, "Losses by epoch");
  Scale y = lossScale(record);
  auto last = static_cast<double>(std::max(record.trainLosses.size(), record.valLosses.size()));
  Plane plane(svg, {56, 8, 416, 204}, {1, std::max(2.0, last)}, y);
  plane.drawX(record.steps > 0 ? "evaluation" : "epoch", 7);
  plane.drawY("loss, nats per row");
  if (record.bestEpoch > 0)
    svg.line(plane.at(static_cast<double>(record.bestEpoch), y.low),
             plane.at(static_cast<double>(record.bestEpoch), y.high), "reference");
  auto curve = [&](const std::vector<double> &losses, std::string_view classes) {
    std::vector<Point> points;
    size_t stride = std::max<size_t>(1, losses.size() / 1000);
    for (size_t i = 0; i < losses.size(); i += stride)
      if (double position = y.position(losses[i]); position >= 0 && position <= 1)
        points.push_back(plane.at(static_cast<double>(i + 1), losses[i]));
    if (!points.empty())
      svg.polyline(points, classes);
  };
  curve(record.trainLosses, "data stroke");
  curve(record.valLosses, "model stroke");
  plane.drawFrame();
  return svg.finish();
}

//===----------------------------------------------------------------------===//
// Coverage
//===----------------------------------------------------------------------===//

std::string report::drawCoverage(const std::vector<CoverageReport> &coverage) {
  constexpr double group = 84;
  Svg svg(480, 260, "Share of rows in intervals of the model, less the nominal share");
  double most = 0;
  for (const CoverageReport &report : coverage)
    for (const Coverage &level : report.levels)
      most = std::max(most, 100 * (std::abs(level.share() - level.level) + 2 * level.error()));
  Scale y = scaleOf({-most, most}), x{0, static_cast<double>(kCoverageLevels.size())};
  Plane plane(svg, {50, 8, group * 5, 208}, x, y);
  plane.drawY("found less nominal, % points");
  for (size_t level = 0; level < kCoverageLevels.size(); ++level) {
    auto at = static_cast<double>(level);
    svg.text({plane.across(at + 0.5), 230}, print("%g %%", 100 * kCoverageLevels[level]), Svg::Anchor::Middle, "tick");
    if (level > 0)
      svg.line(plane.at(at, y.low), plane.at(at, y.high), "grid");
    for (size_t i = 0; i < coverage.size(); ++i) {
      const Coverage &found = coverage[i].levels[level];
      double place = at + 0.08 + 0.84 * (static_cast<double>(i) + 0.5) / static_cast<double>(coverage.size());
      double difference = 100 * (found.share() - found.level), error = 100 * found.error();
      std::string classes = i + 1 == coverage.size() ? "model" : "data";
      svg.line(plane.at(place, difference - 2 * error), plane.at(place, difference + 2 * error), classes + " stroke");
      svg.circle(plane.at(place, difference), 3, classes + " dot",
                 coverage[i].label + print(": %.1f %% of %g %%", 100 * found.share(), 100 * found.level));
    }
  }
  svg.line(plane.at(x.low, 0), plane.at(x.high, 0), "reference");
  svg.text({50 + group * 2.5, 247}, "nominal share of the interval", Svg::Anchor::Middle, "axis");
  plane.drawFrame();
  return svg.finish();
}

//===----------------------------------------------------------------------===//
// Bands
//===----------------------------------------------------------------------===//

std::string report::drawBand(const BandReport &band, const std::string &column, const std::string &condition) {
  Svg svg(320, 230, column + " against " + condition + ", with quantiles");
  Plane plane(svg, {56, 8, 256, 182}, band.x, band.y);
  plane.drawX(condition + (band.x.logarithmic ? " (logarithmic)" : ""));
  plane.drawY(column + (band.y.logarithmic ? " (logarithmic)" : ""));
  auto isInside = [](double position) { return position >= 0 && position <= 1; };
  for (const auto &[x, y] : band.points)
    if (isInside(band.x.position(x)) && isInside(band.y.position(y)))
      svg.circle(plane.at(x, y), 1.3, "data faint");
  std::vector<Point> area, median;
  for (const BandReport::Bin &bin : band.bins) {
    area.push_back(plane.clamped(bin.middle, bin.model[0]));
    median.push_back(plane.clamped(bin.middle, bin.model[1]));
  }
  for (auto bin = band.bins.rbegin(); bin != band.bins.rend(); ++bin)
    area.push_back(plane.clamped(bin->middle, bin->model[2]));
  svg.polygon(area, "model area");
  svg.polyline(median, "model stroke");
  for (const BandReport::Bin &bin : band.bins) {
    std::string title = print("%.4g to %.4g, ", bin.from, bin.to) + formatCount(bin.rows) +
                        print(" rows: median %.4g, model %.4g", bin.data[1], bin.model[1]);
    svg.line(plane.clamped(bin.middle, bin.data[0]), plane.clamped(bin.middle, bin.data[2]), "data stroke");
    svg.circle(plane.clamped(bin.middle, bin.data[1]), 3, "data dot", title);
  }
  plane.drawFrame();
  return svg.finish();
}
