//===- TrainData.cpp - flowc train --data ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train.h"

#include "flowc/Training/Optimizer.h"
#include "flowc/Training/Standardize.h"
#include "flowc/Training/SupportMap.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

namespace {

/// Rows to train on and rows held out, in the element type of the model.
template <typename T>
struct TrainRows {
  std::vector<T> x, condition, testX, testCondition, valX, valCondition;
  /// Of the rows, of those held out and of those to validate with; empty: none.
  std::vector<T> weights, testWeights, valWeights;
  int64_t rows = 0, testRows = 0, valRows = 0;
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
  split(data.weights, data.weights.empty() ? 0 : 1, data.testWeights);
  data.rows -= data.testRows;
}

/// Reads all rows of `from`, and their conditions; how many there are.
template <typename T>
Expected<int64_t> readPart(const Flow &flow, const TrainingRecord &record, const DataOptions &from, std::vector<T> &x,
                           std::vector<T> &condition, TrainingRecord &names) {
  auto events = openEvents(flow, record, from);
  if (!events)
    return events.takeError();
  auto conditions = openConditions(flow, record, from);
  if (!conditions)
    return conditions.takeError();
  auto readX = readAllRows<T>(**events, /*finite=*/true);
  if (!readX)
    return readX.takeError();
  x = std::move(*readX);
  int64_t rows = (*events)->position();
  names.columns = (*events)->columnNames();
  if (rows == 0)
    return Error{"'" + (*events)->path() + "' has no rows, expected data to train on"};
  if (*conditions) {
    auto c = readAllRows<T>(**conditions, /*finite=*/true);
    if (!c)
      return c.takeError();
    condition = std::move(*c);
    names.conditionColumns = (*conditions)->columnNames();
    if ((*conditions)->position() != rows)
      return Error{"'" + (*events)->path() + "' has " + std::to_string(rows) + " rows, '" + (*conditions)->path() +
                   "' " + std::to_string((*conditions)->position()) + ": expected as many"};
  }
  return rows;
}

/// Reads the column of weights, if there is one.
template <typename T>
Expected<std::vector<T>> readWeights(const std::string &path, const std::string &column) {
  if (column.empty())
    return std::vector<T>();
  auto reader = openRows(path, {column});
  if (!reader)
    return reader.takeError();
  return readAllRows<T>(**reader, /*finite=*/true);
}

/// Where the data is; a column of weights is none of the event, unless it is asked for.
Expected<DataOptions> eventSource(const TrainOptions &options, const TrainingRecord &record) {
  DataOptions source = options.data;
  if (options.weights.empty() || !source.columns.empty() || !record.columns.empty())
    return source;
  auto names = readColumnNames(source.path);
  if (!names)
    return names.takeError();
  for (const std::string &name : *names)
    if (name != options.weights && std::ranges::find(source.conditionColumns, name) == source.conditionColumns.end())
      source.columns.push_back(name);
  return source;
}

template <typename T>
Expected<TrainRows<T>> readData(const Flow &flow, const TrainingRecord &record, const TrainOptions &options) {
  TrainRows<T> data;
  TrainingRecord names;
  auto source = eventSource(options, record);
  if (!source)
    return source.takeError();
  auto rows = readPart<T>(flow, record, *source, data.x, data.condition, names);
  if (!rows)
    return rows.takeError();
  data.rows = *rows;
  data.names = names.columns;
  data.conditionNames = names.conditionColumns;
  auto weights = readWeights<T>(source->path, options.weights);
  if (!weights)
    return weights.takeError();
  data.weights = std::move(*weights);
  if (!options.valData.empty()) {
    // Columns of the same names, wherever they are in the other file.
    DataOptions other = *source;
    other.path = options.valData;
    other.condition = options.valCondition;
    auto valRows = readPart<T>(flow, names, other, data.valX, data.valCondition, names);
    if (!valRows)
      return valRows.takeError();
    data.valRows = *valRows;
    auto valWeights = readWeights<T>(other.path, options.weights);
    if (!valWeights)
      return valWeights.takeError();
    data.valWeights = std::move(*valWeights);
  }
  holdOut(data, flow.dim(), flow.condDim(), options.testProp, options.seed);
  return data;
}

/// Statistics of the events where the flow's units are; nothing if it has no such place.
template <typename T>
Expected<std::optional<ColumnStatistics>> eventStatistics(const Flow &flow, const TrainRows<T> &data,
                                                          const CompileOptions &options) {
  using Result = std::optional<ColumnStatistics>;
  auto map = SupportMap::create(flow, options);
  if (!map)
    return map.takeError();
  if (!*map) {
    std::fprintf(stderr,
                 "note: '%s' does not cover all real numbers, nor do its last bijections map them onto its support "
                 "without parameters to train, so its data is not standardised\n",
                 flow.name().c_str());
    return Result();
  }
  auto wrap = [](Expected<ColumnStatistics> computed) -> Expected<Result> {
    return computed ? Expected<Result>(Result(std::move(*computed))) : Expected<Result>(computed.takeError());
  };
  if ((*map)->isIdentity())
    return wrap(computeStatistics(data.x.data(), data.rows, flow.dim(), data.names));
  auto rows = (*map)->invert(RowsMap<T>(data.x.data(), data.rows, flow.dim()).template cast<double>());
  if (!rows)
    return rows.takeError();
  for (int64_t row = 0; row < data.rows; ++row)
    if (!rows->row(row).allFinite())
      return Error{"row " + std::to_string(row + 1) + " of the data lies outside of the support of '" + flow.name() +
                   "', or at an end of it: leave it out, or give the flow another support"};
  return wrap(computeStatistics(rows->data(), data.rows, flow.dim(), data.names));
}

/// The flow to train: the one given, in data units if that is wanted.
template <typename T>
Expected<Flow> standardizedFlow(const Flow &flow, const TrainRows<T> &data, const CompileOptions &options,
                                TrainingRecord &record) {
  auto events = eventStatistics(flow, data, options);
  if (!events)
    return events.takeError();
  record.standardized = events->has_value();
  std::optional<ColumnStatistics> conditions;
  if (flow.condShape()) {
    auto computed = computeStatistics(data.condition.data(), data.rows, flow.condDim(), data.conditionNames);
    if (!computed)
      return computed.takeError();
    conditions = std::move(*computed);
  }
  if (!*events && !conditions)
    return flow;
  return standardize(flow, *events ? &**events : nullptr, conditions ? &*conditions : nullptr);
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
  double sum = 0, total = 0;
  for (size_t i = 0; i < logProb.size(); ++i) {
    double weight = data.testWeights.empty() ? 1 : static_cast<double>(data.testWeights[i]);
    sum += weight * static_cast<double>(logProb[i]);
    total += weight;
  }
  return sum / total;
}

template <typename T>
RowsMap<T> mapRows(const std::vector<T> &values, int64_t rows, int64_t columns) {
  return {values.data(), values.empty() ? 0 : rows, columns};
}

/// The model to train: the one given, or a new one of the flow in data units.
template <typename T>
Expected<Model> initialModel(const TrainOptions &options, Trainee &trainee, const TrainRows<T> &data,
                             TrainingRecord &record) {
  if (trainee.loaded) {
    record.standardized = trainee.loaded->record.standardized;
    return std::move(trainee.loaded->model);
  }
  auto flow = options.standardize ? standardizedFlow(trainee.flow, data, options.model.compileOptions(F64), record)
                                  : Expected<Flow>(trainee.flow);
  if (!flow)
    return flow.takeError();
  return Model::initialise(*flow, {.seed = options.seed, .dtype = trainee.dtype});
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

/// What the loop is given: FlowJAX's defaults, and what was asked for.
Expected<FitOptions> fitOptions(const TrainOptions &options, int64_t rows) {
  FitOptions fit = options.fit;
  fit.seed = options.seed;
  fit.threads = options.model.threads;
  fit.useCache = !options.model.noCache;
  if (auto ok = options.apply(fit.learningRate, fit.update); !ok)
    return ok.takeError();
  auto optimizer = findOptimizer(fit.update.optimizer.name);
  if (!optimizer)
    return optimizer.takeError();
  fit.batchSize = options.batchSize.value_or((*optimizer)->needsAllRows ? rows : fit.batchSize);
  return fit;
}

void remember(TrainingRecord &record, const TrainOptions &options, const FitOptions &fit) {
  record.options = {{"max_epochs", static_cast<double>(fit.maxEpochs)},
                    {"max_patience", static_cast<double>(fit.maxPatience)},
                    {"batch_size", static_cast<double>(fit.batchSize)},
                    {"val_prop", options.valData.empty() ? fit.valProp : 0},
                    {"test_prop", options.testProp},
                    {"seed", static_cast<double>(options.seed)}};
  record.choices["objective"] = "likelihood";
  rememberUpdate(record, fit.update, fit.learningRate);
}

/// Trains on data of the model's element type.
template <typename T>
Expected<int> trainAs(const TrainOptions &options, Trainee trainee) {
  TrainingRecord record;
  auto data = readData<T>(trainee.flow, trainee.loaded ? trainee.loaded->record : record, options);
  if (!data)
    return data.takeError();
  auto model = initialModel<T>(options, trainee, *data, record);
  if (!model)
    return model.takeError();
  auto fit = fitOptions(options, data->rows);
  if (!fit)
    return fit.takeError();
  record.columns = data->names;
  record.conditionColumns = data->conditionNames;
  record.rows = data->rows;
  remember(record, options, *fit);

  TrainingRun run(options.run, record);
  fit->interrupted = [&run] { return run.poll(); };
  fit->update.onRecovery = [&run](const std::string &what) { run.tell(what); };
  int64_t dim = trainee.flow.dim(), condDim = trainee.flow.condDim();
  TrainingData rows(mapRows(data->x, data->rows, dim), mapRows(data->condition, data->rows, condDim));
  rows.setWeights(mapRows(data->weights, data->rows, 1));
  if (data->valRows > 0)
    rows.setValidation(mapRows(data->valX, data->valRows, dim), mapRows(data->valCondition, data->valRows, condDim),
                       mapRows(data->valWeights, data->valRows, 1));
  auto trainer = Trainer::create(*model, rows, *fit);
  if (!trainer)
    return trainer.takeError();
  auto ending = run.run(**trainer);
  if (!ending)
    return ending.takeError();
  if (data->testRows > 0 && *ending != TrainingRun::Ending::Stopped) {
    auto test = scoreTestRows<T>(*model, *data, options);
    if (!test)
      return test.takeError();
    record.testLogProb = *test;
    record.testRows = data->testRows;
  }
  if (auto ok = model->save(options.output, record.toJson()); !ok)
    return ok.takeError();
  report(options, record);
  if (*ending == TrainingRun::Ending::Stopped)
    return TrainingRun::exitCode();
  return *ending == TrainingRun::Ending::Failed ? 1 : 0;
}

} // namespace

Expected<int> tool::trainOnData(const TrainOptions &options, Trainee trainee) {
  return trainee.dtype == F32 ? trainAs<float>(options, std::move(trainee))
                              : trainAs<double>(options, std::move(trainee));
}
