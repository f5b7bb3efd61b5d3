//===- Objects.h - Functions of a model in one object -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model as an object file and a header for C, which need nothing else: docs/Embedding.md
// says what they promise.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_OBJECTS_OBJECTS_H
#define FLOWC_OBJECTS_OBJECTS_H

#include "flowc/flowc.h"

#include <string>
#include <vector>

namespace flowc {

/// What an object has, and for which processors.
struct ObjectOptions {
  /// Empty: `getDefaultFunctions`.
  std::vector<Kernel> functions = {};
  /// Names begin with it: an identifier of C.
  std::string prefix;
  /// LLVM's triple of the machine that the object is for, e.g. aarch64-linux-gnu; empty: this one's.
  std::string target = {};
  /// LLVM's names; at run time, the best that the processor can run is chosen. Empty: those
  /// that the target has by default (`getCpuLevels`).
  std::vector<std::string> cpus = {};
  /// A condition for all rows, which functions then do not take; empty: they do, if the flow
  /// has one.
  std::vector<double> condition = {};
  /// Parameters are no part of the object, but given at run time (`makeParameters`).
  bool parametersApart = false;
  /// Names of the columns of events and conditions, for comments; may be empty.
  std::vector<std::string> columns = {}, conditionColumns = {};
  /// Of what the object was made, for comments.
  std::string source = {};
};

struct ObjectFiles {
  std::string object; ///< A relocatable ELF file.
  std::string header; ///< Text in C99, with more for C++20.
};

/// Whether an object can have this function: one of rows alone, without sums over them, a
/// target or directions in the parameters. The error says which can.
Expected<void> checkObjectFunction(Kernel kernel);
/// What an object of a flow has, unless something else is asked for.
std::vector<Kernel> getDefaultFunctions(const Flow &flow);

/// Compiles functions of `model` in its element type. Errors: a prefix that is no identifier,
/// functions that do not exist, a condition of another width, a target or CPU that is not known.
Expected<ObjectFiles> makeObject(const Model &model, const ObjectOptions &options);

/// The parameters of `model`, as objects of its flow take them that have none.
Expected<std::string> makeParameters(const Model &model);

/// An archive (`.a`) with `object` as its member `name`.
Expected<std::string> makeArchive(const std::string &object, const std::string &name);
/// A shared library called `name` with `object` in it, for the machine that this is for. Errors:
/// there is no linker for it: ld or ld.lld; of other machines ld.lld or e.g. aarch64-linux-gnu-ld.
Expected<std::string> linkSharedLibrary(const std::string &object, const std::string &name);

} // namespace flowc

#endif // FLOWC_OBJECTS_OBJECTS_H
