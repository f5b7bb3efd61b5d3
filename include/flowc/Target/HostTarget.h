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

class TargetInfo;
struct VectorUnit;

/// A processor in LLVM's terms. Finding it costs microseconds and sets up
/// nothing of LLVM, so that it can be part of a cache key.
struct TargetSpec {
  const TargetInfo *info = nullptr; ///< Never null in one that `getTarget` gives; nor is `vectors`.
  std::string triple;
  std::string cpu;
  /// LLVM's feature string, e.g. `+avx2,+fma,-sse4a`, sorted.
  std::string features;
  /// The vectors that kernels use.
  const VectorUnit *vectors = nullptr;
  /// Whether fused multiply-add is an instruction.
  bool hasFMA = false;
};

/// The processor with LLVM's name `cpu` of the target `triple`. No triple: that of this machine,
/// and then no name: this machine itself; otherwise, no name: what all of the target run.
Expected<TargetSpec> getTarget(const std::string &cpu = {}, const std::string &triple = {});

/// Whether this machine can run code made for `target`; the error names the
/// instruction sets that it lacks.
Expected<void> checkRunsOnHost(const TargetSpec &target);

/// A code generator: position independent, no contraction of floating-point
/// operations. Thread-safe; sets up LLVM's target on first use.
Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const TargetSpec &target);

} // namespace flowc

#endif // FLOWC_TARGET_HOSTTARGET_H
