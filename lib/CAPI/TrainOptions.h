//===- TrainOptions.h - Options of the three loops for C --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CAPI_TRAINOPTIONS_H
#define FLOWC_LIB_CAPI_TRAINOPTIONS_H

#include "Options.h"

namespace flowc::capi {

/// What the caller gives, over the defaults of each loop.
Made<FitOptions> readFitOptions(const flowc_train_options *given);
Made<TargetOptions> readTargetOptions(const flowc_train_options *given);
Made<OptimizeOptions> readOptimizeOptions(const flowc_train_options *given);

} // namespace flowc::capi

#endif // FLOWC_LIB_CAPI_TRAINOPTIONS_H
