//===- FuseMaps.cpp - Maps join each other and dense layers ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"
#include "flowc/Dialect/Sample/IR/Bodies.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Root.h"
#include "flowc/Dialect/Sample/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace flowc::sample {
#define GEN_PASS_DEF_FUSEMAPSPASS
#include "flowc/Dialect/Sample/Transforms/Passes.h.inc"
} // namespace flowc::sample

using namespace flowc::sample;

//===----------------------------------------------------------------------===//
// Two maps
//===----------------------------------------------------------------------===//

namespace {
/// Merges two maps of equal extent in one block; the second may use stacked
/// results of the first, element by element.
class MapFuser {
public:
  MapFuser(MapOp first, MapOp second) : first(first), second(second), body(second.getLoc()) {}

  bool canFuse();
  MapOp fuse();

private:
  /// The result of `first` that operand `i` of `second` takes its elements from.
  OpResult getLink(unsigned i);
  bool advanceOperands();
  void cloneBody(MapOp map);
  void addResults(MapOp map, ResultRange results, SmallVectorImpl<Value> &from);

  MapOp first, second;
  Operation *place = nullptr;
  BodyBuilder body;
  IRMapping mapping;
  SmallVector<Value> yielded;
};
} // namespace

OpResult MapFuser::getLink(unsigned i) {
  auto result = dyn_cast<OpResult>(second.getOperand(i));
  if (!result || result.getOwner() != first || result.getResultNumber() >= first.getStacked().size())
    return {};
  bool isElement = i < second.getIndexed().size() || second.getExtent() == 1;
  Type yieldType = first.getYield().getOperand(result.getResultNumber()).getType();
  if (!isElement || i >= second.getBlock()->getNumArguments() ||
      second.getBlock()->getArgument(i).getType() != yieldType)
    return {};
  return result;
}

bool MapFuser::canFuse() {
  if (first.getExtent() != second.getExtent() || first->getBlock() != second->getBlock())
    return false;
  bool isLinked = false;
  for (auto [i, operand] : llvm::enumerate(second->getOperands())) {
    if (operand.getDefiningOp() != first)
      continue;
    if (!getLink(i))
      return false;
    isLinked = true;
  }
  // Maps side by side are worth joining if they read the same elements.
  if (!isLinked && llvm::none_of(first.getIndexed(),
                                 [&](Value operand) { return llvm::is_contained(second.getIndexed(), operand); }))
    return false;
  place = findMeetingPoint(first, second);
  if (!place && isLinked && advanceOperands())
    place = first;
  return place;
}

/// Moves the splits and gathers that `second` reads before `first`, if that is all
/// that keeps it from being there.
bool MapFuser::advanceOperands() {
  SmallVector<Operation *> moved;
  for (Value operand : second->getOperands()) {
    if (operand.getDefiningOp() == first || isAvailableBefore(operand, first))
      continue;
    Operation *layout = operand.getDefiningOp();
    if (!isa<SplitOp, GatherOp>(layout) ||
        !llvm::all_of(layout->getOperands(), [&](Value value) { return isAvailableBefore(value, first); }))
      return false;
    moved.push_back(layout);
  }
  for (Operation *layout : moved)
    if (!layout->isBeforeInBlock(first))
      layout->moveBefore(first);
  return true;
}

void MapFuser::cloneBody(MapOp map) {
  Block &block = *map.getBlock();
  for (BlockArgument argument : block.getArguments()) {
    unsigned i = argument.getArgNumber();
    if (OpResult link = map == second ? getLink(i) : OpResult()) {
      mapping.map(argument, mapping.lookup(first.getYield().getOperand(link.getResultNumber())));
      continue;
    }
    bool isIndexed = i < map.getIndexed().size();
    mapping.map(argument, body.add(isIndexed ? BodyBuilder::Indexed : BodyBuilder::Shared, map.getOperand(i),
                                   argument.getType()));
  }
  for (Operation &op : block.without_terminator())
    body.getBuilder().clone(op, mapping);
}

/// Yields what `results` hold if anything but `second` uses them.
void MapFuser::addResults(MapOp map, ResultRange results, SmallVectorImpl<Value> &from) {
  for (OpResult result : results) {
    if (llvm::all_of(result.getUsers(), [&](Operation *user) { return user == second; }))
      continue;
    from.push_back(result);
    yielded.push_back(mapping.lookup(map.getYield().getOperand(result.getResultNumber())));
  }
}

MapOp MapFuser::fuse() {
  cloneBody(first);
  cloneBody(second);
  SmallVector<Value> stacked, sums, init;
  for (MapOp map : {first, second})
    addResults(map, map.getStacked(), stacked);
  for (MapOp map : {first, second})
    addResults(map, map.getSums(), sums);
  for (Value sum : sums) {
    auto result = cast<OpResult>(sum);
    auto map = cast<MapOp>(result.getOwner());
    init.push_back(map.getInit()[result.getResultNumber() - map.getStacked().size()]);
  }
  YieldOp::create(body.getBuilder(), yielded);
  eraseDeadOps(body.getBlock());
  body.dropUnused(BodyBuilder::Indexed);
  body.dropUnused(BodyBuilder::Shared);
  ImplicitLocOpBuilder builder(second.getLoc(), place);
  auto map = MapOp::create(builder, TypeRange(ValueRange(stacked)), TypeRange(ValueRange(sums)), second.getExtent(),
                           body.getOperands(BodyBuilder::Indexed), body.getOperands(BodyBuilder::Shared), init);
  body.finish(map.getBody());
  for (auto [from, to] : llvm::zip_equal(llvm::concat<Value>(stacked, sums), map.getResults()))
    from.replaceAllUsesWith(to);
  second.erase();
  first.erase();
  return map;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// At extent 1 a sum of one float is its start plus the summand: a stacked
/// result, which other maps can join. Returns the map that took the place of
/// `map`, or null if it has no such sum.
static MapOp turnSumsIntoStacked(MapOp map) {
  if (map.getExtent() != 1 || map.getSums().empty() ||
      llvm::any_of(map.getSums().getTypes(), [](Type type) { return isa<RankedTensorType>(type); }))
    return {};
  Block &block = *map.getBlock();
  unsigned numIndexed = map.getIndexed().size(), numStacked = map.getStacked().size();
  SmallVector<Value> indexed(map.getIndexed());
  ImplicitLocOpBuilder builder(map.getLoc(), map.getYield());
  for (auto [i, init] : llvm::enumerate(map.getInit())) {
    indexed.push_back(init);
    BlockArgument start = block.insertArgument(numIndexed + i, init.getType(), map.getLoc());
    OpOperand &summand = map.getYield()->getOpOperand(numStacked + i);
    summand.set(arith::AddFOp::create(builder, start, summand.get()));
  }
  builder.setInsertionPoint(map);
  auto result = MapOp::create(builder, map.getResultTypes(), TypeRange(), 1, indexed, map.getShared(), ValueRange());
  result.getBody().takeBody(map.getBody());
  map.replaceAllUsesWith(result);
  map.erase();
  return result;
}

/// The sum of all elements of a stacked result is a sum of the map.
static bool absorbReduction(ReduceSumOp reduction) {
  auto result = dyn_cast<OpResult>(reduction.getX());
  auto map = result ? dyn_cast<MapOp>(result.getOwner()) : MapOp();
  if (!map || map->getBlock() != reduction->getBlock() || result.getResultNumber() >= map.getStacked().size())
    return false;
  Value element = map.getYield().getOperand(result.getResultNumber());
  if (element.getType() != reduction.getType())
    return false;
  ImplicitLocOpBuilder builder(map.getLoc(), map);
  SmallVector<Value> init(map.getInit());
  init.push_back(buildConstant(builder, element.getType(), 0.0));
  map.getYield().getValuesMutable().append(element);
  auto replacement = MapOp::create(builder, map.getStacked().getTypes(), TypeRange(ValueRange(init)), map.getExtent(),
                                   map.getIndexed(), map.getShared(), init);
  replacement.getBody().takeBody(map.getBody());
  map.replaceAllUsesWith(replacement.getResults().drop_back());
  reduction.replaceAllUsesWith(replacement.getResults().back());
  reduction.erase();
  map.erase();
  return true;
}

/// Lets sums start at what a map of extent 1 adds to them.
static bool absorbAddends(MapOp map) {
  if (map.getExtent() != 1)
    return false;
  bool changed = false;
  Block &block = *map.getBlock();
  auto getOutside = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument ? map.getOperand(argument.getArgNumber()) : Value();
  };
  for (auto add : llvm::make_early_inc_range(block.getOps<arith::AddFOp>())) {
    for (auto [a, b] : {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())}) {
      auto sum = llvm::dyn_cast_or_null<OpResult>(getOutside(a));
      Value other = getOutside(b);
      if (!sum || !other || sum == other || !a.hasOneUse() || !absorbAddend(sum, other, map))
        continue;
      add.replaceAllUsesWith(a);
      add.erase();
      changed = true;
      break;
    }
  }
  return changed;
}

//===----------------------------------------------------------------------===//
// Dense layers
//===----------------------------------------------------------------------===//

/// A map of each output alone becomes the activation of its dense layer, or joins
/// the one that is there.
static bool absorbActivation(MapOp map) {
  if (map.getIndexed().size() != 1 || !map.getShared().empty() || map.getStacked().size() != 1 ||
      !map.getSums().empty() || isa<RankedTensorType>(map.getBlock()->getArgument(0).getType()))
    return false;
  // A loop of its own does not fit into the micro-kernel.
  if (!map.getBlock()->getOps<RootOp>().empty())
    return false;
  auto dense = map.getIndexed().front().getDefiningOp<DenseOp>();
  if (!dense || !dense.getY().hasOneUse() || dense->getBlock() != map->getBlock() ||
      map.getResultTypes().front() != dense.getY().getType())
    return false;
  Region &activation = dense.getActivation();
  if (activation.empty()) {
    activation.takeBody(map.getBody());
  } else {
    auto yield = cast<YieldOp>(activation.front().getTerminator());
    Block &body = *map.getBlock();
    body.getArgument(0).replaceAllUsesWith(yield.getOperand(0));
    activation.front().getOperations().splice(yield->getIterator(), body.getOperations());
    yield.erase();
  }
  map.getStacked().front().replaceAllUsesWith(dense.getY());
  map.erase();
  return true;
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

/// Fuses `map` with the nearest later map that it can join.
static bool fuseWithLater(MapOp map) {
  for (Operation *next = map->getNextNode(); next; next = next->getNextNode()) {
    auto other = dyn_cast<MapOp>(next);
    if (!other)
      continue;
    MapFuser fuser(map, other);
    if (!fuser.canFuse())
      continue;
    fuser.fuse();
    return true;
  }
  return false;
}

/// Applies `step` to the ops of `block` from the start until none changes.
template <typename OpTy>
static bool repeat(Block &block, function_ref<bool(OpTy)> step) {
  bool any = false;
  for (bool changed = true; changed;) {
    changed = false;
    for (auto op : llvm::make_early_inc_range(block.getOps<OpTy>()))
      if (step(op)) {
        // The step may have erased the next op too.
        changed = any = true;
        break;
      }
  }
  return any;
}

static void fuse(Block &block) {
  useSumsOfSweeps(block);
  hoistFromSweeps(block);
  repeat<ReduceSumOp>(block, absorbReduction);
  repeat<MapOp>(block, absorbActivation);
  repeat<MapOp>(block, [](MapOp map) { return bool(turnSumsIntoStacked(map)); });
  for (bool changed = true; changed;) {
    changed = repeat<MapOp>(block, absorbAddends);
    changed |= repeat<MapOp>(block, fuseWithLater);
  }
  eraseDeadOps(block);
}

namespace {
struct FuseMaps : flowc::sample::impl::FuseMapsPassBase<FuseMaps> {
  using Base::Base;

  void runOnOperation() override {
    forEachProgramBlock(getOperation(), fuse);
    RewritePatternSet patterns(&getContext());
    MapOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
