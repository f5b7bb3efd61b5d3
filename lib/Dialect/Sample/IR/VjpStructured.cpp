//===- VjpStructured.cpp - Derivatives of maps, dense layers, scans -------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VjpBodies.h"
#include "flowc/Dialect/Sample/IR/Block.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Root.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace flowc::sample;

//===----------------------------------------------------------------------===//
// MapOp
//===----------------------------------------------------------------------===//

LogicalResult MapOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  size_t numIndexed = getIndexed().size(), numStacked = getStacked().size();
  int64_t extent = getExtent();
  for (auto [init, cotangent] : llvm::zip_equal(getInit(), cotangents.drop_front(numStacked)))
    vjp.accumulate(init, cotangent);

  BodyBuilder body(getLoc());
  IRMapping mapping;
  VjpBuilder inner(body.getBuilder(), mapping);
  Block &primal = *getBlock();
  for (BlockArgument argument : primal.getArguments()) {
    Value operand = getOperand(argument.getArgNumber());
    bool isIndexed = argument.getArgNumber() < numIndexed;
    mapping.map(argument, body.add(isIndexed ? BodyBuilder::Indexed : BodyBuilder::Shared, vjp.lookup(operand),
                                   argument.getType()));
    if (vjp.isNeeded(operand))
      inner.markNeeded(argument);
  }
  SmallVector<Value> seeds;
  for (auto [i, cotangent] : llvm::enumerate(cotangents)) {
    if (!cotangent)
      seeds.push_back({});
    else if (i < numStacked)
      seeds.push_back(body.addElements(cotangent, extent));
    else
      seeds.push_back(body.addShared(BodyBuilder::Shared, cotangent));
  }
  cloneForward(inner, primal);
  if (failed(buildBlockVjp(inner, primal, seeds)))
    return failure();

  // Cotangents of indexed operands are stacked, those of shared ones summed.
  SmallVector<Value> operands, yielded, init;
  SmallVector<Type> stacked;
  for (BlockArgument argument : primal.getArguments().take_front(numIndexed)) {
    Value operand = getOperand(argument.getArgNumber());
    Value cotangent = inner.getCotangent(argument);
    if (!cotangent)
      continue;
    if (Value outside = handThrough(builder, operand.getType(), body, cotangent)) {
      vjp.accumulate(operand, outside);
      continue;
    }
    operands.push_back(operand);
    yielded.push_back(cotangent);
    stacked.push_back(operand.getType());
  }
  for (BlockArgument argument : primal.getArguments().drop_front(numIndexed)) {
    Value operand = getOperand(argument.getArgNumber());
    Value cotangent = inner.getCotangent(argument);
    if (!cotangent)
      continue;
    operands.push_back(operand);
    yielded.push_back(cotangent);
    init.push_back(buildConstant(builder, operand.getType(), 0.0));
  }
  if (yielded.empty())
    return success();
  YieldOp::create(body.getBuilder(), yielded);

  for (auto [result, value] : llvm::zip(getStacked(), getYield().getValues()))
    useGiven(body, BodyBuilder::Indexed, mapping.lookup(value), vjp.lookup(result));
  eraseDeadOps(body.getBlock());
  body.dropUnused(BodyBuilder::Indexed);
  body.dropUnused(BodyBuilder::Shared);
  auto map = MapOp::create(builder, stacked, TypeRange(ValueRange(init)), extent,
                           body.getOperands(BodyBuilder::Indexed), body.getOperands(BodyBuilder::Shared), init);
  body.finish(map.getBody());
  for (auto [operand, cotangent] : llvm::zip_equal(operands, map.getResults()))
    vjp.accumulate(operand, cotangent);
  return success();
}

//===----------------------------------------------------------------------===//
// DenseOp
//===----------------------------------------------------------------------===//

void flowc::sample::expandActivations(Operation *root) {
  SmallVector<DenseOp> layers;
  root->walk([&](DenseOp dense) {
    if (!dense.getActivation().empty())
      layers.push_back(dense);
  });
  for (DenseOp dense : layers) {
    ImplicitLocOpBuilder builder(dense.getLoc(), dense.getContext());
    builder.setInsertionPointAfter(dense);
    auto map = MapOp::create(builder, dense.getY().getType(), TypeRange(), dense.getY().getType().getNumElements(),
                             dense.getY(), ValueRange(), ValueRange());
    dense.getY().replaceAllUsesExcept(map.getResult(0), map);
    map.getBody().takeBody(dense.getActivation());
  }
}

/// Whether `value` holds weight gradients, possibly those of the layers of a scan.
static bool isWeightGradient(Value value) {
  if (value.getDefiningOp<OuterOp>())
    return true;
  auto scan = value.getDefiningOp<ScanOp>();
  if (!scan)
    return false;
  unsigned number = cast<OpResult>(value).getResultNumber();
  return number >= scan.getFinals().size() && isWeightGradient(scan.getYield().getOperand(number));
}

SmallVector<Value> flowc::sample::splitWeightGradients(Value cotangent) {
  SmallVector<Value> addends;
  if (auto sum = cotangent.getDefiningOp<arith::AddFOp>()) {
    addends = splitWeightGradients(sum.getLhs());
    llvm::append_range(addends, splitWeightGradients(sum.getRhs()));
  }
  return llvm::any_of(addends, isWeightGradient) ? addends : SmallVector<Value>{cotangent};
}

LogicalResult DenseOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  if (!getActivation().empty())
    return emitOpError("with an activation must be expanded before it is differentiated");
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Value g = cotangents[0], x = vjp.lookup(getX());
  RankMaskAttr mask = getMaskAttr();
  if (vjp.isNeeded(getX()))
    vjp.accumulate(getX(), DenseOp::create(builder, getX().getType(), vjp.lookup(getWeight()), g, /*bias=*/Value(),
                                           !getTransposed(), mask));
  Value bias = g;
  if (vjp.isNeeded(getWeight())) {
    Value rows = getTransposed() ? x : g, columns = getTransposed() ? g : x;
    auto outer = OuterOp::create(builder, getWeight().getType(), rows.getType(), rows, columns, mask);
    vjp.accumulate(getWeight(), outer.getWeight());
    if (!getTransposed())
      bias = outer.getBias();
  }
  if (getBias())
    vjp.accumulate(getBias(), bias);
  return success();
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

/// The arguments of a scan's body that depend on needed operands, carries in any
/// layer.
static llvm::BitVector getNeededArguments(ScanOp scan, VjpBuilder &vjp) {
  Block &layer = *scan.getBlock();
  llvm::BitVector needed(layer.getNumArguments());
  for (auto [i, operand] : llvm::enumerate(scan.getOperands()))
    needed[i] = vjp.isNeeded(operand);
  for (bool changed = true; changed;) {
    changed = false;
    VjpBuilder inner(vjp.getBuilder(), vjp.getMapping());
    for (unsigned i : needed.set_bits())
      inner.markNeeded(layer.getArgument(i));
    propagateNeeded(inner, layer);
    for (unsigned i = 0, end = scan.getCarries().size(); i < end; ++i)
      if (!needed[i] && inner.isNeeded(scan.getYield().getOperand(i)))
        changed = needed[i] = true;
  }
  return needed;
}

namespace {
/// A value of a layer, by its place: a carry, or a result of the n-th op.
struct LayerValue {
  unsigned index;
  std::optional<unsigned> result;

  Value find(Block &layer) const {
    return result ? std::next(layer.begin(), index)->getResult(*result) : Value(layer.getArgument(index));
  }
};
} // namespace

/// `scan` with one more stacked result for each value of `saved`. Replaces `scan`
/// and returns the new one.
static ScanOp saveValues(ScanOp scan, ArrayRef<LayerValue> saved) {
  ImplicitLocOpBuilder builder(scan.getLoc(), scan);
  SmallVector<Type> stacked(scan.getStacked().getTypes());
  for (const LayerValue &place : saved) {
    Value value = place.find(*scan.getBlock());
    scan.getYield().getValuesMutable().append(value);
    stacked.push_back(ScanOp::getStackType(value.getType(), scan.getLayers()));
  }
  auto result = ScanOp::create(builder, SmallVector<Type>(scan.getFinals().getTypes()), stacked, scan.getLayers(),
                               scan.getReverse(), scan.getCarries(), scan.getOver(), scan.getShared());
  result.getBody().takeBody(scan.getBody());
  scan.replaceAllUsesWith(result.getResults().drop_back(saved.size()));
  scan.erase();
  return result;
}

namespace {
/// The body of the reverse scan.
struct ReverseLayer {
  ReverseLayer(Location loc) : body(loc), vjp(body.getBuilder(), mapping) {}

  BodyBuilder body;
  IRMapping mapping;
  VjpBuilder vjp;
  /// Arguments for the primal carries and for the cotangents of the next ones
  /// (null: zero in every layer).
  SmallVector<BlockArgument> carries, cotangents;
};
} // namespace

/// Emits a layer forward and in reverse. `active` tells which carries have a
/// cotangent.
static LogicalResult buildReverseLayer(ScanOp scan, VjpBuilder &vjp, const llvm::BitVector &needed,
                                       const llvm::BitVector &active, ValueRange cotangents, ReverseLayer &reverse) {
  Block &layer = *scan.getBlock();
  BodyBuilder &body = reverse.body;
  size_t numCarries = scan.getCarries().size(), numOver = scan.getOver().size();
  for (BlockArgument argument : layer.getArguments()) {
    unsigned i = argument.getArgNumber();
    Value operand = i < numCarries ? Value() : vjp.lookup(scan.getOperand(i));
    BlockArgument inside =
        body.add(i < numCarries + numOver ? BodyBuilder::Over : BodyBuilder::Whole, operand, argument.getType());
    if (i < numCarries)
      reverse.carries.push_back(inside);
    reverse.mapping.map(argument, inside);
    if (needed[i])
      reverse.vjp.markNeeded(argument);
  }
  SmallVector<Value> seeds;
  for (size_t i = 0; i < numCarries; ++i) {
    reverse.cotangents.push_back(active[i] ? body.add(BodyBuilder::Carries, {}, layer.getArgument(i).getType())
                                           : BlockArgument());
    seeds.push_back(reverse.cotangents.back());
  }
  for (Value cotangent : cotangents.drop_front(numCarries)) {
    if (!cotangent)
      seeds.push_back({});
    else if (getUniformConstant(cotangent))
      seeds.push_back(buildConstant(body.getBuilder(), ScanOp::getSliceType(cotangent.getType()),
                                    cast<FloatAttr>(getUniformConstant(cotangent)).getValueAsDouble()));
    else
      seeds.push_back(body.add(BodyBuilder::Over, cotangent, ScanOp::getSliceType(cotangent.getType())));
  }
  cloneForward(reverse.vjp, layer);
  return buildBlockVjp(reverse.vjp, layer, seeds);
}

/// Whether `op` of a layer is a network, a layer of one, a map of the results of one, or
/// a search for roots.
static bool isNetworkOp(Operation *op) {
  if (op->hasTrait<WorthStoring>())
    return true;
  if (auto map = dyn_cast<MapOp>(op); map && !map.getBlock()->getOps<RootOp>().empty())
    return true;
  return isa<MapOp>(op) && llvm::any_of(op->getOperands(), [&](Value operand) {
           Operation *producer = operand.getDefiningOp();
           return producer && producer->getBlock() == op->getBlock() && isNetworkOp(producer);
         });
}

/// Whether `op` moves the elements of a carry that is needed for nothing else: then its
/// result can be saved in the carry's place, where the op writes it.
static bool movesCarry(Operation *op) {
  if (!isa<GatherOp, ReverseOp>(op))
    return false;
  auto carry = dyn_cast<BlockArgument>(op->getOperand(0));
  return carry && carry.hasOneUse() && carry.getArgNumber() < cast<ScanOp>(op->getParentOp()).getCarries().size();
}

namespace {
/// A value that the forward scan saves for the reverse one, and its argument there.
struct SavedValue {
  LayerValue place;
  BlockArgument argument;
};

/// The values of the reverse body that are recomputed from the layer's input.
class Recomputation {
public:
  Recomputation(Block &layer, IRMapping &mapping) {
    for (auto [index, op] : llvm::enumerate(layer.without_terminator())) {
      Operation *clone = op.getNumResults() ? mapping.lookup(op.getResult(0)).getDefiningOp() : nullptr;
      if (!clone)
        continue;
      clones.insert(clone);
      if (bool isMoved = movesCarry(&op); isMoved || isNetworkOp(&op))
        dear.push_back({unsigned(index), clone, isMoved});
      if (auto sweep = dyn_cast<SweepOp>(op))
        sweeps.push_back({unsigned(index), sweep, getKeptStages(sweep, cast<SweepOp>(clone))});
    }
  }

  /// Saves what is dear: a product with a weight matrix costs far more than
  /// storing its result, which lies in the tile's workspace; an input that has been
  /// moved costs no more than the input. `body` has been rid of dead ops.
  SmallVector<SavedValue> save(BodyBuilder &body) {
    SmallPtrSet<Operation *, 16> alive;
    for (Operation &op : body.getBlock())
      alive.insert(&op);
    SmallVector<SavedValue> saved;
    for (auto [index, clone, isMoved] : dear) {
      if (!alive.contains(clone))
        continue;
      for (OpResult result : clone->getResults())
        if (isDifferentiable(result.getType()) &&
            (isMoved || llvm::any_of(result.getUsers(), [&](Operation *user) { return !clones.contains(user); }))) {
          BlockArgument argument = body.add(BodyBuilder::Over, {}, result.getType());
          result.replaceAllUsesWith(argument);
          saved.push_back({{index, result.getResultNumber()}, argument});
        }
    }
    eraseDeadOps(body.getBlock());
    return saved;
  }

  /// Lets the sweeps of the layer there keep what those of the reverse body kept, whose
  /// results they then have.
  void extendSweeps(ScanOp forward) {
    OpBuilder builder(forward);
    for (PlacedSweep &sweep : sweeps) {
      IRMapping mapping;
      mapping.map(sweep.primal.getResults(), std::next(forward.getBlock()->begin(), sweep.index)->getResults());
      saveAccumulated(sweep.primal, mapping, builder, sweep.keptStages, {});
    }
  }

private:
  SmallPtrSet<Operation *, 16> clones;
  /// The stages whose sums the derivative of `sweep` made `clone` keep.
  static llvm::BitVector getKeptStages(SweepOp sweep, SweepOp clone) {
    llvm::BitVector kept(sweep.getNumStages());
    for (int64_t t = 0; t < sweep.getNumStages(); ++t)
      kept[t] = clone.getStageBlock(t)->getTerminator()->getNumOperands() >
                sweep.getStageBlock(t)->getTerminator()->getNumOperands();
    return kept;
  }

  /// A sweep by its place.
  struct PlacedSweep {
    unsigned index;
    SweepOp primal;
    llvm::BitVector keptStages;
  };
  SmallVector<PlacedSweep> sweeps;
  /// The place of an op, what recomputes it, and whether that only moves a carry.
  struct Dear {
    unsigned index;
    Operation *clone;
    bool movesCarry;
  };
  SmallVector<Dear> dear;
};
} // namespace

LogicalResult ScanOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  ImplicitLocOpBuilder &builder = vjp.getBuilder();
  Block &layer = *getBlock();
  size_t numCarries = getCarries().size(), numOver = getOver().size();
  llvm::BitVector needed = getNeededArguments(*this, vjp), active(numCarries);
  for (size_t i = 0; i < numCarries; ++i)
    active[i] = needed[i] && cotangents[i];

  // A layer may give a cotangent to a carry whose final value has none.
  std::unique_ptr<ReverseLayer> reverse;
  for (bool changed = true; changed;) {
    changed = false;
    reverse = std::make_unique<ReverseLayer>(getLoc());
    if (failed(buildReverseLayer(*this, vjp, needed, active, cotangents, *reverse)))
      return failure();
    for (size_t i = 0; i < numCarries; ++i)
      if (!active[i] && reverse->vjp.getCotangent(layer.getArgument(i)))
        changed = active[i] = true;
  }

  BodyBuilder &body = reverse->body;
  ImplicitLocOpBuilder &bodyBuilder = body.getBuilder();
  // What every layer hands through is no carry (the weight of a log-determinant).
  IRMapping constantSeeds;
  for (unsigned i : active.set_bits()) {
    BlockArgument seed = reverse->cotangents[i];
    if (reverse->vjp.getCotangent(layer.getArgument(i)) != seed)
      continue;
    Value constant = body.addShared(BodyBuilder::Whole, cotangents[i]);
    body.replace(seed, constant);
    constantSeeds.map(Value(seed), constant);
    vjp.accumulate(getCarries()[i], cotangents[i]);
    active.reset(i);
  }
  auto getCotangent = [&](BlockArgument argument) {
    Value cotangent = reverse->vjp.getCotangent(argument);
    return cotangent ? constantSeeds.lookupOrDefault(cotangent) : cotangent;
  };

  SmallVector<Value> operands, yielded;
  SmallVector<Type> finals, stacked;
  for (unsigned i : active.set_bits()) {
    BlockArgument seed = reverse->cotangents[i];
    Value cotangent = getCotangent(layer.getArgument(i));
    body.setOperand(seed, cotangents[i] ? cotangents[i] : buildConstant(builder, seed.getType(), 0.0));
    operands.push_back(getCarries()[i]);
    yielded.push_back(cotangent ? cotangent : buildConstant(bodyBuilder, seed.getType(), 0.0));
    finals.push_back(seed.getType());
  }
  for (BlockArgument argument : layer.getArguments().drop_front(numCarries + numOver)) {
    Value cotangent = getCotangent(argument);
    if (!cotangent)
      continue;
    BlockArgument sum = body.add(BodyBuilder::Carries, {}, argument.getType());
    body.setOperand(sum, buildConstant(builder, argument.getType(), 0.0));
    operands.push_back(getOperand(argument.getArgNumber()));
    yielded.push_back(arith::AddFOp::create(bodyBuilder, sum, cotangent));
    finals.push_back(argument.getType());
  }
  for (BlockArgument argument : layer.getArguments().slice(numCarries, numOver)) {
    Value cotangent = getCotangent(argument);
    if (!cotangent)
      continue;
    Value operand = getOperand(argument.getArgNumber());
    for (Value addend : splitWeightGradients(cotangent)) {
      operands.push_back(operand);
      yielded.push_back(addend);
      stacked.push_back(operand.getType());
    }
  }
  if (yielded.empty())
    return success();
  YieldOp::create(bodyBuilder, yielded);
  Recomputation recomputation(layer, reverse->mapping);
  eraseDeadOps(body.getBlock());

  SmallVector<SavedValue> saved = recomputation.save(body);
  for (unsigned i = 0; i < numCarries; ++i)
    if (!reverse->carries[i].use_empty())
      saved.push_back({{i, std::nullopt}, reverse->carries[i]});
  if (!saved.empty()) {
    SmallVector<LayerValue> places = llvm::map_to_vector(saved, [](const SavedValue &value) { return value.place; });
    ScanOp forward = vjp.lookup(getResult(0)).getDefiningOp<ScanOp>();
    recomputation.extendSweeps(forward);
    forward = saveValues(forward, places);
    vjp.getMapping().map(getResults(), forward.getResults().take_front(getNumResults()));
    for (auto [value, stack] : llvm::zip_equal(saved, forward.getResults().take_back(saved.size())))
      body.setOperand(value.argument, stack);
  }
  body.dropUnused(BodyBuilder::Over);
  body.dropUnused(BodyBuilder::Whole);
  auto scan =
      ScanOp::create(builder, finals, stacked, getLayers(), !getReverse(), body.getOperands(BodyBuilder::Carries),
                     body.getOperands(BodyBuilder::Over), body.getOperands(BodyBuilder::Whole));
  body.finish(scan.getBody());
  for (auto [operand, cotangent] : llvm::zip_equal(operands, scan.getResults()))
    vjp.accumulate(operand, cotangent);
  return success();
}
