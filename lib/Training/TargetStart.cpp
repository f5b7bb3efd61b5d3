//===- TargetStart.cpp - Where to begin towards a target ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/TargetStart.h"
#include "flowc/Support/WithType.h"

#include "HamiltonianChains.h"
#include "NormalApproximation.h"

#include "flowc/Training/Standardize.h"
#include "flowc/Training/SupportMap.h"
#include "flowc/Training/Trainer.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

static constexpr uint64_t kStartStream = 0x7374617274ULL;
static constexpr int64_t kChains = 512;
/// Trainings on their draws, of which the best is kept.
static constexpr uint64_t kStarts = 3;

/// Draws of the model that is to be trained, where the chains are.
static Expected<Rows<double>> drawFromModel(const StartPlace &place, const Model &model, int64_t count, uint64_t seed) {
  auto own = compile(model.flow(), place.compileOptions());
  if (!own)
    return own.takeError();
  auto draws = (*own)->sample<double>(model.astype(F64), count, seed);
  if (!draws || !place.isMapped())
    return draws;
  return place.map->invert(std::move(*draws));
}

/// Draws of Markov chains that started from normal approximations of the target, or,
/// where those fail, from draws of `model`; one row for each. Good enough to know where
/// the target lies, not to judge it. Errors: the target has no finite density anywhere
/// near.
static Expected<Rows<double>> drawFromTarget(const StartPlace &place, const Model &model) {
  uint64_t seed = place.options.seed ^ kStartStream;
  auto function = place.function();
  if (!function)
    return function.takeError();
  HamiltonianChains chains(place.target.name(), *function, seed);
  auto first = drawNormalApproximations(place, *function, kChains, seed);
  if (!first || !chains.start(*first)) {
    first = drawFromModel(place, model, kChains, seed);
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
  Rows<double> draws(parts * kChains, place.target.dim());
  for (int i = 0; i < parts; ++i) {
    if (auto ok = chains.run(movesBetween); !ok)
      return ok.takeError();
    draws.middleRows(i * kChains, kChains) = chains.positions();
  }
  return draws;
}

/// Maximum likelihood on the draws of the chains; the loss on a tenth of them.
template <typename T>
static Expected<double> trainOnRows(Model &model, const Rows<double> &draws, const StartOptions &options) {
  Rows<T> rows = draws.cast<T>();
  FitOptions fit{.learningRate = 5e-3, .maxEpochs = 80, .maxPatience = 10, .batchSize = 256, .seed = options.seed};
  fit.threads = options.threads;
  fit.useCache = options.useCache;
  fit.update.schedule = "cosine";
  fit.update.clipNorm = 10;
  auto result = fitToData(model, rows, fit);
  if (!result)
    return result.takeError();
  return result->valLosses[static_cast<size_t>(result->bestEpoch) - 1];
}

/// The best of several trainings: modes that a flow begins to divide among its layers in
/// an unlucky way stay so divided.
static Expected<void> trainOften(Model &model, const Rows<double> &draws, const StartOptions &options) {
  double least = std::numeric_limits<double>::infinity();
  std::vector<double> best;
  for (uint64_t i = 0; i < kStarts; ++i) {
    // Only the parameters are others: permutations follow from the seed, also on a resume.
    auto other = Model::initialise(model.flow(), {.seed = options.seed + i, .dtype = model.dtype()});
    if (!other)
      return other.takeError();
    if (auto ok = model.setTrainable(other->trainable()); !ok)
      return ok;
    auto loss = withType(model.dtype(), [&]<typename T>() { return trainOnRows<T>(model, draws, options); });
    if (!loss)
      return loss.takeError();
    if (*loss < least) {
      least = *loss;
      best = model.trainable();
    }
  }
  return best.empty() ? Expected<void>(Error{"the draws have no finite density"}) : model.setTrainable(best);
}

/// `flow`, or its part before the map onto its support.
static Expected<Flow> unconstrainedPart(const Flow &flow, const StartPlace &place) {
  if (!place.isMapped())
    return flow;
  auto [text, name] = addItem(flow.text(), flow.name() + "_inner", "flow @ = unconstrained(" + flow.name() + ")");
  return Flow::parse(text, name);
}

/// The same for a model of any flow; of one behind a map the part before that is trained,
/// where the draws are, so that none can be rounded to an end of the support.
static Expected<void> trainOnDraws(Model &model, const Rows<double> &draws, const StartPlace &place) {
  if (!place.isMapped())
    return trainOften(model, draws, place.options);
  auto inner = unconstrainedPart(model.flow(), place);
  if (!inner)
    return inner.takeError();
  auto part = Model::initialise(*inner, {.seed = place.options.seed, .dtype = model.dtype()});
  if (!part)
    return part.takeError();
  // Both have the same arrays in the same order; the map has none but constants.
  for (size_t i = 0; i < part->parameters().size(); ++i)
    if (auto ok = part->setValues(i, model.values(i)); !ok)
      return ok;
  if (auto ok = trainOften(*part, draws, place.options); !ok)
    return ok;
  return model.setTrainable(part->trainable());
}

Expected<Model> flowc::startTowardsTarget(const Flow &flow, const TrainingTarget &target, const StartOptions &options) {
  auto model = Model::initialise(flow, {.seed = options.seed, .dtype = options.dtype});
  if (!model)
    return model;
  auto map = SupportMap::create(flow, {.threads = options.threads, .useCache = options.useCache});
  if (!map)
    return map.takeError();
  StartPlace place{target, flow, std::move(*map), options};
  auto draws = drawFromTarget(place, *model);
  if (!draws)
    return draws.takeError();
  if (options.standardize && place.map) {
    auto statistics = computeStatistics(draws->data(), draws->rows(), draws->cols(), {});
    if (!statistics)
      return statistics.takeError();
    auto inner = unconstrainedPart(flow, place);
    if (!inner)
      return inner.takeError();
    auto scaled = standardize(flow, &*statistics, nullptr, scaleIntoSplines(*inner));
    if (!scaled)
      return scaled.takeError();
    model = Model::initialise(*scaled, {.seed = options.seed, .dtype = options.dtype});
    if (!model)
      return model;
  }
  Model untrained = *model;
  // Draws outside of the flow's support: then the ELBO has to find the way alone.
  return trainOnDraws(*model, *draws, place) ? std::move(*model) : std::move(untrained);
}
