//===- LogDensities.cpp - log_prob against its parts ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checks.h"
#include "RandomNumbers.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::verification;

namespace {

/// log q(x), and the same from the base density behind the inverse.
struct Composed {
  Column<double> whole, parts;
};

} // namespace

/// Trial 0 is the model at its points; in others all have moved by a rounding.
static Expected<Composed> compose(Context &context, int trial) {
  FlowUnderTest &flow = context.flow;
  const Rows<double> &condition = context.points.condition;
  RowMoves moves(trial);
  auto whole = flow.logProb(moves.move(context.points.x), condition, {.neighbour = neighbourOf(trial)});
  if (!whole)
    return whole.takeError();
  auto inverse = flow.inverse(moves.move(context.points.x), condition, {.neighbour = otherNeighbourOf(trial)});
  if (!inverse)
    return inverse.takeError();
  auto base = flow.baseLogProb(moves.move(inverse->event), condition, {.neighbour = neighbourOf(trial)});
  if (!base)
    return base.takeError();
  return Composed{std::move(*whole), *base + inverse->logDet};
}

static Expected<VerificationCheck> checkParts(Context &context) {
  const std::string name = "log_prob", claim = "log_prob = base + log-det";
  if (!context.facts().hasBase)
    return notApplicable(name, claim, "there is no base distribution behind a map");
  auto exact = compose(context, 0);
  if (!exact)
    return exact.takeError();
  RowErrors errors(context.points.size());
  for (int64_t row = 0; row < context.points.size(); ++row) {
    // Where the inverse is at an edge, the parts are infinities of both signs: density zero.
    bool isZero = exact->whole[row] == -HUGE_VAL && !std::isfinite(exact->parts[row]);
    errors.error[row] = isZero ? 0 : distance(exact->whole[row], exact->parts[row]);
    errors.floor[row] = 1e-10 * (static_cast<double>(context.facts().dim) + std::abs(exact->whole[row]));
  }
  for (int trial = 1; trial <= kTrials; ++trial) {
    auto moved = compose(context, trial);
    if (!moved)
      return moved.takeError();
    for (int64_t row = 0; row < context.points.size(); ++row)
      if (errors.error[row] != 0)
        errors.rounding[row] = std::max(errors.rounding[row], movement(moved->whole[row] - moved->parts[row],
                                                                       exact->whole[row] - exact->parts[row]));
  }
  return judgeRows(context, name, claim, errors, context.points.x, " nats");
}

static Expected<VerificationCheck> checkSampled(Context &context) {
  const std::string name = "sample_log_prob", claim = "log_prob of draws = the sampler's";
  const Points &points = context.points;
  if (!context.facts().hasSampler)
    return notApplicable(name, claim, "a " + context.facts().kind + " has no sampler");
  if (points.sampled.size() == 0)
    return notApplicable(name, claim, "the rows are no draws");
  auto exact = context.flow.logProb(points.x, points.condition, {});
  if (!exact)
    return exact.takeError();
  RowErrors errors(points.size());
  for (int64_t row = 0; row < points.size(); ++row) {
    errors.error[row] = distance((*exact)[row], points.sampled[row]);
    errors.floor[row] = 1e-10 * (static_cast<double>(context.facts().dim) + std::abs((*exact)[row]));
  }
  for (int trial = 1; trial <= kTrials; ++trial) {
    auto moved =
        context.flow.logProb(RowMoves(trial).move(points.x), points.condition, {.neighbour = neighbourOf(trial)});
    if (!moved)
      return moved.takeError();
    for (int64_t row = 0; row < points.size(); ++row)
      errors.rounding[row] = std::max(errors.rounding[row], movement((*moved)[row], (*exact)[row]));
  }
  return judgeRows(context, name, claim, errors, points.x, " nats");
}

Expected<Checks> verification::checkLogDensities(Context &context) {
  Checks checks;
  for (auto *check : {checkParts, checkSampled}) {
    auto result = check(context);
    if (!result)
      return result.takeError();
    checks.push_back(std::move(*result));
  }
  return checks;
}
