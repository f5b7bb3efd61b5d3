//===- Uniformity.h - The distribution of Kolmogorov ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_EVALUATION_UNIFORMITY_H
#define FLOWC_LIB_EVALUATION_UNIFORMITY_H

namespace flowc {

/// The probability that the limit of sqrt(n) D is above `x`: Kolmogorov's
/// distribution, to 1e-15.
double kolmogorovSurvival(double x);

} // namespace flowc

#endif // FLOWC_LIB_EVALUATION_UNIFORMITY_H
