//===- Parameters.cpp - Ops on matrices of parameters, in ONNX ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "flowc/Dialect/Sample/IR/Block.h"
#include "flowc/Dialect/Sample/IR/ParameterOps.h"

#include <cmath>
#include <numbers>
#include <numeric>

using namespace flowc;
using namespace flowc::onnx;
using namespace mlir;

/// Numbers [0, count), each divided by `size`: of rows, or of blocks.
static std::vector<int64_t> countFrom0(int64_t count, int64_t size = 1) {
  std::vector<int64_t> numbers(count);
  for (int64_t i = 0; i < count; ++i)
    numbers[i] = i / size;
  return numbers;
}

/// Compares the row (or its block) of each entry with the column.
static Truth compareRows(Converter &c, std::string_view op, ArrayRef<int64_t> rows, ArrayRef<int64_t> columns) {
  Tensor down = c.b.integers(rows, {static_cast<int64_t>(rows.size()), 1});
  return {&c.b, c.b.makeAs(ElementType::Bool, op, {down, c.b.integers(columns)})};
}

static LogicalResult convertWeightNormalize(Converter &c, sample::WeightNormalizeOp op) {
  Number w = c.number(op.getW());
  Number norm = Number{&c.b, c.b.sum(w * w, -1, /*keepAxes=*/true)}.sqrt();
  Number scale{&c.b, c.b.addLastAxis(log1pExp(c.number(op.getRawScale())))};
  c.set(op, w * (scale / norm));
  return success();
}

//===----------------------------------------------------------------------===//
// Triangles
//===----------------------------------------------------------------------===//

/// The entries on the diagonal of a matrix of `n` rows.
static Tensor getDiagonal(Converter &c, const Tensor &a, int64_t n) {
  std::vector<int64_t> places(n);
  for (int64_t i = 0; i < n; ++i)
    places[i] = i * (n + 1);
  return c.b.gather(c.b.reshape(a, n * n), c.b.integers(places), -1);
}

static LogicalResult convertDiagonal(Converter &c, sample::DiagonalOp op) {
  c.set(op, getDiagonal(c, c.get(op.getA()), countElements(op)));
  return success();
}

/// The part of a matrix beside its diagonal.
static Number getStrictTriangle(Converter &c, Value a, bool isUpper) {
  std::vector<int64_t> numbers = countFrom0(shapeOf(a).front());
  return select(compareRows(c, isUpper ? "Less" : "Greater", numbers, numbers), c.number(a), 0);
}

static LogicalResult convertTriangle(Converter &c, sample::TriangleOp op) {
  std::vector<int64_t> numbers = countFrom0(shapeOf(op).front());
  Number diagonal = c.number(op.getDiagonal());
  c.set(op,
        select(compareRows(c, "Equal", numbers, numbers), diagonal, getStrictTriangle(c, op.getA(), op.getUpper())));
  return success();
}

/// By substitution: row i is (e_i - what the rows before give) / a_ii.
static LogicalResult convertTriangularInverse(Converter &c, sample::TriangularInverseOp op) {
  GraphBuilder &b = c.b;
  int64_t n = shapeOf(op).front();
  bool isUpper = op.getUpper();
  Number beside = getStrictTriangle(c, op.getA(), isUpper);
  Tensor diagonal = getDiagonal(c, c.get(op.getA()), n), numbers = b.integers(countFrom0(n), {n, 1});
  std::vector<double> identity(n * n, 0);
  for (int64_t i = 0; i < n; ++i)
    identity[i * (n + 1)] = 1;
  Tensor units = b.constants(identity, {n, n}, b.real),
         zero = b.constants(std::vector<double>(n * n, 0), {n, n}, b.real);
  auto rows = b.loop(n, {zero}, [&](Tensor round, ArrayRef<Tensor> carried) -> GraphBuilder::Round {
    Tensor i = isUpper ? b.make("Sub", {b.integer(n - 1), round}) : round;
    Number known{&b, b.make("MatMul", {b.gather(beside, i, 0), carried[0]})};
    Number row = (Number{&b, b.gather(units, i, 0)} - known) / Number{&b, b.gather(diagonal, i, 0)};
    Truth isRow{&b, b.makeAs(ElementType::Bool, "Equal", {numbers, i})};
    return {b.truth(true), {select(isRow, row, {&b, carried[0]})}};
  });
  c.set(op, rows.front());
  return success();
}

static LogicalResult convertAntiTranspose(Converter &c, sample::AntiTransposeOp op) {
  Tensor a = c.get(op.getA());
  for (auto [i, size] : llvm::enumerate(shapeOf(op.getA()))) {
    std::vector<int64_t> order(size);
    std::iota(order.rbegin(), order.rend(), 0);
    a = c.b.gather(a, c.b.integers(order), static_cast<int64_t>(i) - 2);
  }
  c.set(op, c.b.transpose(a, 2));
  return success();
}

static LogicalResult convertCosineMatrix(Converter &c, sample::CosineMatrixOp op) {
  int64_t n = shapeOf(op).front();
  std::vector<double> entries;
  for (int64_t k = 0; k < n; ++k)
    for (int64_t j = 0; j < n; ++j)
      entries.push_back(std::sqrt((k == 0 ? 1.0 : 2.0) / double(n)) *
                        std::cos(std::numbers::pi * double((2 * j + 1) * k) / double(2 * n)));
  c.set(op, c.b.constants(entries, shapeOf(op), c.b.real));
  return success();
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

static LogicalResult convertBlockDiagonal(Converter &c, sample::BlockDiagonalOp op) {
  int64_t rows = shapeOf(op)[0], columns = shapeOf(op)[1], width = shapeOf(op.getA())[1];
  int64_t blockRows = rows / static_cast<int64_t>(op.getBlocks());
  std::vector<int64_t> places;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      places.push_back(i * width + i / blockRows * columns + j);
  c.set(op, c.b.gather(c.b.reshape(c.get(op.getA()), rows * width), c.b.integers(places, {rows, columns}), -1));
  return success();
}

static LogicalResult convertBlockTriangle(Converter &c, sample::BlockTriangleOp op) {
  int64_t rows = shapeOf(op)[0], columns = shapeOf(op)[1], blocks = static_cast<int64_t>(op.getBlocks());
  std::vector<int64_t> rowBlocks = countFrom0(rows, rows / blocks),
                       columnBlocks = countFrom0(columns, columns / blocks);
  Number diagonal{&c.b, c.b.make("Tile", {c.get(op.getDiagonal()), c.b.integers({1, blocks})})};
  Number below = select(compareRows(c, "Greater", rowBlocks, columnBlocks), c.number(op.getA()), 0);
  c.set(op, select(compareRows(c, "Equal", rowBlocks, columnBlocks), diagonal, below));
  return success();
}

static LogicalResult convertBlockDense(Converter &c, sample::BlockDenseOp op) {
  int64_t blocks = static_cast<int64_t>(op.getBlocks());
  int64_t rows = shapeOf(op.getWeight())[0] / blocks, columns = shapeOf(op.getWeight())[1];
  Tensor weight = c.b.reshape(c.get(op.getWeight()), {blocks, rows, columns});
  if (!op.getTransposed())
    weight = c.b.transpose(weight, 3);
  Tensor x = c.b.reshape(c.get(op.getX()), {blocks, 1, op.getTransposed() ? rows : columns});
  c.set(op, c.b.reshape(c.b.make("MatMul", {x, weight}), shapeOf(op)));
  return success();
}

void flowc::onnx::addParameters(Patterns &patterns) {
  patterns.add(convertWeightNormalize);
  patterns.add(convertDiagonal);
  patterns.add(convertTriangle);
  patterns.add(convertTriangularInverse);
  patterns.add(convertAntiTranspose);
  patterns.add(convertCosineMatrix);
  patterns.add(convertBlockDiagonal);
  patterns.add(convertBlockTriangle);
  patterns.add(convertBlockDense);
}
