//===- Recipe.h - Settings that do well on tables ---------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FitOptions has FlowJAX's defaults, made for a library that takes a minute for a fit.
// These were chosen by measurement, for one that takes seconds (docs/Training.md).
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TRAINING_RECIPE_H
#define FLOWC_TRAINING_RECIPE_H

#include "flowc/flowc.h"

namespace flowc {

/// Rows of a step: about a sixtieth of `rows`, 32 to 512.
int64_t recommendedBatchSize(int64_t rows);

/// Settings for a training on `rows` rows: a large learning rate that rises at first and
/// falls to zero along a cosine, and some hundred epochs or, of many rows, some ten
/// thousand steps.
FitOptions recommendedFit(int64_t rows);

} // namespace flowc

#endif // FLOWC_TRAINING_RECIPE_H
