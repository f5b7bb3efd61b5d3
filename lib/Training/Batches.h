//===- Batches.h - Which rows a step sees -----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_BATCHES_H
#define FLOWC_LIB_TRAINING_BATCHES_H

#include "flowc/Training/Trainer.h"

namespace flowc {

/// Rows in memory; `condition` is null for an unconditional flow.
struct SourceRows {
  const void *x = nullptr, *condition = nullptr, *weights = nullptr;
  int64_t xBytes = 0, conditionBytes = 0, weightBytes = 0; ///< Of a row.
};

/// Some rows of arrays, in a random order for each epoch.
class ShuffledRows {
public:
  ShuffledRows() = default;
  ShuffledRows(const SourceRows &arrays, std::vector<int64_t> rows, uint64_t seed, uint32_t stream);

  void startEpoch(int64_t epoch);
  /// The rows at `begin` ... `begin + count - 1` of the order, side by side; good
  /// until the next call.
  Batch gather(int64_t begin, int64_t count);
  /// The row of the arrays at this place of the order.
  int64_t rowAt(int64_t place) const { return order[place]; }

private:
  SourceRows arrays;
  std::vector<int64_t> rows, order;
  uint64_t seed = 0;
  uint32_t stream = 0;
  int64_t orderedEpoch = -1;
  std::vector<char> x, condition, weights;
};

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_BATCHES_H
