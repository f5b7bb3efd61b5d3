//===- Sampler.cpp - Draws follow the density -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In any dimension: Metropolis chains leave draws of a density as they are. They know
// nothing but log_prob; if the draws are from another distribution, chains move them
// towards the right one. And what draws come from has the base distribution.
//
//===----------------------------------------------------------------------===//

#include "Checks.h"
#include "RandomNumbers.h"

#include "flowc/Evaluation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace flowc;
using namespace flowc::verification;

namespace {

/// Bounded functions of a row, by which draws are compared before and after a step.
class Statistics {
public:
  /// Centres and scales are those of other draws.
  Statistics(const Rows<double> &draws, const Column<double> &logDensities) : dim(draws.cols()) {
    for (int64_t i = 0; i < dim; ++i)
      add(draws.col(i));
    add(logDensities);
  }

  int64_t count() const { return 3 * dim + 1; }
  Column<double> evaluate(const Rows<double> &rows, int64_t row, double logDensity) const {
    Column<double> result(count());
    for (int64_t i = 0; i < dim; ++i)
      result[i] = bounded(rows(row, i), i);
    for (int64_t i = 0; i < dim; ++i) {
      result[dim + i] = std::abs(result[i]);
      result[2 * dim + i] = result[i] * result[(i + 1) % dim];
    }
    result[3 * dim] = bounded(logDensity, dim);
    return result;
  }
  /// What statistic `index` is about.
  std::string describe(int64_t index) const {
    if (index == 3 * dim)
      return "log_prob";
    auto coordinate = static_cast<long long>(index % dim);
    if (index < dim)
      return print("location of coordinate %lld", coordinate);
    if (index < 2 * dim || dim == 1)
      return print("width of coordinate %lld", coordinate);
    return print("dependence of coordinates %lld and %lld", coordinate, (coordinate + 1) % static_cast<long long>(dim));
  }

private:
  void add(const Column<double> &values) {
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    auto at = [&](double p) { return sorted[static_cast<size_t>(p * static_cast<double>(sorted.size() - 1))]; };
    centres.push_back(at(0.5));
    double width = at(0.75) - at(0.25);
    scales.push_back(width > 0 && std::isfinite(width) ? width : 1);
  }
  double bounded(double value, int64_t i) const {
    auto place = static_cast<size_t>(i);
    return std::tanh((value - centres[place]) / scales[place]);
  }

  int64_t dim;
  std::vector<double> centres, scales;
};

/// Metropolis chains, one for each row, whose steps are differences of two rows of a pool: as
/// wide as the density, and as likely as their negatives.
class Chains {
public:
  Chains(Context &context, Rows<double> start, Rows<double> condition, Rows<double> pool)
      : context(context), random(context.options.seed, Stream::Steps), x(std::move(start)),
        condition(std::move(condition)), pool(std::move(pool)) {}

  Expected<void> run(int steps);

  const Rows<double> &events() const { return x; }
  const Column<double> &logDensities() const { return logProb; }
  double acceptance() const { return static_cast<double>(accepted) / static_cast<double>(proposals); }

private:
  Rows<double> propose();

  Context &context;
  RandomNumbers random;
  Rows<double> x, condition, pool;
  Column<double> logProb;
  int64_t accepted = 0, proposals = 0;
};

} // namespace

Rows<double> Chains::propose() {
  Rows<double> result = x;
  auto choose = [&] { return static_cast<int64_t>(random.uniform() * static_cast<double>(pool.rows())); };
  // What is best for normal distributions (Ter Braak 2006), and less for others.
  double whole = 2.38 / std::sqrt(2.0 * static_cast<double>(x.cols()));
  for (int64_t row = 0; row < x.rows(); ++row) {
    double choice = random.uniform(), step = whole * (choice < 0.5 ? 1 : choice < 0.75 ? 0.3 : 0.1);
    int64_t first = choose(), second = choose();
    result.row(row) += step * (pool.row(first) - pool.row(second));
  }
  return result;
}

Expected<void> Chains::run(int steps) {
  auto start = context.flow.logProb(x, condition, {});
  if (!start)
    return start.takeError();
  logProb = std::move(*start);
  for (int step = 0; step < steps; ++step) {
    Rows<double> proposed = propose();
    auto result = context.flow.logProb(proposed, condition, {});
    if (!result)
      return result.takeError();
    proposals += x.rows();
    for (int64_t row = 0; row < x.rows(); ++row) {
      double after = (*result)[row];
      if (!std::isfinite(after) || !(std::log(random.uniform()) < after - logProb[row]))
        continue;
      ++accepted;
      x.row(row) = proposed.row(row);
      logProb[row] = after;
    }
  }
  return {};
}

/// Draws before and after are exchangeable, whatever the density: a change is as likely as its
/// negative. The sum of n such numbers over the root of that of their squares is beyond +-t
/// with a probability of at most 2 exp(-t^2 / 2).
static Expected<VerificationCheck> checkMetropolis(Context &context) {
  VerificationCheck check{.name = "metropolis", .claim = "draws are stationary under p"};
  const int64_t rows = context.options.draws;
  constexpr int steps = 12;
  Rows<double> condition = context.conditionsFor(rows);
  auto start = context.flow.sample(rows, Context::firstDraw(3), condition, F64);
  if (!start)
    return start.takeError();
  auto pool = context.flow.sample(rows, Context::firstDraw(4), condition, F64);
  if (!pool)
    return pool.takeError();
  auto before = context.flow.logProb(start->event, condition, {}),
       others = context.flow.logProb(pool->event, condition, {});
  if (!before)
    return before.takeError();
  if (!others)
    return others.takeError();
  Statistics statistics(pool->event, *others);
  Chains chains(context, start->event, condition, std::move(pool->event));
  if (auto ok = chains.run(steps); !ok)
    return ok.takeError();
  Column<double> sums = Column<double>::Zero(statistics.count()), squares = sums;
  for (int64_t row = 0; row < rows; ++row) {
    Column<double> change = statistics.evaluate(chains.events(), row, chains.logDensities()[row]) -
                            statistics.evaluate(start->event, row, (*before)[row]);
    sums += change;
    squares += change.cwiseAbs2();
  }
  int64_t worst = 0;
  Column<double> scores = sums.cwiseQuotient(squares.cwiseSqrt().cwiseMax(1e-300)).cwiseAbs();
  scores.maxCoeff(&worst);
  auto count = static_cast<double>(statistics.count());
  check.found = std::min(1.0, 2 * std::exp(-scores[worst] * scores[worst] / 2) * count);
  check.allowed = kRarest;
  check.verdict = check.found < check.allowed ? Verdict::Fail : Verdict::Pass;
  check.words =
      print("%d Metropolis steps of %lld draws (%.0f %% accepted) change %.0f statistics by up to %.1f standard "
            "errors (%s): p <= %.2g, limit %.0e",
            steps, static_cast<long long>(rows), 100 * chains.acceptance(), count, scores[worst],
            statistics.describe(worst).c_str(), check.found, check.allowed);
  return check;
}

static Expected<VerificationCheck> checkBaseDraws(Context &context) {
  const std::string name = "base_draws", claim = "draws come from the base";
  if (!context.facts().hasNormalBase)
    return notApplicable(name, claim, "the base is no standard normal distribution");
  const int64_t rows = context.options.draws, dim = context.facts().dim;
  Rows<double> condition = context.conditionsFor(rows);
  auto drawn = context.flow.sample(rows, Context::firstDraw(7), condition, F64);
  if (!drawn)
    return drawn.takeError();
  auto z = context.flow.toBase(drawn->event, condition);
  if (!z)
    return z.takeError();
  VerificationCheck check{.name = name, .claim = claim, .found = 1, .allowed = kRarest / static_cast<double>(dim)};
  int64_t worst = 0;
  for (int64_t i = 0; i < dim; ++i) {
    std::vector<double> values(static_cast<size_t>(rows));
    for (int64_t row = 0; row < rows; ++row)
      values[static_cast<size_t>(row)] = 0.5 * std::erfc(-(*z)(row, i) / std::numbers::sqrt2);
    double p = testUniformity(std::move(values)).pValue;
    if (p < check.found) {
      check.found = p;
      worst = i;
    }
  }
  check.verdict = check.found < check.allowed ? Verdict::Fail : Verdict::Pass;
  check.words = print("%lld draws, Kolmogorov-Smirnov by coordinate: p >= %.2g (coordinate %lld), limit %.1e",
                      static_cast<long long>(rows), check.found, static_cast<long long>(worst), check.allowed);
  return check;
}

Expected<Checks> verification::checkSampler(Context &context) {
  if (!context.facts().hasSampler)
    return Checks{
        notApplicable("metropolis", "draws are stationary under p", "a " + context.facts().kind + " has no sampler")};
  Checks checks;
  for (auto *check : {checkMetropolis, checkBaseDraws}) {
    auto result = check(context);
    if (!result)
      return result.takeError();
    checks.push_back(std::move(*result));
  }
  return checks;
}
