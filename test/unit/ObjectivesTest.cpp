//===- ObjectivesTest.cpp - Losses of the table, and those in the language ===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/flowc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

using namespace flowc;
using testing::HasSubstr;

namespace {

constexpr const char *flowText = "flow f = masked_autoregressive_flow(standard_normal([2]), flow_layers = 2, "
                                 "nn_width = 8, invert = false)";
constexpr const char *conditional = "flow f = coupling_flow(standard_normal([2]), cond_dim = 1, flow_layers = 2, "
                                    "nn_width = 8)";
constexpr const char *targetText = "density t(x[2]) = -0.5*((x[0] - 0.5)^2/2 + (x[1] + 0.3*x[0]^2)^2)";

Model modelOf(const Flow &flow) { return *Model::initialise(flow, {.seed = 4, .dtype = F64}); }

CompileOptions withTarget(const char *text = targetText) { return {.dtype = F64, .target = *Flow::parseDensity(text)}; }

std::unique_ptr<Objective> objectiveOf(const Choice &choice, const Flow &flow) {
  auto objective = makeObjective(choice, flow, withTarget());
  EXPECT_TRUE(objective) << objective.error().message;
  auto ready = (*objective)->prepare();
  EXPECT_TRUE(ready) << ready.error().message;
  return std::move(*objective);
}

struct Result {
  double loss;
  std::vector<double> gradient;
};

Result evaluate(Objective &objective, const Model &model, const Batch &batch) {
  Result result{0, std::vector<double>(model.numTrainable())};
  auto loss = objective.lossAndGradient(model, batch, result.gradient.data());
  EXPECT_TRUE(loss) << loss.error().message;
  result.loss = loss ? *loss : 0;
  return result;
}

/// The derivative of the loss by differences, in a direction that moves all parameters.
void expectGradient(Objective &objective, Model &model, const Batch &batch) {
  Result at = evaluate(objective, model, batch);
  std::vector<double> start = model.trainable();
  double found = 0, ends[2], step = 1e-6;
  for (size_t i = 0; i < start.size(); ++i)
    found += at.gradient[i] * std::cos(double(i));
  for (int side : {0, 1}) {
    std::vector<double> moved = start;
    for (size_t i = 0; i < moved.size(); ++i)
      moved[i] += (side ? -step : step) * std::cos(double(i));
    ASSERT_TRUE(model.setTrainable(moved));
    ends[side] = evaluate(objective, model, batch).loss;
  }
  ASSERT_TRUE(model.setTrainable(start));
  double expected = (ends[0] - ends[1]) / (2 * step);
  // Rounding over the step.
  EXPECT_NEAR(found, expected, 1e-6 * (1 + std::abs(expected)));
}

/// log-weights of the draws of a batch, from other kernels.
std::vector<double> logWeights(const Model &model, const Batch &batch) {
  auto kernels = *compile(model.flow(), {.dtype = F64});
  auto [y, logProb] = *kernels->sampleAndLogProb<double>(model, batch.rows, batch.seed, {}, batch.first);
  auto density = *Flow::parseDensity(targetText);
  auto target = *(*compile(density, {.dtype = F64}))->logProb<double>(Model::zeros(density, F64), y);
  Column<double> difference = target - logProb;
  return {difference.data(), difference.data() + difference.size()};
}

} // namespace

TEST(ObjectivesTest, BoundsByHand) {
  auto flow = *Flow::parse(flowText);
  Model model = modelOf(flow);
  Batch batch{.rows = 12, .first = 5, .seed = 3};
  std::vector<double> r = logWeights(model, batch);
  double iwae = 0, renyi = 0, mean = 0;
  for (int group = 0; group < 3; ++group) {
    double plain = 0, powered = 0;
    for (int k = 0; k < 4; ++k) {
      plain += std::exp(r[group * 4 + k]) / 4;
      powered += std::exp(0.7 * r[group * 4 + k]) / 4;
      mean += r[group * 4 + k] / 12;
    }
    iwae -= std::log(plain) / 3;
    renyi -= std::log(powered) / 0.7 / 3;
  }
  EXPECT_NEAR(evaluate(*objectiveOf({"iwae", {{"draws", 4}}}, flow), model, batch).loss, iwae, 1e-12);
  EXPECT_NEAR(evaluate(*objectiveOf({"renyi", {{"draws", 4}, {"alpha", 0.3}}}, flow), model, batch).loss, renyi, 1e-12);
  // alpha = 1, and one draw, are the ELBO that sticks the landing.
  Result stl = evaluate(*objectiveOf("stl", flow), model, batch);
  EXPECT_NEAR(stl.loss, -mean, 1e-12);
  for (const Choice &choice : {Choice("renyi", {{"alpha", 1}, {"draws", 4}}), Choice("iwae", {{"draws", 1}})}) {
    Result same = evaluate(*objectiveOf(choice, flow), model, batch);
    EXPECT_NEAR(same.loss, stl.loss, 1e-12);
    for (size_t i = 0; i < stl.gradient.size(); ++i)
      EXPECT_NEAR(same.gradient[i], stl.gradient[i], 1e-12 * (1 + std::abs(stl.gradient[i])));
  }
}

/// The doubly reparameterised gradient has the mean of the plain one, which is the
/// derivative of the loss.
TEST(ObjectivesTest, TheDoublyReparameterisedGradientIsUnbiased) {
  auto flow = *Flow::parse("flow f = transformed(standard_normal([2]), affine([0.3, 0], [1.5, 0.7]))");
  Model model = modelOf(flow);
  constexpr int64_t groups = 40000;
  Batch batch{.rows = 4 * groups, .seed = 3};
  auto objective = objectiveOf({"iwae", {{"draws", 4}}}, flow);
  Result at = evaluate(*objective, model, batch);
  std::vector<double> start = model.trainable();
  for (size_t i = 0; i < start.size(); ++i) {
    double ends[2];
    for (int side : {0, 1}) {
      std::vector<double> moved = start;
      moved[i] += side ? -1e-4 : 1e-4;
      ASSERT_TRUE(model.setTrainable(moved));
      ends[side] = evaluate(*objective, model, batch).loss;
    }
    ASSERT_TRUE(model.setTrainable(start));
    // Both are means over 40,000 groups of terms of order 1: five standard errors.
    EXPECT_NEAR(at.gradient[i], (ends[0] - ends[1]) / 2e-4, 0.025) << i;
  }
}

TEST(ObjectivesTest, ForwardKlAndWeightVarianceByHand) {
  auto flow = *Flow::parse(flowText);
  Model model = modelOf(flow);
  Batch batch{.rows = 50, .seed = 8};
  std::vector<double> r = logWeights(model, batch);
  double sum = 0, squares = 0, weighted = 0;
  for (double value : r) {
    sum += std::exp(value);
    squares += std::exp(2 * value);
    weighted += std::exp(value) * value;
  }
  Result kl = evaluate(*objectiveOf("forward_kl", flow), model, batch);
  EXPECT_NEAR(kl.loss, weighted / sum - std::log(sum / 50), 1e-12);
  Result variance = evaluate(*objectiveOf({"weight_variance", {{"clip", 0}}}, flow), model, batch);
  EXPECT_NEAR(variance.loss, 50 * squares / (sum * sum) - 1, 1e-11);
  // Clipped at the mean, no weight exceeds it.
  EXPECT_LT(evaluate(*objectiveOf({"weight_variance", {{"clip", 1}}}, flow), model, batch).loss, 0);

  // The gradients are those of log q at draws that are held constant.
  auto kernels = *compile(flow, {.dtype = F64});
  Rows<double> y = *kernels->sample<double>(model, 50, batch.seed);
  Column<double> ofKl(50), ofVariance(50);
  for (int k = 0; k < 50; ++k) {
    ofKl[k] = -std::exp(r[k]) / sum;
    ofVariance[k] = -std::pow(std::exp(r[k]) * 50 / sum, 2) / 50;
  }
  auto expectedKl = *kernels->pullBackLogProb<double>(model, y, ofKl);
  auto expectedVariance = *kernels->pullBackLogProb<double>(model, y, ofVariance);
  for (size_t i = 0; i < kl.gradient.size(); ++i) {
    EXPECT_NEAR(kl.gradient[i], expectedKl.parameters[i], 1e-11 * (1 + std::abs(kl.gradient[i])));
    EXPECT_NEAR(variance.gradient[i], expectedVariance.parameters[i], 1e-10 * (1 + std::abs(variance.gradient[i])));
  }
}

/// Draws at which the target is 0 have no weight; where all are such, nothing bounds the loss.
TEST(ObjectivesTest, ForwardKlOfTargetsWithASupport) {
  auto flow = *Flow::parse(flowText);
  Model model = modelOf(flow);
  Batch batch{.rows = 50, .seed = 8};
  auto evaluateAt = [&](const char *target) {
    auto objective = std::move(*makeObjective("forward_kl", flow, withTarget(target)));
    return evaluate(*objective, model, batch);
  };
  auto [y, logProb] = *(*compile(flow, {.dtype = F64}))->sampleAndLogProb<double>(model, batch.rows, batch.seed);
  double sum = 0, weighted = 0;
  for (int k = 0; k < 50; ++k) {
    double r = std::log(std::max(y(k, 0), 0.0)) - y(k, 1) * y(k, 1) - logProb[k];
    sum += std::exp(r);
    weighted += y(k, 0) > 0 ? std::exp(r) * r : 0;
  }
  EXPECT_NEAR(evaluateAt("density t(x[2]) = log(max(x[0], 0)) - x[1]^2").loss, weighted / sum - std::log(sum / 50),
              1e-12);
  Result none = evaluateAt("density t(x[2]) = log(max(-exp(x[0]), 0))");
  EXPECT_EQ(none.loss, std::numeric_limits<double>::infinity());
  EXPECT_THAT(none.gradient, testing::Each(0.0));
}

template <typename T>
static void checkWeightedLikelihood() {
  auto flow = *Flow::parse(conditional);
  DType dtype = sizeof(T) == 4 ? F32 : F64;
  Model model = *Model::initialise(flow, {.seed = 4, .dtype = dtype});
  constexpr int64_t rows = 20;
  Rows<T> x = Rows<T>::Random(rows, 2), c = Rows<T>::Random(rows, 1);
  std::vector<T> weights(rows), gradient(model.numTrainable());
  for (int64_t i = 0; i < rows; ++i)
    weights[i] = static_cast<T>(0.1 * static_cast<double>(i));
  Column<T> logProb = *(*compile(flow, {.dtype = dtype}))->template logProb<T>(model, x, c);
  double expected = 0;
  for (int64_t i = 0; i < rows; ++i)
    expected -= static_cast<double>(weights[i]) * static_cast<double>(logProb[i]) / rows;
  auto objective = std::move(*makeObjective("likelihood", flow, {.dtype = dtype}));
  Batch batch{.x = x.data(), .condition = c.data(), .weights = weights.data(), .rows = rows};
  double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-12;
  auto loss = objective->lossAndGradient(model, batch, gradient.data());
  ASSERT_TRUE(loss) << loss.error().message;
  EXPECT_NEAR(*loss, expected, tolerance);
  std::vector<double> direction(gradient.size());
  double slope = 0;
  for (size_t i = 0; i < direction.size(); ++i) {
    direction[i] = std::cos(static_cast<double>(i));
    slope += direction[i] * static_cast<double>(gradient[i]);
  }
  auto along = objective->lossAndSlope(model, batch, direction);
  ASSERT_TRUE(along) << along.error().message;
  EXPECT_NEAR(along->loss, expected, tolerance);
  EXPECT_NEAR(along->slope, slope, tolerance * (1 + std::abs(slope)));
}

/// Every number of a row goes with it: its condition, and its weight, in the model's type.
TEST(ObjectivesTest, LikelihoodOfRowsWithWeightsAndConditions) {
  checkWeightedLikelihood<float>();
  checkWeightedLikelihood<double>();
}

/// The loss of the ELBO, and the gradient of half the variance of its terms at draws that
/// are held constant; in the mean over many draws it is the ELBO's.
TEST(ObjectivesTest, VarGradByHand) {
  auto flow = *Flow::parse(flowText);
  Model model = modelOf(flow);
  Batch batch{.rows = 50, .seed = 8};
  std::vector<double> r = logWeights(model, batch);
  double mean = std::accumulate(r.begin(), r.end(), 0.0) / 50;
  auto objective = objectiveOf("vargrad", flow);
  Result found = evaluate(*objective, model, batch);
  EXPECT_NEAR(found.loss, -mean, 1e-12);
  auto kernels = *compile(flow, {.dtype = F64});
  Rows<double> y = *kernels->sample<double>(model, 50, batch.seed);
  Column<double> derivatives(50);
  for (int k = 0; k < 50; ++k)
    derivatives[k] = (mean - r[k]) / 49;
  auto expected = *kernels->pullBackLogProb<double>(model, y, derivatives);
  for (size_t i = 0; i < found.gradient.size(); ++i)
    EXPECT_NEAR(found.gradient[i], expected.parameters[i], 1e-11 * (1 + std::abs(found.gradient[i])));
}

TEST(ObjectivesTest, TheGradientByScoresIsThatOfTheElbo) {
  auto flow = *Flow::parse("flow f = transformed(standard_normal([2]), affine([0.3, 0], [1.5, 0.7]))");
  Model model = modelOf(flow);
  Batch batch{.rows = 200000, .seed = 3};
  Result path = evaluate(*objectiveOf("elbo", flow), model, batch);
  Result score = evaluate(*objectiveOf("vargrad", flow), model, batch);
  EXPECT_NEAR(score.loss, path.loss, 1e-9 * std::abs(path.loss));
  // Both are means over 200,000 terms of order 1 to 10.
  for (size_t i = 0; i < path.gradient.size(); ++i)
    EXPECT_NEAR(score.gradient[i], path.gradient[i], 0.05) << i;
}

TEST(ObjectivesTest, WeightVarianceIsStratifiedByTheCondition) {
  auto flow = *Flow::parse(conditional);
  Model model = modelOf(flow);
  Rows<double> c(20, 1);
  c << Rows<double>::Constant(12, 1, 0.5), Rows<double>::Constant(8, 1, -1);
  auto objective = objectiveOf({"weight_variance", {{"clip", 0}}}, flow);
  double whole = evaluate(*objective, model, {.condition = c.data(), .rows = 20, .seed = 1}).loss;
  double first = evaluate(*objective, model, {.condition = c.data(), .rows = 12, .seed = 1}).loss;
  double second = evaluate(*objective, model, {.condition = c.data() + 12, .rows = 8, .first = 12, .seed = 1}).loss;
  EXPECT_NEAR(whole, (12 * first + 8 * second) / 20, 1e-11 * (1 + whole));
}

TEST(ObjectivesTest, ContrastiveComparesRows) {
  auto flow = *Flow::parse(conditional);
  Model model = modelOf(flow);
  Rows<double> x(3, 2), c(3, 1);
  x << 0.1, -0.4, 1.2, 0.3, -0.7, 0.9;
  c << 0.2, -1, 0.6;
  auto objective = objectiveOf({"contrastive", {{"n_contrastive", 2}}}, flow);
  Batch batch{.x = x.data(), .condition = c.data(), .rows = 3, .seed = 1};
  // With all others there is no choice.
  auto kernels = *compile(flow, {.dtype = F64});
  auto density = *Flow::parseDensity(targetText);
  Column<double> prior = *(*compile(density, {.dtype = F64}))->logProb<double>(Model::zeros(density, F64), x);
  double expected = 0;
  for (int i = 0; i < 3; ++i) {
    Column<double> ratio = *kernels->logProb<double>(model, x, c.row(i).replicate(3, 1)) - prior;
    expected += (std::log(ratio.array().exp().sum()) - ratio[i]) / 3;
  }
  EXPECT_NEAR(evaluate(*objective, model, batch).loss, expected, 1e-12);
  expectGradient(*objective, model, batch);
  batch.rows = 2;
  std::vector<double> gradient(model.numTrainable());
  auto few = objective->lossAndGradient(model, batch, gradient.data());
  ASSERT_FALSE(few);
  EXPECT_THAT(few.error().message, HasSubstr("compares every row with 2 others, but a step has 2 rows"));
}

TEST(ObjectivesTest, ChoicesAreChecked) {
  auto flow = *Flow::parse(flowText);
  auto error = [&](const Choice &choice, const CompileOptions &options) {
    auto objective = makeObjective(choice, flow, options);
    return objective ? std::string("none") : objective.error().message;
  };
  EXPECT_THAT(error("iwea", withTarget()), HasSubstr("did you mean 'iwae'?"));
  EXPECT_THAT(error({"iwae", {{"draw", 3}}}, withTarget()), HasSubstr("draw"));
  EXPECT_THAT(error({"renyi", {{"alpha", 2}}}, withTarget()), HasSubstr("alpha"));
  EXPECT_THAT(error("forward_kl", {.dtype = F64}), HasSubstr("needs a target density"));
  EXPECT_THAT(error("contrastive", {.dtype = F64}), HasSubstr("the prior"));
  Model model = modelOf(flow);
  std::vector<double> gradient(model.numTrainable());
  auto loss = objectiveOf({"iwae", {{"draws", 5}}}, flow)->lossAndGradient(model, {.rows = 12}, gradient.data());
  ASSERT_FALSE(loss);
  EXPECT_THAT(loss.error().message, HasSubstr("takes 5 draws at a time, but a step has 12"));
}

//===----------------------------------------------------------------------===//
// In the language
//===----------------------------------------------------------------------===//

namespace {
std::unique_ptr<Objective> inLanguage(const char *text, const Flow &flow, const CompileOptions &options) {
  auto objective = parseObjective(text, flow, options);
  EXPECT_TRUE(objective) << objective.error().message;
  return std::move(*objective);
}

std::string languageError(const char *text) {
  auto objective = parseObjective(text, *Flow::parse(flowText), withTarget());
  return objective ? "none" : objective.error().message;
}
} // namespace

TEST(FormulaObjectiveTest, TheElboIsThatOfTheTable) {
  auto flow = *Flow::parse(flowText);
  Model model = modelOf(flow);
  Batch batch{.rows = 30, .first = 2, .seed = 6};
  Result expected = evaluate(*objectiveOf("elbo", flow), model, batch);
  auto objective = inLanguage("objective e(q, x; target) = sum(log_prob(q, x) - target)/rows", flow, withTarget());
  EXPECT_EQ(objective->name(), "e");
  Result found = evaluate(*objective, model, batch);
  EXPECT_NEAR(found.loss, expected.loss, 1e-12);
  for (size_t i = 0; i < found.gradient.size(); ++i)
    EXPECT_NEAR(found.gradient[i], expected.gradient[i], 1e-11 * (1 + std::abs(expected.gradient[i])));
}

TEST(FormulaObjectiveTest, GradientsAreThoseOfTheFormula) {
  auto flow = *Flow::parse(flowText);
  Model model = modelOf(flow);
  for (const char *text : {"objective a(q, x; target) = log(rows) - logsumexp(target - log_prob(q, x))",
                           "objective b(q, x; target) = sum((log_prob(q, x) - target - 1)^2)/rows + max(target)",
                           "objective c(q, x) = mean(tanh(log_prob(q, x)))"}) {
    auto objective = inLanguage(text, flow, withTarget());
    expectGradient(*objective, model, {.rows = 9, .seed = 2});
  }
}

/// The gradient of detached weights is that of weights which are columns.
TEST(FormulaObjectiveTest, DetachedPartsAreConstants) {
  auto flow = *Flow::parse(flowText);
  Model model = modelOf(flow);
  Rows<double> x = Rows<double>::Random(15, 2);
  Batch batch{.x = x.data(), .rows = 15};
  auto detached =
      inLanguage("objective d(q, x) = -mean(exp(detach(log_prob(q, x)))*log_prob(q, x))", flow, {.dtype = F64});
  Column<double> w = (*compile(flow, {.dtype = F64}))->logProb<double>(model, x)->array().exp();
  auto weighted = inLanguage("objective e(q, x; w) = -mean(w*log_prob(q, x))", flow, {.dtype = F64});
  Result found = evaluate(*detached, model, batch);
  batch.columns = {w.data()};
  Result expected = evaluate(*weighted, model, batch);
  EXPECT_NEAR(found.loss, expected.loss, 1e-13);
  for (size_t i = 0; i < found.gradient.size(); ++i)
    EXPECT_NEAR(found.gradient[i], expected.gradient[i], 1e-12 * (1 + std::abs(expected.gradient[i])));
}

TEST(FormulaObjectiveTest, OfDataWithColumnsAndConditions) {
  auto flow = *Flow::parse(conditional);
  Model model = modelOf(flow);
  Rows<double> x = Rows<double>::Random(15, 2), c = Rows<double>::Random(15, 1);
  Column<double> w = Column<double>::LinSpaced(15, 0.5, 2), u = Column<double>::LinSpaced(15, -1, 1);
  Batch batch{.x = x.data(), .condition = c.data(), .columns = {w.data(), u.data()}, .rows = 15};
  auto objective =
      inLanguage("objective w(q, x, c; w, u) = -sum(w*log_prob(q, x, c))/sum(w) + sum(u)", flow, {.dtype = F64});
  Column<double> logProb = *(*compile(flow, {.dtype = F64}))->logProb<double>(model, x, c);
  EXPECT_NEAR(evaluate(*objective, model, batch).loss, -w.dot(logProb) / w.sum() + u.sum(), 1e-12);
  expectGradient(*objective, model, batch);
  batch.columns.pop_back();
  std::vector<double> gradient(model.numTrainable());
  auto missing = objective->lossAndGradient(model, batch, gradient.data());
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("needs the column 'u'"));
}

TEST(FormulaObjectiveTest, ErrorsPointIntoTheText) {
  EXPECT_THAT(languageError("objective o(q, x) = log_prob(q, y)"), HasSubstr("1:21: error: expected `log_prob(q, x)`"));
  EXPECT_THAT(languageError("objective o(q, x) = log_prob(q, x)"), HasSubstr("is a vector of"));
  EXPECT_THAT(languageError("objective o(q, x; target) = sum(targit)"), HasSubstr("`target`"));
  EXPECT_THAT(languageError("objective o(q) = 1"), HasSubstr("a name for the event"));
  EXPECT_THAT(languageError("objective o(q, q) = 1"), HasSubstr("the name `q` occurs twice"));
  EXPECT_THAT(languageError("objective o(q, x; rows) = 1"), HasSubstr("a name of the language"));
  EXPECT_THAT(languageError("density d(x[2]) = x[0]"), HasSubstr("expected an `objective`"));
  EXPECT_THAT(languageError("objective o(q, x) = sum(log_prob(q, x)"), HasSubstr("error"));
  auto none = parseObjective("objective o(q, x; target) = sum(target)", *Flow::parse(flowText), {.dtype = F64});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "the objective 'o' needs a target density");
}

TEST(FormulaObjectiveTest, FitsATarget) {
  auto flow = *Flow::parse("flow f = transformed(standard_normal([2]), affine([0, 0], [1, 1]))");
  Model model = modelOf(flow);
  auto objective = inLanguage("objective e(q, x; target) = sum(log_prob(q, x) - target)/rows", flow,
                              withTarget("density t(x[2]) = -0.5*((x[0] - 1)^2 + (x[1] + 2)^2)"));
  auto result = optimize(model, *objective, {.learningRate = 0.05, .maxIters = 500, .numSamples = 64});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_NEAR(model.trainable()[0], 1, 0.1);
  EXPECT_NEAR(model.trainable()[1], -2, 0.1);
}
