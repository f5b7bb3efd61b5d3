//===- Elbo.cpp - The evidence lower bound --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mean_s log q(y_s) - target(y_s) with y_s = T(z_s): the negative ELBO. Its
// gradient takes log q from the way through T ("elbo"), or leaves out the score of
// q, whose mean is 0 ("stl"; G. Roeder, Y. Wu, D. Duvenaud, "Sticking the landing",
// NeurIPS 2017): then it has no variance where q is the target.
//
//===----------------------------------------------------------------------===//

#include "RowSlopes.h"
#include "WeighedDraws.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace flowc;

namespace {

class Elbo : public Objective {
public:
  /// `program`: Elbo or Stl.
  Elbo(const ObjectiveInfo &info, Program program, std::shared_ptr<Kernels> kernels, const CompileOptions &options)
      : info(info), program(program), drawn(findGradientKernel(program, RowSource::Drawn, false)),
        given(findGradientKernel(program, RowSource::Given, false)),
        weightedDrawn(findGradientKernel(program, RowSource::Drawn, true)),
        weightedGiven(findGradientKernel(program, RowSource::Given, true)), kernels(kernels),
        draws(std::move(kernels), options) {}

  std::string name() const override { return info.name; }
  bool isMeanOfRows() const override { return true; }

  Expected<void> prepare() override {
    auto seconds = kernels->prepare(drawn);
    return seconds ? Expected<void>() : Expected<void>(seconds.takeError());
  }

  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override {
    double loss = 0;
    step.kernel = batch.x ? given : drawn;
    step.inputs.clear();
    addRows(batch, step);
    step.rows = batch.rows;
    step.first = batch.first;
    step.seed = batch.seed;
    step.loss = &loss;
    step.rawGradient = gradient;
    if (auto ok = kernels->run(model, step); !ok)
      return ok.takeError();
    if (std::isfinite(loss))
      return loss;
    return withType(model.dtype(), [&]<typename T>() { return leaveOutFailures<T>(model, batch, loss); });
  }

  Expected<LossSlope> lossAndSlope(const Model &model, const Batch &batch, std::span<const double> direction) override {
    auto found = runDrawSlopes(*kernels, program, model, batch, direction);
    if (!found)
      return found.takeError();
    found->leaveOutRareFailures();
    return found->mean();
  }

  Expected<double> surrogate(const Model &model, const Model &held, const Batch &batch) override {
    auto losses = draws.losses(program, model, held, batch);
    if (!losses)
      return losses.takeError();
    if (countRareFailures(*losses) > 0)
      std::erase_if(*losses, [](double loss) { return !std::isfinite(loss); });
    return std::accumulate(losses->begin(), losses->end(), 0.0) / static_cast<double>(losses->size());
  }

  Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses) override {
    return withType(model.dtype(), [&]<typename T>() { return rowLossesAs<T>(model, batch, losses); });
  }

private:
  /// Loss and gradient of the other draws, if those without a finite loss are rare.
  template <typename T>
  Expected<double> leaveOutFailures(const Model &model, const Batch &batch, double loss);
  template <typename T>
  Expected<void> rowLossesAs(const Model &model, const Batch &batch, std::span<double> losses);

  const ObjectiveInfo &info;
  Program program;
  Kernel drawn, given, weightedDrawn, weightedGiven;
  std::shared_ptr<Kernels> kernels;
  DrawSurrogate draws;
  /// Kept, so that a step allocates nothing.
  Kernels::Call step{.kernel = Kernel::ElboSampleGradient};
};

template <typename T>
Expected<double> Elbo::leaveOutFailures(const Model &model, const Batch &batch, double loss) {
  std::vector<double> losses(static_cast<size_t>(batch.rows));
  if (auto ok = rowLossesAs<T>(model, batch, losses); !ok)
    return ok.takeError();
  int64_t failures = countRareFailures(losses);
  if (failures == 0)
    return loss;
  std::vector<T> weights(losses.size());
  T share = T(1) / static_cast<T>(batch.rows - failures);
  std::ranges::transform(losses, weights.begin(), [&](double value) { return std::isfinite(value) ? share : T(0); });
  Kernels::Call call = step;
  call.kernel = batch.x ? weightedGiven : weightedDrawn;
  call.inputs.push_back(weights.data());
  call.mean = false;
  call.loss = &loss;
  if (auto ok = kernels->run(model, call); !ok)
    return ok.takeError();
  return loss;
}

template <typename T>
Expected<void> Elbo::rowLossesAs(const Model &model, const Batch &batch, std::span<double> losses) {
  WeighedRows<T> drawn;
  if (auto ok = weighRows<T>(*kernels, model, batch, drawn); !ok)
    return ok;
  for (size_t i = 0; i < drawn.target.size(); ++i)
    losses[i] = static_cast<double>(drawn.logProb[i]) - static_cast<double>(drawn.target[i]);
  return {};
}

} // namespace

const ObjectiveInfo flowc::elboInfo = {.name = "elbo",
                                       .formula = "mean_s log q(y_s) - target(y_s), y_s = T(z_s) drawn from q",
                                       .rows = RowSource::Drawn,
                                       .needsDensity = true,
                                       .settings = {},
                                       .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &options,
                                                  std::span<const double>) -> std::unique_ptr<Objective> {
                                         return std::make_unique<Elbo>(elboInfo, Program::Elbo, std::move(kernels),
                                                                       options);
                                       }};

const ObjectiveInfo flowc::stlInfo = {
    .name = "stl",
    .formula = "the loss of elbo; its gradient leaves out that of log q in the parameters (sticking the landing)",
    .rows = RowSource::Drawn,
    .needsDensity = true,
    .settings = {},
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &options,
               std::span<const double>) -> std::unique_ptr<Objective> {
      return std::make_unique<Elbo>(stlInfo, Program::Stl, std::move(kernels), options);
    }};
