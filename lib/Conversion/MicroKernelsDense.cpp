//===- MicroKernelsDense.cpp - Dense layers on a tile ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The register block is 4 rows by 4 vectors with 32 vector registers: per step
// in k 8 loads feed 16 fused multiply-adds. 16 registers hold 4 rows by 2
// vectors. The last vectors of a tile that is not full take one at a time.
//
//===----------------------------------------------------------------------===//

#include "MicroKernelsBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace flowc;
using namespace mlir;

namespace {
/// One block of a dense layer.
struct DenseBlock {
  KernelBuilder &b;
  const Epilogue &epilogue;
  bool accumulate;
  Value inputs;  // extent in k
  Value weights; // of the block: biases, then groups
  Value x, y;    // the first row that the block reads, and writes

  /// Rows [0, rows) and `vectors` vectors from lane `lane` on.
  void emit(int64_t rows, int64_t vectors, Value lane);
  /// Applies the epilogue to the rows stored.
  void finish(Value rows, Value vectors);
};
} // namespace

void DenseBlock::emit(int64_t rows, int64_t vectors, Value lane) {
  int64_t lanes = b.shape.lanes, stride = b.shape.rowStride();
  Value xLane = b.at(x, lane), yLane = b.at(y, lane);
  SmallVector<Value> sums;
  for (int64_t r = 0; r < rows; ++r) {
    Value bias = b.loadSplat(b.at(weights, r));
    for (int64_t j = 0; j < vectors; ++j)
      sums.push_back(
          accumulate ? arith::AddFOp::create(b, b.load(b.at(yLane, r * stride + j * lanes)), bias).getResult() : bias);
  }
  Value groups = b.at(weights, rows);
  sums = b.loop(b.i64(0), inputs, 1, sums, [&](Value k, ValueRange carried) {
    Value row = b.at(xLane, b.mul(k, stride)), group = b.at(groups, b.mul(k, rows));
    SmallVector<Value> loaded, next;
    for (int64_t j = 0; j < vectors; ++j)
      loaded.push_back(b.load(b.at(row, j * lanes)));
    for (int64_t r = 0; r < rows; ++r) {
      Value weight = b.loadSplat(b.at(group, r));
      for (int64_t j = 0; j < vectors; ++j)
        next.push_back(math::FmaOp::create(b, weight, loaded[j], carried[r * vectors + j]));
    }
    return next;
  });
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < vectors; ++j) {
      Value sum = sums[r * vectors + j];
      if (epilogue.build && epilogue.inRegisters)
        sum = epilogue.build(b, b.getLoc(), sum);
      b.store(sum, b.at(yLane, r * stride + j * lanes));
    }
  }
}

void DenseBlock::finish(Value rows, Value vectors) {
  b.loop(b.i64(0), rows, 1, [&](Value r) {
    Value row = b.at(y, b.mul(r, b.shape.rowStride()));
    b.loop(b.i64(0), vectors, 1, [&](Value j) {
      Value address = b.at(row, b.mul(j, b.shape.lanes));
      b.store(epilogue.build(b, b.getLoc(), b.load(address)), address);
    });
  });
}

func::FuncOp flowc::getOrCreateDense(ModuleOp module, const TileShape &shape, const Epilogue &epilogue,
                                     bool accumulate) {
  std::string name = (accumulate ? "dense_accumulate_" : "dense_") + epilogue.name;
  int64_t group = shape.registers >= 32 ? 4 : 2;
  auto emit = [&](KernelBuilder &b, ValueRange arguments) {
    Value weights = arguments[0], table = arguments[1], x = arguments[2], y = arguments[3];
    Value vectors = arguments[6];
    Value grouped = b.mul(b.div(vectors, group), group);
    b.loop(arguments[4], arguments[5], 1, [&](Value index) {
      auto entry = [&](DenseTable field) { return b.tableEntry(table, index, DenseTableStride, field); };
      Value rows = entry(RowCount);
      DenseBlock block{b,
                       epilogue,
                       accumulate,
                       entry(InputCount),
                       b.at(weights, entry(WeightOffset)),
                       b.at(x, b.mul(entry(InputBegin), b.shape.rowStride())),
                       b.at(y, b.mul(entry(RowBegin), b.shape.rowStride()))};
      b.dispatch(rows, {1, 2, 3, maxBlockRows}, [&](int64_t count) {
        b.loop(b.i64(0), grouped, group, [&](Value j) { block.emit(count, group, b.mul(j, b.shape.lanes)); });
        b.loop(grouped, vectors, 1, [&](Value j) { block.emit(count, 1, b.mul(j, b.shape.lanes)); });
      });
      if (epilogue.build && !epilogue.inRegisters)
        block.finish(rows, vectors);
    });
  };
  return KernelBuilder::getOrCreate(module, shape, name, 4, {false, false, false}, emit);
}
