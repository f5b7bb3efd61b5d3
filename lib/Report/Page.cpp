//===- Page.cpp - A report as a page: what it comes to --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Html.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace flowc;
using namespace flowc::report;

/// Its likelihood is that of the model which was chosen.
static const Contestant *findChosen(const TrainingRecord &record) {
  auto name = record.choices.find("flow");
  if (name == record.choices.end())
    return nullptr;
  auto found = std::ranges::find(record.search, name->second, &Contestant::name);
  return found == record.search.end() ? nullptr : &*found;
}

BesideBaseline report::besideBaseline(const Report &report) {
  const std::vector<Contestant> &forms = report.record.search.empty() ? report.baselines.forms : report.record.search;
  const Contestant *chosen = findChosen(report.record);
  BesideBaseline result;
  for (const Contestant &form : forms)
    if (&form != chosen && form.isBaseline && form.problem.empty() &&
        (!result.best || form.logLikelihood > result.best->logLikelihood))
      result.best = &form;
  if (!result.best)
    return result;
  result.isHeldOut = chosen != nullptr;
  result.gain = (chosen ? chosen->logLikelihood : report.meanLogProb) - result.best->logLikelihood;
  result.gainError = std::hypot(chosen ? chosen->error : report.logProbError, result.best->error);
  return result;
}

//===----------------------------------------------------------------------===//
// In short
//===----------------------------------------------------------------------===//

static std::string tile(const std::string &value, const std::string &text) {
  return "<div class=\"tile\"><b>" + value + "</b><span>" + text + "</span></div>\n";
}

/// What the tests come to, in words.
static std::string describeTests(const Report &report) {
  auto worst = std::ranges::max_element(report.marginals, {},
                                        [](const MarginalReport &marginal) { return marginal.test.statistic; });
  std::string size = "The largest difference of a single column is " + percent(worst->test.statistic) + " (" +
                     escapeHtml(report.columns[worst->column].name) + "): at no value do the shares of rows and of " +
                     "draws below it differ by more.";
  std::string count = std::to_string(report.numRejected()) + " of " + counted(report.numTests(), "test");
  if (report.numRejected() == 0)
    return "None of " + counted(report.numTests(), "test") + " tells the rows from draws of the model (p &ge; 0.01, " +
           "corrected for their number). " + size;
  return count + (report.numRejected() == 1 ? " tells" : " tell") +
         " the rows from draws of the model (p &lt; 0.01, corrected for their number). With " +
         counted(report.comparedRows, "row") + " small differences are found, too. " + size;
}

static std::string describeCoverage(const Report &report) {
  constexpr size_t at95 = 3;
  const Coverage &all = report.coverage.back().levels[at95];
  constexpr double small = 0.02;
  double difference = all.share() - all.level;
  std::string verdict = "as it should be";
  if (std::abs(difference) > 3 * all.error()) {
    verdict = difference < 0 ? "the model is too sure of itself" : "the model is too wide";
    if (std::abs(difference) < small)
      verdict = "a small difference, though more than chance: " + verdict;
  }
  return "The smallest regions that should hold 95\u202f% of the rows hold " + percent(all.share()) + " \u00b1 " +
         percent(all.error()) + ": " + verdict + ".";
}

static std::string describeGain(const Report &report) {
  BesideBaseline beside = besideBaseline(report);
  if (!beside.best)
    return "There is no closed form to compare with: " + escapeHtml(report.baselines.problem) + ".";
  constexpr double readable = 7; // e^7 is about 1,100.
  std::string best = "the best closed form, " + escapeHtml(beside.best->name);
  std::string text = "Rows are more likely than under " + best + ", by " + withError(beside.gain, beside.gainError) +
                     " nats on average";
  if (beside.gain < 0)
    text = "Rows are less likely than under " + best + ", by " + withError(-beside.gain, beside.gainError) +
           " nats on average";
  if (std::abs(beside.gain) < readable)
    text += print(": a factor of %.3g", std::exp(std::abs(beside.gain)));
  text += ".";
  if (beside.gain < 2 * beside.gainError)
    text += " That is no clear gain: the closed form may do.";
  return text;
}

/// Which rows these are, as far as is known.
static std::string describeTraining(const Report &report) {
  const TrainingRecord &record = report.record;
  if (record.rows <= 0)
    return "The model file does not say what the model was trained on.";
  std::string text = "The model learned from " + counted(record.rows, "row") +
                     ". If these are among them, likelihood and tests here are a little too kind";
  if (const Contestant *chosen = findChosen(record))
    return text + "; of rows that were held out, flows of its kind had " +
           withError(chosen->logLikelihood, chosen->error) + " nats per row.";
  if (record.testLogProb)
    return text + "; " + counted(record.testRows, "row") + " that were held out had " + number(*record.testLogProb) +
           " nats per row.";
  return text + ": a report on rows that were kept from training is the honest one.";
}

std::string report::shortSection(const Report &report) {
  constexpr size_t at95 = 3;
  const Coverage &all = report.coverage.back().levels[at95];
  BesideBaseline beside = besideBaseline(report);
  std::string text = "<div class=\"tiles\">\n";
  text +=
      tile(withError(report.meanLogProb, report.logProbError),
           "mean log-likelihood, nats per row, of " + counted(report.rows - report.outside - report.undefined, "row"));
  if (beside.best)
    text += tile((beside.gain >= 0 ? "+" : "") + withError(beside.gain, beside.gainError),
                 "nats per row beside the best closed form, " + escapeHtml(beside.best->name) +
                     (beside.isHeldOut ? ", on held-out rows" : ""));
  text += tile(std::to_string(report.numRejected()) + " of " + std::to_string(report.numTests()),
               "tests tell rows from draws of the model");
  text += tile(percent(all.share()) + " \u00b1 " + percent(all.error()), "of the rows in regions for 95\u202f%");
  text += "</div>\n<ul>\n";
  for (const std::string &item :
       {describeGain(report), describeTests(report), describeCoverage(report), describeTraining(report)})
    text += "<li>" + item + "</li>\n";
  if (report.undefined > 0)
    text += "<li>" + counted(report.undefined, "row") + " with a missing number (NaN) " +
            (report.undefined == 1 ? "is" : "are") + " left out.</li>\n";
  if (report.outside > 0) {
    text += "<li>" + counted(report.outside, "row") + (report.outside == 1 ? " lies" : " lie") +
            " outside of the model's support, where its density is 0, and " + (report.outside == 1 ? "is" : "are") +
            " left out: ";
    for (size_t i = 0; i < report.outsideNumbers.size(); ++i)
      text += (i == 0 ? "row " : ", ") + formatCount(report.outsideNumbers[i]);
    text += report.outside > std::ssize(report.outsideNumbers) ? " and others.</li>\n" : ".</li>\n";
  }
  return text + "</ul>\n";
}

//===----------------------------------------------------------------------===//
// Likelihood and losses
//===----------------------------------------------------------------------===//

/// The search that made the model.
static std::string searchTable(const Report &report) {
  const Contestant *chosen = findChosen(report.record);
  Table table({"", "log-likelihood", "steps"});
  std::vector<Estimate> estimates;
  for (const Contestant &entry : report.record.search) {
    bool isChosen = &entry == chosen;
    std::string name = escapeHtml(entry.name) + (isChosen ? " <strong>(chosen)</strong>" : "");
    if (!entry.problem.empty()) {
      table.add({name, escapeHtml(entry.problem), ""});
      continue;
    }
    estimates.push_back({entry.name, entry.logLikelihood, entry.error, isChosen});
    table.add(
        {name, withError(entry.logLikelihood, entry.error), entry.isBaseline ? "\u2013" : formatCount(entry.steps)});
  }
  double heldOut =
      report.record.evaluation.contains("validation_rows") ? report.record.evaluation.at("validation_rows") : 0;
  std::string text = "<h3>The search that chose the model</h3>\n" +
                     paragraph("Mean log-likelihoods of " + counted(std::lround(heldOut), "row") +
                               " that were held out of the table which the model was made from, with one standard "
                               "error; lines in the picture are of two.");
  return text + "<div class=\"beside\">" +
         figure(drawEstimates(estimates, "log-likelihood of held-out rows, nats per row"), "", "compact") +
         table.finish() + "</div>\n";
}

static std::string baselinesTable(const Report &report) {
  const BaselinesReport &baselines = report.baselines;
  if (!baselines.problem.empty())
    return paragraph("No closed form could be fitted to these rows to compare with: " + escapeHtml(baselines.problem) +
                     ".");
  std::vector<Estimate> estimates = {{"the model", report.meanLogProb, report.logProbError, true}};
  Table table({"", "log-likelihood", "the model less that"});
  table.add({"<strong>the model</strong>", withError(report.meanLogProb, report.logProbError), ""});
  for (const Contestant &form : baselines.forms) {
    estimates.push_back({form.name, form.logLikelihood, form.error});
    table.add({escapeHtml(form.name), withError(form.logLikelihood, form.error),
               withError(report.meanLogProb - form.logLikelihood, std::hypot(report.logProbError, form.error))});
  }
  std::string how = "Closed forms were fitted to " + counted(baselines.rows, "row") + " of these and judged by " +
                    (baselines.parts > 1 ? "each of " + std::to_string(baselines.parts) + " parts in turn, "
                                         : counted(baselines.heldOutRows, "row") + " of them ") +
                    "held out of the fit. Errors of differences are those of independent likelihoods: on the "
                    "cautious side.";
  return "<div class=\"beside\">" +
         figure(drawEstimates(estimates, "log-likelihood, nats per row"),
                "Mean log-likelihoods with two standard errors.", "compact") +
         table.finish() + "</div>\n" + note(how);
}

std::string report::likelihoodSection(const Report &report) {
  int64_t inside = report.rows - report.outside - report.undefined;
  std::string text =
      paragraph("The mean log-likelihood of " + counted(inside, "row") + " is <b>" +
                withError(report.meanLogProb, report.logProbError) +
                "</b> nats per row (one standard error), in the units of the data: higher is better, and a difference "
                "of 1 means that rows are e times as likely on average.");
  const auto &table = report.record.table;
  if (double step = table ? table->logStep() : 0; step != 0)
    text += paragraph("That is a density of values which are spread over the cells of their grids; the mean "
                      "log-probability of the values themselves is " +
                      number(report.meanLogProb + step) + ".");
  text += report.record.search.empty() ? baselinesTable(report) : searchTable(report);
  return text;
}

std::string report::lossSection(const Report &report) {
  const TrainingRecord &record = report.record;
  if (std::max(record.trainLosses.size(), record.valLosses.size()) < 2)
    return "";
  std::string caption = "<span class=\"key data\"></span>training";
  if (!record.valLosses.empty())
    caption += " <span class=\"key model\"></span>validation";
  if (record.bestEpoch > 0)
    caption += "; the dashed line is at epoch " + formatCount(record.bestEpoch) + ", whose parameters were kept";
  caption += ". The first points may be far off: the scale is that of the later ones.";
  return figure(drawLosses(record), caption, "wide") +
         (record.interrupted ? note("The training was interrupted.") : "");
}

//===----------------------------------------------------------------------===//
// The page
//===----------------------------------------------------------------------===//

namespace {

/// A part of the page and what writes it.
struct Part {
  const char *id, *title;
  std::string (*write)(const Report &);
};
constexpr Part kParts[] = {{"likelihood", "Likelihood", likelihoodSection},
                           {"losses", "Losses", lossSection},
                           {"columns", "Column by column", marginalsSection},
                           {"pairs", "Pairs of columns", pairsSection},
                           {"uniform", "What should be uniform", uniformitySection},
                           {"coverage", "Calibration of intervals", coverageSection},
                           {"bands", "Against the conditions", bandsSection},
                           {"rows", "Rows that surprise the model", surprisingSection},
                           {"data", "The data", dataSection},
                           {"flow", "The flow", flowSection},
                           {"reproduce", "How to reproduce this page", reproduceSection}};

} // namespace

std::string Report::toHtml() const {
  std::string body, links;
  for (const Part &part : kParts) {
    std::string content = part.write(*this);
    if (content.empty())
      continue;
    body += section(part.id, part.title, content);
    links += "<a href=\"#" + std::string(part.id) + "\">" + part.title + "</a>\n";
  }
  std::string file = source.data.name == "-" ? "standard input" : source.data.name;
  file = file.substr(file.rfind('/') + 1);
  std::string heading = escapeHtml("A model of " + (file.empty() ? "data" : file));
  std::string lead = "How well the flow <code>" + escapeHtml(flowName) + "</code> describes " + counted(rows, "row") +
                     " of " + counted(std::ssize(columns), "column");
  if (isConditional())
    lead += " under " + counted(std::ssize(conditions), "condition");
  lead += ".";
  // The page asks for nothing: no script, no font, no picture from elsewhere.
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
         "<title>" +
         heading + "</title>\n<style>" + kStyleSheet + "</style>\n</head>\n<body>\n<header>\n<h1>" + heading +
         "</h1>\n<p class=\"note\">" + lead + "</p>\n<nav>\n" + links + "</nav>\n</header>\n<main>\n" +
         shortSection(*this) + body + "</main>\n</body>\n</html>\n";
}
