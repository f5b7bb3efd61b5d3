//===- EmitSweep.cpp - Sweeps on tiles ------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop over steps; in it, per stage, the blocks of units that become ready at
// the step (a range of a constant table) and the stage's body. Every unit is
// computed once, when its last input is known.
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

namespace {
/// A stage of a sweep on tiles.
struct Stage {
  Stage(Block &body, bool isLast) : body(body), isLast(isLast) {}

  Block &body;
  bool isLast;
  /// The body is applied by the dense micro-kernel.
  bool isPlain = false;
  TileEmitter::Activation activation;
  Storage operand;
  /// Where raw sums go, and where the body reads them and writes units.
  Storage raw, sums, units;
  /// Tables: blocks of the panel; per step the first block, how many of the blocks are ahead (null: none
  /// of any step), the first row.
  Value blocks, blockEnds, ahead, rowEnds;
  SmallVector<Storage> indexed, extras;

  /// Makes the body an activation, if it is a function of the sum alone, or a short one of the sum
  /// and one operand of its unit.
  void findActivation();
};
} // namespace

void Stage::findActivation() {
  if (isLast || body.getTerminator()->getNumOperands() != 1)
    return;
  BlockArgument used;
  for (BlockArgument argument : llvm::drop_begin(body.getArguments())) {
    if (argument.use_empty())
      continue;
    unsigned number = argument.getArgNumber() - 1;
    bool isOperand = number < indexed.size() && indexed[number].kind == Storage::Kind::Tile &&
                     isa<FloatType>(argument.getType()) && isa<FloatType>(body.getArgument(0).getType());
    if (used || !isOperand || !isShortBody(body))
      return;
    used = argument;
    operand = indexed[number];
  }
  isPlain = true;
  activation = {&body, 0, used ? std::optional<int64_t>(used.getArgNumber()) : std::nullopt};
}

/// Emits one sweep.
class TileEmitter::SweepEmitter {
public:
  SweepEmitter(TileEmitter &tile, PanelSweepOp op) : tile(tile), op(op), b(tile.b) {}

  LogicalResult emit();

private:
  void allocateBuffers();
  void addStages();
  void emitStage(size_t number, Value step, Value next);
  void emitUnit(const Stage &stage, Value i, Value j);

  TileEmitter &tile;
  PanelSweepOp op;
  ImplicitLocOpBuilder &b;
  /// What stage 0 reads: the prefix, then the state, in one buffer.
  Storage input, state;
  SmallVector<Storage> shared, units, sumStorages;
  SmallVector<Stage, 0> stages;
  LogicalResult status = success();
};

void TileEmitter::SweepEmitter::allocateBuffers() {
  int64_t prefixSize = op.getPrefix() ? getNumElements(op.getPrefix().getType()) : 0;
  int64_t stateSize = getNumElements(op.getState().getType());
  input = tile.allocate(RankedTensorType::get({prefixSize + stateSize}, tile.shape.element));
  if (op.getPrefix())
    tile.copy(tile.find(op.getPrefix()), tile.slice(input, tile.index(0), prefixSize));
  state = tile.slice(input, tile.index(prefixSize), stateSize);
  tile.storages[op.getState()] = state;
  for (Value operand : op.getShared())
    shared.push_back(tile.find(operand));
  for (Value result : op.getUnits())
    units.push_back(tile.allocateResult(result));
  for (auto [operand, result] : llvm::zip_equal(op.getInit(), op.getSums())) {
    sumStorages.push_back(tile.allocateResult(result));
    tile.copy(tile.find(operand), sumStorages.back());
  }
}

void TileEmitter::SweepEmitter::addStages() {
  auto extras = op.getExtras().begin();
  for (auto [t, region] : llvm::enumerate(op.getStages())) {
    bool isLast = t + 1 == op.getStages().size();
    Stage &stage = stages.emplace_back(region.front(), isLast);
    ArrayRef<int64_t> rowEnds = cast<DenseI64ArrayAttr>(op.getRowEnds()[t]).asArrayRef();
    stage.units = isLast ? state : units[t];
    for (auto [operand, number] : llvm::zip_equal(op.getIndexed(), op.getIndexedStage()))
      if (number == int64_t(t))
        stage.indexed.push_back(tile.find(operand));
    stage.findActivation();
    stage.raw =
        stage.isPlain ? stage.units : tile.allocate(RankedTensorType::get({rowEnds.back()}, tile.shape.element));
    // Steps of the last stage count from its first unit that is computed.
    stage.sums =
        isLast ? tile.slice(stage.raw, tile.index(rowEnds.front()), rowEnds.back() - rowEnds.front()) : stage.raw;
    stage.blocks = tile.panelTable(cast<DenseI32ArrayAttr>(op.getBlocks()[t]).asArrayRef());
    stage.blockEnds = tile.table(cast<DenseI32ArrayAttr>(op.getBlockEnds()[t]).asArrayRef());
    if (auto ahead = cast<DenseI32ArrayAttr>(op.getAhead()[t]); !ahead.empty())
      stage.ahead = tile.table(ahead.asArrayRef());
    stage.rowEnds = tile.table(SmallVector<int32_t>(rowEnds));
    size_t yielded = stage.body.getTerminator()->getNumOperands() - 1 - (isLast ? op.getSums().size() : 0);
    for (size_t k = 0; k < yielded; ++k)
      stage.extras.push_back(tile.allocateResult(*extras++));
  }
}

/// One unit (or step) of one stage on one vector of lanes.
void TileEmitter::SweepEmitter::emitUnit(const Stage &stage, Value i, Value j) {
  Block &body = stage.body;
  BodyMap values;
  values[body.getArgument(0)] = tile.loadBodyValue(stage.sums, body.getArgument(0).getType(), i, j);
  for (auto [k, storage] : llvm::enumerate(stage.indexed)) {
    BlockArgument argument = body.getArgument(1 + k);
    values[argument] = tile.loadBodyValue(storage, argument.getType(), i, j);
  }
  for (auto [k, storage] : llvm::enumerate(shared)) {
    BlockArgument argument = body.getArgument(1 + stage.indexed.size() + k);
    if (!argument.use_empty())
      values[argument] = tile.loadBodyValue(storage, argument.getType(), nullptr, j);
  }
  BodyEmitter emitter(b, tile.bodyLanes());
  if (failed(emitter.emit(body, values))) {
    status = failure();
    return;
  }
  SmallVector<BodyValue> yielded = emitter.getYielded(body, values);
  tile.storeBodyValue(stage.units, yielded[0], i, j);
  for (auto [k, storage] : llvm::enumerate(stage.extras))
    tile.storeBodyValue(storage, yielded[1 + k], i, j);
  if (!stage.isLast)
    return;
  for (auto [k, storage] : llvm::enumerate(sumStorages)) {
    size_t at = 1 + stage.extras.size() + k;
    BodyValue sum = tile.loadBodyValue(storage, body.getTerminator()->getOperand(at).getType(), nullptr, j);
    for (auto [value, summand] : llvm::zip_equal(sum, yielded[at]))
      value = arith::AddFOp::create(b, value, summand);
    tile.storeBodyValue(storage, sum, nullptr, j);
  }
}

/// What stage `number` does at `step`, which `next` follows.
void TileEmitter::SweepEmitter::emitStage(size_t number, Value step, Value next) {
  const Stage &stage = stages[number];
  const Storage &from = number == 0 ? input : units[number - 1];
  Value panel = tile.pin(tile.find(op.getPanels()[number]));
  Value firstBlock = tile.loadIndex(stage.blockEnds, step), lastBlock = tile.loadIndex(stage.blockEnds, next);
  TileEmitter::DenseCall call{panel,     panel,      stage.blocks, from,
                              stage.raw, firstBlock, lastBlock,    tile::UnusedLanes::Computed};
  if (stage.ahead) {
    call.lastBlock = tile.add(firstBlock, tile.loadIndex(stage.ahead, step));
    tile.callDense(/*activation=*/{}, call);
    call.firstBlock = call.lastBlock;
    call.lastBlock = lastBlock;
    call.accumulate = true;
  }
  call.operand = stage.operand;
  tile.callDense(stage.activation, call);
  if (stage.isPlain)
    return;
  if (stage.isLast)
    return tile.forEachVector([&](Value j) { emitUnit(stage, step, j); });
  Value firstRow = tile.loadIndex(stage.rowEnds, step), lastRow = tile.loadIndex(stage.rowEnds, next);
  auto loop = scf::ForOp::create(b, firstRow, lastRow, tile.index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  tile.forEachVector([&](Value j) { emitUnit(stage, loop.getInductionVar(), j); });
}

LogicalResult TileEmitter::SweepEmitter::emit() {
  allocateBuffers();
  addStages();
  int64_t extent = op.getExtent();
  tile.forEach(tile.index(extent), [&](Value s) {
    Value step = op.getReverse() ? arith::SubIOp::create(b, tile.index(extent - 1), s).getResult() : s;
    Value next = tile.add(step, tile.index(1));
    for (size_t number = 0; number < stages.size(); ++number)
      emitStage(number, step, next);
  });
  auto it = tile.destinations.find(op.getState());
  if (it != tile.destinations.end()) {
    tile.copy(state, it->second);
    tile.storages[op.getState()] = it->second;
  }
  tile.macs += op.getMacs() * tile.macsFactor;
  return status;
}

LogicalResult TileEmitter::emitSweep(PanelSweepOp op) {
  if (uniform)
    return op.emitOpError("a sweep over parameters only is not supported");
  return SweepEmitter(*this, op).emit();
}
