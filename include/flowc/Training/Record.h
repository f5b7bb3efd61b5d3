//===- Record.h - How a model was trained -----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_RECORD_H
#define FLOWC_TRAINING_RECORD_H

#include "flowc/Table/TableSchema.h"
#include "flowc/flowc.h"

namespace flowc {

/// What took part in a search for a model, and what it came to: the mean log-likelihood of
/// rows that it was not trained on, in nats and in the units of the data.
struct Contestant {
  std::string name;
  bool isBaseline = false;             ///< A closed form, to compare with.
  double logLikelihood = 0, error = 0; ///< The error is one standard error.
  int64_t steps = 0;                   ///< Of its last training.
  double seconds = 0;                  ///< All its trainings took.
  std::string problem = {};            ///< Why it left the search, if something went wrong.
};

/// What a model file remembers of its training: enough to plot the losses and to
/// find the right columns in a data file.
struct TrainingRecord {
  std::vector<std::string> columns, conditionColumns;
  std::vector<double> trainLosses, valLosses;
  int64_t bestEpoch = 0;
  int64_t rows = 0;
  bool standardized = false;
  bool interrupted = false;
  double seconds = 0;
  /// Mean over held-out rows, if there were some.
  std::optional<double> testLogProb;
  int64_t testRows = 0;
  /// The options of the training, by the names of the tool's flags.
  std::map<std::string, double> options;
  /// Those that are words: objective, optimizer, schedule, target.
  std::map<std::string, std::string> choices;
  /// Steps on draws, if it was trained to approximate a target.
  int64_t steps = 0;
  /// How good it was found to be, by the name of the quantity.
  std::map<std::string, double> evaluation;
  /// What events and conditions are in a table, if their numbers are not those of its columns
  /// of the names above.
  std::optional<TableSchema> table, conditionTable;
  /// The search that chose the model (flowc/Fit.h), the best first.
  std::vector<Contestant> search;

  std::string toJson() const;
  /// An empty text is an empty record.
  static Expected<TrainingRecord> fromJson(const std::string &text);
};

} // namespace flowc

#endif // FLOWC_TRAINING_RECORD_H
