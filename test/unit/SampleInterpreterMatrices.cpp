//===- SampleInterpreterMatrices.cpp - Matrices of parameters -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleInterpreter.h"

#include "flowc/Dialect/Sample/IR/ParameterOps.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <numbers>

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;
using namespace flowc::test;

/// The inverse of a triangular matrix, column by column.
static Array invertTriangular(const Array &a, int64_t size, bool upper) {
  Array inverse(a.size());
  for (int64_t column = 0; column < size; ++column)
    for (int64_t step = 0; step < size; ++step) {
      int64_t row = upper ? size - 1 - step : step;
      long double value = row == column;
      for (int64_t k = 0; k < size; ++k)
        if (upper ? k > row : k < row)
          value -= a[row * size + k] * inverse[k * size + column];
      inverse[row * size + column] = value / a[row * size + row];
    }
  return inverse;
}

void SampleInterpreter::runMatrixOp(Operation &op) {
  auto type = cast<RankedTensorType>(op.getNumOperands() ? op.getOperand(0).getType() : op.getResult(0).getType());
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  Array result;
  auto fill = [&](llvm::function_ref<long double(int64_t, int64_t)> entry) {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        result.push_back(entry(i, j));
  };
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](WeightNormalizeOp normalize) {
        const Array &w = get(normalize.getW()), &raw = get(normalize.getRawScale());
        fill([&](int64_t i, int64_t j) {
          long double square = 0;
          for (int64_t k = 0; k < columns; ++k)
            square += w[i * columns + k] * w[i * columns + k];
          return std::log1p(std::exp(raw[i])) * w[i * columns + j] / std::sqrt(square);
        });
      })
      .Case([&](DiagonalOp diagonal) {
        for (int64_t i = 0; i < rows; ++i)
          result.push_back(get(diagonal.getA())[i * columns + i]);
      })
      .Case([&](TriangleOp triangle) {
        const Array &a = get(triangle.getA()), &diagonal = get(triangle.getDiagonal());
        fill([&](int64_t i, int64_t j) {
          bool exists = triangle.getUpper() ? j > i : j < i;
          return i == j ? diagonal[i] : exists ? a[i * columns + j] : 0;
        });
      })
      .Case([&](TriangularInverseOp inverse) {
        result = invertTriangular(get(inverse.getA()), rows, inverse.getUpper());
      })
      .Case([&](CosineMatrixOp) {
        fill([&](int64_t i, int64_t j) {
          long double angle = std::numbers::pi_v<long double> * (2 * j + 1) * i / (2 * rows);
          return std::sqrt((i ? 2.0L : 1.0L) / rows) * std::cos(angle);
        });
      });
  set(op.getResult(0), result);
}
