//===- Race.cpp - Which flow, and for how long ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Race.h"

#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <mutex>

using namespace flowc;

namespace {

constexpr int64_t kFirstSteps = 400, kGrowth = 4, kMostSteps = 400000, kProbeSteps = 16;
/// The first round takes at most this share of the budget; who cannot have so few steps in it
/// is left out.
constexpr double kFirstShare = 0.25;
constexpr int64_t kFewestSteps = 60;
/// A longer training has helped if it gained more than this share of the standard error.
constexpr double kLeastGain = 0.1;

/// Why a candidate has no result.
constexpr const char *kNoTime = "there is no time for it in this budget", *kStopped = "stopped before it was trained";

/// A step on n threads takes 1 / (1 + gain (n - 1)) of the time, up to so many threads.
constexpr double kSharingGain = 0.6, kMostSharing = 8;

class Race {
public:
  Race(const Folds &folds, const FitTableOptions &options, Budget &budget, Journal &journal)
      : folds(folds), options(options), budget(budget), journal(journal), threads(countThreads(options)) {}

  std::vector<Runner> run();

private:
  /// Trains all of `field` for `steps` steps, on the first `parts` folds.
  void train(std::span<Runner *> field, int64_t steps, size_t parts);
  /// Those who can take part in the first round within the budget, and its steps.
  std::pair<std::vector<Runner *>, int64_t> first();
  void finish(Runner &runner, std::vector<Expected<TrainingOutcome>> outcomes, int64_t steps);
  /// Who is trained next, and for how many steps (0: nobody): as many of the best `most` as
  /// the budget allows.
  std::pair<std::vector<Runner *>, int64_t> next(size_t most, int64_t steps);
  double costOf(std::span<Runner *const> field, int64_t steps) const;
  bool isInterrupted() const { return options.interrupted && options.interrupted(); }
  /// Whether what is left belongs to the winner.
  bool isOver() const { return !budget.isInSteps() && budget.share() > kShareOfRace; }
  void rank();

  const Folds &folds;
  const FitTableOptions &options;
  Budget &budget;
  Journal &journal;
  int threads;
  std::vector<Runner> runners;
};

/// Losses of the folds, averaged by epoch.
std::vector<double> meanLosses(const std::vector<Expected<TrainingOutcome>> &outcomes,
                               std::vector<double> TrainingOutcome::*losses) {
  size_t epochs = (*outcomes.front().*losses).size();
  for (const auto &outcome : outcomes)
    epochs = std::min(epochs, (*outcome.*losses).size());
  std::vector<double> result(epochs);
  for (size_t epoch = 0; epoch < epochs; ++epoch)
    for (const auto &outcome : outcomes)
      result[epoch] += (*outcome.*losses)[epoch] / static_cast<double>(outcomes.size());
  return result;
}

} // namespace

int flowc::countThreads(const FitTableOptions &options) {
  return options.threads > 0 ? options.threads : tbb::info::default_concurrency();
}

void flowc::forEachJob(size_t jobs, const FitTableOptions &options, const std::function<void(size_t, int)> &body) {
  int threads = countThreads(options), atOnce = static_cast<int>(std::min<size_t>(jobs, threads));
  tbb::task_arena arena(atOnce);
  arena.execute([&] {
    tbb::parallel_for(
        size_t(0), jobs, [&](size_t job) { body(job, std::max(1, threads / atOnce)); }, tbb::simple_partitioner());
  });
}

void Race::finish(Runner &runner, std::vector<Expected<TrainingOutcome>> outcomes, int64_t steps) {
  double squares = 0, secondsPerStep = 0;
  for (auto &outcome : outcomes) {
    if (!outcome) {
      if (!runner.hasResult())
        runner.problem = outcome.error().message;
      return;
    }
    squares += outcome->error * outcome->error;
    secondsPerStep += outcome->secondsPerStep / static_cast<double>(outcomes.size());
    runner.seconds += outcome->secondsPerStep * static_cast<double>(outcome->steps);
  }
  runner.secondsPerStep = secondsPerStep;
  std::vector<double> losses = meanLosses(outcomes, &TrainingOutcome::losses);
  int64_t best = -1;
  for (int64_t i = 0; i < std::ssize(losses); ++i)
    if (std::isfinite(losses[i]) && (best < 0 || losses[i] < losses[best]))
      best = i;
  if (best < 0) { // Ended before its first epoch.
    if (!runner.hasResult())
      runner.problem = isInterrupted() ? kStopped : kNoTime;
    return;
  }
  auto count = static_cast<double>(outcomes.size());
  double error = std::sqrt(squares) / count;
  bool hadResult = runner.hasResult();
  // Where more steps only learn the training rows by heart, the shorter training counts.
  runner.isImproving = !hadResult || losses[best] < runner.loss - kLeastGain * error;
  if (hadResult && losses[best] >= runner.loss)
    return;
  runner.loss = losses[best];
  runner.error = error;
  runner.bestEpoch = best + 1;
  runner.losses = std::move(losses);
  runner.trainLosses = meanLosses(outcomes, &TrainingOutcome::trainLosses);
  runner.steps = steps * runner.candidate->pace;
  if (outcomes.size() == 1)
    runner.model = std::move(outcomes.front()->model);
}

void Race::train(std::span<Runner *> field, int64_t steps, size_t parts) {
  size_t jobs = field.size() * parts;
  std::vector<std::vector<Expected<TrainingOutcome>>> outcomes(
      field.size(), std::vector<Expected<TrainingOutcome>>(parts, Error{kStopped}));
  std::mutex mutex;
  forEachJob(jobs, options, [&](size_t job, int threadsEach) {
    // Folds of one candidate follow each other: its kernels are compiled once.
    const Runner &runner = *field[job / parts];
    const Fold &fold = folds.folds[job % parts];
    if (isInterrupted())
      return;
    if (isOver()) {
      outcomes[job / parts][job % parts] = Error{kNoTime};
      return;
    }
    if (options.progress) {
      std::lock_guard<std::mutex> lock(mutex);
      options.progress(std::string(runner.candidate->name) + ", " + std::to_string(steps) + " steps",
                       std::min(1.0, budget.share()));
    }
    TrainingPlan plan{.rows = "without part " + std::to_string(job % parts),
                      .steps = steps * runner.candidate->pace,
                      .seed = options.seed,
                      .threads = threadsEach,
                      .deadline = kShareOfRace};
    outcomes[job / parts][job % parts] = trainCandidate(*runner.candidate, fold.data, unitsFor(*runner.candidate, fold),
                                                        folds, plan, options, budget, journal);
  });
  for (size_t i = 0; i < field.size(); ++i)
    finish(*field[i], std::move(outcomes[i]), steps);
}

void Race::rank() {
  auto key = [](const Runner &runner) {
    return std::tuple(!runner.problem.empty(), runner.problem.empty() ? runner.loss : 0.0, runner.candidate);
  };
  std::ranges::sort(runners, {}, key);
}

double Race::costOf(std::span<Runner *const> field, int64_t steps) const {
  // The last training, of the winner on all rows, costs as much as one on every fold.
  auto parts = static_cast<double>(folds.folds.size()), jobs = parts * static_cast<double>(field.size());
  double last = parts > 1 ? parts : kRefineShare;
  // Of a step at its pace.
  auto costPerStep = [&](const Runner *runner) {
    return budget.costOf(static_cast<double>(runner->candidate->pace), runner->secondsPerStep);
  };
  double cost = last * costPerStep(field.front());
  for (const Runner *runner : field)
    cost += parts * costPerStep(runner);
  if (budget.isInSteps())
    return static_cast<double>(steps) * cost;
  // Threads that share a training gain less than those that have one each.
  double sharing = std::min<double>(kMostSharing, threads / std::max(1.0, std::min<double>(threads, jobs)));
  return static_cast<double>(steps) * cost / std::min<double>(threads, jobs) / (1 + kSharingGain * (sharing - 1));
}

std::pair<std::vector<Runner *>, int64_t> Race::next(size_t most, int64_t steps) {
  std::vector<Runner *> field;
  for (Runner &runner : runners)
    if (runner.problem.empty() && runner.isImproving && field.size() < most)
      field.push_back(&runner);
  if (field.empty() || steps >= kMostSteps)
    return {};
  int64_t wanted = std::min(kGrowth * steps, kMostSteps);
  while (field.size() > 1 && costOf(field, wanted) > budget.left())
    field.pop_back();
  double share = budget.left() / costOf(field, wanted);
  if (share < 1)
    wanted = static_cast<int64_t>(share * static_cast<double>(wanted));
  if (2 * wanted < 3 * steps)
    return {};
  return {std::move(field), wanted};
}

std::pair<std::vector<Runner *>, int64_t> Race::first() {
  std::vector<Runner *> field;
  for (Runner &runner : runners)
    field.push_back(&runner);
  if (!budget.isInSteps()) {
    // A few steps tell how long one takes.
    train(field, kProbeSteps, 1);
    std::erase_if(field, [](const Runner *runner) { return !runner->problem.empty(); });
    std::ranges::sort(field, {}, &Runner::secondsPerStep);
  }
  auto steps = [&] { return kFirstShare * budget.left() / costOf(field, 1); };
  for (; field.size() > 1 && steps() < kFewestSteps; field.pop_back())
    field.back()->problem = kNoTime;
  if (field.empty())
    return {};
  auto count = static_cast<int64_t>(std::clamp<double>(steps(), 1, kFirstSteps));
  for (Runner *runner : field) // What so few steps came to is no result.
    *runner = {.candidate = runner->candidate, .seconds = runner->seconds};
  return {std::move(field), count};
}

std::vector<Runner> Race::run() {
  auto dim = std::ssize(folds.event.mean);
  auto condDim = folds.condition ? std::ssize(folds.condition->mean) : 0;
  for (const Candidate &candidate : candidateTable())
    if (takesPart(candidate, dim, condDim, folds.all.rows()))
      runners.push_back({&candidate});
  auto [field, steps] = first();
  while (!field.empty()) {
    train(field, steps, folds.folds.size());
    rank();
    if (isInterrupted() || isOver())
      break;
    std::tie(field, steps) = next((field.size() + 1) / 2, steps);
  }
  return std::move(runners);
}

std::vector<Runner> flowc::race(const Folds &folds, const FitTableOptions &options, Budget &budget, Journal &journal) {
  return Race(folds, options, budget, journal).run();
}
