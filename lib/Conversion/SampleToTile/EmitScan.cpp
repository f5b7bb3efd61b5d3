//===- EmitScan.cpp - Loops over layers on tiles -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

/// Emits a loop over layers. A carry has two buffers that change places every layer: the
/// body reads one and writes the other.
class TileEmitter::ScanEmitter {
public:
  ScanEmitter(TileEmitter &tile, ScanOp op) : tile(tile), op(op), body(*op.getBlock()), b(tile.b) {}

  LogicalResult emit();

private:
  void allocateBuffers();
  void bindArguments(ValueRange buffersHere);
  LogicalResult assignTargets(ValueRange buffersHere);
  LogicalResult emitLayer(ValueRange buffersHere);
  void takeFinals(ValueRange buffersThere);
  /// The buffer of carry `number`, which is now another one.
  Storage carryIn(int64_t number, Value buffer) {
    Storage carry = carries[number];
    carry.buffer = buffer;
    return carry;
  }
  /// What the layer sees of a stack.
  Storage sliceOf(const Storage &stack) {
    int64_t elements = stack.elements / int64_t(op.getLayers());
    return tile.slice(stack, tile.mul(layer, tile.index(elements)), elements);
  }
  int64_t getNumCarries() { return op.getCarries().size(); }

  TileEmitter &tile;
  ScanOp op;
  Block &body;
  ImplicitLocOpBuilder &b;
  /// Of every carry the buffer that is read, then the one that is written.
  SmallVector<Value> buffers;
  SmallVector<Storage> carries, over;
  /// Of every stacked result where it goes, or its sum over rows.
  SmallVector<std::optional<Storage>> stacked, layerSums;
  /// Where what the body yields goes; without a buffer: it is summed.
  SmallVector<Storage> targets;
  Value layer;
};

void TileEmitter::ScanEmitter::allocateBuffers() {
  for (Value operand : op.getCarries()) {
    Storage current = tile.allocate(operand.getType()), next = tile.allocate(operand.getType());
    tile.copy(tile.find(operand), current);
    buffers.append({current.buffer, next.buffer});
    carries.push_back(current);
  }
  for (Value operand : op.getOver())
    over.push_back(tile.find(operand));
  // A stacked result that is only summed over rows is summed layer by layer.
  for (Value result : op.getStacked()) {
    bool summed = tile.sums.contains(result) && hasOneUser(result);
    layerSums.push_back(summed ? std::optional<Storage>(tile.sums[result]) : std::nullopt);
    stacked.push_back(summed ? std::nullopt : std::optional<Storage>(tile.allocateResult(result)));
  }
}

void TileEmitter::ScanEmitter::bindArguments(ValueRange buffersHere) {
  for (int64_t c = 0; c < getNumCarries(); ++c)
    tile.storages[body.getArgument(c)] = carryIn(c, buffersHere[2 * c]);
  for (auto [k, stack] : llvm::enumerate(over))
    tile.storages[body.getArgument(getNumCarries() + k)] = sliceOf(stack);
  for (auto [k, operand] : llvm::enumerate(op.getShared()))
    tile.storages[body.getArgument(getNumCarries() + over.size() + k)] = tile.find(operand);
}

LogicalResult TileEmitter::ScanEmitter::assignTargets(ValueRange buffersHere) {
  ValueRange yielded = op.getYield().getOperands();
  for (int64_t c = 0; c < getNumCarries(); ++c)
    targets.push_back(carryIn(c, buffersHere[2 * c + 1]));
  for (auto [value, stack, sum] : llvm::zip_equal(yielded.drop_front(getNumCarries()), stacked, layerSums)) {
    targets.push_back(stack ? sliceOf(*stack) : Storage());
    if (sum && !tile.sums.try_emplace(value, sliceOf(*sum)).second)
      return op.emitOpError("yields one value as two sums");
  }
  for (auto [value, target] : llvm::zip_equal(yielded, targets))
    if (target.buffer && tile.canWriteTo(value, body))
      tile.destinations.try_emplace(value, target);
  return success();
}

LogicalResult TileEmitter::ScanEmitter::emitLayer(ValueRange buffersHere) {
  bindArguments(buffersHere);
  if (failed(assignTargets(buffersHere)))
    return failure();
  tile.macsFactor *= op.getLayers();
  if (failed(tile.emitBlock(body)))
    return failure();
  tile.macsFactor /= op.getLayers();
  for (auto [value, target] : llvm::zip_equal(op.getYield().getOperands(), targets))
    if (target.buffer)
      tile.copy(tile.find(value), target);
  SmallVector<Value> swapped;
  for (int64_t c = 0; c < getNumCarries(); ++c)
    swapped.append({buffersHere[2 * c + 1], buffersHere[2 * c]});
  if (!swapped.empty())
    scf::YieldOp::create(b, swapped);
  return success();
}

void TileEmitter::ScanEmitter::takeFinals(ValueRange buffersThere) {
  for (int64_t c = 0; c < getNumCarries(); ++c) {
    Value result = op.getFinals()[c];
    Storage final = carryIn(c, buffersThere[2 * c]);
    auto it = tile.destinations.find(result);
    if (it != tile.destinations.end())
      tile.copy(final, it->second);
    tile.storages[result] = it != tile.destinations.end() ? it->second : final;
  }
}

LogicalResult TileEmitter::ScanEmitter::emit() {
  Value layers = tile.index(op.getLayers());
  allocateBuffers();
  bool inParts = tile.partScans.contains(op);
  PartMemory memory = inParts ? tile.beginPart() : PartMemory();
  auto loop = inParts ? scf::ForOp::create(b, tile.firstPart, tile.lastPart, tile.index(1), buffers)
                      : scf::ForOp::create(b, tile.index(0), layers, tile.index(1), buffers);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    layer = loop.getInductionVar();
    if (op.getReverse() && !inParts)
      layer = arith::SubIOp::create(b, tile.index(op.getLayers() - 1), layer);
    if (failed(emitLayer(loop.getRegionIterArgs())))
      return failure();
  }
  if (inParts)
    tile.endPart(memory);
  takeFinals(loop.getResults());
  return success();
}

LogicalResult TileEmitter::emitScan(ScanOp op) { return ScanEmitter(*this, op).emit(); }
