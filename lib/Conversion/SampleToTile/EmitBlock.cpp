//===- EmitBlock.cpp - Block autoregressive networks on tiles -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops over the blocks. What a block gets from those before it is a product of
// the dense micro-kernel; what it computes by itself is done for one vector of
// lanes after the other.
//
//===----------------------------------------------------------------------===//

#include "EmitBlock.h"
#include "flowc/Dialect/Sample/IR/Block.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

//===----------------------------------------------------------------------===//
// Matrices of blocks, products
//===----------------------------------------------------------------------===//

LogicalResult TileEmitter::emitBlocks(BlockDiagonalOp op) {
  Storage from = find(op.getA()), to = allocateResult(op);
  int64_t stride = op.getA().getType().getDimSize(1), columns = op.getY().getType().getDimSize(1);
  int64_t rows = op.getY().getType().getDimSize(0) / op.getBlocks();
  forEach(index(op.getBlocks()), [&](Value block) {
    forEach(index(rows), [&](Value r) {
      Value row = add(mul(block, index(rows)), r);
      Value source = add(mul(row, index(stride)), mul(block, index(columns))), target = mul(row, index(columns));
      forEach(index(columns),
              [&](Value column) { store(to, add(target, column), nullptr, load(from, add(source, column), nullptr)); });
    });
  });
  return success();
}

LogicalResult TileEmitter::emitBlocks(BlockTriangleOp op) {
  Storage a = find(op.getA()), diagonal = find(op.getDiagonal()), to = allocateResult(op);
  int64_t stride = op.getA().getType().getDimSize(1), columns = op.getDiagonal().getType().getDimSize(1);
  int64_t rows = op.getA().getType().getDimSize(0) / op.getBlocks();
  Value zero = arith::ConstantOp::create(b, b.getFloatAttr(shape.element, 0));
  forEach(index(op.getBlocks()), [&](Value block) {
    forEach(index(rows), [&](Value r) {
      Value row = add(mul(block, index(rows)), r);
      Value first = mul(row, index(stride)), own = mul(block, index(columns)), after = add(own, index(columns));
      auto fill = [&](Value from, Value end, llvm::function_ref<Value(Value)> value) {
        auto loop = scf::ForOp::create(b, from, end, index(1));
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(loop.getBody());
        Value column = loop.getInductionVar();
        store(to, add(first, column), nullptr, value(column));
      };
      fill(index(0), own, [&](Value column) { return load(a, add(first, column), nullptr); });
      fill(own, after, [&](Value column) {
        Value element = add(mul(row, index(columns)), arith::SubIOp::create(b, column, own));
        return load(diagonal, element, nullptr);
      });
      fill(after, index(stride), [&](Value) { return zero; });
    });
  });
  return success();
}

/// Blocks of the dense micro-kernel that `rows` rows make.
static void forEachRowGroup(const TileShape &shape, int64_t rows,
                            llvm::function_ref<void(int64_t first, int64_t count)> body) {
  int64_t row = 0;
  for (int64_t count : shape.splitDenseRows(rows)) {
    body(row, count);
    row += count;
  }
}

static void appendBlock(SmallVectorImpl<int32_t> &table, ArrayRef<int64_t> fields) {
  assert(fields.size() == DenseTableStride);
  table.append(fields.begin(), fields.end());
}

/// Biases of up to `rows` rows that are zero: zeros of any type are zero bits.
static SmallVector<int32_t> makeZeros(int64_t rows) { return SmallVector<int32_t>(2 * rows, 0); }

/// The dense micro-kernel reads each block's own piece of x. Its weights are those
/// on the diagonal of a layer, where they have been counted already.
LogicalResult TileEmitter::emitBlockRows(BlockDenseOp op) {
  Storage weight = find(op.getWeight());
  int64_t blocks = op.getBlocks(), inner = op.getWeight().getType().getDimSize(1);
  int64_t outer = op.getWeight().getType().getDimSize(0) / blocks;
  bool transposed = op.getTransposed();
  int64_t rows = transposed ? inner : outer, columns = transposed ? outer : inner;
  int64_t rowStride = transposed ? 1 : inner, columnStride = transposed ? inner : 1;
  SmallVector<int32_t> fields;
  for (int64_t block = 0; block < blocks; ++block)
    forEachRowGroup(shape, rows, [&](int64_t row, int64_t count) {
      appendBlock(fields, {block * rows + row, count, block * columns, columns, /*bias=*/0,
                           block * outer * inner + row * rowStride, rowStride, columnStride});
    });
  Storage x = materialize(find(op.getX()), op.getX().getType());
  Storage y = allocateResult(op);
  callDense(Activation(), {pin(weight), table(makeZeros(shape.denseBlockRows())), table(fields), x, y, index(0),
                           index(fields.size() / DenseTableStride)});
  return success();
}

LogicalResult TileEmitter::emitBlocks(BlockDenseOp op) {
  if (!uniform)
    return emitBlockRows(op);
  Storage weight = find(op.getWeight()), x = find(op.getX()), y = allocateResult(op);
  int64_t blocks = op.getBlocks(), inner = op.getWeight().getType().getDimSize(1);
  int64_t outer = op.getWeight().getType().getDimSize(0) / blocks;
  bool transposed = op.getTransposed();
  int64_t rows = transposed ? inner : outer, columns = transposed ? outer : inner;
  Value zero = arith::ConstantOp::create(b, b.getFloatAttr(shape.element, 0));
  forEach(index(blocks), [&](Value block) {
    Value first = mul(block, index(outer * inner));
    forEach(index(rows), [&](Value row) {
      auto loop = scf::ForOp::create(b, index(0), index(columns), index(1), ValueRange{zero});
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(loop.getBody());
        Value column = loop.getInductionVar();
        Value entry = transposed ? add(mul(column, index(inner)), row) : add(mul(row, index(inner)), column);
        Value factor = load(x, add(mul(block, index(columns)), column), nullptr);
        Value sum = math::FmaOp::create(b, load(weight, add(first, entry), nullptr), factor, loop.getRegionIterArg(0));
        scf::YieldOp::create(b, sum);
      }
      store(y, add(mul(block, index(rows)), row), nullptr, loop.getResult(0));
    });
  });
  return success();
}

LogicalResult TileEmitter::emitBlocks(BlockOuterOp op) {
  Storage g = find(op.getG()), x = find(op.getX()), to = allocateResult(op);
  int64_t columns = op.getWeight().getType().getDimSize(1);
  int64_t rows = op.getWeight().getType().getDimSize(0) / op.getBlocks();
  forEachVector([&](Value j) {
    forEach(index(op.getBlocks()), [&](Value block) {
      forEach(index(rows), [&](Value r) {
        Value row = add(mul(block, index(rows)), r), factor = load(g, row, j);
        forEach(index(columns), [&](Value column) {
          Value other = load(x, add(mul(block, index(columns)), column), j);
          store(to, add(mul(row, index(columns)), column), j, arith::MulFOp::create(b, factor, other));
        });
      });
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Sweeps
//===----------------------------------------------------------------------===//

/// A sweep that multiplies by the part of each weight left of the diagonal blocks,
/// or, without biases, by what is below them in the transpose.
TileEmitter::BlockSweep TileEmitter::beginBlockSweep(ValueRange weights, ValueRange biases, ValueRange diagonals,
                                                     int64_t dim) {
  BlockSweep sweep;
  sweep.dim = dim;
  sweep.type = shape.vectorType();
  bool transposed = biases.empty();
  for (auto [layer, weight] : llvm::enumerate(weights)) {
    auto type = cast<RankedTensorType>(weight.getType());
    int64_t stride = type.getDimSize(1), outer = type.getDimSize(0) / dim, inner = stride / dim;
    int64_t rows = transposed ? inner : outer, columns = transposed ? outer : inner;
    SmallVector<int32_t> fields, ends{0};
    for (int64_t d = 0; d < dim; ++d) {
      int64_t first = transposed ? (d + 1) * columns : 0, extent = (transposed ? dim - 1 - d : d) * columns;
      forEachRowGroup(shape, rows, [&](int64_t row, int64_t count) {
        int64_t inWeight = d * rows + row;
        if (transposed)
          appendBlock(fields, {row, count, first, extent, 0, first * stride + inWeight, 1, stride});
        else
          appendBlock(fields, {row, count, first, extent, inWeight, inWeight * stride, stride, 1});
      });
      ends.push_back(fields.size() / DenseTableStride);
    }
    sweep.units.push_back(outer);
    sweep.weights.push_back(find(weight));
    sweep.diagonals.push_back(find(diagonals[layer]));
    sweep.biases.push_back(transposed ? table(makeZeros(shape.denseBlockRows())) : pin(find(biases[layer])));
    sweep.blocks.push_back(table(fields));
    sweep.blockEnds.push_back(table(ends));
    sweep.raw.push_back(allocate(RankedTensorType::get({rows}, shape.element)));
    macs += (dim * (dim + 1) / 2) * rows * columns * macsFactor;
  }
  return sweep;
}

/// raw = what the block's rows of `layer` get from finished blocks.
void TileEmitter::emitBlockProduct(const BlockSweep &sweep, int64_t layer, const Storage &from) {
  callDense(Activation(), {pin(sweep.weights[layer]), sweep.biases[layer], sweep.blocks[layer], from, sweep.raw[layer],
                           loadIndex(sweep.blockEnds[layer], sweep.block),
                           loadIndex(sweep.blockEnds[layer], add(sweep.block, index(1)))});
}

/// Entry (row, column) of the block's own part of a layer's weight, in all lanes.
Value TileEmitter::loadBlockWeight(const BlockSweep &sweep, int64_t layer, Value row, Value column) {
  int64_t rows = sweep.units[layer], columns = layer == 0 ? 1 : sweep.units[layer - 1];
  Value element = add(mul(sweep.block, index(rows)), row);
  if (columns > 1 || column)
    element = add(mul(element, index(columns)), column);
  return loadLanes(sweep.diagonals[layer], element, nullptr, sweep.type);
}

/// Loads a vector of any number of lanes, from `vector` on.
Value TileEmitter::loadLanes(const Storage &storage, Value element, Value vector, VectorType type) {
  if (storage.kind != Storage::Kind::Tile) {
    Value value = tile::LoadOp::create(b, storage.elementType, storage.buffer, element ? element : index(0));
    return vector::BroadcastOp::create(b, type, value);
  }
  return tile::LoadOp::create(b, type, storage.buffer, ValueRange{element ? element : index(0), vector});
}

void TileEmitter::storeLanes(const Storage &storage, Value element, Value vector, Value value) {
  tile::StoreOp::create(b, value, storage.buffer, ValueRange{element ? element : index(0), vector});
}

/// for (i = 0; i < count; ++i) with values carried along.
SmallVector<Value> TileEmitter::forUnits(int64_t count, ValueRange init,
                                         llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  return forRange(index(0), index(count), init, body);
}

LogicalResult TileEmitter::emitBlocks(BlockAdjointOp op) {
  if (uniform)
    return op.emitOpError("of parameters only is not supported");
  auto type = cast<RankedTensorType>(op.getG().getType());
  BlockSweep sweep = beginBlockSweep(op.getWeights(), /*biases=*/{}, op.getDiagonals(), type.getNumElements());
  int64_t depth = sweep.depth();
  Storage g = materialize(find(op.getG()), type), lambda = allocateResult(op.getLambda());
  auto allocateUnits = [&](int64_t count) { return allocate(RankedTensorType::get({count}, shape.element)); };
  // Cotangents of what each layer accumulates, and their derivatives by the
  // block's own element of lambda.
  SmallVector<Storage> slopes, cotangents, derivatives;
  for (int64_t layer = 0; layer < depth; ++layer) {
    slopes.push_back(find(op.getSlopes()[layer]));
    cotangents.push_back(allocateUnits(sweep.units[layer] * sweep.dim));
    derivatives.push_back(allocateUnits(sweep.units[layer]));
  }
  Lanes lanes{b, shape.vectorType()};

  auto emitBlock = [&] {
    Value d = sweep.block, j = sweep.vector;
    auto rowOf = [&](int64_t layer, Value i) { return add(mul(d, index(sweep.units[layer])), i); };
    for (int64_t layer = depth - 1; layer >= 0; --layer)
      forUnits(sweep.units[layer], {}, [&](Value i, ValueRange) {
        Value sum = load(sweep.raw[layer + 1], i, j), derivative;
        if (layer + 1 == depth) {
          derivative = loadBlockWeight(sweep, depth, index(0), i);
        } else {
          SmallVector<Value> inner =
              forUnits(sweep.units[layer + 1], {sum, lanes.constant(0)}, [&](Value k, ValueRange before) {
                Value weight = loadBlockWeight(sweep, layer + 1, k, i);
                return SmallVector<Value>{
                    lanes.fma(weight, load(cotangents[layer + 1], rowOf(layer + 1, k), j), before[0]),
                    lanes.fma(weight, load(derivatives[layer + 1], k, j), before[1])};
              });
          sum = inner[0];
          derivative = inner[1];
        }
        Value slope = load(slopes[layer], rowOf(layer, i), j);
        store(cotangents[layer], rowOf(layer, i), j, lanes.mul(slope, sum));
        store(derivatives[layer], i, j, lanes.mul(slope, derivative));
        return SmallVector<Value>();
      });
    SmallVector<Value> sums =
        forUnits(sweep.units[0], {load(sweep.raw[0], index(0), j), lanes.constant(0)}, [&](Value i, ValueRange before) {
          Value weight = loadBlockWeight(sweep, 0, i, nullptr);
          return SmallVector<Value>{lanes.fma(weight, load(cotangents[0], rowOf(0, i), j), before[0]),
                                    lanes.fma(weight, load(derivatives[0], i, j), before[1])};
        });
    Value own = lanes.div(lanes.sub(load(g, d, j), sums[0]), sums[1]);
    store(lambda, d, j, own);
    for (int64_t layer = 0; layer < depth; ++layer)
      forUnits(sweep.units[layer], {}, [&](Value i, ValueRange) {
        Value row = rowOf(layer, i);
        store(cotangents[layer], row, j,
              lanes.fma(load(derivatives[layer], i, j), own, load(cotangents[layer], row, j)));
        return SmallVector<Value>();
      });
  };

  forEach(index(sweep.dim), [&](Value step) {
    sweep.block = arith::SubIOp::create(b, index(sweep.dim - 1), step);
    for (int64_t layer = depth; layer >= 0; --layer)
      emitBlockProduct(sweep, layer, layer == depth ? lambda : cotangents[layer]);
    forEachVector([&](Value j) {
      sweep.vector = j;
      emitBlock();
    });
  });
  return success();
}
