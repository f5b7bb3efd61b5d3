//===- Schedule.h - Learning rates over a training --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_SCHEDULE_H
#define FLOWC_TRAINING_SCHEDULE_H

#include "flowc/Training/Settings.h"

#include <cstdint>
#include <memory>

namespace flowc {

class Archive;

/// By what the learning rate is multiplied.
class Schedule {
public:
  virtual ~Schedule() = default;
  /// The factor of step `step`, counted from 0.
  virtual double factor(int64_t step) const = 0;
  /// Sees the validation loss of every epoch, or of every round of steps.
  virtual void observe(double /*loss*/) {}
  /// Names the state, if there is one.
  virtual void describe(Archive & /*archive*/) {}
};

/// A row of the table of schedules.
struct ScheduleInfo {
  const char *name;
  const char *formula; ///< For the help; t is the step, N the number of steps.
  std::vector<Setting> settings;
  bool usesLength; ///< Depends on the number of steps of the whole training.
  std::unique_ptr<Schedule> (*make)(const std::vector<double> &settings, int64_t steps);
};

/// All schedules.
std::span<const ScheduleInfo> scheduleTable();
Expected<const ScheduleInfo *> findSchedule(std::string_view name);
/// The chosen schedule of a training of `steps` steps.
Expected<std::unique_ptr<Schedule>> makeSchedule(const Choice &choice, int64_t steps);

} // namespace flowc

#endif // FLOWC_TRAINING_SCHEDULE_H
