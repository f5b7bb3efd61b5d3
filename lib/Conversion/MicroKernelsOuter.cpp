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
// The sums go to the gradient as it lies, rows of K elements. The columns behind
// the last whole vector are a register block's last vector, half a one if they fit,
// together with a column of ones: its sum is the bias's.
//
// Without mask registers, processors store under a mask in dozens of steps. There, whole
// vectors are stored, with what was in memory where the mask has no lane: also behind
// the last row.
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

namespace {
/// The gradient of one block's weights.
struct OuterBlock {
  KernelBuilder &b;
  OuterMask mask;
  /// Lanes of the vector with the last columns and the ones; 0 if there is none.
  int64_t tailLanes;
  Value g;                 // the first of the block's rows
  Value scratch, pitch;    // transposed inputs
  Value weight, bias;      // the gradient, from the block's first row on
  Value outRanks, inRanks; // the former from that row on
  Value inputs, wholeInputs;
  Value lanesInUse; // of the tile, rounded up to a multiple of 4
  Value isFirst;

  /// Columns of `rows` rows from row `row` on: `whole` vectors from `column` on,
  /// and the tail if `withTail`.
  void emit(Value row, int64_t rows, int64_t whole, bool withTail, Value column);
  /// `whole` vectors from column `from` on and perhaps the tail, of `rows` rows: four
  /// at a time; or three, as 16 registers have 12 sums, and never one alone behind others.
  void emitInFours(Value row, int64_t rows, Value from, Value whole, bool withTail);
  void emitInThrees(Value row, int64_t rows, Value from, Value whole, bool withTail);
  /// All columns from `from` to `to` of `rows` rows.
  void emitRows(Value row, int64_t rows, Value from, Value to);
  /// The bias, where no column of ones is at hand.
  void emitBias(Value rows);

private:
  /// The vectors of sums that registers hold: of `rows` rows `perRow` ones each, from a
  /// column on, the last one the tail if there are more than `whole`.
  struct Sums {
    Value row, column;
    int64_t rows, whole, perRow;
    /// Lanes of the tile that are summed at a time, each in vectors of its own.
    int64_t step;
    /// By lane, row and column.
    SmallVector<Value> vectors = {};
  };
  int64_t widthOf(const Sums &sums, int64_t j) const { return j < sums.whole ? b.shape.lanes : tailLanes; }
  VectorType typeOf(const Sums &sums, int64_t j) const { return VectorType::get({widthOf(sums, j)}, b.shape.element); }
  /// Computes the vectors, over all lanes of the tile.
  void addUp(Sums &sums);
  /// Vector `j` of row `r`, in one.
  Value total(const Sums &sums, int64_t r, int64_t j);
  /// Those of the `lanes` columns from `column` on that a row has.
  Value existing(int64_t lanes, Value rank, Value column);
  /// A vector to store, in some lanes (null: all), or a number.
  struct Update {
    Value sum, address, lanes;
  };
  /// `sum` and what is in memory.
  Update addTo(Value address, Value sum, Value lanes);
  /// Lane `lane` of `sum` and what is in memory.
  Update addLaneTo(Value address, Value sum, Value lane);
  /// A number in memory before this tile.
  Value loadBefore(Value address);
  /// What row `r` of the sums becomes in memory.
  void addUpdates(const Sums &sums, int64_t r, SmallVectorImpl<Update> &weights, SmallVectorImpl<Update> &biases);
};
} // namespace

Value OuterBlock::existing(int64_t lanes, Value rank, Value column) {
  auto type = VectorType::get({lanes}, b.getI32Type());
  Value columns = b.load(type, b.at(inRanks, column, b.getI32Type()), /*alignment=*/4);
  auto predicate = mask == OuterMask::Above ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::sge;
  return arith::CmpIOp::create(b, predicate, vector::BroadcastOp::create(b, type, rank), columns);
}

OuterBlock::Update OuterBlock::addTo(Value address, Value sum, Value lanes) {
  auto type = cast<VectorType>(sum.getType());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  bool hasMasks = b.shape.unit->hasMasks;
  Value memory = lanes && hasMasks
                     ? LLVM::MaskedLoadOp::create(b, type, address, lanes, zero, b.elementBytes()).getResult()
                     : b.load(type, address, b.elementBytes());
  Value result = arith::AddFOp::create(b, arith::SelectOp::create(b, isFirst, zero, memory), sum);
  if (!lanes || hasMasks)
    return {result, address, lanes};
  return {arith::SelectOp::create(b, lanes, result, memory), address, {}};
}

Value OuterBlock::loadBefore(Value address) {
  Value old = LLVM::LoadOp::create(b, b.shape.element, address, b.elementBytes());
  return arith::SelectOp::create(b, isFirst, arith::ConstantOp::create(b, b.getZeroAttr(b.shape.element)), old);
}

OuterBlock::Update OuterBlock::addLaneTo(Value address, Value sum, Value lane) {
  if (b.shape.unit->hasMasks) {
    int64_t width = cast<VectorType>(sum.getType()).getNumElements();
    Value isLane = arith::XOrIOp::create(b, b.lanesBelow(width, lane), b.lanesBelow(width, b.add(lane, 1)));
    return addTo(b.at(address, b.sub(b.i64(0), lane)), sum, isLane);
  }
  Value position = arith::IndexCastOp::create(b, b.getIndexType(), lane);
  Value number = vector::ExtractOp::create(b, sum, OpFoldResult(position));
  return {arith::AddFOp::create(b, loadBefore(address), number), address, {}};
}

void OuterBlock::addUp(Sums &sums) {
  int64_t lanes = b.shape.lanes;
  Value from = b.at(scratch, sums.column), outputs = b.at(g, b.mul(sums.row, b.shape.rowStride()));
  for (int64_t i = 0; i < sums.step * sums.rows * sums.perRow; ++i)
    sums.vectors.push_back(arith::ConstantOp::create(b, b.getZeroAttr(typeOf(sums, i % sums.perRow))));
  sums.vectors = b.loop(b.i64(0), lanesInUse, sums.step, sums.vectors, [&](Value lane, ValueRange carried) {
    SmallVector<Value> next;
    for (int64_t s = 0; s < sums.step; ++s) {
      Value here = b.add(lane, s), columns = b.at(from, b.mul(here, pitch));
      SmallVector<Value> loaded;
      for (int64_t j = 0; j < sums.perRow; ++j)
        loaded.push_back(b.load(typeOf(sums, j), b.at(columns, j * lanes)));
      for (int64_t r = 0; r < sums.rows; ++r) {
        Value address = b.at(b.at(outputs, here), r * b.shape.rowStride());
        Value output = LLVM::LoadOp::create(b, b.shape.element, address, b.elementBytes());
        for (int64_t j = 0; j < sums.perRow; ++j)
          next.push_back(math::FmaOp::create(b, vector::BroadcastOp::create(b, typeOf(sums, j), output), loaded[j],
                                             carried[next.size()]));
      }
    }
    return next;
  });
}

Value OuterBlock::total(const Sums &sums, int64_t r, int64_t j) {
  SmallVector<Value> terms;
  for (int64_t s = 0; s < sums.step; ++s)
    terms.push_back(sums.vectors[(s * sums.rows + r) * sums.perRow + j]);
  for (; terms.size() > 1; terms.resize(terms.size() / 2))
    for (size_t t = 0; t < terms.size() / 2; ++t)
      terms[t] = arith::AddFOp::create(b, terms[t], terms[t + terms.size() / 2]);
  return terms[0];
}

void OuterBlock::addUpdates(const Sums &sums, int64_t r, SmallVectorImpl<Update> &weights,
                            SmallVectorImpl<Update> &biases) {
  int64_t lanes = b.shape.lanes;
  Value row = b.add(sums.row, r), target = b.at(b.at(weight, b.mul(row, inputs)), sums.column), rank;
  if (mask != OuterMask::None)
    rank = LLVM::LoadOp::create(b, b.getI32Type(), b.at(outRanks, row, b.getI32Type()), 4);
  for (int64_t j = 0; j < sums.perRow; ++j) {
    Value sum = total(sums, r, j), exist, first = b.add(sums.column, j * lanes);
    int64_t width = widthOf(sums, j);
    if (rank)
      exist = existing(width, rank, first);
    if (j == sums.whole) {
      // The ones are in lane `left`.
      Value left = b.sub(inputs, first), hasWeight = b.lanesBelow(width, left);
      biases.push_back(addLaneTo(b.at(bias, row), sum, left));
      exist = exist ? arith::AndIOp::create(b, exist, hasWeight).getResult() : hasWeight;
    }
    weights.push_back(addTo(b.at(target, j * lanes), sum, exist));
  }
}

void OuterBlock::emit(Value row, int64_t rows, int64_t whole, bool withTail, Value column) {
  int64_t perRow = whole + withTail;
  // Few sums take several lanes at a time, each its own: a fused multiply-add
  // takes as long as four can be started.
  int64_t step = rows * perRow >= 8 ? 1 : rows * perRow >= 4 ? 2 : 4;
  Sums sums{row, column, rows, whole, perRow, step};
  addUp(sums);
  // All loads come before all stores: vectors of neighbouring rows overlap in lanes
  // that are masked, and a load would wait for the store before it. Stores go up in
  // memory, so that without masks a row's own elements are written last, and biases after
  // all weights: what lies behind the last row may be they.
  SmallVector<Update> weights, biases;
  for (int64_t r = 0; r < rows; ++r)
    addUpdates(sums, r, weights, b.shape.unit->hasMasks ? weights : biases);
  for (const Update &update : llvm::concat<Update>(weights, biases)) {
    if (update.lanes)
      LLVM::MaskedStoreOp::create(b, update.sum, update.address, update.lanes, b.elementBytes());
    else
      b.store(update.sum, update.address, b.elementBytes());
  }
}

void OuterBlock::emitInFours(Value row, int64_t rows, Value from, Value whole, bool withTail) {
  constexpr int64_t group = 4;
  int64_t lanes = b.shape.lanes;
  Value grouped = b.add(from, b.mul(b.div(whole, group), group * lanes));
  b.loop(from, grouped, group * lanes, [&](Value column) { emit(row, rows, group, /*withTail=*/false, column); });
  b.dispatch(b.sub(whole, b.mul(b.div(whole, group), group)), {0, 1, 2, 3}, [&](int64_t count) {
    if (count || withTail)
      emit(row, rows, count, withTail, grouped);
  });
}

void OuterBlock::emitInThrees(Value row, int64_t rows, Value from, Value whole, bool withTail) {
  int64_t lanes = b.shape.lanes;
  auto after = [&](Value column, Value vectors) { return b.add(column, b.mul(vectors, lanes)); };
  auto isEqual = [&](Value a, int64_t value) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, a, b.i64(value));
  };
  // Up to four vectors are left, which are a pair and its like if there are four.
  Value count = b.add(whole, withTail);
  Value threes = arith::DivSIOp::create(b, b.add(count, -2), b.i64(3));
  Value left = b.sub(count, b.mul(threes, 3)), rest = after(from, b.mul(threes, 3));
  auto emitThree = [&](Value column) { emit(row, rows, 3, /*withTail=*/false, column); };
  if (withTail) {
    b.loop(from, rest, 3 * lanes, emitThree);
    Value hasPair = isEqual(left, 4), pairs = arith::SelectOp::create(b, hasPair, b.i64(2), b.i64(0));
    b.when(hasPair, [&] { emit(row, rows, 2, /*withTail=*/false, rest); });
    b.dispatch(b.sub(b.add(left, -1), pairs), {0, 1, 2},
               [&](int64_t last) { emit(row, rows, last, /*withTail=*/true, after(rest, pairs)); });
    return;
  }
  Value isThree = isEqual(left, 3), lastThree = arith::SelectOp::create(b, isThree, b.i64(3), b.i64(0));
  Value pairs = after(rest, lastThree), end = after(from, whole);
  b.loop(from, pairs, 3 * lanes, emitThree);
  b.when(
      isEqual(left, 1), [&] { emit(row, rows, 1, /*withTail=*/false, rest); },
      [&] { b.loop(pairs, end, 2 * lanes, [&](Value column) { emit(row, rows, 2, /*withTail=*/false, column); }); });
}

void OuterBlock::emitRows(Value row, int64_t rows, Value from, Value to) {
  Value whole = b.div(b.sub(b.min(to, wholeInputs), from), b.shape.lanes);
  auto emitAll = [&](bool withTail) {
    if (b.shape.unit->registers >= 32)
      emitInFours(row, rows, from, whole, withTail);
    else
      emitInThrees(row, rows, from, whole, withTail);
  };
  if (!tailLanes)
    emitAll(false);
  else if (mask == OuterMask::None)
    emitAll(true);
  else
    b.when(
        b.less(wholeInputs, to), [&] { emitAll(true); }, [&] { emitAll(false); });
}

void OuterBlock::emitBias(Value rows) {
  Value vectors = b.div(b.add(lanesInUse, b.shape.lanes - 1), b.shape.lanes);
  b.loop(b.i64(0), rows, 1, [&](Value r) {
    Value row = b.at(g, b.mul(r, b.shape.rowStride()));
    SmallVector<Value> sum =
        b.loop(b.i64(0), vectors, 1, b.splat(0.0), [&](Value j, ValueRange carried) -> SmallVector<Value> {
          return {arith::AddFOp::create(b, carried[0], b.load(b.at(row, b.mul(j, b.shape.lanes))))};
        });
    Value address = b.at(bias, r);
    b.store(arith::AddFOp::create(b, loadBefore(address), reduceLanes(b, sum[0])), address, b.elementBytes());
  });
}

func::FuncOp flowc::getOrCreateOuter(ModuleOp module, const TileShape &shape, int64_t columns, OuterMask mask,
                                     bool wholeOnly) {
  int64_t lanes = shape.lanes, tail = wholeOnly ? 0 : columns % lanes;
  // Half a vector takes half the time where a vector is two halves to the
  // processor; elsewhere nothing is lost.
  int64_t tailLanes = tail == 0 ? 0 : tail + 1 <= lanes / 2 && shape.unit->registers >= 32 ? lanes / 2 : lanes;
  std::string name = wholeOnly ? "outer_whole" : "outer";
  if (tailLanes)
    name += "_tail" + std::to_string(tailLanes);
  if (mask != OuterMask::None)
    name += mask == OuterMask::Above ? "_above" : "_at_least";
  auto emit = [&](KernelBuilder &b, ValueRange arguments) {
    Value g = arguments[0], table = arguments[4], inputs = arguments[9];
    Value wholeInputs = b.mul(b.div(inputs, lanes), lanes);
    Value pitch = wholeOnly ? wholeInputs : b.mul(b.div(b.add(inputs, lanes - 1), lanes), lanes);
    Value lanesInUse = b.mul(b.div(b.add(arguments[10], 3), 4), 4);
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, arguments[11], b.i64(0));
    b.loop(arguments[7], arguments[8], 1, [&](Value index) {
      auto entry = [&](DenseTable field) { return b.tableEntry(table, index, DenseTableStride, field); };
      Value row = entry(RowBegin), rows = entry(RowCount), begin = entry(InputBegin);
      Value end = b.add(begin, entry(InputCount));
      OuterBlock block{b,
                       mask,
                       tailLanes,
                       b.at(g, b.mul(row, shape.rowStride())),
                       arguments[1],
                       pitch,
                       b.at(arguments[2], b.mul(row, inputs)),
                       b.at(arguments[3], row),
                       b.at(arguments[5], row, b.getI32Type()),
                       arguments[6],
                       inputs,
                       wholeInputs,
                       lanesInUse,
                       isFirst};
      // From the vector that holds the first column to the end of the last one's.
      bool all = mask == OuterMask::None;
      Value from = all ? b.i64(0) : b.mul(b.div(begin, lanes), lanes);
      Value to = all ? pitch : b.mul(b.div(b.add(end, lanes - 1), lanes), lanes);
      b.when(
          b.less(rows, b.i64(maxOuterRows)),
          [&] { b.loop(b.i64(0), rows, 1, [&](Value r) { block.emitRows(r, 1, from, to); }); },
          [&] { block.emitRows(b.i64(0), maxOuterRows, from, to); });
      if (wholeOnly)
        return;
      if (!tailLanes)
        block.emitBias(rows);
      else if (mask != OuterMask::None)
        b.when(
            b.less(wholeInputs, to), [] {}, [&] { block.emitBias(rows); });
    });
  };
  return KernelBuilder::getOrCreate(module, shape, name, 7, {false, false, false, false, false}, emit);
}
