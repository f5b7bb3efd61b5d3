//===- Journal.h - Trainings of a search that is over -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FIT_JOURNAL_H
#define FLOWC_LIB_FIT_JOURNAL_H

#include "Race.h"

#include "flowc/Training/Archive.h"

#include <mutex>

namespace flowc {

/// The trainings of a search by name, kept in a file: a search that was ended takes from there
/// what it would train again. Every decision follows from them, so that it goes on as it
/// would have. Safe to use from several threads.
class Journal {
public:
  /// Reads the file that `options` resume from, if any. Errors: no checkpoint of a search of
  /// this table with this seed and type.
  static Expected<std::unique_ptr<Journal>> open(const FitTable &table, const FitTableOptions &options);

  /// What the training `name` came to, with parameters in a model like `model`; nothing if it
  /// is not known.
  Expected<std::optional<TrainingOutcome>> find(const std::string &name, const Model &model);
  /// Remembers a training, in the file if there is one.
  void add(const std::string &name, TrainingOutcome &outcome, double elapsedSeconds);
  /// The first error in writing, if there was one.
  Expected<void> status();
  /// That the search took before it was resumed.
  double secondsBefore() const { return earlier; }

private:
  Journal(std::string path, SavedState state) : path(std::move(path)), state(std::move(state)) {}

  std::string path; ///< Empty: nothing is written.
  std::mutex mutex;
  SavedState state;
  double earlier = 0;
  std::optional<Error> problem;
};

} // namespace flowc

#endif // FLOWC_LIB_FIT_JOURNAL_H
