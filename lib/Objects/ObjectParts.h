//===- ObjectParts.h - What an object is linked from ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_OBJECTS_OBJECTPARTS_H
#define FLOWC_LIB_OBJECTS_OBJECTPARTS_H

#include "Signature.h"

#include "flowc/Objects/Objects.h"
#include "flowc/Runtime/KernelABI.h"
#include "flowc/Target/CpuLevel.h"

#include <optional>

namespace flowc {

/// The code of a function for one processor.
struct LevelCode {
  std::string bitcode;
  KernelInfo info;
  /// What it prepares from the parameters; empty if these are given at run time.
  std::string prepared;
};

/// A function for all processors.
struct ObjectFunction {
  Signature signature;
  std::vector<LevelCode> levels;
};

/// Where parameters lie in the memory in which they are given at run time.
struct ParameterLayout {
  /// Of the flow's graph: tells flows and element types apart.
  uint64_t identity;
  /// The condition, if it is fixed: a parameter in front of the others.
  std::string condition;
  std::vector<int64_t> offsets; ///< Of each leaf, in bytes.
  int64_t size;                 ///< In bytes.
};

struct ObjectParts {
  std::string prefix;
  DType dtype;
  std::vector<CpuLevel> levels; ///< A better one behind those that require less.
  std::vector<ObjectFunction> functions;
  std::optional<ParameterLayout> parameters;

  int64_t elementSize() const { return dtype == F32 ? 4 : 8; }
};

/// Compiles all functions for all levels.
Expected<ObjectParts> compileParts(const Model &model, const ObjectOptions &options);
/// Links them, with the functions that callers see, to an object file.
Expected<std::string> linkParts(const ObjectParts &parts);
/// The header.
std::string writeHeader(const ObjectParts &parts, const Model &model, const ObjectOptions &options);

/// How parameters of `model` are laid out for an object of its flow.
Expected<ParameterLayout> layOutParameters(const Model &model);

} // namespace flowc

#endif // FLOWC_LIB_OBJECTS_OBJECTPARTS_H
