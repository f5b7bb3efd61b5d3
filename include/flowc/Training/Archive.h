//===- Archive.h - The state of training, by name ---------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whatever has a state (an optimiser, a schedule, a loop) names its parts once,
// in `describe(Archive &)`; the same function saves and restores them. A state
// read from a file is checked in full before a single number of it is used.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_ARCHIVE_H
#define FLOWC_TRAINING_ARCHIVE_H

#include "flowc/Support/Expected.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace flowc {

/// Numbers of one type, as bytes.
struct SavedArray {
  bool isDouble = true; ///< Else float.
  std::vector<char> bytes;

  int64_t size() const { return static_cast<int64_t>(bytes.size() / (isDouble ? sizeof(double) : sizeof(float))); }
  double at(int64_t index) const;
};

/// A state of training: what it is a state of, whole numbers and arrays.
struct SavedState {
  std::map<std::string, std::string> identity;
  std::map<std::string, int64_t> counts;
  std::map<std::string, SavedArray> arrays;

  /// Writes a `.safetensors` file, atomically.
  Expected<void> write(const std::string &path) const;
  static Expected<SavedState> read(const std::string &path);
};

/// Says in what the identities of two states differ; empty if they are the same.
std::string findDifference(const std::map<std::string, std::string> &saved,
                           const std::map<std::string, std::string> &now);

/// Passes over the parts of a state, to save or to restore them.
class Archive {
public:
  /// Saves into `state`; memory that it has is used again.
  static Archive saving(SavedState &state) { return {state, false}; }
  /// Restores from `state`: nothing is changed before `commit`.
  static Archive restoring(SavedState &state) { return {state, true}; }

  /// A whole number from 0 to `most`.
  void count(const std::string &name, int64_t &value, int64_t most = int64_t(1) << 53);
  /// A whole number from 0 to the count of the name `mostName`.
  void count(const std::string &name, int64_t &value, const std::string &mostName);
  void flag(const std::string &name, bool &value);
  /// A number; unless `mayBeInfinite` (losses may be, or NaN) a finite one.
  void number(const std::string &name, double &value, bool mayBeInfinite = false);
  /// An array of finite numbers whose length the program knows.
  void array(const std::string &name, float *data, int64_t count);
  void array(const std::string &name, double *data, int64_t count);
  /// A list as long as the count of the name `lengthName` says.
  void list(const std::string &name, std::vector<double> &values, const std::string &lengthName,
            bool mayBeInfinite = false);

  /// When restoring: the arrays whose names begin so, without this beginning.
  std::vector<std::string> names(const std::string &beginning) const;
  bool isRestoring() const { return restores; }
  /// Another state whose parts `describe` names; theirs begin with `innerPrefix`.
  void nested(const std::string &innerPrefix, SavedState &inner, const std::function<void(Archive &)> &describe);

  /// After all parts: makes the changes, or says what is wrong with the state.
  Expected<void> commit();

private:
  Archive(SavedState &state, bool restores) : state(&state), restores(restores) {}
  template <typename T>
  void values(const std::string &name, T *data, int64_t count, bool mayBeInfinite);
  void fail(std::string message);
  const SavedArray *find(const std::string &name, int64_t count, bool isDouble, bool mayBeInfinite);

  SavedState *state;
  bool restores;
  std::string problem;
  std::vector<std::function<void()>> changes;
};

} // namespace flowc

#endif // FLOWC_TRAINING_ARCHIVE_H
