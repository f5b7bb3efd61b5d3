//===- Quantile.cpp - Quantiles of sorted values --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Support/Quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

double flowc::quantile(std::span<const double> sorted, double share) {
  if (sorted.empty())
    return std::numeric_limits<double>::quiet_NaN();
  double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  auto below = static_cast<size_t>(place);
  size_t above = std::min(below + 1, sorted.size() - 1);
  double between = place - static_cast<double>(below);
  // An infinite neighbour counts for nothing there.
  return between == 0 ? sorted[below] : std::lerp(sorted[below], sorted[above], between);
}
