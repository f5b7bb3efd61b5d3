//===- Comparison.cpp - Two flows on the same rows ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Evaluation.h"

#include <cmath>
#include <limits>

using namespace flowc;

void ModelComparer::add(std::span<const double> firstRows, std::span<const double> secondRows) {
  for (size_t i = 0; i < firstRows.size(); ++i) {
    double one = firstRows[i], other = secondRows[i];
    ++counts.rows;
    if (std::isnan(one) || std::isnan(other)) {
      ++counts.undefined;
      continue;
    }
    if (std::isfinite(one))
      first.add(one);
    else
      ++counts.firstOutside;
    if (std::isfinite(other))
      second.add(other);
    else
      ++counts.secondOutside;
    if (!std::isfinite(one) || !std::isfinite(other))
      continue;
    difference.add(one - other);
    counts.better += one > other ? 1 : one == other ? 0.5 : 0;
  }
}

Expected<ModelComparison> ModelComparer::finish() const {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (counts.rows == 0)
    return Error{"there are no rows to compare flows on"};
  ModelComparison result = counts;
  result.first = result.firstOutside > 0 ? -infinity : first.mean;
  result.second = result.secondOutside > 0 ? -infinity : second.mean;
  result.firstError = result.firstOutside > 0 ? std::nan("") : first.error();
  result.secondError = result.secondOutside > 0 ? std::nan("") : second.error();
  result.difference = difference.count > 0 ? difference.mean : std::nan("");
  result.differenceError = difference.error();
  result.better = difference.count > 0 ? counts.better / static_cast<double>(difference.count) : std::nan("");
  return result;
}
