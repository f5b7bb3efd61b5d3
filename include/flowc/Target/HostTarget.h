//===- HostTarget.h - Which processor code is made for ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TARGET_HOSTTARGET_H
#define FLOWC_TARGET_HOSTTARGET_H

#include "flowc/Support/Expected.h"

#include <memory>
#include <string>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace flowc {

/// A processor in LLVM's terms. Finding it costs microseconds and sets up
/// nothing of LLVM, so that it can be part of a cache key.
struct TargetSpec {
  std::string triple;
  std::string cpu;
  /// LLVM's feature string, e.g. `+avx2,+fma,-sse4a`, sorted.
  std::string features;
  /// Width of the SIMD registers that kernels use: 512, 256 or 128.
  int simdBits = 128;
  /// Whether fused multiply-add is an instruction.
  bool hasFMA = false;
};

/// The processor with LLVM's name `cpu`; empty: this machine.
Expected<TargetSpec> getTarget(const std::string &cpu = {});

/// Whether this machine can run code made for `target`; the error names the
/// instruction sets that it lacks.
Expected<void> checkRunsOnHost(const TargetSpec &target);

/// A code generator: position independent, no contraction of floating-point
/// operations. Thread-safe; sets up LLVM's native target on first use.
Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const TargetSpec &target);

} // namespace flowc

#endif // FLOWC_TARGET_HOSTTARGET_H
