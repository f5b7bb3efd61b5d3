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
using namespace flowc::sample;

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

tile::TableOp flowc::getOrCreateTable(ModuleOp module, ArrayRef<int32_t> values) {
  auto type = RankedTensorType::get({int64_t(values.size())}, IntegerType::get(module.getContext(), 32));
  auto attribute = DenseElementsAttr::get(type, values);
  for (auto table : module.getOps<tile::TableOp>())
    if (table.getNumbers() == attribute)
      return table;
  int64_t count = llvm::range_size(module.getOps<tile::TableOp>());
  OpBuilder builder(module.getBodyRegion());
  builder.setInsertionPointToStart(module.getBody());
  return tile::TableOp::create(builder, module.getLoc(), "table_" + std::to_string(count), /*exported=*/false,
                               attribute);
}

Value TileEmitter::table(ArrayRef<int32_t> values) {
  auto type = tile::BufferType::get(b.getContext(), values.size(), b.getI32Type(), tile::Layout::Uniform);
  return tile::ConstantOp::create(b, type, getOrCreateTable(module, values).getSymName());
}

Value TileEmitter::loadIndex(Value table, Value element) {
  Value loaded = tile::LoadOp::create(b, b.getI32Type(), table, element);
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
  return tile::LoadOp::create(b, type, array.buffer, element);
}

void TileEmitter::storePlain(const Storage &array, Value element, Value value) {
  tile::StoreOp::create(b, value, array.buffer, element);
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

Storage TileEmitter::rankStorage(Value table) {
  return {Storage::Kind::Uniform, table, cast<tile::BufferType>(table.getType()).getElements(), b.getI32Type(), {}};
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// Vectors of one length, a power of two of them, one behind the other.
static Value concatenate(ImplicitLocOpBuilder &b, ArrayRef<Value> vectors) {
  if (vectors.size() == 1)
    return vectors.front();
  Value first = concatenate(b, vectors.take_front(vectors.size() / 2));
  Value second = concatenate(b, vectors.drop_front(vectors.size() / 2));
  int64_t length = cast<VectorType>(first.getType()).getNumElements();
  return vector::ShuffleOp::create(b, first, second, llvm::to_vector(llvm::seq<int64_t>(0, 2 * length)));
}

/// Element `of(k, r)` of `vector` as element k * rows + r.
static Value arrange(ImplicitLocOpBuilder &b, Value vector, int64_t columns, int64_t rows,
                     llvm::function_ref<int64_t(int64_t k, int64_t r)> of) {
  SmallVector<int64_t> sources;
  for (int64_t k = 0; k < columns; ++k)
    for (int64_t r = 0; r < rows; ++r)
      sources.push_back(of(k, r));
  return vector::ShuffleOp::create(b, vector, vector, sources);
}

/// The weights of `rows` rows of a block and of `columns` columns from column k on, column by
/// column.
Value TileEmitter::loadPackedColumns(PackOp op, const PackBlock &block, Value k, int64_t rows, int64_t columns) {
  Storage weight = find(op.getWeight());
  Value stride = index(op.getWeight().getType().getDimSize(1)), column0 = add(block.column0, k);
  auto vectorOf = [&](Type element, int64_t count) { return VectorType::get({count}, element); };
  SmallVector<Value> pieces;
  Value packed;
  if (op.getTransposed()) { // Consecutive rows lie together.
    for (int64_t i = 0; i < columns; ++i)
      pieces.push_back(
          loadPlain(weight, add(mul(add(column0, index(i)), stride), block.row0), vectorOf(shape.element, rows)));
    packed = concatenate(b, pieces);
  } else {
    Type piece = columns == 1 ? shape.element : Type(vectorOf(shape.element, columns));
    for (int64_t r = 0; r < rows; ++r)
      pieces.push_back(loadPlain(weight, add(mul(add(block.row0, index(r)), stride), column0), piece));
    if (columns == 1)
      packed = vector::FromElementsOp::create(b, vectorOf(shape.element, rows), pieces);
    else
      packed = arrange(b, concatenate(b, pieces), columns, rows,
                       [columns](int64_t i, int64_t r) { return r * columns + i; });
  }
  std::optional<MaskTables> mask = getMaskTables(op.getMask());
  if (!mask)
    return packed;
  Storage rowRanks = rankStorage(op.getTransposed() ? mask->in : mask->out);
  Storage columnRanks = rankStorage(op.getTransposed() ? mask->out : mask->in);
  Value ofRows = arrange(b, loadPlain(rowRanks, block.row0, vectorOf(b.getI32Type(), rows)), columns, rows,
                         [](int64_t, int64_t r) { return r; });
  Value ofColumns = arrange(b, loadPlain(columnRanks, column0, vectorOf(b.getI32Type(), columns)), columns, rows,
                            [](int64_t i, int64_t) { return i; });
  return op.getTransposed() ? applyMask(b, mask->mask, ofColumns, ofRows, packed)
                            : applyMask(b, mask->mask, ofRows, ofColumns, packed);
}

/// The weights of `rows` rows from row0 and all columns of a block, column by column; a
/// whole vector at once where it holds several columns.
void TileEmitter::emitPackColumns(PackOp op, const PackBlock &block, int64_t rows) {
  int64_t atOnce = llvm::isPowerOf2_64(rows) ? std::max<int64_t>(shape.lanes / rows, 1) : 1;
  auto loop = [&](Value from, Value to, int64_t step) {
    auto forOp = scf::ForOp::create(b, from, to, index(step));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(forOp.getBody());
    Value k = forOp.getInductionVar();
    storePlain(block.panel, add(block.weights, mul(k, index(rows))), loadPackedColumns(op, block, k, rows, step));
  };
  Value whole = arith::AndIOp::create(b, block.columns, index(-atOnce));
  if (atOnce > 1)
    loop(index(0), whole, atOnce);
  loop(atOnce > 1 ? whole : index(0), block.columns, 1);
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
