//===- TrainingLog.cpp - Losses of each epoch in a file -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainingLog.h"

#include <cerrno>
#include <cmath>
#include <cstring>

using namespace flowc;
using namespace flowc::tool;

TrainingLog::~TrainingLog() {
  if (file)
    std::fclose(file);
}

Error TrainingLog::failure() const { return {"cannot write '" + path + "': " + std::strerror(errno)}; }

Expected<void> TrainingLog::open(const std::string &name, const TrainingState &state) {
  path = name;
  isCsv = path.ends_with(".csv");
  bool goesOn = state.epoch > 0;
  file = std::fopen(path.c_str(), goesOn ? "a" : "w");
  if (!file)
    return failure();
  if (isCsv && !goesOn)
    std::fputs("epoch,train_loss,val_loss,best_epoch,seconds\n", file);
  return std::fflush(file) == 0 ? Expected<void>() : Expected<void>(failure());
}

Expected<void> TrainingLog::write(const TrainingState &state, double seconds) {
  if (!file)
    return {};
  // JSON knows no NaN.
  char train[40] = "null", val[40] = "null";
  if (isCsv || std::isfinite(state.trainLosses.back()))
    std::snprintf(train, sizeof(train), "%.17g", state.trainLosses.back());
  if (isCsv || std::isfinite(state.valLosses.back()))
    std::snprintf(val, sizeof(val), "%.17g", state.valLosses.back());
  const char *format = isCsv ? "%lld,%s,%s,%lld,%.3f\n"
                             : "{\"epoch\": %lld, \"train_loss\": %s, \"val_loss\": %s, \"best_epoch\": %lld, "
                               "\"seconds\": %.3f}\n";
  std::fprintf(file, format, static_cast<long long>(state.epoch), train, val, static_cast<long long>(state.bestEpoch),
               seconds);
  return std::fflush(file) == 0 ? Expected<void>() : Expected<void>(failure());
}
