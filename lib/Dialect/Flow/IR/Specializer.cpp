//===- Specializer.cpp - From flow graphs to sample programs --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SpecializerChain.h"
#include "flowc/Dialect/Flow/IR/FlowCombinators.h"
#include "flowc/Dialect/Flow/IR/SpecializerTrace.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::flow;

SmallVector<Operation *> Specializer::getChain(Value last, Value &first) {
  SmallVector<Operation *> chain;
  first = last;
  while (auto op = first.getDefiningOp<BijectionOpInterface>()) {
    // A scan may have no event.
    if (op->getNumOperands() == 0 || first != op->getResult(0))
      break;
    // What is used before it is made leads in circles; MLIR says so, when ops are verified.
    Operation *next = chain.empty() ? nullptr : chain.back();
    if (next && op->getBlock() == next->getBlock() && !op->isBeforeInBlock(next))
      break;
    chain.push_back(op);
    first = op->getOperand(0);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

LogicalResult Specializer::cloneParameterOps(Block &block, ArrayRef<Operation *> users) {
  // Backwards: what the users need apart from events, then what that needs.
  llvm::SetVector<Operation *> wanted;
  // What the first bijection takes comes from nowhere else.
  Value event = !users.empty() && isa<BijectionOpInterface>(users.front()) ? users.front()->getOperand(0) : Value();
  Operation *misuser = nullptr;
  auto want = [&](Operation *user, bool hasEvent) {
    auto add = [&](ValueRange values) {
      for (Value value : values)
        if (value == event)
          misuser = user;
        else if (Operation *op = value.getDefiningOp(); op && op->getBlock() == &block)
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
    if (isa<DistributionOpInterface>(wanted[i]))
      return wanted[i]->emitOpError("is a draw, which cannot be a parameter");
    want(wanted[i], /*hasEvent=*/false);
  }
  if (misuser)
    return misuser->emitOpError("takes its own event as a parameter, too");
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
    // Arguments of a region that a mapping knows are left out of its clones: an op that
    // is cloned once more, for the way back, must not find those of the first time.
    IRMapping inside = op.getNumRegions() ? mapping : IRMapping();
    Operation *clone = builder.clone(op, op.getNumRegions() ? inside : mapping);
    mapping.map(op.getResults(), clone->getResults());
  }
  return success();
}

FailureOr<Transformed> Specializer::apply(ArrayRef<Operation *> chain, bool inverse, Value event) {
  Transformed total{event, {}};
  auto step = [&](Operation *op) -> LogicalResult {
    builder.setLoc(op->getLoc());
    auto bijection = cast<BijectionOpInterface>(op);
    SpecializerTrace::enter(op, inverse, builder);
    FailureOr<Transformed> result =
        inverse ? bijection.buildInverse(*this, total.event) : bijection.buildTransform(*this, total.event);
    if (failed(result))
      return failure();
    SpecializerTrace::leave(*result);
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

FailureOr<SmallVector<Operation *>> flowc::flow::enterBlock(Specializer &specializer, Block &block) {
  Value first;
  SmallVector<Operation *> chain = Specializer::getChain(block.getTerminator()->getOperand(0), first);
  if (first != block.getArgument(0))
    return block.getTerminator()->emitOpError("must yield the block's event after bijections");
  if (failed(specializer.cloneParameterOps(block, chain)))
    return failure();
  return chain;
}

FailureOr<Transformed> Specializer::specialize(Block &block, bool inverse, Value event) {
  FailureOr<SmallVector<Operation *>> chain = enterBlock(*this, block);
  if (failed(chain))
    return failure();
  return apply(*chain, inverse, event);
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

namespace {
/// Elementwise bijections one after the other, on every element of a tensor. Log-determinants
/// are those of steps that depend on the event, or those of the others.
class ElementwiseMaps {
public:
  ElementwiseMaps(Specializer &specializer, RankedTensorType type, ArrayRef<ElementwiseStep> steps)
      : builder(specializer.getBuilder()), wantsLogDets(specializer.wantsLogDets()), type(type), steps(steps) {
    for (const ElementwiseStep &step : steps)
      for (auto [parameter, isIndexed] : llvm::zip_equal(step.parameters, step.isIndexed))
        (isIndexed ? indexed : shared).push_back(parameter);
  }

  /// Emits the elements, and the log-determinants that depend on them.
  FailureOr<Transformed> buildElements(Value event);
  /// Whether there are others: known once the elements have been emitted.
  bool hasUniformLogDet() const { return anyUniform; }
  FailureOr<Value> buildUniformLogDet();

private:
  Transformed emit(ImplicitLocOpBuilder &at, Value x, ValueRange arguments, bool wantsUniform);

  ImplicitLocOpBuilder &builder;
  bool wantsLogDets;
  RankedTensorType type;
  ArrayRef<ElementwiseStep> steps;
  /// Parameters with a share for each element, which come first in the body, and others.
  SmallVector<Value> indexed, shared;
  bool anyUniform = false;
};
} // namespace

/// All steps on `x`, with the log-determinants of those that depend on `x` or of the others.
Transformed ElementwiseMaps::emit(ImplicitLocOpBuilder &at, Value x, ValueRange arguments, bool wantsUniform) {
  size_t nextIndexed = 0, nextShared = indexed.size();
  Transformed total{x, {}};
  for (const ElementwiseStep &step : steps) {
    SmallVector<Value> parameters;
    for (bool isIndexed : step.isIndexed)
      parameters.push_back(arguments[isIndexed ? nextIndexed++ : nextShared++]);
    auto bijection = step.op;
    Transformed result = step.inverse ? bijection.buildElementInverse(at, total.event, parameters)
                                      : bijection.buildElement(at, total.event, parameters);
    total.event = result.event;
    if (!wantsLogDets || !result.logDet)
      continue;
    bool isUniform = !dependsOn(result.logDet, x);
    anyUniform |= isUniform;
    if (isUniform != wantsUniform)
      continue;
    total.logDet = total.logDet ? arith::AddFOp::create(at, total.logDet, result.logDet).getResult() : result.logDet;
  }
  return total;
}

FailureOr<Transformed> ElementwiseMaps::buildElements(Value event) {
  SmallVector<Value> withEvent{event};
  llvm::append_range(withEvent, indexed);
  FailureOr<MapOp> map = buildMap(builder, type.getNumElements(), withEvent, shared,
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    Transformed result =
                                        emit(at, arguments.front(), arguments.drop_front(), /*wantsUniform=*/false);
                                    yields.stacked.push_back(result.event);
                                    if (result.logDet)
                                      yields.summands.push_back(result.logDet);
                                    return success();
                                  });
  if (failed(map))
    return failure();
  return Transformed{map->getStacked().front(), map->getSums().empty() ? Value() : map->getSums().front()};
}

/// What the formulas do with the event is dead here.
FailureOr<Value> ElementwiseMaps::buildUniformLogDet() {
  FailureOr<MapOp> map =
      buildMap(builder, type.getNumElements(), indexed, shared,
               [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                 Value unused = buildConstant(at, type.getElementType(), 0);
                 yields.summands.push_back(emit(at, unused, arguments, /*wantsUniform=*/true).logDet);
                 return success();
               });
  if (failed(map))
    return failure();
  return Value(map->getSums().front());
}

FailureOr<Transformed> flowc::flow::buildElementwiseMap(Specializer &specializer, Value event,
                                                        ArrayRef<ElementwiseStep> steps) {
  if (steps.empty())
    return Transformed{event, {}};
  ElementwiseMaps maps(specializer, cast<RankedTensorType>(event.getType()), steps);
  FailureOr<Transformed> result = maps.buildElements(event);
  if (failed(result) || !maps.hasUniformLogDet())
    return result;
  // A log-determinant of parameters only gets a map of its own, so that it can
  // leave the loop over rows.
  FailureOr<Value> logDet = maps.buildUniformLogDet();
  if (failed(logDet))
    return failure();
  result->logDet = specializer.addLogDets(result->logDet, *logDet);
  return result;
}

FailureOr<Transformed> flowc::flow::buildElementwise(Operation *op, Specializer &specializer, Value event,
                                                     bool inverse) {
  ElementwiseStep step{cast<ElementwiseBijectionOpInterface>(op), inverse};
  for (Value operand : op->getOperands().drop_front()) {
    step.parameters.push_back(specializer.lookup(operand));
    step.isIndexed.push_back(step.parameters.back().getType() == event.getType());
  }
  if (isa<RankedTensorType>(event.getType()))
    return buildElementwiseMap(specializer, event, step);
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  Transformed result = inverse ? step.op.buildElementInverse(builder, event, step.parameters)
                               : step.op.buildElement(builder, event, step.parameters);
  if (!specializer.wantsLogDets())
    result.logDet = {};
  return result;
}
