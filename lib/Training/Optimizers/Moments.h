//===- Moments.h - The moments that Adam and its kin keep -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_OPTIMIZERS_MOMENTS_H
#define FLOWC_LIB_TRAINING_OPTIMIZERS_MOMENTS_H

#include "Elementwise.h"

#include <cmath>

namespace flowc {

/// The decaying means of gradients and of their squares, without the bias of their start
/// at 0. The first three settings are the two decays and what is added to the root.
template <typename T>
struct Moments {
  T beta1, beta2, rest1, rest2, epsilon, correction1, correction2;
};

template <typename T>
[[gnu::always_inline]] inline Moments<T> momentsOf(const Stretch<T> &stretch) {
  const double *s = stretch.settings;
  auto step = static_cast<double>(stretch.step);
  return {.beta1 = T(s[0]),
          .beta2 = T(s[1]),
          .rest1 = T(1 - s[0]),
          .rest2 = T(1 - s[1]),
          .epsilon = T(s[2]),
          .correction1 = T(1 / (1 - std::pow(s[0], step))),
          .correction2 = T(1 / (1 - std::pow(s[1], step)))};
}

/// Takes in the gradient `g`; the mean over the root of the mean square.
template <typename T>
[[gnu::always_inline]] inline T update(const Moments<T> &by, T g, T &m, T &v) {
  T newM = by.beta1 * m + by.rest1 * g;
  T newV = by.beta2 * v + by.rest2 * (g * g);
  m = newM;
  v = newV;
  return (newM * by.correction1) / (std::sqrt(newV * by.correction2) + by.epsilon);
}

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_OPTIMIZERS_MOMENTS_H
