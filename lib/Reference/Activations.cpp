//===- Activations.cpp - The language's activation functions --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include <cassert>
#include <numbers>

namespace flowc::reference {

template <typename T>
static T sigmoid(T x) {
  return 1 / (1 + std::exp(-x));
}

/// The tanh approximation, which is JAX's default.
template <typename T>
static T gelu(T x) {
  T root = std::sqrt(2 / std::numbers::pi_v<T>);
  return x / 2 * (1 + std::tanh(root * (x + T(0.044715L) * x * x * x)));
}

template <typename T>
T activate(const std::string &name, T x) {
  if (name == "relu")
    return x > 0 ? x : T(0);
  if (name == "leaky_relu")
    return x >= 0 ? x : T(0.01L) * x;
  if (name == "elu")
    return x > 0 ? x : std::expm1(x);
  if (name == "tanh")
    return std::tanh(x);
  if (name == "sigmoid")
    return sigmoid(x);
  if (name == "silu")
    return x * sigmoid(x);
  if (name == "gelu")
    return gelu(x);
  assert(name == "softplus" && "unknown activation");
  return softplus(x);
}

template float activate(const std::string &, float);
template double activate(const std::string &, double);
template long double activate(const std::string &, long double);

} // namespace flowc::reference
