//===- FitToTarget.cpp - Steps on draws -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Batches.h"
#include "Objectives/Table.h"
#include "StepLoop.h"

#include "flowc/Support/Hash.h"
#include "flowc/Training/Optimizer.h"
#include "flowc/Training/TrainingTarget.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

/// Mean and variance of the losses of rows.
struct Moments {
  double mean = 0, variance = 0;
};

Moments momentsOf(std::span<const double> values) {
  auto count = static_cast<double>(values.size());
  Moments moments;
  for (double value : values)
    moments.mean += value;
  moments.mean /= count;
  for (double value : values)
    moments.variance += (value - moments.mean) * (value - moments.mean);
  moments.variance /= std::max(count - 1, 1.0);
  return moments;
}

Expected<void> checkOptions(const Model &model, const TrainingData &draws, const TargetOptions &options) {
  if (auto ok = checkTrainable(model); !ok)
    return ok;
  const Flow &flow = model.flow();
  if (flow.condShape())
    return Error{"'" + flow.name() + "' takes a condition, which a target has not: expected an unconditional flow"};
  if (options.steps < 0 || options.numSamples < 1 || options.valSamples < 2)
    return Error{"expected no negative number of steps, at least 1 sample in a step and 2 to validate with"};
  if (draws.x &&
      (draws.x.type() != elementTypeOf(model.dtype()) || draws.x.columns() != flow.dim() || draws.x.rows() < 1))
    return Error{"the draws have " + std::to_string(draws.x.rows()) + " rows of " + std::to_string(draws.x.columns()) +
                 " " + elementTypeName(draws.x.type()) + " numbers, expected rows of " + std::to_string(flow.dim()) +
                 (model.dtype() == F32 ? " float32" : " float64")};
  auto optimizer = findOptimizer(options.update.optimizer.name);
  if (!optimizer)
    return optimizer.takeError();
  if ((*optimizer)->needsAllRows && options.redraw && !draws.x)
    return Error{"the optimiser '" + options.update.optimizer.name +
                 "' needs the same rows in every step, expected given draws or 'redraw' to be off"};
  return {};
}

/// A loop that owns its objective.
class TargetLoop : public StepLoop {
public:
  TargetLoop(Model &model, const TargetOptions &options, std::unique_ptr<Objective> objective, Plan plan)
      : StepLoop(model, options.update, options.learningRate, options.threads, options.returnBest, std::move(plan)),
        owned(std::move(objective)) {}
  Expected<void> begin() { return start(*owned); }

private:
  std::unique_ptr<Objective> owned;
};

StepLoop::Plan makePlan(Model &model, const TrainingData &draws, const TargetOptions &options, Objective &objective) {
  constexpr int64_t rounds = 50;
  StepLoop::Plan plan;
  plan.steps = options.steps;
  plan.roundSteps = std::max<int64_t>(1, options.steps / rounds);
  plan.rowsPerStep = draws.x ? draws.x.rows() : options.numSamples;
  plan.closesLastRound = true;
  plan.onRound = options.onRound;
  plan.between = {options.checkpoint, options.interrupted};
  plan.batch = [draws = draws.x.data(), rows = plan.rowsPerStep, seed = options.seed,
                redraw = options.redraw](int64_t step) {
    return Batch{.x = draws, .rows = rows, .first = redraw ? static_cast<uint64_t>(step * rows) : 0, .seed = seed};
  };
  // Always the same draws: which parameters are better is then clear sooner.
  auto variance = std::make_shared<double>(0);
  plan.validate = [&model, &objective, variance, rows = options.valSamples, seed = options.seed]() -> Expected<double> {
    std::vector<double> losses(static_cast<size_t>(rows));
    if (auto ok = objective.rowLosses(model, {.rows = rows, .seed = seed ^ kValidationStream}, losses); !ok)
      return ok.takeError();
    if (countRareFailures(losses) > 0)
      std::erase_if(losses, [](double loss) { return !std::isfinite(loss); });
    Moments moments = momentsOf(losses);
    *variance = moments.variance;
    return moments.mean;
  };
  plan.roundConverged = [variance, tolerance = options.tolerance] { return *variance / 2 < tolerance; };
  plan.identity = {{"loop", "target"},
                   {"steps", std::to_string(options.steps)},
                   {"num_samples", std::to_string(plan.rowsPerStep)},
                   {"val_samples", std::to_string(options.valSamples)},
                   {"redraw", options.redraw ? "yes" : "no"},
                   {"seed", std::to_string(options.seed)}};
  if (draws.x)
    plan.identity["draws"] = std::to_string(hashRows(draws.x, *allRows(draws.x.rows()), model.dtype(), kHashStart));
  return plan;
}

Expected<TargetResult> fit(Model &model, const TrainingTarget &target, const TrainingData &draws,
                           const TargetOptions &options) {
  auto trainer = Trainer::create(model, target, draws, options);
  if (!trainer)
    return trainer.takeError();
  auto outcome = (*trainer)->advance();
  while (outcome && *outcome == Trainer::Outcome::EpochEnded)
    outcome = (*trainer)->advance();
  (*trainer)->keepBest();
  if (!outcome)
    return outcome.takeError();
  const TrainingState &state = (*trainer)->state();
  TargetResult result;
  result.statistics = (*trainer)->statistics();
  result.trainLosses = state.trainLosses;
  result.valLosses = state.valLosses;
  result.bestRound = state.bestEpoch;
  result.converged = state.converged;
  result.interrupted = *outcome == Trainer::Outcome::Interrupted;
  return result;
}

} // namespace

Expected<std::unique_ptr<Trainer>> Trainer::create(Model &model, const TrainingTarget &target,
                                                   const TrainingData &draws, const TargetOptions &options) {
  if (auto ok = checkOptions(model, draws, options); !ok)
    return ok.takeError();
  auto objective = target.makeObjective(
      options.objective, model.flow(),
      {.dtype = model.dtype(), .threads = options.threads, .useCache = options.useCache}, options.objectiveText);
  if (!objective)
    return objective.takeError();
  if (auto ok = (*objective)->prepare(); !ok)
    return ok.takeError();
  Objective &borrowed = **objective;
  auto loop = std::make_unique<TargetLoop>(model, options, std::move(*objective),
                                           makePlan(model, draws, options, borrowed));
  if (auto ok = loop->begin(); !ok)
    return ok.takeError();
  if (auto ok = loop->resume(); !ok)
    return ok.takeError();
  return std::unique_ptr<Trainer>(std::move(loop));
}

Expected<TargetResult> flowc::fitToTarget(Model &model, const TrainingTarget &target, const TargetOptions &options) {
  return fit(model, target, {}, options);
}
Expected<TargetResult> flowc::fitToTarget(Model &model, const Flow &target, const TargetOptions &options) {
  return fit(model, target, {}, options);
}
Expected<TargetResult> flowc::fitToTarget(Model &model, const Flow &target, ConstRows<float> z,
                                          const TargetOptions &options) {
  return fit(model, target, TrainingData(RowsMap<float>(z.data(), z.rows(), z.cols())), options);
}
Expected<TargetResult> flowc::fitToTarget(Model &model, const Flow &target, ConstRows<double> z,
                                          const TargetOptions &options) {
  return fit(model, target, TrainingData(RowsMap<double>(z.data(), z.rows(), z.cols())), options);
}
