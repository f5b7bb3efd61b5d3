//===- FlowObjective.h - What losses are made of ----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWOBJECTIVE_H
#define FLOWC_DIALECT_FLOW_IR_FLOWOBJECTIVE_H

#include "flowc/Dialect/Flow/IR/FlowDialect.h"

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowObjective.h.inc"

#endif // FLOWC_DIALECT_FLOW_IR_FLOWOBJECTIVE_H
