//===- EmitCode.h - Small pieces of LLVM's IR -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TARGET_EMITCODE_H
#define FLOWC_TARGET_EMITCODE_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <cstddef>

namespace llvm {
class IRBuilderBase;
class Type;
class Value;
} // namespace llvm

namespace flowc {

/// Memory for `count` of `type` of the function that is being built, at its beginning.
llvm::Value *emitAlloca(llvm::IRBuilderBase &b, llvm::Type *type, size_t count);
/// `compute()` if `condition` holds, else 0.
llvm::Value *emitIf(llvm::IRBuilderBase &b, llvm::Value *condition, llvm::function_ref<llvm::Value *()> compute);

} // namespace flowc

#endif // FLOWC_TARGET_EMITCODE_H
