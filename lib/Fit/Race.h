//===- Race.h - Which flow, and for how long --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FIT_RACE_H
#define FLOWC_LIB_FIT_RACE_H

#include "Candidates.h"
#include "Folds.h"

#include "flowc/Support/Clock.h"

#include <atomic>
#include <functional>

namespace flowc {

class Journal;

/// What a search may still cost, in seconds or in steps. Safe to use from several threads.
class Budget {
public:
  explicit Budget(const FitTableOptions &options)
      : total(options.steps > 0 ? static_cast<double>(options.steps) : options.seconds), inSteps(options.steps > 0),
        start(Clock::now()) {}
  /// So many seconds were spent before this program began.
  void setSecondsBefore(double seconds) { earlier = seconds; }
  double spent() const { return inSteps ? static_cast<double>(steps.load()) : elapsedSeconds(); }
  double left() const { return total - spent(); }
  double share() const { return spent() / total; }
  bool isInSteps() const { return inSteps; }
  double elapsedSeconds() const { return earlier + secondsSince(start); }
  /// What `count` steps will cost that take so many seconds each.
  double costOf(double count, double secondsPerStep) const { return inSteps ? count : count * secondsPerStep; }
  void addSteps(int64_t count) { steps += count; }

private:
  double total;
  bool inSteps;
  Clock::time_point start;
  double earlier = 0;
  std::atomic<int64_t> steps = 0;
};

/// The race is over when this share of the budget is spent, whatever it has come to: the rest
/// is for the last training.
inline constexpr double kShareOfRace = 0.75;

/// The winner on the only fold of a large table goes on for this share of its steps on all
/// rows; of a small table it is trained anew.
inline constexpr double kRefineShare = 0.15;

/// One training, on one fold or on the whole table.
struct TrainingOutcome {
  std::vector<double> losses, trainLosses; ///< Of validation and training, by epoch.
  int64_t bestEpoch = 0;                   ///< From 1.
  double meanLoss = 0, error = 0;          ///< Of the parameters of the best epoch.
  int64_t steps = 0;
  double secondsPerStep = 0;
  std::optional<Model> model;
};

/// How long a training is, and whether rows are held out.
struct TrainingPlan {
  std::string rows; ///< What it sees, in words: no two trainings of a candidate have all the same.
  int64_t steps = 0;
  double rateFactor = 1;
  int64_t lastEpoch = 0; ///< Ends after so many epochs of those of `steps`; 0: not before.
  uint64_t seed = 0;
  int threads = 1;
  const Model *start = nullptr; ///< Goes on from these parameters.
  /// What may be spent before it ends early, as a share of the budget.
  double deadline = std::numeric_limits<double>::infinity();
};

/// Calls `body(job, threads)` for each of `jobs` jobs, some at a time, with the number of
/// threads that a job may use.
void forEachJob(size_t jobs, const FitTableOptions &options, const std::function<void(size_t, int)> &body);
/// All processors, unless the options have another number.
int countThreads(const FitTableOptions &options);

/// The units of a fold, or of the whole table, that a candidate is trained in.
template <typename Part>
const Whitening &unitsFor(const Candidate &candidate, const Part &part) {
  return candidate.isWhitened ? part.whitening : part.columns;
}

/// Trains on `data` in `units`, unless the journal knows what that comes to. An error says why
/// a candidate cannot go on.
Expected<TrainingOutcome> trainCandidate(const Candidate &candidate, const TrainingData &data, const Whitening &units,
                                         const Folds &folds, const TrainingPlan &plan, const FitTableOptions &options,
                                         Budget &budget, Journal &journal);

/// A candidate and what it has come to so far.
struct Runner {
  const Candidate *candidate;
  std::string problem = {};
  int64_t steps = 0;
  std::vector<double> losses = {}, trainLosses = {}; ///< Means over the folds, by epoch.
  int64_t bestEpoch = 0;
  double loss = 0, error = 0, secondsPerStep = 0, seconds = 0;
  bool isImproving = true;         ///< Whether its last training gained something.
  std::optional<Model> model = {}; ///< Of the only fold, if there is one.

  bool hasResult() const { return steps > 0; }
};

/// The rule of the race (successive halving; K. Jamieson, A. Talwalkar, AISTATS 2016): all
/// candidates are trained for a few steps, the better half of them, from the start, for
/// four times as many, and so on until one is left, more steps would not help it, or half of
/// the budget is spent, but for what the last training needs. Returns all of them, the best
/// first. An interrupted race returns what it has.
std::vector<Runner> race(const Folds &folds, const FitTableOptions &options, Budget &budget, Journal &journal);

} // namespace flowc

#endif // FLOWC_LIB_FIT_RACE_H
