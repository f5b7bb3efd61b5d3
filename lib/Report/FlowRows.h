//===- FlowRows.h - A flow on rows of doubles -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_REPORT_FLOWROWS_H
#define FLOWC_LIB_REPORT_FLOWROWS_H

#include "flowc/flowc.h"

namespace flowc::report {

/// Draws with their log-densities.
struct DrawnRows {
  Rows<double> x;
  Eigen::VectorXd logProb;
};

/// Kernels of either element type, on rows of doubles. Conditions have no columns for an
/// unconditional flow.
class FlowRows {
public:
  FlowRows(Kernels &kernels, const Model &model, uint64_t seed) : kernels(kernels), model(model), seed(seed) {}

  Expected<Eigen::VectorXd> logProb(const Rows<double> &x, const Rows<double> &condition) const;
  /// `count` draws, from `first` on of those that flows are judged by, under as many conditions.
  Expected<DrawnRows> draw(int64_t count, const Rows<double> &condition, int64_t first = 0) const;
  /// The draws of the base distribution that rows come from.
  Expected<Rows<double>> toBase(const Rows<double> &x, const Rows<double> &condition) const;

  const Flow &flow() const { return kernels.flow(); }
  Kernels &getKernels() const { return kernels; }
  const Model &getModel() const { return model; }

private:
  Kernels &kernels;
  const Model &model;
  uint64_t seed;
};

/// Row-major numbers of `dtype` as doubles.
Rows<double> toDoubles(DType dtype, const void *values, int64_t rows, int64_t columns);
/// `rows`, each `times` times in a row.
Rows<double> repeatEach(const Rows<double> &rows, int64_t times);

} // namespace flowc::report

#endif // FLOWC_LIB_REPORT_FLOWROWS_H
