//===- EmitBlockSweep.cpp - Inverses of block networks on tiles -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop over coordinates, each of which is the root of a function that its own
// block computes. sample.root's iteration would do; this one also has to leave the
// block's units behind, does without the evaluation that confirms a step whose
// error is known to be small, and begins where a cheaper function has its root.
//
//===----------------------------------------------------------------------===//

#include "EmitBlock.h"
#include "flowc/Dialect/Sample/IR/Block.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

/// Steps of Newton's method before every other one is a bisection, at most, and at
/// most for a first guess.
static constexpr int64_t kFreeSteps = 16, kMaxSteps = 200, kGuessSteps = 10;

/// How near a first guess has to come, relative to what the activations add up to.
static constexpr double kGuessTolerance = 0.01;

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
  SmallVector<Value> sums{start.residual, start.slope};
  // With bounds |f| decides only where steps are too short to tell: the size of the
  // block's sum will do there.
  if (!isBounded)
    sums.push_back(start.size);
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
      SmallVector<Value> next{lanes.fma(weight, value, carried[0]), lanes.fma(weight, slope, carried[1])};
      if (!isBounded)
        next.push_back(lanes.fma(weight, lanes.abs(value), carried[2]));
      return next;
    };
    SmallVector<Value> next = tile.forUnits(sweep.units[layer], isLast ? ValueRange(sums) : ValueRange(), emitUnit);
    if (isLast)
      sums = next;
  }
  Value size = isBounded ? lanes.add(start.size, lanes.abs(lanes.sub(sums[0], start.residual))) : sums[2];
  return {sums[0], sums[1], size};
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
    SmallVector<Value> next = tile.forUnits(sweep.units[layer], isLast ? ValueRange(sum) : ValueRange(), emitUnit);
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
TileEmitter::BlockSolver::Root TileEmitter::BlockSolver::emitSearch(Value first, Value reach,
                                                                    llvm::function_ref<BlockPoint(Value)> function,
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

  Value width = lanes.sub(upper, lower);

  // What is added to t unseen: nothing, or NaN if f is not a number.
  Value isDone, last;
  if (tolerance) {
    isDone = lanes.atMostOrNaN(size, tolerance);
    last = newton;
  } else {
    // Not a number at an infinite t, which is no root.
    Value rounding = lanes.fma(point.slope, lanes.abs(t), point.size);
    isDone = lanes.either(lanes.isNaN(f), lanes.atMost(size, lanes.mul(2 * epsilon, rounding)));
    // Deep networks may round more than that: then no number between the bounds is
    // left to try.
    isDone = lanes.either(isDone, lanes.atMost(width, lanes.mul(4 * epsilon, lanes.abs(t))));
    last = lanes.mul(0, f);
  }
  if (!tolerance && isBounded) {
    Value square = lanes.mul(newton, newton);
    Value isExact = lanes.both(lanes.atMost(lanes.mul(square, bound(2)), lanes.mul(epsilon, point.size)),
                               lanes.atMost(lanes.mul(square, bound(3)), lanes.constant(epsilon)));
    isDone = lanes.either(isDone, isExact);
    last = lanes.select(isExact, newton, last);
  }

  Value isLong = lanes.less(limit, lanes.abs(newton));
  Value distance = lanes.select(isLong, math::CopySignOp::create(b, limit, newton), newton);
  limit = lanes.select(isLong, lanes.add(limit, limit), limit);
  Value next = lanes.add(t, distance);
  Value isOutside = lanes.either(lanes.atMostOrNaN(next, lower), lanes.atLeastOrNaN(next, upper));
  Value isBisection = isOutside;
  if (!tolerance) {
    Value hasFlipped = lanes.less(lanes.mul(f, previous), zero);
    Value fellShort = lanes.both(hasFlipped, lanes.less(lanes.mul(0.5, lanes.abs(previous)), size));
    isBisection = lanes.either(isBisection, fellShort);
    Value isLate = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, step, tile.index(kFreeSteps));
    Value isOdd = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, arith::AndIOp::create(b, step, one), one);
    Value isForced = vector::BroadcastOp::create(b, mask, arith::AndIOp::create(b, isLate, isOdd));
    isBisection = lanes.either(isBisection, isForced);
  }
  isBisection = lanes.both(isBisection, lanes.less(width, infinity));
  Value middle = lanes.add(lanes.mul(0.5, lower), lanes.mul(0.5, upper));
  next = lanes.select(isDone, t, lanes.select(isBisection, middle, next));

  Value hasSteps =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, step, tile.index(tolerance ? kGuessSteps : kMaxSteps));
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
    int64_t group = tile.shape.unit->registers >= 32 ? 2 : 1;
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
