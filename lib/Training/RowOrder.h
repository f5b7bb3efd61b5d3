//===- RowOrder.h - In which order an epoch takes rows ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows are divided in those to train on and those to validate with, and come in
// another random order in every epoch: all of it functions of the seed. Few rows are
// listed and shuffled as a whole. Many are shuffled in windows: blocks of neighbours
// in random order, as many as make a million rows, whose rows are then shuffled
// together. So memory does not grow with the rows, and a disk reads blocks.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_ROWORDER_H
#define FLOWC_LIB_TRAINING_ROWORDER_H

#include "flowc/Training/RowSubset.h"

namespace flowc {

/// An order of a part of the rows.
class RowOrder {
public:
  virtual ~RowOrder() = default;
  virtual void startEpoch(int64_t epoch) = 0;
  /// The rows at the places `begin` ... of the order of this epoch; fast if each call
  /// goes on where the last one ended.
  virtual void list(int64_t begin, std::span<int64_t> rows) = 0;
  /// All rows in an order that does not depend on the epoch.
  virtual void forEach(const std::function<void(std::span<const int64_t>)> &visit) const = 0;
};

/// The orders of rows to train on and of rows to validate with.
struct SplitOrders {
  std::unique_ptr<RowOrder> train, validation;
};

/// How rows are divided and shuffled.
struct OrderOptions {
  uint64_t seed;
  /// Up to so many rows are listed.
  int64_t listedRows;
  /// With more than one (0: all), the next window is made beside the steps.
  int threads;
};

/// Divides `rows`; `validationRows` of them become those to validate with. `views`
/// hear which rows will be needed soon.
SplitOrders splitRows(std::shared_ptr<const RowSubset> rows, int64_t validationRows, const OrderOptions &options,
                      const std::vector<RowsView> &views);
/// The order of rows that are all to validate with.
std::unique_ptr<RowOrder> validationOrder(std::shared_ptr<const RowSubset> rows, const OrderOptions &options,
                                          const std::vector<RowsView> &views);

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_ROWORDER_H
