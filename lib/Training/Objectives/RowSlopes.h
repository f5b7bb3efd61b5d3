//===- RowSlopes.h - Numbers of rows along a direction ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_OBJECTIVES_ROWSLOPES_H
#define FLOWC_LIB_TRAINING_OBJECTIVES_ROWSLOPES_H

#include "Table.h"

namespace flowc {

/// A number for each row, and its derivative along a direction in the parameters.
struct RowSlopes {
  std::vector<double> values, slopes;

  /// The means of both. Rows whose value is not finite have no slope, as in the kernels
  /// that sum gradients.
  LossSlope mean() const;
  /// Takes out the rows whose value is not finite, if these are rare (`countRareFailures`).
  void leaveOutRareFailures();
};

/// Runs a kernel that gives one number for each row and its tangent; `call` has its
/// name, inputs and rows.
Expected<RowSlopes> runRowSlopes(Kernels &kernels, const Model &model, Kernels::Call call,
                                 std::span<const double> direction);

/// The same of a program of the draws of a batch, given or not (`Program::Elbo`, `Stl`).
Expected<RowSlopes> runDrawSlopes(Kernels &kernels, Program program, const Model &model, const Batch &batch,
                                  std::span<const double> direction);

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_OBJECTIVES_ROWSLOPES_H
