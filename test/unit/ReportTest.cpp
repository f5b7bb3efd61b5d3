//===- ReportTest.cpp - Numbers and pictures of reports -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Report.h"

#include "Charts.h"

#include "flowc/Report/Statistics.h"
#include "flowc/Support/Format.h"
#include "flowc/Support/Reservoir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>

using namespace flowc;
using namespace flowc::report;

namespace {

constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

struct Compiled {
  Model model;
  std::shared_ptr<Kernels> kernels;
};

Compiled compileFlow(const std::string &text, int threads = 0) {
  auto flow = Flow::parse(text);
  EXPECT_TRUE(flow) << flow.error().message;
  auto model = Model::initialise(*flow, {.seed = 3, .dtype = F64});
  EXPECT_TRUE(model) << model.error().message;
  auto kernels = compile(*flow, {.dtype = F64, .threads = threads});
  EXPECT_TRUE(kernels) << kernels.error().message;
  return {*model, *kernels};
}

/// The quantile of the standard normal distribution, by bisection.
double normalQuantile(double share) {
  double low = -10, high = 10;
  for (int i = 0; i < 200; ++i) {
    double middle = 0.5 * (low + high);
    (0.5 * std::erfc(-middle / std::numbers::sqrt2) < share ? low : high) = middle;
  }
  return low;
}

/// Rows of a normal distribution with these deviations.
Rows<double> normalRows(int64_t rows, const std::vector<double> &deviations) {
  Rows<double> x(rows, std::ssize(deviations));
  std::mt19937 random(7);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < x.cols(); ++column)
      x(row, column) = deviations[column] * normalQuantile((random() + 0.5) / 4294967296.0);
  return x;
}

Report makeReport(const Compiled &flow, const Rows<double> &x, const Rows<double> &condition = {},
                  const ReportOptions &options = {}, int64_t chunk = 1000000) {
  auto builder = ReportBuilder::create(*flow.kernels, flow.model, {}, options);
  EXPECT_TRUE(builder) << builder.error().message;
  for (int64_t row = 0; row < x.rows(); row += chunk) {
    int64_t count = std::min(chunk, x.rows() - row);
    auto ok = (*builder)->add(x.data() + row * x.cols(),
                              condition.size() > 0 ? condition.data() + row * condition.cols() : nullptr, count);
    EXPECT_TRUE(ok) << ok.error().message;
  }
  auto report = (*builder)->finish();
  EXPECT_TRUE(report) << report.error().message;
  return *report;
}

} // namespace

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

TEST(Statistics, QuantilesAreThoseOfNumpy) {
  // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.5, 0.9, 1])
  std::vector<double> values = {1, 2, 4, 8};
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 0.1), 1.3);
  EXPECT_DOUBLE_EQ(quantile(values, 0.5), 3);
  EXPECT_DOUBLE_EQ(quantile(values, 0.9), 6.8);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 8);
  EXPECT_TRUE(std::isnan(quantile({}, 0.5)));
}

TEST(Statistics, RankCorrelationsHaveMeanRanksOfTies) {
  // As a direct computation has it.
  Rows<double> rows(6, 3);
  rows << 1, 2, 5, 2, 1, 5, 3, 4, 5, 4, 3, 5, 5, 5, 5, 5, 6, 5;
  Eigen::MatrixXd correlations = rankCorrelations(rows);
  EXPECT_NEAR(correlations(0, 1), 0.8696565534786727, 1e-12);
  EXPECT_EQ(correlations(0, 2), 0) << "of a constant column";
  EXPECT_EQ(ranksOf(std::vector<double>{3, 1, 3, 2}), (std::vector<double>{3.5, 1, 3.5, 2}));
}

TEST(Statistics, HolmMultipliesStepByStep) {
  // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
  std::vector<double> adjusted = adjustByHolm({0.01, 0.04, 0.03, 0.005});
  const std::vector<double> expected = {0.03, 0.06, 0.06, 0.02};
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(adjusted[i], expected[i], 1e-15);
  EXPECT_EQ(adjustByHolm({0.9, 0.8}), (std::vector<double>{1, 1}));
}

TEST(Statistics, CoverageCountsValuesInIntervals) {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i)
    values.push_back((i + 0.5) / 1000);
  values.push_back(notANumber);
  for (const auto &coverage : {centralCoverage(values), upperCoverage(values)})
    for (const Coverage &level : coverage) {
      EXPECT_EQ(level.rows, 1000);
      EXPECT_EQ(level.inside, std::lround(1000 * level.level));
    }
  // In the tails only: no central interval but that of 99 % holds any, and the upper ones half.
  std::vector<double> tails = {0.006, 0.994, 0.007, 0.993};
  EXPECT_EQ(centralCoverage(tails)[3].inside, 0);
  EXPECT_EQ(centralCoverage(tails)[4].inside, 4);
  EXPECT_EQ(upperCoverage(tails)[3].inside, 2);
  EXPECT_NEAR(centralCoverage(tails)[0].error(), 0.25, 1e-15);
}

TEST(Statistics, BinsAreTheSameForBothSides) {
  Scale scale{0, 10};
  SharedBins bins = binColumn(std::vector<double>{-1, 0, 0.5, 9.99, 10}, std::vector<double>{0.2, 5, 20}, scale, 10);
  EXPECT_EQ(bins.data, (std::vector<int64_t>{2, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(bins.model, (std::vector<int64_t>{1, 0, 0, 0, 0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(bins.croppedData(), 2);
  EXPECT_EQ(bins.croppedModel(), 1);
  Rows<double> data(2, 2), model(1, 2);
  data << 1, 9, 1, 9;
  model << 9, 1;
  SharedBins pair = binPair(data, model, {0, 1}, {scale, scale}, 2);
  EXPECT_EQ(pair.data, (std::vector<int64_t>{0, 0, 2, 0}));
  EXPECT_EQ(pair.model, (std::vector<int64_t>{0, 1, 0, 0}));
}

TEST(Statistics, LongTailsHaveLogarithmicAxes) {
  std::vector<double> plain, tailed;
  for (int i = 1; i <= 1000; ++i) {
    plain.push_back(i);
    tailed.push_back(std::exp(0.01 * i));
  }
  EXPECT_FALSE(chooseScale(plain, plain).logarithmic);
  Scale scale = chooseScale(tailed, tailed);
  EXPECT_TRUE(scale.logarithmic);
  EXPECT_NEAR(scale.position(scale.valueAt(0.3)), 0.3, 1e-12);
  EXPECT_TRUE(std::isnan(scale.position(-1)));
  std::vector<double> constant(5, 3.0);
  Scale one = chooseScale(constant, constant);
  EXPECT_LT(one.low, 3);
  EXPECT_GT(one.high, 3);
}

TEST(Statistics, QuantilesOfTheSameValuesLieInTheirBand) {
  std::vector<double> values;
  for (int i = 0; i < 500; ++i)
    values.push_back(i);
  std::vector<QuantilePair> pairs = compareQuantiles(values, values);
  EXPECT_EQ(pairs.size(), 60U);
  for (const QuantilePair &pair : pairs) {
    EXPECT_DOUBLE_EQ(pair.model, pair.data);
    EXPECT_LE(pair.low, pair.data);
    EXPECT_GE(pair.high, pair.data);
  }
  // The band of the median: 250 +- 1.96 * sqrt(0.25 * 2 / 500) * 499, about 31.
  const QuantilePair &middle = pairs[30];
  EXPECT_NEAR(middle.high - middle.low, 2 * 1.96 * std::sqrt(0.25 * 2 / 500.0) * 499, 0.2);
}

TEST(Statistics, EqualBinsHoldBothEnds) {
  EXPECT_EQ(countUniform(std::vector<double>{0, 0.2, 0.5, 1, notANumber, -0.1, 1.1}, 2), (std::vector<int64_t>{2, 2}));
}

TEST(Statistics, SharesBelowCountHalfOfTies) {
  std::vector<double> sorted = {1, 2, 2, 3};
  EXPECT_DOUBLE_EQ(shareBelow(sorted, 0), 0.5 / 5);
  EXPECT_DOUBLE_EQ(shareBelow(sorted, 2), 2.5 / 5);
  EXPECT_DOUBLE_EQ(shareBelow(sorted, 9), 4.5 / 5);
}

TEST(Statistics, NumbersHaveDigitsThatMeanSomething) {
  EXPECT_EQ(formatCount(999), "999");
  EXPECT_EQ(formatCount(-1234567), "-1,234,567");
  EXPECT_EQ(formatWithError(1.23456, 0.0234), "1.235 +- 0.023");
  EXPECT_EQ(formatWithError(123.456, 23, "\u00b1"), "123 \u00b1 23");
  EXPECT_EQ(formatWithError(1.5, notANumber), "1.5");
}

TEST(Statistics, ReservoirsKeepEveryItemAlikeOften) {
  // Of 10 items 3 are kept: each by 300 of 1,000 seeds, with a deviation of 14.5.
  std::vector<int> times(10);
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Reservoir reservoir(3, seed);
    std::vector<int> kept;
    for (int item = 0; item < 10; ++item) {
      int64_t place = reservoir.placeNext();
      ASSERT_LE(place, std::ssize(kept));
      if (place == std::ssize(kept))
        kept.push_back(item);
      else if (place >= 0)
        kept[place] = item;
    }
    ASSERT_EQ(kept.size(), 3U);
    for (int item : kept)
      ++times[item];
  }
  for (int count : times)
    EXPECT_NEAR(count, 300, 5 * 14.5);
}

//===----------------------------------------------------------------------===//
// Pictures
//===----------------------------------------------------------------------===//

TEST(Svg, EscapesWhatUsersSay) {
  EXPECT_EQ(escapeHtml("<a href='x'>&\"\x01"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;?");
  Svg svg(10, 20, "a < b");
  svg.text({1, 2.25}, "<script>", Svg::Anchor::End, "axis");
  svg.circle({1, 2}, 3, "dot", "\"&");
  EXPECT_EQ(svg.finish(), "<svg viewBox=\"0 0 10 20\" role=\"img\" aria-label=\"a &lt; b\"><text x=\"1\" y=\"2.2\" "
                          "text-anchor=\"end\" class=\"axis\">&lt;script&gt;</text><circle cx=\"1\" cy=\"2\" r=\"3\" "
                          "class=\"dot\"><title>&quot;&amp;</title></circle></svg>\n");
}

TEST(Svg, TicksAreRoundNumbersInside) {
  EXPECT_EQ(ticksOf({0, 1}, 5).size(), 6U);
  std::vector<double> ticks = ticksOf({-0.31, 0.72}, 5);
  ASSERT_EQ(ticks.size(), 5U);
  EXPECT_NEAR(ticks.front(), -0.2, 1e-15);
  EXPECT_EQ(ticks[1], 0);
  EXPECT_EQ(ticksOf({0.5, 2000, true}, 5), (std::vector<double>{1, 10, 100, 1000}));
  EXPECT_EQ(ticksOf({0.9, 9, true}, 5), (std::vector<double>{1, 2, 5}));
}

TEST(Svg, TicksHaveShortTexts) {
  Ticks plain = labelTicks({-1, 1}, 2);
  EXPECT_EQ(plain.texts, (std::vector<std::string>{"\u22121", "0", "1"}));
  EXPECT_EQ(plain.suffix, "");
  Ticks large = labelTicks({-2.1e7, 2.1e7}, 4);
  EXPECT_EQ(large.texts, (std::vector<std::string>{"\u22122", "\u22121", "0", "1", "2"}));
  EXPECT_EQ(large.suffix, " / 10\u2077");
  Ticks near = labelTicks({99998.9, 100001.1}, 2);
  EXPECT_EQ(near.texts, (std::vector<std::string>{"\u22121", "0", "1"}));
  EXPECT_EQ(near.suffix, " \u2212 100000");
  Ticks powers = labelTicks({0.5e-4, 20000, true}, 10);
  EXPECT_EQ(powers.texts.front(), "10\u207b\u2074");
  EXPECT_EQ(powers.texts[4], "1");
  EXPECT_EQ(labelTicks({0.5, 2000, true}, 5).texts, (std::vector<std::string>{"1", "10", "100", "10\u00b3"}));
  // Fewer where there is no room for them.
  EXPECT_LT(labelTicks({0, 10000}, 10, 100).values.size(), labelTicks({0, 10000}, 10).values.size());
}

TEST(Svg, NamesKeepBeginningAndEnd) {
  EXPECT_EQ(fitName("short", 100), "short");
  EXPECT_EQ(fitName("0123456789", 76), "0123456789") << "just enough";
  EXPECT_EQ(fitName("column_number_17", 76), "colu\u2026er_17");
  EXPECT_EQ(fitName("\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4", 38), "\u00e4\u00e4\u2026\u00e4\u00e4");
}

TEST(Svg, PlanesTurnValuesToPlaces) {
  Svg svg(100, 100, "");
  Plane plane(svg, {10, 20, 50, 40}, {0, 5}, {1, 100, true});
  EXPECT_DOUBLE_EQ(plane.across(2.5), 35);
  EXPECT_DOUBLE_EQ(plane.up(10), 40);
  Point outside = plane.clamped(9, 0.1);
  EXPECT_DOUBLE_EQ(outside.x, 60);
  EXPECT_DOUBLE_EQ(outside.y, 60);
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

TEST(Report, FindsNothingWrongWithARightModel) {
  Report report = makeReport(compileFlow("flow f = normal([0, 0], [1, 2])"), normalRows(1999, {1, 2}));
  EXPECT_EQ(report.rows, 1999);
  EXPECT_EQ(report.numTests(), 5) << "two columns, their conditionals, the log-density";
  EXPECT_EQ(report.numRejected(), 0);
  EXPECT_NE(report.toHtml().find("None of 5 tests tells the rows from draws of the model"), std::string::npos);
  EXPECT_TRUE(report.isRosenblatt);
  EXPECT_EQ(report.columns[1].numbers, 1999);
  EXPECT_NEAR(report.columns[1].deviation, 2, 0.1);
  // The entropy.
  EXPECT_NEAR(report.meanLogProb, -std::log(2) - std::log(2 * std::numbers::pi) - 1, 4 * report.logProbError);
  EXPECT_NEAR(report.logProbError, std::sqrt(1 / 1999.0), 0.003);
  for (const CoverageReport &coverage : report.coverage)
    for (const Coverage &level : coverage.levels)
      EXPECT_NEAR(level.share(), level.level, 4 * level.error()) << coverage.label << level.level;
  EXPECT_NEAR(report.marginals[1].modelDeviation, 2, 0.1);
  ASSERT_EQ(report.leastLikely.size(), 10U);
  EXPECT_TRUE(std::ranges::is_sorted(report.leastLikely, {}, &SurprisingRow::logProb));
}

TEST(Report, MeasuresHowFarAModelIsTooNarrow) {
  Rows<double> x = normalRows(1999, {2, 1});
  Report report = makeReport(compileFlow("flow f = normal([0, 0], [1, 1])"), x);
  EXPECT_GE(report.numRejected(), 2);
  // Independently: the share of rows with |x| below the model's quantile.
  for (size_t i = 0; i < kCoverageLevels.size(); ++i) {
    double half = normalQuantile(0.5 + 0.5 * kCoverageLevels[i]);
    auto inside = std::ranges::count_if(x.col(0), [&](double value) { return std::abs(value) <= half; });
    auto order = std::ranges::find(report.coverage, "x0", &CoverageReport::label);
    ASSERT_NE(order, report.coverage.end());
    EXPECT_NEAR(static_cast<double>(order->levels[i].inside), static_cast<double>(inside), report.isExact ? 1 : 40);
  }
  // Quantiles of the rows are twice those of the model.
  const MarginalReport &marginal = report.marginals[0];
  for (const QuantilePair &pair : marginal.quantiles)
    if (pair.share > 0.1 && pair.share < 0.9)
      EXPECT_NEAR(pair.data, 2 * pair.model, 0.15);
  EXPECT_GT(marginal.test.statistic, 0.1);
  // The closed forms know better.
  ASSERT_FALSE(report.baselines.forms.empty());
  EXPECT_GT(report.baselines.forms.front().logLikelihood, report.meanLogProb + 0.3);
}

TEST(Report, KnowsRowsThatSurprise) {
  Rows<double> x = normalRows(501, {1, 1});
  x.row(17) << 9, 0;
  Report report = makeReport(compileFlow("flow f = normal([0, 0], [1, 1])"), x);
  const SurprisingRow &worst = report.leastLikely.front();
  EXPECT_EQ(worst.number, 18);
  EXPECT_NEAR(worst.logProb, -40.5 - std::log(2 * std::numbers::pi), 1e-9);
  EXPECT_NEAR(worst.residuals[0], 9, 1e-6);
  EXPECT_NEAR(worst.tail, 1 / 10001.0, 1e-12);
  EXPECT_EQ(worst.values, (std::vector<double>{9, 0}));
}

TEST(Report, PicturesColumnsThatDependOnOthers) {
  // Three of nine columns are constant: of those that do not depend on others the first is shown.
  Report report = makeReport(compileFlow("flow f = student_t(full([9], 5), zeros(9), ones(9))"),
                             normalRows(150, {1, 0, 2, 1, 0, 1, 1, 0, 1}));
  EXPECT_EQ(report.pairColumns, (std::vector<size_t>{0, 1, 2, 3, 5, 6, 8}));
  EXPECT_EQ(report.pairs.size(), 21U);
  EXPECT_EQ(report.binsPerSide, 10) << "the fewest";
  EXPECT_EQ(report.dependence.size(), 36U);
  EXPECT_FALSE(report.isExact);
  EXPECT_NE(report.baselines.problem.find("column 'x1' is constant"), std::string::npos) << report.baselines.problem;
}

TEST(Report, LeavesOutRowsWithoutDensity) {
  Rows<double> x(4, 1);
  x << 0.5, notANumber, 1.5, 2;
  Report report = makeReport(compileFlow("flow f = uniform([0], [1])"), x.topRows(3));
  EXPECT_EQ(report.undefined, 1);
  EXPECT_EQ(report.outside, 1);
  EXPECT_EQ(report.outsideNumbers, (std::vector<int64_t>{3}));
  EXPECT_EQ(report.comparedRows, 1);
  EXPECT_EQ(report.columns[0].missing, 1);
  EXPECT_TRUE(std::isnan(report.logProbError));
  std::string page = report.toHtml();
  EXPECT_NE(page.find("1 row lies outside of the model's support"), std::string::npos);
  EXPECT_NE(page.find("1 row with a missing number (NaN) is left out."), std::string::npos);
  EXPECT_EQ(page.find("=\"nan"), std::string::npos);
  for (auto [name, title] : {std::pair{"", "data"}, {"-", "standard input"}, {"folder/rows.csv", "rows.csv"}}) {
    report.source.data.name = name;
    EXPECT_NE(report.toHtml().find("<title>A model of " + std::string(title) + "</title>"), std::string::npos) << name;
  }

  auto [model, kernels] = compileFlow("flow f = uniform([0], [1])");
  auto builder = ReportBuilder::create(*kernels, model, {});
  ASSERT_TRUE((*builder)->add(x.data() + 2, nullptr, 2));
  auto none = (*builder)->finish();
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("none of the 2 rows has a density under 'f'"), std::string::npos);
}

TEST(Report, HasBandsUnderConditions) {
  // y = c + noise, and rows with half of the noise.
  Compiled flow = compileFlow("flow f = transformed(standard_normal([1]), additive_condition(linear(1, 1), [1], [1]))");
  Rows<double> x = normalRows(1201, {0.5}), condition(1201, 1);
  for (int64_t row = 0; row < 1201; ++row)
    condition(row, 0) = static_cast<double>(row * 5 % 1201) / 100;
  // What the layer makes of the condition, as the flow's own draws have it.
  auto mean = flow.kernels->transform<double>(flow.model, Rows<double>::Zero(1201, 1), condition);
  ASSERT_TRUE(mean) << mean.error().message;
  std::vector<std::string> steps;
  Report report = makeReport(flow, x + mean->first, condition,
                             {.progress = [&](const std::string &what) { steps.push_back(what); }});
  EXPECT_EQ(steps, (std::vector<std::string>{"drawing", "drawing under conditions", "testing", "scoring rows",
                                             "closed forms to compare with", "explaining the flow"}));
  EXPECT_TRUE(report.isConditional());
  ASSERT_EQ(report.bands.size(), 1U);
  EXPECT_GE(report.bands[0].bins.size(), 10U);
  int64_t rows = 0;
  for (const BandReport::Bin &bin : report.bands[0].bins) {
    rows += bin.rows;
    EXPECT_NEAR(bin.data[1], bin.model[1], 0.4);
    EXPECT_LT(bin.data[2] - bin.data[0], bin.model[2] - bin.model[0]);
  }
  EXPECT_EQ(rows, 1201);
  // 95 % intervals of the model are those of +- 3.92 deviations of the rows.
  EXPECT_GT(report.coverage.front().levels[3].share(), 0.995);
  EXPECT_EQ(report.mostSurprising.size(), 10U);
}

TEST(Report, DependsNeitherOnChunksNorOnThreads) {
  Rows<double> x = normalRows(701, {1, 2, 3});
  const std::string text = "flow f = masked_autoregressive_flow(standard_normal([3]), flow_layers = 1, nn_width = 4)";
  ReportOptions options{.seed = 5, .rows = 300};
  std::string page = makeReport(compileFlow(text, 1), x, {}, options).toHtml();
  EXPECT_EQ(page, makeReport(compileFlow(text, 2), x, {}, options, 37).toHtml());
  EXPECT_NE(page.find("Comparisons on this page see 300 rows of 701"), std::string::npos);
  options.seed = 6;
  EXPECT_NE(page, makeReport(compileFlow(text, 1), x, {}, options).toHtml());
}

TEST(Report, SaysWhatIsWrong) {
  auto [model, kernels] = compileFlow("bijection b = exp([2])");
  auto builder = ReportBuilder::create(*kernels, model, {});
  ASSERT_FALSE(builder);
  EXPECT_EQ(builder.error().message, "'b' is a bijection, expected a flow: only distributions have samples");
  auto flow = compileFlow("flow f = normal([0], [1])");
  auto few = ReportBuilder::create(*flow.kernels, flow.model, {}, {.rows = 5});
  ASSERT_FALSE(few);
  auto empty = ReportBuilder::create(*flow.kernels, flow.model, {});
  auto report = (*empty)->finish();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message, "there are no rows to report on");
}
