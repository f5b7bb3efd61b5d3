//===- Training.h - Training from C++ ---------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three loops over one step: `fitToData` (epochs over rows), `fitToTarget` (steps
// on draws) and `optimize` (any objective, with callbacks). docs/Training.md.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_TRAINING_H
#define FLOWC_TRAINING_TRAINING_H

#ifndef FLOWC_FLOWC_H
#error "include flowc/flowc.h instead"
#endif

#include "flowc/Training/Gradient.h"
#include "flowc/Training/Objective.h"
#include "flowc/Training/Settings.h"

namespace flowc {

struct SavedState;
class TrainingTarget;

/// How a gradient changes the parameters.
struct UpdateOptions {
  Choice optimizer = "adam";            ///< See `flowc train --help` or docs/Training.md.
  Choice schedule = "constant";         ///< Of the learning rate.
  double clipNorm = 0;                  ///< Longer gradients are scaled to this length (0: never).
  std::vector<std::string> freeze = {}; ///< Parameters whose path matches one of these patterns (* and ?) stay.
  double average = 0;                   ///< Decay of an exponential average of the parameters, which is kept (0: none).
  bool averageCompetes = false; ///< The average is kept only of epochs where it validates better than the parameters.
  /// After a loss or a gradient that is not finite, and after an epoch (or round of steps
  /// on a target) whose validation loss is half a nat per dimension above that of the best
  /// one: back to the last good one with half the rate, at most this often.
  int64_t maxRecoveries = 5;
  /// Hears of every such return.
  std::function<void(const std::string &)> onRecovery = {};
};

/// When a training writes its whole state to a file, and from which one it goes on: the
/// result is, bit for bit, that of a training that nothing stopped (docs/Training.md).
struct CheckpointOptions {
  /// The file (`.safetensors`) to write, at the end, too; empty: none.
  std::string path = {};
  double seconds = 10; ///< At the first step after so many seconds since the last time.
  int64_t steps = 0;   ///< After so many steps, too; 0: not by steps.
  /// The file to go on from; empty: training begins anew.
  std::string resume = {};
};

/// FlowJAX's `fit_to_data`.
struct FitOptions {
  Choice objective = "likelihood"; ///< One of those of given rows, see `objectiveTable`.
  /// If not empty, a text whose last `objective` item is minimised; `objective` is then
  /// the name of its file.
  std::string objectiveText = {};
  /// What the objective compares with: the prior of `contrastive`.
  std::optional<Flow> density = {};
  double learningRate = 5e-4;
  int64_t maxEpochs = 100;
  int64_t maxPatience = 5;
  int64_t batchSize = 100;
  double valProp = 0.1;
  /// Whether every epoch is judged by all rows to validate with. FlowJAX leaves the last batch
  /// out that is not full, in each epoch other rows: then an epoch may look good because the
  /// worst row was left out.
  bool validateAll = false;
  /// Up to so many rows are shuffled as a whole, by a list in memory; more in windows of
  /// a million (docs/Training.md, "Data larger than memory").
  int64_t listedRows = int64_t(1) << 24;
  bool returnBest = true;
  uint64_t seed = 0;
  int threads = 0;
  bool useCache = true;
  /// Whether the parameters are initial ones, which may be made smaller before the first
  /// step if rows have no finite loss with them.
  bool mayShrinkStart = true;
  /// Called after every epoch; false stops training (the best parameters are
  /// kept).
  std::function<bool(int64_t epoch, double trainLoss, double valLoss)> onEpoch = {};
  /// Called before every step; true interrupts training.
  std::function<bool()> interrupted = {};
  CheckpointOptions checkpoint = {};
  UpdateOptions update = {};
};

/// How a training went: the mean losses of every epoch, and the epoch (counted from
/// 1) with the lowest validation loss.
struct FitResult {
  std::vector<double> trainLosses, valLosses;
  int64_t bestEpoch = 0;
  bool interrupted = false;
};

/// Trains `model` in place by maximum likelihood on rows of its element type: `x`
/// has one row for each sample, and for a conditional flow `condition` one row for
/// each of `x`. Errors: options or data that cannot work; a loss that is not finite
/// and does not become so with smaller steps.
Expected<FitResult> fitToData(Model &model, ConstRows<float> x, const FitOptions &options = {});
Expected<FitResult> fitToData(Model &model, ConstRows<double> x, const FitOptions &options = {});
Expected<FitResult> fitToData(Model &model, ConstRows<float> x, ConstRows<float> condition,
                              const FitOptions &options = {});
Expected<FitResult> fitToData(Model &model, ConstRows<double> x, ConstRows<double> condition,
                              const FitOptions &options = {});

/// What one step came to.
struct StepStatistics {
  int64_t iteration = 0; ///< From 1.
  double loss = 0, gradientNorm = 0, learningRate = 0;
  double seconds = 0; ///< Since the training began, earlier parts of it included.
  /// What the callback of `optimize` returned.
  std::map<std::string, double> values = {};
};

/// The state between two steps of `optimize`: cheap to copy.
class OptimizerState {
public:
  OptimizerState() = default;
  explicit OptimizerState(std::shared_ptr<const SavedState> state) : state(std::move(state)) {}
  /// Whether there is none: training begins anew.
  bool empty() const { return !state; }
  /// Writes or reads a `.safetensors` file.
  Expected<void> save(const std::string &path) const;
  static Expected<OptimizerState> load(const std::string &path);
  const SavedState *get() const { return state.get(); }

private:
  std::shared_ptr<const SavedState> state;
};

/// NormalizingFlows.jl's `optimize`.
struct OptimizeOptions {
  double learningRate = 1e-3;
  int64_t maxIters = 10000;
  /// Rows of a step: draws `first` + i * `numSamples` ... of stream `seed` in step i
  /// (from 0), unless `batch` gives others.
  int64_t numSamples = 100;
  uint64_t first = 0, seed = 0;
  /// The batch of step i, if not draws anew.
  std::function<Batch(int64_t iteration)> batch = {};
  int threads = 0;
  UpdateOptions update = {};
  /// Called before every update, with the parameters that the loss is of; what it
  /// returns becomes a part of the statistics.
  std::function<std::map<std::string, double>(const StepStatistics &, const Model &)> callback = {};
  /// Called after every update, with the new parameters; true ends the training.
  std::function<bool(const StepStatistics &, const Model &)> hasConverged = {};
  std::function<bool()> interrupted = {};
  CheckpointOptions checkpoint = {};
};

struct OptimizeResult {
  std::vector<StepStatistics> statistics; ///< Of every step, those before a continuation included.
  OptimizerState state;
  bool converged = false, interrupted = false;
};

/// Minimises `objective` in the trainable parameters of `model`, in place. A `state`
/// that an earlier call returned is continued, to `options.maxIters` steps in all:
/// the result is, bit for bit, that of one call; the model must be the one that was
/// returned with it. Errors: those of the objective and of checkpoints; a state beside
/// `options.checkpoint.resume`.
Expected<OptimizeResult> optimize(Model &model, Objective &objective, const OptimizeOptions &options = {},
                                  const OptimizerState &state = {});

/// How a flow is fitted to a density. The defaults find a good approximation of most
/// densities of few coordinates.
struct TargetOptions {
  Choice objective = "elbo"; ///< One of those of a target, see `objectiveTable`.
  /// If not empty, a text whose last `objective` item is minimised; `objective` is then
  /// the name of its file.
  std::string objectiveText = {};
  double learningRate = 2e-3;
  int64_t steps = 20000;
  int64_t numSamples = 256;  ///< Draws of a step.
  bool redraw = true;        ///< Else the same draws in every step.
  int64_t valSamples = 2048; ///< Draws that tell after every round which parameters are best.
  bool returnBest = true;
  /// Stops when half the variance of log q - target, which is about what the ELBO
  /// lacks, is below this.
  double tolerance = 1e-6;
  /// Where that half of the variance was below this after the last round, the gradient of
  /// the objective `elbo` is that of `vargrad`, of the same loss (0: never). Not of targets
  /// that are code.
  double scoreBelow = 0.5;
  uint64_t seed = 0;
  int threads = 0;
  bool useCache = true;
  /// Called after every round (a fiftieth of the steps); false stops.
  std::function<bool(int64_t round, double trainLoss, double valLoss)> onRound = {};
  std::function<bool()> interrupted = {};
  CheckpointOptions checkpoint = {};
  UpdateOptions update = {.schedule = "warmup_cosine", .clipNorm = 10};
};

struct TargetResult {
  std::vector<StepStatistics> statistics;
  std::vector<double> trainLosses, valLosses; ///< Of every round.
  int64_t bestRound = 0;                      ///< From 1.
  bool converged = false, interrupted = false;
};

/// Fits `model`, in place, to the log-density `target` (`Flow::parseDensity`), which
/// need not be normalised, on draws of the flow; no data is needed. How good it has
/// become says `evaluateTarget` (flowc/Evaluation.h), a better start than the initial
/// parameters gives `startTowardsTarget` (flowc/Training/TargetStart.h).
Expected<TargetResult> fitToTarget(Model &model, const Flow &target, const TargetOptions &options = {});
/// The same on given draws `z` of the base distribution, all of them in every step.
Expected<TargetResult> fitToTarget(Model &model, const Flow &target, ConstRows<float> z,
                                   const TargetOptions &options = {});
Expected<TargetResult> fitToTarget(Model &model, const Flow &target, ConstRows<double> z,
                                   const TargetOptions &options = {});
/// The same for a target that may be code (flowc/Training/TrainingTarget.h).
Expected<TargetResult> fitToTarget(Model &model, const TrainingTarget &target, const TargetOptions &options = {});

} // namespace flowc

#endif // FLOWC_TRAINING_TRAINING_H
