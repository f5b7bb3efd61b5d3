//===- Contours.cpp - Densities of two coordinates as a picture -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contours.h"

#include <algorithm>
#include <cmath>
#include <functional>

using namespace flowc;
using namespace flowc::tool;

namespace {

using Point = std::pair<double, double>;
constexpr int size = ContourFigure::size;

/// Densities relative to the largest; what is no number counts as none.
std::vector<double> relativeDensity(const std::vector<double> &logDensity) {
  double most = -std::numeric_limits<double>::infinity();
  for (double value : logDensity)
    if (std::isfinite(value))
      most = std::max(most, value);
  std::vector<double> result;
  for (double value : logDensity)
    result.push_back(std::isfinite(value) ? std::exp(value - most) : 0);
  return result;
}

/// The density on the edge of the smallest region that holds `share` of all.
double levelOf(const std::vector<double> &density, double share) {
  std::vector<double> sorted = density;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double total = 0, sum = 0;
  for (double value : sorted)
    total += value;
  for (double value : sorted)
    if ((sum += value) >= share * total)
      return value;
  return 0;
}

/// Draws one density.
class PanelPainter {
public:
  PanelPainter(const ContourFigure &figure, const ContourFigure::Panel &panel, Canvas &canvas, const Rectangle &area)
      : figure(figure), panel(panel), canvas(canvas), area(area), density(relativeDensity(panel.logDensity)) {}

  void picture();
  void contour(double level);
  void samples();
  void axes(bool isFirst);

private:
  double at(int row, int column) const { return density[static_cast<size_t>(row * size + column)]; }
  /// Where `level` is crossed between two neighbours, on the canvas.
  Point crossing(double level, int row, int column, int otherRow, int otherColumn) const;

  const ContourFigure &figure;
  const ContourFigure::Panel &panel;
  Canvas &canvas;
  Rectangle area;
  std::vector<double> density;
};

void PanelPainter::picture() {
  std::vector<uint32_t> pixels;
  for (int row = size - 1; row >= 0; --row)
    for (int column = 0; column < size; ++column) // The root brings out the tails.
      pixels.push_back(shade(panel.color, 0.6 * std::sqrt(at(row, column))));
  canvas.image(area, pixels, size, size);
}

Point PanelPainter::crossing(double level, int row, int column, int otherRow, int otherColumn) const {
  double from = at(row, column), to = at(otherRow, otherColumn), t = (level - from) / (to - from);
  double x = column + t * (otherColumn - column), y = row + t * (otherRow - row);
  // Points of the grid are the centres of pixels.
  return {area.x + area.width * (x + 0.5) / size, area.y + area.height * (1 - (y + 0.5) / size)};
}

/// Marching squares: in each square of four neighbours, lines between those edges whose ends
/// lie on either side of the level.
void PanelPainter::contour(double level) {
  if (!(level > 0))
    return;
  constexpr int corners[5][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}, {0, 0}};
  const Color color{panel.color.red * 0.55, panel.color.green * 0.55, panel.color.blue * 0.55, 0.8};
  for (int row = 0; row + 1 < size; ++row)
    for (int column = 0; column + 1 < size; ++column) {
      std::vector<Point> points;
      for (int edge = 0; edge < 4; ++edge) {
        const int *from = corners[edge], *to = corners[edge + 1];
        int r = row + from[0], c = column + from[1], otherR = row + to[0], otherC = column + to[1];
        if ((at(r, c) >= level) != (at(otherR, otherC) >= level))
          points.push_back(crossing(level, r, c, otherR, otherC));
      }
      // Four crossings are two lines; either way to join them is right.
      for (size_t i = 0; i + 1 < points.size(); i += 2)
        canvas.line({points[i], points[i + 1]}, color, 0.9);
    }
}

void PanelPainter::samples() {
  constexpr size_t most = 1500;
  const Color color{ink.red, ink.green, ink.blue, 0.45};
  size_t count = std::min(most, panel.samples.size() / 2), step = std::max<size_t>(1, panel.samples.size() / 2 / most);
  for (size_t i = 0; i < count; ++i) {
    double x = figure.x.position(panel.samples[2 * i * step]), y = figure.y.position(panel.samples[2 * i * step + 1]);
    if (x >= 0 && x <= 1 && y >= 0 && y <= 1)
      canvas.fill({area.x + area.width * x - 0.6, area.y + area.height * (1 - y) - 0.6, 1.2, 1.2}, color);
  }
}

void PanelPainter::axes(bool isFirst) {
  constexpr double size = 9;
  canvas.frame(area, faint, 0.7);
  for (double tick : ticksOf(figure.x, 5)) {
    double x = area.x + area.width * figure.x.position(tick), base = area.y + area.height;
    canvas.line({{x, base}, {x, base + 3}}, faint, 0.7);
    canvas.text(x, base + 4 + size, tickText(tick), size, ink, Canvas::Align::Center);
  }
  for (double tick : ticksOf(figure.y, 5)) {
    double y = area.y + area.height * (1 - figure.y.position(tick));
    canvas.line({{area.x - 3, y}, {area.x, y}}, faint, 0.7);
    if (isFirst)
      canvas.text(area.x - 5, y + size / 3, tickText(tick), size, ink, Canvas::Align::Right);
  }
  canvas.text(area.x + area.width / 2, area.y + area.height + 12 + 2 * size, figure.names[0], size + 3, ink,
              Canvas::Align::Center);
  if (isFirst)
    canvas.text(14, area.y + area.height / 2, figure.names[1], size + 3, ink, Canvas::Align::Center, /*upwards=*/true);
  canvas.text(area.x + area.width / 2, area.y - 7, panel.label, 11, ink, Canvas::Align::Center);
}

} // namespace

std::vector<double> ContourFigure::gridPoints() const {
  std::vector<double> points;
  for (int row = 0; row < size; ++row)
    for (int column = 0; column < size; ++column) {
      points.push_back(x.low + (x.high - x.low) * (column + 0.5) / size);
      points.push_back(y.low + (y.high - y.low) * (row + 0.5) / size);
    }
  return points;
}

int64_t ContourFigure::countCropped(const std::vector<double> &samples) const {
  auto isShown = [](double position) { return position >= 0 && position <= 1; };
  int64_t count = 0;
  for (size_t i = 0; i + 1 < samples.size(); i += 2)
    count += !isShown(x.position(samples[i])) || !isShown(y.position(samples[i + 1]));
  return count;
}

Expected<void> ContourFigure::draw(const std::string &path) const {
  constexpr double left = 58, bottom = 46, right = 16, panelSize = 320, gap = 22;
  const double top = 62 + headingLine * static_cast<double>(lines.size());
  auto count = static_cast<double>(panels.size());
  auto canvas = Canvas::create(path, left + count * (panelSize + gap) - gap + right, top + panelSize + bottom);
  if (!canvas)
    return canvas.takeError();
  drawHeading(*canvas, left, title, lines);
  for (size_t i = 0; i < panels.size(); ++i) {
    PanelPainter painter(*this, panels[i], *canvas,
                         {left + static_cast<double>(i) * (panelSize + gap), top, panelSize, panelSize});
    painter.picture();
    for (double share : {0.25, 0.5, 0.75, 0.9, 0.99})
      painter.contour(levelOf(relativeDensity(panels[i].logDensity), share));
    painter.samples();
    painter.axes(i == 0);
  }
  return canvas->finish();
}
