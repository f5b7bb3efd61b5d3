//===- Fit.cpp - From a table to a flow -----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Fit.h"

#include "Baselines.h"
#include "Journal.h"
#include "MixModels.h"
#include "Race.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace flowc;

namespace {

/// Trainings on all rows of a small table, whose mixture is the model: what one of them
/// has learned by heart, the others have not.
constexpr int64_t kMembers = 5;
/// Of the learning rate, in the last steps on all rows of a large table.
constexpr double kRefineRate = 0.1;

/// Writes the last model.
class Finisher {
public:
  Finisher(const Folds &folds, const FitTableOptions &options, Budget &budget, Journal &journal)
      : folds(folds), options(options), budget(budget), journal(journal) {}

  /// The mixture of `members` trainings of `runner` on all rows.
  Expected<Model> trainMembers(const Runner &runner, int64_t members);
  /// A few more steps from the model of the only fold.
  Expected<Model> refine(const Runner &runner);
  Expected<Model> initialise(const Baseline &baseline);
  /// As many members as the budget has time for, one at least.
  int64_t countMembers(const Runner &runner) const;

private:
  const Folds &folds;
  const FitTableOptions &options;
  Budget &budget;
  Journal &journal;
};

Contestant contestantOf(const Runner &runner) {
  Contestant result;
  result.name = runner.candidate->name;
  result.steps = runner.steps;
  result.seconds = runner.seconds;
  result.problem = runner.problem;
  result.logLikelihood = runner.hasResult() ? -runner.loss : std::nan("");
  result.error = runner.hasResult() ? runner.error : std::nan("");
  return result;
}

bool hasResult(const Contestant &entry) { return entry.problem.empty() && !std::isnan(entry.logLikelihood); }

} // namespace

int64_t Finisher::countMembers(const Runner &runner) const {
  double one = budget.costOf(static_cast<double>(runner.steps), runner.secondsPerStep);
  double atOnce = budget.isInSteps() ? 1 : countThreads(options);
  return static_cast<int64_t>(std::clamp<double>(budget.left() * atOnce / std::max(one, 1e-9), 1, kMembers));
}

Expected<Model> Finisher::trainMembers(const Runner &runner, int64_t count) {
  std::vector<Expected<TrainingOutcome>> outcomes(static_cast<size_t>(count), Error{"not trained"});
  forEachJob(outcomes.size(), options, [&](size_t i, int threadsEach) {
    TrainingPlan plan{.rows = "all rows",
                      .steps = runner.steps,
                      .lastEpoch = runner.bestEpoch,
                      .seed = options.seed + i,
                      .threads = threadsEach};
    outcomes[i] = trainCandidate(*runner.candidate, folds.all, unitsFor(*runner.candidate, folds), folds, plan, options,
                                 budget, journal);
  });
  std::vector<Model> members;
  for (auto &outcome : outcomes) {
    if (!outcome)
      return outcome.takeError();
    members.push_back(std::move(*outcome->model));
  }
  return members.size() == 1 ? Expected<Model>(std::move(members.front())) : mixModels(members);
}

Expected<Model> Finisher::refine(const Runner &runner) {
  auto steps = static_cast<int64_t>(kRefineShare * static_cast<double>(runner.steps));
  if (steps < 1 || budget.left() <= 0)
    return *runner.model;
  TrainingPlan plan{.rows = "all rows, refined",
                    .steps = steps,
                    .rateFactor = kRefineRate,
                    .seed = options.seed + 1,
                    .threads = countThreads(options),
                    .start = &*runner.model};
  auto outcome = trainCandidate(*runner.candidate, folds.all, unitsFor(*runner.candidate, folds), folds, plan, options,
                                budget, journal);
  if (!outcome)
    return outcome.takeError();
  return std::move(*outcome->model);
}

Expected<Model> Finisher::initialise(const Baseline &baseline) {
  auto flow = Flow::parse(folds.support.put(baseline.flowText("fitted"), "fitted"), {}, baseline.contestant.name);
  if (!flow)
    return flow.takeError();
  auto inUnits = whiten(*flow, folds.whitening, nullptr);
  if (!inUnits)
    return inUnits.takeError();
  return Model::initialise(*inUnits, {.seed = options.seed, .dtype = options.dtype});
}

namespace {

/// All that took part, in the order of their likelihoods; baselines come first in `entries`,
/// then runners.
struct Ranking {
  std::vector<Contestant> entries;
  std::vector<size_t> order;
  size_t numBaselines;

  Ranking(const std::vector<Baseline> &baselines, const std::vector<Runner> &runners) : numBaselines(baselines.size()) {
    for (const Baseline &baseline : baselines)
      entries.push_back(baseline.contestant);
    for (const Runner &runner : runners)
      entries.push_back(contestantOf(runner));
    order.resize(entries.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::ranges::sort(order, {}, [&](size_t i) {
      bool isSound = hasResult(entries[i]);
      return std::tuple(!isSound, isSound ? -entries[i].logLikelihood : 0.0, i);
    });
  }
  /// The place in `order` of the best that can be the model.
  std::optional<size_t> choose(const std::vector<Baseline> &baselines) const {
    for (size_t place = 0; place < order.size(); ++place)
      if (size_t i = order[place]; hasResult(entries[i]) && (i >= numBaselines || baselines[i].flowText))
        return place;
    return std::nullopt;
  }
};

TrainingRecord makeRecord(const FitTable &table, const FitTableOptions &options, const Ranking &ranking,
                          const Contestant &chosen, const Runner *runner, const Folds &folds) {
  TrainingRecord record;
  record.columns = table.names;
  record.conditionColumns = table.conditionNames;
  record.rows = table.x.rows();
  record.standardized = true;
  record.options["seed"] = static_cast<double>(options.seed);
  if (options.steps > 0)
    record.options["budget_steps"] = static_cast<double>(options.steps);
  else
    record.options["budget"] = options.seconds;
  record.choices["flow"] = chosen.name;
  record.evaluation = {{"mean_log_prob", chosen.logLikelihood},
                       {"mean_log_prob_error", chosen.error},
                       {"validation_rows", static_cast<double>(folds.heldOutRows)}};
  if (runner) {
    record.valLosses = runner->losses;
    record.trainLosses = runner->trainLosses;
    record.bestEpoch = runner->bestEpoch;
  }
  for (size_t i : ranking.order)
    record.search.push_back(ranking.entries[i]);
  return record;
}

} // namespace

static Expected<void> checkBudget(const FitTableOptions &options) {
  if (options.steps < 0)
    return Error{"the budget is " + std::to_string(options.steps) + " steps, expected a positive number"};
  if (options.steps == 0 && (!(options.seconds > 0) || !std::isfinite(options.seconds)))
    return Error{"the budget is " + formatNumber(options.seconds) + " seconds, expected a positive number"};
  return {};
}

Expected<FitTableResult> flowc::fitTable(const FitTable &table, const FitTableOptions &options) {
  if (auto ok = checkBudget(options); !ok)
    return ok.takeError();
  Budget budget(options);
  auto journal = Journal::open(table, options);
  if (!journal)
    return journal.takeError();
  budget.setSecondsBefore((*journal)->secondsBefore());
  auto tell = [&](const std::string &what) {
    if (options.progress)
      options.progress(what, std::min(1.0, budget.share()));
  };
  auto folds = divideTable(table, options);
  if (!folds)
    return folds.takeError();
  tell("normal distributions");
  auto baselines = fitBaselines(*folds, options);
  if (!baselines)
    return baselines.takeError();
  std::vector<Runner> runners = race(*folds, options, budget, **journal);
  if (auto ok = (*journal)->status(); !ok)
    return ok.takeError();
  Ranking ranking(*baselines, runners);
  std::optional<size_t> place = ranking.choose(*baselines);
  if (!place)
    return Error{"no flow could be trained: " +
                 (runners.empty() ? "there is none for such a table" : runners.front().problem)};

  size_t chosen = ranking.order[*place];
  tell(ranking.entries[chosen].name + ", on all rows");
  Finisher finisher(*folds, options, budget, **journal);
  const Runner *runner = chosen < baselines->size() ? nullptr : &runners[chosen - baselines->size()];
  bool isSmall = folds->folds.size() > 1;
  int64_t members = runner && isSmall ? finisher.countMembers(*runner) : 1;
  auto model = !runner   ? finisher.initialise((*baselines)[chosen])
               : isSmall ? finisher.trainMembers(*runner, members)
                         : finisher.refine(*runner);
  if (!model)
    return model.takeError();
  FitTableResult result{.model = std::move(*model),
                        .record = makeRecord(table, options, ranking, ranking.entries[chosen], runner, *folds),
                        .chosen = *place,
                        .folds = std::ssize(folds->folds),
                        .heldOutRows = folds->heldOutRows,
                        .members = members,
                        .interrupted = options.interrupted && options.interrupted()};
  result.record.interrupted = result.interrupted;
  result.record.seconds = budget.elapsedSeconds();
  return result;
}

Expected<BaselineScores> flowc::scoreBaselines(const FitTable &table, const FitTableOptions &options) {
  auto folds = divideTable(table, options);
  if (!folds)
    return folds.takeError();
  auto baselines = fitBaselines(*folds, options);
  if (!baselines)
    return baselines.takeError();
  BaselineScores result{{}, std::ssize(folds->folds), folds->heldOutRows};
  for (const Baseline &baseline : *baselines)
    result.forms.push_back(baseline.contestant);
  return result;
}
