//===- Standardize.cpp - Data of mean 0 and variance 1 --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Standardize.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/Frontend/Support.h"
#include "flowc/Frontend/Warnings.h"
#include "flowc/Training/SupportMap.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

using namespace flowc;

/// The fewest digits that give `value` back as a number of type T.
template <typename T>
static std::string formatDigits(T value) {
  char digits[40];
  auto result = std::to_chars(digits, digits + sizeof(digits), value);
  return {digits, result.ptr};
}

template <typename T>
Expected<ColumnStatistics> flowc::computeStatistics(const T *rows, int64_t count, int64_t columns,
                                                    const std::vector<std::string> &names) {
  // Squares of numbers beyond 1e154 overflow: powers of two, which change no
  // digit, bring the columns to numbers below 2.
  std::vector<double> units(columns);
  auto scaled = [&](int64_t row, int64_t column) {
    return static_cast<double>(rows[row * columns + column]) / units[column];
  };
  for (int64_t column = 0; column < columns; ++column) {
    double most = 0;
    for (int64_t row = 0; row < count; ++row)
      most = std::max(most, std::abs(static_cast<double>(rows[row * columns + column])));
    units[column] = most > 0 ? std::ldexp(1.0, std::ilogb(most)) : 1.0;
  }
  ColumnStatistics statistics;
  statistics.mean.assign(columns, 0.0);
  statistics.deviation.assign(columns, 0.0);
  for (int64_t row = 0; row < count; ++row)
    for (int64_t column = 0; column < columns; ++column)
      statistics.mean[column] += scaled(row, column);
  for (double &mean : statistics.mean)
    mean /= static_cast<double>(count);
  // The second pass keeps the digits that a sum of squares would lose.
  for (int64_t row = 0; row < count; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      double difference = scaled(row, column) - statistics.mean[column];
      statistics.deviation[column] += difference * difference;
    }
  for (int64_t column = 0; column < columns; ++column) {
    double &mean = statistics.mean[column], &deviation = statistics.deviation[column];
    auto name = [&] {
      return column < static_cast<int64_t>(names.size()) ? "'" + names[column] + "'" : std::to_string(column);
    };
    deviation = std::sqrt(deviation / static_cast<double>(count));
    // Equal numbers may leave a rounding error of their mean.
    if (deviation <= 1e-12 * std::abs(mean) || deviation == 0)
      return Error{"column " + name() +
                   " is constant: it cannot be standardised and has no density; leave it out with "
                   "--columns"};
    mean *= units[column];
    deviation *= units[column];
    // Kernels take subnormal numbers for zero.
    if (deviation < static_cast<double>(std::numeric_limits<T>::min()))
      return Error{"column " + name() + " is too narrow to be standardised in " +
                   (sizeof(T) == 4 ? "float32" : "float64") + " (its standard deviation is " + formatDigits(deviation) +
                   "): measure it in a smaller unit, or leave it out with --columns"};
  }
  return statistics;
}

template Expected<ColumnStatistics> flowc::computeStatistics<float>(const float *, int64_t, int64_t,
                                                                    const std::vector<std::string> &);
template Expected<ColumnStatistics> flowc::computeStatistics<double>(const double *, int64_t, int64_t,
                                                                     const std::vector<std::string> &);

namespace {

/// An array literal of this shape. The digits of a float32 are enough, if it has
/// one: what matters is that the layer is well scaled, and that it is easy to read.
void writeArray(const Shape &shape, size_t axis, const double *&values, std::string &text) {
  if (axis == shape.size()) {
    double value = *values++;
    bool isFloat = value == 0 || (std::abs(value) <= std::numeric_limits<float>::max() &&
                                  std::abs(value) >= std::numeric_limits<float>::min());
    text += isFloat ? formatDigits(static_cast<float>(value)) : formatDigits(value);
    return;
  }
  text += '[';
  for (int64_t i = 0; i < shape[axis]; ++i) {
    if (i)
      text += ", ";
    writeArray(shape, axis + 1, values, text);
  }
  text += ']';
}

/// `non_trainable(affine(LOC, SCALE))`.
std::string frozenAffine(const Shape &shape, const std::vector<double> &loc, const std::vector<double> &scale) {
  return "non_trainable(affine(" + arrayLiteral(shape, loc) + ", " + arrayLiteral(shape, scale) + "))";
}

} // namespace

std::string flowc::arrayLiteral(const Shape &shape, const std::vector<double> &values) {
  std::string text;
  const double *at = values.data();
  writeArray(shape, 0, at, text);
  return text;
}

double flowc::scaleIntoSplines(const Flow &flow) {
  constexpr double farthest = 6;
  double scale = 1;
  for (const ExposedSpline &spline : findExposedSplines(flow.root()))
    if (double reach = std::min(-spline.lower, spline.upper); reach > 0)
      scale = std::min(scale, reach / farthest);
  return scale;
}

Expected<Flow> flowc::standardize(const Flow &flow, const ColumnStatistics *data, const ColumnStatistics *condition,
                                  double baseScale) {
  std::string inner = flow.name();
  if (condition) {
    const Shape &shape = *flow.condShape();
    // The embedding maps conditions to standardised ones: (c - mean) / deviation.
    std::vector<double> loc, scale;
    for (size_t i = 0; i < condition->mean.size(); ++i) {
      scale.push_back(1 / condition->deviation[i]);
      loc.push_back(-condition->mean[i] / condition->deviation[i]);
    }
    inner = "embed_condition(" + inner + ", " + frozenAffine(shape, loc, scale) +
            ", raw_cond_shape = " + formatShape(shape) + ")";
  }
  if (data) {
    auto split = splitSupport(Flow::Impl::of(flow).root);
    if (!split)
      return Error{"'" + flow.name() + "' has a support that none of its last bijections map all real numbers onto, " +
                   "or they have parameters to train: its data cannot be standardised"};
    bool hasMap = !split->maps.empty();
    inner = hasMap ? "unconstrained(" + inner + ")" : inner;
    if (baseScale != 1)
      inner = "after_base(" + inner + ", non_trainable(scale(" +
              arrayLiteral(flow.shape(), std::vector<double>(data->mean.size(), baseScale)) + ")))";
    std::vector<double> scale = data->deviation;
    for (double &unit : scale)
      unit /= baseScale;
    inner = "transformed(" + inner + ",\n    " + frozenAffine(flow.shape(), data->mean, scale) + ")";
    if (hasMap)
      inner = "transformed(" + inner + ",\n    support_map(" + flow.name() + "))";
  }
  auto [text, name] =
      addItem(flow.text(), flow.name() + "_data", "\n# Added by training: data in its own units.\nflow @ = " + inner);
  return Flow::parse(text, name, "standardised flow");
}
