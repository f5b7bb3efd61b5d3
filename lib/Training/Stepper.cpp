//===- Stepper.cpp - One step of every training ---------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Stepper.h"

#include "ParameterShares.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/Support/WithType.h"
#include "flowc/Training/Archive.h"
#include "flowc/Training/Optimizer.h"
#include "flowc/Training/Schedule.h"
#include "flowc/Training/VectorMath.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace flowc;

namespace {

using Ranges = std::vector<std::pair<int64_t, int64_t>>;

/// Numbers of one term of the gradient's norm: terms are the same for every number of threads.
constexpr int64_t kNormChunk = 1024;

constexpr int64_t countNormChunks(int64_t count) { return (count + kNormChunk - 1) / kNormChunk; }

/// Longest gradient to take a step with: a million of its squares still have a sum.
template <typename T>
constexpr double kLongest = sizeof(T) == 4 ? 1e16 : 1e151;

template <typename T>
class StepperImpl : public Stepper {
public:
  StepperImpl(Model &model, Objective &objective, const UpdateOptions &update, const Options &options,
              std::unique_ptr<Optimizer<T>> optimizer, std::unique_ptr<Schedule> schedule, Ranges frozen);

  Expected<StepResult> step(const Batch &batch, const Hook &beforeMove) override;
  int64_t steps() const override { return count; }
  void observe(double loss) override { schedule->observe(loss); }
  void enterAverage() override;
  void leaveAverage() override;
  void keepAsBest() override { std::copy_n(parameters(), best.size(), best.begin()); }
  void restoreBest() override;
  bool isFinite() const override { return allFinite(impl.trainableData<T>(), impl.numTrainable); }
  void markGood() override;
  Expected<void> returnToGood() override;
  void halveRate() override { rateScale *= 0.5; }
  void scaleGood(double factor) override;
  int64_t stepsAtGood() const override { return good.counts.at("step"); }
  void describe(Archive &archive) override;

private:
  T *parameters() const { return impl.trainableData<T>(); }
  /// What `markGood` remembers.
  void describeCurrent(Archive &archive);
  /// Of all that is not frozen.
  double gradientNorm();
  Expected<void> move(const Batch &batch, double loss, double rate);

  Model &model;
  Model::Impl &impl;
  Objective &objective;
  UpdateOptions update;
  Options options;
  std::unique_ptr<Optimizer<T>> optimizer;
  std::unique_ptr<Schedule> schedule;
  Ranges frozen, active; ///< Of leaves.

  int64_t count = 0;
  double rateScale = 1;
  std::vector<T> gradient, best, average, aside;
  std::vector<double> normTerms;
  bool isAside = false; ///< Whether the parameters are in `aside`, and the average in their place.
  SavedState good;
};

template <typename T>
StepperImpl<T>::StepperImpl(Model &model, Objective &objective, const UpdateOptions &update, const Options &options,
                            std::unique_ptr<Optimizer<T>> optimizer, std::unique_ptr<Schedule> schedule, Ranges ranges)
    : model(model), impl(model.getImpl()), objective(objective), update(update), options(options),
      optimizer(std::move(optimizer)), schedule(std::move(schedule)), frozen(std::move(ranges)),
      gradient(impl.numTrainable), best(parameters(), parameters() + impl.numTrainable) {
  if (update.average > 0)
    average.assign(impl.numTrainable, T(0));
  int64_t at = 0, terms = 0;
  for (const ParameterInfo &info : model.parameters()) {
    if (!info.trainable)
      continue;
    int64_t end = at + numElements(info.shape);
    if (std::ranges::none_of(frozen, [at](auto range) { return range.first <= at && at < range.second; })) {
      active.emplace_back(at, end);
      terms += countNormChunks(end - at);
    }
    at = end;
  }
  normTerms.resize(terms);
  markGood();
}

template <typename T>
double StepperImpl<T>::gradientNorm() {
  forEachShare(options.threads, impl.numTrainable, [this](int64_t share, int64_t shares) {
    double *terms = normTerms.data();
    for (auto [begin, end] : active) {
      int64_t chunks = countNormChunks(end - begin);
      auto [first, last] = getShare(chunks, share, shares);
      for (int64_t chunk = first; chunk < last; ++chunk) {
        const T *from = gradient.data() + begin + chunk * kNormChunk;
        terms[chunk] = dotProduct(from, from, std::min(kNormChunk, end - begin - chunk * kNormChunk));
      }
      terms += chunks;
    }
  });
  return std::sqrt(std::accumulate(normTerms.begin(), normTerms.end(), 0.0));
}

template <typename T>
Expected<StepResult> StepperImpl<T>::step(const Batch &batch, const Hook &beforeMove) {
  StepResult result;
  auto loss = objective.lossAndGradient(model, batch, gradient.data());
  if (!loss)
    return loss.takeError();
  result.loss = *loss;
  result.gradientNorm = std::nan("");
  result.rate = options.learningRate * rateScale * schedule->factor(count);
  result.isFinite = std::isfinite(*loss);
  if (!result.isFinite)
    return result;
  for (auto [begin, end] : frozen)
    std::fill(gradient.begin() + begin, gradient.begin() + end, T(0));
  result.gradientNorm = gradientNorm();
  bool isClipped = update.clipNorm > 0 && result.gradientNorm > update.clipNorm;
  result.isFinite = std::isfinite(result.gradientNorm) && (isClipped || result.gradientNorm < kLongest<T>);
  if (!result.isFinite)
    return result;
  // As optax.clip_by_global_norm does it.
  if (isClipped)
    scale(gradient.data(), impl.numTrainable, update.clipNorm / result.gradientNorm);
  if (beforeMove)
    beforeMove(result);
  if (auto ok = move(batch, *loss, result.rate); !ok)
    return ok.takeError();
  return result;
}

template <typename T>
Expected<void> StepperImpl<T>::move(const Batch &batch, double loss, double rate) {
  ++count;
  OptimizerStep<T> step{.parameters = parameters(),
                        .gradient = gradient.data(),
                        .count = impl.numTrainable,
                        .number = count,
                        .rate = rate,
                        .loss = loss,
                        .threads = options.threads,
                        .active = &active,
                        .evaluate = {}};
  step.evaluate = [this, &batch]() -> Expected<double> {
    impl.bumpVersion();
    auto loss = objective.lossAndGradient(model, batch, gradient.data());
    for (auto [begin, end] : frozen)
      std::fill(gradient.begin() + begin, gradient.begin() + end, T(0));
    return loss;
  };
  auto ok = optimizer->step(step);
  impl.bumpVersion();
  if (!average.empty())
    moveAverage(average.data(), parameters(), impl.numTrainable, update.average);
  return ok;
}

template <typename T>
void StepperImpl<T>::enterAverage() {
  if (average.empty() || count == 0 || isAside)
    return;
  isAside = true;
  aside.assign(parameters(), parameters() + impl.numTrainable);
  std::copy(average.begin(), average.end(), parameters());
  // Like optax.ema: the average started at 0.
  scale(parameters(), impl.numTrainable, 1 / (1 - std::pow(update.average, static_cast<double>(count))));
  for (auto [begin, end] : frozen)
    std::copy(aside.begin() + begin, aside.begin() + end, parameters() + begin);
  impl.bumpVersion();
}

template <typename T>
void StepperImpl<T>::leaveAverage() {
  if (!isAside)
    return;
  isAside = false;
  std::copy(aside.begin(), aside.end(), parameters());
  impl.bumpVersion();
}

template <typename T>
void StepperImpl<T>::restoreBest() {
  std::copy(best.begin(), best.end(), parameters());
  impl.bumpVersion();
}

template <typename T>
void StepperImpl<T>::describeCurrent(Archive &archive) {
  archive.count("step", count);
  archive.array("parameters", parameters(), impl.numTrainable);
  if (!average.empty())
    archive.array("average", average.data(), impl.numTrainable);
  optimizer->describe(archive);
  schedule->describe(archive);
}

template <typename T>
void StepperImpl<T>::markGood() {
  Archive archive = Archive::saving(good);
  describeCurrent(archive);
}

template <typename T>
Expected<void> StepperImpl<T>::returnToGood() {
  Archive archive = Archive::restoring(good);
  describeCurrent(archive);
  auto ok = archive.commit();
  impl.bumpVersion();
  return ok;
}

template <typename T>
void StepperImpl<T>::scaleGood(double factor) {
  const SavedArray &saved = good.arrays.at("parameters");
  for (auto [begin, end] : active)
    for (int64_t i = begin; i < end; ++i)
      parameters()[i] = static_cast<T>(saved.at(i) * factor);
  impl.bumpVersion();
}

template <typename T>
void StepperImpl<T>::describe(Archive &archive) {
  describeCurrent(archive);
  archive.number("rate_scale", rateScale);
  archive.array("best", best.data(), impl.numTrainable);
  archive.nested("good.", good, [this](Archive &inner) { describeCurrent(inner); });
}

/// Whether the whole of `text` is like `pattern`: * stands for any letters, ? for one.
/// (Brackets stand for themselves: paths have some.)
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty())
    return text.empty();
  if (pattern.front() == '*')
    return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
  return !text.empty() && (pattern.front() == '?' || pattern.front() == text.front()) &&
         matches(pattern.substr(1), text.substr(1));
}

/// The stretches of the flat parameters that `patterns` freeze, in order.
Expected<Ranges> findFrozen(const Model &model, const std::vector<std::string> &patterns) {
  Ranges ranges;
  std::vector<bool> used(patterns.size());
  int64_t at = 0;
  for (const ParameterInfo &info : model.parameters()) {
    if (!info.trainable)
      continue;
    int64_t end = at + numElements(info.shape);
    bool isFrozen = false;
    for (size_t i = 0; i < patterns.size(); ++i)
      if (matches(patterns[i], info.path))
        isFrozen = used[i] = true;
    if (isFrozen && !ranges.empty() && ranges.back().second == at)
      ranges.back().second = end;
    else if (isFrozen)
      ranges.emplace_back(at, end);
    at = end;
  }
  for (size_t i = 0; i < patterns.size(); ++i)
    if (!used[i])
      return Error{"no trainable parameter matches '" + patterns[i] + "', expected a pattern of paths as in '" +
                   std::ranges::find_if(model.parameters(), &ParameterInfo::trainable)->path +
                   "' (* stands for any letters)"};
  if (!ranges.empty() && ranges.front() == std::pair<int64_t, int64_t>(0, at))
    return Error{"all parameters of '" + model.flow().name() + "' are frozen, expected some to train"};
  return ranges;
}

template <typename T>
Expected<std::unique_ptr<Stepper>> createTyped(Model &model, Objective &objective, const UpdateOptions &update,
                                               const Stepper::Options &options) {
  auto optimizer = makeOptimizer<T>(update.optimizer, model.numTrainable());
  if (!optimizer)
    return optimizer.takeError();
  auto schedule = makeSchedule(update.schedule, options.steps);
  if (!schedule)
    return schedule.takeError();
  auto frozen = findFrozen(model, update.freeze);
  if (!frozen)
    return frozen.takeError();
  return std::unique_ptr<Stepper>(std::make_unique<StepperImpl<T>>(
      model, objective, update, options, std::move(*optimizer), std::move(*schedule), std::move(*frozen)));
}

} // namespace

Expected<std::unique_ptr<Stepper>> Stepper::create(Model &model, Objective &objective, const UpdateOptions &update,
                                                   const Options &options) {
  if (model.numTrainable() == 0)
    return Error{"'" + model.flow().name() + "' has no trainable parameters"};
  if (!(options.learningRate > 0) || !std::isfinite(options.learningRate))
    return Error{"the learning rate is " + std::to_string(options.learningRate) + ", expected a positive number"};
  if (!(update.clipNorm >= 0) || std::isinf(update.clipNorm))
    return Error{"gradients are clipped to a norm of " + std::to_string(update.clipNorm) +
                 ", expected a positive number, or 0 to leave them"};
  if (!(update.average >= 0 && update.average < 1))
    return Error{"the decay of the average is " + std::to_string(update.average) + ", expected 0 <= decay < 1"};
  if (update.maxRecoveries < 0)
    return Error{"the number of recoveries is " + std::to_string(update.maxRecoveries) + ", expected 0 or more"};
  return withType(model.dtype(), [&]<typename T>() { return createTyped<T>(model, objective, update, options); });
}
