//===- NormalApproximation.h - Where chains start ---------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_NORMALAPPROXIMATION_H
#define FLOWC_LIB_TRAINING_NORMALAPPROXIMATION_H

#include "flowc/Training/SupportMap.h"
#include "flowc/Training/TargetStart.h"

namespace flowc {

/// Where chains look for a target: over the coordinates in which the flow covers R^D, if it
/// has such.
struct StartPlace {
  const TrainingTarget &target;
  const Flow &flow;
  std::optional<SupportMap> map;
  StartOptions options;

  bool isMapped() const { return map && !map->isIdentity(); }
  CompileOptions compileOptions() const;
  /// The target's log-density and slope there.
  Expected<TargetFunction> function() const;
};

/// Draws, in about the shares that `target`, which is `place.function()`, has, from four
/// normal distributions: the standard one, the curvature at a mode, and those of least ELBO
/// that are found from the two. The first finds several modes about the origin, the second
/// one that is narrow or far away. Error: none is anywhere near the target.
Expected<Rows<double>> drawNormalApproximations(const StartPlace &place, const TargetFunction &target, int64_t count,
                                                uint64_t seed);

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_NORMALAPPROXIMATION_H
