//===- FlowObjective.cpp - What losses are made of ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowObjective.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace flowc::flow;

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowObjective.cpp.inc"

LogicalResult DetachOp::buildVjp(VjpBuilder &, ValueRange) { return success(); }
