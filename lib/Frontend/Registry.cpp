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

namespace {

struct Registry {
  Registry() {
    for (ArrayRef<Constructor> table :
         {arrayFunctions(), bijectionConstructors(), elementwiseConstructors(), linearConstructors(),
          combinatorConstructors(), partConstructors(), inverseConstructors(), networkConstructors(),
          blockConstructors(), conditionerConstructors(), distributionConstructors(), flowConstructors(),
          supportConstructors()})
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
  static constexpr StringRef keywords[] = {"flow", "bijection", "density", "data", "none",
                                           "true", "false",     "let",     "in"};
  return llvm::is_contained(keywords, name) || llvm::is_contained(activationNames(), name) || findConstructor(name);
}

} // namespace flowc
