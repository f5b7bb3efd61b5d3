//===- JIT.h - Object code in this process ----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_EXECUTIONENGINE_JIT_H
#define FLOWC_EXECUTIONENGINE_JIT_H

#include "flowc/Runtime/KernelABI.h"
#include "flowc/Support/Expected.h"

#include <memory>
#include <string_view>

namespace flowc {

/// The functions of one kernel, loaded into this process until the object goes
/// away. Immutable, so any number of threads may call them.
class LoadedKernel {
public:
  virtual ~LoadedKernel() = default;

  PrepareFn prepare = nullptr;
  KernelFn kernel = nullptr;
  FinishFn finish = nullptr;           ///< Null if the kernel has no parameter gradient.
  PreparePartFn preparePart = nullptr; ///< Null if there is one part, as is the next.
  FinishPartFn finishPart = nullptr;
  KernelInfo info = {};
  KernelParts parts = {};
};

/// Links an object file that follows KernelABI.h. All kernels of a process share
/// one LLJIT; each has a JITDylib of its own, in which nothing but the memory
/// functions is visible. Thread-safe.
Expected<std::unique_ptr<LoadedKernel>> loadKernel(std::string_view object);

} // namespace flowc

#endif // FLOWC_EXECUTIONENGINE_JIT_H
