//===- RandomFormulasTest.cpp - Derivations of random formulas ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Formulas from a grammar over every function that the language knows. Each derivation
// has to end within the algebra's effort, by an inverse or a reason. What is accepted
// is compared with the formula as it was written, in `long double`: values, slope,
// inverse, that it rises or falls throughout, and that it is defined nowhere else.
//
// FLOWC_FIRST_SEED=N shifts the seeds: any range can be searched. Where the formula itself,
// in double as it was written, has lost its digits, such as log1mexp(erfc(x + 3)), nothing
// is compared.
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/FormulaDerivation.h"
#include "flowc/Frontend/Parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <random>

using namespace flowc;
using symbolic::FunctionRow;
using symbolic::Interval;

namespace {

using Real = long double;
using Values = std::vector<Real>;

/// Whether formulas are computed in double instead.
bool roundsToDouble = false;

/// A formula as text, and what it is worth for x and the parameters.
struct Drawn {
  std::string text;
  std::function<Real(const Values &)> value;

  /// Whether it does not move with x and the parameters, as x/x does not.
  bool isNumber(Values at) const {
    Real before = value(at);
    for (Real &number : at)
      number = 1.37L * number + 0.11L;
    return before == value(at);
  }
};

/// Draws formulas of x and the parameters a (positive), b (real), n (positive).
class Grammar {
public:
  explicit Grammar(uint64_t seed) : random(seed) {}

  Drawn draw() { return draw(2 + static_cast<int>(random() % 4)); }

  static constexpr const char *kHead = "bijection f(x; a = positive(1.5), b = -0.5, n = positive(2)) = ";

private:
  Drawn draw(int depth);
  Drawn drawUnrounded(int depth);
  Drawn drawLeaf();
  Drawn drawCall(int depth);
  Drawn drawBinary(int depth);
  Drawn drawWhere(int depth);
  Drawn drawLet(int depth);

  size_t below(size_t count) { return random() % count; }

  std::mt19937_64 random;
  /// Names that `let` gave, with their values.
  std::vector<Drawn> named;
};

} // namespace

Drawn Grammar::drawLeaf() {
  static const std::pair<const char *, Real> numbers[] = {{"1", 1}, {"2", 2}, {"3", 3}, {"0.5", 0.5}, {"0.1", 0.1L}};
  if (!named.empty() && below(4) == 0)
    return named[below(named.size())];
  static const char *names[] = {"x", "a", "b", "n"};
  size_t choice = below(10);
  size_t name = choice < 6 ? 0 : choice - 6;
  if (choice < 9)
    return {names[name], [name](const Values &v) { return v[name]; }};
  auto [text, number] = numbers[below(std::size(numbers))];
  return {text, [number = number](const Values &) { return number; }};
}

Drawn Grammar::drawCall(int depth) {
  static const std::vector<const FunctionRow *> functions = [] {
    std::vector<const FunctionRow *> found;
    for (const FunctionRow &row : symbolic::getFunctions())
      if (row.scope == symbolic::Scope::Formulas && row.arity == 1)
        found.push_back(&row);
    return found;
  }();
  const FunctionRow *row = functions[below(functions.size())];
  Drawn u = draw(depth - 1);
  return {std::string(row->name) + "(" + u.text + ")", [row, u](const Values &v) { return row->value(u.value(v)); }};
}

/// `value`, if it was made of numbers: what is undefined has no least number.
static Real orNan(Real a, Real b, Real value) { return std::isnan(a) || std::isnan(b) ? NAN : value; }

Drawn Grammar::drawBinary(int depth) {
  Drawn u = draw(depth - 1), v = draw(depth - 1);
  auto make = [&](const std::string &text, auto combine) {
    return Drawn{text, [=](const Values &values) { return combine(u.value(values), v.value(values)); }};
  };
  std::string left = "(" + u.text + ")", right = "(" + v.text + ")";
  switch (below(9)) {
  case 0:
  case 1:
    return make(left + " + " + right, std::plus<Real>());
  case 2:
    return make(left + " - " + right, std::minus<Real>());
  case 3:
  case 4:
    return make(left + "*" + right, std::multiplies<Real>());
  case 5:
    return make(left + "/" + right, std::divides<Real>());
  case 6:
    // Only exponents that are numbers have negative bases.
    return {left + "^" + right, [=](const Values &values) {
              Real base = u.value(values);
              bool isDefined = !(base < 0) || v.isNumber(values);
              return isDefined ? std::pow(base, v.value(values)) : std::numeric_limits<Real>::quiet_NaN();
            }};
  case 7:
    return make("min(" + u.text + ", " + v.text + ")", [](Real a, Real b) { return orNan(a, b, std::min(a, b)); });
  default:
    return make("max(" + u.text + ", " + v.text + ")", [](Real a, Real b) { return orNan(a, b, std::max(a, b)); });
  }
}

Drawn Grammar::drawWhere(int depth) {
  Drawn a = draw(depth - 1), b = draw(depth - 1), yes = draw(depth - 1), no = draw(depth - 1);
  return {"where(" + a.text + " < " + b.text + ", " + yes.text + ", " + no.text + ")", [=](const Values &v) {
            Real left = a.value(v), right = b.value(v);
            return orNan(left, right, left < right ? yes.value(v) : no.value(v));
          }};
}

Drawn Grammar::drawLet(int depth) {
  Drawn value = draw(depth - 1);
  std::string name = "v" + std::to_string(named.size());
  named.push_back({name, value.value});
  Drawn body = draw(depth - 1);
  named.pop_back();
  return {"(let " + name + " = " + value.text + " in " + body.text + ")", body.value};
}

Drawn Grammar::draw(int depth) {
  Drawn drawn = drawUnrounded(depth);
  return {drawn.text, [value = drawn.value](const Values &v) {
            Real exact = value(v);
            return roundsToDouble ? static_cast<double>(exact) : exact;
          }};
}

Drawn Grammar::drawUnrounded(int depth) {
  if (depth <= 0)
    return drawLeaf();
  switch (below(12)) {
  case 0:
    return drawLeaf();
  case 1:
    return drawWhere(depth);
  case 2:
    return drawLet(depth);
  case 3:
  case 4:
  case 5:
  case 6:
    return drawCall(depth);
  default:
    return drawBinary(depth);
  }
}

//===----------------------------------------------------------------------===//
// The judge
//===----------------------------------------------------------------------===//

namespace {

/// What was derived from a formula that was accepted, against its text.
class Judge {
public:
  Judge(DerivedFormula &derived, const Drawn &formula) : derived(derived), formula(formula) {}

  void judge();

private:
  void judgeAt(Values parameters);
  void judgeDomain();
  double evaluate(symbolic::Expr e, Real x, Real y) const;
  Real valueAt(Real x) const;
  Real valueInDoubleAt(Real x) const;

  DerivedFormula &derived;
  const Drawn &formula;
  Values values;
};

} // namespace

Real Judge::valueAt(Real x) const {
  Values at = values;
  at[0] = x;
  return formula.value(at);
}

Real Judge::valueInDoubleAt(Real x) const {
  roundsToDouble = true;
  Real value = valueAt(x);
  roundsToDouble = false;
  return value;
}

double Judge::evaluate(symbolic::Expr e, Real x, Real y) const {
  std::vector<double> at(derived.algebra.getNumSymbols(), 0);
  for (size_t i = 0; i < values.size(); ++i)
    at[i] = static_cast<double>(values[i]);
  at[derived.result.variable->symbol] = static_cast<double>(x);
  at[derived.result.image->symbol] = static_cast<double>(y);
  return derived.algebra.evaluate(e, at);
}

void Judge::judgeAt(Values parameters) {
  values = std::move(parameters);
  judgeDomain();
  const symbolic::Derivation &result = derived.result;
  Real before = 0;
  int direction = 0;
  bool hasBefore = false;
  for (double x = -2.9; x < 3; x += 0.17) {
    if (!result.domain.contains(x))
      continue;
    Real y = valueAt(x);
    // Numbers too large say nothing about rounding.
    if (!(std::abs(y) < 1e6L) || (y != 0 && std::abs(y) < 1e-6L)) {
      hasBefore = false;
      continue;
    }
    // The algebra computes in double what was written in extended precision: a lost factor
    // or sign is far more than rounding, even after cancellation.
    Real tolerance = 1e-5L * (1 + std::abs(y));
    double again = evaluate(result.function, x, y);
    // Expressions that code is emitted for in another form, exp(u) - 1 say, cancel here.
    double logSlope = evaluate(result.logDerivative, x, y);
    bool isNoisy = !(std::abs(valueInDoubleAt(x) - y) <= tolerance / 10);
    for (Real nudge : {-1e-12L, 1e-13L, 3e-12L})
      isNoisy |= std::abs(again - evaluate(result.function, x + nudge, y)) > tolerance / 10 ||
                 std::abs(logSlope - evaluate(result.logDerivative, x + nudge, y)) > 1e-4;
    if (isNoisy)
      continue;
    EXPECT_NEAR(static_cast<double>(y), again, static_cast<double>(tolerance)) << "at x = " << x;
    if (hasBefore && std::abs(y - before) > tolerance) {
      int step = y > before ? 1 : -1;
      EXPECT_TRUE(direction == 0 || direction == step) << "turns at x = " << x;
      direction = step;
    }
    before = y;
    hasBefore = true;
    // The slope by differences, where it is that of both sides.
    constexpr Real kStep = 1e-5L;
    Real right = (valueAt(x + kStep) - y) / kStep, left = (y - valueAt(x - kStep)) / kStep;
    bool isClear =
        std::abs(right - left) < 1e-3L * std::abs(right) && std::abs(right) > 1e-4L && std::abs(right) < 1e4L;
    if (!isClear)
      continue;
    // Differences are good to 1e-3, above.
    EXPECT_NEAR(logSlope, static_cast<double>(std::log(std::abs((left + right) / 2))), 2e-3) << "at x = " << x;
    if (!result.inverse)
      continue;
    double back = evaluate(result.inverse, x, y);
    // What rounding of y alone displaces x by, with room for that of the inverse.
    EXPECT_NEAR(x, back, static_cast<double>(1e-6L * (1 + std::abs(x)) + 1e-11L * (1 + std::abs(y)) / std::abs(right)))
        << "at y = " << static_cast<double>(y);
  }
}

/// What is computed is undefined where the formula as it was written is.
void Judge::judgeDomain() {
  for (double x = -2.93; x < 3; x += 0.37) {
    if (!std::isnan(valueAt(x)))
      continue;
    EXPECT_TRUE(std::isnan(evaluate(derived.result.value, x, 0))) << "at x = " << x;
    if (!derived.result.inverse)
      continue;
    // No value has a preimage there.
    double y = evaluate(derived.result.function, x, 0), back = evaluate(derived.result.inverse, x, y);
    bool isDefined = !std::isnan(y) && !std::isnan(back) &&
                     (!derived.result.condition || evaluate(derived.result.condition, back, y) != 0);
    EXPECT_FALSE(isDefined && std::isnan(valueAt(back))) << "x = " << back << " of y = " << y;
  }
}

void Judge::judge() {
  for (Real a : {1.5L, 0.3L})
    for (Real b : {-0.5L, 1.2L})
      for (Real n : {2.0L, 0.7L})
        judgeAt({0, a, b, n});
}

namespace {

class RandomFormulas : public testing::TestWithParam<int> {};

} // namespace

static void derive(uint64_t seed) {
  Drawn formula = Grammar(seed).draw();
  SCOPED_TRACE("seed " + std::to_string(seed) + ": " + formula.text);
  SourceText source(Grammar::kHead + formula.text, "test.flow");
  Expected<ast::File> file = parseSource(source);
  ASSERT_TRUE(file) << file.error().message;
  DerivedFormula derived(file->items.front());
  if (derived.result.error.empty())
    Judge(derived, formula).judge();
}

TEST_P(RandomFormulas, EndAndAreRight) {
  const char *first = std::getenv("FLOWC_FIRST_SEED");
  constexpr uint64_t kPerPortion = 2000;
  uint64_t start = (first ? std::strtoull(first, nullptr, 10) : 0) + GetParam() * kPerPortion;
  for (uint64_t seed = start; seed < start + kPerPortion; ++seed)
    derive(seed);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomFormulas, testing::Range(0, 5));
