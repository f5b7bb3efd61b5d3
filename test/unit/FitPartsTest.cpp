//===- FitPartsTest.cpp - What a search is made of ------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Closed forms by hand, files with conditions, checkpoints, and what is told of a search.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/Fit.h"
#include "flowc/FitFile.h"
#include "flowc/Training/Archive.h"

#include "Folds.h"
#include "GaussianMixture.h"
#include "Journal.h"
#include "TableSupport.h"

#include <gmock/gmock.h>

using namespace flowc;
using flowc::test::makeModel;
using flowc::test::Random;
using flowc::test::take;
using flowc::test::TemporaryDirectory;
using testing::HasSubstr;

namespace {

FitTable tableOf(const Rows<float> &rows) {
  FitTable table;
  table.x = RowsView(rows.data(), rows.rows(), rows.cols());
  return table;
}

/// log of the density of N(mean, variance).
double normalLogDensity(double x, double mean, double variance) {
  return -0.5 * ((x - mean) * (x - mean) / variance + std::log(2 * M_PI * variance));
}

const Contestant &formOf(const BaselineScores &scores, const std::string &name) {
  auto found = std::ranges::find(scores.forms, name, &Contestant::name);
  EXPECT_NE(found, scores.forms.end()) << name;
  return *found;
}

//===----------------------------------------------------------------------===//
// Closed forms
//===----------------------------------------------------------------------===//

// Each row has the density that mean and variance of the other four parts give it.
TEST(Baselines, AreTheMeanOfRowsThatWereHeldOut) {
  Rows<float> x = 3 * Random(1).normals<float>(40, 1);
  x.array() += 7;
  FitTable table = tableOf(x);
  Folds folds = take(divideTable(table, {.dtype = F64}));
  ASSERT_EQ(folds.folds.size(), 5u);
  std::vector<double> rows;
  for (const Fold &fold : folds.folds) {
    Eigen::VectorXd train = fold.trainSample.col(0);
    double mean = train.mean(), variance = (train.array() - mean).square().mean();
    for (double value : fold.heldOut.col(0))
      rows.push_back(normalLogDensity(value, mean, variance) - std::log(folds.event.deviation[0]));
  }
  Eigen::Map<Eigen::VectorXd> values(rows.data(), std::ssize(rows));
  BaselineScores scores = take(scoreBaselines(table, {.dtype = F64}));
  const Contestant &form = formOf(scores, "normal distribution");
  EXPECT_NEAR(form.logLikelihood, values.mean(), 1e-9);
  EXPECT_NEAR(form.error, std::sqrt((values.array() - values.mean()).square().sum() / 39 / 40), 1e-9);
}

// Centres are drawn from all rows, not from the first ones, which belong to one of them.
TEST(GaussianMixture, FindsComponentsOfSortedRows) {
  constexpr int kClouds = 6, kEach = 100;
  Rows<double> x = Random(2).normals<double>(kClouds * kEach, 2);
  for (int64_t i = 0; i < x.rows(); ++i)
    x(i, 0) += 40.0 * static_cast<double>(i / kEach);
  // Each row belongs to its own component, of about unit covariance.
  double truth = -std::log(kClouds) - std::log(2 * M_PI) - 1;
  EXPECT_NEAR(GaussianMixture::fit(x, kClouds, 1).logDensity(x).mean(), truth, 0.1);
}

// The softplus behind a single bound is as wide as the column deviates.
TEST(TableSupport, HasTheUnitsOfItsColumn) {
  Rows<double> x = Random(5).normals<double>(100, 1);
  x.array() = 60 - 3 * (1 + x.array().abs());
  double deviation = std::sqrt((x.array() - x.mean()).square().mean());
  TableSupport support = take(TableSupport::choose({{-HUGE_VAL, 60}}, x, {}));
  Rows<double> u = x;
  Eigen::VectorXd slopes = support.toLine(u);
  for (int64_t i = 0; i < x.rows(); ++i) {
    double t = (60 - x(i, 0)) / deviation;
    EXPECT_NEAR(u(i, 0), -deviation * std::log(std::expm1(t)), 1e-5); // The scale has the digits of float32.
    EXPECT_NEAR(slopes[i], -std::log(-std::expm1(-t)), 1e-5);
  }
}

//===----------------------------------------------------------------------===//
// Checkpoints
//===----------------------------------------------------------------------===//

TEST(Journal, KeepsWhatHasNoError) {
  TemporaryDirectory folder;
  Rows<float> x = Random(3).normals<float>(20, 1);
  FitTableOptions options{.steps = 10, .checkpoint = folder / "search.safetensors"};
  TrainingOutcome outcome;
  outcome.model = makeModel("flow f = normal([1], [2])", F32);
  outcome.losses = outcome.trainLosses = {2, INFINITY};
  outcome.bestEpoch = 1;
  outcome.steps = 7;
  outcome.error = outcome.meanLoss = INFINITY; // Of a single row, or of one outside of the support.
  auto journal = take(Journal::open(tableOf(x), options));
  journal->add("one", outcome, 3);
  ASSERT_TRUE(journal->status());
  options.resume = options.checkpoint;
  auto again = take(Journal::open(tableOf(x), options));
  EXPECT_EQ(again->secondsBefore(), 3);
  auto known = take(again->find("one", makeModel("flow f = normal([0], [1])", F32)));
  ASSERT_TRUE(known);
  EXPECT_EQ(known->error, INFINITY);
  EXPECT_EQ(known->losses, outcome.losses);
  EXPECT_EQ(known->steps, 7);
  EXPECT_EQ(known->model->trainable(), outcome.model->trainable());
  EXPECT_FALSE(take(again->find("two", *outcome.model)));
}

// The last trainings, on all rows, are taken from a checkpoint that is wrong about them.
TEST(Journal, DamageIsAnError) {
  TemporaryDirectory folder;
  for (int64_t rows : {60, 5200}) { // Cross-validated, and a single part.
    Rows<float> x = Random(6).normals<float>(rows, 1), condition = Random(7).normals<float>(rows, 1);
    FitTable table = tableOf(x);
    table.condition = RowsView(condition.data(), rows, 1); // No closed form can be the model.
    FitTableOptions options{.steps = 300, .threads = 1, .checkpoint = folder / "search.safetensors"};
    ASSERT_TRUE(fitTable(table, options));
    SavedState state = take(SavedState::read(options.checkpoint));
    int damaged = 0;
    for (auto &[name, count] : state.counts)
      if (name.find(", all rows") != std::string::npos && name.ends_with(".best_epoch")) {
        count = 1 << 20;
        ++damaged;
      }
    ASSERT_GT(damaged, 0) << rows;
    options.resume = folder / "damaged.safetensors";
    options.checkpoint = {};
    ASSERT_TRUE(state.write(options.resume));
    auto none = fitTable(table, options);
    ASSERT_FALSE(none) << rows;
    EXPECT_THAT(none.error().message, HasSubstr("the checkpoint of the search is damaged"));
  }
}

//===----------------------------------------------------------------------===//
// What is told of a search
//===----------------------------------------------------------------------===//

TEST(FitTable, HasTheThreadsThatAreAskedFor) {
  EXPECT_EQ(countThreads({.threads = 1}), 1);
  EXPECT_EQ(countThreads({.threads = 5}), 5);
  EXPECT_GE(countThreads({}), 1);
}

TEST(FitTable, TellsWhatItDoes) {
  Rows<float> x = Random(4).normals<float>(100, 2);
  std::vector<std::string> told;
  FitTableOptions options{.seconds = 1e-3};
  options.progress = [&](const std::string &what, double share) {
    told.push_back(what);
    EXPECT_GE(share, 0);
    EXPECT_LE(share, 1);
  };
  FitTableResult result = take(fitTable(tableOf(x), options));
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front(), "normal distributions");
  EXPECT_EQ(told.back(), result.record.search[result.chosen].name + ", on all rows");
  // The budget in the unit that was asked for.
  EXPECT_EQ(result.record.options.at("budget"), 1e-3);
  EXPECT_FALSE(result.record.options.contains("budget_steps"));
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

TEST(FitFile, HasTheColumnsThatAreAskedFor) {
  TemporaryDirectory folder;
  std::string text = "a,b,c\n";
  for (int i = 0; i < 50; ++i)
    text += std::to_string(0.37 * i) + "," + std::to_string(std::sin(i)) + "," + std::to_string(std::cos(i)) + "\n";
  std::string path = folder.write("x.csv", text);
  FitFile some = take(FitFile::describe(path, {.columns = {"b"}, .conditionColumns = {"c"}}));
  EXPECT_EQ(some.events().width(), 1);
  FitFile::Held held = take(some.hold());
  EXPECT_EQ(held.dtype, F32);
  EXPECT_EQ(held.table.names, std::vector<std::string>{"b"});
  EXPECT_EQ(held.table.conditionNames, std::vector<std::string>{"c"});
  ASSERT_EQ(held.table.condition.columns(), 1);
  EXPECT_EQ(held.table.condition.rows(), 50);
  // All others, if none is named.
  FitFile others = take(FitFile::describe(path, {.conditionColumns = {"c"}}));
  EXPECT_EQ(take(others.hold(F64)).table.names, (std::vector<std::string>{"a", "b"}));
  auto none = FitFile::describe(path, {.conditionColumns = {"a", "b", "c"}});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("nothing is left to fit"));
}

TEST(FitFile, HoldsTimesInFloat64) {
  TemporaryDirectory folder;
  std::string text = "time,z\n";
  for (int i = 0; i < 50; ++i)
    text += std::to_string(1700000000.0 + 0.37 * i) + "," + std::to_string(std::sin(i)) + "\n";
  FitFile file = take(FitFile::describe(folder.write("x.csv", text), {}));
  FitFile::Held held = take(file.hold());
  EXPECT_EQ(held.dtype, F64);
  EXPECT_THAT(held.why, HasSubstr("float32 rounds a column"));
  EXPECT_EQ(take(file.hold(F32)).dtype, F32);
}

} // namespace
