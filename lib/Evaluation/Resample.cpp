//===- Resample.cpp - Sampling importance resampling ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A draw is a function of its number: the pool is never in memory, only its ratios
// are. What is chosen is drawn again.
//
//===----------------------------------------------------------------------===//

#include "Draws.h"
#include "Target.h"

#include "flowc/Support/Philox.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace flowc;

/// A uniform number in (0, 1) for the `index`-th choice with this seed.
static double uniformChoice(uint64_t seed, uint64_t index) {
  constexpr uint32_t domain = 0x72736d70; // "rsmp": no other draw has it.
  auto word = philox4x32({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), 0, domain},
                         {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  uint64_t bits = (static_cast<uint64_t>(word[0]) << 32 | word[1]) >> 12;
  return (static_cast<double>(bits) + 0.5) * 0x1p-52;
}

/// Systematic resampling: draw i as often as multiples of the total over `count`, moved
/// by a random part of that, fall on its share of the total.
static std::vector<int64_t> chooseSystematic(const std::vector<double> &logRatios, int64_t count, uint64_t seed) {
  double most = *std::max_element(logRatios.begin(), logRatios.end()), total = 0;
  for (double ratio : logRatios)
    total += std::exp(ratio - most);
  double offset = uniformChoice(seed, 0), sum = 0;
  std::vector<int64_t> chosen;
  int64_t last = 0;
  for (size_t i = 0; i < logRatios.size(); ++i) {
    double ratio = std::exp(logRatios[i] - most);
    if (ratio == 0)
      continue;
    last = static_cast<int64_t>(i);
    sum += ratio;
    while (static_cast<int64_t>(chosen.size()) < count &&
           (static_cast<double>(chosen.size()) + offset) * (total / static_cast<double>(count)) < sum)
      chosen.push_back(last);
  }
  chosen.resize(static_cast<size_t>(count), last); // Rounding may keep the last one out.
  return chosen;
}

/// Without replacement, each next one in proportion to the ratios that are left: the
/// largest of log-ratios with independent Gumbel noise.
static Expected<std::vector<int64_t>> chooseDistinct(const std::vector<double> &logRatios, int64_t count,
                                                     uint64_t seed) {
  std::vector<std::pair<double, int64_t>> keys;
  for (size_t i = 0; i < logRatios.size(); ++i)
    if (logRatios[i] > -std::numeric_limits<double>::infinity())
      keys.emplace_back(logRatios[i] - std::log(-std::log(uniformChoice(seed, i))), static_cast<int64_t>(i));
  if (static_cast<int64_t>(keys.size()) < count)
    return Error{"only " + std::to_string(keys.size()) + " of the " + std::to_string(logRatios.size()) +
                 " draws of the pool have weight, cannot choose " + std::to_string(count) +
                 " different ones: draw a larger pool"};
  std::nth_element(keys.begin(), keys.begin() + count, keys.end(), std::greater<>());
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < count; ++i)
    chosen.push_back(keys[static_cast<size_t>(i)].second);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// The log-ratios of the pool, and what they say of the flow.
static Expected<TargetEvaluation> drawPool(RatioSource &source, const Flow &flow, const ResampleOptions &options,
                                           std::vector<double> &logRatios) {
  auto size = static_cast<int64_t>(logRatios.size());
  RatioSummary summary(size, options.seed);
  for (int64_t done = 0; done < size;) {
    int64_t count = std::min(drawsOfChunk(flow), size - done);
    auto ratios = source.ratios(static_cast<uint64_t>(done), count);
    if (!ratios)
      return ratios.takeError();
    for (double ratio : *ratios) {
      summary.add(ratio);
      logRatios[static_cast<size_t>(done++)] = ratio;
    }
    if (options.progress)
      options.progress(done);
  }
  return summary.finish();
}

int64_t flowc::resamplePool(const ResampleOptions &options) {
  constexpr int64_t usual = 10000, factor = 10;
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  if (options.pool > 0)
    return options.pool;
  return options.count > most / factor ? most : std::max(usual, factor * options.count);
}

Expected<Resampling> flowc::resample(Kernels &kernels, const Model &model, const LogDensity &target,
                                     const ResampleOptions &options) {
  constexpr int64_t fewest = 100;
  const int64_t pool = resamplePool(options);
  if (pool < fewest || options.count < 0 || (!options.replacement && options.count > pool))
    return Error{"cannot choose " + std::to_string(options.count) + (options.replacement ? "" : " different") +
                 " draws from a pool of " + std::to_string(pool) + ", expected a pool of at least " +
                 std::to_string(std::max(fewest, options.replacement ? 0 : options.count))};
  if (auto ok = checkCondition(kernels.flow(), options.condition); !ok)
    return ok.takeError();
  RatioSource source(kernels, model, target, options.seed, options.condition);
  if (auto ok = detail::checkSize(pool, 2, sizeof(double)); !ok)
    return Error{"for a pool of " + std::to_string(pool) + " draws, " + ok.error().message};
  std::vector<double> logRatios(static_cast<size_t>(pool));
  auto evaluation = drawPool(source, kernels.flow(), options, logRatios);
  if (!evaluation)
    return evaluation.takeError();
  if (evaluation->outside == pool)
    return Error{"none of the " + std::to_string(pool) + " draws of '" + kernels.flow().name() +
                 "' lies in the support of the target: nothing can be resampled"};
  smoothLogRatios(logRatios);
  Resampling result;
  result.pool = *evaluation;
  if (options.replacement) {
    result.chosen = chooseSystematic(logRatios, options.count, options.seed);
  } else {
    auto chosen = chooseDistinct(logRatios, options.count, options.seed);
    if (!chosen)
      return chosen.takeError();
    result.chosen = std::move(*chosen);
  }
  for (size_t i = 0; i < result.chosen.size(); ++i)
    result.distinct += i == 0 || result.chosen[i] != result.chosen[i - 1];
  return result;
}

Expected<void> flowc::drawChosen(Kernels &kernels, const Model &model, const Resampling &resampling,
                                 const ResampleOptions &options,
                                 const std::function<Expected<void>(const void *rows, int64_t count)> &consume) {
  const Flow &flow = kernels.flow();
  size_t rowSize = static_cast<size_t>(flow.dim()) * (kernels.dtype() == F32 ? sizeof(float) : sizeof(double));
  const int64_t chunk = drawsOfChunk(flow);
  std::vector<double> drawn, conditions = repeatRow(options.condition, chunk); // Doubles are well aligned.
  std::vector<float> narrow(conditions.begin(), conditions.end());
  std::vector<char> rows;
  for (auto at = resampling.chosen.begin(); at != resampling.chosen.end();) {
    // The next stretch of the pool that has chosen draws, from the first of them on.
    const int64_t first = *at;
    auto end = std::lower_bound(at, resampling.chosen.end(), first + chunk);
    const int64_t count = *std::prev(end) + 1 - first;
    drawn.resize(static_cast<size_t>(count * flow.dim()));
    Kernels::Call call{.kernel = Kernel::Sample,
                       .outputs = {drawn.data()},
                       .rows = count,
                       .first = static_cast<uint64_t>(first),
                       .seed = options.seed};
    if (flow.condShape())
      call.inputs = {kernels.dtype() == F32 ? static_cast<const void *>(narrow.data()) : conditions.data()};
    if (auto ok = kernels.run(model, call); !ok)
      return ok;
    rows.clear();
    const char *bytes = reinterpret_cast<const char *>(drawn.data());
    auto taken = end - at;
    for (; at != end; ++at) {
      const char *row = bytes + static_cast<size_t>(*at - first) * rowSize;
      rows.insert(rows.end(), row, row + rowSize);
    }
    if (auto ok = consume(rows.data(), taken); !ok)
      return ok;
  }
  return {};
}
