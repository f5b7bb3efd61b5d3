//===- FitToData.cpp - Maximum-likelihood training ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainerImpl.h"

#include "flowc/Frontend/Initialise.h"
#include "flowc/Training/Adam.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <future>
#include <numeric>

using namespace flowc;

//===----------------------------------------------------------------------===//
// Dividing the rows
//===----------------------------------------------------------------------===//

BatchPlan flowc::planBatches(int64_t rows, double valProp, int64_t batchSize) {
  BatchPlan plan;
  // The default rounding mode rounds half to even, as Python's round does.
  plan.valRows = static_cast<int64_t>(std::nearbyint(valProp * static_cast<double>(rows)));
  plan.trainRows = rows - plan.valRows;
  plan.trainBatch = std::min(batchSize, plan.trainRows);
  plan.valBatch = std::min(batchSize, plan.valRows);
  plan.trainBatches = plan.trainBatch ? plan.trainRows / plan.trainBatch : 0;
  plan.valBatches = plan.valBatch ? plan.valRows / plan.valBatch : 0;
  return plan;
}

void flowc::randomPermutation(uint64_t seed, uint32_t stream, uint64_t epoch, std::vector<int64_t> &permutation) {
  std::iota(permutation.begin(), permutation.end(), 0);
  for (uint64_t i = permutation.size(); i > 1; --i) {
    // The bias of this multiplication is below i / 2^64.
    auto word = philox4x32({static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32) ^ (stream << 24),
                            static_cast<uint32_t>(epoch), static_cast<uint32_t>(epoch >> 32) ^ 0x7261696eU},
                           {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
    uint64_t random = static_cast<uint64_t>(word[0]) << 32 | word[1];
    auto j = static_cast<uint64_t>(static_cast<unsigned __int128>(random) * i >> 64);
    std::swap(permutation[i - 1], permutation[j]);
  }
}

//===----------------------------------------------------------------------===//
// Trainer
//===----------------------------------------------------------------------===//

template <typename T>
TrainerImpl<T>::TrainerImpl(Model &model, const TrainingData &data, const FitOptions &options,
                            std::shared_ptr<Kernels> kernels)
    : model(model), impl(model.getImpl()), data(data), options(options), kernels(std::move(kernels)),
      dim(model.flow().dim()), condDim(data.condition ? model.flow().condDim() : 0) {
  plan = planBatches(data.rows, options.valProp, options.batchSize);
  m.assign(impl.numTrainable, T(0));
  v.assign(impl.numTrainable, T(0));
  best.assign(impl.trainableData<T>(), impl.trainableData<T>() + impl.numTrainable);

  std::vector<int64_t> rows(data.rows);
  randomPermutation(options.seed, Split, 0, rows);
  trainRows.assign(rows.begin(), rows.begin() + plan.trainRows);
  valRows.assign(rows.begin() + plan.trainRows, rows.end());
  trainOrder.resize(trainRows.size());
  valOrder.resize(valRows.size());

  int64_t most = std::max(plan.trainBatch, plan.valBatch * plan.valBatches);
  x.resize(most * dim);
  condition.resize(most * condDim);
  logProb.resize(plan.valBatch * plan.valBatches);
  gradient.resize(impl.numTrainable);
  std::vector<const void *> inputs = {x.data()};
  if (data.condition)
    inputs.push_back(condition.data());
  step = {.kernel = Kernel::NllGradient, .inputs = inputs, .outputs = {}, .rows = plan.trainBatch};
  step.loss = &batchLoss;
  step.rawGradient = gradient.data();
  evaluation = {.kernel = Kernel::LogProb,
                .inputs = inputs,
                .outputs = {logProb.data()},
                .rows = plan.valBatch * plan.valBatches};
}

template <typename T>
void TrainerImpl<T>::gather(const std::vector<int64_t> &order, int64_t begin, int64_t count) {
  auto copyRows = [&](const void *from, int64_t width, T *to) {
    const auto *source = static_cast<const T *>(from);
    for (int64_t i = 0; i < count; ++i)
      std::copy_n(source + order[begin + i] * width, width, to + i * width);
  };
  copyRows(data.x, dim, x.data());
  if (data.condition)
    copyRows(data.condition, condDim, condition.data());
}

/// Puts `rows` into the random order of an epoch.
static void shuffle(const std::vector<int64_t> &rows, uint64_t seed, uint32_t stream, int64_t epoch,
                    std::vector<int64_t> &order) {
  randomPermutation(seed, stream, static_cast<uint64_t>(epoch), order);
  for (int64_t &entry : order)
    entry = rows[entry];
}

/// Parameters of one task of the update.
static constexpr int64_t kParametersPerTask = 8192;

/// One step of Adam. Sharing it among threads also keeps them awake for the next
/// batch.
template <typename T>
void TrainerImpl<T>::updateParameters() {
  auto update = [&](const tbb::blocked_range<int64_t> &range) {
    int64_t i = range.begin();
    adamStep(impl.trainableData<T>() + i, m.data() + i, v.data() + i, gradient.data() + i, range.size(), current.step,
             options.learningRate);
  };
  tbb::blocked_range<int64_t> all(0, impl.numTrainable, kParametersPerTask);
  if (options.threads == 1 || impl.numTrainable < 2 * kParametersPerTask)
    update(all);
  else
    tbb::parallel_for(all, update, tbb::static_partitioner());
}

template <typename T>
Expected<void> TrainerImpl<T>::trainBatch() {
  if (orderedEpoch != current.epoch) {
    shuffle(trainRows, options.seed, TrainOrder, current.epoch, trainOrder);
    orderedEpoch = current.epoch;
  }
  gather(trainOrder, current.batch * plan.trainBatch, plan.trainBatch);
  if (auto ok = kernels->run(model, step); !ok)
    return ok;
  if (!std::isfinite(batchLoss))
    return Error{"the loss is " + std::string(std::isnan(batchLoss) ? "NaN" : "infinite") + " in epoch " +
                 std::to_string(current.epoch + 1) + ", batch " + std::to_string(current.batch + 1) +
                 ": a row lies outside the support of the flow, or the learning rate " +
                 std::to_string(options.learningRate) + " is too large"};
  ++current.step;
  updateParameters();
  impl.bumpVersion();
  current.lossSum += batchLoss;
  ++current.batch;
  return {};
}

template <typename T>
Expected<double> TrainerImpl<T>::validate() {
  shuffle(valRows, options.seed, ValOrder, current.epoch, valOrder);
  gather(valOrder, 0, evaluation.rows);
  if (auto ok = kernels->run(model, evaluation); !ok)
    return ok.takeError();
  double sum = 0;
  for (T value : logProb)
    sum += static_cast<double>(value);
  return -sum / static_cast<double>(evaluation.rows);
}

template <typename T>
bool TrainerImpl<T>::isExhausted() const {
  if (current.bestEpoch == 0 || current.valLosses.back() <= current.valLosses[current.bestEpoch - 1])
    return false;
  // FlowJAX tests `fruitless > max_patience`: the (maxPatience + 1)-th fruitless
  // epoch is the last one.
  return current.epoch - current.bestEpoch > options.maxPatience;
}

template <typename T>
Expected<Trainer::Outcome> TrainerImpl<T>::endEpoch() {
  double trainLoss = current.lossSum / static_cast<double>(plan.trainBatches);
  double valLoss = trainLoss;
  if (plan.valBatches > 0) {
    auto loss = validate();
    if (!loss)
      return loss.takeError();
    valLoss = *loss;
  }
  ++current.epoch;
  current.batch = 0;
  current.lossSum = 0;
  current.trainLosses.push_back(trainLoss);
  current.valLosses.push_back(valLoss);
  // As in FlowJAX a tie renews the parameters, but patience counts from the first
  // minimum. A NaN never is a minimum, unless there is nothing else.
  double lowest = current.bestEpoch ? current.valLosses[current.bestEpoch - 1] : valLoss;
  if (current.bestEpoch == 0 || valLoss <= lowest || std::isnan(lowest))
    std::copy_n(impl.trainableData<T>(), best.size(), best.begin());
  if (current.bestEpoch == 0 || valLoss < lowest || std::isnan(lowest))
    current.bestEpoch = current.epoch;
  bool goOn = !options.onEpoch || options.onEpoch(current.epoch, trainLoss, valLoss);
  current.finished = !goOn || isExhausted() || current.epoch >= options.maxEpochs;
  return current.finished ? Outcome::Finished : Outcome::EpochEnded;
}

template <typename T>
Expected<Trainer::Outcome> TrainerImpl<T>::advance() {
  if (current.finished || current.epoch >= options.maxEpochs)
    return Outcome::Finished;
  while (current.batch < plan.trainBatches) {
    if (options.interrupted && options.interrupted())
      return Outcome::Interrupted;
    if (auto ok = trainBatch(); !ok)
      return ok.takeError();
  }
  return endEpoch();
}

template <typename T>
void TrainerImpl<T>::keepBest() {
  if (!options.returnBest || current.bestEpoch == 0)
    return;
  std::copy(best.begin(), best.end(), impl.trainableData<T>());
  impl.bumpVersion();
}

template class flowc::TrainerImpl<float>;
template class flowc::TrainerImpl<double>;

Expected<std::unique_ptr<Trainer>> Trainer::create(Model &model, const TrainingData &data, const FitOptions &options) {
  const Flow &flow = model.flow();
  if (!flow.isDistribution())
    return Error{"'" + flow.name() + "' is a " + (flow.isDensity() ? "density" : "bijection") +
                 ", expected a flow: only distributions can be trained"};
  if (model.numTrainable() == 0)
    return Error{"'" + flow.name() + "' has no trainable parameters"};
  if (flow.condShape() && !data.condition)
    return Error{"'" + flow.name() + "' needs a condition of " + std::to_string(flow.condDim()) + " numbers per row"};
  if (!flow.condShape() && data.condition)
    return Error{"'" + flow.name() + "' takes no condition, but got one"};
  if (options.batchSize < 1 || options.maxEpochs < 0 || options.maxPatience < 0)
    return Error{"expected a batch size of at least 1 and no negative numbers of epochs"};
  if (!(options.valProp >= 0 && options.valProp < 1))
    return Error{"the proportion of validation rows is " + std::to_string(options.valProp) +
                 ", expected 0 <= val_prop < 1"};
  if (!(options.learningRate > 0) || !std::isfinite(options.learningRate))
    return Error{"the learning rate is " + std::to_string(options.learningRate) + ", expected a positive number"};
  if (planBatches(data.rows, options.valProp, options.batchSize).trainRows < 1)
    return Error{"there are no rows to train on (" + std::to_string(data.rows) + " rows in all)"};

  auto kernels = compile(flow, {.dtype = model.dtype(), .threads = options.threads, .useCache = options.useCache});
  if (!kernels)
    return kernels.takeError();
  // The two kernels are compiled side by side.
  auto evaluation = std::async(options.threads == 1 ? std::launch::deferred : std::launch::async,
                               [&] { return (*kernels)->prepare(Kernel::LogProb); });
  auto step = (*kernels)->prepare(Kernel::NllGradient);
  if (auto seconds = evaluation.get(); !seconds)
    return seconds.takeError();
  if (!step)
    return step.takeError();
  if (model.dtype() == F32)
    return std::unique_ptr<Trainer>(std::make_unique<TrainerImpl<float>>(model, data, options, *kernels));
  return std::unique_ptr<Trainer>(std::make_unique<TrainerImpl<double>>(model, data, options, *kernels));
}

Expected<FitResult> flowc::fitToData(Model &model, const void *x, const void *condition, int64_t rows,
                                     const FitOptions &options) {
  auto trainer = Trainer::create(model, {x, condition, rows}, options);
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
