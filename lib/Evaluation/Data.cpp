//===- Data.cpp - A flow against data -------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Draws.h"
#include "Triangular.h"

#include "flowc/Frontend/Base.h"
#include "flowc/Support/Reservoir.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

using namespace flowc;

namespace {

/// Rows that tests see: they hold rows, samples and what they come from at once.
int64_t mostRows(const Flow &flow, const EvaluateDataOptions &options) {
  constexpr int64_t elements = int64_t(1) << 24, fewest = 1000;
  return std::min(options.testRows, std::max(fewest, elements / std::max<int64_t>(1, flow.dim() + flow.condDim())));
}

class DataEvaluatorImpl final : public DataEvaluator {
public:
  DataEvaluatorImpl(Kernels &kernels, const Model &model, const EvaluateDataOptions &options)
      : kernels(kernels), model(model), options(options), flow(kernels.flow()), most(mostRows(flow, options)),
        reservoir(most, options.seed) {}

  Expected<void> add(const void *x, const void *condition, int64_t rows) override;
  Expected<DataEvaluation> finish() override;

private:
  void keep(const double *x, const double *condition);
  Expected<void> testMarginals();
  Expected<void> testBase();
  Expected<std::vector<double>> toBase(const std::vector<double> &x, const std::vector<double> &conditions);
  std::vector<const std::vector<double> *> withConditions(std::vector<const std::vector<double> *> inputs) const;

  Kernels &kernels;
  const Model &model;
  const EvaluateDataOptions options;
  const Flow &flow;
  const int64_t most;
  Reservoir reservoir;
  DataEvaluation result;
  RunningMoments inside;
  /// A random choice of the rows in the support, samples under their conditions.
  std::vector<double> kept, keptConditions, samples;
};

} // namespace

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

void DataEvaluatorImpl::keep(const double *x, const double *condition) {
  auto dim = flow.dim(), condDim = flow.condDim();
  int64_t place = reservoir.placeNext();
  if (place < 0)
    return;
  if (auto size = static_cast<size_t>((place + 1) * dim); size > kept.size()) {
    kept.resize(size);
    keptConditions.resize(static_cast<size_t>((place + 1) * condDim));
  }
  std::copy_n(x, dim, kept.begin() + place * dim);
  std::copy_n(condition, condDim, keptConditions.begin() + place * condDim);
}

Expected<void> DataEvaluatorImpl::add(const void *x, const void *condition, int64_t rows) {
  if (rows == 0)
    return {};
  if (rows < 0)
    return Error{"the number of rows is negative: " + std::to_string(rows)};
  std::vector<double> buffer(static_cast<size_t>(rows)); // Doubles are as well aligned as floats.
  Kernels::Call call{.kernel = Kernel::LogProb, .inputs = {x}, .outputs = {buffer.data()}, .rows = rows};
  if (flow.condShape())
    call.inputs.push_back(condition);
  if (auto ok = kernels.run(model, call); !ok)
    return ok;
  std::vector<double> logProb = toDoubles(kernels.dtype(), buffer.data(), rows),
                      events = toDoubles(kernels.dtype(), x, rows * flow.dim()),
                      conditions = toDoubles(kernels.dtype(), condition, rows * flow.condDim());
  for (int64_t row = 0; row < rows; ++row) {
    double value = logProb[static_cast<size_t>(row)];
    ++result.rows;
    if (std::isnan(value)) {
      ++result.undefined;
    } else if (!std::isfinite(value)) {
      ++result.outside;
    } else {
      keep(events.data() + row * flow.dim(), conditions.data() + row * flow.condDim());
      inside.add(value);
    }
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Tests
//===----------------------------------------------------------------------===//

std::vector<const std::vector<double> *>
DataEvaluatorImpl::withConditions(std::vector<const std::vector<double> *> inputs) const {
  if (flow.condShape())
    inputs.push_back(&keptConditions);
  return inputs;
}

/// Column `column` of row-major rows.
static std::vector<double> columnOf(const std::vector<double> &rows, int64_t column, int64_t columns) {
  std::vector<double> values;
  for (auto i = static_cast<size_t>(column); i < rows.size(); i += static_cast<size_t>(columns))
    values.push_back(rows[i]);
  return values;
}

Expected<void> DataEvaluatorImpl::testMarginals() {
  Kernels::Call call{
      .kernel = Kernel::Sample, .rows = result.testedRows, .first = kFirstEvaluationDraw, .seed = options.seed};
  auto drawn = runOnDoubles(kernels, model, call, withConditions({}), {flow.dim()});
  if (!drawn)
    return drawn.takeError();
  samples = std::move(drawn->front());
  for (int64_t column = 0; column < flow.dim(); ++column)
    result.marginal.push_back(testEquality(columnOf(kept, column, flow.dim()), columnOf(samples, column, flow.dim())));
  return {};
}

Expected<std::vector<double>> DataEvaluatorImpl::toBase(const std::vector<double> &x,
                                                        const std::vector<double> &conditions) {
  std::vector<const std::vector<double> *> inputs = {&x};
  if (flow.condShape())
    inputs.push_back(&conditions);
  Kernels::Call call{.kernel = Kernel::ToBase, .rows = static_cast<int64_t>(x.size()) / flow.dim()};
  auto z = runOnDoubles(kernels, model, call, inputs, {flow.dim()});
  if (!z)
    return z.takeError();
  return std::move(z->front());
}

Expected<void> DataEvaluatorImpl::testBase() {
  auto z = toBase(kept, keptConditions);
  if (!z)
    return z.takeError();
  result.exactBase = hasStandardNormalBase(flow.root());
  std::vector<double> draws;
  if (!result.exactBase) {
    auto drawn = toBase(samples, keptConditions);
    if (!drawn)
      return drawn.takeError();
    draws = std::move(*drawn);
  }
  for (int64_t column = 0; column < flow.dim(); ++column) {
    std::vector<double> values = columnOf(*z, column, flow.dim());
    if (!result.exactBase) {
      result.base.push_back(testEquality(std::move(values), columnOf(draws, column, flow.dim())));
      continue;
    }
    for (double &value : values)
      value = 0.5 * std::erfc(-value / std::numbers::sqrt2);
    result.base.push_back(testUniformity(std::move(values)));
  }
  auto dependences = Dependences::find(kept, keptConditions, flow.dim(), flow.condDim(),
                                       [&](const auto &x, const auto &conditions) { return toBase(x, conditions); });
  if (!dependences)
    return dependences.takeError();
  TriangularOrder order = findTriangularOrder(*dependences);
  result.rosenblatt = std::move(order.coordinates);
  result.rosenblattOrder = std::move(order.order);
  return {};
}

Expected<DataEvaluation> DataEvaluatorImpl::finish() {
  if (result.rows == 0)
    return Error{"there are no rows to evaluate '" + flow.name() + "' on"};
  result.meanLogProb = inside.mean;
  result.logProbError = inside.error();
  if (inside.count == 0) {
    result.meanLogProb = -std::numeric_limits<double>::infinity();
    return result;
  }
  result.testedRows = std::min(inside.count, most);
  if (auto ok = testMarginals(); !ok)
    return ok.takeError();
  if (auto ok = testBase(); !ok)
    return ok.takeError();
  return result;
}

std::unique_ptr<DataEvaluator> DataEvaluator::create(Kernels &kernels, const Model &model,
                                                     const EvaluateDataOptions &options) {
  return std::make_unique<DataEvaluatorImpl>(kernels, model, options);
}

Expected<DataEvaluation> flowc::evaluateData(Kernels &kernels, const Model &model, const RowsIn &rows,
                                             const EvaluateDataOptions &options) {
  auto evaluator = DataEvaluator::create(kernels, model, options);
  if (auto ok = evaluator->add(rows.x, rows.condition, rows.rows); !ok)
    return ok.takeError();
  return evaluator->finish();
}
