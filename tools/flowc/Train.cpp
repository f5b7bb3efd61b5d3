//===- Train.cpp - flowc train --------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "Progress.h"
#include "TrainingLog.h"

#include "flowc/Training/Standardize.h"
#include "flowc/Training/Trainer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>

using namespace flowc;
using namespace flowc::tool;
using Clock = std::chrono::steady_clock;

namespace {

struct TrainOptions {
  ModelOptions model;
  DataOptions data;
  FitOptions fit;
  std::string output, checkpoint, resume, log, target;
  double testProp = 0;
  bool standardize = true;
};

volatile std::sig_atomic_t stopRequested = 0;

/// The first Ctrl-C stops training after the current batch, a second one ends
/// the program.
void requestStop(int signal) {
  stopRequested = 1;
  std::signal(signal, SIG_DFL);
}

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Rows to train on and rows held out, in the element type of the model.
template <typename T>
struct TrainRows {
  std::vector<T> x, condition, testX, testCondition;
  int64_t rows = 0, testRows = 0;
  std::vector<std::string> names, conditionNames;
};

/// Moves a random part of the rows to the test rows.
template <typename T>
void holdOut(TrainRows<T> &data, int64_t dim, int64_t condDim, double share, uint64_t seed) {
  constexpr uint32_t testStream = 16;
  data.testRows = static_cast<int64_t>(std::nearbyint(share * static_cast<double>(data.rows)));
  if (data.testRows == 0)
    return;
  std::vector<int64_t> order(static_cast<size_t>(data.rows));
  randomPermutation(seed, testStream, 0, order);
  std::vector<bool> isTest(order.size());
  for (int64_t i = 0; i < data.testRows; ++i)
    isTest[order[i]] = true;
  auto split = [&](std::vector<T> &all, int64_t width, std::vector<T> &test) {
    std::vector<T> kept;
    kept.reserve(all.size());
    for (int64_t row = 0; row < data.rows; ++row)
      (isTest[row] ? test : kept)
          .insert((isTest[row] ? test : kept).end(), all.begin() + row * width, all.begin() + (row + 1) * width);
    all = std::move(kept);
  };
  split(data.x, dim, data.testX);
  split(data.condition, condDim, data.testCondition);
  data.rows -= data.testRows;
}

template <typename T>
Expected<TrainRows<T>> readData(const Flow &flow, const TrainingRecord &record, const TrainOptions &options) {
  TrainRows<T> data;
  auto events = openEvents(flow, record, options.data);
  if (!events)
    return events.takeError();
  auto conditions = openConditions(flow, record, options.data);
  if (!conditions)
    return conditions.takeError();
  auto x = readAllRows<T>(**events, /*finite=*/true);
  if (!x)
    return x.takeError();
  data.x = std::move(*x);
  data.rows = (*events)->position();
  data.names = (*events)->columnNames();
  if (data.rows == 0)
    return Error{"'" + (*events)->path() + "' has no rows, expected data to train on"};
  if (*conditions) {
    auto c = readAllRows<T>(**conditions, /*finite=*/true);
    if (!c)
      return c.takeError();
    data.condition = std::move(*c);
    data.conditionNames = (*conditions)->columnNames();
    if ((*conditions)->position() != data.rows)
      return Error{"'" + (*events)->path() + "' has " + std::to_string(data.rows) + " rows, '" + (*conditions)->path() +
                   "' " + std::to_string((*conditions)->position()) + ": expected as many"};
  }
  holdOut(data, flow.dim(), flow.condDim(), options.testProp, options.fit.seed);
  return data;
}

/// The flow to train: the one given, in data units if that is wanted.
template <typename T>
Expected<Flow> standardizedFlow(const Flow &flow, const TrainRows<T> &data, TrainingRecord &record) {
  if (!supportsAllReals(flow)) {
    std::fprintf(stderr, "note: '%s' does not cover all real numbers, so its data is not standardised\n",
                 flow.name().c_str());
    return flow;
  }
  auto statistics = computeStatistics(data.x.data(), data.rows, flow.dim(), data.names);
  if (!statistics)
    return statistics.takeError();
  std::optional<ColumnStatistics> conditions;
  if (flow.condShape()) {
    auto computed = computeStatistics(data.condition.data(), data.rows, flow.condDim(), data.conditionNames);
    if (!computed)
      return computed.takeError();
    conditions = std::move(*computed);
  }
  record.standardized = true;
  return standardize(flow, *statistics, conditions ? &*conditions : nullptr);
}

/// Trains until the end, an error or Ctrl-C.
class Training {
public:
  Training(Model &model, TrainingRecord &record, const TrainOptions &options)
      : model(model), record(record), options(options) {}

  Expected<bool> run(const TrainingData &data);

private:
  Expected<void> begin(const TrainingData &data);
  Expected<Trainer::Outcome> loop();
  Expected<void> writeCheckpoint();
  std::string note() const;
  /// Called after every batch.
  void showProgress();

  Model &model;
  TrainingRecord &record;
  const TrainOptions &options;
  std::unique_ptr<Trainer> trainer;
  TrainingLog log;
  std::unique_ptr<Progress> progress;
  Clock::time_point start = Clock::now(), lastCheckpoint = start;
};

std::string Training::note() const {
  const TrainingState &state = trainer->state();
  std::string text = "epoch " + std::to_string(state.epoch + 1);
  if (state.epoch == 0)
    return text;
  char losses[120];
  std::snprintf(losses, sizeof(losses), "  train %.4f  val %.4f  best %.4f (epoch %lld)", state.trainLosses.back(),
                state.valLosses.back(), state.valLosses[state.bestEpoch - 1], static_cast<long long>(state.bestEpoch));
  return text + losses;
}

void Training::showProgress() {
  const TrainingState &state = trainer->state();
  if (progress && progress->isDue())
    progress->update(state.epoch * trainer->batches().trainBatches + state.batch, note());
}

Expected<void> Training::begin(const TrainingData &data) {
  FitOptions fit = options.fit;
  fit.threads = options.model.threads;
  fit.useCache = !options.model.noCache;
  fit.interrupted = [this] {
    showProgress();
    return stopRequested != 0;
  };
  auto created = Trainer::create(model, data, fit);
  if (!created)
    return created.takeError();
  trainer = std::move(*created);
  if (!options.resume.empty())
    if (auto ok = trainer->loadCheckpoint(options.resume); !ok)
      return ok;
  if (!options.log.empty())
    return log.open(options.log, trainer->state());
  return {};
}

Expected<void> Training::writeCheckpoint() {
  if (options.checkpoint.empty())
    return {};
  lastCheckpoint = Clock::now();
  return trainer->saveCheckpoint(options.checkpoint);
}

Expected<Trainer::Outcome> Training::loop() {
  // A checkpoint costs a write to the disk, far more than a small epoch.
  constexpr double checkpointInterval = 10.0;
  const TrainingState &state = trainer->state();
  while (true) {
    int64_t before = state.epoch;
    auto outcome = trainer->advance();
    if (!outcome)
      return outcome;
    if (state.epoch > before)
      if (auto ok = log.write(state, secondsSince(start)); !ok)
        return ok.takeError();
    if (*outcome != Trainer::Outcome::EpochEnded)
      return outcome;
    if (secondsSince(lastCheckpoint) > checkpointInterval)
      if (auto ok = writeCheckpoint(); !ok)
        return ok.takeError();
  }
}

/// False if training was interrupted.
Expected<bool> Training::run(const TrainingData &data) {
  if (auto ok = begin(data); !ok)
    return ok.takeError();
  auto *previous = std::signal(SIGINT, requestStop);
  start = lastCheckpoint = Clock::now();
  progress = std::make_unique<Progress>("training", options.fit.maxEpochs * trainer->batches().trainBatches, "");
  auto outcome = loop();
  progress.reset();
  std::signal(SIGINT, previous);
  const TrainingState &state = trainer->state();
  // A loss that is no number ends training, but not what was learned before.
  if (!outcome && state.bestEpoch == 0)
    return outcome.takeError();
  if (!outcome)
    std::fprintf(stderr, "flowc: warning: %s; the best parameters so far are kept\n", outcome.error().message.c_str());
  else if (auto ok = writeCheckpoint(); !ok)
    return ok.takeError();
  trainer->keepBest();
  record.trainLosses = state.trainLosses;
  record.valLosses = state.valLosses;
  record.bestEpoch = state.bestEpoch;
  record.seconds = secondsSince(start);
  record.interrupted = !outcome || *outcome == Trainer::Outcome::Interrupted;
  if (!outcome)
    return true;
  return !record.interrupted;
}

/// Mean log-density of the rows that were held out.
template <typename T>
Expected<double> scoreTestRows(const Model &model, const TrainRows<T> &data, const TrainOptions &options) {
  auto kernels = compile(model.flow(), options.model.compileOptions(model.dtype()));
  if (!kernels)
    return kernels.takeError();
  std::vector<T> logProb(static_cast<size_t>(data.testRows));
  Kernels::Call call{
      .kernel = Kernel::LogProb, .inputs = {data.testX.data()}, .outputs = {logProb.data()}, .rows = data.testRows};
  if (model.flow().condShape())
    call.inputs.push_back(data.testCondition.data());
  if (auto ok = (*kernels)->run(model, call); !ok)
    return ok.takeError();
  double sum = 0;
  for (T value : logProb)
    sum += static_cast<double>(value);
  return sum / static_cast<double>(data.testRows);
}

void report(const TrainOptions &options, const TrainingRecord &record) {
  if (record.bestEpoch > 0) {
    size_t best = record.bestEpoch - 1;
    std::printf("%s%zu epochs in %.2f s; best epoch %lld: train loss %.6f, validation loss %.6f\n",
                record.interrupted ? "stopped after " : "", record.valLosses.size(), record.seconds,
                static_cast<long long>(record.bestEpoch), record.trainLosses[best], record.valLosses[best]);
  } else {
    std::printf("stopped before the first epoch was complete\n");
  }
  if (record.testLogProb)
    std::printf("test log-likelihood: %.6f (mean over %s held-out rows)\n", *record.testLogProb,
                formatCount(record.testRows).c_str());
  std::printf("model: %s\n", options.output.c_str());
}

/// Trains a flow, or a model further, on data of the model's element type.
template <typename T>
Expected<int> trainAs(const TrainOptions &options, std::optional<Loaded> loaded, const Flow &givenFlow) {
  constexpr DType dtype = sizeof(T) == 4 ? F32 : F64;
  TrainingRecord record;
  auto data = readData<T>(givenFlow, loaded ? loaded->record : record, options);
  if (!data)
    return data.takeError();
  std::optional<Model> model;
  if (loaded) {
    record.standardized = loaded->record.standardized;
    model = std::move(loaded->model);
  } else {
    auto flow = options.standardize ? standardizedFlow(givenFlow, *data, record) : Expected<Flow>(givenFlow);
    if (!flow)
      return flow.takeError();
    auto initial = Model::initialise(*flow, {.seed = options.fit.seed, .dtype = dtype});
    if (!initial)
      return initial.takeError();
    model = std::move(*initial);
  }
  record.columns = data->names;
  record.conditionColumns = data->conditionNames;
  record.rows = data->rows;
  record.options = {{"learning_rate", options.fit.learningRate},
                    {"max_epochs", static_cast<double>(options.fit.maxEpochs)},
                    {"max_patience", static_cast<double>(options.fit.maxPatience)},
                    {"batch_size", static_cast<double>(options.fit.batchSize)},
                    {"val_prop", options.fit.valProp},
                    {"test_prop", options.testProp},
                    {"seed", static_cast<double>(options.fit.seed)}};

  auto completed = Training(*model, record, options)
                       .run({data->x.data(), data->condition.empty() ? nullptr : data->condition.data(), data->rows});
  if (!completed)
    return completed.takeError();
  if (data->testRows > 0 && *completed) {
    auto test = scoreTestRows<T>(*model, *data, options);
    if (!test)
      return test.takeError();
    record.testLogProb = *test;
    record.testRows = data->testRows;
  }
  if (auto ok = model->save(options.output, record.toJson()); !ok)
    return ok.takeError();
  report(options, record);
  constexpr int interruptedCode = 130;
  return *completed ? (record.interrupted ? 1 : 0) : interruptedCode;
}

Expected<int> runTrain(const TrainOptions &options) {
  if (!options.target.empty())
    return notSupported("training by the ELBO (--target)");
  if (!isModelPath(options.output))
    return Error{"a model is a .safetensors file, but the output is '" + options.output + "'"};
  for (const std::string &path : {options.output, options.checkpoint})
    if (!path.empty())
      if (auto ok = checkWritable(path); !ok)
        return ok.takeError();

  std::optional<Loaded> loaded;
  std::optional<Flow> flow;
  if (isModelPath(options.model.path)) {
    auto model = loadModel(options.model);
    if (!model)
      return model.takeError();
    loaded = std::move(*model);
    flow = loaded->flow();
  } else {
    auto parsed = loadFlow(options.model.path, options.model.name);
    if (!parsed)
      return parsed.takeError();
    flow = std::move(*parsed);
  }
  if (!flow->isDistribution())
    return Error{"'" + flow->name() + "' is a " + (flow->isDensity() ? "density" : "bijection") +
                 ", expected a flow: only distributions can be trained"};
  DType dtype = loaded ? loaded->dtype() : options.model.dtypeOr(F32);
  return dtype == F32 ? trainAs<float>(options, std::move(loaded), *flow)
                      : trainAs<double>(options, std::move(loaded), *flow);
}

} // namespace

void tool::addTrainCommand(CLI::App &app, Action &action) {
  auto [command, options] = addCommand(
      app, action, "train", "Train a flow on data by maximum likelihood",
      "  flowc train galaxies.flow --data galaxies.csv -o model.safetensors\n"
      "  flowc train galaxies.flow --data galaxies.csv --test-prop 0.1 --seed 1 -o model.safetensors\n"
      "  flowc train redshift.flow --data galaxies.csv --columns redshift --condition-columns u,g,r,i,z,y \\\n"
      "      -o model.safetensors\n"
      "  flowc train model.safetensors --data more.csv -o better.safetensors\n\n"
      "Columns are standardised by a frozen affine layer, which becomes a part of the model's flow.\n"
      "Ctrl-C stops training and keeps the best parameters; with --checkpoint it can go on with --resume.",
      runTrain);
  options->model.add(*command, "FILE");
  options->data.add(*command, "--data");
  command->add_option("-o,--output", options->output, "The model to write (.safetensors)")->required();
  FitOptions &fit = options->fit;
  command->add_option("--learning-rate", fit.learningRate, "Of Adam")->capture_default_str();
  command->add_option("--max-epochs", fit.maxEpochs, "Most passes over the data")
      ->capture_default_str()
      ->check(isWholeNumber(INT32_MAX));
  command->add_option("--max-patience", fit.maxPatience, "Fruitless epochs to put up with")
      ->capture_default_str()
      ->check(isWholeNumber(INT32_MAX));
  command->add_option("--batch-size", fit.batchSize, "Rows of a step")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(1), int64_t(1) << 48));
  command->add_option("--val-prop", fit.valProp, "Share of the rows for validation")->capture_default_str();
  command->add_option("--test-prop", options->testProp, "Share of the rows to hold out and score at the end")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.99));
  command->add_flag("--return-best,!--no-return-best", fit.returnBest,
                    "Keep the parameters of the best epoch (default)");
  command->add_flag("!--no-standardize,--standardize", options->standardize, "Leave the columns as they are");
  command->add_option("--seed", fit.seed, "Seed of initial parameters, split and order")
      ->capture_default_str()
      ->check(isWholeNumber(UINT64_MAX));
  command->add_option("--checkpoint", options->checkpoint, "File to write the state of training to (.safetensors)");
  command->add_option("--resume", options->resume, "Go on from such a file");
  command->add_option("--log", options->log, "Losses of each epoch: .csv, or one JSON object a line");
  command->add_option("--target", options->target, "Train by the ELBO against this density (.flow)");
}
