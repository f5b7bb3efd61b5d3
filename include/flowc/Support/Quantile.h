//===- Quantile.h - Quantiles of sorted values ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_QUANTILE_H
#define FLOWC_SUPPORT_QUANTILE_H

#include <span>

namespace flowc {

/// The quantile at `share` (beyond 0 and 1 the outermost values) of ascending values, linear
/// between them: type 7 of R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages",
/// The American Statistician 50, 1996, as NumPy has it. NaN of no values.
double quantile(std::span<const double> sorted, double share);

} // namespace flowc

#endif // FLOWC_SUPPORT_QUANTILE_H
