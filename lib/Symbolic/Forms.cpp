//===- Forms.cpp - Forms of expressions that can be bounded ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Forms.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace flowc::symbolic {

//===----------------------------------------------------------------------===//
// Other variables
//===----------------------------------------------------------------------===//

namespace {

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
  /// a*x of a product that holds a^2*x^2, sqrt(a)*x of one that holds a*x^2 for a > 0.
  void visitPower(Expr product);

  Algebra &algebra;
  Expr x;
  std::set<Expr> seen;
};

} // namespace

void CompositeFinder::visitPower(Expr product) {
  double exponent = 0;
  Expr base = nullptr;
  for (const Term &term : product->terms)
    if (term.node == x || (term.node->kind == Kind::Sum && !isFree(term.node) && isLinear(term.node))) {
      exponent = term.factor;
      base = term.node;
    }
  std::vector<Term> root;
  for (const Term &term : product->terms)
    if (isFree(term.node)) {
      double part = term.factor / exponent;
      if (!isInteger(exponent) || exponent < 2 || (!isInteger(part) && !algebra.isPositive(term.node)))
        return;
      root.push_back({part, term.node});
    }
  if (root.empty())
    return;
  Expr slope = algebra.product(1, root), whole = algebra.multiply(slope, base);
  if (seen.insert(whole).second)
    found.push_back({whole, {slope, base, algebra.constant(0)}});
}

void CompositeFinder::visit(Expr e) {
  if (isFree(e) || !seen.insert(e).second)
    return;
  std::optional<Linear> linear = e == x || isMultiple(e) ? std::nullopt : matchLinear(algebra, e);
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

std::vector<Composite> findComposites(Algebra &algebra, Expr e) {
  CompositeFinder finder(algebra);
  finder.visit(e);
  return std::move(finder.found);
}

//===----------------------------------------------------------------------===//
// Brackets
//===----------------------------------------------------------------------===//

void expandTerms(Algebra &algebra, Term term, std::vector<Term> &terms) {
  constexpr size_t kMaxTerms = 64;
  auto [factor, e] = term;
  if (factor == 0)
    return;
  if (e->kind == Kind::Sum) {
    terms.push_back({factor * e->number, algebra.constant(1)});
    for (auto [inner, node] : e->terms)
      expandTerms(algebra, {factor * inner, node}, terms);
    return;
  }
  if (e->kind == Kind::Product && terms.size() < kMaxTerms)
    for (size_t i = 0; i < e->terms.size(); ++i) {
      auto [exponent, sum] = e->terms[i];
      if ((exponent != 1 && exponent != 2) || sum->kind != Kind::Sum)
        continue;
      std::vector<Term> rest = e->terms;
      if (--rest[i].factor == 0)
        rest.erase(rest.begin() + static_cast<ptrdiff_t>(i));
      Expr others = algebra.product(1, rest);
      expandTerms(algebra, {factor * sum->number, others}, terms);
      for (auto [inner, node] : sum->terms)
        expandTerms(algebra, {factor * inner, algebra.multiply(others, node)}, terms);
      return;
    }
  terms.push_back(term);
}

Expr expand(Algebra &algebra, Expr e) {
  std::vector<Term> terms;
  expandTerms(algebra, {1, e}, terms);
  return algebra.sum(0, std::move(terms));
}

Expr expandRounded(Algebra &algebra, Expr e) {
  std::vector<Term> terms, kept;
  expandTerms(algebra, {1, e}, terms);
  for (const Term &term : terms) {
    auto isSame = [&](const Term &other) { return other.node == term.node; };
    if (std::any_of(kept.begin(), kept.end(), isSame))
      continue;
    double total = 0, largest = 0;
    for (const Term &other : terms)
      if (isSame(other)) {
        total += other.factor;
        largest = std::max(largest, std::abs(other.factor));
      }
    constexpr double kRounding = 16 * std::numeric_limits<double>::epsilon();
    kept.push_back({std::abs(total) <= kRounding * largest ? 0 : total, term.node});
  }
  return algebra.sum(0, std::move(kept));
}

static std::vector<Term> factorsOf(Expr e) { return e->kind == Kind::Product ? e->terms : std::vector<Term>{{1, e}}; }

/// The sum of terms that share the factors for which `isShared` holds, for each set of such
/// factors.
template <typename IsShared>
static std::vector<std::pair<Expr, std::vector<Term>>> group(Algebra &algebra, std::span<const Term> terms,
                                                             IsShared isShared) {
  std::vector<std::pair<Expr, std::vector<Term>>> groups;
  for (auto [factor, node] : terms) {
    std::vector<Term> shared, rest;
    for (const Term &term : factorsOf(node))
      (isShared(term.node) ? shared : rest).push_back(term);
    Expr key = algebra.product(1, shared);
    auto known = std::find_if(groups.begin(), groups.end(), [&](const auto &group) { return group.first == key; });
    if (known == groups.end()) {
      groups.emplace_back(key, std::vector<Term>());
      known = std::prev(groups.end());
    }
    known->second.push_back({factor, algebra.product(1, rest)});
  }
  return groups;
}

Expr groupTerms(Algebra &algebra, Expr e, Expr variable) {
  e = expand(algebra, e);
  if (e->kind != Kind::Sum)
    return e;
  std::vector<Term> sum;
  for (auto &[shared, terms] : group(algebra, e->terms, [&](Expr node) { return !algebra.dependsOn(node, variable); }))
    sum.push_back({1, algebra.multiply(shared, algebra.sum(0, terms))});
  return algebra.sum(e->number, sum);
}

Expr groupPowers(Algebra &algebra, Expr e, Expr variable) {
  e = groupTerms(algebra, e, variable);
  auto groupSum = [&](Expr sum) {
    std::vector<Term> terms;
    for (auto &[function, powers] : group(algebra, sum->terms, [&](Expr node) { return node != variable; }))
      terms.push_back({1, algebra.multiply(function, algebra.sum(0, powers))});
    return algebra.factorize(algebra.sum(sum->number, terms));
  };
  if (e->kind == Kind::Sum)
    return groupSum(e);
  std::vector<Term> factors;
  for (const Term &term : factorsOf(e))
    factors.push_back({term.factor, term.node->kind == Kind::Sum ? groupSum(term.node) : term.node});
  return algebra.product(1, factors);
}

//===----------------------------------------------------------------------===//
// Linear in a part, or quadratic
//===----------------------------------------------------------------------===//

bool contains(Expr e, Expr part) {
  std::set<Expr> seen;
  auto visit = [&](auto &self, Expr node) -> bool {
    if (node == part)
      return true;
    if (!seen.insert(node).second)
      return false;
    return std::any_of(node->terms.begin(), node->terms.end(), [&](const Term &term) { return self(self, term.node); });
  };
  return visit(visit, e);
}

bool isContinuous(Expr e) {
  std::set<Expr> seen;
  auto visit = [&](auto &self, Expr node) -> bool {
    if (!seen.insert(node).second)
      return true;
    if (node->kind == Kind::Select || node->kind == Kind::Compare || node->is(Function::Sign))
      return false;
    return std::all_of(node->terms.begin(), node->terms.end(), [&](const Term &term) { return self(self, term.node); });
  };
  return visit(visit, e);
}

std::optional<std::vector<Expr>> matchPolynomial(Algebra &algebra, std::span<const Term> expanded, Expr part,
                                                 unsigned maxDegree) {
  std::vector<std::vector<Term>> coefficients(maxDegree + 1);
  for (auto [factor, node] : expanded) {
    std::vector<Term> rest;
    size_t degree = 0;
    for (const Term &term : factorsOf(node)) {
      if (term.node != part) {
        rest.push_back(term);
        continue;
      }
      if (!isInteger(term.factor) || term.factor < 0 || term.factor > maxDegree)
        return std::nullopt;
      degree = static_cast<size_t>(term.factor);
    }
    Expr others = algebra.product(1, rest);
    if (contains(others, part))
      return std::nullopt;
    coefficients[degree].push_back({factor, others});
  }
  std::vector<Expr> result;
  for (std::vector<Term> &terms : coefficients)
    result.push_back(algebra.sum(0, std::move(terms)));
  return result;
}

} // namespace flowc::symbolic
