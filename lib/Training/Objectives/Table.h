//===- Table.h - The rows of the table of objectives ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_OBJECTIVES_TABLE_H
#define FLOWC_LIB_TRAINING_OBJECTIVES_TABLE_H

#include "flowc/Targets.h"
#include "flowc/flowc.h"

namespace flowc {

extern const ObjectiveInfo likelihoodInfo, elboInfo, stlInfo;

/// In the order of help and documentation.
inline constexpr const ObjectiveInfo *kObjectives[] = {&likelihoodInfo, &stlInfo, &elboInfo};

/// The ELBO ("elbo") or what sticks the landing ("stl") of a target that is code.
Expected<std::unique_ptr<Objective>> makeExternalElbo(const ObjectiveInfo &info, const Flow &flow,
                                                      const ExternalTarget &target, const CompileOptions &options);

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_OBJECTIVES_TABLE_H
