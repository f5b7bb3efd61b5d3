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

#include "TileEmitter.h"
#include "flowc/Dialect/Flow/IR/FlowBlock.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;

/// Steps of Newton's method before every other one is a bisection, at most, and at
/// most for a first guess.
static constexpr int64_t kFreeSteps = 24, kMaxSteps = 200, kGuessSteps = 10;

/// How near a first guess has to come, relative to what the activations add up to.
static constexpr double kGuessTolerance = 0.01;

namespace {
/// Arithmetic on vectors of lanes.
struct Lanes {
  ImplicitLocOpBuilder &b;
  VectorType type;

  Value constant(double value) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, Attribute(b.getFloatAttr(type.getElementType(), value))));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value mul(double x, Value y) { return mul(constant(x), y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, x, y, z); }
  Value abs(Value x) { return math::AbsFOp::create(b, x); }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, condition, x, y); }
  Value less(Value x, Value y) { return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y); }
  /// Also true of NaN.
  Value atMostOrNaN(Value x, Value y) { return arith::CmpFOp::create(b, arith::CmpFPredicate::ULE, x, y); }
  Value atLeastOrNaN(Value x, Value y) { return arith::CmpFOp::create(b, arith::CmpFPredicate::UGE, x, y); }
  Value all(Value lanes) { return vector::ReductionOp::create(b, vector::CombiningKind::AND, lanes); }
  double epsilon() const {
    return std::ldexp(1.0, 1 - int(APFloat::semanticsPrecision(type.getElementType().isF64()
                                                                   ? APFloat::IEEEdouble()
                                                                   : APFloat::IEEEsingle())));
  }
};
} // namespace

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
      forEach(index(columns), [&](Value column) {
        store(to, add(target, column), nullptr, load(from, add(source, column), nullptr));
      });
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

/// Blocks of the dense micro-kernel: up to four of `rows` rows each.
static void forEachRowGroup(int64_t rows, llvm::function_ref<void(int64_t first, int64_t count)> body) {
  for (int64_t row = 0; row < rows; row += maxBlockRows)
    body(row, std::min(maxBlockRows, rows - row));
}

static void appendBlock(SmallVectorImpl<int32_t> &table, ArrayRef<int64_t> fields) {
  assert(fields.size() == DenseTableStride);
  table.append(fields.begin(), fields.end());
}

/// Biases of up to `rows` rows that are zero: zeros of any type are zero bits.
static SmallVector<int32_t> makeZeros(int64_t rows) { return SmallVector<int32_t>(2 * rows, 0); }

/// The dense micro-kernel reads each block's own piece of x.
LogicalResult TileEmitter::emitBlockRows(BlockDenseOp op) {
  Storage weight = find(op.getWeight());
  int64_t blocks = op.getBlocks(), inner = op.getWeight().getType().getDimSize(1);
  int64_t outer = op.getWeight().getType().getDimSize(0) / blocks;
  bool transposed = op.getTransposed();
  int64_t rows = transposed ? inner : outer, columns = transposed ? outer : inner;
  int64_t rowStride = transposed ? 1 : inner, columnStride = transposed ? inner : 1;
  SmallVector<int32_t> fields;
  for (int64_t block = 0; block < blocks; ++block)
    forEachRowGroup(rows, [&](int64_t row, int64_t count) {
      appendBlock(fields, {block * rows + row, count, block * columns, columns, /*bias=*/0,
                           block * outer * inner + row * rowStride, rowStride, columnStride});
    });
  Storage x = materialize(find(op.getX()), op.getX().getType());
  Storage y = allocateResult(op);
  Region none;
  callDense(none, {pointer(weight), table(makeZeros(maxBlockRows)), table(fields), x, y, index(0),
                   index(fields.size() / DenseTableStride)});
  macs += blocks * outer * inner * macsFactor;
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

/// A sweep over the blocks of a network, and the block and vector it is at.
struct TileEmitter::BlockSweep {
  int64_t dim = 0;
  /// Units per block after every layer; the last is 1.
  SmallVector<int64_t> units;
  SmallVector<Storage> weights, diagonals;
  /// Of every layer: pointers to the biases, the micro-kernel's table, the first
  /// block in it for each coordinate.
  SmallVector<Value> biases, blocks, blockEnds;
  /// What the units of the block get from finished blocks.
  SmallVector<Storage> raw;
  /// The block; the vector of the tile from which on lanes are handled at a time,
  /// as many as `type` has.
  Value block, vector;
  VectorType type;

  int64_t depth() const { return int64_t(units.size()) - 1; }
};

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
      forEachRowGroup(rows, [&](int64_t row, int64_t count) {
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
    sweep.biases.push_back(transposed ? table(makeZeros(maxBlockRows)) : pointer(find(biases[layer])));
    sweep.blocks.push_back(table(fields));
    sweep.blockEnds.push_back(table(ends));
    sweep.raw.push_back(allocate(RankedTensorType::get({rows}, shape.element)));
    macs += (dim * (dim + 1) / 2) * rows * columns * macsFactor;
  }
  return sweep;
}

/// raw = what the block's rows of `layer` get from finished blocks.
void TileEmitter::emitBlockProduct(const BlockSweep &sweep, int64_t layer, const Storage &from) {
  Region none;
  callDense(none, {pointer(sweep.weights[layer]), sweep.biases[layer], sweep.blocks[layer], from, sweep.raw[layer],
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
    Value value = LLVM::LoadOp::create(b, storage.elementType, address(storage, element, nullptr));
    return vector::BroadcastOp::create(b, type, value);
  }
  int64_t alignment = shape.lanes * shape.element.getWidth() / 8;
  return LLVM::LoadOp::create(b, type, address(storage, element, vector), alignment);
}

void TileEmitter::storeLanes(const Storage &storage, Value element, Value vector, Value value) {
  int64_t alignment = shape.lanes * shape.element.getWidth() / 8;
  LLVM::StoreOp::create(b, value, address(storage, element, vector), alignment);
}

/// for (i = 0; i < count; ++i) with values carried along.
SmallVector<Value> TileEmitter::forUnits(int64_t count, ValueRange init,
                                         llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, index(0), index(count), index(1), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(b, next);
  return SmallVector<Value>(loop.getResults());
}

namespace {
/// What a block computes at t: f(t) - y, f'(t), and the sum of the sizes of the
/// terms.
struct BlockPoint {
  Value residual, slope, size;
};
/// Where a block's units and their derivatives by t are written; no place: nowhere.
struct BlockUnits {
  SmallVector<std::optional<Storage>> values, slopes;
};
} // namespace

/// Emits a sweep that solves an equation per block.
class TileEmitter::BlockSolver {
public:
  BlockSolver(TileEmitter &tile, BlockSweepOp op)
      : tile(tile), op(op), b(tile.b), lanes{b, tile.shape.vectorType()},
        sweep(tile.beginBlockSweep(op.getWeights(), op.getBiases(), op.getDiagonals(),
                                   op.getY().getType().getNumElements())),
        depth(sweep.depth()), isBounded(!op.getBounds().empty()) {}

  LogicalResult emit();

private:
  /// Where a search ends: the last point that f was computed at, what is added to
  /// it unseen, and whether that is a root.
  struct Root {
    Value t, last, isFound;
  };

  std::pair<Value, Value> emitActivation(Region &activation, Value z);
  BlockPoint emitPoint(Region &activation, Value t, const BlockUnits &to);
  Value emitLinear(Value start);
  std::pair<Value, Value> emitBracket();
  Root emitSearch(Value first, Value reach, llvm::function_ref<BlockPoint(Value)> function, Value tolerance);
  void emitSolve();
  void emitGroups(Value from, Value to, int64_t vectors);
  Value load(const Storage &storage, Value element) {
    return tile.loadLanes(storage, element, sweep.vector, sweep.type);
  }
  void store(const Storage &storage, Value element, Value value) {
    tile.storeLanes(storage, element, sweep.vector, value);
  }
  Value bound(int64_t number) { return load(bounds[number], sweep.block); }

  TileEmitter &tile;
  BlockSweepOp op;
  ImplicitLocOpBuilder &b;
  Lanes lanes;
  BlockSweep sweep;
  int64_t depth;
  bool isBounded;
  Storage x, y, logDet;
  SmallVector<Storage> hidden, bounds, shared;
  SmallVector<BodyValue> sharedValues;
  BlockUnits scratch;
  /// f(t) - y without the block's own part, of which slope is zero.
  BlockPoint start;
  LogicalResult status = success();
};

/// The activation of z and its derivative.
std::pair<Value, Value> TileEmitter::BlockSolver::emitActivation(Region &activation, Value z) {
  Block &body = activation.front();
  BodyMap values;
  values[body.getArgument(0)] = {z};
  for (auto [argument, value] : llvm::zip_equal(body.getArguments().drop_front(), sharedValues))
    values[argument] = value;
  BodyEmitter emitter(b, sweep.type.getDimSize(0));
  if (failed(emitter.emit(body, values))) {
    status = failure();
    return {z, z};
  }
  SmallVector<BodyValue> yielded = emitter.getYielded(body, values);
  b.setLoc(op.getLoc());
  return {yielded[0].front(), yielded[1].front()};
}

/// The block's own part of the network at t.
BlockPoint TileEmitter::BlockSolver::emitPoint(Region &activation, Value t, const BlockUnits &to) {
  SmallVector<Value> sums{start.residual, start.slope, start.size};
  for (int64_t layer = 0; layer < depth; ++layer) {
    bool isLast = layer == depth - 1;
    auto emitUnit = [&](Value i, ValueRange carried) -> SmallVector<Value> {
      Value z = load(sweep.raw[layer], i), slope;
      if (layer == 0) {
        slope = tile.loadBlockWeight(sweep, 0, i, nullptr);
        z = lanes.fma(slope, t, z);
      } else {
        auto emitTerm = [&](Value k, ValueRange before) {
          Value weight = tile.loadBlockWeight(sweep, layer, i, k);
          return SmallVector<Value>{lanes.fma(weight, load(*to.values[layer - 1], k), before[0]),
                                    lanes.fma(weight, load(*to.slopes[layer - 1], k), before[1])};
        };
        SmallVector<Value> inner = tile.forUnits(sweep.units[layer - 1], {z, lanes.constant(0)}, emitTerm);
        z = inner[0];
        slope = inner[1];
      }
      auto [value, derivative] = emitActivation(activation, z);
      slope = lanes.mul(derivative, slope);
      if (to.values[layer])
        store(*to.values[layer], i, value);
      if (to.slopes[layer])
        store(*to.slopes[layer], i, slope);
      if (!isLast)
        return {};
      Value weight = tile.loadBlockWeight(sweep, depth, tile.index(0), i);
      return {lanes.fma(weight, value, carried[0]), lanes.fma(weight, slope, carried[1]),
              lanes.fma(weight, lanes.abs(value), carried[2])};
    };
    SmallVector<Value> next =
        tile.forUnits(sweep.units[layer], isLast ? ValueRange(sums) : ValueRange(), emitUnit);
    if (isLast)
      sums = next;
  }
  return {sums[0], sums[1], sums[2]};
}

/// The last layer at t = 0, starting from `begin`, for the activation leak * z.
Value TileEmitter::BlockSolver::emitLinear(Value begin) {
  Value sum = begin;
  double leak = op.getLeak().convertToDouble();
  for (int64_t layer = 0; layer < depth; ++layer) {
    bool isLast = layer == depth - 1;
    auto emitUnit = [&](Value i, ValueRange carried) -> SmallVector<Value> {
      Value z = load(sweep.raw[layer], i);
      if (layer > 0) {
        auto emitTerm = [&](Value k, ValueRange before) {
          Value weight = tile.loadBlockWeight(sweep, layer, i, k);
          return SmallVector<Value>{lanes.fma(weight, load(*scratch.values[layer - 1], k), before[0])};
        };
        z = tile.forUnits(sweep.units[layer - 1], z, emitTerm).front();
      }
      z = lanes.mul(leak, z);
      if (isLast)
        return {lanes.fma(tile.loadBlockWeight(sweep, depth, tile.index(0), i), z, carried[0])};
      store(*scratch.values[layer], i, z);
      return {};
    };
    SmallVector<Value> next =
        tile.forUnits(sweep.units[layer], isLast ? ValueRange(sum) : ValueRange(), emitUnit);
    if (isLast)
      sum = next.front();
  }
  return sum;
}

/// Two points that the root lies between, with room for rounding, which costs
/// nothing: far from zero the function is all but linear.
std::pair<Value, Value> TileEmitter::BlockSolver::emitBracket() {
  Value reciprocal = bound(0), linear = emitLinear(start.residual);
  Value middle = arith::NegFOp::create(b, lanes.mul(linear, reciprocal));
  Value room = lanes.mul(1e-3, lanes.add(start.size, lanes.abs(linear)));
  Value width = lanes.mul(lanes.fma(bound(1), lanes.constant(1.001), room), reciprocal);
  return {lanes.sub(middle, width), lanes.add(middle, width)};
}

/// Newton's method for all lanes at once. A lane that is done keeps its t, so that
/// the needs of others do not show in its results. With a `tolerance`, which |f| has
/// to reach, it is a search for a first guess.
TileEmitter::BlockSolver::Root
TileEmitter::BlockSolver::emitSearch(Value first, Value reach, llvm::function_ref<BlockPoint(Value)> function,
                                     Value tolerance) {
  double epsilon = lanes.epsilon();
  Value zero = lanes.constant(0), infinity = lanes.constant(std::numeric_limits<double>::infinity());
  Value firstStep = tile.index(0), one = tile.index(1);
  SmallVector<Value> init{first, arith::NegFOp::create(b, infinity), infinity, zero, reach, firstStep};
  SmallVector<Type> types(TypeRange{ValueRange(init)});
  Type vector = sweep.type, mask = VectorType::get(sweep.type.getShape(), b.getI1Type());
  SmallVector<Type> results{vector, vector, mask};
  llvm::append_range(results, types);
  SmallVector<Location> locations(results.size(), b.getLoc());
  auto loop = scf::WhileOp::create(b, results, init);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, types, ArrayRef(locations).take_front(types.size()));
  Value t = before->getArgument(0), lower = before->getArgument(1), upper = before->getArgument(2),
        previous = before->getArgument(3), limit = before->getArgument(4), step = before->getArgument(5);
  BlockPoint point = function(t);
  Value f = point.residual, size = lanes.abs(f);
  upper = lanes.select(lanes.less(zero, f), t, upper);
  lower = lanes.select(lanes.less(f, zero), t, lower);
  Value newton = arith::NegFOp::create(b, lanes.div(f, point.slope));

  // What is added to t unseen: nothing, or NaN if f is not a number.
  Value isDone, last;
  if (tolerance) {
    isDone = lanes.atMostOrNaN(size, tolerance);
    last = newton;
  } else {
    Value rounding = lanes.fma(point.slope, lanes.abs(t), point.size);
    isDone = lanes.atMostOrNaN(size, lanes.mul(2 * epsilon, rounding));
    last = lanes.mul(0, f);
  }
  if (!tolerance && isBounded) {
    Value square = lanes.mul(newton, newton);
    Value isExact =
        lanes.both(lanes.atMostOrNaN(lanes.mul(square, bound(2)), lanes.mul(epsilon, point.size)),
                   lanes.atMostOrNaN(lanes.mul(square, bound(3)), lanes.constant(epsilon)));
    isDone = lanes.either(isDone, isExact);
    last = lanes.select(isExact, newton, last);
  }

  Value hasFlipped = lanes.less(lanes.mul(f, previous), zero);
  Value fellShort = lanes.both(hasFlipped, lanes.less(lanes.mul(0.5, lanes.abs(previous)), size));
  Value isLong = lanes.less(limit, lanes.abs(newton));
  Value distance = lanes.select(isLong, math::CopySignOp::create(b, limit, newton), newton);
  limit = lanes.select(isLong, lanes.add(limit, limit), limit);
  Value next = lanes.add(t, distance);
  Value isOutside = lanes.either(lanes.atMostOrNaN(next, lower), lanes.atLeastOrNaN(next, upper));
  Value isBisection = lanes.either(fellShort, isOutside);
  if (!tolerance) {
    Value isLate = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, step, tile.index(kFreeSteps));
    Value isOdd = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, arith::AndIOp::create(b, step, one), one);
    Value isForced = vector::BroadcastOp::create(b, mask, arith::AndIOp::create(b, isLate, isOdd));
    isBisection = lanes.either(isBisection, isForced);
  }
  isBisection = lanes.both(isBisection, lanes.less(lanes.sub(upper, lower), infinity));
  Value middle = lanes.add(lanes.mul(0.5, lower), lanes.mul(0.5, upper));
  next = lanes.select(isDone, t, lanes.select(isBisection, middle, next));

  Value hasSteps = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, step,
                                         tile.index(tolerance ? kGuessSteps : kMaxSteps));
  Value isOpen = arith::XOrIOp::create(b, lanes.all(isDone), arith::ConstantOp::create(b, b.getBoolAttr(true)));
  scf::ConditionOp::create(
      b, arith::AndIOp::create(b, hasSteps, isOpen),
      ValueRange{t, last, isDone, next, lower, upper, f, limit, arith::AddIOp::create(b, step, one)});
  b.createBlock(&loop.getAfter(), {}, results, locations);
  scf::YieldOp::create(b, loop.getAfterArguments().drop_front(3));
  return {loop.getResult(0), loop.getResult(1), loop.getResult(2)};
}

/// One coordinate of one vector of lanes.
void TileEmitter::BlockSolver::emitSolve() {
  Value d = sweep.block, zero = lanes.constant(0);
  sharedValues.clear();
  for (const Storage &storage : shared) {
    BodyValue &value = sharedValues.emplace_back();
    for (int64_t i = 0; i < storage.elements; ++i)
      value.push_back(load(storage, tile.index(i)));
  }
  BlockUnits units, nowhere = scratch;
  for (int64_t layer = 0; layer < depth; ++layer) {
    Value firstUnit = tile.mul(d, tile.index(sweep.units[layer]));
    units.values.push_back(tile.slice(hidden[layer], firstUnit, sweep.units[layer]));
    units.slopes.push_back(scratch.slopes[layer]);
  }
  // Without bounds no step is unseen, and nobody reads the last layer's slopes.
  if (!isBounded)
    units.slopes.back() = std::nullopt;
  nowhere.values.back() = nowhere.slopes.back() = std::nullopt;
  if (op.getOffset()) {
    Storage offset = tile.find(op.getOffset());
    tile.forUnits(sweep.units[0], {}, [&](Value i, ValueRange) -> SmallVector<Value> {
      Value extra = load(offset, tile.add(tile.mul(d, tile.index(sweep.units[0])), i));
      store(sweep.raw[0], i, lanes.add(load(sweep.raw[0], i), extra));
      return {};
    });
  }
  Value base = load(sweep.raw[depth], tile.index(0)), target = load(y, d);
  start = {lanes.sub(base, target), zero, lanes.add(lanes.abs(base), lanes.abs(target))};

  Value first = zero, reach = lanes.constant(1);
  if (isBounded) {
    auto [low, high] = emitBracket();
    auto clip = [&, low = low, high = high](Value t) {
      return lanes.select(lanes.less(t, low), low, lanes.select(lanes.less(high, t), high, t));
    };
    first = clip(zero);
    reach = bound(4);
    if (!op.getSurrogate().empty()) {
      auto evaluate = [&](Value t) { return emitPoint(op.getSurrogate(), t, nowhere); };
      Root guess = emitSearch(first, reach, evaluate, lanes.mul(kGuessTolerance, bound(1)));
      first = clip(lanes.add(guess.t, lanes.select(guess.isFound, guess.last, zero)));
    }
  }
  auto evaluate = [&](Value t) { return emitPoint(op.getActivation(), t, units); };
  Root root = emitSearch(first, reach, evaluate, /*tolerance=*/nullptr);
  Value last = lanes.select(root.isFound, root.last, lanes.constant(std::numeric_limits<double>::quiet_NaN()));
  Value solution = lanes.add(root.t, last);
  store(x, d, solution);
  // The units follow the last step; NaN spreads to later coordinates.
  for (int64_t layer = 0; layer < depth; ++layer)
    tile.forUnits(sweep.units[layer], {}, [&](Value i, ValueRange) -> SmallVector<Value> {
      Value value = load(*units.values[layer], i);
      value = isBounded ? lanes.fma(load(*units.slopes[layer], i), last, value) : lanes.add(value, last);
      store(*units.values[layer], i, value);
      return {};
    });
  if (op.getLogDet().use_empty())
    return;
  // Newton's slope belongs to the point before the last step.
  Value log = math::LogOp::create(b, emitPoint(op.getActivation(), solution, nowhere).slope);
  store(logDet, nullptr, lanes.add(load(logDet, nullptr), log));
}

LogicalResult TileEmitter::BlockSolver::emit() {
  y = tile.materialize(tile.find(op.getY()), op.getY().getType());
  x = tile.allocateResult(op.getX());
  logDet = tile.allocateResult(op.getLogDet());
  auto allocate = [&](int64_t count) { return tile.allocate(RankedTensorType::get({count}, tile.shape.element)); };
  for (int64_t layer = 0; layer < depth; ++layer) {
    int64_t units = sweep.units[layer];
    hidden.push_back(allocate(units * sweep.dim));
    scratch.values.push_back(allocate(units));
    scratch.slopes.push_back(allocate(units));
  }
  for (Value bound : op.getBounds())
    bounds.push_back(tile.find(bound));
  for (Value operand : op.getShared())
    shared.push_back(tile.find(operand));
  if (!op.getLogDet().use_empty())
    tile.forEachVector([&](Value j) { tile.store(logDet, nullptr, j, lanes.constant(0)); });
  tile.forEach(tile.index(sweep.dim), [&](Value d) {
    sweep.block = d;
    for (int64_t layer = 0; layer <= depth; ++layer)
      tile.emitBlockProduct(sweep, layer, layer == 0 ? x : hidden[layer - 1]);
    // Two vectors at a time hide each other's latencies, if there are registers.
    int64_t group = tile.shape.registers >= 32 ? 2 : 1;
    Value vectors = tile.numVectors, size = tile.index(group);
    Value grouped = tile.mul(arith::DivUIOp::create(b, vectors, size), size);
    emitGroups(tile.index(0), grouped, group);
    if (group > 1)
      emitGroups(grouped, vectors, 1);
  });
  return status;
}

/// Vectors from `from` to `to` of the tile, `vectors` at a time.
void TileEmitter::BlockSolver::emitGroups(Value from, Value to, int64_t vectors) {
  sweep.type = VectorType::get({vectors * tile.shape.lanes}, tile.shape.element);
  lanes.type = sweep.type;
  auto loop = scf::ForOp::create(b, from, to, tile.index(vectors));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  sweep.vector = loop.getInductionVar();
  emitSolve();
}

LogicalResult TileEmitter::emitBlocks(BlockSweepOp op) {
  if (uniform)
    return op.emitOpError("of parameters only is not supported");
  return BlockSolver(*this, op).emit();
}

LogicalResult TileEmitter::emitBlocks(BlockAdjointOp op) {
  if (uniform)
    return op.emitOpError("of parameters only is not supported");
  auto type = cast<RankedTensorType>(op.getG().getType());
  BlockSweep sweep =
      beginBlockSweep(op.getWeights(), /*biases=*/{}, op.getDiagonals(), type.getNumElements());
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
    SmallVector<Value> sums = forUnits(
        sweep.units[0], {load(sweep.raw[0], index(0), j), lanes.constant(0)}, [&](Value i, ValueRange before) {
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
