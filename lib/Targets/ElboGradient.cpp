//===- ElboGradient.cpp - The ELBO of an external target ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Targets.h"

#include <cmath>

using namespace flowc;

namespace {
/// What one call needs, in the kernels' element type.
template <typename T>
struct Step {
  Kernels &kernels;
  const Model &model;
  const TargetDraws &draws;
  std::vector<T> x, logQ, eventCotangent, logQCotangent;

  Expected<void> run(Kernels::Call call, std::vector<const void *> inputs) {
    if (kernels.flow().condShape())
      inputs.insert(inputs.begin() + (call.kernel == Kernel::Score ? 1 : 0), draws.condition);
    call.inputs = std::move(inputs);
    call.rows = draws.rows;
    call.first = draws.first;
    call.seed = draws.seed;
    return kernels.run(model, call);
  }
};
} // namespace

template <typename T>
static Expected<double> elboGradientAs(Kernels &kernels, const Model &model, const ExternalTarget &target,
                                       const TargetDraws &draws, std::span<double> gradient) {
  auto rows = static_cast<size_t>(draws.rows), dim = static_cast<size_t>(target.dim);
  Step<T> step{kernels, model, draws, {}, {}, {}, {}};
  step.x.resize(rows * dim);
  step.logQ.resize(rows);
  if (auto ok = step.run({.kernel = Kernel::SampleAndLogProb, .outputs = {step.x.data(), step.logQ.data()}}, {}); !ok)
    return ok.takeError();

  std::vector<double> x(step.x.begin(), step.x.end()), logP(rows), slopes(rows * dim);
  if (auto ok = target.evaluate(x.data(), draws.rows, logP.data(), slopes.data(), draws.threads); !ok)
    return ok.takeError();

  // Of the loss of a row, log q - log p: d/dx = -d log p / dx, d / d log q = 1. Sticking the
  // landing takes log q(x) with constant parameters: d/dx gets the score of q instead.
  step.eventCotangent.resize(rows * dim);
  if (draws.stickTheLanding)
    if (auto ok = step.run({.kernel = Kernel::Score, .outputs = {step.eventCotangent.data()}}, {step.x.data()}); !ok)
      return ok.takeError();
  double loss = 0, share = 1 / static_cast<double>(draws.rows);
  for (size_t i = 0; i < rows * dim; ++i)
    step.eventCotangent[i] = static_cast<T>((static_cast<double>(step.eventCotangent[i]) - slopes[i]) * share);
  for (size_t row = 0; row < rows; ++row)
    loss += (static_cast<double>(step.logQ[row]) - logP[row]) * share;
  step.logQCotangent.assign(rows, static_cast<T>(draws.stickTheLanding ? 0 : share));
  Kernels::Call call{.kernel = Kernel::SampleVjpParams, .mean = false, .gradient = gradient.data()};
  if (auto ok = step.run(std::move(call), {step.eventCotangent.data(), step.logQCotangent.data()}); !ok)
    return ok.takeError();
  return loss;
}

Expected<double> flowc::elboGradient(Kernels &kernels, const Model &model, const ExternalTarget &target,
                                     const TargetDraws &draws, std::span<double> gradient) {
  const Flow &flow = kernels.flow();
  if (target.dim != flow.dim())
    return Error{"the target '" + target.name + "' has " + std::to_string(target.dim) + " coordinates, the flow '" +
                 flow.name() + "' has " + std::to_string(flow.dim())};
  if (static_cast<int64_t>(gradient.size()) != model.numTrainable())
    return Error{"the gradient of '" + flow.name() + "' has " + std::to_string(model.numTrainable()) +
                 " numbers, but there is room for " + std::to_string(gradient.size())};
  if (draws.rows < 1 || (flow.condShape() && !draws.condition))
    return Error{"'" + flow.name() + "' needs at least one draw" +
                 (flow.condShape() ? " and a condition for each" : "")};
  return kernels.dtype() == F32 ? elboGradientAs<float>(kernels, model, target, draws, gradient)
                                : elboGradientAs<double>(kernels, model, target, draws, gradient);
}
