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
#include "flowc/Dialect/Flow/IR/FlowObjective.h"
#include "flowc/Dialect/Flow/IR/FlowOrdered.h"
#include "flowc/Dialect/Flow/IR/FlowParameterOps.h"
#include "flowc/Dialect/Flow/IR/FlowPick.h"
#include "flowc/Dialect/Flow/IR/FlowPlanar.h"
#include "flowc/Dialect/Flow/IR/FlowRoot.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace flowc::flow;

#include "flowc/Dialect/Flow/IR/FlowDialect.cpp.inc"
#include "flowc/Dialect/Flow/IR/FlowInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "flowc/Dialect/Flow/IR/FlowAttributes.cpp.inc"

void FlowDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "flowc/Dialect/Flow/IR/FlowAttributes.cpp.inc"
      >();
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
#include "flowc/Dialect/Flow/IR/FlowObjective.cpp.inc"
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
#include "flowc/Dialect/Flow/IR/FlowParameterOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowPick.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowPlanar.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Flow/IR/FlowRoot.cpp.inc"
      >();
}

int64_t flowc::flow::getNumElements(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getNumElements() : 1;
}

Value flowc::flow::buildConstant(ImplicitLocOpBuilder &builder, Type type, double value) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto element = builder.getFloatAttr(tensor ? tensor.getElementType() : type, value);
  if (!tensor)
    return arith::ConstantOp::create(builder, element);
  return arith::ConstantOp::create(builder, DenseElementsAttr::get(tensor, Attribute(element)));
}
