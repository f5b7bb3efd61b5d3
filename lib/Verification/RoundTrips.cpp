//===- RoundTrips.cpp - The inverse undoes the map ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// There and back, in float64. How far off the result may be follows from how far it
// moves when input, image and parameters move by one rounding each: steep flows lose
// digits, and are right to.
//
//===----------------------------------------------------------------------===//

#include "Checks.h"
#include "RandomNumbers.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::verification;

namespace {

enum class Direction { FromBase, FromEvents };

/// Where rows are after a round trip, and the sum of the log-determinants of both ways.
struct Trip {
  Rows<double> back;
  Column<double> logDets;
};

class RoundTrips {
public:
  RoundTrips(Context &context, Direction direction) : context(context), direction(direction) {}

  Expected<void> run();
  RowErrors compareEvents() const;
  VerificationCheck judgeEvents(const RowErrors &errors) const;
  VerificationCheck judgeLogDets() const;

private:
  const Rows<double> &start() const { return direction == Direction::FromBase ? context.points.z : context.points.x; }
  Expected<Mapped> go(bool isFirst, const Rows<double> &rows, Arithmetic how);
  Expected<Trip> trip(int trial);

  Context &context;
  Direction direction;
  Trip exact;
  std::vector<Trip> moved;
};

} // namespace

Expected<Mapped> RoundTrips::go(bool isFirst, const Rows<double> &rows, Arithmetic how) {
  bool isForward = isFirst == (direction == Direction::FromBase);
  return isForward ? context.flow.transform(rows, context.points.condition, how)
                   : context.flow.inverse(rows, context.points.condition, how);
}

/// Trial 0 is the trip itself, others go through neighbours of the model.
Expected<Trip> RoundTrips::trip(int trial) {
  RowMoves moves(trial);
  auto there = go(/*isFirst=*/true, moves.move(start()), {.neighbour = neighbourOf(trial)});
  if (!there)
    return there.takeError();
  // Back by another neighbour.
  auto back = go(/*isFirst=*/false, moves.move(there->event), {.neighbour = otherNeighbourOf(trial)});
  if (!back)
    return back.takeError();
  return Trip{std::move(back->event), there->logDet + back->logDet};
}

Expected<void> RoundTrips::run() {
  for (int trial = 0; trial <= kTrials; ++trial) {
    auto result = trip(trial);
    if (!result)
      return result.takeError();
    if (trial == 0)
      exact = std::move(*result);
    else
      moved.push_back(std::move(*result));
  }
  return {};
}

/// A row that is NaN whatever is rounded how is wrong; one that is infinite, or lost by some
/// roundings only, is at the edge of what numbers there are.
RowErrors RoundTrips::compareEvents() const {
  const Rows<double> &from = start();
  RowErrors errors(from.rows());
  std::vector<double> sizes = typicalSizes(from);
  for (int64_t row = 0; row < from.rows(); ++row) {
    for (int64_t i = 0; i < from.cols(); ++i) {
      double size = std::max(std::abs(from(row, i)), sizes[static_cast<size_t>(i)]);
      errors.error[row] = std::max(errors.error[row], distance(exact.back(row, i), from(row, i)) / size);
      for (const Trip &trip : moved)
        errors.rounding[row] = std::max(errors.rounding[row], movement(trip.back(row, i), exact.back(row, i)) / size);
    }
    // What roots are found to, and thousands of roundings.
    errors.floor[row] = 1e-11;
  }
  return errors;
}

VerificationCheck RoundTrips::judgeEvents(const RowErrors &errors) const {
  bool fromBase = direction == Direction::FromBase;
  return judgeRows(context, fromBase ? "round_trip_base" : "round_trip_events",
                   fromBase ? "inverse(transform(z)) = z" : "transform(inverse(x)) = x", errors, start(),
                   " of a coordinate's size");
}

VerificationCheck RoundTrips::judgeLogDets() const {
  RowErrors errors(exact.logDets.size());
  auto dim = static_cast<double>(context.facts().dim);
  for (int64_t row = 0; row < errors.error.size(); ++row) {
    errors.error[row] = distance(exact.logDets[row], 0);
    for (const Trip &trip : moved)
      errors.rounding[row] = std::max(errors.rounding[row], movement(trip.logDets[row], exact.logDets[row]));
    // Where inputs are lost, so are slopes.
    errors.rounding[row] = std::max(errors.rounding[row], context.rounding[row] * dim);
    errors.floor[row] = 1e-10 * dim;
  }
  return judgeRows(context, "log_det_inverse", "log-dets of both ways cancel", errors, start(), "");
}

Expected<Checks> verification::checkRoundTrips(Context &context) {
  if (!context.facts().hasMap)
    return Checks{notApplicable("round_trip_base", "inverse(transform(z)) = z", "a density has no map")};
  Checks checks;
  for (Direction direction : {Direction::FromBase, Direction::FromEvents}) {
    RoundTrips trips(context, direction);
    if (auto ok = trips.run(); !ok)
      return ok.takeError();
    RowErrors errors = trips.compareEvents();
    checks.push_back(trips.judgeEvents(errors));
    if (direction == Direction::FromBase)
      context.rounding = std::move(errors.rounding);
    if (direction == Direction::FromEvents)
      checks.push_back(trips.judgeLogDets());
  }
  return checks;
}
