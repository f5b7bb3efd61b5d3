//===- KernelFunctions.h - The functions of a sample program ----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What one pass leaves for the next: `@kernel` computes a row, `@prepare` what of it
// depends on parameters only, `@finish` gradients of parameters.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_TRANSFORMS_KERNELFUNCTIONS_H
#define FLOWC_DIALECT_SAMPLE_TRANSFORMS_KERNELFUNCTIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace flowc::sample {

/// The functions that are there; the others are null.
struct KernelFunctions {
  mlir::func::FuncOp kernel, prepare, finish;
};

/// Finds the functions of `module`, of which those in `required` must be there, and
/// checks them: each is one block that returns; all of them work in one type of floats,
/// on values that kernels can hold (verifyWellFormed); `@kernel` takes rows of floats,
/// and what `@prepare` returns, in its order; `@finish` takes what `@prepare` takes,
/// then cotangents of the sums that `@kernel` returns after the first one. An error
/// names the function, and the pass that makes one that is missing.
mlir::FailureOr<KernelFunctions> findKernelFunctions(mlir::ModuleOp module, llvm::ArrayRef<llvm::StringRef> required);

/// The same for a pass that differentiates `@kernel`, which must have results.
mlir::FailureOr<KernelFunctions> findDifferentiableKernel(mlir::ModuleOp module);

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_TRANSFORMS_KERNELFUNCTIONS_H
