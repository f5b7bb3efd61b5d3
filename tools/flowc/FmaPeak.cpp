//===- FmaPeak.cpp - How fast this machine could be -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FmaPeak.h"

#include "flowc/Support/Clock.h"

#include <algorithm>
#include <thread>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace flowc;

namespace {

constexpr int64_t rounds = 20000;
// Enough independent chains to hide the latency of any FMA unit, few enough for
// 16 registers.
constexpr int chains = 12;

/// Where results go, so that the loops must compute them.
volatile double sink;

/// Chains of multiply-adds; `Bytes` bytes are done at once.
struct Loop {
  void (*run)();
  int bytes;
};

/// Scalar code: the compiler's own choice of vectors.
template <typename T>
void portableLoop() {
  constexpr int lanes = chains * 16 / sizeof(T);
  T sums[lanes] = {};
  for (int64_t i = 0; i < rounds; ++i)
    for (T &sum : sums)
      sum = sum * T(0.999) + T(0.001);
  sink = static_cast<double>(sums[0]);
}

#if defined(__x86_64__)
#define FLOWC_FMA_LOOP(NAME, TARGET, VECTOR, PREFIX, SUFFIX, T)                                                        \
  __attribute__((target(TARGET))) void NAME() {                                                                        \
    VECTOR factor = PREFIX##_set1_##SUFFIX(T(0.999)), term = PREFIX##_set1_##SUFFIX(T(0.001));                         \
    VECTOR sums[chains];                                                                                               \
    for (VECTOR &sum : sums)                                                                                           \
      sum = term;                                                                                                      \
    for (int64_t i = 0; i < rounds; ++i)                                                                               \
      _Pragma("GCC unroll 12") for (VECTOR &sum : sums) sum = PREFIX##_fmadd_##SUFFIX(sum, factor, term);              \
    for (VECTOR &sum : sums)                                                                                           \
      sink = static_cast<double>(reinterpret_cast<T *>(&sum)[0]);                                                      \
  }
FLOWC_FMA_LOOP(avx512Float, "avx512f", __m512, _mm512, ps, float)
FLOWC_FMA_LOOP(avx512Double, "avx512f", __m512d, _mm512, pd, double)
FLOWC_FMA_LOOP(avx2Float, "avx2,fma", __m256, _mm256, ps, float)
FLOWC_FMA_LOOP(avx2Double, "avx2,fma", __m256d, _mm256, pd, double)
#undef FLOWC_FMA_LOOP
#endif

/// The widest loop that this CPU runs.
Loop widestLoop(DType dtype) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return {dtype == F32 ? avx512Float : avx512Double, 64};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {dtype == F32 ? avx2Float : avx2Double, 32};
#endif
  return {dtype == F32 ? portableLoop<float> : portableLoop<double>, 16};
}

/// GFLOP/s of one thread while the others run, too.
double measureThread(const Loop &loop, double flops) {
  double best = 0;
  Clock::time_point start = Clock::now();
  do {
    Clock::time_point begin = Clock::now();
    loop.run();
    best = std::max(best, flops / secondsSince(begin));
  } while (Clock::now() - start < std::chrono::milliseconds(150));
  return best * 1e-9;
}

} // namespace

double tool::measureFmaPeak(DType dtype, int threads) {
  Loop loop = widestLoop(dtype);
  double flops = 2.0 * chains * rounds * loop.bytes / (dtype == F32 ? 4 : 8);
  std::vector<double> speeds(static_cast<size_t>(threads));
  std::vector<std::thread> workers;
  for (double &speed : speeds)
    workers.emplace_back([&speed, loop, flops] { speed = measureThread(loop, flops); });
  for (std::thread &worker : workers)
    worker.join();
  double sum = 0;
  for (double speed : speeds)
    sum += speed;
  return sum;
}
