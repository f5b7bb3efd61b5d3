//===- ExternalTarget.cpp - Calling code of somebody else -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Targets.h"

#include "flowc/Support/Handover.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>

using namespace flowc;

/// Fails at a row whose results no target has.
static Expected<void> checkResults(const ExternalTarget &target, int64_t rows, const double *logDensity,
                                   const double *gradient) {
  for (int64_t row = 0; row < rows; ++row) {
    double value = logDensity[row];
    if (std::isnan(value) || value == std::numeric_limits<double>::infinity())
      return Error{"the target '" + target.name + "' gives the log-density " + std::to_string(value) +
                   ", expected a finite number, or -inf outside of its support"};
    for (int64_t i = 0; gradient && i < target.dim; ++i)
      if (!std::isfinite(gradient[row * target.dim + i]))
        return Error{"the target '" + target.name + "' gives " + std::to_string(gradient[row * target.dim + i]) +
                     " for derivative " + std::to_string(i) + " where its log-density is " + std::to_string(value) +
                     ", expected a finite number"};
  }
  return {};
}

Expected<void> ExternalTarget::evaluate(const double *x, int64_t rows, double *logDensity, double *gradient,
                                        int threads) const {
  if (!function || rows < 0 || (rows > 0 && (!x || !logDensity)))
    return Error{"the target '" + name +
                 "' cannot be evaluated: it has no function, or got a null array or a negative " + "number of rows (" +
                 std::to_string(rows) + ")"};
  if (rows == 0)
    return {};
  if (!threadSafe || threads == 1) {
    if (auto ok = function(x, rows, logDensity, gradient); !ok)
      return ok;
    return checkResults(*this, rows, logDensity, gradient);
  }
  // The error of the first part that has one, whichever thread is faster.
  constexpr int64_t part = 16;
  std::mutex mutex;
  std::optional<std::pair<int64_t, Error>> failure;
  const int available = tbb::this_task_arena::max_concurrency();
  tbb::task_arena arena(threads > 0 ? std::min(threads, available) : available);
  auto evaluatePart = [&](int64_t i) {
    int64_t first = i * part, count = std::min(part, rows - first);
    double *slopes = gradient ? gradient + first * dim : nullptr;
    auto ok = function(x + first * dim, count, logDensity + first, slopes);
    if (ok)
      return;
    std::lock_guard<std::mutex> lock(mutex);
    if (!failure || i < failure->first)
      failure = {i, ok.takeError()};
  };
  handOver(evaluatePart, [&](const auto &shared) {
    arena.execute([&] { tbb::parallel_for(int64_t(0), (rows + part - 1) / part, shared); });
  });
  if (failure)
    return std::move(failure->second);
  return checkResults(*this, rows, logDensity, gradient);
}
