//===- OutlineMaps.cpp - Elementwise ops become maps ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"
#include "flowc/Dialect/Sample/IR/Bodies.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Objective.h"
#include "flowc/Dialect/Sample/IR/Root.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"
#include "flowc/Dialect/Sample/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/TypeUtilities.h"

#include <map>

using namespace mlir;

namespace flowc::sample {
#define GEN_PASS_DEF_OUTLINEMAPSPASS
#include "flowc/Dialect/Sample/Transforms/Passes.h.inc"
} // namespace flowc::sample

using namespace flowc::sample;

/// Whether `op` computes every element of its only result from the same elements
/// of its operands.
static bool isElementwise(Operation *op) {
  return isa<arith::ArithDialect, math::MathDialect, SampleDialect>(op->getDialect()) &&
         op->hasTrait<OpTrait::Elementwise>() && op->getNumResults() == 1;
}

/// Whether `op` reads or makes small tensors as a whole, which only bodies do.
static bool isSmallTensorOp(Operation *op) { return op->hasTrait<InBodies>(); }

/// Whether `op` is a splat that something needs as a tensor; maps take the float.
static bool isNeededSplat(Operation *op) { return isa<SplatOp>(op) && !llvm::all_of(op->getUsers(), isElementwise); }

static bool isInteger(Type type) { return isa<IntegerType>(getElementTypeOrSelf(type)); }

/// Whether `op` becomes part of a map: elementwise on floats, or on a small tensor.
/// Conditions and bins are computed again by each map that reads them.
static bool isOutlined(Operation *op) {
  return (isElementwise(op) || isSmallTensorOp(op) || isNeededSplat(op)) && !isInteger(op->getResult(0).getType());
}

/// The steps of the map that `op` becomes part of.
static int64_t getExtent(Operation *op) { return isSmallTensorOp(op) ? 1 : getNumElements(op->getResult(0).getType()); }

/// The op that computes the condition or bin `value`, if a map can compute it.
static Operation *getConditionOp(Value value) {
  Operation *op = value.getDefiningOp();
  return op && isInteger(value.getType()) && (isElementwise(op) || isSmallTensorOp(op)) ? op : nullptr;
}

/// Whether a tensor has one element, which is what bodies know of it.
static bool isSingleton(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 1 && tensor.getNumElements() == 1;
}

namespace {
/// Elementwise ops of one extent that become one map at the place of the last one.
using Group = llvm::SetVector<Operation *>;

/// Emits the map of a group.
class GroupOutliner {
public:
  GroupOutliner(const Group &group, int64_t extent) : group(group), extent(extent), body(group.back()->getLoc()) {}

  void run();

private:
  Value getInside(Value value);
  Value getWhole(Value value);
  Value cloneInside(Operation *op);

  const Group &group;
  int64_t extent;
  BodyBuilder body;
  IRMapping mapping;
};
} // namespace

/// Clones `op` into the body: for one element, or whole if it is on small tensors.
Value GroupOutliner::cloneInside(Operation *op) {
  if (auto splat = dyn_cast<SplatOp>(op)) {
    Value inside = getInside(splat.getX());
    mapping.map(splat.getY(), inside);
    return inside;
  }
  if (isSmallTensorOp(op)) {
    SmallVector<Value> operands = llvm::map_to_vector(op->getOperands(), [&](Value value) { return getWhole(value); });
    Operation *inside = body.getBuilder().clone(*op, mapping);
    inside->setOperands(operands);
    Value result = inside->getResult(0);
    if (!isSingleton(result.getType()))
      return result;
    Type element = getElementTypeOrSelf(result.getType());
    Value only = SplitOp::create(body.getBuilder(), TypeRange(element), result).getResult(0);
    mapping.map(op->getResult(0), only);
    return only;
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(getInside(operand));
  OperationState state(op->getLoc(), op->getName(), operands, getElementTypeOrSelf(op->getResult(0).getType()),
                       op->getAttrs());
  Value result = body.getBuilder().create(state)->getResult(0);
  mapping.map(op->getResult(0), result);
  return result;
}

/// A small tensor that every step sees whole.
Value GroupOutliner::getWhole(Value value) {
  if (!isa<RankedTensorType>(value.getType()))
    return getInside(value);
  if (isSingleton(value.getType()))
    return SplatOp::create(body.getBuilder(), value.getType(), getInside(value));
  if (Value inside = mapping.lookupOrNull(value))
    return inside;
  Value inside = body.addShared(BodyBuilder::Shared, value);
  mapping.map(value, inside);
  return inside;
}

Value GroupOutliner::getInside(Value value) {
  if (Value inside = mapping.lookupOrNull(value))
    return inside;
  if (Operation *condition = getConditionOp(value))
    return cloneInside(condition);
  // A lone condition or number applies to all elements.
  bool isWhole = !isa<RankedTensorType>(value.getType()) && (extent > 1 || !isDifferentiable(value.getType()));
  Value inside = isWhole ? body.addShared(BodyBuilder::Shared, value) : body.addElements(value, extent);
  mapping.map(value, inside);
  return inside;
}

void GroupOutliner::run() {
  SmallVector<Value> results, yielded;
  for (Operation *op : group) {
    Value inside = cloneInside(op);
    if (llvm::all_of(op->getUsers(), [&](Operation *user) { return group.contains(user); }))
      continue;
    results.push_back(op->getResult(0));
    yielded.push_back(inside);
  }
  YieldOp::create(body.getBuilder(), yielded);
  ImplicitLocOpBuilder builder(group.back()->getLoc(), group.back());
  auto map = MapOp::create(builder, TypeRange(ValueRange(results)), TypeRange(), extent,
                           body.getOperands(BodyBuilder::Indexed), body.getOperands(BodyBuilder::Shared), ValueRange());
  body.finish(map.getBody());
  for (auto [from, to] : llvm::zip_equal(results, map.getStacked()))
    from.replaceAllUsesWith(to);
  for (Operation *op : llvm::reverse(group))
    op->erase();
}

/// Whether `op`, or a condition that it reads, uses a result of `group`.
static bool usesResultOf(Operation *op, const Group &group) {
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    if (Operation *condition = getConditionOp(operand))
      return usesResultOf(condition, group);
    return group.contains(operand.getDefiningOp());
  });
}

/// The addition of a sum and another value continues the sum.
static void absorbAddends(Block &block) {
  for (auto add : llvm::make_early_inc_range(block.getOps<arith::AddFOp>())) {
    for (auto [sum, other] : {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())}) {
      auto result = dyn_cast<OpResult>(sum);
      if (!result || sum == other || !absorbAddend(result, other, add))
        continue;
      add.replaceAllUsesWith(sum);
      add.erase();
      break;
    }
  }
}

/// A reduction is a map with a sum and nothing else, which the map that makes the
/// elements can join.
static void turnReductionsIntoMaps(Block &block) {
  for (auto reduction : llvm::make_early_inc_range(block.getOps<ReduceSumOp>())) {
    ImplicitLocOpBuilder builder(reduction.getLoc(), reduction);
    Value x = reduction.getX();
    FailureOr<MapOp> map = buildMap(builder, getNumElements(x.getType()), x, {},
                                    [](ImplicitLocOpBuilder &, ValueRange arguments, MapYields &yields) {
                                      yields.summands.push_back(arguments.front());
                                      return success();
                                    });
    reduction.replaceAllUsesWith(map->getSums().front());
    reduction.erase();
  }
}

/// Nothing is differentiated any more.
static void dropDetached(Block &block) {
  for (auto detach : llvm::make_early_inc_range(block.getOps<DetachOp>())) {
    detach.replaceAllUsesWith(detach.getX());
    detach.erase();
  }
  block.walk([](SurrogateOp surrogate) {
    surrogate.replaceAllUsesWith(surrogate.getValue());
    surrogate.erase();
  });
}

static void outline(Block &block) {
  dropDetached(block);
  turnReductionsIntoMaps(block);
  absorbAddends(block);
  std::map<int64_t, Group> open;
  SmallVector<std::pair<int64_t, Group>> closed;
  for (Operation &op : block) {
    // A condition goes where it is read.
    if (op.getNumResults() == 1 && getConditionOp(op.getResult(0)) &&
        llvm::all_of(op.getUsers(), [](Operation *user) { return isElementwise(user) || isSmallTensorOp(user); }))
      continue;
    int64_t extent = isOutlined(&op) ? getExtent(&op) : 0;
    // A group ends where another op uses one of its results.
    for (auto it = open.begin(); it != open.end();) {
      if (it->first == extent || !usesResultOf(&op, it->second)) {
        ++it;
        continue;
      }
      closed.emplace_back(it->first, std::move(it->second));
      it = open.erase(it);
    }
    if (extent > 0)
      open[extent].insert(&op);
  }
  for (auto &[extent, group] : open)
    closed.emplace_back(extent, std::move(group));
  for (auto &[extent, group] : closed)
    GroupOutliner(group, extent).run();
  eraseDeadOps(block);
}

namespace {
struct OutlineMaps : flowc::sample::impl::OutlineMapsPassBase<OutlineMaps> {
  using Base::Base;

  void runOnOperation() override { forEachProgramBlock(getOperation(), outline); }
};
} // namespace
