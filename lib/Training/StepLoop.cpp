//===- StepLoop.cpp - Training by steps -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StepLoop.h"

#include <cmath>

using namespace flowc;

StepLoop::StepLoop(Model &model, const UpdateOptions &update, double learningRate, int threads, bool returnBest,
                   Plan given)
    : Loop(model, update, learningRate, threads, returnBest, given.between), plan(std::move(given)) {
  beforeMove = [this](const StepResult &result) { remember(result); };
}

void StepLoop::remember(const StepResult &result) {
  latest = {.iteration = stepper->steps() + 1,
            .loss = result.loss,
            .gradientNorm = result.gradientNorm,
            .learningRate = result.rate,
            .seconds = seconds()};
  if (plan.callback)
    latest.values = plan.callback(latest, model);
}

std::string StepLoop::rowName(int64_t row) const {
  Batch batch = plan.batch(stepper->steps());
  return batch.x ? "row " + std::to_string(row + 1) + " of the batch"
                 : "draw " + std::to_string(batch.first + static_cast<uint64_t>(row)) + " of seed " +
                       std::to_string(batch.seed);
}

Expected<StepLoop::RoundEnd> StepLoop::endRound() {
  double trainLoss = current.lossSum / static_cast<double>(current.batch);
  auto closed = closeEpoch(trainLoss, plan.validate);
  if (!closed)
    return closed.takeError();
  if (*closed == Closed::TakenBack) {
    all.resize(static_cast<size_t>(stepper->steps()));
    return RoundEnd::TakenBack;
  }
  current.converged |= plan.roundConverged && plan.roundConverged();
  bool goesOn = !plan.onRound || plan.onRound(current.epoch, trainLoss, current.valLosses.back());
  return goesOn ? RoundEnd::Kept : RoundEnd::Stopped;
}

Expected<Trainer::Outcome> StepLoop::advanceRound() {
  while (!current.finished && stepper->steps() < plan.steps) {
    auto interrupted = isInterrupted();
    if (!interrupted)
      return interrupted.takeError();
    if (*interrupted)
      return Outcome::Interrupted;
    auto tried = tryStep(plan.batch(stepper->steps()));
    if (!tried)
      return tried.takeError();
    if (*tried == Tried::Recovered) { // What is not finite is no part of the statistics.
      all.resize(static_cast<size_t>(stepper->steps()));
      continue;
    }
    all.push_back(std::move(latest));
    current.converged = plan.hasConverged && plan.hasConverged(all.back(), model);
    bool isLast = stepper->steps() == plan.steps || current.converged;
    bool ends = current.batch == plan.roundSteps || (isLast && plan.closesLastRound);
    if (ends) {
      auto end = endRound();
      if (!end)
        return end.takeError();
      if (*end == RoundEnd::TakenBack)
        continue;
      current.finished = *end == RoundEnd::Stopped;
    }
    current.finished |= current.converged || isLast;
    if (ends && !current.finished)
      return Outcome::EpochEnded;
  }
  return Outcome::Finished;
}

std::map<std::string, std::string> StepLoop::identity() const {
  auto result = Loop::identity();
  result.insert(plan.identity.begin(), plan.identity.end()); // Other keys than those.
  return result;
}

void StepLoop::writeColumns() {
  columns = {{"loss", {}}, {"gradient_norm", {}}, {"learning_rate", {}}, {"seconds", {}}};
  for (const StepStatistics &statistics : all)
    for (const auto &[name, value] : statistics.values)
      columns.try_emplace("value." + name, all.size(), std::nan(""));
  for (size_t i = 0; i < all.size(); ++i) {
    columns["loss"].push_back(all[i].loss);
    columns["gradient_norm"].push_back(all[i].gradientNorm);
    columns["learning_rate"].push_back(all[i].learningRate);
    columns["seconds"].push_back(all[i].seconds);
    for (const auto &[name, value] : all[i].values)
      columns["value." + name][i] = value;
  }
}

void StepLoop::describe(Archive &archive, TrainingState &state) {
  archive.count("batch", state.batch, plan.roundSteps);
  saved = static_cast<int64_t>(all.size());
  archive.count("iterations", saved, plan.steps);
  if (archive.isRestoring()) {
    columns.clear();
    for (const std::string &name : archive.names("steps."))
      columns[name];
    for (const char *name : {"loss", "gradient_norm", "learning_rate", "seconds"})
      columns[name];
  } else {
    writeColumns();
  }
  for (auto &[name, values] : columns)
    archive.list("steps." + name, values, "iterations", /*mayBeInfinite=*/name.starts_with("value."));
  Loop::describe(archive, state);
}

void StepLoop::afterRestore() {
  all.assign(static_cast<size_t>(saved), {});
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].iteration = static_cast<int64_t>(i) + 1;
    all[i].loss = columns["loss"][i];
    all[i].gradientNorm = columns["gradient_norm"][i];
    all[i].learningRate = columns["learning_rate"][i];
    all[i].seconds = columns["seconds"][i];
    for (const auto &[name, values] : columns)
      if (name.starts_with("value.") && !std::isnan(values[i]))
        all[i].values[name.substr(6)] = values[i];
  }
  if (!all.empty()) {
    current.loss = all.back().loss;
    current.gradientNorm = all.back().gradientNorm;
    current.rate = all.back().learningRate;
  }
  current.finished = current.converged;
}
