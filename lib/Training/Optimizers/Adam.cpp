//===- Adam.cpp - The optimiser Adam -------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
// as optax.adam does it: epsilon stands outside of the root.
//
//===----------------------------------------------------------------------===//

#include "Moments.h"
#include "Table.h"

using namespace flowc;

static constexpr KeptArray arrays[] = {{"m"}, {"v"}};

template <typename T>
[[gnu::always_inline]] static inline void adam(const Stretch<T> &stretch) {
  Moments<T> moments = momentsOf(stretch);
  T rate = T(stretch.rate);
  T *__restrict parameters = stretch.parameters, *__restrict m = stretch.kept[0], *__restrict v = stretch.kept[1];
  const T *__restrict gradient = stretch.gradient;
  for (int64_t i = 0; i < stretch.count; ++i)
    parameters[i] -= rate * update(moments, gradient[i], m[i], v[i]);
}

FLOWC_ELEMENTWISE(adam)

const OptimizerInfo flowc::adamInfo = {
    .name = "adam",
    .formula = "m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2; "
               "p <- p - r (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)",
    .settings = {{"beta1", 0.9, 0, kBelowOne, "decay of the mean of gradients"},
                 {"beta2", 0.999, 0, kBelowOne, "decay of the mean of their squares"},
                 {"epsilon", 1e-8, 0, kLargest, "added to the root"}},
    .makeFloat = makeElementwise<float, updateFloats, arrays>,
    .makeDouble = makeElementwise<double, updateDoubles, arrays>};
