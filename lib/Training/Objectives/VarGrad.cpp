//===- VarGrad.cpp - The evidence lower bound, by scores ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loss of "elbo", the mean of f_s = log q(y_s) - target(y_s) over draws y_s, with another
// estimate of its gradient, by the score of q at the draws, which are held constant:
//
//   sum_s (f_s - mean f) grad log q(y_s) / (S - 1),
//
// the gradient of half the variance of f (L. Richter, A. Boustati, N. Nuesken, F. Ruiz,
// O. D. Akyildiz, "VarGrad", NeurIPS 2020). It has no variance where q is the target. Far
// from there it is the noisier one, but it says directly that one of several modes has too
// much or too little of the draws, which a gradient through the draws says only by those
// few that lie between the modes.
//
//===----------------------------------------------------------------------===//

#include "WeighedDraws.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

class VarGrad : public WeighedDraws {
public:
  VarGrad(std::shared_ptr<Kernels> kernels, const CompileOptions &options)
      : WeighedDraws(vargradInfo, PullBack::Density, std::move(kernels), options) {}

private:
  /// Draws without a finite loss are left out if they are rare, as "elbo" does it.
  Expected<double> reduce(const Model &, const Batch &, std::span<const double> logWeights,
                          std::span<double> derivatives) override {
    std::vector<double> losses(logWeights.size());
    std::ranges::transform(logWeights, losses.begin(), std::negate<>());
    double sum = 0, count = static_cast<double>(std::ssize(losses) - countRareFailures(losses));
    bool leavesOut = count < static_cast<double>(losses.size());
    for (double loss : losses)
      sum += leavesOut && !std::isfinite(loss) ? 0 : loss;
    double mean = sum / count, share = 1 / std::max(count - 1, 1.0);
    for (size_t s = 0; s < losses.size(); ++s)
      derivatives[s] = std::isfinite(losses[s]) && std::isfinite(mean) ? share * (losses[s] - mean) : 0;
    return mean;
  }
};

} // namespace

const ObjectiveInfo flowc::vargradInfo = {
    .name = "vargrad",
    .formula = "the loss of elbo; its gradient holds the draws constant: that of var_s(log q(y_s) - target(y_s))/2",
    .rows = RowSource::Drawn,
    .needsDensity = true,
    .settings = {},
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &options, std::span<const double>)
        -> std::unique_ptr<Objective> { return std::make_unique<VarGrad>(std::move(kernels), options); }};
