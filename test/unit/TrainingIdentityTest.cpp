//===- TrainingIdentityTest.cpp - What a state of training belongs to -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A state goes on only in a training of the same flow, rows, objective, target, data and
// code: with anything else it would give a model that no uninterrupted training gives.
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"
#include "TemporaryDirectory.h"

#include "flowc/Training/Trainer.h"
#include "flowc/Training/TrainingTarget.h"

#include <gmock/gmock.h>

using namespace flowc;
using flowc::test::take;
using flowc::test::TemporaryDirectory;
using testing::HasSubstr;

namespace {

constexpr const char *affineText = "flow f = transformed(standard_normal([2]), affine([0, 0], [1, 1]))";
constexpr const char *normalText = "density t(x[2]) = -0.5*sum(x^2)";

Model initialise() { return test::initialise(affineText, {.seed = 3, .dtype = F64}); }
Flow density(const std::string &text, const std::string &file = "<text>") {
  return take(Flow::parseDensity(text, {}, file), text);
}

/// Why `second` refuses the state of `first`; empty if it does not. Both refuse none of
/// their own.
std::string refusal(Trainer &first, Trainer &second) {
  SavedState own = second.save();
  auto same = second.restore(own, "it");
  EXPECT_TRUE(same) << same.error().message;
  SavedState other = first.save();
  auto ok = second.restore(other, "it");
  return ok ? "" : ok.error().message;
}

/// A training on a target, and what it must not outlive.
struct TargetRun {
  Model model = initialise();
  std::unique_ptr<Trainer> trainer;

  explicit TargetRun(const TrainingTarget &target, TargetOptions options = {}, const TrainingData &draws = {}) {
    options.steps = 10;
    trainer = take(Trainer::create(model, target, draws, options));
  }
};

std::string refusal(const TargetRun &first, const TargetRun &second) {
  return refusal(*first.trainer, *second.trainer);
}

std::string another(const std::string &what) {
  return "cannot resume from it: it was written with another '" + what + "'";
}

TargetOptions withFormula(const std::string &text) {
  TargetOptions options;
  options.objective = "o.flow";
  options.objectiveText = text;
  return options;
}

} // namespace

TEST(TrainingIdentityTest, OtherObjectivesOfATargetAreRefused) {
  TrainingTarget target(density(normalText));
  auto withChoice = [](const char *text) { return TargetOptions{.objective = take(Choice::parse(text))}; };
  EXPECT_EQ(refusal(TargetRun(target, withChoice("iwae:draws=8")), TargetRun(target, withChoice("iwae:draws=4"))),
            another("objective") + " (iwae:draws=8, now iwae:draws=4)");
  const std::string mean = "objective o(q, x; target) = mean(log_prob(q, x) - target)";
  EXPECT_EQ(refusal(TargetRun(target), TargetRun(target, withFormula(mean))), another("formula"));
  EXPECT_EQ(refusal(TargetRun(target, withFormula(mean)), TargetRun(target)), another("objective") + " (o, now elbo)");
  EXPECT_EQ(refusal(TargetRun(target, withFormula(mean)), TargetRun(target, withFormula(mean + " + 1"))),
            another("formula"));
}

TEST(TrainingIdentityTest, OtherDataOfATargetIsRefusedAlsoIfItOnlySaysPositions) {
  TemporaryDirectory folder;
  for (const char *use : {"sum(t.y)*x[0]", "x[t.y[0]]", "sum(x[t.y])", "sum(x[t.y[0]:])"}) {
    auto run = [&](const char *numbers) {
      folder.write("t.csv", numbers);
      return TargetRun(density("data t = table(\"t.csv\")\ndensity p(x[2]) = " + std::string(use) + " - sum(x^2)",
                               folder / "p.flow"));
    };
    EXPECT_EQ(refusal(run("y\n0\n1\n"), run("y\n0\n1\n")), "") << use;
    EXPECT_EQ(refusal(run("y\n0\n1\n"), run("y\n1\n1\n")), another("target_data")) << use;
  }
}

TEST(TrainingIdentityTest, OtherCodeOfATargetIsRefused) {
  ExternalTarget target{"code", 2, true, [](const double *x, int64_t rows, double *values, double *gradient) {
                          for (int64_t i = 0; i < 2 * rows; ++i) {
                            values[i / 2] = (i % 2 ? values[i / 2] : 0) - 0.5 * x[i] * x[i];
                            if (gradient)
                              gradient[i] = -x[i];
                          }
                          return Expected<void>();
                        }};
  ExternalTarget otherCode = target, otherData = target;
  target.codeHash = otherData.codeHash = 1;
  otherCode.codeHash = 2;
  otherData.dataHash = 3;
  EXPECT_EQ(refusal(TargetRun(target), TargetRun(target)), "");
  EXPECT_EQ(refusal(TargetRun(target), TargetRun(otherCode)), another("target_code"));
  EXPECT_EQ(refusal(TargetRun(target), TargetRun(otherData)), another("target_data"));
  EXPECT_EQ(refusal(TargetRun(target), TargetRun(density(normalText))), another("target"));
}

TEST(TrainingIdentityTest, OtherGivenDrawsAreRefused) {
  TrainingTarget target(density(normalText));
  Rows<double> z = Rows<double>::Constant(5, 2, 0.5), other = z;
  other(4, 1) = 0.75;
  auto run = [&](const Rows<double> &draws) {
    return TargetRun(target, {.numSamples = 5}, TrainingData(RowsMap<double>(draws.data(), draws.rows(), 2)));
  };
  EXPECT_EQ(refusal(run(z), run(z)), "");
  EXPECT_EQ(refusal(run(z), run(other)), another("draws"));
  EXPECT_EQ(refusal(run(z), TargetRun(target, {.numSamples = 5})), another("draws"));
  EXPECT_EQ(refusal(TargetRun(target, {.numSamples = 5}), run(z)), another("draws"));
}

TEST(TrainingIdentityTest, OtherPriorsAreRefused) {
  TemporaryDirectory folder;
  Model model = initialise();
  Rows<double> x = Rows<double>::Random(40, 2);
  auto run = [&](const std::string &text) {
    FitOptions options{.objective = take(Choice::parse("contrastive:n_contrastive=2"))};
    options.density = density("data s = table(\"s.json\")\n" + text, folder / "p.flow");
    return take(Trainer::create(model, TrainingData(RowsMap<double>(x.data(), x.rows(), 2)), options));
  };
  folder.write("s.json", "{\"scale\": 2}");
  auto first = run("density p(x[2]) = -s.scale*sum(x^2)");
  EXPECT_EQ(refusal(*first, *run("density p(x[2]) = -s.scale*sum(x^2)")), "");
  EXPECT_EQ(refusal(*first, *run("density p(x[2]) = -s.scale*sum(x^4)")), another("prior"));
  folder.write("s.json", "{\"scale\": 3}");
  EXPECT_EQ(refusal(*first, *run("density p(x[2]) = -s.scale*sum(x^2)")), another("prior_data"));
}

TEST(TrainingIdentityTest, OtherTargetsOfOptimizeAreRefused) {
  Model model = initialise();
  auto objectiveOf = [&](const char *text) {
    return take(makeObjective("stl", model.flow(), {.dtype = F64, .target = density(text)}));
  };
  auto first = objectiveOf(normalText), second = objectiveOf("density t(x[2]) = -0.25*sum(x^2)");
  OptimizerState state = take(optimize(model, *first, {.maxIters = 3})).state;
  EXPECT_TRUE(optimize(model, *first, {.maxIters = 6}, state));
  auto refused = optimize(model, *second, {.maxIters = 6}, state);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("another 'target'"));
}
