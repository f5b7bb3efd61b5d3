//===- Graph.h - What a graph function holds --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_FLOW_TRANSFORMS_GRAPH_H
#define FLOWC_LIB_DIALECT_FLOW_TRANSFORMS_GRAPH_H

#include "flowc/Dialect/Flow/IR/FlowDistributions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace flowc::flow {

/// What is read off a graph function.
struct Graph {
  mlir::func::FuncOp function;
  /// The event argument of a bijection or a density, else null.
  mlir::BlockArgument event;
  /// The base distribution of a flow, else null.
  DistributionOpInterface base;
  /// All bijections in forward order, and those that are the flow's own (the
  /// others belong to its base distribution).
  llvm::SmallVector<mlir::Operation *> chain, own;
  /// The condition, if there is one, then the leaves.
  llvm::SmallVector<mlir::BlockArgument> arguments;
  /// The log-density `@density`, else null: the function itself, or the target.
  mlir::func::FuncOp density;

  bool isDensity() { return density == function; }
  /// The data that the density reads.
  llvm::ArrayRef<mlir::BlockArgument> getData() { return density.getBody().front().getArguments().drop_front(); }
  mlir::Type getEventType() { return event ? event.getType() : function.getResultTypes().front(); }
};

/// Reads `function`; `density`, if there is one, is the function itself or the
/// target. Says what is wrong if it is no graph.
mlir::FailureOr<Graph> readGraph(mlir::func::FuncOp function, mlir::func::FuncOp density);

} // namespace flowc::flow

#endif // FLOWC_LIB_DIALECT_FLOW_TRANSFORMS_GRAPH_H
