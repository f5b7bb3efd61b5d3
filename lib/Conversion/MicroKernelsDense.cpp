//===- MicroKernelsDense.cpp - Dense layers on a tile ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The register block is 4 rows by 4 vectors with 32 vector registers: per step
// in k 8 loads feed 16 fused multiply-adds. The last vectors of a tile that is not
// full come in threes or one at a time; the last vector of a block of 4 may be half a one:
// processors that take a vector of 512 bits in two turns then need one.
//
// 16 registers hold 12 sums: 3 rows by 3 or 4 vectors, where a tile has as many in
// use, or up to 6 rows by 2. Eight are the least that two multiply-adds started per
// cycle, of four cycles each, leave no gaps with, and then every delay is one; a
// table's block has up to 6 rows, so that both shapes find theirs.
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
  bool accumulate;               ///< Sums begin with y, instead of biases.
  Value inputs;                  // extent in k
  Value biases, weights;         // of the block
  Value rowStride, columnStride; // of the weights
  Value x, y;                    // the first row that the block reads, and writes
  Value operand;                 // what the epilogue reads beside y, if anything
  Value repeats;                 // what the upper half of a half vector gets

  /// Rows [0, rows) and `vectors` vectors from lane `lane` on. If `isLastHalf`, the
  /// last one's upper half is not computed.
  void emit(int64_t rows, int64_t vectors, Value lane, bool isLastHalf = false);
  /// Applies the epilogue to the rows stored.
  void finish(Value rows, Value vectors);
  /// The block without its first `rows` rows.
  DenseBlock after(Value rows) const;

private:
  Value loadScalar(Value address);
  /// `sums`, row after row, and the weights of column `column` times its vectors at `x`.
  SmallVector<Value> addColumn(ArrayRef<Value> weightRows, Value column, Value x, ArrayRef<VectorType> types,
                               ValueRange sums);
};
} // namespace

Value DenseBlock::loadScalar(Value address) {
  return LLVM::LoadOp::create(b, b.shape.element, address, b.elementBytes());
}

SmallVector<Value> DenseBlock::addColumn(ArrayRef<Value> weightRows, Value column, Value x, ArrayRef<VectorType> types,
                                         ValueRange sums) {
  int64_t rows = weightRows.size(), vectors = types.size();
  SmallVector<Value> next(rows * vectors);
  auto loadVector = [&](int64_t j) { return b.load(types[j], b.at(x, j * b.shape.lanes)); };
  auto loadWeight = [&](int64_t r) { return loadScalar(b.at(weightRows[r], column)); };
  auto multiply = [&](int64_t r, int64_t j, Value weight, Value vector) {
    next[r * vectors + j] =
        math::FmaOp::create(b, vector::BroadcastOp::create(b, types[j], weight), vector, sums[r * vectors + j]);
  };
  // Beside the sums, registers hold all vectors and one weight, or all weights and one
  // vector.
  if (rows * vectors + vectors + 1 <= b.shape.unit->registers) {
    SmallVector<Value> loaded;
    for (int64_t j = 0; j < vectors; ++j)
      loaded.push_back(loadVector(j));
    for (int64_t r = 0; r < rows; ++r) {
      Value weight = loadWeight(r);
      for (int64_t j = 0; j < vectors; ++j)
        multiply(r, j, weight, loaded[j]);
    }
    return next;
  }
  SmallVector<Value> loaded;
  for (int64_t r = 0; r < rows; ++r)
    loaded.push_back(loadWeight(r));
  for (int64_t j = 0; j < vectors; ++j) {
    Value vector = loadVector(j);
    for (int64_t r = 0; r < rows; ++r)
      multiply(r, j, loaded[r], vector);
  }
  return next;
}

void DenseBlock::emit(int64_t rows, int64_t vectors, Value lane, bool isLastHalf) {
  int64_t lanes = b.shape.lanes, stride = b.shape.rowStride();
  SmallVector<VectorType> types(vectors, b.shape.vectorType());
  if (isLastHalf)
    types.back() = VectorType::get({lanes / 2}, b.shape.element);
  Value xLane = b.at(x, lane), yLane = b.at(y, lane);
  SmallVector<Value> sums, weightRows;
  for (int64_t r = 0; r < rows; ++r) {
    Value bias = accumulate ? Value() : loadScalar(b.at(biases, r));
    for (int64_t j = 0; j < vectors; ++j)
      sums.push_back(accumulate ? b.load(types[j], b.at(yLane, r * stride + j * lanes))
                                : vector::BroadcastOp::create(b, types[j], bias).getResult());
    weightRows.push_back(r == 0 ? weights : b.at(weightRows.back(), rowStride));
  }
  // The offset of column k is carried along behind the sums.
  sums.push_back(b.i64(0));
  sums = b.loop(b.i64(0), inputs, 1, sums, [&](Value k, ValueRange carried) {
    Value column = carried.back();
    SmallVector<Value> next = addColumn(weightRows, column, b.at(xLane, b.mul(k, stride)), types, carried.drop_back());
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
      int64_t place = r * stride + j * lanes;
      if (epilogue.build && epilogue.inRegisters)
        sum = epilogue.build(b, b.getLoc(), sum, operand ? b.load(b.at(b.at(operand, lane), place)) : Value());
      b.store(sum, b.at(yLane, place));
    }
  }
}

void DenseBlock::finish(Value rows, Value vectors) {
  b.loop(b.i64(0), rows, 1, [&](Value r) {
    Value row = b.at(y, b.mul(r, b.shape.rowStride()));
    b.loop(b.i64(0), vectors, 1, [&](Value j) {
      Value address = b.at(row, b.mul(j, b.shape.lanes));
      b.store(epilogue.build(b, b.getLoc(), b.load(address), /*operand=*/{}), address);
    });
  });
}

DenseBlock DenseBlock::after(Value rows) const {
  DenseBlock rest = *this;
  rest.biases = b.at(biases, rows);
  rest.weights = b.at(weights, b.mul(rows, rowStride));
  rest.y = b.at(y, b.mul(rows, b.shape.rowStride()));
  if (operand)
    rest.operand = b.at(operand, b.mul(rows, b.shape.rowStride()));
  return rest;
}

SmallVector<int64_t> TileShape::splitDenseRows(int64_t rows) const {
  int64_t fewest = unit->registers >= 32 ? 1 : 3;
  SmallVector<int64_t> counts;
  for (; rows > 0; rows -= counts.back()) {
    int64_t left = rows - denseBlockRows();
    counts.push_back(left <= 0 ? rows : left < fewest ? (rows + 1) / 2 : denseBlockRows());
  }
  return counts;
}

SmallVector<int32_t> flowc::makeDenseTable(ArrayRef<int64_t> rowCounts, int64_t columns, int64_t rowStride,
                                           int64_t columnStride, bool hasBias) {
  SmallVector<int32_t> table;
  int64_t row = 0;
  for (int64_t count : rowCounts) {
    for (int64_t field : {row, count, int64_t(0), columns, hasBias ? row : 0, row * rowStride, rowStride, columnStride})
      table.push_back(field);
    row += count;
  }
  return table;
}

namespace {
/// The vectors of a tile that a dense layer computes, with 32 registers: groups of four
/// up to `whole`, then perhaps one that ends with half a vector; from `grouped` on three, or
/// one at a time.
struct DenseVectors {
  static constexpr int64_t group = 4;
  Value count, whole, grouped, isLastHalf, leavesThree;

  DenseVectors(KernelBuilder &b, Value used, Value unusedLanes);
};
} // namespace

DenseVectors::DenseVectors(KernelBuilder &b, Value used, Value unusedLanes) {
  int64_t lanes = b.shape.lanes;
  count = b.div(b.add(used, lanes - 1), lanes);
  grouped = b.mul(b.div(count, group), group);
  // The last vector is one of a block, and half of it is not in use.
  Value usedOfLast = b.sub(used, b.mul(b.add(count, -1), lanes));
  isLastHalf = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, grouped, count);
  for (Value condition :
       {b.less(usedOfLast, b.i64(lanes / 2 + 1)), b.less(b.i64(int64_t(UnusedLanes::Computed)), unusedLanes)})
    isLastHalf = arith::AndIOp::create(b, isLastHalf, condition);
  whole = arith::SelectOp::create(b, isLastHalf, b.add(grouped, -group), grouped);
  leavesThree = b.less(b.add(grouped, 2), count);
}

/// The rows of a block by groups of vectors.
static void emitInGroups(DenseBlock &block, Value rows, const DenseVectors &vectors) {
  KernelBuilder &b = block.b;
  constexpr int64_t group = DenseVectors::group;
  b.dispatch(rows, {1, 2, 3, 4}, [&](int64_t count) {
    b.loop(b.i64(0), vectors.whole, group, [&](Value j) { block.emit(count, group, b.mul(j, b.shape.lanes)); });
    b.when(vectors.isLastHalf,
           [&] { block.emit(count, group, b.mul(vectors.whole, b.shape.lanes), /*isLastHalf=*/true); });
    Value left = b.mul(vectors.grouped, b.shape.lanes);
    b.when(
        vectors.leavesThree, [&] { block.emit(count, 3, left); },
        [&] {
          b.loop(vectors.grouped, vectors.count, 1, [&](Value j) { block.emit(count, 1, b.mul(j, b.shape.lanes)); });
        });
  });
}

/// The rows of a block, with 16 registers: three by three or four vectors, if they come
/// in threes, else all of them by two. (Two by four would read x twice as often.)
static void emitInTwelves(DenseBlock &block, Value rows, Value vectors) {
  KernelBuilder &b = block.b;
  constexpr int64_t most = 3;
  Value start = b.i64(0), fewRows = b.less(rows, b.i64(most + 1)), manyRows = b.less(b.i64(2 * most - 1), rows);
  Value inThrees = arith::AndIOp::create(b, b.less(b.i64(2), vectors), arith::OrIOp::create(b, fewRows, manyRows));
  b.when(
      inThrees,
      [&] {
        b.loop(start, rows, most, [&](Value first) {
          DenseBlock piece = block.after(first);
          b.dispatch(b.min(b.i64(most), b.sub(rows, first)), {1, 2, 3}, [&](int64_t count) {
            b.dispatch(vectors, {3, 4}, [&](int64_t width) { piece.emit(count, width, start); });
          });
        });
      },
      [&] {
        Value paired = b.mul(b.div(vectors, 2), 2);
        b.dispatch(rows, {1, 2, 3, 4, 5, 6}, [&](int64_t count) {
          b.loop(start, paired, 2, [&](Value j) { block.emit(count, 2, b.mul(j, b.shape.lanes)); });
          b.loop(paired, vectors, 1, [&](Value j) { block.emit(count, 1, b.mul(j, b.shape.lanes)); });
        });
      });
}

func::FuncOp flowc::getOrCreateDense(ModuleOp module, const TileShape &shape, const Epilogue &epilogue,
                                     bool accumulate) {
  std::string name = (accumulate ? "dense_accumulate_" : "dense_") + epilogue.name;
  auto emit = [&](KernelBuilder &b, ValueRange arguments) {
    Value weights = arguments[0], biases = arguments[1], table = arguments[2], x = arguments[3], y = arguments[4];
    ValueRange extents = arguments.take_back(4); // firstBlock, lastBlock, n, unusedLanes
    DenseVectors vectors(b, /*used=*/extents[2], extents[3]);
    Value repeats = b.less(b.i64(int64_t(UnusedLanes::Zero)), extents[3]);
    b.loop(extents[0], extents[1], 1, [&](Value index) {
      auto entry = [&](DenseTable field) { return b.tableEntry(table, index, DenseTableStride, field); };
      Value rows = entry(RowCount), firstOutput = b.mul(entry(RowBegin), b.shape.rowStride());
      DenseBlock block{b,
                       epilogue,
                       accumulate,
                       entry(InputCount),
                       b.at(biases, entry(BiasOffset)),
                       b.at(weights, entry(WeightOffset)),
                       entry(RowStride),
                       entry(ColumnStride),
                       b.at(x, b.mul(entry(InputBegin), b.shape.rowStride())),
                       b.at(y, firstOutput),
                       epilogue.hasOperand ? b.at(arguments[5], firstOutput) : Value(),
                       repeats};
      if (shape.unit->registers >= 32)
        emitInGroups(block, rows, vectors);
      else
        emitInTwelves(block, rows, vectors.count);
      if (epilogue.build && !epilogue.inRegisters)
        block.finish(rows, vectors.count);
    });
  };
  return KernelBuilder::getOrCreate(module, shape, name, 5 + epilogue.hasOperand, {false, false, false, false}, emit);
}
