//===- MicroKernelsOuter.cpp - Weight gradients from a tile ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product of outputs by inputs, summed over lanes. With the inputs transposed
// to [lane][k], a vector runs along k, and the loop over lanes has the shape of
// a dense layer's loop over k: no sum across a vector is needed.
//
//===----------------------------------------------------------------------===//

#include "MicroKernelsBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace flowc;
using namespace mlir;

/// Transposes one square of x, from row `k` and the lanes at `x` on. With
/// `last` it holds the column of ones, and zeros behind it.
static void transposeSquare(KernelBuilder &b, Value x, Value scratch, Value k, Value inputs, Value pitch, bool last) {
  int64_t lanes = b.shape.lanes;
  SmallVector<Value> square;
  Value lastRow = b.add(inputs, -1);
  for (int64_t i = 0; i < lanes; ++i) {
    Value row = b.add(k, i);
    Value vector = b.load(b.at(x, b.mul(last ? b.min(row, lastRow) : row, b.shape.rowStride())));
    if (last) {
      Value isOnes = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, row, inputs);
      Value padding = arith::SelectOp::create(b, isOnes, b.splat(1.0), b.splat(0.0));
      vector = arith::SelectOp::create(b, b.less(row, inputs), vector, padding);
    }
    square.push_back(vector);
  }
  transposeBlocks(b, square);
  for (int64_t i = 0; i < lanes; ++i)
    b.store(square[i], b.at(scratch, b.add(b.mul(pitch, i), k)));
}

func::FuncOp flowc::getOrCreateTranspose(ModuleOp module, const TileShape &shape) {
  auto emit = [](KernelBuilder &b, ValueRange arguments) {
    Value x = arguments[0], scratch = arguments[1], inputs = arguments[2], pitch = arguments[3];
    int64_t lanes = b.shape.lanes;
    b.loop(b.i64(0), arguments[4], 1, [&](Value j) {
      Value lane = b.mul(j, lanes);
      Value from = b.at(x, lane), to = b.at(scratch, b.mul(lane, pitch));
      Value last = b.sub(pitch, b.i64(lanes));
      b.loop(b.i64(0), last, lanes, [&](Value k) { transposeSquare(b, from, to, k, inputs, pitch, false); });
      transposeSquare(b, from, to, last, inputs, pitch, true);
    });
  };
  return KernelBuilder::getOrCreate(module, shape, "transpose", 2, {false, false, false}, emit);
}

/// The sum of the lanes, in the order of a binary tree.
static Value sumOfLanes(KernelBuilder &b, Value vector) {
  for (int64_t width = b.shape.lanes / 2; width > 0; width /= 2) {
    auto half = [&](int64_t from) {
      return b.shuffle(vector, vector, llvm::to_vector(llvm::seq<int64_t>(from, from + width)));
    };
    vector = arith::AddFOp::create(b, half(0), half(width));
  }
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

namespace {
/// The gradient of one block's weights.
struct OuterBlock {
  KernelBuilder &b;
  Value g;       // the first of the block's rows
  Value scratch; // transposed inputs
  Value acc;     // the first of the block's rows
  Value pitch;   // of scratch and acc
  Value vectors; // of the tile, that are in use

  /// Columns [column, column + vectors * lanes) of `rows` rows.
  void emit(int64_t rows, int64_t columnVectors, Value column);
  /// Column `inputs`, where no column of ones is at hand.
  void emitBias(Value rows, Value inputs);
};
} // namespace

void OuterBlock::emit(int64_t rows, int64_t columnVectors, Value column) {
  int64_t lanes = b.shape.lanes;
  Value from = b.at(scratch, column);
  SmallVector<Value> sums(rows * columnVectors, b.splat(0.0));
  sums = b.loop(b.i64(0), b.mul(vectors, lanes), 1, sums, [&](Value lane, ValueRange carried) {
    Value inputs = b.at(from, b.mul(lane, pitch)), outputs = b.at(g, lane);
    SmallVector<Value> loaded, next;
    for (int64_t j = 0; j < columnVectors; ++j)
      loaded.push_back(b.load(b.at(inputs, j * lanes)));
    for (int64_t r = 0; r < rows; ++r) {
      Value output = b.loadSplat(b.at(outputs, r * b.shape.rowStride()));
      for (int64_t j = 0; j < columnVectors; ++j)
        next.push_back(math::FmaOp::create(b, output, loaded[j], carried[r * columnVectors + j]));
    }
    return next;
  });
  for (int64_t r = 0; r < rows; ++r) {
    Value row = b.at(b.at(acc, b.mul(pitch, r)), column);
    for (int64_t j = 0; j < columnVectors; ++j) {
      Value address = b.at(row, j * lanes);
      b.store(arith::AddFOp::create(b, b.load(address), sums[r * columnVectors + j]), address);
    }
  }
}

void OuterBlock::emitBias(Value rows, Value inputs) {
  b.loop(b.i64(0), rows, 1, [&](Value r) {
    Value row = b.at(g, b.mul(r, b.shape.rowStride()));
    SmallVector<Value> sum =
        b.loop(b.i64(0), vectors, 1, b.splat(0.0), [&](Value j, ValueRange carried) -> SmallVector<Value> {
          return {arith::AddFOp::create(b, carried[0], b.load(b.at(row, b.mul(j, b.shape.lanes))))};
        });
    Value address = b.at(b.at(acc, b.mul(r, pitch)), inputs);
    Value old = LLVM::LoadOp::create(b, b.shape.element, address, b.elementBytes());
    b.store(arith::AddFOp::create(b, old, sumOfLanes(b, sum[0])), address, b.elementBytes());
  });
}

func::FuncOp flowc::getOrCreateOuter(ModuleOp module, const TileShape &shape) {
  auto emit = [](KernelBuilder &b, ValueRange arguments) {
    Value g = arguments[0], table = arguments[3], inputs = arguments[6], pitch = arguments[7];
    int64_t lanes = b.shape.lanes;
    SmallVector<int64_t> groups = {4, 2, 1};
    if (b.shape.registers < 32)
      groups.erase(groups.begin());
    b.loop(arguments[4], arguments[5], 1, [&](Value index) {
      auto entry = [&](DenseTable field) { return b.tableEntry(table, index, DenseTableStride, field); };
      Value row = entry(RowBegin), rows = entry(RowCount), begin = entry(InputBegin), count = entry(InputCount);
      OuterBlock block{b,
                       b.at(g, b.mul(row, b.shape.rowStride())),
                       arguments[1],
                       b.at(arguments[2], b.mul(row, pitch)),
                       pitch,
                       arguments[8]};
      // Whole vectors of columns that the range touches.
      Value first = b.mul(b.div(begin, lanes), lanes);
      Value end = b.mul(b.div(b.add(b.add(begin, count), lanes - 1), lanes), lanes);
      b.dispatch(rows, {1, 2, 3, maxBlockRows}, [&](int64_t constantRows) {
        Value from = first;
        for (int64_t group : groups) {
          int64_t width = group * lanes;
          Value to = b.add(from, b.mul(b.div(b.sub(end, from), width), width));
          b.loop(from, to, width, [&](Value column) { block.emit(constantRows, group, column); });
          from = to;
        }
      });
      b.when(b.less(end, b.add(inputs, 1)), [&] { block.emitBias(rows, inputs); });
    });
  };
  return KernelBuilder::getOrCreate(module, shape, "outer", 4, {false, false, false, false, false}, emit);
}
