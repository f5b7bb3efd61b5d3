//===- Loop.cpp - What all loops of training share ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Loop.h"

#include "flowc/Support/Format.h"
#include "flowc/Training/Schedule.h"

#include <charconv>
#include <cmath>

using namespace flowc;

std::string flowc::exactDigits(double value) {
  char text[40];
  auto result = std::to_chars(text, text + sizeof(text), value);
  return {text, result.ptr};
}

Expected<void> flowc::checkTrainable(const Model &model) {
  const Flow &flow = model.flow();
  if (!flow.isDistribution())
    return Error{"'" + flow.name() + "' is a " + (flow.isDensity() ? "density" : "bijection") +
                 ", expected a flow: only distributions can be trained"};
  if (model.numTrainable() == 0)
    return Error{"'" + flow.name() + "' has no trainable parameters"};
  return {};
}

Expected<void> Loop::createStepper(Objective &given, int64_t steps) {
  objective = &given;
  auto created = Stepper::create(model, given, update, {learningRate, steps, threads});
  if (!created)
    return created.takeError();
  stepper = std::move(*created);
  return {};
}

//===----------------------------------------------------------------------===//
// Between steps
//===----------------------------------------------------------------------===//

Expected<void> Loop::resume() {
  return between.checkpoint.resume.empty() ? Expected<void>() : loadCheckpoint(between.checkpoint.resume);
}

Expected<void> Loop::writeCheckpoint() {
  lastCheckpoint = Clock::now();
  checkpointStep = stepper->steps();
  return saveCheckpoint(between.checkpoint.path);
}

Expected<bool> Loop::isInterrupted() {
  const CheckpointOptions &options = between.checkpoint;
  bool isDue = (options.steps > 0 && stepper->steps() >= checkpointStep + options.steps) ||
               secondsSince(lastCheckpoint) >= options.seconds;
  if (!options.path.empty() && isDue)
    if (auto ok = writeCheckpoint(); !ok)
      return ok.takeError();
  return between.interrupted && between.interrupted();
}

Expected<Trainer::Outcome> Loop::advance() {
  auto outcome = advanceRound();
  if (outcome && *outcome != Outcome::EpochEnded && !between.checkpoint.path.empty())
    if (auto ok = writeCheckpoint(); !ok)
      return ok.takeError();
  return outcome;
}

double Loop::seconds() const { return earlierSeconds + secondsSince(begin); }

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

Expected<Loop::Tried> Loop::tryStep(const Batch &batch) {
  auto result = stepper->step(batch, beforeMove);
  if (!result)
    return result.takeError();
  if (result->isFinite) {
    current.loss = result->loss;
    current.gradientNorm = result->gradientNorm;
    current.rate = result->rate;
    current.step = stepper->steps();
    current.lossSum += result->loss;
    ++current.batch;
    return Tried::Moved;
  }
  std::string problem = explain(batch, *result);
  // At the good parameters themselves, smaller steps do not help.
  bool isHopeless = stepper->steps() == stepper->stepsAtGood();
  auto shrunk = shrinkStart(problem);
  if (!shrunk)
    return shrunk.takeError();
  if (*shrunk)
    return Tried::Recovered;
  if ((isHopeless || current.recoveries >= update.maxRecoveries) && mostLost() && current.bestEpoch > 0) {
    if (auto ok = endAtGood(problem); !ok)
      return ok.takeError();
    return Tried::Ended;
  }
  if (isHopeless || current.recoveries >= update.maxRecoveries) {
    if (auto ok = goBack(); !ok)
      return ok.takeError();
    return Error{problem + (isHopeless ? ", and so it was before the last step: a row lies outside of the support, or "
                                         "the flow cannot reach it"
                                       : ", with a learning rate of " + exactDigits(result->rate) +
                                             ": try a smaller --learning-rate, or --clip-norm")};
  }
  if (auto ok = recover(problem); !ok)
    return ok.takeError();
  return Tried::Recovered;
}

void Loop::keepIfBest(double valLoss) {
  // As in FlowJAX a tie renews the parameters, but patience counts from the first
  // minimum. A NaN never is a minimum, unless there is nothing else.
  double lowest = current.bestEpoch ? current.valLosses[current.bestEpoch - 1] : valLoss;
  if (current.bestEpoch == 0 || valLoss <= lowest || std::isnan(lowest))
    stepper->keepAsBest();
  if (current.bestEpoch == 0 || valLoss < lowest || std::isnan(lowest))
    current.bestEpoch = current.epoch + 1;
}

Expected<double> Loop::judgeEpoch(double trainLoss, const std::function<Expected<double>()> &validate,
                                  std::string &problem) {
  bool competes = update.average > 0 && update.averageCompetes;
  auto judge = [&] { return validate ? validate() : Expected<double>(trainLoss); };
  if (!competes)
    stepper->enterAverage();
  auto validated = judge();
  if (validated)
    problem = epochProblem(*validated);
  if (competes && validate && validated && problem.empty()) {
    stepper->enterAverage();
    auto ofAverage = judge();
    if (!ofAverage || *ofAverage < *validated)
      validated = std::move(ofAverage);
    else
      stepper->leaveAverage();
  }
  if (validated && problem.empty())
    keepIfBest(*validated);
  stepper->leaveAverage();
  return validated;
}

Expected<Loop::Closed> Loop::closeEpoch(double trainLoss, const std::function<Expected<double>()> &validate) {
  std::string problem;
  auto validated = judgeEpoch(trainLoss, validate, problem);
  if (!validated)
    return validated.takeError();
  if (!problem.empty())
    return takeBack(problem);
  ++current.epoch;
  current.batch = 0;
  current.lossSum = 0;
  current.trainLosses.push_back(trainLoss);
  current.valLosses.push_back(*validated);
  current.gradientNorms.push_back(current.gradientNorm);
  current.rates.push_back(current.rate);
  current.recoveryCounts.push_back(static_cast<double>(current.recoveries));
  current.seconds.push_back(seconds());
  stepper->observe(*validated);
  // Where rows have no finite loss is no place to return to.
  if (std::isfinite(*validated) && stepper->isFinite())
    stepper->markGood();
  return Closed::Kept;
}

void Loop::keepBest() {
  if (returnBest && current.bestEpoch > 0)
    stepper->restoreBest();
  else if (!update.averageCompetes)
    stepper->enterAverage();
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

std::map<std::string, std::string> Loop::identity() const {
  std::string frozen;
  for (const std::string &pattern : update.freeze)
    frozen += (frozen.empty() ? "" : ",") + pattern;
  std::map<std::string, std::string> result = objective->identity();
  result.insert({{"flow", model.flow().text()},
                 {"item", model.flow().name()},
                 {"dtype", model.dtype() == F32 ? "f32" : "f64"},
                 {"optimizer", update.optimizer.text()},
                 {"schedule", update.schedule.text()},
                 {"clip_norm", exactDigits(update.clipNorm)},
                 {"freeze", frozen},
                 {"average", exactDigits(update.average) + (update.averageCompetes ? " or none" : "")},
                 {"learning_rate", exactDigits(learningRate)}});
  return result;
}

void Loop::describe(Archive &archive, TrainingState &state) {
  archive.count("epoch", state.epoch);
  archive.count("best_epoch", state.bestEpoch, "epoch");
  archive.count("recoveries", state.recoveries);
  archive.flag("converged", state.converged);
  archive.number("loss_sum", state.lossSum);
  double elapsed = seconds();
  archive.number("elapsed", archive.isRestoring() ? earlierSeconds : elapsed);
  for (auto [name, values] :
       {std::pair{"train_losses", &state.trainLosses}, std::pair{"val_losses", &state.valLosses},
        std::pair{"gradient_norms", &state.gradientNorms}, std::pair{"rates", &state.rates},
        std::pair{"recovery_counts", &state.recoveryCounts}, std::pair{"seconds", &state.seconds}})
    archive.list(name, *values, "epoch", /*mayBeInfinite=*/true);
  stepper->describe(archive);
}

SavedState Loop::save() {
  SavedState state;
  state.identity = identity();
  Archive archive = Archive::saving(state);
  describe(archive, current);
  // Frozen parameters and permutations follow from the flow and its seed, but a
  // model that was trained before may have others.
  for (size_t i = 0; i < model.parameters().size(); ++i)
    if (const ParameterInfo &info = model.parameters()[i]; !info.trainable) {
      std::vector<double> values = model.values(i);
      archive.array("model" + info.path, values.data(), static_cast<int64_t>(values.size()));
    }
  return state;
}

Expected<void> Loop::restore(SavedState &state, const std::string &source) {
  adopt(state);
  if (std::string difference = findDifference(state.identity, identity()); !difference.empty()) {
    if (difference.find("'max_epochs'") != std::string::npos)
      difference += "; the learning rate follows a schedule to the last epoch, so give as many as then (a constant "
                    "schedule has no end)";
    return Error{"cannot resume from " + source + ": it was written with " + difference};
  }
  Archive archive = Archive::restoring(state);
  TrainingState restored;
  describe(archive, restored);
  for (size_t i = 0; i < model.parameters().size(); ++i)
    if (const ParameterInfo &info = model.parameters()[i]; !info.trainable) {
      std::vector<double> values = model.values(i);
      auto saved = state.arrays.find("model" + info.path);
      bool isSame = saved != state.arrays.end() && saved->second.size() == static_cast<int64_t>(values.size());
      for (size_t at = 0; isSame && at < values.size(); ++at)
        isSame = saved->second.at(static_cast<int64_t>(at)) == values[at];
      if (!isSame)
        return Error{"cannot resume from " + source + ": its '" + info.path + "' is another one than the model's"};
    }
  if (auto ok = archive.commit(); !ok)
    return Error{source + " is no valid checkpoint: " + ok.error().message};
  model.getImpl().bumpVersion();
  begin = Clock::now();
  restored.step = stepper->steps();
  if (!restored.rates.empty()) {
    restored.rate = restored.rates.back();
    restored.gradientNorm = restored.gradientNorms.back();
  }
  current = std::move(restored);
  checkpointStep = current.step;
  lastCheckpoint = begin;
  afterRestore();
  return {};
}

Expected<void> Trainer::loadCheckpoint(const std::string &path) {
  auto state = SavedState::read(path);
  if (!state)
    return state.takeError();
  return restore(*state, "'" + path + "'");
}
