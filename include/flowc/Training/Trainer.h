//===- Trainer.h - Loops that stop and go on --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is behind `fitToData`, `fitToTarget` and `optimize`, one round at a time:
// an epoch over data, or a stretch of steps. The whole state is plain data; random
// choices are functions of the seed and the epoch or step. So a run that was
// stopped and resumed gives, bit for bit, what the uninterrupted one gives.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_TRAINER_H
#define FLOWC_TRAINING_TRAINER_H

#include "flowc/Training/Archive.h"
#include "flowc/Training/RowSubset.h"
#include "flowc/Training/Stepper.h"

namespace flowc {

/// Row-major memory of the caller's that outlives the trainer.
template <typename T>
using RowsMap = Eigen::Map<const Rows<T>>;

/// Rows to train on, in memory or in files; numbers are converted to the model's
/// element type batch by batch. With `validation` rows none of the others are kept for
/// it.
struct TrainingData {
  /// `condition` and `weights` have a row for each of `x`, `validationCondition` and
  /// `validationWeights` one for each of `validation`; what is not needed is none.
  RowsView x, condition, weights, validation, validationCondition, validationWeights;
  /// What an objective in the language reads of each row: its columns side by side, in the
  /// order of `Objective::columns`.
  RowsView columns, validationColumns;
  /// The rows of `x` to train on (and to validate with); null: all.
  std::shared_ptr<const RowSubset> subset;

  TrainingData() = default;
  explicit TrainingData(RowsView x, RowsView condition = {}) : x(std::move(x)), condition(std::move(condition)) {}
  template <typename T>
  TrainingData(RowsMap<T> x, RowsMap<T> condition) : TrainingData(viewOf(x), viewOf(condition)) {}
  template <typename T>
  explicit TrainingData(RowsMap<T> x) : TrainingData(viewOf(x)) {}
  /// Weights of the rows: numbers from 0 on, some of them positive. The loss is the
  /// weighted mean; a row of weight 2 counts as two.
  template <typename T>
  void setWeights(RowsMap<T> given) {
    weights = viewOf(given);
  }
  template <typename T>
  void setColumns(RowsMap<T> given) {
    columns = viewOf(given);
  }
  /// Rows of as many columns as those to train on.
  template <typename T>
  void setValidation(RowsMap<T> other, RowsMap<T> otherCondition = RowsMap<T>(nullptr, 0, 0),
                     RowsMap<T> otherWeights = RowsMap<T>(nullptr, 0, 0)) {
    validation = viewOf(other);
    validationCondition = viewOf(otherCondition);
    validationWeights = viewOf(otherWeights);
  }
  /// How many rows there are to train on and to validate with.
  int64_t rows() const { return subset ? subset->size() : x.rows(); }

private:
  template <typename T>
  static RowsView viewOf(RowsMap<T> rows) {
    return {rows.data(), rows.rows(), rows.cols()};
  }
};

/// Where training stands.
struct TrainingState {
  int64_t epoch = 0;     ///< Complete epochs, or rounds of steps.
  int64_t batch = 0;     ///< Batches done of the current one.
  int64_t step = 0;      ///< Steps of the optimiser.
  double lossSum = 0;    ///< Of the batches of the current epoch.
  int64_t bestEpoch = 0; ///< From 1; 0: none yet.
  int64_t recoveries = 0;
  bool finished = false;
  bool converged = false;
  /// Of every epoch; norm and rate are those of its last step, recoveries and
  /// seconds are counted from the beginning of the training.
  std::vector<double> trainLosses, valLosses, gradientNorms, rates, recoveryCounts, seconds;
  /// Of the last step.
  double loss = 0, gradientNorm = 0, rate = 0;
};

/// How the rows are divided: the last batch is dropped if it is not full.
struct BatchPlan {
  int64_t trainRows, valRows;
  int64_t trainBatch, trainBatches;
  int64_t valBatch, valBatches;
};

/// As FlowJAX does it: `round(valProp * rows)`, half to even, for validation.
BatchPlan planBatches(int64_t rows, double valProp, int64_t batchSize);

/// A random permutation of 0 ... n-1 that depends on `seed`, `stream` and
/// `epoch` only. Streams from 16 on are free for callers.
void randomPermutation(uint64_t seed, uint32_t stream, uint64_t epoch, std::vector<int64_t> &permutation);

/// A training, one epoch or round after the other.
class Trainer {
public:
  virtual ~Trainer() = default;

  /// Maximum likelihood. `model` and `data` must outlive the trainer; the parameters
  /// of `model` change with every batch.
  static Expected<std::unique_ptr<Trainer>> create(Model &model, const TrainingData &data, const FitOptions &options);
  /// An approximation of a density, or of given draws of the base distribution
  /// (`z` may be null).
  static Expected<std::unique_ptr<Trainer>> create(Model &model, const TrainingTarget &target,
                                                   const TrainingData &draws, const TargetOptions &options);
  /// Any objective, which must outlive the trainer.
  static Expected<std::unique_ptr<Trainer>> create(Model &model, Objective &objective, const OptimizeOptions &options);

  /// What one call of `advance` came to.
  enum class Outcome {
    EpochEnded, ///< Another epoch follows.
    Finished,   ///< The last epoch ended, or patience, or it has converged.
    Interrupted
  };
  /// Trains to the end of the current epoch, or until `interrupted`. An error leaves
  /// the last good parameters.
  virtual Expected<Outcome> advance() = 0;
  /// Gives the model the parameters to keep: the best ones so far, or those it
  /// has if no epoch is complete or `returnBest` is off.
  virtual void keepBest() = 0;

  /// Mean loss of rows that only validated, with the standard error of the mean.
  struct HeldOut {
    int64_t rows = 0;
    double meanLoss = 0, error = 0;
    double worstLoss = 0;  ///< The largest loss, that of this row of the rows to validate with, or
    int64_t worstRow = -1; ///< of all data if these are a part of it.
  };
  /// The loss of all rows kept for validation, with the parameters that the model has; no
  /// rows if there are none, if they have weights, or of other trainings.
  virtual Expected<HeldOut> heldOut() { return HeldOut(); }

  const TrainingState &state() const { return current; }
  /// Batches and rows of a whole epoch or round, and of the whole training.
  virtual int64_t stepsPerEpoch() const = 0;
  virtual int64_t totalSteps() const = 0;
  virtual int64_t rowsPerStep() const = 0;
  /// Of every step; only of trainers that have no epochs.
  virtual const std::vector<StepStatistics> &statistics() const = 0;

  /// Everything that is needed to go on, and what it belongs to.
  virtual SavedState save() = 0;
  /// Goes on from such a state; flow, data and options must be those of the
  /// interrupted run, except for the number of epochs and the patience. `source` is
  /// the word of messages for where it came from.
  virtual Expected<void> restore(SavedState &state, const std::string &source) = 0;

  Expected<void> saveCheckpoint(const std::string &path) { return save().write(path); }
  Expected<void> loadCheckpoint(const std::string &path);

protected:
  TrainingState current;
};

} // namespace flowc

#endif // FLOWC_TRAINING_TRAINER_H
