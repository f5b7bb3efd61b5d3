//===- Interfaces.h - What passes ask of ops --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_INTERFACES_H
#define FLOWC_DIALECT_SAMPLE_IR_INTERFACES_H

#include "flowc/Dialect/Sample/IR/Traits.h"
#include "flowc/Dialect/Sample/IR/WellFormed.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"

namespace flowc::sample {

/// An event after an invertible step, and the log-determinant of that step (a float;
/// null if it is identically zero).
struct Transformed {
  mlir::Value event;
  mlir::Value logDet;
};

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

} // namespace flowc::sample

#include "flowc/Dialect/Sample/IR/Interfaces.h.inc"

#endif // FLOWC_DIALECT_SAMPLE_IR_INTERFACES_H
