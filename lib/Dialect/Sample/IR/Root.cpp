//===- Root.cpp - Roots of scalar equations -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Root.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc::sample;

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/Root.cpp.inc"

YieldOp RootOp::getYield() { return cast<YieldOp>(getBlock()->getTerminator()); }

LogicalResult RootOp::verify() {
  Type type = getRoot().getType();
  // root_c1: bounds and first guess have the type of the root.
  for (Value value : {getLower(), getUpper(), getStart()})
    if (value && value.getType() != type)
      return emitOpError("bounds and first guess must be ")
             << type << " as the root is, but one is " << value.getType();
  // root_c2: the body takes the root, then the operands.
  SmallVector<Type> arguments{type};
  llvm::append_range(arguments, getInputs().getTypes());
  if (!llvm::equal(getBlock()->getArgumentTypes(), arguments))
    return emitOpError("body must take ") << arguments << " but takes " << getBlock()->getArgumentTypes();
  // root_c3: the body yields f and f', and perhaps the size of f's terms.
  TypeRange yielded = getYield().getOperandTypes();
  if (yielded.size() < 2 || yielded.size() > 3 || llvm::any_of(yielded, [&](Type found) { return found != type; }))
    return emitOpError("body must yield two or three values of ") << type << " but yields " << yielded;
  // root_c4: a tolerance is a positive number.
  if (std::optional<APFloat> tolerance = getTolerance();
      tolerance && (!tolerance->isFiniteNonZero() || tolerance->isNegative()))
    return emitOpError("tolerance must be a positive number but is ") << tolerance->convertToDouble();
  return success();
}

// f(t(p); p) = 0 for all p: dt = -(df/dp) dp / f'(t).
LogicalResult RootOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  IRMapping mapping;
  VjpBuilder inner(builder, mapping);
  Block &body = *getBlock();
  mapping.map(body.getArgument(0), vjp.lookup(getRoot()));
  auto inputs = body.getArguments().drop_front();
  for (auto [argument, operand] : llvm::zip_equal(inputs, getInputs())) {
    mapping.map(argument, vjp.lookup(operand));
    if (vjp.isNeeded(operand))
      inner.markNeeded(argument);
  }
  cloneForward(inner, body);
  SmallVector<Value> seeds(getYield()->getNumOperands());
  Value ratio = arith::DivFOp::create(builder, cotangents[0], inner.lookup(getYield().getOperand(1)));
  seeds[0] = arith::NegFOp::create(builder, ratio);
  if (failed(buildBlockVjp(inner, body, seeds)))
    return failure();
  for (auto [argument, operand] : llvm::zip_equal(inputs, getInputs()))
    vjp.accumulate(operand, inner.getCotangent(argument));
  return success();
}

RootOp flowc::sample::buildRoot(ImplicitLocOpBuilder &builder, Type type, const RootBracket &bracket,
                                ValueRange operands, RootBodyFn body, double tolerance) {
  Location loc = builder.getLoc();
  Region region;
  Block &block = region.emplaceBlock();
  Value t = block.addArgument(type, loc);
  for (Value operand : operands)
    block.addArgument(operand.getType(), loc);
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  RootValues values = body(inner, t, block.getArguments().drop_front());
  SmallVector<Value> yielded{values.value, values.slope};
  if (values.size)
    yielded.push_back(values.size);
  YieldOp::create(inner, yielded);
  eraseDeadOps(block);
  FloatAttr tolerated = tolerance > 0 ? builder.getF64FloatAttr(tolerance) : FloatAttr();
  auto root = RootOp::create(builder, type, bracket.lower, bracket.upper, bracket.start, operands, tolerated);
  root.getBody().takeBody(region);
  return root;
}
