//===- Networks.h - Bijections whose parameters a network computes - C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What their sample programs, and those of densities carried along, are made of.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_FLOW_IR_NETWORKS_H
#define FLOWC_LIB_DIALECT_FLOW_IR_NETWORKS_H

#include "flowc/Dialect/Flow/IR/FlowDialect.h"

namespace flowc::flow {

/// Emits the scalar bijection of `transformer` on a coordinate with its raw
/// parameters, in a body of its own.
mlir::FailureOr<Transformed> buildTransformer(mlir::Region &transformer, mlir::ImplicitLocOpBuilder &builder,
                                              bool withLogDets, mlir::Value coordinate, mlir::Value raw, bool inverse);

/// What a coupling keeps (null if that is nothing) and what it transforms.
struct Halves {
  mlir::Value head, tail;
};
Halves splitHalves(CouplingOp op, mlir::ImplicitLocOpBuilder &builder, mlir::Value x);

/// The raw parameters of all transformed coordinates, one after the other.
mlir::Value buildNetwork(CouplingOp op, Specializer &specializer, mlir::Value head);
/// The same; adds the layers to `layers`, if given.
mlir::Value buildNetwork(MaskedAutoregressiveOp op, Specializer &specializer, mlir::Value x,
                         llvm::SmallVectorImpl<DenseOp> *layers = nullptr);

/// Whether no output sees anything: one coordinate, and all hidden units see it.
bool isBiasOnly(MaskedAutoregressiveOp op);

/// What a step of a sweep yields: its coordinate, values that are kept, and summands.
struct SweepYields {
  mlir::Value state;
  llvm::SmallVector<mlir::Value> extras, summands;
};

/// Emits a step of a sweep, given the raw parameters of its coordinate and the step's share
/// of every indexed operand.
using SweepBodyFn = llvm::function_ref<mlir::LogicalResult(mlir::ImplicitLocOpBuilder &, mlir::Value raw,
                                                           mlir::ValueRange indexed, SweepYields &)>;

/// Emits the sweep that makes one coordinate after the other, the network's units between.
mlir::FailureOr<SweepOp> buildSweep(MaskedAutoregressiveOp op, Specializer &specializer, mlir::ValueRange indexed,
                                    SweepBodyFn body);

} // namespace flowc::flow

#endif // FLOWC_LIB_DIALECT_FLOW_IR_NETWORKS_H
