//===- Journal.cpp - Trainings of a search that is over -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Journal.h"

#include "flowc/Support/Format.h"
#include "flowc/Support/Hash.h"

using namespace flowc;

/// What a search is one of.
static std::map<std::string, std::string> identityOf(const FitTable &table, const FitTableOptions &options) {
  uint64_t hash = kHashStart;
  for (const RowsView *rows : {&table.x, &table.condition})
    hash = hashRows(*rows, *allRows(rows->rows()), options.dtype, hash);
  std::string candidates;
  for (const FitCandidate &candidate : fitCandidates(table.x.columns(), table.condition.columns()))
    candidates += candidate.flow;
  std::string bounds;
  for (const ColumnBounds &ends : table.bounds) {
    bounds += (bounds.empty() ? "" : ", ") + formatNumber(ends.lower) + ".." + formatNumber(ends.upper);
    hash = hashBytes(&ends.lower, sizeof(ends.lower), hash);
    hash = hashBytes(&ends.upper, sizeof(ends.upper), hash);
  }
  return {{"loop", "fit"},
          {"data", std::to_string(hash)},
          {"columns", std::to_string(table.x.columns())},
          {"bounds", bounds},
          {"seed", std::to_string(options.seed)},
          {"dtype", options.dtype == F32 ? "f32" : "f64"},
          {"candidates_code", std::to_string(hashBytes(candidates.data(), std::ssize(candidates)))}};
}

Expected<std::unique_ptr<Journal>> Journal::open(const FitTable &table, const FitTableOptions &options) {
  SavedState state;
  if (!options.resume.empty() || !options.checkpoint.empty())
    state.identity = identityOf(table, options);
  if (options.resume.empty())
    return std::unique_ptr<Journal>(new Journal(options.checkpoint, std::move(state)));
  auto saved = SavedState::read(options.resume);
  if (!saved)
    return saved.takeError();
  if (std::string difference = findDifference(saved->identity, state.identity); !difference.empty())
    return Error{"cannot resume from '" + options.resume + "': it was written with " + difference};
  std::unique_ptr<Journal> journal(new Journal(options.checkpoint, std::move(*saved)));
  Archive archive = Archive::restoring(journal->state);
  archive.number("elapsed", journal->earlier);
  if (auto ok = archive.commit(); !ok)
    return Error{"'" + options.resume + "' is no valid checkpoint: " + ok.error().message};
  return journal;
}

/// The parts of an outcome under the name of its training; of its model the arrays.
static void describe(Archive &archive, const std::string &name, TrainingOutcome &outcome,
                     std::vector<std::vector<double>> &arrays) {
  int64_t epochs = std::ssize(outcome.losses);
  archive.count(name + ".epochs", epochs);
  archive.count(name + ".best_epoch", outcome.bestEpoch, name + ".epochs");
  archive.count(name + ".steps", outcome.steps);
  archive.list(name + ".losses", outcome.losses, name + ".epochs", /*mayBeInfinite=*/true);
  archive.list(name + ".train_losses", outcome.trainLosses, name + ".epochs", /*mayBeInfinite=*/true);
  archive.number(name + ".mean_loss", outcome.meanLoss, /*mayBeInfinite=*/true);
  archive.number(name + ".error", outcome.error, /*mayBeInfinite=*/true);
  archive.number(name + ".seconds_per_step", outcome.secondsPerStep);
  for (size_t i = 0; i < arrays.size(); ++i)
    archive.array(name + outcome.model->parameters()[i].path, arrays[i].data(), std::ssize(arrays[i]));
}

static std::vector<std::vector<double>> arraysOf(const Model &model) {
  std::vector<std::vector<double>> arrays;
  for (size_t i = 0; i < model.parameters().size(); ++i)
    arrays.push_back(model.values(i));
  return arrays;
}

Expected<std::optional<TrainingOutcome>> Journal::find(const std::string &name, const Model &model) {
  using Result = std::optional<TrainingOutcome>;
  std::lock_guard<std::mutex> lock(mutex);
  if (!state.counts.contains(name + ".epochs"))
    return Result();
  TrainingOutcome outcome;
  outcome.model = model;
  std::vector<std::vector<double>> arrays = arraysOf(model);
  Archive archive = Archive::restoring(state);
  describe(archive, name, outcome, arrays);
  auto ok = archive.commit();
  for (size_t i = 0; ok && i < arrays.size(); ++i)
    ok = outcome.model->setValues(i, arrays[i]);
  if (!ok)
    return Error{"the checkpoint of the search is damaged: " + ok.error().message};
  return Result(std::move(outcome));
}

void Journal::add(const std::string &name, TrainingOutcome &outcome, double elapsedSeconds) {
  if (path.empty())
    return;
  std::lock_guard<std::mutex> lock(mutex);
  Archive archive = Archive::saving(state);
  archive.number("elapsed", elapsedSeconds);
  std::vector<std::vector<double>> arrays = arraysOf(*outcome.model);
  describe(archive, name, outcome, arrays);
  if (auto ok = state.write(path); !ok && !problem)
    problem = ok.takeError();
}

Expected<void> Journal::status() {
  std::lock_guard<std::mutex> lock(mutex);
  return problem ? Expected<void>(*problem) : Expected<void>();
}
