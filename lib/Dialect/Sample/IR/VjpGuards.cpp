//===- VjpGuards.cpp - Unselected branches leak nothing -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VjpGuards.h"
#include "flowc/Dialect/Sample/IR/Block.h"
#include "flowc/Dialect/Sample/IR/SampleDialect.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace flowc::sample;

/// Whether the derivative of `op` is finite whatever its operands are.
static bool isLinear(Operation *op) {
  if (op->hasTrait<Linear>() || isa<arith::SelectOp>(op) || isa<arith::AddFOp, arith::SubFOp, arith::NegFOp>(op))
    return true;
  if (isa<arith::MulFOp>(op))
    return matchPattern(op->getOperand(0), m_Constant()) || matchPattern(op->getOperand(1), m_Constant());
  return isa<arith::DivFOp>(op) && matchPattern(op->getOperand(1), m_Constant());
}

/// All values of `block` that are computed from what `condition` looks at, other
/// than through a select on `condition` itself.
static DenseSet<Value> getExposed(Block &block, Value condition) {
  DenseSet<Value> exposed;
  SmallVector<Value> worklist{condition};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (matchPattern(value, m_Constant()) || !exposed.insert(value).second)
      continue;
    if (Operation *op = value.getDefiningOp())
      llvm::append_range(worklist, op->getOperands());
  }
  for (Operation &op : block) {
    auto select = dyn_cast<arith::SelectOp>(op);
    if (select && select.getCondition() == condition)
      continue;
    if (llvm::any_of(op.getOperands(), [&](Value operand) { return exposed.contains(operand); }))
      exposed.insert(op.result_begin(), op.result_end());
  }
  return exposed;
}

ArrayRef<ArmGuards::Guard> ArmGuards::getGuards(Operation *op) const {
  auto it = arms.find(op);
  return it == arms.end() ? ArrayRef<Guard>() : ArrayRef<Guard>(it->second);
}

ArmGuards::ArmGuards(Block &block) {
  // The guards of an op are those that all its uses share.
  for (Operation &op : llvm::drop_begin(llvm::reverse(block))) {
    std::optional<SmallVector<Guard, 2>> common;
    for (OpOperand &use : op.getUses()) {
      SmallVector<Guard, 2> path(getGuards(use.getOwner()));
      auto select = dyn_cast<arith::SelectOp>(use.getOwner());
      if (select && use.getOperandNumber() > 0)
        path.emplace_back(select.getCondition(), use.getOperandNumber() == 1);
      if (!common) {
        common = path;
        continue;
      }
      auto [end, ignored] = std::mismatch(common->begin(), common->end(), path.begin(), path.end());
      common->erase(end, common->end());
    }
    if (common && !common->empty())
      arms.try_emplace(&op, std::move(*common));
  }

  DenseSet<std::pair<Value, unsigned>> nonlinear, open;
  DenseMap<Value, DenseSet<Value>> exposed;
  for (auto &[op, guards] : arms)
    for (auto [condition, holds] : guards) {
      auto [it, isNew] = exposed.try_emplace(condition);
      if (isNew)
        it->second = getExposed(block, condition);
      if (!isLinear(op))
        nonlinear.insert({condition, holds});
      auto select = dyn_cast<arith::SelectOp>(op);
      if (select && select.getCondition() == condition)
        continue;
      if (llvm::any_of(op->getOperands(), [&, &values = it->second](Value operand) {
            return isDifferentiable(operand.getType()) && values.contains(operand);
          }))
        open.insert({condition, holds});
    }
  for (auto arm : nonlinear)
    if (open.contains(arm))
      unsafe.insert(arm);
}

bool ArmGuards::isLinearEntry(Operation *op) const {
  return isLinear(op) && !isa<arith::SelectOp>(op) && llvm::none_of(op->getOperands(), [&](Value operand) {
           Operation *producer = operand.getDefiningOp();
           return producer && isGuarded(producer) && isDifferentiable(operand.getType());
         });
}

/// Guards the factors of an outer product, which as it is can only be summed over rows.
Value ArmGuards::applyToFactors(VjpBuilder &vjp, ArrayRef<Guard> guards, OpResult cotangent) const {
  Operation *product = cotangent.getOwner();
  SmallVector<Value> factors =
      llvm::map_to_vector(product->getOperands(), [&](Value factor) { return apply(vjp, guards, factor); });
  if (llvm::equal(factors, product->getOperands()))
    return cotangent;
  Operation *guarded = vjp.getBuilder().clone(*product);
  guarded->setOperands(factors);
  return guarded->getResult(cotangent.getResultNumber());
}

Value ArmGuards::apply(VjpBuilder &vjp, ArrayRef<Guard> guards, Value cotangent) const {
  if (Operation *producer = cotangent.getDefiningOp(); producer && isa<OuterOp, BlockOuterOp>(producer))
    return applyToFactors(vjp, guards, cast<OpResult>(cotangent));
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  for (auto [condition, holds] : llvm::reverse(guards)) {
    auto shape = dyn_cast<RankedTensorType>(condition.getType());
    auto type = dyn_cast<RankedTensorType>(cotangent.getType());
    bool fits = !shape || (type && type.getShape() == shape.getShape());
    if (!fits || !unsafe.contains({condition, holds}))
      continue;
    Value zero = buildConstant(builder, cotangent.getType(), 0.0);
    cotangent =
        arith::SelectOp::create(builder, vjp.lookup(condition), holds ? cotangent : zero, holds ? zero : cotangent);
  }
  return cotangent;
}

Value ArmGuards::guardOperand(VjpBuilder &vjp, Operation *op, Value operand, Value cotangent) const {
  ArrayRef<Guard> guards = getGuards(op);
  // What the operand's own op is guarded by is still to come.
  if (Operation *producer = operand.getDefiningOp())
    guards = guards.drop_front(std::min(getGuards(producer).size(), guards.size()));
  return apply(vjp, guards, cotangent);
}

Value ArmGuards::guardResult(VjpBuilder &vjp, Operation *op, Value cotangent) const {
  return apply(vjp, getGuards(op), cotangent);
}
