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

#include <memory>
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
  /// The condition is the same for all rows: a parameter in front of all others, of which
  /// `prepare` computes what it can.
  bool fixedCondition = false;
};

/// The density that a kernel evaluates, whose data it takes behind the leaves of its
/// flow; null for most kernels.
const Node *findDensity(const KernelRequest &request);

/// Whether there is such a kernel: a bare bijection has no density.
Expected<void> checkKernelExists(const KernelRequest &request);

/// What identifies a request: known without setting up MLIR. Two requests may well mean
/// the same code.
CacheKey makeRequestKey(const KernelRequest &request, const TargetSpec &target);

/// A kernel whose graph has been built, and that is not lowered yet. It has an MLIR
/// context of its own, so that several threads may compile at once.
class KernelCompilation {
public:
  /// Builds the graph; what the request refers to must outlive it.
  static Expected<KernelCompilation> begin(const KernelRequest &request, const TargetSpec &target);

  KernelCompilation(KernelCompilation &&) noexcept;
  KernelCompilation &operator=(KernelCompilation &&) noexcept;
  ~KernelCompilation();

  /// What identifies the code: the graph, the kernel and the machine. The initial values of
  /// parameters are in none of them, so that flows which differ in these share their code.
  CacheKey key() const;

  /// Lowers the graph to an object file.
  Expected<std::string> compile();
  /// The same as LLVM's bitcode, optimised: what objects with many kernels are linked from.
  Expected<std::string> compileToBitcode();
  /// An object file for this machine, of which `prepare` computes the same bits as on the
  /// target; `kernel` does nothing. Errors: this machine has no fused multiply-add, and the
  /// target has.
  Expected<std::string> compilePrepare();
  /// The text of the graph.
  std::string graph() const;

private:
  friend Expected<std::string> emitKernel(const KernelRequest &request, std::string_view level, const std::string &cpu,
                                          const std::string &triple);
  struct Impl;
  explicit KernelCompilation(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl;
};

/// Compiles a kernel to an object file. Thread-safe.
Expected<std::string> compileKernel(const KernelRequest &request, const TargetSpec &target);

/// Compiles a kernel down to `level` (`flow`, `sample`, `tile`, `llvm`, `asm` or
/// `obj`) and returns what it looks like there: text, or the bytes of an object
/// file. `cpu` and `triple` as in `getTarget`.
Expected<std::string> emitKernel(const KernelRequest &request, std::string_view level, const std::string &cpu = {},
                                 const std::string &triple = {});

} // namespace flowc

#endif // FLOWC_EXECUTIONENGINE_KERNELCOMPILER_H
