//===- FlowInterfaces.h - What passes ask of ops ----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWINTERFACES_H
#define FLOWC_DIALECT_FLOW_IR_FLOWINTERFACES_H

#include "flowc/Dialect/Flow/IR/FlowTraits.h"
#include "flowc/Dialect/Flow/IR/WellFormed.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"

namespace flowc::flow {

/// An event after a bijection, and the log-determinant of that step (a float;
/// null if it is identically zero).
struct Transformed {
  mlir::Value event;
  mlir::Value logDet;
};

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

/// Accumulates cotangents while a block is differentiated in reverse.
class VjpBuilder {
public:
  VjpBuilder(mlir::ImplicitLocOpBuilder &builder, mlir::IRMapping &mapping) : builder(builder), mapping(mapping) {}

  mlir::ImplicitLocOpBuilder &getBuilder() { return builder; }
  /// The value of `primal` where the reverse code is emitted.
  mlir::Value lookup(mlir::Value primal) { return mapping.lookupOrDefault(primal); }
  mlir::IRMapping &getMapping() { return mapping; }
  /// Whether the cotangent of `primal` is wanted at all.
  bool isNeeded(mlir::Value primal) const { return needed.contains(primal); }
  void markNeeded(mlir::Value primal) { needed.insert(primal); }
  /// Adds `cotangent` to the cotangent of `primal`; does nothing if it is null or not needed.
  void accumulate(mlir::Value primal, mlir::Value cotangent);
  /// The cotangent of `primal` so far, or null (zero).
  mlir::Value getCotangent(mlir::Value primal) const { return cotangents.lookup(primal); }

private:
  mlir::ImplicitLocOpBuilder &builder;
  mlir::IRMapping &mapping;
  llvm::DenseMap<mlir::Value, mlir::Value> cotangents;
  llvm::DenseSet<mlir::Value> needed;
};

/// Collects tangents while a block is differentiated forwards.
class JvpBuilder {
public:
  JvpBuilder(mlir::ImplicitLocOpBuilder &builder, mlir::IRMapping &mapping) : builder(builder), mapping(mapping) {}

  mlir::ImplicitLocOpBuilder &getBuilder() { return builder; }
  /// The value of `primal` where the code is emitted.
  mlir::Value lookup(mlir::Value primal) { return mapping.lookupOrDefault(primal); }
  mlir::IRMapping &getMapping() { return mapping; }
  /// The tangent of `primal`, or null (zero).
  mlir::Value getTangent(mlir::Value primal) const { return tangents.lookup(primal); }
  mlir::Value getTangentOrZero(mlir::Value primal);
  /// Adds `tangent` to the tangent of `primal`; does nothing if it is null.
  void addTangent(mlir::Value primal, mlir::Value tangent);

private:
  mlir::ImplicitLocOpBuilder &builder;
  mlir::IRMapping &mapping;
  llvm::DenseMap<mlir::Value, mlir::Value> tangents;
};

/// a + b where null is zero.
mlir::Value addDerivatives(mlir::ImplicitLocOpBuilder &builder, mlir::Value a, mlir::Value b);

/// What ops do that have no rule of their own: see DifferentiableOpInterface.
mlir::LogicalResult buildDefaultVjp(mlir::Operation *op);
mlir::LogicalResult buildDefaultJvp(mlir::Operation *op, JvpBuilder &jvp);

/// The tangent of an op that is linear in all of its float operands together: the
/// same op applied to their tangents.
mlir::LogicalResult buildLinearJvp(mlir::Operation *op, JvpBuilder &jvp);

} // namespace flowc::flow

#include "flowc/Dialect/Flow/IR/FlowInterfaces.h.inc"

#endif // FLOWC_DIALECT_FLOW_IR_FLOWINTERFACES_H
