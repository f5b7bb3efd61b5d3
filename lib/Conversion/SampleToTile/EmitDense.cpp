//===- EmitDense.cpp - Dense layers on tiles ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dense layers and their weight gradients become calls of micro-kernels. Weights
// are read, and gradients written, as they lie in memory; masked layers read
// panels instead, which leave out the blocks that do not exist.
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

//===----------------------------------------------------------------------===//
// Dense layers
//===----------------------------------------------------------------------===//

/// Text that tells activations apart.
static std::string describe(Block &block) {
  std::string text;
  llvm::raw_string_ostream os(text);
  DenseMap<Value, int> numbers;
  for (Value argument : block.getArguments())
    numbers.try_emplace(argument, numbers.size());
  for (Operation &op : block) {
    os << op.getName() << op.getAttrDictionary();
    for (Value operand : op.getOperands())
      os << " " << numbers.lookup(operand);
    for (Value result : op.getResults()) {
      numbers.try_emplace(result, numbers.size());
      os << " : " << result.getType();
    }
    os << "; ";
  }
  return text;
}

bool flowc::isShortBody(Block &body) { return body.getOperations().size() <= 4; }

Epilogue flowc::makeEpilogue(Block &body, BlockArgument sum, BlockArgument operand, int64_t lanes) {
  Epilogue epilogue;
  epilogue.hasOperand = static_cast<bool>(operand);
  epilogue.name = "activation_" + llvm::utohexstr(llvm::hash_value(describe(body)));
  if (operand)
    epilogue.name += "_" + std::to_string(sum.getArgNumber()) + "_" + std::to_string(operand.getArgNumber());
  epilogue.inRegisters = isShortBody(body);
  epilogue.build = [block = &body, sum, operand, lanes](OpBuilder &builder, Location loc, Value sumHere,
                                                        Value operandHere) {
    ImplicitLocOpBuilder b(loc, builder);
    BodyMap values;
    values[sum] = {sumHere};
    if (operand)
      values[operand] = {operandHere};
    BodyEmitter emitter(b, lanes);
    if (failed(emitter.emit(*block, values)))
      return Value();
    builder.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
    return emitter.getYielded(*block, values).front().front();
  };
  return epilogue;
}

/// The activation of a dense layer, which may be empty.
TileEmitter::Activation TileEmitter::findActivation(Region &region) {
  return {region.empty() ? nullptr : &region.front()};
}

Value TileEmitter::panelTable(ArrayRef<int32_t> blocks) {
  SmallVector<int32_t> result;
  for (; !blocks.empty(); blocks = blocks.drop_front(kPanelBlockFields)) {
    int32_t rows = blocks[RowCount], offset = blocks[kPanelBlockFields - 1];
    llvm::append_range(result, blocks.take_front(InputCount + 1));
    // Biases first, then the rows of one column after the other.
    llvm::append_range(result, ArrayRef<int32_t>{offset, offset + rows, 1, rows});
  }
  return table(result);
}

void TileEmitter::callDense(const Activation &activation, const DenseCall &call) {
  auto op =
      tile::DenseOp::create(b, call.weights, call.biases, call.table, call.x.buffer, call.y.buffer, call.operand.buffer,
                            call.firstBlock, call.lastBlock, numRows, call.unusedLanes, activation.sum,
                            activation.operand ? b.getI64IntegerAttr(*activation.operand) : IntegerAttr(),
                            call.accumulate);
  if (!activation.body)
    return;
  IRMapping mapping;
  activation.body->getParent()->cloneInto(&op.getEpilogue(), mapping);
}

/// The map that can be computed with the sums of `dense` in registers: the only user of
/// the product, short, with one other operand, a tile that is there already.
MapOp TileEmitter::findMapOfProduct(Operation *dense) {
  Value product = dense->getResult(0);
  auto map = hasOneUser(product) ? dyn_cast<MapOp>(*product.user_begin()) : MapOp();
  if (!dense->getRegion(0).empty() || !map || map->getBlock() != dense->getBlock() || !isShortBody(*map.getBlock()) ||
      map.getIndexed().size() != 2 || !map.getShared().empty() || !map.getInit().empty() ||
      map.getIndexed()[0] == map.getIndexed()[1])
    return {};
  Value other = map.getIndexed()[map.getIndexed()[0] == product];
  auto storage = storages.find(other);
  bool isTile = storage != storages.end() && storage->second.kind == Storage::Kind::Tile;
  bool isElementwise =
      map->getNumResults() == 1 &&
      llvm::all_of(map.getBlock()->getArgumentTypes(), [](Type type) { return isa<FloatType>(type); }) &&
      isa<FloatType>(map.getBlock()->getTerminator()->getOperand(0).getType());
  return isTile && isElementwise ? map : MapOp();
}

/// Where the result of a dense layer goes, and what is done to it.
TileEmitter::DenseResult TileEmitter::allocateDenseResult(Operation *dense) {
  if (MapOp map = findMapOfProduct(dense)) {
    unsigned ofSum = map.getIndexed()[0] != dense->getResult(0);
    computedMaps.insert(map);
    return {{map.getBlock(), ofSum, 1 - int64_t(ofSum)},
            allocateResult(map.getResult(0)),
            find(map.getIndexed()[1 - ofSum])};
  }
  return {findActivation(dense->getRegion(0)), allocateResult(dense->getResult(0)), {}};
}

Storage TileEmitter::materialize(const Storage &storage, Type type) {
  if (storage.kind == Storage::Kind::Tile)
    return storage;
  Storage tile = allocate(type);
  copy(storage, tile);
  return tile;
}

/// Outputs that one table describes at most: that of a matrix of data would grow with
/// the data.
static constexpr int64_t kTableRows = 2048;

LogicalResult TileEmitter::emitDense(DenseOp op) {
  if (uniform)
    return emitUniformDense(op);
  Storage weight = find(op.getWeight());
  std::optional<Storage> bias;
  if (op.getBias())
    bias = find(op.getBias());
  if (weight.kind != Storage::Kind::Uniform || (bias && bias->kind != Storage::Kind::Uniform))
    return op.emitOpError("a weight must be a parameter");
  if (op.getMask())
    return op.emitOpError("a masked weight must be packed first, by sample-pack-weights");
  int64_t storedRows = op.getWeight().getType().getDimSize(0), storedColumns = op.getWeight().getType().getDimSize(1);
  int64_t outputs = storedRows, inputs = storedColumns, rowStride = storedColumns, columnStride = 1;
  if (op.getTransposed()) {
    std::swap(outputs, inputs);
    std::swap(rowStride, columnStride);
  }
  Storage x = materialize(find(op.getX()), op.getX().getType());
  DenseResult y = allocateDenseResult(op);
  // `count` outputs from the `first` one on (null: 0).
  auto emitPart = [&](Value first, int64_t count) {
    SmallVector<int32_t> blocks =
        makeDenseTable(shape.splitDenseRows(count), inputs, rowStride, columnStride, bias.has_value());
    // What of the weight is behind the first of its rows, or columns.
    auto partElements = [&](int64_t rows) { return (rows - 1) * rowStride + (inputs - 1) * columnStride + 1; };
    auto from = [&](const Storage &storage, int64_t stride, int64_t elements) {
      return first ? slice(storage, stride == 1 ? first : mul(first, index(stride)), elements) : storage;
    };
    // Zeros of any type are zero bits.
    Value biases = bias ? pin(from(*bias, 1, count)) : table(SmallVector<int32_t>(2 * shape.denseBlockRows(), 0));
    // What is transposed is a layer on the way back, on cotangents.
    callDense(y.activation, {pin(from(weight, rowStride, first ? partElements(count) : weight.elements)), biases,
                             table(blocks), x, from(y.to, 1, count), index(0), index(blocks.size() / DenseTableStride),
                             op.getTransposed() ? tile::UnusedLanes::Zero : tile::UnusedLanes::Repeated,
                             y.activation.operand ? from(y.operand, 1, count) : Storage()});
  };
  int64_t whole = outputs <= kTableRows ? 0 : outputs / kTableRows;
  if (whole > 0)
    forEach(index(whole), [&](Value part) { emitPart(mul(part, index(kTableRows)), kTableRows); });
  if (int64_t rest = outputs - whole * kTableRows)
    emitPart(whole > 0 ? index(whole * kTableRows) : Value(), rest);
  macs += storedRows * storedColumns * macsFactor;
  return success();
}

LogicalResult TileEmitter::emitDense(PanelDenseOp op) {
  if (uniform)
    return op.emitOpError("a dense layer of parameters only is not supported");
  Value panel = pin(find(op.getPanel()));
  Storage x = materialize(find(op.getX()), op.getX().getType());
  DenseResult y = allocateDenseResult(op);
  callDense(y.activation, {panel, panel, panelTable(op.getBlocks()), x, y.to, index(0),
                           index(op.getBlocks().size() / kPanelBlockFields), tile::UnusedLanes::Computed, y.operand});
  macs += op.getMacs() * macsFactor;
  return success();
}

//===----------------------------------------------------------------------===//
// Weight gradients
//===----------------------------------------------------------------------===//

/// The blocks of a weight gradient, of so many rows. Those of a masked one cover the columns
/// between the first and the last that any of their rows has.
static SmallVector<int32_t> makeOuterTable(int64_t rows, int64_t columns, std::optional<RankMaskAttr> mask,
                                           int64_t blockRows) {
  SmallVector<int64_t> rowCounts(rows / blockRows, blockRows);
  if (int64_t rest = rows % blockRows)
    rowCounts.push_back(rest);
  SmallVector<int32_t> blocks = makeDenseTable(rowCounts, columns, columns, 1, /*hasBias=*/true);
  if (!mask)
    return blocks;
  for (MutableArrayRef<int32_t> rest(blocks); !rest.empty(); rest = rest.drop_front(DenseTableStride)) {
    int64_t first = columns, last = 0;
    for (int64_t r = rest[RowBegin]; r < rest[RowBegin] + rest[RowCount]; ++r)
      for (int64_t c = 0; c < columns; ++c)
        if (mask->exists(r, c)) {
          first = std::min(first, c);
          last = std::max(last, c + 1);
        }
    rest[InputBegin] = std::min(first, last);
    rest[InputCount] = last - std::min(first, last);
  }
  return blocks;
}

/// Pieces of so many columns, at multiples of `aligned`, that the blocks of a table consist of,
/// each as often as its block has rows if `byRow`.
static int64_t countPieces(ArrayRef<int32_t> blocks, int64_t columns, int64_t aligned, bool byRow) {
  int64_t pieces = 0;
  for (; !blocks.empty(); blocks = blocks.drop_front(DenseTableStride)) {
    int64_t skipped = blocks[InputBegin] % aligned;
    pieces += llvm::divideCeil(skipped + blocks[InputCount], columns) * (byRow ? blocks[RowCount] : 1);
  }
  return pieces;
}

namespace {
/// How a weight gradient is computed: columns before `firstOfDots` by `outer`, the others, and
/// then all biases, by `dots` in blocks of this shape.
struct OuterPlan {
  int64_t firstOfDots;
  DotsShape block;
};
} // namespace

/// Restricts blocks to the columns from `first` on.
static void dropColumns(MutableArrayRef<int32_t> blocks, int64_t first) {
  for (; !blocks.empty(); blocks = blocks.drop_front(DenseTableStride)) {
    int64_t end = blocks[InputBegin] + blocks[InputCount];
    blocks[InputBegin] = std::max<int64_t>(blocks[InputBegin], first);
    blocks[InputCount] = std::max<int64_t>(end - blocks[InputBegin], 0);
  }
}

/// The fastest way. In half as many cycles as a vector has lanes: one fused multiply-add for each
/// lane of a tile of four vectors takes 4, the sums over the lanes of a vector of vectors
/// about as long, and transposing these nine times as long.
static OuterPlan planOuter(const TileShape &shape, int64_t rows, int64_t columns, std::optional<RankMaskAttr> mask) {
  constexpr int64_t kPerRow = 4, kPerBlock = 8, kPerTransposed = 36;
  int64_t whole = columns / shape.lanes, all = llvm::divideCeil(columns, shape.lanes);
  SmallVector<int32_t> blocks = makeOuterTable(rows, columns, mask, maxOuterRows);
  int64_t withOnes = mask ? 0 : llvm::divideCeil(columns + 1, shape.lanes) * rows;
  int64_t least = kPerTransposed * all +
                  kPerRow * std::max(withOnes, countPieces(blocks, shape.lanes, shape.lanes, /*byRow=*/true));
  OuterPlan best{columns, {}};
  auto consider = [&](int64_t firstOfDots, int64_t time, DotsShape block) {
    blocks = makeOuterTable(rows, columns, mask, block.rows);
    dropColumns(blocks, firstOfDots);
    time += kPerBlock * (countPieces(blocks, block.columns, 1, /*byRow=*/false) + llvm::divideCeil(rows, shape.lanes));
    if (time < least) {
      least = time;
      best = {firstOfDots, block};
    }
  };
  for (DotsShape block : shape.dotsShapes(columns)) {
    consider(0, 0, block);
    if (!mask && whole > 0 && whole < all)
      consider(whole * shape.lanes, whole * (kPerTransposed + kPerRow * rows), block);
  }
  return best;
}

LogicalResult TileEmitter::emitOuter(OuterOp op) {
  auto sumOf = [&](Value result) -> std::optional<Storage> {
    // What nobody reads is written to memory that nobody reads.
    if (result.use_empty())
      return allocate(getNumElements(result.getType()) + outerPadding(shape), shape.element, tile::Layout::Uniform);
    auto it = sums.find(result);
    return it != sums.end() && findOuter(result) ? std::optional<Storage>(it->second) : std::nullopt;
  };
  std::optional<Storage> weight = sumOf(op.getWeight()), bias = sumOf(op.getBias());
  if (!weight || !bias)
    return op.emitOpError("can only be summed over rows");
  Storage g = materialize(find(op.getG()), op.getG().getType());
  Storage x = materialize(find(op.getX()), op.getX().getType());
  int64_t padded = llvm::alignTo(x.elements, shape.lanes);
  tile::WhichWeights which = tile::WhichWeights::All;
  Value outRanks, inRanks;
  if (std::optional<RankMaskAttr> mask = op.getMask()) {
    which = mask->getStrict() ? tile::WhichWeights::Above : tile::WhichWeights::AtLeast;
    SmallVector<int32_t> out(mask->getOut()), in(mask->getIn());
    out.resize(g.elements + shape.lanes);
    in.resize(padded + shape.lanes);
    outRanks = table(out);
    inRanks = table(in);
  }
  Value isFirst = arith::SelectOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, firstRow, index(0)),
                                          index(1), index(0));
  OuterPlan plan = planOuter(shape, g.elements, x.elements, op.getMask());
  if (plan.firstOfDots < x.elements) {
    // What is read behind the last rows.
    allocate(RankedTensorType::get({shape.lanes}, shape.element));
    SmallVector<int32_t> blocks = makeOuterTable(g.elements, x.elements, op.getMask(), plan.block.rows);
    dropColumns(blocks, plan.firstOfDots);
    tile::DotsOp::create(b, g.buffer, x.buffer, weight->buffer, bias->buffer, table(blocks), outRanks, inRanks, numRows,
                         isFirst, x.elements, which, plan.block.rows, plan.block.columns);
  }
  if (plan.firstOfDots == 0)
    return success();
  bool wholeOnly = plan.firstOfDots < x.elements;
  int64_t columns = plan.firstOfDots;
  padded = llvm::alignTo(columns, shape.lanes);
  Storage scratch = allocate(RankedTensorType::get({padded}, shape.element));
  tile::TransposeOp::create(b, x.buffer, scratch.buffer, columns, numVectors);
  SmallVector<int32_t> blocks = makeOuterTable(g.elements, x.elements, op.getMask(), maxOuterRows);
  tile::OuterOp::create(b, g.buffer, scratch.buffer, weight->buffer, bias->buffer, table(blocks), outRanks, inRanks,
                        numRows, isFirst, x.elements, which, wholeOnly);
  return success();
}
