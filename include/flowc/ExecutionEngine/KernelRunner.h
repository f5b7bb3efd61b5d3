//===- KernelRunner.h - Rows of data through a kernel -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Splits rows over threads such that no result depends on the split:
//
// * Rows are cut at multiples of a tile; a row's result does not depend on where
//   its tile lies (the kernels see to that).
// * Sums are taken over chunks whose size follows from the number of rows alone,
//   and merged in a fixed binary tree over the chunks. Threads get whole
//   subtrees, and merge inside one like a binary counter, so that the number of
//   partial sums alive grows with the logarithm of the number of chunks.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_EXECUTIONENGINE_KERNELRUNNER_H
#define FLOWC_EXECUTIONENGINE_KERNELRUNNER_H

#include "flowc/ExecutionEngine/JIT.h"

#include <atomic>
#include <functional>
#include <memory>
#include <span>

namespace flowc {

/// How many rows one call of a kernel sums over, given the number of rows in
/// all: up to one tile in small batches, so that threads can share them.
int64_t rowsPerChunk(int64_t rows);

/// How long a kernel takes for a row: guessed at first, then measured.
class RowCost {
public:
  explicit RowCost(int64_t macsPerRow) : nanoseconds(10.0f + float(macsPerRow) / 16.0f) {}
  double get() const { return nanoseconds.load(std::memory_order_relaxed); }
  void record(double measured) {
    // A moving average; an update lost to another thread does not matter.
    nanoseconds.store(float(0.75 * get() + 0.25 * measured), std::memory_order_relaxed);
  }

private:
  std::atomic<float> nanoseconds;
};

/// One call: rows of inputs to rows of outputs and, perhaps, a sum.
struct KernelJob {
  const LoadedKernel &kernel;
  /// Size of the element type, 4 or 8.
  size_t elementSize;
  const void *prepared;
  /// Arrays and their numbers of elements per row.
  std::span<const void *const> inputs;
  std::span<const int64_t> inputWidths;
  std::span<void *const> outputs;
  std::span<const int64_t> outputWidths;
  int64_t rows;
  uint64_t first = 0, seed = 0;
  /// `KernelInfo::sumElements` elements, aligned to 64 bytes, overwritten; null
  /// if the kernel has no sum.
  void *sums = nullptr;
};

/// Most arrays that a kernel takes or gives.
inline constexpr size_t kMaxArrays = 8;

/// Runs kernels on up to `threads` threads (0: all processors). Thread-safe.
/// Memory for intermediate results is kept by each thread for the next call.
class KernelRunner {
public:
  explicit KernelRunner(int threads);
  ~KernelRunner();

  void run(const KernelJob &job, RowCost &cost);
  /// Calls `body(first, last)` for parts 0 ... `parts - 1`, some at a time, in the
  /// floating-point state of kernels; what a part takes is `cost`.
  void runParts(int64_t parts, RowCost &cost, const std::function<void(int64_t first, int64_t last)> &body);
  int getNumThreads() const { return threads; }

private:
  class Arena;
  class Timed;

  /// Whether it pays to wake other threads for this much work, where threads that are awake
  /// pay from `hotNanoseconds` on, and stay awake for `staysHotNanoseconds`.
  bool isWorthSharing(double nanoseconds, double hotNanoseconds, double staysHotNanoseconds) const;
  void runRows(const KernelJob &job, int64_t piece, bool share);
  void runSums(const KernelJob &job, bool share);

  int threads;
  std::unique_ptr<Arena> arena;
  /// When the last call ended, in ticks of the steady clock.
  std::atomic<int64_t> lastEnd = 0;
};

/// Round to nearest, subnormal numbers read and written as zero, no traps: the
/// arithmetic of kernels. Restores the caller's state, exception flags included.
class ScopedFloatingPointState {
public:
  ScopedFloatingPointState();
  ~ScopedFloatingPointState();
  ScopedFloatingPointState(const ScopedFloatingPointState &) = delete;
  ScopedFloatingPointState &operator=(const ScopedFloatingPointState &) = delete;

private:
  uint64_t saved;
};

} // namespace flowc

#endif // FLOWC_EXECUTIONENGINE_KERNELRUNNER_H
