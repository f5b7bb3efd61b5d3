//===- Schedules.cpp - Learning rates over a training ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The formulas are those of optax.schedules and, for the plateau, of
// optax.contrib.reduce_on_plateau.
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Archive.h"
#include "flowc/Training/Schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace flowc;

namespace {

/// Half a period of the cosine, from 1 to `end`.
double cosineDecay(double share, double end) {
  return (1 - end) * 0.5 * (1 + std::cos(std::numbers::pi * std::min(share, 1.0))) + end;
}

class Constant : public Schedule {
public:
  double factor(int64_t) const override { return 1; }
};

class Cosine : public Schedule {
public:
  Cosine(double end, int64_t steps) : end(end), steps(static_cast<double>(std::max<int64_t>(steps, 1))) {}
  double factor(int64_t step) const override { return cosineDecay(static_cast<double>(step) / steps, end); }

private:
  double end, steps;
};

class Exponential : public Schedule {
public:
  Exponential(double decay, double steps) : decay(decay), steps(steps) {}
  double factor(int64_t step) const override { return std::pow(decay, static_cast<double>(step) / steps); }

private:
  double decay, steps;
};

class WarmupCosine : public Schedule {
public:
  WarmupCosine(double share, double end, int64_t steps)
      : end(end), warmup(std::floor(share * static_cast<double>(steps))),
        decay(std::max(static_cast<double>(steps) - warmup, 1.0)) {}
  double factor(int64_t step) const override {
    // One step ahead of optax, whose first step has a rate of 0 and does nothing.
    auto at = static_cast<double>(step + 1);
    return at <= warmup ? at / warmup : cosineDecay((at - warmup) / decay, end);
  }

private:
  double end, warmup, decay;
};

class ReduceOnPlateau : public Schedule {
public:
  ReduceOnPlateau(double reduction, double patience, double tolerance, double cooldown, double least)
      : reduction(reduction), tolerance(tolerance), least(least), patience(static_cast<int64_t>(patience)),
        cooldown(static_cast<int64_t>(cooldown)) {}
  double factor(int64_t) const override { return scale; }

  void observe(double loss) override {
    if (loss < (1 - std::copysign(tolerance, best)) * best || !std::isfinite(best)) {
      best = std::isnan(loss) ? best : loss;
      fruitless = 0;
    } else {
      ++fruitless;
    }
    if (rest > 0) {
      --rest;
      fruitless = 0;
    } else if (fruitless >= patience) {
      fruitless = 0;
      rest = cooldown;
      scale = std::max(scale * reduction, least);
    }
  }

  void describe(Archive &archive) override {
    archive.number("plateau.scale", scale);
    archive.number("plateau.best", best, /*mayBeInfinite=*/true);
    archive.count("plateau.fruitless", fruitless);
    archive.count("plateau.rest", rest);
  }

private:
  double reduction, tolerance, least, scale = 1, best = std::numeric_limits<double>::infinity();
  int64_t patience, cooldown, fruitless = 0, rest = 0;
};

constexpr double kMostSteps = 1e15;
const Setting endSetting = {"end", 0, 0, 1, "the last factor"};

const ScheduleInfo table[] = {
    {"constant",
     "1",
     {},
     false,
     [](const std::vector<double> &, int64_t) -> std::unique_ptr<Schedule> { return std::make_unique<Constant>(); }},
    {"cosine",
     "end + (1 - end) (1 + cos(pi t / N)) / 2",
     {endSetting},
     true,
     [](const std::vector<double> &s, int64_t steps) -> std::unique_ptr<Schedule> {
       return std::make_unique<Cosine>(s[0], steps);
     }},
    {"exponential",
     "decay^(t / steps)",
     {{"decay", 0.5, 1e-300, 1, "the factor after so many steps"}, {"steps", 1000, 1, kMostSteps, "how many"}},
     false,
     [](const std::vector<double> &s, int64_t) -> std::unique_ptr<Schedule> {
       return std::make_unique<Exponential>(s[0], s[1]);
     }},
    {"warmup_cosine",
     "t / W up to 1, then the cosine over the remaining N - W steps, where W = warmup N",
     {{"warmup", 0.05, 0, 1, "share of the steps"}, endSetting},
     true,
     [](const std::vector<double> &s, int64_t steps) -> std::unique_ptr<Schedule> {
       return std::make_unique<WarmupCosine>(s[0], s[1], steps);
     }},
    {"plateau",
     "times factor when the validation loss has not become lower for patience epochs",
     {{"factor", 0.1, 1e-300, kBelowOne, "of the reduction"},
      {"patience", 10, 1, kMostSteps, "epochs, or rounds of a target"},
      {"rtol", 1e-4, 0, 1, "relative improvement that counts"},
      {"cooldown", 0, 0, kMostSteps, "epochs after a reduction that do not count"},
      {"least", 0, 0, 1, "the lowest factor"}},
     false,
     [](const std::vector<double> &s, int64_t) -> std::unique_ptr<Schedule> {
       return std::make_unique<ReduceOnPlateau>(s[0], s[1], s[2], s[3], s[4]);
     }},
};

} // namespace

std::span<const ScheduleInfo> flowc::scheduleTable() { return table; }

Expected<const ScheduleInfo *> flowc::findSchedule(std::string_view name) {
  return findRow<ScheduleInfo>("schedule", name, table);
}

Expected<std::unique_ptr<Schedule>> flowc::makeSchedule(const Choice &choice, int64_t steps) {
  auto info = findSchedule(choice.name);
  if (!info)
    return info.takeError();
  auto settings = resolveSettings("schedule", choice, (*info)->settings);
  if (!settings)
    return settings.takeError();
  return (*info)->make(*settings, steps);
}
