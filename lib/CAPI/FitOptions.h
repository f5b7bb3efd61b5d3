//===- FitOptions.h - Options of fits of tables -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CAPI_FITOPTIONS_H
#define FLOWC_LIB_CAPI_FITOPTIONS_H

#include "Support.h"

#include "flowc/Fit.h"

namespace flowc::capi {

flowc_fit_table_options fitTableDefaults();
Made<FitTableOptions> readFitTableOptions(const flowc_fit_table_options &given);
/// The names of `count` columns; none for null.
Made<std::vector<std::string>> namesOf(const char *option, const char *const *names, int64_t count);
/// How a fit went, for C.
Training trainingOf(const FitTableResult &result);

} // namespace flowc::capi

#endif // FLOWC_LIB_CAPI_FITOPTIONS_H
