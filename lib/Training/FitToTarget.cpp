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
#include <limits>

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

/// A loss with two estimates of its gradient, one of which is in use.
class TwoEstimates : public Objective {
public:
  TwoEstimates(std::unique_ptr<Objective> first, std::unique_ptr<Objective> second)
      : first(std::move(first)), second(std::move(second)) {
    addIdentity(this->first->identity());
  }

  void choose(bool takesSecond) { current = (takesSecond ? second : first).get(); }

  std::string name() const override { return first->name(); }
  Expected<void> prepare() override { return first->prepare(); } // The second may not be needed.
  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override {
    return current->lossAndGradient(model, batch, gradient);
  }
  Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses) override {
    return first->rowLosses(model, batch, losses);
  }

private:
  std::unique_ptr<Objective> first, second;
  Objective *current = first.get();
};

/// What the draws to validate with said after the last round.
struct Validation {
  double halfVariance = std::numeric_limits<double>::infinity(); ///< Of log q - target.
  double latest = halfVariance;                                  ///< The same of a round that may not count.
};

/// A loop that owns its objective.
class TargetLoop : public StepLoop {
public:
  TargetLoop(Model &model, const TargetOptions &options, std::unique_ptr<Objective> objective,
             std::shared_ptr<Validation> validation, Plan plan)
      : StepLoop(model, options.update, options.learningRate, options.threads, options.returnBest, std::move(plan)),
        owned(std::move(objective)), validation(std::move(validation)) {}
  Expected<void> begin() { return start(*owned); }

protected:
  /// Splines in particular are thrown far out by single steps, and do not come back: half a
  /// nat per dimension, as on data, unless chance may make more of it.
  std::optional<double> mostRisen() const override {
    if (current.bestEpoch == 0 || current.recoveries >= update.maxRecoveries)
      return std::nullopt;
    return std::max(0.5 * static_cast<double>(model.flow().dim()), 3 * std::sqrt(2 * validation->halfVariance));
  }
  void describe(Archive &archive, TrainingState &state) override {
    archive.number("half_variance", validation->halfVariance, /*mayBeInfinite=*/true);
    StepLoop::describe(archive, state);
  }

private:
  std::unique_ptr<Objective> owned;
  std::shared_ptr<Validation> validation;
};

StepLoop::Plan makePlan(Model &model, const TrainingData &draws, const TargetOptions &options, Objective &objective,
                        const std::shared_ptr<Validation> &validation, TwoEstimates *estimates) {
  constexpr int64_t rounds = 50;
  StepLoop::Plan plan;
  plan.steps = options.steps;
  plan.roundSteps = std::max<int64_t>(1, options.steps / rounds);
  plan.rowsPerStep = draws.x ? draws.x.rows() : options.numSamples;
  plan.closesLastRound = true;
  plan.onRound = options.onRound;
  plan.between = {options.checkpoint, options.interrupted};
  plan.batch = [draws = draws.x.data(), rows = plan.rowsPerStep, seed = options.seed, redraw = options.redraw,
                validation, estimates, scoreBelow = options.scoreBelow](int64_t step) {
    if (estimates)
      estimates->choose(validation->halfVariance < scoreBelow);
    return Batch{.x = draws, .rows = rows, .first = redraw ? static_cast<uint64_t>(step * rows) : 0, .seed = seed};
  };
  // Always the same draws: which parameters are better is then clear sooner.
  plan.validate = [&model, &objective, validation, rows = options.valSamples,
                   seed = options.seed]() -> Expected<double> {
    std::vector<double> losses(static_cast<size_t>(rows));
    if (auto ok = objective.rowLosses(model, {.rows = rows, .seed = seed ^ kValidationStream}, losses); !ok)
      return ok.takeError();
    if (countRareFailures(losses) > 0)
      std::erase_if(losses, [](double loss) { return !std::isfinite(loss); });
    Moments moments = momentsOf(losses);
    validation->latest = moments.variance / 2;
    return moments.mean;
  };
  plan.roundConverged = [validation, tolerance = options.tolerance] {
    validation->halfVariance = validation->latest;
    return validation->halfVariance < tolerance;
  };
  plan.identity = {{"loop", "target"},
                   {"steps", std::to_string(options.steps)},
                   {"num_samples", std::to_string(plan.rowsPerStep)},
                   {"val_samples", std::to_string(options.valSamples)},
                   {"redraw", options.redraw ? "yes" : "no"},
                   {"score_below", exactDigits(options.scoreBelow)},
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
  auto make = [&](const Choice &choice) {
    return target.makeObjective(choice, model.flow(),
                                {.dtype = model.dtype(), .threads = options.threads, .useCache = options.useCache},
                                options.objectiveText);
  };
  auto objective = make(options.objective);
  if (!objective)
    return objective.takeError();
  TwoEstimates *estimates = nullptr;
  // A search along a line needs a loss of which the gradient is the derivative.
  bool isRedrawn = options.redraw && !draws.x;
  bool isElbo = options.objectiveText.empty() && options.objective.name == elboInfo.name && !target.isCode();
  if (isElbo && isRedrawn && options.scoreBelow > 0) {
    auto score = make(vargradInfo.name);
    if (!score)
      return score.takeError();
    auto both = std::make_unique<TwoEstimates>(std::move(*objective), std::move(*score));
    estimates = both.get();
    *objective = std::move(both);
  }
  if (auto ok = (*objective)->prepare(); !ok)
    return ok.takeError();
  auto validation = std::make_shared<Validation>();
  StepLoop::Plan plan = makePlan(model, draws, options, **objective, validation, estimates);
  auto loop = std::make_unique<TargetLoop>(model, options, std::move(*objective), validation, std::move(plan));
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
