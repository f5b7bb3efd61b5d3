//===- Body.h - Bodies of maps in the tile program --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CONVERSION_SAMPLETOTILE_BODY_H
#define FLOWC_LIB_CONVERSION_SAMPLETOTILE_BODY_H

#include "flowc/Conversion/MicroKernels.h"
#include "flowc/Dialect/Sample/IR/Root.h"

namespace flowc {

/// A body value: one SSA value (a vector of lanes, or a scalar in uniform code)
/// per element of the float or small tensor that it stands for.
using BodyValue = llvm::SmallVector<mlir::Value, 4>;
using BodyMap = llvm::DenseMap<mlir::Value, BodyValue>;

/// Emits the ops of map, sweep and activation bodies.
class BodyEmitter {
public:
  /// `lanes` is the vector width, or 0 for scalars.
  BodyEmitter(mlir::ImplicitLocOpBuilder &b, int64_t lanes) : b(b), lanes(lanes) {}

  /// Emits `block` without its terminator; its arguments must be in `values`.
  mlir::LogicalResult emit(mlir::Block &block, BodyMap &values);
  /// Lets elements of `tensor`, the same in every lane, be looked up in vectors that hold
  /// them.
  void addTable(mlir::Value tensor, llvm::ArrayRef<mlir::Value> vectors) {
    tables[tensor] = llvm::to_vector<2>(vectors);
  }
  /// The operands of the block's terminator.
  llvm::SmallVector<BodyValue> getYielded(mlir::Block &block, BodyMap &values);
  /// The type that an element of this type has in the tile program.
  mlir::Type convert(mlir::Type element) const;

private:
  mlir::LogicalResult emitOp(mlir::Operation *op, BodyMap &values);
  mlir::LogicalResult emitElementwise(mlir::Operation *op, BodyMap &values);
  bool emitFused(mlir::Operation *op, BodyMap &values);
  // EmitRoot.cpp
  mlir::LogicalResult emitRoot(sample::RootOp op, BodyMap &values);
  mlir::Value indexConstant(int64_t value);

  mlir::ImplicitLocOpBuilder &b;
  int64_t lanes;
  /// What `addTable` was told.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value, 2>> tables;
};

/// Whether `value` of a body is known to be at least 1e-30 (or NaN), so that its
/// logarithm needs no selects.
bool isPositive(mlir::Value value);

/// A relu and its derivative stay in registers; a longer body is applied to stored rows.
bool isShortBody(mlir::Block &body);
/// `body`, of which only these arguments are used, for the dense micro-kernel. An `operand` (may
/// be null) needs a short body.
Epilogue makeEpilogue(mlir::Block &body, mlir::BlockArgument sum, mlir::BlockArgument operand, int64_t lanes);

} // namespace flowc

#endif // FLOWC_LIB_CONVERSION_SAMPLETOTILE_BODY_H
