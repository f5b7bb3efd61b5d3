//===- Verify.cpp - flowc verify ------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "Progress.h"

#include "flowc/Verification.h"

using namespace flowc;
using namespace flowc::tool;

namespace {

/// What the command ends with if a check fails; 1 is for what could not be checked.
constexpr int kFailed = 2;

struct VerifyCommandOptions {
  ModelOptions model;
  DataOptions data;
  int64_t rows = 1000, draws = 20000;
  uint64_t seed = 0;
  bool json = false;
};

/// The first `most` rows.
Expected<Rows<double>> readRows(RowReader &reader, int64_t most) {
  std::vector<double> values(static_cast<size_t>(most * reader.columns()));
  auto count = reader.next(most, F64, values.data());
  if (!count)
    return count.takeError();
  if (*count == 0)
    return Error{"'" + reader.path() + "' has no rows"};
  return Rows<double>(Eigen::Map<Rows<double>>(values.data(), *count, reader.columns()));
}

/// Reads the rows to check at, if there are some, and the conditions.
Expected<void> readData(const Loaded &loaded, const DataOptions &data, VerifyOptions &options) {
  if (!data.path.empty()) {
    auto events = openEvents(loaded.flow(), loaded.record, data);
    if (!events)
      return events.takeError();
    auto x = readRows(**events, options.rows);
    if (!x)
      return x.takeError();
    options.x = std::move(*x);
  }
  auto conditions = openConditions(loaded.flow(), loaded.record, data);
  if (!conditions)
    return conditions.takeError();
  if (!*conditions)
    return {};
  auto condition = readRows(**conditions, std::max(options.rows, options.draws));
  if (!condition)
    return condition.takeError();
  options.condition = std::move(*condition);
  int64_t given = options.x.rows(), found = options.condition.rows();
  if (given > found && found > 1)
    return Error{"'" + (*conditions)->path() + "' has " + std::to_string(found) + " conditions for " +
                 std::to_string(given) + " rows of '" + data.path + "': expected as many, or one for all"};
  return {};
}

Expected<int> runVerify(const VerifyCommandOptions &options) {
  if (auto ok = options.data.checkUse(); !ok)
    return ok.takeError();
  auto loaded = loadModel(options.model);
  if (!loaded)
    return loaded.takeError();
  VerifyOptions choice{.rows = options.rows,
                       .draws = options.draws,
                       .seed = options.seed,
                       .threads = options.model.threads,
                       .useCache = !options.model.noCache};
  if (auto ok = readData(*loaded, options.data, choice); !ok)
    return ok.takeError();
  Expected<Verification> report = [&] {
    Progress progress("verifying", /*total=*/100, "");
    choice.progress = [&](int64_t done, int64_t all) { progress.update(done * 100 / all); };
    return verify(loaded->model, choice);
  }();
  if (!report)
    return report.takeError();
  std::printf("%s", options.json ? (report->toJson() + "\n").c_str() : report->toText().c_str());
  return report->passed() ? 0 : kFailed;
}

} // namespace

void tool::addVerifyCommand(CLI::App &app, Action &action) {
  auto [command, options] =
      addCommand(app, action, "verify", "Check a model: inverse, log-dets, integral, sampler, float32",
                 "  flowc verify model.safetensors\n"
                 "  flowc verify galaxies.flow --seed 1\n"
                 "  flowc verify model.safetensors --data data.csv --json\n"
                 "  flowc verify model.safetensors --condition c.csv --rows 5000\n\n"
                 "Round trips, log-determinants against Jacobians, Jacobians against differences, log_prob\n"
                 "against its parts, the integral of p (up to three coordinates), draws against p, float32\n"
                 "against float64. A text is checked with its initial parameters.\n"
                 "Exit status: 0 if no check fails, 2 if one does, 1 if nothing could be checked.",
                 runVerify);
  options->model.add(*command, "FILE");
  command->add_option("--data", options->data.path,
                      "Rows to check at instead of draws: .npy, .csv, .tsv or FILE.safetensors:NAME");
  options->data.addShared(*command);
  command->add_option("--rows", options->rows, "Rows to check maps and log-densities at")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(1), int64_t(1) << 24));
  command->add_option("-n,--count", options->draws, "Draws that the sampler is judged by")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(1000), int64_t(1) << 24));
  command->add_option("--seed", options->seed, "Seed of draws")
      ->capture_default_str()
      ->check(isWholeNumber(UINT64_MAX));
  command->add_flag("--json", options->json, "Print one JSON object");
}
