//===- VectorMath.cpp - Loops over all parameters -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// This file is compiled without contraction to fused multiply-adds, so that
// the versions for different CPUs round alike.
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/VectorMath.h"
#include "flowc/Support/ForEachCPU.h"

#include <cmath>

using namespace flowc;

namespace {

/// Partial sums side by side, which vectors of any width hold in the same order.
constexpr int64_t kLanes = 16;

template <typename T>
[[gnu::always_inline]] inline double dot(const T *__restrict a, const T *__restrict b, int64_t count) {
  double lanes[kLanes] = {};
  int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      lanes[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
  for (int64_t i = whole; i < count; ++i)
    lanes[i - whole] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane)
      lanes[lane] += lanes[lane + half];
  return lanes[0];
}

template <typename T>
[[gnu::always_inline]] inline void add(T *__restrict to, const T *__restrict from, int64_t count, T factor) {
  for (int64_t i = 0; i < count; ++i)
    to[i] += factor * from[i];
}

template <typename T>
[[gnu::always_inline]] inline void average(T *__restrict to, const T *__restrict values, int64_t count, double decay) {
  T kept = T(decay), rest = T(1 - decay);
  for (int64_t i = 0; i < count; ++i)
    to[i] = kept * to[i] + rest * values[i];
}

template <typename T>
[[gnu::always_inline]] inline bool finite(const T *values, int64_t count) {
  // 0 * x is 0 for finite numbers only.
  T sum[kLanes] = {};
  int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      sum[lane] += T(0) * values[i + lane];
  for (int64_t i = whole; i < count; ++i)
    sum[0] += T(0) * values[i];
  T all = 0;
  for (T lane : sum)
    all += lane;
  return all == 0;
}

} // namespace

FLOWC_FOR_EACH_CPU
double flowc::dotProduct(const float *a, const float *b, int64_t count) { return dot(a, b, count); }
FLOWC_FOR_EACH_CPU
double flowc::dotProduct(const double *a, const double *b, int64_t count) { return dot(a, b, count); }

FLOWC_FOR_EACH_CPU
void flowc::addScaled(float *to, const float *from, int64_t count, double factor) {
  add(to, from, count, static_cast<float>(factor));
}
FLOWC_FOR_EACH_CPU
void flowc::addScaled(double *to, const double *from, int64_t count, double factor) { add(to, from, count, factor); }

FLOWC_FOR_EACH_CPU
void flowc::scale(float *values, int64_t count, double factor) {
  for (int64_t i = 0; i < count; ++i)
    values[i] *= static_cast<float>(factor);
}
FLOWC_FOR_EACH_CPU
void flowc::scale(double *values, int64_t count, double factor) {
  for (int64_t i = 0; i < count; ++i)
    values[i] *= factor;
}

FLOWC_FOR_EACH_CPU
void flowc::moveAverage(float *to, const float *values, int64_t count, double decay) {
  average(to, values, count, decay);
}
FLOWC_FOR_EACH_CPU
void flowc::moveAverage(double *to, const double *values, int64_t count, double decay) {
  average(to, values, count, decay);
}

FLOWC_FOR_EACH_CPU
bool flowc::allFinite(const float *values, int64_t count) { return finite(values, count); }
FLOWC_FOR_EACH_CPU
bool flowc::allFinite(const double *values, int64_t count) { return finite(values, count); }
