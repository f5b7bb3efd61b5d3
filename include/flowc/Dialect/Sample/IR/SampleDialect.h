//===- SampleDialect.h - Programs of one sample -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_IR_SAMPLEDIALECT_H
#define FLOWC_DIALECT_SAMPLE_IR_SAMPLEDIALECT_H

#include "flowc/Dialect/Sample/IR/Interfaces.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "flowc/Dialect/Sample/IR/SampleDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "flowc/Dialect/Sample/IR/SampleAttributes.h.inc"

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/SampleOps.h.inc"

namespace flowc::sample {

/// Attaches DifferentiableOpInterface to the ops of `arith` and `math` that
/// sample programs use.
void registerDifferentiableExternalModels(mlir::DialectRegistry &registry);

/// Number of elements of a float (1) or a tensor.
int64_t getNumElements(mlir::Type type);

/// A constant of `type` (a float or a tensor of floats) that is `value` everywhere.
mlir::Value buildConstant(mlir::ImplicitLocOpBuilder &builder, mlir::Type type, double value);

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_IR_SAMPLEDIALECT_H
