//===- Table.h - The rows of the table of objectives ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_OBJECTIVES_TABLE_H
#define FLOWC_LIB_TRAINING_OBJECTIVES_TABLE_H

#include "flowc/Support/WithType.h"
#include "flowc/Targets.h"
#include "flowc/flowc.h"

namespace flowc {

extern const ObjectiveInfo likelihoodInfo, elboInfo, stlInfo, vargradInfo, iwaeInfo, renyiInfo, forwardKlInfo,
    weightVarianceInfo, contrastiveInfo;

/// In the order of help and documentation.
inline constexpr const ObjectiveInfo *kObjectives[] = {&likelihoodInfo, &stlInfo,   &elboInfo,      &vargradInfo,
                                                       &iwaeInfo,       &renyiInfo, &forwardKlInfo, &weightVarianceInfo,
                                                       &contrastiveInfo};

/// The ELBO ("elbo") or what sticks the landing ("stl") of a target that is code.
Expected<std::unique_ptr<Objective>> makeExternalElbo(const ObjectiveInfo &info, const Flow &flow,
                                                      const ExternalTarget &target, const CompileOptions &options);

/// What a checkpoint must agree on of a density that is the `role` ("target", say) of a
/// training: its text, its name, and the data that it reads.
std::map<std::string, std::string> identityOf(const Flow &density, const std::string &role);

/// Adds what a batch gives of a call's inputs: the rows and their condition.
void addRows(const Batch &batch, Kernels::Call &call);

/// How many of the losses of rows are not finite, if these are so rare that they can be
/// left out (one in a hundred, one at least); else 0. A draw far out may have a density
/// that a float cannot hold, and would end the training of all others.
int64_t countRareFailures(std::span<const double> losses);

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_OBJECTIVES_TABLE_H
