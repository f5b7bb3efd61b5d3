//===- Renyi.cpp - Bounds by several draws --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With r_k = target(y_k) - log q(y_k) of K draws, the variational Renyi bound (Y. Li,
// R. Turner, "Renyi divergence variational inference", 2016) is
//
//   L = log(mean_k exp((1 - alpha) r_k)) / (1 - alpha);
//
// alpha = 0 is the importance-weighted bound (Y. Burda, R. Grosse, R. Salakhutdinov,
// "Importance weighted autoencoders", 2016), alpha -> 1 the ELBO. The gradient is
// doubly reparameterised (G. Tucker, D. Lawson, S. Gu, C. Maddison, "Doubly
// reparameterized gradient estimators", 2019): with the normalised weights
// v_k of exp((1 - alpha) r_k), the path derivative of r_k counts
// alpha v_k + (1 - alpha) v_k^2.
//
//===----------------------------------------------------------------------===//

#include "WeighedDraws.h"

#include <cmath>

using namespace flowc;

namespace {

class Renyi : public WeighedDraws {
public:
  Renyi(const ObjectiveInfo &info, std::shared_ptr<Kernels> kernels, const CompileOptions &options, double alpha,
        int64_t draws)
      : WeighedDraws(info, PullBack::Path, std::move(kernels), options), alpha(alpha), draws(draws) {}

private:
  Expected<double> reduce(const Model &, const Batch &batch, std::span<const double> logWeights,
                          std::span<double> derivatives) override {
    if (batch.rows % draws != 0)
      return Error{"the objective '" + name() + "' takes " + std::to_string(draws) +
                   " draws at a time, but a step has " + std::to_string(batch.rows) +
                   ": expected a multiple of them (--num-samples)"};
    auto groups = static_cast<double>(batch.rows / draws);
    auto size = static_cast<size_t>(draws);
    double sum = 0;
    for (size_t begin = 0; begin < logWeights.size(); begin += size)
      sum += reduceGroup(logWeights.subspan(begin, size), derivatives.subspan(begin, size), groups);
    return sum / groups;
  }

  /// The negative bound of one group; derivatives of the mean of `groups` ones.
  double reduceGroup(std::span<const double> logWeights, std::span<double> derivatives, double groups) {
    auto count = static_cast<double>(logWeights.size());
    double power = 1 - alpha;
    if (power == 0) {
      double sum = 0;
      for (size_t k = 0; k < logWeights.size(); ++k) {
        sum += logWeights[k];
        derivatives[k] = 1 / (count * groups);
      }
      return -sum / count;
    }
    scaled.assign(logWeights.begin(), logWeights.end());
    for (double &value : scaled)
      value *= power;
    double total = logSumExp(scaled);
    for (size_t k = 0; k < scaled.size(); ++k) {
      double v = std::isinf(total) ? 0 : std::exp(scaled[k] - total);
      derivatives[k] = (alpha * v + power * v * v) / groups;
    }
    return -(total - std::log(count)) / power;
  }

  double alpha;
  int64_t draws;
  std::vector<double> scaled;
};

constexpr Setting kDraws = {"draws", 16, 1, 1e6, "draws of one bound"};

} // namespace

const ObjectiveInfo flowc::iwaeInfo = {
    .name = "iwae",
    .formula = "-mean_groups log mean_k exp(target(y_k) - log q(y_k)), doubly reparameterised gradient",
    .rows = RowSource::Drawn,
    .needsDensity = true,
    .settings = {kDraws},
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &options,
               std::span<const double> settings) -> std::unique_ptr<Objective> {
      return std::make_unique<Renyi>(iwaeInfo, std::move(kernels), options, 0.0, static_cast<int64_t>(settings[0]));
    }};

const ObjectiveInfo flowc::renyiInfo = {
    .name = "renyi",
    .formula = "-mean_groups log(mean_k exp((1 - alpha) (target(y_k) - log q(y_k)))) / (1 - alpha)",
    .rows = RowSource::Drawn,
    .needsDensity = true,
    .settings = {{"alpha", 0.5, -100, 1, "0 is the bound of iwae, 1 the ELBO"}, kDraws},
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &options,
               std::span<const double> settings) -> std::unique_ptr<Objective> {
      return std::make_unique<Renyi>(renyiInfo, std::move(kernels), options, settings[0],
                                     static_cast<int64_t>(settings[1]));
    }};
