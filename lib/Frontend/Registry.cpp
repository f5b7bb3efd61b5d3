//===- Registry.cpp - Names of the language -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

namespace flowc {

using llvm::ArrayRef;
using llvm::StringRef;

ArrayRef<Constructor> laterConstructors() {
  static const std::vector<Constructor> table = [] {
    std::vector<Constructor> result;
    for (StringRef name : {"triangular_affine",
                           "additive_condition",
                           "exp",
                           "sigmoid",
                           "leaky_tanh",
                           "power",
                           "householder",
                           "discrete_cosine",
                           "planar",
                           "block_autoregressive_network",
                           "vmap",
                           "concatenate",
                           "stack",
                           "indexed",
                           "reshape",
                           "sandwich",
                           "numerical_inverse",
                           "weight_normalized",
                           "newton",
                           "bisection",
                           "bisect_check_expand_search",
                           "bisection_search",
                           "elementwise_autoregressive_bisection",
                           "root_finder_to_inverter",
                           "log_normal",
                           "multivariate_normal",
                           "uniform",
                           "gumbel",
                           "cauchy",
                           "student_t",
                           "laplace",
                           "exponential",
                           "logistic",
                           "gamma",
                           "beta",
                           "vmap_mixture",
                           "block_neural_autoregressive_flow",
                           "planar_flow",
                           "triangular_spline_flow"})
      result.push_back({name, {}});
    return result;
  }();
  return table;
}

namespace {

struct Registry {
  Registry() {
    for (ArrayRef<Constructor> table :
         {arrayFunctions(), bijectionConstructors(), combinatorConstructors(), networkConstructors(),
          conditionerConstructors(), distributionConstructors(), flowConstructors(), laterConstructors()})
      for (const Constructor &constructor : table) {
        constructors[constructor.name] = &constructor;
        names.push_back(constructor.name);
      }
  }

  llvm::StringMap<const Constructor *> constructors;
  std::vector<StringRef> names;
};

} // namespace

static const Registry &registry() {
  static const Registry instance;
  return instance;
}

const Constructor *findConstructor(StringRef name) { return registry().constructors.lookup(name); }

ArrayRef<StringRef> constructorNames() { return registry().names; }

ArrayRef<StringRef> activationNames() {
  static constexpr StringRef names[] = {"relu", "tanh", "silu", "gelu", "elu", "softplus", "sigmoid", "leaky_relu"};
  return names;
}

bool isReservedName(StringRef name) {
  static constexpr StringRef keywords[] = {"flow", "bijection", "density", "none", "true", "false", "let", "in"};
  return llvm::is_contained(keywords, name) || llvm::is_contained(activationNames(), name) || findConstructor(name);
}

} // namespace flowc
