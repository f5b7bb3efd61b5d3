//===- TileEmitter.cpp - Blocks and storage of the tile program -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"
#include "flowc/Dialect/Sample/IR/Block.h"
#include "flowc/Dialect/Sample/IR/Draws.h"
#include "flowc/Dialect/Sample/IR/Functions.h"
#include "flowc/Dialect/Sample/IR/ParameterOps.h"
#include "flowc/Dialect/Sample/IR/Pick.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

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

/// Offsets count elements of a storage's own type, the workspace those of the kernel's.
static int64_t getNumBytes(Type element) { return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8); }

Storage TileEmitter::place(Value memory, Value offset, int64_t elements, Type element, tile::Layout layout) {
  auto type = tile::BufferType::get(b.getContext(), elements, element, layout);
  Value buffer = tile::BufferOp::create(b, type, memory, offset);
  auto kind = layout == tile::Layout::Rows ? Storage::Kind::Tile : Storage::Kind::Uniform;
  return {kind, buffer, elements, element, {}};
}

Storage TileEmitter::allocate(Type type) {
  int64_t elements = getNumElements(type);
  Type element = getElementType(type);
  if (!uniform)
    return allocate(elements, element, tile::Layout::Rows);
  Value offset = index(workspaceElements * getNumBytes(shape.element) / getNumBytes(element));
  workspaceElements += alignUp(elements);
  return place(workspace, offset, elements, element, tile::Layout::Uniform);
}

Storage TileEmitter::allocate(int64_t elements, Type element, tile::Layout layout) {
  auto type = tile::BufferType::get(b.getContext(), elements, element, layout);
  auto kind = layout == tile::Layout::Rows ? Storage::Kind::Tile : Storage::Kind::Uniform;
  return {kind, tile::AllocOp::create(b, type, workspace), elements, element, {}};
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
    auto flat = dense.reshape(RankedTensorType::get({storage.elements}, storage.elementType));
    tile::TableOp::create(globals, b.getLoc(), name, /*exported=*/false, flat);
    auto type = tile::BufferType::get(b.getContext(), storage.elements, storage.elementType, tile::Layout::Uniform);
    storage.kind = Storage::Kind::Uniform;
    storage.buffer = tile::ConstantOp::create(b, type, name);
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
  auto whole = cast<tile::BufferType>(storage.buffer.getType());
  auto type = tile::BufferType::get(b.getContext(), elements, whole.getElement(), whole.getLayout());
  result.buffer = tile::ViewOp::create(b, type, storage.buffer, firstElement);
  return result;
}

Value TileEmitter::pin(const Storage &storage) {
  bool hasAddress =
      isa_and_nonnull<tile::ConstantOp, tile::ArgumentOp, tile::ParameterOp>(storage.buffer.getDefiningOp());
  return hasAddress ? storage.buffer : tile::PinOp::create(b, storage.buffer.getType(), storage.buffer).getPinned();
}

Value TileEmitter::load(const Storage &storage, Value element, Value vector) {
  Type element0 = storage.elementType;
  Type lanesType = uniform ? element0 : Type(VectorType::get({shape.lanes}, element0));
  if (storage.kind == Storage::Kind::Constant) {
    if (uniform)
      return arith::ConstantOp::create(b, cast<TypedAttr>(storage.constant));
    return arith::ConstantOp::create(b, DenseElementsAttr::get(cast<VectorType>(lanesType), storage.constant));
  }
  if (!element)
    element = index(0);
  if (storage.kind == Storage::Kind::Tile)
    return tile::LoadOp::create(b, lanesType, storage.buffer, ValueRange{element, vector});
  Value scalar = tile::LoadOp::create(b, element0, storage.buffer, element);
  return uniform ? scalar : vector::BroadcastOp::create(b, lanesType, scalar).getResult();
}

void TileEmitter::store(const Storage &storage, Value element, Value vector, Value value) {
  if (!element)
    element = index(0);
  if (storage.kind == Storage::Kind::Tile)
    tile::StoreOp::create(b, value, storage.buffer, ValueRange{element, vector});
  else
    tile::StoreOp::create(b, value, storage.buffer, element);
}

void TileEmitter::forEach(Value count, llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, index(0), count, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

SmallVector<Value> TileEmitter::forRange(Value from, Value to, ValueRange init,
                                         llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, from, to, index(1), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(b, next);
  return SmallVector<Value>(loop.getResults());
}

void TileEmitter::forEachVector(llvm::function_ref<void(Value)> body) {
  if (uniform)
    body(nullptr);
  else
    forEach(numVectors, body);
}

bool TileEmitter::isSame(const Storage &x, const Storage &y) {
  return x.kind != Storage::Kind::Constant && x.kind == y.kind && x.buffer == y.buffer;
}

void TileEmitter::copy(const Storage &from, const Storage &to) {
  if (isSame(from, to))
    return;
  if (from.kind == Storage::Kind::Uniform && to.kind == Storage::Kind::Uniform) {
    tile::CopyOp::create(b, from.buffer, to.buffer);
    return;
  }
  moveElements(from.elements, from, to, [](Value i) { return i; });
}

void TileEmitter::moveElements(int64_t count, const Storage &from, const Storage &to,
                               llvm::function_ref<Value(Value)> source) {
  constexpr int64_t tileVectors = 4;
  auto move = [&](Value i, Value element, Value j) { store(to, i, j, load(from, element, j)); };
  auto moveAll = [&](bool isFull) {
    forEach(index(count), [&](Value i) {
      Value element = source(i);
      if (!isFull)
        return forEachVector([&](Value j) { move(i, element, j); });
      for (int64_t j = 0; j < tileVectors; ++j)
        move(i, element, index(j));
    });
  };
  if (uniform || count == 1)
    return moveAll(false);
  // Without a loop over vectors, where all are in use.
  Value isFull = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, numVectors, index(tileVectors));
  auto branch = scf::IfOp::create(b, isFull, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  moveAll(true);
  b.setInsertionPointToStart(branch.elseBlock());
  moveAll(false);
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
  int64_t elements = getNumElements(argument.getType());
  bool isLookedUp = llvm::any_of(argument.getUsers(), [](Operation *user) { return isa<TakeOp>(user); });
  if (storage.kind != Storage::Kind::Uniform || uniform || !isLookedUp ||
      elements > shape.unit->tableVectors * shape.lanes)
    return {};
  SmallVector<Type> types(llvm::divideCeil(elements, shape.lanes), shape.vectorType());
  Value first = i ? mul(i, index(elements)) : index(0);
  return SmallVector<Value>(tile::LoadTableOp::create(b, types, storage.buffer, first, elements).getVectors());
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
  return op && op->getBlock() == &block && op->hasTrait<WritesInto>();
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

LogicalResult TileEmitter::emitOp(Operation *op) {
  b.setLoc(op->getLoc());
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](arith::ConstantOp) { return success(); })
      .Case([&](MapOp map) { return computedMaps.contains(map) ? success() : emitMap(map); })
      .Case([&](ScanOp scan) { return emitScan(scan); })
      .Case<DenseOp, PanelDenseOp>([&](auto dense) { return emitDense(dense); })
      .Case([&](OuterOp outer) { return emitOuter(outer); })
      .Case([&](PanelSweepOp sweep) { return emitSweep(sweep); })
      .Case([&](SplitOp split) { return emitSplit(split); })
      .Case([&](ConcatOp concat) { return emitConcat(concat); })
      .Case([&](GatherOp gather) { return emitGather(gather); })
      .Case([&](PickOp pick) { return emitPick(pick); })
      .Case([&](ScatterSumOp scatter) { return emitScatterSum(scatter); })
      .Case([&](ReverseOp reverse) { return emitReverse(reverse); })
      .Case([&](PackOp pack) { return emitPack(pack); })
      .Case([&](ReorderOp reorder) { return emitReorder(reorder); })
      .Case<WeightNormalizeOp, WeightNormalizeVjpOp, DiagonalOp, TriangleOp, TriangularInverseOp,
            TriangularInverseVjpOp, TriangularInverseJvpOp, AntiTransposeOp, CosineMatrixOp>(
          [&](auto matrixOp) -> LogicalResult {
            if (!uniform)
              return matrixOp.emitError("'") << matrixOp->getName() << "' needs operands that no row changes";
            return emitParameters(matrixOp);
          })
      .Case<BlockDiagonalOp, BlockTriangleOp, BlockDenseOp, BlockOuterOp, BlockSweepOp, BlockAdjointOp>(
          [&](auto blockOp) { return emitBlocks(blockOp); })
      .Case<arith::AddIOp, arith::MulIOp>([&](auto) { return emitIntegers(op); })
      .Case([&](ReshapeOp reshape) {
        storages[reshape] = find(reshape.getX());
        return success();
      })
      .Case<RowWeightOp, RandomNormalOp, RandomTailOp, RandomGammaOp>([&](auto perRow) { return emitPerRow(perRow); })
      .Default([&](Operation *other) -> LogicalResult {
        return other->emitError("'") << other->getName() << "' is not an op of the tile program's input";
      });
}
