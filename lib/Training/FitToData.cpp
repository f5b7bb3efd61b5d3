//===- FitToData.cpp - Epochs over rows -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Batches.h"
#include "Loop.h"

#include "flowc/Support/Hash.h"
#include "flowc/Training/Optimizer.h"
#include "flowc/Training/Schedule.h"

#include <algorithm>
#include <cmath>
#include <functional>

using namespace flowc;

namespace {

/// A number of an array of this type.
double numberAt(const void *values, DType dtype, int64_t i) {
  return dtype == F32 ? static_cast<const float *>(values)[i] : static_cast<const double *>(values)[i];
}

/// Losses, which their weights are in, by the weights.
struct WeightedMean {
  double sum = 0, total = 0;
  void operator()(double loss, double weight, int64_t /*row*/) {
    sum += loss;
    total += weight;
  }
  double value() const { return sum / total; }
};

class DataLoop : public Loop {
public:
  DataLoop(Model &model, const TrainingData &data, const FitOptions &options, std::unique_ptr<Objective> minimised);

  Expected<void> start() {
    // What cannot validate says so before the first epoch.
    if (!minimised->isMeanOfRows() && plan.valBatches > 0)
      if (auto loss = validate(); !loss)
        return loss.takeError();
    return createStepper(*minimised, totalSteps());
  }
  Expected<HeldOut> heldOut() override;
  int64_t stepsPerEpoch() const override { return plan.trainBatches; }
  int64_t totalSteps() const override { return options.maxEpochs * plan.trainBatches; }
  int64_t rowsPerStep() const override { return plan.trainBatch; }

protected:
  Expected<Outcome> advanceRound() override;
  std::string place() const override;
  bool hasEvents() const override { return true; }
  std::string rowName(int64_t row) const override {
    return "row " + std::to_string(train.rowAt(row) + 1) + " of the data";
  }
  std::map<std::string, std::string> identity() const override;
  void describe(Archive &archive, TrainingState &state) override;
  void afterRestore() override { current.finished = isExhausted(); }
  void adopt(const SavedState &state) override { options.validateAll = state.identity.contains("validated"); }
  /// Of a likelihood, half a nat per dimension.
  std::optional<double> mostLost() const override {
    return minimised->isMeanOfRows() ? std::optional(0.5 * static_cast<double>(model.flow().dim())) : std::nullopt;
  }
  Expected<double> startLoss() override;

private:
  /// Gives loss, weight and number of each of the first `count` of `rows` in the order of this epoch.
  template <typename Visit>
  Expected<void> forEachLoss(ShuffledRows &rows, int64_t epoch, int64_t count, Visit visit);
  Expected<double> validate();
  /// The mean over batches, of an objective that is no mean over rows.
  Expected<double> validateByBatches();
  Expected<Outcome> endEpoch();
  /// Whether the last epoch was one fruitless epoch too many.
  bool isExhausted() const;

  TrainingData data;
  FitOptions options;
  std::unique_ptr<Objective> minimised;
  BatchPlan plan;
  ShuffledRows train, val;
  uint64_t dataHash;
  std::vector<double> losses; ///< Of a part of the rows to validate with.
};

/// One over the mean weight of the rows to train on: a batch is then, on average, what
/// it would be without weights. Equal weights become 1, to the bit.
double weightFactorOf(const RowsView &weights, const RowOrder &order, int64_t count, DType dtype) {
  if (!weights)
    return 1;
  double sum = 0;
  std::vector<double> block; // Doubles are as well aligned as floats.
  order.forEach([&](std::span<const int64_t> rows) {
    block.resize(rows.size());
    weights.copy(rows, dtype, block.data());
    for (size_t i = 0; i < rows.size(); ++i)
      sum += numberAt(block.data(), dtype, static_cast<int64_t>(i));
  });
  return sum > 0 ? static_cast<double>(count) / sum : 1;
}

DataLoop::DataLoop(Model &model, const TrainingData &data, const FitOptions &options,
                   std::unique_ptr<Objective> minimised)
    : Loop(model, options.update, options.learningRate, options.threads, options.returnBest,
           {options.checkpoint, options.interrupted}),
      data(data), options(options), minimised(std::move(minimised)) {
  DType dtype = model.dtype();
  OrderOptions ordering{options.seed, options.listedRows, options.threads};
  plan = planBatches(data.rows(), data.validation ? 0 : options.valProp, options.batchSize);
  std::shared_ptr<const RowSubset> rows = data.subset ? data.subset : allRows(data.rows());
  SourceRows source{dtype, options.threads, data.x, data.condition, data.weights, data.columns};
  SplitOrders orders = splitRows(rows, plan.valRows, ordering, source.views());
  source.weightFactor = weightFactorOf(data.weights, *orders.train, plan.trainRows, dtype);
  train = ShuffledRows(source, std::move(orders.train));
  dataHash = kHashStart;
  for (const RowsView &view : source.views())
    dataHash = hashRows(view, *rows, dtype, dataHash);
  if (data.validation) {
    plan.valRows = data.validation.rows();
    plan.valBatch = std::min(options.batchSize, plan.valRows);
    plan.valBatches = plan.valRows / plan.valBatch;
    source = {dtype,
              options.threads,
              data.validation,
              data.validationCondition,
              data.validationWeights,
              data.validationColumns};
    rows = allRows(plan.valRows);
    orders.validation = validationOrder(rows, ordering, source.views());
    for (const RowsView &view : source.views())
      dataHash = hashRows(view, *rows, dtype, dataHash);
  }
  val = ShuffledRows(source, std::move(orders.validation));
}

std::string DataLoop::place() const {
  return "in epoch " + std::to_string(current.epoch + 1) + ", batch " + std::to_string(current.batch + 1);
}

template <typename Visit>
Expected<void> DataLoop::forEachLoss(ShuffledRows &rows, int64_t epoch, int64_t count, Visit visit) {
  if (auto ok = rows.startEpoch(epoch); !ok)
    return ok;
  // A part at a time, whose size changes no bit: losses come one by one to `visit`.
  constexpr int64_t fewest = 1024, elements = 1 << 20;
  const int64_t part = std::max(fewest, elements / std::max<int64_t>(1, data.x.columns()));
  for (int64_t begin = 0; begin < count; begin += part) {
    Batch batch = rows.gather(begin, std::min(part, count - begin));
    losses.resize(static_cast<size_t>(batch.rows));
    if (auto ok = minimised->rowLosses(model, batch, losses); !ok)
      return ok;
    for (int64_t i = 0; i < batch.rows; ++i)
      visit(losses[static_cast<size_t>(i)], batch.weights ? numberAt(batch.weights, model.dtype(), i) : 1,
            rows.rowAt(i));
  }
  return {};
}

Expected<double> DataLoop::validateByBatches() {
  if (auto ok = val.startEpoch(current.epoch); !ok)
    return ok.takeError();
  double sum = 0;
  for (int64_t i = 0; i < plan.valBatches; ++i) {
    Batch batch = val.gather(i * plan.valBatch, plan.valBatch);
    batch.first = static_cast<uint64_t>(i * plan.valBatch);
    batch.seed = options.seed ^ kValidationStream;
    auto loss = minimised->surrogate(model, model, batch);
    if (!loss)
      return loss;
    sum += *loss;
  }
  return sum / static_cast<double>(plan.valBatches);
}

Expected<double> DataLoop::validate() {
  if (!minimised->isMeanOfRows())
    return validateByBatches();
  WeightedMean mean;
  // All rows need no new order in every epoch.
  auto [epoch, rows] = options.validateAll ? std::pair(int64_t(0), plan.valRows)
                                           : std::pair(current.epoch, plan.valBatch * plan.valBatches);
  if (auto ok = forEachLoss(val, epoch, rows, std::ref(mean)); !ok)
    return ok.takeError();
  return mean.value();
}

Expected<Trainer::HeldOut> DataLoop::heldOut() {
  HeldOut result;
  if (data.weights || data.validationWeights || !minimised->isMeanOfRows())
    return result;
  double squares = 0;
  // Welford's update: the squares are about the mean so far.
  auto add = [&](double loss, double, int64_t row) {
    if (result.rows == 0 || loss > result.worstLoss) {
      result.worstLoss = loss;
      result.worstRow = row;
    }
    ++result.rows;
    double difference = loss - result.meanLoss;
    result.meanLoss += difference / static_cast<double>(result.rows);
    squares += difference * (loss - result.meanLoss);
  };
  if (auto ok = forEachLoss(val, /*epoch=*/0, plan.valRows, add); !ok)
    return ok.takeError();
  auto rows = static_cast<double>(result.rows);
  result.error = std::sqrt(squares / (rows - 1) / rows);
  return result;
}

Expected<double> DataLoop::startLoss() {
  if (!options.mayShrinkStart || !minimised->isMeanOfRows())
    return std::nan("");
  WeightedMean mean;
  if (auto ok = forEachLoss(train, /*epoch=*/0, plan.trainRows, std::ref(mean)); !ok)
    return ok.takeError();
  if (auto ok = forEachLoss(val, /*epoch=*/0, plan.valRows, std::ref(mean)); !ok)
    return ok.takeError();
  return mean.value();
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
  auto closed = closeEpoch(trainLoss, judge);
  if (!closed)
    return closed.takeError();
  if (*closed != Closed::Kept)
    return *closed == Closed::Ended ? Outcome::Finished : Outcome::EpochEnded;
  bool goOn = !options.onEpoch || options.onEpoch(current.epoch, trainLoss, current.valLosses.back());
  current.finished = !goOn || isExhausted() || current.epoch >= options.maxEpochs;
  return current.finished ? Outcome::Finished : Outcome::EpochEnded;
}

Expected<Trainer::Outcome> DataLoop::advanceRound() {
  if (current.finished || current.epoch >= options.maxEpochs)
    return Outcome::Finished;
  while (current.batch < plan.trainBatches) {
    auto interrupted = isInterrupted();
    if (!interrupted)
      return interrupted.takeError();
    if (*interrupted)
      return Outcome::Interrupted;
    if (auto ok = train.startEpoch(current.epoch); !ok)
      return ok.takeError();
    Batch batch = train.gather(current.batch * plan.trainBatch, plan.trainBatch);
    // What an objective draws is new in every step.
    batch.first = static_cast<uint64_t>((current.epoch * plan.trainBatches + current.batch) * plan.trainBatch);
    batch.seed = options.seed;
    auto tried = tryStep(batch);
    if (!tried)
      return tried.takeError();
    if (*tried == Tried::Ended)
      return Outcome::Finished;
  }
  return endEpoch();
}

std::map<std::string, std::string> DataLoop::identity() const {
  auto result = Loop::identity();
  result.insert({{"loop", "data"},
                 {"rows", std::to_string(data.rows())},
                 {"data", std::to_string(dataHash)},
                 {"seed", std::to_string(options.seed)},
                 {"shuffled", data.rows() > options.listedRows ? "in windows" : "as a whole"},
                 {"batch_size", std::to_string(options.batchSize)},
                 {"val_prop", data.validation ? "given" : exactDigits(options.valProp)}});
  if (options.validateAll) // Earlier checkpoints have no such entry.
    result["validated"] = "all rows";
  if (auto schedule = findSchedule(update.schedule.name); schedule && (*schedule)->usesLength)
    result["max_epochs"] = std::to_string(options.maxEpochs);
  return result;
}

void DataLoop::describe(Archive &archive, TrainingState &state) {
  archive.count("batch", state.batch, plan.trainBatches);
  Loop::describe(archive, state);
}

/// Whether `given` has `rows` rows of `columns` numbers; `what` it is, with its verb.
Expected<void> checkShape(const RowsView &given, int64_t rows, int64_t columns, const char *what) {
  if (!given || (given.rows() == rows && given.columns() == columns))
    return {};
  return Error{std::string(what) + " " + std::to_string(given.rows()) + " rows of " + std::to_string(given.columns()) +
               " numbers, expected " + std::to_string(rows) + " of " + std::to_string(columns)};
}

Expected<void> checkShapes(const Flow &flow, const TrainingData &data) {
  if (data.x.columns() != flow.dim())
    return Error{"'" + flow.name() + "' has " + std::to_string(flow.dim()) + " coordinates, but got rows of " +
                 std::to_string(data.x.columns())};
  if (data.x.rows() > 0 && data.x.isNull())
    return Error{"the " + std::to_string(data.x.rows()) + " rows to train on are a null pointer"};
  if (flow.condShape() && !data.condition)
    return Error{"'" + flow.name() + "' needs a condition of " + std::to_string(flow.condDim()) + " numbers per row"};
  if (!flow.condShape() && data.condition)
    return Error{"'" + flow.name() + "' takes no condition, but got one"};
  if (data.validation && data.validation.rows() < 1)
    return Error{"there are no rows to validate with"};
  if (data.validation && bool(data.condition) != bool(data.validationCondition))
    return Error{"conditions are needed for both training and validation"};
  if (data.validation && bool(data.columns) != bool(data.validationColumns))
    return Error{"columns of the objective are needed for both training and validation"};
  int64_t rows = data.x.rows(), others = data.validation.rows();
  for (Expected<void> ok : {checkShape(data.condition, rows, flow.condDim(), "the condition has"),
                            checkShape(data.weights, rows, 1, "the weights have"),
                            checkShape(data.columns, rows, data.columns.columns(), "the columns of the objective have"),
                            checkShape(data.validation, others, flow.dim(), "the data to validate with has"),
                            checkShape(data.validationCondition, others, flow.condDim(), "its condition has"),
                            checkShape(data.validationWeights, others, 1, "its weights have"),
                            checkShape(data.validationColumns, others, data.columns.columns(), "its columns have")})
    if (!ok)
      return ok;
  return {};
}

/// Weights are finite and not negative, and not all 0.
Expected<void> checkWeights(const RowsView &weights, DType dtype) {
  bool isPositive = false;
  int64_t row = 0;
  auto check = [&](const void *block, int64_t count) -> Expected<void> {
    for (int64_t i = 0; i < count; ++i) {
      double weight = numberAt(block, dtype, i);
      ++row;
      if (!(weight >= 0) || !std::isfinite(weight))
        return Error{"the weight of row " + std::to_string(row) + " is " + exactDigits(weight) +
                     ", expected a finite number from 0 on"};
      isPositive |= weight > 0;
    }
    return {};
  };
  if (!weights)
    return {};
  if (auto ok = forEachBlock(weights, *allRows(weights.rows()), dtype, check); !ok)
    return ok;
  return isPositive ? Expected<void>() : Expected<void>(Error{"all weights are 0, expected some positive ones"});
}

Expected<void> checkOptions(const Model &model, const TrainingData &data, const FitOptions &options) {
  if (auto ok = checkTrainable(model); !ok)
    return ok;
  if (auto ok = checkShapes(model.flow(), data); !ok)
    return ok;
  for (const RowsView *weights : {&data.weights, &data.validationWeights})
    if (auto ok = checkWeights(*weights, model.dtype()); !ok)
      return ok;
  if (options.batchSize < 1 || options.maxEpochs < 0 || options.maxPatience < 0)
    return Error{"expected a batch size of at least 1 and no negative numbers of epochs"};
  if (!(options.valProp >= 0 && options.valProp < 1))
    return Error{"the proportion of validation rows is " + std::to_string(options.valProp) +
                 ", expected 0 <= val_prop < 1"};
  BatchPlan plan = planBatches(data.rows(), data.validation ? 0 : options.valProp, options.batchSize);
  if (plan.trainRows < 1)
    return Error{"there are no rows to train on (" + std::to_string(data.rows()) + " rows in all)"};
  auto optimizer = findOptimizer(options.update.optimizer.name);
  if (!optimizer)
    return optimizer.takeError();
  if ((*optimizer)->needsAllRows && plan.trainBatch < plan.trainRows)
    return Error{"the optimiser '" + options.update.optimizer.name + "' needs all " + std::to_string(plan.trainRows) +
                 " rows in every step, but the batch size is " + std::to_string(options.batchSize)};
  return {};
}

/// Whether the rows have the columns that an objective in the language reads: those of its
/// names or, of one alone, the weights.
Expected<void> checkColumns(const Objective &objective, const TrainingData &data) {
  int64_t named = std::ssize(objective.columns()), given = data.columns ? data.columns.columns() : 0;
  std::string label = "the objective '" + objective.name() + "' names " + std::to_string(named) +
                      (named == 1 ? " column" : " columns") + " of the data, but ";
  if (given > 0 && data.weights)
    return Error{label + "there are weights beside the columns: expected its columns alone"};
  if (named == (data.weights ? 1 : given))
    return {};
  return Error{label + (data.weights ? "there are weights for one" : "got " + std::to_string(given))};
}

/// An objective in the language.
Expected<std::unique_ptr<Objective>> makeFormula(const Model &model, const TrainingData &data,
                                                 const FitOptions &options, const CompileOptions &compileOptions) {
  if (options.density)
    return Error{"an objective in the language ('" + options.objective.name + "') has no prior, leave it out"};
  auto objective = parseObjective(options.objectiveText, model.flow(), compileOptions, {}, options.objective.name);
  if (objective)
    if (auto ok = checkColumns(**objective, data); !ok)
      return ok.takeError();
  return objective;
}

/// The objective that is minimised: one about given rows.
Expected<std::unique_ptr<Objective>> makeDataObjective(const Model &model, const TrainingData &data,
                                                       const FitOptions &options) {
  CompileOptions compileOptions{
      .dtype = model.dtype(), .threads = options.threads, .useCache = options.useCache, .target = options.density};
  if (!options.objectiveText.empty())
    return makeFormula(model, data, options, compileOptions);
  auto info = findObjective(options.objective.name);
  if (!info)
    return info.takeError();
  std::string label = "the objective '" + options.objective.name + "' ";
  if ((*info)->rows != RowSource::Given) {
    std::string known;
    for (const ObjectiveInfo *other : objectiveTable())
      if (other->rows == RowSource::Given)
        known += std::string(other->name) + ", ";
    return Error{label + "is about draws that are compared with a target, expected one about data: " + known +
                 "or a formula (a .flow file with an 'objective')"};
  }
  if (data.columns)
    return Error{label + "reads no columns beside events, conditions and weights"};
  if (options.density && !(*info)->needsDensity)
    return Error{label + "has no prior, leave it out"};
  if (data.weights && (*info)->needsDensity)
    return Error{label + "has no weights, leave them out"};
  return makeObjective(options.objective, model.flow(), compileOptions);
}

Expected<FitResult> fit(Model &model, const TrainingData &data, const FitOptions &options) {
  if (data.x.rows() > 0 && data.x.type() != elementTypeOf(model.dtype()))
    return Error{std::string("the model holds ") + elementTypeName(elementTypeOf(model.dtype())) +
                 ", but got rows of " + elementTypeName(data.x.type()) + ": use Model::astype"};
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
  auto minimised = makeDataObjective(model, data, options);
  if (!minimised)
    return minimised.takeError();
  if (auto ok = (*minimised)->prepare(); !ok)
    return ok.takeError();
  auto loop = std::make_unique<DataLoop>(model, data, options, std::move(*minimised));
  if (auto ok = loop->start(); !ok)
    return ok.takeError();
  if (auto ok = loop->resume(); !ok)
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
