//===- Trainer.h - Maximum-likelihood training ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FlowJAX's `fit_to_data`, stoppable after any batch. The whole state is plain
// data; random choices are functions of the seed and the epoch. So a run that
// was stopped and resumed gives, bit for bit, what the uninterrupted one gives.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_TRAINER_H
#define FLOWC_TRAINING_TRAINER_H

#include "flowc/flowc.h"

namespace flowc {

/// Rows to train on, row-major, in the model's element type.
struct TrainingData {
  const void *x = nullptr;
  const void *condition = nullptr; ///< Null for an unconditional flow.
  int64_t rows = 0;
};

/// Where training stands.
struct TrainingState {
  int64_t epoch = 0;     ///< Complete epochs.
  int64_t batch = 0;     ///< Batches done of the current epoch.
  int64_t step = 0;      ///< Steps of the optimiser.
  double lossSum = 0;    ///< Of the batches of the current epoch.
  int64_t bestEpoch = 0; ///< From 1; 0: none yet.
  bool finished = false;
  std::vector<double> trainLosses, valLosses;
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

/// Maximum-likelihood training, one epoch after the other.
class Trainer {
public:
  virtual ~Trainer() = default;

  /// `model` and `data` must outlive the trainer; the parameters of `model`
  /// change with every batch.
  static Expected<std::unique_ptr<Trainer>> create(Model &model, const TrainingData &data, const FitOptions &options);

  /// What one call of `advance` came to.
  enum class Outcome {
    EpochEnded, ///< Another epoch follows.
    Finished,   ///< The last epoch ended, or patience.
    Interrupted
  };
  /// Trains to the end of the current epoch, or until `interrupted`.
  virtual Expected<Outcome> advance() = 0;
  /// Gives the model the parameters to keep: the best ones so far, or those it
  /// has if no epoch is complete or `returnBest` is off.
  virtual void keepBest() = 0;

  const TrainingState &state() const { return current; }
  const BatchPlan &batches() const { return plan; }

  /// Writes everything that is needed to go on.
  virtual Expected<void> saveCheckpoint(const std::string &path) const = 0;
  /// Goes on where a checkpoint stopped; flow, data and options must be those
  /// of the interrupted run, except for the number of epochs and the patience.
  virtual Expected<void> loadCheckpoint(const std::string &path) = 0;

protected:
  TrainingState current;
  BatchPlan plan{};
};

} // namespace flowc

#endif // FLOWC_TRAINING_TRAINER_H
