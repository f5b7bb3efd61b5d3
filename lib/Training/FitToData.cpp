//===- FitToData.cpp - Epochs over rows -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Batches.h"
#include "Loop.h"

#include "flowc/Training/Optimizer.h"
#include "flowc/Training/Schedule.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

/// Random streams: how the rows are split, and the order of both parts.
enum Stream : uint32_t { Split, TrainOrder, ValOrder };

class DataLoop : public Loop {
public:
  DataLoop(Model &model, const TrainingData &data, const FitOptions &options, std::unique_ptr<Objective> likelihood);

  Expected<void> start() {
    bool wantsNorm = false;
    return createStepper(*likelihood, totalSteps(), wantsNorm);
  }
  Expected<Outcome> advance() override;
  int64_t stepsPerEpoch() const override { return plan.trainBatches; }
  int64_t totalSteps() const override { return options.maxEpochs * plan.trainBatches; }
  int64_t rowsPerStep() const override { return plan.trainBatch; }

protected:
  std::string place() const override;
  std::string rowName(int64_t row) const override {
    return "row " + std::to_string(train.rowAt(current.batch * plan.trainBatch + row) + 1) + " of the data";
  }
  std::map<std::string, std::string> identity() const override;
  void describe(Archive &archive, TrainingState &state) override;
  void afterRestore() override { current.finished = isExhausted(); }

private:
  Expected<double> validate();
  /// The sum of the weights.
  double weightOf(const Batch &batch) const;
  Expected<Outcome> endEpoch();
  /// Whether the last epoch was one fruitless epoch too many.
  bool isExhausted() const;

  TrainingData data;
  FitOptions options;
  std::unique_ptr<Objective> likelihood;
  BatchPlan plan;
  ShuffledRows train, val;
  uint64_t dataHash;
  /// Of all rows, with mean 1 over those to train on; empty: none.
  std::vector<char> weights;
  std::vector<double> losses;
};

/// FNV-1a over 64-bit words: tells whether the data is the same.
uint64_t fingerprint(const void *data, int64_t bytes, uint64_t hash) {
  const auto *from = static_cast<const char *>(data);
  for (int64_t i = 0; from && i < bytes; i += 8) {
    uint64_t word = 0;
    std::copy_n(from + i, std::min<int64_t>(8, bytes - i), reinterpret_cast<char *>(&word));
    hash = (hash ^ word) * 0x100000001b3ULL;
    hash ^= hash >> 32;
  }
  return hash;
}

/// Weights divided by their mean over the first `count` of `rows`: a batch of them is
/// then, on average, what it would be without. Weights of 1 stay as they are, to the bit.
template <typename T>
std::vector<char> scaledWeights(const void *weights, const std::vector<int64_t> &rows, int64_t count) {
  if (!weights)
    return {};
  const T *from = static_cast<const T *>(weights);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += static_cast<double>(from[rows[i]]);
  double factor = sum > 0 ? static_cast<double>(count) / sum : 1;
  std::vector<char> result(rows.size() * sizeof(T));
  for (size_t i = 0; i < rows.size(); ++i)
    reinterpret_cast<T *>(result.data())[i] = static_cast<T>(static_cast<double>(from[i]) * factor);
  return result;
}

DataLoop::DataLoop(Model &model, const TrainingData &data, const FitOptions &options,
                   std::unique_ptr<Objective> likelihood)
    : Loop(model, options.update, options.learningRate, options.threads, options.returnBest), data(data),
      options(options), likelihood(std::move(likelihood)) {
  plan = planBatches(data.rows, data.validation ? 0 : options.valProp, options.batchSize);
  int64_t size = model.dtype() == F32 ? sizeof(float) : sizeof(double);
  int64_t xBytes = model.flow().dim() * size, conditionBytes = model.flow().condDim() * size;
  std::vector<int64_t> rows(data.rows);
  randomPermutation(options.seed, Split, 0, rows);
  weights = model.dtype() == F32 ? scaledWeights<float>(data.weights, rows, plan.trainRows)
                                 : scaledWeights<double>(data.weights, rows, plan.trainRows);
  SourceRows arrays{data.x, data.condition, weights.empty() ? nullptr : weights.data(), xBytes, conditionBytes, size};
  train = ShuffledRows(arrays, {rows.begin(), rows.begin() + plan.trainRows}, options.seed, TrainOrder);
  std::vector<int64_t> valRows(rows.begin() + plan.trainRows, rows.end());
  dataHash = fingerprint(data.x, data.rows * xBytes, 0xcbf29ce484222325ULL);
  dataHash = fingerprint(data.condition, data.rows * conditionBytes, dataHash);
  dataHash = fingerprint(data.weights, data.rows * size, dataHash);
  if (data.validation) {
    plan.valRows = data.validationRows;
    plan.valBatch = std::min(options.batchSize, plan.valRows);
    plan.valBatches = plan.valRows / plan.valBatch;
    arrays = {data.validation, data.validationCondition, data.validationWeights, xBytes, conditionBytes, size};
    valRows.resize(plan.valRows);
    for (int64_t i = 0; i < plan.valRows; ++i)
      valRows[i] = i;
    dataHash = fingerprint(data.validation, plan.valRows * xBytes, dataHash);
    dataHash = fingerprint(data.validationCondition, plan.valRows * conditionBytes, dataHash);
    dataHash = fingerprint(data.validationWeights, plan.valRows * size, dataHash);
  }
  val = ShuffledRows(arrays, std::move(valRows), options.seed, ValOrder);
  losses.resize(plan.valBatch * plan.valBatches);
}

std::string DataLoop::place() const {
  return "in epoch " + std::to_string(current.epoch + 1) + ", batch " + std::to_string(current.batch + 1);
}

double DataLoop::weightOf(const Batch &batch) const {
  if (!batch.weights)
    return static_cast<double>(batch.rows);
  double sum = 0;
  for (int64_t i = 0; i < batch.rows; ++i)
    sum += model.dtype() == F32 ? static_cast<const float *>(batch.weights)[i]
                                : static_cast<const double *>(batch.weights)[i];
  return sum;
}

Expected<double> DataLoop::validate() {
  val.startEpoch(current.epoch);
  Batch batch = val.gather(0, plan.valBatch * plan.valBatches);
  if (auto ok = likelihood->rowLosses(model, batch, losses); !ok)
    return ok.takeError();
  double sum = 0;
  for (double loss : losses)
    sum += loss;
  return sum / weightOf(batch);
}

bool DataLoop::isExhausted() const {
  if (current.bestEpoch == 0 || current.valLosses.back() <= current.valLosses[current.bestEpoch - 1])
    return false;
  // FlowJAX tests `fruitless > max_patience`: the (maxPatience + 1)-th fruitless
  // epoch is the last one.
  return current.epoch - current.bestEpoch > options.maxPatience;
}

Expected<Trainer::Outcome> DataLoop::endEpoch() {
  double trainLoss = current.lossSum / static_cast<double>(plan.trainBatches);
  std::function<Expected<double>()> judge;
  if (plan.valBatches > 0)
    judge = [this] { return validate(); };
  if (auto ok = closeEpoch(trainLoss, judge); !ok)
    return ok.takeError();
  bool goOn = !options.onEpoch || options.onEpoch(current.epoch, trainLoss, current.valLosses.back());
  current.finished = !goOn || isExhausted() || current.epoch >= options.maxEpochs;
  return current.finished ? Outcome::Finished : Outcome::EpochEnded;
}

Expected<Trainer::Outcome> DataLoop::advance() {
  if (current.finished || current.epoch >= options.maxEpochs)
    return Outcome::Finished;
  while (current.batch < plan.trainBatches) {
    if (options.interrupted && options.interrupted())
      return Outcome::Interrupted;
    train.startEpoch(current.epoch);
    // The norm of the last gradient is shown; that of the others costs time.
    stepper->setWantsNorm(current.batch + 1 == plan.trainBatches);
    if (auto tried = tryStep(train.gather(current.batch * plan.trainBatch, plan.trainBatch)); !tried)
      return tried.takeError();
  }
  return endEpoch();
}

std::map<std::string, std::string> DataLoop::identity() const {
  auto result = Loop::identity();
  result.insert({{"loop", "data"},
                 {"rows", std::to_string(data.rows)},
                 {"data", std::to_string(dataHash)},
                 {"seed", std::to_string(options.seed)},
                 {"batch_size", std::to_string(options.batchSize)},
                 {"val_prop", data.validation ? "given" : exactDigits(options.valProp)}});
  if (auto schedule = findSchedule(update.schedule.name); schedule && (*schedule)->usesLength)
    result["max_epochs"] = std::to_string(options.maxEpochs);
  return result;
}

void DataLoop::describe(Archive &archive, TrainingState &state) {
  archive.count("batch", state.batch, plan.trainBatches);
  Loop::describe(archive, state);
}

Expected<void> checkShapes(const Flow &flow, const TrainingData &data) {
  if (data.columns != flow.dim())
    return Error{"'" + flow.name() + "' has " + std::to_string(flow.dim()) + " coordinates, but got rows of " +
                 std::to_string(data.columns)};
  if (flow.condShape() && !data.condition)
    return Error{"'" + flow.name() + "' needs a condition of " + std::to_string(flow.condDim()) + " numbers per row"};
  if (!flow.condShape() && data.condition)
    return Error{"'" + flow.name() + "' takes no condition, but got one"};
  if (data.condition && (data.conditionRows != data.rows || data.conditionColumns != flow.condDim()))
    return Error{"the condition has " + std::to_string(data.conditionRows) + " rows of " +
                 std::to_string(data.conditionColumns) + " numbers, expected " + std::to_string(data.rows) + " of " +
                 std::to_string(flow.condDim())};
  if (data.validation &&
      (data.validationRows < 1 || (data.condition != nullptr) != (data.validationCondition != nullptr)))
    return Error{data.validationRows < 1 ? "there are no rows to validate with"
                                         : "conditions are needed for both training and validation"};
  return {};
}

/// Weights are finite and not negative, and not all 0.
template <typename T>
Expected<void> checkWeights(const void *weights, int64_t rows) {
  const T *from = static_cast<const T *>(weights);
  bool isPositive = false;
  for (int64_t i = 0; from && i < rows; ++i) {
    if (!(from[i] >= 0) || !std::isfinite(from[i]))
      return Error{"the weight of row " + std::to_string(i + 1) + " is " + exactDigits(from[i]) +
                   ", expected a finite number from 0 on"};
    isPositive |= from[i] > 0;
  }
  if (from && !isPositive)
    return Error{"all weights are 0, expected some positive ones"};
  return {};
}

Expected<void> checkOptions(const Model &model, const TrainingData &data, const FitOptions &options) {
  if (auto ok = checkTrainable(model); !ok)
    return ok;
  if (data.rows > 0 && data.dtype != model.dtype())
    return Error{std::string("the model holds ") + (model.dtype() == F32 ? "float32" : "float64") +
                 ", but got rows of " + (data.dtype == F32 ? "float32" : "float64") + ": use Model::astype"};
  if (auto ok = checkShapes(model.flow(), data); !ok)
    return ok;
  for (auto [weights, rows] :
       {std::pair{data.weights, data.rows}, std::pair{data.validationWeights, data.validationRows}})
    if (auto ok = model.dtype() == F32 ? checkWeights<float>(weights, rows) : checkWeights<double>(weights, rows); !ok)
      return ok;
  if (options.batchSize < 1 || options.maxEpochs < 0 || options.maxPatience < 0)
    return Error{"expected a batch size of at least 1 and no negative numbers of epochs"};
  if (!(options.valProp >= 0 && options.valProp < 1))
    return Error{"the proportion of validation rows is " + std::to_string(options.valProp) +
                 ", expected 0 <= val_prop < 1"};
  BatchPlan plan = planBatches(data.rows, data.validation ? 0 : options.valProp, options.batchSize);
  if (plan.trainRows < 1)
    return Error{"there are no rows to train on (" + std::to_string(data.rows) + " rows in all)"};
  auto optimizer = findOptimizer(options.update.optimizer.name);
  if (!optimizer)
    return optimizer.takeError();
  if ((*optimizer)->needsAllRows && plan.trainBatch < plan.trainRows)
    return Error{"the optimiser '" + options.update.optimizer.name + "' needs all " + std::to_string(plan.trainRows) +
                 " rows in every step, but the batch size is " + std::to_string(options.batchSize)};
  return {};
}

Expected<FitResult> fit(Model &model, const TrainingData &data, const FitOptions &options) {
  auto trainer = Trainer::create(model, data, options);
  if (!trainer)
    return trainer.takeError();
  FitResult result;
  while (true) {
    auto outcome = (*trainer)->advance();
    if (!outcome) {
      (*trainer)->keepBest();
      return outcome.takeError();
    }
    if (*outcome == Trainer::Outcome::EpochEnded)
      continue;
    result.interrupted = *outcome == Trainer::Outcome::Interrupted;
    break;
  }
  (*trainer)->keepBest();
  const TrainingState &state = (*trainer)->state();
  result.trainLosses = state.trainLosses;
  result.valLosses = state.valLosses;
  result.bestEpoch = state.bestEpoch;
  return result;
}

template <typename T>
RowsMap<T> mapOf(const ConstRows<T> &rows) {
  return {rows.data(), rows.rows(), rows.cols()};
}

} // namespace

Expected<std::unique_ptr<Trainer>> Trainer::create(Model &model, const TrainingData &data, const FitOptions &options) {
  if (auto ok = checkOptions(model, data, options); !ok)
    return ok.takeError();
  auto likelihood = makeObjective("likelihood", model.flow(),
                                  {.dtype = model.dtype(), .threads = options.threads, .useCache = options.useCache});
  if (!likelihood)
    return likelihood.takeError();
  if (auto ok = (*likelihood)->prepare(); !ok)
    return ok.takeError();
  auto loop = std::make_unique<DataLoop>(model, data, options, std::move(*likelihood));
  if (auto ok = loop->start(); !ok)
    return ok.takeError();
  return std::unique_ptr<Trainer>(std::move(loop));
}

Expected<FitResult> flowc::fitToData(Model &model, ConstRows<float> x, const FitOptions &options) {
  return fit(model, TrainingData(mapOf<float>(x)), options);
}
Expected<FitResult> flowc::fitToData(Model &model, ConstRows<double> x, const FitOptions &options) {
  return fit(model, TrainingData(mapOf<double>(x)), options);
}
Expected<FitResult> flowc::fitToData(Model &model, ConstRows<float> x, ConstRows<float> condition,
                                     const FitOptions &options) {
  return fit(model, TrainingData(mapOf<float>(x), mapOf<float>(condition)), options);
}
Expected<FitResult> flowc::fitToData(Model &model, ConstRows<double> x, ConstRows<double> condition,
                                     const FitOptions &options) {
  return fit(model, TrainingData(mapOf<double>(x), mapOf<double>(condition)), options);
}
