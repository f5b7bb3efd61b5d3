//===- TrainData.cpp - flowc train --data ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Advice.h"
#include "Train.h"

#include "flowc/Training/Optimizer.h"
#include "flowc/Training/Recipe.h"
#include "flowc/Training/Standardize.h"
#include "flowc/Training/SupportMap.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

namespace {

/// Columns that are none of the event: weights, and those that an objective names.
struct OtherColumns {
  std::string weights;
  std::vector<std::string> named;

  std::vector<std::string> all() const {
    std::vector<std::string> names = named;
    if (!weights.empty())
      names.push_back(weights);
    return names;
  }
};

/// Events, conditions and other columns of the same rows; what there is not is none.
struct Part {
  RowsView x, condition, weights, columns;
  std::vector<std::string> names, conditionNames;
};

/// What to train on, to score at the end and to validate with.
struct TrainRows {
  Part all, validation;
  HeldOut rows; ///< Of `all`.
};

/// Holds these columns of the rows of a file; without any, none.
Expected<RowsView> holdColumns(const std::string &path, const std::vector<std::string> &columns, DType dtype) {
  if (columns.empty())
    return RowsView();
  auto reader = openRows(path, columns);
  if (!reader)
    return reader.takeError();
  return holdRows(**reader, dtype);
}

/// Holds the rows of `from`, their conditions and other columns.
Expected<Part> holdPart(const Flow &flow, const TrainingRecord &record, const DataOptions &from,
                        const OtherColumns &others, DType dtype) {
  Part part;
  auto data = openData(flow, record, from);
  if (!data)
    return data.takeError();
  auto &[events, conditions] = *data;
  auto x = holdRows(*events, dtype);
  if (!x)
    return x.takeError();
  part.x = std::move(*x);
  part.names = events->columnNames();
  if (part.x.rows() == 0)
    return Error{"'" + events->path() + "' has no rows, expected data to train on"};
  if (conditions) {
    auto condition = holdRows(*conditions, dtype);
    if (!condition)
      return condition.takeError();
    part.condition = std::move(*condition);
    part.conditionNames = conditions->columnNames();
    if (part.condition.rows() != part.x.rows())
      return Error{"'" + events->path() + "' has " + std::to_string(part.x.rows()) + " rows, '" + conditions->path() +
                   "' " + std::to_string(part.condition.rows()) + ": expected as many"};
  }
  const std::vector<std::string> weights(others.weights.empty() ? 0 : 1, others.weights);
  for (auto [names, view] : {std::pair{&weights, &part.weights}, std::pair{&others.named, &part.columns}}) {
    auto columns = holdColumns(from.path, *names, dtype);
    if (!columns)
      return columns.takeError();
    *view = std::move(*columns);
  }
  return part;
}

/// Columns of the training for the record: those of the table, if `before` knows one.
void setColumns(TrainingRecord &record, const Part &rows, const TrainingRecord &before) {
  record.table = before.table;
  record.columns = before.table ? before.columns : rows.names;
  record.conditionTable = before.conditionTable;
  record.conditionColumns = before.conditionTable ? before.conditionColumns : rows.conditionNames;
}

Expected<TrainRows> holdData(const Flow &flow, const TrainingRecord &record, const TrainOptions &options,
                             const OtherColumns &others, DType dtype) {
  TrainRows data;
  auto source = withoutColumns(options.data, record, others.all());
  if (!source)
    return source.takeError();
  auto all = holdPart(flow, record, *source, others, dtype);
  if (!all)
    return all.takeError();
  data.all = std::move(*all);
  data.rows = holdOutRows(data.all.x.rows(), options.testProp, options.seed, FitOptions().listedRows);
  if (options.valData.empty())
    return data;
  // Columns of the same names, wherever they are in the other file.
  TrainingRecord names;
  setColumns(names, data.all, record);
  DataOptions other = *source;
  other.path = options.valData;
  other.condition = options.valCondition;
  auto validation = holdPart(flow, names, other, others, dtype);
  if (!validation)
    return validation.takeError();
  data.validation = std::move(*validation);
  return data;
}

/// The name of a column that float32 is too coarse for, or its number; nothing if there is none.
Expected<std::optional<std::string>> findCoarse(const TrainRows &data) {
  for (auto [view, names] :
       {std::pair{&data.all.x, &data.all.names}, std::pair{&data.all.condition, &data.all.conditionNames}}) {
    if (!*view)
      continue;
    auto column = findCoarseColumn(*view, *data.rows.kept);
    if (!column)
      return column.takeError();
    if (*column < 0)
      continue;
    auto i = static_cast<size_t>(*column);
    return std::optional(i < names->size() ? "'" + (*names)[i] + "'" : std::to_string(i));
  }
  return std::optional<std::string>();
}

/// Holds the data in the type of `trainee`. A new model that is to be of no type in
/// particular becomes float64 where float32 is too coarse for a column.
Expected<TrainRows> chooseType(const TrainOptions &options, const TrainingRecord &record, const OtherColumns &others,
                               Trainee &trainee) {
  auto data = holdData(trainee.flow, record, options, others, trainee.dtype);
  bool isFree = !trainee.loaded && options.model.dtype.empty();
  if (trainee.dtype == F64 || (!data && !isFree))
    return data;
  if (!data) {
    auto exact = holdData(trainee.flow, record, options, others, F64);
    if (!exact)
      return exact;
    auto exceeds =
        exceedsFloat32({exact->all.x, exact->all.condition, exact->validation.x, exact->validation.condition});
    if (!exceeds || !*exceeds)
      return data; // Another error, that did not come again.
    std::fprintf(stderr, "note: numbers are beyond the range of float32, so the model is one in float64\n");
    trainee.dtype = F64;
    return exact;
  }
  auto coarse = findCoarse(*data);
  if (!coarse)
    return coarse.takeError();
  if (!*coarse)
    return data;
  auto exact = holdData(trainee.flow, record, options, others, F64);
  if (!exact)
    return exact;
  coarse = findCoarse(*exact);
  if (!coarse)
    return coarse.takeError();
  if (!*coarse)
    return data;
  const char *what = "differs so little from row to row that float32 rounds it to a grid";
  if (!isFree) {
    std::fprintf(stderr, "warning: column %s %s: train %s, or subtract its mean\n", (*coarse)->c_str(), what,
                 trainee.loaded ? "a float64 model" : "with --dtype f64");
    return data;
  }
  std::fprintf(stderr, "note: column %s %s, so the model is one in float64\n", (*coarse)->c_str(), what);
  trainee.dtype = F64;
  return exact;
}

/// Statistics of the events where the flow's units are; nothing if it has no such place.
struct EventStatistics {
  ColumnStatistics columns;
  bool hasSupportMap; ///< They are of what the map's inverse makes of the events.
};
Expected<std::optional<EventStatistics>> eventStatistics(const Flow &flow, const TrainRows &data, DType dtype,
                                                         const CompileOptions &options) {
  using Result = std::optional<EventStatistics>;
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
  auto invert = [&](Rows<double> block, int64_t first) -> Expected<Rows<double>> {
    auto rows = (*map)->invert(std::move(block));
    for (int64_t i = 0; rows && i < rows->rows(); ++i)
      if (!rows->row(i).allFinite()) {
        int64_t row = 0;
        data.rows.kept->list(first + i, std::span(&row, 1));
        return Error{"row " + std::to_string(row + 1) + " of the data lies outside of the support of '" + flow.name() +
                     "', or at an end of it: leave it out, or give the flow another support"};
      }
    return rows;
  };
  auto computed = (*map)->isIdentity() ? computeStatistics(data.all.x, *data.rows.kept, dtype, data.all.names)
                                       : computeStatistics(data.all.x, *data.rows.kept, dtype, data.all.names, invert);
  if (!computed)
    return computed.takeError();
  return Result({std::move(*computed), !(*map)->isIdentity()});
}

/// Units of events whose correlations are worth dividing out; nothing of others.
Expected<std::optional<Whitening>> correlationsOf(const TrainRows &data, const std::optional<EventStatistics> &events,
                                                  const Flow &flow, Units wanted) {
  using Result = std::optional<Whitening>;
  if (!events || events->hasSupportMap || flow.shape().size() != 1)
    return Result();
  auto units = chooseUnits(data.all.x, data.rows.kept, events->columns, wanted);
  if (!units)
    return units.takeError();
  return units->shrinkage < 1 ? Result(std::move(*units)) : Result();
}

/// The flow to train: the one given, in data units if that is wanted.
Expected<Flow> standardizedFlow(const Flow &flow, const TrainRows &data, DType dtype, const TrainOptions &options,
                                TrainingRecord &record) {
  auto events = eventStatistics(flow, data, dtype, options.model.compileOptions(F64));
  if (!events)
    return events.takeError();
  record.standardized = events->has_value();
  std::optional<ColumnStatistics> conditions;
  if (flow.condShape()) {
    auto computed = computeStatistics(data.all.condition, *data.rows.kept, dtype, data.all.conditionNames);
    if (!computed)
      return computed.takeError();
    conditions = std::move(*computed);
  }
  if (!*events && !conditions)
    return flow;
  // FlowJAX's users standardise their columns.
  Units units =
      options.preset == Preset::FlowJAX ? options.units.value_or(Units::Columns) : options.units.value_or(Units::Auto);
  auto correlations = correlationsOf(data, *events, flow, units);
  if (!correlations)
    return correlations.takeError();
  const ColumnStatistics *condition = conditions ? &*conditions : nullptr;
  if (*correlations) {
    record.choices["units"] = "cholesky";
    return whiten(flow, **correlations, condition);
  }
  return standardize(flow, *events ? &(*events)->columns : nullptr, condition);
}

/// Mean log-density of the rows that were held out, block by block.
template <typename T>
Expected<double> scoreTestRows(const Model &model, const TrainRows &data, const TrainOptions &options) {
  auto kernels = compile(model.flow(), options.model.compileOptions(model.dtype()));
  if (!kernels)
    return kernels.takeError();
  constexpr int64_t block = int64_t(1) << 16;
  std::vector<int64_t> rows;
  std::vector<T> x, condition, weights, logProb;
  double sum = 0, total = 0;
  for (int64_t begin = 0; begin < data.rows.out->size(); begin += block) {
    rows.resize(static_cast<size_t>(std::min(block, data.rows.out->size() - begin)));
    data.rows.out->list(begin, rows);
    for (auto [view, to] : {std::pair{&data.all.x, &x}, std::pair{&data.all.condition, &condition},
                            std::pair{&data.all.weights, &weights}}) {
      to->resize(rows.size() * static_cast<size_t>(view->columns()));
      view->copy(rows, model.dtype(), to->data());
    }
    logProb.resize(rows.size());
    Kernels::Call call{.kernel = Kernel::LogProb,
                       .inputs = {x.data()},
                       .outputs = {logProb.data()},
                       .rows = static_cast<int64_t>(rows.size())};
    if (model.flow().condShape())
      call.inputs.push_back(condition.data());
    if (auto ok = (*kernels)->run(model, call); !ok)
      return ok.takeError();
    for (size_t i = 0; i < logProb.size(); ++i) {
      double weight = weights.empty() ? 1 : static_cast<double>(weights[i]);
      sum += weight * static_cast<double>(logProb[i]);
      total += weight;
    }
  }
  return sum / total;
}

/// The model to train: the one given, or a new one of the flow in data units.
Expected<Model> initialModel(const TrainOptions &options, Trainee &trainee, const TrainRows &data,
                             TrainingRecord &record) {
  if (trainee.loaded) {
    record.standardized = trainee.loaded->record.standardized;
    return std::move(trainee.loaded->model);
  }
  auto flow = options.standardize && options.units != Units::None
                  ? standardizedFlow(trainee.flow, data, trainee.dtype, options, record)
                  : Expected<Flow>(trainee.flow);
  if (!flow)
    return flow.takeError();
  return Model::initialise(*flow, {.seed = options.seed, .dtype = trainee.dtype});
}

/// Writes how good the model is on the rows that chose it to its record.
void rememberFit(TrainingRecord &record, const Trainer::HeldOut &fit) {
  if (fit.rows >= 2)
    record.evaluation = {{"mean_log_prob", -fit.meanLoss},
                         {"mean_log_prob_error", fit.error},
                         {"validation_rows", static_cast<double>(fit.rows)}};
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

/// Sets what is minimised, and its prior; gives the columns that it takes. A formula reads
/// those that it names; to one of a single column, weights are that column.
Expected<OtherColumns> chooseObjective(const TrainOptions &options, FitOptions &fit) {
  if (!options.objective.empty()) {
    auto source = readObjective(options.objective);
    if (!source)
      return source.takeError();
    fit.objective = std::move(source->choice);
    fit.objectiveText = std::move(source->text);
  }
  auto prior = loadTarget(options.prior);
  if (!prior)
    return prior.takeError();
  fit.density = std::move(*prior);
  OtherColumns others{options.weights, {}};
  if (fit.objectiveText.empty() || !options.weights.empty())
    return others;
  auto formula = Flow::parseObjective(fit.objectiveText, /*rows=*/1, {}, fit.objective.name);
  if (!formula)
    return formula.takeError();
  others.named = formula->terms();
  std::erase(others.named, "target"); // Which data has not: the loop says so.
  return others;
}

/// What was not asked for, as the preset has it.
void applyPreset(const TrainOptions &options, int64_t rows, FitOptions &fit) {
  auto share = options.valData.empty() ? options.valProp : 0;
  FitOptions preset = options.preset == Preset::FlowJAX
                          ? FitOptions()
                          : recommendedFit(static_cast<int64_t>((1 - share) * static_cast<double>(rows)));
  fit.maxEpochs = options.maxEpochs.value_or(preset.maxEpochs);
  fit.maxPatience = options.maxPatience.value_or(preset.maxPatience);
  fit.batchSize = preset.batchSize;
  fit.valProp = options.valProp;
  fit.update.clipNorm = preset.update.clipNorm;
  fit.update.average = preset.update.average;
  fit.update.averageCompetes = preset.update.averageCompetes && !options.average;
  // The rate and its schedule are Adam's; of a trained model, too large a rate loses what it knows.
  if (options.optimizer.empty())
    fit.update.schedule = preset.update.schedule;
  if (options.optimizer.empty() && !isModelPath(options.model.path))
    fit.learningRate = preset.learningRate;
}

/// Completes what the loop is given: the preset, and what was asked for.
Expected<void> setOptions(const TrainOptions &options, int64_t rows, FitOptions &fit) {
  applyPreset(options, rows, fit);
  fit.seed = options.seed;
  fit.mayShrinkStart = !isModelPath(options.model.path);
  fit.threads = options.model.threads;
  fit.useCache = !options.model.noCache;
  if (auto ok = options.apply(fit.learningRate, fit.update); !ok)
    return ok;
  auto optimizer = findOptimizer(fit.update.optimizer.name);
  if (!optimizer)
    return optimizer.takeError();
  fit.batchSize = options.batchSize.value_or((*optimizer)->needsAllRows ? rows : fit.batchSize);
  return {};
}

void remember(TrainingRecord &record, const TrainOptions &options, const FitOptions &fit) {
  record.options = {{"max_epochs", static_cast<double>(fit.maxEpochs)},
                    {"max_patience", static_cast<double>(fit.maxPatience)},
                    {"batch_size", static_cast<double>(fit.batchSize)},
                    {"val_prop", options.valData.empty() ? fit.valProp : 0},
                    {"test_prop", options.testProp},
                    {"seed", static_cast<double>(options.seed)}};
  record.choices["objective"] = fit.objective.text();
  if (!options.prior.empty())
    record.choices["prior"] = options.prior;
  rememberUpdate(record, fit.update, fit.learningRate);
}

/// What the trainer is given.
TrainingData trainingData(const TrainRows &data) {
  TrainingData rows(data.all.x, data.all.condition);
  rows.weights = data.all.weights;
  rows.columns = data.all.columns;
  rows.subset = data.rows.kept;
  rows.validation = data.validation.x;
  rows.validationCondition = data.validation.condition;
  rows.validationWeights = data.validation.weights;
  rows.validationColumns = data.validation.columns;
  return rows;
}

/// Scores what was held out, unless the user wants to leave.
Expected<void> scoreAtTheEnd(const Model &model, const TrainRows &data, const TrainOptions &options,
                             TrainingRecord &record) {
  record.testRows = data.rows.out->size();
  if (record.testRows == 0)
    return {};
  auto score =
      model.dtype() == F32 ? scoreTestRows<float>(model, data, options) : scoreTestRows<double>(model, data, options);
  if (!score)
    return score.takeError();
  record.testLogProb = *score;
  return {};
}

} // namespace

Expected<int> tool::trainOnData(const TrainOptions &options, Trainee trainee) {
  TrainingRecord record;
  FitOptions fit;
  fit.returnBest = options.returnBest;
  auto others = chooseObjective(options, fit);
  if (!others)
    return others.takeError();
  auto data = chooseType(options, trainee.loaded ? trainee.loaded->record : record, *others, trainee);
  if (!data)
    return data.takeError();
  auto model = initialModel(options, trainee, *data, record);
  if (!model)
    return model.takeError();
  setColumns(record, data->all, trainee.loaded ? trainee.loaded->record : TrainingRecord());
  record.rows = data->rows.kept->size();
  if (auto ok = setOptions(options, record.rows, fit); !ok)
    return ok.takeError();
  remember(record, options, fit);

  TrainingRun run(options.run, record);
  fit.checkpoint = options.run.checkpoint;
  fit.interrupted = [&run] { return run.poll(); };
  fit.update.onRecovery = [&run](const std::string &what) { run.tell(what); };
  auto trainer = Trainer::create(*model, trainingData(*data), fit);
  if (!trainer)
    return trainer.takeError();
  auto ending = run.run(**trainer);
  if (!ending)
    return ending.takeError();
  Trainer::HeldOut fitted;
  if (*ending != TrainingRun::Ending::Stopped) {
    auto judged = (*trainer)->heldOut();
    if (!judged)
      return judged.takeError();
    fitted = *judged;
    rememberFit(record, fitted);
    if (auto ok = scoreAtTheEnd(*model, *data, options, record); !ok)
      return ok.takeError();
  }
  if (auto ok = model->save(options.output, record.toJson()); !ok)
    return ok.takeError();
  report(options, record);
  if (*ending == TrainingRun::Ending::Complete)
    advise(record, fitted, model->flow().dim());
  if (*ending == TrainingRun::Ending::Stopped)
    return TrainingRun::exitCode();
  return *ending == TrainingRun::Ending::Failed ? 1 : 0;
}
