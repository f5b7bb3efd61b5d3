//===- Prove.cpp - Signs --------------------------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <ranges>

namespace flowc::symbolic {

static constexpr double kInfinity = Interval::kInfinity;

//===----------------------------------------------------------------------===//
// Signs by subdivision
//===----------------------------------------------------------------------===//

/// A point inside, by which proofs go on; none if there is no number left.
static std::optional<double> splitPoint(const Interval &x) {
  double low = x.low, high = x.high, middle = 0;
  constexpr double kFarthest = 1e200, kNearest = 1e-200;
  if (low < 0 && high > 0)
    return 0;
  bool isNegative = high <= 0;
  if (isNegative) {
    std::swap(low, high);
    low = -low;
    high = -high;
  }
  // 0 <= low < high.
  if (high == kInfinity)
    middle = low < 1 ? 1 : low * 4;
  else if (low == 0)
    middle = high > 1 ? 1 : high / 4;
  else
    middle = high > 4 * low ? std::sqrt(low) * std::sqrt(high) : low + (high - low) / 2;
  if (middle <= low || middle >= high || middle > kFarthest || middle < kNearest)
    return std::nullopt;
  return isNegative ? -middle : middle;
}

namespace {

/// Values of an expression on intervals of one variable.
class Sampler {
public:
  Sampler(Algebra &algebra, Expr e, Expr variable) : algebra(algebra), e(e), variable(variable) {}

  /// By interval arithmetic alone.
  Interval evaluate(const Interval &x) { return algebra.range(e, variable, x); }
  /// `values`, narrowed by the slope: they lie between those of the ends, or around that of
  /// the middle. That is exact to second order in the length of x, where `evaluate` is to
  /// first.
  Interval refine(const Interval &x, const Interval &values);

private:
  Interval at(double x) { return evaluate(Interval::point(x)); }

  Algebra &algebra;
  Expr e, variable;
  bool hasSlope = false;
  Expr slope = nullptr;
};

} // namespace

Interval Sampler::refine(const Interval &x, const Interval &values) {
  if (!x.isBounded())
    return values;
  if (!hasSlope) {
    hasSlope = true;
    slope = isContinuous(e) ? algebra.derivative(e, variable) : nullptr;
  }
  if (!slope)
    return values;
  Interval slopes = algebra.range(slope, variable, x);
  Interval ends = hull(at(x.low), at(x.high));
  if (slopes.isNonNegative() || slopes.isNonPositive())
    return values.clippedTo(ends);
  if (!slopes.isBounded())
    return values;
  double middle = x.low + (x.high - x.low) / 2;
  Interval shift = Interval::closed(x.low, x.high) + Interval::point(-middle);
  return values.clippedTo(at(middle) + slopes * shift);
}

Sign proveSign(Algebra &algebra, Expr e, Expr variable, const Interval &domain, Interval &stuck, int maxParts) {
  bool isNonNegative = true, isNonPositive = true, isStrict = true;
  Sampler sampler(algebra, e, variable);
  std::vector<Interval> open{domain};
  for (int i = 0; !open.empty(); ++i) {
    Interval x = open.back();
    open.pop_back();
    stuck = x;
    Interval values = sampler.evaluate(x);
    // Cutting is cheaper than slopes, up to where everything seems to be 0.
    constexpr int kCheapParts = 24;
    if (i >= kCheapParts && !values.isNonNegative() && !values.isNonPositive())
      values = sampler.refine(x, values);
    if (values.isNonNegative() || values.isNonPositive()) {
      isNonNegative &= values.isNonNegative();
      isNonPositive &= values.isNonPositive();
      isStrict &= !values.containsZero();
      if (!isNonNegative && !isNonPositive)
        return Sign::Unknown;
      continue;
    }
    std::optional<double> middle = splitPoint(x);
    if (!middle || i >= maxParts)
      return Sign::Unknown;
    // The halves share the point between them.
    open.push_back({*middle, x.high, false, x.highOpen});
    open.push_back({x.low, *middle, x.lowOpen, false});
  }
  if (isNonNegative && isNonPositive)
    return Sign::Zero;
  if (isStrict)
    return isNonNegative ? Sign::Positive : Sign::Negative;
  // It touches zero: look for an interval where it does not.
  for (double at : {0.5, -0.5, 1.5, -1.5, 0.01, 100.0}) {
    Interval x = Interval::closed(at, at + 1e-3 * std::abs(at));
    if (!x.isInside(domain))
      continue;
    Interval values = sampler.evaluate(x);
    if (values.isPositive() && isNonNegative)
      return Sign::NonNegative;
    if (values.isNegative() && isNonPositive)
      return Sign::NonPositive;
  }
  return Sign::Unknown;
}

//===----------------------------------------------------------------------===//
// Signs of slopes
//===----------------------------------------------------------------------===//

/// Tries what is cheap, and sets `proof` to the last trial.
static bool attempt(Algebra &algebra, SignProof &proof, Expr e, Expr variable, const Interval &values, Expr composite) {
  proof = {Sign::Unknown, e, variable, composite, values, values};
  proof.sign = proveSign(algebra, e, variable, values, proof.stuck);
  return proof.sign != Sign::Unknown;
}

static bool attemptByParts(Algebra &algebra, SignProof &proof) {
  proof.sign = proveByParts(algebra, proof.expression, proof.variable, proof.domain, proof.reductions);
  return proof.sign != Sign::Unknown;
}

/// `e` in the variable u = `composite.whole`; null if x does not go away.
static Expr changeVariable(Algebra &algebra, Expr e, const Composite &composite, Expr u) {
  Expr x = algebra.getVariable();
  const auto &[whole, linear] = composite;
  Expr inner = algebra.divide(algebra.subtract(u, linear.offset), linear.slope);
  Expr changed = algebra.substitute(algebra.substitute(e, whole, u), linear.node, inner);
  if (!algebra.dependsOn(changed, x))
    return changed;
  Linear innermost = *matchLinear(algebra, linear.node);
  return algebra.substitute(changed, x, algebra.divide(algebra.subtract(inner, innermost.offset), innermost.slope));
}

/// Whether u may be constant, and `changed` not tell.
static bool canStandStill(Algebra &algebra, const Linear &linear) { return !algebra.isNonZero(linear.slope); }

static bool isFreeOfSymbolsOf(Algebra &algebra, Expr e, Expr other) {
  for (size_t k = 1; k < algebra.getNumSymbols(); ++k)
    if (Expr symbol = algebra.getSymbol(k); algebra.dependsOn(other, symbol) && algebra.dependsOn(e, symbol))
      return false;
  return true;
}

SignProof proveSignOf(Algebra &algebra, Expr e, const Interval &domain) {
  Expr x = algebra.getVariable();
  SignProof proof;
  if (attempt(algebra, proof, e, x, domain, nullptr))
    return proof;
  std::vector<SignProof> trials{proof};
  if (Expr grouped = groupTerms(algebra, e, x); grouped != e && attempt(algebra, proof, grouped, x, domain, nullptr))
    return proof;
  constexpr size_t kMaxTrials = 3;
  std::vector<Composite> composites = findComposites(algebra, e);
  for (size_t i = 0; i < std::min(kMaxTrials, composites.size()); ++i) {
    const auto &[whole, linear] = composites[i];
    Expr u = algebra.newSymbol("u");
    Expr changed = changeVariable(algebra, e, composites[i], u);
    // Where the slope of u can be 0, the identity holds by continuity if that is gone,
    // but u may be constant.
    bool standsStill = canStandStill(algebra, linear);
    if (standsStill && !isFreeOfSymbolsOf(algebra, changed, linear.slope))
      continue;
    Interval values = algebra.range(whole, x, domain);
    if (!attempt(algebra, proof, changed, u, values, whole)) {
      if (!standsStill)
        trials.push_back(proof);
      attempt(algebra, proof, groupTerms(algebra, changed, u), u, values, whole);
    }
    if (standsStill && !isStrict(proof.sign))
      proof.sign = Sign::Unknown;
    if (proof.sign != Sign::Unknown)
      return proof;
  }
  if (findBothSigns(algebra, e, domain).areOfOne)
    return proof;
  // The last forms have the fewest symbols.
  for (SignProof &trial : std::views::reverse(trials))
    if (attemptByParts(algebra, trial))
      return trial;
  return proof;
}

namespace {

/// Derivatives by (r + softplus(w))' = r' sigmoid(-w) + (r + w)' sigmoid(w).
class SlopeOfLogSums {
public:
  explicit SlopeOfLogSums(Algebra &algebra) : algebra(algebra) {}

  /// Null if there is no softplus, or are too many.
  Expr derive(Expr e);

private:
  /// The summand +-softplus(w) with the largest w, which may hold others; null if there is none.
  const Term *findSoftplus(Expr sum) const;

  Algebra &algebra;
  std::map<Expr, Expr> known;
};

} // namespace

const Term *SlopeOfLogSums::findSoftplus(Expr sum) const {
  const Term *found = nullptr;
  for (const Term &term : sum->terms)
    if (sum->kind == Kind::Sum && std::abs(term.factor) == 1 && term.node->is(Function::Softplus) &&
        algebra.dependsOn(term.node, algebra.getVariable()) && (!found || term.node->depth > found->node->depth))
      found = &term;
  return found;
}

Expr SlopeOfLogSums::derive(Expr e) {
  if (auto it = known.find(e); it != known.end())
    return it->second;
  constexpr size_t kMost = 1000; // of a mixture of some 30 components
  const Term *term = findSoftplus(e);
  if (!term || known.size() > kMost || algebra.isExhausted())
    return term ? nullptr : algebra.derivative(e, algebra.getVariable());
  auto [sign, softplus] = *term;
  Expr w = softplus->argument(), rest = algebra.subtract(e, algebra.scale(sign, softplus));
  Expr low = derive(rest), high = derive(algebra.add(rest, algebra.scale(sign, w)));
  Expr slope = low && high ? algebra.add(algebra.multiply(low, algebra.call(Function::Sigmoid, algebra.negate(w))),
                                         algebra.multiply(high, algebra.call(Function::Sigmoid, w)))
                           : nullptr;
  return known[e] = slope;
}

SignProof proveSlopeOfLogSums(Algebra &algebra, Expr e, Expr slope, const Interval &domain) {
  Expr x = algebra.getVariable();
  SignProof proof{Sign::Unknown, slope, x, nullptr, domain, domain};
  int numSoftplus = std::ranges::count_if(e->terms, [](const Term &term) { return term.node->is(Function::Softplus); });
  if (e->kind != Kind::Sum || numSoftplus < 2)
    return proof;
  Expr parts = SlopeOfLogSums(algebra).derive(e);
  Sign sign = parts ? proveSign(algebra, parts, x, domain, proof.stuck, /*maxParts=*/0) : Sign::Unknown;
  if (isStrict(sign))
    proof.sign = sign;
  proof.reductions.push_back("the slope of log(exp(u) + exp(v)) lies between those of u and v");
  return proof;
}

SignProof proveSignOn(Algebra &algebra, Expr e, const Piece &piece) {
  SignProof proof = proveSignOf(algebra, e, piece.domain);
  const Inside &inside = piece.inside;
  if (proof.sign != Sign::Unknown || !inside.u)
    return proof;
  Expr changed = algebra.substitute(e, algebra.getVariable(), inside.x);
  SignProof other;
  if (attempt(algebra, other, changed, inside.u, inside.values, nullptr) ||
      attempt(algebra, other, groupTerms(algebra, changed, inside.u), inside.u, inside.values, nullptr) ||
      attemptByParts(algebra, other)) {
    other.reductions.push_back(algebra.getName(algebra.getVariable()) + " = " + algebra.print(inside.x));
    return other;
  }
  return proof;
}

} // namespace flowc::symbolic
