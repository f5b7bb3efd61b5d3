//===- Batches.cpp - Which rows a step sees -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Batches.h"

#include "flowc/Support/Handover.h"
#include "flowc/Support/Hash.h"
#include "flowc/Support/Philox.h"
#include "flowc/Support/WithType.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

using namespace flowc;

BatchPlan flowc::planBatches(int64_t rows, double valProp, int64_t batchSize) {
  BatchPlan plan;
  // The default rounding mode rounds half to even, as Python's round does.
  plan.valRows = static_cast<int64_t>(std::nearbyint(valProp * static_cast<double>(rows)));
  plan.trainRows = rows - plan.valRows;
  plan.trainBatch = std::min(batchSize, plan.trainRows);
  plan.valBatch = std::min(batchSize, plan.valRows);
  plan.trainBatches = plan.trainBatch ? plan.trainRows / plan.trainBatch : 0;
  plan.valBatches = plan.valBatch ? plan.valRows / plan.valBatch : 0;
  return plan;
}

/// Fisher and Yates' shuffle.
template <typename Index>
static void permute(uint64_t seed, uint32_t stream, uint64_t epoch, std::span<Index> permutation) {
  std::iota(permutation.begin(), permutation.end(), Index(0));
  for (uint64_t i = permutation.size(); i > 1; --i) {
    // The bias of this multiplication is below i / 2^64.
    auto word = philox4x32({static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32) ^ (stream << 24),
                            static_cast<uint32_t>(epoch), static_cast<uint32_t>(epoch >> 32) ^ 0x7261696eU},
                           {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
    uint64_t random = static_cast<uint64_t>(word[0]) << 32 | word[1];
    auto j = static_cast<uint64_t>(static_cast<unsigned __int128>(random) * i >> 64);
    std::swap(permutation[i - 1], permutation[j]);
  }
}

void flowc::randomPermutation(uint64_t seed, uint32_t stream, uint64_t epoch, std::vector<int64_t> &permutation) {
  permute(seed, stream, epoch, std::span(permutation));
}
void flowc::randomPermutation(uint64_t seed, uint32_t stream, uint64_t epoch, std::span<uint32_t> permutation) {
  permute(seed, stream, epoch, permutation);
}

uint64_t flowc::hashRows(const RowsView &rows, const RowSubset &subset, DType dtype, uint64_t hash) {
  if (!rows)
    return hash;
  int64_t rowBytes = rows.columns() * static_cast<int64_t>(elementSize(elementTypeOf(dtype)));
  auto add = [&](const void *block, int64_t count) -> Expected<void> {
    hash = hashBytes(block, count * rowBytes, hash);
    return {};
  };
  (void)forEachBlock(rows, subset, dtype, add); // Nothing here fails.
  return hash;
}

/// Copies `rows` of `from` to `to`. Rows lie far apart: of a large batch, several threads
/// wait for memory.
static void copyRows(const RowsView &from, std::span<const int64_t> rows, const SourceRows &source, void *to) {
  constexpr int64_t shared = 1 << 17, piece = 1 << 15; // Bytes.
  auto rowBytes = from.columns() * static_cast<int64_t>(elementSize(elementTypeOf(source.dtype)));
  if (source.threads == 1 || std::ssize(rows) * rowBytes < shared)
    return from.copy(rows, source.dtype, to);
  tbb::task_arena arena(source.threads > 0 ? source.threads : tbb::task_arena::automatic);
  tbb::blocked_range<size_t> all(0, rows.size(), static_cast<size_t>(1 + piece / rowBytes));
  auto copy = [&](const tbb::blocked_range<size_t> &range) {
    from.copy(rows.subspan(range.begin(), range.size()), source.dtype,
              static_cast<char *>(to) + static_cast<int64_t>(range.begin()) * rowBytes);
  };
  handOver(copy, [&](const auto &shared) { arena.execute([&] { tbb::parallel_for(all, shared); }); });
}

Expected<void> SourceRows::check() const {
  for (const RowsView &view : views())
    if (auto ok = view.checkSize(); !ok)
      return ok;
  return {};
}

Expected<void> ShuffledRows::startEpoch(int64_t epoch) {
  order->startEpoch(epoch);
  return source.check();
}

template <typename T>
static void scaleAll(std::vector<char> &values, double factor) {
  for (T &value : std::span(reinterpret_cast<T *>(values.data()), values.size() / sizeof(T)))
    value = static_cast<T>(static_cast<double>(value) * factor);
}

/// Rows of `columns` numbers, as that many columns; gives the beginning of each.
template <typename T>
static std::vector<const void *> transpose(const std::vector<char> &rows, int64_t columns, std::vector<char> &to) {
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  auto count = static_cast<int64_t>(rows.size() / sizeof(T)) / columns;
  to.resize(rows.size());
  auto *begin = reinterpret_cast<T *>(to.data());
  Eigen::Map<RowMajor>(begin, columns, count) =
      Eigen::Map<const RowMajor>(reinterpret_cast<const T *>(rows.data()), count, columns).transpose();
  std::vector<const void *> beginnings;
  for (int64_t i = 0; i < columns; ++i)
    beginnings.push_back(begin + i * count);
  return beginnings;
}

Batch ShuffledRows::gather(int64_t begin, int64_t count) {
  rows.resize(static_cast<size_t>(count));
  order->list(begin, rows);
  auto copyTo = [&](const RowsView &from, std::vector<char> &to) -> const void * {
    if (!from)
      return nullptr;
    to.resize(static_cast<size_t>(count * from.columns()) * elementSize(elementTypeOf(source.dtype)));
    copyRows(from, rows, source, to.data());
    return to.data();
  };
  Batch batch{.x = copyTo(source.x, x),
              .condition = copyTo(source.condition, condition),
              .weights = copyTo(source.weights, weights),
              .rows = count};
  if (batch.weights && source.weightFactor != 1)
    withType(source.dtype, [&]<typename T>() { scaleAll<T>(weights, source.weightFactor); });
  if (copyTo(source.columns, columns))
    batch.columns = withType(
        source.dtype, [&]<typename T>() { return transpose<T>(columns, source.columns.columns(), columnByColumn); });
  return batch;
}
