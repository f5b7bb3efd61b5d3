//===- Axes.cpp - Scales of pictures, and their ticks ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Report/Axes.h"

#include "Svg.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace flowc;
using namespace flowc::report;

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

/// Whether a byte of UTF-8 begins a character.
static bool beginsCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

size_t report::countCharacters(const std::string &text) {
  return static_cast<size_t>(std::ranges::count_if(text, beginsCharacter));
}

std::string report::fitName(const std::string &name, double extent) {
  constexpr double letter = 7.6; // The width of a wide font of axes.
  auto most = static_cast<size_t>(std::max(3.0, extent / letter));
  std::vector<size_t> begins; // Of characters in UTF-8.
  for (size_t i = 0; i < name.size(); ++i)
    if (beginsCharacter(name[i]))
      begins.push_back(i);
  if (begins.size() <= most)
    return name;
  size_t last = most / 2, first = most - 1 - last;
  return name.substr(0, begins[first]) + "\u2026" + name.substr(begins[begins.size() - last]);
}

//===----------------------------------------------------------------------===//
// Ticks
//===----------------------------------------------------------------------===//

/// Powers of ten, and of few decades twice and five times these.
static std::vector<double> logarithmicTicks(const Scale &scale, int count) {
  double decades = std::log10(scale.high / scale.low);
  double stride = std::max(1.0, std::ceil(decades / count));
  std::vector<double> ticks;
  for (double power = std::floor(std::log10(scale.low)); power <= std::log10(scale.high); power += stride)
    for (double factor : {1.0, 2.0, 5.0})
      if (double tick = factor * std::pow(10, power);
          tick >= scale.low && tick <= scale.high && (factor == 1 || decades < 1.6))
        ticks.push_back(tick);
  return ticks;
}

std::vector<double> report::ticksOf(const Scale &scale, int count) {
  if (scale.logarithmic)
    return logarithmicTicks(scale, count);
  double step = (scale.high - scale.low) / count, power = std::pow(10, std::floor(std::log10(step)));
  double mantissa = step / power;
  step = power * (mantissa < 1.5 ? 1 : mantissa < 3.2 ? 2 : mantissa < 7 ? 5 : 10); // The nearest, by ratio.
  std::vector<double> ticks;
  auto first = std::ceil(scale.low / step - 1e-9);
  for (double i = first; i * step <= scale.high + 1e-9 * step && ticks.size() < 20; ++i)
    ticks.push_back(i == 0 ? 0 : i * step);
  return ticks;
}

/// With a minus that is as wide as a plus.
static std::string withMinus(const std::string &text) {
  return text.starts_with('-') ? "\u2212" + text.substr(1) : text;
}

/// Ten to a power, as people write it.
static std::string powerOfTen(int exponent) {
  static constexpr const char *digits[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                           "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
  std::string text = exponent < 0 ? "10\u207b" : "10";
  for (char digit : std::to_string(std::abs(exponent)))
    text += digits[digit - '0'];
  return text;
}

static std::vector<std::string> textsOf(const std::vector<double> &values, double offset, double factor) {
  std::vector<std::string> texts;
  for (double value : values) {
    double shown = (value - offset) / factor;
    texts.push_back(withMinus(print("%.10g", std::abs(shown) < 1e-9 ? 0 : shown)));
  }
  return texts;
}

static size_t longest(const std::vector<std::string> &texts) {
  size_t most = 0;
  for (const std::string &text : texts)
    most = std::max(most, countCharacters(text));
  return most;
}

static Ticks labelLogarithmic(std::vector<double> values) {
  Ticks ticks{std::move(values), {}, {}};
  for (double value : ticks.values) {
    auto exponent = static_cast<int>(std::lround(std::log10(value)));
    bool isPower = std::abs(value / std::pow(10, exponent) - 1) < 1e-6;
    ticks.texts.push_back(isPower && std::abs(exponent) >= 3 ? powerOfTen(exponent) : print("%.3g", value));
  }
  return ticks;
}

static Ticks labelLinear(std::vector<double> values) {
  constexpr size_t shortest = 5; // What there is room for beside an axis.
  Ticks ticks{std::move(values), {}, {}};
  double most = 0, offset = 0, factor = 1;
  for (double value : ticks.values)
    most = std::max(most, std::abs(value));
  ticks.texts = textsOf(ticks.values, 0, 1);
  if (longest(ticks.texts) <= shortest || most == 0)
    return ticks;
  double step = ticks.values.size() > 1 ? ticks.values[1] - ticks.values[0] : most;
  if (step < 0.01 * most) {
    offset = ticks.values[ticks.values.size() / 2];
    most = std::max(offset - ticks.values.front(), ticks.values.back() - offset);
    ticks.suffix = std::string(offset < 0 ? " + " : " \u2212 ") + print("%.12g", std::abs(offset));
    ticks.texts = textsOf(ticks.values, offset, 1);
  }
  if (longest(ticks.texts) > shortest) {
    auto exponent = static_cast<int>(std::floor(std::log10(most)));
    factor = std::pow(10, exponent);
    ticks.suffix += " / " + powerOfTen(exponent);
    ticks.texts = textsOf(ticks.values, offset, factor);
  }
  return ticks;
}

Ticks report::labelTicks(const Scale &scale, int count, double extent) {
  constexpr double letter = 6.6, gap = 7;
  for (;; --count) {
    std::vector<double> values = ticksOf(scale, count);
    Ticks ticks = scale.logarithmic ? labelLogarithmic(std::move(values)) : labelLinear(std::move(values));
    double width = letter * static_cast<double>(longest(ticks.texts)) + gap;
    bool fits = true;
    for (size_t i = 1; i < ticks.values.size(); ++i)
      fits &= extent * (scale.position(ticks.values[i]) - scale.position(ticks.values[i - 1])) >= width;
    if (fits || count == 1 || extent == 0)
      return ticks;
  }
}

Scale report::scaleOf(std::initializer_list<double> values) {
  Scale scale{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (double value : values)
    if (std::isfinite(value)) {
      scale.low = std::min(scale.low, value);
      scale.high = std::max(scale.high, value);
    }
  if (scale.low > scale.high)
    return {};
  double margin = std::max(0.05 * (scale.high - scale.low), 1e-9 + 1e-6 * std::abs(scale.high));
  return {scale.low - margin, scale.high + margin};
}
