//===- SampleDialect.cpp - Programs of one sample -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/SampleDialect.h"
#include "flowc/Dialect/Sample/IR/Block.h"
#include "flowc/Dialect/Sample/IR/Draws.h"
#include "flowc/Dialect/Sample/IR/Functions.h"
#include "flowc/Dialect/Sample/IR/Objective.h"
#include "flowc/Dialect/Sample/IR/ParameterOps.h"
#include "flowc/Dialect/Sample/IR/Pick.h"
#include "flowc/Dialect/Sample/IR/Root.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace flowc::sample;

#include "flowc/Dialect/Sample/IR/Interfaces.cpp.inc"
#include "flowc/Dialect/Sample/IR/SampleDialect.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "flowc/Dialect/Sample/IR/SampleAttributes.cpp.inc"

void SampleDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "flowc/Dialect/Sample/IR/SampleAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Sample/IR/SampleOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Sample/IR/Block.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Sample/IR/Draws.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Sample/IR/Functions.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Sample/IR/Objective.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Sample/IR/ParameterOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Sample/IR/Pick.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Sample/IR/Root.cpp.inc"
      >();
}

int64_t flowc::sample::getNumElements(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getNumElements() : 1;
}

Value flowc::sample::buildConstant(ImplicitLocOpBuilder &builder, Type type, double value) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto element = builder.getFloatAttr(tensor ? tensor.getElementType() : type, value);
  if (!tensor)
    return arith::ConstantOp::create(builder, element);
  return arith::ConstantOp::create(builder, DenseElementsAttr::get(tensor, Attribute(element)));
}
