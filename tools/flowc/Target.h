//===- Target.h - Targets of the commands -----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_TARGET_H
#define FLOWC_TOOLS_FLOWC_TARGET_H

#include "Common.h"

#include "flowc/Evaluation.h"
#include "flowc/Training/TrainingTarget.h"

namespace flowc::tool {

/// Which target: the text of a density, or a shared library.
struct TargetSource {
  std::string path, data;

  /// Adds --target, for `use`, and --target-data.
  void add(CLI::App &command, const std::string &use);
  bool isGiven() const { return !path.empty(); }
};

/// The same for training: a density is parsed, a library loaded.
Expected<TrainingTarget> loadTrainingTarget(const TargetSource &source);

/// An objective as options name it: a row of the table, or a file whose text has one.
struct ObjectiveSource {
  Choice choice;
  std::string text = {}; ///< Of the file, whose path is then the choice's name.
};

/// Reads `NAME:SETTING=VALUE,...` or the file at a path that ends with .flow.
Expected<ObjectiveSource> readObjective(const std::string &option);

/// Log-densities of a target of as many coordinates as `flow`.
Expected<LogDensity> compileTarget(const TrainingTarget &target, const Flow &flow, const ModelOptions &options);
/// The same of a target that is yet to be loaded.
Expected<LogDensity> compileTarget(const TargetSource &source, const Flow &flow, const ModelOptions &options);

/// The one condition that all draws of a conditional flow have; empty for a flow
/// without.
Expected<std::vector<double>> readOneCondition(const Loaded &loaded, const DataOptions &options);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_TARGET_H
