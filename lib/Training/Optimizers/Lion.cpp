//===- Lion.cpp - The optimiser Lion -------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023,
// as optax.lion does it.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Table.h"

#include <cmath>

using namespace flowc;

static constexpr KeptArray arrays[] = {{"m"}};

template <typename T>
[[gnu::always_inline]] static inline void lion(const Stretch<T> &stretch) {
  const double *s = stretch.settings;
  T beta1 = T(s[0]), beta2 = T(s[1]), rest1 = T(1 - s[0]), rest2 = T(1 - s[1]), decay = T(s[2]);
  T rate = T(stretch.rate);
  T *__restrict parameters = stretch.parameters, *__restrict m = stretch.kept[0];
  const T *__restrict gradient = stretch.gradient;
  for (int64_t i = 0; i < stretch.count; ++i) {
    T g = gradient[i];
    T mixed = beta1 * m[i] + rest1 * g;
    T sign = mixed > 0 ? T(1) : mixed < 0 ? T(-1) : T(0);
    m[i] = beta2 * m[i] + rest2 * g;
    parameters[i] -= rate * (sign + decay * parameters[i]);
  }
}

FLOWC_ELEMENTWISE(lion)

const OptimizerInfo flowc::lionInfo = {
    .name = "lion",
    .formula = "p <- p - r (sign(beta1 m + (1 - beta1) g) + weight_decay p), m <- beta2 m + (1 - beta2) g",
    .settings = {{"beta1", 0.9, 0, kBelowOne, "weight of m in the step"},
                 {"beta2", 0.99, 0, kBelowOne, "decay of m"},
                 {"weight_decay", 1e-3, 0, kLargest, "pull towards 0"}},
    .makeFloat = makeElementwise<float, updateFloats, arrays>,
    .makeDouble = makeElementwise<double, updateDoubles, arrays>};
