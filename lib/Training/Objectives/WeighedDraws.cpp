//===- WeighedDraws.cpp - Losses of importance weights --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeighedDraws.h"

#include "RowSlopes.h"

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

/// log q of a model at given rows.
template <typename T>
static Expected<std::vector<T>> logProbAt(Kernels &kernels, const Model &model, const std::vector<T> &y,
                                          const Batch &batch) {
  std::vector<T> logProb(static_cast<size_t>(batch.rows));
  Kernels::Call call{.kernel = Kernel::LogProb, .inputs = {y.data()}, .outputs = {logProb.data()}, .rows = batch.rows};
  if (batch.condition)
    call.inputs.push_back(batch.condition);
  if (auto ok = kernels.run(model, call); !ok)
    return ok.takeError();
  return logProb;
}

template <typename T>
Expected<void> DrawSurrogate::holdDetached(const Model &held, const Batch &batch, WeighedRows<T> &moved) {
  if (!split) {
    auto found = options.target->splitDetached();
    if (!found)
      return found.takeError();
    split = std::move(*found);
  }
  if (!*split)
    return {};
  if (!splitKernels) {
    CompileOptions plain = options;
    plain.target.reset();
    auto compiled = compile(**split, plain);
    if (!compiled)
      return compiled.takeError();
    splitKernels = std::move(*compiled);
  }
  WeighedRows<T> start;
  if (auto ok = weighRows<T>(*kernels, held, batch, start); !ok)
    return ok;
  auto dim = moved.y.size() / moved.target.size();
  std::vector<T> both;
  both.reserve(2 * moved.y.size());
  for (size_t i = 0; i < moved.target.size(); ++i)
    for (const std::vector<T> *y : {&moved.y, &start.y})
      both.insert(both.end(), y->begin() + i * dim, y->begin() + (i + 1) * dim);
  Kernels::Call call{
      .kernel = Kernel::LogProb, .inputs = {both.data()}, .outputs = {moved.target.data()}, .rows = batch.rows};
  return splitKernels->run(Model::zeros(**split, held.dtype()), call);
}

template <typename T>
Expected<std::vector<double>> DrawSurrogate::lossesAs(Program program, const Model &model, const Model &held,
                                                      const Batch &batch) {
  WeighedRows<T> moved;
  if (auto ok = weighRows<T>(*kernels, model, batch, moved); !ok)
    return ok.takeError();
  if (auto ok = holdDetached<T>(held, batch, moved); !ok)
    return ok.takeError();
  if (program == Program::Stl) {
    auto logProb = logProbAt<T>(*kernels, held, moved.y, batch);
    if (!logProb)
      return logProb.takeError();
    moved.logProb = std::move(*logProb);
  }
  std::vector<double> losses(moved.target.size());
  for (size_t i = 0; i < losses.size(); ++i)
    losses[i] = static_cast<double>(moved.logProb[i]) - static_cast<double>(moved.target[i]);
  return losses;
}

Expected<std::vector<double>> DrawSurrogate::losses(Program program, const Model &model, const Model &held,
                                                    const Batch &batch) {
  return withType(model.dtype(), [&]<typename T>() { return lossesAs<T>(program, model, held, batch); });
}

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
Expected<double> WeighedDraws::weighAndReduce(const Model &model, const Batch &batch, Memory<T> &memory) {
  if (auto ok = weigh(model, batch, memory); !ok)
    return ok.takeError();
  derivatives.resize(logWeights.size());
  return reduce(model, batch, logWeights, derivatives);
}

template <typename T>
Expected<double> WeighedDraws::lossAndGradientAs(const Model &model, const Batch &batch, void *gradient,
                                                 Memory<T> &memory) {
  auto loss = weighAndReduce(model, batch, memory);
  if (!loss)
    return loss;
  memory.derivatives.assign(derivatives.begin(), derivatives.end());
  double unused = 0;
  Kernel ofPath = batch.x ? Kernel::WeightedStlGradient : Kernel::WeightedStlSampleGradient;
  Kernels::Call call{.kernel = pullBack == PullBack::Density ? Kernel::LogProbVjpParams : ofPath,
                     .rows = batch.rows,
                     .first = batch.first,
                     .seed = batch.seed,
                     .mean = false,
                     .loss = &unused};
  call.rawGradient = gradient;
  if (pullBack == PullBack::Density)
    call.inputs.push_back(memory.y.data());
  else if (batch.x)
    call.inputs.push_back(batch.x);
  if (batch.condition)
    call.inputs.push_back(batch.condition);
  call.inputs.push_back(memory.derivatives.data());
  if (auto ok = kernels->run(model, call); !ok)
    return ok.takeError();
  return loss;
}

Expected<double> WeighedDraws::lossAndGradient(const Model &model, const Batch &batch, void *gradient) {
  return withMemory(model, [&](auto &memory) { return lossAndGradientAs(model, batch, gradient, memory); });
}

template <typename T>
Expected<LossSlope> WeighedDraws::lossAndSlopeAs(const Model &model, const Batch &batch,
                                                 std::span<const double> direction, Memory<T> &memory) {
  auto loss = weighAndReduce(model, batch, memory);
  if (!loss)
    return loss.takeError();
  Kernels::Call density{.kernel = Kernel::LogProbJvpParams, .inputs = {memory.y.data()}, .rows = batch.rows};
  if (batch.condition)
    density.inputs.push_back(batch.condition);
  auto rows = pullBack == PullBack::Path ? runDrawSlopes(*kernels, Program::Stl, model, batch, direction)
                                         : runRowSlopes(*kernels, model, std::move(density), direction);
  if (!rows)
    return rows.takeError();
  LossSlope result{*loss, 0};
  for (size_t i = 0; i < derivatives.size(); ++i)
    result.slope += derivatives[i] == 0 ? 0 : derivatives[i] * rows->slopes[i];
  return result;
}

Expected<LossSlope> WeighedDraws::lossAndSlope(const Model &model, const Batch &batch,
                                               std::span<const double> direction) {
  return withMemory(model, [&](auto &memory) { return lossAndSlopeAs(model, batch, direction, memory); });
}

template <typename T>
Expected<double> WeighedDraws::surrogateAs(const Model &model, const Model &held, const Batch &batch,
                                           Memory<T> &memory) {
  auto loss = weighAndReduce(held, batch, memory);
  if (!loss)
    return loss;
  // What is pulled back, at `model` and at `held`.
  std::vector<double> moved, start;
  if (pullBack == PullBack::Path) {
    auto losses = draws.losses(Program::Stl, model, held, batch);
    if (!losses)
      return losses.takeError();
    moved = std::move(*losses);
    for (double logWeight : logWeights)
      start.push_back(-logWeight);
  } else {
    auto logProb = logProbAt<T>(*kernels, model, memory.y, batch);
    if (!logProb)
      return logProb.takeError();
    moved.assign(logProb->begin(), logProb->end());
    start.assign(memory.logProb.begin(), memory.logProb.end());
  }
  for (size_t i = 0; i < derivatives.size(); ++i)
    *loss += derivatives[i] == 0 ? 0 : derivatives[i] * (moved[i] - start[i]);
  return loss;
}

Expected<double> WeighedDraws::surrogate(const Model &model, const Model &held, const Batch &batch) {
  return withMemory(model, [&](auto &memory) { return surrogateAs(model, held, batch, memory); });
}

Expected<void> WeighedDraws::rowLosses(const Model &model, const Batch &batch, std::span<double> losses) {
  auto ok = withMemory(model, [&](auto &memory) { return weigh(model, batch, memory); });
  if (ok)
    std::ranges::transform(logWeights, losses.begin(), std::negate<>());
  return ok;
}
