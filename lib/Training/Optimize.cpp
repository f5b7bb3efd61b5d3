//===- Optimize.cpp - Any objective ---------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StepLoop.h"

#include "flowc/Training/Schedule.h"

using namespace flowc;

Expected<void> OptimizerState::save(const std::string &path) const {
  if (!state)
    return Error{"there is no state to save: nothing was optimised"};
  return state->write(path);
}

Expected<OptimizerState> OptimizerState::load(const std::string &path) {
  auto state = SavedState::read(path);
  if (!state)
    return state.takeError();
  return OptimizerState(std::make_shared<const SavedState>(std::move(*state)));
}

Expected<std::unique_ptr<Trainer>> Trainer::create(Model &model, Objective &objective, const OptimizeOptions &options) {
  if (model.numTrainable() == 0)
    return Error{"'" + model.flow().name() + "' has no trainable parameters"};
  if (options.maxIters < 0 || options.numSamples < 1)
    return Error{"expected no negative number of iterations and at least 1 sample"};
  // After this many steps there is a state to return to.
  constexpr int64_t roundSteps = 100;
  StepLoop::Plan plan;
  plan.steps = options.maxIters;
  plan.roundSteps = roundSteps;
  plan.rowsPerStep = options.numSamples;
  plan.batch = options.batch;
  if (!plan.batch)
    plan.batch = [rows = options.numSamples, first = options.first, seed = options.seed](int64_t iteration) {
      return Batch{.rows = rows, .first = first + static_cast<uint64_t>(iteration * rows), .seed = seed};
    };
  plan.callback = options.callback;
  plan.hasConverged = options.hasConverged;
  plan.between = {options.checkpoint, options.interrupted};
  plan.identity = {{"loop", "optimize"},
                   {"first", std::to_string(options.first)},
                   {"seed", std::to_string(options.seed)},
                   {"num_samples", std::to_string(options.numSamples)}};
  if (auto schedule = findSchedule(options.update.schedule.name); schedule && (*schedule)->usesLength)
    plan.identity["max_iters"] = std::to_string(options.maxIters);
  auto loop = std::make_unique<StepLoop>(model, options.update, options.learningRate, options.threads,
                                         /*returnBest=*/false, std::move(plan));
  if (auto ok = objective.prepare(); !ok)
    return ok.takeError();
  if (auto ok = loop->start(objective); !ok)
    return ok.takeError();
  if (auto ok = loop->resume(); !ok)
    return ok.takeError();
  return std::unique_ptr<Trainer>(std::move(loop));
}

Expected<OptimizeResult> flowc::optimize(Model &model, Objective &objective, const OptimizeOptions &options,
                                         const OptimizerState &state) {
  if (!state.empty() && !options.checkpoint.resume.empty())
    return Error{"there is a state to go on from beside the checkpoint '" + options.checkpoint.resume +
                 "', expected one of the two"};
  auto trainer = Trainer::create(model, objective, options);
  if (!trainer)
    return trainer.takeError();
  if (!state.empty()) {
    SavedState copy = *state.get();
    if (auto ok = (*trainer)->restore(copy, "the state"); !ok)
      return ok.takeError();
  }
  auto outcome = (*trainer)->advance();
  while (outcome && *outcome == Trainer::Outcome::EpochEnded)
    outcome = (*trainer)->advance();
  if (!outcome)
    return outcome.takeError();
  OptimizeResult result;
  result.statistics = (*trainer)->statistics();
  result.state = OptimizerState(std::make_shared<const SavedState>((*trainer)->save()));
  result.converged = (*trainer)->state().converged;
  result.interrupted = *outcome == Trainer::Outcome::Interrupted;
  (*trainer)->keepBest();
  return result;
}
