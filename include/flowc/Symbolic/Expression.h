//===- Expression.h - Formulas of one variable as mathematics ---*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Expressions in a normal form, which naive and careful ways of writing the same
// function share: sums of multiples, products of powers, functions. Making an
// expression simplifies it by rules that hold for real numbers; each is written
// beside its code and, if it does more than collect terms, recorded by name.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SYMBOLIC_EXPRESSION_H
#define FLOWC_SYMBOLIC_EXPRESSION_H

#include "flowc/Symbolic/Functions.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flowc::symbolic {

enum class Kind : uint8_t {
  Constant, ///< `number`; NaN is "undefined"
  Symbol,
  Sum,      ///< number + sum of factor * node
  Product,  ///< product of node ^ factor
  Function, ///< of its one or two arguments
  Compare,  ///< of two arguments
  Select,   ///< condition, value if it holds, other value
};

enum class Relation : uint8_t { Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual };

/// A summand (factor * node), a factor (node ^ factor), or an argument (factor 1).
struct Term {
  double factor;
  Expr node;
};

struct Node {
  Kind kind = Kind::Constant;
  Function function = Function::Exp;
  Relation relation = Relation::Less;
  double number = 0;
  std::vector<Term> terms;
  /// Number of the expression in the order of creation; of a symbol also its
  /// index among symbols (`symbol`).
  unsigned id = 0, symbol = 0;
  /// Operations when it is written out, up to a limit: parts that occur twice count
  /// twice.
  unsigned size = 1;
  /// Operations in a row from here to a constant or a symbol.
  unsigned depth = 1;

  bool isConstant() const { return kind == Kind::Constant; }
  bool isConstant(double value) const { return isConstant() && number == value; }
  bool is(Function f) const { return kind == Kind::Function && function == f; }
  Expr argument(size_t i = 0) const { return terms[i].node; }
};

/// A rule that was applied, and to what.
struct Rewriting {
  std::string rule, from, to;
};

/// Makes and owns expressions.
///
/// Rules lead to rules, and nothing proves that they end soon for every formula, so
/// the effort is bounded: when it is spent (`isExhausted`), no rule is applied any more,
/// nothing is known of values, and nothing is printed. What is made is right even then,
/// but what was not found may exist: a derivation fails.
class Algebra {
public:
  Algebra() = default;
  Algebra(const Algebra &) = delete;
  Algebra &operator=(const Algebra &) = delete;

  //===--------------------------------------------------------------------===//
  // Making expressions
  //===--------------------------------------------------------------------===//

  Expr constant(double value);
  /// A value that does not exist: what lies outside of a range.
  Expr undefined() { return constant(std::numeric_limits<double>::quiet_NaN()); }
  /// A new symbol with values in `domain`; `start` is a typical one.
  Expr symbol(std::string name, Interval domain = Interval::all(), double start = 0);

  /// A new symbol whose name starts like `name` and is not taken.
  Expr newSymbol(std::string name);

  Expr add(Expr a, Expr b) { return sum(0, {{1, a}, {1, b}}); }
  Expr subtract(Expr a, Expr b) { return sum(0, {{1, a}, {-1, b}}); }
  Expr negate(Expr a) { return scale(-1, a); }
  Expr scale(double factor, Expr a) { return sum(0, {{factor, a}}); }
  Expr multiply(Expr a, Expr b) { return product(1, {{1, a}, {1, b}}); }
  Expr divide(Expr a, Expr b) { return product(1, {{1, a}, {-1, b}}); }
  Expr power(Expr base, double exponent) { return product(1, {{exponent, base}}); }
  /// base ^ exponent of any expressions.
  Expr power(Expr base, Expr exponent);
  Expr sum(double constant, std::vector<Term> terms);
  Expr product(double factor, std::vector<Term> factors);
  Expr call(Function function, Expr argument);
  Expr call(Function function, Expr a, Expr b);
  /// Of as many arguments as the function takes.
  Expr call(Function function, std::span<const Expr> arguments);
  Expr compare(Relation relation, Expr a, Expr b);
  Expr select(Expr condition, Expr yes, Expr no);
  /// The node with other arguments, simplified again.
  Expr rebuild(Expr node, std::span<const Expr> arguments);

  //===--------------------------------------------------------------------===//
  // Calculus
  //===--------------------------------------------------------------------===//

  /// The derivative; null if a function has none that is known.
  Expr derivative(Expr e, Expr symbol);
  /// log|e|, products and powers taken apart.
  Expr logAbs(Expr e);
  /// A sum as a product of what its terms share and the rest.
  Expr factorize(Expr sum);
  /// u + p u = u (1 + p) for a sum u, whose terms stand beside the product: the slopes of
  /// v + exp(v), and of what is made of it, stay products.
  Expr shareSums(Expr sum);
  /// Differences of two softplus, which cancel far out, as one: where they stand alone.
  Expr mergeSoftplus(Expr e);
  Expr substitute(Expr e, Expr what, Expr by);

  //===--------------------------------------------------------------------===//
  // Questions
  //===--------------------------------------------------------------------===//

  bool dependsOn(Expr e, Expr symbol) const;
  /// How often `symbol` is written in `e`, at most `limit`.
  unsigned countOccurrences(Expr e, Expr symbol, unsigned limit = 2) const;
  /// All values of `e` for all values of its symbols in their domains.
  Interval range(Expr e);
  /// The same with the domain of `symbol` replaced.
  Interval range(Expr e, Expr symbol, const Interval &domain);
  /// The same with the domains of all symbols, by their numbers, replaced.
  Interval range(Expr e, std::span<const Interval> domains);
  bool isPositive(Expr e) { return range(e).isPositive(); }
  bool isNonZero(Expr e) { return !range(e).containsZero(); }
  /// The value; `values` are those of the symbols, by their numbers.
  double evaluate(Expr e, std::span<const double> values) const;
  /// As the language writes it; "..." if that would be very long.
  std::string print(Expr e) const;

  size_t getNumSymbols() const { return symbols.size(); }
  /// The first symbol, on which the others do not depend.
  Expr getVariable() const { return symbols.front().node; }
  Expr getSymbol(size_t i) const { return symbols[i].node; }
  const std::string &getName(Expr symbol) const { return symbols[symbol->symbol].name; }
  const Interval &getDomain(Expr symbol) const { return symbols[symbol->symbol].domain; }
  void setDomain(Expr symbol, const Interval &domain);
  double getStart(Expr symbol) const { return symbols[symbol->symbol].start; }

  //===--------------------------------------------------------------------===//
  // Effort
  //===--------------------------------------------------------------------===//

  /// Parts of expressions that may be looked at or made: some seconds of work.
  static constexpr uint64_t kMaxEffort = 10000000;
  /// Operations in a row, and rules that wait for each other: both are recursion.
  static constexpr unsigned kMaxDepth = 1000, kMaxRecursion = 300;

  /// Takes `steps` of the effort; false if it is spent.
  bool spend(uint64_t steps) const;
  bool isExhausted() const { return !limit.empty(); }
  /// The limit that was met, as in "it takes more than 3 steps"; empty if none was.
  const std::string &getLimit() const { return limit; }

  /// Rules that were applied since the last call.
  std::vector<Rewriting> takeRewritings() { return std::exchange(rewritings, {}); }

private:
  struct Symbol {
    std::string name;
    Interval domain;
    double start;
    Expr node;
  };
  /// Takes part in recursion as long as it lives.
  class Recursion {
  public:
    explicit Recursion(const Algebra &algebra) : algebra(algebra) {
      if (++algebra.recursion > kMaxRecursion)
        algebra.exhaust("its simplification is more than " + std::to_string(kMaxRecursion) + " rules deep");
    }
    ~Recursion() { --algebra.recursion; }
    Recursion(const Recursion &) = delete;
    Recursion &operator=(const Recursion &) = delete;

  private:
    const Algebra &algebra;
  };

  void exhaust(std::string reason) const;

  Expr intern(Node node);
  /// The function itself, without looking at what it is applied to.
  Expr makeCall(Function function, std::vector<Expr> arguments);
  /// `to`, with a note that `rule` made it of `from`.
  Expr note(const char *rule, const std::string &from, Expr to);
  std::string printCall(Function function, Expr argument) const;

  // Rules.cpp: what a rule finds it replaces; the answer is whether it did.
  struct Sum {
    double constant;
    std::vector<Term> terms;
    void replace(size_t i, double newConstant, Term term);
  };
  bool applySumRules(Sum &sum);
  bool applyConstantRule(Sum &sum, size_t i);
  bool applyArcRule(Sum &sum, size_t i);
  bool applyPairRule(Sum &sum, size_t i, size_t j);
  bool applyDistanceRule(Sum &sum, size_t i, size_t j);
  bool applySoftplusRule(Sum &sum, size_t i);
  // SumRules.cpp, rules for sums of products of one function.
  bool applyRootRule(Sum &sum, size_t i);
  bool applyDifferenceRule(Sum &sum, size_t i, size_t j);
  Expr mergeDifference(Expr a, Expr b);
  bool applyShareRule(Sum &sum);
  bool applyMixtureRule(Sum &sum);
  bool applyComplementRule(Sum &sum);
  std::string printSum(const Sum &sum);

  /// A product while it is made: factor * exp(sum of exponents) * product of factors.
  struct Product {
    double factor;
    std::vector<Term> factors, exponents;
  };
  bool openPower(Product &product, Term power, std::vector<Term> &given);
  void collectPower(Product &product, Term power);
  // ProductRules.cpp: rules for one of the factors, and others beside it.
  bool applyProductRules(Product &product);
  bool applySigmoidRule(Product &product, Term &term);
  bool applyExpRule(Product &product, Term &term);
  bool applyExpMinus1Rule(Product &product, Term &term);
  bool applyPowRule(Product &product, Term &term);
  bool applySinhRule(Product &product, Term &term);
  bool applyCoshRule(Product &product, Term &term);
  bool applyPowerOfSignRule(Product &product, Term &term);
  bool applySignRule(Product &product, Term &term);

  Expr simplifyExp(Expr u);
  Expr simplifyLog(Expr u);
  Expr simplifyLogOfSum(Expr sum);
  Expr simplifyLogOfProduct(Expr product);
  Expr simplifyCall(Function function, Expr u);
  bool hasLeadingMinus(Expr u) const;

  /// By the hash of what they are made of.
  std::unordered_multimap<uint64_t, std::unique_ptr<Node>> nodes;
  std::vector<Symbol> symbols;
  std::vector<Rewriting> rewritings;
  std::map<Expr, Interval> ranges;
  /// Whether an expression depends on a symbol, by the numbers of both.
  enum class Dependence : uint8_t { Unknown, No, Yes };
  mutable std::vector<std::vector<Dependence>> dependences;
  mutable uint64_t effort = 0;
  mutable unsigned recursion = 0;
  mutable std::string limit;
};

const char *getName(Relation relation);

/// A number as the language reads it, as short as it can be with at least
/// `digits` digits.
std::string printNumber(double value, int digits = 15);

} // namespace flowc::symbolic

#endif // FLOWC_SYMBOLIC_EXPRESSION_H
