//===- KernelRunnerTest.cpp - Splitting rows over threads -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels here are ordinary functions, so that only the runner is on trial.
//
//===----------------------------------------------------------------------===//

#include "flowc/ExecutionEngine/KernelRunner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

using namespace flowc;

namespace {

constexpr int64_t kSums = 37;

/// y = 2 x + number of the sample, for rows of three; the sum output holds sines
/// of x, which are not associative to add.
void testKernel(const void *prepared, const void *const *inputs, void *const *outputs, void *workspace, int64_t rows,
                uint64_t first, uint64_t seed) {
  const auto *x = static_cast<const float *>(inputs[0]);
  auto *y = static_cast<float *>(outputs[0]);
  auto *sum = static_cast<float *>(outputs[1]);
  float factor = *static_cast<const float *>(prepared);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(workspace) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(sum) % 64, 0u);
  std::memset(workspace, 0xff, 1000 * sizeof(float));
  std::fill_n(sum, kSums, 0.0f);
  for (int64_t i = 0; i < rows; ++i) {
    for (int j = 0; j < 3; ++j)
      y[3 * i + j] = factor * x[3 * i + j] + float(first + i + seed);
    for (int64_t k = 0; k < kSums; ++k)
      sum[k] += std::sin(x[3 * i] * float(k + 1));
  }
}

void rowKernel(const void *, const void *const *inputs, void *const *outputs, void *, int64_t rows, uint64_t first,
               uint64_t) {
  const auto *x = static_cast<const double *>(inputs[0]);
#ifdef __x86_64__
  volatile float one = 1, tiny = 1e-38f, third = 1.0f / 3;
  ASSERT_EQ(tiny * third, 0.0f) << "subnormal numbers are zero in kernels";
  ASSERT_EQ(one - tiny, 1.0f) << "kernels round to nearest";
#endif
  for (int64_t i = 0; i < rows; ++i)
    static_cast<double *>(outputs[0])[i] = x[2 * i] - x[2 * i + 1] + double(first + i);
}

constexpr int64_t kLongSums = 40000;

/// The number of the row, and the sum over rows of 1 + k.
void longKernel(const void *, const void *const *, void *const *outputs, void *, int64_t rows, uint64_t first,
                uint64_t) {
  auto *y = static_cast<double *>(outputs[0]), *sum = static_cast<double *>(outputs[1]);
  for (int64_t i = 0; i < rows; ++i)
    y[i] = static_cast<double>(first) + static_cast<double>(i);
  for (int64_t k = 0; k < kLongSums; ++k)
    sum[k] = static_cast<double>(rows * (1 + k));
}

class TestKernel : public LoadedKernel {
public:
  TestKernel(KernelFn function, int64_t sums, int64_t macs = 100) {
    kernel = function;
    info = {.abiVersion = kKernelABIVersion,
            .preparedElements = 1,
            .workspaceElements = 1000,
            .sumElements = sums,
            .numInputs = 1,
            .numOutputs = 1,
            .gradientElements = 0,
            .macsPerRow = macs,
            .finishWorkspaceElements = 0};
  }
};

struct Result {
  std::vector<float> y;
  std::vector<float> sums;
  bool operator==(const Result &) const = default;
};

/// `mode`: the caller's rounding mode.
Result runOn(int threads, int64_t rows, int64_t macs, int mode = FE_TONEAREST) {
  TestKernel kernel(testKernel, kSums, macs);
  std::vector<float> x(3 * rows);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = std::cos(float(i));
  Result result{std::vector<float>(3 * rows), std::vector<float>(kSums)};
  alignas(64) float sums[64];
  float factor = 2;
  const void *input = x.data();
  void *output = result.y.data();
  int64_t width = 3;
  KernelRunner runner(threads);
  RowCost cost(kernel.info.macsPerRow);
  std::fesetround(mode);
  for (int repeat = 0; repeat < 3; ++repeat)
    runner.run({.kernel = kernel,
                .elementSize = 4,
                .prepared = &factor,
                .inputs = {&input, 1},
                .inputWidths = {&width, 1},
                .outputs = {&output, 1},
                .outputWidths = {&width, 1},
                .rows = rows,
                .first = 5,
                .seed = 7,
                .sums = sums},
               cost);
  std::fesetround(FE_TONEAREST);
  std::copy_n(sums, kSums, result.sums.begin());
  return result;
}

} // namespace

TEST(KernelRunnerTest, SumsAndRowsDoNotDependOnThreads) {
  for (int64_t rows : {0, 1, 63, 64, 65, 100, 128, 129, 1000, 1024, 5000, 40001}) {
    // A kernel that claims to be slow is shared among threads from the start.
    Result one = runOn(1, rows, 100);
    for (int threads : {2, 3, 4, 7})
      EXPECT_EQ(one, runOn(threads, rows, 10000000)) << rows << " rows, " << threads << " threads";
    for (int64_t i = 0; i < rows; ++i)
      ASSERT_EQ(one.y[3 * i], 2 * std::cos(float(3 * i)) + float(5 + i + 7)) << "row " << i;
  }
}

// The sums of pieces of the work are added up in the kernels' rounding mode, too.
TEST(KernelRunnerTest, SumsDoNotDependOnTheCallersRoundingMode) {
  Result expected = runOn(1, 40001, 100);
  for (int mode : {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO})
    for (int threads : {1, 2, 3})
      EXPECT_EQ(runOn(threads, 40001, 10000000, mode), expected) << "mode " << mode << ", " << threads << " threads";
}

TEST(KernelRunnerTest, SumsAreTheSums) {
  int64_t rows = 40001;
  Result result = runOn(2, rows, 10000000);
  for (int64_t k = 0; k < kSums; ++k) {
    double expected = 0;
    for (int64_t i = 0; i < rows; ++i)
      expected += std::sin(std::cos(float(3 * i)) * float(k + 1));
    // Chunks of 512 rows in sequence, then a tree: each term is rounded at most
    // 512 + log2(79) times, by half a unit of a partial sum below 512.
    EXPECT_NEAR(result.sums[k], expected, 0.05) << k;
  }
}

/// Sums that are long enough for more than one thread are added piece by piece.
TEST(KernelRunnerTest, LongSumsOfDoublesAreTheSums) {
  TestKernel kernel(longKernel, kLongSums, /*macs=*/10000000);
  constexpr int64_t rows = 5000, width = 1;
  std::vector<double> x(rows), y(rows), sums(kLongSums);
  const void *input = x.data();
  void *output = y.data();
  KernelRunner runner(4);
  RowCost cost(kernel.info.macsPerRow);
  runner.run({.kernel = kernel,
              .elementSize = 8,
              .prepared = nullptr,
              .inputs = {&input, 1},
              .inputWidths = {&width, 1},
              .outputs = {&output, 1},
              .outputWidths = {&width, 1},
              .rows = rows,
              .first = 0,
              .seed = 0,
              .sums = sums.data()},
             cost);
  for (int64_t k = 0; k < kLongSums; ++k)
    ASSERT_EQ(sums[static_cast<size_t>(k)], static_cast<double>(rows * (1 + k))) << k;
  EXPECT_EQ(y.back(), rows - 1);
}

TEST(KernelRunnerTest, EveryPartIsDoneOnce) {
  for (int threads : {1, 2, 3, 7})
    for (int64_t parts : {1, 2, 5, 8, 13}) {
      std::vector<std::atomic<int>> times(parts);
      KernelRunner runner(threads);
      std::fesetround(FE_DOWNWARD);
      std::atomic<bool> isNearest = true;
      // Parts that claim to be slow are shared among threads.
      RowCost cost(10000000);
      runner.runParts(parts, cost, [&](int64_t first, int64_t last) {
        volatile float third = 1;
        third = third / 3;
        isNearest = isNearest && third == 0x1.555556p-2F;
        for (int64_t part = first; part < last; ++part)
          ++times[part];
      });
      EXPECT_EQ(std::fegetround(), FE_DOWNWARD);
      std::fesetround(FE_TONEAREST);
      EXPECT_TRUE(isNearest) << threads << " threads, " << parts << " parts";
      for (int64_t part = 0; part < parts; ++part)
        EXPECT_EQ(times[part], 1) << "part " << part << " of " << parts << ", " << threads << " threads";
      EXPECT_NE(cost.get(), RowCost(10000000).get()) << "what they took is recorded";
    }
}

TEST(KernelRunnerTest, RowsPerChunkFollowsFromTheRowsAlone) {
  EXPECT_EQ(rowsPerChunk(1), 64);
  EXPECT_EQ(rowsPerChunk(64), 64);
  EXPECT_EQ(rowsPerChunk(10000000), 512);
  for (int64_t rows = 129; rows < 20000; rows += 17) {
    EXPECT_EQ(rowsPerChunk(rows) % 64, 0) << rows;
    EXPECT_LE(rowsPerChunk(rows), rowsPerChunk(rows + 17)) << rows;
  }
  // Two chunks with half of the vectors of 16 rows each.
  EXPECT_EQ(rowsPerChunk(100), 52);
  for (int64_t rows = 65; rows <= 128; ++rows) {
    auto vectors = [](int64_t count) { return (count + 15) / 16; };
    int64_t first = rowsPerChunk(rows), second = rows - first;
    EXPECT_LE(second, first) << rows;
    EXPECT_EQ(vectors(first) + vectors(second), vectors(rows)) << rows;
    EXPECT_LE(vectors(first) - vectors(second), 1) << rows;
  }
}

TEST(KernelRunnerTest, ManyCallersShareOneRunner) {
  TestKernel kernel(rowKernel, 0, /*macs=*/100000);
  KernelRunner runner(3);
  RowCost cost(kernel.info.macsPerRow);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      int64_t rows = 1000 + 77 * caller;
      std::vector<double> x(2 * rows), y(rows);
      for (int64_t i = 0; i < rows; ++i)
        x[2 * i] = double(caller), x[2 * i + 1] = double(i);
      const void *input = x.data();
      void *output = y.data();
      int64_t widths[] = {2, 1};
      std::fesetround(FE_DOWNWARD);
      for (int repeat = 0; repeat < 50; ++repeat) {
        std::fill(y.begin(), y.end(), -1);
        runner.run({.kernel = kernel,
                    .elementSize = 8,
                    .prepared = nullptr,
                    .inputs = {&input, 1},
                    .inputWidths = {widths, 1},
                    .outputs = {&output, 1},
                    .outputWidths = {widths + 1, 1},
                    .rows = rows,
                    .first = 10},
                   cost);
        for (int64_t i = 0; i < rows; ++i)
          ASSERT_EQ(y[i], caller + 10.0);
      }
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST(KernelRunnerTest, FloatingPointStateIsTheKernelsInsideAndTheCallersOutside) {
  std::fesetround(FE_UPWARD);
  std::feclearexcept(FE_ALL_EXCEPT);
  volatile float tiny = 1e-38f, third = 1.0f / 3;
  {
    ScopedFloatingPointState state;
#ifdef __x86_64__
    volatile float above = 1.0f + tiny;
    EXPECT_EQ(above, 1.0f) << "to nearest";
    volatile float subnormal = tiny * third;
    EXPECT_EQ(subnormal, 0.0f);
#endif
  }
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
  EXPECT_FALSE(std::fetestexcept(FE_UNDERFLOW)) << "flags raised inside stay inside";
  EXPECT_GT(tiny * third, 0.0f);
  std::fesetround(FE_TONEAREST);
}
