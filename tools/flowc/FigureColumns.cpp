//===- FigureColumns.cpp - One column, and columns against conditions -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Figure.h"
#include "ScalePanel.h"

#include "flowc/Report/Statistics.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::tool;

namespace {

constexpr double kPanelWidth = 320, kPanelHeight = 240, kBetween = 66, kBelow = 40;

Color lighter(const Color &color, double alpha) { return {color.red, color.green, color.blue, alpha}; }

/// A histogram, and quantiles against quantiles.
class OneColumn final : public FigurePart {
public:
  explicit OneColumn(const Figure &figure)
      : figure(figure), scale(figure.scaleOf(0)), data(report::sortedColumn(figure.data, 0)),
        samples(report::sortedColumn(figure.samples, 0)) {}

  double width() const override { return data.empty() ? kPanelWidth + 80 : 2 * kPanelWidth + kBetween; }
  double height() const override { return kPanelHeight + kBelow; }
  Cropped cropped() const override {
    return {countCropped(figure.data, {scale}), countCropped(figure.samples, {scale})};
  }
  void draw(Canvas &canvas, double left, double top) const override {
    drawHistogram(canvas, {left, top, data.empty() ? width() : kPanelWidth, kPanelHeight});
    if (!data.empty())
      drawQuantiles(canvas, {left + kPanelWidth + kBetween, top, kPanelWidth, kPanelHeight});
  }

private:
  void drawHistogram(Canvas &canvas, const Rectangle &area) const;
  void drawQuantiles(Canvas &canvas, const Rectangle &area) const;

  const Figure &figure;
  Scale scale;
  std::vector<double> data, samples;
};

void OneColumn::drawHistogram(Canvas &canvas, const Rectangle &area) const {
  auto rows = static_cast<double>(data.empty() ? samples.size() : data.size());
  auto count = std::clamp<int64_t>(std::lround(2 * std::cbrt(rows)), 8, 60);
  SharedBins bins = report::binColumn(data, samples, scale, count);
  auto percentages = [](const std::vector<int64_t> &counts, int64_t all) {
    std::vector<double> result;
    for (int64_t bin : counts)
      result.push_back(100 * static_cast<double>(bin) / static_cast<double>(std::max<int64_t>(1, all)));
    return result;
  };
  std::vector<double> ofData = percentages(bins.data, bins.dataRows),
                      ofSamples = percentages(bins.model, bins.modelRows);
  double most = std::max(std::ranges::max(ofData), std::ranges::max(ofSamples));
  ScalePanel plane(canvas, area, scale, {0, 1.06 * std::max(most, 1e-9)});
  double base = area.y + area.height;
  canvas.fillBelow(plane.outline(data.empty() ? ofSamples : ofData), base,
                   data.empty() ? lighter(sampleColor, 0.25) : lighter(dataColor, 0.35));
  canvas.line(plane.outline(ofSamples), sampleColor, 1.5);
  plane.drawX(figure.names[0], 6);
  plane.drawY("% of rows", 5);
  plane.drawFrame();
}

void OneColumn::drawQuantiles(Canvas &canvas, const Rectangle &area) const {
  std::vector<QuantilePair> pairs = report::compareQuantiles(data, samples);
  ScalePanel plane(canvas, area, scale, scale);
  std::vector<ScalePanel::Place> low, high;
  for (const QuantilePair &pair : pairs) {
    low.push_back(plane.clamped(pair.model, pair.low));
    high.push_back(plane.clamped(pair.model, pair.high));
  }
  canvas.line(low, lighter(sampleColor, 0.6), 0.8);
  canvas.line(high, lighter(sampleColor, 0.6), 0.8);
  canvas.line({plane.at(scale.low, scale.low), plane.at(scale.high, scale.high)}, faint, 0.8);
  for (const QuantilePair &pair : pairs)
    if (plane.contains(pair.model, pair.data)) {
      auto [x, y] = plane.at(pair.model, pair.data);
      canvas.fill({x - 1.7, y - 1.7, 3.4, 3.4}, dataColor);
    }
  plane.drawX("quantile of samples, with 95 % bands", 6);
  plane.drawY("quantile of " + figure.dataLabel, 5);
  plane.drawFrame();
}

/// Columns against conditions: quantiles at 10, 50 and 90 %.
class Bands final : public FigurePart {
public:
  explicit Bands(const Figure &figure) : figure(figure) {
    constexpr auto most = static_cast<int64_t>(kMostBands);
    report::ConditionedRows rows{figure.data, figure.conditions}, draws{figure.samples, figure.sampleConditions};
    for (int64_t column = 0; column < std::min(most, figure.data.cols()); ++column)
      for (int64_t condition = 0; condition < std::min(most, figure.conditions.cols()); ++condition)
        bands.push_back(report::compareBand(rows, draws, column, condition));
    across = std::min<size_t>({3, bands.size(), static_cast<size_t>(std::min(most, figure.conditions.cols()))});
  }

  double width() const override { return static_cast<double>(across) * (kPanelWidth + kBetween) - kBetween; }
  double height() const override {
    auto down = static_cast<double>((bands.size() + across - 1) / across);
    return down * (kPanelHeight + kBelow) + (down - 1) * gap;
  }
  Cropped cropped() const override {
    std::vector<Scale> scales(static_cast<size_t>(figure.data.cols()));
    for (int64_t column = 0; column < figure.data.cols(); ++column)
      scales[static_cast<size_t>(column)] = figure.scaleOf(column);
    return {countCropped(figure.data, scales), countCropped(figure.samples, scales)};
  }
  void draw(Canvas &canvas, double left, double top) const override {
    for (size_t i = 0; i < bands.size(); ++i)
      drawBand(canvas, bands[i],
               {left + static_cast<double>(i % across) * (kPanelWidth + kBetween),
                top + static_cast<double>(i / across) * (kPanelHeight + kBelow + gap), kPanelWidth, kPanelHeight});
  }

private:
  static constexpr double gap = 14;
  void drawBand(Canvas &canvas, const BandReport &band, const Rectangle &area) const;

  const Figure &figure;
  std::vector<BandReport> bands;
  size_t across = 1;
};

void Bands::drawBand(Canvas &canvas, const BandReport &band, const Rectangle &area) const {
  ScalePanel plane(canvas, area, band.x, band.y);
  for (const auto &[x, y] : band.points)
    if (plane.contains(x, y)) {
      auto place = plane.at(x, y);
      canvas.fill({place.first - 0.8, place.second - 0.8, 1.6, 1.6}, lighter(dataColor, 0.4));
    }
  for (size_t quantile = 0; quantile < 3; ++quantile) {
    std::vector<ScalePanel::Place> ofModel;
    for (const BandReport::Bin &bin : band.bins)
      ofModel.push_back(plane.clamped(bin.middle, bin.model[quantile]));
    canvas.line(ofModel, sampleColor, quantile == 1 ? 1.8 : 1.1);
  }
  for (const BandReport::Bin &bin : band.bins) {
    canvas.line({plane.clamped(bin.middle, bin.data[0]), plane.clamped(bin.middle, bin.data[2])}, dataColor, 1.1);
    auto [x, y] = plane.clamped(bin.middle, bin.data[1]);
    canvas.fill({x - 2, y - 2, 4, 4}, dataColor);
  }
  plane.drawX(figure.conditionNames[band.condition], 6);
  plane.drawY(figure.names[band.column], 5);
  plane.drawFrame();
}

} // namespace

std::unique_ptr<FigurePart> tool::makeColumn(const Figure &figure) { return std::make_unique<OneColumn>(figure); }
std::unique_ptr<FigurePart> tool::makeBands(const Figure &figure) { return std::make_unique<Bands>(figure); }
