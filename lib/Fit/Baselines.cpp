//===- Baselines.cpp - Closed forms to compare with -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Baselines.h"

#include "GaussianMixture.h"

#include "flowc/Support/Clock.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

/// Log-densities of rows that were held out, those of one fold after those of the other, in
/// the units of standardised columns.
struct Scores {
  std::vector<double> rows;

  double mean() const {
    double sum = 0;
    for (double row : rows)
      sum += row;
    return sum / static_cast<double>(rows.size());
  }
  double error() const {
    double average = mean(), squares = 0;
    for (double row : rows)
      squares += (row - average) * (row - average);
    auto count = static_cast<double>(rows.size());
    return std::sqrt(squares / std::max(1.0, count - 1) / count);
  }
  void add(const Eigen::VectorXd &values) { rows.insert(rows.end(), values.begin(), values.end()); }
};

Contestant contestantOf(std::string name, const Scores &inLines, const Folds &folds, Clock::time_point start) {
  Scores scores = inLines;
  size_t at = 0;
  for (const Fold &fold : folds.folds)
    for (double slope : fold.heldOutSlope)
      scores.rows[at++] += slope;
  Contestant result;
  result.name = std::move(name);
  result.isBaseline = true;
  result.logLikelihood = scores.mean() + folds.columnsLogDet();
  result.error = scores.error();
  result.seconds = secondsSince(start);
  return result;
}

/// Whether components take part: with too few rows each would be a few of them.
bool isEnough(int64_t rows, int64_t columns, int components) { return rows >= components * (columns + 2); }

/// Rows for expectation maximisation, whose time grows with the square of the columns.
int64_t mixtureRows(int64_t columns) {
  constexpr int64_t work = 2'000'000;
  return std::clamp<int64_t>(work / std::max<int64_t>(1, columns * columns), 3000, 10000);
}

Rows<double> thinned(const Rows<double> &rows, int64_t most) {
  if (rows.rows() <= most)
    return rows;
  Rows<double> result(most, rows.cols());
  for (int64_t i = 0; i < most; ++i)
    result.row(i) = rows.row(i * rows.rows() / most);
  return result;
}

/// log p(event | condition), or log p(event), of each row.
Eigen::VectorXd conditionalLogDensity(const GaussianMixture &mixture, const Rows<double> &rows, int64_t dim) {
  Eigen::VectorXd result = mixture.logDensity(rows);
  if (dim < rows.cols())
    result -= mixture.marginal(dim).logDensity(rows.rightCols(rows.cols() - dim));
  return result;
}

/// More components are tried for so much of a budget of seconds; the rest is for flows.
constexpr double kShareOfBaselines = 0.1;

struct MixtureOptions {
  uint64_t seed;
  double shrinkage; ///< Of the covariance that gives the units.
  double leastVariance = 1e-6;
  int leastComponents = 1;
  std::function<bool()> isLate = {}; ///< More components are left out then.
};

/// The mixture of normal distributions in standardised columns: fitted in units without
/// correlations, which k-means and the least variance of a component ask for, and brought
/// back.
GaussianMixture fitMixture(const Rows<double> &rows, const Whitening &units, int components,
                           const MixtureOptions &options) {
  GaussianMixture mixture = GaussianMixture::fit(units.whiten(rows), components, options.seed, options.leastVariance);
  for (GaussianMixture::Component &component : mixture.components) {
    component.mean = units.mean + units.factor * component.mean;
    component.factor = units.factor * component.factor; // Lower triangular, as both are.
  }
  return mixture;
}

Expected<std::optional<Scores>> scoreMixture(const Folds &folds, int components, const MixtureOptions &options) {
  Scores scores;
  auto dim = static_cast<int64_t>(folds.event.mean.size());
  for (const Fold &fold : folds.folds) {
    Rows<double> sample = thinned(fold.trainSample, mixtureRows(fold.trainSample.cols()));
    if (!isEnough(sample.rows(), sample.cols(), components) && components > 1)
      return std::optional<Scores>();
    auto units = Whitening::of(Covariance::of(sample), options.shrinkage);
    if (!units)
      return units.takeError();
    GaussianMixture mixture = fitMixture(sample, *units, components, options);
    scores.add(conditionalLogDensity(mixture, fold.heldOut, dim));
  }
  return std::optional(std::move(scores));
}

/// The number of components whose scores are best; they are tried until more of them have
/// made it worse twice.
struct BestMixture {
  int components = 1;
  Scores scores;
};

/// Nothing if the rows are too few for the least number of components.
Expected<std::optional<BestMixture>> chooseMixture(const Folds &folds, const MixtureOptions &options) {
  std::optional<BestMixture> best;
  int worse = 0;
  for (int components : {1, 2, 3, 4, 6, 8, 11, 16, 23, 32}) {
    if (components < options.leastComponents)
      continue;
    if (best && options.isLate && options.isLate())
      break;
    auto scores = scoreMixture(folds, components, options);
    if (!scores)
      return scores.takeError();
    if (!*scores)
      break;
    bool isBetter = !best || (*scores)->mean() > best->scores.mean();
    worse = isBetter ? 0 : worse + 1;
    if (isBetter)
      best = BestMixture{components, std::move(**scores)};
    if (worse == 2)
      break;
  }
  return best;
}

/// One normal distribution with shrunk correlations: of event and condition.
Expected<Scores> scoreNormal(const Folds &folds, double shrinkage) {
  Scores scores;
  auto dim = static_cast<int64_t>(folds.event.mean.size());
  for (const Fold &fold : folds.folds) {
    auto units = Whitening::of(Covariance::of(fold.trainSample), shrinkage);
    if (!units)
      return units.takeError();
    GaussianMixture normal{{{1, units->mean, units->factor}}};
    scores.add(conditionalLogDensity(normal, fold.heldOut, dim));
  }
  return scores;
}

/// Each column by a mixture of its own.
Expected<Scores> scoreIndependent(const Folds &folds, uint64_t seed, const std::function<bool()> &isLate) {
  Eigen::VectorXd sum;
  for (int64_t column = 0; column < std::ssize(folds.event.mean); ++column) {
    Folds one;
    one.event = {{0}, {1}};
    for (const Fold &fold : folds.folds) {
      Fold &part = one.folds.emplace_back();
      part.trainSample = thinned(fold.trainSample, 5000).col(column);
      part.heldOut = fold.heldOut.col(column);
    }
    // Repeated values would make points of components, and any density of them.
    auto best = chooseMixture(one, {.seed = seed, .shrinkage = 1, .leastVariance = 1e-3, .isLate = isLate});
    if (!best)
      return best.takeError();
    const std::vector<double> &scores = (*best)->scores.rows; // One component can always be.
    Eigen::Map<const Eigen::VectorXd> rows(scores.data(), std::ssize(scores));
    sum = column == 0 ? Eigen::VectorXd(rows) : Eigen::VectorXd(sum + rows);
  }
  Scores scores;
  scores.add(sum);
  return scores;
}

} // namespace

Expected<std::vector<Baseline>> flowc::fitBaselines(const Folds &folds, const FitTableOptions &options) {
  const auto begin = Clock::now();
  auto isLate = [&] { return options.steps == 0 && secondsSince(begin) > kShareOfBaselines * options.seconds; };
  std::vector<Baseline> result;
  bool isConditional = folds.condition.has_value();
  auto start = Clock::now();
  auto independent = scoreIndependent(folds, options.seed, isLate);
  if (!independent)
    return independent.takeError();
  result.push_back({contestantOf("independent columns", *independent, folds, start)});

  start = Clock::now();
  double shrinkage = folds.whitening.shrinkage;
  auto normal = scoreNormal(folds, shrinkage);
  if (!normal)
    return normal.takeError();
  Baseline &one = result.emplace_back(Baseline{contestantOf("normal distribution", *normal, folds, start)});
  if (!isConditional)
    one.flowText = [dim = folds.event.mean.size()](const std::string &name) {
      return "flow " + name + " = standard_normal([" + std::to_string(dim) + "])\n";
    };

  start = Clock::now();
  auto mixture =
      chooseMixture(folds, {.seed = options.seed, .shrinkage = shrinkage, .leastComponents = 2, .isLate = isLate});
  if (!mixture)
    return mixture.takeError();
  if (!*mixture)
    return result;
  int components = (*mixture)->components;
  std::string label = "mixture of " + std::to_string(components) + " normal distributions";
  Baseline &many = result.emplace_back(Baseline{contestantOf(label, (*mixture)->scores, folds, start)});
  if (!isConditional)
    many.flowText = [&folds, components, seed = options.seed](const std::string &name) {
      // In the whitened units of all rows, which the model has anyway.
      Rows<double> rows = thinned(folds.sample, mixtureRows(folds.sample.cols()));
      for (int64_t i = 0; i < rows.cols(); ++i)
        rows.col(i) = rows.col(i).array() * folds.event.deviation[i] + folds.event.mean[i];
      GaussianMixture mixture = GaussianMixture::fit(folds.whitening.whiten(rows), components, seed);
      return "flow " + name + " = " + mixture.text() + "\n";
    };
  return result;
}
