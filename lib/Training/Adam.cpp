//===- Adam.cpp - The optimiser of training -------------------------------===//
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

#include "flowc/Training/Adam.h"
#include "flowc/Support/ForEachCPU.h"

#include <cmath>

namespace {

template <typename T>
struct Coefficients {
  T beta1 = T(0.9), beta2 = T(0.999), rest1 = T(1 - 0.9), rest2 = T(1 - 0.999), epsilon = T(1e-8);
  T correction1, correction2, rate;

  Coefficients(int64_t step, double rate)
      : correction1(T(1 / (1 - std::pow(0.9, static_cast<double>(step))))),
        correction2(T(1 / (1 - std::pow(0.999, static_cast<double>(step))))), rate(T(rate)) {}
};

template <typename T>
[[gnu::always_inline]] inline void update(T *__restrict parameters, T *__restrict m, T *__restrict v,
                                          const T *__restrict gradient, int64_t count, const Coefficients<T> &c) {
  for (int64_t i = 0; i < count; ++i) {
    T g = gradient[i];
    T newM = c.beta1 * m[i] + c.rest1 * g;
    T newV = c.beta2 * v[i] + c.rest2 * (g * g);
    m[i] = newM;
    v[i] = newV;
    parameters[i] -= c.rate * ((newM * c.correction1) / (std::sqrt(newV * c.correction2) + c.epsilon));
  }
}

} // namespace

FLOWC_FOR_EACH_CPU
void flowc::adamStep(float *parameters, float *m, float *v, const float *gradient, int64_t count, int64_t step,
                     double rate) {
  update(parameters, m, v, gradient, count, Coefficients<float>(step, rate));
}

FLOWC_FOR_EACH_CPU
void flowc::adamStep(double *parameters, double *m, double *v, const double *gradient, int64_t count, int64_t step,
                     double rate) {
  update(parameters, m, v, gradient, count, Coefficients<double>(step, rate));
}
