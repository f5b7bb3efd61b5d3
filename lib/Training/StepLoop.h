//===- StepLoop.h - Training by steps ---------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_STEPLOOP_H
#define FLOWC_LIB_TRAINING_STEPLOOP_H

#include "Loop.h"

namespace flowc {

/// Steps on batches that need no epochs: draws, or whatever an objective makes of
/// them. `fitToTarget` and `optimize` are this loop with different hooks.
class StepLoop : public Loop {
public:
  /// What a loop of steps is about.
  struct Plan {
    int64_t steps = 0, roundSteps = 1, rowsPerStep = 1;
    /// The batch of step i, from 0.
    std::function<Batch(int64_t)> batch = {};
    /// The loss that chooses the best parameters after a round; none: the mean loss.
    std::function<Expected<double>()> validate = {};
    /// Called before every update, and after it with the new parameters.
    std::function<std::map<std::string, double>(const StepStatistics &, const Model &)> callback = {};
    std::function<bool(const StepStatistics &, const Model &)> hasConverged = {};
    /// Called after a round that counts: whether it has converged; false of `onRound` stops.
    std::function<bool()> roundConverged = {};
    std::function<bool(int64_t, double, double)> onRound = {};
    BetweenSteps between = {};
    /// What a checkpoint must agree on.
    std::map<std::string, std::string> identity = {};
    /// Whether the end of the training ends a round, too.
    bool closesLastRound = false;
  };
  StepLoop(Model &model, const UpdateOptions &update, double learningRate, int threads, bool returnBest, Plan plan);

  Expected<void> start(Objective &objective) { return createStepper(objective, plan.steps); }
  int64_t stepsPerEpoch() const override { return plan.roundSteps; }
  int64_t totalSteps() const override { return plan.steps; }
  int64_t rowsPerStep() const override { return plan.rowsPerStep; }
  const std::vector<StepStatistics> &statistics() const override { return all; }

protected:
  Expected<Outcome> advanceRound() override;
  std::string place() const override { return "in step " + std::to_string(stepper->steps() + 1); }
  std::string rowName(int64_t row) const override;
  std::map<std::string, std::string> identity() const override;
  void describe(Archive &archive, TrainingState &state) override;
  void afterRestore() override;

private:
  enum class RoundEnd { Kept, TakenBack, Stopped };
  Expected<RoundEnd> endRound();
  void remember(const StepResult &result);
  void writeColumns();

  Plan plan;
  std::vector<StepStatistics> all;
  /// What the callback said of the step that is being done.
  StepStatistics latest;
  /// The statistics as they are saved: one list for each quantity.
  std::map<std::string, std::vector<double>> columns;
  int64_t saved = 0;
};

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_STEPLOOP_H
