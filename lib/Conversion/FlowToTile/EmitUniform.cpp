//===- EmitUniform.cpp - Tables and layout of parameters ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

LLVM::GlobalOp flowc::getOrCreateTable(ModuleOp module, ArrayRef<int32_t> values) {
  auto type = RankedTensorType::get({int64_t(values.size())}, IntegerType::get(module.getContext(), 32));
  auto attribute = DenseElementsAttr::get(type, values);
  for (auto global : module.getOps<LLVM::GlobalOp>())
    if (global.getValueOrNull() == attribute)
      return global;
  int64_t count = llvm::range_size(module.getOps<LLVM::GlobalOp>());
  OpBuilder builder(module.getBodyRegion());
  builder.setInsertionPointToStart(module.getBody());
  return LLVM::GlobalOp::create(builder, module.getLoc(),
                                LLVM::LLVMArrayType::get(type.getElementType(), values.size()), /*isConstant=*/true,
                                LLVM::Linkage::Internal, "table_" + std::to_string(count), attribute,
                                /*alignment=*/64);
}

Value TileEmitter::table(ArrayRef<int32_t> values) {
  return LLVM::AddressOfOp::create(b, getOrCreateTable(module, values));
}

Value TileEmitter::loadIndex(Value table, Value element) {
  Value element64 = arith::IndexCastOp::create(b, b.getI64Type(), element);
  Value where = LLVM::GEPOp::create(b, table.getType(), b.getI32Type(), table, ValueRange{element64});
  Value loaded = LLVM::LoadOp::create(b, b.getI32Type(), where);
  return arith::IndexCastOp::create(b, b.getIndexType(), loaded);
}

//===----------------------------------------------------------------------===//
// Masks and plain arrays
//===----------------------------------------------------------------------===//

/// Ranks as a table of 32-bit integers.
static SmallVector<int32_t> toTable(ArrayRef<int64_t> values) { return SmallVector<int32_t>(values); }

/// Ranks of the outputs and inputs of a masked weight, as tables in the module.
struct TileEmitter::MaskTables {
  RankMaskAttr mask;
  Value out, in;
};

std::optional<TileEmitter::MaskTables> TileEmitter::getMaskTables(std::optional<RankMaskAttr> mask) {
  if (!mask)
    return std::nullopt;
  return MaskTables{*mask, table(toTable(mask->getOut())), table(toTable(mask->getIn()))};
}

/// `value` where the mask has the entry of these ranks (32-bit integers or
/// vectors of them), else zero.
static Value applyMask(ImplicitLocOpBuilder &b, RankMaskAttr mask, Value outRank, Value inRank, Value value) {
  auto predicate = mask.getStrict() ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::sge;
  Value exists = arith::CmpIOp::create(b, predicate, outRank, inRank);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(value.getType()));
  return arith::SelectOp::create(b, exists, value, zero);
}

/// Loads one element, or a vector of consecutive ones, of an array that is only
/// aligned to its elements.
Value TileEmitter::loadPlain(const Storage &array, Value element, Type type) {
  if (array.kind == Storage::Kind::Constant) {
    auto vector = dyn_cast<VectorType>(type);
    TypedAttr scalar = cast<TypedAttr>(array.constant);
    return arith::ConstantOp::create(b, vector ? DenseElementsAttr::get(vector, array.constant) : scalar);
  }
  return LLVM::LoadOp::create(b, type, address(array, element, nullptr), array.elementType.getIntOrFloatBitWidth() / 8);
}

void TileEmitter::storePlain(const Storage &array, Value element, Value value) {
  LLVM::StoreOp::create(b, value, address(array, element, nullptr), array.elementType.getIntOrFloatBitWidth() / 8);
}

/// Calls `body(i, type)` for i = 0, lanes, 2 lanes, ... with a vector type while
/// whole vectors of `count` elements are left, then for single elements.
void TileEmitter::forEachChunk(int64_t count, Type element, llvm::function_ref<void(Value, Type)> body) {
  int64_t whole = count / shape.lanes * shape.lanes;
  auto loop = [&](int64_t from, int64_t to, int64_t step, Type type) {
    if (from == to)
      return;
    auto op = scf::ForOp::create(b, index(from), index(to), index(step));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    body(op.getInductionVar(), type);
  };
  loop(0, whole, shape.lanes, VectorType::get({shape.lanes}, element));
  loop(whole, count, 1, element);
}

/// A value of `type`, a vector or a scalar, that is `scalar` everywhere.
static Value broadcast(ImplicitLocOpBuilder &b, Type type, Value scalar) {
  return isa<VectorType>(type) ? vector::BroadcastOp::create(b, type, scalar).getResult() : scalar;
}

/// The type of 32-bit ranks that goes with `type`.
static Type getRankType(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  Type i32 = IntegerType::get(type.getContext(), 32);
  return vector ? Type(VectorType::get(vector.getShape(), i32)) : i32;
}

Storage TileEmitter::rankStorage(Value table) {
  return {Storage::Kind::Uniform, table, Value(), 0, b.getI32Type(), {}};
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// The weights of `rows` rows from row0 and all columns of a block, column by
/// column. Consecutive rows of a transposed weight lie together.
void TileEmitter::emitPackColumns(PackOp op, const PackBlock &block, int64_t rows) {
  std::optional<MaskTables> mask = getMaskTables(op.getMask());
  Storage weight = find(op.getWeight());
  Value stride = index(op.getWeight().getType().getDimSize(1));
  auto vector = VectorType::get({rows}, shape.element);
  if (op.getTransposed()) {
    Value inRanks;
    if (mask)
      inRanks = loadPlain(rankStorage(mask->in), block.row0, getRankType(vector));
    forEach(block.columns, [&](Value k) {
      Value column = add(block.column0, k);
      Value value = loadPlain(weight, add(mul(column, stride), block.row0), vector);
      if (mask) {
        Value outRank = loadPlain(rankStorage(mask->out), column, b.getI32Type());
        value = applyMask(b, mask->mask, broadcast(b, inRanks.getType(), outRank), inRanks, value);
      }
      storePlain(block.panel, add(block.weights, mul(k, index(rows))), value);
    });
    return;
  }
  SmallVector<Value> rowStarts;
  for (int64_t r = 0; r < rows; ++r)
    rowStarts.push_back(add(mul(add(block.row0, index(r)), stride), block.column0));
  Value outRanks;
  if (mask)
    outRanks = loadPlain(rankStorage(mask->out), block.row0, getRankType(vector));
  forEach(block.columns, [&](Value k) {
    SmallVector<Value> elements;
    for (Value start : rowStarts)
      elements.push_back(loadPlain(weight, add(start, k), shape.element));
    Value column = vector::FromElementsOp::create(b, vector, elements);
    if (mask) {
      Value inRank = loadPlain(rankStorage(mask->in), add(block.column0, k), b.getI32Type());
      column = applyMask(b, mask->mask, outRanks, broadcast(b, outRanks.getType(), inRank), column);
    }
    storePlain(block.panel, add(block.weights, mul(k, index(rows))), column);
  });
}

LogicalResult TileEmitter::emitPack(PackOp op) {
  Storage panel = allocateResult(op);
  std::optional<Storage> bias;
  if (op.getBias())
    bias = find(op.getBias());
  Value blocks = panelTable(op.getBlocks());
  Value zero = arith::ConstantOp::create(b, b.getFloatAttr(shape.element, 0.0));
  llvm::SmallSetVector<int64_t, 4> rowCounts;
  for (size_t i = RowCount; i < op.getBlocks().size(); i += kPanelBlockFields)
    rowCounts.insert(op.getBlocks()[i]);
  forEach(index(op.getBlocks().size() / kPanelBlockFields), [&](Value number) {
    Value entry = mul(number, index(DenseTableStride));
    auto field = [&](int64_t i) { return loadIndex(blocks, add(entry, index(i))); };
    Value count = field(RowCount), offset = field(BiasOffset);
    PackBlock block{panel, field(RowBegin), field(InputBegin), field(InputCount), field(WeightOffset)};
    forEach(count, [&](Value r) {
      Value row = add(block.row0, r);
      store(panel, add(offset, r), nullptr, bias ? load(*bias, row, nullptr) : zero);
    });
    for (int64_t rows : rowCounts) {
      Value here = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, count, index(rows));
      auto branch = scf::IfOp::create(b, here, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      emitPackColumns(op, block, rows);
    }
  });
  return success();
}

/// The vectors that hold a row of `columns` elements, the last one moved back so that it ends
/// with the row: where each begins.
static SmallVector<int64_t> getVectorStarts(int64_t columns, int64_t lanes) {
  SmallVector<int64_t> starts;
  for (int64_t start = 0; start < columns; start += lanes)
    starts.push_back(std::min(start, columns - lanes));
  return starts;
}

/// A vector of the elements number `wanted` of a row, of which `vectors` hold all: a tree of
/// shuffles of two vectors each.
static Value gatherFromVectors(ImplicitLocOpBuilder &b, ArrayRef<Value> vectors, ArrayRef<int64_t> starts,
                               ArrayRef<int64_t> wanted) {
  int64_t lanes = wanted.size();
  if (vectors.size() <= 2) {
    SmallVector<int64_t> sources;
    for (int64_t element : wanted) {
      // Elements that are in neither are not looked at.
      int64_t last = int64_t(vectors.size()) - 1, in = element >= starts[0] && element < starts[0] + lanes ? 0 : last;
      sources.push_back(std::clamp<int64_t>(element - starts[in], 0, lanes - 1) + in * lanes);
    }
    return vector::ShuffleOp::create(b, vectors.front(), vectors.back(), sources);
  }
  // Of the first two vectors, and of the others.
  Value first = gatherFromVectors(b, vectors.take_front(2), starts.take_front(2), wanted);
  Value rest = gatherFromVectors(b, vectors.drop_front(2), starts.drop_front(2), wanted);
  SmallVector<int64_t> sources;
  for (auto [lane, element] : llvm::enumerate(wanted))
    sources.push_back(int64_t(lane) + (element < starts[1] + lanes ? 0 : lanes));
  return vector::ShuffleOp::create(b, first, rest, sources);
}

/// A row with its elements in another order, in registers.
void TileEmitter::emitShuffledRow(const Storage &from, Value source, const Storage &to, Value target,
                                  ArrayRef<int64_t> order) {
  SmallVector<int64_t> starts = getVectorStarts(order.size(), shape.lanes);
  auto type = VectorType::get({shape.lanes}, from.elementType);
  SmallVector<Value> vectors;
  for (int64_t start : starts)
    vectors.push_back(loadPlain(from, add(source, index(start)), type));
  for (int64_t start : starts)
    storePlain(to, add(target, index(start)), gatherFromVectors(b, vectors, starts, order.slice(start, shape.lanes)));
}

LogicalResult TileEmitter::emitReorder(ReorderOp op) {
  // Rows of so many vectors are put in order in registers.
  constexpr int64_t kMostVectors = 4;
  Storage from = find(op.getX()), to = allocateResult(op);
  auto type = cast<RankedTensorType>(op.getX().getType());
  int64_t columnCount = type.getNumElements() / type.getDimSize(0);
  Value rowOrder = op.getRows().empty() ? Value() : table(toTable(op.getRows()));
  bool isShuffled = columnCount >= shape.lanes && columnCount <= kMostVectors * shape.lanes;
  Value columnOrder = op.getColumns().empty() || isShuffled ? Value() : table(toTable(op.getColumns()));
  forEach(index(type.getDimSize(0)), [&](Value row) {
    Value source = mul(rowOrder ? loadIndex(rowOrder, row) : row, index(columnCount));
    Value target = mul(row, index(columnCount));
    if (!op.getColumns().empty() && isShuffled)
      return emitShuffledRow(from, source, to, target, op.getColumns());
    if (!columnOrder) {
      forEachChunk(columnCount, from.elementType, [&](Value column, Type chunk) {
        storePlain(to, add(target, column), loadPlain(from, add(source, column), chunk));
      });
      return;
    }
    forEach(index(columnCount), [&](Value column) {
      storePlain(to, add(target, column), load(from, add(source, loadIndex(columnOrder, column)), nullptr));
    });
  });
  return success();
}

/// Multiplies an array, which may stay in its place.
void TileEmitter::copyScaled(const Storage &from, const Storage &to, Value factor) {
  forEachChunk(to.elements, to.elementType, [&](Value i, Type type) {
    storePlain(to, i, arith::MulFOp::create(b, loadPlain(from, i, type), broadcast(b, type, factor)));
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// y = W x with the entries of W that its mask has, number by number.
void TileEmitter::emitMaskedProduct(DenseOp op, const Storage &y) {
  Storage weight = find(op.getWeight()), x = find(op.getX());
  MaskTables mask = *getMaskTables(op.getMask());
  Value stride = index(op.getWeight().getType().getDimSize(1));
  forEach(index(y.elements), [&](Value unit) {
    Value sum = sumOver(index(0), index(x.elements), shape.element, [&](Value input, Value sum) -> Value {
      Value row = op.getTransposed() ? input : unit, column = op.getTransposed() ? unit : input;
      Value entry = loadPlain(weight, add(mul(row, stride), column), shape.element);
      Value outRank = loadPlain(rankStorage(mask.out), row, b.getI32Type());
      Value inRank = loadPlain(rankStorage(mask.in), column, b.getI32Type());
      return math::FmaOp::create(b, applyMask(b, mask.mask, outRank, inRank, entry), load(x, input, nullptr), sum);
    });
    store(y, unit, nullptr, sum);
  });
}
