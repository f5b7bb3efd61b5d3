//===- Target.cpp - A flow against a target -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Target.h"

#include "Draws.h"
#include "Pareto.h"

#include "flowc/Targets.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace flowc;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

Expected<LogDensity> flowc::compileLogDensity(const Flow &density, CompileOptions options) {
  auto function = compileTargetFunction(density, std::move(options));
  if (!function)
    return function.takeError();
  return LogDensity([function = std::move(*function)](const double *x, int64_t rows, double *result) {
    return function(x, rows, result, /*gradient=*/nullptr);
  });
}

//===----------------------------------------------------------------------===//
// RatioSummary
//===----------------------------------------------------------------------===//

RatioSummary::RatioSummary(int64_t draws, uint64_t seed) : tailRatios(static_cast<size_t>(tailSize(draws))) {
  result.draws = draws;
  result.seed = seed;
}

void RatioSummary::Sums::add(double logRatio) {
  if (logRatio > most) {
    double factor = std::exp(most - logRatio);
    sum *= factor;
    squares *= factor * factor;
    most = logRatio;
  }
  double ratio = std::exp(logRatio - most);
  sum += ratio;
  squares += ratio * ratio;
}

void RatioSummary::add(double logRatio) {
  if (logRatio == -kInfinity) {
    ++result.outside;
    return;
  }
  sums.add(logRatio);
  ++finite;
  double step = logRatio - mean;
  mean += step / static_cast<double>(finite);
  deviations += step * (logRatio - mean);
  // The largest ratios are a heap with the smallest of them on top.
  if (largest.size() <= tailRatios) {
    largest.push_back(logRatio);
    std::push_heap(largest.begin(), largest.end(), std::greater<>());
  } else if (logRatio > largest.front()) {
    std::pop_heap(largest.begin(), largest.end(), std::greater<>());
    largest.back() = logRatio;
    std::push_heap(largest.begin(), largest.end(), std::greater<>());
  }
}

TargetEvaluation RatioSummary::finish() {
  auto n = static_cast<double>(result.draws);
  bool inside = result.outside == 0;
  result.elbo = inside ? mean : -kInfinity;
  result.elboError = inside ? std::sqrt(deviations / (n - 1) / n) : std::nan("");
  result.logEvidence = finite ? sums.most + std::log(sums.sum / n) : -kInfinity;
  double relative = n * sums.squares / (sums.sum * sums.sum);
  result.logEvidenceError = finite ? std::sqrt(std::max(0.0, relative - 1) / (n - 1)) : std::nan("");
  result.effectiveSampleSize = finite ? n / relative : 0;
  std::sort(largest.begin(), largest.end());
  result.paretoK = fitTail(largest, largest.size() > tailRatios).k;
  return result;
}

//===----------------------------------------------------------------------===//
// evaluateTarget
//===----------------------------------------------------------------------===//

Expected<TargetEvaluation> flowc::evaluateTarget(Kernels &kernels, const Model &model, const LogDensity &target,
                                                 const EvaluateTargetOptions &options) {
  constexpr int64_t fewest = 100;
  if (options.draws < fewest)
    return Error{"cannot judge a flow by " + std::to_string(options.draws) + " draws, expected at least " +
                 std::to_string(fewest)};
  if (auto ok = checkCondition(kernels.flow(), options.condition); !ok)
    return ok.takeError();
  RatioSource source(kernels, model, target, options.seed, options.condition);
  RatioSummary summary(options.draws, options.seed);
  for (int64_t done = 0; done < options.draws;) {
    int64_t count = std::min(drawsOfChunk(kernels.flow()), options.draws - done);
    auto ratios = source.ratios(kFirstEvaluationDraw + static_cast<uint64_t>(done), count);
    if (!ratios)
      return ratios.takeError();
    for (double ratio : *ratios)
      summary.add(ratio);
    done += count;
    if (options.progress)
      options.progress(done);
  }
  return summary.finish();
}
