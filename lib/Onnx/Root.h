//===- Root.h - Roots of increasing functions, in ONNX ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_ONNX_ROOT_H
#define FLOWC_LIB_ONNX_ROOT_H

#include "Number.h"

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>

namespace flowc::onnx {

/// Where a root is looked for, as flow.root describes it. All but `like` may be missing.
struct RootSearch {
  std::optional<Number> lower, upper, start;
  double tolerance = 0;
  /// Has the axes of the root.
  Tensor like;
};

/// What the body of a root computes: f, f' and, maybe, the size of terms.
using RootFunction = llvm::function_ref<mlir::FailureOr<std::vector<Tensor>>(Number t)>;

/// The t where `function`, which increases, is zero: a loop that takes the steps of
/// flow.root for all rows at once, until none is left.
mlir::FailureOr<Number> findRoot(GraphBuilder &b, const RootSearch &search, RootFunction function);

} // namespace flowc::onnx

#endif // FLOWC_LIB_ONNX_ROOT_H
