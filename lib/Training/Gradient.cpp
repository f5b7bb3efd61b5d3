//===- Gradient.cpp - Gradients of any objective, three ways --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/flowc.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

static Expected<ValueAndGradient> goBack(Objective &objective, const Model &model, const Batch &batch) {
  auto count = static_cast<size_t>(model.numTrainable());
  ValueAndGradient result{0, std::vector<double>(count)};
  std::vector<float> narrow(model.dtype() == F32 ? count : 0);
  void *raw = model.dtype() == F32 ? static_cast<void *>(narrow.data()) : result.gradient.data();
  auto loss = objective.lossAndGradient(model, batch, raw);
  if (!loss)
    return loss.takeError();
  std::ranges::copy(narrow, result.gradient.begin());
  result.value = *loss;
  return result;
}

static Expected<ValueAndGradient> goForward(Objective &objective, const Model &model, const Batch &batch) {
  std::vector<double> direction(static_cast<size_t>(model.numTrainable()));
  ValueAndGradient result;
  result.gradient.reserve(direction.size());
  if (direction.empty()) {
    auto found = objective.lossAndSlope(model, batch, direction);
    if (!found)
      return found.takeError();
    result.value = found->loss;
  }
  for (double &entry : direction) {
    entry = 1;
    auto found = objective.lossAndSlope(model, batch, direction);
    if (!found)
      return found.takeError();
    entry = 0;
    result.value = found->loss;
    result.gradient.push_back(found->slope);
  }
  return result;
}

static Expected<ValueAndGradient> takeDifferences(Objective &objective, const Model &model, const Batch &batch,
                                                  double step) {
  if (model.dtype() != F64)
    return Error{"differences of a loss in float32 would be nothing but rounding: expected a model in float64 "
                 "(Model::astype, --dtype f64)"};
  if (!(step > 0) || !std::isfinite(step))
    return Error{"the step of differences is " + std::to_string(step) + ", expected a positive number"};
  Model moved = model;
  std::vector<double> parameters = model.trainable();
  auto lossAt = [&]() -> Expected<double> {
    if (auto ok = moved.setTrainable(parameters); !ok)
      return ok.takeError();
    auto loss = objective.surrogate(moved, model, batch);
    if (loss && !std::isfinite(*loss))
      return Error{"the loss of the objective '" + objective.name() +
                   "' is not finite here, so that there are no differences of it"};
    return loss;
  };
  auto value = lossAt();
  if (!value)
    return value.takeError();
  ValueAndGradient result{*value, {}};
  result.gradient.reserve(parameters.size());
  for (double &parameter : parameters) {
    double middle = parameter, reach = step * std::max(1.0, std::abs(middle));
    // What is there after rounding is what the differences are divided by.
    double high = middle + reach, low = middle - reach;
    parameter = high;
    auto above = lossAt();
    if (!above)
      return above.takeError();
    parameter = low;
    auto below = lossAt();
    if (!below)
      return below.takeError();
    parameter = middle;
    result.gradient.push_back((*above - *below) / (high - low));
  }
  return result;
}

Expected<ValueAndGradient> flowc::valueAndGradient(Objective &objective, const Model &model, const Batch &batch,
                                                   const GradientOptions &options) {
  switch (options.mode) {
  case GradientMode::Reverse:
    return goBack(objective, model, batch);
  case GradientMode::Forward:
    return goForward(objective, model, batch);
  case GradientMode::Differences:
    return takeDifferences(objective, model, batch, options.step);
  }
  return Error{"there is no such mode of gradients"};
}

Expected<std::vector<double>> flowc::gradient(Objective &objective, const Model &model, const Batch &batch,
                                              const GradientOptions &options) {
  auto result = valueAndGradient(objective, model, batch, options);
  if (!result)
    return result.takeError();
  return std::move(result->gradient);
}
