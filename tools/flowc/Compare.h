//===- Compare.h - Two models on the same rows ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_FLOWC_COMPARE_H
#define FLOWC_TOOLS_FLOWC_COMPARE_H

#include "Common.h"

#include "flowc/Evaluation.h"

namespace flowc::tool {

/// Log-densities of the rows of `data` under both models, compared. Errors: models of
/// different columns.
Expected<ModelComparison> compareModels(const Loaded &first, const Loaded &second, const DataOptions &data);

} // namespace flowc::tool

#endif // FLOWC_TOOLS_FLOWC_COMPARE_H
