//===- Adam.h - The optimiser of training -----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_ADAM_H
#define FLOWC_TRAINING_ADAM_H

#include <cstdint>

namespace flowc {

/// One step of Adam as optax does it (beta 0.9 and 0.999, epsilon 1e-8 outside
/// the root, no weight decay), in the parameters' own precision:
///   m <- 0.9 m + 0.1 g,  v <- 0.999 v + 0.001 g^2,
///   p <- p - rate * (m / (1 - 0.9^t)) / (sqrt(v / (1 - 0.999^t)) + 1e-8).
/// `step` is t and counts from 1. The results are the same on every CPU.
void adamStep(float *parameters, float *m, float *v, const float *gradient, int64_t count, int64_t step, double rate);
void adamStep(double *parameters, double *m, double *v, const double *gradient, int64_t count, int64_t step,
              double rate);

} // namespace flowc

#endif // FLOWC_TRAINING_ADAM_H
