//===- Checks.h - The checks of a flow --------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_VERIFICATION_CHECKS_H
#define FLOWC_LIB_VERIFICATION_CHECKS_H

#include "FlowUnderTest.h"

#include "flowc/Support/Print.h"

#include <map>

namespace flowc::verification {

/// Rows that maps and log-densities are checked at.
struct Points {
  /// Inputs of `transform` and events, with x = T(z) or z = T^-1(x) where there is a map.
  Rows<double> z = {}, x = {}, condition = {};
  /// log q(x) as the sampler says it; empty for rows that are no draws.
  Column<double> sampled = {};
  /// Numbers of the rows where they come from, from 1.
  std::vector<int64_t> numbers = {};
  /// What a row is called.
  std::string noun = {};
  /// Rows that are in no domain and were left out.
  int64_t leftOut = 0;

  int64_t size() const { return x.rows(); }
};

/// Rows `rows` of a matrix; an empty matrix stays one.
Rows<double> pickRows(const Rows<double> &from, const std::vector<int64_t> &rows);

/// What all checks share.
struct Context {
  FlowUnderTest &flow;
  const VerifyOptions &options;
  Points points = {};
  /// How far rounding moves each point, of its size, on its way there and back: as far as
  /// derivatives of the map are unknown.
  Column<double> rounding = {};
  /// All events, those outside of the support too, and their conditions.
  Rows<double> events = {}, eventConditions = {};

  const FlowFacts &facts() const { return flow.facts(); }
  /// A condition for each of `rows` rows, in turn.
  Rows<double> conditionsFor(int64_t rows) const;
  /// The first draw of stretch `stretch`; stretches do not overlap.
  static uint64_t firstDraw(int stretch);
  /// E.g. "draw 17 (0.3, -1.2)".
  std::string describeRow(int64_t number, const Rows<double> &row) const;
};

/// The p-value below which a test of draws speaks against a flow: with a handful of tests, one
/// in 10,000 sound flows has one.
constexpr double kRarest = 1e-5;

/// How long a row's rounding errors may be for it to be judged, of the size of the number.
constexpr double kHopeless = 1e-2;

/// Errors of one quantity beside what rounding makes of it, by row.
struct RowErrors {
  explicit RowErrors(int64_t rows)
      : error(Column<double>::Zero(rows)), rounding(Column<double>::Zero(rows)), floor(Column<double>::Zero(rows)) {}

  Column<double> error, rounding;
  /// Errors that are never too large.
  Column<double> floor;

  double allowed(int64_t row) const;
  bool isJudged(int64_t row) const;
};

/// The verdict on a claim about rows, of which `rows` shows the worst if it fails; `unit` is
/// behind errors, e.g. " nats".
VerificationCheck judgeRows(const Context &context, std::string name, std::string claim, const RowErrors &errors,
                            const Rows<double> &rows, const std::string &unit);

VerificationCheck notApplicable(std::string name, std::string claim, std::string why);

using Checks = std::vector<VerificationCheck>;

// Each gives its checks, in order.
Expected<Checks> checkRoundTrips(Context &context);
Expected<Checks> checkLogDets(Context &context);
Expected<Checks> checkDifferences(Context &context);
Expected<Checks> checkLogDensities(Context &context);
Expected<Checks> checkEdges(Context &context);
Expected<Checks> checkIntegral(Context &context);
Expected<Checks> checkSampler(Context &context);
Expected<Checks> checkFloat32(Context &context);

/// |a - b|; 0 for equal infinities, and infinite where it is no number.
double distance(double a, double b);
/// The same between results of neighbours; 0 if both are NaN.
double movement(double a, double b);

/// The value in the middle, of those that are finite; `fallback` if there is none or it is 0.
double medianOr(std::vector<double> values, double fallback);

/// For each column the usual size of a number, 1 where that is 0.
std::vector<double> typicalSizes(const Rows<double> &rows);

} // namespace flowc::verification

#endif // FLOWC_LIB_VERIFICATION_CHECKS_H
