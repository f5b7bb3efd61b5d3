//===- Vjp.h - Reverse-mode differentiation of blocks -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block is differentiated in two steps: its ops are cloned to where the
// reverse code will stand (the forward part), then `buildBlockVjp` emits the
// cotangents after them. What the reverse code does not read of the forward part
// is dead and disappears.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_VJP_H
#define FLOWC_DIALECT_SAMPLE_IR_VJP_H

#include "flowc/Dialect/Sample/IR/Interfaces.h"

namespace flowc::sample {

/// Whether values of `type` have cotangents: floats and tensors of floats.
bool isDifferentiable(mlir::Type type);

/// The attribute of ops whose slopes have all digits where they vanish, too. Those of formulas
/// have it; activations need no such slopes, and take quicker ones.
inline constexpr llvm::StringLiteral kExactTails = "flow.exact_tails";

/// Clones all ops of `block` but its terminator to the builder's position.
void cloneForward(VjpBuilder &vjp, mlir::Block &block);

/// Marks every value of `block` that depends on a marked one.
void propagateNeeded(VjpBuilder &vjp, mlir::Block &block);

/// Emits the cotangents of all needed values of `block`, given those of its
/// terminator's operands (null: zero). The forward part must have been cloned,
/// and the wanted arguments of `block` must have been marked as needed.
mlir::LogicalResult buildBlockVjp(VjpBuilder &vjp, mlir::Block &block, mlir::ValueRange cotangents);

/// A value and its cotangent.
using Seeded = std::pair<mlir::Value, mlir::Value>;

/// The cotangent of `at` (null: zero) from those of the values that `emit` emits at it. `share`,
/// if given, is shown the block that they are in, and what stands for it in the end.
mlir::FailureOr<mlir::Value>
buildPullback(mlir::ImplicitLocOpBuilder &builder, mlir::Value at,
              llvm::function_ref<mlir::FailureOr<llvm::SmallVector<Seeded>>(mlir::Value)> emit,
              llvm::function_ref<void(mlir::Block &, mlir::IRMapping &)> share = {});

/// The addends of `cotangent`, if any of them is a weight gradient: that is summed
/// over rows where it is made (sample.outer), so that nothing can be added to it row by
/// row. Else `cotangent` alone.
llvm::SmallVector<mlir::Value> splitWeightGradients(mlir::Value cotangent);

/// Turns every activation of a dense layer under `root` into a map of its own.
void expandActivations(mlir::Operation *root);

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_IR_VJP_H
