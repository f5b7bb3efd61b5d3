//===- Bodies.h - Bodies of maps and scans under construction ---*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_BODIES_H
#define FLOWC_DIALECT_SAMPLE_IR_BODIES_H

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

namespace flowc::sample {

/// The body of a structured op while it is not known yet which operands the op
/// has. Arguments fall into groups (of a map: indexed, shared; of a scan:
/// carries, over, shared), which the finished block holds one after the other.
class BodyBuilder {
public:
  /// Groups of a map.
  enum MapGroup : unsigned { Indexed, Shared };
  /// Groups of a scan.
  enum ScanGroup : unsigned { Carries, Over, Whole };
  /// Groups of a stage of a sweep: the accumulated values, what belongs to the
  /// unit or the step, what all stages share.
  enum StageGroup : unsigned { Accumulated, OfUnit, OfSweep };

  explicit BodyBuilder(mlir::Location loc);
  BodyBuilder(const BodyBuilder &) = delete;
  BodyBuilder &operator=(const BodyBuilder &) = delete;

  /// Inserts at the end of the body.
  mlir::ImplicitLocOpBuilder &getBuilder() { return builder; }
  mlir::Block &getBlock() { return *builder.getBlock(); }

  /// The argument of `group` that stands for `operand`; made on first use. Without
  /// an operand (see `setOperand`) it is always a new one.
  mlir::BlockArgument add(unsigned group, mlir::Value operand, mlir::Type type);

  /// What a map's body sees of `operand`: its elements, or if all of them are
  /// equal, a constant or a shared float.
  mlir::Value addElements(mlir::Value operand, int64_t extent);
  /// The argument of `group` for `operand`, or a copy if it is a constant.
  mlir::Value addShared(unsigned group, mlir::Value operand);

  void setOperand(mlir::BlockArgument argument, mlir::Value operand);
  /// The operand that `argument` stands for; null if it is no argument of this body.
  mlir::Value getOperand(mlir::Value argument) const;
  /// Replaces `argument` by `value` and forgets it.
  void replace(mlir::BlockArgument argument, mlir::Value value);
  /// Lets arguments for `from` stand for `to`.
  void replaceOperand(mlir::Value from, mlir::Value to);
  /// Whether the argument of `group` for `operand` is used.
  bool isUsed(unsigned group, mlir::Value operand) const;
  /// Forgets the argument of `group` for `operand`, which nobody uses.
  void drop(unsigned group, mlir::Value operand);
  /// Forgets the arguments of `group` that nobody uses.
  void dropUnused(unsigned group);

  /// Operands of `group` in the order of the arguments.
  llvm::SmallVector<mlir::Value> getOperands(unsigned group) const;

  /// Moves the finished body to `region`.
  void finish(mlir::Region &region);

private:
  struct Port {
    unsigned group;
    mlir::Value operand;
    mlir::BlockArgument argument;
  };

  mlir::Region region;
  mlir::ImplicitLocOpBuilder builder;
  llvm::SmallVector<Port> ports;
};

/// The element of a constant that is the same everywhere: of a scalar, or of a
/// splat. Null if `value` is no such constant.
mlir::TypedAttr getUniformConstant(mlir::Value value);

/// Whether computing `op` again in a body costs more than loading its result: marked ops, all
/// of `math`, and a division.
bool isCostly(mlir::Operation *op);

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_IR_BODIES_H
