//===- AdamW.cpp - Adam with decoupled weight decay ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019,
// as optax.adamw does it.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Table.h"

#include <cmath>

using namespace flowc;

static constexpr KeptArray arrays[] = {{"m"}, {"v"}};

template <typename T>
[[gnu::always_inline]] static inline void adamW(const Stretch<T> &stretch) {
  const double *s = stretch.settings;
  auto step = static_cast<double>(stretch.step);
  T beta1 = T(s[0]), beta2 = T(s[1]), rest1 = T(1 - s[0]), rest2 = T(1 - s[1]), epsilon = T(s[2]), decay = T(s[3]);
  T correction1 = T(1 / (1 - std::pow(s[0], step))), correction2 = T(1 / (1 - std::pow(s[1], step)));
  T rate = T(stretch.rate);
  T *__restrict parameters = stretch.parameters, *__restrict m = stretch.kept[0], *__restrict v = stretch.kept[1];
  const T *__restrict gradient = stretch.gradient;
  for (int64_t i = 0; i < stretch.count; ++i) {
    T g = gradient[i];
    T newM = beta1 * m[i] + rest1 * g;
    T newV = beta2 * v[i] + rest2 * (g * g);
    m[i] = newM;
    v[i] = newV;
    T direction = (newM * correction1) / (std::sqrt(newV * correction2) + epsilon);
    parameters[i] -= rate * (direction + decay * parameters[i]);
  }
}

FLOWC_ELEMENTWISE(adamW)

const OptimizerInfo flowc::adamWInfo = {
    .name = "adamw",
    .formula = "as adam, and p <- p - r weight_decay p with the old p",
    .settings = {{"beta1", 0.9, 0, kBelowOne, "decay of the mean of gradients"},
                 {"beta2", 0.999, 0, kBelowOne, "decay of the mean of their squares"},
                 {"epsilon", 1e-8, 0, kLargest, "added to the root"},
                 {"weight_decay", 1e-4, 0, kLargest, "pull towards 0"}},
    .makeFloat = makeElementwise<float, updateFloats, arrays>,
    .makeDouble = makeElementwise<double, updateDoubles, arrays>};
