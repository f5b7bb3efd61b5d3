//===- VjpGuards.h - Unselected branches leak nothing -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rule of `arith.select` sends a zero cotangent into the arm that was not
// selected. If that arm overflowed or divided by zero, its own derivative is
// infinite and zero times infinity is NaN. Where that can happen the cotangents
// that leave the arm are selected once more.
//
// An arm cannot go wrong if its ops are linear, or if everything that the
// condition looks at enters the arm through a select on the same condition (the
// author put a safe operand there).
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_SAMPLE_IR_VJPGUARDS_H
#define FLOWC_LIB_DIALECT_SAMPLE_IR_VJPGUARDS_H

#include "flowc/Dialect/Sample/IR/Interfaces.h"

#include "llvm/ADT/DenseSet.h"

namespace flowc::sample {

/// Which ops of a block are computed only for one arm of a select.
class ArmGuards {
public:
  explicit ArmGuards(mlir::Block &block);

  /// Whether cotangents that `op` emits may need a guard.
  bool isGuarded(mlir::Operation *op) const { return arms.contains(op); }

  /// Whether all that `op` reads comes from outside of its arms and its cotangents
  /// are zero where its results' are, so that those can be guarded instead.
  bool isLinearEntry(mlir::Operation *op) const;

  /// `cotangent` of `operand`, emitted by `op`, made exactly zero if it leaves an
  /// unsafe arm that was not selected.
  mlir::Value guardOperand(VjpBuilder &vjp, mlir::Operation *op, mlir::Value operand, mlir::Value cotangent) const;

  /// `cotangent` of a result of `op`, made exactly zero if an unsafe arm that it
  /// belongs to was not selected.
  mlir::Value guardResult(VjpBuilder &vjp, mlir::Operation *op, mlir::Value cotangent) const;

private:
  /// A condition, and whether it must hold (1) or not (0).
  using Guard = std::pair<mlir::Value, bool>;

  llvm::ArrayRef<Guard> getGuards(mlir::Operation *op) const;
  mlir::Value apply(VjpBuilder &vjp, llvm::ArrayRef<Guard> guards, mlir::Value cotangent) const;
  mlir::Value applyToFactors(VjpBuilder &vjp, llvm::ArrayRef<Guard> guards, mlir::OpResult cotangent) const;

  /// Guards of every op that has any, outermost first.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<Guard, 2>> arms;
  /// Arms whose derivative can be infinite where they are not selected.
  llvm::DenseSet<std::pair<mlir::Value, unsigned>> unsafe;
};

} // namespace flowc::sample

#endif // FLOWC_LIB_DIALECT_SAMPLE_IR_VJPGUARDS_H
