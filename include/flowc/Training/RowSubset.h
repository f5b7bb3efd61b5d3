//===- RowSubset.h - Rows that are held out ---------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_ROWSUBSET_H
#define FLOWC_TRAINING_ROWSUBSET_H

#include "flowc/IO/RowsView.h"

#include <functional>
#include <vector>

namespace flowc {

/// Some rows of data, in their order.
class RowSubset {
public:
  virtual ~RowSubset() = default;
  virtual int64_t size() const = 0;
  /// Which rows are at the places `begin`, `begin` + 1, ... of the subset.
  virtual void list(int64_t begin, std::span<int64_t> rows) const = 0;
};

/// All of `rows` rows.
std::shared_ptr<const RowSubset> allRows(int64_t rows);

/// These rows.
std::shared_ptr<const RowSubset> listedRows(std::vector<uint32_t> rows);

/// `count` of the rows of `all`, at equal distances; all of them if there are no more.
std::shared_ptr<const RowSubset> everyNth(std::shared_ptr<const RowSubset> all, int64_t count);

/// The two parts of a random division.
struct HeldOut {
  std::shared_ptr<const RowSubset> kept, out;
};

/// Holds out `round(share * rows)` of `rows` rows, by `seed`. Which ones is a list in
/// memory; of more than `listedRows` rows (`FitOptions`) they are the same share of every
/// 1,024 neighbours, computed where it is needed.
HeldOut holdOutRows(int64_t rows, double share, uint64_t seed, int64_t listedRows);

/// Copies the rows of `subset`, as numbers of `dtype`, block by block; stops at an
/// error of `visit`, which sees the rows and how many they are.
Expected<void> forEachBlock(const RowsView &rows, const RowSubset &subset, DType dtype,
                            const std::function<Expected<void>(const void *block, int64_t count)> &visit);

/// Tells whether the numbers of rows, as a model of `dtype` takes them, are the same, and
/// what had the hash `hash` before them; no rows change nothing.
uint64_t hashRows(const RowsView &rows, const RowSubset &subset, DType dtype, uint64_t hash);

} // namespace flowc

#endif // FLOWC_TRAINING_ROWSUBSET_H
