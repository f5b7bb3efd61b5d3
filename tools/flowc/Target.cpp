//===- Target.cpp - Targets of the commands -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Target.h"

using namespace flowc;
using namespace flowc::tool;

Expected<LogDensity> tool::compileTarget(const std::string &path, const Flow &flow, const ModelOptions &options) {
  auto density = loadTarget(path);
  if (!density)
    return density.takeError();
  if (!*density)
    return Error{"no target is given: add --target FILE.flow"};
  if ((*density)->dim() != flow.dim())
    return Error{"the target '" + (*density)->name() + "' has " + std::to_string((*density)->dim()) +
                 " coordinates, the flow '" + flow.name() + "' has " + std::to_string(flow.dim())};
  return compileLogDensity(**density, options.compileOptions(F64));
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
                 ", expected one for all draws that a target is compared with"};
  return condition;
}
