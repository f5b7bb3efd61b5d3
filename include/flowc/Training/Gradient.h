//===- Gradient.h - Gradients of any objective, three ways ------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What NormalizingFlows.jl calls the AD back end: by which of three ways a gradient is
// computed. They agree but for rounding and, of differences, truncation; training
// always takes the first. docs/Derivatives.md has the mathematics.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_GRADIENT_H
#define FLOWC_TRAINING_GRADIENT_H

#ifndef FLOWC_FLOWC_H
#error "include flowc/flowc.h instead"
#endif

#include "flowc/Training/Objective.h"

namespace flowc {

enum class GradientMode {
  Reverse,     ///< `Objective::lossAndGradient`: one pass, whatever the number of parameters.
  Forward,     ///< `Objective::lossAndSlope`: one pass for each parameter.
  Differences, ///< Central differences of `Objective::surrogate`: two for each parameter.
};

/// A way and its name.
struct GradientModeInfo {
  GradientMode mode;
  const char *name, *help;
};

inline constexpr GradientModeInfo kGradientModes[] = {
    {GradientMode::Reverse, "reverse", "one pass back"},
    {GradientMode::Forward, "forward", "one pass for each parameter"},
    {GradientMode::Differences, "differences", "central differences, in float64"},
};

struct GradientOptions {
  GradientMode mode = GradientMode::Reverse;
  /// Of differences: half the distance of the two points, for a parameter p times
  /// max(1, |p|). The default, the cube root of the machine precision, balances their
  /// truncation (of order step^2) and rounding (epsilon / step).
  double step = 6.0554544523933429e-6;
};

struct ValueAndGradient {
  double value = 0;
  std::vector<double> gradient; ///< In the trainable parameters, flat in leaf order.
};

/// The loss of a batch and its gradient. An objective whose gradient is, by design, not
/// the derivative of its loss (`stl`, `iwae`, `detach` in a formula) has the same one in
/// all modes: that of its surrogate. Errors: those of the objective; a function from C++
/// has no forward mode; differences are of float64 models, and of finite losses.
Expected<ValueAndGradient> valueAndGradient(Objective &objective, const Model &model, const Batch &batch,
                                            const GradientOptions &options = {});
/// The gradient alone.
Expected<std::vector<double>> gradient(Objective &objective, const Model &model, const Batch &batch,
                                       const GradientOptions &options = {});

} // namespace flowc

#endif // FLOWC_TRAINING_GRADIENT_H
