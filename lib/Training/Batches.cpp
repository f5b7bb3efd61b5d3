//===- Batches.cpp - Which rows a step sees -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Batches.h"

#include "flowc/Support/Philox.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

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

void flowc::randomPermutation(uint64_t seed, uint32_t stream, uint64_t epoch, std::vector<int64_t> &permutation) {
  std::iota(permutation.begin(), permutation.end(), 0);
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

ShuffledRows::ShuffledRows(const SourceRows &arrays, std::vector<int64_t> rows, uint64_t seed, uint32_t stream)
    : arrays(arrays), rows(std::move(rows)), order(this->rows.size()), seed(seed), stream(stream) {}

void ShuffledRows::startEpoch(int64_t epoch) {
  if (std::exchange(orderedEpoch, epoch) == epoch)
    return;
  randomPermutation(seed, stream, static_cast<uint64_t>(epoch), order);
  for (int64_t &entry : order)
    entry = rows[entry];
}

Batch ShuffledRows::gather(int64_t begin, int64_t count) {
  auto copyRows = [&](const void *from, int64_t rowBytes, std::vector<char> &to) -> const void * {
    if (!from)
      return nullptr;
    to.resize(static_cast<size_t>(count * rowBytes));
    const auto *source = static_cast<const char *>(from);
    for (int64_t i = 0; i < count; ++i)
      std::memcpy(to.data() + i * rowBytes, source + order[begin + i] * rowBytes, static_cast<size_t>(rowBytes));
    return to.data();
  };
  return {.x = copyRows(arrays.x, arrays.xBytes, x),
          .condition = copyRows(arrays.condition, arrays.conditionBytes, condition),
          .weights = copyRows(arrays.weights, arrays.weightBytes, weights),
          .rows = count};
}
