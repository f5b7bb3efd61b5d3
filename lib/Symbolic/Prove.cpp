//===- Prove.cpp - Signs and bounds ---------------------------------------===//
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

static constexpr double kInfinity = Interval::kInfinity;

//===----------------------------------------------------------------------===//
// Signs
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

Sign proveSign(Algebra &algebra, Expr e, Expr variable, const Interval &domain, Interval &stuck) {
  constexpr int kMaxEvaluations = 4000;
  bool isNonNegative = true, isNonPositive = true, isStrict = true;
  std::vector<Interval> open{domain};
  for (int i = 0; !open.empty(); ++i) {
    Interval x = open.back();
    open.pop_back();
    stuck = x;
    Interval values = algebra.range(e, variable, x);
    if (values.isNonNegative() || values.isNonPositive()) {
      isNonNegative &= values.isNonNegative();
      isNonPositive &= values.isNonPositive();
      isStrict &= !values.containsZero();
      if (!isNonNegative && !isNonPositive)
        return Sign::Unknown;
      continue;
    }
    std::optional<double> middle = splitPoint(x);
    if (!middle || i >= kMaxEvaluations)
      return Sign::Unknown;
    // The halves share the point between them.
    open.push_back({*middle, x.high, false, x.highOpen});
    open.push_back({x.low, *middle, x.lowOpen, false});
  }
  if (isStrict)
    return isNonNegative ? Sign::Positive : Sign::Negative;
  // It touches zero: look for an interval where it does not.
  for (double at : {0.5, -0.5, 1.5, -1.5, 0.01, 100.0}) {
    Interval x = Interval::closed(at, at + 1e-3 * std::abs(at));
    if (!x.isInside(domain))
      continue;
    Interval values = algebra.range(e, variable, x);
    if (values.isPositive() && isNonNegative)
      return Sign::NonNegative;
    if (values.isNegative() && isNonPositive)
      return Sign::NonPositive;
  }
  return Sign::Unknown;
}

//===----------------------------------------------------------------------===//
// Signs in another variable
//===----------------------------------------------------------------------===//

namespace {

/// u = slope * inner + offset, which x enters through `inner` (x itself or a sum) only.
struct Composite {
  Expr whole;
  Linear linear;
};

/// Finds linear expressions of x that hold parameters, too.
class CompositeFinder {
public:
  explicit CompositeFinder(Algebra &algebra) : algebra(algebra), x(algebra.getVariable()) {}

  void visit(Expr e);

  std::vector<Composite> found;

private:
  bool isLinear(Expr e) {
    std::optional<Linear> linear = matchLinear(algebra, e);
    return linear && linear->node == x;
  }
  bool isFree(Expr e) { return !algebra.dependsOn(e, x); }
  /// a*x of a product that holds a^2*x^2.
  void visitPower(Expr product);

  Algebra &algebra;
  Expr x;
  std::set<Expr> seen;
};

} // namespace

void CompositeFinder::visitPower(Expr product) {
  double exponent = 0;
  for (const Term &term : product->terms)
    if (term.node == x)
      exponent = term.factor;
  std::vector<Term> root;
  for (const Term &term : product->terms)
    if (isFree(term.node)) {
      if (!isInteger(exponent) || exponent < 2 || !isInteger(term.factor / exponent))
        return;
      root.push_back({term.factor / exponent, term.node});
    }
  if (root.empty())
    return;
  Expr slope = algebra.product(1, root), whole = algebra.multiply(slope, x);
  if (seen.insert(whole).second)
    found.push_back({whole, {slope, x, algebra.constant(0)}});
}

void CompositeFinder::visit(Expr e) {
  if (isFree(e) || !seen.insert(e).second)
    return;
  bool isMultiple = e->kind == Kind::Sum && e->number == 0 && e->terms.size() == 1;
  std::optional<Linear> linear = e == x || isMultiple ? std::nullopt : matchLinear(algebra, e);
  bool isNew = linear && (linear->node == x || (linear->node->kind == Kind::Sum && isLinear(linear->node))) &&
               !(linear->slope->isConstant() && linear->offset->isConstant());
  if (isNew) {
    found.push_back({e, *linear});
    return;
  }
  if (e->kind == Kind::Product)
    visitPower(e);
  for (const Term &term : e->terms)
    visit(term.node);
}

/// The terms of k `e` with products of sums written out, unless those are many.
static void expandTerms(Algebra &algebra, Term term, std::vector<Term> &terms) {
  constexpr size_t kMaxTerms = 64;
  auto [factor, e] = term;
  if (e->kind == Kind::Sum) {
    terms.push_back({factor * e->number, algebra.constant(1)});
    for (auto [inner, node] : e->terms)
      expandTerms(algebra, {factor * inner, node}, terms);
    return;
  }
  if (e->kind == Kind::Product && terms.size() < kMaxTerms)
    for (size_t i = 0; i < e->terms.size(); ++i) {
      auto [exponent, sum] = e->terms[i];
      if (exponent != 1 || sum->kind != Kind::Sum)
        continue;
      std::vector<Term> rest = e->terms;
      rest.erase(rest.begin() + static_cast<ptrdiff_t>(i));
      Expr others = algebra.product(1, rest);
      expandTerms(algebra, {factor * sum->number, others}, terms);
      for (auto [inner, node] : sum->terms)
        expandTerms(algebra, {factor * inner, algebra.multiply(others, node)}, terms);
      return;
    }
  terms.push_back(term);
}

/// Terms with the same factor that does not depend on `variable` belong together:
/// b u + b v = b (u + v), so that b does not seem to be two numbers.
static Expr groupTerms(Algebra &algebra, Expr e, Expr variable) {
  std::vector<Term> expanded;
  expandTerms(algebra, {1, e}, expanded);
  e = algebra.sum(0, expanded);
  if (e->kind != Kind::Sum)
    return e;
  std::vector<std::pair<Expr, std::vector<Term>>> groups;
  for (auto [factor, node] : e->terms) {
    std::vector<Term> free, dependent;
    for (const Term &term : node->kind == Kind::Product ? node->terms : std::vector<Term>{{1, node}})
      (algebra.dependsOn(term.node, variable) ? dependent : free).push_back(term);
    Expr shared = algebra.product(1, free), rest = algebra.product(1, dependent);
    auto known = std::find_if(groups.begin(), groups.end(), [&](const auto &group) { return group.first == shared; });
    if (known == groups.end()) {
      groups.emplace_back(shared, std::vector<Term>());
      known = std::prev(groups.end());
    }
    known->second.push_back({factor, rest});
  }
  std::vector<Term> sum;
  for (auto &[shared, terms] : groups)
    sum.push_back({1, algebra.multiply(shared, algebra.sum(0, terms))});
  return algebra.sum(e->number, sum);
}

SignProof proveSignOf(Algebra &algebra, Expr e, const Interval &domain) {
  Expr x = algebra.getVariable();
  auto attempt = [&](Expr candidate, Expr variable, const Interval &values, Expr composite) {
    SignProof proof{Sign::Unknown, candidate, variable, composite, values, values};
    proof.sign = proveSign(algebra, candidate, variable, values, proof.stuck);
    return proof;
  };
  SignProof proof = attempt(e, x, domain, nullptr);
  if (proof.sign != Sign::Unknown)
    return proof;
  if (Expr grouped = groupTerms(algebra, e, x); grouped != e)
    proof = attempt(grouped, x, domain, nullptr);
  CompositeFinder finder(algebra);
  finder.visit(e);
  constexpr size_t kMaxTrials = 3;
  for (size_t i = 0; i < std::min(kMaxTrials, finder.found.size()) && proof.sign == Sign::Unknown; ++i) {
    auto [whole, linear] = finder.found[i];
    Expr u = algebra.newSymbol("u");
    Expr inner = algebra.divide(algebra.subtract(u, linear.offset), linear.slope);
    Expr changed = algebra.substitute(algebra.substitute(e, whole, u), linear.node, inner);
    if (algebra.dependsOn(changed, x)) {
      Linear innermost = *matchLinear(algebra, linear.node);
      changed =
          algebra.substitute(changed, x, algebra.divide(algebra.subtract(inner, innermost.offset), innermost.slope));
    }
    // Where the slope of u can be 0, the identity holds by continuity if that is gone,
    // but u may be constant.
    bool canStandStill = !algebra.isNonZero(linear.slope), isGone = true;
    for (size_t k = 1; k < algebra.getNumSymbols(); ++k)
      if (Expr symbol = algebra.getSymbol(k); algebra.dependsOn(linear.slope, symbol))
        isGone &= !algebra.dependsOn(changed, symbol);
    if (canStandStill && !isGone)
      continue;
    Interval values = algebra.range(whole, x, domain);
    proof = attempt(changed, u, values, whole);
    if (proof.sign == Sign::Unknown)
      proof = attempt(groupTerms(algebra, changed, u), u, values, whole);
    if (canStandStill && (proof.sign == Sign::NonNegative || proof.sign == Sign::NonPositive))
      proof.sign = Sign::Unknown;
  }
  return proof;
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

namespace {

/// Bounds in the parameters, for a variable in a domain.
struct BoundFinder {
  Algebra &algebra;
  Expr variable;
  Interval domain;

  /// What `e` is nowhere less than, or more than; null if unknown.
  Expr find(Expr e, bool isLower) {
    if (!algebra.dependsOn(e, variable))
      return e;
    if (e->kind == Kind::Sum) {
      // What depends on nothing else is bounded as a whole.
      std::vector<Term> alone, bounds;
      for (auto [factor, node] : e->terms) {
        if (dependsOnVariableAlone(node)) {
          alone.push_back({factor, node});
          continue;
        }
        Expr bound = find(node, factor > 0 ? isLower : !isLower);
        if (!bound)
          return nullptr;
        bounds.push_back({factor, bound});
      }
      Expr known = algebra.sum(e->number, bounds);
      if (alone.empty())
        return known;
      Expr bound = findEnd(algebra.sum(0, alone), isLower);
      return bound ? algebra.add(bound, known) : nullptr;
    }
    if (Expr end = findEnd(e, isLower))
      return end;
    if (e->kind != Kind::Product)
      return nullptr;
    // p(a) q(x) for p >= 0 and a bound of q.
    std::vector<Term> free, dependent;
    for (const Term &term : e->terms)
      (algebra.dependsOn(term.node, variable) ? dependent : free).push_back(term);
    Expr factor = algebra.product(1, free), rest = algebra.product(1, dependent);
    if (free.empty() || !algebra.range(factor).isNonNegative())
      return nullptr;
    Expr end = findEnd(rest, isLower);
    return end ? algebra.multiply(end, factor) : nullptr;
  }

private:
  bool dependsOnVariableAlone(Expr e) {
    for (size_t i = 0; i < algebra.getNumSymbols(); ++i)
      if (Expr symbol = algebra.getSymbol(i); (symbol == variable) != algebra.dependsOn(e, symbol))
        return false;
    return true;
  }

  /// The end of the values, as far as intervals of moderate size tell; null if infinite.
  Expr findEnd(Expr e, bool isLower) {
    std::vector<double> points;
    for (double size : {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 16.0, 64.0})
      points.insert(points.end(), {size, -size});
    points.push_back(0);
    std::erase_if(points, [&](double at) { return at <= domain.low || at >= domain.high; });
    std::sort(points.begin(), points.end());
    std::optional<Interval> values;
    Interval part = domain;
    for (size_t i = 0; i <= points.size(); ++i) {
      if (i < points.size())
        part.high = points[i], part.highOpen = false;
      else
        part.high = domain.high, part.highOpen = domain.highOpen;
      Interval ofPart = algebra.range(e, variable, part);
      values = values ? hull(*values, ofPart) : ofPart;
      part.low = part.high, part.lowOpen = false;
    }
    double end = isLower ? values->low : values->high;
    return std::isfinite(end) ? algebra.constant(end) : nullptr;
  }
};

} // namespace

SlopeBounds findSlopeBounds(Algebra &algebra, Expr e, Expr variable, const Interval &domain) {
  BoundFinder finder{algebra, variable, domain};
  SlopeBounds bounds{finder.find(e, /*isLower=*/true), finder.find(e, /*isLower=*/false)};
  if (bounds.lower && !algebra.isPositive(bounds.lower))
    bounds.lower = nullptr;
  return bounds;
}

//===----------------------------------------------------------------------===//
// Witnesses
//===----------------------------------------------------------------------===//

/// Values of a parameter to try.
static std::vector<double> trialValues(const Interval &domain, double start) {
  std::vector<double> values{start};
  if (domain.isBounded())
    for (double part : {0.01, 0.5, 0.99})
      values.push_back(domain.low + part * (domain.high - domain.low));
  else
    for (double value : {0.01, 1.0, 10.0, -0.01, -1.0, -10.0, 100.0, 1000.0, -100.0})
      if (domain.contains(value))
        values.push_back(value);
  return values;
}

std::pair<std::optional<Witness>, std::optional<Witness>> findBothSigns(Algebra &algebra, Expr e,
                                                                        const Interval &domain) {
  // Round numbers first.
  std::vector<double> points{0};
  for (double unit : {1.0, 0.125})
    for (int i = 1; i * unit <= 10; ++i)
      for (double sign : {1.0, -1.0})
        points.push_back(sign * i * unit);
  for (double size : {0.001, 0.01, 20.0, 50.0, 100.0, 1000.0})
    for (double sign : {1.0, -1.0})
      points.push_back(sign * size);
  std::vector<double> start;
  for (size_t i = 0; i < algebra.getNumSymbols(); ++i)
    start.push_back(algebra.getStart(algebra.getSymbol(i)));

  std::optional<Witness> positive, negative;
  auto attempt = [&](std::vector<double> values) {
    for (double x : points) {
      if (!domain.contains(x))
        continue;
      values[0] = x;
      double value = algebra.evaluate(e, values);
      std::optional<Witness> &found = value > 0 ? positive : negative;
      if (value == 0 || !std::isfinite(value) || found)
        continue;
      std::string where;
      for (size_t i = 0; i < values.size(); ++i)
        if (algebra.dependsOn(e, algebra.getSymbol(i)))
          where += (where.empty() ? "" : ", ") + algebra.getName(algebra.getSymbol(i)) + " = " + printNumber(values[i]);
      found = Witness{value, where, std::equal(values.begin() + 1, values.end(), start.begin() + 1)};
    }
  };
  attempt(start);
  // Then with one parameter at a time elsewhere.
  for (size_t i = 1; i < start.size() && !(positive && negative); ++i)
    for (double value : trialValues(algebra.getDomain(algebra.getSymbol(i)), start[i])) {
      std::vector<double> values = start;
      values[i] = value;
      attempt(values);
    }
  return {positive, negative};
}

} // namespace flowc::symbolic
