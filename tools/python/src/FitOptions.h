//===- FitOptions.h - What fits of tables share -----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_TOOLS_PYTHON_FITOPTIONS_H
#define FLOWC_TOOLS_PYTHON_FITOPTIONS_H

#include "Loop.h"

#include <functional>
#include <string>
#include <tuple>
#include <vector>

namespace flowc::python {

/// Seconds, or steps if they are not 0, and the seed.
using FitBudget = std::tuple<double, int64_t, uint64_t>;

/// Texts as C has them; null for none.
const char *const *pointersTo(const std::vector<std::string> &texts, std::vector<const char *> &pointers);

/// Calls `fit`, one of the C interface, without the GIL, and gives the model and how the
/// training went. `dtype`: a flowc_dtype, or -1.
nb::tuple runFit(const FitBudget &budget, int32_t dtype, int threads, nb::handle onProgress,
                 const std::function<flowc_error *(flowc_fit_table_options *, flowc_model **, flowc_training **)> &fit);

} // namespace flowc::python

#endif // FLOWC_TOOLS_PYTHON_FITOPTIONS_H
