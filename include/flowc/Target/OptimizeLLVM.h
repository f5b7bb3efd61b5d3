//===- OptimizeLLVM.h - From the llvm dialect to machine code ---*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TARGET_OPTIMIZELLVM_H
#define FLOWC_TARGET_OPTIMIZELLVM_H

#include "flowc/Support/Expected.h"
#include "flowc/Target/HostTarget.h"

#include <string>
#include <string_view>
#include <vector>

namespace llvm {
class Module;
} // namespace llvm
namespace mlir {
class ModuleOp;
} // namespace mlir

namespace flowc {

/// What `emitNative` writes.
enum class NativeFile {
  LLVMIR,   ///< Text of LLVM's IR after optimisation.
  Bitcode,  ///< The same for programs, to be linked with others.
  Assembly, ///< Text.
  Object    ///< A relocatable ELF file.
};

/// Translates `module`, which holds nothing but the `llvm` dialect, optimises it
/// and emits it for `target`. An object that needs a symbol other than the
/// memory functions (a libm call, say) is an error that lists them.
Expected<std::string> emitNative(mlir::ModuleOp module, const TargetSpec &target, NativeFile file);

/// Emits `module`, which is optimised already, for `target`; functions may have other
/// targets in their attributes. Errors as above.
Expected<std::string> emitModule(llvm::Module &module, const TargetSpec &target, NativeFile file);

/// Undefined symbols of an object file other than `memcpy`, `memmove`, `memset`.
Expected<std::vector<std::string>> findUnexpectedSymbols(std::string_view object);

} // namespace flowc

#endif // FLOWC_TARGET_OPTIMIZELLVM_H
