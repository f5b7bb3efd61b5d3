//===- Svg.cpp - Pictures inside of a page --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Svg.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

using namespace flowc;
using namespace flowc::report;

std::string report::escapeHtml(std::string_view text) {
  std::string result;
  for (char byte : text)
    switch (byte) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    case '\'':
      result += "&#39;";
      break;
    default:
      bool isControl = (static_cast<unsigned char>(byte) < ' ' && byte != '\n' && byte != '\t') || byte == '\x7F';
      result += isControl ? '?' : byte;
    }
  return result;
}

/// A coordinate, to a tenth.
static std::string number(double value) {
  std::string text = print("%.1f", value);
  if (text.ends_with(".0"))
    text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

static std::string list(const std::vector<Point> &points) {
  std::string text;
  for (const Point &point : points)
    if (std::isfinite(point.x) && std::isfinite(point.y))
      text += (text.empty() ? "" : " ") + number(point.x) + "," + number(point.y);
  return text;
}

Svg::Svg(double width, double height, std::string_view label)
    : width(width), height(height), label(escapeHtml(label)) {}

void Svg::shape(const std::string &element, std::string_view classes, std::string_view title) {
  content += "<" + element + " class=\"" + std::string(classes) + "\"";
  auto tag = element.substr(0, element.find(' '));
  content += title.empty() ? "/>" : "><title>" + escapeHtml(title) + "</title></" + tag + ">";
}

void Svg::rectangle(Point corner, Point size, std::string_view classes, std::string_view title) {
  shape("rect x=\"" + number(corner.x) + "\" y=\"" + number(corner.y) + "\" width=\"" + number(size.x) +
            "\" height=\"" + number(size.y) + "\"",
        classes, title);
}

void Svg::line(Point from, Point to, std::string_view classes) {
  shape("line x1=\"" + number(from.x) + "\" y1=\"" + number(from.y) + "\" x2=\"" + number(to.x) + "\" y2=\"" +
            number(to.y) + "\"",
        classes, {});
}

void Svg::polyline(const std::vector<Point> &points, std::string_view classes) {
  shape("polyline points=\"" + list(points) + "\"", classes, {});
}

void Svg::polygon(const std::vector<Point> &points, std::string_view classes) {
  shape("polygon points=\"" + list(points) + "\"", classes, {});
}

void Svg::circle(Point center, double radius, std::string_view classes, std::string_view title) {
  shape("circle cx=\"" + number(center.x) + "\" cy=\"" + number(center.y) + "\" r=\"" + number(radius) + "\"", classes,
        title);
}

void Svg::path(std::string_view data, std::string_view classes, double opacity) {
  shape("path d=\"" + std::string(data) + "\" fill-opacity=\"" + print("%.3g", opacity) + "\"", classes, {});
}

void Svg::text(Point at, std::string_view text, Anchor anchor, std::string_view classes, bool upwards) {
  const char *name = anchor == Anchor::Start ? "start" : anchor == Anchor::Middle ? "middle" : "end";
  content += "<text x=\"" + number(at.x) + "\" y=\"" + number(at.y) + "\" text-anchor=\"" + name + "\" class=\"" +
             std::string(classes) + "\"";
  if (upwards)
    content += " transform=\"rotate(-90 " + number(at.x) + " " + number(at.y) + ")\"";
  content += ">" + escapeHtml(text) + "</text>";
}

std::string Svg::finish() const {
  return "<svg viewBox=\"0 0 " + number(width) + " " + number(height) + "\" role=\"img\" aria-label=\"" + label +
         "\">" + content + "</svg>\n";
}

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

void Plane::drawX(const std::string &label, int count) {
  double bottom = area.top + area.height;
  Ticks ticks = labelTicks(x, count, area.width);
  for (size_t i = 0; i < ticks.values.size(); ++i) {
    double at = across(ticks.values[i]), half = 3.3 * static_cast<double>(countCharacters(ticks.texts[i]));
    svg.line({at, area.top}, {at, bottom}, "grid");
    svg.text({std::min(at, svg.getWidth() - half), bottom + 13}, ticks.texts[i], Svg::Anchor::Middle, "tick");
  }
  svg.text({area.left + area.width / 2, bottom + 27}, fitName(label + ticks.suffix, area.width), Svg::Anchor::Middle,
           "axis");
}

void Plane::drawY(const std::string &label, int count) {
  Ticks ticks = labelTicks(y, count);
  for (size_t i = 0; i < ticks.values.size(); ++i) {
    double at = up(ticks.values[i]);
    svg.line({area.left, at}, {area.left + area.width, at}, "grid");
    svg.text({area.left - 5, at + 3.5}, ticks.texts[i], Svg::Anchor::End, "tick");
  }
  svg.text({11, area.top + area.height / 2}, fitName(label + ticks.suffix, area.height), Svg::Anchor::Middle, "axis",
           /*upwards=*/true);
}

void Plane::drawFrame() { svg.rectangle({area.left, area.top}, {area.width, area.height}, "frame"); }

Point Plane::clamped(double xValue, double yValue) const {
  auto inside = [](double value) { return std::clamp(value, 0.0, 1.0); };
  return {area.left + area.width * inside(x.position(xValue)),
          area.top + area.height * (1 - inside(y.position(yValue)))};
}
