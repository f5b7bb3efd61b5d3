//===- Fit.h - From a table to a flow ---------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// No flow fits every table best, and training one takes seconds: `fitTable` trains
// several kinds, compares them by the likelihood of rows that they were not trained
// on, and keeps the best. What takes part is the table of lib/Fit/Candidates.cpp, who
// stays in the race is decided in lib/Fit/Race.cpp.
//
//   auto result = flowc::fitTable({.x = rows}, {.seconds = 60});
//   result->model.save("model.safetensors", result->record.toJson());
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FIT_H
#define FLOWC_FIT_H

#include "flowc/IO/RowsView.h"
#include "flowc/Training/Record.h"
#include "flowc/flowc.h"

namespace flowc {

/// Rows to fit a distribution to, of finite numbers: the event, and what it is
/// conditioned on, if anything. The names of columns are for messages and the record.
/// Tables with other columns become such rows by `describeTable` (flowc/Table).
struct FitTable {
  RowsView x, condition;
  std::vector<std::string> names = {}, conditionNames = {};
  /// Open intervals that the columns of the event have their values in, as the model then
  /// does, too; none: all real numbers.
  std::vector<ColumnBounds> bounds = {};
};

/// What a fit may cost, and how it is watched.
struct FitTableOptions {
  /// Seconds that it may take. What is tried, and for how long, follows from the time
  /// that steps take on this machine.
  double seconds = 60;
  /// If not 0, a budget in steps of training instead: the result is then a function of
  /// the table, the seed and this number.
  int64_t steps = 0;
  uint64_t seed = 0;
  DType dtype = F32;
  int threads = 0; ///< 0: all processors.
  bool useCache = true;
  /// A file (`.safetensors`) that trainings are written to as they end, and one to go on from: it
  /// may be of a search with another budget, and nothing that it holds is trained again. Empty: none.
  std::string checkpoint = {}, resume = {};
  /// Hears what is being done and the share of the budget that is spent; from any thread,
  /// but from one at a time.
  std::function<void(const std::string &what, double share)> progress = {};
  /// True ends the search: the best so far is kept. Any thread may ask.
  std::function<bool()> interrupted = {};
};

/// The model that was chosen, trained on all rows, and how it was found.
struct FitTableResult {
  Model model;
  TrainingRecord record;
  size_t chosen = 0; ///< Of `record.search`, where the best comes first and what failed last.
  /// Parts that were held out in turn; 1: one part.
  int64_t folds = 1;
  int64_t heldOutRows = 0; ///< In all parts.
  int64_t members = 1;     ///< Trainings of the chosen flow, of which the model is the mixture.
  bool interrupted = false;
};

/// A kind of flow that takes part in the search, and its text for `dim` columns.
struct FitCandidate {
  std::string name, flow;
};
std::vector<FitCandidate> fitCandidates(int64_t dim, int64_t condDim = 0);

/// Chooses and trains a flow. Errors: fewer than 10 rows; columns that are constant or
/// linear functions of others, or that have values outside of their bounds; nothing that could be trained.
Expected<FitTableResult> fitTable(const FitTable &table, const FitTableOptions &options = {});

/// Closed forms to compare with: independent columns, a normal distribution, a mixture of
/// normal distributions, judged by rows that were held out as `fitTable` does it.
struct BaselineScores {
  std::vector<Contestant> forms;
  int64_t folds = 1;       ///< Parts that were held out in turn; 1: one part.
  int64_t heldOutRows = 0; ///< In all parts.
};

/// Fits them. Errors: those of `fitTable` about the table.
Expected<BaselineScores> scoreBaselines(const FitTable &table, const FitTableOptions &options = {});

} // namespace flowc

#endif // FLOWC_FIT_H
