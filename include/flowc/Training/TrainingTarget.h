//===- TrainingTarget.h - What a flow is to approximate ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_TRAININGTARGET_H
#define FLOWC_TRAINING_TRAININGTARGET_H

#include "flowc/Targets.h"

namespace flowc {

/// A target of training: a density in flowc's language, which is fused into the
/// kernels, or code. Cheap to copy.
class TrainingTarget {
public:
  TrainingTarget(Flow density) : density(std::move(density)) {}
  TrainingTarget(ExternalTarget code) : code(std::move(code)) {}

  const std::string &name() const { return density ? density->name() : code->name; }
  bool isCode() const { return code.has_value(); }
  int64_t dim() const { return density ? density->dim() : code->dim; }

  /// The objective for models of `flow`: one of the table or, if `text` is not empty, its
  /// last `objective` item. Errors: another number of coordinates; no objective of a
  /// target, or none that code has.
  Expected<std::unique_ptr<Objective>> makeObjective(const Choice &objective, const Flow &flow,
                                                     const CompileOptions &options, std::string_view text = {}) const;
  /// Log-densities and their slopes, in float64.
  Expected<TargetFunction> function(const CompileOptions &options) const;

private:
  std::optional<Flow> density;
  std::optional<ExternalTarget> code;
};

} // namespace flowc

#endif // FLOWC_TRAINING_TRAININGTARGET_H
