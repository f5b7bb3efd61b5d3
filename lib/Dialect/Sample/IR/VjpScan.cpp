//===- VjpScan.cpp - The derivative of a scan -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A scan in the other direction: its body runs a layer forward and then in reverse. What it
// needs of the layer's own pass, the forward scan saves; the rest is computed again from the
// layer's input.
//
//===----------------------------------------------------------------------===//

#include "VjpBodies.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Root.h"
#include "flowc/Dialect/Sample/IR/Vjp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace flowc::sample;

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

namespace {
class ScanDifferentiator {
public:
  ScanDifferentiator(ScanOp scan, VjpBuilder &vjp, ValueRange cotangents)
      : scan(scan), vjp(vjp), builder(vjp.getBuilder()), layer(*scan.getBlock()), cotangents(cotangents),
        needed(getNeededArguments(scan, vjp)), active(scan.getCarries().size()) {}

  LogicalResult run();

private:
  LogicalResult buildLayer();
  void dropConstantCarries();
  void yieldCarries();
  void yieldShared();
  void yieldOver();
  void saveForward();
  void build();

  size_t getNumCarries() { return scan.getCarries().size(); }
  /// The cotangent of an argument of the layer.
  Value getCotangent(BlockArgument argument) {
    Value cotangent = reverse->vjp.getCotangent(argument);
    return cotangent ? constantSeeds.lookupOrDefault(cotangent) : cotangent;
  }
  /// Lets the body yield the cotangent of an operand, as a result whose type is in `types`.
  void yield(Value operand, Value cotangent, SmallVectorImpl<Type> &types) {
    operands.push_back(operand);
    yielded.push_back(cotangent);
    types.push_back(operand.getType());
  }

  ScanOp scan;
  VjpBuilder &vjp;
  ImplicitLocOpBuilder &builder;
  Block &layer;
  ValueRange cotangents;
  /// Arguments of the layer that need a cotangent; carries that have one.
  llvm::BitVector needed, active;
  std::unique_ptr<ReverseLayer> reverse;
  /// What stands for the cotangents of carries that no layer changes.
  IRMapping constantSeeds;
  /// Operands whose cotangents the body yields: those that are carried, then stacked.
  SmallVector<Value> operands, yielded;
  SmallVector<Type> finals, stacked;
};
} // namespace

/// Builds the body until all carries are known that have a cotangent: a layer may give one
/// to a carry whose final value has none.
LogicalResult ScanDifferentiator::buildLayer() {
  for (size_t i = 0; i < getNumCarries(); ++i)
    active[i] = needed[i] && cotangents[i];
  for (bool changed = true; changed;) {
    changed = false;
    reverse = std::make_unique<ReverseLayer>(scan.getLoc());
    if (failed(buildReverseLayer(scan, vjp, needed, active, cotangents, *reverse)))
      return failure();
    for (size_t i = 0; i < getNumCarries(); ++i)
      if (!active[i] && reverse->vjp.getCotangent(layer.getArgument(i)))
        changed = active[i] = true;
  }
  return success();
}

/// What every layer hands through is no carry (the weight of a log-determinant).
void ScanDifferentiator::dropConstantCarries() {
  for (unsigned i : active.set_bits()) {
    BlockArgument seed = reverse->cotangents[i];
    if (reverse->vjp.getCotangent(layer.getArgument(i)) != seed)
      continue;
    Value constant = reverse->body.addShared(BodyBuilder::Whole, cotangents[i]);
    reverse->body.replace(seed, constant);
    constantSeeds.map(Value(seed), constant);
    vjp.accumulate(scan.getCarries()[i], cotangents[i]);
    active.reset(i);
  }
}

void ScanDifferentiator::yieldCarries() {
  BodyBuilder &body = reverse->body;
  for (unsigned i : active.set_bits()) {
    BlockArgument seed = reverse->cotangents[i];
    Value cotangent = getCotangent(layer.getArgument(i));
    body.setOperand(seed, cotangents[i] ? cotangents[i] : buildConstant(builder, seed.getType(), 0.0));
    yield(scan.getCarries()[i], cotangent ? cotangent : buildConstant(body.getBuilder(), seed.getType(), 0.0), finals);
  }
}

/// The cotangent of a shared operand is carried: a sum over layers.
void ScanDifferentiator::yieldShared() {
  BodyBuilder &body = reverse->body;
  for (BlockArgument argument : layer.getArguments().take_back(scan.getShared().size())) {
    Value cotangent = getCotangent(argument);
    if (!cotangent)
      continue;
    BlockArgument sum = body.add(BodyBuilder::Carries, {}, argument.getType());
    body.setOperand(sum, buildConstant(builder, argument.getType(), 0.0));
    yield(scan.getOperand(argument.getArgNumber()), arith::AddFOp::create(body.getBuilder(), sum, cotangent), finals);
  }
}

void ScanDifferentiator::yieldOver() {
  for (BlockArgument argument : layer.getArguments().slice(getNumCarries(), scan.getOver().size())) {
    Value cotangent = getCotangent(argument);
    if (!cotangent)
      continue;
    for (Value addend : splitWeightGradients(cotangent))
      yield(scan.getOperand(argument.getArgNumber()), addend, stacked);
  }
}

/// Lets the forward scan save what the body is to read of it.
void ScanDifferentiator::saveForward() {
  BodyBuilder &body = reverse->body;
  Recomputation recomputation(layer, reverse->mapping);
  eraseDeadOps(body.getBlock());
  SmallVector<SavedValue> saved = recomputation.save(body);
  for (unsigned i = 0; i < getNumCarries(); ++i)
    if (!reverse->carries[i].use_empty())
      saved.push_back({{i, std::nullopt}, reverse->carries[i]});
  if (saved.empty())
    return;
  SmallVector<LayerValue> places = llvm::map_to_vector(saved, [](const SavedValue &value) { return value.place; });
  auto forward = vjp.lookup(scan.getResult(0)).getDefiningOp<ScanOp>();
  recomputation.extendSweeps(forward);
  forward = saveValues(forward, places);
  vjp.getMapping().map(scan.getResults(), forward.getResults().take_front(scan.getNumResults()));
  for (auto [value, stack] : llvm::zip_equal(saved, forward.getResults().take_back(saved.size())))
    body.setOperand(value.argument, stack);
}

/// Emits the scan around the body.
void ScanDifferentiator::build() {
  BodyBuilder &body = reverse->body;
  body.dropUnused(BodyBuilder::Over);
  body.dropUnused(BodyBuilder::Whole);
  auto result = ScanOp::create(builder, finals, stacked, scan.getLayers(), !scan.getReverse(),
                               body.getOperands(BodyBuilder::Carries), body.getOperands(BodyBuilder::Over),
                               body.getOperands(BodyBuilder::Whole));
  body.finish(result.getBody());
  for (auto [operand, cotangent] : llvm::zip_equal(operands, result.getResults()))
    vjp.accumulate(operand, cotangent);
}

LogicalResult ScanDifferentiator::run() {
  if (failed(buildLayer()))
    return failure();
  dropConstantCarries();
  yieldCarries();
  yieldShared();
  yieldOver();
  if (yielded.empty())
    return success();
  YieldOp::create(reverse->body.getBuilder(), yielded);
  saveForward();
  build();
  return success();
}

LogicalResult ScanOp::buildVjp(VjpBuilder &vjp, ValueRange cotangents) {
  return ScanDifferentiator(*this, vjp, cotangents).run();
}
