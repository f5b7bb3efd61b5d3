//===- VerificationTest.cpp - Checks find what is wrong -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sound flows pass; a flow that is wrong in one way fails the checks that are about
// that, and no others.
//
//===----------------------------------------------------------------------===//

#include "BoxIntegral.h"
#include "FlowUnderTest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>

using namespace flowc;
using namespace flowc::verification;

namespace {

using Names = std::set<std::string>;

constexpr double infinity = std::numeric_limits<double>::infinity();

Model makeModel(const std::string &text) {
  auto flow = Flow::parse(text);
  EXPECT_TRUE(flow) << flow.error().message;
  auto model = Model::initialise(*flow, {.seed = 3, .dtype = F64});
  EXPECT_TRUE(model) << model.error().message;
  return *model;
}

Names select(const Verification &report, Verdict verdict) {
  Names names;
  for (const VerificationCheck &check : report.checks)
    if (check.verdict == verdict)
      names.insert(check.name);
  return names;
}

/// A model whose results are damaged on their way.
class Damaged final : public FlowUnderTest {
public:
  Damaged(const Model &model, const VerifyOptions &options) {
    auto made = makeFlowUnderTest(model, options);
    EXPECT_TRUE(made) << made.error().message;
    flow = std::move(*made);
  }

  std::function<void(Mapped &, Arithmetic)> transformed, inverted;
  std::function<void(Mapped &, DType)> sampled;
  std::function<void(Rows<double> &)> differentiated;
  std::function<void(Column<double> &, const Rows<double> &, Arithmetic)> scored, baseScored;

  const FlowFacts &facts() const override { return flow->facts(); }
  Expected<Mapped> transform(const Rows<double> &z, const Rows<double> &condition, Arithmetic how) override {
    return damage(flow->transform(z, condition, how), transformed, how);
  }
  Expected<Mapped> inverse(const Rows<double> &x, const Rows<double> &condition, Arithmetic how) override {
    return damage(flow->inverse(x, condition, how), inverted, how);
  }
  Expected<Rows<double>> jvp(const Rows<double> &z, const Rows<double> &direction, const Rows<double> &condition,
                             Arithmetic how) override {
    return damage(flow->jvp(z, direction, condition, how), differentiated);
  }
  Expected<Column<double>> logProb(const Rows<double> &x, const Rows<double> &condition, Arithmetic how) override {
    return damage(flow->logProb(x, condition, how), scored, x, how);
  }
  Expected<Column<double>> baseLogProb(const Rows<double> &z, const Rows<double> &condition, Arithmetic how) override {
    return damage(flow->baseLogProb(z, condition, how), baseScored, z, how);
  }
  Expected<Rows<double>> toBase(const Rows<double> &x, const Rows<double> &condition) override {
    return flow->toBase(x, condition);
  }
  Expected<Mapped> sample(int64_t rows, uint64_t first, const Rows<double> &condition, DType type) override {
    return damage(flow->sample(rows, first, condition, type), sampled, type);
  }

private:
  template <typename Result, typename Hook, typename... Rest>
  static Expected<Result> damage(Expected<Result> result, const Hook &hook, const Rest &...rest) {
    EXPECT_TRUE(result) << result.error().message;
    if (hook)
      hook(*result, rest...);
    return result;
  }

  std::unique_ptr<FlowUnderTest> flow;
};

/// The names of the checks that fail where `spoil` has been at work.
Names findFailures(const std::string &text, const std::function<void(Damaged &)> &spoil, VerifyOptions options = {}) {
  Damaged flow(makeModel(text), options);
  spoil(flow);
  auto report = verification::verify(flow, options);
  EXPECT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->passed(), select(*report, Verdict::Fail).empty());
  return select(*report, Verdict::Fail);
}

constexpr const char *pairFlow = "flow f = masked_autoregressive_flow(standard_normal([2]), flow_layers = 2)";
constexpr const char *positiveFlow = "flow f = transformed(standard_normal([2]), exp([2]))";

} // namespace

//===----------------------------------------------------------------------===//
// Sound flows
//===----------------------------------------------------------------------===//

TEST(VerificationTest, SoundFlowsPass) {
  const Names all = {"round_trip_base",
                     "round_trip_events",
                     "log_det_inverse",
                     "log_det",
                     "jacobian",
                     "log_prob",
                     "sample_log_prob",
                     "finite",
                     "nan",
                     "integral",
                     "draws_in_cells",
                     "metropolis",
                     "base_draws",
                     "float32_log_prob",
                     "float32_transform",
                     "float32_draws"};
  auto report = flowc::verify(makeModel(pairFlow));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(select(*report, Verdict::Pass), all) << report->toText();
  EXPECT_EQ(select(*report, Verdict::NotApplicable), Names{"outside"});
  EXPECT_NE(report->toText().find("verdict: 16 checks pass\n"), std::string::npos) << report->toText();
  for (const char *text : {
           "flow f = student_t([1.5, 3], [0, 1], [1, 2])",
           "flow f = cauchy([3], [0.1])",
           "flow f = beta([0.5, 2], [0.5, 3])",
           "flow f = transformed(uniform([0, 1], [1, 5]), chain([exp([2]), flip([2])]))",
           "flow f = gamma([0.7, 5, 2], [1, 2, 3])",
           "flow f = vmap_mixture(normal(zeros(2), ones(2)), weights = [1, 2])",
           "flow f = planar_flow(standard_normal([3]), negative_slope = 0.2, flow_layers = 3)",
           "flow f = block_neural_autoregressive_flow(standard_normal([2]), nn_block_dim = 4)",
           "flow f = coupling_flow(standard_normal([20]), flow_layers = 3)",
       }) {
    report = flowc::verify(makeModel(text));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->passed()) << report->toText();
    EXPECT_EQ(report->count(Verdict::Undecided), 0) << report->toText();
    EXPECT_GE(report->count(Verdict::Pass), 9) << report->toText();
  }
}

TEST(VerificationTest, ResultDependsOnSeedAlone) {
  Model model = makeModel(pairFlow);
  auto one = flowc::verify(model, {.rows = 100, .draws = 1000, .threads = 1});
  auto two = flowc::verify(model, {.rows = 100, .draws = 1000, .threads = 2});
  auto other = flowc::verify(model, {.rows = 100, .draws = 1000, .seed = 1});
  ASSERT_TRUE(one && two && other);
  EXPECT_EQ(one->toJson(), two->toJson());
  EXPECT_NE(one->toJson(), other->toJson());
}

//===----------------------------------------------------------------------===//
// Wrong flows
//===----------------------------------------------------------------------===//

TEST(VerificationTest, WrongInverse) {
  Names found = findFailures(pairFlow, [](Damaged &flow) {
    flow.inverted = [](Mapped &mapped, Arithmetic) { mapped.event.col(1).array() += 1e-8; };
  });
  EXPECT_TRUE(found.contains("round_trip_base"));
  EXPECT_TRUE(found.contains("round_trip_events"));
  EXPECT_FALSE(found.contains("log_det"));
  EXPECT_FALSE(found.contains("integral"));
  // One that finds no root.
  found = findFailures(pairFlow, [](Damaged &flow) {
    flow.inverted = [](Mapped &mapped, Arithmetic) { mapped.event(mapped.event.rows() / 2, 0) = NAN; };
  });
  EXPECT_TRUE(found.contains("round_trip_base"));
}

TEST(VerificationTest, WrongLogDet) {
  auto spoil = [](Mapped &mapped, double sign) { mapped.logDet += sign * 1e-7 * mapped.event.col(0); };
  EXPECT_EQ(
      findFailures(pairFlow,
                   [&](Damaged &flow) { flow.transformed = [&](Mapped &mapped, Arithmetic) { spoil(mapped, 1); }; }),
      (Names{"log_det", "log_det_inverse"}));
  EXPECT_EQ(
      findFailures(pairFlow,
                   [&](Damaged &flow) { flow.inverted = [&](Mapped &mapped, Arithmetic) { spoil(mapped, -1); }; }),
      (Names{"log_prob", "log_det_inverse"}));
}

TEST(VerificationTest, WrongJacobian) {
  EXPECT_EQ(findFailures(
                pairFlow,
                [](Damaged &flow) { flow.differentiated = [](Rows<double> &tangent) { tangent.col(0) *= 1.0001; }; }),
            (Names{"log_det", "jacobian"}));
  // A row of no length.
  EXPECT_EQ(findFailures(pairFlow,
                         [](Damaged &flow) {
                           flow.differentiated = [](Rows<double> &tangent) { tangent.col(1).setConstant(NAN); };
                         }),
            (Names{"log_det", "jacobian"}));
}

TEST(VerificationTest, DensityThatIntegratesToMore) {
  for (double factor : {2.0, 1.01, 0.99})
    for (const char *text : {pairFlow, positiveFlow, "flow f = cauchy([3], [0.1])", "flow f = normal(zeros(3))"})
      EXPECT_EQ(findFailures(text,
                             [&](Damaged &flow) {
                               // All that is said of the density agrees.
                               double more = std::log(factor);
                               flow.scored = [=](Column<double> &value, auto &, Arithmetic) { value.array() += more; };
                               flow.baseScored = flow.scored;
                               flow.sampled = [=](Mapped &mapped, DType) { mapped.logDet.array() += more; };
                             })
                    .contains("integral"),
                true)
          << text << factor;
}

TEST(VerificationTest, WrongSampler) {
  auto shift = [](Damaged &flow) { flow.sampled = [](Mapped &mapped, DType) { mapped.event.col(0).array() += 0.15; }; };
  Names found = findFailures("flow f = normal(zeros(2))", shift);
  EXPECT_EQ(found, (Names{"sample_log_prob", "draws_in_cells", "metropolis", "base_draws"}));
  // Where nothing but the Metropolis step can see it: a base that is not normal.
  found = findFailures("flow f = logistic(zeros(5))", shift);
  EXPECT_EQ(found, (Names{"sample_log_prob", "metropolis"}));
  // Dependence: coordinates are as they should be, pairs are not.
  found = findFailures("flow f = normal(zeros(4))", [](Damaged &flow) {
    flow.sampled = [](Mapped &mapped, DType) {
      Column<double> mixed = 0.3 * mapped.event.col(0) + std::sqrt(1 - 0.09) * mapped.event.col(1);
      mapped.event.col(1) = mixed;
    };
  });
  EXPECT_EQ(found, (Names{"sample_log_prob", "metropolis"}));
  // What the sampler says of its draws.
  found = findFailures(pairFlow,
                       [](Damaged &flow) { flow.sampled = [](Mapped &mapped, DType) { mapped.logDet[5] += 1e-7; }; });
  EXPECT_EQ(found, Names{"sample_log_prob"});
}

TEST(VerificationTest, WrongParts) {
  EXPECT_EQ(findFailures(pairFlow,
                         [](Damaged &flow) {
                           flow.baseScored = [](Column<double> &value, auto &, Arithmetic) { value[0] += 1e-7; };
                         }),
            Names{"log_prob"});
}

TEST(VerificationTest, WrongEdges) {
  auto spoil = [](double at, double value) {
    return [=](Damaged &flow) {
      flow.scored = [=](Column<double> &result, const Rows<double> &x, Arithmetic) {
        for (int64_t row = 0; row < x.rows(); ++row)
          if (std::isnan(at) ? x.row(row).hasNaN() : x(row, 0) <= at)
            result[row] = value;
      };
    };
  };
  EXPECT_EQ(findFailures(positiveFlow, spoil(NAN, -3)), Names{"nan"});
  EXPECT_EQ(findFailures(positiveFlow, spoil(-1, -1000)), Names{"outside"});
  Names found = findFailures(positiveFlow, spoil(0.3, -infinity));
  EXPECT_TRUE(found.contains("finite"));
  EXPECT_TRUE(found.contains("integral"));
}

TEST(VerificationTest, WrongFloat32) {
  auto onlyNarrow = [](auto damage) {
    return [=](auto &result, auto &&...rest) {
      if ((std::get<sizeof...(rest) - 1>(std::tuple(rest...)).type) == F32)
        damage(result);
    };
  };
  EXPECT_EQ(
      findFailures(pairFlow,
                   [&](Damaged &flow) { flow.scored = onlyNarrow([](Column<double> &value) { value[7] += 1e-2; }); }),
      Names{"float32_log_prob"});
  EXPECT_EQ(
      findFailures(pairFlow,
                   [&](Damaged &flow) { flow.scored = onlyNarrow([](Column<double> &value) { value[7] = NAN; }); }),
      Names{"float32_log_prob"});
  EXPECT_EQ(findFailures(pairFlow,
                         [&](Damaged &flow) {
                           flow.transformed = onlyNarrow([](Mapped &mapped) { mapped.event(7, 1) *= 1.01; });
                         }),
            Names{"float32_transform"});
  EXPECT_EQ(findFailures("flow f = normal(zeros(2))",
                         [&](Damaged &flow) {
                           flow.sampled = [](Mapped &mapped, DType type) {
                             if (type == F32)
                               mapped.event.col(1).array() += 0.1;
                           };
                         }),
            Names{"float32_draws"});
}

//===----------------------------------------------------------------------===//
// Conditions, rows, other kinds
//===----------------------------------------------------------------------===//

TEST(VerificationTest, ConditionsAndRows) {
  Model model = makeModel("flow f = coupling_flow(standard_normal([2]), cond_dim = 3, flow_layers = 2)");
  auto report = flowc::verify(model);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message, "'f' needs conditions of 3 numbers, found 0 of 0");
  Rows<double> condition(2, 3);
  condition << 1, 0, -1, 0.5, 2, 0;
  report = flowc::verify(model, {.condition = condition});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->passed()) << report->toText();
  EXPECT_TRUE(select(*report, Verdict::Pass).contains("integral"));
  // Rows of one's own.
  Rows<double> x(3, 2);
  x << 0, 0, 10, -3, -200, 1e4;
  report = flowc::verify(model, {.x = x, .condition = condition});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->passed()) << report->toText();
  EXPECT_EQ(report->rows, 3);
  EXPECT_TRUE(select(*report, Verdict::NotApplicable).contains("sample_log_prob"));
  Model positive = makeModel(positiveFlow);
  report = flowc::verify(positive, {.x = Rows<double>{{1, 2}, {-1, 2}, {3, 4}}});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->passed()) << report->toText();
  EXPECT_EQ(report->leftOut, 1);
  EXPECT_NE(report->toText().find("(1 more outside of the domain)"), std::string::npos) << report->toText();
  EXPECT_EQ(flowc::verify(positive, {.condition = condition}).error().message, "'f' takes no condition, but got one");
  EXPECT_FALSE(flowc::verify(positive, {.rows = 0}));
  EXPECT_FALSE(flowc::verify(positive, {.draws = 10}));
  EXPECT_FALSE(flowc::verify(positive, {.x = condition}));
  EXPECT_FALSE(flowc::verify(positive, {.x = Rows<double>{{1, NAN}}}));
}

TEST(VerificationTest, BijectionsAndDensities) {
  auto report = flowc::verify(makeModel("bijection f = chain([softplus([2]), invert(exp([2]))])"));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(select(*report, Verdict::Pass), (Names{"round_trip_base", "round_trip_events", "log_det_inverse", "log_det",
                                                   "jacobian", "float32_transform"}))
      << report->toText();
  // Its domain are the positive numbers.
  report = flowc::verify(makeModel("bijection f = invert(exp([3]))"));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->leftOut, 0);
  EXPECT_EQ(report->count(Verdict::Pass), 6) << report->toText();
  auto density = Flow::parseDensity("density p(x[2]) = -0.5*sum(x^2) - log1p(x[0]^2)");
  report = flowc::verify(*Model::initialise(*density, {.dtype = F64}));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(select(*report, Verdict::Pass), (Names{"finite", "nan", "float32_log_prob"})) << report->toText();
}

/// Where float64 itself cannot tell, nothing is said to be wrong.
TEST(VerificationTest, SteepFlowsAreNotBlamed) {
  auto report = flowc::verify(makeModel("bijection f = chain([scale([30, 30]), tanh([2])])"));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->passed()) << report->toText();
  EXPECT_NE(report->toText().find("rows not judged: rounding alone"), std::string::npos) << report->toText();
  // A time of this century: differences, and float32, are too coarse.
  report = flowc::verify(makeModel("flow f = normal([1.7e9], [0.5])"));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->passed()) << report->toText();
  EXPECT_EQ(select(*report, Verdict::Undecided), (Names{"jacobian", "float32_log_prob", "float32_draws"}))
      << report->toText();
}

//===----------------------------------------------------------------------===//
// Integrals
//===----------------------------------------------------------------------===//

namespace {

/// Integrates a density that `draws` are from.
BoxIntegral::Value integrate(const Rows<double> &draws, const std::function<double(const double *)> &logDensity) {
  auto density = [&](const Rows<double> &x) -> Expected<Column<double>> {
    Column<double> result(x.rows());
    for (int64_t row = 0; row < x.rows(); ++row)
      result[row] = logDensity(x.data() + row * x.cols());
    return result;
  };
  BoxIntegral integral(density, draws, *density(draws));
  auto ok = integral.refine(1e-9, 1000000);
  EXPECT_TRUE(ok);
  return integral.total();
}

Rows<double> drawFrom(const std::string &text, int64_t rows) {
  Model model = makeModel(text);
  auto kernels = compile(model.flow(), {.dtype = F64});
  return *(*kernels)->sample<double>(model, rows, /*seed=*/1);
}

} // namespace

TEST(VerificationTest, IntegralsAndTheirErrors) {
  const double logRootTwoPi = 0.5 * std::log(2 * std::numbers::pi);
  auto check = [&](const char *what, BoxIntegral::Value value, double expected, double error) {
    EXPECT_NEAR(value.integral, expected, 3 * value.error + 1e-12) << what;
    EXPECT_LE(value.error, error) << what;
  };
  Rows<double> one = drawFrom("flow f = normal(zeros(1))", 5000);
  check("normal", integrate(one, [&](const double *x) { return -0.5 * x[0] * x[0] - logRootTwoPi; }), 1, 1e-7);
  check("twice", integrate(one, [&](const double *x) { return std::log(2) - 0.5 * x[0] * x[0] - logRootTwoPi; }), 2,
        1e-7);
  check("half",
        integrate(one, [&](const double *x) { return x[0] > 0.3 ? -infinity : -0.5 * x[0] * x[0] - logRootTwoPi; }),
        0.5 * std::erfc(-0.3 / std::numbers::sqrt2), 1e-7);
  Rows<double> wide = drawFrom("flow f = cauchy([5], [2])", 5000);
  check("Cauchy",
        integrate(wide,
                  [](const double *x) {
                    double t = (x[0] - 5) / 2;
                    return -std::log(2 * std::numbers::pi) - std::log1p(t * t);
                  }),
        1, 1e-7);
  // A ridge that is a hundred times longer than wide.
  Rows<double> ridge =
      drawFrom("flow f = transformed(normal(zeros(2)), triangular_affine([0, 0], [[1, 0], [1, 0.01]]))", 20000);
  check("ridge",
        integrate(ridge,
                  [&](const double *x) {
                    double t = (x[1] - x[0]) / 0.01;
                    return -0.5 * (x[0] * x[0] + t * t) - 2 * logRootTwoPi - std::log(0.01);
                  }),
        1, 0.02);
  // A jump along a diagonal.
  Rows<double> square = drawFrom("flow f = uniform([0, 0], [1, 1])", 20000);
  check("triangle",
        integrate(square,
                  [](const double *x) {
                    bool isInside = x[0] > 0 && x[0] < 1 && x[1] > 0 && x[1] < 1 && x[0] > x[1];
                    return isInside ? 0 : -infinity;
                  }),
        0.5, 5e-3);
}
