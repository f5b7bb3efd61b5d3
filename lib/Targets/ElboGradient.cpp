//===- ElboGradient.cpp - The ELBO of an external target ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Support/WithType.h"
#include "flowc/Targets.h"

using namespace flowc;

namespace {
/// What one call needs, in the kernels' element type T.
template <typename T>
class Step {
public:
  Step(Kernels &kernels, const Model &model, const ExternalTarget &target, const TargetDraws &draws)
      : kernels(kernels), model(model), target(target), draws(draws), rows(static_cast<size_t>(draws.rows)),
        size(rows * static_cast<size_t>(target.dim)), x(size), logQ(rows), logP(rows) {}

  /// Draws from q, and what the target says of the draws; `slopes` may be null.
  Expected<void> draw(double *slopes) {
    if (auto ok = run({.kernel = Kernel::SampleAndLogProb, .outputs = {x.data(), logQ.data()}}, {}); !ok)
      return ok;
    std::vector<double> wide(x.begin(), x.end());
    return target.evaluate(wide.data(), draws.rows, logP.data(), slopes, draws.threads);
  }

  double term(size_t row) const { return static_cast<double>(logQ[row]) - logP[row]; }

  /// The gradient of the mean of the terms, after `draw`.
  Expected<void> pullBack(const std::vector<double> &slopes, std::span<double> gradient);

private:
  Expected<void> run(Kernels::Call call, std::vector<const void *> inputs) {
    if (kernels.flow().condShape())
      inputs.insert(inputs.begin() + (call.kernel == Kernel::Score ? 1 : 0), draws.condition);
    call.inputs = std::move(inputs);
    call.rows = draws.rows;
    call.first = draws.first;
    call.seed = draws.seed;
    return kernels.run(model, call);
  }

  Kernels &kernels;
  const Model &model;
  const ExternalTarget &target;
  const TargetDraws &draws;
  size_t rows, size;
  std::vector<T> x, logQ;
  std::vector<double> logP;
};
} // namespace

// Of a term, log q - log p: d/dx = -d log p / dx, d / d log q = 1. Sticking the landing takes
// log q(x) with constant parameters: d/dx gets the score of q instead.
template <typename T>
Expected<void> Step<T>::pullBack(const std::vector<double> &slopes, std::span<double> gradient) {
  std::vector<T> eventCotangent(size), logQCotangent(rows);
  if (draws.stickTheLanding)
    if (auto ok = run({.kernel = Kernel::Score, .outputs = {eventCotangent.data()}}, {x.data()}); !ok)
      return ok;
  double share = 1 / static_cast<double>(draws.rows);
  for (size_t i = 0; i < size; ++i)
    eventCotangent[i] = static_cast<T>((static_cast<double>(eventCotangent[i]) - slopes[i]) * share);
  logQCotangent.assign(rows, static_cast<T>(draws.stickTheLanding ? 0 : share));
  Kernels::Call call{.kernel = Kernel::SampleVjpParams, .mean = false, .gradient = gradient.data()};
  return run(std::move(call), {eventCotangent.data(), logQCotangent.data()});
}

template <typename T>
static Expected<double> elboGradientAs(Kernels &kernels, const Model &model, const ExternalTarget &target,
                                       const TargetDraws &draws, std::span<double> gradient) {
  Step<T> step(kernels, model, target, draws);
  std::vector<double> slopes(static_cast<size_t>(draws.rows * target.dim));
  if (auto ok = step.draw(slopes.data()); !ok)
    return ok.takeError();
  if (auto ok = step.pullBack(slopes, gradient); !ok)
    return ok.takeError();
  double loss = 0;
  for (int64_t row = 0; row < draws.rows; ++row)
    loss += step.term(static_cast<size_t>(row)) / static_cast<double>(draws.rows);
  return loss;
}

template <typename T>
static Expected<void> elboTermsAs(Kernels &kernels, const Model &model, const ExternalTarget &target,
                                  const TargetDraws &draws, std::span<double> terms) {
  Step<T> step(kernels, model, target, draws);
  if (auto ok = step.draw(nullptr); !ok)
    return ok;
  for (size_t row = 0; row < terms.size(); ++row)
    terms[row] = step.term(row);
  return {};
}

static Expected<void> checkDraws(const Flow &flow, const ExternalTarget &target, const TargetDraws &draws) {
  if (target.dim != flow.dim())
    return Error{"the target '" + target.name + "' has " + std::to_string(target.dim) + " coordinates, the flow '" +
                 flow.name() + "' has " + std::to_string(flow.dim())};
  if (draws.rows < 1 || (flow.condShape() && !draws.condition))
    return Error{"'" + flow.name() + "' needs at least one draw" +
                 (flow.condShape() ? " and a condition for each" : "")};
  if (auto ok = detail::checkSize(draws.rows, 2 * flow.dim() + 2, sizeof(double)); !ok)
    return ok;
  return {};
}

Expected<double> flowc::elboGradient(Kernels &kernels, const Model &model, const ExternalTarget &target,
                                     const TargetDraws &draws, std::span<double> gradient) {
  if (auto ok = checkDraws(kernels.flow(), target, draws); !ok)
    return ok.takeError();
  if (static_cast<int64_t>(gradient.size()) != model.numTrainable())
    return Error{"the gradient of '" + kernels.flow().name() + "' has " + std::to_string(model.numTrainable()) +
                 " numbers, but there is room for " + std::to_string(gradient.size())};
  return withType(kernels.dtype(),
                  [&]<typename T>() { return elboGradientAs<T>(kernels, model, target, draws, gradient); });
}

Expected<void> flowc::elboTerms(Kernels &kernels, const Model &model, const ExternalTarget &target,
                                const TargetDraws &draws, std::span<double> terms) {
  if (auto ok = checkDraws(kernels.flow(), target, draws); !ok)
    return ok;
  if (static_cast<int64_t>(terms.size()) != draws.rows)
    return Error{"there are " + std::to_string(draws.rows) + " draws, but there is room for " +
                 std::to_string(terms.size()) + " terms"};
  return withType(kernels.dtype(), [&]<typename T>() { return elboTermsAs<T>(kernels, model, target, draws, terms); });
}
