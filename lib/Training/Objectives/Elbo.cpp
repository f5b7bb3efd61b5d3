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

#include "Table.h"

#include <algorithm>

using namespace flowc;

namespace {

class Elbo : public Objective {
public:
  Elbo(const ObjectiveInfo &info, Kernel drawn, Kernel given, std::shared_ptr<Kernels> kernels)
      : info(info), drawn(drawn), given(given), kernels(std::move(kernels)) {}

  std::string name() const override { return info.name; }

  Expected<void> prepare() override {
    auto seconds = kernels->prepare(drawn);
    return seconds ? Expected<void>() : Expected<void>(seconds.takeError());
  }

  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override {
    double loss = 0;
    step.kernel = batch.x ? given : drawn;
    step.inputs.clear();
    for (const void *input : {batch.x, batch.condition})
      if (input)
        step.inputs.push_back(input);
    step.rows = batch.rows;
    step.first = batch.first;
    step.seed = batch.seed;
    step.loss = &loss;
    step.rawGradient = gradient;
    if (auto ok = kernels->run(model, step); !ok)
      return ok.takeError();
    return loss;
  }

  Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses) override {
    return model.dtype() == F32 ? rowLossesAs<float>(model, batch, losses) : rowLossesAs<double>(model, batch, losses);
  }

private:
  template <typename T>
  Expected<void> rowLossesAs(const Model &model, const Batch &batch, std::span<double> losses);

  const ObjectiveInfo &info;
  Kernel drawn, given;
  std::shared_ptr<Kernels> kernels;
  /// Kept, so that a step allocates nothing.
  Kernels::Call step{.kernel = Kernel::ElboSampleGradient};
};

template <typename T>
Expected<void> Elbo::rowLossesAs(const Model &model, const Batch &batch, std::span<double> losses) {
  auto rows = static_cast<size_t>(batch.rows);
  std::vector<T> y(rows * static_cast<size_t>(model.flow().dim())), logProb(rows), logTarget(rows);
  Kernels::Call weigh{.kernel = batch.x ? Kernel::Weigh : Kernel::SampleAndWeigh,
                      .outputs = {y.data(), logProb.data(), logTarget.data()},
                      .rows = batch.rows,
                      .first = batch.first,
                      .seed = batch.seed};
  for (const void *input : {batch.x, batch.condition})
    if (input)
      weigh.inputs.push_back(input);
  if (auto ok = kernels->run(model, weigh); !ok)
    return ok;
  for (size_t i = 0; i < rows; ++i)
    losses[i] = static_cast<double>(logProb[i]) - static_cast<double>(logTarget[i]);
  return {};
}

} // namespace

const ObjectiveInfo flowc::elboInfo = {
    .name = "elbo",
    .formula = "mean_s log q(y_s) - target(y_s), y_s = T(z_s) drawn from q",
    .needsTarget = true,
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &) -> std::unique_ptr<Objective> {
      return std::make_unique<Elbo>(elboInfo, Kernel::ElboSampleGradient, Kernel::ElboGradient, std::move(kernels));
    }};

const ObjectiveInfo flowc::stlInfo = {
    .name = "stl",
    .formula = "the loss of elbo; its gradient leaves out that of log q in the parameters (sticking the landing)",
    .needsTarget = true,
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &) -> std::unique_ptr<Objective> {
      return std::make_unique<Elbo>(stlInfo, Kernel::StlSampleGradient, Kernel::StlGradient, std::move(kernels));
    }};
