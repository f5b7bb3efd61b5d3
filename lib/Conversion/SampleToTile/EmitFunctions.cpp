//===- EmitFunctions.cpp - The functions of a kernel ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What surrounds the ops of `@kernel`, `@prepare` and `@finish`: arguments as
// KernelABI.h has them, the loop over tiles, and where results go.
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

func::FuncOp TileEmitter::beginFunction(StringRef name, TypeRange arguments) {
  OpBuilder atEnd = OpBuilder::atBlockEnd(module.getBody());
  auto function = func::FuncOp::create(atEnd, source.getLoc(), name, atEnd.getFunctionType(arguments, {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

/// Elements of T that `type` takes in the prepared blob (32-bit integers are
/// stored as such).
static int64_t getPreparedSize(Type type, TileShape shape) {
  int64_t bits = getNumElements(type) * getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  return alignUp((bits + shape.element.getWidth() - 1) / shape.element.getWidth());
}

//===----------------------------------------------------------------------===//
// @kernel
//===----------------------------------------------------------------------===//

/// What the kernel reads and writes.
struct TileEmitter::KernelValues {
  Value prepared, inputs, outputs;
  /// Rows to load, and rows to store, with where they are.
  SmallVector<std::pair<BlockArgument, Storage>> rowArguments;
  SmallVector<std::pair<Value, Storage>> rowResults;
  /// The sum output (null: none), and sums that lanes add up, with their offsets
  /// in it.
  Storage sumOutput;
  SmallVector<std::pair<Value, int64_t>> laneSums;
};

/// A uniform buffer with the elements of `type`.
static tile::BufferType getUniformType(Type type) {
  return tile::BufferType::get(type.getContext(), getNumElements(type), getElementTypeOrSelf(type),
                               tile::Layout::Uniform);
}

static Storage makeUniform(Value buffer) {
  auto type = cast<tile::BufferType>(buffer.getType());
  return {Storage::Kind::Uniform, buffer, type.getElements(), type.getElement(), {}};
}

Storage TileEmitter::argument(Value arrays, int64_t i, Type type) {
  return makeUniform(tile::ArgumentOp::create(b, getUniformType(type), arrays, i));
}

Storage TileEmitter::parameter(Value memory, int64_t offset, Type type) {
  return makeUniform(tile::ParameterOp::create(b, getUniformType(type), memory, offset));
}

/// Finds the row inputs, and the parameters: consecutive in the prepared blob.
void TileEmitter::readArguments(KernelValues &kernel) {
  for (BlockArgument argument : source.getArguments()) {
    if (source.getArgAttr(argument.getArgNumber(), SampleDialect::kRowAttr)) {
      kernel.rowArguments.push_back({argument, this->argument(kernel.inputs, numInputs++, argument.getType())});
      continue;
    }
    storages[argument] = parameter(kernel.prepared, preparedElements, argument.getType());
    preparedElements += getPreparedSize(argument.getType(), shape);
  }
}

/// Finds the rows to store, and the sums with their accumulators.
void TileEmitter::assignResults(KernelValues &kernel) {
  DenseMap<Value, int64_t> offsetOfSum;
  for (auto [i, value] : llvm::enumerate(source.getBody().front().getTerminator()->getOperands())) {
    if (!source.getResultAttr(i, SampleDialect::kSumAttr)) {
      kernel.rowResults.push_back({value, argument(kernel.outputs, numOutputs++, value.getType())});
      continue;
    }
    if (sums.contains(value)) {
      // Two parameters of equal gradients share their sum.
      sumOffsets.push_back(offsetOfSum.lookup(value));
      continue;
    }
    sumOffsets.push_back(sumElements);
    offsetOfSum[value] = sumElements;
    Storage to;
    to.elements = getNumElements(value.getType());
    to.elementType = shape.element;
    if (!findOuter(value)) {
      to = place(workspace, index(workspaceElements), to.elements, to.elementType, tile::Layout::Sums);
      workspaceElements += to.elements * shape.lanes;
      kernel.laneSums.push_back({value, sumElements});
    }
    sumElements += alignUp(to.elements);
    sums[value] = to;
  }
  if (llvm::any_of(sums, [&](const auto &sum) { return bool(findOuter(sum.first)); }))
    sumElements += alignUp(outerPadding(shape));
  if (sumElements)
    kernel.sumOutput = argument(kernel.outputs, numOutputs, RankedTensorType::get({sumElements}, shape.element));
}

/// Clears accumulators, and what of the sum output no tile overwrites.
void TileEmitter::clearSums(const KernelValues &kernel) {
  if (!kernel.sumOutput.buffer)
    return;
  Storage accumulators = place(workspace, index(0), workspaceElements, shape.element, tile::Layout::Uniform);
  tile::ClearOp::create(b, accumulators.buffer);
  // Without rows all sums are zero. Otherwise the first tile writes weight
  // gradients, but not where a mask has no weights.
  Value none = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rows, index(0));
  auto branch = scf::IfOp::create(b, none, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    tile::ClearOp::create(b, kernel.sumOutput.buffer);
  }
  auto results = source.getBody().front().getTerminator()->getOperands();
  for (auto [i, value] : llvm::enumerate(llvm::make_filter_range(results, [&](Value v) { return sums.contains(v); }))) {
    OuterOp outer = findOuter(value);
    if (!outer)
      continue;
    Storage sum = slice(kernel.sumOutput, index(sumOffsets[i]), sums[value].elements);
    sums[value] = sum;
    if (outer.getMask())
      tile::ClearOp::create(b, sum.buffer);
  }
}

/// The loop over tiles: loads rows, runs the ops, stores rows.
LogicalResult TileEmitter::emitTiles(const KernelValues &kernel) {
  Value tileRows = index(shape.rowStride());
  auto loop = scf::ForOp::create(b, index(0), rows, tileRows);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  firstRow = loop.getInductionVar();
  Value left = arith::SubIOp::create(b, rows, firstRow);
  Value vectors = arith::CeilDivUIOp::create(b, left, index(shape.lanes));
  Value full = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, vectors, index(4));
  numVectors = arith::SelectOp::create(b, full, vectors, index(4));
  numRows = arith::MinUIOp::create(b, left, tileRows);
  for (auto [argument, data] : kernel.rowArguments) {
    Storage lanes = allocate(argument.getType());
    storages[argument] = lanes;
    tile::LoadRowsOp::create(b, data.buffer, lanes.buffer, firstRow, rows, numVectors);
  }
  if (failed(emitBlock(source.getBody().front())))
    return failure();
  for (auto [value, data] : kernel.rowResults) {
    Storage lanes = materialize(find(value), value.getType());
    tile::StoreRowsOp::create(b, data.buffer, lanes.buffer, firstRow, rows, numVectors);
  }
  return success();
}

/// Adds up the lanes of accumulators.
void TileEmitter::reduceSums(const KernelValues &kernel) {
  for (auto [value, offset] : kernel.laneSums) {
    Storage from = sums.lookup(value);
    Storage to = slice(kernel.sumOutput, index(offset), from.elements);
    forEach(index(from.elements), [&](Value i) {
      Value lanes = tile::LoadOp::create(b, shape.vectorType(), from.buffer, i);
      store(to, i, nullptr, reduceLanes(b, lanes));
    });
  }
}

LogicalResult TileEmitter::emitKernel() {
  Type memory = tile::MemoryType::get(module.getContext()), i64 = b.getI64Type();
  func::FuncOp function = beginFunction("kernel.tile", {memory, memory, memory, memory, i64, i64, i64});
  KernelValues kernel{function.getArgument(0), function.getArgument(1), function.getArgument(2), {}, {}, {}, {}};
  workspace = function.getArgument(3);
  rows = arith::IndexCastOp::create(b, b.getIndexType(), function.getArgument(4));
  firstSample = function.getArgument(5);
  seed = function.getArgument(6);
  readArguments(kernel);
  assignResults(kernel);
  clearSums(kernel);
  workspaceElements = alignUp(workspaceElements);
  if (workspaceElements > 0)
    function->setAttr(tile::TileDialect::kReservedAttr, b.getI64IntegerAttr(workspaceElements));
  if (failed(emitTiles(kernel)))
    return failure();
  reduceSums(kernel);
  func::ReturnOp::create(b);
  return success();
}

//===----------------------------------------------------------------------===//
// @prepare and @finish
//===----------------------------------------------------------------------===//

LogicalResult TileEmitter::emitPrepare() {
  Type memory = tile::MemoryType::get(module.getContext());
  func::FuncOp function = beginInParts("prepare", {memory, memory});
  Value prepared = function.getArgument(1);
  for (BlockArgument argument : source.getArguments()) {
    storages[argument] = this->argument(function.getArgument(0), argument.getArgNumber(), argument.getType());
  }
  // Results lie one after the other, then comes scratch space.
  Block &block = source.getBody().front();
  SmallVector<Storage> results;
  for (Value value : block.getTerminator()->getOperands()) {
    results.push_back(parameter(prepared, preparedElements, value.getType()));
    preparedElements += getPreparedSize(value.getType(), shape);
    if (canWriteTo(value, block))
      destinations.try_emplace(value, results.back());
  }
  workspace = tile::ShiftOp::create(b, prepared.getType(), prepared, index(preparedElements), shape.element);
  if (failed(emitInParts(block, results, /*factor=*/nullptr)))
    return failure();
  func::ReturnOp::create(b);
  preparedElements += workspaceElements;
  return success();
}

LogicalResult TileEmitter::emitFinish(ArrayRef<int64_t> kernelSumOffsets) {
  Type memory = tile::MemoryType::get(module.getContext());
  func::FuncOp function = beginInParts("finish", {memory, memory, memory, b.getF64Type(), memory});
  workspace = function.getArgument(4);
  auto uniformAt = [&](Value array, int64_t offset, Type type) {
    return place(array, index(offset), getNumElements(type), getElementTypeOrSelf(type), tile::Layout::Uniform);
  };
  size_t cotangent = 1; // The first sum is the loss.
  for (BlockArgument argument : source.getArguments()) {
    if (source.getArgAttr(argument.getArgNumber(), SampleDialect::kCotangentAttr))
      storages[argument] = uniformAt(function.getArgument(1), kernelSumOffsets[cotangent++], argument.getType());
    else
      storages[argument] = this->argument(function.getArgument(0), argument.getArgNumber(), argument.getType());
  }
  Block &block = source.getBody().front();
  SmallVector<Storage> results;
  for (Value value : block.getTerminator()->getOperands()) {
    results.push_back(uniformAt(function.getArgument(2), gradientElements, value.getType()));
    gradientElements += results.back().elements;
    if (canWriteTo(value, block))
      destinations.try_emplace(value, results.back());
  }
  Value scale = function.getArgument(3);
  if (shape.element.getWidth() < 64)
    scale = arith::TruncFOp::create(b, shape.element, scale);
  if (failed(emitInParts(block, results, scale)))
    return failure();
  func::ReturnOp::create(b);
  return success();
}
