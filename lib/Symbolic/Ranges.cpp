//===- Ranges.cpp - Values that expressions can have ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Symbolic/Expression.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <optional>
#include <set>

namespace flowc::symbolic {

namespace {

/// Evaluates expressions for whole intervals.
class RangeEvaluator {
public:
  using DomainFn = std::function<Interval(Expr)>;
  RangeEvaluator(Algebra &algebra, DomainFn domain, std::map<Expr, Interval> &known)
      : algebra(algebra), domain(std::move(domain)), known(known) {}

  Interval evaluate(Expr e);

private:
  Interval evaluateSum(Expr e);
  Interval evaluateProduct(Expr e);
  std::optional<Interval> boundSquashed(Expr u, Expr sum);
  std::optional<Interval> boundRatio(Term growing, Term falling);
  Interval evaluateByGrowth(const std::vector<Term> &factors, Interval naive);
  Interval evaluateFunction(Expr e);
  Interval evaluateCompare(Expr e);

  Algebra &algebra;
  DomainFn domain;
  std::map<Expr, Interval> &known;
};

} // namespace

static const Interval kTrue = Interval::point(1), kFalse = Interval::point(0);

static double sigmoid(double u) { return 1 / (1 + std::exp(-u)); }
/// sigmoid(v) sigmoid(-v): falls from 1/4 at 0 with |v|.
static Interval bellOf(const Interval &v) {
  Interval size = abs(v);
  auto fall = [](double u) { return -(sigmoid(u) * sigmoid(-u)); };
  return -applyIncreasing(size, +fall, {-0.25, 0, false, true});
}

/// The coefficients of powers of one base: c[0] + c[1] u + c[2] u^2 + ...
using Polynomial = std::map<int, double>;

/// Horner's form, and for a parabola its vertex, know that all powers are of one
/// number.
static Interval evaluatePolynomial(const Polynomial &coefficients, const Interval &u) {
  int degree = coefficients.rbegin()->first;
  auto coefficient = [&](int i) { return coefficients.count(i) ? coefficients.at(i) : 0; };
  Interval horner = Interval::point(coefficient(degree));
  for (int i = degree - 1; i >= 0; --i)
    horner = horner * u + Interval::point(coefficient(i));
  if (degree != 2)
    return horner;
  // a u^2 + b u + c = a (u + b/2a)^2 + c - b^2/4a.
  Interval a = Interval::point(coefficient(2)), b = Interval::point(coefficient(1));
  Interval shift = b * power(Interval::point(2 * coefficient(2)), -1);
  Interval rest = Interval::point(coefficient(0)) + -(b * b * power(Interval::point(4 * coefficient(2)), -1));
  return horner.clippedTo(a * power(u + shift, 2) + rest);
}

Interval RangeEvaluator::evaluateSum(Expr e) {
  // Terms that are whole powers of one base belong together.
  std::map<Expr, Polynomial> powers;
  constexpr double kMaxDegree = 20;
  Interval naive = Interval::point(e->number);
  std::vector<Expr> bases;
  for (auto [factor, node] : e->terms) {
    naive = naive + Interval::point(factor) * evaluate(node);
    bool isPower = node->kind == Kind::Product && node->terms.size() == 1;
    double exponent = isPower ? node->terms[0].factor : 1;
    Expr base = isPower && exponent > 0 && exponent <= kMaxDegree && exponent == std::floor(exponent)
                    ? node->terms[0].node
                    : node;
    if (!powers.count(base))
      bases.push_back(base);
    powers[base][base == node ? 1 : static_cast<int>(exponent)] = factor;
  }
  if (powers.size() == e->terms.size())
    return naive;
  Interval grouped = Interval::point(powers.size() == 1 ? 0 : e->number);
  for (Expr base : bases) {
    if (powers.size() == 1)
      powers[base][0] = e->number; // the parabola's vertex needs it
    grouped = grouped + evaluatePolynomial(powers[base], evaluate(base));
  }
  return naive.clippedTo(grouped);
}

/// |u| / (k |u| + r) is less than 1/k, and |u| / (k u^2 + r) at most 1/(2 sqrt(k r)), for r > 0.
std::optional<Interval> RangeEvaluator::boundSquashed(Expr u, Expr sum) {
  // On one side of 0, growth says more.
  if (Interval values = evaluate(u); values.low > -Interval::kInfinity || values.high < Interval::kInfinity)
    return std::nullopt;
  double k = 0, k2 = 0;
  Interval rest = Interval::point(sum->number);
  for (auto [factor, node] : sum->terms) {
    bool isSquare = node->kind == Kind::Product && node->terms.size() == 1 && node->terms[0].factor == 2;
    if (node->is(Function::Abs) && node->argument() == u)
      k = factor;
    else if (isSquare && node->terms[0].node == u)
      k2 = factor;
    else
      rest = rest + Interval::point(factor) * evaluate(node);
  }
  if (!rest.isPositive() || k < 0 || k2 < 0 || (k == 0) == (k2 == 0))
    return std::nullopt;
  Interval largest =
      k > 0 ? power(Interval::point(k), -1) : power(Interval::point(4 * k2) * Interval::point(rest.low), -0.5);
  bool isOpen = k > 0;
  return Interval{-largest.high, largest.high, isOpen, isOpen};
}

/// u^p / (k u^m + r)^q for p = m q and r >= 0 is at most 1/k^q.
std::optional<Interval> RangeEvaluator::boundRatio(Term growing, Term falling) {
  auto [p, u] = growing;
  if (p == 1 && falling.factor == -1 && falling.node->kind == Kind::Sum)
    if (std::optional<Interval> squashed = boundSquashed(u, falling.node))
      return squashed;
  double q = -falling.factor, m = p / q;
  bool isEvenPower = m > 0 && m == std::floor(m) && std::fmod(m, 2) == 0;
  if (p <= 0 || q <= 0 || p != std::floor(p) || !isEvenPower || falling.node->kind != Kind::Sum)
    return std::nullopt;
  double k = 0;
  Interval rest = Interval::point(falling.node->number);
  for (auto [factor, node] : falling.node->terms) {
    bool isPower = node->kind == Kind::Product && node->terms.size() == 1;
    if (isPower && node->terms[0].node == u && node->terms[0].factor == m)
      k = factor;
    else
      rest = rest + Interval::point(factor) * evaluate(node);
  }
  if (k <= 0 || !rest.isNonNegative())
    return std::nullopt;
  double largest = power(Interval::point(k), -q).high;
  Interval size{0, largest, false, rest.isPositive()};
  bool isEvenWhole = std::fmod(p, 2) == 0;
  Interval values = evaluate(u);
  return isEvenWhole || values.isNonNegative() ? size : values.isNonPositive() ? -size : hull(size, -size);
}

Interval RangeEvaluator::evaluateProduct(Expr e) {
  Interval result = Interval::point(1);
  std::vector<Term> factors = e->terms;
  for (size_t i = 0; i < factors.size(); ++i) {
    auto [exponent, node] = factors[i];
    if (exponent == 0)
      continue;
    Interval value = power(evaluate(node), exponent);
    if (node->is(Function::Sigmoid) && exponent > 0)
      for (size_t j = i + 1; j < factors.size(); ++j) {
        Expr other = factors[j].node;
        // The arguments are negatives of each other if their sum is 0 as an expression.
        bool isMirror = other->is(Function::Sigmoid) && factors[j].factor == exponent &&
                        algebra.add(node->argument(), other->argument())->isConstant(0);
        if (!isMirror)
          continue;
        value = power(bellOf(evaluate(node->argument())), exponent);
        factors[j].factor = 0;
        break;
      }
    for (Term &falling : factors)
      if (std::optional<Interval> ratio = falling.factor < 0 ? boundRatio(factors[i], falling) : std::nullopt) {
        value = (value * power(evaluate(falling.node), falling.factor)).clippedTo(*ratio);
        falling.factor = 0;
        break;
      }
    result = result * value;
  }
  return result.isBounded() ? result : evaluateByGrowth(e->terms, result);
}

//===----------------------------------------------------------------------===//
// Growth: u*exp(-u) and u/sqrt(a^2 + u^2) are no products of infinity and zero
//===----------------------------------------------------------------------===//

namespace {

/// A bound C t^p exp(-q t) of products of functions of a number u, for t = |u| >= `low`
/// >= 0 and u of one sign.
class GrowthBound {
public:
  using RangeFn = std::function<Interval(Expr)>;
  GrowthBound(Expr u, const Interval &values, RangeFn range)
      : u(u), isPositive(values.isNonNegative()), low(isPositive ? values.low : -values.high), range(std::move(range)) {
  }

  /// False if nothing is known of the factor.
  bool multiply(Term factor);
  /// The largest value for t >= `low`; infinite if there is none.
  double getMaximum() const;

private:
  /// {c, r} with v <= c + r t.
  std::optional<std::pair<double, double>> boundLinearly(Expr v, double sign);
  bool multiplyPolynomial(Expr sum, double exponent);

  Expr u;
  bool isPositive;
  double low;
  RangeFn range;
  double logScale = 0, power = 0, rate = 0;
};

} // namespace

std::optional<std::pair<double, double>> GrowthBound::boundLinearly(Expr v, double sign) {
  bool isSum = v->kind == Kind::Sum;
  double offset = isSum ? sign * v->number : 0, slope = 0;
  for (auto [given, node] : isSum ? v->terms : std::vector<Term>{{1, v}}) {
    double factor = sign * given;
    bool isSquare = node->kind == Kind::Product && node->terms.size() == 1 && node->terms[0].factor == 2 &&
                    node->terms[0].node == u;
    if (node == u)
      slope += isPositive ? factor : -factor;
    else if (node->is(Function::Abs) && node->argument() == u)
      slope += factor;
    else if (isSquare && factor < 0) // t^2 >= low t
      slope += factor * low;
    else if (double high = (Interval::point(factor) * range(node)).high; std::isfinite(high))
      offset += high;
    else
      return std::nullopt;
  }
  return std::pair(offset, slope);
}

/// A power of c[d] t^d + ... + c[1] t + rest.
bool GrowthBound::multiplyPolynomial(Expr sum, double exponent) {
  Polynomial polynomial;
  Interval rest = Interval::point(sum->number);
  for (auto [factor, node] : sum->terms) {
    bool isPower = node->kind == Kind::Product && node->terms.size() == 1;
    double degree = isPower ? node->terms[0].factor : 1;
    constexpr double kMaxDegree = 20;
    if ((isPower ? node->terms[0].node : node) != u || degree < 1 || degree > kMaxDegree ||
        degree != std::floor(degree)) {
      rest = rest + Interval::point(factor) * range(node);
      continue;
    }
    bool isFlipped = !isPositive && std::fmod(degree, 2) != 0;
    polynomial[static_cast<int>(degree)] = isFlipped ? -factor : factor;
  }
  if (polynomial.empty())
    return false;
  int degree = polynomial.rbegin()->first;
  double leading = polynomial.rbegin()->second, size = std::max(-rest.low, rest.high);
  double total = size == 0 ? 0 : size * std::pow(low, -degree);
  bool hasOneSign = leading > 0 ? rest.isNonNegative() : rest.isNonPositive();
  for (auto [i, coefficient] : polynomial) {
    total += std::abs(coefficient) * (i == degree ? 1 : std::pow(low, i - degree));
    hasOneSign &= coefficient * leading > 0;
  }
  if (exponent < 0 && !hasOneSign)
    return false;
  logScale += exponent * std::log(exponent > 0 ? total : std::abs(leading));
  power += exponent * degree;
  return std::isfinite(logScale);
}

bool GrowthBound::multiply(Term factor) {
  auto [exponent, node] = factor;
  if (node == u) {
    power += exponent;
    return true;
  }
  // exp(v)^k, and what is at most a multiple of it: sigmoid(v) <= exp(v), 1/cosh(v) <= 2 exp(-|v|).
  bool isExp = node->is(Function::Exp), isSigmoid = node->is(Function::Sigmoid) && exponent > 0;
  bool isCosh = node->is(Function::Cosh) && exponent < 0;
  if (isExp || isSigmoid || isCosh) {
    auto bound = boundLinearly(node->argument(), exponent > 0 ? 1 : -1);
    if (auto other = isCosh ? boundLinearly(node->argument(), 1) : std::nullopt;
        other && (!bound || other->second < bound->second))
      bound = other;
    if (bound && (isExp || bound->second < 0)) {
      logScale += std::abs(exponent) * (bound->first + (isCosh ? std::numbers::ln2 : 0));
      rate -= std::abs(exponent) * bound->second;
      return true;
    }
  }
  GrowthBound before = *this;
  if (node->kind == Kind::Sum && multiplyPolynomial(node, exponent))
    return true;
  *this = before;
  Interval values = intervals::power(range(node), exponent);
  logScale += std::log(std::max({-values.low, values.high, 1e-300}));
  return values.isBounded();
}

double GrowthBound::getMaximum() const {
  if (rate < 0 || (rate == 0 && power > 0))
    return Interval::kInfinity;
  double at = power > 0 ? std::max(low, power / rate) : low;
  double logPower = power == 0 ? 0 : power * std::log(at);
  // Rounding of the logarithm is far below this slack.
  return std::max(1e-300, std::exp(logScale + logPower - rate * at) * (1 + 1e-9));
}

/// A product with factors that are unbounded where others vanish.
Interval RangeEvaluator::evaluateByGrowth(const std::vector<Term> &factors, Interval naive) {
  std::set<Expr> tried;
  for (const Term &growing : factors) {
    if (growing.factor <= 0)
      continue;
    // A polynomial grows with what it is one of.
    Expr u = growing.node;
    if (u->kind == Kind::Sum)
      u = u->terms.back().node;
    if (u->kind == Kind::Product && u->terms.size() == 1)
      u = u->terms[0].node;
    // Many factors can grow with one number, and all of them are seen at once.
    if (!tried.insert(u).second || !algebra.spend(factors.size()))
      continue;
    Interval values = evaluate(u);
    if (!values.isNonNegative() && !values.isNonPositive())
      continue;
    GrowthBound bound(u, values, [&](Expr e) { return evaluate(e); });
    if (!std::all_of(factors.begin(), factors.end(), [&](const Term &factor) { return bound.multiply(factor); }))
      continue;
    double largest = bound.getMaximum();
    if (std::isfinite(largest))
      return naive.clippedTo(Interval::closed(-largest, largest));
  }
  return naive;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Interval RangeEvaluator::evaluateFunction(Expr e) {
  const FunctionRow &row = getRow(e->function);
  Interval u = evaluate(e->argument());
  if (!row.domain.isAll())
    u = u.clippedTo(row.domain);
  if (row.rangeOfTwo)
    return row.rangeOfTwo(u, evaluate(e->argument(1)));
  if (row.rangeOf)
    return row.rangeOf(u);
  return applyIncreasing(row.parity == Parity::Even ? abs(u) : u, row.value.getPointer(), *row.rising);
}

Interval RangeEvaluator::evaluateCompare(Expr e) {
  Interval difference = evaluate(algebra.subtract(e->argument(0), e->argument(1)));
  bool isPositive = difference.isPositive(), isNegative = difference.isNegative();
  auto decide = [&](bool yes, bool no) { return yes ? kTrue : no ? kFalse : Interval::closed(0, 1); };
  switch (e->relation) {
  case Relation::Less:
    return decide(isNegative, difference.isNonNegative());
  case Relation::LessEqual:
    return decide(difference.isNonPositive(), isPositive);
  case Relation::Greater:
    return decide(isPositive, difference.isNonPositive());
  case Relation::GreaterEqual:
    return decide(difference.isNonNegative(), isNegative);
  case Relation::Equal:
    return decide(false, isPositive || isNegative);
  case Relation::NotEqual:
    return decide(isPositive || isNegative, false);
  }
  return Interval::closed(0, 1);
}

Interval RangeEvaluator::evaluate(Expr e) {
  if (e->isConstant())
    return std::isnan(e->number) ? Interval::all() : Interval::point(e->number);
  if (e->kind == Kind::Symbol)
    return domain(e);
  if (auto it = known.find(e); it != known.end())
    return it->second;
  Interval result = Interval::all();
  if (!algebra.spend(e->terms.size()))
    return result;
  switch (e->kind) {
  case Kind::Sum:
    result = evaluateSum(e);
    break;
  case Kind::Product:
    result = evaluateProduct(e);
    break;
  case Kind::Function:
    result = evaluateFunction(e);
    break;
  case Kind::Compare:
    result = evaluateCompare(e);
    break;
  case Kind::Select: {
    Interval condition = evaluate(e->argument(0));
    if (condition.isPoint())
      result = evaluate(e->argument(condition.low != 0 ? 1 : 2));
    else
      result = hull(evaluate(e->argument(1)), evaluate(e->argument(2)));
    break;
  }
  default:
    break;
  }
  known[e] = result;
  return result;
}

Interval Algebra::range(Expr e) {
  return RangeEvaluator(
             *this, [&](Expr symbol) { return getDomain(symbol); }, ranges)
      .evaluate(e);
}

Interval Algebra::range(Expr e, Expr symbol, const Interval &domain) {
  std::map<Expr, Interval> known;
  auto domainOf = [&](Expr other) { return other == symbol ? domain : getDomain(other); };
  return RangeEvaluator(*this, domainOf, known).evaluate(e);
}

Interval Algebra::range(Expr e, std::span<const Interval> domains) {
  std::map<Expr, Interval> known;
  return RangeEvaluator(
             *this, [&](Expr symbol) { return domains[symbol->symbol]; }, known)
      .evaluate(e);
}

} // namespace flowc::symbolic
