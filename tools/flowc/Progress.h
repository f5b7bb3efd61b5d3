//===- Progress.h - A progress bar ------------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_PROGRESS_H
#define FLOWC_TOOLS_FLOWC_PROGRESS_H

#include "flowc/Support/Clock.h"

#include <cstdint>
#include <string>

namespace flowc::tool {

/// One line on standard error that is redrawn a few times a second: a bar, a
/// count, the time left. Draws nothing if standard error is no terminal, or if
/// the work is over before it would be worth it.
class Progress {
public:
  /// `total` may be -1 (not known). Without a unit a percentage is shown. The time
  /// left is reckoned from what is done beyond `done`.
  Progress(std::string label, int64_t total, std::string unit, int64_t done = 0);
  /// Removes the line.
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// `note` follows the bar, e.g. the losses of training.
  void update(int64_t done, const std::string &note = {});
  /// Whether `update` would draw now; spares callers the making of a note.
  bool isDue() const;
  /// Makes room for another line of text.
  void clear();

private:
  std::string label, unit;
  int64_t total, doneBefore;
  bool enabled, drawn = false;
  Clock::time_point start, last;
};

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_PROGRESS_H
