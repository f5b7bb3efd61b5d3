//===- TrainingRun.cpp - A training that people watch ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainingRun.h"

#include "Common.h"
#include "Signals.h"

#include <cmath>
#include <cstdio>

using namespace flowc;
using namespace flowc::tool;

TrainingRun::TrainingRun(const RunOptions &options, TrainingRecord &record)
    : options(options), record(record), start(Clock::now()) {}

TrainingRun::~TrainingRun() = default;

int TrainingRun::exitCode() { return 128 + StopSignals::received(); }

//===----------------------------------------------------------------------===//
// Between steps
//===----------------------------------------------------------------------===//

std::string TrainingRun::note() const {
  const TrainingState &state = trainer->state();
  char text[200];
  std::string line;
  if (trainer->statistics().empty()) {
    line = "epoch " + std::to_string(state.epoch + 1);
    if (state.epoch > 0) {
      std::snprintf(text, sizeof(text), "  train %.4f  val %.4f  best %.4f (epoch %lld)", state.trainLosses.back(),
                    state.valLosses.back(), state.valLosses[state.bestEpoch - 1],
                    static_cast<long long>(state.bestEpoch));
      line += text;
    }
  } else {
    std::snprintf(text, sizeof(text), "step %lld  loss %.4f", static_cast<long long>(state.step), state.loss);
    line = text;
    if (state.epoch > 0) {
      std::snprintf(text, sizeof(text), "  ELBO %.4f", -state.valLosses.back());
      line += text;
    }
  }
  if (state.epoch > 0) {
    std::snprintf(text, sizeof(text), "  |g| %.2g", state.gradientNorms.back());
    line += text;
  }
  double rows = static_cast<double>((state.step - firstStep) * trainer->rowsPerStep()) / secondsSince(start);
  std::snprintf(text, sizeof(text), "  rate %.2g  %.3g rows/s", state.rate, rows);
  return line + text;
}

bool TrainingRun::poll() {
  if (progress && progress->isDue())
    progress->update(trainer->state().step, note());
  return StopSignals::received() != 0;
}

void TrainingRun::tell(const std::string &what) {
  if (progress)
    progress->clear();
  std::fprintf(stderr, "flowc: note: %s\n", what.c_str());
}

//===----------------------------------------------------------------------===//
// The whole run
//===----------------------------------------------------------------------===//

Expected<Trainer::Outcome> TrainingRun::loop() {
  while (true) {
    auto outcome = trainer->advance();
    if (!outcome)
      return outcome;
    if (auto ok = log.write(*trainer); !ok)
      return ok.takeError();
    if (*outcome != Trainer::Outcome::EpochEnded)
      return outcome;
  }
}

Expected<TrainingRun::Ending> TrainingRun::run(Trainer &given) {
  trainer = &given;
  if (!options.log.empty()) {
    if (auto ok = log.open(options.log, *trainer); !ok)
      return ok.takeError();
  }
  const TrainingState &state = trainer->state();
  firstStep = state.step;
  std::optional<StopSignals> signals(std::in_place);
  start = Clock::now();
  progress = std::make_unique<Progress>("training", trainer->totalSteps(), "", firstStep);
  auto outcome = loop();
  progress.reset();
  // Only now: who ends training in its last moment gets the checkpoint, too.
  signals.reset();
  // A loss that is no number ends training, but not what was learned before.
  if (!outcome && state.bestEpoch == 0)
    return outcome.takeError();
  if (!outcome)
    std::fprintf(stderr, "flowc: error: %s; the best parameters so far are kept\n", outcome.error().message.c_str());
  trainer->keepBest();
  record.trainLosses = state.trainLosses;
  record.valLosses = state.valLosses;
  record.bestEpoch = state.bestEpoch;
  record.seconds = secondsSince(start);
  record.interrupted = !outcome || *outcome == Trainer::Outcome::Interrupted;
  return !outcome ? Ending::Failed : record.interrupted ? Ending::Stopped : Ending::Complete;
}
