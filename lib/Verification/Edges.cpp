//===- Edges.cpp - log_prob of draws, NaN and what is outside -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checks.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::verification;

static Expected<VerificationCheck> checkFinite(Context &context) {
  const Points &points = context.points;
  const bool isDraw = points.sampled.size() > 0;
  VerificationCheck check{.name = "finite", .claim = isDraw ? "log_prob of draws is finite" : "log_prob is no NaN"};
  const Rows<double> &x = context.events;
  auto logProb = context.flow.logProb(x, context.eventConditions, {});
  if (!logProb)
    return logProb.takeError();
  int64_t bad = 0, outside = 0, first = -1;
  for (int64_t row = 0; row < x.rows(); ++row) {
    double value = (*logProb)[row];
    outside += value == -HUGE_VAL;
    bool isBad = isDraw ? !std::isfinite(value) : std::isnan(value) || value == HUGE_VAL;
    if (isBad && bad++ == 0)
      first = row;
  }
  check.found = static_cast<double>(bad);
  check.allowed = 0;
  check.verdict = bad ? Verdict::Fail : Verdict::Pass;
  auto rows = static_cast<long long>(x.rows());
  if (bad) {
    check.row = first + 1;
    check.words = print("%lld of %lld rows are not, first ", static_cast<long long>(bad), rows) +
                  context.describeRow(first + 1, x.row(first)) + print(": %g", (*logProb)[first]);
  } else {
    check.words = print("all %lld rows", rows);
    if (outside > 0)
      check.words += print(", of which %lld outside of the support", static_cast<long long>(outside));
  }
  return check;
}

/// Of the first row: a NaN in each coordinate and in each number of the condition.
static Expected<VerificationCheck> checkNaN(Context &context) {
  VerificationCheck check{.name = "nan", .claim = "log_prob of a NaN is NaN"};
  const Points &points = context.points;
  const int64_t dim = points.x.cols(), condDim = context.facts().condDim, count = dim + condDim;
  Rows<double> x = points.x.row(0).replicate(count, 1), condition;
  if (condDim > 0)
    condition = points.condition.row(0).replicate(count, 1);
  for (int64_t i = 0; i < count; ++i)
    (i < dim ? x(i, i) : condition(i, i - dim)) = std::nan("");
  auto logProb = context.flow.logProb(x, condition, {});
  if (!logProb)
    return logProb.takeError();
  std::string wrong;
  for (int64_t i = 0; i < count; ++i)
    if (!std::isnan((*logProb)[i]) && wrong.empty())
      wrong = print("%s %lld is NaN, log_prob is %g", i < dim ? "coordinate" : "number of the condition",
                    static_cast<long long>(i < dim ? i : i - dim), (*logProb)[i]);
  check.verdict = wrong.empty() ? Verdict::Pass : Verdict::Fail;
  check.words = wrong.empty() ? print("in each of %lld places", static_cast<long long>(count)) : wrong;
  return check;
}

/// Beyond each end of the support that is known.
static Expected<VerificationCheck> checkOutside(Context &context) {
  const std::string name = "outside", claim = "log_prob outside is -inf";
  const Points &points = context.points;
  std::vector<std::pair<int64_t, double>> places;
  for (size_t i = 0; i < context.facts().ends.size(); ++i) {
    auto [lower, upper] = context.facts().ends[i];
    if (std::isfinite(lower))
      places.emplace_back(i, lower - 1 - std::abs(lower));
    if (std::isfinite(upper))
      places.emplace_back(i, upper + 1 + std::abs(upper));
  }
  if (places.empty())
    return notApplicable(name, claim, "no certain end of the support");
  auto count = static_cast<int64_t>(places.size());
  Rows<double> x = points.x.row(0).replicate(count, 1), condition;
  if (points.condition.size() > 0)
    condition = points.condition.row(0).replicate(count, 1);
  for (int64_t i = 0; i < count; ++i)
    x(i, places[static_cast<size_t>(i)].first) = places[static_cast<size_t>(i)].second;
  auto logProb = context.flow.logProb(x, condition, {});
  if (!logProb)
    return logProb.takeError();
  VerificationCheck check{.name = name, .claim = claim, .words = print("beyond each of %lld ends", (long long)count)};
  for (int64_t i = 0; i < count; ++i)
    if ((*logProb)[i] != -HUGE_VAL) {
      check.verdict = Verdict::Fail;
      check.words =
          print("coordinate %lld is %g, log_prob is %g", static_cast<long long>(places[static_cast<size_t>(i)].first),
                places[static_cast<size_t>(i)].second, (*logProb)[i]);
    }
  return check;
}

Expected<Checks> verification::checkEdges(Context &context) {
  if (!context.facts().hasDensity || context.points.size() == 0)
    return Checks{notApplicable("finite", "log_prob of draws is finite", "a bijection has no density")};
  Checks checks;
  for (auto *check : {checkFinite, checkNaN, checkOutside}) {
    auto result = check(context);
    if (!result)
      return result.takeError();
    checks.push_back(std::move(*result));
  }
  return checks;
}
