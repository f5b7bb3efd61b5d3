//===- Kernels.cpp - Checks of the Eigen wrappers -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/flowc.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

using namespace flowc;

/// Fails unless what `what` is called has the shape of what it belongs to.
static Expected<void> checkShape(const char *what, int64_t rows, int64_t columns, int64_t foundRows,
                                 int64_t foundColumns) {
  if (foundRows == rows && foundColumns == columns)
    return {};
  return Error{std::string("a ") + what + " has " + std::to_string(foundRows) + " rows of " +
               std::to_string(foundColumns) + ", expected " + std::to_string(rows) + " rows of " +
               std::to_string(columns)};
}

Expected<void> detail::checkSize(int64_t rows, int64_t columns, size_t elementSize) {
  if (rows < 0)
    return Error{"the number of rows is negative: " + std::to_string(rows)};
  int64_t rowSize = std::max<int64_t>(columns, 1) * static_cast<int64_t>(elementSize);
  // Whether that much can be had is asked of the system: large blocks are not touched.
  constexpr int64_t kAlwaysThere = 1 << 20;
  bool fits = rows <= std::numeric_limits<int64_t>::max() / rowSize;
  if (fits && rows * rowSize > kAlwaysThere) {
    // (volatile: a pair of malloc and free may be left out, as if there were memory)
    void *volatile memory = std::malloc(static_cast<size_t>(rows * rowSize));
    fits = memory != nullptr;
    std::free(memory);
  }
  if (fits)
    return {};
  return Error{"there is no memory for " + std::to_string(rows) + " rows of " + std::to_string(columns) +
               " numbers: ask for fewer at a time"};
}

Expected<void> detail::checkCotangent(int64_t rows, int64_t columns, int64_t foundRows, int64_t foundColumns) {
  return checkShape("cotangent", rows, columns, foundRows, foundColumns);
}

Expected<void> detail::checkTangent(int64_t rows, int64_t columns, int64_t foundRows, int64_t foundColumns) {
  return checkShape("tangent", rows, columns, foundRows, foundColumns);
}

Expected<void> detail::checkCall(const Kernels &kernels, const Model &model, size_t elementSize, int64_t xColumns,
                                 int64_t rows, int64_t condRows, int64_t condColumns) {
  auto bits = [](DType dtype) { return dtype == F32 ? "float" : "double"; };
  DType dtype = elementSize == 4 ? F32 : F64;
  if (dtype != kernels.dtype())
    return Error{std::string("these kernels are compiled for ") + bits(kernels.dtype()) + ", but got rows of " +
                 bits(dtype)};
  if (model.dtype() != kernels.dtype())
    return Error{std::string("these kernels are compiled for ") + bits(kernels.dtype()) + ", the model is of " +
                 bits(model.dtype()) + ": use Model::astype"};
  const Flow &flow = kernels.flow();
  if (xColumns >= 0 && xColumns != flow.dim())
    return Error{"'" + flow.name() + "' has " + std::to_string(flow.dim()) + " coordinates, but got rows of " +
                 std::to_string(xColumns)};
  if (!flow.condShape()) {
    if (condRows > 0)
      return Error{"'" + flow.name() + "' takes no condition, but got one"};
    return {};
  }
  if (condColumns == 0 && condRows == 0)
    return Error{"'" + flow.name() + "' needs a condition of " + std::to_string(flow.condDim()) + " numbers per row"};
  if (condColumns != flow.condDim())
    return Error{"the condition of '" + flow.name() + "' has " + std::to_string(flow.condDim()) +
                 " numbers per row, but got " + std::to_string(condColumns)};
  if (condRows != rows)
    return Error{"there are " + std::to_string(rows) + " rows, but " + std::to_string(condRows) +
                 " conditions: expected one for each row, or one for all"};
  return {};
}
