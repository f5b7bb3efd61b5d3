//===- FlowOps.td - All ops of the flow dialect ------------*- tablegen -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_FLOWOPS
#define FLOWC_DIALECT_FLOW_IR_FLOWOPS

include "flowc/Dialect/Flow/IR/FlowBijections.td"
include "flowc/Dialect/Flow/IR/FlowSampleOps.td"

#endif // FLOWC_DIALECT_FLOW_IR_FLOWOPS
