//===- Loop.h - What all loops of training share ----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_LOOP_H
#define FLOWC_LIB_TRAINING_LOOP_H

#include "flowc/API/ModelImpl.h"
#include "flowc/Support/Clock.h"
#include "flowc/Training/Trainer.h"

#include <cmath>
#include <optional>

namespace flowc {

/// Draws to validate with are of another stream than those of the steps: its number is
/// that of their stream, xor this.
inline constexpr uint64_t kValidationStream = 0x76616c6964617465ULL;

/// What may happen between two steps.
struct BetweenSteps {
  CheckpointOptions checkpoint = {};
  std::function<bool()> interrupted = {};
};

/// Steps, recovery from what is not finite, the best parameters, and the state
/// that all of this has. A loop says which batches there are and when an epoch (or
/// round) ends.
class Loop : public Trainer {
public:
  Loop(Model &model, UpdateOptions update, double learningRate, int threads, bool returnBest, BetweenSteps between)
      : model(model), update(std::move(update)), learningRate(learningRate), threads(threads), returnBest(returnBest),
        between(std::move(between)), begin(Clock::now()), lastCheckpoint(begin) {}

  /// An epoch or round; writes the last checkpoint when there is no other.
  Expected<Outcome> advance() final;
  /// Goes on from the checkpoint that was asked for, if one was.
  Expected<void> resume();
  void keepBest() override;
  SavedState save() override;
  Expected<void> restore(SavedState &state, const std::string &source) override;
  const std::vector<StepStatistics> &statistics() const override { return noStatistics; }

protected:
  /// What `advance` is, of this loop.
  virtual Expected<Outcome> advanceRound() = 0;
  /// Before a step: writes a checkpoint if it is time to; whether to stop.
  Expected<bool> isInterrupted();
  /// What came of trying a step: with smaller ones, too, it was not finite if training
  /// has ended, at the last good epoch.
  enum class Tried { Moved, Recovered, Ended };
  /// One step. If loss or gradient are not finite: back to the last good epoch.
  Expected<Tried> tryStep(const Batch &batch);
  /// What became of an epoch: it counts; its validation went wrong and training is back
  /// before it; or that happened too often, and training ends.
  enum class Closed { Kept, TakenBack, Ended };
  /// Closes an epoch of this mean loss: best parameters by what `validate` gives (if
  /// it is none, by the mean loss), schedule, and the good state to return to.
  Expected<Closed> closeEpoch(double trainLoss, const std::function<Expected<double>()> &validate);
  /// How far above that of the best epoch the loss of a good one may be; nothing: any
  /// loss will do.
  virtual std::optional<double> mostLost() const { return std::nullopt; }
  /// The same of an epoch (or round) that goes back for it and comes to no end.
  virtual std::optional<double> mostRisen() const { return mostLost(); }
  /// The mean loss of all rows, to judge initial parameters by. NaN: they are not to be
  /// changed.
  virtual Expected<double> startLoss() { return std::nan(""); }

  Expected<void> createStepper(Objective &objective, int64_t steps);
  /// Where the current batch is, for messages.
  virtual std::string place() const = 0;
  /// Whether given rows are events of the flow, not draws of its base.
  virtual bool hasEvents() const { return false; }
  /// What to call row `row` of the current batch in messages.
  virtual std::string rowName(int64_t row) const = 0;
  /// What a state must agree on with this run.
  virtual std::map<std::string, std::string> identity() const;
  /// Names the state of the loop; `state` is `current`, or what is to become it.
  virtual void describe(Archive &archive, TrainingState &state);
  /// After a state was restored.
  virtual void afterRestore() {}
  /// Takes over how a saved training was judged; `identity` is compared after it.
  virtual void adopt(const SavedState &state) {}
  /// Between the gradient of a step and the move.
  Stepper::Hook beforeMove = {};
  /// Since training began, in earlier processes, too.
  double seconds() const;

  Model &model;
  UpdateOptions update;
  double learningRate;
  int threads;
  bool returnBest;
  Objective *objective = nullptr;
  std::unique_ptr<Stepper> stepper;
  std::vector<StepStatistics> noStatistics;

private:
  Expected<void> writeCheckpoint();
  /// The loss that an epoch is judged by, and what is `problem`atic about it: of the
  /// parameters or of their average, whichever counts or, of two that compete, is less.
  /// Keeps them if they are the best.
  Expected<double> judgeEpoch(double trainLoss, const std::function<Expected<double>()> &validate,
                              std::string &problem);
  void keepIfBest(double valLoss);

  BetweenSteps between;
  Clock::time_point begin, lastCheckpoint;
  int64_t checkpointStep = 0;
  double earlierSeconds = 0;

  // Recovery.cpp
  /// Says what is not finite in this batch, and in which row.
  std::string explain(const Batch &batch, const StepResult &result) const;
  /// In which part of the flow a row, whose loss is this, first was not finite.
  std::string findPart(const Batch &batch, int64_t row, double loss) const;
  /// What is wrong with an epoch that validates to this; empty: nothing.
  std::string epochProblem(double validated) const;
  void tell(const std::string &what) const;
  /// Back to the good state, at the beginning of an epoch.
  Expected<void> goBack();
  /// The same with half the rate; counts as a recovery.
  Expected<void> recover(const std::string &problem);
  /// Ends training at the good state.
  Expected<void> endAtGood(const std::string &problem);
  /// Recovers from the end of an epoch, or ends training.
  Expected<Closed> takeBack(const std::string &problem);
  /// If nothing but initial parameters can be blamed: makes them smaller, until the loss
  /// is about that of parameters of 0. Whether it did.
  Expected<bool> shrinkStart(const std::string &problem);
};

/// The shortest digits that give a number back.
std::string exactDigits(double value);
/// Whether the model is one of a distribution with something to train.
Expected<void> checkTrainable(const Model &model);

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_LOOP_H
