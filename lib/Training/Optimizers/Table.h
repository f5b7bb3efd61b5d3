//===- Table.h - The rows of the table of optimisers ------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_OPTIMIZERS_TABLE_H
#define FLOWC_LIB_TRAINING_OPTIMIZERS_TABLE_H

#include "flowc/Training/Optimizer.h"

namespace flowc {

extern const OptimizerInfo adamInfo, adamWInfo, sgdInfo, rmsPropInfo, adaGradInfo, lionInfo, lbfgsInfo;

/// In the order of help and documentation.
inline constexpr const OptimizerInfo *kOptimizers[] = {&adamInfo,    &adamWInfo, &sgdInfo,  &rmsPropInfo,
                                                       &adaGradInfo, &lionInfo,  &lbfgsInfo};

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_OPTIMIZERS_TABLE_H
