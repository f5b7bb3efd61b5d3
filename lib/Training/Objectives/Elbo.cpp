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

#include "WeighedDraws.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

/// The kernel that differentiates `program` in the parameters.
Kernel findGradient(Program program, RowSource rows, bool weighted) {
  return std::ranges::find_if(kKernels,
                              [&](const KernelSpec &spec) {
                                return spec.program == program && spec.derivative == Derivative::Params &&
                                       spec.rows == rows && spec.weighted == weighted;
                              })
      ->kernel;
}

class Elbo : public Objective {
public:
  /// `program`: Elbo or Stl.
  Elbo(const ObjectiveInfo &info, Program program, std::shared_ptr<Kernels> kernels)
      : info(info), drawn(findGradient(program, RowSource::Drawn, false)),
        given(findGradient(program, RowSource::Given, false)),
        weightedDrawn(findGradient(program, RowSource::Drawn, true)),
        weightedGiven(findGradient(program, RowSource::Given, true)), kernels(std::move(kernels)) {}

  std::string name() const override { return info.name; }

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
    return model.dtype() == F32 ? leaveOutFailures<float>(model, batch, loss)
                                : leaveOutFailures<double>(model, batch, loss);
  }

  Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses) override {
    return model.dtype() == F32 ? rowLossesAs<float>(model, batch, losses) : rowLossesAs<double>(model, batch, losses);
  }

private:
  /// Loss and gradient of the other draws, if those without a finite loss are rare.
  template <typename T>
  Expected<double> leaveOutFailures(const Model &model, const Batch &batch, double loss);
  template <typename T>
  Expected<void> rowLossesAs(const Model &model, const Batch &batch, std::span<double> losses);

  const ObjectiveInfo &info;
  Kernel drawn, given, weightedDrawn, weightedGiven;
  std::shared_ptr<Kernels> kernels;
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
                                       .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &,
                                                  std::span<const double>) -> std::unique_ptr<Objective> {
                                         return std::make_unique<Elbo>(elboInfo, Program::Elbo, std::move(kernels));
                                       }};

const ObjectiveInfo flowc::stlInfo = {
    .name = "stl",
    .formula = "the loss of elbo; its gradient leaves out that of log q in the parameters (sticking the landing)",
    .rows = RowSource::Drawn,
    .needsDensity = true,
    .settings = {},
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &, std::span<const double>)
        -> std::unique_ptr<Objective> { return std::make_unique<Elbo>(stlInfo, Program::Stl, std::move(kernels)); }};
