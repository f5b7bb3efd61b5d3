//===- RunningMoments.h - Mean and deviation, one by one --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_RUNNINGMOMENTS_H
#define FLOWC_SUPPORT_RUNNINGMOMENTS_H

#include <cmath>
#include <cstdint>
#include <limits>

namespace flowc {

/// Mean and standard deviation of numbers that come one by one (B. P. Welford, "Note on a
/// method for calculating corrected sums of squares and products", 1962).
struct RunningMoments {
  int64_t count = 0;
  double mean = 0;    ///< 0 of no numbers.
  double squares = 0; ///< The sum of squared differences to the mean.

  void add(double value) {
    double step = value - mean;
    mean += step / static_cast<double>(++count);
    squares += step * (value - mean);
  }
  /// With n − 1; NaN of fewer than two numbers.
  double deviation() const {
    return count > 1 ? std::sqrt(squares / static_cast<double>(count - 1)) : std::numeric_limits<double>::quiet_NaN();
  }
  /// One standard error of the mean; NaN of fewer than two numbers.
  double error() const {
    auto n = static_cast<double>(count);
    return count > 1 ? std::sqrt(squares / (n - 1) / n) : std::numeric_limits<double>::quiet_NaN();
  }
};

} // namespace flowc

#endif // FLOWC_SUPPORT_RUNNINGMOMENTS_H
