//===- TableSupport.cpp - Columns with bounds -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TableSupport.h"

#include "flowc/Support/Format.h"
#include "flowc/Training/Standardize.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

using Form = ColumnMap::Form;

/// The inverse of softplus, and the logarithm of its slope.
static double softplusToLine(double y, double &logSlope) {
  double part = std::log(-std::expm1(-y));
  logSlope -= part;
  return y + part;
}

double ColumnMap::toLine(double x, double &logSlope) const {
  switch (form) {
  case Form::Line:
    return x;
  case Form::Exp:
    logSlope -= std::log(x - end);
    return std::log(x - end);
  case Form::Softplus:
    return scale * softplusToLine((x - end) / scale, logSlope);
  case Form::Below:
    return -scale * softplusToLine((end - x) / scale, logSlope);
  case Form::Sigmoid: {
    double share = (x - end) / scale;
    logSlope -= std::log(share) + std::log1p(-share) + std::log(scale);
    return std::log(share) - std::log1p(-share);
  }
  }
  return x;
}

/// The mean log-density of the values under the normal distribution of their u.
static double normalLikelihood(const ColumnMap &map, const Eigen::VectorXd &x) {
  double slopes = 0;
  Eigen::ArrayXd u = x.unaryExpr([&](double value) { return map.toLine(value, slopes); });
  double variance = (u - u.mean()).square().mean();
  return slopes / static_cast<double>(x.size()) - 0.5 * std::log(variance);
}

static ColumnMap chooseMap(const ColumnBounds &bounds, const Eigen::VectorXd &x) {
  if (!bounds.hasLower() && !bounds.hasUpper())
    return {};
  if (bounds.hasLower() && bounds.hasUpper())
    return {Form::Sigmoid, bounds.lower, bounds.upper - bounds.lower};
  double deviation = std::sqrt((x.array() - x.mean()).square().mean());
  double scale = deviation > 0 ? deviation : 1;
  if (bounds.hasUpper())
    return {Form::Below, bounds.upper, scale};
  ColumnMap exponential{Form::Exp, bounds.lower}, linear{Form::Softplus, bounds.lower, scale};
  return normalLikelihood(exponential, x) > normalLikelihood(linear, x) ? exponential : linear;
}

Expected<TableSupport> TableSupport::choose(const std::vector<ColumnBounds> &bounds, const Rows<double> &rows,
                                            const std::vector<std::string> &names) {
  TableSupport support;
  if (std::ranges::all_of(bounds, [](const ColumnBounds &one) { return one == ColumnBounds(); }))
    return support;
  for (size_t i = 0; i < bounds.size(); ++i) {
    auto column = rows.col(static_cast<Eigen::Index>(i));
    auto isOutside = [&](double x) { return !(x > bounds[i].lower && x < bounds[i].upper); };
    if (auto found = std::ranges::find_if(column, isOutside); found != column.end())
      return Error{"column " + (i < names.size() ? "'" + names[i] + "'" : std::to_string(i)) + " has the value " +
                   formatNumber(*found) + ", which is not within its bounds"};
    support.maps.push_back(chooseMap(bounds[i], column));
  }
  return support;
}

Eigen::VectorXd TableSupport::toLine(Rows<double> &rows) const {
  Eigen::VectorXd slopes = Eigen::VectorXd::Zero(rows.rows());
  for (size_t i = 0; i < maps.size(); ++i)
    for (Eigen::Index row = 0; row < rows.rows(); ++row) {
      double &value = rows(row, static_cast<Eigen::Index>(i));
      value = maps[i].toLine(value, slopes[row]);
    }
  return slopes;
}

//===----------------------------------------------------------------------===//
// In the language
//===----------------------------------------------------------------------===//

namespace {

/// Writes maps of columns one after the other, those of one shape together.
class MapWriter {
public:
  explicit MapWriter(const std::vector<ColumnMap> &maps) : maps(maps) {}

  /// A bijection of all columns; items that it needs go before.
  std::string write() {
    std::string pieces;
    for (size_t from = 0, to; from < maps.size(); from = to) {
      for (to = from + 1; to < maps.size() && maps[to].form == maps[from].form && maps[to].form != Form::Below;)
        ++to;
      pieces += (from ? ",\n    " : "") + writePiece(from, to);
    }
    return "concatenate([" + pieces + "])";
  }
  std::string items;

private:
  std::string writePiece(size_t from, size_t to);

  const std::vector<ColumnMap> &maps;
};

} // namespace

std::string MapWriter::writePiece(size_t from, size_t to) {
  auto count = static_cast<int64_t>(to - from);
  std::vector<double> ends, scales, inverses;
  for (size_t i = from; i < to; ++i) {
    ends.push_back(maps[i].end);
    scales.push_back(maps[i].scale);
    inverses.push_back(1 / maps[i].scale);
  }
  auto affine = [&](const std::vector<double> &loc, const std::vector<double> &scale) {
    return "non_trainable(affine(" + arrayLiteral({count}, loc) + ", " + arrayLiteral({count}, scale) + "))";
  };
  std::string shape = "([" + std::to_string(count) + "])";
  switch (maps[from].form) {
  case Form::Line:
    return "identity" + shape;
  case Form::Exp:
    return "chain([exp" + shape + ", " + affine(ends, scales) + "])";
  case Form::Softplus:
    return "chain([" + affine(std::vector<double>(ends.size()), inverses) + ", softplus" + shape + ", " +
           affine(ends, scales) + "])";
  case Form::Sigmoid:
    return "chain([sigmoid" + shape + ", " + affine(ends, scales) + "])";
  case Form::Below:
    break;
  }
  std::string name = "below_" + std::to_string(from), scale = arrayLiteral({}, scales);
  items += "bijection " + name + "(x) = " + arrayLiteral({}, ends) + " - " + scale + "*softplus(-x/" + scale + ")\n";
  return "vmap(" + name + "(), axis_size = 1)";
}

std::string TableSupport::put(const std::string &text, const std::string &name) const {
  if (isLine())
    return text;
  MapWriter writer(maps);
  std::string map = writer.write();
  return writer.items + text + "\n# Onto where columns have their values.\nflow " + name + "_bounded = transformed(" +
         name + ", " + map + ")\n";
}
