//===- VerificationPartsTest.cpp - What checks are made of ----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlowTesting.h"

#include "flowc/Verification.h"

#include "BoxIntegral.h"
#include "Checks.h"
#include "RandomNumbers.h"

#include <gmock/gmock.h>

#include <array>
#include <set>

using namespace flowc;
using namespace flowc::verification;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

const VerificationCheck &checkOf(const Verification &report, const std::string &name) {
  auto found = std::ranges::find(report.checks, name, &VerificationCheck::name);
  EXPECT_NE(found, report.checks.end()) << name;
  return *found;
}

Verification verify(const std::string &text, const VerifyOptions &options = {}) {
  return test::take(flowc::verify(test::initialise(text, {.seed = 3, .dtype = F64}), options));
}

} // namespace

TEST(Checks, MediansAreOfFiniteNumbers) {
  EXPECT_EQ(medianOr({1, 1, 1}, 5), 1);
  EXPECT_EQ(medianOr({7, 3, NAN, 5, INFINITY}, 9), 5);
  EXPECT_EQ(medianOr({0, 0, 1}, 5), 5) << "no size to compare with";
  EXPECT_EQ(medianOr({}, 5), 5);
}

TEST(Checks, StretchesOfDrawsDoNotOverlap) {
  for (int stretch = 0; stretch < 8; ++stretch)
    EXPECT_EQ(Context::firstDraw(stretch + 1) - Context::firstDraw(stretch), uint64_t(1) << 32);
}

TEST(Checks, RowsMoveByARounding) {
  RandomNumbers random(1, Stream::Moves);
  std::set<double> found;
  for (int i = 0; i < 100; ++i)
    found.insert(moveByRounding(1, F64, random));
  EXPECT_EQ(found, (std::set<double>{1 - 0x1p-52, 1 + 0x1p-52}));
  Rows<double> rows = Rows<double>::Ones(1, 50);
  EXPECT_TRUE(RowMoves(0).move(rows) == rows);
  Rows<double> one = RowMoves(1).move(rows), other = RowMoves(2).move(rows);
  EXPECT_EQ((one - rows).cwiseAbs().maxCoeff(), 0x1p-52);
  EXPECT_EQ((one - rows).cwiseAbs().minCoeff(), 0x1p-52);
  EXPECT_TRUE(one - rows == rows - other) << "the trial behind it goes the other way";
}

TEST(Checks, ReportsCountInWords) {
  Verification report{.name = "f", .kind = "flow", .dim = 1, .rows = 1, .rowNoun = "draw", .seed = 7};
  report.checks = {{.name = "a", .claim = "a is b", .words = "well"},
                   {.name = "c", .claim = "c", .verdict = Verdict::Fail, .words = "bad"}};
  EXPECT_EQ(report.toText(), "'f', a flow of 1 coordinate, at 1 draw of seed 7\n"
                             "  pass  a is b  well\n"
                             "  FAIL  c       bad\n"
                             "  verdict: 1 check of 2 checks fails\n");
  report.dim = report.rows = 2;
  report.rowNoun = "row";
  report.leftOut = 3;
  report.checks[0].verdict = Verdict::Fail;
  report.checks.push_back({.claim = "d", .verdict = Verdict::Undecided, .words = "who knows"});
  std::string text = report.toText();
  EXPECT_THAT(text, StartsWith("'f', a flow of 2 coordinates, at 2 rows (3 more outside of the domain)\n"));
  EXPECT_THAT(text, EndsWith("  verdict: 2 checks of 3 checks fail, 1 undecided\n"));
  report.checks.clear();
  EXPECT_THAT(report.toText(), EndsWith("  verdict: nothing could be checked\n"));
}

TEST(Checks, LimitsAreAFewRoundingsAndAFloor) {
  Verification report = verify("flow f = normal(zeros(2), [1, 3])");
  for (const char *name : {"log_det", "log_det_inverse", "sample_log_prob"}) {
    EXPECT_GE(checkOf(report, name).allowed, 2e-10) << name;
    EXPECT_LT(checkOf(report, name).allowed, 1e-8) << name;
  }
  for (const char *name : {"round_trip_base", "round_trip_events"})
    EXPECT_NEAR(checkOf(report, name).allowed, 1e-11, 1e-12) << name;
  EXPECT_EQ(checkOf(report, "finite").allowed, 0);
  // A rare p-value, of two coordinates.
  EXPECT_EQ(checkOf(report, "float32_draws").allowed, 0.5e-5);
  EXPECT_EQ(checkOf(report, "base_draws").allowed, 0.5e-5);
  // log p of float32 is known to 64 roundings of its size, about 3, and of each coordinate.
  EXPECT_GE(checkOf(report, "float32_log_prob").allowed, 64 * 0x1p-23 * 2);
  EXPECT_LE(checkOf(report, "float32_log_prob").allowed, 64 * 0x1p-23 * 40);
}

TEST(Checks, EndsAreLookedAtFromOutside) {
  Verification report = verify("flow f = transformed(standard_normal([2]), tanh([2]))");
  EXPECT_EQ(checkOf(report, "outside").verdict, Verdict::Pass) << report.toText();
  EXPECT_EQ(checkOf(report, "outside").words, "beyond each of 4 ends");
}

TEST(Checks, InputsAreThoseOfTheDomain) {
  // Positive numbers; numbers from 0 to 1; from 1 on.
  for (const char *text : {"bijection f = invert(exp([2]))", "bijection f = invert(sigmoid([2]))",
                           "bijection f = chain([loc([-1, -1]), invert(exp([2]))])"}) {
    Verification report = verify(text);
    EXPECT_EQ(report.leftOut, 0) << text;
    EXPECT_EQ(report.rows, 1000) << text;
    EXPECT_EQ(report.rowNoun, "input");
  }
}

TEST(Checks, ASingleNumberIsARow) {
  Verification report = verify("flow f = normal([0], [1])", {.x = Rows<double>{{0.5}}});
  EXPECT_EQ(report.rows, 1);
  EXPECT_EQ(report.rowNoun, "row");
  EXPECT_THAT(report.toText(), HasSubstr("a flow of 1 coordinate, at 1 row\n"));
  EXPECT_EQ(checkOf(report, "finite").words, "all 1 rows");
}

TEST(Checks, RowsOutsideAreCounted) {
  Verification report =
      verify("flow f = transformed(standard_normal([2]), exp([2]))", {.x = Rows<double>{{1, 2}, {-1, 2}, {3, 4}}});
  EXPECT_EQ(checkOf(report, "finite").words, "all 3 rows, of which 1 outside of the support");
}

TEST(Checks, VerdictsAreOnTheWorstRow) {
  VerifyOptions options;
  Model model = test::initialise("flow f = normal([0], [1])", {.seed = 3, .dtype = F64});
  auto flow = test::take(makeFlowUnderTest(model, options));
  Context context{*flow, options};
  context.points.numbers = {11, 12, 13, 14};
  context.points.noun = "row";
  Rows<double> rows{{1}, {2}, {3}, {4}};
  auto judge = [&](std::array<double, 4> error, std::array<double, 4> floor) {
    RowErrors errors(4);
    for (int64_t i = 0; i < 4; ++i) {
      errors.error[i] = error[static_cast<size_t>(i)];
      errors.floor[i] = floor[static_cast<size_t>(i)];
    }
    errors.rounding[3] = 0.1; // More than 1 %: not judged.
    return judgeRows(context, "a", "a is b", errors, rows, " nats");
  };
  // The largest error, not that closest to its limit.
  VerificationCheck check = judge({0.5, 0.9, 0.1, 99}, {1, 10, 1, 1});
  EXPECT_EQ(check.verdict, Verdict::Pass);
  EXPECT_EQ(check.row, 12);
  EXPECT_EQ(check.found, 0.9);
  EXPECT_THAT(check.words, HasSubstr("; 1 of 4 rows not judged"));
  // A row is wrong as soon as it is beyond its limit; the worst is the furthest beyond.
  check = judge({1.5, 0.1, 0.1, 99}, {1, 10, 1, 1});
  EXPECT_EQ(check.verdict, Verdict::Fail);
  EXPECT_THAT(check.words, StartsWith("wrong at 1 of 3 rows, most at row 11 (1): off by 1.5 nats, limit 1.0e+00"));
  check = judge({3, 50, 1, 99}, {1, 40, 1, 1});
  EXPECT_THAT(check.words, StartsWith("wrong at 2 of 3 rows, most at row 11 (1)"));
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

namespace {

/// A flow that answers so many calls, and no more.
class Failing final : public FlowUnderTest {
public:
  Failing(FlowUnderTest &flow, int64_t answers) : left(answers), flow(flow) {}
  int64_t left;

  const FlowFacts &facts() const override { return flow.facts(); }
  Expected<Mapped> transform(const Rows<double> &z, const Rows<double> &condition, Arithmetic how) override {
    return answer<Mapped>([&] { return flow.transform(z, condition, how); });
  }
  Expected<Mapped> inverse(const Rows<double> &x, const Rows<double> &condition, Arithmetic how) override {
    return answer<Mapped>([&] { return flow.inverse(x, condition, how); });
  }
  Expected<Rows<double>> jvp(const Rows<double> &z, const Rows<double> &direction, const Rows<double> &condition,
                             Arithmetic how) override {
    return answer<Rows<double>>([&] { return flow.jvp(z, direction, condition, how); });
  }
  Expected<Column<double>> logProb(const Rows<double> &x, const Rows<double> &condition, Arithmetic how) override {
    return answer<Column<double>>([&] { return flow.logProb(x, condition, how); });
  }
  Expected<Column<double>> baseLogProb(const Rows<double> &z, const Rows<double> &condition, Arithmetic how) override {
    return answer<Column<double>>([&] { return flow.baseLogProb(z, condition, how); });
  }
  Expected<Rows<double>> toBase(const Rows<double> &x, const Rows<double> &condition) override {
    return answer<Rows<double>>([&] { return flow.toBase(x, condition); });
  }
  Expected<Mapped> sample(int64_t rows, uint64_t first, const Rows<double> &condition, DType type) override {
    return answer<Mapped>([&] { return flow.sample(rows, first, condition, type); });
  }

private:
  template <typename Result>
  Expected<Result> answer(const std::function<Expected<Result>()> &call) {
    return left-- > 0 ? call() : Expected<Result>(Error{"out of order"});
  }

  FlowUnderTest &flow;
};

} // namespace

TEST(Checks, ErrorsOfAnyCallAreErrors) {
  VerifyOptions options{.rows = 5, .draws = 1000};
  auto flow = makeFlowUnderTest(
      test::initialise("flow f = transformed(standard_normal([1]), affine([1]))", {.dtype = F64}), options);
  ASSERT_TRUE(flow);
  constexpr int64_t most = 1 << 20;
  Failing sound(**flow, most);
  ASSERT_TRUE(verification::verify(sound, options));
  int64_t calls = most - sound.left;
  EXPECT_GT(calls, 40);
  for (int64_t answers = 0; answers < calls; ++answers) {
    Failing failing(**flow, answers);
    auto report = verification::verify(failing, options);
    ASSERT_FALSE(report) << answers << " of " << calls;
    EXPECT_EQ(report.error().message, "out of order");
  }
  EXPECT_FALSE(flowc::verify(test::initialise("flow f = normal([0], [1])", {.dtype = F64}), {.threads = -2}));
}

//===----------------------------------------------------------------------===//
// Integrals
//===----------------------------------------------------------------------===//

TEST(Axis, GoesThereAndBack) {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i)
    values.push_back(std::floor(i / 10.0)); // Of each ten: quantiles that agree are one.
  Axis axis(values, 12);
  double last = -HUGE_VAL;
  for (int64_t interval = 0; interval < axis.intervals(); ++interval)
    for (double u : {0.125, 0.5, 0.875}) {
      auto [x, slope] = axis.at(interval, u);
      EXPECT_GT(x, last);
      last = x;
      auto [found, place] = axis.locate(x);
      EXPECT_EQ(found, interval);
      EXPECT_NEAR(place, u, 1e-12);
      double step = 1e-6;
      EXPECT_NEAR(slope, (axis.at(interval, u + step).first - axis.at(interval, u - step).first) / (2 * step),
                  1e-4 * slope);
    }
}

TEST(BoxIntegral, CountsPointsWithoutADensity) {
  Rows<double> draws = Rows<double>::Zero(100, 1);
  for (int i = 0; i < 100; ++i)
    draws(i, 0) = (i + 0.5) / 100;
  int64_t asked = 0;
  auto density = [&](const Rows<double> &x) -> Expected<Column<double>> {
    Column<double> result = Column<double>::Constant(x.rows(), -HUGE_VAL);
    for (int64_t row = 0; row < x.rows(); ++row)
      if (x(row, 0) > 0 && x(row, 0) < 1)
        result[row] = 0;
    if (asked == 0)
      result[0] = NAN;
    asked += x.rows();
    return result;
  };
  BoxIntegral integral(density, draws, Column<double>::Zero(100));
  ASSERT_TRUE(integral.refine(1e-6, 50000));
  EXPECT_EQ(integral.undefined(), 1);
  EXPECT_LE(asked, 52000) << "no more points than are allowed, but for the first two rounds";
  EXPECT_NEAR(integral.total().integral, 1, 3 * integral.total().error + 1e-12);
  double sum = 0;
  for (const BoxIntegral::Value &cell : integral.cells())
    sum += cell.integral;
  EXPECT_NEAR(sum, integral.total().integral, 1e-12);
}
