//===- Report.cpp - Evaluations as text and as JSON -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Evaluation.h"
#include "flowc/Support/Format.h"
#include "flowc/Support/Print.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cinttypes>
#include <cmath>

using namespace flowc;
using nlohmann::ordered_json;

/// JSON has no infinities and no NaN.
static ordered_json number(double value) { return std::isfinite(value) ? ordered_json(value) : ordered_json(); }

static std::string write(const ordered_json &json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

//===----------------------------------------------------------------------===//
// Against a target
//===----------------------------------------------------------------------===//

std::string TargetEvaluation::toJson() const {
  return write({{"draws", draws},
                {"seed", seed},
                {"outside", outside},
                {"elbo", number(elbo)},
                {"elbo_error", number(elboError)},
                {"log_evidence", number(logEvidence)},
                {"log_evidence_error", number(logEvidenceError)},
                {"divergence", number(divergence())},
                {"effective_sample_size", number(effectiveSampleSize)},
                {"effective_share", number(effectiveSampleSize / static_cast<double>(draws))},
                {"pareto_k", number(paretoK)},
                {"pareto_k_threshold", number(paretoKThreshold(draws))},
                {"verdict", describeParetoK(paretoK, draws)}});
}

std::string TargetEvaluation::toText() const {
  std::string text = print("  draws:                 %" PRId64 " of seed %" PRIu64 "\n", draws, seed);
  if (outside > 0)
    text += print("  outside of the target: %" PRId64 " draws, where its density is 0\n", outside);
  text += "  ELBO:                  " + formatWithError(elbo, elboError) + "\n";
  text += "  log-evidence:          " + formatWithError(logEvidence, logEvidenceError) + "\n";
  if (std::isfinite(divergence()))
    text += print("  KL(flow, target):      %.3g\n", divergence());
  text += print("  effective sample size: %.0f (%.1f %% of the draws)\n", effectiveSampleSize,
                100 * effectiveSampleSize / static_cast<double>(draws));
  text += print("  Pareto k:              %.2f (limit: %.2f)\n  verdict:               ", paretoK,
                paretoKThreshold(draws)) +
          describeParetoK(paretoK, draws) + "\n";
  return text;
}

//===----------------------------------------------------------------------===//
// Against data
//===----------------------------------------------------------------------===//

static ordered_json toJson(const std::vector<UniformityTest> &tests, const std::vector<std::string> &names) {
  ordered_json json = ordered_json::array();
  for (size_t i = 0; i < tests.size(); ++i)
    json.push_back({{"name", names[i]}, {"ks", number(tests[i].statistic)}, {"p_value", number(tests[i].pValue)}});
  return json;
}

/// z0, z1, ...
static std::vector<std::string> baseNames(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i)
    names.push_back("z" + std::to_string(i));
  return names;
}

std::string DataEvaluation::toJson(const std::vector<std::string> &names) const {
  ordered_json json = {{"rows", rows},
                       {"outside", outside},
                       {"undefined", undefined},
                       {"mean_log_prob", number(meanLogProb)},
                       {"mean_log_prob_error", number(logProbError)},
                       {"tested_rows", testedRows},
                       {"marginal", ::toJson(marginal, names)},
                       {"base", ::toJson(base, baseNames(base.size()))},
                       {"base_test", exactBase ? "normal" : "samples"}};
  ordered_json conditionals = ordered_json::array(), order = ordered_json::array();
  for (int64_t coordinate : rosenblatt)
    conditionals.push_back(names[static_cast<size_t>(coordinate)]);
  for (int64_t coordinate : rosenblattOrder)
    order.push_back(names[static_cast<size_t>(coordinate)]);
  json["rosenblatt"] = rosenblattOrder.empty() ? ordered_json() : conditionals;
  json["rosenblatt_order"] = rosenblattOrder.empty() ? ordered_json() : order;
  return write(json);
}

/// One line for each test; those that are below `level` are marked.
static std::string listTests(const std::vector<UniformityTest> &tests, const std::vector<std::string> &names,
                             double level) {
  size_t width = 0;
  for (const std::string &name : names)
    width = std::max(width, name.size());
  std::string text;
  for (size_t i = 0; i < tests.size(); ++i)
    text += "    " + names[i] + std::string(width + 2 - names[i].size(), ' ') +
            print("KS %.4f  p %.3g%s\n", tests[i].statistic, tests[i].pValue, tests[i].pValue < level ? " *" : "");
  return text;
}

std::string DataEvaluation::toText(const std::vector<std::string> &names) const {
  std::string text = print("  rows:                %" PRId64 "\n", rows);
  if (undefined > 0)
    text += print("  rows with a NaN:     %" PRId64 ", left out\n", undefined);
  if (outside > 0)
    text += print("  outside the support: %" PRId64 ", where the flow's density is 0; left out\n", outside);
  text += "  mean log-likelihood: " + formatWithError(meanLogProb, logProbError) + "\n";
  if (marginal.empty())
    return text;
  // Of all tests of a good flow together, one in a hundred times one is marked.
  auto tests = static_cast<double>(marginal.size() + base.size());
  double level = 0.01 / tests;
  auto isBad = [&](const UniformityTest &test) { return test.pValue < level; };
  text += print("  marginals, %" PRId64 " rows against as many samples of the flow:\n", testedRows);
  text += listTests(marginal, names, level);
  if (rosenblattOrder.empty()) {
    text += std::string("  coordinates of the base, ") +
            (exactBase ? "exact PIT by the normal distribution" : "against draws of the base") +
            " (the map is not triangular: no conditionals):\n";
    text += listTests(base, baseNames(base.size()), level);
  } else {
    text += std::string("  conditionals (Rosenblatt), ") +
            (exactBase ? "exact PIT by the normal distribution" : "against draws of the base") + ":\n";
    std::vector<std::string> labels;
    std::vector<UniformityTest> ordered;
    for (int64_t coordinate : rosenblattOrder) {
      auto at = std::find(rosenblatt.begin(), rosenblatt.end(), coordinate) - rosenblatt.begin();
      labels.push_back(names[static_cast<size_t>(coordinate)] + (labels.empty() ? "" : " given those above"));
      ordered.push_back(base[static_cast<size_t>(at)]);
    }
    text += listTests(ordered, labels, level);
  }
  auto bad = std::count_if(marginal.begin(), marginal.end(), isBad) + std::count_if(base.begin(), base.end(), isBad);
  text += bad == 0
              ? print("  verdict:             no test tells the rows from the flow (p >= %.2g each)\n", level)
              : print("  verdict:             %" PRId64 " of %.0f tests (*) tell the rows from the flow (p < %.2g)\n",
                      static_cast<int64_t>(bad), tests, level);
  return text;
}

//===----------------------------------------------------------------------===//
// Beside another flow
//===----------------------------------------------------------------------===//

std::string ModelComparison::toJson() const {
  return write({{"rows", rows},
                {"undefined", undefined},
                {"outside", {firstOutside, secondOutside}},
                {"mean_log_prob", {number(first), number(second)}},
                {"mean_log_prob_error", {number(firstError), number(secondError)}},
                {"difference", number(difference)},
                {"difference_error", number(differenceError)},
                {"better_share", number(better)}});
}

/// What a difference and its error say.
static std::string describeDifference(const ModelComparison &result, const std::string &first,
                                      const std::string &second) {
  if (result.firstOutside > 0 || result.secondOutside > 0)
    return "of the rows where both have a density";
  double errors = std::abs(result.difference) / result.differenceError;
  if (!(errors > 2)) // NaN: a single row, or equal flows.
    return "within two standard errors: the rows do not tell which one is better";
  return (result.difference > 0 ? first : second) + print(" is better, by %.1f standard errors", errors);
}

std::string ModelComparison::toText(const std::string &firstName, const std::string &secondName) const {
  std::string text = print("  rows:                %" PRId64 "\n", rows);
  if (undefined > 0)
    text += print("  rows with a NaN:     %" PRId64 ", left out\n", undefined);
  auto line = [](double mean, double error, int64_t outside, const std::string &name) {
    std::string zeros = outside > 0 ? print(", with density 0 at %" PRId64 " rows", outside) : "";
    return "  mean log-likelihood: " + formatWithError(mean, error) + "  " + name + zeros + "\n";
  };
  text += line(first, firstError, firstOutside, firstName) + line(second, secondError, secondOutside, secondName);
  text += "  difference:          " + formatWithError(difference, differenceError) + "\n";
  text += print("  more likely rows:    %.1f %% are so for ", 100 * better) + firstName + "\n";
  return text + "  verdict:             " + describeDifference(*this, firstName, secondName) + "\n";
}
