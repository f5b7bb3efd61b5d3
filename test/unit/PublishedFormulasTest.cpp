//===- PublishedFormulasTest.cpp - Formulas that people write -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// data/formulas.txt says which formulas are bijections. What is derived from those is
// compared with the text in `long double`: the direction, the logarithm of the slope,
// the inverse.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "flowc/Frontend/Emit.h"
#include "flowc/Frontend/FormulaDerivation.h"
#include "flowc/Frontend/Frontend.h"
#include "flowc/Frontend/Parser.h"
#include "flowc/Reference/Reference.h"

#include <cmath>
#include <fstream>

using namespace flowc;
using namespace flowc::test;

namespace {

using Real = long double;

struct Published {
  char mark;
  std::string text;
};

void PrintTo(const Published &formula, std::ostream *os) { *os << formula.text; }

class PublishedFormulas : public testing::TestWithParam<Published> {};

/// A formula that was accepted, and the reference for its text.
class Comparison {
public:
  Comparison(const ast::Item &item, const DerivedFormula &derived, const Model &model)
      : item(item), derived(derived), exact(model), rough(model) {}

  /// With all parameters moved by a part of the way to the ends of their domains.
  void compareAt(double shift);

private:
  void setParameters(double shift);
  double evaluate(symbolic::Expr e, Real x, Real y) const;
  void comparePoint(Real x, Real y, Real logSlope) const;

  const ast::Item &item;
  const DerivedFormula &derived;
  /// What these two do not agree on cancels, in the formula as it is written.
  reference::Interpreter<Real> exact;
  reference::Interpreter<double> rough;
  /// Those of the parameters.
  std::vector<double> values;
};

} // namespace

void Comparison::setParameters(double shift) {
  using Domain = ast::FormulaParameter::Domain;
  std::vector<Real> raw;
  values.clear();
  for (const ast::FormulaParameter &parameter : item.parameters) {
    Real value = parameter.start;
    switch (parameter.domain) {
    case Domain::Real:
      value += shift;
      raw.push_back(value);
      break;
    case Domain::Positive:
      value *= std::exp(Real(shift));
      raw.push_back(std::log(std::expm1(value)));
      break;
    case Domain::Interval:
      value += Real(shift) / 2 * (shift > 0 ? parameter.high - value : value - parameter.low);
      raw.push_back(std::log((value - parameter.low) / (parameter.high - value)));
      break;
    }
    values.push_back(static_cast<double>(value));
  }
  exact.setTrainable(raw);
  rough.setTrainable(std::vector<double>(raw.begin(), raw.end()));
}

double Comparison::evaluate(symbolic::Expr e, Real x, Real y) const {
  std::vector<double> at(derived.algebra.getNumSymbols(), 0);
  std::copy(values.begin(), values.end(), at.begin() + 1);
  at[derived.result.variable->symbol] = static_cast<double>(x);
  at[derived.result.image->symbol] = static_cast<double>(y);
  return derived.algebra.evaluate(e, at);
}

void Comparison::comparePoint(Real x, Real y, Real logSlope) const {
  const symbolic::Derivation &result = derived.result;
  // Rules are exact; the algebra's own arithmetic may lose what kernels compute otherwise.
  constexpr double kTolerance = 1e-6;
  EXPECT_NEAR(static_cast<double>(y), evaluate(result.function, x, y),
              kTolerance * (1 + std::abs(static_cast<double>(y))));
  if (!std::isfinite(logSlope) || logSlope < -20)
    return;
  EXPECT_NEAR(static_cast<double>(logSlope), evaluate(result.logDerivative, x, y), kTolerance * 10);
  if (result.inverse) {
    double slope = std::exp(static_cast<double>(logSlope));
    double reach =
        kTolerance * (1 + std::abs(static_cast<double>(x))) + 1e-14 * std::abs(static_cast<double>(y)) / slope;
    EXPECT_NEAR(static_cast<double>(x), evaluate(result.inverse, x, y), reach + 1e-14 / slope);
  }
}

void Comparison::compareAt(double shift) {
  setParameters(shift);
  const symbolic::Interval &domain = derived.result.domain;
  Real before = 0;
  int direction = 0;
  constexpr int kSteps = 160;
  for (int i = -kSteps; i <= kSteps; ++i) {
    // Dense around 0, up to 13 on either side.
    Real x = std::sinh(Real(i) / 35) / 4 + 1e-4L;
    if (domain.isBounded())
      x = domain.low + (domain.high - domain.low) * (i + kSteps + Real(0.5)) / (2 * kSteps + 1);
    if (!domain.contains(static_cast<double>(x)))
      continue;
    SCOPED_TRACE(testing::Message() << "x = " << static_cast<double>(x) << ", parameters "
                                    << testing::PrintToString(values));
    auto [value, logSlope] = exact.transform(Column<Real>::Constant(1, x));
    Real y = value[0];
    auto [again, slopeAgain] = rough.transform(Column<double>::Constant(1, static_cast<double>(x)));
    constexpr double kReliable = 1e-6;
    if (!std::isfinite(y) || !(std::abs(again[0] - y) <= kReliable * (1 + std::abs(y))) ||
        !(std::abs(slopeAgain - logSlope) <= kReliable * (1 + std::abs(logSlope))))
      continue;
    if (direction != 0 || before != 0) {
      // Far out the value may stand still for rounding.
      int step = y > before ? 1 : y < before ? -1 : direction;
      EXPECT_TRUE(direction == 0 || step == direction) << "it turns";
      direction = step;
    }
    before = y;
    comparePoint(x, y, logSlope);
  }
  EXPECT_NE(direction, 0);
}

TEST_P(PublishedFormulas, AreBijectionsIfTheyAre) {
  const Published &formula = GetParam();
  std::string text = "bijection f" + formula.text;
  SourceText source(text, "test.flow");
  Expected<ast::File> file = parseSource(source);
  ASSERT_TRUE(file) << file.error().message;
  DerivedFormula derived(file->items.front());
  const std::string &error = derived.result.error;
  if (formula.mark == '+') {
    ASSERT_EQ(error, "");
    Model model = makeModel(text, F64);
    Comparison comparison(file->items.front(), derived, model);
    for (double shift : {0.0, 0.7, -0.8})
      comparison.compareAt(shift);
    return;
  }
  ASSERT_NE(error, "");
  // That the slope changes its sign is said of no bijection.
  if (formula.mark == '?') {
    EXPECT_EQ(error.find("changes its sign"), std::string::npos) << error;
  }
}

/// What is proven of the text holds for its IR, whose constants are rounded to the type.
TEST_P(PublishedFormulas, AreBijectionsInEveryType) {
  if (GetParam().mark != '+')
    return;
  auto item = parseFlow("bijection f" + GetParam().text, "test.flow");
  ASSERT_TRUE(item) << item.error().message;
  mlir::MLIRContext context;
  for (DType dtype : {F32, F64}) {
    std::string error;
    EXPECT_TRUE(bool(emitFlowGraph(context, *item->root, dtype, "test.flow", error))) << error;
  }
}

static std::vector<Published> readFormulas() {
  std::ifstream file(FLOWC_TEST_DATA "/formulas.txt");
  std::vector<Published> formulas;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#')
      formulas.push_back({line[0], line.substr(2)});
  return formulas;
}

INSTANTIATE_TEST_SUITE_P(File, PublishedFormulas, testing::ValuesIn(readFormulas()));
