//===- Verification.h - Whether a flow keeps its promises -------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The map of a flow has an inverse, its log-determinant is that of its Jacobian, its
// density integrates to one, its sampler draws from its density, float32 loses no
// more than float32 must: `verify` measures all of that on the compiled kernels of a
// model, and says in words what it found.
//
//   auto report = flowc::verify(*model);
//   if (report && !report->passed()) std::printf("%s", report->toText().c_str());
//
// Each check compares two ways to one number that have as little in common as
// possible. The result is a function of the model and the options alone.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_VERIFICATION_H
#define FLOWC_VERIFICATION_H

#include "flowc/flowc.h"

#include <functional>
#include <limits>

namespace flowc {

/// What a check says.
enum class Verdict {
  Pass,
  Fail,
  Undecided,     ///< Rounding, or a density that is too hard to integrate, hides the answer.
  NotApplicable, ///< There is nothing to check, e.g. no density.
};

/// One check and what it found.
struct VerificationCheck {
  std::string name = {};  ///< For programs, e.g. `round_trip_base`.
  std::string claim = {}; ///< What should be so, e.g. `inverse(transform(z)) = z`.
  Verdict verdict = Verdict::Pass;
  std::string words = {}; ///< What was found, or why nothing was.
  /// The number that decided and the limit it was held against; NaN if there is none.
  double found = std::numeric_limits<double>::quiet_NaN();
  double allowed = std::numeric_limits<double>::quiet_NaN();
  /// The row (from 1) where it was found; 0 if it belongs to none.
  int64_t row = 0;
};

/// What a flow is checked with.
struct VerifyOptions {
  /// Rows that maps and log-densities are checked at; those of `x` if there are some.
  int64_t rows = 1000;
  /// Draws that the sampler is judged by.
  int64_t draws = 20000;
  uint64_t seed = 0;
  /// Events (inputs, of a bijection) to check at, in place of draws of the model.
  Rows<double> x = {};
  /// Of a conditional flow: row i has the condition `i % condition.rows()`. The density is
  /// integrated under the first one.
  Rows<double> condition = {};
  int threads = 0; ///< 0: all processors.
  bool useCache = true;
  /// Called before each group of checks: how many groups are done, of how many.
  std::function<void(int64_t done, int64_t all)> progress = {};
};

/// What the checks found.
struct Verification {
  std::string name = {}; ///< Of the flow.
  std::string kind = {}; ///< flow, bijection or density.
  int64_t dim = 0;
  /// Rows that it was checked at, what each is (draw, input, row), and how many others were
  /// left out because they are outside of the domain.
  int64_t rows = 0, leftOut = 0;
  std::string rowNoun = {};
  uint64_t seed = 0;
  std::vector<VerificationCheck> checks = {};

  int64_t count(Verdict verdict) const;
  /// Whether no check failed.
  bool passed() const { return count(Verdict::Fail) == 0; }
  /// One JSON object; what is not finite is null.
  std::string toJson() const;
  /// A line for each check, and the verdict.
  std::string toText() const;
};

/// Checks a model in both element types. Limits are such that fewer than one in 10,000 sound
/// models fail by chance. Errors: rows or conditions that do not fit the flow; a flow that
/// cannot be compiled.
Expected<Verification> verify(const Model &model, const VerifyOptions &options = {});

} // namespace flowc

#endif // FLOWC_VERIFICATION_H
