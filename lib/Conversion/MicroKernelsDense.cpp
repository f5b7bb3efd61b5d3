//===- MicroKernelsDense.cpp - Dense layers on a tile ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The register block is 4 rows by 4 vectors with 32 vector registers: per step
// in k 8 loads feed 16 fused multiply-adds. 16 registers hold 4 rows by 2
// vectors. The last vectors of a tile that is not full take one at a time. With 32
// registers, the last vector of a block of 4 may be half a one: processors that
// take a vector of 512 bits in two turns then need one.
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
  Value inputs;                  // extent in k
  Value biases, weights;         // of the block
  Value rowStride, columnStride; // of the weights
  Value x, y;                    // the first row that the block reads, and writes
  Value repeats;                 // what the upper half of a half vector gets

  /// Rows [0, rows) and `vectors` vectors from lane `lane` on. If `isLastHalf`, the
  /// last one's upper half is not computed.
  void emit(int64_t rows, int64_t vectors, Value lane, bool isLastHalf = false);
  /// Applies the epilogue to the rows stored.
  void finish(Value rows, Value vectors);
};
} // namespace

void DenseBlock::emit(int64_t rows, int64_t vectors, Value lane, bool isLastHalf) {
  int64_t lanes = b.shape.lanes, stride = b.shape.rowStride();
  auto typeOf = [&](int64_t j) {
    return VectorType::get({isLastHalf && j == vectors - 1 ? lanes / 2 : lanes}, b.shape.element);
  };
  auto loadScalar = [&](Value address) {
    return LLVM::LoadOp::create(b, b.shape.element, address, b.elementBytes()).getResult();
  };
  Value xLane = b.at(x, lane), yLane = b.at(y, lane);
  SmallVector<Value> sums, weightRows;
  for (int64_t r = 0; r < rows; ++r) {
    Value bias = loadScalar(b.at(biases, r));
    for (int64_t j = 0; j < vectors; ++j) {
      Value sum = vector::BroadcastOp::create(b, typeOf(j), bias);
      if (accumulate)
        sum = arith::AddFOp::create(b, b.load(typeOf(j), b.at(yLane, r * stride + j * lanes)), sum);
      sums.push_back(sum);
    }
    weightRows.push_back(r == 0 ? weights : b.at(weightRows.back(), rowStride));
  }
  // The offset of column k is carried along behind the sums.
  sums.push_back(b.i64(0));
  sums = b.loop(b.i64(0), inputs, 1, sums, [&](Value k, ValueRange carried) {
    Value row = b.at(xLane, b.mul(k, stride)), column = carried.back();
    SmallVector<Value> loaded, next;
    for (int64_t j = 0; j < vectors; ++j)
      loaded.push_back(b.load(typeOf(j), b.at(row, j * lanes)));
    for (int64_t r = 0; r < rows; ++r) {
      Value weight = loadScalar(b.at(weightRows[r], column));
      for (int64_t j = 0; j < vectors; ++j)
        next.push_back(math::FmaOp::create(b, vector::BroadcastOp::create(b, typeOf(j), weight), loaded[j],
                                           carried[r * vectors + j]));
    }
    next.push_back(b.add(column, columnStride));
    return next;
  });
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < vectors; ++j) {
      Value sum = sums[r * vectors + j];
      if (sum.getType() != b.shape.vectorType()) {
        Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(sum.getType()));
        Value upper = arith::SelectOp::create(b, repeats, sum, zeros);
        sum = b.shuffle(sum, upper, llvm::to_vector(llvm::seq<int64_t>(0, lanes)));
      }
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

SmallVector<int32_t> flowc::makeDenseTable(int64_t rows, int64_t columns, int64_t rowStride, int64_t columnStride,
                                           bool hasBias) {
  SmallVector<int32_t> table;
  for (int64_t row = 0; row < rows; row += maxBlockRows) {
    int64_t count = std::min(maxBlockRows, rows - row);
    for (int64_t field : {row, count, int64_t(0), columns, hasBias ? row : 0, row * rowStride, rowStride, columnStride})
      table.push_back(field);
  }
  return table;
}

func::FuncOp flowc::getOrCreateDense(ModuleOp module, const TileShape &shape, const Epilogue &epilogue,
                                     bool accumulate) {
  std::string name = (accumulate ? "dense_accumulate_" : "dense_") + epilogue.name;
  bool hasHalves = shape.registers >= 32;
  int64_t group = hasHalves ? 4 : 2;
  auto emit = [&](KernelBuilder &b, ValueRange arguments) {
    Value weights = arguments[0], biases = arguments[1], table = arguments[2], x = arguments[3], y = arguments[4];
    int64_t lanes = shape.lanes;
    Value vectors = b.div(b.add(arguments[7], lanes - 1), lanes);
    Value grouped = b.mul(b.div(vectors, group), group), whole = grouped, isLastHalf, unused = arguments[8];
    Value repeats = b.less(b.i64(int64_t(UnusedLanes::Zero)), unused);
    if (hasHalves) {
      // The last vector is one of a block, and half of it is not in use.
      Value used = b.sub(arguments[7], b.mul(b.add(vectors, -1), lanes));
      isLastHalf = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, grouped, vectors);
      for (Value condition :
           {b.less(used, b.i64(lanes / 2 + 1)), b.less(b.i64(int64_t(UnusedLanes::Computed)), unused)})
        isLastHalf = arith::AndIOp::create(b, isLastHalf, condition);
      whole = arith::SelectOp::create(b, isLastHalf, b.add(grouped, -group), grouped);
    }
    b.loop(arguments[5], arguments[6], 1, [&](Value index) {
      auto entry = [&](DenseTable field) { return b.tableEntry(table, index, DenseTableStride, field); };
      Value rows = entry(RowCount);
      DenseBlock block{b,
                       epilogue,
                       accumulate,
                       entry(InputCount),
                       b.at(biases, entry(BiasOffset)),
                       b.at(weights, entry(WeightOffset)),
                       entry(RowStride),
                       entry(ColumnStride),
                       b.at(x, b.mul(entry(InputBegin), b.shape.rowStride())),
                       b.at(y, b.mul(entry(RowBegin), b.shape.rowStride())),
                       repeats};
      b.dispatch(rows, {1, 2, 3, maxBlockRows}, [&](int64_t count) {
        b.loop(b.i64(0), whole, group, [&](Value j) { block.emit(count, group, b.mul(j, b.shape.lanes)); });
        if (hasHalves)
          b.when(isLastHalf, [&] { block.emit(count, group, b.mul(whole, lanes), /*isLastHalf=*/true); });
        b.loop(grouped, vectors, 1, [&](Value j) { block.emit(count, 1, b.mul(j, b.shape.lanes)); });
      });
      if (epilogue.build && !epilogue.inRegisters)
        block.finish(rows, vectors);
    });
  };
  return KernelBuilder::getOrCreate(module, shape, name, 5, {false, false, false, false}, emit);
}
