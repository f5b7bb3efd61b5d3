//===- Candidates.h - Flows that are tried ----------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FIT_CANDIDATES_H
#define FLOWC_LIB_FIT_CANDIDATES_H

#include <cstdint>
#include <limits>
#include <span>
#include <string>

namespace flowc {

/// A kind of flow, and how it is trained.
struct Candidate {
  const char *name;
  /// Its expression in the language; what stands in braces is filled in by `flowText`.
  const char *text;
  /// Whether correlations are divided out before (flowc/Training/Whitening.h).
  bool isWhitened = false;
  double learningRate = 1e-2;
  double weightDecay = 0; ///< Of adamw.
  /// Its steps for each of the others: more of one that learns slowly in cheap steps.
  int64_t pace = 1;
  int64_t leastDim = 1;
  /// Tables of more or fewer rows have no use for it.
  int64_t leastRows = 0, mostRows = std::numeric_limits<int64_t>::max();
};

std::span<const Candidate> candidateTable();

/// Whether it can be trained on such rows.
bool takesPart(const Candidate &candidate, int64_t dim, int64_t condDim, int64_t rows);

/// The text of a `flow` item of this name.
std::string flowText(const Candidate &candidate, const std::string &name, int64_t dim, int64_t condDim);

} // namespace flowc

#endif // FLOWC_LIB_FIT_CANDIDATES_H
