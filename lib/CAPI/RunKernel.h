//===- RunKernel.h - One way to run every kernel ----------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CAPI_RUNKERNEL_H
#define FLOWC_LIB_CAPI_RUNKERNEL_H

#include "Arrays.h"

namespace flowc::capi {

/// A call of a kernel, in arrays of C.
struct KernelCall {
  const KernelSpec &spec;
  /// In the order of `inputsOf` and `outputsOf`.
  std::vector<flowc_input> inputs = {};
  std::vector<flowc_output> outputs = {};
  uint64_t seed = 0, first = 0;
  int64_t rows = 0; ///< If no array says how many.
  bool mean = true;
  double *loss = nullptr;
  flowc_output gradient = flowc_no_output();
  flowc_input tangent = flowc_no_input();
};

/// Checks the arrays against the row of the kernel in the table, and runs it.
Outcome runKernel(Kernels &kernels, const Model &model, const KernelCall &call);

/// Elements per row of an array of a kernel.
int64_t widthOf(const Flow &flow, const RowArray &array);

/// A call of a kernel of rows `x` (none, if they are drawn) under `condition`, and what else
/// it takes.
Made<KernelCall> arrange(const Flow &flow, const KernelSpec &spec, const flowc_input &x, const flowc_input &condition,
                         std::vector<flowc_input> others = {});

} // namespace flowc::capi

#endif // FLOWC_LIB_CAPI_RUNKERNEL_H
