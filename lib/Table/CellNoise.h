//===- CellNoise.h - Numbers drawn from cells -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TABLE_CELLNOISE_H
#define FLOWC_LIB_TABLE_CELLNOISE_H

#include "flowc/Support/Philox.h"

#include <algorithm>
#include <cmath>

namespace flowc {

/// Uniform numbers for the columns of one row, the same in whatever order they are asked for.
class CellNoise {
public:
  CellNoise(uint64_t seed, int64_t row) : seed(seed), row(static_cast<uint64_t>(row)) {}

  /// A number between `low` and `high` that is neither of them, also as a float.
  double draw(uint32_t column, double low, double high) {
    constexpr uint32_t stream = 0x7461626c; // Of no other use of the seed.
    if (column / 4 != block) {
      block = column / 4;
      words = philox4x32({static_cast<uint32_t>(row), static_cast<uint32_t>(row >> 32), block, stream},
                         {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
    }
    double uniform = (words[column % 4] + 0.5) * 0x1p-32, width = high - low;
    // A few of the places that a float has there.
    double rounding = 0x1p-21 * std::max(std::abs(low), std::abs(high)) / width;
    double margin = std::clamp(rounding, 0x1p-21, 0.125);
    return low + width * (margin + (1 - 2 * margin) * uniform);
  }

private:
  uint64_t seed, row;
  uint32_t block = UINT32_MAX;
  std::array<uint32_t, 4> words = {};
};

} // namespace flowc

#endif // FLOWC_LIB_TABLE_CELLNOISE_H
