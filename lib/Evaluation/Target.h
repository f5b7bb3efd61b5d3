//===- Target.h - What importance ratios say --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_EVALUATION_TARGET_H
#define FLOWC_LIB_EVALUATION_TARGET_H

#include "flowc/Evaluation.h"

#include <limits>

namespace flowc {

/// Takes log-ratios one by one, in the order of the draws. Memory grows with the
/// square root of their number: only the tail is kept.
class RatioSummary {
public:
  RatioSummary(int64_t draws, uint64_t seed);

  void add(double logRatio);
  /// After as many ratios as there are draws.
  TargetEvaluation finish();

private:
  /// Sums of the ratios and of their squares, in units of the largest.
  struct Sums {
    double most = -std::numeric_limits<double>::infinity(), sum = 0, squares = 0;
    void add(double logRatio);
  };

  TargetEvaluation result;
  Sums sums;
  /// Ratios that are not zero; mean of their logarithms, and sum of the squares of
  /// the deviations from it.
  int64_t finite = 0;
  double mean = 0, deviations = 0;
  size_t tailRatios;
  std::vector<double> largest; ///< The `tailRatios` + 1 largest.
};

} // namespace flowc

#endif // FLOWC_LIB_EVALUATION_TARGET_H
