//===- TrainingLog.h - Losses of each epoch in a file -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_TRAININGLOG_H
#define FLOWC_TOOLS_FLOWC_TRAININGLOG_H

#include "flowc/Training/Trainer.h"

#include <cstdio>

namespace flowc::tool {

/// Written line by line, so that others can watch it grow.
class TrainingLog {
public:
  TrainingLog() = default;
  TrainingLog(const TrainingLog &) = delete;
  TrainingLog &operator=(const TrainingLog &) = delete;
  ~TrainingLog();

  /// CSV if the path ends so, else JSON lines. Appends if training goes on.
  Expected<void> open(const std::string &path, const TrainingState &state);
  /// Adds the last epoch; nothing if no file is open.
  Expected<void> write(const TrainingState &state, double seconds);

private:
  Error failure() const;

  std::string path;
  bool isCsv = false;
  std::FILE *file = nullptr;
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_TRAININGLOG_H
