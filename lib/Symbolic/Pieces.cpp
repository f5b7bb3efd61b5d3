//===- Pieces.cpp - Formulas between their kinks --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Solver.h"

#include <algorithm>
#include <set>

namespace flowc::symbolic {

namespace {

/// Takes a formula apart where arguments of abs and the like change sign.
class Splitter {
public:
  explicit Splitter(Algebra &algebra) : algebra(algebra) {}

  std::vector<Piece> split(Piece whole);

private:
  /// What changes sign where `e` switches; null if `e` does not switch.
  Expr getSwitch(Expr e);
  /// Where slope*x + offset is 0, if that is one place.
  Expr findPlace(Expr difference, bool *isRising = nullptr);
  /// Places inside of the piece where its formula or its condition switches.
  std::vector<Expr> findPlaces(const Piece &piece);
  void collect(Expr e, std::set<Expr> &seen, std::set<Expr> &places);
  /// -1 if `a` < `b` for all parameters, 1 if it is larger, 0 if neither is known.
  int compare(Expr a, Expr b);
  bool isBefore(Expr place, Expr end) { return place == end || compare(place, end) < 0; }
  /// The sign of `difference` on the piece, 0 if it has none that is known.
  int getSide(Expr difference, const Piece &piece);
  /// `e` with all switches set as they are on the piece; `deciders` has what they were set by.
  Expr resolve(Expr e, const Piece &piece, std::vector<Expr> &deciders);
  Piece cut(const Piece &whole, Expr start, Expr end);

  Algebra &algebra;
};

} // namespace

Expr Splitter::getSwitch(Expr e) {
  if (e->is(Function::Abs) || e->is(Function::Sign))
    return e->argument();
  if (e->is(Function::Min) || e->is(Function::Max))
    return algebra.subtract(e->argument(0), e->argument(1));
  if (e->kind == Kind::Compare && e->relation != Relation::Equal && e->relation != Relation::NotEqual)
    return algebra.subtract(e->argument(0), e->argument(1));
  return nullptr;
}

Expr Splitter::findPlace(Expr difference, bool *isRising) {
  std::optional<Linear> linear = difference ? matchLinear(algebra, difference) : std::nullopt;
  if (!linear || linear->node != algebra.getVariable() || !algebra.isNonZero(linear->slope))
    return nullptr;
  if (isRising)
    *isRising = algebra.isPositive(linear->slope);
  return algebra.divide(algebra.negate(linear->offset), linear->slope);
}

void Splitter::collect(Expr e, std::set<Expr> &seen, std::set<Expr> &places) {
  if (!seen.insert(e).second)
    return;
  for (const Term &term : e->terms)
    collect(term.node, seen, places);
  if (Expr place = findPlace(getSwitch(e)))
    places.insert(place);
}

int Splitter::compare(Expr a, Expr b) {
  if (a->isConstant() && b->isConstant())
    return a->number < b->number ? -1 : a->number > b->number ? 1 : 0;
  Interval difference = algebra.range(algebra.subtract(a, b));
  return difference.isNegative() ? -1 : difference.isPositive() ? 1 : 0;
}

std::vector<Expr> Splitter::findPlaces(const Piece &piece) {
  std::set<Expr> seen, places;
  collect(piece.function, seen, places);
  if (piece.condition)
    collect(piece.condition, seen, places);
  std::vector<Expr> inside;
  for (Expr place : places)
    if ((!piece.start || compare(piece.start, place) < 0) && (!piece.end || compare(place, piece.end) < 0))
      inside.push_back(place);
  // Equal sets of places are cut in one order, whatever their nodes' addresses are.
  std::sort(inside.begin(), inside.end(), [&](Expr a, Expr b) {
    if (a->isConstant() && b->isConstant())
      return a->number < b->number;
    return a->isConstant() != b->isConstant() ? a->isConstant() : a->id < b->id;
  });
  return inside;
}

int Splitter::getSide(Expr difference, const Piece &piece) {
  // slope (x - place), by its factors; else as intervals have it.
  bool isRising = false;
  if (Expr place = findPlace(difference, &isRising)) {
    int side = piece.start && isBefore(place, piece.start) ? 1 : piece.end && isBefore(piece.end, place) ? -1 : 0;
    return isRising ? side : -side;
  }
  Interval values = rangeOn(algebra, piece, difference);
  return values.isPositive() ? 1 : values.isNegative() ? -1 : 0;
}

Expr Splitter::resolve(Expr e, const Piece &piece, std::vector<Expr> &deciders) {
  std::vector<Expr> arguments;
  for (const Term &term : e->terms) {
    arguments.push_back(resolve(term.node, piece, deciders));
    // The value that is not chosen may be undefined.
    if (e->kind == Kind::Select && arguments.size() == 1 && arguments[0]->isConstant())
      return resolve(e->argument(arguments[0]->number != 0 ? 1 : 2), piece, deciders);
  }
  Expr difference = getSwitch(e);
  int sign = difference ? getSide(difference, piece) : 0;
  if (sign == 0) {
    Expr rebuilt = algebra.rebuild(e, arguments);
    // With an exponent that is a number here only, the base has to be positive still.
    if (e->is(Function::Pow) && !rebuilt->is(Function::Pow))
      deciders.push_back(algebra.call(Function::Log, arguments[0]));
    return rebuilt;
  }
  if (e->is(Function::Abs))
    return algebra.scale(sign, arguments[0]);
  if (e->is(Function::Sign))
    return algebra.constant(sign);
  deciders.insert(deciders.end(), arguments.begin(), arguments.end());
  if (e->is(Function::Min) || e->is(Function::Max))
    return arguments[(sign < 0) == e->is(Function::Min) ? 0 : 1];
  bool isLess = e->relation == Relation::Less || e->relation == Relation::LessEqual;
  return algebra.constant(isLess == (sign < 0));
}

/// x = start + u, x = end - u or x = start + (end - start)*u, if an end is no number.
static Inside getInside(Algebra &algebra, const Piece &piece) {
  bool hasParameter = (piece.start && !piece.start->isConstant()) || (piece.end && !piece.end->isConstant());
  if (!hasParameter)
    return {};
  Expr u = algebra.newSymbol("u");
  if (!piece.start)
    return {algebra.subtract(piece.end, u), u, Interval::positive()};
  if (!piece.end)
    return {algebra.add(piece.start, u), u, Interval::positive()};
  Expr length = algebra.subtract(piece.end, piece.start);
  return {algebra.add(piece.start, algebra.multiply(length, u)), u, Interval::open(0, 1)};
}

Piece Splitter::cut(const Piece &whole, Expr start, Expr end) {
  Piece piece{whole.function, whole.domain, start, end, whole.deciders};
  if (start)
    if (Interval at = algebra.range(start); at.low >= piece.domain.low)
      piece.domain.low = at.low, piece.domain.lowOpen = true;
  if (end)
    if (Interval at = algebra.range(end); at.high <= piece.domain.high)
      piece.domain.high = at.high, piece.domain.highOpen = true;
  piece.inside = getInside(algebra, piece);
  piece.function = resolve(whole.function, piece, piece.deciders);
  std::vector<Expr> ignored; // what decides is defined where the function is
  if (whole.condition)
    piece.condition = resolve(whole.condition, piece, ignored);
  return piece;
}

std::vector<Piece> Splitter::split(Piece whole) {
  std::vector<Expr> places = findPlaces(whole);
  if (places.empty())
    return {std::move(whole)};
  // Numbers can be compared with each other; in their middle, so that many places are
  // found in few rounds.
  auto numNumbers = std::count_if(places.begin(), places.end(), [](Expr place) { return place->isConstant(); });
  Expr place = places[(numNumbers > 0 ? static_cast<size_t>(numNumbers) : places.size()) / 2];
  std::vector<Piece> pieces = split(cut(whole, whole.start, place));
  std::vector<Piece> right = split(cut(whole, place, whole.end));
  std::move(right.begin(), right.end(), std::back_inserter(pieces));
  return pieces;
}

Interval rangeOn(Algebra &algebra, const Piece &piece, Expr e) {
  Expr x = algebra.getVariable();
  Interval values = algebra.range(e, x, piece.domain);
  const Inside &inside = piece.inside;
  if (!inside.u || !algebra.dependsOn(e, x))
    return values;
  return values.clippedTo(algebra.range(algebra.substitute(e, x, inside.x), inside.u, inside.values));
}

std::vector<Piece> splitIntoPieces(Algebra &algebra, Expr function, Expr condition, const Interval &domain) {
  return Splitter(algebra).split({function, domain, nullptr, nullptr, {}, condition});
}

} // namespace flowc::symbolic
