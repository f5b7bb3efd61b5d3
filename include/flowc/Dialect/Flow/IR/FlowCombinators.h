//===- FlowCombinators.h - Bijections of parts of events --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWCOMBINATORS_H
#define FLOWC_DIALECT_FLOW_IR_FLOWCOMBINATORS_H

#include "flowc/Dialect/Flow/IR/FlowDialect.h"

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowCombinators.h.inc"

namespace flowc::flow {

/// An elementwise bijection in one direction, with its parameters.
struct ElementwiseStep {
  ElementwiseBijectionOpInterface op;
  bool inverse = false;
  /// Values that are visible where the event is.
  llvm::SmallVector<mlir::Value> parameters = {};
  /// Of each parameter, whether every element of the event has a share of its
  /// own; else all see it whole.
  llvm::SmallVector<bool> isIndexed = {};
};

/// Emits `steps`, one after the other, on every element of `event` (a tensor) as
/// one sample.map. Log-determinants that only parameters determine get a map of
/// their own, so that they can leave the loop over rows.
mlir::FailureOr<Transformed> buildElementwiseMap(Specializer &specializer, mlir::Value event,
                                                 llvm::ArrayRef<ElementwiseStep> steps);

/// Checks that `block`, a region of `op`, yields one event of `type` that bijections
/// make from its first argument.
mlir::LogicalResult verifyChain(mlir::Operation *op, mlir::Block &block, mlir::Type type);

} // namespace flowc::flow

#endif // FLOWC_DIALECT_FLOW_IR_FLOWCOMBINATORS_H
