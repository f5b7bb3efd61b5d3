//===- Restrictions.h - What is known of draws ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_RESTRICTIONS_H
#define FLOWC_TOOLS_FLOWC_RESTRICTIONS_H

#include "Common.h"

#include "flowc/RestrictedDraws.h"

namespace flowc::tool {

/// `--given` and `--within`.
struct RestrictionOptions {
  std::vector<std::string> given, within; ///< COLUMN=VALUE, COLUMN=LOW..HIGH

  void add(CLI::App &command);
  bool isGiven() const { return !given.empty() || !within.empty(); }
};

/// Calls `consume` with `count` draws under a restriction, some at a time, behind a progress bar;
/// says on standard error how likely events within the bounds are.
Expected<void> drawRestricted(const Loaded &loaded, const RestrictionOptions &restriction,
                              RestrictedDrawsOptions options, int64_t count,
                              const std::function<Expected<void>(const Rows<double> &)> &consume);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_RESTRICTIONS_H
