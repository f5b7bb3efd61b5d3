//===- Builders.h - Building blocks of sample programs ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What formulas of bijections, emission of flows and passes share: maps,
// activations, layers of networks, spline knots.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_BUILDERS_H
#define FLOWC_DIALECT_SAMPLE_IR_BUILDERS_H

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

namespace flowc::sample {

/// What the body of a map yields: elements of stacked results, and summands.
struct MapYields {
  llvm::SmallVector<mlir::Value> stacked, summands;
};

/// Emits the body of a map: takes a builder at the end of the body and the
/// body's arguments.
using MapBodyFn = llvm::function_ref<mlir::LogicalResult(mlir::ImplicitLocOpBuilder &, mlir::ValueRange, MapYields &)>;

/// Emits a sample.map whose results follow from what `body` yields. Sums start at
/// `init`, or at zero if `init` is empty. Ops of the body that nothing needs are
/// erased.
mlir::FailureOr<MapOp> buildMap(mlir::ImplicitLocOpBuilder &builder, int64_t extent, mlir::ValueRange indexed,
                                mlir::ValueRange shared, MapBodyFn body, mlir::ValueRange init = {});

/// Erases the ops of `block` without effects and uses.
void eraseDeadOps(mlir::Block &block);

/// A builder at the end of `block`.
mlir::ImplicitLocOpBuilder getBodyBuilder(mlir::Location loc, mlir::Block &block);

/// Whether `name` is an activation of networks.
bool isActivation(llvm::StringRef name);

/// Emits activation `name` of the float `x`, written so that its derivative by
/// the rules of its ops is JAX's, at kinks too.
mlir::Value buildActivation(mlir::ImplicitLocOpBuilder &builder, llvm::StringRef name, mlir::Value x);

/// Emits the activation of every element of `x` (a float or a tensor).
mlir::Value buildActivationMap(mlir::ImplicitLocOpBuilder &builder, llvm::StringRef name, mlir::Value x);

/// Emits `weight` x + `bias` (which may be null).
mlir::Value buildDense(mlir::ImplicitLocOpBuilder &builder, mlir::Value weight, mlir::Value bias, mlir::Value x,
                       RankMaskAttr mask = {});

/// Emits a tensor of the pieces that are not null, one after the other.
mlir::Value buildConcat(mlir::ImplicitLocOpBuilder &builder, mlir::ValueRange pieces);

/// Emits `formula` of the elements of `inputs`, which have one type.
mlir::Value buildElements(mlir::ImplicitLocOpBuilder &builder, mlir::ValueRange inputs,
                          llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)> formula);

/// Emits the K + 2 knots of a spline on [lower, upper] from K + 1 raw widths:
/// FlowJAX's `RealToIncreasingOnInterval` with end points.
mlir::Value buildKnots(mlir::ImplicitLocOpBuilder &builder, mlir::Value raw, double lower, double upper,
                       double minWidth);

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_IR_BUILDERS_H
