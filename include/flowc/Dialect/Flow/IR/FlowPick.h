//===- FlowPick.h - Elements by position ---------------------- -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWPICK_H
#define FLOWC_DIALECT_FLOW_IR_FLOWPICK_H

#include "flowc/Dialect/Flow/IR/FlowDialect.h"

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowPick.h.inc"

#endif // FLOWC_DIALECT_FLOW_IR_FLOWPICK_H
