//===- Jvp.cpp - Forward-mode differentiation of blocks -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The walk over a block, and the rules that whole families of ops share.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Jvp.h"
#include "flowc/Dialect/Sample/IR/Block.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc::sample;

//===----------------------------------------------------------------------===//
// JvpBuilder
//===----------------------------------------------------------------------===//

Value JvpBuilder::getTangentOrZero(Value primal) {
  Value tangent = getTangent(primal);
  return tangent ? tangent : buildConstant(builder, primal.getType(), 0.0);
}

void JvpBuilder::addTangent(Value primal, Value tangent) {
  if (tangent)
    tangents[primal] = addDerivatives(builder, getTangent(primal), tangent);
}

Value flowc::sample::addDerivatives(ImplicitLocOpBuilder &builder, Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  // a + (-b) = a - b.
  if (a.getDefiningOp<arith::NegFOp>())
    std::swap(a, b);
  if (auto negation = b.getDefiningOp<arith::NegFOp>())
    return arith::SubFOp::create(builder, a, negation.getOperand());
  return arith::AddFOp::create(builder, a, b);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

LogicalResult flowc::sample::buildBlockJvp(JvpBuilder &jvp, Block &block) {
  ImplicitLocOpBuilder &builder = jvp.getBuilder();
  for (Operation &op : block.without_terminator()) {
    builder.setLoc(op.getLoc());
    builder.clone(op, jvp.getMapping());
    if (llvm::none_of(op.getOperands(), [&](Value operand) { return bool(jvp.getTangent(operand)); }) ||
        llvm::none_of(op.getResultTypes(), isDifferentiable))
      continue;
    auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
    if (!differentiable)
      return op.emitOpError("has no derivative");
    if (failed(differentiable.buildJvp(jvp)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Families of ops
//===----------------------------------------------------------------------===//

LogicalResult flowc::sample::buildLinearJvp(Operation *op, JvpBuilder &jvp) {
  IRMapping tangents;
  for (Value operand : op->getOperands())
    tangents.map(operand, isDifferentiable(operand.getType()) ? jvp.getTangentOrZero(operand) : jvp.lookup(operand));
  Operation *tangent = jvp.getBuilder().clone(*op, tangents);
  for (auto [result, value] : llvm::zip_equal(op->getResults(), tangent->getResults()))
    jvp.addTangent(result, value);
  return success();
}

LogicalResult flowc::sample::buildDiagonalJvp(Operation *op, JvpBuilder &jvp) {
  for (Value operand : llvm::SetVector<Value>(op->operand_begin(), op->operand_end())) {
    Value tangent = jvp.getTangent(operand);
    if (!tangent)
      continue;
    for (OpResult result : op->getResults()) {
      SmallVector<Value> seeds(op->getNumResults());
      seeds[result.getResultNumber()] = tangent;
      VjpBuilder transposed(jvp.getBuilder(), jvp.getMapping());
      transposed.markNeeded(operand);
      if (failed(cast<DifferentiableOpInterface>(op).buildVjp(transposed, seeds)))
        return failure();
      jvp.addTangent(result, transposed.getCotangent(operand));
    }
  }
  return success();
}

LogicalResult flowc::sample::buildMultilinearJvp(Operation *op, JvpBuilder &jvp) {
  for (unsigned varied = 0; varied < op->getNumOperands(); ++varied) {
    Value tangent = jvp.getTangent(op->getOperand(varied));
    if (!tangent)
      continue;
    Operation *part = jvp.getBuilder().clone(*op);
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      part->setOperand(i, i == varied ? tangent : jvp.lookup(operand));
    for (auto [result, value] : llvm::zip_equal(op->getResults(), part->getResults()))
      jvp.addTangent(result, value);
  }
  return success();
}

LogicalResult flowc::sample::buildDefaultJvp(Operation *op, JvpBuilder &jvp) {
  if (op->hasTrait<OpTrait::Elementwise>())
    return buildDiagonalJvp(op, jvp);
  return op->emitOpError("has no rule for tangents");
}

LogicalResult flowc::sample::buildDefaultVjp(Operation *op) {
  return op->emitOpError("has no vector-Jacobian product: differentiate in reverse first, then forwards");
}

// The largest element only shifts a softmax, which is invariant to shifts.
LogicalResult ReduceMaxOp::buildJvp(JvpBuilder &) { return success(); }

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

LogicalResult DenseOp::buildJvp(JvpBuilder &jvp) {
  if (!getActivation().empty())
    return emitOpError("with an activation must be expanded before it is differentiated");
  ImplicitLocOpBuilder &builder = jvp.getBuilder();
  Value ofWeight = jvp.getTangent(getWeight()), ofX = jvp.getTangent(getX());
  Value ofBias = getBias() ? jvp.getTangent(getBias()) : Value(), sum;
  auto multiply = [&](Value weight, Value x) {
    // The bias joins the first product.
    Value bias = sum ? Value() : ofBias;
    sum = addDerivatives(builder, sum,
                         DenseOp::create(builder, getY().getType(), weight, x, bias, getTransposed(), getMaskAttr()));
  };
  if (ofX)
    multiply(jvp.lookup(getWeight()), ofX);
  if (ofWeight)
    multiply(ofWeight, jvp.lookup(getX()));
  jvp.addTangent(getY(), sum ? sum : ofBias);
  return success();
}

LogicalResult BlockDenseOp::buildJvp(JvpBuilder &jvp) { return buildMultilinearJvp(*this, jvp); }
LogicalResult BlockOuterOp::buildJvp(JvpBuilder &jvp) { return buildMultilinearJvp(*this, jvp); }

// The bias's cotangent is g, which is linear in g alone.
LogicalResult OuterOp::buildJvp(JvpBuilder &jvp) {
  ImplicitLocOpBuilder &builder = jvp.getBuilder();
  auto multiply = [&](Value g, Value x) {
    return OuterOp::create(builder, getWeight().getType(), getBias().getType(), g, x, getMaskAttr());
  };
  if (Value ofG = jvp.getTangent(getG())) {
    OuterOp outer = multiply(ofG, jvp.lookup(getX()));
    jvp.addTangent(getWeight(), outer.getWeight());
    jvp.addTangent(getBias(), outer.getBias());
  }
  if (Value ofX = jvp.getTangent(getX()))
    jvp.addTangent(getWeight(), multiply(jvp.lookup(getG()), ofX).getWeight());
  return success();
}
