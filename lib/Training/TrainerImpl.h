//===- TrainerImpl.h - Training in one element type -------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_TRAINERIMPL_H
#define FLOWC_LIB_TRAINING_TRAINERIMPL_H

#include "flowc/API/ModelImpl.h"
#include "flowc/Training/Trainer.h"

namespace flowc {

template <typename T>
class TrainerImpl : public Trainer {
public:
  TrainerImpl(Model &model, const TrainingData &data, const FitOptions &options, std::shared_ptr<Kernels> kernels);

  Expected<Outcome> advance() override;
  void keepBest() override;
  Expected<void> saveCheckpoint(const std::string &path) const override;
  Expected<void> loadCheckpoint(const std::string &path) override;

private:
  /// Random streams: how the rows are split, and the order of both parts.
  enum Stream : uint32_t { Split, TrainOrder, ValOrder };

  /// The rows `order[begin ... begin + count)` side by side.
  void gather(const std::vector<int64_t> &order, int64_t begin, int64_t count);
  Expected<void> trainBatch();
  void updateParameters();
  Expected<double> validate();
  /// Closes an epoch: losses, best parameters, patience.
  Expected<Outcome> endEpoch();
  /// Whether the last epoch was one fruitless epoch too many.
  bool isExhausted() const;
  /// What a checkpoint must agree on with this run.
  std::map<std::string, std::string> identity() const;

  Model &model;
  Model::Impl &impl;
  TrainingData data;
  FitOptions options;
  std::shared_ptr<Kernels> kernels;
  int64_t dim, condDim;

  /// Adam's moments and the best parameters, flat like the trainable ones.
  std::vector<T> m, v, best;
  /// Rows of the two parts, and their order in the current epoch.
  std::vector<int64_t> trainRows, valRows, trainOrder, valOrder;
  /// The epoch `trainOrder` belongs to.
  int64_t orderedEpoch = -1;
  /// Memory of a step, so that a step allocates nothing.
  std::vector<T> x, condition, logProb;
  std::vector<T> gradient;
  Kernels::Call step, evaluation;
  double batchLoss = 0;
};

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_TRAINERIMPL_H
