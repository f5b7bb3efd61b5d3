//===- Target.cpp - Targets of the commands -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Target.h"

#include "flowc/IO/File.h"
#include "flowc/Targets.h"

using namespace flowc;
using namespace flowc::tool;

void TargetSource::add(CLI::App &command, const std::string &use) {
  CLI::Option *target = command.add_option(
      "--target", path,
      "A density" + use + ": the text of it (.flow) or a shared library (.so; see flowc/target.h, BridgeStan)");
  command.add_option("--target-data", data, "What a shared library is to load, e.g. a JSON file of a Stan model")
      ->needs(target);
}

/// Fails unless the target has as many coordinates as the flow.
static Expected<void> checkDim(const std::string &name, int64_t dim, const Flow &flow) {
  if (dim == flow.dim())
    return {};
  return Error{"the target '" + name + "' has " + std::to_string(dim) + " coordinates, the flow '" + flow.name() +
               "' has " + std::to_string(flow.dim())};
}

Expected<TrainingTarget> tool::loadTrainingTarget(const TargetSource &source) {
  if (isTargetLibrary(source.path)) {
    auto library = loadTargetLibrary(source.path, source.data);
    if (!library)
      return library.takeError();
    return TrainingTarget(std::move(*library));
  }
  if (!source.data.empty())
    return Error{"--target-data is for a shared library, but '" + source.path + "' is the text of a density"};
  auto density = loadTarget(source.path);
  if (!density)
    return density.takeError();
  return TrainingTarget(std::move(**density));
}

Expected<ObjectiveSource> tool::readObjective(const std::string &option) {
  if (option.ends_with(".flow")) {
    auto text = readFile(option);
    if (!text)
      return text.takeError();
    return ObjectiveSource{Choice(option), std::move(*text)};
  }
  auto choice = Choice::parse(option);
  if (!choice)
    return choice.takeError();
  return ObjectiveSource{std::move(*choice)};
}

Expected<LogDensity> tool::compileTarget(const TrainingTarget &target, const Flow &flow, const ModelOptions &options) {
  if (auto ok = checkDim(target.name(), target.dim(), flow); !ok)
    return ok.takeError();
  auto function = target.function(options.compileOptions(F64));
  if (!function)
    return function.takeError();
  return LogDensity([function = std::move(*function)](const double *x, int64_t rows, double *result) {
    return function(x, rows, result, /*gradient=*/nullptr);
  });
}

Expected<LogDensity> tool::compileTarget(const TargetSource &source, const Flow &flow, const ModelOptions &options) {
  auto target = loadTrainingTarget(source);
  if (!target)
    return target.takeError();
  return compileTarget(*target, flow, options);
}

Expected<std::vector<double>> tool::readOneCondition(const Loaded &loaded, const DataOptions &options) {
  auto reader = openConditions(loaded.flow(), loaded.record, options);
  if (!reader)
    return reader.takeError();
  if (!*reader)
    return std::vector<double>();
  std::vector<double> condition(static_cast<size_t>((*reader)->columns())), surplus = condition;
  auto first = (*reader)->next(1, F64, condition.data());
  if (!first)
    return first.takeError();
  auto second = (*reader)->next(1, F64, surplus.data());
  if (!second)
    return second.takeError();
  if (*first != 1 || *second != 0)
    return Error{"'" + (*reader)->path() + "' has " + (*first ? "more than one condition" : "no condition") +
                 ", expected one for all draws"};
  return condition;
}
