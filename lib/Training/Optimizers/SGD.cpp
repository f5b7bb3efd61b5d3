//===- SGD.cpp - Gradient descent with momentum --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As optax.sgd does it. Y. Nesterov, Soviet Math. Dokl. 27 (1983), in the form of
// I. Sutskever et al., ICML 2013.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Table.h"

#include <cmath>

using namespace flowc;

static constexpr KeptArray arrays[] = {{"trace"}};

template <typename T>
[[gnu::always_inline]] static inline void sgd(const Stretch<T> &stretch) {
  T momentum = T(stretch.settings[0]), rate = T(stretch.rate);
  // Nesterov's step looks ahead along the new trace: g + momentum * trace.
  bool looksAhead = stretch.settings[1] != 0;
  T ofGradient = T(looksAhead ? 1 : 0), ofTrace = looksAhead ? momentum : T(1);
  T *__restrict parameters = stretch.parameters, *__restrict trace = stretch.kept[0];
  const T *__restrict gradient = stretch.gradient;
  for (int64_t i = 0; i < stretch.count; ++i) {
    T newTrace = gradient[i] + momentum * trace[i];
    trace[i] = newTrace;
    parameters[i] -= rate * (ofGradient * gradient[i] + ofTrace * newTrace);
  }
}

FLOWC_ELEMENTWISE(sgd)

const OptimizerInfo flowc::sgdInfo = {
    .name = "sgd",
    .formula = "u <- g + momentum u; p <- p - r u, with nesterov p <- p - r (g + momentum u)",
    .settings = {{"momentum", 0, 0, kBelowOne, "decay of the sum of gradients"},
                 {"nesterov", 0, 0, 1, "1: look ahead along the sum"}},
    .makeFloat = makeElementwise<float, updateFloats, arrays>,
    .makeDouble = makeElementwise<double, updateDoubles, arrays>};
