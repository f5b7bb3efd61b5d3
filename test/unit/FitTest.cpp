//===- FitTest.cpp - From a table to a flow -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/Fit.h"
#include "flowc/Training/Recipe.h"
#include "flowc/Training/Whitening.h"

#include "Candidates.h"
#include "Folds.h"
#include "GaussianMixture.h"
#include "MixModels.h"
#include "TableSupport.h"

#include <Eigen/LU>

#include <gmock/gmock.h>

#include <set>

using namespace flowc;
using flowc::test::compileFresh;
using flowc::test::makeModel;
using flowc::test::parse;
using flowc::test::Random;
using flowc::test::take;
using testing::HasSubstr;

namespace {

/// Two thirds of the rows about (2, 0), the others about (-3, 1), with other covariances.
Rows<double> twoClouds(int64_t rows, uint64_t seed) {
  Rows<double> x = Random(seed).normals<double>(rows, 2);
  for (int64_t i = 0; i < rows; ++i) {
    double a = x(i, 0), b = x(i, 1);
    if (i % 3)
      x.row(i) << 2 + 0.5 * a, a + 0.3 * b;
    else
      x.row(i) << -3 + 0.8 * a, 1 + 0.2 * b;
  }
  return x;
}

double normalLogDensity(const Eigen::VectorXd &x, const Eigen::VectorXd &mean, const Eigen::MatrixXd &covariance) {
  Eigen::VectorXd difference = x - mean;
  return -0.5 * (difference.dot(covariance.inverse() * difference) + std::log(covariance.determinant()) +
                 static_cast<double>(x.size()) * std::log(2 * M_PI));
}

FitTable tableOf(const Rows<float> &rows) {
  FitTable table;
  table.x = RowsView(rows.data(), rows.rows(), rows.cols());
  return table;
}

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

TEST(Whitening, LeavesNoCorrelations) {
  Rows<double> x = twoClouds(1000, 1);
  Whitening units = take(Whitening::of(Covariance::of(x), 0));
  Covariance white = Covariance::of(units.whiten(x));
  // Rounding of sums of a thousand squares.
  EXPECT_LT(white.mean.cwiseAbs().maxCoeff(), 1e-13);
  EXPECT_LT((white.shrunk(0) - Eigen::Matrix2d::Identity()).cwiseAbs().maxCoeff(), 1e-12);
  Covariance parts = Covariance::of(x.topRows(300)).merged(Covariance::of(x.bottomRows(700)));
  EXPECT_LT((parts.shrunk(0) - Covariance::of(x).shrunk(0)).cwiseAbs().maxCoeff(), 1e-12);
  // Shrunk by 1, the units of each column stand alone.
  units = take(Whitening::of(Covariance::of(x), 1));
  EXPECT_EQ(units.factor(1, 0), 0);
  EXPECT_NEAR(Covariance::of(units.whiten(x)).shrunk(0)(1, 1), 1, 1e-12);
}

TEST(Whitening, ShrinksAsFarAsRowsDemand) {
  auto partsOf = [](const Rows<double> &x) {
    std::vector<Covariance> parts;
    for (int64_t i = 0; i < 5; ++i)
      parts.push_back(Covariance::of(x.middleRows(i * x.rows() / 5, x.rows() / 5)));
    return parts;
  };
  // Thirty rows of twenty columns without correlations: what they seem to have is chance.
  EXPECT_GE(chooseShrinkage(partsOf(Random(1).normals<double>(30, 20))), 0.6);
  // Close to collinear, and many rows: all of it is real.
  Rows<double> x = Random(2).normals<double>(5000, 2);
  x.col(1) = x.col(0) + 1e-3 * x.col(1);
  EXPECT_LT(chooseShrinkage(partsOf(x)), 1e-3);
  // Nothing is known of rows but those that are held out.
  EXPECT_EQ(chooseShrinkage(std::vector{Covariance::of(x)}), 1);
}

TEST(Whitening, IsAPartOfTheFlow) {
  Rows<double> x = twoClouds(500, 3);
  Covariance covariance = Covariance::of(x);
  Flow flow = take(whiten(parse("flow f = standard_normal([2])"), take(Whitening::of(covariance, 0)), nullptr));
  Model model = take(Model::initialise(flow, {.seed = 0, .dtype = F64}));
  auto found = take(compileFresh(model)->logProb<double>(model, x));
  for (int64_t i = 0; i < 10; ++i) // The factor has the digits of float32.
    EXPECT_NEAR(found[i], normalLogDensity(x.row(i), covariance.mean, covariance.shrunk(0)), 1e-5);
  Eigen::MatrixXd line(2, 2);
  line << 1, 1, 1, 1;
  auto none = Whitening::of({100, Eigen::VectorXd::Zero(2), line}, 0);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("column 1 is a linear function of those before it"));
}

//===----------------------------------------------------------------------===//
// Closed forms
//===----------------------------------------------------------------------===//

TEST(GaussianMixture, FindsTheComponents) {
  Rows<double> x = twoClouds(3000, 4), others = twoClouds(3000, 5);
  GaussianMixture mixture = GaussianMixture::fit(x, 2, 1);
  Eigen::Matrix2d first, second;
  first << 0.25, 0.5, 0.5, 1.09;
  second << 0.64, 0, 0, 0.04;
  double truth = 0;
  for (int64_t i = 0; i < others.rows(); ++i)
    truth += std::log(2 / 3.0 * std::exp(normalLogDensity(others.row(i), Eigen::Vector2d(2, 0), first)) +
                      1 / 3.0 * std::exp(normalLogDensity(others.row(i), Eigen::Vector2d(-3, 1), second)));
  // Eleven numbers fitted to 3,000 rows cost about 11 / 6,000 nats each.
  EXPECT_NEAR(mixture.logDensity(others).mean(), truth / 3000, 0.01);
  EXPECT_GT(mixture.logDensity(others).mean(), GaussianMixture::fit(x, 1, 1).logDensity(others).mean() + 0.5);
  // The marginal of the second column, by hand.
  Rows<double> column = others.col(1);
  Eigen::VectorXd found = mixture.marginal(1).logDensity(column);
  for (int64_t i = 0; i < 5; ++i) {
    double sum = 0;
    for (const auto &[weight, mean, factor] : mixture.components) {
      double variance = (factor * factor.transpose())(1, 1), z = column(i, 0) - mean[1];
      sum += weight * std::exp(-0.5 * z * z / variance) / std::sqrt(2 * M_PI * variance);
    }
    EXPECT_NEAR(found[i], std::log(sum), 1e-12);
  }
}

TEST(GaussianMixture, IsAFlow) {
  Rows<double> x = twoClouds(600, 6);
  GaussianMixture mixture = GaussianMixture::fit(x, 3, 1);
  Model model = test::initialise("flow f = " + mixture.text(), {.seed = 0, .dtype = F64});
  auto found = take(compileFresh(model)->logProb<double>(model, x));
  Eigen::VectorXd expected = mixture.logDensity(x);
  for (int64_t i = 0; i < x.rows(); ++i) // Numbers have the digits of float32.
    EXPECT_NEAR(found[i], expected[i], 1e-4 * (1 + std::abs(expected[i]))) << i;
}

//===----------------------------------------------------------------------===//
// Parts of the search
//===----------------------------------------------------------------------===//

TEST(Candidates, AreFlowsOfAnyTable) {
  for (const Candidate &candidate : candidateTable())
    for (auto [dim, condDim] : {std::pair<int64_t, int64_t>(1, 0), {2, 0}, {7, 0}, {1, 3}, {3, 2}}) {
      if (!takesPart(candidate, dim, condDim, 1000))
        continue;
      Flow flow = parse(flowText(candidate, "f", dim, condDim));
      EXPECT_EQ(flow.dim(), dim) << candidate.name;
      EXPECT_EQ(flow.condDim(), condDim) << candidate.name;
    }
  for (int64_t rows : {1, 10, 640, 12345, 100000000}) {
    EXPECT_GE(recommendedBatchSize(rows), 32);
    EXPECT_LE(recommendedBatchSize(rows), 512);
  }
}

/// Columns with every kind of bounds, and some rows of them.
static std::pair<std::vector<ColumnBounds>, Rows<double>> boundedRows(int64_t count, uint64_t seed) {
  Rows<double> z = Random(seed).normals<double>(count, 6);
  z.col(0) = 2 + z.col(0).array().exp();                    // Log-normal: behind exp.
  z.col(1) = -1.5 + z.col(1).array().abs();                 // Behind softplus.
  z.col(3) = 60 - 3 * z.col(3).array().abs();               // At most 60.
  z.col(4) = 4 * (1 + (-z.col(4)).array().exp()).inverse(); // Between 0 and 4.
  z.col(5) = -1 + 0.5 * (1 + (-z.col(5)).array().exp()).inverse();
  return {{{2}, {-1.5}, {}, {-HUGE_VAL, 60}, {0, 4}, {-1, -0.5}}, z};
}

TEST(Folds, HoldEachRowOfASmallTableOutOnce) {
  Rows<float> x(203, 2);
  for (int64_t i = 0; i < x.rows(); ++i)
    x.row(i) << static_cast<float>(i), static_cast<float>(i * i % 101);
  Folds folds = take(divideTable(tableOf(x), {}));
  ASSERT_EQ(folds.folds.size(), 5u);
  std::multiset<int64_t> held;
  for (const Fold &fold : folds.folds) {
    std::vector<int64_t> train(static_cast<size_t>(fold.data.subset->size()));
    fold.data.subset->list(0, train);
    EXPECT_TRUE(std::ranges::is_sorted(train)) << "the rows of a mapped file are read in their order";
    std::set<int64_t> both(train.begin(), train.end());
    const auto *rows = static_cast<const float *>(fold.data.validation.data());
    for (int64_t i = 0; i < fold.data.validation.rows(); ++i) {
      held.insert(static_cast<int64_t>(rows[2 * i]));
      both.insert(static_cast<int64_t>(rows[2 * i]));
    }
    EXPECT_EQ(both.size(), 203u);
    EXPECT_EQ(train.size() + static_cast<size_t>(fold.data.validation.rows()), 203u);
  }
  EXPECT_EQ(held.size(), 203u);
  EXPECT_EQ(std::set<int64_t>(held.begin(), held.end()).size(), 203u);
  EXPECT_EQ(folds.heldOutRows, 203);
}

TEST(Folds, StandardiseWhatIsBehindBounds) {
  auto [bounds, x] = boundedRows(400, 24);
  Rows<float> rows = x.cast<float>(), condition = Random(25).normals<float>(400, 2);
  condition.col(1).array() += 1000;
  FitTable table = tableOf(rows);
  table.bounds = bounds;
  table.condition = RowsView(condition.data(), 400, 2);
  Folds folds = take(divideTable(table, {}));
  ASSERT_EQ(folds.sample.cols(), 8);
  for (int64_t i = 0; i < 8; ++i) {
    EXPECT_NEAR(folds.sample.col(i).mean(), 0, 1e-4) << i;
    EXPECT_NEAR(folds.sample.col(i).squaredNorm() / 400, 1, 0.01) << i;
  }
}

TEST(Folds, HoldATenthOfALargeTableOut) {
  Rows<float> x = Random(1).normals<float>(6000, 2);
  Folds folds = take(divideTable(tableOf(x), {}));
  ASSERT_EQ(folds.folds.size(), 1u);
  EXPECT_EQ(folds.heldOutRows, 600);
  EXPECT_EQ(folds.folds[0].data.subset->size(), 5400);
}

TEST(MixModels, IsTheMeanOfTheDensities) {
  const char *text = "flow f = masked_autoregressive_flow(standard_normal([3]), flow_layers = 2, nn_width = 5)";
  std::vector<Model> models;
  for (uint64_t seed : {1, 2, 3})
    models.push_back(makeModel(text, F64, seed));
  Model mixture = take(mixModels(models));
  Rows<double> x = Random(7).normals<double>(20, 3);
  Column<double> found = take(compileFresh(mixture)->logProb<double>(mixture, x));
  Column<double> expected = Column<double>::Zero(20);
  for (const Model &model : models)
    expected.array() += take(compileFresh(model)->logProb<double>(model, x)).array().exp() / 3;
  EXPECT_LT((found.array() - expected.array().log()).abs().maxCoeff(), 1e-12);
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

TEST(TableSupport, IsTheSameInTheLanguageAndInNumbers) {
  auto [bounds, x] = boundedRows(300, 21);
  TableSupport support = take(TableSupport::choose(bounds, x, {}));
  std::string text = support.put("flow f = standard_normal([6])\n", "f");
  EXPECT_THAT(text, testing::AllOf(HasSubstr("exp([1])"), HasSubstr("softplus([1])"), HasSubstr("identity([1])"),
                                   HasSubstr("below_3(x) = 60 - "), HasSubstr("sigmoid([2])")));
  Model model = test::initialise(text, {.seed = 0, .dtype = F64});
  auto kernels = compileFresh(model);
  auto found = take(kernels->logProb<double>(model, x));
  Rows<double> u = x;
  Eigen::VectorXd expected = support.toLine(u);
  expected -= 0.5 * u.rowwise().squaredNorm();
  expected.array() -= 3 * std::log(2 * M_PI);
  for (int64_t i = 0; i < x.rows(); ++i) // Scales have the digits of float32.
    EXPECT_NEAR(found[i], expected[i], 1e-5 * (1 + std::abs(expected[i]))) << i;
  // There is nothing beyond the bounds.
  for (auto [column, value] : {std::pair{0, 1.9}, {1, -1.6}, {3, 60.1}, {4, 4.1}, {4, -0.1}, {5, -0.4}}) {
    Rows<double> row = x.topRows(1);
    row(0, column) = value;
    EXPECT_EQ(take(kernels->logProb<double>(model, row))[0], -HUGE_VAL) << column;
  }
}

TEST(FitTable, KeepsBounds) {
  auto [bounds, x] = boundedRows(400, 22);
  auto others = boundedRows(3000, 23).second.cast<float>().eval();
  Rows<float> rows = x.cast<float>();
  FitTable table = tableOf(rows);
  table.bounds = bounds;
  FitTableResult result = take(fitTable(table, {.steps = 1000, .seed = 1}));
  auto kernels = take(compile(result.model.flow()));
  Rows<float> samples = take(kernels->sample<float>(result.model, 2000, 3));
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_GE(samples.col(i).minCoeff(), bounds[i].lower) << i;
    EXPECT_LE(samples.col(i).maxCoeff(), bounds[i].upper) << i;
  }
  // What it says of itself is true of other rows, and flows and closed forms have the same units.
  const Contestant &chosen = result.record.search[result.chosen];
  double mean = take(kernels->logProb<float>(result.model, others)).cast<double>().mean();
  EXPECT_NEAR(mean, chosen.logLikelihood, 4 * chosen.error + 0.1) << chosen.name;
  for (const Contestant &entry : result.record.search)
    if (entry.problem.empty())
      EXPECT_NEAR(entry.logLikelihood, chosen.logLikelihood, 2) << entry.name;
  table.bounds[1].lower = -1;
  table.names = {"a", "b", "c", "d", "e", "f"};
  auto none = fitTable(table, {.steps = 1000});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("column 'b' has the value -1."));
  EXPECT_THAT(none.error().message, HasSubstr("which is not within its bounds"));
}

//===----------------------------------------------------------------------===//
// The search
//===----------------------------------------------------------------------===//

TEST(FitTable, IsAFunctionOfTableSeedAndSteps) {
  Rows<float> x = twoClouds(300, 8).cast<float>();
  FitTableOptions options{.steps = 4000, .seed = 3, .threads = 1};
  int steps = 0; // Each asks once, and each training a few times more.
  options.interrupted = [&steps] { return ++steps < 0; };
  FitTableResult one = take(fitTable(tableOf(x), options));
  EXPECT_LT(steps, 1.2 * 4000);
  options.interrupted = {};
  options.threads = 2;
  FitTableResult two = take(fitTable(tableOf(x), options));
  EXPECT_EQ(one.model.flow().text(), two.model.flow().text());
  EXPECT_EQ(one.model.trainable(), two.model.trainable());
  ASSERT_EQ(one.record.search.size(), two.record.search.size());
  for (size_t i = 0; i < one.record.search.size(); ++i)
    EXPECT_EQ(one.record.search[i].name, two.record.search[i].name);
}

TEST(FitTable, FindsWhatItTurnsOutToBe) {
  Rows<float> x = twoClouds(900, 9).cast<float>(), others = twoClouds(3000, 10).cast<float>();
  FitTableResult result = take(fitTable(tableOf(x), {.steps = 20000, .seed = 1}));
  // In order, with all baselines, and the chosen one among them.
  const std::vector<Contestant> &search = result.record.search;
  EXPECT_EQ(std::ranges::count_if(search, &Contestant::isBaseline), 3);
  for (size_t i = 1; i < search.size(); ++i)
    EXPECT_GE(search[i - 1].logLikelihood, search[i].logLikelihood);
  EXPECT_EQ(result.record.choices.at("flow"), search[result.chosen].name);
  // What it says of itself is true of other rows, and not far from the best there is.
  auto kernels = take(compile(result.model.flow()));
  double mean = take(kernels->logProb<float>(result.model, others)).cast<double>().mean();
  EXPECT_NEAR(mean, search[result.chosen].logLikelihood, 4 * search[result.chosen].error + 0.05);
  double best = GaussianMixture::fit(twoClouds(20000, 11), 2, 1).logDensity(others.cast<double>()).mean();
  EXPECT_GT(mean, best - 0.1);
}

TEST(FitTable, TakesConditionsAndSingleColumns) {
  Rows<float> z = Random(12).normals<float>(500, 2), x = z.col(0), condition = z.col(1);
  x = 0.3F * x + 2 * condition;
  FitTable table = tableOf(x);
  table.condition = RowsView(condition.data(), 500, 1);
  FitTableResult result = take(fitTable(table, {.steps = 6000, .seed = 1}));
  EXPECT_EQ(result.model.flow().condDim(), 1);
  // log of 0.3 and the entropy of a normal distribution
  double best = -std::log(0.3) - 0.5 * std::log(2 * M_PI * M_E);
  EXPECT_NEAR(result.record.search[result.chosen].logLikelihood, best, 0.15);
  // Half the square of a normal number deviates by the square root of 1/2.
  EXPECT_NEAR(result.record.search[result.chosen].error, std::sqrt(0.5 / 500), 0.01);
  result = take(fitTable(tableOf(x), {.steps = 6000, .seed = 1}));
  EXPECT_EQ(result.model.flow().dim(), 1);
}

TEST(FitTable, KeepsTheBestWhenInterrupted) {
  Rows<float> x = twoClouds(300, 13).cast<float>();
  FitTableOptions options{.steps = 1000000, .threads = 1};
  options.interrupted = [calls = 0]() mutable { return ++calls > 200; };
  FitTableResult result = take(fitTable(tableOf(x), options));
  EXPECT_TRUE(result.interrupted);
  EXPECT_TRUE(result.record.interrupted);
}

// Setting up what comes before the race takes longer than a millisecond: no flow is compiled
// for a budget that is spent, and a closed form is the model.
TEST(FitTable, TrainsNothingWhenItsTimeIsOver) {
  Rows<float> x = twoClouds(500, 8).cast<float>();
  FitTableResult result = take(fitTable(tableOf(x), {.seconds = 1e-3}));
  EXPECT_TRUE(result.record.search[result.chosen].isBaseline);
  int64_t flows = 0;
  for (const Contestant &entry : result.record.search)
    if (!entry.isBaseline) {
      EXPECT_THAT(entry.problem, HasSubstr("no time for it in this budget")) << entry.name;
      EXPECT_EQ(entry.seconds, 0) << entry.name;
      ++flows;
    }
  EXPECT_GT(flows, 2);
}

TEST(FitTable, HasAllStepsInABudgetWithoutEnd) {
  Rows<float> x = Random(3).normals<float>(60, 1);
  FitTableOptions options{.seconds = 1e300, .threads = 1};
  std::string first;
  int probes = 0; // A few steps of each flow, which tell how long one takes.
  options.progress = [&](const std::string &what, double share) {
    EXPECT_LT(share, 1e-6);
    probes += what.ends_with(", 16 steps");
    if (what.ends_with(" steps") && !what.ends_with(", 16 steps") && first.empty()) // Behind those that take the time.
      first = what;
  };
  options.interrupted = [&] { return !first.empty(); };
  EXPECT_TRUE(take(fitTable(tableOf(x), options)).interrupted);
  EXPECT_THAT(first, testing::EndsWith(", 400 steps"));
  EXPECT_GT(probes, 2);
}

TEST(FitTable, SaysWhatIsWrongWithABudget) {
  Rows<float> x = Random(1).normals<float>(20, 1);
  for (double seconds : {0.0, -1.0, HUGE_VAL, std::nan("")}) {
    auto none = fitTable(tableOf(x), {.seconds = seconds});
    ASSERT_FALSE(none) << seconds;
    EXPECT_THAT(none.error().message, HasSubstr("seconds, expected a positive number"));
  }
  auto none = fitTable(tableOf(x), {.steps = -5});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("the budget is -5 steps, expected a positive number"));
}

TEST(FitTable, GoesOnWhereItWasEnded) {
  test::TemporaryDirectory folder;
  std::string path = folder / "search.safetensors", other = folder / "other.safetensors";
  for (int64_t rows : {300, 5200}) { // Cross-validated, and a single part.
    Rows<float> x = twoClouds(rows, 14).cast<float>();
    FitTableOptions options{.steps = 3000, .seed = 2, .threads = 1};
    FitTableResult whole = take(fitTable(tableOf(x), options));
    // Ended after half of its trainings, and once more.
    FitTableOptions part = options;
    part.checkpoint = path;
    for (int ends : {300, 900}) {
      part.interrupted = [calls = 0, ends]() mutable { return ++calls > ends; };
      EXPECT_TRUE(take(fitTable(tableOf(x), part)).interrupted);
      part.resume = path;
    }
    part.interrupted = {};
    part.checkpoint = other;
    part.threads = 2;
    FitTableResult resumed = take(fitTable(tableOf(x), part));
    EXPECT_EQ(resumed.model.flow().text(), whole.model.flow().text());
    EXPECT_EQ(resumed.model.trainable(), whole.model.trainable());
    for (size_t i = 0; i < whole.record.search.size(); ++i)
      EXPECT_EQ(resumed.record.search[i].name, whole.record.search[i].name);
    // Nothing is trained again: what a complete search is resumed to, is there at once.
    part.resume = other;
    part.checkpoint = {};
    int calls = 0; // One for each step of a training, and some for each training.
    part.interrupted = [&calls] { return ++calls < 0; };
    part.threads = 1;
    EXPECT_EQ(take(fitTable(tableOf(x), part)).model.trainable(), whole.model.trainable());
    EXPECT_LT(calls, 300);
    part.seed = 3;
    auto wrong = fitTable(tableOf(x), part);
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message, HasSubstr("it was written with another 'seed' (2, now 3)"));
  }
}

TEST(FitTable, SaysWhatIsWrongWithATable) {
  auto messageOf = [](const Rows<float> &x) {
    auto result = fitTable(tableOf(x), {.steps = 1000});
    return result ? std::string("no error") : result.error().message;
  };
  EXPECT_THAT(messageOf(Random(1).normals<float>(9, 2)), HasSubstr("9 rows, expected at least 10"));
  Rows<float> x = Random(1).normals<float>(100, 2);
  x.col(1).setConstant(3);
  EXPECT_THAT(messageOf(x), HasSubstr("column 1 is constant"));
  x.col(1) = 2 * x.col(0);
  EXPECT_THAT(messageOf(x), HasSubstr("column 1 is a linear function of those before it"));
}

} // namespace
