//===- Bodies.cpp - Bodies of maps and scans under construction -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Bodies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace flowc::sample;

TypedAttr flowc::sample::getUniformConstant(Value value) {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  if (!constant)
    return {};
  if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()))
    return dense.isSplat() ? cast<TypedAttr>(dense.getSplatValue<Attribute>()) : TypedAttr();
  return constant.getValue();
}

bool flowc::sample::isCostly(Operation *op) {
  return op->hasTrait<Costly>() || isa<math::MathDialect>(op->getDialect()) || isa<arith::DivFOp>(op);
}

BodyBuilder::BodyBuilder(Location loc) : builder(loc, loc.getContext()) {
  builder.setInsertionPointToEnd(&region.emplaceBlock());
}

BlockArgument BodyBuilder::add(unsigned group, Value operand, Type type) {
  if (operand)
    for (Port &port : ports)
      if (port.group == group && port.operand == operand)
        return port.argument;
  BlockArgument argument = getBlock().addArgument(type, builder.getLoc());
  ports.push_back({group, operand, argument});
  return argument;
}

Value BodyBuilder::addElements(Value operand, int64_t extent) {
  Type type = MapOp::getElementType(operand.getType(), extent);
  if (!isa<RankedTensorType>(type)) {
    if (TypedAttr constant = getUniformConstant(operand))
      return arith::ConstantOp::create(builder, constant);
    if (auto splat = operand.getDefiningOp<SplatOp>())
      return addShared(Shared, splat.getX());
  }
  return add(Indexed, operand, type);
}

Value BodyBuilder::addShared(unsigned group, Value operand) {
  if (auto constant = operand.getDefiningOp<arith::ConstantOp>())
    return builder.clone(*constant)->getResult(0);
  return add(group, operand, operand.getType());
}

void BodyBuilder::setOperand(BlockArgument argument, Value operand) {
  llvm::find_if(ports, [&](Port &port) { return port.argument == argument; })->operand = operand;
}

Value BodyBuilder::getOperand(Value argument) const {
  auto it = llvm::find_if(ports, [&](const Port &port) { return port.argument == argument; });
  return it == ports.end() ? Value() : it->operand;
}

void BodyBuilder::replace(BlockArgument argument, Value value) {
  argument.replaceAllUsesWith(value);
  llvm::erase_if(ports, [&](const Port &port) { return port.argument == argument; });
}

void BodyBuilder::replaceOperand(Value from, Value to) {
  for (Port &port : ports)
    if (port.operand == from)
      port.operand = to;
}

bool BodyBuilder::isUsed(unsigned group, Value operand) const {
  return llvm::any_of(ports, [&](const Port &port) {
    return port.group == group && port.operand == operand && !port.argument.use_empty();
  });
}

void BodyBuilder::drop(unsigned group, Value operand) {
  llvm::erase_if(ports, [&](const Port &port) { return port.group == group && port.operand == operand; });
}

void BodyBuilder::dropUnused(unsigned group) {
  llvm::erase_if(ports, [&](const Port &port) { return port.group == group && port.argument.use_empty(); });
}

SmallVector<Value> BodyBuilder::getOperands(unsigned group) const {
  SmallVector<Value> operands;
  for (const Port &port : ports)
    if (port.group == group)
      operands.push_back(port.operand);
  return operands;
}

void BodyBuilder::finish(Region &target) {
  Block &old = getBlock();
  Block &block = target.emplaceBlock();
  for (unsigned group : {0u, 1u, 2u})
    for (Port &port : ports) {
      if (port.group != group)
        continue;
      BlockArgument argument = block.addArgument(port.argument.getType(), builder.getLoc());
      port.argument.replaceAllUsesWith(argument);
      port.argument = argument;
    }
  block.getOperations().splice(block.end(), old.getOperations());
}
