//===- TrainingLog.h - Losses in a file -------------------------*- C++ -*-===//
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

/// One line for each epoch, or for each step of a training without epochs; written
/// line by line, so that others can watch it grow.
class TrainingLog {
public:
  TrainingLog() = default;
  TrainingLog(const TrainingLog &) = delete;
  TrainingLog &operator=(const TrainingLog &) = delete;
  ~TrainingLog();

  /// CSV if the path ends so, else JSON lines: what the trainer knows by now, all of it
  /// after a resume. A file of this name is replaced by a whole one.
  Expected<void> open(const std::string &path, const Trainer &trainer);
  /// Adds what the trainer knows and the file does not have: after a resume, the
  /// whole training, so that each line is there once. Nothing if no file is open.
  Expected<void> write(const Trainer &trainer);

private:
  Error failure() const;
  using Fields = std::vector<std::pair<const char *, double>>;
  void writeLine(const Fields &fields);

  std::string path;
  bool isCsv = false;
  std::FILE *file = nullptr;
  size_t lines = 0;
  /// The epoch of the lowest validation loss so far.
  size_t best = 0;
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_TRAININGLOG_H
