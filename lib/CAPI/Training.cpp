//===- Training.cpp - Training loops for C --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "FitOptions.h"
#include "TrainOptions.h"

#include "flowc/Training/TargetStart.h"

using namespace flowc;
using namespace flowc::capi;

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

static std::vector<flowc_step> stepsOf(const std::vector<StepStatistics> &statistics) {
  std::vector<flowc_step> steps;
  for (const StepStatistics &step : statistics)
    steps.push_back({step.iteration, step.loss, step.gradientNorm, step.learningRate, step.seconds});
  return steps;
}

static Training trainingOf(FitResult result) {
  return {.trainLosses = std::move(result.trainLosses),
          .valLosses = std::move(result.valLosses),
          .bestRound = result.bestEpoch,
          .interrupted = result.interrupted};
}

static Training trainingOf(TargetResult result) {
  return {.trainLosses = std::move(result.trainLosses),
          .valLosses = std::move(result.valLosses),
          .steps = stepsOf(result.statistics),
          .bestRound = result.bestRound,
          .interrupted = result.interrupted,
          .converged = result.converged};
}

static Training trainingOf(const OptimizeResult &result) {
  return {.steps = stepsOf(result.statistics), .interrupted = result.interrupted, .converged = result.converged};
}

Training capi::trainingOf(const FitTableResult &result) {
  return {.trainLosses = result.record.trainLosses,
          .valLosses = result.record.valLosses,
          .bestRound = result.record.bestEpoch,
          .interrupted = result.interrupted,
          .record = result.record.toJson()};
}

void flowc_training_free(flowc_training *training) { destroy(training); }
size_t flowc_training_num_rounds(const flowc_training *training) {
  return training ? unwrap(training)->trainLosses.size() : 0;
}
const double *flowc_training_train_losses(const flowc_training *training) {
  return training ? unwrap(training)->trainLosses.data() : nullptr;
}
const double *flowc_training_val_losses(const flowc_training *training) {
  return training ? unwrap(training)->valLosses.data() : nullptr;
}
int64_t flowc_training_best_round(const flowc_training *training) { return training ? unwrap(training)->bestRound : 0; }
size_t flowc_training_num_steps(const flowc_training *training) {
  return training ? unwrap(training)->steps.size() : 0;
}
const flowc_step *flowc_training_step(const flowc_training *training, size_t i) {
  return i < flowc_training_num_steps(training) ? &unwrap(training)->steps[i] : nullptr;
}
int flowc_training_was_interrupted(const flowc_training *training) { return training && unwrap(training)->interrupted; }
int flowc_training_has_converged(const flowc_training *training) { return training && unwrap(training)->converged; }
const char *flowc_training_record(const flowc_training *training) {
  return training ? unwrap(training)->record.c_str() : "";
}

//===----------------------------------------------------------------------===//
// The loops
//===----------------------------------------------------------------------===//

/// A training of `model` under options that have been read; nobody may want the result.
template <typename Options, typename Train>
static flowc_error *train(const char *function, std::initializer_list<Needed> needed,
                          Made<Options> (*read)(const flowc_train_options *), const flowc_train_options *options,
                          flowc_training **result, Train &&body) {
  flowc_training *unwanted = nullptr;
  flowc_error *error = make(function, needed, result ? result : &unwanted, [&]() -> Made<Training> {
    auto own = read(options);
    if (!own)
      return own.takeFailure();
    auto trained = body(*own);
    if (!trained)
      return trained.takeFailure();
    return trainingOf(std::move(*trained));
  });
  destroy(unwanted);
  return error;
}

static Outcome checkRows(const Model &model, const flowc_input &x, const flowc_input &condition) {
  const Flow &flow = model.flow();
  if (Outcome ok = checkArray("x", x, -1, flow.dim(), model.dtype(), "the model"); !ok)
    return ok;
  if (Outcome ok = checkCondition(flow, condition, x.rows); !ok || !flow.condShape())
    return ok;
  return checkArray("condition", condition, x.rows, flow.condDim(), model.dtype(), "the model");
}

template <typename T>
static Eigen::Map<const Rows<T>> mapOf(const flowc_input &array) {
  return {static_cast<const T *>(array.data), array.rows, array.columns};
}

flowc_error *flowc_fit_to_data(flowc_model *model, flowc_input x, flowc_input condition,
                               const flowc_train_options *options, flowc_training **result) {
  return train(__func__, {{"model", model}}, readFitOptions, options, result,
               [&](const FitOptions &own) -> Made<FitResult> {
                 Model &trained = *unwrap(model);
                 if (Outcome ok = checkRows(trained, x, condition); !ok)
                   return ok;
                 return withType(trained.dtype(), [&]<typename T>() {
                   return trained.flow().condShape() ? fitToData(trained, mapOf<T>(x), mapOf<T>(condition), own)
                                                     : fitToData(trained, mapOf<T>(x), own);
                 });
               });
}

flowc_error *flowc_model_init_towards(const flowc_flow *flow, flowc_dtype dtype, const flowc_target *target,
                                      const flowc_train_options *options, flowc_model **result) {
  return make(__func__, {{"flow", flow}, {"target", target}}, result, [&]() -> Made<Model> {
    if (Outcome ok = checkDType(dtype); !ok)
      return ok;
    auto own = readTargetOptions(options);
    if (!own)
      return own.takeFailure();
    return startTowardsTarget(
        *unwrap(flow), *unwrap(target),
        {.dtype = toDType(dtype), .seed = own->seed, .threads = own->threads, .useCache = own->useCache});
  });
}

flowc_error *flowc_fit_to_target(flowc_model *model, const flowc_target *target, const flowc_train_options *options,
                                 flowc_training **result) {
  return train(__func__, {{"model", model}, {"target", target}}, readTargetOptions, options, result,
               [&](const TargetOptions &own) -> Made<TargetResult> {
                 return fitToTarget(*unwrap(model), *unwrap(target), own);
               });
}

flowc_error *flowc_optimize(flowc_model *model, flowc_objective *objective, const flowc_train_options *options,
                            flowc_training **result) {
  return train(__func__, {{"model", model}, {"objective", objective}}, readOptimizeOptions, options, result,
               [&](const OptimizeOptions &own) -> Made<OptimizeResult> {
                 return optimize(*unwrap(model), **unwrap(objective), own);
               });
}

//===----------------------------------------------------------------------===//
// From a table to a flow
//===----------------------------------------------------------------------===//

flowc_fit_table_options capi::fitTableDefaults() {
  FitTableOptions defaults;
  flowc_fit_table_options options = {};
  options.seconds = defaults.seconds;
  options.steps = defaults.steps;
  options.seed = defaults.seed;
  options.dtype = fromDType(defaults.dtype);
  options.threads = defaults.threads;
  options.use_cache = defaults.useCache;
  return options;
}

void flowc_fit_table_options_init(flowc_fit_table_options *options, size_t size) {
  initOptions(options, size, fitTableDefaults());
}

Made<FitTableOptions> capi::readFitTableOptions(const flowc_fit_table_options &given) {
  if (Outcome ok = checkDType(given.dtype); !ok)
    return ok;
  FitTableOptions options{.seconds = given.seconds,
                          .steps = given.steps,
                          .seed = given.seed,
                          .dtype = toDType(given.dtype),
                          .threads = given.threads,
                          .useCache = given.use_cache != 0,
                          .checkpoint = orEmpty(given.checkpoint),
                          .resume = orEmpty(given.resume)};
  if (given.progress)
    options.progress = [hear = given.progress, data = given.user_data](const std::string &what, double share) {
      hear(data, what.c_str(), share);
    };
  if (given.interrupted)
    options.interrupted = [ask = given.interrupted, data = given.user_data] { return ask(data) != 0; };
  return options;
}

Made<std::vector<std::string>> capi::namesOf(const char *option, const char *const *names, int64_t count) {
  std::vector<std::string> result;
  for (int64_t i = 0; names && i < count; ++i) {
    if (!names[i])
      return Outcome::invalid("'" + std::string(option) + "' has a null pointer for column " + std::to_string(i) +
                              " (from 0)");
    result.emplace_back(names[i]);
  }
  return result;
}

/// The rows of a table: all of them finite.
static Made<FitTable> tableOf(const flowc_input &x, const flowc_input &condition,
                              const flowc_fit_table_options &options) {
  FitTable table;
  if (Outcome ok = checkArray("x", x); !ok)
    return ok;
  if (x.columns == 0)
    return Outcome::invalid("'x' has no columns, expected those of the event");
  if (Outcome ok = checkFinite("x", x); !ok)
    return ok;
  table.x = viewOf(x);
  auto names = namesOf("names", options.names, x.columns);
  if (!names)
    return names.takeFailure();
  table.names = std::move(*names);
  if (ArrayRef(condition).isNone())
    return table;
  if (Outcome ok = checkArray("condition", condition, x.rows, condition.columns); !ok)
    return ok;
  if (Outcome ok = checkFinite("condition", condition); !ok)
    return ok;
  table.condition = viewOf(condition);
  auto conditionNames = namesOf("condition_names", options.condition_names, condition.columns);
  if (!conditionNames)
    return conditionNames.takeFailure();
  table.conditionNames = std::move(*conditionNames);
  return table;
}

flowc_error *flowc_fit_table(flowc_input x, flowc_input condition, const flowc_fit_table_options *options,
                             flowc_model **result, flowc_training **training) {
  if (training)
    *training = nullptr;
  return make(__func__, {}, result, [&]() -> Made<Model> {
    flowc_fit_table_options given = fitTableDefaults();
    if (Outcome ok = readOptions(options, given); !ok)
      return ok;
    auto own = readFitTableOptions(given);
    if (!own)
      return own.takeFailure();
    auto table = tableOf(x, condition, given);
    if (!table)
      return table.takeFailure();
    auto fitted = fitTable(*table, *own);
    if (!fitted)
      return Outcome(fitted.takeError());
    if (training)
      *training = wrap<flowc_training>(new Training(trainingOf(*fitted)));
    return std::move(fitted->model);
  });
}
