//===- KernelCompiler.h - From a flow to an object file ---------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_EXECUTIONENGINE_KERNELCOMPILER_H
#define FLOWC_EXECUTIONENGINE_KERNELCOMPILER_H

#include "flowc/ExecutionEngine/ObjectCache.h"
#include "flowc/Target/HostTarget.h"
#include "flowc/flowc.h"

#include <string>
#include <string_view>

namespace flowc {

/// A kernel's name in messages and options: `log_prob`, `nll_gradient`, ...
std::string_view getKernelName(Kernel kernel);

/// The kernel with this name; the error lists all names.
Expected<Kernel> parseKernelName(std::string_view name);

/// Which code is asked for.
struct KernelRequest {
  const Flow &flow;
  Kernel kernel;
  DType dtype;
  /// The density that an ELBO is about, if the kernel is one.
  const Flow *target = nullptr;
};

/// The density that a kernel evaluates, whose data it takes behind the leaves of its
/// flow; null for most kernels.
const Node *findDensity(const KernelRequest &request);

/// Whether there is such a kernel: a bare bijection has no density.
Expected<void> checkKernelExists(const KernelRequest &request);

/// What identifies the code of a kernel: known without setting up MLIR.
CacheKey makeKernelKey(const KernelRequest &request, const TargetSpec &target);

/// Compiles a kernel to an object file. Thread-safe: every call has an MLIR
/// context of its own.
Expected<std::string> compileKernel(const KernelRequest &request, const TargetSpec &target);

/// Compiles a kernel down to `level` (`flow`, `sample`, `tile`, `llvm`, `asm` or
/// `obj`) and returns what it looks like there: text, or the bytes of an object
/// file. `cpu` as in `CompileOptions`.
Expected<std::string> emitKernel(const KernelRequest &request, std::string_view level, const std::string &cpu = {});

} // namespace flowc

#endif // FLOWC_EXECUTIONENGINE_KERNELCOMPILER_H
