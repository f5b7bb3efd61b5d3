//===- ReportPagesTest.cpp - What pictures and pages of reports show ------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Html.h"

#include "flowc/Report/Axes.h"
#include "flowc/Report/Statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <regex>

using namespace flowc;
using namespace flowc::report;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace {

/// An element of a picture.
struct Element {
  std::map<std::string, std::string> attributes;
  std::string content; ///< Of a text, or of its title.

  double number(const std::string &name) const { return std::stod(attributes.at(name)); }
};

std::vector<Element> elementsOf(const std::string &svg, const std::string &tag, const std::string &classes) {
  static const std::regex attribute("([a-z0-9-]+)=\"([^\"]*)\"");
  const std::regex element("<" + tag + " ([^>]*)>(<title>)?([^<]*)");
  std::vector<Element> found;
  for (std::sregex_iterator i(svg.begin(), svg.end(), element), end; i != end; ++i) {
    Element one{{}, (*i)[3]};
    const std::string text = (*i)[1];
    for (std::sregex_iterator j(text.begin(), text.end(), attribute); j != end; ++j)
      one.attributes[(*j)[1]] = (*j)[2];
    if (one.attributes["class"] == classes)
      found.push_back(std::move(one));
  }
  return found;
}

size_t numPoints(const Element &line) { return std::ranges::count(line.attributes.at("points"), ','); }

/// Two columns of four rows and four draws, in two bins of each.
Report twoColumns() {
  Report report;
  report.rows = report.comparedRows = report.draws = 4;
  report.binsPerSide = 2;
  report.pairColumns = {0, 1};
  for (size_t column : {0, 1}) {
    report.columns.push_back({.name = column == 0 ? "left" : "right", .numbers = 4, .deviation = 1});
    MarginalReport &marginal = report.marginals.emplace_back();
    marginal.column = column;
    marginal.scale = {0, 2};
    marginal.bins = {{1, 3}, {2, 2}, 4, 4};
  }
  return report;
}

} // namespace

//===----------------------------------------------------------------------===//
// Pictures
//===----------------------------------------------------------------------===//

TEST(Charts, EstimatesLieInTheirFrame) {
  std::string svg = drawEstimates({{"the model", -1, 3, true}, {"a form", 2, 0.25}}, "nats");
  auto frames = elementsOf(svg, "rect", "frame");
  ASSERT_EQ(frames.size(), 1u);
  double left = frames[0].number("x"), right = left + frames[0].number("width");
  for (const char *classes : {"model stroke", "data stroke"}) {
    auto lines = elementsOf(svg, "line", classes);
    ASSERT_EQ(lines.size(), 1u) << classes;
    EXPECT_GE(lines[0].number("x1"), left);
    EXPECT_LE(lines[0].number("x2"), right);
  }
  // Two errors to each side: 12 and 1.
  auto lengthOf = [&](const char *classes) {
    auto line = elementsOf(svg, "line", classes)[0];
    return line.number("x2") - line.number("x1");
  };
  EXPECT_NEAR(lengthOf("model stroke") / lengthOf("data stroke"), 12, 0.2);
}

TEST(Charts, LossesAreCurvesAndABestEpoch) {
  TrainingRecord record;
  record.trainLosses = {3, 2, 1};
  record.valLosses = {4, 3, 2, 2.5};
  record.bestEpoch = 3;
  std::string svg = drawLosses(record);
  auto train = elementsOf(svg, "polyline", "data stroke"), validation = elementsOf(svg, "polyline", "model stroke");
  ASSERT_EQ(train.size(), 1u);
  ASSERT_EQ(validation.size(), 1u);
  EXPECT_EQ(numPoints(train[0]), 3u);
  EXPECT_EQ(numPoints(validation[0]), 4u);
  auto best = elementsOf(svg, "line", "reference");
  ASSERT_EQ(best.size(), 1u);
  // Epochs 1 to 4 are as wide as the frame.
  EXPECT_NEAR(best[0].number("x1"), 56 + 416 * 2 / 3.0, 0.06);
}

TEST(Charts, LevelsOfCoverageAreApart) {
  std::vector<double> values;
  for (int i = 0; i < 100; ++i)
    values.push_back((i + 0.5) / 100);
  std::string svg = drawCoverage({{"a", centralCoverage(values)}, {"all", upperCoverage(values)}});
  auto isUpright = [](const Element &line) { return line.number("x1") == line.number("x2"); };
  EXPECT_EQ(std::ranges::count_if(elementsOf(svg, "line", "grid"), isUpright), 4);
  EXPECT_EQ(elementsOf(svg, "circle", "data dot").size(), 5u);
  EXPECT_EQ(elementsOf(svg, "circle", "model dot")[3].content, "all: 95.0 % of 95 %");
}

TEST(Charts, BandsAreFramed) {
  BandReport band;
  band.x = {1, 100, true};
  band.y = {0, 10};
  band.bins = {{1, 9, 3, 5, {1, 2, 3}, {2, 3, 4}}, {10, 90, 30, 5, {4, 5, 6}, {5, 6, 7}}};
  band.points = {{2, 5}, {200, 5}};
  std::string svg = drawBand(band, "y", "c");
  EXPECT_EQ(elementsOf(svg, "rect", "frame").size(), 1u);
  EXPECT_EQ(elementsOf(svg, "circle", "data faint").size(), 1u) << "the other point is beside the picture";
  EXPECT_EQ(elementsOf(svg, "circle", "data dot")[0].content, "1 to 9, 5 rows: median 2, model 3");
  auto axes = elementsOf(svg, "text", "axis");
  ASSERT_EQ(axes.size(), 2u);
  EXPECT_EQ(axes[0].content, "c (logarithmic)");
  EXPECT_EQ(axes[1].content, "y");
}

TEST(Charts, QuantilesSayWhatTheyAre) {
  MarginalReport marginal;
  marginal.scale = {0, 10};
  marginal.quantiles = {{0.25, 2, 2.5, 1.5, 3}, {0.5, 5, 6, 4, 7}};
  std::string svg = drawQuantiles(marginal, "a");
  EXPECT_EQ(elementsOf(svg, "rect", "frame").size(), 1u);
  auto dots = elementsOf(svg, "circle", "data dot");
  ASSERT_EQ(dots.size(), 2u);
  EXPECT_EQ(dots[0].content, "25 %: model 2, rows 2.5");
}

TEST(Charts, BarsStandBesideWhatIsExpected) {
  UniformityReport uniform;
  uniform.label = "a";
  uniform.counts = {63, 12, 13, 12};
  uniform.rows = 100;
  std::string svg = drawUniformity(uniform);
  auto bars = elementsOf(svg, "rect", "data area"), frames = elementsOf(svg, "rect", "frame");
  ASSERT_EQ(bars.size(), 4u);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(bars[0].content, "63 rows");
  EXPECT_NEAR(bars[0].number("height") / bars[1].number("height"), 63 / 12.0, 0.05);
  auto expected = elementsOf(svg, "line", "reference");
  ASSERT_EQ(expected.size(), 1u);
  EXPECT_EQ(expected[0].number("x1"), frames[0].number("x"));
  EXPECT_EQ(expected[0].number("x2"), frames[0].number("x") + frames[0].number("width"));
  // A quarter of the rows, by the height of the first bar.
  double bottom = bars[0].number("y") + bars[0].number("height");
  EXPECT_NEAR(bottom - expected[0].number("y1"), bars[0].number("height") * 25 / 63, 0.1);
  std::vector<std::string> percentages;
  for (const Element &text : elementsOf(svg, "text", "tick"))
    if (text.attributes.at("text-anchor") == "end")
      percentages.push_back(text.content);
  EXPECT_THAT(percentages, ElementsAre("0", "20", "40", "60"));
}

TEST(Charts, PairsMirrorRowsAndDraws) {
  Report report = twoColumns();
  // All rows, and all draws, in the upper half of the first column and the lower half of the second.
  report.pairs = {{0, 1, {{0, 4, 0, 0}, {0, 4, 0, 0}, 4, 4}}};
  std::string svg = drawPairs(report);
  EXPECT_EQ(elementsOf(svg, "rect", "frame").size(), 4u);
  auto rows = elementsOf(svg, "path", "data cells"), draws = elementsOf(svg, "path", "model cells");
  ASSERT_EQ(rows.size(), 1u);
  ASSERT_EQ(draws.size(), 1u);
  // Panels are 240 wide and 6 apart. Rows are below the diagonal, with the first column across; draws above it.
  EXPECT_EQ(rows[0].attributes.at("d"), "M180.0 374.0h120.0v120.0h-120.0z");
  EXPECT_EQ(draws[0].attributes.at("d"), "M306.0 8.0h120.0v120.0h-120.0z");
  std::vector<std::string> names;
  for (const Element &text : elementsOf(svg, "text", "axis"))
    names.push_back(text.content);
  EXPECT_THAT(names, testing::UnorderedElementsAre("left", "left", "right", "right"));
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

TEST(Pages, NumbersAreWords) {
  EXPECT_EQ(number(NAN), "\u2013");
  EXPECT_EQ(number(-0.0), "0");
  EXPECT_EQ(number(INFINITY), "\u221e");
  EXPECT_EQ(number(-INFINITY), "\u2212\u221e");
  EXPECT_EQ(number(-1.5), "\u22121.5");
  EXPECT_EQ(within(1.23456, 0.5), "1.2346");
  EXPECT_EQ(within(-0.00001, 20), "0.00");
  EXPECT_EQ(within(12345678, 100), "1.2346e+07");
  EXPECT_EQ(probability(NAN), "\u2013");
  EXPECT_EQ(probability(0.0005), "&lt; 0.001");
  EXPECT_EQ(probability(0.25), "0.250");
  EXPECT_EQ(counted(1, "row"), "1 row");
  EXPECT_EQ(counted(2, "row"), "2 rows");
  EXPECT_EQ(counted(0, "row"), "0 rows");
  EXPECT_EQ(percent(0.1234), "12.3\u202f%");
}

TEST(Pages, PairsThatAgreeAreNotMarked) {
  Report report = twoColumns();
  report.pairs = {{0, 1, {{1, 1, 1, 1}, {1, 1, 1, 1}, 4, 4}}};
  report.dependence = {{0, 1, 0.5, 0.5, 0.01}};
  EXPECT_THAT(pairsSection(report), AllOf(HasSubstr("<th scope=\"row\">left, right</th>"), Not(HasSubstr("marked\""))));
  report.dependence[0].model = 0.9;
  EXPECT_THAT(pairsSection(report), AllOf(HasSubstr("<tr class=\"marked\">"), HasSubstr("<td>40.0</td>")));
}

TEST(Pages, LevelsHeadTheirColumns) {
  Report report = twoColumns();
  report.coverage = {{"all", upperCoverage(std::vector<double>{0.2, 0.6})}};
  std::string text = coverageSection(report);
  for (const char *level : {"50", "80", "90", "95", "99"})
    EXPECT_THAT(text, HasSubstr("<th scope=\"col\">" + std::string(level) + "\u202f%</th>"));
}

TEST(Pages, WhatIsNotThereHasNoHeading) {
  Report report = twoColumns();
  report.dtype = "float32";
  EXPECT_THAT(dataSection(report), Not(HasSubstr("Conditions")));
  EXPECT_THAT(flowSection(report), Not(HasSubstr("As mathematics")));
  EXPECT_EQ(bandsSection(report), "");
  EXPECT_EQ(pairsSection(report), "");
  EXPECT_EQ(lossSection(report), "");
  report.mathematics = "x = z";
  EXPECT_THAT(flowSection(report), HasSubstr("As mathematics</summary>\n<pre>x = z</pre>"));
  report.conditions = {{.name = "c"}};
  EXPECT_THAT(dataSection(report), HasSubstr("<h3>Conditions</h3>"));
}

TEST(Pages, RecordsSayHowAModelWasMade) {
  Report report = twoColumns();
  report.dtype = "float32";
  report.record.rows = 1234;
  report.record.steps = 300;
  report.record.options = {{"seed", 7}};
  EXPECT_THAT(reproduceSection(report), AllOf(HasSubstr("<th scope=\"row\">rows</th><td>1,234</td>"),
                                              HasSubstr("<th scope=\"row\">steps</th><td>300</td>"),
                                              HasSubstr("<th scope=\"row\">seed</th><td>7</td>")));
}

TEST(Pages, TheChosenFlowOfASearchIsMarked) {
  Report report = twoColumns();
  report.record.search = {{.name = "best", .logLikelihood = -1, .error = 0.1, .steps = 4000},
                          {.name = "form", .isBaseline = true, .logLikelihood = -1.5, .error = 0.2},
                          {.name = "late", .problem = "no time"}};
  report.record.choices["flow"] = "best";
  std::string text = likelihoodSection(report);
  EXPECT_THAT(text, AllOf(HasSubstr("best <strong>(chosen)</strong></th>"), HasSubstr("<th scope=\"row\">form</th>"),
                          HasSubstr("<th scope=\"row\">late</th><td>no time</td>")));
  BesideBaseline beside = besideBaseline(report);
  ASSERT_NE(beside.best, nullptr);
  EXPECT_EQ(beside.best->name, "form");
  EXPECT_NEAR(beside.gain, 0.5, 1e-12);
  EXPECT_NEAR(beside.gainError, std::hypot(0.1, 0.2), 1e-12);
  EXPECT_TRUE(beside.isHeldOut);
}
