//===- Standardize.cpp - Data of mean 0 and variance 1 --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Standardize.h"

#include "DataUnits.h"

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

namespace {

/// What is known of a column of some rows. Squares of numbers beyond 1e154 overflow:
/// `mean` and `squares` are of numbers divided by `unit`, a power of two, which changes
/// no digit and leaves them below 2.
struct ColumnMoments {
  double unit = 1, mean = 0;
  double squares = 0; ///< The sum of the squares of the differences to the mean.
};

/// Columns of as many rows.
struct Moments {
  int64_t count = 0;
  std::vector<ColumnMoments> columns;
};

template <typename T>
Moments momentsOf(const T *rows, int64_t count, int64_t columns) {
  Moments moments{count, std::vector<ColumnMoments>(static_cast<size_t>(columns))};
  std::vector<double> most(static_cast<size_t>(columns));
  auto forEach = [&](const auto &visit) {
    for (int64_t row = 0; row < count; ++row)
      for (int64_t column = 0; column < columns; ++column)
        visit(column, static_cast<double>(rows[row * columns + column]), moments.columns[column]);
  };
  forEach(
      [&](int64_t column, double value, ColumnMoments &) { most[column] = std::max(most[column], std::abs(value)); });
  for (int64_t column = 0; column < columns; ++column)
    moments.columns[column].unit =
        most[column] > 0 ? std::ldexp(1.0, std::ilogb(most[column])) : std::numeric_limits<double>::min();
  forEach([](int64_t, double value, ColumnMoments &to) { to.mean += value / to.unit; });
  for (ColumnMoments &column : moments.columns)
    column.mean /= static_cast<double>(count);
  // Another look keeps the digits that a sum of squares would lose.
  forEach([](int64_t, double value, ColumnMoments &to) {
    double difference = value / to.unit - to.mean;
    to.squares += difference * difference;
  });
  return moments;
}

/// Of all rows of both (T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a
/// pairwise algorithm for computing sample variances", 1979).
Moments merged(const Moments &a, const Moments &b) {
  Moments both{a.count + b.count, {}};
  double shareOfB = static_cast<double>(b.count) / static_cast<double>(both.count);
  for (size_t i = 0; i < a.columns.size(); ++i) {
    const ColumnMoments &left = a.columns[i], &right = b.columns[i];
    double unit = std::max(left.unit, right.unit), toLeft = left.unit / unit, toRight = right.unit / unit;
    double difference = right.mean * toRight - left.mean * toLeft;
    both.columns.push_back({unit, left.mean * toLeft + difference * shareOfB,
                            left.squares * toLeft * toLeft + right.squares * toRight * toRight +
                                difference * difference * shareOfB * static_cast<double>(a.count)});
  }
  return both;
}

/// Merges blocks like a binary counter: of each power of two at most one sum is kept.
class MomentsTree {
public:
  void add(Moments moments) {
    size_t level = 0;
    for (; level < levels.size() && levels[level].count > 0; ++level)
      moments = merged(std::exchange(levels[level], {}), moments);
    if (level == levels.size())
      levels.emplace_back();
    levels[level] = std::move(moments);
  }
  Moments total() const {
    Moments sum;
    for (const Moments &level : levels)
      if (level.count > 0)
        sum = sum.count > 0 ? merged(level, sum) : level;
    return sum;
  }

private:
  std::vector<Moments> levels;
};

/// Of all rows; what cannot be standardised in `dtype` is an error.
Expected<ColumnStatistics> statisticsOf(const Moments &total, DType dtype, const std::vector<std::string> &names) {
  ColumnStatistics statistics;
  // Kernels take subnormal numbers for zero.
  double least = dtype == F32 ? std::numeric_limits<float>::min() : std::numeric_limits<double>::min();
  for (size_t i = 0; i < total.columns.size(); ++i) {
    auto [unit, mean, squares] = total.columns[i];
    std::string name = i < names.size() ? "'" + names[i] + "'" : std::to_string(i);
    double deviation = std::sqrt(squares / static_cast<double>(total.count));
    // Equal numbers may leave a rounding error of their mean.
    if (deviation <= 1e-12 * std::abs(mean) || deviation == 0)
      return Error{"column " + name +
                   " is constant: it cannot be standardised and has no density; leave it out with "
                   "--columns"};
    statistics.mean.push_back(mean * unit);
    statistics.deviation.push_back(deviation * unit);
    if (deviation * unit < least)
      return Error{"column " + name + " is too narrow to be standardised in " + elementTypeName(elementTypeOf(dtype)) +
                   " (its standard deviation is " + formatDigits(deviation * unit) +
                   "): measure it in a smaller unit, or leave it out with --columns"};
  }
  return statistics;
}

} // namespace

Expected<ColumnStatistics> flowc::computeStatistics(const RowsView &rows, const RowSubset &subset, DType dtype,
                                                    const std::vector<std::string> &names) {
  MomentsTree tree;
  auto add = [&](const void *block, int64_t count) -> Expected<void> {
    tree.add(dtype == F32 ? momentsOf(static_cast<const float *>(block), count, rows.columns())
                          : momentsOf(static_cast<const double *>(block), count, rows.columns()));
    return {};
  };
  if (auto ok = forEachBlock(rows, subset, dtype, add); !ok)
    return ok.takeError();
  return statisticsOf(tree.total(), dtype, names);
}

Expected<ColumnStatistics> flowc::computeStatistics(const RowsView &rows, const RowSubset &subset, DType dtype,
                                                    const std::vector<std::string> &names, const BlockMap &map) {
  MomentsTree tree;
  int64_t first = 0;
  auto add = [&](const void *block, int64_t count) -> Expected<void> {
    auto given = [&](const auto *numbers) -> Rows<double> {
      using T = std::remove_cvref_t<decltype(*numbers)>;
      return Eigen::Map<const Rows<T>>(numbers, count, rows.columns()).template cast<double>();
    };
    auto mapped =
        map(dtype == F32 ? given(static_cast<const float *>(block)) : given(static_cast<const double *>(block)), first);
    if (!mapped)
      return mapped.takeError();
    first += count;
    tree.add(momentsOf(mapped->data(), count, mapped->cols()));
    return {};
  };
  if (auto ok = forEachBlock(rows, subset, dtype, add); !ok)
    return ok.takeError();
  return statisticsOf(tree.total(), F64, names);
}

bool flowc::isCoarseInFloat32(double mean, double deviation) {
  constexpr double kMost = 0x1p-11;
  return deviation < std::numeric_limits<float>::min() ||
         std::abs(mean) * std::numeric_limits<float>::epsilon() > kMost * deviation;
}

Expected<bool> flowc::exceedsFloat32(std::initializer_list<RowsView> views) {
  bool exceeds = false;
  for (const RowsView &rows : views) {
    auto look = [&](const void *block, int64_t count) -> Expected<void> {
      std::span values(static_cast<const double *>(block), static_cast<size_t>(count * rows.columns()));
      exceeds |= std::ranges::any_of(values, [](double value) {
        return std::isfinite(value) && std::abs(value) > std::numeric_limits<float>::max();
      });
      return {};
    };
    if (rows)
      if (auto ok = forEachBlock(rows, *allRows(rows.rows()), F64, look); !ok)
        return ok.takeError();
  }
  return exceeds;
}

Expected<int64_t> flowc::findCoarseColumn(const RowsView &rows, const RowSubset &subset) {
  MomentsTree tree;
  auto add = [&](const void *block, int64_t count) -> Expected<void> {
    tree.add(momentsOf(static_cast<const double *>(block), count, rows.columns()));
    return {};
  };
  if (auto ok = forEachBlock(rows, subset, F64, add); !ok)
    return ok.takeError();
  Moments total = tree.total();
  for (size_t i = 0; i < total.columns.size(); ++i) {
    auto [unit, mean, squares] = total.columns[i];
    double deviation = std::sqrt(squares / static_cast<double>(total.count));
    // Constants differ by a rounding error of their mean.
    bool isConstant = deviation <= 1e-12 * std::abs(mean);
    if (isCoarseInFloat32(mean * unit, deviation * unit) && (!isConstant || rows.type() == ElementType::F32))
      return static_cast<int64_t>(i);
  }
  return -1;
}

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

Expected<Flow> flowc::inDataUnits(const Flow &flow, const std::string &layer, const std::string &afterBase,
                                  const ColumnStatistics *condition) {
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
  if (!layer.empty()) {
    auto split = splitSupport(Flow::Impl::of(flow).root);
    if (!split)
      return Error{"'" + flow.name() + "' has a support that none of its last bijections map all real numbers onto, " +
                   "or they have parameters to train: its data cannot be standardised"};
    bool hasMap = !split->maps.empty();
    inner = hasMap ? "unconstrained(" + inner + ")" : inner;
    if (!afterBase.empty())
      inner = "after_base(" + inner + ", " + afterBase + ")";
    inner = "transformed(" + inner + ",\n    " + layer + ")";
    if (hasMap)
      inner = "transformed(" + inner + ",\n    support_map(" + flow.name() + "))";
  }
  auto [text, name] =
      addItem(flow.text(), flow.name() + "_data", "\n# Added by training: data in its own units.\nflow @ = " + inner);
  return Flow::parse(text, name, "standardised flow");
}

Expected<Flow> flowc::standardize(const Flow &flow, const ColumnStatistics *data, const ColumnStatistics *condition,
                                  double baseScale) {
  if (!data)
    return inDataUnits(flow, /*layer=*/{}, /*afterBase=*/{}, condition);
  std::string afterBase;
  if (baseScale != 1)
    afterBase =
        "non_trainable(scale(" + arrayLiteral(flow.shape(), std::vector<double>(data->mean.size(), baseScale)) + "))";
  std::vector<double> scale = data->deviation;
  for (double &unit : scale)
    unit /= baseScale;
  return inDataUnits(flow, frozenAffine(flow.shape(), data->mean, scale), afterBase, condition);
}
