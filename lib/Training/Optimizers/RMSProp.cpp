//===- RMSProp.cpp - The optimiser RMSProp -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// G. Hinton, lecture 6e of "Neural networks for machine learning", 2012, as
// optax.rmsprop does it: epsilon stands inside of the root.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Table.h"

#include <cmath>

using namespace flowc;

static constexpr KeptArray arrays[] = {{"v"}, {"trace"}};

template <typename T>
[[gnu::always_inline]] static inline void rmsProp(const Stretch<T> &stretch) {
  const double *s = stretch.settings;
  T decay = T(s[0]), rest = T(1 - s[0]), epsilon = T(s[1]), momentum = T(s[2]), rate = T(stretch.rate);
  T *__restrict parameters = stretch.parameters, *__restrict v = stretch.kept[0], *__restrict trace = stretch.kept[1];
  const T *__restrict gradient = stretch.gradient;
  for (int64_t i = 0; i < stretch.count; ++i) {
    T g = gradient[i];
    T newV = decay * v[i] + rest * (g * g);
    T newTrace = rate * (g / std::sqrt(newV + epsilon)) + momentum * trace[i];
    v[i] = newV;
    trace[i] = newTrace;
    parameters[i] -= newTrace;
  }
}

FLOWC_ELEMENTWISE(rmsProp)

const OptimizerInfo flowc::rmsPropInfo = {
    .name = "rmsprop",
    .formula = "v <- decay v + (1 - decay) g^2, u <- r g / sqrt(v + epsilon) + momentum u; p <- p - u",
    .settings = {{"decay", 0.9, 0, kBelowOne, "decay of the mean of squares"},
                 {"epsilon", 1e-8, std::numeric_limits<float>::min(), kLargest, "added under the root"},
                 {"momentum", 0, 0, kBelowOne, "decay of the sum of steps"}},
    .makeFloat = makeElementwise<float, updateFloats, arrays>,
    .makeDouble = makeElementwise<double, updateDoubles, arrays>};
