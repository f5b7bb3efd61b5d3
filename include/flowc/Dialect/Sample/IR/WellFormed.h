//===- WellFormed.h - What holds of every op of a program -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_WELLFORMED_H
#define FLOWC_DIALECT_SAMPLE_IR_WELLFORMED_H

#include "mlir/IR/OpDefinition.h"

namespace flowc::sample {

/// Whether an event has this type: a float, or a tensor of rank 1 of a known number of
/// elements, at least one.
bool isEventType(mlir::Type type);

/// Checks the types of an op's operands, results and arguments of regions, of which
/// kernels can hold f32 or f64 (one of them per op), integers, and tensors of them with
/// known extents of at least `leastExtent`, of 2^40 elements at most (masked weights of
/// one coordinate may have no columns). Regions of the dialect's ops are one block that
/// ends in the dialect's yield.
mlir::LogicalResult verifyOpTypes(mlir::Operation *op, int64_t leastExtent = 0);

/// An op of the dialect: its own verifier may take extents for known, and regions
/// that are not empty for one block with a yield.
template <typename ConcreteType>
class WellTyped : public mlir::OpTrait::TraitBase<ConcreteType, WellTyped> {
public:
  static mlir::LogicalResult verifyTrait(mlir::Operation *op) { return verifyOpTypes(op); }
};

/// verifyOpTypes of a function and of every op in it. Passes that begin with what a
/// person may have written ask for it: ops of other dialects know no such limits.
mlir::LogicalResult verifyWellFormed(mlir::Operation *function, int64_t leastExtent = 1);

/// Of a constant permutation and its inverse, that they are; others are data of a model.
mlir::LogicalResult verifyPermutation(mlir::Operation *op, mlir::Value indices, mlir::Value inverse);

/// Of constant positions, that they lie in [0, `count`).
mlir::LogicalResult verifyConstantPositions(mlir::Operation *op, mlir::Value positions, int64_t count);

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_IR_WELLFORMED_H
