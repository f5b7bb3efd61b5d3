//===- Passes.h - Passes on the flow dialect --------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_TRANSFORMS_PASSES_H
#define FLOWC_DIALECT_FLOW_TRANSFORMS_PASSES_H

#include "flowc/Dialect/Flow/IR/FlowDialect.h"

#include "mlir/Pass/Pass.h"

namespace flowc::flow {

#define GEN_PASS_DECL
#include "flowc/Dialect/Flow/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "flowc/Dialect/Flow/Transforms/Passes.h.inc"

} // namespace flowc::flow

#endif // FLOWC_DIALECT_FLOW_TRANSFORMS_PASSES_H
