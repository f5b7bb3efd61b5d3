//===- BoxIntegral.h - Integrals of densities, box by box -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The integral of a density over all of R^D, for D up to 3, that asks for nothing but
// its logarithm at points. Draws say where to look: each axis is cut at quantiles of
// theirs, the outermost intervals are infinite. On each box of that grid stands a
// product of Gauss-Legendre rules; boxes are halved where halving changes the result,
// and where the density at a draw is not what the rule has seen.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_VERIFICATION_BOXINTEGRAL_H
#define FLOWC_LIB_VERIFICATION_BOXINTEGRAL_H

#include "flowc/flowc.h"

#include <array>

namespace flowc::verification {

/// One coordinate, cut at `nodes`: interval i is below node i.
class Axis {
public:
  /// Cuts at quantiles of `values`, which are not empty.
  Axis(std::vector<double> values, int64_t intervals);

  int64_t intervals() const { return static_cast<int64_t>(nodes.size()) + 1; }
  /// Where `u` of (0, 1) is in an interval, and the slope there.
  std::pair<double, double> at(int64_t interval, double u) const;
  /// The interval and the place in it of a number.
  std::pair<int64_t, double> locate(double x) const;

private:
  std::vector<double> nodes;
  double below = 1, above = 1; ///< How long the tails are.
};

class BoxIntegral {
public:
  static constexpr int64_t mostDimensions = 3;
  using LogDensity = std::function<Expected<Column<double>>(const Rows<double> &)>;

  /// `draws` with their log-densities `logDensities` are where the density is looked for.
  BoxIntegral(LogDensity density, const Rows<double> &draws, const Column<double> &logDensities);

  /// Halves boxes until the error that this lowers is below `tolerance`, or the density has been asked for at
  /// `points` points.
  Expected<void> refine(double tolerance, int64_t points);

  /// The integral and what it may be off by, of everything or of a cell of the grid.
  struct Value {
    double integral = 0, error = 0;
  };
  Value total() const;
  /// Of each cell of the grid.
  std::vector<Value> cells() const;
  /// The cell that `x` lies in.
  int64_t locate(const Rows<double> &x, int64_t row) const;
  /// Points at which the log-density is NaN.
  int64_t undefined() const { return numUndefined; }

private:
  struct Box {
    int64_t cell = 0;
    std::array<int64_t, mostDimensions> interval = {};
    std::array<double, mostDimensions> low = {}, high = {1, 1, 1};
    /// What halving its parent changed, its share of that.
    double integral = 0, change = 0;
    /// By how much the density varies along each axis.
    std::array<double, mostDimensions> roughness = {};
    /// The largest density of its draws, in the coordinates of the box.
    double peak = 0;
    /// What its neighbours let suspect of it.
    double hidden = 0;
    std::vector<int32_t> draws;

    double size(int64_t axis) const { return high[axis] - low[axis]; }
  };

  Expected<void> evaluate(std::vector<Box> &boxes);
  void sum(Box &box, const double *logDensities, const std::vector<double> &logSlopes);
  int64_t chooseAxis(const Box &box) const;
  std::array<Box, 2> halve(const Box &box) const;
  /// What is not known of its integral.
  double doubt(const Box &box) const;
  double unseen(const Box &box) const;
  double unvisited() const;
  void findPeak(Box &box) const;
  std::vector<size_t> choose(const std::vector<double> &doubts, int64_t most) const;

  LogDensity density;
  const Rows<double> draws;
  const Column<double> logDensities;
  int64_t dim, numUndefined = 0, evaluated = 0;
  std::vector<Axis> axes;
  /// The rule of one axis on (0, 1).
  std::vector<double> places, weights;
  std::vector<Box> boxes;
};

} // namespace flowc::verification

#endif // FLOWC_LIB_VERIFICATION_BOXINTEGRAL_H
