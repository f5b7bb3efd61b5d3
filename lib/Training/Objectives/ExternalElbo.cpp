//===- ExternalElbo.cpp - The ELBO of a target that is code ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowSlopes.h"

#include <numeric>

using namespace flowc;

namespace {

/// The losses of Elbo.cpp, by pull-back of the target's own gradients.
class ExternalElbo : public Objective {
public:
  ExternalElbo(const ObjectiveInfo &info, ExternalTarget target, std::shared_ptr<Kernels> kernels, int threads)
      : info(info), target(std::move(target)), kernels(std::move(kernels)), threads(threads) {}

  std::string name() const override { return info.name; }
  bool isMeanOfRows() const override { return true; }

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

  Expected<LossSlope> lossAndSlope(const Model &model, const Batch &batch, std::span<const double> direction) override {
    return withType(model.dtype(), [&]<typename T>() { return lossAndSlopeAs<T>(model, batch, direction); });
  }

  /// Of "stl", log q has the parameters that are held.
  Expected<double> surrogate(const Model &model, const Model &held, const Batch &batch) override {
    if (&info != &stlInfo)
      return Objective::surrogate(model, held, batch);
    return withType(model.dtype(), [&]<typename T>() { return stuckLoss<T>(model, held, batch); });
  }

  Expected<void> rowLosses(const Model &model, const Batch &batch, std::span<double> losses) override {
    return withType(model.dtype(), [&]<typename T>() { return rowLossesAs<T>(model, batch, losses); });
  }

private:
  /// The draws of a batch and log q of each.
  template <typename T>
  Expected<std::pair<Rows<T>, Column<T>>> draw(const Model &model, const Batch &batch) {
    return kernels->sampleAndLogProb<T>(model, batch.rows, batch.seed, {}, batch.first);
  }

  template <typename T>
  Expected<void> rowLossesAs(const Model &model, const Batch &batch, std::span<double> losses) {
    auto drawn = draw<T>(model, batch);
    if (!drawn)
      return drawn.takeError();
    return subtractTarget<T>(drawn->first, drawn->second, losses);
  }

  template <typename T>
  Expected<void> subtractTarget(const Rows<T> &y, const Column<T> &logProb, std::span<double> losses) {
    Rows<double> x = y.template cast<double>();
    if (auto ok = target.evaluate(x.data(), x.rows(), losses.data(), nullptr, threads); !ok)
      return ok;
    for (int64_t i = 0; i < x.rows(); ++i)
      losses[i] = static_cast<double>(logProb[i]) - losses[i];
    return {};
  }

  template <typename T>
  Expected<double> stuckLoss(const Model &model, const Model &held, const Batch &batch) {
    auto drawn = draw<T>(model, batch);
    if (!drawn)
      return drawn.takeError();
    auto logProb = kernels->logProb<T>(held, drawn->first);
    if (!logProb)
      return logProb.takeError();
    std::vector<double> losses(static_cast<size_t>(batch.rows));
    if (auto ok = subtractTarget<T>(drawn->first, *logProb, losses); !ok)
      return ok.takeError();
    return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(batch.rows);
  }

  template <typename T>
  Expected<LossSlope> lossAndSlopeAs(const Model &model, const Batch &batch, std::span<const double> direction);

  const ObjectiveInfo &info;
  ExternalTarget target;
  std::shared_ptr<Kernels> kernels;
  int threads;
  std::vector<double> wide;
};

/// The target's slope, and that of log q where it takes part, times how the draws move.
template <typename T>
Expected<LossSlope> ExternalElbo::lossAndSlopeAs(const Model &model, const Batch &batch,
                                                 std::span<const double> direction) {
  int64_t rows = batch.rows, dim = model.flow().dim();
  Rows<T> y(rows, dim), yTangent(rows, dim);
  Column<T> logProb(rows), logProbTangent(rows);
  Kernels::Call call{.kernel = Kernel::SampleJvpParams,
                     .outputs = {y.data(), logProb.data(), yTangent.data(), logProbTangent.data()},
                     .rows = rows,
                     .first = batch.first,
                     .seed = batch.seed,
                     .tangent = direction};
  if (auto ok = kernels->run(model, call); !ok)
    return ok.takeError();
  Rows<double> x = y.template cast<double>(), slope(rows, dim);
  std::vector<double> logTarget(static_cast<size_t>(rows));
  if (auto ok = target.evaluate(x.data(), rows, logTarget.data(), slope.data(), threads); !ok)
    return ok.takeError();
  Rows<double> ofY = -slope;
  if (&info == &stlInfo) {
    auto score = kernels->score<T>(model, y);
    if (!score)
      return score.takeError();
    ofY += score->template cast<double>();
    logProbTangent.setZero();
  }
  RowSlopes result{std::vector<double>(logTarget.size()), std::vector<double>(logTarget.size())};
  for (int64_t i = 0; i < rows; ++i) {
    result.values[i] = static_cast<double>(logProb[i]) - logTarget[i];
    result.slopes[i] = static_cast<double>(logProbTangent[i]) + ofY.row(i).dot(yTangent.row(i).template cast<double>());
  }
  return result.mean();
}

} // namespace

Expected<std::unique_ptr<Objective>> flowc::makeExternalElbo(const ObjectiveInfo &info, const Flow &flow,
                                                             const ExternalTarget &target,
                                                             const CompileOptions &options) {
  auto kernels = compile(flow, options);
  if (!kernels)
    return kernels.takeError();
  auto objective = std::make_unique<ExternalElbo>(info, target, std::move(*kernels), options.threads);
  objective->addIdentity({{"target", target.name},
                          {"target_data", std::to_string(target.dataHash)},
                          {"target_code", std::to_string(target.codeHash)}});
  return std::unique_ptr<Objective>(std::move(objective));
}
