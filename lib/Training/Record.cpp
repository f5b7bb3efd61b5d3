//===- Record.cpp - How a model was trained -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/Record.h"

#include "flowc/Support/Format.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace flowc;
using nlohmann::json;
using nlohmann::ordered_json;

/// JSON has no NaN: null stands for it.
static double numberOrNaN(const json &value) { return value.is_number() ? value.get<double>() : std::nan(""); }

/// 0 if there is none. A number with a fraction or an exponent is no integer: converting a large
/// one is undefined.
static int64_t readInteger(const json &given, const char *name) {
  return given.contains(name) ? given[name].get_ref<const json::number_integer_t &>() : 0;
}

/// null stands for what is not finite.
static ordered_json toJson(const Contestant &contestant) {
  ordered_json entry = {
      {"name", contestant.name},   {"baseline", contestant.isBaseline}, {"log_likelihood", contestant.logLikelihood},
      {"error", contestant.error}, {"steps", contestant.steps},         {"seconds", contestant.seconds}};
  if (!contestant.problem.empty())
    entry["problem"] = contestant.problem;
  return entry;
}

static Contestant readContestant(const json &given) {
  Contestant contestant;
  contestant.name = given.value("name", "");
  contestant.isBaseline = given.value("baseline", false);
  contestant.logLikelihood = numberOrNaN(given.at("log_likelihood"));
  contestant.error = numberOrNaN(given.at("error"));
  contestant.steps = readInteger(given, "steps");
  contestant.seconds = given.value("seconds", 0.0);
  contestant.problem = given.value("problem", "");
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
  if (table)
    json["table"] = ordered_json::parse(table->toJson());
  if (conditionTable)
    json["condition_table"] = ordered_json::parse(conditionTable->toJson());
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Expected<TrainingRecord> TrainingRecord::fromJson(const std::string &text) {
  TrainingRecord record;
  if (text.empty())
    return record;
  try {
    // (An `ordered_json` looks for a name among all others.)
    const json given = json::parse(text);
    record.columns = given.value("columns", record.columns);
    record.conditionColumns = given.value("condition_columns", record.conditionColumns);
    record.rows = readInteger(given, "rows");
    record.standardized = given.value("standardized", false);
    record.interrupted = given.value("interrupted", false);
    record.bestEpoch = readInteger(given, "best_epoch");
    record.seconds = given.value("seconds", 0.0);
    record.options = given.value("options", record.options);
    record.choices = given.value("choices", record.choices);
    record.steps = readInteger(given, "steps");
    const json evaluation = given.value("evaluation", json::object());
    for (const auto &[name, value] : evaluation.items())
      record.evaluation[name] = numberOrNaN(value);
    for (const json &contestant : given.value("search", json::array()))
      record.search.push_back(readContestant(contestant));
    for (const json &loss : given.value("train_losses", json::array()))
      record.trainLosses.push_back(numberOrNaN(loss));
    for (const json &loss : given.value("val_losses", json::array()))
      record.valLosses.push_back(numberOrNaN(loss));
    if (given.contains("test_log_prob")) {
      record.testLogProb = numberOrNaN(given["test_log_prob"]);
      record.testRows = readInteger(given, "test_rows");
    }
    for (auto [name, schema] : {std::pair{"table", &record.table}, {"condition_table", &record.conditionTable}}) {
      auto found = given.contains(name) ? TableSchema::fromJson(given[name].dump()) : Expected<TableSchema>(Error{});
      if (!found && given.contains(name))
        return found.takeError();
      if (found)
        *schema = std::move(*found);
    }
  } catch (const json::exception &error) {
    return Error{"the training record is malformed (" + abbreviate(error.what(), 400) + ")"};
  }
  return record;
}
