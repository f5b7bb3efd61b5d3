//===- TrainingRun.h - A training that people watch -------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_TRAININGRUN_H
#define FLOWC_TOOLS_FLOWC_TRAININGRUN_H

#include "Progress.h"
#include "TrainingLog.h"

#include "flowc/Training/Record.h"

namespace flowc::tool {

/// Files that a training writes beside its model.
struct RunOptions {
  CheckpointOptions checkpoint; ///< A write to the disk costs far more than a small epoch.
  std::string log;
};

/// Runs a trainer under a progress bar, with its log and checkpoints. SIGINT, SIGTERM,
/// SIGHUP and SIGXCPU stop it after the current step; a second one ends the program.
class TrainingRun {
public:
  TrainingRun(const RunOptions &options, TrainingRecord &record);
  ~TrainingRun();
  TrainingRun(const TrainingRun &) = delete;
  TrainingRun &operator=(const TrainingRun &) = delete;

  /// Called between steps (`FitOptions::interrupted`): whether to stop.
  bool poll();
  /// Tells of a recovery.
  void tell(const std::string &what);

  /// How a run ended: to the end, stopped by a signal, or by an error after which
  /// there are good parameters.
  enum class Ending { Complete, Stopped, Failed };
  /// Trains to one of these, gives the model the parameters to keep and fills the
  /// losses of the record.
  Expected<Ending> run(Trainer &trainer);
  /// What a process that a signal has stopped exits with.
  static int exitCode();

private:
  Expected<Trainer::Outcome> loop();
  std::string note() const;

  const RunOptions &options;
  TrainingRecord &record;
  Trainer *trainer = nullptr;
  TrainingLog log;
  std::unique_ptr<Progress> progress;
  Clock::time_point start;
  int64_t firstStep = 0;
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_TRAININGRUN_H
