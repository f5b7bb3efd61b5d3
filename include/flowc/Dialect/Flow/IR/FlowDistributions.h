//===- FlowDistributions.h - Base distributions -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWDISTRIBUTIONS_H
#define FLOWC_DIALECT_FLOW_IR_FLOWDISTRIBUTIONS_H

#include "flowc/Dialect/Flow/IR/FlowDialect.h"

namespace flowc::flow {

/// Streams of the random ops of one distribution, see sample.random_tail. The n-th
/// of nested mixtures, from outside, chooses its component by FirstChoice + n.
enum RandomStream : int64_t { Coordinates = 0, FirstGamma = 1, SecondGamma = 2, FirstChoice = 8 };

/// What the log-density of a coordinate has of its parameters alone.
struct PreparedDensity {
  /// The summand without the coordinate; null: zero.
  mlir::Value norm;
  /// What the rest of the formula reads.
  llvm::SmallVector<mlir::Value> values;
};

using PrepareFn = llvm::function_ref<PreparedDensity(mlir::ImplicitLocOpBuilder &, mlir::Type, mlir::ValueRange)>;
using DensityFn = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::Value, mlir::ValueRange)>;
using DrawFn = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::Value)>;

/// Emits the log-density of `op`, whose coordinates are independent and whose
/// operands have one element for each, from the formulas for one coordinate.
mlir::Value buildIndependentLogProb(mlir::Operation *op, Specializer &specializer, mlir::Value x, PrepareFn prepare,
                                    DensityFn density);

/// Emits a draw of `type` whose coordinates are `draw` of a uniform number each.
mlir::Value buildQuantileSample(Specializer &specializer, mlir::Type type, DrawFn draw);

/// Emits the number of elements of `value` (a float or a tensor of floats) that
/// are NaN, as a float.
mlir::Value countNaNs(mlir::ImplicitLocOpBuilder &builder, mlir::Value value);

/// Emits `logDensity`, or -inf if it is NaN although no value of `inputs` holds
/// one: a density that is undefined for such a row is zero, since the row lies
/// outside of the support.
mlir::Value buildGuardedDensity(mlir::ImplicitLocOpBuilder &builder, mlir::Value logDensity, mlir::ValueRange inputs);

} // namespace flowc::flow

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowDistributions.h.inc"

#endif // FLOWC_DIALECT_FLOW_IR_FLOWDISTRIBUTIONS_H
