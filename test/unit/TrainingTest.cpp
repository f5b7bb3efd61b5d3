//===- TrainingTest.cpp - Maximum-likelihood training ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/Training/Optimizer.h"
#include "flowc/Training/Record.h"
#include "flowc/Training/Standardize.h"
#include "flowc/Training/Trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace flowc;
using flowc::test::parse;
using flowc::test::take;
using flowc::test::TemporaryDirectory;
using testing::ContainsRegex;
using testing::HasSubstr;

namespace {

constexpr const char *affineText = "flow f = transformed(standard_normal([2]), affine(zeros(2), ones(2)))";
constexpr const char *couplingText = "flow f = coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 5)";

Model initialise(const std::string &text, DType dtype) {
  return flowc::test::initialise(text, {.seed = 3, .dtype = dtype});
}

/// Normal rows of mean (3, -1) and deviation (2, 0.5).
template <typename T>
Rows<T> normalRows(int64_t rows) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  Rows<T> x(rows, 2);
  for (int64_t i = 0; i < rows; ++i) {
    x(i, 0) = static_cast<T>(3 + 2 * normal(random));
    x(i, 1) = static_cast<T>(-1 + 0.5 * normal(random));
  }
  return x;
}

template <typename T>
RowsMap<T> mapOf(const Rows<T> &rows) {
  return {rows.data(), rows.rows(), rows.cols()};
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

TEST(TrainerTest, FindsMeanAndDeviation) {
  Model model = initialise(affineText, F64);
  Rows<double> x = normalRows<double>(4000);
  FitOptions options{.learningRate = 0.05, .maxEpochs = 60, .maxPatience = 20};
  auto result = fitToData(model, x, options);
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
  Rows<double> x = normalRows<double>(500);
  FitOptions options{.learningRate = 0.8, .maxEpochs = 200, .maxPatience = 3};
  auto result = fitToData(model, x, options);
  ASSERT_TRUE(bool(result)) << result.error().message;
  ASSERT_LT(result->valLosses.size(), 200u);
  EXPECT_EQ(static_cast<int64_t>(result->valLosses.size()), result->bestEpoch + options.maxPatience + 1);
}

TEST(TrainerTest, SameForEveryNumberOfThreads) {
  Rows<float> x = normalRows<float>(3000);
  std::vector<std::vector<double>> results;
  for (int threads : {1, 2}) {
    Model model = initialise(couplingText, F32);
    auto result = fitToData(model, x, {.maxEpochs = 3, .batchSize = 700, .threads = threads});
    ASSERT_TRUE(bool(result)) << result.error().message;
    results.push_back(model.trainable());
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(TrainerTest, ResumingGivesTheSameBits) {
  TemporaryDirectory folder;
  Rows<float> x = normalRows<float>(1000);
  TrainingData data(mapOf(x));
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
  Rows<float> x = normalRows<float>(200);
  TrainingData data(mapOf(x));
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
  Rows<float> changed = x;
  changed(2, 1) += 1;
  EXPECT_THAT(error(TrainingData(mapOf(changed)), options), HasSubstr("another 'data'"));
  std::string bytes = TemporaryDirectory::read(checkpoint);
  folder.write("c.safetensors", bytes.substr(0, bytes.size() / 2));
  EXPECT_THAT(error(data, options), HasSubstr("cut off"));
}

TEST(TrainerTest, ResumesAtAnyStepWithEveryOptimizer) {
  TemporaryDirectory folder;
  std::mt19937_64 random(5);
  Rows<float> x = normalRows<float>(300);
  for (const OptimizerInfo *info : optimizerTable()) {
    FitOptions options{.learningRate = 0.01, .maxEpochs = 6, .batchSize = info->needsAllRows ? 300 : 50};
    bool competes = info->name == optimizerTable().front()->name;
    options.update = {.optimizer = info->name, .clipNorm = 1, .average = 0.8, .averageCompetes = competes};
    options.update.schedule = take(Choice::parse("plateau:patience=1"));
    auto start = [&](Model &model, int64_t stopAfter, int threads) {
      FitOptions own = options;
      own.threads = threads;
      own.interrupted = [stopAfter, steps = int64_t(0)]() mutable { return steps++ == stopAfter; };
      return createTrainer(model, TrainingData(mapOf(x)), own);
    };
    Model straight = initialise(couplingText, F32), stopped = straight, resumed = straight;
    auto whole = start(straight, -1, 1);
    finish(*whole);
    whole->keepBest();
    auto stop = 1 + static_cast<int64_t>(random() % (whole->totalSteps() - 1));
    auto first = start(stopped, stop, 2);
    ASSERT_EQ(finish(*first), Trainer::Outcome::Interrupted);
    ASSERT_TRUE(first->saveCheckpoint(folder / "c.safetensors"));
    auto second = start(resumed, -1, 1);
    auto loaded = second->loadCheckpoint(folder / "c.safetensors");
    ASSERT_TRUE(loaded) << loaded.error().message;
    finish(*second);
    second->keepBest();
    EXPECT_EQ(straight.trainable(), resumed.trainable()) << info->name << ", stopped after " << stop;
    EXPECT_EQ(second->state().valLosses, whole->state().valLosses) << info->name;
    EXPECT_EQ(second->state().gradientNorms, whole->state().gradientNorms) << info->name;
  }
}

TEST(TrainerTest, BestParametersAreRestored) {
  // A rate that soon does harm: the last epochs are worse than the best.
  Rows<double> x = normalRows<double>(500);
  Model model = initialise(affineText, F64);
  FitOptions options{.learningRate = 0.5, .maxEpochs = 30, .maxPatience = 30};
  std::vector<std::vector<double>> after;
  options.onEpoch = [&](int64_t, double, double) {
    after.push_back(model.trainable());
    return true;
  };
  auto result = take(fitToData(model, x, options));
  ASSERT_LT(result.bestEpoch, 30);
  EXPECT_EQ(model.trainable(), after[result.bestEpoch - 1]);
  options.returnBest = false;
  after.clear();
  model = initialise(affineText, F64);
  take(fitToData(model, x, options));
  EXPECT_EQ(model.trainable(), after.back());
}

TEST(TrainerTest, WeightsCountRows) {
  // All rows in each step, nothing to validate: row i once or twice, or with weight
  // 1 or 2.
  Rows<double> x = normalRows<double>(60), twice(80, 2), weights = Rows<double>::Ones(60, 1);
  twice.topRows(60) = x;
  twice.bottomRows(20) = x.topRows(20);
  weights.topRows(20).setConstant(2);
  auto fit = [](const TrainingData &data, const std::string &optimizer) {
    Model model = initialise(affineText, F64);
    auto trainer = createTrainer(
        model, data,
        {.learningRate = 0.1, .maxEpochs = 50, .batchSize = 100, .valProp = 0, .update = {.optimizer = optimizer}});
    finish(*trainer);
    return std::pair(model.trainable(), trainer->state().trainLosses);
  };
  TrainingData weighted(mapOf(x)), ones(mapOf(x));
  weighted.setWeights(mapOf(weights));
  Rows<double> same = Rows<double>::Constant(60, 1, 3.5);
  ones.setWeights(mapOf(same));
  auto expected = fit(TrainingData(mapOf(twice)), "sgd"), found = fit(weighted, "sgd");
  for (size_t i = 0; i < expected.first.size(); ++i)
    EXPECT_NEAR(found.first[i], expected.first[i], 1e-12); // Sums in another order.
  // Equal weights change no bit, whatever they are.
  EXPECT_EQ(fit(ones, "adam"), fit(TrainingData(mapOf(x)), "adam"));

  Rows<double> bad = weights;
  bad(3, 0) = -1;
  weighted.setWeights(mapOf(bad));
  Model model = initialise(affineText, F64);
  auto refused = Trainer::create(model, weighted, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the weight of row 4 is -1"));
}

// A row that is far off counts in every epoch, not only in those whose full batches have it.
TEST(TrainerTest, EpochsAreJudgedByAllRowsIfAsked) {
  Rows<double> x = normalRows<double>(200), other = normalRows<double>(30);
  other(29, 0) = 1e4;
  TrainingData data(mapOf(x));
  data.setValidation(mapOf(other));
  for (bool all : {false, true}) {
    Model model = initialise(affineText, F64);
    auto trainer =
        createTrainer(model, data, {.maxEpochs = 20, .maxPatience = 20, .batchSize = 20, .validateAll = all});
    finish(*trainer);
    auto with = std::ranges::count_if(trainer->state().valLosses, [](double loss) { return loss > 1e4; });
    if (all)
      EXPECT_EQ(with, 20);
    else
      EXPECT_LT(with, 20) << "FlowJAX leaves ten rows out in every epoch";
  }
}

// The checkpoint knows how its training was judged.
TEST(TrainerTest, ResumingKeepsHowEpochsAreJudged) {
  TemporaryDirectory folder;
  Rows<double> x = normalRows<double>(200), other = normalRows<double>(30);
  TrainingData data(mapOf(x));
  data.setValidation(mapOf(other));
  for (bool all : {false, true}) {
    FitOptions options{.maxEpochs = 3, .batchSize = 20, .validateAll = all}, others = options;
    others.maxEpochs = 4;
    others.validateAll = !all;
    Model begun = initialise(affineText, F64), resumed = initialise(affineText, F64);
    auto first = createTrainer(begun, data, options);
    finish(*first);
    std::string checkpoint = folder / "c.safetensors";
    ASSERT_TRUE(bool(first->saveCheckpoint(checkpoint)));
    auto rest = createTrainer(resumed, data, others);
    auto loaded = rest->loadCheckpoint(checkpoint);
    ASSERT_TRUE(bool(loaded)) << loaded.error().message;
    finish(*rest);
    options.maxEpochs = 4;
    Model straight = initialise(affineText, F64);
    auto whole = createTrainer(straight, data, options);
    finish(*whole);
    EXPECT_EQ(rest->state().valLosses, whole->state().valLosses);
  }
}

TEST(TrainerTest, ValidationRowsOfTheirOwn) {
  Rows<double> x = normalRows<double>(300), other = x.bottomRows(100);
  Rows<double> train = x.topRows(200);
  TrainingData data(mapOf(train));
  data.setValidation(mapOf(other));
  Model model = initialise(affineText, F64);
  auto trainer = createTrainer(model, data, {.maxEpochs = 1, .batchSize = 100});
  finish(*trainer);
  EXPECT_EQ(trainer->state().step, 2) << "no row to train on is kept for validation";
  trainer->keepBest();
  auto kernels = take(compile(model.flow(), {.dtype = F64}));
  double mean = take(kernels->logProb<double>(model, other)).mean();
  EXPECT_NEAR(trainer->state().valLosses.back(), -mean, 1e-13); // Summed in another order.
}

TEST(TrainerTest, NamesTheRowThatIsNotFinite) {
  // A row outside of (-1, 1) has density 0, whatever the parameters are.
  Model model =
      initialise("flow f = transformed(coupling_flow(standard_normal([2]), flow_layers = 1), tanh([2]))", F32);
  Rows<float> x = Rows<float>::Constant(50, 2, 0.25F);
  x(16, 1) = 3;
  auto result = fitToData(model, x, {.batchSize = 25, .valProp = 0});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message,
              HasSubstr("row 17 of the data is infinite, as coordinate 1 of 'tanh' (.bijection) is NaN"));
}

TEST(TrainerTest, GoesBackWithSmallerSteps) {
  // Steps of this size leave the range of float32 sooner or later.
  Rows<float> x = normalRows<float>(400);
  Model model = initialise(couplingText, F32);
  int told = 0;
  FitOptions options{.learningRate = 3e4, .maxEpochs = 10, .maxPatience = 10};
  options.update.optimizer = "sgd";
  options.update.maxRecoveries = 100;
  options.update.onRecovery = [&](const std::string &what) {
    ++told;
    EXPECT_THAT(what, HasSubstr("with half the learning rate"));
  };
  auto result = fitToData(model, x, options);
  EXPECT_GT(told, 0);
  ASSERT_TRUE(result) << result.error().message;
  for (double value : model.trainable())
    EXPECT_TRUE(std::isfinite(value));
  EXPECT_TRUE(std::isfinite(result->trainLosses.back()));
}

TEST(TrainerTest, StartsWithSmallerParametersWhereInitialOnesLeaveTheRange) {
  // 32 layers multiply what is far out again and again: float32 ends there.
  Rows<float> x = normalRows<float>(300);
  x(100, 0) = 1e6F;
  constexpr const char *deep = "flow f = coupling_flow(standard_normal([2]), flow_layers = 32)";
  Model model = initialise(deep, F32);
  std::vector<double> initial = model.trainable();
  std::vector<std::string> told;
  FitOptions options{.learningRate = 1e-9, .maxEpochs = 1, .batchSize = 27};
  options.update.onRecovery = [&](const std::string &what) { told.push_back(what); };
  auto result = fitToData(model, x, options);
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0],
              ContainsRegex("that of row 101 of the data is infinite, as .* of layer [0-9]+ of '(mlp|coupling)' "
                            "\\(.*bijection.* is"));
  EXPECT_THAT(told[0], HasSubstr("training starts with the initial parameters times 0."));
  EXPECT_TRUE(std::isfinite(result->valLosses.back()));
  double factor = model.trainable()[0] / initial[0];
  EXPECT_LT(factor, 0.6);
  EXPECT_GT(factor, 0);

  Model trained = initialise(deep, F32);
  options.mayShrinkStart = false;
  auto refused = fitToData(trained, x, options);
  ASSERT_FALSE(refused) << "what was trained before stays";
  EXPECT_THAT(refused.error().message, HasSubstr("row 101 of the data is infinite"));
}

TEST(TrainerTest, NamesWhatWentWrongOfDraws) {
  auto messageOf = [](const std::string &flow, const std::string &density) {
    Model model = initialise(flow, F64);
    auto result = fitToTarget(model, *Flow::parseDensity(density), {.steps = 3, .numSamples = 64});
    return result ? "no error" : result.error().message;
  };
  constexpr const char *normal = "flow f = transformed(standard_normal([2]), affine([0, 0], [1, 1]))";
  // Half of the draws are where the target is 0.
  EXPECT_THAT(messageOf(normal, "density t(x[2]) = log(x[0]) - x[1]^2"),
              ContainsRegex("in step 1: that of draw [0-9]+ of seed 0 is infinite, as the target at "
                            "\\(-[0-9.e-]+, [0-9.e-]+\\) is minus infinity"));
  EXPECT_THAT(
      messageOf("flow f = transformed(standard_normal([2]), chain([affine([7, 7], [1, 1]), exp([2]), exp([2])]))",
                "density t(x[2]) = -0.5*(x[0]^2 + x[1]^2)"),
      ContainsRegex("draw [0-9]+ of seed 0 is .*, as coordinate [01] of the flow's point is infinite"));
}

TEST(TrainerTest, HeldOutRowsAreThoseOfTheValidation) {
  Rows<double> x = normalRows<double>(200);
  Model model = initialise(affineText, F64);
  FitOptions options{.maxEpochs = 2, .batchSize = 10};
  auto trainer = createTrainer(model, TrainingData(mapOf(x)), options);
  finish(*trainer);
  Trainer::HeldOut fit = take(trainer->heldOut());
  EXPECT_EQ(fit.rows, 20);
  EXPECT_NEAR(fit.meanLoss, trainer->state().valLosses.back(), 1e-13); // Summed in another order.
  // The flow has hardly moved from the standard normal, whose loss of a row is half a sum of squares and a constant.
  Eigen::ArrayXd losses = 0.5 * x.rowwise().squaredNorm().array();
  double deviation = std::sqrt((losses - losses.mean()).square().sum() / 199);
  EXPECT_NEAR(fit.error, deviation / std::sqrt(20.0), deviation / 8); // The deviation of 20 rows is not that of all.

  Rows<double> weights = Rows<double>::Ones(200, 1);
  TrainingData weighted(mapOf(x));
  weighted.setWeights(mapOf(weights));
  auto other = createTrainer(model, weighted, options);
  EXPECT_EQ(take(other->heldOut()).rows, 0);
}

TEST(TrainerTest, TakesBackEpochsWhoseValidationIsFarOff) {
  Rows<float> x = normalRows<float>(400);
  FitOptions options{.learningRate = 1, .maxEpochs = 40, .maxPatience = 40};
  std::vector<std::string> told;
  options.update.onRecovery = [&](const std::string &what) { told.push_back(what); };
  constexpr double most = 0.5 * 2; // Nats per dimension.
  auto mostAboveBest = [](const std::vector<double> &losses) {
    double best = losses[0], above = 0;
    for (double loss : losses) {
      above = std::max(above, loss - best);
      best = std::min(best, loss);
    }
    return above;
  };
  options.update.maxRecoveries = 0; // As FlowJAX.
  Model other = initialise(couplingText, F32);
  auto without = take(fitToData(other, x, options));
  ASSERT_GT(mostAboveBest(without.valLosses), most) << "the rate is not large enough for this test";
  EXPECT_TRUE(told.empty());

  options.update.maxRecoveries = 5;
  int64_t ended = 0;
  options.onEpoch = [&](int64_t epoch, double, double) {
    ended = epoch;
    return true;
  };
  options.update.onRecovery = [&](const std::string &what) {
    told.push_back(what);
    EXPECT_THAT(what, HasSubstr("the validation loss of epoch " + std::to_string(ended + 1) + " is "));
  };
  Model model = initialise(couplingText, F32);
  auto result = take(fitToData(model, x, options));
  ASSERT_FALSE(told.empty());
  EXPECT_THAT(told[0], HasSubstr("the validation loss of epoch "));
  EXPECT_LE(mostAboveBest(result.valLosses), most);
  EXPECT_LE(result.valLosses[result.bestEpoch - 1], without.valLosses[without.bestEpoch - 1]);
}

/// A row that is held out, and so far out that its loss is no number.
TEST(TrainerTest, FirstEpochsWithoutAValidationLossAreTold) {
  FitOptions options{.learningRate = 1e-3, .maxEpochs = 1};
  bool isTold = false;
  options.update.onRecovery = [&](const std::string &what) {
    isTold |= what.find("the validation loss of epoch 1 is") != std::string::npos;
  };
  for (int64_t row = 0; row < 100 && !isTold; ++row) {
    Rows<float> x = normalRows<float>(100);
    x(row, 0) = 1e25F;
    Model model = initialise(affineText, F32);
    auto result = fitToData(model, x, options);
    isTold |= !result && result.error().message.find("the validation loss of epoch 1 is") != std::string::npos;
  }
  EXPECT_TRUE(isTold);
}

TEST(TrainerTest, AveragesAreValidatedAndKept) {
  Rows<double> x = normalRows<double>(400);
  Model model = initialise(affineText, F64);
  FitOptions options{.learningRate = 0.05, .maxEpochs = 20, .update = {.average = 0.95}};
  auto result = take(fitToData(model, x, options));
  auto kernels = take(compile(model.flow(), {.dtype = F64}));
  Model plain = initialise(affineText, F64);
  options.update.average = 0;
  auto without = take(fitToData(plain, x, options));
  EXPECT_EQ(result.trainLosses.front(), without.trainLosses.front()) << "steps are the same";
  EXPECT_NE(result.valLosses.front(), without.valLosses.front());
  EXPECT_NE(model.trainable(), plain.trainable());
}

TEST(TrainerTest, AveragesCompeteWithTheParameters) {
  Rows<double> x = normalRows<double>(400);
  FitOptions options{.learningRate = 0.3, .maxEpochs = 30, .maxPatience = 30, .batchSize = 20};
  std::vector<double> models[3];
  auto train = [&](int which, double average, bool competes) {
    Model model = initialise(affineText, F64);
    options.update.average = average;
    options.update.averageCompetes = competes;
    FitResult result = take(fitToData(model, x, options));
    models[which] = model.trainable();
    return result;
  };
  FitResult plain = train(0, 0, true), averaged = train(1, 0.9, false), both = train(2, 0.9, true);
  size_t wins = 0;
  for (size_t i = 0; i < both.valLosses.size(); ++i) {
    EXPECT_EQ(both.valLosses[i], std::min(plain.valLosses[i], averaged.valLosses[i])) << i;
    wins += averaged.valLosses[i] < plain.valLosses[i];
  }
  EXPECT_GT(wins, 0U);
  EXPECT_LT(wins, both.valLosses.size());
  auto best = static_cast<size_t>(both.bestEpoch - 1);
  EXPECT_EQ(models[2], models[averaged.valLosses[best] < plain.valLosses[best] ? 1 : 0]);
  EXPECT_EQ(both.bestEpoch, (averaged.valLosses[best] < plain.valLosses[best] ? averaged : plain).bestEpoch);
}

TEST(TrainerTest, BadOptionsAreErrors) {
  Rows<float> x = normalRows<float>(10);
  Model model = initialise(affineText, F32);
  auto error = [&](const FitOptions &options) {
    auto result = fitToData(model, x, options);
    return result ? "" : result.error().message;
  };
  auto errorOf = [](const Expected<FitResult> &result) { return result ? "" : result.error().message; };
  EXPECT_THAT(error({.learningRate = -1}), HasSubstr("learning rate"));
  EXPECT_THAT(error({.batchSize = 0}), HasSubstr("batch size"));
  EXPECT_THAT(error({.valProp = 1}), HasSubstr("val_prop < 1"));
  EXPECT_THAT(error({.batchSize = 5, .update = {.optimizer = "lbfgs"}}), HasSubstr("needs all 9 rows in every step"));
  EXPECT_THAT(error({.update = {.optimizer = "adm"}}), HasSubstr("did you mean 'adam'?"));
  EXPECT_THAT(error({.update = {.schedule = "linear"}}), HasSubstr("there is no schedule 'linear'"));
  EXPECT_THAT(error({.update = {.clipNorm = -1}}), HasSubstr("clipped to a norm of -1"));
  EXPECT_THAT(error({.update = {.average = 1}}), HasSubstr("expected 0 <= decay < 1"));
  EXPECT_THAT(error({.update = {.freeze = {".nothing*"}}}), HasSubstr("no trainable parameter matches '.nothing*'"));
  EXPECT_THAT(error({.update = {.freeze = {"*"}}}), HasSubstr("all parameters of 'f' are frozen"));
  EXPECT_THAT(errorOf(fitToData(model, x, x)), HasSubstr("takes no condition"));
  EXPECT_THAT(errorOf(fitToData(model, Rows<float>(0, 2))), HasSubstr("no rows to train on"));
  EXPECT_THAT(errorOf(fitToData(model, Rows<float>(9, 3))), HasSubstr("got rows of 3"));
  EXPECT_THAT(errorOf(fitToData(model, normalRows<double>(10))), HasSubstr("the model holds float32"));
}

TEST(StandardizeTest, AddsAFrozenLayerInDataUnits) {
  Flow flow = parse(couplingText);
  ColumnStatistics statistics{{10, -2}, {4, 0.5}};
  auto standardized = standardize(flow, &statistics, nullptr);
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
  auto standardized = standardize(flow, &statistics, &conditions);
  ASSERT_TRUE(bool(standardized)) << standardized.error().message;
  EXPECT_THAT(standardized->text(), HasSubstr("non_trainable(affine([-4], [0.5])), raw_cond_shape = [1]"));
  EXPECT_EQ(standardized->condDim(), 1);
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
  auto standardized = standardize(parse(couplingText), &*statistics, nullptr);
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
  record.steps = 300;
  record.choices = {{"optimizer", "adam"}};
  record.evaluation = {{"elbo", -1.25}, {"pareto_k", INFINITY}};
  auto read = TrainingRecord::fromJson(record.toJson());
  ASSERT_TRUE(bool(read)) << read.error().message;
  EXPECT_EQ(read->columns, record.columns);
  EXPECT_TRUE(std::isnan(read->trainLosses[1]));
  EXPECT_EQ(read->valLosses, record.valLosses);
  EXPECT_EQ(*read->testLogProb, -2.5);
  EXPECT_EQ(read->steps, 300);
  EXPECT_EQ(read->choices, record.choices);
  EXPECT_EQ(read->evaluation.at("elbo"), -1.25);
  EXPECT_TRUE(std::isnan(read->evaluation.at("pareto_k"))) << "JSON knows no infinity";
  EXPECT_FALSE(bool(TrainingRecord::fromJson("{")));
  for (const char *text : {R"({"rows": 1e300})", R"({"test_log_prob": 1, "test_rows": -1e99})",
                           R"({"search": [{"log_likelihood": 1, "error": 1, "steps": 1e30}]})"})
    EXPECT_FALSE(bool(TrainingRecord::fromJson(text))) << text;
  EXPECT_TRUE(bool(TrainingRecord::fromJson("")));
}
