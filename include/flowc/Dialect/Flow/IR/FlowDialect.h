//===- FlowDialect.h - The flow dialect -------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWDIALECT_H
#define FLOWC_DIALECT_FLOW_IR_FLOWDIALECT_H

#include "flowc/Dialect/Flow/IR/FlowInterfaces.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "flowc/Dialect/Flow/IR/FlowDialect.h.inc"

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowOps.h.inc"

#endif // FLOWC_DIALECT_FLOW_IR_FLOWDIALECT_H
