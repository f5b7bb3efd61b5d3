//===- DataObjectiveTest.cpp - Other losses of data than the likelihood ---===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"

#include "flowc/Training/Trainer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

using namespace flowc;
using flowc::test::take;
using testing::HasSubstr;

namespace {
/// Simulations: events from a standard normal prior, conditions that are the events with
/// noise of 0.5. The posterior of c has the mean 0.8 c and the variance 0.2.
std::pair<Rows<double>, Rows<double>> simulate(int64_t rows) {
  std::mt19937_64 engine(3);
  std::normal_distribution<double> normal;
  Rows<double> x(rows, 1), c(rows, 1);
  for (int64_t i = 0; i < rows; ++i) {
    x(i, 0) = normal(engine);
    c(i, 0) = x(i, 0) + 0.5 * normal(engine);
  }
  return {x, c};
}

constexpr const char *posteriorText =
    "flow f = masked_autoregressive_flow(standard_normal([1]), cond_dim = 1, flow_layers = 1, nn_width = 8)";
} // namespace

TEST(DataObjectiveTest, ContrastiveFindsThePosterior) {
  auto [x, c] = simulate(2000);
  auto flow = *Flow::parse(posteriorText);
  auto model = *Model::initialise(flow, {.seed = 1, .dtype = F64});
  FitOptions options{.objective = {"contrastive", {{"n_contrastive", 20}}},
                     .density = *Flow::parseDensity("density p(x[1]) = -0.5*x[0]^2"),
                     .learningRate = 1e-2,
                     .maxEpochs = 20};
  auto result = fitToData(model, x, c, options);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_LT(result->valLosses.back(), result->valLosses.front());
  // Up to a factor that depends on the condition: compared at two events.
  auto kernels = *compile(flow, {.dtype = F64});
  Rows<double> at(2, 1), given = Rows<double>::Constant(2, 1, 1.0);
  at << 0.8, 0.2;
  Column<double> logProb = *kernels->logProb<double>(model, at, given);
  EXPECT_NEAR(logProb[0] - logProb[1], 0.6 * 0.6 / 0.4, 0.25);
}

/// The likelihood in the language is that of the table, but for roundings.
TEST(DataObjectiveTest, FormulasAreMinimised) {
  auto [x, c] = simulate(400);
  auto flow = *Flow::parse(posteriorText);
  FitOptions options{.learningRate = 1e-2, .maxEpochs = 3};
  auto expected = *Model::initialise(flow, {.seed = 1, .dtype = F64});
  auto plain = fitToData(expected, x, c, options);
  ASSERT_TRUE(plain) << plain.error().message;
  options.objective = "nll.flow";
  options.objectiveText = "objective nll(q, x, c) = -mean(log_prob(q, x, c))";
  auto model = *Model::initialise(flow, {.seed = 1, .dtype = F64});
  auto result = fitToData(model, x, c, options);
  ASSERT_TRUE(result) << result.error().message;
  for (size_t i = 0; i < result->trainLosses.size(); ++i) {
    EXPECT_NEAR(result->trainLosses[i], plain->trainLosses[i], 1e-9);
    EXPECT_NEAR(result->valLosses[i], plain->valLosses[i], 1e-9);
  }
}

TEST(DataObjectiveTest, ErrorsAreSaid) {
  auto [x, c] = simulate(40);
  auto flow = *Flow::parse(posteriorText);
  auto error = [&](FitOptions options) {
    auto model = *Model::initialise(flow, {.dtype = F64});
    auto result = fitToData(model, x, c, options);
    return result ? std::string("none") : result.error().message;
  };
  auto prior = *Flow::parseDensity("density p(x[1]) = -0.5*x[0]^2");
  EXPECT_THAT(error({.objective = "elbo"}), HasSubstr("expected one about data: likelihood, contrastive"));
  EXPECT_THAT(error({.objective = "contrastive"}), HasSubstr("the prior"));
  EXPECT_THAT(error({.density = prior}), HasSubstr("has no prior"));
  // 4 rows to validate with, of which each is compared with 10 others.
  EXPECT_THAT(error({.objective = "contrastive", .density = prior}), HasSubstr("but a step has 4 rows"));
  EXPECT_THAT(error({.objective = "o.flow", .objectiveText = "objective o(q, x, c; w) = mean(w*log_prob(q, x, c))"}),
              HasSubstr("names 1 column of the data, but got 0"));
  EXPECT_THAT(error({.objective = "o.flow", .objectiveText = "objective o(q, x, c; target) = mean(target)"}),
              HasSubstr("needs a target density"));
}

namespace {
template <typename T>
RowsMap<T> mapOf(const Rows<T> &rows) {
  return {rows.data(), rows.rows(), rows.cols()};
}

/// One epoch, in which next to nothing moves, of a flow of two coordinates.
FitResult lookOnce(Model &model, const TrainingData &data, const std::string &formula) {
  FitOptions options{.objective = "o.flow", .objectiveText = formula, .learningRate = 1e-12, .maxEpochs = 1};
  auto trainer = take(Trainer::create(model, data, options));
  (void)take(trainer->advance());
  return {trainer->state().trainLosses, trainer->state().valLosses};
}

constexpr const char *pairText = "flow f = coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 5)";

/// Columns that say which row they are of: log q(x), and half of it.
template <typename T>
void expectColumnsOfTheirRows() {
  DType dtype = std::is_same_v<T, float> ? F32 : F64;
  Model model = test::initialise(pairText, {.seed = 1, .dtype = dtype});
  auto kernels = take(compile(model.flow(), {.dtype = dtype}));
  std::srand(5);
  Rows<T> x = Rows<T>::Random(700, 2), columns(700, 2), other = Rows<T>::Random(130, 2), otherColumns(130, 2);
  for (auto [rows, names] : {std::pair{&x, &columns}, std::pair{&other, &otherColumns}}) {
    names->col(0) = take(kernels->template logProb<T>(model, *rows));
    names->col(1) = names->col(0) / 2;
  }
  TrainingData data(mapOf(x));
  data.setColumns(mapOf(columns));
  const std::string formula = "objective o(q, x; whole, half) = mean((log_prob(q, x) - whole)^2 + (whole - 2*half)^2)";
  for (bool isGiven : {false, true}) {
    if (isGiven) {
      data.setValidation(mapOf(other));
      data.validationColumns = RowsView(otherColumns.data(), 130, 2);
    }
    FitResult losses = lookOnce(model, data, formula);
    EXPECT_NEAR(losses.trainLosses[0], 0, 1e-9);
    EXPECT_NEAR(losses.valLosses[0], 0, 1e-9);
  }
}
} // namespace

TEST(DataObjectiveTest, ColumnsAreThoseOfTheirRows) {
  expectColumnsOfTheirRows<float>();
  expectColumnsOfTheirRows<double>();
}

TEST(DataObjectiveTest, WrongColumnsAreErrors) {
  Model model = test::initialise(pairText, {.seed = 1, .dtype = F64});
  Rows<double> x = Rows<double>::Random(40, 2), columns = Rows<double>::Ones(40, 2), few = Rows<double>::Ones(39, 2);
  const std::string two = "objective o(q, x; a, b) = -mean(a*b*log_prob(q, x))";
  auto error = [&](const TrainingData &data, const std::string &formula) {
    auto trainer = Trainer::create(
        model, data, FitOptions{.objective = formula.empty() ? "likelihood" : "o.flow", .objectiveText = formula});
    return trainer ? std::string("none") : trainer.error().message;
  };
  TrainingData data(mapOf(x));
  EXPECT_THAT(error(data, two), HasSubstr("'o' names 2 columns of the data, but got 0"));
  data.setColumns(mapOf(columns));
  EXPECT_EQ(error(data, two), "none");
  EXPECT_THAT(error(data, "objective o(q, x; a) = -mean(a*log_prob(q, x))"),
              HasSubstr("names 1 column of the data, but got 2"));
  EXPECT_THAT(error(data, ""), HasSubstr("'likelihood' reads no columns"));
  data.setValidation(mapOf(x));
  EXPECT_THAT(error(data, two), HasSubstr("needed for both training and validation"));
  TrainingData weighted(mapOf(x));
  weighted.setColumns(mapOf(columns));
  weighted.weights = RowsView(columns.data(), 40, 1);
  EXPECT_THAT(error(weighted, two), HasSubstr("there are weights beside the columns"));
  TrainingData shorter(mapOf(x));
  shorter.setColumns(mapOf(few));
  EXPECT_THAT(error(shorter, two),
              HasSubstr("the columns of the objective have 39 rows of 2 numbers, expected 40 of 2"));
}

// Rows drawn once, from a wide normal distribution, teach the flow another density: the
// variance of the weights f / q, by importance sampling. Its least value, 0, is where q is f.
TEST(DataObjectiveTest, TheVarianceOfWeightsOfGivenRowsIsMinimised) {
  constexpr double wide = 2.5, mean[2] = {1, -0.5}, deviation[2] = {0.7, 1.1};
  std::mt19937_64 engine(11);
  std::normal_distribution<double> normal;
  Rows<double> x(8000, 2), columns(8000, 2);
  for (int64_t i = 0; i < x.rows(); ++i) {
    columns.row(i) << 5, 0; // The integrand has any norm.
    for (int64_t d = 0; d < 2; ++d) {
      x(i, d) = wide * normal(engine);
      columns(i, 0) -= 0.5 * std::pow((x(i, d) - mean[d]) / deviation[d], 2);
      columns(i, 1) -= 0.5 * std::pow(x(i, d) / wide, 2) + std::log(wide) + 0.5 * std::log(2 * M_PI);
    }
  }
  Model model = test::initialise("flow f = normal([0, 0], [1, 1])", {.dtype = F64});
  TrainingData data(mapOf(x));
  data.setColumns(mapOf(columns));
  FitOptions options{.objective = "variance.flow",
                     .objectiveText = "objective variance(q, x; f, g) = "
                                      "exp(logsumexp(2*f - g - log_prob(q, x)) - 2*logsumexp(f - g) + log(rows)) - 1",
                     .learningRate = 0.05,
                     .maxEpochs = 60,
                     .maxPatience = 60,
                     .batchSize = 800};
  options.update.schedule = "cosine";
  auto trainer = take(Trainer::create(model, data, options));
  while (take(trainer->advance()) == Trainer::Outcome::EpochEnded)
    ;
  EXPECT_LT(trainer->state().valLosses.back(), trainer->state().valLosses.front());
  auto kernels = take(compile(model.flow(), {.dtype = F64}));
  Rows<double> draws = take(kernels->sample<double>(model, 20000, 3));
  for (int64_t d = 0; d < 2; ++d) {
    double found = draws.col(d).mean();
    EXPECT_NEAR(found, mean[d], 0.1);
    EXPECT_NEAR(std::sqrt((draws.col(d).array() - found).square().mean()), deviation[d], 0.1);
  }
}
