//===- MicroKernelsDots.cpp - Small weight gradients from a tile ----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The products of few outputs or few inputs, summed over lanes. Transposing inputs for
// a few rows, or filling a vector with a few columns, would be most of the work. Here
// vectors run along lanes: a block of rows and columns has as many sums as a vector has
// lanes, and a tree of blends makes them one vector.
//
//===----------------------------------------------------------------------===//

#include "MicroKernelsBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace flowc;
using namespace mlir;

/// Lane i of the result is the sum over all lanes of vector i. Each step adds the lanes
/// whose numbers differ in one bit, and keeps them where the vector's number has that bit.
static Value sumLanesOfEach(KernelBuilder &b, SmallVector<Value> vectors) {
  int64_t lanes = b.shape.lanes;
  vectors.resize(lanes, vectors.back());
  for (int64_t half = lanes / 2; half > 0; half /= 2) {
    SmallVector<int64_t> own, other;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      int64_t from = lane & half ? lanes : 0;
      own.push_back(from + lane);
      other.push_back(from + (lane ^ half));
    }
    for (int64_t i = 0; i < half; ++i) {
      Value a = vectors[i], c = vectors[i + half];
      vectors[i] = arith::AddFOp::create(b, b.shuffle(a, c, own), b.shuffle(a, c, other));
    }
    vectors.resize(half);
  }
  return vectors.front();
}

namespace {
/// The gradient of some weights and of all biases.
struct DotsEmitter {
  KernelBuilder &b;
  DotsShape block;
  bool hasAllColumns; // A block's sums lie one behind the other.
  OuterMask mask;
  Value g, x, weight, bias, outRanks, inRanks, inputs, lanesInUse, isFirst;

  /// Rows [row, row + rows), at most `block.rows`, and columns [column, end), of which at
  /// most `block.columns`.
  void emitWeights(Value row, Value rows, Value column, Value end);
  /// As many rows as a vector has lanes, from row `row` on, if there are so many.
  void emitBias(Value row, Value end);

private:
  /// Lane by lane the products of `rows` rows at `outputs` and `columns` rows at `from`; of no
  /// columns: the former themselves.
  SmallVector<Value> sumProducts(Value outputs, int64_t rows, Value from, int64_t columns);
  /// Which of the lanes exist by their ranks, those of output lane / block.columns and
  /// input lane % block.columns; null: all.
  Value findExisting(Value row, Value column, int64_t lanes);
  /// A sum to add to memory, in some lanes.
  struct Update {
    Value sum, address, lanes;
  };
  void addToMemory(ArrayRef<Update> updates);
};
} // namespace

SmallVector<Value> DotsEmitter::sumProducts(Value outputs, int64_t rows, Value from, int64_t columns) {
  int64_t lanes = b.shape.lanes;
  Value zero = b.splat(0.0);
  auto addVector = [&](Value vector, ValueRange sums, Value exist) {
    Value lane = b.mul(vector, lanes);
    auto load = [&](Value base, int64_t row) -> Value {
      Value address = b.at(b.at(base, lane), row * b.shape.rowStride());
      return exist ? LLVM::MaskedLoadOp::create(b, b.shape.vectorType(), address, exist, zero, b.vectorBytes())
                         .getResult()
                   : b.load(address);
    };
    SmallVector<Value> loaded, next;
    for (int64_t c = 0; c < columns; ++c)
      loaded.push_back(load(from, c));
    for (int64_t r = 0; r < rows; ++r) {
      Value output = load(outputs, r);
      if (columns == 0)
        next.push_back(arith::AddFOp::create(b, sums[r], output));
      for (Value input : loaded)
        next.push_back(math::FmaOp::create(b, output, input, sums[next.size()]));
    }
    return next;
  };
  SmallVector<Value> sums(rows * std::max<int64_t>(columns, 1), zero);
  Value whole = b.div(lanesInUse, lanes), all = b.div(b.add(lanesInUse, lanes - 1), lanes);
  sums = b.loop(b.i64(0), whole, 1, sums,
                [&](Value vector, ValueRange carried) { return addVector(vector, carried, /*exist=*/{}); });
  // Zero times infinity, in a lane that belongs to no row, must not count.
  return b.loop(whole, all, 1, sums, [&](Value vector, ValueRange carried) {
    return addVector(vector, carried, b.lanesBelow(lanes, b.sub(lanesInUse, b.mul(vector, lanes))));
  });
}

Value DotsEmitter::findExisting(Value row, Value column, int64_t lanes) {
  if (mask == OuterMask::None)
    return {};
  auto ranksOf = [&](Value ranks, Value first, llvm::function_ref<int64_t(int64_t)> of) {
    Value loaded = b.load(VectorType::get({b.shape.lanes}, b.getI32Type()), b.at(ranks, first, b.getI32Type()), 4);
    SmallVector<int64_t> from;
    for (int64_t lane = 0; lane < lanes; ++lane)
      from.push_back(of(lane));
    return b.shuffle(loaded, loaded, from);
  };
  Value out = ranksOf(outRanks, row, [&](int64_t lane) { return lane / block.columns; });
  Value in = ranksOf(inRanks, column, [&](int64_t lane) { return lane % block.columns; });
  auto predicate = mask == OuterMask::Above ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::sge;
  return arith::CmpIOp::create(b, predicate, out, in);
}

/// All loads come before all stores, which a load of a neighbour's lanes would wait for.
void DotsEmitter::addToMemory(ArrayRef<Update> updates) {
  SmallVector<Value> sums;
  for (const Update &update : updates) {
    Type type = update.sum.getType();
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    Value memory = LLVM::MaskedLoadOp::create(b, type, update.address, update.lanes, zero, b.elementBytes());
    sums.push_back(arith::AddFOp::create(b, arith::SelectOp::create(b, isFirst, zero, memory), update.sum));
  }
  for (auto [update, sum] : llvm::zip_equal(updates, sums))
    LLVM::MaskedStoreOp::create(b, sum, update.address, update.lanes, b.elementBytes());
}

void DotsEmitter::emitWeights(Value row, Value rows, Value column, Value end) {
  int64_t lanes = b.shape.lanes;
  Value outputs = b.at(g, b.mul(row, b.shape.rowStride())), from = b.at(x, b.mul(column, b.shape.rowStride()));
  Value sum = sumLanesOfEach(b, sumProducts(outputs, block.rows, from, block.columns));
  // Vectors of sums that lie one behind the other: one, or one for each row.
  int64_t pieces = hasAllColumns ? 1 : block.rows, width = lanes / pieces;
  Value left = hasAllColumns ? b.mul(rows, block.columns) : b.sub(end, column);
  SmallVector<Update> updates;
  for (int64_t piece = 0; piece < pieces; ++piece) {
    Value here = b.add(row, piece), address = b.at(weight, b.add(b.mul(here, inputs), column));
    Value count = piece == 0 ? left : arith::SelectOp::create(b, b.less(b.i64(piece), rows), left, b.i64(0));
    Value exist = b.lanesBelow(width, count);
    if (Value ranked = findExisting(here, column, width))
      exist = arith::AndIOp::create(b, exist, ranked);
    Value part =
        pieces == 1 ? sum : b.shuffle(sum, sum, llvm::to_vector(llvm::seq(piece * width, (piece + 1) * width)));
    updates.push_back({part, address, exist});
  }
  addToMemory(updates);
}

void DotsEmitter::emitBias(Value row, Value end) {
  int64_t lanes = b.shape.lanes;
  Value outputs = b.at(g, b.mul(row, b.shape.rowStride()));
  Value sum = sumLanesOfEach(b, sumProducts(outputs, lanes, /*from=*/{}, /*columns=*/0));
  addToMemory({{sum, b.at(bias, row), b.lanesBelow(lanes, b.sub(end, row))}});
}

SmallVector<DotsShape> TileShape::dotsShapes(int64_t columns) const {
  SmallVector<DotsShape> shapes;
  if (!unit->hasMasks)
    return shapes;
  for (int64_t rows : {1, 2, 4})
    if (lanes / rows < columns)
      shapes.push_back({rows, lanes / rows});
  if (columns <= lanes)
    shapes.push_back({lanes / columns, columns});
  return shapes;
}

func::FuncOp flowc::getOrCreateDots(ModuleOp module, const TileShape &shape, DotsShape block, int64_t columns,
                                    OuterMask mask) {
  bool hasAllColumns = block.columns == columns;
  std::string name = "dots_" + std::to_string(block.rows) + "x" + std::to_string(block.columns);
  if (hasAllColumns)
    name += "_all";
  if (mask != OuterMask::None)
    name += mask == OuterMask::Above ? "_above" : "_at_least";
  auto emit = [&](KernelBuilder &b, ValueRange arguments) {
    Value table = arguments[4], outputs = arguments[9];
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, arguments[12], b.i64(0));
    DotsEmitter dots{b,
                     block,
                     hasAllColumns,
                     mask,
                     arguments[0],
                     arguments[1],
                     arguments[2],
                     arguments[3],
                     arguments[5],
                     arguments[6],
                     /*inputs=*/arguments[10],
                     /*lanesInUse=*/arguments[11],
                     isFirst};
    b.loop(arguments[7], arguments[8], 1, [&](Value index) {
      auto entry = [&](DenseTable field) { return b.tableEntry(table, index, DenseTableStride, field); };
      Value row = entry(RowBegin), rows = entry(RowCount), begin = entry(InputBegin);
      Value end = b.add(begin, entry(InputCount));
      if (hasAllColumns)
        b.when(b.less(begin, end), [&] { dots.emitWeights(row, rows, b.i64(0), end); });
      else
        b.loop(begin, end, block.columns, [&](Value column) { dots.emitWeights(row, rows, column, end); });
    });
    b.loop(b.i64(0), outputs, shape.lanes, [&](Value row) { dots.emitBias(row, outputs); });
  };
  return KernelBuilder::getOrCreate(module, shape, name, 7, {false, false, false, false, false, false}, emit);
}
