//===- Solver.h - Parts of a derivation -------------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_SYMBOLIC_SOLVER_H
#define FLOWC_LIB_SYMBOLIC_SOLVER_H

#include "flowc/Symbolic/Derivation.h"

#include <cmath>
#include <optional>

namespace flowc::symbolic {

/// Whether `value` is a whole number of a size that exponents have.
inline bool isInteger(double value) { return value == std::floor(value) && std::abs(value) < 1e6; }
inline bool isEven(double value) { return isInteger(value) && std::fmod(value, 2) == 0; }

/// Whether `e` is a number times another expression.
inline bool isMultiple(Expr e) { return e->kind == Kind::Sum && e->number == 0 && e->terms.size() == 1; }

/// A linear expression slope * node + offset, whose other parts do not depend on
/// the variable.
struct Linear {
  Expr slope, node, offset;
};

/// `e` as a linear expression of the only part that depends on the variable.
std::optional<Linear> matchLinear(Algebra &algebra, Expr e);

/// x of a piece as a function of a variable u of its own: x = start + u, x = end - u, or
/// x = start + (end - start)*u.
struct Inside {
  Expr x = nullptr, u = nullptr;
  Interval values;
};

/// A part of the line on which no argument of abs, sign, min, max and where
/// changes sides, and the formula there.
struct Piece {
  Expr function;
  /// Where it is: numbers, unless an end is a parameter (`start`, `end`).
  Interval domain;
  /// Ends as expressions; null at the ends of the whole domain.
  Expr start, end;
  /// What decided what the formula is there, but is no part of it any more: it has to
  /// be defined, too.
  std::vector<Expr> deciders = {};
  /// Where it is defined as it was written, if the function does not show it (DefinedWhere.h).
  Expr condition = nullptr;
  /// Null if the ends are numbers.
  Inside inside = {};
};

/// The pieces of `function`, which is defined where `condition` (null: everywhere) allows
/// it, from left to right; one if it has none or if they cannot be told apart. Where the
/// condition switches, pieces end as well.
std::vector<Piece> splitIntoPieces(Algebra &algebra, Expr function, Expr condition, const Interval &domain);

/// All values of `e` on the piece.
Interval rangeOn(Algebra &algebra, const Piece &piece, Expr e);

/// Solves f(x) = y by undoing one operation after the other.
class Unwinder {
public:
  /// x is on `piece`.
  Unwinder(Algebra &algebra, Expr image, const Piece &piece) : algebra(algebra), image(image), piece(piece) {}

  /// The inverse of `function`, or null: then `reason` says why.
  Expr solve(Expr function);

  /// Where `solve` ended: `rest` = `level`, the latter undefined where y has no preimage.
  Expr rest = nullptr, level = nullptr;
  std::vector<Step> steps;
  std::string reason;
  /// Whether a parameter that can be 0 is the reason.
  bool isParameterAtFault = false;

private:
  /// One step: replaces `e` by a part of it and `value` by what that part has to
  /// be. False if there is none.
  bool advance(Expr &e, Expr &value);
  bool advanceSum(Expr &e, Expr &value);
  bool advanceInverseSoftplus(Expr &e, Expr &value, std::span<const Term> dependent);
  bool advanceProduct(Expr &e, Expr &value);
  bool advanceFraction(Expr &e, Expr &value);
  bool advanceRootFraction(Expr &e, Expr &value);
  bool advancePower(Expr &e, Expr &value, Expr base, double exponent);
  bool advanceFunction(Expr &e, Expr &value);

  bool fail(std::string why) {
    reason = std::move(why);
    return false;
  }
  /// Because of a factor that can be 0 or, as its denominator can, anything.
  bool failAtFactor(Expr factor);
  /// `level`, where all conditions hold.
  Expr restrictLevel();
  bool take(Expr &e, Expr &value, std::string rule, Expr part, Expr newValue);
  /// Makes e > 0 a condition of the inverse, unless it always holds.
  void requirePositive(Expr e);
  bool dependsOnVariable(Expr e) const { return algebra.dependsOn(e, algebra.getVariable()); }
  Interval rangeOf(Expr e) { return rangeOn(algebra, piece, e); }
  bool failAtParameter(std::string why) {
    isParameterAtFault = true;
    return fail(std::move(why));
  }

  Algebra &algebra;
  Expr image;
  const Piece &piece;
  /// What has to hold for the value to have a preimage.
  std::vector<Expr> conditions;
};

/// Where in its domain the function of a piece and what decided for it are defined, or
/// nothing if they are so nowhere; if that is not an interval with known ends, `error`
/// says so.
std::optional<Interval> findDomain(Algebra &algebra, const Piece &piece, std::string &error);

/// Where `e`, for x in `domain`, has one of the `values`, without its ends; nothing if that
/// is no interval between numbers, or not known.
std::optional<Interval> findPreimage(Algebra &algebra, Expr e, const Interval &values, const Interval &domain);

/// What is known of the sign of an expression.
enum class Sign { Unknown, Positive, Negative, NonNegative, NonPositive, Zero };

inline bool isNonNegative(Sign sign) {
  return sign == Sign::Positive || sign == Sign::NonNegative || sign == Sign::Zero;
}
inline bool isNonPositive(Sign sign) {
  return sign == Sign::Negative || sign == Sign::NonPositive || sign == Sign::Zero;
}
/// Of an expression that is nowhere 0.
inline bool isStrict(Sign sign) { return sign == Sign::Positive || sign == Sign::Negative; }

/// The sign of `e` for `variable` in `domain` and all other symbols, by interval
/// arithmetic on at most `maxParts` ever smaller intervals. NonNegative means: and
/// positive somewhere. Where no sign is found, `stuck` is the interval where that was
/// noticed.
Sign proveSign(Algebra &algebra, Expr e, Expr variable, const Interval &domain, Interval &stuck, int maxParts = 4000);

/// A sign, and what it was proven of: the expression in a form that interval
/// arithmetic can bound, in x or in `variable` = `composite`.
struct SignProof {
  Sign sign = Sign::Unknown;
  Expr expression = nullptr, variable = nullptr, composite = nullptr;
  /// Values of `variable`; if there is no proof, some for which there is none.
  Interval domain, stuck;
  /// Steps between the expression and what interval arithmetic saw.
  std::vector<std::string> reductions = {};
};

/// The same, where intervals alone see none: of factors, at the ends of what `e` is linear
/// in, by discriminants and by slopes. `reductions` says what was done.
Sign proveByParts(Algebra &algebra, Expr e, Expr variable, const Interval &domain,
                  std::vector<std::string> &reductions);

/// The sign of `e` for x in `domain` and all parameters. Where x stands in linear
/// expressions like a*x + b only, such an expression u is taken for the variable:
/// what depends on a and x separately may depend on u alone.
SignProof proveSignOf(Algebra &algebra, Expr e, const Interval &domain);

/// The sign of `slope`, the derivative of `e`, if `e` holds logarithms of sums, v + softplus(u -
/// v): their slope lies between those of u and v. What is not told at once is unknown.
SignProof proveSlopeOfLogSums(Algebra &algebra, Expr e, Expr slope, const Interval &domain);

/// The same on a piece, whose ends can be parameters.
SignProof proveSignOn(Algebra &algebra, Expr e, const Piece &piece);

/// Expressions in the parameters that a positive expression is nowhere less than
/// (itself positive), or more than; null if unknown.
struct SlopeBounds {
  Expr lower = nullptr, upper = nullptr;
};

/// Bounds of `e` for `variable` in `domain`.
SlopeBounds findSlopeBounds(Algebra &algebra, Expr e, Expr variable, const Interval &domain);

/// Where an expression was evaluated, as text: "x = 3, a = 0.1".
struct Witness {
  double value;
  std::string where;
  /// Whether all parameters had their start values.
  bool isAtStart;
};

struct Witnesses {
  std::optional<Witness> positive, negative;
  /// Whether both have the same values of the parameters.
  bool areOfOne = false;
};

/// Values of `e` of both signs, if trial finds them. Rounding does not decide on the sign.
Witnesses findBothSigns(Algebra &algebra, Expr e, const Interval &domain);

} // namespace flowc::symbolic

#endif // FLOWC_LIB_SYMBOLIC_SOLVER_H
