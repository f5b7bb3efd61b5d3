//===- Settings.h - Parts of a training, by name and settings ---*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Optimisers and schedules are rows of tables. A row has a name, a formula and
// settings with their defaults; a `Choice` picks a row and changes some of them.
// Parsers, checks, help texts and documentation are made from the rows.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_SETTINGS_H
#define FLOWC_TRAINING_SETTINGS_H

#include "flowc/Support/Expected.h"

#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace flowc {

/// A number that an optimiser or a schedule can be given.
struct Setting {
  const char *name;
  double value;       ///< Unless something else is asked for.
  double least, most; ///< Both are allowed.
  const char *help;
};

/// The largest number below 1: a bound of decay rates.
inline constexpr double kBelowOne = 1 - std::numeric_limits<double>::epsilon() / 2;
inline constexpr double kLargest = std::numeric_limits<double>::max();

/// An optimiser or a schedule: its name, and the settings that are not those by
/// default.
struct Choice {
  std::string name;
  std::map<std::string, double> settings;

  Choice(const char *name) : name(name) {}
  Choice(std::string name, std::map<std::string, double> settings = {})
      : name(std::move(name)), settings(std::move(settings)) {}

  /// Reads `NAME` or `NAME:SETTING=VALUE,SETTING=VALUE...`; whether there is such
  /// a thing is asked later.
  static Expected<Choice> parse(std::string_view text);
  /// What `parse` reads; numbers have the digits that give them back.
  std::string text() const;
};

/// The values of `settings`, in their order, for a choice of `kind` (a word of
/// messages, e.g. "optimiser"). Errors: a setting that there is not, a number that
/// is out of bounds.
Expected<std::vector<double>> resolveSettings(std::string_view kind, const Choice &choice,
                                              std::span<const Setting> settings);

/// The error of a name that no row of a table has; suggests the nearest one.
Error unknownName(std::string_view kind, std::string_view name, std::span<const std::string> names);

/// The row of this name of a table of rows, or of pointers to them; an unknown name is an
/// error that suggests the nearest. `kind`: what a row is, in messages.
template <typename Row, typename Table>
Expected<const Row *> findRow(std::string_view kind, std::string_view name, const Table &table) {
  std::vector<std::string> names;
  for (const auto &entry : table) {
    const Row *row;
    if constexpr (std::is_convertible_v<decltype(entry), const Row *>)
      row = entry;
    else
      row = &entry;
    if (name == row->name)
      return row;
    names.emplace_back(row->name);
  }
  return unknownName(kind, name, names);
}

} // namespace flowc

#endif // FLOWC_TRAINING_SETTINGS_H
