//===- TrainOptions.cpp - Options of the three loops for C ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainOptions.h"

using namespace flowc;
using namespace flowc::capi;

//===----------------------------------------------------------------------===//
// Defaults
//===----------------------------------------------------------------------===//

namespace {

/// Those that all loops have.
template <typename Options>
flowc_train_options commonDefaults(const Options &defaults) {
  flowc_train_options options = {};
  options.learning_rate = defaults.learningRate;
  options.threads = defaults.threads;
  options.seed = defaults.seed;
  options.clip_norm = defaults.update.clipNorm;
  options.average = defaults.update.average;
  options.max_recoveries = defaults.update.maxRecoveries;
  options.checkpoint_seconds = defaults.checkpoint.seconds;
  options.checkpoint_steps = defaults.checkpoint.steps;
  return options;
}

flowc_train_options defaultsOf(const FitOptions &defaults) {
  flowc_train_options options = commonDefaults(defaults);
  options.max_epochs = defaults.maxEpochs;
  options.max_patience = defaults.maxPatience;
  options.batch_size = defaults.batchSize;
  options.val_prop = defaults.valProp;
  options.return_best = defaults.returnBest;
  options.is_start = defaults.mayShrinkStart;
  options.use_cache = defaults.useCache;
  return options;
}

flowc_train_options defaultsOf(const TargetOptions &defaults) {
  flowc_train_options options = commonDefaults(defaults);
  options.steps = defaults.steps;
  options.batch_size = defaults.numSamples;
  options.val_samples = defaults.valSamples;
  options.tolerance = defaults.tolerance;
  options.redraw = defaults.redraw;
  options.return_best = defaults.returnBest;
  options.use_cache = defaults.useCache;
  return options;
}

flowc_train_options defaultsOf(const OptimizeOptions &defaults) {
  flowc_train_options options = commonDefaults(defaults);
  options.steps = defaults.maxIters;
  options.batch_size = defaults.numSamples;
  return options;
}

} // namespace

void flowc_train_options_init(flowc_train_options *options, size_t size, flowc_loop loop) {
  initOptions(options, size,
              loop == FLOWC_LOOP_TARGET     ? defaultsOf(TargetOptions())
              : loop == FLOWC_LOOP_OPTIMIZE ? defaultsOf(OptimizeOptions())
                                            : defaultsOf(FitOptions()));
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {

/// `NAME:SETTING=VALUE,...`; null leaves the default.
Outcome readChoice(const char *text, Choice &choice) {
  if (!text)
    return {};
  auto parsed = Choice::parse(text);
  if (!parsed)
    return Outcome::invalid(parsed.takeError().message);
  choice = std::move(*parsed);
  return {};
}

Outcome readUpdate(const flowc_train_options &given, UpdateOptions &update) {
  if (Outcome ok = readChoice(given.optimizer, update.optimizer); !ok)
    return ok;
  if (Outcome ok = readChoice(given.schedule, update.schedule); !ok)
    return ok;
  if (given.num_freeze > 0 && !given.freeze)
    return Outcome::invalid("'freeze' is a null pointer, but 'num_freeze' is " + std::to_string(given.num_freeze));
  for (size_t i = 0; i < given.num_freeze; ++i) {
    if (!given.freeze[i])
      return Outcome::invalid("pattern " + std::to_string(i) + " of 'freeze' is a null pointer");
    update.freeze.emplace_back(given.freeze[i]);
  }
  update.clipNorm = given.clip_norm;
  update.average = given.average;
  update.maxRecoveries = given.max_recoveries;
  if (given.on_recovery)
    update.onRecovery = [hear = given.on_recovery, data = given.user_data](const std::string &message) {
      hear(data, message.c_str());
    };
  return {};
}

/// What all loops have. `given` becomes what the caller gives, over the defaults.
template <typename Options>
Outcome readCommon(const flowc_train_options *from, flowc_train_options &given, Options &options) {
  given = defaultsOf(options);
  if (Outcome ok = readOptions(from, given); !ok)
    return ok;
  options.learningRate = given.learning_rate;
  options.seed = given.seed;
  options.threads = given.threads;
  options.checkpoint = {.path = orEmpty(given.checkpoint),
                        .seconds = given.checkpoint_seconds,
                        .steps = given.checkpoint_steps,
                        .resume = orEmpty(given.resume)};
  if (given.interrupted)
    options.interrupted = [ask = given.interrupted, data = given.user_data] { return ask(data) != 0; };
  return readUpdate(given, options.update);
}

/// What those loops have that choose the best parameters.
template <typename Options>
Outcome readLoop(const flowc_train_options &given, Options &options) {
  options.objectiveText = orEmpty(given.objective_text);
  options.returnBest = given.return_best != 0;
  options.useCache = given.use_cache != 0;
  if (given.objective_text && given.objective) { // The name of a file, which may be any.
    options.objective = Choice(std::string(given.objective));
    return {};
  }
  return readChoice(given.objective, options.objective);
}

auto callbackOf(const flowc_train_options &given) {
  return [hear = given.on_round, data = given.user_data](int64_t round, double trainLoss, double valLoss) {
    return hear(data, round, trainLoss, valLoss) == 0;
  };
}

} // namespace

Made<FitOptions> capi::readFitOptions(const flowc_train_options *from) {
  FitOptions options;
  flowc_train_options given;
  if (Outcome ok = readCommon(from, given, options); !ok)
    return ok;
  if (Outcome ok = readLoop(given, options); !ok)
    return ok;
  if (given.density)
    options.density = *unwrap(given.density);
  options.maxEpochs = given.max_epochs;
  options.maxPatience = given.max_patience;
  options.batchSize = given.batch_size;
  options.valProp = given.val_prop;
  options.mayShrinkStart = given.is_start != 0;
  if (given.on_round)
    options.onEpoch = callbackOf(given);
  return options;
}

Made<TargetOptions> capi::readTargetOptions(const flowc_train_options *from) {
  TargetOptions options;
  flowc_train_options given;
  if (Outcome ok = readCommon(from, given, options); !ok)
    return ok;
  if (Outcome ok = readLoop(given, options); !ok)
    return ok;
  options.steps = given.steps;
  options.numSamples = given.batch_size;
  options.valSamples = given.val_samples;
  options.tolerance = given.tolerance;
  options.redraw = given.redraw != 0;
  if (given.on_round)
    options.onRound = callbackOf(given);
  return options;
}

Made<OptimizeOptions> capi::readOptimizeOptions(const flowc_train_options *from) {
  OptimizeOptions options;
  flowc_train_options given;
  if (Outcome ok = readCommon(from, given, options); !ok)
    return ok;
  options.maxIters = given.steps;
  options.numSamples = given.batch_size;
  if (given.on_step)
    options.hasConverged = [hear = given.on_step, data = given.user_data](const StepStatistics &step,
                                                                          const Model &model) {
      flowc_step seen = {step.iteration, step.loss, step.gradientNorm, step.learningRate, step.seconds};
      return hear(data, &seen, wrap<const flowc_model>(&model)) != 0;
    };
  return options;
}
