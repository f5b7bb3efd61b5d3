//===- Vocabulary.h - The names of the language -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What can be written, as editors show it: read off the tables from which calls are made.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FRONTEND_VOCABULARY_H
#define FLOWC_FRONTEND_VOCABULARY_H

#include "flowc/Frontend/AST.h"

#include "llvm/ADT/ArrayRef.h"

#include <optional>
#include <string>

namespace flowc {

/// How something is called.
struct Signature {
  struct Argument {
    std::string name;
    /// What it is if it is left out, as the language writes it; nothing if it is needed.
    std::optional<std::string> fallback;

    /// `NAME` or `NAME = FALLBACK`.
    std::string describe() const { return fallback ? name + " = " + *fallback : name; }
  };
  std::string name;
  std::vector<Argument> arguments;
  /// Markdown; empty if there is nothing to say.
  std::string documentation;

  /// `NAME(ARGUMENT, ...)`.
  std::string describe() const;
};

/// The names of all constructors, and of functions that make arrays.
llvm::ArrayRef<llvm::StringRef> constructorNames();
/// The names of all activations.
llvm::ArrayRef<llvm::StringRef> activationNames();
/// The names of all functions that formulas can have.
std::vector<llvm::StringRef> functionNames();

/// How a constructor of the language is called; nothing if there is none of this name.
std::optional<Signature> describeConstructor(llvm::StringRef name);
/// The same of a function in formulas.
std::optional<Signature> describeFunction(llvm::StringRef name);
/// The same of the constructor that an item with a formula defines.
Signature describeFormula(const ast::Item &item);

} // namespace flowc

#endif // FLOWC_FRONTEND_VOCABULARY_H
