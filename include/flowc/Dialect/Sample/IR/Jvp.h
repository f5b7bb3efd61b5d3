//===- Jvp.h - Forward-mode differentiation of blocks -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block is differentiated forwards while it is cloned: behind each op come the
// tangents of its results, by rules that read the clones. Nothing is kept for
// later, so that a loop stays one loop that carries values and tangents.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_JVP_H
#define FLOWC_DIALECT_SAMPLE_IR_JVP_H

#include "flowc/Dialect/Sample/IR/Interfaces.h"

namespace flowc::sample {

/// Clones all ops of `block` but its terminator to the builder's position and
/// emits the tangents of their results, given those of the block's arguments and
/// of values outside (none: zero).
mlir::LogicalResult buildBlockJvp(JvpBuilder &jvp, mlir::Block &block);

/// The tangent of an op that makes each element of its results from elements at the
/// same place: its Jacobian by one operand is diagonal, hence its own transpose, so
/// that the vector-Jacobian product of a tangent is the tangent of the result.
mlir::LogicalResult buildDiagonalJvp(mlir::Operation *op, JvpBuilder &jvp);

/// The tangent of an op that is linear in each of its float operands: the sum of
/// the same op with one operand after the other replaced by its tangent.
mlir::LogicalResult buildMultilinearJvp(mlir::Operation *op, JvpBuilder &jvp);

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_IR_JVP_H
