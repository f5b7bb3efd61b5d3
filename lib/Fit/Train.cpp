//===- Train.cpp - One training of a candidate ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Journal.h"

#include "flowc/Training/Recipe.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

/// Longer gradients are scaled to this length: the first steps of splines meet rows far out.
static constexpr double kClipNorm = 10;

/// The flow of a candidate, in the units of data.
static Expected<Flow> flowOf(const Candidate &candidate, const Whitening &units, const Folds &folds) {
  auto condDim = folds.condition ? std::ssize(folds.condition->mean) : 0;
  std::string text = flowText(candidate, "fitted", std::ssize(folds.event.mean), condDim);
  auto flow = Flow::parse(folds.support.put(text, "fitted"), {}, candidate.name);
  if (!flow)
    return flow;
  return whiten(*flow, units, folds.condition ? &*folds.condition : nullptr);
}

/// Rows, epochs and steps of a training.
struct Extent {
  std::shared_ptr<const RowSubset> rows;
  int64_t batch, stepsPerEpoch, epochs;
};

static Extent extentOf(const TrainingData &data, int64_t steps) {
  Extent extent;
  extent.batch = recommendedBatchSize(data.rows());
  // No row twice before each was there once.
  extent.rows = everyNth(data.subset, std::max(extent.batch, steps * extent.batch));
  extent.stepsPerEpoch = std::max<int64_t>(1, extent.rows->size() / extent.batch);
  extent.epochs = std::max<int64_t>(1, (steps + extent.stepsPerEpoch / 2) / extent.stepsPerEpoch);
  return extent;
}

static FitOptions fitOptionsOf(const Candidate &candidate, const Extent &extent, const TrainingPlan &plan,
                               const FitTableOptions &options) {
  FitOptions fit;
  fit.learningRate = candidate.learningRate * plan.rateFactor;
  fit.maxEpochs = fit.maxPatience = extent.epochs;
  fit.batchSize = extent.batch;
  fit.valProp = 0;
  fit.validateAll = true;
  fit.seed = plan.seed;
  fit.threads = plan.threads;
  fit.useCache = options.useCache;
  fit.mayShrinkStart = !plan.start;
  fit.update.clipNorm = kClipNorm;
  fit.update.schedule = plan.start ? "cosine" : "warmup_cosine";
  if (candidate.weightDecay > 0)
    fit.update.optimizer = Choice("adamw", {{"weight_decay", candidate.weightDecay}});
  if (plan.lastEpoch > 0)
    fit.onEpoch = [last = plan.lastEpoch](int64_t epoch, double, double) { return epoch < last; };
  return fit;
}

/// The parameters that a training begins with.
static Expected<Model> startOf(const Candidate &candidate, const Whitening &units, const Folds &folds,
                               const TrainingPlan &plan, const FitTableOptions &options) {
  if (plan.start)
    return *plan.start;
  auto flow = flowOf(candidate, units, folds);
  if (!flow)
    return flow.takeError();
  return Model::initialise(*flow, {.seed = plan.seed, .dtype = options.dtype});
}

static bool isInterrupted(const FitTableOptions &options) { return options.interrupted && options.interrupted(); }

/// Trains `model`.
static Expected<TrainingOutcome> train(Model model, const Candidate &candidate, const TrainingData &given,
                                       const TrainingPlan &plan, const FitTableOptions &options, const Budget &budget) {
  TrainingData data = given;
  Extent extent = extentOf(data, plan.steps);
  data.subset = extent.rows;
  FitOptions fit = fitOptionsOf(candidate, extent, plan, options);
  fit.returnBest = bool(data.validation);
  fit.interrupted = [&] { return (!budget.isInSteps() && budget.share() > plan.deadline) || isInterrupted(options); };
  auto trainer = Trainer::create(model, data, fit);
  if (!trainer)
    return trainer.takeError();
  auto start = Clock::now();
  while (true) {
    auto outcome = (*trainer)->advance();
    // What was learned before a bad loss counts.
    if (!outcome && (*trainer)->state().bestEpoch == 0)
      return outcome.takeError();
    if (!outcome || *outcome != Trainer::Outcome::EpochEnded)
      break;
  }
  TrainingOutcome result;
  result.steps = (*trainer)->state().step;
  result.secondsPerStep = secondsSince(start) / static_cast<double>(std::max<int64_t>(1, result.steps));
  result.losses = (*trainer)->state().valLosses;
  result.trainLosses = (*trainer)->state().trainLosses;
  result.bestEpoch = (*trainer)->state().bestEpoch;
  (*trainer)->keepBest();
  auto judged = (*trainer)->heldOut();
  if (!judged)
    return judged.takeError();
  result.meanLoss = judged->meanLoss;
  result.error = judged->error;
  result.model = std::move(model);
  return result;
}

/// Tells a training from all others of a search.
static std::string nameOf(const Candidate &candidate, const TrainingPlan &plan) {
  return std::string(candidate.name) + ", " + plan.rows + ", " + std::to_string(plan.steps) + " steps to epoch " +
         std::to_string(plan.lastEpoch) + ", seed " + std::to_string(plan.seed);
}

Expected<TrainingOutcome> flowc::trainCandidate(const Candidate &candidate, const TrainingData &data,
                                                const Whitening &units, const Folds &folds, const TrainingPlan &plan,
                                                const FitTableOptions &options, Budget &budget, Journal &journal) {
  auto start = startOf(candidate, units, folds, plan, options);
  if (!start)
    return start.takeError();
  std::string name = nameOf(candidate, plan);
  auto known = journal.find(name, *start);
  if (!known)
    return known.takeError();
  auto outcome = *known ? Expected<TrainingOutcome>(std::move(**known))
                        : train(std::move(*start), candidate, data, plan, options, budget);
  if (!outcome)
    return outcome;
  budget.addSteps(outcome->steps);
  // A training that somebody ended would come to more.
  if (!*known && !isInterrupted(options))
    journal.add(name, *outcome, budget.elapsedSeconds());
  return outcome;
}
