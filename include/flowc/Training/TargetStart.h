//===- TargetStart.h - Where to begin towards a target ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ELBO has no pull towards places where the flow draws nothing, and steps of a
// fixed size take long to where the target lies. So a short run of Markov chains on
// the target says first where that is and how wide: the flow is standardised as if
// their draws were data, and trained on them for a while by maximum likelihood,
// which leaves no mode out. The ELBO then decides alone what is right.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_TARGETSTART_H
#define FLOWC_TRAINING_TARGETSTART_H

#include "flowc/Training/TrainingTarget.h"

namespace flowc {

struct StartOptions {
  DType dtype = F32;
  uint64_t seed = 0;
  int threads = 0;
  bool useCache = true;
  bool standardize = true; ///< Put a frozen affine layer outside of the flow, or before its support map.
};

/// A model of `flow` from which training towards `target` begins: its flow is in the
/// target's units if it covers all real numbers or has a map onto its support
/// (flowc/Training/SupportMap.h), and its parameters are fitted to draws of chains. Error:
/// the target has no finite density anywhere near.
Expected<Model> startTowardsTarget(const Flow &flow, const TrainingTarget &target, const StartOptions &options);

} // namespace flowc

#endif // FLOWC_TRAINING_TARGETSTART_H
