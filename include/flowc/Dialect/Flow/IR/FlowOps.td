//===- FlowOps.td - Ops that most code of graphs uses ------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWOPS
#define FLOWC_DIALECT_FLOW_IR_FLOWOPS

include "flowc/Dialect/Flow/IR/FlowBijections.td"

#endif // FLOWC_DIALECT_FLOW_IR_FLOWOPS
