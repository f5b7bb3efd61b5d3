//===- ParameterShares.h - Threads that share the parameters ----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is done to all parameters at each step takes less time than moving them from the cache
// of one processor to that of another. So a thread has the same share of them in every
// loop: the same layers of each stacked leaf, as those that it prepares kernels of and
// finishes the gradient of.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_PARAMETERSHARES_H
#define FLOWC_LIB_TRAINING_PARAMETERSHARES_H

#include "flowc/Support/Handover.h"
#include "flowc/Support/Shares.h"

#include <algorithm>
#include <cstdint>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace flowc {

/// Fewer parameters are not worth a thread.
inline constexpr int64_t kParametersPerShare = 8192;

/// Calls `body(share, shares)` for each of the shares of `count` parameters, on as many threads;
/// `threads`: 1 for no other ones.
template <typename Body>
void forEachShare(int threads, int64_t count, const Body &body) {
  int64_t most = threads == 1 ? 1 : tbb::this_task_arena::max_concurrency();
  int64_t shares = std::clamp<int64_t>(count / kParametersPerShare, 1, most);
  if (shares == 1)
    return body(0, 1);
  // Sharing them also keeps the threads awake for the next batch.
  handOver([&](int64_t share) { body(share, shares); },
           [&](const auto &shared) { tbb::parallel_for(int64_t(0), shares, shared, tbb::static_partitioner()); });
}

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_PARAMETERSHARES_H
