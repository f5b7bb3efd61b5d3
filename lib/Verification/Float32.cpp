//===- Float32.cpp - float32 beside float64 -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The same rows, of float32 numbers, in both types. What float32 may lose follows from
// how far the result in float64 moves when row and parameters move by one rounding of
// float32.
//
//===----------------------------------------------------------------------===//

#include "Checks.h"
#include "RandomNumbers.h"

#include "flowc/Evaluation.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::verification;

namespace {

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
/// Roundings of float32 that no code can be blamed for.
constexpr double kFloor = 64 * kEpsilon;

/// Points whose numbers float32 has.
Context roundPoints(const Context &context, const Rows<double> &rows) {
  std::vector<int64_t> kept;
  Rows<float> rounded = rows.cast<float>(), condition = context.points.condition.cast<float>();
  for (int64_t row = 0; row < rows.rows(); ++row)
    if (rounded.row(row).allFinite())
      kept.push_back(row);
  Context result{context.flow, context.options, {.noun = context.points.noun}};
  result.points.x = pickRows(rounded.cast<double>(), kept);
  result.points.condition = pickRows(condition.cast<double>(), kept);
  for (int64_t row : kept)
    result.points.numbers.push_back(context.points.numbers[static_cast<size_t>(row)]);
  result.points.leftOut = rows.rows() - static_cast<int64_t>(kept.size());
  return result;
}

/// Results in both types, one row for each row: of float64, float32 and the neighbours.
using Evaluate = std::function<Expected<Rows<double>>(const Rows<double> &, Arithmetic)>;

Expected<VerificationCheck> compareTypes(Context context, const char *name, const char *claim, const char *unit,
                                         const Evaluate &evaluate) {
  const Rows<double> &at = context.points.x;
  auto wide = evaluate(at, {});
  if (!wide)
    return wide.takeError();
  auto narrow = evaluate(at, {.type = F32});
  if (!narrow)
    return narrow.takeError();
  RowErrors errors(at.rows());
  std::vector<double> sizes = typicalSizes(*wide);
  const bool isDensity = wide->cols() == 1 && std::string(unit) == " nats";
  auto sizeAt = [&](int64_t row, int64_t i) {
    return isDensity ? 1 : std::max(std::abs((*wide)(row, i)), sizes[static_cast<size_t>(i)]);
  };
  auto raise = [&](Column<double> &to, const Rows<double> &rows, double (*measure)(double, double)) {
    for (int64_t row = 0; row < at.rows(); ++row)
      for (int64_t i = 0; i < rows.cols(); ++i)
        to[row] = std::max(to[row], measure(rows(row, i), (*wide)(row, i)) / sizeAt(row, i));
  };
  raise(errors.error, *narrow, distance);
  for (int64_t row = 0; row < at.rows(); ++row)
    errors.floor[row] = kFloor * (isDensity ? static_cast<double>(context.facts().dim) + std::abs((*wide)(row, 0)) : 1);
  for (int trial = 1; trial <= kTrials; ++trial) {
    auto moved = evaluate(RowMoves(trial, F32).move(at), {.neighbour = neighbourOf(trial), .rounding = F32});
    if (!moved)
      return moved.takeError();
    raise(errors.rounding, *moved, movement);
  }
  VerificationCheck check = judgeRows(context, name, claim, errors, at, unit);
  if (context.points.leftOut > 0)
    check.words += print("; %lld rows are beyond the range of float32", static_cast<long long>(context.points.leftOut));
  return check;
}

/// Whether float32 has numbers that are close enough together for the distribution of `draws`.
bool isFineEnough(const Column<double> &draws) {
  std::vector<double> sorted(draws.begin(), draws.end());
  std::sort(sorted.begin(), sorted.end());
  auto at = [&](size_t quarter) { return sorted[quarter * (sorted.size() - 1) / 4]; };
  constexpr double steps = 1000;
  return at(3) - at(1) > steps * kEpsilon * std::abs(at(2));
}

/// Draws of both samplers, coordinate by coordinate.
Expected<VerificationCheck> compareDraws(Context &context) {
  VerificationCheck check{.name = "float32_draws", .claim = "draws in both types are alike"};
  const int64_t rows = context.options.draws;
  Rows<double> condition = context.conditionsFor(rows);
  auto narrow = context.flow.sample(rows, Context::firstDraw(5), condition, F32);
  if (!narrow)
    return narrow.takeError();
  auto wide = context.flow.sample(rows, Context::firstDraw(6), condition, F64);
  if (!wide)
    return wide.takeError();
  check.found = 1;
  check.allowed = kRarest / static_cast<double>(context.facts().dim);
  int64_t worst = 0, coarse = 0;
  for (int64_t i = 0; i < context.facts().dim; ++i) {
    Column<double> a = narrow->event.col(i), b = wide->event.col(i);
    if (!isFineEnough(b)) {
      ++coarse;
      continue;
    }
    double p = testEquality({a.begin(), a.end()}, {b.begin(), b.end()}).pValue;
    if (p < check.found) {
      check.found = p;
      worst = i;
    }
  }
  check.verdict = check.found < check.allowed     ? Verdict::Fail
                  : coarse == context.facts().dim ? Verdict::Undecided
                                                  : Verdict::Pass;
  if (coarse < context.facts().dim)
    check.words = print("%lld draws of each, Kolmogorov-Smirnov by coordinate: p >= %.2g (coordinate %lld), limit %.1e",
                        static_cast<long long>(rows), check.found, static_cast<long long>(worst), check.allowed);
  if (coarse > 0)
    check.words += print("%s%lld of %lld coordinates are too narrow for where they are: float32 puts them on a grid",
                         check.words.empty() ? "" : "; ", static_cast<long long>(coarse),
                         static_cast<long long>(context.facts().dim));
  return check;
}

} // namespace

Expected<Checks> verification::checkFloat32(Context &context) {
  Checks checks;
  auto add = [&](Expected<VerificationCheck> check) -> Expected<void> {
    if (!check)
      return check.takeError();
    checks.push_back(std::move(*check));
    return {};
  };
  const FlowFacts &facts = context.facts();
  if (facts.hasDensity) {
    Context rounded = roundPoints(context, context.points.x);
    auto logProb = [&](const Rows<double> &x, Arithmetic how) -> Expected<Rows<double>> {
      auto result = context.flow.logProb(x, rounded.points.condition, how);
      if (!result)
        return result.takeError();
      return Rows<double>(*result);
    };
    if (auto ok = add(compareTypes(rounded, "float32_log_prob", "log_prob in float32", " nats", logProb)); !ok)
      return ok.takeError();
  }
  if (facts.hasMap) {
    Context rounded = roundPoints(context, context.points.z);
    auto transform = [&](const Rows<double> &z, Arithmetic how) -> Expected<Rows<double>> {
      auto result = context.flow.transform(z, rounded.points.condition, how);
      if (!result)
        return result.takeError();
      return std::move(result->event);
    };
    if (auto ok = add(
            compareTypes(rounded, "float32_transform", "transform in float32", " of a coordinate's size", transform));
        !ok)
      return ok.takeError();
  }
  if (facts.hasSampler)
    if (auto ok = add(compareDraws(context)); !ok)
      return ok.takeError();
  return checks;
}
