//===- Specializer.cpp - From flow graphs to sample programs --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::flow;

SmallVector<Operation *> Specializer::getChain(Value last, Value &first) {
  SmallVector<Operation *> chain;
  for (first = last; auto op = first.getDefiningOp<BijectionOpInterface>(); first = op->getOperand(0))
    chain.push_back(op);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

LogicalResult Specializer::cloneParameterOps(Block &block, ArrayRef<Operation *> users) {
  // Backwards: what the users need apart from events, then what that needs.
  llvm::SetVector<Operation *> wanted;
  auto want = [&](Operation *user, bool hasEvent) {
    auto add = [&](ValueRange values) {
      for (Value value : values)
        if (Operation *op = value.getDefiningOp(); op && op->getBlock() == &block)
          wanted.insert(op);
    };
    add(user->getOperands().drop_front(hasEvent));
    for (Region &region : user->getRegions())
      region.walk([&](Operation *nested) { add(nested->getOperands()); });
  };
  for (Operation *user : users)
    want(user, isa<BijectionOpInterface>(user));
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (llvm::is_contained(users, wanted[i]))
      return wanted[i]->emitOpError("is used as an event and as a parameter");
    want(wanted[i], /*hasEvent=*/false);
  }
  for (Operation &op : block) {
    if (!wanted.contains(&op))
      continue;
    builder.setLoc(op.getLoc());
    // A bijection off the chain is a map of a parameter or of the condition.
    if (auto bijection = dyn_cast<BijectionOpInterface>(op)) {
      FailureOr<Transformed> result = bijection.buildTransform(*this, lookup(op.getOperand(0)));
      if (failed(result))
        return failure();
      mapping.map(op.getResult(0), result->event);
      continue;
    }
    builder.clone(op, mapping);
  }
  return success();
}

FailureOr<Transformed> Specializer::apply(ArrayRef<Operation *> chain, bool inverse, Value event) {
  Transformed total{event, {}};
  auto step = [&](Operation *op) -> LogicalResult {
    builder.setLoc(op->getLoc());
    auto bijection = cast<BijectionOpInterface>(op);
    FailureOr<Transformed> result =
        inverse ? bijection.buildInverse(*this, total.event) : bijection.buildTransform(*this, total.event);
    if (failed(result))
      return failure();
    total.event = result->event;
    if (withLogDets)
      total.logDet = addLogDets(total.logDet, result->logDet);
    return success();
  };
  if (inverse) {
    for (Operation *op : llvm::reverse(chain))
      if (failed(step(op)))
        return failure();
    return total;
  }
  for (Operation *op : chain)
    if (failed(step(op)))
      return failure();
  return total;
}

FailureOr<Transformed> Specializer::specialize(Block &block, bool inverse, Value event) {
  Value first;
  SmallVector<Operation *> chain = getChain(block.getTerminator()->getOperand(0), first);
  if (first != block.getArgument(0))
    return block.getTerminator()->emitOpError("must yield the block's event after bijections");
  if (failed(cloneParameterOps(block, chain)))
    return failure();
  return apply(chain, inverse, event);
}

Value Specializer::addLogDets(Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  return arith::AddFOp::create(builder, a, b);
}

/// Whether `value` depends on `argument`, an argument of its block.
static bool dependsOn(Value value, Value argument) {
  llvm::SetVector<Value> seen;
  seen.insert(value);
  for (size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] == argument)
      return true;
    if (Operation *op = seen[i].getDefiningOp())
      seen.insert_range(op->getOperands());
  }
  return false;
}

FailureOr<Transformed> flowc::flow::buildElementwise(Operation *op, Specializer &specializer, Value event,
                                                     bool inverse) {
  auto bijection = cast<ElementwiseBijectionOpInterface>(op);
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  auto formula = [&](ImplicitLocOpBuilder &at, Value x, ValueRange parameters) {
    Transformed result =
        inverse ? bijection.buildElementInverse(at, x, parameters) : bijection.buildElement(at, x, parameters);
    if (!specializer.wantsLogDets())
      result.logDet = {};
    return result;
  };
  SmallVector<Value> parameters;
  for (Value operand : op->getOperands().drop_front())
    parameters.push_back(specializer.lookup(operand));
  auto tensor = dyn_cast<RankedTensorType>(event.getType());
  if (!tensor)
    return formula(builder, event, parameters);

  // Operands with one element per element of the event come first in the body.
  SmallVector<Value> indexed, shared;
  for (Value parameter : parameters)
    (parameter.getType() == tensor ? indexed : shared).push_back(parameter);
  auto inOrder = [&](ValueRange arguments) {
    SmallVector<Value> ordered;
    size_t nextIndexed = 0, nextShared = indexed.size();
    for (Value parameter : parameters)
      ordered.push_back(arguments[parameter.getType() == tensor ? nextIndexed++ : nextShared++]);
    return ordered;
  };
  SmallVector<Value> withEvent{event};
  llvm::append_range(withEvent, indexed);
  bool uniformLogDet = false;
  FailureOr<MapOp> map = buildMap(builder, tensor.getNumElements(), withEvent, shared,
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    Transformed result =
                                        formula(at, arguments.front(), inOrder(arguments.drop_front()));
                                    yields.stacked.push_back(result.event);
                                    uniformLogDet = result.logDet && !dependsOn(result.logDet, arguments.front());
                                    if (result.logDet && !uniformLogDet)
                                      yields.summands.push_back(result.logDet);
                                    return success();
                                  });
  if (failed(map))
    return failure();
  Transformed result{map->getStacked().front(), {}};
  if (!map->getSums().empty())
    result.logDet = map->getSums().front();
  if (!uniformLogDet)
    return result;
  // A log-determinant of parameters only gets a map of its own, so that it can
  // leave the loop over rows. What the formula does with the event is dead there.
  map = buildMap(builder, tensor.getNumElements(), indexed, shared,
                 [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                   Value unused = buildConstant(at, tensor.getElementType(), 0);
                   yields.summands.push_back(formula(at, unused, inOrder(arguments)).logDet);
                   return success();
                 });
  if (failed(map))
    return failure();
  result.logDet = map->getSums().front();
  return result;
}
