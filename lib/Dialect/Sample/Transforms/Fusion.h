//===- Fusion.h - Where two ops can become one ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_SAMPLE_TRANSFORMS_FUSION_H
#define FLOWC_LIB_DIALECT_SAMPLE_TRANSFORMS_FUSION_H

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

namespace flowc::sample {

/// Of two ops of a block, the one at whose place both can be computed: `second`,
/// if nothing before it uses `first`, or `first`, if all other operands of
/// `second` are there already. Null if neither.
mlir::Operation *findMeetingPoint(mlir::Operation *first, mlir::Operation *second);

/// Whether `value` is available before `op`.
bool isAvailableBefore(mlir::Value value, mlir::Operation *op);

/// Lets sum `result` of a map start at `other`, which is then added once, if the
/// sum started at zero and `user` (which adds `other` to it) is its only user.
/// Moves the map down to `user` where `other` is not available before.
bool absorbAddend(mlir::OpResult result, mlir::Value other, mlir::Operation *user);

/// Moves what sweeps of `block` compute step by step, though they know it before they
/// begin, to maps, if there are maps that go through the same elements.
void hoistFromSweeps(mlir::Block &block);

/// Replaces layers of networks whose outputs a sweep of `block` keeps: the same sums, of
/// terms in the same order.
void useSumsOfSweeps(mlir::Block &block);

/// Calls `visit` on every block of the functions and scans of `root`, innermost
/// first.
void forEachProgramBlock(mlir::Operation *root, llvm::function_ref<void(mlir::Block &)> visit);

} // namespace flowc::sample

#endif // FLOWC_LIB_DIALECT_SAMPLE_TRANSFORMS_FUSION_H
