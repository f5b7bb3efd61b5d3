//===- SampleInterpreterBlock.cpp - Block autoregressive networks ---------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleInterpreter.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;
using namespace flowc::test;

namespace {
/// A matrix of `blocks` x `blocks` blocks.
struct Blocks {
  int64_t columns, rowsPerBlock, columnsPerBlock;

  Blocks(Type type, int64_t blocks) {
    auto matrix = cast<RankedTensorType>(type);
    columns = matrix.getDimSize(1);
    rowsPerBlock = matrix.getDimSize(0) / blocks;
    columnsPerBlock = columns / blocks;
  }
  bool isOnDiagonal(int64_t row, int64_t column) const { return row / rowsPerBlock == column / columnsPerBlock; }
  bool isBelow(int64_t row, int64_t column) const { return row / rowsPerBlock > column / columnsPerBlock; }
};
} // namespace

void SampleInterpreter::runOn(BlockDenseOp op) {
  const Array &weight = get(op.getWeight()), &x = get(op.getX());
  int64_t columns = op.getWeight().getType().getDimSize(1);
  int64_t rows = op.getWeight().getType().getDimSize(0) / int64_t(op.getBlocks());
  Array y(getNumElements(op.getY().getType()));
  for (size_t i = 0; i < weight.size(); ++i) {
    // Entry i belongs to this row of all blocks, and to this column of its block.
    int64_t row = int64_t(i) / columns, column = row / rows * columns + int64_t(i) % columns;
    y[op.getTransposed() ? column : row] += weight[i] * x[op.getTransposed() ? row : column];
  }
  set(op.getY(), y);
}

void SampleInterpreter::runBlockMatrixOp(Operation &op) {
  Array result;
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](BlockDiagonalOp diagonal) {
        const Array &a = get(diagonal.getA());
        Blocks blocks(diagonal.getA().getType(), diagonal.getBlocks());
        for (int64_t i = 0; i < int64_t(a.size()); ++i)
          if (blocks.isOnDiagonal(i / blocks.columns, i % blocks.columns))
            result.push_back(a[i]);
      })
      .Case([&](BlockTriangleOp triangle) {
        const Array &a = get(triangle.getA()), &diagonal = get(triangle.getDiagonal());
        Blocks blocks(triangle.getA().getType(), triangle.getBlocks());
        size_t next = 0;
        for (int64_t i = 0; i < int64_t(a.size()); ++i) {
          int64_t row = i / blocks.columns, column = i % blocks.columns;
          result.push_back(blocks.isOnDiagonal(row, column) ? diagonal[next++]
                           : blocks.isBelow(row, column)    ? a[i]
                                                            : 0);
        }
      });
  set(op.getResult(0), result);
}

/// By bisection alone, and with the whole network for every value.
void SampleInterpreter::runOn(BlockSweepOp op) {
  const Array &y = get(op.getY());
  int64_t dim = int64_t(y.size());
  Array slopes; // of every unit of a layer, by its own coordinate
  auto evaluate = [&](const Array &x) {
    Array values = x;
    slopes.assign(dim, 1);
    for (auto [layer, weightAndBias] : llvm::enumerate(llvm::zip_equal(op.getWeights(), op.getBiases()))) {
      auto [weightValue, biasValue] = weightAndBias;
      const Array &weight = get(weightValue);
      Blocks blocks(weightValue.getType(), dim);
      Array next = get(biasValue), nextSlopes(next.size());
      for (int64_t i = 0; i < int64_t(weight.size()); ++i) {
        int64_t row = i / blocks.columns, column = i % blocks.columns;
        next[row] += weight[i] * values[column];
        if (blocks.isOnDiagonal(row, column))
          nextSlopes[row] += weight[i] * slopes[column];
      }
      values = std::move(next);
      slopes = std::move(nextSlopes);
      if (layer == 0 && op.getOffset())
        for (auto [value, offset] : llvm::zip_equal(values, get(op.getOffset())))
          value += offset;
      if (layer + 1 == op.getWeights().size())
        break;
      for (auto [value, slope] : llvm::zip_equal(values, slopes)) {
        std::vector<Array> arguments{{value}};
        for (Value parameter : op.getShared())
          arguments.push_back(get(parameter));
        std::vector<Array> unit = runBlock(op.getActivation().front(), arguments);
        value = unit[0][0];
        slope *= unit[1][0];
      }
    }
    return values;
  };
  Array x(dim);
  for (int64_t d = 0; d < dim; ++d) {
    auto isAbove = [&](long double t) {
      x[d] = t;
      return evaluate(x)[d] > y[d];
    };
    long double lower = -1, upper = 1;
    while (isAbove(lower))
      lower *= 2;
    while (!isAbove(upper))
      upper *= 2;
    for (long double middle; (middle = lower + (upper - lower) / 2) > lower && middle < upper;)
      (isAbove(middle) ? upper : lower) = middle;
    x[d] = lower;
  }
  evaluate(x);
  long double logDet = 0;
  for (long double slope : slopes)
    logDet += std::log(slope);
  set(op.getX(), x);
  set(op.getLogDet(), {logDet});
}
