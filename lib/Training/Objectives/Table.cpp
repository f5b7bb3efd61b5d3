//===- Table.cpp - The table of objectives --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Table.h"

#include "flowc/Frontend/Data.h"
#include "flowc/Support/Hash.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

Expected<void> Objective::rowLosses(const Model &, const Batch &, std::span<double>) {
  return Error{"the objective '" + name() + "' has no losses of single rows"};
}

Expected<LossSlope> Objective::lossAndSlope(const Model &, const Batch &, std::span<const double>) {
  return Error{"the objective '" + name() + "' has no forward mode: expected the mode reverse or differences"};
}

Expected<double> Objective::surrogate(const Model &model, const Model &, const Batch &batch) {
  std::vector<std::byte> unused(static_cast<size_t>(model.numTrainable()) * (model.dtype() == F32 ? 4 : 8));
  return lossAndGradient(model, batch, unused.data());
}

//===----------------------------------------------------------------------===//
// Identity
//===----------------------------------------------------------------------===//

std::map<std::string, std::string> Objective::identity() const {
  auto result = origin;
  result.try_emplace("objective", name());
  return result;
}

void Objective::addIdentity(const std::map<std::string, std::string> &parts) {
  for (const auto &[key, value] : parts)
    origin[key] = value;
}

/// Tells the data that a density depends on from other data; 0: none. Which arrays they
/// are says its text.
static uint64_t hashOfData(const Node &density) {
  std::vector<const DataArray *> arrays = getDataArrays(density);
  std::ranges::copy(getPositionSources(density), std::back_inserter(arrays));
  uint64_t hash = arrays.empty() ? 0 : kHashStart;
  for (const DataArray *array : arrays) {
    hash = hashBytes(array->shape.data(), std::ssize(array->shape) * 8, hash);
    hash = hashBytes(array->values.data(), std::ssize(array->values) * 8, hash);
  }
  return hash;
}

std::map<std::string, std::string> flowc::identityOf(const Flow &density, const std::string &role) {
  return {{role, density.text()},
          {role + "_item", density.name()},
          {role + "_data", std::to_string(hashOfData(density.root()))}};
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

void flowc::addRows(const Batch &batch, Kernels::Call &call) {
  for (const void *input : {batch.x, batch.condition})
    if (input)
      call.inputs.push_back(input);
}

int64_t flowc::countRareFailures(std::span<const double> losses) {
  auto failures = std::ranges::count_if(losses, [](double loss) { return !std::isfinite(loss); });
  auto most = std::max<int64_t>(1, static_cast<int64_t>(losses.size()) / 100);
  return failures <= most && failures < static_cast<int64_t>(losses.size()) ? failures : 0;
}

std::span<const ObjectiveInfo *const> flowc::objectiveTable() { return kObjectives; }

Expected<const ObjectiveInfo *> flowc::findObjective(std::string_view name) {
  return findRow<ObjectiveInfo>("objective", name, kObjectives);
}

Expected<std::unique_ptr<Objective>> flowc::makeObjective(const Choice &objective, const Flow &flow,
                                                          const CompileOptions &options) {
  auto info = findObjective(objective.name);
  if (!info)
    return info.takeError();
  auto settings = resolveSettings("objective", objective, (*info)->settings);
  if (!settings)
    return settings.takeError();
  if ((*info)->needsDensity && !options.target)
    return Error{"the objective '" + objective.name + "' needs a " +
                 ((*info)->rows == RowSource::Drawn ? "target density" : "density, the prior")};
  auto kernels = compile(flow, options);
  if (!kernels)
    return kernels.takeError();
  auto made = (*info)->make(std::move(*kernels), options, *settings);
  made->addIdentity({{"objective", objective.text()}});
  if ((*info)->needsDensity)
    made->addIdentity(identityOf(*options.target, (*info)->rows == RowSource::Drawn ? "target" : "prior"));
  return made;
}

namespace {

/// An objective that a user wrote as a function of doubles.
class FunctionObjective : public Objective {
public:
  FunctionObjective(std::string label, LossFunction function)
      : label(std::move(label)), function(std::move(function)) {}

  std::string name() const override { return label; }

  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override {
    if (model.dtype() == F64)
      return function(model, batch, {static_cast<double *>(gradient), static_cast<size_t>(model.numTrainable())});
    wide.assign(static_cast<size_t>(model.numTrainable()), 0.0);
    auto loss = function(model, batch, wide);
    std::copy(wide.begin(), wide.end(), static_cast<float *>(gradient));
    return loss;
  }

private:
  std::string label;
  LossFunction function;
  std::vector<double> wide;
};

} // namespace

std::unique_ptr<Objective> flowc::makeObjective(std::string name, LossFunction function) {
  return std::make_unique<FunctionObjective>(std::move(name), std::move(function));
}
