//===- TargetTest.cpp - Training by steps ---------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/Training/Optimizer.h"
#include "flowc/Training/Schedule.h"
#include "flowc/Training/Trainer.h"
#include "flowc/Training/TrainingTarget.h"

#include <gmock/gmock.h>

#include <cmath>

using namespace flowc;
using flowc::test::take;
using flowc::test::TemporaryDirectory;
using testing::HasSubstr;

namespace {

constexpr const char *affineText = "flow f = transformed(standard_normal([2]), affine([0, 0], [1, 1]))";
constexpr const char *couplingText =
    "flow f = coupling_flow(standard_normal([2]), flow_layers = 2, nn_width = 5, invert = false)";
/// The normal distribution of mean (1, -2) and deviations (0.5, 3), times e^7.
constexpr const char *normalText =
    "density t(x[2]) = 7 - 0.5*(((x[0] - 1)/0.5)^2 + ((x[1] + 2)/3)^2) - log(2*pi) - log(1.5)";

Flow density(const std::string &text) { return take(Flow::parseDensity(text), text); }
Model initialise(const std::string &text, DType dtype) { return test::initialise(text, {.seed = 3, .dtype = dtype}); }

/// sum (p - i)^2 over all parameters, exactly.
Expected<double> distance(const Model &model, const Batch &, std::span<double> gradient) {
  std::vector<double> p = model.trainable();
  double loss = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    double difference = p[i] - static_cast<double>(i);
    loss += difference * difference;
    gradient[i] = 2 * difference;
  }
  return loss;
}

/// Options that train quickly, with this optimiser and schedule.
UpdateOptions updateWith(const std::string &optimizer, const std::string &schedule = "constant") {
  UpdateOptions update;
  update.optimizer = take(Choice::parse(optimizer));
  update.schedule = take(Choice::parse(schedule));
  return update;
}

} // namespace

TEST(FitToTargetTest, FindsANormalDistributionExactly) {
  for (DType dtype : {F32, F64}) {
    Model model = initialise(affineText, dtype);
    auto result = take(fitToTarget(model, density(normalText),
                                   {.objective = "stl", .learningRate = 0.02, .steps = 2000, .numSamples = 64}));
    // Sticking the landing has no variance there: only rounding remains.
    double tolerance = dtype == F32 ? 1e-3 : 1e-5;
    EXPECT_TRUE(result.converged);
    EXPECT_NEAR(-result.valLosses[result.bestRound - 1], 7, tolerance);
    EXPECT_NEAR(model.values(0)[0], 1, 0.01);
    EXPECT_NEAR(model.values(0)[1], -2, 0.01);
    EXPECT_EQ(result.statistics.front().iteration, 1);
    EXPECT_LT(result.statistics.back().gradientNorm, result.statistics.front().gradientNorm);
  }
}

TEST(FitToTargetTest, GivenDrawsAreUsedInEveryStep) {
  test::Random random(5);
  Rows<double> z = random.normals<double>(200, 2);
  // The minimum over these draws: each coordinate has the mean and the deviation of
  // the target, as far as the draws tell.
  Model model = initialise(affineText, F64);
  auto options = TargetOptions{.objective = "elbo", .steps = 200, .tolerance = 0, .update = updateWith("lbfgs")};
  options.learningRate = 1;
  take(fitToTarget(model, density(normalText), z, options));
  for (int d = 0; d < 2; ++d) {
    double mean = z.col(d).mean(), square = z.col(d).squaredNorm() / 200;
    double target[] = {1, -2}, deviation[] = {0.5, 3};
    // loc + scale mean(z) = target; scale^2 (mean(z^2) - mean(z)^2) = deviation^2.
    double scale = deviation[d] / std::sqrt(square - mean * mean);
    EXPECT_NEAR(std::log1p(std::exp(model.values(1)[d])), scale, 1e-6) << d;
    EXPECT_NEAR(model.values(0)[d], target[d] - scale * mean, 1e-6) << d;
  }
}

TEST(FitToTargetTest, SameForEveryNumberOfThreads) {
  std::vector<std::vector<double>> results;
  for (int threads : {1, 2}) {
    Model model = initialise(couplingText, F32);
    take(fitToTarget(model, density(normalText), {.steps = 50, .numSamples = 700, .threads = threads}));
    results.push_back(model.trainable());
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(FitToTargetTest, WrongUseIsAnError) {
  Model model = initialise(affineText, F32);
  auto error = [&](const TargetOptions &options, const char *target = normalText) {
    auto result = fitToTarget(model, density(target), options);
    return result ? "" : result.error().message;
  };
  EXPECT_THAT(error({.objective = "elb"}), HasSubstr("there is no objective 'elb'; did you mean 'elbo'?"));
  EXPECT_THAT(error({.objective = "likelihood"}), HasSubstr("'likelihood' is about data"));
  EXPECT_THAT(error({.numSamples = 0}), HasSubstr("at least 1 sample"));
  EXPECT_THAT(error({.update = updateWith("lbfgs")}), HasSubstr("needs the same rows in every step"));
  EXPECT_THAT(error({}, "density t(x[3]) = -sum(x^2)"), HasSubstr("has 3 coordinates, but 'f' has 2"));
  // Outside of the target's support from the first draw on.
  EXPECT_THAT(error({.steps = 10}, "density t(x[2]) = where(x[0] < 0, -sum(x^2), -1/0)"),
              testing::AllOf(HasSubstr("the loss is infinite in step 1: that of draw"), HasSubstr("support")));
}

TEST(ResumeTest, TargetsAtAnyStepWithEveryOptimizerAndSchedule) {
  TemporaryDirectory folder;
  test::Random random(11);
  Flow target = density("density t(x[2]) = -0.5*(x[0]^2 + (x[1] - x[0]^2)^2)");
  std::vector<UpdateOptions> cases;
  for (const OptimizerInfo *info : optimizerTable())
    cases.push_back(updateWith(info->name, "cosine"));
  for (const ScheduleInfo &info : scheduleTable())
    cases.push_back(updateWith("adam", std::string(info.name) == "plateau" ? "plateau:patience=1" : info.name));
  cases.back().average = 0.9;
  cases.back().clipNorm = 0.5;
  cases.back().freeze = {initialise(couplingText, F32).parameters()[0].path, "*bias"};
  for (size_t i = 0; i < cases.size(); ++i) {
    TargetOptions options{.learningRate = 0.02, .steps = 60, .numSamples = 16, .valSamples = 64, .update = cases[i]};
    options.redraw = cases[i].optimizer.name != "lbfgs";
    auto start = [&](Model &model, int stopAfter, int threads) {
      TargetOptions own = options;
      own.threads = threads;
      own.interrupted = [stopAfter, steps = 0]() mutable { return steps++ == stopAfter; };
      return take(Trainer::create(model, target, {}, own));
    };
    auto finish = [](Trainer &trainer) {
      auto outcome = take(trainer.advance());
      while (outcome == Trainer::Outcome::EpochEnded)
        outcome = take(trainer.advance());
      return outcome;
    };
    Model straight = initialise(couplingText, F32), stopped = straight, resumed = straight;
    auto whole = start(straight, -1, 1);
    finish(*whole);
    whole->keepBest();
    int stop = 1 + int(random.below(58));
    auto first = start(stopped, stop, 2);
    ASSERT_EQ(finish(*first), Trainer::Outcome::Interrupted);
    ASSERT_TRUE(first->saveCheckpoint(folder / "c.safetensors"));
    auto second = start(resumed, -1, 1);
    auto loaded = second->loadCheckpoint(folder / "c.safetensors");
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(second->state().step, stop);
    finish(*second);
    second->keepBest();
    std::string what =
        cases[i].optimizer.text() + ", " + cases[i].schedule.text() + ", stopped at " + std::to_string(stop);
    EXPECT_EQ(straight.trainable(), resumed.trainable()) << what;
    EXPECT_NE(straight.trainable(), stopped.trainable()) << what;
    ASSERT_EQ(second->statistics().size(), whole->statistics().size()) << what;
    for (size_t step = 0; step < whole->statistics().size(); ++step)
      EXPECT_EQ(second->statistics()[step].loss, whole->statistics()[step].loss) << what << ", step " << step;
    EXPECT_EQ(second->state().valLosses, whole->state().valLosses) << what;
  }
}

TEST(ResumeTest, DamagedCheckpointsAreRefused) {
  TemporaryDirectory folder;
  Model model = initialise(affineText, F32);
  auto trainer = take(Trainer::create(model, density(normalText), {}, TargetOptions{.steps = 10}));
  ASSERT_TRUE(trainer->advance());
  SavedState good = trainer->save();
  std::vector<double> before = model.trainable();
  auto error = [&](auto change) {
    SavedState state = good;
    change(state);
    auto ok = trainer->restore(state, "'c'");
    EXPECT_EQ(model.trainable(), before) << "a refused checkpoint changes nothing";
    return ok ? "" : ok.error().message;
  };
  EXPECT_EQ(error([](SavedState &) {}), "");
  EXPECT_THAT(error([](SavedState &state) { state.counts.erase("step"); }), HasSubstr("its entry 'step' is no number"));
  EXPECT_THAT(error([](SavedState &state) { state.counts["best_epoch"] = 7; }),
              HasSubstr("'best_epoch' is no number from 0 to 1"));
  EXPECT_THAT(error([](SavedState &state) { state.counts["step"] = -1; }), HasSubstr("'step'"));
  EXPECT_THAT(error([](SavedState &state) { state.arrays.erase("optimizer.m"); }),
              HasSubstr("'optimizer.m' is missing"));
  EXPECT_THAT(error([](SavedState &state) { state.arrays["parameters"].bytes.resize(4); }),
              HasSubstr("has 1 numbers of float32, expected 4"));
  EXPECT_THAT(error([](SavedState &state) {
                state.arrays["good.optimizer.v"].bytes[3] = state.arrays["good.optimizer.v"].bytes[2] = char(0xff);
              }),
              HasSubstr("'optimizer.v' holds a number that is not finite"));
  EXPECT_THAT(error([](SavedState &state) { state.identity["optimizer"] = "sgd"; }),
              HasSubstr("another 'optimizer' (sgd, now adam)"));
  EXPECT_THAT(error([](SavedState &state) { state.identity["target"] = "density"; }), HasSubstr("another 'target'"));
}

/// Which gradient is in use follows from the last round, so that it is a part of the state.
TEST(ResumeTest, NearTheTargetTheGradientIsByScoresAlsoAfterAResume) {
  constexpr int64_t steps = 500; // In rounds of 10.
  auto train = [&](double scoreBelow, int64_t stopAfter, const SavedState *from) {
    Model model = initialise(couplingText, F64);
    TargetOptions options{.steps = steps, .numSamples = 32, .scoreBelow = scoreBelow};
    options.interrupted = [stopAfter, calls = int64_t(0)]() mutable { return calls++ == stopAfter; };
    auto trainer = take(Trainer::create(model, density(normalText), {}, options));
    if (from) {
      SavedState copy = *from;
      EXPECT_TRUE(trainer->restore(copy, "it"));
    }
    while (take(trainer->advance()) == Trainer::Outcome::EpochEnded)
      ;
    return std::tuple(trainer->save(), trainer->statistics(), model.trainable());
  };
  auto [pathState, path, pathEnd] = train(0, -1, nullptr);
  auto [state, mixed, end] = train(1e300, -1, nullptr);
  ASSERT_EQ(path.size(), steps);
  ASSERT_EQ(mixed.size(), steps);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(mixed[i].gradientNorm, path[i].gradientNorm)
        << "step " << i << ": nothing is known before the first round";
  EXPECT_NEAR(mixed[10].loss, path[10].loss, 1e-10) << "it is the same loss";
  EXPECT_NE(mixed[10].gradientNorm, path[10].gradientNorm);
  auto [half, some, halfEnd] = train(1e300, 25, nullptr);
  auto [resumedState, resumed, resumedEnd] = train(1e300, -1, &half);
  EXPECT_EQ(resumedEnd, end);
}

TEST(ResumeTest, OtherDataOfATargetIsRefused) {
  TemporaryDirectory folder;
  std::string text = "data y = array(\"y.csv\")\ndensity p(x[2]) = sum(normal_log(y, x[0], exp(x[1])))";
  folder.write("y.csv", "1\n2\n3.5\n");
  auto trainerOf = [&](Model &model) {
    Flow target = take(Flow::parseDensity(text, {}, folder / "p.flow"));
    return take(Trainer::create(model, target, {}, TargetOptions{.steps = 10}));
  };
  Model model = initialise(affineText, F32);
  SavedState state = trainerOf(model)->save();
  EXPECT_TRUE(trainerOf(model)->restore(state, "it"));
  folder.write("y.csv", "1\n2\n3.25\n");
  auto refused = trainerOf(model)->restore(state, "it");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "cannot resume from it: it was written with another 'target_data'");
}

TEST(OptimizeTest, AnyFunctionWithCallbackAndConvergence) {
  Model model = initialise(affineText, F64);
  auto objective = makeObjective("distance", distance);
  OptimizeOptions options{.learningRate = 0.1, .maxIters = 5000};
  std::vector<int64_t> seen;
  options.callback = [&](const StepStatistics &statistics, const Model &now) -> std::map<std::string, double> {
    // Before the update: the loss is that of these parameters.
    std::vector<double> unused(4);
    EXPECT_EQ(take(distance(now, {}, unused)), statistics.loss);
    seen.push_back(statistics.iteration);
    return {{"first", now.trainable()[0]}};
  };
  options.hasConverged = [](const StepStatistics &statistics, const Model &) { return statistics.gradientNorm < 1e-3; };
  auto result = take(optimize(model, *objective, options));
  EXPECT_TRUE(result.converged);
  EXPECT_LT(result.statistics.size(), 5000u);
  EXPECT_EQ(result.statistics.size(), seen.size());
  EXPECT_EQ(result.statistics.front().values.at("first"), 0);
  EXPECT_NEAR(result.statistics.front().gradientNorm, 2 * std::sqrt(result.statistics.front().loss), 1e-12);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(model.trainable()[i], double(i), 1e-3);
}

TEST(OptimizeTest, StatesAreContinued) {
  TemporaryDirectory folder;
  auto objective = makeObjective("distance", distance);
  auto options = [](int64_t maxIters) {
    OptimizeOptions result{.learningRate = 0.05, .maxIters = maxIters, .update = updateWith("adamw")};
    result.callback = [](const StepStatistics &statistics, const Model &) -> std::map<std::string, double> {
      if (statistics.iteration % 2 == 0)
        return {};
      return {{"odd", double(statistics.iteration)}};
    };
    return result;
  };
  Model straight = initialise(affineText, F32), parts = straight;
  auto whole = take(optimize(straight, *objective, options(250)));
  auto first = take(optimize(parts, *objective, options(130)));
  ASSERT_TRUE(first.state.save(folder / "s.safetensors"));
  auto state = take(OptimizerState::load(folder / "s.safetensors"));
  auto second = take(optimize(parts, *objective, options(250), state));
  EXPECT_EQ(parts.trainable(), straight.trainable());
  ASSERT_EQ(second.statistics.size(), 250u);
  for (size_t i = 0; i < 250; ++i) {
    EXPECT_EQ(second.statistics[i].loss, whole.statistics[i].loss);
    EXPECT_EQ(second.statistics[i].values, whole.statistics[i].values) << i;
  }
  auto other = optimize(parts, *objective, {.learningRate = 0.06}, state);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message,
              HasSubstr("cannot resume from the state: it was written with another 'learning_rate'"));
}

TEST(OptimizeTest, FrozenParametersStay) {
  auto objective = makeObjective("distance", distance);
  for (const OptimizerInfo *info : optimizerTable()) {
    Model model = initialise("flow f = transformed(standard_normal([2]), affine([5, 6], [1, 1]))", F64);
    std::string path = model.parameters()[0].path;
    OptimizeOptions options{.learningRate = 0.1, .maxIters = 30, .update = updateWith(info->name)};
    options.update.average = 0.5;
    std::vector<double> loc = model.values(0), scale = model.values(1);
    options.update.freeze = {path};
    take(optimize(model, *objective, options), info->name);
    EXPECT_EQ(model.values(0), loc) << info->name;
    EXPECT_NE(model.values(1), scale) << info->name;
  }
}

TEST(OptimizeTest, GoesBackFromWhatIsNotFinite) {
  // From step 150 on, steps of the full rate lead nowhere.
  Model model = initialise(affineText, F64);
  int calls = 0, broken = 0;
  auto objective = makeObjective(
      "fragile", [&](const Model &now, const Batch &batch, std::span<double> gradient) -> Expected<double> {
        auto loss = distance(now, batch, gradient);
        if (++calls == 150 || calls == 180) {
          ++broken;
          return NAN;
        }
        return loss;
      });
  OptimizeOptions options{.learningRate = 0.1, .maxIters = 300};
  std::vector<std::string> told;
  options.update.onRecovery = [&](const std::string &what) { told.push_back(what); };
  auto result = take(optimize(model, *objective, options));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_THAT(told[0],
              HasSubstr("the loss is NaN in step 150; back to the state after 100 steps, with half the learning rate"));
  ASSERT_EQ(result.statistics.size(), 300u);
  EXPECT_EQ(result.statistics[99].learningRate, 0.1);
  EXPECT_EQ(result.statistics[100].learningRate, 0.025);
  for (const StepStatistics &statistics : result.statistics)
    EXPECT_TRUE(std::isfinite(statistics.loss));

  options.update.maxRecoveries = 0;
  calls = 0;
  auto failed = optimize(model, *objective, options);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("the loss is NaN in step 150"));
}

// A round that throws the flow far out is finite, but as bad: it is taken back.
TEST(TargetTest, RoundsGoneWrongAreTakenBack) {
  TemporaryDirectory folder;
  Flow target = density("density t(x[2]) = -0.5*(x[0]^2 + (x[1] - x[0]^2)^2)");
  std::vector<std::string> told;
  TargetOptions options{.learningRate = 0.5, .steps = 500, .numSamples = 16};
  options.update.schedule = "constant";
  options.update.onRecovery = [&](const std::string &what) { told.push_back(what); };
  Model model = initialise(couplingText, F64), without = model, stopped = model;
  auto train = [&](Model &model, int64_t recoveries, int64_t stopAfter = -1) {
    told.clear();
    options.update.maxRecoveries = recoveries;
    options.interrupted = [stopAfter, steps = int64_t(0)]() mutable { return steps++ == stopAfter; };
    return take(fitToTarget(model, target, options));
  };
  TargetResult uncorrected = train(without, 0);
  EXPECT_TRUE(told.empty());
  TargetResult result = train(model, 100);
  ASSERT_FALSE(told.empty());
  EXPECT_THAT(told.front(), HasSubstr("the validation loss of round "));
  EXPECT_THAT(told.front(), HasSubstr("with half the learning rate"));
  EXPECT_EQ(result.statistics.size(), 500U);
  EXPECT_EQ(result.valLosses.size(), 50U);
  for (size_t i = 0; i < result.statistics.size(); ++i)
    EXPECT_EQ(result.statistics[i].iteration, static_cast<int64_t>(i) + 1);
  EXPECT_LT(result.statistics.back().learningRate, 0.5);
  EXPECT_LT(std::ranges::max(result.valLosses), std::ranges::max(uncorrected.valLosses));
  EXPECT_LT(result.valLosses.back(), uncorrected.valLosses.back());

  // Stopped and gone on, it comes to the same bits.
  options.checkpoint.path = folder / "c.safetensors";
  EXPECT_TRUE(train(stopped, 100, 123).interrupted);
  options.checkpoint.resume = folder / "c.safetensors";
  EXPECT_EQ(train(stopped, 100).valLosses, result.valLosses);
  EXPECT_EQ(stopped.trainable(), model.trainable());
}
