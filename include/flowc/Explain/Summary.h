//===- Summary.h - What a flow consists of and costs ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_EXPLAIN_SUMMARY_H
#define FLOWC_EXPLAIN_SUMMARY_H

#include "flowc/Frontend/Node.h"
#include "flowc/flowc.h"

#include <string>
#include <vector>

namespace flowc {

/// How a direction is computed; of several ways, the hardest counts.
enum class Effort { Analytic, Sweep, Root };

/// One bijection of a flow, inside of `depth` others.
struct BijectionSummary {
  std::string name;
  SourceLocation location;
  unsigned depth = 0;
  /// Layers of a scan, else 0.
  int64_t layers = 0;
  /// What it takes in the flow's two directions: an inverted bijection runs its
  /// inverse in `transform`.
  Effort transform = Effort::Analytic, inverse = Effort::Analytic;
};

/// What a flow consists of and costs.
struct FlowSummary {
  /// In the order of the transform, each before those inside of it.
  std::vector<BijectionSummary> bijections;
  /// The greatest effort in each direction.
  Effort transform = Effort::Analytic, inverse = Effort::Analytic;
  /// Multiply-adds of one row in `log_prob` (of a bijection: in `transform`).
  int64_t macsPerRow = 0;
  /// Whether anything depends on the condition, if there is one.
  bool usesCondition = true;
};

/// "sweep (one network pass, coordinate by coordinate)".
const char *describe(Effort effort);

/// How many numbers of which kinds a model has: "98 trainable, 4 frozen".
std::string describeParameters(const Flow &flow);

/// Summarises a flow or a bijection. An error is one of the compiler: whatever has
/// been parsed has a summary.
Expected<FlowSummary> summarize(const Flow &flow);

} // namespace flowc

#endif // FLOWC_EXPLAIN_SUMMARY_H
