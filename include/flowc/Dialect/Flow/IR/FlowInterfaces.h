//===- FlowInterfaces.h - What passes ask of ops ----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWINTERFACES_H
#define FLOWC_DIALECT_FLOW_IR_FLOWINTERFACES_H

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"

namespace flowc::flow {

// Graphs become programs of one sample: most code of this dialect is about both.
using namespace flowc::sample;
namespace sample = flowc::sample;

/// An event after a bijection, the log-determinant of that step, and the gradient of
/// the log-density there.
struct Scored {
  mlir::Value event;
  mlir::Value logDet;
  mlir::Value score;
};

/// How an inverse is found.
enum class InverseKind { Analytic, Sweep, Root };

/// Turns flow graphs into sample programs: keeps, for the values of the graph,
/// the values that stand for them where code is emitted.
class Specializer {
public:
  /// Without `withLogDets` no log-determinants are emitted (all are null).
  Specializer(mlir::ImplicitLocOpBuilder &builder, bool withLogDets = true)
      : builder(builder), withLogDets(withLogDets) {}

  mlir::ImplicitLocOpBuilder &getBuilder() { return builder; }
  mlir::IRMapping &getMapping() { return mapping; }
  bool wantsLogDets() const { return withLogDets; }
  /// The value that stands for `graphValue` (a parameter, the condition).
  mlir::Value lookup(mlir::Value graphValue) { return mapping.lookupOrDefault(graphValue); }

  /// Emits the bijection in `block` (event: its first argument; result: the
  /// first operand of its terminator) or its inverse, applied to `event`. Ops on
  /// parameters are cloned. All values that `block` uses, except its first
  /// argument, must have been mapped or be visible.
  mlir::FailureOr<Transformed> specialize(mlir::Block &block, bool inverse, mlir::Value event);

  /// The bijections of `last`'s block that lead from `first` to `last`, in forward
  /// order; `first` is the event that no bijection of the block makes.
  static llvm::SmallVector<mlir::Operation *> getChain(mlir::Value last, mlir::Value &first);

  /// Clones the ops of `block` on which the parameters of `users` (bijections and
  /// distributions) depend.
  mlir::LogicalResult cloneParameterOps(mlir::Block &block, llvm::ArrayRef<mlir::Operation *> users);

  /// Emits the bijections of `chain` one after the other, or their inverses in
  /// reverse order.
  mlir::FailureOr<Transformed> apply(llvm::ArrayRef<mlir::Operation *> chain, bool inverse, mlir::Value event);

  /// The same for the event together with the gradient of its log-density, `score`
  /// (BijectionOpInterface::buildScored).
  mlir::FailureOr<Scored> specializeScored(mlir::Block &block, bool inverse, mlir::Value event, mlir::Value score);
  mlir::FailureOr<Scored> applyScored(llvm::ArrayRef<mlir::Operation *> chain, bool inverse, mlir::Value event,
                                      mlir::Value score);

  /// a + b where null is zero.
  mlir::Value addLogDets(mlir::Value a, mlir::Value b);

private:
  mlir::ImplicitLocOpBuilder &builder;
  mlir::IRMapping mapping;
  bool withLogDets;
};

/// Emits an elementwise bijection on an event of any type from its formulas for
/// one element (ElementwiseBijectionOpInterface).
mlir::FailureOr<Transformed> buildElementwise(mlir::Operation *op, Specializer &specializer, mlir::Value event,
                                              bool inverse);

/// BijectionOpInterface::buildScored by the derivative of the way back.
mlir::FailureOr<Scored> buildScoredByWayBack(mlir::Operation *op, Specializer &specializer, mlir::Value x,
                                             mlir::Value score, bool inverse);

/// Of a bijection of the flow graph, that neither its event nor a draw is among its
/// other operands, or used by its regions from outside.
mlir::LogicalResult verifyBijectionOperands(mlir::Operation *op);

/// Of a distribution, that no draw is among its operands.
mlir::LogicalResult verifyDistributionOperands(mlir::Operation *op);

} // namespace flowc::flow

#include "flowc/Dialect/Flow/IR/FlowInterfaces.h.inc"

#endif // FLOWC_DIALECT_FLOW_IR_FLOWINTERFACES_H
