//===- ExternalElbo.cpp - The ELBO of a target that is code ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Table.h"

using namespace flowc;

namespace {

/// The losses of Elbo.cpp, by pull-back of the target's own gradients.
class ExternalElbo : public Objective {
public:
  ExternalElbo(const ObjectiveInfo &info, ExternalTarget target, std::shared_ptr<Kernels> kernels, int threads)
      : info(info), target(std::move(target)), kernels(std::move(kernels)), threads(threads) {}

  std::string name() const override { return info.name; }

  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override {
    if (batch.x)
      return Error{"the target '" + target.name + "' is code, for which draws cannot be given"};
    auto count = static_cast<size_t>(model.numTrainable());
    wide.resize(model.dtype() == F32 ? count : 0);
    std::span<double> to =
        model.dtype() == F32 ? std::span<double>(wide) : std::span<double>(static_cast<double *>(gradient), count);
    auto loss = elboGradient(*kernels, model, target,
                             {.rows = batch.rows,
                              .first = batch.first,
                              .seed = batch.seed,
                              .condition = batch.condition,
                              .stickTheLanding = &info == &stlInfo,
                              .threads = threads},
                             to);
    if (model.dtype() == F32)
      std::copy(wide.begin(), wide.end(), static_cast<float *>(gradient));
    return loss;
  }

  Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses) override {
    return model.dtype() == F32 ? rowLossesAs<float>(model, batch, losses) : rowLossesAs<double>(model, batch, losses);
  }

private:
  template <typename T>
  Expected<void> rowLossesAs(const Model &model, const Batch &batch, std::span<double> losses) {
    auto drawn = kernels->sampleAndLogProb<T>(model, batch.rows, batch.seed, {}, batch.first);
    if (!drawn)
      return drawn.takeError();
    Rows<double> x = drawn->first.template cast<double>();
    if (auto ok = target.evaluate(x.data(), batch.rows, losses.data(), nullptr, threads); !ok)
      return ok;
    for (int64_t i = 0; i < batch.rows; ++i)
      losses[i] = static_cast<double>(drawn->second[i]) - losses[i];
    return {};
  }

  const ObjectiveInfo &info;
  ExternalTarget target;
  std::shared_ptr<Kernels> kernels;
  int threads;
  std::vector<double> wide;
};

} // namespace

Expected<std::unique_ptr<Objective>> flowc::makeExternalElbo(const ObjectiveInfo &info, const Flow &flow,
                                                             const ExternalTarget &target,
                                                             const CompileOptions &options) {
  auto kernels = compile(flow, options);
  if (!kernels)
    return kernels.takeError();
  return std::unique_ptr<Objective>(std::make_unique<ExternalElbo>(info, target, std::move(*kernels), options.threads));
}
