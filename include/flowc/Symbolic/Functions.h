//===- Functions.h - The table of mathematical functions --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One row per function of the language and of the algebra: what it is called, what
// it takes, which op computes it, and what is known of it. The front end, the
// algebra, the bridge to SSA, the printers and the judge of tests look things up
// here; docs/AddingAFunction.md shows what a new one needs.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SYMBOLIC_FUNCTIONS_H
#define FLOWC_SYMBOLIC_FUNCTIONS_H

#include "flowc/Support/Interval.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace flowc::symbolic {

using intervals::Interval;

struct Node;
/// Equal expressions are the same object.
using Expr = const Node *;
class Algebra;

/// Every function, operators aside. Expressions hold those with arguments of which
/// the algebra knows something; the others they write out: log1p(u) is log(1 + u)
/// and becomes log1p again where code is emitted, sqrt(u) is u^0.5.
enum class Function : uint8_t {
  Abs,
  Asinh,
  Atan,
  Atanh,
  BernoulliLogitLog,
  BetaLog,
  BinomialLogitLog,
  CauchyLog,
  Cos,
  Cosh,
  Cumsum,
  Detach,
  Digamma,
  Dot,
  Erf,
  Erfc,
  Exp,
  Expm1,
  ExponentialLog,
  GammaLog,
  GumbelLog,
  LaplaceLog,
  Lgamma,
  Log,
  Log1mExp,
  Log1p,
  LogNormalLog,
  LogisticLog,
  LogSumExp,
  Max,
  Mean,
  Min,
  NormalHazard,
  NormalLog,
  NormalLogCdf,
  PoissonLog,
  Pow,
  Sigmoid,
  Sign,
  Sin,
  Sinh,
  Softplus,
  Sqrt,
  StudentTLog,
  Sum,
  Tan,
  Tanh,
  Where,
};

/// Where a function may be written.
enum class Scope : uint8_t {
  Algebra,  ///< nowhere: derivatives and inverses lead to it
  Formulas, ///< in every formula, of numbers
  Densities ///< in formulas of densities, since they are of vectors or not of one variable
};

enum class Parity : uint8_t { None, Even, Odd };

/// A real function of one number in every precision, made from one generic lambda.
class RealFunction {
public:
  constexpr RealFunction() = default;
  template <typename Formula>
  constexpr RealFunction(Formula formula) : ofFloat(formula), ofDouble(formula), ofLongDouble(formula) {}

  float operator()(float x) const { return ofFloat(x); }
  double operator()(double x) const { return ofDouble(x); }
  long double operator()(long double x) const { return ofLongDouble(x); }
  constexpr auto getPointer() const { return ofDouble; }
  explicit operator bool() const { return ofDouble != nullptr; }

private:
  float (*ofFloat)(float) = nullptr;
  double (*ofDouble)(double) = nullptr;
  long double (*ofLongDouble)(long double) = nullptr;
};

/// The same of several numbers.
class RealFunctionOfMany {
public:
  constexpr RealFunctionOfMany() = default;
  template <typename Formula>
  constexpr RealFunctionOfMany(Formula formula) : ofFloats(formula), ofDoubles(formula), ofLongDoubles(formula) {}

  float operator()(std::span<const float> u) const { return ofFloats(u); }
  double operator()(std::span<const double> u) const { return ofDoubles(u); }
  long double operator()(std::span<const long double> u) const { return ofLongDoubles(u); }

private:
  float (*ofFloats)(std::span<const float>) = nullptr;
  double (*ofDoubles)(std::span<const double>) = nullptr;
  long double (*ofLongDoubles)(std::span<const long double>) = nullptr;
};

/// An argument with a name, and what it is if it is left out.
struct FunctionArgument {
  std::string_view name;
  std::optional<double> otherwise = std::nullopt;
};

/// What is known of a function. Columns that say nothing keep their defaults.
struct FunctionRow {
  Function function;
  /// In the language, if `scope` lets it be written there, and in print.
  std::string_view name;
  Scope scope = Scope::Formulas;
  /// The numbers of arguments that it takes element by element, and as whole vectors;
  /// 0 if it does not. (`max(a, b)` is the larger number, `max(v)` the largest element.)
  unsigned arity = 1, vectorArity = 0;
  /// Of log-densities, the arguments: y, then those of the distribution's constructor. The
  /// last ones may be left out.
  std::span<const FunctionArgument> arguments = {};
  /// The value for all of them, for the judge.
  RealFunctionOfMany density = {};
  /// The op that computes it, of the arguments and with the type of the last one.
  /// Empty if several are needed, as of all log-densities.
  std::string_view op = {};

  // Of functions of one argument:
  /// The value and, for the judge, the slope, as libm and calculus give them.
  RealFunction value = {}, slope = {};
  Parity parity = Parity::None;
  /// Where it is defined.
  Interval domain = Interval::all();
  /// Its values, if it rises everywhere, or if it is even, from 0 on.
  std::optional<Interval> rising = std::nullopt;
  /// Its values for an argument in an interval of the domain, of any other function.
  Interval (*rangeOf)(const Interval &) = nullptr;
  /// f'(u); null if it is not known.
  Expr (*derivative)(Algebra &, Expr) = nullptr;
  /// What undoes it for all its values, or is undefined for other numbers.
  std::optional<Function> inverse = std::nullopt;

  // Of functions of two arguments; the domain is that of the first.
  double (*valueOfTwo)(double, double) = nullptr;
  Interval (*rangeOfTwo)(const Interval &, const Interval &) = nullptr;

  /// The function as the algebra writes it, if that is no call of it.
  Expr (*written)(Algebra &, std::span<const Expr>) = nullptr;

  /// The least number of arguments element by element.
  size_t getLeastArity() const;
  /// Whether it takes so many arguments.
  bool takes(size_t count) const {
    return count != 0 && ((count >= getLeastArity() && count <= arity) || count == vectorArity);
  }
  /// Whether a call with so many arguments is one of whole vectors.
  bool isOfVectors(size_t count) const { return count == vectorArity && count != arity; }
  /// Whether it is the log-density of a distribution, which only densities may call.
  bool isLogDensity() const { return !arguments.empty(); }
};

/// All rows, by name.
std::span<const FunctionRow> getFunctions();
const FunctionRow &getRow(Function function);
/// The row of a function that formulas may call; null if there is none.
const FunctionRow *findFunction(std::string_view name);
/// The row of the function that an op computes; null if it computes none.
const FunctionRow *findFunctionOfOp(std::string_view op);

/// The function's name in print.
inline std::string_view getName(Function function) { return getRow(function).name; }

} // namespace flowc::symbolic

#endif // FLOWC_SYMBOLIC_FUNCTIONS_H
