//===- Vjp.cpp - Reverse-mode differentiation of blocks -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reverse walk over a block, and the rules of ops without regions.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/Vjp.h"
#include "VjpGuards.h"
#include "flowc/Dialect/Sample/IR/Bodies.h"
#include "flowc/Dialect/Sample/IR/Objective.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::sample;

bool flowc::sample::isDifferentiable(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

void VjpBuilder::accumulate(Value primal, Value cotangent) {
  if (!cotangent || !isNeeded(primal))
    return;
  cotangents[primal] = addDerivatives(builder, getCotangent(primal), cotangent);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

void flowc::sample::cloneForward(VjpBuilder &vjp, Block &block) {
  for (Operation &op : block.without_terminator())
    vjp.getBuilder().clone(op, vjp.getMapping());
}

void flowc::sample::propagateNeeded(VjpBuilder &vjp, Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (isa<DetachOp>(op) || llvm::none_of(op.getOperands(), [&](Value operand) { return vjp.isNeeded(operand); }))
      continue;
    for (Value result : op.getResults())
      if (isDifferentiable(result.getType()))
        vjp.markNeeded(result);
  }
}

LogicalResult flowc::sample::buildBlockVjp(VjpBuilder &vjp, Block &block, ValueRange cotangents) {
  propagateNeeded(vjp, block);
  for (auto [operand, cotangent] : llvm::zip_equal(block.getTerminator()->getOperands(), cotangents))
    vjp.accumulate(operand, cotangent);

  ArmGuards guards(block);
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  for (Operation &op : llvm::drop_begin(llvm::reverse(block))) {
    SmallVector<Value> results;
    for (Value result : op.getResults())
      results.push_back(vjp.getCotangent(result));
    if (llvm::none_of(results, [](Value cotangent) { return bool(cotangent); }))
      continue;
    auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
    if (!differentiable)
      return op.emitOpError("has no derivative");
    builder.setLoc(op.getLoc());
    bool isEntry = guards.isGuarded(&op) && guards.isLinearEntry(&op);
    if (isEntry)
      for (Value &cotangent : results)
        cotangent = cotangent ? guards.guardResult(vjp, &op, cotangent) : cotangent;
    if (isEntry || !guards.isGuarded(&op)) {
      if (failed(differentiable.buildVjp(vjp, results)))
        return failure();
      continue;
    }
    // Collects what this op contributes to each operand, so that it can be
    // guarded on its way out of the arm.
    VjpBuilder arm(builder, vjp.getMapping());
    SetVector<Value> operands(op.operand_begin(), op.operand_end());
    for (Value operand : operands)
      if (vjp.isNeeded(operand))
        arm.markNeeded(operand);
    if (failed(differentiable.buildVjp(arm, results)))
      return failure();
    for (Value operand : operands)
      if (Value cotangent = arm.getCotangent(operand))
        vjp.accumulate(operand, guards.guardOperand(vjp, &op, operand, cotangent));
  }
  return success();
}

FailureOr<Value> flowc::sample::buildPullback(ImplicitLocOpBuilder &builder, Value at,
                                              llvm::function_ref<FailureOr<SmallVector<Seeded>>(Value)> emit,
                                              llvm::function_ref<void(Block &, IRMapping &)> share) {
  Location loc = builder.getLoc();
  Region region;
  Block &block = region.emplaceBlock();
  Value x = block.addArgument(at.getType(), loc);
  SmallVector<Value> values, seeds;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&block);
    FailureOr<SmallVector<Seeded>> emitted = emit(x);
    if (failed(emitted))
      return failure();
    for (auto [value, seed] : *emitted) {
      values.push_back(value);
      seeds.push_back(seed);
    }
    YieldOp::create(builder, values);
  }
  IRMapping mapping;
  mapping.map(x, at);
  VjpBuilder vjp(builder, mapping);
  vjp.markNeeded(x);
  cloneForward(vjp, block);
  if (failed(buildBlockVjp(vjp, block, seeds)))
    return failure();
  builder.setLoc(loc);
  if (share)
    share(block, mapping);
  return vjp.getCotangent(x);
}

//===----------------------------------------------------------------------===//
// Moving rows
//===----------------------------------------------------------------------===//

LogicalResult SplitOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  SmallVector<Value> pieces;
  for (auto [piece, cotangent] : llvm::zip_equal(getPieces(), cotangents))
    pieces.push_back(cotangent ? cotangent : buildConstant(builder, piece.getType(), 0.0));
  vjp.accumulate(getX(), ConcatOp::create(builder, getX().getType(), pieces));
  return success();
}

LogicalResult ConcatOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  auto split = SplitOp::create(vjp.getBuilder(), getPieces().getTypes(), cotangents[0]);
  for (auto [piece, cotangent] : llvm::zip_equal(getPieces(), split.getPieces()))
    vjp.accumulate(piece, cotangent);
  return success();
}

LogicalResult GatherOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(getX(), GatherOp::create(vjp.getBuilder(), getX().getType(), cotangents[0], vjp.lookup(getInverse()),
                                          vjp.lookup(getIndices())));
  return success();
}

LogicalResult ReverseOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(getX(), ReverseOp::create(vjp.getBuilder(), getX().getType(), cotangents[0]));
  return success();
}

LogicalResult ReorderOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  auto invert = [](ArrayRef<int64_t> order) {
    SmallVector<int64_t> inverse(order.size());
    for (auto [i, source] : llvm::enumerate(order))
      inverse[source] = i;
    return inverse;
  };
  vjp.accumulate(getX(), ReorderOp::create(vjp.getBuilder(), getX().getType(), cotangents[0], invert(getRows()),
                                           invert(getColumns())));
  return success();
}

LogicalResult ReshapeOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(getX(), ReshapeOp::create(vjp.getBuilder(), getX().getType(), cotangents[0]));
  return success();
}

//===----------------------------------------------------------------------===//
// Small tensors and floats
//===----------------------------------------------------------------------===//

LogicalResult Log1pExpOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value g = cotangents[0], slope = InvLogitOp::create(builder, vjp.lookup(getX()));
  Value product = arith::MulFOp::create(builder, g, slope);
  // The cotangent of a tiny scale may overflow where the slope underflows, and zero
  // times infinity is NaN. (Tensors are parameters, which are not as extreme.)
  if (isa<FloatType>(g.getType()) && !matchPattern(g, m_Constant())) {
    Value zero = buildConstant(builder, g.getType(), 0.0);
    Value isFlat = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, slope, zero);
    product = arith::SelectOp::create(builder, isFlat, zero, product);
  }
  vjp.accumulate(getX(), product);
  return success();
}

LogicalResult InvLogitOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value s = vjp.lookup(getY());
  auto buildComplement = [&]() -> Value {
    if ((*this)->hasAttr(kExactTails)) {
      auto mirrored = InvLogitOp::create(builder, arith::NegFOp::create(builder, vjp.lookup(getX())));
      mirrored->setAttr(kExactTails, builder.getUnitAttr()); // as it may stand in the formula
      return mirrored;
    }
    return arith::SubFOp::create(builder, buildConstant(builder, s.getType(), 1.0), s);
  };
  Value slope = arith::MulFOp::create(builder, s, buildComplement());
  vjp.accumulate(getX(), arith::MulFOp::create(builder, cotangents[0], slope));
  return success();
}

LogicalResult ClipOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value x = vjp.lookup(getX()), y = vjp.lookup(getY()), g = cotangents[0];
  Value zero = buildConstant(builder, g.getType(), 0), half = buildConstant(builder, g.getType(), 0.5);
  auto isEqual = [&](Value a, Value b) {
    return arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, a, b).getResult();
  };
  auto isAt = [&](const APFloat &end) {
    return isEqual(x, buildConstant(builder, x.getType(), end.convertToDouble()));
  };
  Value isEnd = arith::OrIOp::create(builder, isAt(getLower()), isAt(getUpper()));
  Value inside = arith::SelectOp::create(builder, isEnd, arith::MulFOp::create(builder, g, half), g);
  vjp.accumulate(getX(), arith::SelectOp::create(builder, isEqual(x, y), inside, zero));
  return success();
}

LogicalResult ReduceSumOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  auto constant = llvm::dyn_cast_or_null<FloatAttr>(getUniformConstant(cotangents[0]));
  vjp.accumulate(getX(), constant ? buildConstant(builder, getX().getType(), constant.getValueAsDouble())
                                  : SplatOp::create(builder, getX().getType(), cotangents[0]));
  return success();
}

// The largest element only shifts a softmax, which is invariant to shifts.
LogicalResult ReduceMaxOp::buildVjp(VjpBuilder &, ValueRange) { return success(); }

LogicalResult SplatOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(getX(), ReduceSumOp::create(vjp.getBuilder(), getX().getType(), cotangents[0]));
  return success();
}

LogicalResult CumsumOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(getX(), CumsumOp::create(vjp.getBuilder(), getX().getType(), cotangents[0], !getReverse()));
  return success();
}

LogicalResult TakeOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(
      getX(), OneHotOp::create(vjp.getBuilder(), getX().getType(), cotangents[0], vjp.lookup(getIndex()), getOffset()));
  return success();
}

LogicalResult OneHotOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  vjp.accumulate(
      getX(), TakeOp::create(vjp.getBuilder(), getX().getType(), cotangents[0], vjp.lookup(getIndex()), getOffset()));
  return success();
}
