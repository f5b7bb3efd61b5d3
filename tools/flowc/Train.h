//===- Train.h - What the two kinds of training share -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_TRAIN_H
#define FLOWC_TOOLS_FLOWC_TRAIN_H

#include "Target.h"
#include "TrainingRun.h"

#include "flowc/Training/Whitening.h"

namespace flowc::tool {

/// Where the settings of a training on data come from, unless they are given.
enum class Preset {
  Recommended, ///< `recommendedFit`.
  FlowJAX      ///< `fit_to_data`.
};

struct TrainOptions {
  ModelOptions model;
  RunOptions run;
  std::string output;

  // On data.
  DataOptions data;
  Preset preset = Preset::Recommended;
  std::optional<Units> units;
  /// What is not given is as the preset has it.
  std::optional<int64_t> maxEpochs, maxPatience;
  double valProp = FitOptions().valProp;
  std::string valData, valCondition, weights, prior;
  double testProp = 0;

  // On a target.
  TargetSource source;
  TargetOptions target;
  bool chains = true;
  double maxSeconds = 0; ///< 0: no end but that of the steps.

  // On both; what is not given is as the loop has it by default.
  uint64_t seed = 0;
  bool standardize = true, returnBest = true;
  std::optional<double> learningRate, clipNorm, average;
  std::optional<int64_t> batchSize, maxRecoveries;
  std::string objective, optimizer, schedule;
  std::vector<std::string> freeze;

  /// Changes the defaults of a loop to what was asked for.
  Expected<void> apply(double &rate, UpdateOptions &update) const;
};

/// What to train: a flow, or a model of it that was trained before.
struct Trainee {
  Flow flow;
  std::optional<Loaded> loaded;
  DType dtype;
};

/// The options of a training in its record.
void rememberUpdate(TrainingRecord &record, const UpdateOptions &update, double learningRate);

/// Train on data, and on a target: the exit code.
Expected<int> trainOnData(const TrainOptions &options, Trainee trainee);
Expected<int> trainOnTarget(const TrainOptions &options, Trainee trainee);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_TRAIN_H
