//===- Blocks.cpp - Inverses of block autoregressive networks, in ONNX ----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop over coordinates, each of which is the root of what its own block computes. The
// search is that of flow.root without bounds, from 0 on.
//
//===----------------------------------------------------------------------===//

#include "Converter.h"
#include "Root.h"

#include "flowc/Dialect/Sample/IR/Block.h"

using namespace flowc;
using namespace flowc::onnx;
using namespace mlir;

namespace {
class BlockSweepConverter {
public:
  BlockSweepConverter(Converter &c, sample::BlockSweepOp op)
      : c(c), b(c.b), op(op), blocks(countElements(op.getY())), depth(op.getWeights().size()) {}

  LogicalResult convert();

private:
  /// What a block computes at t: its units of each hidden layer, f(t) - y and f'(t), as
  /// columns; and the size of the terms.
  struct Point {
    std::vector<Tensor> units;
    Number residual, slope, size;
  };

  std::vector<Tensor> start();
  LogicalResult step(const Tensor &number, std::vector<Tensor> &carried);
  void accumulate(const Tensor &number, ArrayRef<Tensor> carried);
  FailureOr<Point> evaluate(const Number &t);
  FailureOr<std::vector<Tensor>> activate(const Tensor &t, int64_t count);
  /// The part of a vector or matrix with `size` rows that belongs to the block, along `axis`.
  Tensor getPart(const Tensor &all, int64_t axis, int64_t size) {
    Tensor width = b.integers(size / blocks);
    return b.slice(all, axis, b.make("Mul", {block, width}), b.make("Mul", {next, width}));
  }
  int64_t getRows(size_t layer) { return shapeOf(op.getWeights()[layer])[0]; }

  Converter &c;
  GraphBuilder &b;
  sample::BlockSweepOp op;
  int64_t blocks;
  size_t depth;
  std::vector<Tensor> weights;
  // Of the block at hand: its number and the next one, its element of y, what layers get from
  // the blocks before, and its own weights.
  Tensor block, next;
  Number y{nullptr, {}};
  std::vector<Number> before;
  std::vector<Tensor> own;
};
} // namespace

/// The coordinates and hidden units so far, none, and the log-determinant.
std::vector<Tensor> BlockSweepConverter::start() {
  for (Value weight : op.getWeights())
    weights.push_back(b.transpose(c.get(weight), 2));
  std::vector<Tensor> carried(depth, b.withRows(b.constants({}, 0, b.real), 1));
  carried.push_back(b.withRows(b.constant(0), 0));
  return carried;
}

void BlockSweepConverter::accumulate(const Tensor &number, ArrayRef<Tensor> carried) {
  block = b.make("Reshape", {number, b.integers(1)});
  next = b.make("Add", {block, b.integers(1)});
  y = {&b, getPart(c.get(op.getY()), -1, blocks)};
  before.clear();
  own.clear();
  for (size_t layer = 0; layer < depth; ++layer) {
    int64_t rows = getRows(layer), columns = shapeOf(op.getWeights()[layer])[1];
    Tensor known = b.make("Mul", {block, b.integers(columns / blocks)});
    Tensor weight = getPart(b.slice(weights[layer], -2, b.integers(0), known), -1, rows);
    Number sum{&b, b.make("MatMul", {carried[layer], weight})};
    if (!op.getBiases().empty())
      sum = sum + Number{&b, getPart(c.get(op.getBiases()[layer]), -1, rows)};
    if (layer == 0 && op.getOffset())
      sum = sum + Number{&b, getPart(c.get(op.getOffset()), -1, rows)};
    before.push_back(sum);
    own.push_back(b.transpose(getPart(c.get(op.getDiagonals()[layer]), -2, rows), 2));
  }
}

/// Value and derivative of the activation at `count` units.
FailureOr<std::vector<Tensor>> BlockSweepConverter::activate(const Tensor &t, int64_t count) {
  Block &body = op.getActivation().front();
  Tensor elements = t;
  elements.hasElements = true;
  c.set(body.getArgument(0), elements);
  for (auto [operand, argument] : llvm::zip_equal(op.getShared(), body.getArguments().drop_front()))
    c.set(argument, b.enterElements(c.get(operand)));
  FailureOr<std::vector<Tensor>> yielded = failure();
  b.withElements(b.integers(count).name, [&] {
    yielded = c.convert(body);
    if (failed(yielded))
      return;
    for (Tensor &tensor : *yielded) {
      tensor = b.expand(tensor, 0, true, true);
      tensor.hasElements = false;
    }
  });
  return yielded;
}

FailureOr<BlockSweepConverter::Point> BlockSweepConverter::evaluate(const Number &t) {
  auto multiply = [&](const Number &x, size_t layer) { return Number{&b, b.make("MatMul", {x, own[layer]})}; };
  Number column{&b, b.addLastAxis(t)}, values = column, slopes{&b, b.constants(1, 1, b.real)};
  Point point{{}, values, slopes, values};
  for (size_t layer = 0; layer + 1 < depth; ++layer) {
    auto activated = activate(multiply(values, layer) + before[layer], getRows(layer) / blocks);
    if (failed(activated))
      return failure();
    values = {&b, (*activated)[0]};
    slopes = multiply(slopes, layer) * Number{&b, (*activated)[1]};
    point.units.push_back(values);
  }
  point.residual = multiply(values, depth - 1) + before.back() - y;
  point.slope = multiply(slopes, depth - 1);
  point.size = y.abs() + before.back().abs() + multiply(values.abs(), depth - 1) + point.slope * column.abs();
  return point;
}

LogicalResult BlockSweepConverter::step(const Tensor &number, std::vector<Tensor> &carried) {
  accumulate(number, carried);
  RootSearch search;
  search.like.hasRows = true;
  FailureOr<Number> root = findRoot(b, search, [&](Number t) -> FailureOr<std::vector<Tensor>> {
    FailureOr<Point> point = evaluate(t);
    if (failed(point))
      return failure();
    // An infinite y has no root: nothing but a number is small beside its size.
    Number size = min(point->size * 2, point->size.constant(getLargest(b.real)));
    return std::vector<Tensor>{b.dropLastAxis(point->residual), b.dropLastAxis(point->slope), b.dropLastAxis(size)};
  });
  if (failed(root))
    return failure();
  FailureOr<Point> point = evaluate(*root);
  if (failed(point))
    return failure();
  carried[0] = b.concat({carried[0], b.addLastAxis(*root)}, -1);
  for (auto [i, units] : llvm::enumerate(point->units))
    carried[i + 1] = b.concat({carried[i + 1], units}, -1);
  carried.back() = Number{&b, carried.back()} + Number{&b, b.dropLastAxis(point->slope)}.log();
  return success();
}

LogicalResult BlockSweepConverter::convert() {
  LogicalResult status = success();
  std::vector<Tensor> last =
      b.loop(blocks, start(), [&](Tensor number, ArrayRef<Tensor> initial) -> GraphBuilder::Round {
        std::vector<Tensor> carried(initial.begin(), initial.end());
        status = step(number, carried);
        return {b.truth(true), carried};
      });
  c.set(op.getX(), last.front());
  c.set(op.getLogDet(), last.back());
  return status;
}

static LogicalResult convertBlockSweep(Converter &c, sample::BlockSweepOp op) {
  return BlockSweepConverter(c, op).convert();
}

void flowc::onnx::addBlocks(Patterns &patterns) { patterns.add(convertBlockSweep); }
