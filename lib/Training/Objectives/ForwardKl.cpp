//===- ForwardKl.cpp - The likelihood of draws from the target ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// KL(p || q) by self-normalised importance sampling from the flow itself: with
// weights v_k, normalised exp(target(y_k) - log q(y_k)), held constant like the draws,
// the gradient is that of -sum_k v_k log q(y_k) (J. Bornschein, Y. Bengio, "Reweighted
// wake-sleep", 2015). It covers the target rather than one of its modes, but
// needs draws where the target is.
//
//===----------------------------------------------------------------------===//

#include "WeighedDraws.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

class ForwardKl : public WeighedDraws {
public:
  ForwardKl(std::shared_ptr<Kernels> kernels, const CompileOptions &options, double clip)
      : WeighedDraws(forwardKlInfo, PullBack::Density, std::move(kernels), options), clip(clip) {}

private:
  Expected<double> reduce(const Model &, const Batch &, std::span<const double> logWeights,
                          std::span<double> derivatives) override {
    auto count = static_cast<double>(logWeights.size());
    double total = logSumExp(logWeights), sum = 0, loss = 0;
    for (size_t k = 0; k < logWeights.size(); ++k) {
      double v = std::isinf(total) ? 0 : std::exp(logWeights[k] - total);
      derivatives[k] = clip > 0 ? std::min(v, clip / count) : v;
      sum += derivatives[k];
    }
    for (size_t k = 0; k < logWeights.size(); ++k) {
      double v = sum > 0 ? derivatives[k] / sum : 0;
      loss += v > 0 ? v * logWeights[k] : 0;
      derivatives[k] = -v;
    }
    return loss - (total - std::log(count));
  }

  double clip;
};

} // namespace

const ObjectiveInfo flowc::forwardKlInfo = {
    .name = "forward_kl",
    .formula = "sum_k v_k (target(y_k) - log q(y_k)) - log evidence, v_k normalised importance weights",
    .rows = RowSource::Drawn,
    .needsDensity = true,
    .settings = {{"clip", 0, 0, kLargest, "largest weight, as a multiple of their mean (0: any)"}},
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &options,
               std::span<const double> settings) -> std::unique_ptr<Objective> {
      return std::make_unique<ForwardKl>(std::move(kernels), options, settings[0]);
    }};
