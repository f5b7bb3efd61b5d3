//===- Baselines.h - Closed forms to compare with ---------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FIT_BASELINES_H
#define FLOWC_LIB_FIT_BASELINES_H

#include "Folds.h"

namespace flowc {

/// A distribution that is fitted without training: what it came to, and, if it can be
/// the model that is chosen, the text of a flow `NAME` of whitened events that is it.
struct Baseline {
  Contestant contestant;
  std::function<std::string(const std::string &name)> flowText = {};
};

/// Independent columns (each a mixture of normal distributions), one normal distribution,
/// and a mixture of them with full covariances, whose number of components is chosen. Of a
/// conditional table they describe the conditional distribution that follows from such a
/// distribution of event and condition, and cannot be chosen.
Expected<std::vector<Baseline>> fitBaselines(const Folds &folds, const FitTableOptions &options);

} // namespace flowc

#endif // FLOWC_LIB_FIT_BASELINES_H
