//===- TargetStart.cpp - Where to begin towards a target ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/TargetStart.h"

#include "HamiltonianChains.h"

#include "flowc/Training/Standardize.h"
#include "flowc/Training/Trainer.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

static constexpr uint64_t kStartStream = 0x7374617274ULL;
static constexpr int64_t kChains = 512;
/// Coordinates up to which the first approximation has correlations.
static constexpr int64_t kMostCorrelated = 50;

/// Draws of the normal distribution that approximates the target best, found by
/// L-BFGS on fixed draws; an error if that does not work.
static Expected<Rows<double>> drawNormalApproximation(const TrainingTarget &target, const StartOptions &options) {
  std::string n = std::to_string(target.dim());
  bool isFull = target.dim() <= kMostCorrelated;
  auto flow = Flow::parse(
      "flow normal = transformed(standard_normal([" + n + "]), " +
      (isFull ? "triangular_affine(zeros(" + n + "), eye(" + n + "))" : "affine(zeros(" + n + "), ones(" + n + "))") +
      ")");
  if (!flow)
    return flow.takeError();
  auto model = Model::initialise(*flow, {.dtype = F64});
  if (!model)
    return model.takeError();
  CompileOptions compileOptions{.dtype = F64, .threads = options.threads, .useCache = options.useCache};
  auto objective = target.makeObjective("elbo", *flow, compileOptions);
  if (!objective)
    return objective.takeError();
  // Enough draws that the fit to these is one to all.
  int64_t draws = std::max<int64_t>(256, 8 * target.dim());
  constexpr int64_t steps = 200;
  OptimizeOptions optimizer{.learningRate = 1, .maxIters = steps, .threads = options.threads};
  optimizer.update.optimizer = "lbfgs";
  optimizer.update.maxRecoveries = 0;
  optimizer.batch = [draws, seed = options.seed ^ kStartStream](int64_t) { return Batch{.rows = draws, .seed = seed}; };
  double last = std::numeric_limits<double>::infinity();
  optimizer.hasConverged = [&last](const StepStatistics &statistics, const Model &) {
    return std::abs(std::exchange(last, statistics.loss) - statistics.loss) < 1e-4;
  };
  if (auto result = optimize(*model, **objective, optimizer); !result)
    return result.takeError();
  auto kernels = compile(*flow, {.dtype = F64, .threads = options.threads, .useCache = options.useCache});
  if (!kernels)
    return kernels.takeError();
  return (*kernels)->sample<double>(*model, kChains, options.seed ^ kStartStream, {}, static_cast<uint64_t>(draws));
}

Expected<Rows<double>> flowc::drawFromTarget(const TrainingTarget &target, const Model &model,
                                             const StartOptions &options) {
  auto function = target.function({.dtype = F64, .threads = options.threads, .useCache = options.useCache});
  if (!function)
    return function.takeError();
  HamiltonianChains chains(target.name(), std::move(*function), options.seed ^ kStartStream);
  auto first = drawNormalApproximation(target, options);
  if (!first || !chains.start(*first)) {
    Model wide = model.astype(F64);
    auto own = compile(model.flow(), {.dtype = F64, .threads = options.threads, .useCache = options.useCache});
    if (!own)
      return own.takeError();
    first = (*own)->sample<double>(wide, kChains, options.seed ^ kStartStream);
    if (!first)
      return first;
    if (auto ok = chains.start(*first); !ok)
      return ok.takeError();
  }
  // The covariance of a run is the measure of the next.
  constexpr int warmups = 6, warmupMoves = 25, parts = 10, movesBetween = 10;
  for (int i = 0; i < warmups; ++i) {
    chains.whiten();
    if (auto ok = chains.run(warmupMoves); !ok)
      return ok.takeError();
  }
  chains.whiten();
  Rows<double> draws(parts * kChains, target.dim());
  for (int i = 0; i < parts; ++i) {
    if (auto ok = chains.run(movesBetween); !ok)
      return ok.takeError();
    draws.middleRows(i * kChains, kChains) = chains.positions();
  }
  return draws;
}

/// Maximum likelihood on the draws of the chains.
template <typename T>
static Expected<void> trainOnDraws(Model &model, const Rows<double> &draws, const StartOptions &options) {
  Rows<T> rows = draws.cast<T>();
  FitOptions fit{.learningRate = 5e-3, .maxEpochs = 80, .maxPatience = 10, .batchSize = 256, .seed = options.seed};
  fit.threads = options.threads;
  fit.useCache = options.useCache;
  fit.update.schedule = "cosine";
  fit.update.clipNorm = 10;
  auto result = fitToData(model, rows, fit);
  return result ? Expected<void>() : Expected<void>(result.takeError());
}

Expected<Model> flowc::startTowardsTarget(const Flow &flow, const TrainingTarget &target, const StartOptions &options) {
  auto model = Model::initialise(flow, {.seed = options.seed, .dtype = options.dtype});
  if (!model)
    return model;
  auto draws = drawFromTarget(target, *model, options);
  if (!draws)
    return draws.takeError();
  if (options.standardize && supportsAllReals(flow)) {
    auto statistics = computeStatistics(draws->data(), draws->rows(), draws->cols(), {});
    if (!statistics)
      return statistics.takeError();
    auto scaled = standardize(flow, &*statistics, nullptr);
    if (!scaled)
      return scaled.takeError();
    model = Model::initialise(*scaled, {.seed = options.seed, .dtype = options.dtype});
    if (!model)
      return model;
  }
  Model untrained = *model;
  auto trained = options.dtype == F32 ? trainOnDraws<float>(*model, *draws, options)
                                      : trainOnDraws<double>(*model, *draws, options);
  // Draws outside of the flow's support: then the ELBO has to find the way alone.
  return trained ? std::move(*model) : std::move(untrained);
}
