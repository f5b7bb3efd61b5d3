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

/// Whether `flow` has this kernel: a bare bijection has no density.
Expected<void> checkKernelExists(const Flow &flow, Kernel kernel);

/// What identifies the code of a kernel: known without setting up MLIR.
CacheKey makeKernelKey(const Flow &flow, Kernel kernel, DType dtype, const TargetSpec &target);

/// Compiles a kernel of `flow` to an object file. Thread-safe: every call has an
/// MLIR context of its own.
Expected<std::string> compileKernel(const Flow &flow, Kernel kernel, DType dtype, const TargetSpec &target);

/// Compiles a kernel of `flow` down to `level` (`flow`, `sample`, `tile`, `llvm`,
/// `asm` or `obj`) and returns what it looks like there: text, or the bytes of
/// an object file. `cpu` as in `CompileOptions`.
Expected<std::string> emitKernel(const Flow &flow, Kernel kernel, std::string_view level, DType dtype,
                                 const std::string &cpu = {});

} // namespace flowc

#endif // FLOWC_EXECUTIONENGINE_KERNELCOMPILER_H
