//===- KernelRunner.cpp - Rows of data through a kernel -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/ExecutionEngine/KernelRunner.h"
#include "flowc/ExecutionEngine/AlignedBuffer.h"
#include "flowc/Runtime/FloatState.h"
#include "flowc/Support/Clock.h"
#include "flowc/Support/ForEachCPU.h"
#include "flowc/Support/Handover.h"
#include "flowc/Support/Shares.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <optional>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace flowc;

/// Rows are cut at multiples of this many, which every tile size divides.
static constexpr int64_t kTileRows = 64;

/// Below this, a sleeping thread wakes up after the work is done.
static constexpr double kColdNanoseconds = 100e3;
/// The same for a thread that is still looking for work.
static constexpr double kHotNanoseconds = 8e3;
/// Parts of what is done with parameters: less is done before it is in another cache.
static constexpr double kHotPartsNanoseconds = 15e3;
/// TBB's threads look for work about this long before they sleep.
static constexpr double kStaysHotNanoseconds = 40e3;
/// The same after a step, as much of which is work of the optimiser's.
static constexpr double kStaysHotAfterStepNanoseconds = 80e3;
/// Pieces of work: short against a call, long against the cost of a task.
static constexpr double kPieceNanoseconds = 50e3;
/// Elements of sums to add that are worth another thread.
static constexpr int64_t kElementsPerPiece = 16384;
/// Subtrees of chunks per thread, for balance.
static constexpr int64_t kSubtreesPerThread = 8, kLeastSubtreesPerThread = 2;

//===----------------------------------------------------------------------===//
// Floating-point state
//===----------------------------------------------------------------------===//

#if defined(__x86_64__)
static uint64_t readFloatState() { return _mm_getcsr(); }
static void writeFloatState(uint64_t state) { _mm_setcsr(static_cast<unsigned>(state)); }
static constexpr uint64_t kFloatState = kFloatStateOfX86;
#elif defined(__aarch64__)
/// FPSR, with the flags of exceptions, in the upper half; FPCR in the lower one.
static uint64_t readFloatState() {
  uint64_t control, status;
  asm volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(control), "=r"(status));
  return status << 32 | control;
}
static void writeFloatState(uint64_t state) {
  asm volatile("msr fpcr, %0\n\tmsr fpsr, %1" ::"r"(state & 0xffffffff), "r"(state >> 32));
}
static constexpr uint64_t kFloatState = kFloatStateOfAArch64;
#else
#error "flowc does not know how this processor is told to compute (docs/AddingATarget.md)"
#endif

ScopedFloatingPointState::ScopedFloatingPointState() : saved(readFloatState()) { writeFloatState(kFloatState); }
ScopedFloatingPointState::~ScopedFloatingPointState() { writeFloatState(saved); }

//===----------------------------------------------------------------------===//
// One piece of work
//===----------------------------------------------------------------------===//

/// Runs rows `begin` ... `end - 1` on this thread. The caller has set the
/// floating-point state.
static void runPiece(const KernelJob &job, int64_t begin, int64_t end, void *sums) {
  thread_local AlignedBuffer workspace;
  std::array<const void *, kMaxArrays> inputs;
  std::array<void *, kMaxArrays + 1> outputs;
  int64_t size = job.elementSize;
  for (size_t i = 0; i < job.inputs.size(); ++i)
    inputs[i] = static_cast<const char *>(job.inputs[i]) + begin * job.inputWidths[i] * size;
  for (size_t i = 0; i < job.outputs.size(); ++i)
    outputs[i] = static_cast<char *>(job.outputs[i]) + begin * job.outputWidths[i] * size;
  if (sums)
    outputs[job.outputs.size()] = sums;
  job.kernel.kernel(job.prepared, inputs.data(), outputs.data(),
                    workspace.reserve(job.kernel.info.workspaceElements * size), end - begin, job.first + begin,
                    job.seed);
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

int64_t flowc::rowsPerChunk(int64_t rows) {
  // Two threads share a small batch: half of the vectors each. A vector is 16 rows in
  // float32, and takes about as long if it is not full.
  constexpr int64_t vectorRows = 16;
  if (rows > kTileRows && rows <= 2 * kTileRows) {
    int64_t half = (rows + vectorRows - 1) / vectorRows / 2 * vectorRows;
    return std::max(half, rows - half);
  }
  // Sums of a chunk are cleared and added to others, which pays for at least two tiles.
  int64_t tiles = std::max<int64_t>(rows / (16 * kTileRows), rows >= 12 * kTileRows ? 2 : 1);
  return kTileRows * std::min<int64_t>(tiles, 8);
}

FLOWC_FOR_EACH_CPU
static void addFloats(float *__restrict sum, const float *__restrict term, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    sum[i] += term[i];
}

FLOWC_FOR_EACH_CPU
static void addDoubles(double *__restrict sum, const double *__restrict term, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    sum[i] += term[i];
}

/// Adds elements `begin` ... `begin + count - 1`.
static void addTo(void *sum, const void *term, int64_t begin, int64_t count, size_t elementSize) {
  if (elementSize == 4)
    addFloats(static_cast<float *>(sum) + begin, static_cast<const float *>(term) + begin, count);
  else
    addDoubles(static_cast<double *>(sum) + begin, static_cast<const double *>(term) + begin, count);
}

/// Adds up terms `0` ... `count - 1` in the fixed tree, where node (l, j) is
/// node (l-1, 2j) plus, if it exists, node (l-1, 2j+1). `term(i, memory)` writes
/// a term; `slot(k)` gives memory of which slot 0 receives the sum, and
/// `std::bit_width(count)` slots are used.
template <typename Term, typename Slot, typename Add>
static void sumTree(int64_t count, Term term, Slot slot, Add add) {
  int top = 0;
  for (int64_t i = 0; i < count; ++i) {
    term(i, slot(top++));
    // As in a binary counter, each carry completes a subtree.
    for (int64_t bits = i + 1; bits % 2 == 0; bits /= 2, --top)
      add(slot(top - 2), slot(top - 1));
  }
  for (; top > 1; --top)
    add(slot(top - 2), slot(top - 1));
}

/// Chunks that one thread adds up before others see the sum, a power of two: for each
/// thread some subtrees to balance with, but only two where these are as fair, since the sums
/// of many do not stay in a cache.
static int64_t chunksPerSubtree(int64_t chunks, int64_t threads) {
  if (threads == 1)
    return std::bit_ceil(uint64_t(chunks));
  auto subtreesOf = [chunks](int64_t subtree) { return (chunks + subtree - 1) / subtree; };
  auto isFair = [&](int64_t subtree) {
    int64_t most = (subtreesOf(subtree) + threads - 1) / threads * subtree; // Chunks of one thread.
    return 20 * most * threads <= 21 * chunks;
  };
  int64_t wanted = kSubtreesPerThread * threads;
  int64_t subtree = std::bit_ceil(uint64_t((chunks + wanted - 1) / wanted));
  while (subtreesOf(2 * subtree) >= kLeastSubtreesPerThread * threads && isFair(2 * subtree))
    subtree *= 2;
  return subtree;
}

//===----------------------------------------------------------------------===//
// KernelRunner
//===----------------------------------------------------------------------===//

/// Keeps TBB out of the header.
class KernelRunner::Arena {
public:
  explicit Arena(int threads) {
    if (threads < tbb::info::default_concurrency())
      arena.emplace(threads);
  }

  /// Calls `body(i)` for `i` in `0` ... `count - 1`. `Partitioner` decides which thread does it: the
  /// first that has nothing else to do, or always the same one.
  template <typename Partitioner = tbb::simple_partitioner, typename Body>
  void forEach(int64_t count, Body body) {
    // Isolated, lest a thread that waits for its work takes up other work of the
    // caller's, which would use the same thread's memory.
    auto run = [&] {
      handOver(body, [count](const auto &shared) {
        tbb::this_task_arena::isolate([&] { tbb::parallel_for(int64_t(0), count, shared, Partitioner()); });
      });
    };
    if (arena)
      arena->execute(run);
    else
      run();
  }

private:
  /// None if all processors are used: then the caller's own arena, whose threads
  /// are awake if the caller has parallel work of its own.
  std::optional<tbb::task_arena> arena;
};

KernelRunner::KernelRunner(int requested) : threads(requested > 0 ? requested : tbb::info::default_concurrency()) {
  // More threads than processors would only make TBB warn.
  int available = std::min(threads, tbb::info::default_concurrency());
  if (available > 1)
    arena = std::make_unique<Arena>(available);
}

KernelRunner::~KernelRunner() = default;

bool KernelRunner::isWorthSharing(double nanoseconds, double hotNanoseconds, double staysHotNanoseconds) const {
  if (!arena || nanoseconds < hotNanoseconds)
    return false;
  if (nanoseconds >= kColdNanoseconds)
    return true;
  // Calls that follow each other closely (training) keep the threads awake.
  Clock::duration idle = Clock::now().time_since_epoch() - Clock::duration(lastEnd.load(std::memory_order_relaxed));
  return std::chrono::duration<double, std::nano>(idle).count() < staysHotNanoseconds;
}

/// From here to its end: work on this many things, whose cost is recorded.
class KernelRunner::Timed {
public:
  Timed(KernelRunner &runner, RowCost &cost, int64_t count, bool share)
      : runner(runner), cost(cost), share(double(share ? runner.threads : 1) / double(count)) {}
  ~Timed() {
    auto end = Clock::now();
    runner.lastEnd.store(end.time_since_epoch().count(), std::memory_order_relaxed);
    cost.record(std::chrono::duration<double, std::nano>(end - begin).count() * share);
  }
  Timed(const Timed &) = delete;
  Timed &operator=(const Timed &) = delete;

private:
  KernelRunner &runner;
  RowCost &cost;
  double share;
  Clock::time_point begin = Clock::now();
};

void KernelRunner::run(const KernelJob &job, RowCost &cost) {
  assert(job.inputs.size() <= kMaxArrays && job.outputs.size() <= kMaxArrays && "more arrays than any kernel has");
  if (job.rows == 0) {
    if (job.sums)
      std::memset(job.sums, 0, job.kernel.info.sumElements * job.elementSize);
    return;
  }
  double estimate = cost.get() * double(job.rows);
  bool share = job.rows > kTileRows && isWorthSharing(estimate, kHotNanoseconds, kStaysHotNanoseconds);
  Timed timed(*this, cost, job.rows, share);
  if (job.sums) {
    runSums(job, share);
  } else {
    double pieces = share ? std::max<double>(threads, estimate / kPieceNanoseconds) : 1;
    auto tiles = int64_t(std::ceil(double(job.rows) / (pieces * kTileRows)));
    runRows(job, tiles * kTileRows, share);
  }
}

void KernelRunner::runParts(int64_t parts, RowCost &cost,
                            const std::function<void(int64_t first, int64_t last)> &body) {
  bool share =
      parts > 1 && isWorthSharing(cost.get() * double(parts), kHotPartsNanoseconds, kStaysHotAfterStepNanoseconds);
  int64_t calls = share ? std::min<int64_t>(parts, threads) : 1;
  Timed timed(*this, cost, parts, share);
  auto runOne = [&](int64_t i) {
    ScopedFloatingPointState state;
    auto [first, last] = getShare(parts, i, calls);
    body(first, last);
  };
  if (!share)
    return runOne(0);
  arena->forEach<tbb::static_partitioner>(calls, runOne);
}

void KernelRunner::runRows(const KernelJob &job, int64_t piece, bool share) {
  auto runOne = [&job, piece](int64_t i) {
    ScopedFloatingPointState state;
    runPiece(job, i * piece, std::min(job.rows, (i + 1) * piece), nullptr);
  };
  int64_t pieces = (job.rows + piece - 1) / piece;
  if (!share || pieces == 1)
    return runOne(0);
  arena->forEach(pieces, runOne);
}

void KernelRunner::runSums(const KernelJob &job, bool share) {
  int64_t count = job.kernel.info.sumElements;
  // Slots are aligned to 64 bytes, as kernels require.
  int64_t stride = (count * int64_t(job.elementSize) + 63) / 64 * 64;
  int64_t chunk = rowsPerChunk(job.rows);
  int64_t chunks = (job.rows + chunk - 1) / chunk;
  auto add = [&](void *sum, const void *term) { addTo(sum, term, 0, count, job.elementSize); };

  // Every subtree has a power of two of chunks, so this choice does not change
  // the tree, and may depend on the number of threads.
  int64_t subtree = chunksPerSubtree(chunks, share ? threads : 1);
  int64_t subtrees = (chunks + subtree - 1) / subtree;

  auto sumSubtree = [&](int64_t i, void *result) {
    thread_local AlignedBuffer partials;
    ScopedFloatingPointState state;
    int64_t first = i * subtree, number = std::min(subtree, chunks - first);
    auto *slots = static_cast<char *>(partials.reserve(std::bit_width(uint64_t(number)) * stride));
    sumTree(
        number,
        [&](int64_t j, void *memory) {
          int64_t begin = (first + j) * chunk;
          runPiece(job, begin, std::min(job.rows, begin + chunk), memory);
        },
        [&](int k) -> void * { return k == 0 ? result : slots + k * stride; }, add);
  };
  if (subtrees == 1)
    return sumSubtree(0, job.sums);

  thread_local AlignedBuffer roots;
  auto *others = static_cast<char *>(roots.reserve((subtrees - 1) * stride));
  auto result = [&](int64_t i) -> void * { return i == 0 ? job.sums : others + (i - 1) * stride; };
  arena->forEach(subtrees, [&](int64_t i) { sumSubtree(i, result(i)); });
  // The terms are in memory already: slots are their own places. A carry always
  // merges neighbours, and the left one stays where it is.
  auto merge = [&](int64_t begin, int64_t end) {
    ScopedFloatingPointState state;
    for (int64_t step = 1; step < subtrees; step *= 2)
      for (int64_t i = 0; i + step < subtrees; i += 2 * step)
        addTo(result(i), result(i + step), begin, end - begin, job.elementSize);
  };
  int64_t pieces = std::clamp<int64_t>(count * (subtrees - 1) / kElementsPerPiece, 1, threads);
  if (pieces == 1)
    return merge(0, count);
  int64_t piece = (count + pieces - 1) / pieces;
  arena->forEach(pieces, [&](int64_t i) { merge(i * piece, std::min(count, (i + 1) * piece)); });
}
