//===- WeighedDraws.cpp - Losses of importance weights --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeighedDraws.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace flowc;

double flowc::logSumExp(std::span<const double> values) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (double value : values)
    largest = std::max(largest, value);
  if (std::isinf(largest))
    return largest;
  for (double value : values)
    sum += std::exp(value - largest);
  return largest + std::log(sum);
}

Expected<void> WeighedDraws::prepare() {
  Kernel second = pullBack == PullBack::Path ? Kernel::WeightedStlSampleGradient : Kernel::LogProbVjpParams;
  for (Kernel kernel : {Kernel::SampleAndWeigh, second})
    if (auto seconds = kernels->prepare(kernel); !seconds)
      return seconds.takeError();
  return {};
}

template <typename T>
Expected<void> flowc::weighRows(Kernels &kernels, const Model &model, const Batch &batch, WeighedRows<T> &memory) {
  auto rows = static_cast<size_t>(batch.rows);
  memory.y.resize(rows * static_cast<size_t>(model.flow().dim()));
  memory.logProb.resize(rows);
  memory.target.resize(rows);
  Kernels::Call call{.kernel = batch.x ? Kernel::Weigh : Kernel::SampleAndWeigh,
                     .outputs = {memory.y.data(), memory.logProb.data(), memory.target.data()},
                     .rows = batch.rows,
                     .first = batch.first,
                     .seed = batch.seed};
  addRows(batch, call);
  return kernels.run(model, call);
}

template Expected<void> flowc::weighRows(Kernels &, const Model &, const Batch &, WeighedRows<float> &);
template Expected<void> flowc::weighRows(Kernels &, const Model &, const Batch &, WeighedRows<double> &);

template <typename T>
Expected<void> WeighedDraws::weigh(const Model &model, const Batch &batch, Memory<T> &memory) {
  if (auto ok = weighRows<T>(*kernels, model, batch, memory); !ok)
    return ok;
  logWeights.resize(memory.target.size());
  for (size_t i = 0; i < logWeights.size(); ++i)
    logWeights[i] = static_cast<double>(memory.target[i]) - static_cast<double>(memory.logProb[i]);
  return {};
}

template <typename T>
Expected<double> WeighedDraws::lossAndGradientAs(const Model &model, const Batch &batch, void *gradient,
                                                 Memory<T> &memory) {
  if (auto ok = weigh(model, batch, memory); !ok)
    return ok.takeError();
  derivatives.resize(logWeights.size());
  auto loss = reduce(model, batch, logWeights, derivatives);
  if (!loss)
    return loss;
  memory.derivatives.assign(derivatives.begin(), derivatives.end());
  double unused = 0;
  Kernels::Call call{.rows = batch.rows, .first = batch.first, .seed = batch.seed, .mean = false, .loss = &unused};
  call.rawGradient = gradient;
  if (pullBack == PullBack::Density) {
    call.kernel = Kernel::LogProbVjpParams;
    call.inputs.push_back(memory.y.data());
  } else {
    call.kernel = batch.x ? Kernel::WeightedStlGradient : Kernel::WeightedStlSampleGradient;
    if (batch.x)
      call.inputs.push_back(batch.x);
  }
  if (batch.condition)
    call.inputs.push_back(batch.condition);
  call.inputs.push_back(memory.derivatives.data());
  if (auto ok = kernels->run(model, call); !ok)
    return ok.takeError();
  return loss;
}

Expected<double> WeighedDraws::lossAndGradient(const Model &model, const Batch &batch, void *gradient) {
  return model.dtype() == F32 ? lossAndGradientAs(model, batch, gradient, floats)
                              : lossAndGradientAs(model, batch, gradient, doubles);
}

Expected<void> WeighedDraws::rowLosses(const Model &model, const Batch &batch, std::span<double> losses) {
  auto ok = model.dtype() == F32 ? weigh(model, batch, floats) : weigh(model, batch, doubles);
  if (ok)
    std::ranges::transform(logWeights, losses.begin(), std::negate<>());
  return ok;
}
