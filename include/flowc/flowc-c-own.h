//===- flowc-c-own.h - Handles of the C interface in C++ --------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For programs in C++ that use the shared library: handles that free themselves.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_FLOWC_C_OWN_H
#define FLOWC_FLOWC_C_OWN_H

#include "flowc/flowc-c.h"

#include <memory>

namespace flowc::c {

/// Frees handles; null, too.
struct Free {
  void operator()(flowc_error *object) const { flowc_error_free(object); }
  void operator()(flowc_flow *object) const { flowc_flow_free(object); }
  void operator()(flowc_model *object) const { flowc_model_free(object); }
  void operator()(flowc_kernels *object) const { flowc_kernels_free(object); }
  void operator()(flowc_target *object) const { flowc_target_free(object); }
  void operator()(flowc_objective *object) const { flowc_objective_free(object); }
  void operator()(flowc_training *object) const { flowc_training_free(object); }
  void operator()(flowc_table *object) const { flowc_table_free(object); }
};

/// A handle that is freed with its owner, e.g. `Own<flowc_model>`.
template <typename Handle>
using Own = std::unique_ptr<Handle, Free>;

} // namespace flowc::c

#endif // FLOWC_FLOWC_C_OWN_H
