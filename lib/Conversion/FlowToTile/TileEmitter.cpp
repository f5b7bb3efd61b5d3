//===- TileEmitter.cpp - Functions and storage of the tile program --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"
#include "flowc/Dialect/Flow/IR/FlowBlock.h"
#include "flowc/Dialect/Flow/IR/FlowDistributions.h"
#include "flowc/Dialect/Flow/IR/FlowParameterOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;

static Type getElementType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getElementType() : type;
}

TileEmitter::TileEmitter(ModuleOp module, const TileShape &shape, func::FuncOp source, bool uniform)
    : module(module), shape(shape), source(source), uniform(uniform), b(source.getLoc(), module.getContext()) {}

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

Value TileEmitter::index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }

Value TileEmitter::add(Value x, Value y) {
  if (!x)
    return y;
  return y ? arith::AddIOp::create(b, x, y).getResult() : x;
}

Value TileEmitter::mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }

Storage TileEmitter::allocate(Type type) {
  Storage storage;
  storage.kind = uniform ? Storage::Kind::Uniform : Storage::Kind::Tile;
  storage.base = workspace;
  storage.offset = index(workspaceElements);
  storage.elements = getNumElements(type);
  storage.elementType = getElementType(type);
  workspaceElements += alignUp(storage.elements * (uniform ? 1 : shape.rowStride()));
  return storage;
}

Storage TileEmitter::allocateResult(Value value) {
  auto it = destinations.find(value);
  Storage storage = it != destinations.end() ? it->second : allocate(value.getType());
  storages[value] = storage;
  return storage;
}

Storage TileEmitter::find(Value value) {
  auto it = storages.find(value);
  if (it != storages.end())
    return it->second;
  // Constants have no storage of their own.
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  Storage storage;
  storage.elementType = getElementType(value.getType());
  storage.elements = getNumElements(value.getType());
  if (auto splat = constant ? dyn_cast<SplatElementsAttr>(constant.getValue()) : SplatElementsAttr()) {
    storage.kind = Storage::Kind::Constant;
    storage.constant = splat.getSplatValue<Attribute>();
  } else if (auto dense = constant ? dyn_cast<DenseFPElementsAttr>(constant.getValue()) : DenseFPElementsAttr()) {
    // An array that is not a splat: a global.
    std::string name = "constants_" + std::to_string(module.getBody()->getOperations().size());
    OpBuilder globals(module.getBodyRegion());
    globals.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMArrayType::get(storage.elementType, storage.elements);
    auto flat = dense.reshape(RankedTensorType::get({storage.elements}, storage.elementType));
    auto global = LLVM::GlobalOp::create(globals, b.getLoc(), type, /*isConstant=*/true, LLVM::Linkage::Internal, name,
                                         flat, /*alignment=*/64);
    storage.kind = Storage::Kind::Uniform;
    storage.base = LLVM::AddressOfOp::create(b, global);
  } else if (constant) {
    storage.kind = Storage::Kind::Constant;
    storage.constant = constant.getValue();
  }
  return storage;
}

Storage TileEmitter::slice(const Storage &storage, Value firstElement, int64_t elements) {
  Storage result = storage;
  result.elements = elements;
  if (storage.kind == Storage::Kind::Constant)
    return result;
  Value offset = storage.kind == Storage::Kind::Tile ? mul(firstElement, index(shape.rowStride())) : firstElement;
  result.offset = add(storage.offset, offset);
  return result;
}

Value TileEmitter::pointer(const Storage &storage) { return address(storage, nullptr, nullptr); }

Value TileEmitter::address(const Storage &storage, Value element, Value vector) {
  Value offset = storage.offset;
  if (storage.kind == Storage::Kind::Tile) {
    if (element)
      offset = add(offset, mul(element, index(shape.rowStride())));
    if (vector)
      offset = add(offset, mul(vector, index(shape.lanes)));
  } else if (element) {
    offset = add(offset, element);
  }
  if (!offset)
    return storage.base;
  Value offset64 = arith::IndexCastOp::create(b, b.getI64Type(), offset);
  return LLVM::GEPOp::create(b, storage.base.getType(), storage.elementType, storage.base, ValueRange{offset64});
}

Value TileEmitter::load(const Storage &storage, Value element, Value vector) {
  Type element0 = storage.elementType;
  Type lanesType = uniform ? element0 : Type(VectorType::get({shape.lanes}, element0));
  if (storage.kind == Storage::Kind::Constant) {
    if (uniform)
      return arith::ConstantOp::create(b, cast<TypedAttr>(storage.constant));
    return arith::ConstantOp::create(b, DenseElementsAttr::get(cast<VectorType>(lanesType), storage.constant));
  }
  Value where = address(storage, element, vector);
  if (storage.kind == Storage::Kind::Tile)
    return LLVM::LoadOp::create(b, lanesType, where, shape.lanes * element0.getIntOrFloatBitWidth() / 8);
  Value scalar = LLVM::LoadOp::create(b, element0, where);
  return uniform ? scalar : vector::BroadcastOp::create(b, lanesType, scalar).getResult();
}

void TileEmitter::store(const Storage &storage, Value element, Value vector, Value value) {
  Value where = address(storage, element, vector);
  if (storage.kind == Storage::Kind::Tile)
    LLVM::StoreOp::create(b, value, where, shape.lanes * storage.elementType.getIntOrFloatBitWidth() / 8);
  else
    LLVM::StoreOp::create(b, value, where);
}

void TileEmitter::forEach(Value count, llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, index(0), count, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void TileEmitter::forEachVector(llvm::function_ref<void(Value)> body) {
  if (uniform)
    body(nullptr);
  else
    forEach(numVectors, body);
}

void TileEmitter::copy(const Storage &from, const Storage &to) {
  if (from.base == to.base && from.offset == to.offset && from.kind == to.kind)
    return;
  if (from.kind == Storage::Kind::Uniform && to.kind == Storage::Kind::Uniform) {
    int64_t bytes = from.elements * from.elementType.getIntOrFloatBitWidth() / 8;
    Value size = arith::ConstantOp::create(b, b.getI64IntegerAttr(bytes));
    LLVM::MemcpyOp::create(b, pointer(to), pointer(from), size, /*isVolatile=*/false);
    return;
  }
  forEach(index(from.elements), [&](Value i) { forEachVector([&](Value j) { store(to, i, j, load(from, i, j)); }); });
}

BodyValue TileEmitter::loadBodyValue(const Storage &storage, Type bodyType, Value i, Value vector) {
  int64_t group = getNumElements(bodyType);
  BodyValue value;
  Value first = i && group > 1 ? mul(i, index(group)) : i;
  for (int64_t k = 0; k < group; ++k)
    value.push_back(load(storage, k == 0 ? first : add(first, index(k)), vector));
  return value;
}

SmallVector<Value> TileEmitter::loadTable(const Storage &storage, BlockArgument argument, Value i) {
  constexpr int64_t registerBits = 512, maxRegisters = 2; // AVX-512 permutes those
  int64_t elements = getNumElements(argument.getType());
  bool isLookedUp = llvm::any_of(argument.getUsers(), [](Operation *user) { return isa<TakeOp>(user); });
  if (storage.kind != Storage::Kind::Uniform || uniform || !isLookedUp ||
      shape.lanes * shape.element.getWidth() != registerBits || elements > maxRegisters * shape.lanes)
    return {};
  SmallVector<Value> registers;
  Value first = i ? mul(i, index(elements)) : index(0);
  Value zero = arith::ConstantOp::create(b, cast<TypedAttr>(b.getZeroAttr(shape.vectorType())));
  for (int64_t at = 0; at < elements; at += shape.lanes) {
    SmallVector<bool> exists;
    for (int64_t lane = 0; lane < shape.lanes; ++lane)
      exists.push_back(at + lane < elements);
    auto maskType = VectorType::get({shape.lanes}, b.getI1Type());
    Value mask = arith::ConstantOp::create(b, DenseElementsAttr::get(maskType, exists));
    registers.push_back(LLVM::MaskedLoadOp::create(b, shape.vectorType(),
                                                   address(storage, add(first, index(at)), nullptr), mask, zero,
                                                   shape.element.getWidth() / 8));
  }
  return registers;
}

void TileEmitter::storeBodyValue(const Storage &storage, const BodyValue &value, Value i, Value vector) {
  Value first = i && value.size() > 1 ? mul(i, index(value.size())) : i;
  for (auto [k, element] : llvm::enumerate(value))
    store(storage, k == 0 ? first : add(first, index(k)), vector, element);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// Whether the op that defines `value` in `block` writes its result wherever it
/// is told to.
bool TileEmitter::canWriteTo(Value value, Block &block) {
  Operation *op = value.getDefiningOp();
  return op && op->getBlock() == &block &&
         isa<MapOp, PanelDenseOp, ConcatOp, GatherOp, ReverseOp, RandomNormalOp, RandomTailOp, RandomGammaOp, PackOp,
             ReorderOp, DenseOp, PanelSweepOp, ScanOp, WeightNormalizeOp, WeightNormalizeVjpOp, DiagonalOp, TriangleOp,
             TriangularInverseOp, TriangularInverseVjpOp, CosineMatrixOp, BlockDiagonalOp, BlockTriangleOp, BlockDenseOp,
             BlockOuterOp>(op);
}

/// Lets the pieces of concatenations be computed in their place.
void TileEmitter::assignDestinations(Block &block) {
  for (Operation &op : llvm::reverse(block)) {
    auto concat = dyn_cast<ConcatOp>(op);
    if (!concat)
      continue;
    auto it = destinations.find(concat);
    Storage whole = it != destinations.end() ? it->second : allocate(concat.getType());
    destinations[concat] = whole;
    int64_t at = 0;
    for (OpOperand &operand : concat->getOpOperands()) {
      Value piece = operand.get();
      int64_t size = getNumElements(piece.getType());
      if (canWriteTo(piece, block) && !destinations.contains(piece)) {
        destinations[piece] = slice(whole, index(at), size);
        inPlace.insert(&operand);
      }
      at += size;
    }
  }
}

LogicalResult TileEmitter::emitBlock(Block &block) {
  assignDestinations(block);
  for (Operation &op : block.without_terminator())
    if (failed(emitOp(&op)))
      return failure();
  SmallPtrSet<Value, 8> done;
  for (Value operand : block.getTerminator()->getOperands())
    if (sums.contains(operand) && done.insert(operand).second)
      accumulateSum(operand);
  return success();
}

/// The number of the sample in the tile's first lane.
Value TileEmitter::tileSample() {
  return arith::AddIOp::create(b, firstSample, arith::IndexCastOp::create(b, b.getI64Type(), firstRow));
}

LogicalResult TileEmitter::emitOp(Operation *op) {
  b.setLoc(op->getLoc());
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](arith::ConstantOp) { return success(); })
      .Case([&](MapOp map) { return emitMap(map); })
      .Case([&](ScanOp scan) { return emitScan(scan); })
      .Case<DenseOp, PanelDenseOp>([&](auto dense) { return emitDense(dense); })
      .Case([&](OuterOp outer) { return emitOuter(outer); })
      .Case([&](PanelSweepOp sweep) { return emitSweep(sweep); })
      .Case([&](SplitOp split) { return emitSplit(split); })
      .Case([&](ConcatOp concat) { return emitConcat(concat); })
      .Case([&](GatherOp gather) { return emitGather(gather); })
      .Case([&](ReverseOp reverse) { return emitReverse(reverse); })
      .Case([&](PackOp pack) { return emitPack(pack); })
      .Case([&](ReorderOp reorder) { return emitReorder(reorder); })
      .Case<WeightNormalizeOp, WeightNormalizeVjpOp, DiagonalOp, TriangleOp, TriangularInverseOp,
            TriangularInverseVjpOp, CosineMatrixOp>([&](auto matrixOp) -> LogicalResult {
        if (!uniform)
          return matrixOp.emitError("'") << matrixOp->getName() << "' needs operands that no row changes";
        return emitParameters(matrixOp);
      })
      .Case<BlockDiagonalOp, BlockTriangleOp, BlockDenseOp, BlockOuterOp, BlockSweepOp, BlockAdjointOp>(
          [&](auto blockOp) { return emitBlocks(blockOp); })
      .Case<arith::AddIOp, arith::MulIOp>([&](auto) {
        // Flat indices of a permutation along several axes.
        Storage x = find(op->getOperand(0)), y = find(op->getOperand(1)), to = allocateResult(op->getResult(0));
        forEach(index(to.elements), [&](Value i) {
          Value operands[] = {load(x, i, nullptr), load(y, i, nullptr)};
          OperationState state(op->getLoc(), op->getName(), operands, {to.elementType}, op->getAttrs());
          store(to, i, nullptr, b.create(state)->getResult(0));
        });
        return success();
      })
      .Case([&](ReshapeOp reshape) {
        storages[reshape] = find(reshape.getX());
        return success();
      })
      .Case([&](RowWeightOp weight) {
        Storage to = allocateResult(weight);
        forEachVector([&](Value j) {
          auto constant = [&](double value) {
            return arith::ConstantOp::create(
                b, DenseElementsAttr::get(shape.vectorType(), Attribute(b.getFloatAttr(shape.element, value))));
          };
          store(to, nullptr, j, arith::SelectOp::create(b, rowsExist(j), constant(1), constant(0)));
        });
        return success();
      })
      .Case([&](RandomNormalOp random) {
        Storage to = allocateResult(random);
        func::CallOp::create(b, getOrCreatePhiloxNormal(module, shape),
                             ValueRange{pointer(to), index(to.elements), seed, tileSample(), numVectors});
        return success();
      })
      .Case([&](RandomTailOp random) {
        Storage to = allocateResult(random);
        func::CallOp::create(b, getOrCreatePhiloxTail(module, shape, random.getStream()),
                             ValueRange{pointer(to), index(to.elements), seed, tileSample(), numVectors});
        return success();
      })
      .Case([&](RandomGammaOp random) {
        Storage concentration = materialize(find(random.getConcentration()), random.getConcentration().getType());
        Storage gamma = allocateResult(random.getGamma()), factor = allocateResult(random.getLogFactor());
        func::CallOp::create(b, getOrCreatePhiloxGamma(module, shape, random.getStream()),
                             ValueRange{pointer(concentration), pointer(gamma), pointer(factor), index(gamma.elements),
                                        seed, tileSample(), numVectors});
        return success();
      })
      .Default([&](Operation *other) -> LogicalResult {
        return other->emitError("'") << other->getName() << "' is not an op of the tile program's input";
      });
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

func::FuncOp TileEmitter::beginFunction(StringRef name, TypeRange arguments) {
  OpBuilder atEnd = OpBuilder::atBlockEnd(module.getBody());
  auto function =
      func::FuncOp::create(atEnd, source.getLoc(), (name + ".tile").str(), atEnd.getFunctionType(arguments, {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

/// Elements of T that `type` takes in the prepared blob (32-bit integers are
/// stored as such).
static int64_t getPreparedSize(Type type, TileShape shape) {
  int64_t bits = getNumElements(type) * getElementType(type).getIntOrFloatBitWidth();
  return alignUp((bits + shape.element.getWidth() - 1) / shape.element.getWidth());
}

LogicalResult TileEmitter::emitKernel() {
  Type ptr = LLVM::LLVMPointerType::get(module.getContext()), i64 = b.getI64Type();
  func::FuncOp function = beginFunction("kernel", {ptr, ptr, ptr, ptr, i64, i64, i64});
  Value prepared = function.getArgument(0), inputs = function.getArgument(1), outputs = function.getArgument(2);
  workspace = function.getArgument(3);
  rows = arith::IndexCastOp::create(b, b.getIndexType(), function.getArgument(4));
  firstSample = function.getArgument(5);
  seed = function.getArgument(6);
  auto loadPointer = [&](Value array, int64_t i) {
    Value where = LLVM::GEPOp::create(b, ptr, ptr, array, ArrayRef<LLVM::GEPArg>{int32_t(i)});
    return LLVM::LoadOp::create(b, ptr, where).getResult();
  };

  // Parameters: consecutive in the prepared blob.
  SmallVector<std::pair<BlockArgument, Value>> rowArguments;
  for (BlockArgument argument : source.getArguments()) {
    if (source.getArgAttr(argument.getArgNumber(), FlowDialect::kRowAttr)) {
      rowArguments.push_back({argument, loadPointer(inputs, numInputs++)});
      continue;
    }
    Storage storage;
    storage.base =
        LLVM::GEPOp::create(b, ptr, shape.element, prepared, ArrayRef<LLVM::GEPArg>{int32_t(preparedElements)});
    storage.elements = getNumElements(argument.getType());
    storage.elementType = getElementType(argument.getType());
    storages[argument] = storage;
    preparedElements += getPreparedSize(argument.getType(), shape);
  }

  // Results: rows to store, and sums with their accumulators.
  auto yield = cast<func::ReturnOp>(source.getBody().front().getTerminator());
  SmallVector<std::pair<Value, Value>> rowResults;
  SmallVector<std::pair<Value, int64_t>> laneSums;
  DenseMap<Value, int64_t> offsetOfSum;
  SmallVector<Value> accumulators;
  for (auto [i, value] : llvm::enumerate(yield.getOperands())) {
    if (!source.getResultAttr(i, FlowDialect::kSumAttr)) {
      rowResults.push_back({value, loadPointer(outputs, numOutputs++)});
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
      laneSums.push_back({value, sumElements});
    }
    sumElements += alignUp(to.elements);
    sums[value] = to;
  }
  Value sumOutput = sumElements ? loadPointer(outputs, numOutputs) : Value();
  if (sumElements) {
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
      clear(sumOutput, sumElements);
    }
    for (auto [i, value] :
         llvm::enumerate(llvm::make_filter_range(yield.getOperands(), [&](Value v) { return sums.contains(v); }))) {
      OuterOp outer = findOuter(value);
      if (!outer)
        continue;
      Storage &sum = sums[value];
      sum.base = sumOutput;
      sum.offset = index(sumOffsets[i]);
      if (outer.getMask())
        clear(pointer(sum), sum.elements);
    }
  }
  workspaceElements = alignUp(workspaceElements);

  // Tiles.
  Value tileRows = index(shape.rowStride());
  auto loop = scf::ForOp::create(b, index(0), rows, tileRows);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    firstRow = loop.getInductionVar();
    Value left = arith::SubIOp::create(b, rows, firstRow);
    Value vectors = arith::CeilDivUIOp::create(b, left, index(shape.lanes));
    Value full = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, vectors, index(4));
    numVectors = arith::SelectOp::create(b, full, vectors, index(4));
    numRows = arith::MinUIOp::create(b, left, tileRows);
    for (auto [argument, data] : rowArguments) {
      Storage tile = allocate(argument.getType());
      storages[argument] = tile;
      Value columns = index(tile.elements);
      func::CallOp::create(b, getOrCreateLoadRows(module, shape),
                           ValueRange{data, pointer(tile), columns, columns, firstRow, rows, numVectors});
    }
    if (failed(emitBlock(source.getBody().front())))
      return failure();
    for (auto [value, data] : rowResults) {
      Storage tile = find(value);
      if (tile.kind != Storage::Kind::Tile) {
        Storage from = tile;
        tile = allocate(value.getType());
        copy(from, tile);
      }
      Value columns = index(tile.elements);
      func::CallOp::create(b, getOrCreateStoreRows(module, shape),
                           ValueRange{data, pointer(tile), columns, columns, firstRow, rows, numVectors});
    }
  }

  // Lane accumulators to sums.
  for (auto [value, offset] : laneSums) {
    Storage from = sums.lookup(value);
    Storage to;
    to.base = sumOutput;
    to.offset = index(offset);
    to.elementType = shape.element;
    forEach(index(from.elements), [&](Value i) {
      Storage element = from;
      element.offset = add(from.offset, mul(i, index(shape.lanes)));
      Value lanes = LLVM::LoadOp::create(b, shape.vectorType(), pointer(element));
      store(to, i, nullptr, reduceLanes(b, lanes));
    });
  }
  func::ReturnOp::create(b);
  return success();
}

LogicalResult TileEmitter::emitPrepare() {
  Type ptr = LLVM::LLVMPointerType::get(module.getContext());
  func::FuncOp function = beginFunction("prepare", {ptr, ptr});
  Value prepared = function.getArgument(1);
  for (BlockArgument argument : source.getArguments()) {
    Value where = LLVM::GEPOp::create(b, ptr, ptr, function.getArgument(0),
                                      ArrayRef<LLVM::GEPArg>{int32_t(argument.getArgNumber())});
    storages[argument] = {Storage::Kind::Uniform,
                          LLVM::LoadOp::create(b, ptr, where),
                          Value(),
                          getNumElements(argument.getType()),
                          getElementType(argument.getType()),
                          {}};
  }
  // Results lie one after the other, then comes scratch space.
  Block &block = source.getBody().front();
  SmallVector<Storage> results;
  for (Value value : block.getTerminator()->getOperands()) {
    Value where =
        LLVM::GEPOp::create(b, ptr, shape.element, prepared, ArrayRef<LLVM::GEPArg>{int32_t(preparedElements)});
    results.push_back(
        {Storage::Kind::Uniform, where, Value(), getNumElements(value.getType()), getElementType(value.getType()), {}});
    preparedElements += getPreparedSize(value.getType(), shape);
    if (canWriteTo(value, block))
      destinations.try_emplace(value, results.back());
  }
  workspace = LLVM::GEPOp::create(b, ptr, shape.element, prepared, ArrayRef<LLVM::GEPArg>{int32_t(preparedElements)});
  if (failed(emitBlock(block)))
    return failure();
  for (auto [value, to] : llvm::zip_equal(block.getTerminator()->getOperands(), results))
    copy(find(value), to);
  func::ReturnOp::create(b);
  preparedElements += workspaceElements;
  return success();
}

LogicalResult TileEmitter::emitFinish(ArrayRef<int64_t> kernelSumOffsets) {
  Type ptr = LLVM::LLVMPointerType::get(module.getContext());
  func::FuncOp function = beginFunction("finish", {ptr, ptr, ptr, b.getF64Type(), ptr});
  workspace = function.getArgument(4);
  size_t cotangent = 1; // The first sum is the loss.
  for (BlockArgument argument : source.getArguments()) {
    Storage storage{Storage::Kind::Uniform,
                    Value(),
                    Value(),
                    getNumElements(argument.getType()),
                    getElementType(argument.getType()),
                    {}};
    if (source.getArgAttr(argument.getArgNumber(), "flow.cotangent")) {
      storage.base = function.getArgument(1);
      storage.offset = index(kernelSumOffsets[cotangent++]);
    } else {
      Value where = LLVM::GEPOp::create(b, ptr, ptr, function.getArgument(0),
                                        ArrayRef<LLVM::GEPArg>{int32_t(argument.getArgNumber())});
      storage.base = LLVM::LoadOp::create(b, ptr, where);
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
  if (failed(emitBlock(block)))
    return failure();
  Value scale = function.getArgument(3);
  if (shape.element.getWidth() < 64)
    scale = arith::TruncFOp::create(b, shape.element, scale);
  for (auto [value, to] : llvm::zip_equal(block.getTerminator()->getOperands(), results))
    copyScaled(find(value), to, scale);
  func::ReturnOp::create(b);
  return success();
}
