//===- SectionsOfComparisons.cpp - Rows beside the model, on the page -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Html.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace flowc;
using namespace flowc::report;

static const std::string kKeys = "<span class=\"key data\"></span>rows <span class=\"key model\"></span>model";

static constexpr double kRejected = 0.01;

//===----------------------------------------------------------------------===//
// Columns and pairs
//===----------------------------------------------------------------------===//

/// Indices of the columns whose pictures are shown: all, or of many those that differ most.
static std::vector<size_t> shownMarginals(const Report &report) {
  constexpr size_t most = 12;
  std::vector<size_t> shown(report.marginals.size());
  std::iota(shown.begin(), shown.end(), size_t(0));
  if (shown.size() <= most)
    return shown;
  std::ranges::stable_sort(shown, std::greater<>(), [&](size_t i) { return report.marginals[i].test.statistic; });
  shown.resize(most);
  std::ranges::sort(shown);
  return shown;
}

static std::string marginalsTable(const Report &report) {
  Table table({"column", "mean of rows", "of the model", "deviation of rows", "of the model", "KS distance", "p",
               "p, corrected"});
  for (const MarginalReport &marginal : report.marginals) {
    const ColumnDescription &column = report.columns[marginal.column];
    double wide = column.deviation;
    table.add({escapeHtml(column.name), within(column.mean, wide), within(marginal.modelMean, wide),
               within(column.deviation, wide), within(marginal.modelDeviation, wide),
               print("%.4f", marginal.test.statistic), probability(marginal.test.pValue),
               probability(marginal.adjusted)},
              marginal.adjusted < kRejected);
  }
  return table.finish();
}

std::string report::marginalsSection(const Report &report) {
  std::string text = paragraph(
      counted(report.comparedRows, "row") + " beside " + counted(report.draws, "draw") + " of the model" +
      (report.isConditional() ? ", drawn under the rows' conditions" : "") +
      ". The test of Kolmogorov and Smirnov looks for the largest difference of the shares below any value; p is the "
      "probability of one as large if rows and draws had one distribution. Corrected (Holm) are p-values for the " +
      counted(report.numTests(), "test") + " of this page together; below 0.01 they are marked.");
  text += marginalsTable(report);
  std::vector<size_t> shown = shownMarginals(report);
  if (shown.size() < report.marginals.size())
    text += paragraph("Pictures of the " + std::to_string(shown.size()) + " columns, of " +
                      std::to_string(report.marginals.size()) + ", that differ most:");
  text += note(kKeys + ". Bins and axes are the same for both. In the second picture quantiles lie on the dashed line "
                       "where rows and model agree, and 95\u202f% of them in the band if the model is right.");
  text += "<div class=\"twins\">\n";
  for (size_t i : shown) {
    const MarginalReport &marginal = report.marginals[i];
    const std::string &name = report.columns[marginal.column].name;
    std::string caption;
    if (int64_t data = marginal.bins.croppedData(), model = marginal.bins.croppedModel(); data + model > 0)
      caption = "Beside the picture: " + counted(data, "row") + " and " + counted(model, "draw") + ".";
    text += "<div class=\"card\"><h3>" + escapeHtml(name) + "</h3><div class=\"twin\">" +
            figure(drawHistogram(marginal, name), caption) + figure(drawQuantiles(marginal, name), "") +
            "</div></div>\n";
  }
  return text + "</div>\n";
}

static std::string dependenceTable(const Report &report) {
  constexpr size_t most = 10;
  size_t shown = std::min(most, report.dependence.size());
  Table table({"pair", "rows", "model", "difference", "in standard errors"});
  for (size_t i = 0; i < shown; ++i) {
    const Dependence &pair = report.dependence[i];
    double off = (pair.model - pair.data) / std::max(pair.error, 1e-12);
    table.add({escapeHtml(report.columns[pair.first].name) + ", " + escapeHtml(report.columns[pair.second].name),
               within(pair.data, 1), within(pair.model, 1), withError(pair.model - pair.data, pair.error),
               within(off, 100)},
              std::abs(off) > 4);
  }
  return "<h3>Rank correlations</h3>\n" +
         paragraph("Spearman's, of rows and of draws of the model, with one standard error of the difference; " +
                   (shown < report.dependence.size()
                        ? "the " + std::to_string(shown) + " of " + counted(std::ssize(report.dependence), "pair") +
                              " that differ most clearly."
                        : "the clearest difference first.") +
                   " More than four standard errors are marked.") +
         table.finish();
}

std::string report::pairsSection(const Report &report) {
  if (report.pairs.empty())
    return "";
  std::string text = paragraph(
      kKeys + ". Below the diagonal rows, above it draws of the model, in the same " +
      std::to_string(report.binsPerSide) +
      " bins of each column and with the same shades, by the root of the share in a cell: what is above should mirror "
      "what is below. On the diagonal both columns' histograms.");
  if (report.pairColumns.size() < report.columns.size())
    text += paragraph("Of " + std::to_string(report.columns.size()) + " columns, the " +
                      std::to_string(report.pairColumns.size()) + " that depend most on others.");
  return text + figure(drawPairs(report), "", "pairs scroll") + dependenceTable(report);
}

//===----------------------------------------------------------------------===//
// Uniformity and coverage
//===----------------------------------------------------------------------===//

static std::string describeTransform(const Report &report) {
  std::string exact = report.isExact ? "exact, by the normal distribution of the flow's base"
                                     : "by ranks among what draws of the model come from";
  if (report.isRosenblatt)
    return "The flow takes columns one after the other, so that it has the conditional distribution of each given "
           "those before it (Rosenblatt's transform). Where a row lies in that distribution, from 0 to 1 (the "
           "probability integral transform, " +
           exact +
           "), is uniform if the model is right. A hump in the middle says that the model is too wide, a hollow that "
           "it is too narrow, a slope that it is off to one side.";
  return "There is no order in which the flow takes one column after the other, so that it has no conditional "
         "distributions of single ones (or a constant column hides it); what rows come from "
         "under the flow's map, z0, z1, \u2026, is distributed as the base if the model is right, and its probability "
         "integral transform (" +
         exact + ") is uniform.";
}

std::string report::uniformitySection(const Report &report) {
  constexpr size_t most = 13;
  std::string text = paragraph(describeTransform(report));
  text +=
      paragraph("The last one, <i>log-density</i>, is the share of draws of the model" +
                std::string(report.isConditional() ? " under a row's condition" : "") +
                " that are less likely than the row: small for rows in the tails. It looks at all columns at once.");
  Table table({"", "rows", "KS distance", "p", "p, corrected"});
  for (const UniformityReport &uniform : report.uniform)
    table.add({escapeHtml(uniform.label), formatCount(uniform.rows), print("%.4f", uniform.test.statistic),
               probability(uniform.test.pValue), probability(uniform.adjusted)},
              uniform.adjusted < kRejected);
  text += table.finish();
  std::vector<const UniformityReport *> shown;
  for (const UniformityReport &uniform : report.uniform)
    shown.push_back(&uniform);
  if (shown.size() > most) {
    std::ranges::stable_sort(shown.begin(), shown.end() - 1, std::greater<>(),
                             [](const UniformityReport *uniform) { return uniform->test.statistic; });
    shown.erase(shown.begin() + most - 1, shown.end() - 1);
    text += paragraph("Pictures of the " + std::to_string(most - 1) + " that are least uniform, and of the last:");
  }
  text += note("In the band lie 99\u202f% of bars (each by itself) if all is uniform.") + "<div class=\"charts\">\n";
  for (const UniformityReport *uniform : shown)
    text += figure(drawUniformity(*uniform), "");
  return text + "</div>\n";
}

std::string report::coverageSection(const Report &report) {
  constexpr size_t mostPictured = 14;
  std::string text = "Central intervals of " +
                     std::string(report.isRosenblatt      ? "each column's conditional distribution"
                                 : report.isConditional() ? "each column's distribution under the row's condition"
                                                          : "each column's distribution");
  text += report.coverageDraws > 0 && !report.isRosenblatt
              ? ", from " + std::to_string(report.coverageDraws) + " draws for each of " +
                    counted(report.coverageRows, "row")
              : "";
  text += ", and for all columns together regions of the highest density" +
          std::string(report.coverageDraws > 0 && report.isRosenblatt
                          ? " (from " + std::to_string(report.coverageDraws) + " draws for each of " +
                                counted(report.coverageRows, "row") + ")"
                          : "") +
          ": how many rows do they hold? If the model is right, an interval for 90\u202f% holds 90\u202f% of the rows. "
          "The \u00b1 is one standard error of that (binomial); more than three off are marked. Of many rows small "
          "differences are found, too: what counts is their size.";
  text = paragraph(text);
  std::vector<std::string> heads = {""};
  for (double level : kCoverageLevels)
    heads.push_back(print("%g\u202f%%", 100 * level));
  Table table(heads);
  for (const CoverageReport &coverage : report.coverage) {
    std::vector<std::string> cells = {escapeHtml(coverage.label)};
    for (const Coverage &level : coverage.levels) {
      bool off = std::abs(level.share() - level.level) > 3 * level.error();
      std::string cell = percent(level.share()) + " \u00b1 " + print("%.1f", 100 * level.error());
      cells.push_back(off ? "<b>" + cell + "</b>" : cell);
    }
    table.add(cells);
  }
  if (report.coverage.size() <= mostPictured)
    text += figure(drawCoverage(report.coverage),
                   "Share of rows in the interval less its nominal share, with two standard errors: <span class=\"key "
                   "data\"></span>columns in the order of the table <span class=\"key model\"></span>all together.",
                   "wide");
  return text + table.finish();
}

//===----------------------------------------------------------------------===//
// Conditions and rows
//===----------------------------------------------------------------------===//

std::string report::bandsSection(const Report &report) {
  if (report.bands.empty())
    return "";
  std::string text = paragraph(
      "Each column against each condition. <span class=\"key model\"></span>The band goes from the 10\u202f% to the "
      "90\u202f% quantile of draws of the model under the conditions of the rows, the line is their median; <span "
      "class=\"key data\"></span>bars and dots are the same quantiles of the rows, in bins of about equal numbers of "
      "rows; the small dots are some rows. Other conditions vary along with the one that is shown, in both alike.");
  if (report.bands.size() < report.columns.size() * report.conditions.size())
    text += paragraph("Of " + counted(std::ssize(report.columns), "column") + " and " +
                      counted(std::ssize(report.conditions), "condition") + " the first that vary.");
  text += "<div class=\"charts\">\n";
  for (const BandReport &band : report.bands)
    text += figure(drawBand(band, report.columns[band.column].name, report.conditions[band.condition].name), "");
  return text + "</div>\n";
}

/// Columns in which a row lies far from where the others would have it.
static std::string responsible(const Report &report, const SurprisingRow &row) {
  constexpr size_t most = 3;
  constexpr double small = 1;
  std::vector<size_t> order(row.residuals.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(-std::abs(row.residuals[i]), i); });
  std::string text;
  for (size_t place = 0; place < std::min(most, order.size()); ++place) {
    double residual = row.residuals[order[place]];
    if (place > 0 && !(std::abs(residual) > small))
      break;
    text += (place > 0 ? ", " : "") + escapeHtml(report.columns[order[place]].name) + " " + (residual > 0 ? "+" : "") +
            within(residual, 100);
  }
  return text;
}

static std::string rowsTable(const Report &report, const std::vector<SurprisingRow> &rows) {
  constexpr size_t most = 12;
  std::vector<std::string> heads = {"row", "log-density", "tail probability", "columns, in deviations"};
  size_t columns = std::min(most, report.columns.size()), conditions = std::min(most, report.conditions.size());
  for (size_t i = 0; i < columns; ++i)
    heads.push_back(escapeHtml(report.columns[i].name));
  for (size_t i = 0; i < conditions; ++i)
    heads.push_back("given " + escapeHtml(report.conditions[i].name));
  Table table(heads);
  for (const SurprisingRow &row : rows) {
    std::vector<std::string> cells = {formatCount(row.number), number(row.logProb), print("%.2g", row.tail),
                                      responsible(report, row)};
    for (size_t i = 0; i < columns; ++i)
      cells.push_back(within(row.values[i], report.columns[i].deviation));
    for (size_t i = 0; i < conditions; ++i)
      cells.push_back(within(row.conditions[i], report.conditions[i].deviation));
    table.add(cells);
  }
  return table.finish();
}

std::string report::surprisingSection(const Report &report) {
  std::string text = paragraph(
      "The tail probability is how often the model" +
      std::string(report.isConditional() ? ", under the row's condition," : "") +
      " draws something no more likely than the row, by " + counted(report.scoreDraws, "draw") +
      "; the least that can be found is 1 / " + formatCount(report.scoreDraws + 1) + ". Of " +
      counted(report.rows, "row") +
      " some are expected to be as rare as one in as many. Columns are those that "
      "lie farthest from where all the others would have them, in standard deviations. Rows are numbered from 1, "
      "without the header.");
  text += "<h3>Least likely of all rows</h3>\n" + rowsTable(report, report.leastLikely);
  if (report.mostSurprising.empty()) {
    text += note("Without conditions the least likely rows are those of the smallest tail probabilities, too: the most "
                 "surprising ones.");
    return text;
  }
  return text + "<h3>Most surprising under their conditions</h3>\n" +
         paragraph("Of " + counted(report.coverageRows, "row") + " and those above, the smallest tail probabilities.") +
         rowsTable(report, report.mostSurprising);
}
