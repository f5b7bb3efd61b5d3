//===- CheckModel.h - Are these parameters possible? ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_API_CHECKMODEL_H
#define FLOWC_API_CHECKMODEL_H

#include "flowc/flowc.h"

namespace flowc {

/// Checks that the permutations of a model are permutations and that stored
/// inverses are their inverses: kernels index memory with them.
Expected<void> checkPermutations(const Model &model);

/// What `load` checks of the parameters, of any model: finite numbers, and permutations.
Expected<void> checkParameters(const Model &model);

} // namespace flowc

#endif // FLOWC_API_CHECKMODEL_H
