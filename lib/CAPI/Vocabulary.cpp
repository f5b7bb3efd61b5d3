//===- Vocabulary.cpp - The names of the language for C -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Vocabulary.h"

#include "flowc/flowc-c.h"

using namespace flowc;

/// Constructor `i` of the table; null beyond the last.
static const Signature *findSignature(size_t i) {
  static const std::vector<Signature> signatures = [] {
    std::vector<Signature> all;
    for (llvm::StringRef name : constructorNames())
      all.push_back(*describeConstructor(name));
    return all;
  }();
  return i < signatures.size() ? &signatures[i] : nullptr;
}

static const Signature::Argument *findArgument(size_t i, size_t argument) {
  const Signature *signature = findSignature(i);
  return signature && argument < signature->arguments.size() ? &signature->arguments[argument] : nullptr;
}

size_t flowc_num_constructors(void) { return constructorNames().size(); }

const char *flowc_constructor_name(size_t i) {
  const Signature *signature = findSignature(i);
  return signature ? signature->name.c_str() : "";
}

const char *flowc_constructor_documentation(size_t i) {
  const Signature *signature = findSignature(i);
  return signature ? signature->documentation.c_str() : "";
}

size_t flowc_constructor_num_arguments(size_t i) {
  const Signature *signature = findSignature(i);
  return signature ? signature->arguments.size() : 0;
}

const char *flowc_constructor_argument(size_t i, size_t argument) {
  const Signature::Argument *found = findArgument(i, argument);
  return found ? found->name.c_str() : "";
}

const char *flowc_constructor_default(size_t i, size_t argument) {
  const Signature::Argument *found = findArgument(i, argument);
  return found && found->fallback ? found->fallback->c_str() : nullptr;
}

size_t flowc_num_activations(void) { return activationNames().size(); }

const char *flowc_activation_name(size_t i) {
  // (The names are literals, which end with a 0.)
  return i < activationNames().size() ? activationNames()[i].data() : "";
}
