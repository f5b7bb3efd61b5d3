//===- Draws.cpp - Kernels of either element type, in doubles -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Draws.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

std::vector<double> flowc::toDoubles(DType dtype, const void *values, int64_t count) {
  if (dtype == F64)
    return {static_cast<const double *>(values), static_cast<const double *>(values) + count};
  return {static_cast<const float *>(values), static_cast<const float *>(values) + count};
}

template <typename T>
static Expected<std::vector<std::vector<double>>> runAs(Kernels &kernels, const Model &model, Kernels::Call call,
                                                        const std::vector<const std::vector<double> *> &inputs,
                                                        const std::vector<int64_t> &outputs) {
  std::vector<std::vector<T>> given, results;
  for (const std::vector<double> *input : inputs)
    given.emplace_back(input->begin(), input->end());
  for (const std::vector<T> &input : given)
    call.inputs.push_back(input.data());
  for (int64_t width : outputs)
    results.emplace_back(static_cast<size_t>(width * call.rows));
  for (std::vector<T> &result : results)
    call.outputs.push_back(result.data());
  if (auto ok = kernels.run(model, call); !ok)
    return ok.takeError();
  std::vector<std::vector<double>> values;
  for (const std::vector<T> &result : results)
    values.emplace_back(result.begin(), result.end());
  return values;
}

Expected<std::vector<std::vector<double>>> flowc::runOnDoubles(Kernels &kernels, const Model &model, Kernels::Call call,
                                                               const std::vector<const std::vector<double> *> &inputs,
                                                               const std::vector<int64_t> &outputs) {
  return kernels.dtype() == F32 ? runAs<float>(kernels, model, std::move(call), inputs, outputs)
                                : runAs<double>(kernels, model, std::move(call), inputs, outputs);
}

std::vector<double> flowc::repeatRow(const std::vector<double> &condition, int64_t rows) {
  std::vector<double> result;
  result.reserve(condition.size() * static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i)
    result.insert(result.end(), condition.begin(), condition.end());
  return result;
}

Expected<void> flowc::checkCondition(const Flow &flow, const std::vector<double> &condition) {
  if (!flow.isDistribution())
    return Error{"'" + flow.name() + "' is a " + (flow.isDensity() ? "density" : "bijection") +
                 ", expected a flow: only distributions have samples"};
  auto size = static_cast<int64_t>(condition.size());
  if (size == flow.condDim())
    return {};
  return Error{"'" + flow.name() + "' " +
               (flow.condShape() ? "needs one condition of " + std::to_string(flow.condDim()) + " numbers for all draws"
                                 : "takes no condition") +
               ", found " + std::to_string(size) + " numbers"};
}

int64_t flowc::drawsOfChunk(const Flow &flow) {
  constexpr int64_t elements = int64_t(1) << 20;
  return std::max<int64_t>(64, elements / (flow.dim() + flow.condDim() + 2));
}

Expected<std::vector<double>> RatioSource::ratios(uint64_t first, int64_t rows) {
  const Flow &flow = kernels.flow();
  std::vector<double> conditions = repeatRow(condition, rows);
  std::vector<const std::vector<double> *> inputs;
  if (flow.condShape())
    inputs.push_back(&conditions);
  Kernels::Call call{.kernel = Kernel::SampleAndLogProb, .rows = rows, .first = first, .seed = seed};
  auto drawn = runOnDoubles(kernels, model, call, inputs, {flow.dim(), 1});
  if (!drawn)
    return drawn.takeError();
  std::vector<double> ratios(static_cast<size_t>(rows));
  if (auto ok = target((*drawn)[0].data(), rows, ratios.data()); !ok)
    return ok.takeError();
  for (size_t i = 0; i < ratios.size(); ++i) {
    double density = ratios[i], logQ = (*drawn)[1][i];
    if (density == -std::numeric_limits<double>::infinity())
      continue; // Outside of the target's support, whatever log q is.
    ratios[i] -= logQ;
    if (!std::isfinite(ratios[i]))
      return Error{"draw " + std::to_string(first + i) + " of seed " + std::to_string(seed) + " of '" + flow.name() +
                   "' has the log-density " + std::to_string(density) + " under the target and " +
                   std::to_string(logQ) +
                   " under the flow, expected finite numbers (see it with 'flowc sample --first " +
                   std::to_string(first + i) + " -n 1')"};
  }
  return ratios;
}
