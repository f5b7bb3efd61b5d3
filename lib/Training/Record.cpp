//===- Record.cpp - How a model was trained -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Record.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace flowc;
using nlohmann::ordered_json;

/// JSON has no NaN: null stands for it.
static double numberOrNaN(const ordered_json &value) { return value.is_number() ? value.get<double>() : std::nan(""); }

/// null stands for what is not finite.
static ordered_json toJson(const Contestant &contestant) {
  ordered_json json = {{"name", contestant.name},
                       {"baseline", contestant.isBaseline},
                       {"log_likelihood", contestant.logLikelihood},
                       {"error", contestant.error},
                       {"steps", contestant.steps},
                       {"seconds", contestant.seconds}};
  if (!contestant.problem.empty())
    json["problem"] = contestant.problem;
  return json;
}

static Contestant readContestant(const ordered_json &json) {
  Contestant contestant;
  contestant.name = json.value("name", "");
  contestant.isBaseline = json.value("baseline", false);
  contestant.logLikelihood = numberOrNaN(json.at("log_likelihood"));
  contestant.error = numberOrNaN(json.at("error"));
  contestant.steps = json.value("steps", int64_t(0));
  contestant.seconds = json.value("seconds", 0.0);
  contestant.problem = json.value("problem", "");
  return contestant;
}

std::string TrainingRecord::toJson() const {
  ordered_json json = {{"columns", columns},
                       {"condition_columns", conditionColumns},
                       {"rows", rows},
                       {"standardized", standardized},
                       {"interrupted", interrupted},
                       {"best_epoch", bestEpoch},
                       {"seconds", seconds},
                       {"options", options},
                       {"choices", choices},
                       {"train_losses", trainLosses},
                       {"val_losses", valLosses}};
  if (testLogProb) {
    json["test_log_prob"] = *testLogProb;
    json["test_rows"] = testRows;
  }
  if (steps > 0)
    json["steps"] = steps;
  if (!evaluation.empty())
    json["evaluation"] = evaluation;
  for (const Contestant &contestant : search)
    json["search"].push_back(::toJson(contestant));
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Expected<TrainingRecord> TrainingRecord::fromJson(const std::string &text) {
  TrainingRecord record;
  if (text.empty())
    return record;
  try {
    ordered_json json = ordered_json::parse(text);
    record.columns = json.value("columns", record.columns);
    record.conditionColumns = json.value("condition_columns", record.conditionColumns);
    record.rows = json.value("rows", record.rows);
    record.standardized = json.value("standardized", false);
    record.interrupted = json.value("interrupted", false);
    record.bestEpoch = json.value("best_epoch", record.bestEpoch);
    record.seconds = json.value("seconds", 0.0);
    record.options = json.value("options", record.options);
    record.choices = json.value("choices", record.choices);
    record.steps = json.value("steps", int64_t(0));
    ordered_json evaluation = json.value("evaluation", ordered_json::object());
    for (const auto &[name, value] : evaluation.items())
      record.evaluation[name] = numberOrNaN(value);
    for (const ordered_json &contestant : json.value("search", ordered_json::array()))
      record.search.push_back(readContestant(contestant));
    for (const ordered_json &loss : json.value("train_losses", ordered_json::array()))
      record.trainLosses.push_back(numberOrNaN(loss));
    for (const ordered_json &loss : json.value("val_losses", ordered_json::array()))
      record.valLosses.push_back(numberOrNaN(loss));
    if (json.contains("test_log_prob")) {
      record.testLogProb = numberOrNaN(json["test_log_prob"]);
      record.testRows = json.value("test_rows", int64_t(0));
    }
  } catch (const ordered_json::exception &error) {
    return Error{"the training record is malformed (" + std::string(error.what()) + ")"};
  }
  return record;
}
