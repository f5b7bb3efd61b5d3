//===- VectorMath.h - Loops over all parameters -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The same bits on every CPU and for every number of threads.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_VECTORMATH_H
#define FLOWC_TRAINING_VECTORMATH_H

#include <cstdint>

namespace flowc {

/// The sum of a[i] * b[i], in double and in a fixed order.
double dotProduct(const float *a, const float *b, int64_t count);
double dotProduct(const double *a, const double *b, int64_t count);
/// to += factor * from.
void addScaled(float *to, const float *from, int64_t count, double factor);
void addScaled(double *to, const double *from, int64_t count, double factor);
/// values *= factor.
void scale(float *values, int64_t count, double factor);
void scale(double *values, int64_t count, double factor);
/// average <- decay * average + (1 - decay) * values.
void moveAverage(float *average, const float *values, int64_t count, double decay);
void moveAverage(double *average, const double *values, int64_t count, double decay);
bool allFinite(const float *values, int64_t count);
bool allFinite(const double *values, int64_t count);

} // namespace flowc

#endif // FLOWC_TRAINING_VECTORMATH_H
