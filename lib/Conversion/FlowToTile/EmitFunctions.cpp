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
  SmallVector<std::pair<BlockArgument, Value>> rowArguments;
  SmallVector<std::pair<Value, Value>> rowResults;
  /// The sum output (null: none), and sums that lanes add up, with their offsets
  /// in it.
  Value sumOutput;
  SmallVector<std::pair<Value, int64_t>> laneSums;
};

Value TileEmitter::loadPointer(Value array, int64_t i) {
  Type ptr = array.getType();
  Value where = LLVM::GEPOp::create(b, ptr, ptr, array, ArrayRef<LLVM::GEPArg>{int32_t(i)});
  return LLVM::LoadOp::create(b, ptr, where);
}

/// Finds the row inputs, and the parameters: consecutive in the prepared blob.
void TileEmitter::readArguments(KernelValues &kernel) {
  for (BlockArgument argument : source.getArguments()) {
    if (source.getArgAttr(argument.getArgNumber(), SampleDialect::kRowAttr)) {
      kernel.rowArguments.push_back({argument, loadPointer(kernel.inputs, numInputs++)});
      continue;
    }
    Storage storage;
    storage.base = LLVM::GEPOp::create(b, kernel.prepared.getType(), shape.element, kernel.prepared,
                                       ArrayRef<LLVM::GEPArg>{int32_t(preparedElements)});
    storage.elements = getNumElements(argument.getType());
    storage.elementType = getElementTypeOrSelf(argument.getType());
    storages[argument] = storage;
    preparedElements += getPreparedSize(argument.getType(), shape);
  }
}

/// Finds the rows to store, and the sums with their accumulators.
void TileEmitter::assignResults(KernelValues &kernel) {
  DenseMap<Value, int64_t> offsetOfSum;
  for (auto [i, value] : llvm::enumerate(source.getBody().front().getTerminator()->getOperands())) {
    if (!source.getResultAttr(i, SampleDialect::kSumAttr)) {
      kernel.rowResults.push_back({value, loadPointer(kernel.outputs, numOutputs++)});
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
      to.base = workspace;
      to.offset = index(workspaceElements);
      workspaceElements += to.elements * shape.lanes;
      kernel.laneSums.push_back({value, sumElements});
    }
    sumElements += alignUp(to.elements);
    sums[value] = to;
  }
  if (llvm::any_of(sums, [&](const auto &sum) { return bool(findOuter(sum.first)); }))
    sumElements += alignUp(outerPadding(shape));
  if (sumElements)
    kernel.sumOutput = loadPointer(kernel.outputs, numOutputs);
}

/// Clears accumulators, and what of the sum output no tile overwrites.
void TileEmitter::clearSums(const KernelValues &kernel) {
  if (!kernel.sumOutput)
    return;
  auto clear = [&](Value where, int64_t elements) {
    Value size = arith::ConstantOp::create(b, b.getI64IntegerAttr(elements * shape.element.getWidth() / 8));
    Value zero = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
    LLVM::MemsetOp::create(b, where, zero, size, /*isVolatile=*/false);
  };
  clear(workspace, workspaceElements);
  // Without rows all sums are zero. Otherwise the first tile writes weight
  // gradients, but not where a mask has no weights.
  Value none = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rows, index(0));
  auto branch = scf::IfOp::create(b, none, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    clear(kernel.sumOutput, sumElements);
  }
  auto results = source.getBody().front().getTerminator()->getOperands();
  for (auto [i, value] : llvm::enumerate(llvm::make_filter_range(results, [&](Value v) { return sums.contains(v); }))) {
    OuterOp outer = findOuter(value);
    if (!outer)
      continue;
    Storage &sum = sums[value];
    sum.base = kernel.sumOutput;
    sum.offset = index(sumOffsets[i]);
    if (outer.getMask())
      clear(pointer(sum), sum.elements);
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
    Storage tile = allocate(argument.getType());
    storages[argument] = tile;
    Value columns = index(tile.elements);
    func::CallOp::create(b, getOrCreateLoadRows(module, shape),
                         ValueRange{data, pointer(tile), columns, columns, firstRow, rows, numVectors});
  }
  if (failed(emitBlock(source.getBody().front())))
    return failure();
  for (auto [value, data] : kernel.rowResults) {
    Storage tile = materialize(find(value), value.getType());
    Value columns = index(tile.elements);
    func::CallOp::create(b, getOrCreateStoreRows(module, shape),
                         ValueRange{data, pointer(tile), columns, columns, firstRow, rows, numVectors});
  }
  return success();
}

/// Adds up the lanes of accumulators.
void TileEmitter::reduceSums(const KernelValues &kernel) {
  for (auto [value, offset] : kernel.laneSums) {
    Storage from = sums.lookup(value);
    Storage to;
    to.base = kernel.sumOutput;
    to.offset = index(offset);
    to.elementType = shape.element;
    forEach(index(from.elements), [&](Value i) {
      Storage element = from;
      element.offset = add(from.offset, mul(i, index(shape.lanes)));
      Value lanes = LLVM::LoadOp::create(b, shape.vectorType(), pointer(element));
      store(to, i, nullptr, reduceLanes(b, lanes));
    });
  }
}

LogicalResult TileEmitter::emitKernel() {
  Type ptr = LLVM::LLVMPointerType::get(module.getContext()), i64 = b.getI64Type();
  func::FuncOp function = beginFunction("kernel.tile", {ptr, ptr, ptr, ptr, i64, i64, i64});
  KernelValues kernel{function.getArgument(0), function.getArgument(1), function.getArgument(2), {}, {}, {}, {}};
  workspace = function.getArgument(3);
  rows = arith::IndexCastOp::create(b, b.getIndexType(), function.getArgument(4));
  firstSample = function.getArgument(5);
  seed = function.getArgument(6);
  readArguments(kernel);
  assignResults(kernel);
  clearSums(kernel);
  workspaceElements = alignUp(workspaceElements);
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
  Type ptr = LLVM::LLVMPointerType::get(module.getContext());
  func::FuncOp function = beginInParts("prepare", {ptr, ptr});
  Value prepared = function.getArgument(1);
  for (BlockArgument argument : source.getArguments()) {
    storages[argument] = {Storage::Kind::Uniform,
                          loadPointer(function.getArgument(0), argument.getArgNumber()),
                          Value(),
                          getNumElements(argument.getType()),
                          getElementTypeOrSelf(argument.getType()),
                          {}};
  }
  // Results lie one after the other, then comes scratch space.
  Block &block = source.getBody().front();
  SmallVector<Storage> results;
  for (Value value : block.getTerminator()->getOperands()) {
    Value where =
        LLVM::GEPOp::create(b, ptr, shape.element, prepared, ArrayRef<LLVM::GEPArg>{int32_t(preparedElements)});
    results.push_back({Storage::Kind::Uniform,
                       where,
                       Value(),
                       getNumElements(value.getType()),
                       getElementTypeOrSelf(value.getType()),
                       {}});
    preparedElements += getPreparedSize(value.getType(), shape);
    if (canWriteTo(value, block))
      destinations.try_emplace(value, results.back());
  }
  workspace = LLVM::GEPOp::create(b, ptr, shape.element, prepared, ArrayRef<LLVM::GEPArg>{int32_t(preparedElements)});
  if (failed(emitInParts(block, results, /*factor=*/nullptr)))
    return failure();
  func::ReturnOp::create(b);
  preparedElements += workspaceElements;
  return success();
}

LogicalResult TileEmitter::emitFinish(ArrayRef<int64_t> kernelSumOffsets) {
  Type ptr = LLVM::LLVMPointerType::get(module.getContext());
  func::FuncOp function = beginInParts("finish", {ptr, ptr, ptr, b.getF64Type(), ptr});
  workspace = function.getArgument(4);
  size_t cotangent = 1; // The first sum is the loss.
  for (BlockArgument argument : source.getArguments()) {
    Storage storage{Storage::Kind::Uniform,
                    Value(),
                    Value(),
                    getNumElements(argument.getType()),
                    getElementTypeOrSelf(argument.getType()),
                    {}};
    if (source.getArgAttr(argument.getArgNumber(), "flow.cotangent")) {
      storage.base = function.getArgument(1);
      storage.offset = index(kernelSumOffsets[cotangent++]);
    } else {
      storage.base = loadPointer(function.getArgument(0), argument.getArgNumber());
    }
    storages[argument] = storage;
  }
  Block &block = source.getBody().front();
  Storage gradient{Storage::Kind::Uniform, function.getArgument(2), Value(), 0, shape.element, {}};
  SmallVector<Storage> results;
  for (Value value : block.getTerminator()->getOperands()) {
    results.push_back(slice(gradient, index(gradientElements), getNumElements(value.getType())));
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
