//===- Derivation.cpp - Inverse and log-derivative of a formula -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Solver.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace flowc::symbolic {

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

namespace {

/// Takes a formula apart where arguments of abs and the like change sign.
class Splitter {
public:
  Splitter(Algebra &algebra, Expr function, Interval domain) : algebra(algebra), function(function), domain(domain) {}

  std::vector<Piece> split();

private:
  /// What changes sign where `e` switches; null if `e` does not switch.
  Expr getSwitch(Expr e);
  void collect(Expr e);
  /// The formula with all switches set as `signOf` says (0: undecided).
  template <typename SignOf>
  Expr resolve(Expr e, SignOf signOf, std::vector<Expr> &deciders);

  Algebra &algebra;
  Expr function;
  Interval domain;
  std::set<Expr> seen;
  /// Where switches are, as numbers or as expressions in the parameters.
  std::set<double> numbers;
  std::set<Expr> parameters;
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

void Splitter::collect(Expr e) {
  if (!seen.insert(e).second)
    return;
  for (const Term &term : e->terms)
    collect(term.node);
  Expr difference = getSwitch(e);
  std::optional<Linear> linear = difference ? matchLinear(algebra, difference) : std::nullopt;
  if (!linear || linear->node != algebra.getVariable() || !algebra.isNonZero(linear->slope))
    return;
  Expr at = algebra.divide(algebra.negate(linear->offset), linear->slope);
  if (!at->isConstant())
    parameters.insert(at);
  else if (domain.contains(at->number))
    numbers.insert(at->number);
}

template <typename SignOf>
Expr Splitter::resolve(Expr e, SignOf signOf, std::vector<Expr> &deciders) {
  std::vector<Expr> arguments;
  for (const Term &term : e->terms) {
    arguments.push_back(resolve(term.node, signOf, deciders));
    // The value that is not chosen may be undefined.
    if (e->kind == Kind::Select && arguments.size() == 1 && arguments[0]->isConstant())
      return resolve(e->argument(arguments[0]->number != 0 ? 1 : 2), signOf, deciders);
  }
  Expr difference = getSwitch(e);
  int sign = difference ? signOf(difference) : 0;
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

std::vector<Piece> Splitter::split() {
  collect(function);
  std::vector<Piece> pieces;
  Expr x = algebra.getVariable();
  if (parameters.size() == 1 && numbers.empty()) {
    // One place, which depends on the parameters: before and after it.
    Expr at = *parameters.begin();
    for (int side : {-1, 1}) {
      auto signOf = [&](Expr difference) {
        std::optional<Linear> linear = matchLinear(algebra, difference);
        if (!linear || linear->node != x || !algebra.isNonZero(linear->slope) ||
            algebra.divide(algebra.negate(linear->offset), linear->slope) != at)
          return 0;
        return algebra.isPositive(linear->slope) ? side : -side;
      };
      Piece piece{function, domain, side > 0 ? at : nullptr, side < 0 ? at : nullptr};
      piece.function = resolve(function, signOf, piece.deciders);
      pieces.push_back(std::move(piece));
    }
    return pieces;
  }
  std::vector<double> ends(numbers.begin(), numbers.end());
  for (size_t i = 0; i <= ends.size(); ++i) {
    Piece piece{function, domain, nullptr, nullptr};
    if (i > 0) {
      piece.start = algebra.constant(ends[i - 1]);
      piece.domain.low = ends[i - 1], piece.domain.lowOpen = true;
    }
    if (i < ends.size()) {
      piece.end = algebra.constant(ends[i]);
      piece.domain.high = ends[i], piece.domain.highOpen = true;
    }
    auto signOf = [&](Expr difference) {
      // slope (x - at), by its factors; else as intervals have it.
      std::optional<Linear> linear = matchLinear(algebra, difference);
      if (linear && linear->node == x && algebra.isNonZero(linear->slope)) {
        Expr at = algebra.divide(algebra.negate(linear->offset), linear->slope);
        int side = !at->isConstant()                 ? 0
                   : piece.domain.low >= at->number  ? 1
                   : piece.domain.high <= at->number ? -1
                                                     : 0;
        return algebra.isPositive(linear->slope) ? side : -side;
      }
      Interval values = algebra.range(difference, x, piece.domain);
      return values.isPositive() ? 1 : values.isNegative() ? -1 : 0;
    };
    piece.function = resolve(function, signOf, piece.deciders);
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::vector<Piece> splitIntoPieces(Algebra &algebra, Expr function, const Interval &domain) {
  return Splitter(algebra, function, domain).split();
}

//===----------------------------------------------------------------------===//
// Derivation
//===----------------------------------------------------------------------===//

namespace {

class Deriver {
public:
  Deriver(Algebra &algebra, Derivation &result) : algebra(algebra), result(result), x(algebra.getVariable()) {}

  /// f, f' and log|f'|; false after an error.
  bool differentiate();
  void invert();

private:
  Expr simplifyAgain(Expr e);
  bool unwind();
  /// Proves that all pieces rise or all fall, and that they meet.
  bool proveMonotone();
  bool proveMeeting(const Piece &left, const Piece &right);
  /// The condition of a `where` that no piece decides, null if there is none: at its
  /// switch the formula can jump, whatever its slope.
  Expr findUndecided(Expr e) const;
  bool unwindPieces();
  void fail(std::string why) {
    if (result.error.empty())
      result.error = std::move(why);
  }
  void failSign(Expr slope, const Interval &domain);
  /// " for x > 0 and x < 1": where a piece is, if not everywhere.
  std::string describe(const Piece &piece) const;
  /// Whether a formula has a kink or a jump.
  bool isSmooth(Expr e) const;

  Algebra &algebra;
  Derivation &result;
  Expr x;
  std::vector<Piece> pieces;
  /// That of the last piece.
  SignProof proof;
  /// Why the domain is not an interval, and why the formula does not unwind.
  std::string trouble, reason;
  bool isParameterAtFault = false;
};

} // namespace

bool Deriver::isSmooth(Expr e) const {
  bool switches = e->is(Function::Abs) || e->is(Function::Sign) || e->is(Function::Min) || e->is(Function::Max) ||
                  e->kind == Kind::Select;
  return (!switches || !algebra.dependsOn(e, x)) &&
         std::all_of(e->terms.begin(), e->terms.end(), [&](const Term &term) { return isSmooth(term.node); });
}

Expr Deriver::simplifyAgain(Expr e) {
  std::vector<Expr> arguments;
  for (const Term &term : e->terms)
    arguments.push_back(simplifyAgain(term.node));
  return algebra.rebuild(e, arguments);
}

bool Deriver::unwind() {
  Unwinder unwinder(algebra, result.image, result.domain);
  result.inverse = unwinder.solve(result.function);
  reason = unwinder.reason;
  isParameterAtFault = unwinder.isParameterAtFault;
  if (result.inverse)
    result.steps = std::move(unwinder.steps);
  return result.inverse != nullptr;
}

void Deriver::failSign(Expr slope, const Interval &domain) {
  std::string what = "the derivative " + algebra.print(slope);
  bool hasParameters = false;
  for (size_t i = 1; i < algebra.getNumSymbols(); ++i)
    hasParameters |= algebra.dependsOn(slope, algebra.getSymbol(i));
  const char *advice = "; narrower domains of the parameters, as in `interval(-1, 1, 0.5)`, may help";
  auto [positive, negative] = findBothSigns(algebra, slope, domain);
  if (positive && negative)
    return fail(what + " changes its sign: it is " + printNumber(positive->value, 6) + " at " + positive->where +
                " and " + printNumber(negative->value, 6) + " at " + negative->where +
                (positive->isAtStart && negative->isAtStart ? "" : advice));
  const Interval &stuck = proof.stuck;
  constexpr double kFar = 1e100;
  double at = stuck.isBounded() ? stuck.low + (stuck.high - stuck.low) / 2 : stuck.low > 0 ? stuck.low : stuck.high;
  std::string of = algebra.print(proof.composite ? proof.composite : x);
  std::string where = at > kFar    ? "for large " + of
                      : at < -kFar ? "for large negative " + of
                                   : "near " + of + " = " + printNumber(at, 4);
  fail(what + " cannot be shown to have one sign: interval arithmetic finds no bound for it " + where +
       (hasParameters ? advice : ""));
}

bool Deriver::proveMeeting(const Piece &left, const Piece &right) {
  Expr before = algebra.substitute(left.function, x, left.end), after = algebra.substitute(right.function, x, left.end);
  Expr jump = algebra.subtract(after, before);
  if (jump->isConstant() && std::abs(jump->number) <= 1e-12)
    return true;
  fail("it jumps at " + algebra.getName(x) + " = " + algebra.print(left.end) + " from " + algebra.print(before) +
       " to " + algebra.print(after));
  return false;
}

Expr Deriver::findUndecided(Expr e) const {
  if (e->kind == Kind::Select && algebra.dependsOn(e->argument(0), x))
    return e->argument(0);
  for (const Term &term : e->terms)
    if (Expr found = findUndecided(term.node))
      return found;
  return nullptr;
}

std::string Deriver::describe(const Piece &piece) const {
  std::string part;
  if (piece.start)
    part += " for " + algebra.getName(x) + " > " + algebra.print(piece.start);
  if (piece.end)
    part += (part.empty() ? " for " : " and ") + algebra.getName(x) + " < " + algebra.print(piece.end);
  return part;
}

bool Deriver::proveMonotone() {
  std::optional<bool> isIncreasing;
  for (const Piece &piece : pieces) {
    if (Expr condition = findUndecided(piece.function)) {
      fail("it cannot be shown to have no jump: where the condition " + algebra.print(condition) +
           " changes is not known" + describe(piece));
      return false;
    }
    Expr slope = algebra.derivative(piece.function, x);
    if (!slope) {
      fail("the derivative of " + algebra.print(piece.function) + " is not known");
      return false;
    }
    slope = algebra.factorize(slope);
    if (slope->isConstant(0)) {
      fail("it is constant" + describe(piece));
      return false;
    }
    proof = proveSignOf(algebra, slope, piece.domain);
    Sign sign = proof.sign;
    bool isStrict = sign == Sign::Positive || sign == Sign::Negative;
    if (sign == Sign::Unknown || (!isStrict && !isSmooth(piece.function))) {
      failSign(slope, piece.domain);
      return false;
    }
    bool rises = sign == Sign::Positive || sign == Sign::NonNegative;
    if (isIncreasing && *isIncreasing != rises) {
      failSign(result.derivative, result.domain);
      return false;
    }
    isIncreasing = rises;
    std::string fact = algebra.print(proof.expression) + (rises      ? (isStrict ? " > 0" : " >= 0")
                                                          : isStrict ? " < 0"
                                                                     : " <= 0");
    std::string variable = algebra.getName(proof.variable);
    if (proof.composite)
      variable += " = " + algebra.print(proof.composite);
    result.steps.push_back({"interval arithmetic over all " + variable + " and all parameters" +
                                (isStrict ? "" : "; zeros of an analytic function are isolated"),
                            fact + describe(piece)});
  }
  result.isIncreasing = *isIncreasing;
  for (size_t i = 0; i + 1 < pieces.size(); ++i)
    if (!proveMeeting(pieces[i], pieces[i + 1]))
      return false;
  return true;
}

/// The inverse of every piece, chosen by the value where the next one begins.
bool Deriver::unwindPieces() {
  Expr inverse = nullptr;
  std::vector<Step> steps;
  for (size_t i = pieces.size(); i-- > 0;) {
    const Piece &piece = pieces[i];
    Unwinder unwinder(algebra, result.image, piece.domain);
    Expr solved = unwinder.solve(piece.function);
    if (!solved)
      return false;
    if (inverse) {
      Expr end = algebra.substitute(piece.function, x, piece.end);
      Relation isBefore = result.isIncreasing ? Relation::Less : Relation::Greater;
      solved = algebra.select(algebra.compare(isBefore, result.image, end), solved, inverse);
    }
    inverse = solved;
    steps.insert(steps.begin(), unwinder.steps.begin(), unwinder.steps.end());
    steps.insert(steps.begin(), {"on the piece " + std::to_string(i + 1) + " of " + std::to_string(pieces.size()),
                                 algebra.print(piece.function) + " = " + algebra.print(result.image)});
  }
  result.inverse = inverse;
  result.steps.insert(result.steps.end(), steps.begin(), steps.end());
  return true;
}

bool Deriver::differentiate() {
  if (algebra.isExhausted())
    return false;
  if (!algebra.dependsOn(result.function, x)) {
    fail("it does not depend on " + algebra.getName(x));
    return false;
  }
  constexpr unsigned kMaxSize = 1000;
  if (result.function->size > kMaxSize) {
    fail("it has more than " + std::to_string(kMaxSize) + " operations when every `let` is written out");
    return false;
  }
  pieces = splitIntoPieces(algebra, result.function, Interval::all());
  for (Piece &piece : pieces) {
    std::optional<Interval> found = findDomain(algebra, piece, trouble);
    if (!found) {
      fail(trouble);
      return false;
    }
    piece.domain = *found;
    result.domain = &piece == &pieces.front() ? piece.domain : hull(result.domain, piece.domain);
  }
  if (trouble.empty() && !Interval::all().isInside(result.domain)) {
    // Signs that are known now simplify further.
    algebra.setDomain(x, result.domain);
    result.function = simplifyAgain(result.function);
    for (Piece &piece : pieces)
      piece.function = simplifyAgain(piece.function);
  }
  result.derivative = algebra.derivative(result.function, x);
  if (!result.derivative) {
    fail("the derivative of " + algebra.print(result.function) + " is not known");
    return false;
  }
  result.derivative = algebra.factorize(result.derivative);
  result.logDerivative = algebra.logAbs(result.derivative);
  return true;
}

void Deriver::invert() {
  if (unwind()) {
    if (!trouble.empty())
      result.domain = algebra.range(result.inverse);
    return;
  }
  if (isParameterAtFault)
    return fail(reason + ": give it a domain, as in `positive(1)`");
  if (!trouble.empty())
    return fail(trouble);
  if (!proveMonotone()) {
    result.error += "; nor can it be solved step by step: " + reason;
    return;
  }
  if (pieces.size() > 1 && unwindPieces())
    return;
  if (pieces.size() == 1) {
    Expr rising = result.isIncreasing ? proof.expression : algebra.negate(proof.expression);
    auto [lower, upper] = findSlopeBounds(algebra, rising, proof.variable, proof.domain);
    result.slopeBound = lower;
    result.slopeLimit = upper;
  }
  result.steps.insert(result.steps.begin(), {"it cannot be solved step by step", reason});
}

Derivation derive(Algebra &algebra, Expr function, bool withInverse) {
  Derivation result;
  result.rewritings = algebra.takeRewritings();
  result.variable = algebra.getVariable();
  result.function = function;
  result.image = algebra.newSymbol("y");
  Deriver deriver(algebra, result);
  if (deriver.differentiate() && withInverse)
    deriver.invert();
  if (algebra.isExhausted())
    result.error = "it cannot be shown to be one because " + algebra.getLimit() + "; write it with fewer operations";
  return result;
}

} // namespace flowc::symbolic
