//===- Root.h - Roots of scalar equations -----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_ROOT_H
#define FLOWC_DIALECT_SAMPLE_IR_ROOT_H

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/Root.h.inc"

namespace flowc::sample {

/// Attribute of a bijection of the flow graph whose inverse is a root: the
/// tolerance of that root.
inline constexpr llvm::StringLiteral kToleranceAttr = "flow.tolerance";

/// Where a root is looked for. Any of the three may be null: see sample.root.
struct RootBracket {
  mlir::Value lower, upper, start;
};

/// What the body of a root computes at t; `size` may be null.
struct RootValues {
  mlir::Value value, slope, size;
};

/// Emits the function of a root: takes a builder at the end of the body, t and
/// what the body sees of the operands.
using RootBodyFn = llvm::function_ref<RootValues(mlir::ImplicitLocOpBuilder &, mlir::Value, mlir::ValueRange)>;

/// Emits the root, a float of type `type`, of the increasing function `body` of
/// `operands` (floats and small tensors). A `tolerance` of 0 asks for full precision.
RootOp buildRoot(mlir::ImplicitLocOpBuilder &builder, mlir::Type type, const RootBracket &bracket,
                 mlir::ValueRange operands, RootBodyFn body, double tolerance = 0);

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_IR_ROOT_H
