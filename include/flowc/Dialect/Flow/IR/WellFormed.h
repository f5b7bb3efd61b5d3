//===- WellFormed.h - What holds of every op of a program -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_WELLFORMED_H
#define FLOWC_DIALECT_FLOW_IR_WELLFORMED_H

#include "mlir/IR/Operation.h"

namespace flowc::flow {

/// Checks, of every op in a function and of the function, the types that kernels can hold:
/// f32 or f64 (one of them per op), integers, and tensors of them with known extents of at
/// least `leastExtent` (masked weights of one coordinate may have no columns). Regions of the dialect's ops are one block that ends in flow.yield. Passes that
/// begin with what a person may have written ask for it.
mlir::LogicalResult verifyWellFormed(mlir::Operation *function, int64_t leastExtent = 1);

/// Of a constant permutation and its inverse, that they are; others are data of a model.
mlir::LogicalResult verifyPermutation(mlir::Operation *op, mlir::Value indices, mlir::Value inverse);

} // namespace flowc::flow

#endif // FLOWC_DIALECT_FLOW_IR_WELLFORMED_H
