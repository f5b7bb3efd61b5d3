//===- Passes.h - Passes on sample programs ---------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_SAMPLE_TRANSFORMS_PASSES_H
#define FLOWC_DIALECT_SAMPLE_TRANSFORMS_PASSES_H

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

#include "mlir/Pass/Pass.h"

namespace flowc::sample {

#define GEN_PASS_DECL
#include "flowc/Dialect/Sample/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "flowc/Dialect/Sample/Transforms/Passes.h.inc"

} // namespace flowc::sample

#endif // FLOWC_DIALECT_SAMPLE_TRANSFORMS_PASSES_H
