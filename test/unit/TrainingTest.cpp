//===- TrainingTest.cpp - Maximum-likelihood training ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/Training/Adam.h"
#include "flowc/Training/Record.h"
#include "flowc/Training/Standardize.h"
#include "flowc/Training/Trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace flowc;
using flowc::test::parse;
using flowc::test::take;
using flowc::test::TemporaryDirectory;
using testing::HasSubstr;

namespace {

constexpr const char *affineText = "flow f = transformed(standard_normal([2]), affine(zeros(2), ones(2)))";
constexpr const char *couplingText = "flow f = coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 5)";

Model initialise(const std::string &text, DType dtype) {
  return flowc::test::initialise(text, {.seed = 3, .dtype = dtype});
}

/// Normal rows of mean (3, -1) and deviation (2, 0.5).
template <typename T>
std::vector<T> normalRows(int64_t rows) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  std::vector<T> x;
  for (int64_t i = 0; i < rows; ++i) {
    x.push_back(static_cast<T>(3 + 2 * normal(random)));
    x.push_back(static_cast<T>(-1 + 0.5 * normal(random)));
  }
  return x;
}

std::unique_ptr<Trainer> createTrainer(Model &model, const TrainingData &data, const FitOptions &options) {
  return take(Trainer::create(model, data, options));
}

/// Trains until the end or an interruption.
Trainer::Outcome finish(Trainer &trainer) {
  while (true) {
    auto outcome = trainer.advance();
    if (!outcome) {
      ADD_FAILURE() << outcome.error().message;
      std::abort();
    }
    if (*outcome != Trainer::Outcome::EpochEnded)
      return *outcome;
  }
}

} // namespace

TEST(BatchPlanTest, FollowsFlowJax) {
  // round(0.1 * 20000) rows for validation, the rest in full batches.
  BatchPlan plan = planBatches(20000, 0.1, 100);
  EXPECT_EQ(plan.valRows, 2000);
  EXPECT_EQ(plan.trainBatches, 180);
  EXPECT_EQ(plan.valBatches, 20);
  // Python rounds half to even.
  EXPECT_EQ(planBatches(25, 0.1, 100).valRows, 2);
  EXPECT_EQ(planBatches(35, 0.1, 100).valRows, 4);
  // The remainder is dropped, in validation, too.
  plan = planBatches(257, 0.5, 100);
  EXPECT_EQ(plan.valRows, 128);
  EXPECT_EQ(plan.trainBatches, 1);
  EXPECT_EQ(plan.valBatches, 1);
  // A batch is at most as large as the data.
  plan = planBatches(30, 0.1, 100);
  EXPECT_EQ(plan.trainBatch, 27);
  EXPECT_EQ(plan.valBatch, 3);
}

TEST(RandomPermutationTest, IsAPermutationOfItsSeed) {
  auto draw = [](uint64_t seed, uint32_t stream, uint64_t epoch) {
    std::vector<int64_t> order(1000);
    randomPermutation(seed, stream, epoch, order);
    return order;
  };
  std::vector<int64_t> order = draw(1, 2, 3), sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (int64_t i = 0; i < 1000; ++i)
    ASSERT_EQ(sorted[i], i);
  EXPECT_EQ(order, draw(1, 2, 3));
  EXPECT_NE(order, draw(2, 2, 3));
  EXPECT_NE(order, draw(1, 3, 3));
  EXPECT_NE(order, draw(1, 2, 4));
}

TEST(AdamTest, FollowsOptax) {
  // optax.adam(0.1) on x = [1, -2] with gradients 3x, three steps, computed by
  // hand from the definition.
  std::vector<double> x = {1, -2}, m(2), v(2), gradient(2), y = x, meanGradient(2), square(2);
  for (int64_t step = 1; step <= 3; ++step) {
    for (int i = 0; i < 2; ++i) {
      gradient[i] = 3 * x[i];
      double g = 3 * y[i];
      meanGradient[i] = 0.9 * meanGradient[i] + (1 - 0.9) * g;
      square[i] = 0.999 * square[i] + (1 - 0.999) * g * g;
      y[i] -= 0.1 * (meanGradient[i] / (1 - std::pow(0.9, step))) /
              (std::sqrt(square[i] / (1 - std::pow(0.999, step))) + 1e-8);
    }
    adamStep(x.data(), m.data(), v.data(), gradient.data(), 2, step, 0.1);
    for (int i = 0; i < 2; ++i)
      EXPECT_NEAR(x[i], y[i], 1e-14); // The order of the operations may differ.
  }
  EXPECT_NEAR(x[0], 0.7, 1e-2) << "Adam goes about 0.1 a step";
}

TEST(TrainerTest, FindsMeanAndDeviation) {
  Model model = initialise(affineText, F64);
  std::vector<double> x = normalRows<double>(4000);
  FitOptions options{.learningRate = 0.05, .maxEpochs = 60, .maxPatience = 20};
  auto result = fitToData(model, x.data(), nullptr, 4000, options);
  ASSERT_TRUE(bool(result)) << result.error().message;
  std::vector<double> loc = model.values(0), raw = model.values(1);
  // Standard errors of the mean are 0.03 and 0.008; twice that for Adam's noise.
  EXPECT_NEAR(loc[0], 3, 0.2);
  EXPECT_NEAR(loc[1], -1, 0.05);
  EXPECT_NEAR(std::log1p(std::exp(raw[0])), 2, 0.15);
  EXPECT_NEAR(std::log1p(std::exp(raw[1])), 0.5, 0.05);
  EXPECT_EQ(result->trainLosses.size(), result->valLosses.size());
  auto best = std::min_element(result->valLosses.begin(), result->valLosses.end());
  EXPECT_EQ(result->bestEpoch, best - result->valLosses.begin() + 1);
}

TEST(TrainerTest, PatienceEndsOneEpochLate) {
  // So large a rate that the loss soon stops improving.
  Model model = initialise(affineText, F64);
  std::vector<double> x = normalRows<double>(500);
  FitOptions options{.learningRate = 0.8, .maxEpochs = 200, .maxPatience = 3};
  auto result = fitToData(model, x.data(), nullptr, 500, options);
  ASSERT_TRUE(bool(result)) << result.error().message;
  ASSERT_LT(result->valLosses.size(), 200u);
  EXPECT_EQ(static_cast<int64_t>(result->valLosses.size()), result->bestEpoch + options.maxPatience + 1);
}

TEST(TrainerTest, SameForEveryNumberOfThreads) {
  std::vector<float> x = normalRows<float>(3000);
  std::vector<std::vector<double>> results;
  for (int threads : {1, 2}) {
    Model model = initialise(couplingText, F32);
    auto result = fitToData(model, x.data(), nullptr, 3000, {.maxEpochs = 3, .batchSize = 700, .threads = threads});
    ASSERT_TRUE(bool(result)) << result.error().message;
    results.push_back(model.trainable());
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(TrainerTest, ResumingGivesTheSameBits) {
  TemporaryDirectory folder;
  std::vector<float> x = normalRows<float>(1000);
  TrainingData data{x.data(), nullptr, 1000};
  FitOptions options{.learningRate = 0.01, .maxEpochs = 6};

  Model straight = initialise(couplingText, F32);
  auto whole = createTrainer(straight, data, options);
  finish(*whole);

  // Interrupted in the middle of the third epoch.
  Model stopped = initialise(couplingText, F32);
  int steps = 0;
  FitOptions interrupting = options;
  interrupting.interrupted = [&] { return ++steps > 9 * 2 + 5; };
  auto first = createTrainer(stopped, data, interrupting);
  EXPECT_EQ(finish(*first), Trainer::Outcome::Interrupted);
  EXPECT_EQ(first->state().batch, 5);
  std::string checkpoint = folder / "c.safetensors";
  ASSERT_TRUE(bool(first->saveCheckpoint(checkpoint)));

  Model resumed = initialise(couplingText, F32);
  auto second = createTrainer(resumed, data, options);
  auto loaded = second->loadCheckpoint(checkpoint);
  ASSERT_TRUE(bool(loaded)) << loaded.error().message;
  finish(*second);
  EXPECT_EQ(resumed.trainable(), straight.trainable());
  EXPECT_EQ(second->state().valLosses, whole->state().valLosses);
  EXPECT_EQ(second->state().trainLosses, whole->state().trainLosses);
}

TEST(TrainerTest, CheckpointsOfOtherRunsAreRefused) {
  TemporaryDirectory folder;
  std::vector<float> x = normalRows<float>(200);
  TrainingData data{x.data(), nullptr, 200};
  FitOptions options{.maxEpochs = 1};
  std::string checkpoint = folder / "c.safetensors";
  Model model = initialise(couplingText, F32);
  ASSERT_TRUE(bool(createTrainer(model, data, options)->saveCheckpoint(checkpoint)));
  auto error = [&](const TrainingData &otherData, const FitOptions &otherOptions) {
    auto loaded = createTrainer(model, otherData, otherOptions)->loadCheckpoint(checkpoint);
    return loaded ? "" : loaded.error().message;
  };
  EXPECT_EQ(error(data, options), "");
  FitOptions other = options;
  other.seed = 1;
  EXPECT_THAT(error(data, other), HasSubstr("another 'seed' (0, now 1)"));
  std::vector<float> changed = x;
  changed[5] += 1;
  EXPECT_THAT(error({changed.data(), nullptr, 200}, options), HasSubstr("another 'data'"));
  std::string bytes = TemporaryDirectory::read(checkpoint);
  folder.write("c.safetensors", bytes.substr(0, bytes.size() / 2));
  EXPECT_THAT(error(data, options), HasSubstr("cut off"));
}

TEST(TrainerTest, BadOptionsAreErrors) {
  std::vector<float> x = normalRows<float>(10);
  Model model = initialise(affineText, F32);
  auto error = [&](const FitOptions &options, const void *condition = nullptr, int64_t rows = 10) {
    auto trainer = Trainer::create(model, {x.data(), condition, rows}, options);
    return trainer ? "" : trainer.error().message;
  };
  EXPECT_THAT(error({.learningRate = -1}), HasSubstr("learning rate"));
  EXPECT_THAT(error({.batchSize = 0}), HasSubstr("batch size"));
  EXPECT_THAT(error({.valProp = 1}), HasSubstr("val_prop < 1"));
  EXPECT_THAT(error({}, x.data()), HasSubstr("takes no condition"));
  EXPECT_THAT(error({}, nullptr, 0), HasSubstr("no rows to train on"));
}

TEST(StandardizeTest, AddsAFrozenLayerInDataUnits) {
  Flow flow = parse(couplingText);
  ColumnStatistics statistics{{10, -2}, {4, 0.5}};
  auto standardized = standardize(flow, statistics, nullptr);
  ASSERT_TRUE(bool(standardized)) << standardized.error().message;
  EXPECT_EQ(standardized->name(), "f_data");
  EXPECT_THAT(standardized->text(), HasSubstr("non_trainable(affine([10, -2], [4, 0.5]))"));
  auto model = Model::initialise(*standardized, {.dtype = F64});
  ASSERT_TRUE(bool(model));
  EXPECT_EQ(model->numTrainable(), initialise(couplingText, F64).numTrainable());
}

TEST(StandardizeTest, ConditionsGetALayerToo) {
  Flow flow = parse("flow f = coupling_flow(standard_normal([2]), cond_dim = 1, flow_layers = 1, nn_width = 4)");
  ColumnStatistics statistics{{10, -2}, {4, 0.5}}, conditions{{8}, {2}};
  auto standardized = standardize(flow, statistics, &conditions);
  ASSERT_TRUE(bool(standardized)) << standardized.error().message;
  EXPECT_THAT(standardized->text(), HasSubstr("non_trainable(affine([-4], [0.5])), raw_cond_shape = [1]"));
  EXPECT_EQ(standardized->condDim(), 1);
}

TEST(StandardizeTest, KnowsWhichFlowsCoverAllReals) {
  EXPECT_TRUE(supportsAllReals(parse(couplingText)));
  EXPECT_FALSE(supportsAllReals(parse("flow f = transformed(standard_normal([2]), tanh([2]))")));
}

TEST(StandardizeTest, ConstantColumnsAreNamed) {
  std::vector<double> rows = {1, 0.1, 2, 0.1, 3, 0.1};
  auto statistics = computeStatistics(rows.data(), 3, 2, {"a", "b"});
  ASSERT_FALSE(bool(statistics));
  EXPECT_THAT(statistics.error().message, HasSubstr("column 'b' is constant"));
  std::vector<double> good = {1, 5, 3, 7};
  statistics = computeStatistics(good.data(), 2, 2, {});
  ASSERT_TRUE(bool(statistics));
  EXPECT_THAT(statistics->mean, testing::ElementsAre(2, 6));
  EXPECT_THAT(statistics->deviation, testing::ElementsAre(1, 1));
}

TEST(StandardizeTest, ConstantsAreFiniteInTheModelsType) {
  using testing::DoubleEq;
  // The squares of these overflow, and no float32 holds them.
  std::vector<double> large = {1e300, 1e39, 3e300, -1e39};
  auto statistics = computeStatistics(large.data(), 2, 2, {});
  ASSERT_TRUE(bool(statistics)) << statistics.error().message;
  EXPECT_THAT(statistics->mean, testing::ElementsAre(DoubleEq(2e300), 0));
  EXPECT_THAT(statistics->deviation, testing::ElementsAre(DoubleEq(1e300), DoubleEq(1e39)));
  auto standardized = standardize(parse(couplingText), *statistics, nullptr);
  ASSERT_TRUE(bool(standardized)) << standardized.error().message;
  auto model = Model::initialise(*standardized, {.dtype = F64});
  ASSERT_TRUE(bool(model)) << model.error().message;
  for (size_t i = 0; i < model->parameters().size(); ++i)
    if (model->parameters()[i].path.starts_with(".bijection.loc")) {
      EXPECT_EQ(model->values(i), statistics->mean);
    }

  std::vector<double> narrow = {1e-310, 3e-310};
  auto refused = computeStatistics(narrow.data(), 2, 1, {"a"});
  ASSERT_FALSE(bool(refused));
  EXPECT_THAT(refused.error().message, HasSubstr("column 'a' is too narrow to be standardised in float64"));
  std::vector<float> narrowFloats = {1e-39F, 3e-39F};
  refused = computeStatistics(narrowFloats.data(), 2, 1, {});
  ASSERT_FALSE(bool(refused));
  EXPECT_THAT(refused.error().message, HasSubstr("column 0 is too narrow to be standardised in float32"));
}

TEST(RecordTest, JsonKeepsEverything) {
  TrainingRecord record;
  record.columns = {"a", "b\"c"};
  record.trainLosses = {1.5, NAN};
  record.valLosses = {0.1, 0.2};
  record.bestEpoch = 1;
  record.testLogProb = -2.5;
  record.testRows = 7;
  auto read = TrainingRecord::fromJson(record.toJson());
  ASSERT_TRUE(bool(read)) << read.error().message;
  EXPECT_EQ(read->columns, record.columns);
  EXPECT_TRUE(std::isnan(read->trainLosses[1]));
  EXPECT_EQ(read->valLosses, record.valLosses);
  EXPECT_EQ(*read->testLogProb, -2.5);
  EXPECT_FALSE(bool(TrainingRecord::fromJson("{")));
  EXPECT_TRUE(bool(TrainingRecord::fromJson("")));
}
