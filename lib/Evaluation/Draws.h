//===- Draws.h - Kernels of either element type, in doubles -----*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_EVALUATION_DRAWS_H
#define FLOWC_LIB_EVALUATION_DRAWS_H

#include "flowc/Evaluation.h"

namespace flowc {

/// Row-major numbers of the kernels' element type as doubles.
std::vector<double> toDoubles(DType dtype, const void *values, int64_t count);

/// Runs a kernel on rows of doubles, which it gets in its own element type;
/// `outputs` are the numbers of each output in a row.
Expected<std::vector<std::vector<double>>> runOnDoubles(Kernels &kernels, const Model &model, Kernels::Call call,
                                                        const std::vector<const std::vector<double> *> &inputs,
                                                        const std::vector<int64_t> &outputs);

/// `condition`, `rows` times.
std::vector<double> repeatRow(const std::vector<double> &condition, int64_t rows);

/// Fails unless `condition` has as many numbers as the flow's, none for a flow
/// without.
Expected<void> checkCondition(const Flow &flow, const std::vector<double> &condition);

/// Rows of a chunk of draws of `flow`.
int64_t drawsOfChunk(const Flow &flow);

/// Log-ratios target(x) - log q(x) of draws `first` ... of the flow.
class RatioSource {
public:
  RatioSource(Kernels &kernels, const Model &model, const LogDensity &target, uint64_t seed,
              const std::vector<double> &condition)
      : kernels(kernels), model(model), target(target), seed(seed), condition(condition) {}

  /// Those of `rows` draws. Errors: a draw whose ratio is NaN or infinite.
  Expected<std::vector<double>> ratios(uint64_t first, int64_t rows);

private:
  Kernels &kernels;
  const Model &model;
  const LogDensity &target;
  uint64_t seed;
  const std::vector<double> &condition;
};

} // namespace flowc

#endif // FLOWC_LIB_EVALUATION_DRAWS_H
