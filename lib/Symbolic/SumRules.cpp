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

/// a sigmoid(u) - a sigmoid(v) = a (1 - exp(v - u)) sigmoid(u) sigmoid(-v), if u > v for all
/// values of everything: the difference cancels far out.
bool Algebra::applyDifferenceRule(Sum &sum, size_t i, size_t j) {
  if (sum.terms[i].factor != -sum.terms[j].factor)
    return false;
  auto takeSigmoid = [](std::vector<Term> &factors) -> Expr {
    auto it = std::find_if(factors.begin(), factors.end(),
                           [](const Term &term) { return term.factor == 1 && term.node->is(Function::Sigmoid); });
    if (it == factors.end())
      return nullptr;
    Expr argument = it->node->argument();
    factors.erase(it);
    return argument;
  };
  std::vector<Term> first = factorsOf(sum.terms[i].node), second = factorsOf(sum.terms[j].node);
  Expr u = takeSigmoid(first), v = u ? takeSigmoid(second) : nullptr;
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

/// A sum as constant + sum of weight * F(u) for a function with a mirror: F(u) = mass - F(-u).
struct Mixture {
  double constant;
  std::vector<Expr> weights, functions;
};

static double getMass(Expr e) { return e->is(Function::Sigmoid) ? 1 : e->is(Function::Erfc) ? 2 : 0; }

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
  std::vector<double> start;
  for (size_t i = 0; i < getNumSymbols(); ++i)
    start.push_back(getStart(getSymbol(i)));
  double total = 0;
  std::vector<Term> terms;
  for (Expr weight : mixture->weights) {
    total += evaluate(weight, start);
    terms.push_back({1, weight});
  }
  auto isSmall = [&](double value) { return std::abs(value) <= 1e-12 * std::abs(mixture->constant); };
  if (!isSmall(total - mixture->constant))
    return false;
  // As weights that add up by themselves, or as fractions.
  Expr weights = expandRounded(*this, this->sum(0, terms));
  Expr left = expandRounded(*this, this->sum(-mixture->constant, {{1, weights}}));
  if (!left->isConstant())
    left = subtract(factorize(weights), constant(mixture->constant));
  if (!left->isConstant() || !isSmall(left->number))
    return false;
  std::vector<Term> mirrored;
  for (size_t i = 0; i < mixture->weights.size(); ++i) {
    Expr function = mixture->functions[i];
    Expr mirror = call(function->function, negate(function->argument()));
    mirrored.push_back({1 / getMass(function), multiply(mixture->weights[i], mirror)});
  }
  // Not through `sum`, which would come here again.
  Node node;
  node.kind = Kind::Sum;
  node.number = sum.constant;
  node.terms = sum.terms;
  std::string from = print(intern(std::move(node)));
  note("1 - w*f(u) - (1 - w)*f(v) = w*f(-u) + (1 - w)*f(-v)", from, this->sum(0, mirrored));
  sum = {0, mirrored};
  return true;
}

} // namespace flowc::symbolic
