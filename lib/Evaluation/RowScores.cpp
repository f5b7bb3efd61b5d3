//===- RowScores.cpp - How surprising rows are ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Evaluation.h"
#include "flowc/Support/WithType.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace flowc;

namespace {

/// Slopes and curvatures of the log-density, by row and coordinate.
template <typename T>
struct LocalShape {
  Rows<T> slope, curvature;
};

template <typename T>
class RowScorerImpl final : public RowScorer {
public:
  RowScorerImpl(Kernels &kernels, const Model &model, const ScoreRowsOptions &options)
      : kernels(kernels), model(model), options(options), dim(kernels.flow().dim()), condDim(kernels.flow().condDim()) {
  }

  Expected<RowScores> score(const void *x, const void *condition, int64_t rows) override;

private:
  using Given = Eigen::Map<const Rows<T>>;

  Expected<LocalShape<T>> shapeAt(const Rows<T> &x, const Rows<T> &condition);
  /// Sorted log-densities of draws under `condition` (a row; none of an unconditional flow).
  Expected<std::vector<T>> drawLogProbs(const Rows<T> &condition);
  /// Draws once what all rows of an unconditional flow are compared with, and typical
  /// curvatures, of a conditional one under the first row's condition.
  Expected<void> prepare(const Rows<T> &condition);

  Kernels &kernels;
  const Model &model;
  const ScoreRowsOptions options;
  const int64_t dim, condDim;
  std::vector<T> reference;
  Eigen::VectorXd typical;
};

template <typename T>
Expected<LocalShape<T>> RowScorerImpl<T>::shapeAt(const Rows<T> &x, const Rows<T> &condition) {
  LocalShape<T> result;
  result.curvature.resize(x.rows(), dim);
  for (int64_t i = 0; i < dim; ++i) {
    Rows<T> direction = Rows<T>::Zero(x.rows(), dim);
    direction.col(i).setOnes();
    auto found = kernels.template hvp<T>(model, x, direction, condition);
    if (!found)
      return found.takeError();
    result.slope = std::move(found->first);
    result.curvature.col(i) = found->second.col(i);
  }
  return result;
}

template <typename T>
Expected<std::vector<T>> RowScorerImpl<T>::drawLogProbs(const Rows<T> &condition) {
  Rows<T> conditions = condition.replicate(condDim > 0 ? options.draws : 0, 1);
  auto drawn =
      kernels.template sampleAndLogProb<T>(model, options.draws, options.seed, conditions, kFirstEvaluationDraw);
  if (!drawn)
    return drawn.takeError();
  std::vector<T> result(drawn->second.begin(), drawn->second.end());
  std::erase_if(result, [](T value) { return std::isnan(value); });
  std::ranges::sort(result);
  return result;
}

template <typename T>
Expected<void> RowScorerImpl<T>::prepare(const Rows<T> &condition) {
  constexpr int64_t most = 500; // Draws whose curvature is looked at.
  int64_t count = std::min(most, options.draws);
  Rows<T> conditions = condition.replicate(condDim > 0 ? count : 0, 1);
  auto draws = kernels.template sample<T>(model, count, options.seed, conditions, kFirstEvaluationDraw);
  if (!draws)
    return draws.takeError();
  auto shape = shapeAt(*draws, conditions);
  if (!shape)
    return shape.takeError();
  typical = Eigen::VectorXd::Constant(dim, std::numeric_limits<double>::quiet_NaN());
  for (int64_t i = 0; i < dim; ++i) {
    std::vector<double> positive;
    for (int64_t row = 0; row < count; ++row)
      if (double h = -static_cast<double>(shape->curvature(row, i)); h > 0 && std::isfinite(h))
        positive.push_back(h);
    if (positive.empty())
      continue;
    auto middle = positive.begin() + std::ssize(positive) / 2;
    std::nth_element(positive.begin(), middle, positive.end());
    typical[i] = *middle;
  }
  if (condDim > 0)
    return {};
  auto logProbs = drawLogProbs(condition);
  if (!logProbs)
    return logProbs.takeError();
  reference = std::move(*logProbs);
  return {};
}

template <typename T>
Expected<RowScores> RowScorerImpl<T>::score(const void *x, const void *condition, int64_t rows) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  Rows<T> events = Given(static_cast<const T *>(x), rows, dim), conditions(condDim > 0 ? rows : 0, condDim);
  if (condDim > 0)
    conditions = Given(static_cast<const T *>(condition), rows, condDim);
  RowScores result{Eigen::VectorXd(rows), Eigen::VectorXd(rows), Rows<double>(rows, dim)};
  if (rows == 0)
    return result;
  if (typical.size() == 0)
    if (auto ok = prepare(conditions.topRows(condDim > 0 ? 1 : 0)); !ok)
      return ok.takeError();
  auto logProb = kernels.template logProb<T>(model, events, conditions);
  if (!logProb)
    return logProb.takeError();
  auto shape = shapeAt(events, conditions);
  if (!shape)
    return shape.takeError();
  for (int64_t row = 0; row < rows; ++row) {
    if (condDim > 0) {
      auto drawn = drawLogProbs(conditions.row(row));
      if (!drawn)
        return drawn.takeError();
      reference = std::move(*drawn);
    }
    T value = (*logProb)[row];
    auto below = std::ranges::upper_bound(reference, value) - reference.begin();
    result.logProb[row] = static_cast<double>(value);
    result.tail[row] = std::isnan(value) ? none : (1.0 + static_cast<double>(below)) / (1.0 + std::ssize(reference));
    for (int64_t i = 0; i < dim; ++i) {
      double g = shape->slope(row, i), h = -static_cast<double>(shape->curvature(row, i));
      double residual = g == 0 ? 0 : -g / std::sqrt(h > 0 ? h : typical[i]);
      result.residuals(row, i) = std::isnan(value) ? none : residual;
    }
  }
  return result;
}

} // namespace

Expected<std::unique_ptr<RowScorer>> RowScorer::create(Kernels &kernels, const Model &model,
                                                       const ScoreRowsOptions &options) {
  if (options.draws < 10)
    return Error{"rows are compared with " + std::to_string(options.draws) + " draws, expected at least 10"};
  if (!kernels.flow().isDistribution())
    return Error{"'" + kernels.flow().name() + "' is no flow: rows are compared with draws"};
  return withType(kernels.dtype(), [&]<typename T>() -> Expected<std::unique_ptr<RowScorer>> {
    return std::unique_ptr<RowScorer>(std::make_unique<RowScorerImpl<T>>(kernels, model, options));
  });
}
