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
using namespace flowc::flow;

/// Whether a hidden stage's body is a plain activation of its sum.
static bool isActivation(Block &body) {
  if (body.getTerminator()->getNumOperands() != 1)
    return false;
  return llvm::all_of(llvm::drop_begin(body.getArguments()), [](Value v) { return v.use_empty(); });
}

LogicalResult TileEmitter::emitSweep(PanelSweepOp op) {
  if (uniform)
    return op.emitOpError("a sweep over parameters only is not supported");
  int64_t extent = op.getExtent(), numStages = op.getPanels().size();
  int64_t prefixSize = op.getPrefix() ? getNumElements(op.getPrefix().getType()) : 0;
  int64_t stateSize = getNumElements(op.getState().getType());

  // The input of stage 0: the prefix, then the state, in one buffer.
  Storage input = allocate(RankedTensorType::get({prefixSize + stateSize}, shape.element));
  if (op.getPrefix())
    copy(find(op.getPrefix()), slice(input, index(0), prefixSize));
  Storage state = slice(input, index(prefixSize), stateSize);
  storages[op.getState()] = state;

  SmallVector<Storage> shared, units, sumStorages;
  for (Value operand : op.getShared())
    shared.push_back(find(operand));
  for (Value result : op.getUnits())
    units.push_back(allocateResult(result));
  for (auto [operand, result] : llvm::zip_equal(op.getInit(), op.getSums())) {
    sumStorages.push_back(allocateResult(result));
    copy(find(operand), sumStorages.back());
  }

  // Per stage: where its raw sums go and where its body reads them, its tables,
  // its indexed operands, extras.
  struct Stage {
    Storage raw, sums;
    Value blocks, blockEnds, rowEnds;
    SmallVector<Storage> indexed, extras;
    bool activation = false;
  };
  SmallVector<Stage> stages(numStages);
  auto extras = op.getExtras().begin();
  for (int64_t t = 0; t < numStages; ++t) {
    Stage &stage = stages[t];
    Block &body = op.getStages()[t].front();
    bool last = t == numStages - 1;
    stage.activation = !last && isActivation(body);
    ArrayRef<int64_t> rowEnds = cast<DenseI64ArrayAttr>(op.getRowEnds()[t]).asArrayRef();
    stage.raw = stage.activation ? units[t] : allocate(RankedTensorType::get({rowEnds.back()}, shape.element));
    // Steps of the last stage count from its first unit that is computed.
    stage.sums = last ? slice(stage.raw, index(rowEnds.front()), rowEnds.back() - rowEnds.front()) : stage.raw;
    stage.blocks = panelTable(cast<DenseI32ArrayAttr>(op.getBlocks()[t]).asArrayRef());
    stage.blockEnds = table(cast<DenseI32ArrayAttr>(op.getBlockEnds()[t]).asArrayRef());
    stage.rowEnds = table(SmallVector<int32_t>(rowEnds));
    for (auto [operand, number] : llvm::zip_equal(op.getIndexed(), op.getIndexedStage()))
      if (number == t)
        stage.indexed.push_back(find(operand));
    size_t yielded = body.getTerminator()->getNumOperands() - 1 - (last ? op.getSums().size() : 0);
    for (size_t k = 0; k < yielded; ++k)
      stage.extras.push_back(allocateResult(*extras++));
  }

  // One unit (or step) of one stage on one vector of lanes.
  LogicalResult status = success();
  auto emitUnit = [&](int64_t t, Value i, Value j) {
    Stage &stage = stages[t];
    Block &body = op.getStages()[t].front();
    bool last = t == numStages - 1;
    BodyMap values;
    values[body.getArgument(0)] = loadBodyValue(stage.sums, body.getArgument(0).getType(), i, j);
    for (auto [k, storage] : llvm::enumerate(stage.indexed)) {
      BlockArgument argument = body.getArgument(1 + k);
      values[argument] = loadBodyValue(storage, argument.getType(), i, j);
    }
    for (auto [k, storage] : llvm::enumerate(shared)) {
      BlockArgument argument = body.getArgument(1 + stage.indexed.size() + k);
      if (!argument.use_empty())
        values[argument] = loadBodyValue(storage, argument.getType(), nullptr, j);
    }
    BodyEmitter emitter(b, bodyLanes());
    if (failed(emitter.emit(body, values))) {
      status = failure();
      return;
    }
    SmallVector<BodyValue> yielded = emitter.getYielded(body, values);
    storeBodyValue(last ? state : units[t], yielded[0], i, j);
    for (auto [k, storage] : llvm::enumerate(stage.extras))
      storeBodyValue(storage, yielded[1 + k], i, j);
    if (!last)
      return;
    for (auto [k, storage] : llvm::enumerate(sumStorages)) {
      BodyValue sum =
          loadBodyValue(storage, body.getTerminator()->getOperand(1 + stage.extras.size() + k).getType(), nullptr, j);
      for (auto [value, summand] : llvm::zip_equal(sum, yielded[1 + stage.extras.size() + k]))
        value = arith::AddFOp::create(b, value, summand);
      storeBodyValue(storage, sum, nullptr, j);
    }
  };

  forEach(index(extent), [&](Value s) {
    Value step = op.getReverse() ? arith::SubIOp::create(b, index(extent - 1), s).getResult() : s;
    Value next = add(step, index(1));
    for (int64_t t = 0; t < numStages; ++t) {
      Stage &stage = stages[t];
      Region none;
      Region &activation = stage.activation ? op.getStages()[t] : none;
      const Storage &from = t == 0 ? input : units[t - 1];
      Value panel = pointer(find(op.getPanels()[t]));
      callDense(activation, {panel, panel, stage.blocks, from, stage.raw, loadIndex(stage.blockEnds, step),
                             loadIndex(stage.blockEnds, next)});
      if (stage.activation)
        continue;
      if (t == numStages - 1) {
        forEachVector([&](Value j) { emitUnit(t, step, j); });
        continue;
      }
      auto loop = scf::ForOp::create(b, loadIndex(stage.rowEnds, step), loadIndex(stage.rowEnds, next), index(1));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      forEachVector([&](Value j) { emitUnit(t, loop.getInductionVar(), j); });
    }
  });
  auto it = destinations.find(op.getState());
  if (it != destinations.end()) {
    copy(state, it->second);
    storages[op.getState()] = it->second;
  }
  macs += op.getMacs() * macsFactor;
  return status;
}
