//===- ExplainImpl.h - Parts of an explanation ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_EXPLAIN_EXPLAINIMPL_H
#define FLOWC_LIB_EXPLAIN_EXPLAINIMPL_H

#include "MathPrinter.h"

#include "flowc/flowc.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OwningOpRef.h"

namespace flowc {

/// The graph of one flow in a context of its own, which keeps the first error.
class FlowGraph {
public:
  FlowGraph(const Flow &flow, DType dtype);

  /// Null if the graph could not be made.
  mlir::ModuleOp getModule() const { return module.get(); }
  mlir::MLIRContext &getContext() { return context; }
  /// The function of the graph: @flow, @bijection or @density.
  mlir::func::FuncOp getFunction() const { return *module.get().getOps<mlir::func::FuncOp>().begin(); }
  /// What went wrong first; for those who report errors of their own, too.
  std::string &getError() { return error; }

private:
  mlir::MLIRContext context;
  std::string error;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// The program of a graph function's bijections in one direction.
struct EmittedDirection {
  /// Takes the event, then `inputs` of the graph function. It has no terminator.
  mlir::func::FuncOp program;
  llvm::SmallVector<mlir::BlockArgument> inputs;
  sample::Transformed result;
  /// The base distribution, or null, and its log-density at the result of the
  /// inverse, emitted by the ops after `lastOfBijections` (null: by all).
  flow::DistributionOpInterface base;
  mlir::Value logDensity;
  mlir::Operation *lastOfBijections = nullptr;
};

/// Emits one direction beside the graph function `function`.
mlir::FailureOr<EmittedDirection> emitDirection(mlir::func::FuncOp function, bool inverse);

/// What values of a flow graph are called.
class GraphNames {
public:
  /// Names the arguments of `function`: the event, the condition, the leaves.
  GraphNames(mlir::func::FuncOp function, llvm::StringRef event);

  /// The name of a leaf, of a slice of it in a scan, or of what is computed from
  /// it; `p`, `p2`, ... for what is computed from several.
  std::string get(mlir::Value value) const;

private:
  /// The only leaf that `value` depends on, or null.
  mlir::Value getLeaf(mlir::Value value) const;

  llvm::DenseMap<mlir::Value, std::string> names;
  /// Names that were given to what is computed from several leaves.
  mutable llvm::DenseMap<mlir::Value, std::string> computed;
};

/// Prints the derivatives of what `step` computes, and of the parameters behind
/// its operands. Returns failure if something has no derivative.
mlir::LogicalResult explainGradient(llvm::raw_ostream &os, mlir::ModuleOp module,
                                    const flow::SpecializerTrace::Step &step, const GraphNames &names);

/// Prints the derivatives of the base distribution's log-density.
mlir::LogicalResult explainBaseGradient(llvm::raw_ostream &os, mlir::ModuleOp module,
                                        flow::DistributionOpInterface base, const GraphNames &names);

/// Prints the gradient of @density.
mlir::LogicalResult explainDensityGradient(llvm::raw_ostream &os, mlir::func::FuncOp density, llvm::StringRef event);

} // namespace flowc

#endif // FLOWC_LIB_EXPLAIN_EXPLAINIMPL_H
