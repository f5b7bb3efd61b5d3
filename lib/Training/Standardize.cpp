//===- Standardize.cpp - Data of mean 0 and variance 1 --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Standardize.h"

#include "flowc/Frontend/Support.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace flowc;

template <typename T>
Expected<ColumnStatistics> flowc::computeStatistics(const T *rows, int64_t count, int64_t columns,
                                                    const std::vector<std::string> &names) {
  ColumnStatistics statistics;
  statistics.mean.assign(columns, 0.0);
  statistics.deviation.assign(columns, 0.0);
  for (int64_t row = 0; row < count; ++row)
    for (int64_t column = 0; column < columns; ++column)
      statistics.mean[column] += static_cast<double>(rows[row * columns + column]);
  for (double &mean : statistics.mean)
    mean /= static_cast<double>(count);
  // The second pass keeps the digits that a sum of squares would lose.
  for (int64_t row = 0; row < count; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      double difference = static_cast<double>(rows[row * columns + column]) - statistics.mean[column];
      statistics.deviation[column] += difference * difference;
    }
  for (int64_t column = 0; column < columns; ++column) {
    double &deviation = statistics.deviation[column];
    deviation = std::sqrt(deviation / static_cast<double>(count));
    // Equal numbers may leave a rounding error of their mean.
    if (deviation <= 1e-12 * std::abs(statistics.mean[column]) || deviation == 0) {
      std::string name =
          column < static_cast<int64_t>(names.size()) ? "'" + names[column] + "'" : std::to_string(column);
      return Error{"column " + name +
                   " is constant: it cannot be standardised and has no density; leave it out with "
                   "--columns"};
    }
  }
  return statistics;
}

template Expected<ColumnStatistics> flowc::computeStatistics<float>(const float *, int64_t, int64_t,
                                                                    const std::vector<std::string> &);
template Expected<ColumnStatistics> flowc::computeStatistics<double>(const double *, int64_t, int64_t,
                                                                     const std::vector<std::string> &);

namespace {

/// An array literal of this shape. The digits of a float32 are enough: what
/// matters is that the layer is well scaled, and that it is easy to read.
void writeArray(const Shape &shape, size_t axis, const double *&values, std::string &text) {
  if (axis == shape.size()) {
    char digits[40];
    auto result = std::to_chars(digits, digits + sizeof(digits), static_cast<float>(*values++));
    text.append(digits, result.ptr);
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
  std::string text = "non_trainable(affine(";
  const double *values = loc.data();
  writeArray(shape, 0, values, text);
  text += ", ";
  values = scale.data();
  writeArray(shape, 0, values, text);
  return text + "))";
}

} // namespace

bool flowc::supportsAllReals(const Flow &flow) { return getSupport(flow.root()).isAllReals(); }

Expected<Flow> flowc::standardize(const Flow &flow, const ColumnStatistics &data, const ColumnStatistics *condition) {
  std::string inner = flow.name();
  if (condition) {
    const Shape &shape = *flow.condShape();
    // The embedding maps conditions to standardised ones: (c - mean) / deviation.
    std::vector<double> loc, scale;
    for (size_t i = 0; i < condition->mean.size(); ++i) {
      scale.push_back(1 / condition->deviation[i]);
      loc.push_back(-condition->mean[i] / condition->deviation[i]);
    }
    std::string rawShape;
    for (int64_t extent : shape)
      rawShape += (rawShape.empty() ? "" : ", ") + std::to_string(extent);
    inner =
        "embed_condition(" + inner + ", " + frozenAffine(shape, loc, scale) + ", raw_cond_shape = [" + rawShape + "])";
  }
  std::string text = flow.text();
  std::string name = flow.name() + "_data";
  while (text.find(name) != std::string::npos)
    name += '_';
  if (!text.empty() && text.back() != '\n')
    text += '\n';
  text += "\n# Added by training: data in its own units.\nflow " + name + " = transformed(" + inner + ",\n    " +
          frozenAffine(flow.shape(), data.mean, data.deviation) + ")\n";
  return Flow::parse(text, name, "standardised flow");
}
