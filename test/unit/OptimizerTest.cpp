//===- OptimizerTest.cpp - Optimisers and schedules -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The judge is optax: test/data/training/optax.csv, written by make_optax.py.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"

#include "flowc/Training/Archive.h"
#include "flowc/Training/Optimizer.h"
#include "flowc/Training/Schedule.h"
#include "flowc/Training/VectorMath.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <sstream>

using namespace flowc;
using flowc::test::take;
using testing::HasSubstr;

namespace {

using Lines = std::vector<std::vector<double>>;

/// The lines of optax.csv that begin with this name, quoted or not.
Lines optaxLines(const std::string &name) {
  std::ifstream file(FLOWC_TEST_DATA "/training/optax.csv");
  Lines lines;
  std::string line;
  while (std::getline(file, line)) {
    for (const std::string &start : {"\"" + name + "\",", name + ","})
      if (line.starts_with(start)) {
        std::istringstream rest(line.substr(start.size()));
        std::vector<double> &numbers = lines.emplace_back();
        for (std::string number; std::getline(rest, number, ',');)
          numbers.push_back(std::stod(number));
      }
  }
  EXPECT_FALSE(lines.empty()) << "optax.csv has nothing about " << name;
  return lines;
}

constexpr int kCount = 4;
constexpr double kA[kCount] = {0.5, 2.0, 0.05, 1.0}, kB[kCount] = {1.0, -2.0, 3.0, 0.1};
constexpr double kStart[kCount] = {0.3, 0.7, -1.1, 2.0};

/// The loss of make_optax.py and its gradient.
template <typename T>
double lossAndGradient(const T *p, T *gradient) {
  double loss = 0;
  for (int i = 0; i < kCount; ++i) {
    double x = p[i];
    loss += kA[i] * (x - kB[i]) * (x - kB[i]) + std::log(std::cosh(x));
    gradient[i] = static_cast<T>(2 * kA[i] * (x - kB[i]) + std::tanh(x));
  }
  return loss;
}

/// Parameters after each step, as in a line of optax.csv.
template <typename T>
Lines descend(const std::string &text, double rate, int steps, double clip = 0) {
  auto optimizer = take(makeOptimizer<T>(take(Choice::parse(text)), kCount));
  std::vector<T> p(kStart, kStart + kCount), gradient(kCount);
  std::vector<std::pair<int64_t, int64_t>> active = {{0, kCount}};
  Lines lines;
  for (int number = 1; number <= steps; ++number) {
    double loss = lossAndGradient(p.data(), gradient.data());
    double norm = std::sqrt(dotProduct(gradient.data(), gradient.data(), kCount));
    if (clip > 0 && norm > clip)
      scale(gradient.data(), kCount, clip / norm);
    OptimizerStep<T> step{.parameters = p.data(),
                          .gradient = gradient.data(),
                          .count = kCount,
                          .number = number,
                          .rate = rate,
                          .loss = loss,
                          .threads = 1,
                          .active = &active,
                          .evaluate = [&]() -> Expected<double> { return lossAndGradient(p.data(), gradient.data()); }};
    auto ok = optimizer->step(step);
    EXPECT_TRUE(ok) << ok.error().message;
    lines.push_back({double(number), rate});
    lines.back().insert(lines.back().end(), p.begin(), p.end());
  }
  return lines;
}

void expectNear(const Lines &found, const Lines &expected, double tolerance, const std::string &what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t i = 0; i < found.size(); ++i)
    for (size_t j = 2; j < expected[i].size(); ++j)
      EXPECT_NEAR(found[i][j], expected[i][j], tolerance) << what << ", step " << i + 1 << ", parameter " << j - 2;
}

} // namespace

TEST(OptimizerTest, FollowsOptax) {
  for (const char *name :
       {"adam", "adam:beta1=0.8,beta2=0.95,epsilon=0.001", "adamw", "adamw:weight_decay=0.05", "sgd",
        "sgd:momentum=0.9", "sgd:momentum=0.9,nesterov=1", "rmsprop", "rmsprop:decay=0.8,epsilon=0.0001,momentum=0.5",
        "adagrad", "adagrad:epsilon=0.001,start=0.5", "lion", "lion:beta1=0.7,beta2=0.8,weight_decay=0.1",
        "lbfgs:search=0", "lbfgs:memory=2,search=0"}) {
    Lines expected = optaxLines(name);
    double rate = expected.front()[1];
    // Ten steps of numbers near 1, rounded in another order; two-loop products of
    // L-BFGS divide by small differences.
    double tolerance = std::string(name).starts_with("lbfgs") ? 1e-10 : 1e-13;
    expectNear(descend<double>(name, rate, 10), expected, tolerance, name);
    if (!std::string(name).starts_with("lbfgs"))
      expectNear(descend<float>(name, rate, 10), expected, 2e-5, name);
  }
  Lines expected = optaxLines("adam,clip=0.7");
  expectNear(descend<double>("adam", expected.front()[1], 10, 0.7), expected, 1e-13, "clipped adam");
}

TEST(OptimizerTest, WithoutGradientsNothingMoves) {
  for (const OptimizerInfo *info : optimizerTable()) {
    if (info->needsAllRows)
      continue;
    bool decays = std::string(info->name) == "adamw" || std::string(info->name) == "lion";
    auto optimizer = take(makeOptimizer<double>(
        take(Choice::parse(std::string(info->name) + (decays ? ":weight_decay=0" : ""))), kCount));
    std::vector<double> p(kCount, 1), gradient(kCount, 0);
    std::vector<std::pair<int64_t, int64_t>> active = {{0, kCount}};
    OptimizerStep<double> step{.parameters = p.data(),
                               .gradient = gradient.data(),
                               .count = kCount,
                               .number = 1,
                               .rate = 0.1,
                               .loss = 0,
                               .threads = 1,
                               .active = &active,
                               .evaluate = {}};
    ASSERT_TRUE(optimizer->step(step));
    EXPECT_EQ(p, std::vector<double>(kCount, 1)) << info->name;
  }
}

TEST(OptimizerTest, EveryOptimizerOfTheTableFindsTheMinimum) {
  std::vector<double> gradient(kCount);
  for (const OptimizerInfo *info : optimizerTable()) {
    // Sign steps of lion and the pull of its decay leave it some way off.
    double rate = info->rate > 0 ? info->rate : std::string(info->name) == "adagrad" ? 0.5 : 0.02;
    std::string text = std::string(info->name) == "lion" ? "lion:weight_decay=0" : info->name;
    std::vector<double> last = descend<double>(text, rate, 3000).back();
    lossAndGradient(last.data() + 2, gradient.data());
    for (double g : gradient)
      EXPECT_NEAR(g, 0, 0.1) << info->name;
  }
}

TEST(OptimizerTest, MeansOfVanishedGradientsEndAtZero) {
  // Subnormal numbers would stay: nine tenths of the least of them round to itself.
  for (const OptimizerInfo *info : optimizerTable()) {
    if (info->needsAllRows) // No means, but whole gradients of the past.
      continue;
    std::string text = std::string(info->name) == "sgd" ? "sgd:momentum=0.9" : info->name;
    auto optimizer = take(makeOptimizer<float>(take(Choice::parse(text)), kCount));
    std::vector<float> p(kCount, 1), gradient = {1e-3F, -1e-18F, 1e-22F, -1e-36F};
    std::vector<std::pair<int64_t, int64_t>> active = {{0, kCount}};
    for (int number = 1; number <= 2000; ++number) {
      OptimizerStep<float> step{.parameters = p.data(),
                                .gradient = gradient.data(),
                                .count = kCount,
                                .number = number,
                                .rate = 1e-6,
                                .loss = 0,
                                .threads = 1,
                                .active = &active,
                                .evaluate = {}};
      auto ok = optimizer->step(step);
      ASSERT_TRUE(ok) << ok.error().message;
      std::ranges::fill(gradient, 0.0F);
    }
    SavedState state;
    Archive archive = Archive::saving(state);
    optimizer->describe(archive);
    for (const auto &[name, array] : state.arrays)
      for (int64_t i = 0; i < kCount; ++i)
        EXPECT_NE(std::fpclassify(static_cast<float>(array.at(i))), FP_SUBNORMAL) << info->name << ", " << name << i;
  }
}

TEST(OptimizerTest, LineSearchFulfilsTheWolfeConditions) {
  // Twelve steps reach the rounding of doubles; gradient descent would need
  // hundreds.
  std::vector<double> gradient(kCount), last = descend<double>("lbfgs", 1, 15).back();
  lossAndGradient(last.data() + 2, gradient.data());
  for (double g : gradient)
    EXPECT_NEAR(g, 0, 1e-8);
  // However bad the first length is.
  for (double rate : {1e-3, 1e3}) {
    last = descend<double>("lbfgs", rate, 100).back();
    lossAndGradient(last.data() + 2, gradient.data());
    for (double g : gradient)
      EXPECT_NEAR(g, 0, 1e-5) << rate;
  }
}

TEST(OptimizerTest, StateGoesOn) {
  for (const OptimizerInfo *info : optimizerTable()) {
    std::vector<float> whole(kStart, kStart + kCount), parts = whole, gradient(kCount);
    std::vector<std::pair<int64_t, int64_t>> active = {{0, kCount}};
    auto run = [&](Optimizer<float> &optimizer, std::vector<float> &p, int from, int to) {
      for (int number = from; number < to; ++number) {
        double loss = lossAndGradient(p.data(), gradient.data());
        auto ok = optimizer.step({p.data(), gradient.data(), kCount, number, 0.1, loss, 1, &active,
                                  [&]() -> Expected<double> { return lossAndGradient(p.data(), gradient.data()); }});
        ASSERT_TRUE(ok);
      }
    };
    auto make = [&] { return take(makeOptimizer<float>(std::string(info->name), kCount)); };
    auto straight = make(), first = make(), second = make();
    run(*straight, whole, 1, 30);
    run(*first, parts, 1, 14);
    SavedState state;
    Archive saving = Archive::saving(state);
    first->describe(saving);
    Archive restoring = Archive::restoring(state);
    second->describe(restoring);
    ASSERT_TRUE(restoring.commit());
    run(*second, parts, 14, 30);
    EXPECT_EQ(whole, parts) << info->name;
  }
}

TEST(OptimizerTest, WrongChoicesAreErrors) {
  auto error = [](const std::string &text) {
    auto choice = Choice::parse(text);
    if (!choice)
      return choice.error().message;
    auto made = makeOptimizer<float>(*choice, 1);
    return made ? "" : made.error().message;
  };
  EXPECT_EQ(error("adamw:weight_decay=0.1,beta1=0.5"), "");
  EXPECT_THAT(error("adm"), HasSubstr("there is no optimiser 'adm'; did you mean 'adam'?"));
  EXPECT_THAT(error("newton"), HasSubstr("expected adam, adamw, sgd, rmsprop, adagrad, lion or lbfgs"));
  EXPECT_THAT(error("adam:beta=0.1"), HasSubstr("called 'beta'; did you mean 'beta1'?"));
  EXPECT_THAT(error("adam:beta1=1"),
              HasSubstr("'beta1' of the optimiser 'adam' is 1, expected a number from 0 to less than 1"));
  EXPECT_THAT(error("adam:beta1=nan"), HasSubstr("expected a number"));
  EXPECT_THAT(error("adam:beta1=x"), HasSubstr("'beta1=x' of 'adam:beta1=x' is no SETTING=NUMBER"));
  EXPECT_THAT(error("adam:beta1=0.5,beta1=0.6"), HasSubstr("twice"));
  EXPECT_THAT(error("adam:"), HasSubstr("ends with a colon"));
  EXPECT_THAT(error(""), HasSubstr("has no name"));
  EXPECT_EQ(take(Choice::parse("sgd:nesterov=1,momentum=0.9")).text(), "sgd:momentum=0.9,nesterov=1");
}

TEST(ScheduleTest, FollowsOptax) {
  for (const char *name : {"cosine", "cosine:end=0.1", "exponential:decay=0.3,steps=7"}) {
    auto schedule = take(makeSchedule(take(Choice::parse(name)), 20));
    for (const std::vector<double> &line : optaxLines(std::string("schedule ") + name))
      EXPECT_NEAR(schedule->factor(int64_t(line[0])), line[1], 1e-6) << name; // optax computes cosines in float32.
  }
  // Ours is one step ahead: the first step does not have a rate of 0.
  const char *name = "warmup_cosine:end=0.02,warmup=0.25";
  auto schedule = take(makeSchedule(take(Choice::parse(name)), 20));
  for (const std::vector<double> &line : optaxLines(std::string("schedule ") + name))
    if (line[0] > 0) {
      EXPECT_NEAR(schedule->factor(int64_t(line[0]) - 1), line[1], 1e-6) << name;
    }
  EXPECT_EQ(take(makeSchedule("constant", 20))->factor(7), 1);
}

TEST(ScheduleTest, PlateauFollowsOptax) {
  auto schedule = take(makeSchedule(take(Choice::parse("plateau:factor=0.5,patience=2,cooldown=1")), 0));
  for (const std::vector<double> &line : optaxLines("plateau")) {
    schedule->observe(line[1]);
    EXPECT_EQ(schedule->factor(0), line[2]) << "after loss " << line[0];
  }
}

TEST(ScheduleTest, PlateauOfNegativeLosses) {
  // A relative improvement is one of the size of the loss, whatever its sign.
  auto schedule = take(makeSchedule(take(Choice::parse("plateau:factor=0.5,patience=2,rtol=0.1")), 0));
  for (double loss : {-1.0, -1.05, -0.95})
    schedule->observe(loss);
  EXPECT_EQ(schedule->factor(0), 0.5);
  for (double loss : {-1.2, -1.5, double(NAN)})
    schedule->observe(loss);
  EXPECT_EQ(schedule->factor(0), 0.5);
}

TEST(VectorMathTest, AveragesLikeOptax) {
  std::vector<double> p(kStart, kStart + kCount), gradient(kCount), average(kCount, 0);
  for (const std::vector<double> &line : optaxLines("average")) {
    lossAndGradient(p.data(), gradient.data());
    addScaled(p.data(), gradient.data(), kCount, -line[1]);
    moveAverage(average.data(), p.data(), kCount, 0.9);
    for (int i = 0; i < kCount; ++i)
      EXPECT_NEAR(average[i] / (1 - std::pow(0.9, line[0])), line[i + 2], 1e-13);
  }
}

TEST(VectorMathTest, SumsAndTests) {
  test::Random random(3);
  for (int count : {0, 1, 15, 16, 17, 1000}) {
    std::vector<float> a(count), b(count);
    long double sum = 0;
    for (int i = 0; i < count; ++i) {
      a[i] = float(random.normal());
      b[i] = float(random.normal());
      sum += static_cast<long double>(a[i]) * b[i];
    }
    EXPECT_NEAR(dotProduct(a.data(), b.data(), count), double(sum), 1e-12);
    EXPECT_TRUE(allFinite(a.data(), count));
    for (float bad : {std::numeric_limits<float>::infinity(), std::nanf("")})
      for (int at = 0; at < count; at += 7) {
        std::vector<float> damaged = a;
        damaged[at] = bad;
        EXPECT_FALSE(allFinite(damaged.data(), count));
      }
  }
}
