//===- WeightVariance.cpp - The loss of neural importance sampling --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The relative variance of the importance weights w_k = exp(target(y_k) - log q(y_k)),
//
//   sum_s n_s/n (mean_s w^2 / (mean_s w)^2 - 1),
//
// over strata s: neighbouring rows of equal conditions (one stratum, if there are none).
// It is the chi-squared divergence of the target from the flow, and what limits
// integration by importance sampling (T. Mueller et al., "Neural importance sampling",
// 2019; stratified as in T. Heimel et al., "MadNIS", 2023).
// With the draws held constant its gradient is that of -mean (w_k / mean w)^2 log q(y_k).
//
//===----------------------------------------------------------------------===//

#include "WeighedDraws.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace flowc;

namespace {

class WeightVariance : public WeighedDraws {
public:
  WeightVariance(std::shared_ptr<Kernels> kernels, const CompileOptions &options, double clip)
      : WeighedDraws(weightVarianceInfo, PullBack::Density, std::move(kernels), options), clip(clip) {}

private:
  Expected<double> reduce(const Model &model, const Batch &batch, std::span<const double> logWeights,
                          std::span<double> derivatives) override {
    double loss = 0;
    for (int64_t begin = 0, end; begin < batch.rows; begin = end) {
      end = findEnd(model, batch, begin);
      auto from = static_cast<size_t>(begin), count = static_cast<size_t>(end - begin);
      loss += reduceStratum(logWeights.subspan(from, count), derivatives.subspan(from, count),
                            static_cast<double>(batch.rows));
    }
    return loss;
  }

  /// The first row behind `begin` whose condition is another one.
  static int64_t findEnd(const Model &model, const Batch &batch, int64_t begin) {
    if (!batch.condition)
      return batch.rows;
    size_t bytes = static_cast<size_t>(model.flow().condDim()) * (model.dtype() == F32 ? 4 : 8);
    auto rowAt = [&](int64_t row) { return static_cast<const char *>(batch.condition) + row * bytes; };
    int64_t end = begin + 1;
    while (end < batch.rows && std::memcmp(rowAt(begin), rowAt(end), bytes) == 0)
      ++end;
    return end;
  }

  double reduceStratum(std::span<const double> logWeights, std::span<double> derivatives, double rows) const {
    auto count = static_cast<double>(logWeights.size());
    double logMean = logSumExp(logWeights) - std::log(count), squares = 0;
    for (size_t k = 0; k < logWeights.size(); ++k) {
      double relative = std::isinf(logMean) ? 0 : std::exp(logWeights[k] - logMean);
      if (clip > 0)
        relative = std::min(relative, clip);
      squares += relative * relative;
      derivatives[k] = -relative * relative / rows;
    }
    return count / rows * (squares / count - 1);
  }

  double clip;
};

} // namespace

const ObjectiveInfo flowc::weightVarianceInfo = {
    .name = "weight_variance",
    .formula = "relative variance of exp(target(y_k) - log q(y_k)), stratified by the condition",
    .rows = RowSource::Drawn,
    .needsDensity = true,
    .settings = {{"clip", 100, 0, kLargest, "largest weight, as a multiple of their mean (0: any)"}},
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &options,
               std::span<const double> settings) -> std::unique_ptr<Objective> {
      return std::make_unique<WeightVariance>(std::move(kernels), options, settings[0]);
    }};
