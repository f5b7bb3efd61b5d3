//===- FlowUnderTest.h - A flow as its checks see it ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows in, rows out. The compiled model is one; tests of the checks are others, wrong
// in one way each.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_VERIFICATION_FLOWUNDERTEST_H
#define FLOWC_LIB_VERIFICATION_FLOWUNDERTEST_H

#include "flowc/Verification.h"

namespace flowc::verification {

/// The arithmetic of an evaluation.
struct Arithmetic {
  DType type = F64;
  /// Not 0: by a neighbour of the model, whose parameters have moved by at most one
  /// rounding of the type `rounding`.
  int neighbour = 0;
  DType rounding = F64;
};

/// Evaluations by which rounding is measured, from 1 on. Two of them have the same neighbour of
/// the model, and rows that have moved in opposite directions: moves of rows and parameters
/// cannot cancel in both.
constexpr int kTrials = 4;
/// The neighbour of a trial, and another one; 0, the model itself, for trial 0.
constexpr int neighbourOf(int trial) { return (trial + 1) / 2; }
constexpr int otherNeighbourOf(int trial) { return trial == 0 ? 0 : 3 - neighbourOf(trial); }

/// What a map makes of rows.
struct Mapped {
  Rows<double> event;
  Column<double> logDet;
};

/// What there is to check.
struct FlowFacts {
  std::string name, kind;
  int64_t dim = 0;
  int64_t condDim = 0;
  bool isConditional = false;
  bool hasMap = false;        ///< A flow or a bijection.
  bool hasDensity = false;    ///< A flow or a density.
  bool hasSampler = false;    ///< A flow.
  bool hasBase = false;       ///< A flow whose base distribution has a density of its own.
  bool hasNormalBase = false; ///< What `toBase` gives is standard normal.
  /// Certain ends of the support; infinite or NaN where there is none or it is not known.
  std::vector<std::pair<double, double>> ends = {};
};

/// See above. An empty `condition` belongs to a flow without; else it has a row for each.
class FlowUnderTest {
public:
  virtual ~FlowUnderTest() = default;
  virtual const FlowFacts &facts() const = 0;

  virtual Expected<Mapped> transform(const Rows<double> &z, const Rows<double> &condition, Arithmetic how) = 0;
  virtual Expected<Mapped> inverse(const Rows<double> &x, const Rows<double> &condition, Arithmetic how) = 0;
  /// The derivative of `transform` at `z` along the rows of `direction`.
  virtual Expected<Rows<double>> jvp(const Rows<double> &z, const Rows<double> &direction,
                                     const Rows<double> &condition, Arithmetic how) = 0;
  virtual Expected<Column<double>> logProb(const Rows<double> &x, const Rows<double> &condition, Arithmetic how) = 0;
  /// The log-density of the base distribution.
  virtual Expected<Column<double>> baseLogProb(const Rows<double> &z, const Rows<double> &condition,
                                               Arithmetic how) = 0;
  /// Draws of the innermost base distribution that `x` come from.
  virtual Expected<Rows<double>> toBase(const Rows<double> &x, const Rows<double> &condition) = 0;
  /// `rows` draws from number `first` on, and their log-densities (in `logDet`).
  virtual Expected<Mapped> sample(int64_t rows, uint64_t first, const Rows<double> &condition, DType type) = 0;
};

/// The compiled kernels of a model.
Expected<std::unique_ptr<FlowUnderTest>> makeFlowUnderTest(const Model &model, const VerifyOptions &options);

/// All checks of a flow.
Expected<Verification> verify(FlowUnderTest &flow, const VerifyOptions &options);

} // namespace flowc::verification

#endif // FLOWC_LIB_VERIFICATION_FLOWUNDERTEST_H
