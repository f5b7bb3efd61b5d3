//===- AdaGrad.cpp - The optimiser AdaGrad -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// J. Duchi, E. Hazan, Y. Singer, JMLR 12 (2011), as optax.adagrad does it: the
// sums start at 0.1, and epsilon stands inside of the root.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Table.h"

#include <cmath>

using namespace flowc;

static constexpr KeptArray arrays[] = {{"sum", /*startSetting=*/1}};

template <typename T>
[[gnu::always_inline]] static inline void adaGrad(const Stretch<T> &stretch) {
  T epsilon = T(stretch.settings[0]), rate = T(stretch.rate);
  T *__restrict parameters = stretch.parameters, *__restrict sum = stretch.kept[0];
  const T *__restrict gradient = stretch.gradient;
  for (int64_t i = 0; i < stretch.count; ++i) {
    T g = gradient[i];
    T newSum = sum[i] + g * g;
    sum[i] = newSum;
    parameters[i] -= rate * (g / std::sqrt(newSum + epsilon));
  }
}

FLOWC_ELEMENTWISE(adaGrad)

const OptimizerInfo flowc::adaGradInfo = {
    .name = "adagrad",
    .formula = "v <- v + g^2; p <- p - r g / sqrt(v + epsilon)",
    .settings = {{"epsilon", 1e-7, std::numeric_limits<float>::min(), kLargest, "added under the root"},
                 {"start", 0.1, 0, kLargest, "what v starts at"}},
    .makeFloat = makeElementwise<float, updateFloats, arrays>,
    .makeDouble = makeElementwise<double, updateDoubles, arrays>};
