//===- MaximumLikelihood.cpp - The loss of density estimation -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowSlopes.h"

#include <algorithm>
#include <functional>
#include <future>

using namespace flowc;

namespace {

class MaximumLikelihood : public Objective {
public:
  MaximumLikelihood(std::shared_ptr<Kernels> kernels, bool isAlone) : kernels(std::move(kernels)), isAlone(isAlone) {}

  std::string name() const override { return likelihoodInfo.name; }
  bool isMeanOfRows() const override { return true; }

  Expected<void> prepare() override {
    // The two kernels are compiled side by side.
    auto evaluation = std::async(isAlone ? std::launch::deferred : std::launch::async,
                                 [&] { return kernels->prepare(Kernel::LogProb); });
    auto step = kernels->prepare(Kernel::NllGradient);
    if (auto seconds = evaluation.get(); !seconds)
      return seconds.takeError();
    return step ? Expected<void>() : Expected<void>(step.takeError());
  }

  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override {
    if (batch.weights)
      return withType(model.dtype(), [&]<typename T>() { return weighted<T>(model, batch, gradient); });
    double loss = 0;
    step.inputs.assign({batch.x});
    if (batch.condition)
      step.inputs.push_back(batch.condition);
    step.rows = batch.rows;
    step.loss = &loss;
    step.rawGradient = gradient;
    if (auto ok = kernels->run(model, step); !ok)
      return ok.takeError();
    return loss;
  }

  Expected<LossSlope> lossAndSlope(const Model &model, const Batch &batch, std::span<const double> direction) override {
    Kernels::Call call{.kernel = Kernel::LogProbJvpParams, .rows = batch.rows};
    addRows(batch, call);
    auto found = runRowSlopes(*kernels, model, std::move(call), direction);
    if (!found)
      return found.takeError();
    for (size_t i = 0; i < found->values.size(); ++i) {
      double factor = -1;
      if (batch.weights)
        factor = model.dtype() == F32 ? -static_cast<const float *>(batch.weights)[i]
                                      : -static_cast<const double *>(batch.weights)[i];
      found->values[i] *= factor;
      found->slopes[i] *= factor;
    }
    return found->mean();
  }

  Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses) override {
    return withType(model.dtype(), [&]<typename T>() { return rowLossesAs<T>(model, batch, losses); });
  }

private:
  /// The likelihood's kernel with weights of the other sign.
  template <typename T>
  Expected<double> weighted(const Model &model, const Batch &batch, void *gradient) {
    const T *weights = static_cast<const T *>(batch.weights);
    std::vector<T> opposite(static_cast<size_t>(batch.rows));
    std::transform(weights, weights + batch.rows, opposite.begin(), std::negate<>());
    double loss = 0;
    Kernels::Call call{.kernel = Kernel::LogProbVjpParams, .inputs = {batch.x}, .rows = batch.rows, .loss = &loss};
    if (batch.condition)
      call.inputs.push_back(batch.condition);
    call.inputs.push_back(opposite.data());
    call.rawGradient = gradient;
    if (auto ok = kernels->run(model, call); !ok)
      return ok.takeError();
    return loss;
  }

  template <typename T>
  Expected<void> rowLossesAs(const Model &model, const Batch &batch, std::span<double> losses) {
    std::vector<T> logProb(static_cast<size_t>(batch.rows));
    Kernels::Call call{.kernel = Kernel::LogProb, .inputs = {batch.x}, .outputs = {logProb.data()}, .rows = batch.rows};
    if (batch.condition)
      call.inputs.push_back(batch.condition);
    if (auto ok = kernels->run(model, call); !ok)
      return ok;
    const T *weights = static_cast<const T *>(batch.weights);
    for (size_t i = 0; i < losses.size(); ++i)
      losses[i] = -static_cast<double>(logProb[i]) * (weights ? static_cast<double>(weights[i]) : 1.0);
    return {};
  }

  std::shared_ptr<Kernels> kernels;
  bool isAlone;
  /// Kept, so that a step allocates nothing.
  Kernels::Call step{.kernel = Kernel::NllGradient};
};

} // namespace

const ObjectiveInfo flowc::likelihoodInfo = {.name = "likelihood",
                                             .formula = "- mean_i w_i log q(x_i | c_i), w_i = 1 without --weights",
                                             .rows = RowSource::Given,
                                             .needsDensity = false,
                                             .settings = {},
                                             .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &options,
                                                        std::span<const double>) -> std::unique_ptr<Objective> {
                                               return std::make_unique<MaximumLikelihood>(std::move(kernels),
                                                                                          options.threads == 1);
                                             }};
