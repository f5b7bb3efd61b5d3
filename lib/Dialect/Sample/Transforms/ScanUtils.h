//===- ScanUtils.h - Changing the operands and results of scans -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_SAMPLE_TRANSFORMS_SCANUTILS_H
#define FLOWC_LIB_DIALECT_SAMPLE_TRANSFORMS_SCANUTILS_H

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

namespace flowc::sample {

/// Appends `stack` to the `over` operands of `scan` and returns the argument of
/// the body that is its slice.
mlir::BlockArgument appendOver(ScanOp scan, mlir::Value stack);

/// Appends `value` to the `shared` operands of `scan`; returns the body's argument.
mlir::BlockArgument appendShared(ScanOp scan, mlir::Value value);

/// Drops `over` and `shared` operands that the body does not use.
void dropUnusedOperands(ScanOp scan);

} // namespace flowc::sample

#endif // FLOWC_LIB_DIALECT_SAMPLE_TRANSFORMS_SCANUTILS_H
