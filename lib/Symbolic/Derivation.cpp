//===- Derivation.cpp - Inverse and log-derivative of a formula -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Deriver.h"
#include "flowc/Symbolic/DefinedWhere.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace flowc::symbolic {

//===----------------------------------------------------------------------===//
// Derivation
//===----------------------------------------------------------------------===//

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
  const Piece whole{result.function, result.domain, nullptr, nullptr};
  Unwinder unwinder(algebra, result.image, whole);
  result.inverse = unwinder.solve(result.function);
  reason = unwinder.reason;
  isParameterAtFault = unwinder.isParameterAtFault;
  result.part = unwinder.rest;
  result.level = unwinder.level;
  unwound = std::move(unwinder.steps);
  if (result.inverse)
    result.steps = unwound;
  return result.inverse != nullptr;
}

void Deriver::failSign(Expr slope, const Interval &domain) {
  std::string what = "the derivative " + algebra.print(slope);
  bool hasParameters = false;
  for (size_t i = 1; i < algebra.getNumSymbols(); ++i)
    hasParameters |= algebra.dependsOn(slope, algebra.getSymbol(i));
  const char *advice = "; narrower domains of the parameters, as in `interval(-1, 1, 0.5)`, may help";
  auto [positive, negative, areOfOne] = findBothSigns(algebra, slope, domain);
  if (positive && negative)
    return fail(what + (areOfOne ? " changes its sign" : " has either sign, as the parameters are") + ": it is " +
                printNumber(positive->value, 6) + " at " + positive->where + " and " + printNumber(negative->value, 6) +
                " at " + negative->where + (positive->isAtStart && negative->isAtStart ? "" : advice));
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

/// Whether all coefficients of `jump` are rounding of those of `value`.
static bool isNegligible(Expr jump, Expr value) {
  constexpr double kRounding = 1e-12;
  if (jump->isConstant())
    return std::abs(jump->number) <= kRounding;
  auto isRounding = [&](const Term &term) {
    return std::ranges::any_of(value->terms, [&](const Term &other) {
      return other.node == term.node && std::abs(term.factor) <= kRounding * std::abs(other.factor);
    });
  };
  return jump->kind == Kind::Sum && value->kind == Kind::Sum && std::abs(jump->number) <= kRounding &&
         std::ranges::all_of(jump->terms, isRounding);
}

bool Deriver::isContinuousAt(Expr at) {
  if (!isContinuous(result.function))
    return false;
  Expr distance = algebra.newSymbol("u");
  Expr nearby = algebra.substitute(result.function, x, algebra.add(at, distance));
  std::vector<Interval> domains;
  for (size_t i = 0; i < algebra.getNumSymbols(); ++i)
    domains.push_back(Interval::point(algebra.getStart(algebra.getSymbol(i))));
  constexpr double kNear = 1e-6;
  domains[distance->symbol] = Interval::closed(-kNear, kNear);
  return algebra.range(nearby, domains).isBounded();
}

bool Deriver::proveMeeting(const Piece &left, const Piece &right) {
  Expr before = algebra.substitute(left.function, x, left.end), after = algebra.substitute(right.function, x, left.end);
  Expr jump = expandRounded(algebra, algebra.subtract(after, before));
  if (isNegligible(jump, expandRounded(algebra, before)))
    return true;
  if (std::isnan(before->number) || std::isnan(after->number)) {
    fail("it is not defined at " + algebra.getName(x) + " = " + algebra.print(left.end));
    return false;
  }
  if (isContinuousAt(left.end))
    return true;
  std::vector<double> start;
  for (size_t i = 0; i < algebra.getNumSymbols(); ++i)
    start.push_back(algebra.getStart(algebra.getSymbol(i)));
  if (std::abs(algebra.evaluate(jump, start)) <= 1e-9) {
    fail("it cannot be shown to have no jump at " + algebra.getName(x) + " = " + algebra.print(left.end) + ", from " +
         algebra.print(before) + " to " + algebra.print(after));
    return false;
  }
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
    proof = proveSlopeOfLogSums(algebra, piece.function, slope, piece.domain);
    if (proof.sign == Sign::Unknown) {
      slope = algebra.factorize(slope);
      if (slope->isConstant(0)) {
        fail("it is constant" + describe(piece));
        return false;
      }
      proof = proveSignOn(algebra, slope, piece);
    }
    Sign sign = proof.sign;
    bool isStrict = symbolic::isStrict(sign);
    if (sign == Sign::Unknown || sign == Sign::Zero || (!isStrict && !isSmooth(piece.function))) {
      failSign(slope, piece.domain);
      return false;
    }
    bool rises = isNonNegative(sign);
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
    std::string how = "interval arithmetic over all " + variable + " and all parameters";
    for (const std::string &reduction : proof.reductions)
      how += "; " + reduction;
    result.steps.push_back(
        {how + (isStrict ? "" : "; zeros of an analytic function are isolated"), fact + describe(piece)});
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
    Unwinder unwinder(algebra, result.image, piece);
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

Expr Deriver::findLost(Expr value) {
  // What is given need not lie in the domain, even if expressions are simplified for it.
  Interval domain = algebra.getDomain(x);
  algebra.setDomain(x, Interval::all());
  Expr lost = findLostCondition(algebra, value, condition, Powers::Checked);
  algebra.setDomain(x, domain);
  return lost;
}

bool Deriver::hasGap(const Piece &left, const Piece &right) const {
  auto isBelow = [](double a, double b) { return b - a > 1e-12 * std::max(1.0, std::min(std::abs(a), std::abs(b))); };
  Interval at = algebra.range(left.end);
  return left.end != right.start || isBelow(left.domain.high, at.high) || isBelow(at.low, right.domain.low);
}

void Deriver::dropEnd(Expr &end, bool isBeyond) {
  if (!isBeyond && trouble.empty())
    trouble = "it is defined on one side of " + algebra.print(end) + " only, which is no number";
  end = nullptr;
}

bool Deriver::findDomains() {
  std::vector<Piece> found;
  std::string nowhere;
  for (Piece &piece : splitIntoPieces(algebra, result.function, findLost(result.function), Interval::all())) {
    std::string why = trouble;
    std::optional<Interval> domain = findDomain(algebra, piece, why);
    if (!domain) {
      nowhere = nowhere.empty() ? why : nowhere;
      continue;
    }
    trouble = why;
    piece.domain = *domain;
    // Before the first piece there is nothing.
    if (found.empty() && !nowhere.empty())
      dropEnd(piece.start, algebra.range(piece.start).high <= piece.domain.low);
    result.domain = found.empty() ? piece.domain : hull(result.domain, piece.domain);
    found.push_back(std::move(piece));
  }
  if (found.empty()) {
    fail(nowhere);
    return false;
  }
  if (Piece &last = found.back(); last.end)
    dropEnd(last.end, last.domain.high <= algebra.range(last.end).low);
  for (size_t i = 0; i + 1 < found.size(); ++i)
    if (hasGap(found[i], found[i + 1]) && trouble.empty())
      trouble = "it is defined on parts of the line with gaps between them";
  pieces = std::move(found);
  return true;
}

/// The slope that rules give at a kink: of abs the mean of both sides, of min and max that
/// of the second argument, of `where` that of the arm that is chosen. Where several
/// of them meet these need not be slopes of one side: of max(x, 0) + 2*min(x, 0) they make 0.
void Deriver::chooseSlopes() {
  std::set<Expr> seen;
  int switches = 0, chosen = 0;
  auto count = [&](auto &self, Expr e) -> void {
    if (!seen.insert(e).second || !algebra.dependsOn(e, x))
      return;
    bool isChosen = e->is(Function::Min) || e->is(Function::Max) || e->kind == Kind::Select;
    chosen += isChosen;
    switches += isChosen || e->is(Function::Abs) || e->is(Function::Sign);
    for (const Term &term : e->terms)
      self(self, term.node);
  };
  count(count, result.function);
  auto isDecided = [&](const Piece &piece) { return isSmooth(piece.function); };
  if (chosen == 0 || switches < 2 || pieces.size() < 2 || !std::all_of(pieces.begin(), pieces.end(), isDecided))
    return;
  // From the end of a piece on, the next one.
  auto join = [&](auto makePart) -> Expr {
    Expr joined = nullptr;
    for (size_t i = pieces.size(); i-- > 0;) {
      Expr part = makePart(pieces[i].function);
      if (!part)
        return nullptr;
      joined = joined ? algebra.select(algebra.compare(Relation::Less, x, pieces[i].end), part, joined) : part;
    }
    return joined;
  };
  Expr slope = join([&](Expr f) {
    Expr derivative = algebra.derivative(f, x);
    return derivative ? algebra.factorize(derivative) : nullptr;
  });
  if (!slope)
    return;
  result.value = join([](Expr f) { return f; });
  result.derivative = slope;
  result.logDerivative = algebra.logAbs(slope);
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
  if (!findDomains())
    return false;
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
  result.value = result.function;
  chooseSlopes();
  result.condition = findLost(result.value);
  result.value = restrict(algebra, result.value, result.condition);
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
    return solvePart() || solveShifted() ? void() : fail(trouble);
  if (!proveMonotone()) {
    if (!solvePart())
      result.error += "; nor can it be solved step by step: " + reason;
    return;
  }
  result.part = result.function;
  result.partSlope = result.derivative;
  result.level = result.image;
  result.inverseLogDerivative = algebra.negate(result.logDerivative);
  result.rootDomain = result.domain;
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

Derivation derive(Algebra &algebra, const Formula &formula, bool withInverse) {
  Derivation result;
  result.variable = algebra.getVariable();
  result.function = algebra.mergeSoftplus(formula.value);
  result.rewritings = algebra.takeRewritings();
  result.image = algebra.newSymbol("y");
  Deriver deriver(algebra, result, formula.condition);
  if (deriver.differentiate() && withInverse)
    deriver.invert();
  if (!result.position)
    result.position = restrict(algebra, result.variable, result.condition);
  if (algebra.isExhausted())
    result.error = "it cannot be shown to be one because " + algebra.getLimit() + "; write it with fewer operations";
  return result;
}

} // namespace flowc::symbolic
