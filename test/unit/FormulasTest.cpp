//===- FormulasTest.cpp - Bijections given by a formula -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every formula is compiled and compared with the reference, which evaluates the
// text as it stands in `long double` and inverts it by bisection.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "flowc/Frontend/Warnings.h"
#include "flowc/Reference/Reference.h"

using namespace flowc;
using namespace flowc::test;

namespace {

using Exact = long double;

struct Case {
  const char *name;
  /// What stands behind `bijection f`.
  std::string text;
  /// "analytic" or "root".
  const char *inverse;
  /// Where it is tried.
  std::vector<double> points = {-2.5, -1.1, -0.3, 0.2, 0.9, 1.7, 3.1};
};

void PrintTo(const Case &formula, std::ostream *os) { *os << formula.text; }

/// Points of half a line and of an interval.
const std::vector<double> kPositive = {0.01, 0.3, 0.8, 1.3, 2.1, 3.7, 9.5};
const std::vector<double> kUnit = {0.02, 0.1, 0.3, 0.5, 0.6, 0.85, 0.97};

class Formulas : public testing::TestWithParam<Case> {
protected:
  std::string text(bool inverted) const {
    return "bijection f" + GetParam().text + (inverted ? "\nbijection g = invert(f())" : "");
  }
  template <typename T>
  Rows<T> points() const {
    const std::vector<double> &given = GetParam().points;
    Rows<T> rows(static_cast<int64_t>(given.size()), 1);
    for (size_t i = 0; i < given.size(); ++i)
      rows(static_cast<int64_t>(i), 0) = static_cast<T>(given[i]);
    return rows;
  }

  template <typename T>
  Rows<T> images() const;

  template <typename T>
  void checkValues(double tolerance);
  template <typename T>
  void checkGradients(bool inverted);
  template <typename T>
  void checkScores();
  template <typename T>
  void checkExtremes();
};

} // namespace

template <typename T>
void Formulas::checkValues(double tolerance) {
  Model model = makeModel(text(false), dtypeOf<T>);
  auto kernels = compileFresh(model);
  reference::Interpreter<Exact> exact(model);
  Rows<T> x = points<T>();
  auto [y, logDet] = take(kernels->transform<T>(model, x), text(false));
  auto [back, inverseLogDet] = take(kernels->inverse<T>(model, y), text(false));
  for (int64_t row = 0; row < x.rows(); ++row) {
    SCOPED_TRACE(testing::Message() << "x = " << x(row, 0));
    auto [value, expectedLogDet] = exact.transform(Column<Exact>::Constant(1, x(row, 0)));
    double expected = static_cast<double>(value[0]), slope = std::exp(static_cast<double>(expectedLogDet));
    EXPECT_NEAR(y(row, 0), expected, tolerance * (1 + std::abs(expected)));
    EXPECT_NEAR(logDet[row], static_cast<double>(expectedLogDet), tolerance * (1 + std::abs(logDet[row])));
    // The rounding of y is amplified by the inverse.
    double reach = tolerance * (1 + std::abs(x(row, 0)) + (1 + std::abs(expected)) / slope);
    EXPECT_NEAR(back(row, 0), x(row, 0), reach);
    if (reach < 1e-2) {
      auto again = exact.transform(Column<Exact>::Constant(1, back(row, 0)));
      EXPECT_NEAR(inverseLogDet[row], -static_cast<double>(again.logDet), 10 * tolerance * (1 + std::abs(logDet[row])));
    }
  }
}

TEST_P(Formulas, HaveTheExpectedInverse) {
  Flow flow = take(Flow::parse(text(false)));
  EXPECT_EQ(flow.root().attribute<std::string>("inverse"), GetParam().inverse);
}

TEST_P(Formulas, MatchTheReferenceInFloat64) { checkValues<double>(2e-13); }
TEST_P(Formulas, MatchTheReferenceInFloat32) { checkValues<float>(1e-5); }

/// Gradients of `value(row, event)`, summed over the rows, by the event (kernel
/// `ofInputs`) and by the parameters (`ofParameters`) against differences of the
/// reference. Differences lose a third of the digits of `long double`.
template <typename T, typename Value>
static void compareGradients(const Model &model, reference::Interpreter<Exact> &exact, const Rows<T> &x,
                             const std::vector<const void *> &inputs, Kernel ofInputs, Kernel ofParameters, double sign,
                             Value value) {
  constexpr Exact step = 1e-7L;
  constexpr double tolerance = sizeof(T) == 8 ? 1e-8 : 2e-5;
  auto kernels = compileFresh(model);
  int64_t rows = x.rows();
  Rows<T> gradX(rows, 1);
  auto ok = kernels->run(model, {.kernel = ofInputs, .inputs = inputs, .outputs = {gradX.data()}, .rows = rows});
  ASSERT_TRUE(ok) << ok.error().message;
  double largest = 0;
  for (int64_t row = 0; row < rows; ++row) {
    Exact at = x(row, 0), reach = at == 0 ? step : step * std::min<Exact>(1, std::abs(at));
    double expected = static_cast<double>((value(row, at + reach) - value(row, at - reach)) / (2 * reach));
    EXPECT_NEAR(gradX(row, 0), expected, tolerance * (1 + std::abs(expected))) << "x = " << x(row, 0);
    largest = std::max(largest, std::abs(expected));
  }

  std::vector<double> gradient(model.numTrainable());
  if (gradient.empty())
    return;
  double loss = 0;
  bool isNll = ofParameters == Kernel::NllGradient;
  ok = kernels->run(model, {.kernel = ofParameters,
                            .inputs = inputs,
                            .rows = rows,
                            .mean = false,
                            .loss = isNll ? &loss : nullptr,
                            .gradient = gradient.data()});
  ASSERT_TRUE(ok) << ok.error().message;
  std::vector<Exact> parameters = exact.trainable();
  for (size_t i = 0; i < parameters.size(); ++i) {
    auto at = [&](Exact offset) {
      std::vector<Exact> moved = parameters;
      moved[i] += offset;
      exact.setTrainable(moved);
      Exact sum = 0;
      for (int64_t row = 0; row < rows; ++row)
        sum += value(row, x(row, 0));
      return sum;
    };
    auto expected = static_cast<double>((at(step) - at(-step)) / (2 * step));
    exact.setTrainable(parameters);
    // Terms of the rows may cancel.
    EXPECT_NEAR(sign * gradient[i], expected, tolerance * (1 + std::abs(expected) + largest)) << "parameter " << i;
  }
}

/// Images of the points under the formula, rounded to the element type.
template <typename T>
Rows<T> Formulas::images() const {
  Model model = makeModel(text(false), F64);
  return take(compileFresh(model)->transform<double>(model, points<double>())).first.template cast<T>();
}

/// <cotangent, y> + cotangent * log_det of the formula or of its inverse.
template <typename T>
void Formulas::checkGradients(bool inverted) {
  Model model = makeModel(text(inverted), dtypeOf<T>);
  reference::Interpreter<Exact> exact(model);
  Rows<T> x = inverted ? images<T>() : points<T>();
  Rows<T> cotangents = Random(4).normals<T>(x.rows(), 1);
  Column<T> logDetCotangents = Random(5).normals<T>(x.rows(), 1);
  compareGradients<T>(model, exact, x, {x.data(), cotangents.data(), logDetCotangents.data()}, Kernel::VjpInputs,
                      Kernel::VjpParams, 1, [&](int64_t row, Exact event) {
                        auto [value, logDet] = exact.transform(Column<Exact>::Constant(1, event));
                        return cotangents(row, 0) * value[0] + logDetCotangents[row] * logDet;
                      });
}

/// The score and the gradient of the negative log-likelihood: of the formula in the
/// direction of the inverse.
template <typename T>
void Formulas::checkScores() {
  Model model = makeModel(text(false) + "\nflow g = transformed(logistic(0, 2), f())", dtypeOf<T>);
  reference::Interpreter<Exact> exact(model);
  Rows<T> y = images<T>();
  compareGradients<T>(model, exact, y, {y.data()}, Kernel::Score, Kernel::NllGradient, -1,
                      [&](int64_t, Exact event) { return exact.logProb(Column<Exact>::Constant(1, event)); });
}

TEST_P(Formulas, HaveGradientsInFloat64) { checkGradients<double>(/*inverted=*/false); }
TEST_P(Formulas, HaveGradientsInFloat32) { checkGradients<float>(/*inverted=*/false); }
TEST_P(Formulas, HaveGradientsOfTheInverseInFloat64) { checkGradients<double>(/*inverted=*/true); }
TEST_P(Formulas, HaveGradientsOfTheInverseInFloat32) { checkGradients<float>(/*inverted=*/true); }
TEST_P(Formulas, HaveScoresInFloat64) { checkScores<double>(); }
TEST_P(Formulas, HaveScoresInFloat32) { checkScores<float>(); }

/// Far out: no NaN where the reference, which has more range, gives a number that the
/// element type can hold, and the same log-determinant; gradients are numbers there.
template <typename T>
void Formulas::checkExtremes() {
  Model model = makeModel(text(false), dtypeOf<T>);
  auto kernels = compileFresh(model);
  reference::Interpreter<Exact> exact(model);
  reference::Interpreter<double> rough(model);
  std::vector<double> sizes{0, 1e-30, 1e-10, 30, 90, 500, 1e4, 1e10, 1e18, 1e30};
  Rows<T> x(2 * static_cast<int64_t>(sizes.size()), 1);
  for (size_t i = 0; i < sizes.size(); ++i) {
    x(2 * static_cast<int64_t>(i), 0) = static_cast<T>(sizes[i]);
    x(2 * static_cast<int64_t>(i) + 1, 0) = static_cast<T>(-sizes[i]);
  }
  auto [y, logDet] = take(kernels->transform<T>(model, x), text(false));
  Rows<T> ones = Rows<T>::Ones(x.rows(), 1), gradX(x.rows(), 1);
  auto ok = kernels->run(model, {.kernel = Kernel::VjpInputs,
                                 .inputs = {x.data(), ones.data(), ones.data()},
                                 .outputs = {gradX.data()},
                                 .rows = x.rows()});
  ASSERT_TRUE(ok) << ok.error().message;
  for (int64_t row = 0; row < x.rows(); ++row) {
    SCOPED_TRACE(testing::Message() << "x = " << x(row, 0));
    auto [value, expectedLogDet] = exact.transform(Column<Exact>::Constant(1, x(row, 0)));
    if (!std::isfinite(value[0]) || std::abs(value[0]) > std::numeric_limits<T>::max())
      continue;
    EXPECT_FALSE(std::isnan(y(row, 0)));
    if (!std::isfinite(expectedLogDet) || std::abs(expectedLogDet) > std::numeric_limits<T>::max())
      continue;
    EXPECT_FALSE(std::isnan(logDet[row]));
    EXPECT_FALSE(std::isnan(gradX(row, 0)));
    // What is written naively cancels in the reference, too: in `double` first. Sines of
    // large numbers are those of their roundings; a kink has a slope on either side.
    double less = rough.transform(Column<double>::Constant(1, x(row, 0))).logDet;
    bool isReliable = std::abs(less - expectedLogDet) <= 1e-10 * (1 + std::abs(expectedLogDet));
    auto uses = [&](const char *name) { return GetParam().text.find(name) != std::string::npos; };
    bool isPeriodic = uses("sin(") || uses("cos(");
    bool isKink = x(row, 0) == 0 && (uses("max(") || uses("min("));
    if (isReliable && !isKink && (!isPeriodic || std::abs(x(row, 0)) < 1e3)) {
      EXPECT_NEAR(logDet[row], static_cast<double>(expectedLogDet),
                  1e3 * std::numeric_limits<T>::epsilon() * static_cast<double>(1 + std::abs(expectedLogDet)));
    }
  }
}

TEST_P(Formulas, StayNumbersFarOutInFloat32) { checkExtremes<float>(); }
TEST_P(Formulas, StayNumbersFarOutInFloat64) { checkExtremes<double>(); }

static std::string nameOf(const testing::TestParamInfo<Case> &info) { return info.param.name; }

static const std::vector<Case> kCases = {
    {"Cubic", "(x; a = positive(0.1), b = positive(1)) = a*x^3 + b*x", "root"},
    {"Affine", "(x; a = positive(2), b = -0.3) = a*x + b", "analytic"},
    {"Falling", "(x; a = positive(2)) = 3 - a*x", "analytic"},
    {"NaiveSoftplus", "(x; a = positive(1.5)) = log(1 + exp(a*x))", "analytic"},
    {"NaiveSigmoid", "(x; a = positive(1.5)) = exp(a*x)/(1 + exp(a*x))", "analytic"},
    {"OtherSigmoid", "(x; a = 0.3) = 1/(1 + exp(a - x))", "analytic"},
    {"LogSigmoid", "(x) = log(sigmoid(x))", "analytic"},
    {"NaiveSinh", "(x; a = positive(2)) = a*(exp(x) - exp(-x))", "analytic"},
    {"NaiveTanh", "(x) = (exp(x) - exp(-x))/(exp(x) + exp(-x))", "analytic", {-2.5, -1.1, -0.3, 0.2, 0.9, 1.7}},
    {"ScaledTanh", "(x; a = positive(1), b = positive(0.5)) = a*tanh(b*x)", "analytic"},
    {"NaiveAsinh", "(x) = log(x + sqrt(x^2 + 1))", "analytic"},
    {"SinhArcsinh", "(x; e = 0.4, d = positive(1.2)) = sinh((asinh(x) + e)*d)", "analytic"},
    {"Atan", "(x; a = positive(1), b = 0.2) = a*atan(x - b)", "analytic"},
    {"Expm1", "(x; a = positive(0.7)) = exp(a*x) - 1", "analytic"},
    {"LogOnHalfLine", "(x; a = positive(0.7)) = log(a*x)", "analytic", kPositive},
    {"Log1p", "(x; a = positive(2)) = log(1 + a*x)", "analytic", kPositive},
    {"Logit", "(x) = log(x/(1 - x))", "analytic", kUnit},
    {"LogitAsDifference", "(x; a = 0.5) = log(x) - log(1 - x) + a", "analytic", kUnit},
    {"Atanh", "(x; a = positive(0.5)) = a*atanh(x)", "analytic", kUnit},
    {"Sqrt", "(x) = sqrt(x) + 1", "analytic", kPositive},
    {"Power", "(x; p = positive(1.7)) = x^p", "analytic", kPositive},
    {"OddPower", "(x; a = positive(0.5)) = a*x^5", "analytic"},
    {"EvenPowerOfPositive", "(x) = exp(x)^2", "analytic"},
    {"Base", "(x; a = interval(1.5, 4, 2)) = a^x", "analytic"},
    {"Reciprocal", "(x) = 1/(1 + exp(x))^2", "analytic"},
    {"Softsign", "(x; a = positive(2)) = a*x/(1 + abs(x))", "analytic"},
    {"LeakyRelu", "(x; a = interval(0, 1, 0.3)) = where(x > 0, x, a*x)", "analytic"},
    {"MaxOfLines", "(x; a = interval(0, 1, 0.3)) = max(x, a*x)", "analytic"},
    {"SignedSquare", "(x) = x*abs(x)", "analytic"},
    {"Elu", "(x) = where(x > 0, x, exp(min(x, 0)) - 1)", "analytic"},
    {"Let", "(x; a = positive(1)) = let u = a*x in let v = u + 1 in v*3", "analytic"},
    {"TwoTermsOfX", "(x; a = positive(1), b = positive(2)) = a*x + b*x", "analytic"},
    {"PlusTanh", "(x; a = interval(-1, 2, 0.5)) = x + a*tanh(x)", "root"},
    {"PlusSin", "(x; a = interval(-1, 1, 0.5)) = x + a*sin(x)", "root"},
    {"PlusExp", "(x; a = positive(0.5)) = x + exp(a*x)", "root"},
    {"FallingRoot", "(x; a = positive(0.5)) = 1 - x - a*x^3", "root"},
    {"PlusLog", "(x; a = positive(0.5)) = a*x + log(x)", "root", kPositive},
    {"OnInterval", "(x; a = positive(0.5)) = log(x) - 2*log(1 - x) + a*x", "root", kUnit},
    {"PlusAsinh", "(x; a = positive(1)) = x/4 + asinh(a*x)", "root"},
    {"PlusSoftplus", "(x; a = positive(1)) = x + 2*log(1 + exp(a*x))", "root"},
    {"Erf", "(x; a = positive(0.4)) = erf(a*x)", "root"},
    {"MixtureOfLogistics", "(x; w = interval(0, 1, 0.4), m = 1.0) = w*sigmoid(x + m) + (1 - w)*sigmoid(2*x - m)",
     "root"},
    {"Algebraic", "(x) = x/sqrt(1 + x^2)", "analytic", {-2.5, -1.1, -0.3, 0.2, 0.9, 1.7}},
    {"WhereWithPole", "(x) = where(x > 0, 1 - 1/(1 + x), x)", "analytic"},
    {"Threshold", "(x; a = 0.3, b = interval(0, 1, 0.5)) = x + b*abs(x - a)", "analytic"},
    {"CosAndSquares", "(x) = 3*x + cos(x) - sin(x)^2/2", "root"},
    {"SumOfOddPowers", "(x; a = positive(1)) = x^5 + a*x^3 + x", "root"},
    {"PolynomialWithoutZeros", "(x) = x^3 - x^2 + x", "root"},
    {"XTimesExp", "(x; a = positive(1)) = x*exp(a*x^2)", "root", {-1.5, -1.1, -0.3, 0.2, 0.9, 1.2}},
    {"KinkedRoot", "(x; a = interval(0, 1, 0.5)) = x^3 + x + a*abs(x)", "root"},
};

INSTANTIATE_TEST_SUITE_P(Table, Formulas, testing::ValuesIn(kCases), nameOf);
/// Every function of the language inside of a sum, so that it is the log-determinant
/// that has to be differentiated.
static const std::vector<Case> kFunctions = {
    {"abs", "(x; a = interval(0, 1, 0.4)) = x^3 + x + a*abs(x)", "root"},
    {"asinh", "(x; a = positive(1.3)) = x + asinh(a*x)", "root"},
    {"atan", "(x; a = positive(1.3)) = x + atan(a*x)", "root"},
    {"atanh", "(x; a = positive(1.3)) = a*x + atanh(x)", "root", {-0.95, -0.6, -0.2, 0.1, 0.5, 0.9}},
    {"cos", "(x; a = interval(0, 1.5, 1)) = 2*x + cos(a*x)", "root"},
    {"cosh", "(x; a = positive(0.7)) = x*cosh(a*x)", "root"},
    {"erf", "(x; a = positive(0.7)) = x + erf(a*x)", "root"},
    {"exp", "(x; a = positive(0.7)) = x + exp(a*x)", "root"},
    {"expm1", "(x; a = positive(0.7)) = 2*x + expm1(a*x)", "root"},
    {"lgamma", "(x; a = positive(2.5)) = a*x + lgamma(1.5 + exp(x))", "root", {-1.5, -1.1, -0.3, 0.2, 0.9, 1.2}},
    {"log", "(x; a = positive(0.7)) = a*x + log(x)", "root", kPositive},
    {"log1p", "(x; a = positive(0.7)) = a*x + log1p(x)", "root", kPositive},
    {"max", "(x; a = interval(0, 2, 0.7)) = x^3 + x + max(x, a*x)", "root"},
    {"min", "(x; a = interval(0, 2, 0.7)) = x^3 + x + min(x, a*x)", "root"},
    {"sigmoid", "(x; a = positive(1.3)) = x + x*sigmoid(a*x)", "root"},
    {"sin", "(x; a = interval(0, 1.5, 1)) = 2*x + sin(a*x)", "root"},
    {"sinh", "(x; a = positive(0.7)) = x + sinh(a*x)", "root"},
    {"softplus", "(x; a = positive(1.3)) = x + softplus(a*x)", "root"},
    {"sqrt", "(x; a = positive(1.3), b = interval(-0.9, 0.9, 0.5)) = x + b*sqrt(a^2 + x^2)", "root"},
    {"tanh", "(x; a = positive(1.3), b = interval(-0.5, 0.8, 0.4)) = x + b*x*tanh(a*x)", "root"},
    {"where", "(x; a = positive(0.7)) = x^3 + where(x > 0, x, a*x)", "root"},
    {"power", "(x; a = positive(0.7), p = positive(1.7)) = a*x + x^p", "root", kPositive},
    {"quotient", "(x; a = interval(-0.9, 4, 1.5)) = x + a*x/(1 + x^2)", "root"},
};
INSTANTIATE_TEST_SUITE_P(Functions, Formulas, testing::ValuesIn(kFunctions), nameOf);

TEST(FormulaFunctions, AreAllInTheTable) {
  // The list of docs/Language.md.
  for (const char *name :
       {"abs",   "asinh", "atan", "atanh",   "cos", "cosh", "erf",      "exp",  "expm1", "lgamma", "log",
        "log1p", "max",   "min",  "sigmoid", "sin", "sinh", "softplus", "sqrt", "tanh",  "where"}) {
    bool isFound = std::any_of(kFunctions.begin(), kFunctions.end(), [&](const Case &one) {
      return one.name == std::string(name) && one.text.find(name + std::string("(")) != std::string::npos;
    });
    EXPECT_TRUE(isFound) << name;
  }
}

TEST(FormulasOnTensors, HaveParametersForEachElement) {
  const std::string formula = "bijection f(x; a = positive(0.1), b = 0.4, c = interval(1, 3, 2)) = a*x^3 + c*x + b\n";
  Model model = makeModel(formula + "flow g = transformed(standard_normal([2, 3]), f(shape = [2, 3]))", F64);
  ASSERT_EQ(model.numTrainable(), 18);
  EXPECT_EQ(model.parameters()[0].path, ".bijection.a");
  EXPECT_EQ(model.parameters()[2].path, ".bijection.c");
  reference::Interpreter<Exact> exact(model);
  Rows<double> x = Random(1).normals<double>(70, 6);
  auto [y, logDet] = take(compileFresh(model)->transform<double>(model, x));
  auto logProb = take(compileFresh(model)->logProb<double>(model, y));
  for (int64_t row : {0, 33, 69}) {
    auto expected = exact.transform(x.row(row).transpose().cast<Exact>());
    EXPECT_NEAR(logDet[row], static_cast<double>(expected.logDet), 1e-12);
    for (int64_t i = 0; i < 6; ++i)
      EXPECT_NEAR(y(row, i), static_cast<double>(expected.value[i]), 1e-12 * (1 + std::abs(y(row, i))));
    EXPECT_NEAR(logProb[row], static_cast<double>(exact.logProb(y.row(row).transpose().cast<Exact>())), 1e-10);
  }
}

TEST(FormulasOnTensors, StartAtTheWrittenValues) {
  Flow flow =
      take(Flow::parse("bijection f(x; a = positive(0.1), b = 0.4, c = interval(1, 3, 2.5)) = a*x^3 + c*x + b"));
  Model model = take(Model::initialise(flow, {.seed = 1, .dtype = F64}));
  auto [y, logDet] = take(compileFresh(model)->transform<double>(model, Rows<double>::Constant(1, 1, 2)));
  EXPECT_NEAR(y(0, 0), 0.1 * 8 + 2.5 * 2 + 0.4, 1e-14);
  EXPECT_NEAR(logDet[0], std::log(3 * 0.1 * 4 + 2.5), 1e-14);
}

TEST(FormulasOnTensors, AreTransformersAndLayers) {
  const std::string formula = "bijection f(x; a = positive(0.1), b = positive(1)) = a*x^3 + b*x\n";
  for (const char *flow :
       {"flow g = coupling_flow(standard_normal([4]), transformer = chain([affine(), f()]), flow_layers = 2, nn_width "
        "= 5)",
        "flow g = masked_autoregressive_flow(standard_normal([3]), transformer = f(), flow_layers = 2, nn_width = 5)",
        "flow g = transformed(standard_normal([2]), scan(chain([f(shape = [2]), affine([0, 0])]), layers = 3))",
        "flow g = transformed(standard_normal([2]), scan([f(shape = [2]), f(shape = [2])]))"}) {
    SCOPED_TRACE(flow);
    Model model = makeModel(formula + flow, F64);
    int64_t dim = model.flow().dim();
    reference::Interpreter<Exact> exact(model);
    auto kernels = compileFresh(model);
    auto [draws, logProb] = take(kernels->sampleAndLogProb<double>(model, 40, 7));
    auto again = take(kernels->logProb<double>(model, draws));
    for (int64_t row = 0; row < draws.rows(); ++row)
      EXPECT_NEAR(logProb[row], again[row], 1e-9 * (1 + std::abs(again[row])));
    EXPECT_NEAR(again[3], static_cast<double>(exact.logProb(draws.row(3).transpose().cast<Exact>())), 1e-9);
    ASSERT_EQ(draws.cols(), dim);
  }
}

TEST(FormulasOnTensors, KnowTheSupportTheyMake) {
  auto warnings = [](const std::string &text) { return findWarnings(take(Flow::parse(text), text).root()); };
  const std::string line = "bijection f(x; a = positive(0.1)) = a*x^3 + x\n";
  EXPECT_TRUE(warnings(line + "flow g = transformed(standard_normal([2]), f(shape = [2]))").empty());
  // Equal structure, although the image depends on a parameter.
  const std::string bounded = "bijection f(x; a = positive(0.1)) = a*tanh(x)\n";
  take(Flow::parse(bounded + "bijection g = scan([invert(f(shape = [2])), invert(f(shape = [2]))])"));
  const std::string half = "bijection f(x; a = positive(0.1)) = log(a*x)\n";
  EXPECT_FALSE(warnings(half + "flow g = transformed(standard_normal([2]), f(shape = [2]))").empty());
  EXPECT_TRUE(warnings(half + "flow g = transformed(standard_normal([2]), chain([exp([2]), f(shape = [2])]))").empty());
}

/// A root has no place at infinity, whether it is bracketed or not.
TEST(FormulasOutsideTheirRange, HaveNoRootsOfInfinity) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Rows<float> y(3, 1);
  y << infinity, -infinity, 3e38f;
  for (const char *text : {"(x) = x + tanh(x)", "(x) = x^3 + x", "(x) = x + exp(x)"}) {
    SCOPED_TRACE(text);
    Model model = makeModel(std::string("bijection f") + text, F32);
    auto [x, logDet] = take(compileFresh(model)->inverse<float>(model, y));
    EXPECT_FALSE(std::isfinite(x(0, 0))) << x(0, 0);
    EXPECT_FALSE(std::isfinite(x(1, 0))) << x(1, 0);
    EXPECT_TRUE(std::isfinite(x(2, 0)));
  }
}

TEST(FormulasOutsideTheirRange, AreNaN) {
  struct Outside {
    const char *text;
    std::vector<double> inside, outside;
  };
  for (const Outside &one : std::vector<Outside>{
           {"(x) = exp(x)", {0.1, 3}, {-0.1, -3}},
           {"(x) = sqrt(x)", {0.1, 3}, {-0.1, -3}},
           {"(x) = atan(x)", {1.5, -1.5}, {1.6, -1.6, 4, 100}},
           {"(x) = x/(1 + abs(x))", {0.9, -0.9, 0}, {1.1, -1.1, 50}},
           {"(x) = 1/(1 + exp(x))", {0.1, 0.9}, {-0.1, 1.1}},
           {"(x) = 1/(1 + exp(x))^2", {0.1, 0.9}, {-0.1, 1.1}},
           {"(x) = tanh(x) + erf(x)", {1.9, -1.9}, {2.1, -2.1}},
           {"(x) = where(x > 0, 1 - 1/(1 + x), x)", {0.9, -3}, {1.1, 7}},
       }) {
    SCOPED_TRACE(one.text);
    Model model = makeModel(std::string("bijection f") + one.text, F64);
    auto kernels = compileFresh(model);
    auto invert = [&](double y) {
      return take(kernels->inverse<double>(model, Rows<double>::Constant(1, 1, y))).first(0, 0);
    };
    for (double y : one.inside)
      EXPECT_TRUE(std::isfinite(invert(y))) << "y = " << y;
    for (double y : one.outside)
      EXPECT_TRUE(std::isnan(invert(y))) << "y = " << y;
  }
}
