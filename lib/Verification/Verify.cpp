//===- Verify.cpp - All checks of a flow ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checks.h"
#include "RandomNumbers.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace flowc;
using namespace flowc::verification;

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

/// Takes the rows at which `z` and `x` are finite.
static Points keepFinite(Points points) {
  std::vector<int64_t> kept;
  for (int64_t row = 0; row < points.size(); ++row)
    if (points.z.row(row).allFinite() && points.x.row(row).allFinite())
      kept.push_back(row);
  points.leftOut = points.size() - static_cast<int64_t>(kept.size());
  std::vector<int64_t> numbers;
  for (int64_t row : kept)
    numbers.push_back(points.numbers[static_cast<size_t>(row)]);
  points.z = pickRows(points.z, kept);
  points.x = pickRows(points.x, kept);
  points.condition = pickRows(points.condition, kept);
  points.numbers = std::move(numbers);
  return points;
}

static std::vector<int64_t> countUp(int64_t size) {
  std::vector<int64_t> numbers(static_cast<size_t>(size));
  std::iota(numbers.begin(), numbers.end(), int64_t(1));
  return numbers;
}

/// The images of inputs of a bijection.
static Expected<Points> mapInputs(Context &context, Rows<double> z, const std::string &noun) {
  Points points{.z = std::move(z), .noun = noun};
  points.condition = context.conditionsFor(points.z.rows());
  points.numbers = countUp(points.z.rows());
  auto mapped = context.flow.transform(points.z, points.condition, {});
  if (!mapped)
    return mapped.takeError();
  points.x = std::move(mapped->event);
  return keepFinite(std::move(points));
}

/// Inputs of a bijection whose domain nobody states: those of a few kinds that most are in.
static Expected<Points> findInputs(Context &context) {
  double (*const kinds[])(RandomNumbers &) = {
      [](RandomNumbers &random) { return random.normal(); },
      [](RandomNumbers &random) { return std::abs(random.normal()); },
      [](RandomNumbers &random) { return random.uniform(); },
      [](RandomNumbers &random) { return 1 + std::abs(random.normal()); },
  };
  Points best;
  best.leftOut = std::numeric_limits<int64_t>::max();
  for (auto *draw : kinds) {
    RandomNumbers random(context.options.seed, Stream::Inputs);
    Rows<double> z(context.options.rows, context.facts().dim);
    for (double &value : z.reshaped<Eigen::RowMajor>())
      value = draw(random);
    auto points = mapInputs(context, std::move(z), "input");
    if (!points)
      return points;
    if (points->leftOut < best.leftOut)
      best = std::move(*points);
  }
  return best;
}

/// The draws that a flow is checked at, or the rows that were given.
static Expected<Points> findEvents(Context &context) {
  const FlowFacts &facts = context.facts();
  const bool isGiven = context.options.x.size() > 0;
  Points points{.noun = isGiven ? "row" : "draw"};
  if (isGiven) {
    points.x = context.options.x;
    points.condition = context.conditionsFor(points.x.rows());
  } else {
    points.condition = context.conditionsFor(context.options.rows);
    auto drawn = context.flow.sample(context.options.rows, Context::firstDraw(0), points.condition, F64);
    if (!drawn)
      return drawn.takeError();
    points.x = std::move(drawn->event);
    points.sampled = std::move(drawn->logDet);
  }
  points.numbers = countUp(points.x.rows());
  points.z = points.x;
  if (facts.hasMap) {
    auto inverse = context.flow.inverse(points.x, points.condition, {});
    if (!inverse)
      return inverse.takeError();
    points.z = std::move(inverse->event);
  }
  return points;
}

/// Rows of normal numbers, for a density that has neither map nor sampler.
static Rows<double> drawRows(const Context &context) {
  RandomNumbers random(context.options.seed, Stream::Inputs);
  Rows<double> x(context.options.rows, context.facts().dim);
  for (double &value : x.reshaped<Eigen::RowMajor>())
    value = random.normal();
  return x;
}

static Expected<void> findPoints(Context &context) {
  const FlowFacts &facts = context.facts();
  const Rows<double> &given = context.options.x;
  if (!facts.hasDensity) {
    auto points = given.size() ? mapInputs(context, given, "row") : findInputs(context);
    if (!points)
      return points.takeError();
    context.points = std::move(*points);
    return {};
  }
  if (!facts.hasSampler) {
    context.points = {.x = given.size() ? given : drawRows(context), .noun = given.size() ? "row" : "input"};
    context.points.z = context.points.x;
    context.points.numbers = countUp(context.points.size());
    context.events = context.points.x;
    return {};
  }
  auto points = findEvents(context);
  if (!points)
    return points.takeError();
  context.events = points->x;
  context.eventConditions = points->condition;
  context.points = given.size() ? keepFinite(std::move(*points)) : std::move(*points);
  return {};
}

//===----------------------------------------------------------------------===//
// verify
//===----------------------------------------------------------------------===//

static Expected<void> checkOptions(const FlowFacts &facts, const VerifyOptions &options) {
  constexpr int64_t fewestDraws = 1000;
  if (options.rows < 1)
    return Error{"cannot verify a flow at " + std::to_string(options.rows) + " rows, expected at least one"};
  if (options.draws < fewestDraws)
    return Error{"cannot judge a sampler by " + std::to_string(options.draws) + " draws, expected at least " +
                 std::to_string(fewestDraws)};
  if (options.x.size() > 0 && options.x.cols() != facts.dim)
    return Error{"rows to verify '" + facts.name + "' at have " + std::to_string(options.x.cols()) +
                 " columns, expected " + std::to_string(facts.dim)};
  if (!options.x.allFinite() || !options.condition.allFinite())
    return Error{"rows to verify '" + facts.name +
                 "' at, or conditions, hold a number that is not finite: leave such "
                 "rows out"};
  if (facts.isConditional && (options.condition.rows() == 0 || options.condition.cols() != facts.condDim))
    return Error{"'" + facts.name + "' needs conditions of " + std::to_string(facts.condDim) + " numbers, found " +
                 std::to_string(options.condition.rows()) + " of " + std::to_string(options.condition.cols())};
  if (!facts.isConditional && options.condition.size() > 0)
    return Error{"'" + facts.name + "' takes no condition, but got one"};
  return {};
}

Expected<Verification> verification::verify(FlowUnderTest &flow, const VerifyOptions &options) {
  const FlowFacts &facts = flow.facts();
  if (auto ok = checkOptions(facts, options); !ok)
    return ok.takeError();
  static constexpr decltype(&checkRoundTrips) groups[] = {checkRoundTrips,   checkLogDets, checkDifferences,
                                                          checkLogDensities, checkEdges,   checkIntegral,
                                                          checkSampler,      checkFloat32};
  Context context{flow, options};
  Verification result{.name = facts.name, .kind = facts.kind, .dim = facts.dim, .seed = options.seed};
  int64_t done = 0;
  auto report = [&] {
    if (options.progress)
      options.progress(done++, static_cast<int64_t>(std::size(groups)));
  };
  report();
  if (auto ok = findPoints(context); !ok)
    return ok.takeError();
  result.rows = context.points.size();
  result.leftOut = context.points.leftOut;
  result.rowNoun = context.points.noun;
  for (auto *check : groups) {
    auto checks = check(context);
    if (!checks)
      return checks.takeError();
    std::move(checks->begin(), checks->end(), std::back_inserter(result.checks));
    report();
  }
  return result;
}

Expected<Verification> flowc::verify(const Model &model, const VerifyOptions &options) {
  auto flow = makeFlowUnderTest(model, options);
  if (!flow)
    return flow.takeError();
  return verification::verify(**flow, options);
}
