//===- Expression.cpp - Expressions in normal form ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Symbolic/Expression.h"
#include "Solver.h"

#include "flowc/Support/Hash.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace flowc::symbolic {

//===----------------------------------------------------------------------===//
// Effort
//===----------------------------------------------------------------------===//

void Algebra::exhaust(std::string reason) const {
  if (limit.empty())
    limit = std::move(reason);
}

bool Algebra::spend(uint64_t steps) const {
  effort += steps;
  if (effort > kMaxEffort)
    exhaust("it takes more than " + std::to_string(kMaxEffort) + " steps");
  return !isExhausted();
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

/// What tells an expression from others; zeros of both signs differ.
static uint64_t hashOf(const Node &node) {
  uint64_t hash = kHashStart;
  auto add = [&](uint64_t word) { hash = hashBytes(&word, sizeof(word), hash); };
  add(uint64_t(node.kind) << 32 | uint64_t(node.function) << 16 | uint64_t(node.relation));
  add(node.symbol);
  add(std::bit_cast<uint64_t>(node.number));
  for (const Term &term : node.terms) {
    add(std::bit_cast<uint64_t>(term.factor));
    add(term.node->id);
  }
  return hash;
}

static bool areSame(const Node &a, const Node &b) {
  auto bits = [](double number) { return std::bit_cast<uint64_t>(number); };
  return a.kind == b.kind && a.function == b.function && a.relation == b.relation && a.symbol == b.symbol &&
         bits(a.number) == bits(b.number) &&
         std::ranges::equal(a.terms, b.terms, [&](const Term &one, const Term &other) {
           return one.node == other.node && bits(one.factor) == bits(other.factor);
         });
}

Expr Algebra::intern(Node node) {
  spend(1 + node.terms.size());
  uint64_t hash = hashOf(node);
  for (auto [it, end] = nodes.equal_range(hash); it != end; ++it)
    if (areSame(*it->second, node))
      return it->second.get();
  constexpr unsigned kMaxSize = 1u << 30;
  for (const Term &term : node.terms) {
    node.size = std::min(kMaxSize, node.size + term.node->size);
    node.depth = std::max(node.depth, term.node->depth + 1);
  }
  if (node.depth > kMaxDepth)
    exhaust("it has more than " + std::to_string(kMaxDepth) + " operations in a row");
  node.id = static_cast<unsigned>(nodes.size() + 1);
  return nodes.emplace(hash, std::make_unique<Node>(std::move(node)))->second.get();
}

Expr Algebra::constant(double value) {
  Node node;
  node.number = value == 0 ? 0 : value; // one zero
  return intern(std::move(node));
}

Expr Algebra::symbol(std::string name, Interval domain, double start) {
  Node node;
  node.kind = Kind::Symbol;
  node.symbol = static_cast<unsigned>(symbols.size());
  Expr result = intern(std::move(node));
  symbols.push_back({std::move(name), domain, start, result});
  return result;
}

Expr Algebra::newSymbol(std::string name) {
  auto isTaken = [&](const Symbol &symbol) { return symbol.name == name; };
  while (std::any_of(symbols.begin(), symbols.end(), isTaken))
    name += "_";
  return symbol(std::move(name));
}

void Algebra::setDomain(Expr symbol, const Interval &domain) {
  symbols[symbol->symbol].domain = domain;
  ranges.clear();
}

Expr Algebra::note(const char *rule, const std::string &from, Expr to) {
  if (!isExhausted())
    rewritings.push_back({rule, from, print(to)});
  return to;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Adds `term` to terms without equal nodes.
static void collect(std::vector<Term> &terms, Term term) {
  for (Term &known : terms)
    if (known.node == term.node) {
      known.factor += term.factor;
      return;
    }
  terms.push_back(term);
}

Expr Algebra::sum(double constant, std::vector<Term> given) {
  Recursion recursion(*this);
  Sum sum{constant, {}};
  // Sums in sums are opened if no number has to be multiplied in, which rounds.
  for (size_t i = 0; i < given.size(); ++i) {
    auto [factor, node] = given[i];
    if (factor == 0)
      continue;
    if (node->isConstant())
      sum.constant += factor * node->number;
    else if (isMultiple(node))
      given.push_back({factor * node->terms[0].factor, node->terms[0].node});
    else if (node->kind == Kind::Sum && std::abs(factor) == 1) {
      sum.constant += factor * node->number;
      for (const Term &term : node->terms)
        given.push_back({factor * term.factor, term.node});
    } else {
      collect(sum.terms, {factor, node});
    }
  }
  do
    std::erase_if(sum.terms, [](const Term &term) { return term.factor == 0; });
  while (applySumRules(sum));
  if (std::isnan(sum.constant))
    return undefined();
  if (sum.terms.empty())
    return this->constant(sum.constant);
  if (sum.constant == 0 && sum.terms.size() == 1 && sum.terms[0].factor == 1)
    return sum.terms[0].node;
  std::sort(sum.terms.begin(), sum.terms.end(), [](const Term &a, const Term &b) { return a.node->id < b.node->id; });
  Node node;
  node.kind = Kind::Sum;
  node.number = sum.constant == 0 ? 0 : sum.constant;
  node.terms = std::move(sum.terms);
  return intern(std::move(node));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Takes a power apart: what it is made of is `given`, too, or a part of `product`. False if
/// there is nothing to take apart.
bool Algebra::openPower(Product &product, Term power, std::vector<Term> &given) {
  auto [exponent, node] = power;
  if (node->isConstant()) {
    product.factor *= std::pow(node->number, exponent);
  } else if (node->is(Function::Exp)) {
    // exp(u)^p exp(v)^q = exp(p u + q v)
    product.exponents.push_back({exponent, node->argument()});
  } else if (isMultiple(node) && (isInteger(exponent) || node->terms[0].factor > 0)) {
    product.factor *= std::pow(node->terms[0].factor, exponent);
    given.push_back({exponent, node->terms[0].node});
  } else if (node->kind == Kind::Product && isInteger(exponent)) {
    for (const Term &term : node->terms)
      given.push_back({exponent * term.factor, term.node});
  } else if (node->kind == Kind::Product && node->terms.size() == 1) {
    // (u^p)^q = u^(pq) for u > 0, and |u|^(pq) for even p.
    auto [inner, base] = node->terms[0];
    if (isPositive(base))
      given.push_back({inner * exponent, base});
    else if (isEven(inner))
      given.push_back({inner * exponent, call(Function::Abs, base)});
    else
      product.factors.push_back(power);
  } else if (node->is(Function::Abs) && isEven(exponent)) {
    given.push_back({exponent, node->argument()});
  } else if (node->is(Function::Pow) && isInteger(exponent) && exponent != 1) {
    given.push_back({1, call(Function::Pow, node->argument(0), scale(exponent, node->argument(1)))});
  } else {
    return false;
  }
  return true;
}

/// u^p u^q = u^(p + q) for whole p and q, or u >= 0.
void Algebra::collectPower(Product &product, Term power) {
  auto isLike = [&](const Term &other) {
    return other.node == power.node &&
           ((isInteger(other.factor) && isInteger(power.factor)) || range(power.node).isNonNegative());
  };
  auto known = std::find_if(product.factors.begin(), product.factors.end(), isLike);
  if (known != product.factors.end())
    known->factor += power.factor;
  else
    product.factors.push_back(power);
}

Expr Algebra::product(double factor, std::vector<Term> given) {
  Recursion recursion(*this);
  Product product{factor, {}, {}};
  for (size_t i = 0; i < given.size(); ++i)
    if (Term power = given[i]; power.factor != 0 && !openPower(product, power, given))
      collectPower(product, power);
  std::vector<Term> &factors = product.factors;
  if (!product.exponents.empty()) {
    Expr exponential = call(Function::Exp, sum(0, product.exponents));
    if (exponential->is(Function::Exp) || isExhausted()) {
      factors.push_back({1, exponential});
    } else if (!exponential->isConstant(1)) {
      // What has become something else is opened in its turn.
      factors.push_back({1, exponential});
      return this->product(product.factor, std::move(factors));
    }
  }
  std::erase_if(factors, [](const Term &term) { return term.factor == 0; });
  if (applyProductRules(product))
    return this->product(product.factor, factors);
  if (std::isnan(product.factor))
    return undefined();
  if (factors.empty() || product.factor == 0)
    return constant(product.factor);
  std::sort(factors.begin(), factors.end(), [](const Term &a, const Term &b) { return a.node->id < b.node->id; });
  Expr result = factors[0].node;
  if (factors.size() > 1 || factors[0].factor != 1) {
    Node node;
    node.kind = Kind::Product;
    node.terms = std::move(factors);
    result = intern(std::move(node));
  }
  return product.factor == 1 ? result : scale(product.factor, result);
}

Expr Algebra::power(Expr base, Expr exponent) {
  if (exponent->isConstant())
    return power(base, exponent->number);
  // a^u = exp(u log a) for a > 0 that does not depend on the variable.
  if (!dependsOn(base, getVariable()) && isPositive(base))
    return call(Function::Exp, multiply(exponent, call(Function::Log, base)));
  return call(Function::Pow, base, exponent);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Expr Algebra::makeCall(Function function, std::vector<Expr> arguments) {
  Node node;
  node.kind = Kind::Function;
  node.function = function;
  for (Expr argument : arguments)
    node.terms.push_back({1, argument});
  return intern(std::move(node));
}

Expr Algebra::call(Function function, Expr argument) {
  Recursion recursion(*this);
  if (Expr simple = isExhausted() ? nullptr : simplifyCall(function, argument))
    return simple;
  return makeCall(function, {argument});
}

Expr Algebra::call(Function function, Expr a, Expr b) {
  if (function == Function::Pow) {
    if (b->isConstant())
      return power(a, b->number);
    // 1^v = 1, and 0^v = 0 for v > 0.
    if (a->isConstant(1) || (a->isConstant(0) && isPositive(b)))
      return a;
    return makeCall(function, {a, b});
  }
  if (a == b)
    return a;
  if (a->isConstant() && b->isConstant())
    return constant(getRow(function).valueOfTwo(a->number, b->number));
  return makeCall(function, {a, b});
}

Expr Algebra::call(Function function, std::span<const Expr> arguments) {
  if (auto written = getRow(function).written)
    return written(*this, arguments);
  return arguments.size() == 1 ? call(function, arguments[0]) : call(function, arguments[0], arguments[1]);
}

static bool holds(Relation relation, double a, double b) {
  switch (relation) {
  case Relation::Less:
    return a < b;
  case Relation::LessEqual:
    return a <= b;
  case Relation::Greater:
    return a > b;
  case Relation::GreaterEqual:
    return a >= b;
  case Relation::Equal:
    return a == b;
  case Relation::NotEqual:
    return a != b;
  }
  return false;
}

Expr Algebra::compare(Relation relation, Expr a, Expr b) {
  if (a->isConstant() && b->isConstant())
    return constant(holds(relation, a->number, b->number) ? 1 : 0);
  Node node;
  node.kind = Kind::Compare;
  node.relation = relation;
  node.terms = {{1, a}, {1, b}};
  return intern(std::move(node));
}

Expr Algebra::select(Expr condition, Expr yes, Expr no) {
  if (condition->isConstant())
    return condition->number != 0 ? yes : no;
  if (yes == no)
    return yes;
  Node node;
  node.kind = Kind::Select;
  node.terms = {{1, condition}, {1, yes}, {1, no}};
  return intern(std::move(node));
}

Expr Algebra::rebuild(Expr node, std::span<const Expr> arguments) {
  std::vector<Term> terms;
  for (size_t i = 0; i < arguments.size(); ++i)
    terms.push_back({node->terms[i].factor, arguments[i]});
  switch (node->kind) {
  case Kind::Constant:
  case Kind::Symbol:
    return node;
  case Kind::Sum:
    return sum(node->number, std::move(terms));
  case Kind::Product:
    return product(1, std::move(terms));
  case Kind::Function:
    return terms.size() == 1 ? call(node->function, arguments[0]) : call(node->function, arguments[0], arguments[1]);
  case Kind::Compare:
    return compare(node->relation, arguments[0], arguments[1]);
  case Kind::Select:
    return select(arguments[0], arguments[1], arguments[2]);
  }
  return node;
}

Expr Algebra::substitute(Expr e, Expr what, Expr by) {
  std::map<Expr, Expr> done{{what, by}};
  auto visit = [&](auto &self, Expr node) -> Expr {
    auto [it, isNew] = done.try_emplace(node, node);
    if (!isNew)
      return it->second;
    std::vector<Expr> arguments;
    bool changed = false;
    for (const Term &term : node->terms) {
      arguments.push_back(self(self, term.node));
      changed |= arguments.back() != term.node;
    }
    return done[node] = changed ? rebuild(node, arguments) : node;
  };
  return visit(visit, e);
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

bool Algebra::dependsOn(Expr e, Expr symbol) const {
  if (symbol->symbol >= dependences.size())
    dependences.resize(symbol->symbol + 1);
  std::vector<Dependence> &known = dependences[symbol->symbol];
  if (known.size() <= nodes.size()) // numbers of expressions begin at 1
    known.resize(nodes.size() + 1, Dependence::Unknown);
  auto visit = [&](auto &self, Expr node) -> bool {
    Dependence &answer = known[node->id];
    if (answer == Dependence::Unknown) {
      auto depends = [&](const Term &term) { return self(self, term.node); };
      bool found = node == symbol || std::any_of(node->terms.begin(), node->terms.end(), depends);
      answer = found ? Dependence::Yes : Dependence::No;
    }
    return answer == Dependence::Yes;
  };
  return visit(visit, e);
}

unsigned Algebra::countOccurrences(Expr e, Expr symbol, unsigned limit) const {
  std::map<Expr, unsigned> counts;
  auto visit = [&](auto &self, Expr node) -> unsigned {
    if (node == symbol)
      return 1;
    auto [it, isNew] = counts.try_emplace(node, 0);
    if (!isNew)
      return it->second;
    unsigned count = 0;
    for (const Term &term : node->terms)
      count = std::min(limit, count + self(self, term.node));
    return counts[node] = count;
  };
  return std::min(limit, visit(visit, e));
}

double Algebra::evaluate(Expr e, std::span<const double> values) const {
  std::map<Expr, double> done;
  auto visit = [&](auto &self, Expr node) -> double {
    if (!spend(1))
      return std::numeric_limits<double>::quiet_NaN();
    if (node->kind == Kind::Symbol)
      return values[node->symbol];
    auto it = done.find(node);
    if (it != done.end())
      return it->second;
    auto argument = [&](size_t i) { return self(self, node->argument(i)); };
    double result = node->number;
    switch (node->kind) {
    case Kind::Constant:
    case Kind::Symbol:
      break;
    case Kind::Sum:
      for (size_t i = 0; i < node->terms.size(); ++i)
        result += node->terms[i].factor * argument(i);
      break;
    case Kind::Product:
      result = 1;
      for (size_t i = 0; i < node->terms.size(); ++i)
        result *= std::pow(argument(i), node->terms[i].factor);
      break;
    case Kind::Function:
      result = node->terms.size() == 1 ? getRow(node->function).value(argument(0))
                                       : getRow(node->function).valueOfTwo(argument(0), argument(1));
      break;
    case Kind::Compare:
      result = holds(node->relation, argument(0), argument(1));
      break;
    case Kind::Select:
      result = argument(0) != 0 ? argument(1) : argument(2);
      break;
    }
    return done[node] = result;
  };
  return visit(visit, e);
}

} // namespace flowc::symbolic
