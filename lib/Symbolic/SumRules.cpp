//===- SumRules.cpp - Rules for sums of products --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rules as in Rules.cpp, for terms with more factors than the function that they are
// about: weights of mixtures, scales.
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace flowc::symbolic {

static std::vector<Term> factorsOf(Expr e) { return e->kind == Kind::Product ? e->terms : std::vector<Term>{{1, e}}; }

/// k u + l sqrt(k^2/l^2 u^2 + c) = l sqrt(c) exp(+-asinh(|k/l| u / sqrt(c))) for c > 0: neither
/// cancels for u on the other side, and u occurs once. `i` is the root.
bool Algebra::applyRootRule(Sum &sum, size_t i) {
  auto [l, root] = sum.terms[i];
  bool isRoot = root->kind == Kind::Product && root->terms.size() == 1 && root->terms[0].factor == 0.5;
  Expr inside = isRoot ? root->terms[0].node : nullptr;
  if (!inside || inside->kind != Kind::Sum)
    return false;
  for (size_t m = 0; m < inside->terms.size(); ++m) {
    auto [c2, square] = inside->terms[m];
    Expr u = c2 > 0 && dependsOn(square, getVariable()) ? product(1, {{0.5, square}}) : nullptr;
    if (u && u->is(Function::Abs))
      u = u->argument();
    if (!u || power(u, 2) != square)
      continue;
    double k = std::sqrt(c2) * std::abs(l);
    Expr rest = subtract(inside, scale(c2, square));
    if (k * k != c2 * l * l || dependsOn(rest, getVariable()) || !isPositive(rest))
      continue;
    // u itself may be a sum, whose terms stand beside the root.
    std::vector<Term> terms = sum.terms;
    terms.erase(terms.begin() + static_cast<ptrdiff_t>(i));
    Expr others = this->sum(sum.constant, std::move(terms));
    for (double sign : {1.0, -1.0}) {
      Expr left = subtract(others, scale(sign * k, u));
      size_t numTerms = left->kind == Kind::Sum ? left->terms.size() : left->isConstant() ? 0 : 1;
      size_t numOfU = u->kind == Kind::Sum ? u->terms.size() : 1;
      if (numTerms + numOfU + 1 != sum.terms.size())
        continue;
      Expr angle = call(Function::Asinh, multiply(scale(std::sqrt(c2), u), power(rest, -0.5)));
      Expr to = multiply(power(rest, 0.5), call(Function::Exp, scale(sign * (l > 0 ? 1 : -1), angle)));
      note("u + sqrt(c + u^2) = sqrt(c)*exp(asinh(u/sqrt(c)))",
           print(scale(sign * k, u)) + " + " + print(scale(l, root)), scale(l, to));
      sum = {left->kind == Kind::Sum || left->isConstant() ? left->number : 0, {}};
      if (!left->isConstant())
        sum.terms = left->kind == Kind::Sum ? left->terms : std::vector<Term>{{1, left}};
      sum.terms.push_back({l, to});
      return true;
    }
  }
  return false;
}

/// Takes a factor that is `function` of something away, and returns its argument; null if there
/// is none.
static Expr takeArgument(std::vector<Term> &factors, Function function) {
  auto it = std::find_if(factors.begin(), factors.end(),
                         [&](const Term &term) { return term.factor == 1 && term.node->is(function); });
  if (it == factors.end())
    return nullptr;
  Expr argument = it->node->argument();
  factors.erase(it);
  return argument;
}

/// a sigmoid(u) - a sigmoid(v) = a (1 - exp(v - u)) sigmoid(u) sigmoid(-v), if u > v for all
/// values of everything: the difference cancels far out.
bool Algebra::applyDifferenceRule(Sum &sum, size_t i, size_t j) {
  if (sum.terms[i].factor != -sum.terms[j].factor)
    return false;
  std::vector<Term> first = factorsOf(sum.terms[i].node), second = factorsOf(sum.terms[j].node);
  Expr u = takeArgument(first, Function::Sigmoid), v = u ? takeArgument(second, Function::Sigmoid) : nullptr;
  if (!v || product(1, first) != product(1, second))
    return false;
  Expr difference = expand(*this, subtract(u, v));
  if (!isPositive(difference))
    return false;
  Expr rest = this->sum(1, {{-1, call(Function::Exp, negate(difference))}});
  Expr to = product(1, {{1, rest}, {1, call(Function::Sigmoid, u)}, {1, call(Function::Sigmoid, negate(v))}});
  note("sigmoid(u) - sigmoid(v) = (1 - exp(v - u))*sigmoid(u)*sigmoid(-v)",
       print(call(Function::Sigmoid, u)) + " - " + print(call(Function::Sigmoid, v)), to);
  sum.terms[i] = {sum.terms[i].factor, multiply(product(1, first), to)};
  sum.terms.erase(sum.terms.begin() + static_cast<ptrdiff_t>(j));
  return true;
}

/// a softplus(u) - a softplus(v) = a softplus(log(exp(u - v) - 1) - softplus(-v)), if u - v is
/// positive and depends on parameters only; null otherwise.
Expr Algebra::mergeDifference(Expr a, Expr b) {
  std::vector<Term> first = factorsOf(a), second = factorsOf(b);
  Expr u = takeArgument(first, Function::Softplus), v = u ? takeArgument(second, Function::Softplus) : nullptr;
  if (!v || product(1, first) != product(1, second))
    return nullptr;
  Expr difference = expand(*this, subtract(u, v));
  if (dependsOn(difference, getVariable()) || !isPositive(difference))
    return nullptr;
  Expr complement = sum(1, {{-1, call(Function::Exp, negate(difference))}});
  Expr rise = add(difference, call(Function::Log, complement)); // log(exp(u - v) - 1)
  Expr to = call(Function::Softplus, subtract(rise, call(Function::Softplus, negate(v))));
  return note("softplus(u) - softplus(v) = softplus(log(exp(u - v) - 1) - softplus(-v))",
              print(call(Function::Softplus, u)) + " - " + print(call(Function::Softplus, v)),
              multiply(product(1, first), to));
}

Expr Algebra::mergeSoftplus(Expr e) {
  // Inside of a softplus they are the logarithms of sums, which have slopes as they are.
  if (!dependsOn(e, getVariable()) || e->is(Function::Softplus) || isExhausted())
    return e;
  std::vector<Expr> arguments;
  std::vector<Term> dependent, others;
  for (const Term &term : e->terms) {
    arguments.push_back(mergeSoftplus(term.node));
    (dependsOn(term.node, getVariable()) ? dependent : others).push_back(term);
  }
  if (e->kind != Kind::Sum || dependent.size() != 2 || dependent[0].factor != -dependent[1].factor)
    return rebuild(e, arguments);
  for (size_t i : {0, 1})
    if (Expr merged = mergeDifference(dependent[i].node, dependent[1 - i].node)) {
      others.push_back({dependent[i].factor, merged});
      return sum(e->number, std::move(others));
    }
  return rebuild(e, arguments);
}

/// A sum as constant + sum of weight * F(u) for a function with a mirror: F(u) = mass - F(-u).
struct Mixture {
  double constant;
  std::vector<Expr> weights, functions;
};

/// Whether it is atan(exp(v)), the arc that is left of pi/2 - atan(exp(-v)).
static bool isArc(Expr e) { return e->is(Function::Atan) && e->argument()->is(Function::Exp); }

static double getMass(Expr e) {
  return e->is(Function::Sigmoid) ? 1 : e->is(Function::Erfc) ? 2 : isArc(e) ? std::numbers::pi / 2 : 0;
}

/// F(-u) for a function F(u) that has a mass.
static Expr mirror(Algebra &algebra, Expr e) {
  Expr u = e->argument();
  return algebra.call(e->function,
                      isArc(e) ? algebra.call(Function::Exp, algebra.negate(u->argument())) : algebra.negate(u));
}

/// The sum as a mixture that mirrors add up to without a constant; nothing if it is none.
/// `weights` hold mass * weight.
static std::optional<Mixture> matchMixture(Algebra &algebra, double constant, std::span<const Term> terms) {
  Expr x = algebra.getVariable();
  Mixture mixture{constant, {}, {}};
  std::vector<Term> expanded;
  for (const Term &term : terms)
    expandTerms(algebra, term, expanded);
  for (auto [factor, node] : expanded) {
    std::vector<Term> factors = factorsOf(node);
    auto it = std::find_if(factors.begin(), factors.end(), [&](const Term &term) {
      return getMass(term.node) != 0 && term.factor == 1 && algebra.dependsOn(term.node, x);
    });
    if (it != factors.end()) {
      Expr function = it->node;
      factors.erase(it);
      Expr weight = algebra.product(1, factors);
      if (algebra.dependsOn(weight, x))
        return std::nullopt;
      // Terms of one function belong together: 1 - w is a weight, 1 and -w are not.
      auto known = std::find(mixture.functions.begin(), mixture.functions.end(), function);
      size_t i = static_cast<size_t>(known - mixture.functions.begin());
      if (known == mixture.functions.end()) {
        mixture.functions.push_back(function);
        mixture.weights.push_back(algebra.constant(0));
      }
      mixture.weights[i] = algebra.sum(0, {{1, mixture.weights[i]}, {-factor * getMass(function), weight}});
    } else if (node->isConstant()) {
      mixture.constant += factor * node->number;
    } else {
      return std::nullopt;
    }
  }
  return mixture;
}

/// Whether `weights` add up to `total` for all values of the parameters: by themselves, or as
/// fractions.
static bool addUpTo(Algebra &algebra, std::span<const Expr> weights, double total) {
  auto isSmall = [&](double value) { return std::abs(value) <= 1e-12 * std::abs(total); };
  std::vector<double> start;
  for (size_t i = 0; i < algebra.getNumSymbols(); ++i)
    start.push_back(algebra.getStart(algebra.getSymbol(i)));
  double atStart = 0;
  std::vector<Term> terms;
  for (Expr weight : weights) {
    atStart += algebra.evaluate(weight, start);
    terms.push_back({1, weight});
  }
  if (!isSmall(atStart - total))
    return false;
  Expr sum = expandRounded(algebra, algebra.sum(0, terms));
  Expr left = expandRounded(algebra, algebra.sum(-total, {{1, sum}}));
  if (!left->isConstant())
    left = algebra.subtract(algebra.factorize(sum), algebra.constant(total));
  return left->isConstant() && isSmall(left->number);
}

/// 1 - w u - (1 - w) v = w (1 - u) + (1 - w) (1 - v): what is left of each part, by its share.
bool Algebra::applyShareRule(Sum &sum) {
  if (sum.constant == 0 || sum.terms.size() < 2 || isExhausted())
    return false;
  std::vector<Expr> shares, rests;
  for (auto [factor, node] : sum.terms) {
    std::vector<Term> free, dependent;
    for (const Term &term : factorsOf(node))
      (dependsOn(term.node, getVariable()) ? dependent : free).push_back(term);
    // With a number as its share, a sum would be opened again.
    if (free.empty() || dependent.empty())
      return false;
    shares.push_back(scale(-factor, product(1, free)));
    rests.push_back(product(1, dependent));
  }
  if (!addUpTo(*this, shares, sum.constant))
    return false;
  std::vector<Term> terms;
  for (size_t i = 0; i < shares.size(); ++i)
    terms.push_back({1, multiply(shares[i], this->sum(1, {{-1, rests[i]}}))});
  note("1 - w*u - (1 - w)*v = w*(1 - u) + (1 - w)*(1 - v)", printSum(sum), this->sum(0, terms));
  sum = {0, terms};
  return true;
}

/// 1 - w (1 - u) - (1 - w) (1 - v) = w u + (1 - w) v: where brackets leave nothing but what
/// holds the variable, nothing cancels any more.
bool Algebra::applyComplementRule(Sum &sum) {
  auto isBracket = [](const Term &term) {
    return term.factor == 1 && term.node->kind == Kind::Sum && term.node->number != 0;
  };
  auto hasBracket = [&](const Term &term) {
    return term.node->kind == Kind::Product && std::ranges::any_of(term.node->terms, isBracket);
  };
  if (sum.constant == 0 || sum.terms.size() < 2 || isExhausted() || !std::ranges::all_of(sum.terms, hasBracket))
    return false;
  std::vector<Term> expanded;
  for (const Term &term : sum.terms)
    expandTerms(*this, term, expanded);
  std::vector<Expr> constants, parts, weights;
  for (auto [factor, node] : expanded) {
    std::vector<Term> free, dependent;
    for (const Term &term : factorsOf(node))
      (dependsOn(term.node, getVariable()) ? dependent : free).push_back(term);
    Expr weight = scale(factor, product(1, free)), part = product(1, dependent);
    if (dependent.empty()) {
      constants.push_back(weight);
      continue;
    }
    auto known = std::ranges::find(parts, part);
    if (known == parts.end()) {
      parts.push_back(part);
      weights.push_back(weight);
    } else {
      Expr &whole = weights[static_cast<size_t>(known - parts.begin())];
      whole = add(whole, weight);
    }
  }
  if (parts.size() < 2 || !addUpTo(*this, constants, -sum.constant))
    return false;
  std::vector<Term> terms;
  for (size_t i = 0; i < parts.size(); ++i)
    terms.push_back({1, multiply(weights[i], parts[i])});
  note("1 - w*(1 - u) - (1 - w)*(1 - v) = w*u + (1 - w)*v", printSum(sum), this->sum(0, terms));
  sum = {0, terms};
  return true;
}

/// `sum` as it is: not through the function of that name, whose rules it is about to go through.
std::string Algebra::printSum(const Sum &sum) {
  Node node;
  node.kind = Kind::Sum;
  node.number = sum.constant;
  node.terms = sum.terms;
  return print(intern(std::move(node)));
}

/// 1 - w F(u) - (1 - w) F(v) = w F(-u) + (1 - w) F(-v) for F = sigmoid, and for F = erfc, which
/// is 2 - erfc of the negative: what is left of a mixture's distribution function.
bool Algebra::applyMixtureRule(Sum &sum) {
  // Far most sums are told by a glance at a term: products and sums may hold a function.
  auto mayBe = [&](const Term &term) {
    return term.node->kind == Kind::Product || term.node->kind == Kind::Sum || getMass(term.node) != 0;
  };
  if (sum.constant == 0 || sum.terms.empty() || isExhausted() ||
      !std::all_of(sum.terms.begin(), sum.terms.end(), mayBe))
    return false;
  std::optional<Mixture> mixture = matchMixture(*this, sum.constant, sum.terms);
  // One term is the business of other rules.
  if (!mixture || mixture->weights.size() < 2)
    return false;
  if (!addUpTo(*this, mixture->weights, mixture->constant))
    return false;
  std::vector<Term> mirrored;
  for (size_t i = 0; i < mixture->weights.size(); ++i) {
    Expr function = mixture->functions[i];
    mirrored.push_back({1 / getMass(function), multiply(mixture->weights[i], mirror(*this, function))});
  }
  note("1 - w*f(u) - (1 - w)*f(v) = w*f(-u) + (1 - w)*f(-v)", printSum(sum), this->sum(0, mirrored));
  sum = {0, mirrored};
  return true;
}

} // namespace flowc::symbolic
