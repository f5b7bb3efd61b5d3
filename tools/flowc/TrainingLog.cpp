//===- TrainingLog.cpp - Losses in a file ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainingLog.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

using namespace flowc;
using namespace flowc::tool;

TrainingLog::~TrainingLog() {
  if (file)
    std::fclose(file);
}

Error TrainingLog::failure() const { return {"cannot write '" + path + "': " + std::strerror(errno)}; }

Expected<void> TrainingLog::open(const std::string &name, const Trainer &trainer) {
  path = name;
  isCsv = path.ends_with(".csv");
  std::error_code none;
  std::string written = std::filesystem::is_regular_file(path, none) ? path + ".tmp" : path;
  file = std::fopen(written.c_str(), "w");
  if (!file)
    return failure();
  if (auto ok = write(trainer); !ok)
    return ok;
  if (written != path && std::rename(written.c_str(), path.c_str()) != 0)
    return failure();
  return {};
}

void TrainingLog::writeLine(const Fields &fields) {
  if (isCsv && lines == 0)
    for (const auto &[name, value] : fields)
      std::fprintf(file, "%s%c", name, name == fields.back().first ? '\n' : ',');
  ++lines;
  std::fputs(isCsv ? "" : "{", file);
  for (size_t i = 0; i < fields.size(); ++i) {
    auto [name, value] = fields[i];
    if (i > 0)
      std::fputs(isCsv ? "," : ", ", file);
    if (!isCsv)
      std::fprintf(file, "\"%s\": ", name);
    if (!isCsv && !std::isfinite(value)) // JSON knows no NaN.
      std::fputs("null", file);
    else
      std::fprintf(file, std::strcmp(name, "seconds") == 0 ? "%.3f" : "%.17g", value);
  }
  std::fputs(isCsv ? "\n" : "}\n", file);
  std::fflush(file); // Whole lines, whenever the process is killed.
}

Expected<void> TrainingLog::write(const Trainer &trainer) {
  if (!file)
    return {};
  const TrainingState &state = trainer.state();
  const auto &steps = trainer.statistics();
  for (; lines < steps.size();) {
    const StepStatistics &step = steps[lines];
    Fields fields = {{"step", static_cast<double>(step.iteration)},
                     {"loss", step.loss},
                     {"gradient_norm", step.gradientNorm},
                     {"learning_rate", step.learningRate}};
    for (const auto &[name, value] : step.values)
      fields.emplace_back(name.c_str(), value);
    fields.emplace_back("seconds", step.seconds);
    writeLine(fields);
  }
  for (size_t epoch = lines; steps.empty() && epoch < state.valLosses.size(); ++epoch) {
    if (epoch == 0 || state.valLosses[epoch] < state.valLosses[best] || std::isnan(state.valLosses[best]))
      best = epoch;
    writeLine({{"epoch", static_cast<double>(epoch + 1)},
               {"train_loss", state.trainLosses[epoch]},
               {"val_loss", state.valLosses[epoch]},
               {"best_epoch", static_cast<double>(best + 1)},
               {"gradient_norm", state.gradientNorms[epoch]},
               {"learning_rate", state.rates[epoch]},
               {"recoveries", state.recoveryCounts[epoch]},
               {"seconds", state.seconds[epoch]}});
  }
  // A line that could not be written leaves its mark, even if nothing is left to write.
  return std::fflush(file) == 0 && !std::ferror(file) ? Expected<void>() : Expected<void>(failure());
}
