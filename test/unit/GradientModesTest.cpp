//===- GradientModesTest.cpp - Gradients of objectives, three ways --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every objective of the table on every golden flow: reverse mode, forward mode and
// differences of the surrogate, which have no code in common but for what weighs rows;
// FlowJAX's numbers; weights.
//
//===----------------------------------------------------------------------===//

#include "GoldenFlows.h"

#include "flowc/IO/Rows.h"
#include "flowc/Training/TrainingTarget.h"

#include <gmock/gmock.h>

#include <numeric>

using namespace flowc;
using namespace flowc::test;
using testing::HasSubstr;

namespace {

constexpr int64_t kRows = 8;
/// Roundings of the two ways, whose sums cancel, against the sizes of what is summed.
constexpr double kForward = 1e-10;
/// Of FlowJAX's gradients, as test/golden/check.py has it.
constexpr double kGolden = 1e-8;

/// The settings that fit `kRows` rows.
Choice choiceOf(const ObjectiveInfo &info) {
  Choice choice(info.name);
  for (const Setting &setting : info.settings)
    if (std::string_view(setting.name) == "draws" || std::string_view(setting.name) == "n_contrastive")
      choice.settings[setting.name] = 4;
  return choice;
}

/// sum(|a_i b_i|).
double sizeOf(const std::vector<double> &a, const std::vector<double> &b) {
  return std::transform_reduce(a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
                               [](double x, double y) { return std::abs(x * y); });
}
double dot(const std::vector<double> &a, const std::vector<double> &b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// A golden flow that is a distribution, with the target of FlowJAX's numbers.
class GoldenObjectives : public testing::TestWithParam<std::string> {
protected:
  GoldenObjectives() : model(importGolden(GetParam())) {}

  void SetUp() override {
    ASSERT_TRUE(model.flow().isDistribution());
    std::string n = std::to_string(model.flow().dim());
    target = take(Flow::parseDensity("density t(x[" + n + "]) = -sum(log1p((x - 0.3)^2))"));
    given = read("nll_x");
    base = read("z");
    givenCondition = read("nll_condition");
    condition = read("condition");
  }

  /// An array of the case; nothing if it has none of this name.
  Rows<double> read(const std::string &name) {
    auto reader = openRows(std::string(FLOWC_GOLDEN_DIR) + "/" + GetParam() + "/arrays.safetensors:" + name);
    if (!reader)
      return {};
    auto values = take(readAllRows<double>(**reader, /*finite=*/false), name);
    return Eigen::Map<Rows<double>>(values.data(), (*reader)->position(), (*reader)->columns());
  }

  CompileOptions options(bool withTarget = true) const {
    return {.dtype = F64, .threads = 1, .target = withTarget ? target : std::optional<Flow>()};
  }

  std::unique_ptr<Objective> make(const ObjectiveInfo &info) {
    auto objective = take(makeObjective(choiceOf(info), model.flow(), options(info.needsDensity)), info.name);
    auto ok = objective->prepare();
    EXPECT_TRUE(ok) << info.name << ": " << ok.error().message;
    return objective;
  }

  /// Rows as the objective takes them: of the event; or of the base, if FlowJAX drew
  /// them, else drawn.
  Batch batchOf(const ObjectiveInfo &info, int64_t rows = kRows) const {
    bool isGiven = info.rows == RowSource::Given;
    const Rows<double> &x = isGiven ? given : base, &c = isGiven ? givenCondition : condition;
    return {.x = x.rows() ? x.data() : nullptr,
            .condition = c.rows() ? c.data() : nullptr,
            .rows = rows,
            .first = 3,
            .seed = 5};
  }

  std::vector<double> someDirection(uint64_t seed) const {
    std::vector<double> direction(model.numTrainable());
    Random random(seed);
    for (double &entry : direction)
      entry = random.normal();
    double length = std::sqrt(dot(direction, direction));
    for (double &entry : direction)
      entry /= length;
    return direction;
  }

  void checkModes(const ObjectiveInfo &info) {
    SCOPED_TRACE(info.name);
    auto objective = make(info);
    Batch batch = batchOf(info);
    auto [value, gradient] = take(valueAndGradient(*objective, model, batch), info.name);
    ASSERT_TRUE(std::isfinite(value));
    for (uint64_t seed : {1, 2})
      checkDirection(*objective, batch, value, gradient, someDirection(seed));
    // Where the number of parameters allows it: as users call it.
    if (model.numTrainable() > 40)
      return;
    auto forward = take(valueAndGradient(*objective, model, batch, {.mode = GradientMode::Forward}), info.name);
    auto differences = take(valueAndGradient(*objective, model, batch, {.mode = GradientMode::Differences}), info.name);
    EXPECT_NEAR(forward.value, value, 1e-12 * (1 + std::abs(value)));
    EXPECT_NEAR(differences.value, value, 1e-12 * (1 + std::abs(value)));
    double scale = 1;
    for (double entry : gradient)
      scale = std::max(scale, std::abs(entry));
    for (size_t i = 0; i < gradient.size(); ++i) {
      EXPECT_NEAR(forward.gradient[i], gradient[i], kForward * scale) << "parameter " << i;
      if (areDifferencesOf(batch)) {
        EXPECT_NEAR(differences.gradient[i], gradient[i], kDifferences * scale) << "parameter " << i;
      }
    }
  }

  /// Draws of these follow their parameters by implicit differentiation, not as the
  /// sampler, which rejects some, happens to: differences of drawn rows see the latter.
  bool areDifferencesOf(const Batch &batch) const {
    std::string name = GetParam();
    return batch.x || (name != "distribution_gamma" && name != "distribution_beta" && name != "distribution_student_t");
  }

  /// With steps of 6e-6: truncation of 4e-11 third derivatives, and 1e-15 sums of
  /// hundreds of roundings over the step.
  static constexpr double kDifferences = 1e-6;

  void checkDirection(Objective &objective, const Batch &batch, double value, const std::vector<double> &gradient,
                      const std::vector<double> &direction) {
    auto [loss, slope] = take(objective.lossAndSlope(model, batch, direction));
    EXPECT_NEAR(loss, value, 1e-12 * (1 + std::abs(value)));
    double size = sizeOf(gradient, direction);
    EXPECT_NEAR(slope, dot(gradient, direction), kForward * size);
    if (!areDifferencesOf(batch))
      return;
    double step = GradientOptions().step, ends[2];
    for (int side : {0, 1}) {
      Model moved = model;
      std::vector<double> parameters = model.trainable();
      for (size_t i = 0; i < parameters.size(); ++i)
        parameters[i] += (side ? -step : step) * direction[i];
      ASSERT_TRUE(moved.setTrainable(parameters));
      ends[side] = take(objective.surrogate(moved, model, batch));
    }
    EXPECT_NEAR((ends[0] - ends[1]) / (2 * step), slope, kDifferences * (1 + size + std::abs(value)));
  }

  /// Reverse mode, and forward mode at some parameters, against FlowJAX.
  void checkGolden(const ObjectiveInfo &info, const std::string &name, int64_t rows) {
    Rows<double> expected = read(name);
    if (expected.size() == 0 || expected.rows() != model.numTrainable())
      return;
    SCOPED_TRACE(name);
    auto objective = make(info);
    Batch batch = batchOf(info, rows);
    auto [value, gradient] = take(valueAndGradient(*objective, model, batch));
    double scale = expected.cwiseAbs().maxCoeff();
    Rows<double> expectedValue = read(name.substr(0, name.find('_')));
    if (expectedValue.size() == 1) {
      EXPECT_NEAR(value, expectedValue(0, 0), 1e-2 * goldenTolerance(info) * (1 + std::abs(value)));
    }
    for (size_t i = 0; i < gradient.size(); ++i)
      ASSERT_NEAR(gradient[i], expected.data()[i], goldenTolerance(info) * scale) << "parameter " << i;
    for (size_t i = 0; i < gradient.size(); i += 1 + gradient.size() / 3) {
      std::vector<double> direction(gradient.size());
      direction[i] = 1;
      auto found = take(objective->lossAndSlope(model, batch, direction));
      EXPECT_NEAR(found.slope, expected.data()[i], goldenTolerance(info) * scale) << "parameter " << i;
    }
  }

  /// FlowJAX inverts block networks to a residual of 1e-5 only, which is what the density
  /// of draws forwards needs, but not the ELBO.
  double goldenTolerance(const ObjectiveInfo &info) const {
    bool isInverted = GetParam() == "bnaf_d4_forward" && std::string_view(info.name) != "elbo";
    return isInverted ? 1e-2 : kGolden;
  }

  Model model;
  std::optional<Flow> target;
  Rows<double> given, base, givenCondition, condition;
};

} // namespace

TEST_P(GoldenObjectives, HaveOneGradient) {
  for (const ObjectiveInfo *info : objectiveTable())
    checkModes(*info);
  checkGolden(**findObjective("likelihood"), "nll_grad", given.rows());
  checkGolden(**findObjective("elbo"), "elbo_grad", base.rows());
  checkGolden(**findObjective("stl"), "stl_grad", base.rows());
}

namespace {
/// Loss and gradient of a kernel that sums weighted losses, or losses.
std::pair<double, std::vector<double>> runSum(Kernels &kernels, const Model &model, Kernel kernel,
                                              std::vector<const void *> inputs, int64_t rows) {
  std::pair<double, std::vector<double>> result{0.0, std::vector<double>(model.numTrainable())};
  Kernels::Call call{.kernel = kernel, .inputs = std::move(inputs), .rows = rows, .mean = false, .loss = &result.first};
  call.gradient = result.second.data();
  auto ok = kernels.run(model, call);
  EXPECT_TRUE(ok) << ok.error().message;
  return result;
}

/// `rows` without the last one, and with the row `twice` in its place.
Rows<double> repeat(const Rows<double> &rows, int64_t twice) {
  Rows<double> result = rows.topRows(rows.rows() ? kRows + 1 : 0);
  if (rows.rows())
    result.row(kRows) = rows.row(twice);
  return result;
}
} // namespace

/// Of the kernels that take weights: 1 is as good as none, to the bit, and 2 is the row
/// twice.
TEST_P(GoldenObjectives, CountRowsByWeights) {
  auto kernels = take(compile(model.flow(), options()));
  auto check = [&](Kernel weighted, Kernel plain, const Rows<double> &x, const Rows<double> &condition, double sign) {
    if (x.rows() <= kRows)
      return;
    SCOPED_TRACE(findKernel(weighted)->name);
    auto inputs = [](const Rows<double> &rows, const Rows<double> &c) {
      std::vector<const void *> result{rows.data()};
      if (c.rows())
        result.push_back(c.data());
      return result;
    };
    auto run = [&](const Rows<double> &rows, const Rows<double> &c, const Column<double> &weight) {
      auto all = inputs(rows, c);
      all.push_back(weight.data());
      return runSum(*kernels, model, weighted, all, weight.size());
    };
    Column<double> weight = Column<double>::Constant(kRows, sign), one = Column<double>::Constant(kRows + 1, sign);
    EXPECT_EQ(run(x, condition, weight), runSum(*kernels, model, plain, inputs(x, condition), kRows));
    weight(3) = 2 * sign;
    auto [loss, gradient] = run(x, condition, weight);
    auto [twiceLoss, twice] = run(repeat(x, 3), repeat(condition, 3), one);
    // The order of the sums differs.
    EXPECT_NEAR(loss, twiceLoss, 1e-12 * (1 + std::abs(loss)));
    double scale = 1;
    for (double entry : gradient)
      scale = std::max(scale, std::abs(entry));
    for (size_t i = 0; i < gradient.size(); ++i)
      ASSERT_NEAR(gradient[i], twice[i], 1e-12 * scale) << "parameter " << i;
  };
  check(Kernel::LogProbVjpParams, Kernel::NllGradient, given, givenCondition, -1);
  check(Kernel::WeightedElboGradient, Kernel::ElboGradient, base, condition, 1);
  check(Kernel::WeightedStlGradient, Kernel::StlGradient, base, condition, 1);
}

/// Those that have a density.
static std::vector<std::string> goldenDistributions() {
  std::vector<std::string> names = goldenCases();
  std::erase_if(names, [](const std::string &name) { return name.starts_with("bijection_"); });
  return names;
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenObjectives, testing::ValuesIn(goldenDistributions()),
                         [](const auto &info) { return info.param; });

//===----------------------------------------------------------------------===//
// Objectives that are no row of the table
//===----------------------------------------------------------------------===//

namespace {
constexpr const char *smallFlow = "flow f = transformed(normal([0.5, 1], [1, 2]), chain([triangular_affine([1, -1], "
                                  "[[1, 0], [0.5, 2]]), leaky_tanh(2, [2])]))";
constexpr const char *smallTarget = "density t(x[2]) = -0.5*((x[0] - 0.5)^2/2 + (x[1] + 0.3*x[0]^2)^2)";

class OwnObjectives : public testing::Test {
protected:
  Model model = makeModel(smallFlow, F64);
  CompileOptions options{.dtype = F64, .threads = 1, .target = take(Flow::parseDensity(smallTarget))};

  /// The gradients of all modes agree.
  void expectOneGradient(Objective &objective, const Batch &batch) {
    auto [value, gradient] = take(valueAndGradient(objective, model, batch));
    ASSERT_EQ(gradient.size(), size_t(model.numTrainable()));
    for (GradientMode mode : {GradientMode::Forward, GradientMode::Differences}) {
      auto found = take(valueAndGradient(objective, model, batch, {.mode = mode}));
      EXPECT_NEAR(found.value, value, 1e-12 * (1 + std::abs(value)));
      double tolerance = mode == GradientMode::Forward ? 1e-11 : 1e-7;
      for (size_t i = 0; i < gradient.size(); ++i)
        EXPECT_NEAR(found.gradient[i], gradient[i], tolerance * (1 + std::abs(gradient[i]))) << "parameter " << i;
    }
    EXPECT_EQ(take(flowc::gradient(objective, model, batch)), gradient);
  }

  /// The largest distance of the gradient from differences that hold nothing.
  double distanceFromSlopes(Objective &objective, const Batch &batch) {
    std::vector<double> gradient = take(flowc::gradient(objective, model, batch)), start = model.trainable();
    double distance = 0, step = 1e-5;
    for (size_t i = 0; i < start.size(); ++i) {
      double ends[2];
      for (int side : {0, 1}) {
        std::vector<double> parameters = start;
        parameters[i] += side ? -step : step;
        Model moved = model;
        EXPECT_TRUE(moved.setTrainable(parameters));
        ends[side] = take(objective.surrogate(moved, moved, batch));
      }
      distance = std::max(distance, std::abs(gradient[i] - (ends[0] - ends[1]) / (2 * step)));
    }
    return distance;
  }
};
} // namespace

TEST_F(OwnObjectives, InTheLanguage) {
  Rows<double> x = Random(2).normals<double>(9, 2);
  Column<double> w = Column<double>::LinSpaced(9, 0.5, 2);
  for (const char *text : {"objective a(q, x; target) = log(rows) - logsumexp(target - log_prob(q, x))",
                           "objective b(q, x; target) = sum((log_prob(q, x) - target - 1)^2)/rows + max(target)",
                           "objective c(q, x) = mean(tanh(log_prob(q, x)))"}) {
    SCOPED_TRACE(text);
    auto objective = take(parseObjective(text, model.flow(), options), text);
    expectOneGradient(*objective, {.rows = 9, .first = 2, .seed = 2});
    expectOneGradient(*objective, {.x = x.data(), .rows = 9});
    EXPECT_LT(distanceFromSlopes(*objective, {.rows = 9, .seed = 2}), 1e-6);
  }
  auto weighted = take(parseObjective("objective w(q, x; u) = -sum(u*log_prob(q, x))/sum(u)", model.flow(), options));
  expectOneGradient(*weighted, {.x = x.data(), .columns = {w.data()}, .rows = 9});
}

/// What is detached is held in all modes: alone, by a name, through names of names, twice.
TEST_F(OwnObjectives, WithDetachedParts) {
  for (const char *text :
       {"objective a(q, x) = -mean(exp(detach(log_prob(q, x)))*log_prob(q, x))",
        "objective b(q, x; target) = let r = target - log_prob(q, x) in let v = exp(r - logsumexp(r)) in "
        "-sum(detach(v)*log_prob(q, x))",
        "objective c(q, x; target) = let v = detach(target) in let r = v*log_prob(q, x) in mean(detach(r)*r + "
        "v*target)",
        "objective d(q, x; target) = mean((log_prob(q, x) - detach(target - detach(target)*0.5))^2)"}) {
    SCOPED_TRACE(text);
    auto objective = take(parseObjective(text, model.flow(), options), text);
    expectOneGradient(*objective, {.rows = 9, .first = 2, .seed = 2});
    // Else nothing was tested.
    EXPECT_GT(distanceFromSlopes(*objective, {.rows = 9, .first = 2, .seed = 2}), 1e-3);
  }
}

TEST_F(OwnObjectives, OfATargetWithDetachedParts) {
  options.target = take(Flow::parseDensity("density t(x[2]) = -0.5*sum((x - 0.5)^2*exp(detach(0.3*x)))"));
  for (const Choice &choice : {Choice("elbo"), Choice("stl"), Choice("iwae", {{"draws", 4}})}) {
    SCOPED_TRACE(choice.name);
    auto objective = take(makeObjective(choice, model.flow(), options));
    expectOneGradient(*objective, {.rows = 8, .seed = 2});
    EXPECT_GT(distanceFromSlopes(*objective, {.rows = 8, .seed = 2}), 1e-3);
  }
}

TEST_F(OwnObjectives, OfSurrogatesOfTheTable) {
  for (const Choice &choice : {Choice("stl"), Choice("iwae", {{"draws", 4}}), Choice("forward_kl")}) {
    SCOPED_TRACE(choice.name);
    auto objective = take(makeObjective(choice, model.flow(), options));
    expectOneGradient(*objective, {.rows = 8, .seed = 2});
    EXPECT_GT(distanceFromSlopes(*objective, {.rows = 8, .seed = 2}), 1e-3);
  }
}

/// Draws without a finite loss are left out in all modes.
TEST_F(OwnObjectives, LeaveOutTheSameDraws) {
  options.target = take(Flow::parseDensity("density t(x[2]) = log(6 + x[0]) - sum((x - 0.3)^2)"));
  for (const char *name : {"elbo", "stl"}) {
    SCOPED_TRACE(name);
    auto objective = take(makeObjective(name, model.flow(), options));
    std::vector<double> losses(400);
    Rows<double> z = 0.5 * Random(3).normals<double>(400, 2);
    z(7, 0) = -200;
    Batch batch{.x = z.data(), .rows = 400};
    ASSERT_TRUE(objective->rowLosses(model, batch, losses));
    ASSERT_EQ(std::ranges::count_if(losses, [](double loss) { return !std::isfinite(loss); }), 1);
    expectOneGradient(*objective, batch);
  }
}

TEST_F(OwnObjectives, FromCpp) {
  auto distance = makeObjective("distance", [](const Model &now, const Batch &, std::span<double> gradient) {
    double loss = 0;
    std::vector<double> p = now.trainable();
    for (size_t i = 0; i < p.size(); ++i) {
      loss += p[i] * p[i] * p[i];
      gradient[i] = 3 * p[i] * p[i];
    }
    return Expected<double>(loss);
  });
  auto [value, gradient] = take(valueAndGradient(*distance, model, {}));
  auto differences = take(valueAndGradient(*distance, model, {}, {.mode = GradientMode::Differences}));
  EXPECT_EQ(differences.value, value);
  for (size_t i = 0; i < gradient.size(); ++i)
    EXPECT_NEAR(differences.gradient[i], gradient[i], 1e-8 * (1 + gradient[i]));
  auto forward = valueAndGradient(*distance, model, {}, {.mode = GradientMode::Forward});
  ASSERT_FALSE(forward);
  EXPECT_THAT(forward.error().message, HasSubstr("'distance' has no forward mode"));
}

TEST_F(OwnObjectives, OfATargetThatIsCode) {
  ExternalTarget code;
  code.name = "code";
  code.dim = 2;
  code.function = [](const double *x, int64_t rows, double *logDensity, double *gradient) -> Expected<void> {
    for (int64_t i = 0; i < rows; ++i) {
      double a = x[2 * i], b = x[2 * i + 1] + 0.3 * a * a;
      logDensity[i] = -0.5 * ((a - 0.5) * (a - 0.5) / 2 + b * b);
      if (gradient) {
        gradient[2 * i] = -(a - 0.5) / 2 - 0.6 * a * b;
        gradient[2 * i + 1] = -b;
      }
    }
    return {};
  };
  for (const char *name : {"elbo", "stl"}) {
    SCOPED_TRACE(name);
    Batch batch{.rows = 9, .first = 1, .seed = 4};
    auto objective = take(TrainingTarget(code).makeObjective(name, model.flow(), {.dtype = F64, .threads = 1}));
    expectOneGradient(*objective, batch);
    auto inTheLanguage = take(makeObjective(name, model.flow(), options));
    auto [value, gradient] = take(valueAndGradient(*objective, model, batch));
    auto expected = take(valueAndGradient(*inTheLanguage, model, batch));
    EXPECT_NEAR(value, expected.value, 1e-12);
    for (size_t i = 0; i < gradient.size(); ++i)
      EXPECT_NEAR(gradient[i], expected.gradient[i], 1e-11 * (1 + std::abs(gradient[i])));
  }
}

TEST_F(OwnObjectives, ErrorsAreSaid) {
  auto error = [&](Objective &objective, const Model &of, const Batch &batch, const GradientOptions &how) {
    auto found = valueAndGradient(objective, of, batch, how);
    return found ? "none" : found.error().message;
  };
  auto elbo = take(makeObjective("elbo", model.flow(), options));
  Batch batch{.rows = 8};
  EXPECT_THAT(error(*elbo, model.astype(F32), batch, {.mode = GradientMode::Differences}), HasSubstr("float32"));
  EXPECT_THAT(error(*elbo, model, batch, {.mode = GradientMode::Differences, .step = 0}), HasSubstr("the step"));
  auto likelihood = take(makeObjective("likelihood", model.flow(), options));
  Rows<double> x = Rows<double>::Constant(8, 2, 1e200);
  EXPECT_THAT(error(*likelihood, model, {.x = x.data(), .rows = 8}, {.mode = GradientMode::Differences}),
              HasSubstr("is not finite here"));
  auto scan = take(parseObjective("objective o(q, x) = let v = log_prob(q, x) in "
                                  "let s = scan s = 0 over (a = v) in sum(detach(s*v)) + a in mean(s)",
                                  model.flow(), options));
  EXPECT_THAT(error(*scan, model, batch, {.mode = GradientMode::Differences}), HasSubstr("outside of the scan"));
}
