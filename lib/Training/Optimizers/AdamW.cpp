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

#include "Moments.h"
#include "Table.h"

using namespace flowc;

static constexpr KeptArray arrays[] = {{"m"}, {"v"}};

template <typename T>
[[gnu::always_inline]] static inline void adamW(const Stretch<T> &stretch) {
  Moments<T> moments = momentsOf(stretch);
  T rate = T(stretch.rate), decay = T(stretch.settings[3]);
  T *__restrict parameters = stretch.parameters, *__restrict m = stretch.kept[0], *__restrict v = stretch.kept[1];
  const T *__restrict gradient = stretch.gradient;
  for (int64_t i = 0; i < stretch.count; ++i) {
    T direction = update(moments, gradient[i], m[i], v[i]);
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
