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

#include <array>
#include <cstdint>
#include <vector>

namespace flowc {

/// Words of bits in which an x86 processor says what it can do.
enum class CpuWord {
  Leaf1Ecx,        ///< Register ecx of cpuid for 1.
  Leaf7Ebx,        ///< Register ebx of cpuid for 7, 0.
  ExtendedLeafEcx, ///< Register ecx of cpuid for 0x80000001.
  SavedState,      ///< Low word of xgetbv 0: registers that the system keeps.
};

/// What to compile for, and the bits that a processor needs to run the code.
struct CpuLevel {
  TargetSpec target;
  std::array<uint32_t, 4> required = {};

  uint32_t &operator[](CpuWord word) { return required[static_cast<size_t>(word)]; }
};

/// The level of the processor with LLVM's name `cpu` (e.g. x86-64-v3), or of this machine if
/// it is empty. It uses instruction sets of x86-64-v4 at most. Other architectures than x86
/// require nothing: there is code for this machine alone.
Expected<CpuLevel> getCpuLevel(const std::string &cpu = {});

/// Sorts levels that require less to the front.
void sortCpuLevels(std::vector<CpuLevel> &levels);

} // namespace flowc

#endif // FLOWC_TARGET_CPULEVEL_H
