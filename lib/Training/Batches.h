//===- Batches.h - Which rows a step sees -----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_BATCHES_H
#define FLOWC_LIB_TRAINING_BATCHES_H

#include "RowOrder.h"

#include "flowc/Training/Trainer.h"

namespace flowc {

/// `randomPermutation` of lists that are as small as can be.
void randomPermutation(uint64_t seed, uint32_t stream, uint64_t epoch, std::span<uint32_t> permutation);

/// What batches are copied from; all but `x` may be none.
struct SourceRows {
  DType dtype = F32; ///< Of the batches.
  int threads = 0;   ///< That copy large batches; 0: all.
  RowsView x, condition, weights, columns;
  double weightFactor = 1;

  /// All of them.
  std::vector<RowsView> views() const { return {x, condition, weights, columns}; }

  /// Fails if a file has become shorter.
  Expected<void> check() const;
};

/// Batches of rows in an order.
class ShuffledRows {
public:
  ShuffledRows() = default;
  ShuffledRows(SourceRows source, std::unique_ptr<RowOrder> order)
      : source(std::move(source)), order(std::move(order)) {}

  Expected<void> startEpoch(int64_t epoch);
  /// The rows at `begin` ... `begin + count - 1` of the order, side by side; good
  /// until the next call.
  Batch gather(int64_t begin, int64_t count);
  /// The row of the data at this place of the last batch.
  int64_t rowAt(int64_t place) const { return rows[static_cast<size_t>(place)]; }

private:
  SourceRows source;
  std::unique_ptr<RowOrder> order;
  std::vector<int64_t> rows;
  std::vector<char> x, condition, weights, columns;
  /// The columns one after the other, as a batch has them.
  std::vector<char> columnByColumn;
};

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_BATCHES_H
