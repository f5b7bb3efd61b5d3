//===- FlowDialect.cpp - The flow dialect ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowDialect.h"
#include "flowc/Dialect/Flow/IR/FlowBlock.h"
#include "flowc/Dialect/Flow/IR/FlowCombinators.h"
#include "flowc/Dialect/Flow/IR/FlowDistributions.h"
#include "flowc/Dialect/Flow/IR/FlowElementwise.h"
#include "flowc/Dialect/Flow/IR/FlowFormula.h"
#include "flowc/Dialect/Flow/IR/FlowLinear.h"
#include "flowc/Dialect/Flow/IR/FlowOrdered.h"
#include "flowc/Dialect/Flow/IR/FlowPlanar.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace flowc::flow;

#include "flowc/Dialect/Flow/IR/FlowDialect.cpp.inc"
#include "flowc/Dialect/Flow/IR/FlowInterfaces.cpp.inc"

void FlowDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowBlock.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowCombinators.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowDistributions.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowElementwise.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowFormula.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowLinear.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowOrdered.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowPlanar.cpp.inc"
      >();
}
