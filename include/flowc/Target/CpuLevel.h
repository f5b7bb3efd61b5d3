//===- CpuLevel.h - Processors that tell what they can do -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Code that is not run by whoever compiled it has to find out whether a processor can
// run it, before it does.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TARGET_CPULEVEL_H
#define FLOWC_TARGET_CPULEVEL_H

#include "flowc/Target/HostTarget.h"
#include "flowc/Target/TargetInfo.h"

#include <vector>

namespace flowc {

/// What to compile for, and the bits that a processor needs to run the code.
struct CpuLevel {
  TargetSpec target;
  CpuWords required = {};
};

/// The levels of processors with LLVM's names `cpus` (e.g. x86-64-v3; empty: this machine) of
/// the target `triple`, those that require less in front. No names: those that the target has
/// by default. They use no instructions that a processor cannot tell of
/// (`TargetInfo::require`): on x86, those of x86-64-v4 at most.
Expected<std::vector<CpuLevel>> getCpuLevels(const std::vector<std::string> &cpus, const std::string &triple = {});

} // namespace flowc

#endif // FLOWC_TARGET_CPULEVEL_H
