//===- Pareto.h - The tail of importance ratios -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_EVALUATION_PARETO_H
#define FLOWC_LIB_EVALUATION_PARETO_H

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace flowc {

/// How many of `draws` ratios are the tail.
int64_t tailSize(int64_t draws);

/// A generalised Pareto distribution of what ratios exceed a cutoff by, in units of
/// the largest ratio.
struct ParetoTail {
  double k = 0;
  /// None if there is no fit; k then is what `paretoK` documents.
  std::optional<double> scale;
  /// exp(cutoff - largest), and how many ratios are above.
  double cutoff = 0;
  int64_t size = 0;

  /// log of the quantile in the middle of the `i`-th of `size` equal shares, relative
  /// to the largest ratio and at most that.
  double logQuantile(int64_t i) const;
};

/// The fit to `sorted`, the `tailSize` + 1 largest of finite log-ratios, ascending:
/// the first is the cutoff if they are that many (`hasCutoff`), else all are tail.
ParetoTail fitTail(std::span<const double> sorted, bool hasCutoff);

} // namespace flowc

#endif // FLOWC_LIB_EVALUATION_PARETO_H
