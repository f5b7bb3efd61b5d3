//===- LogDensities.h - Log-densities as functions --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_DIALECT_FLOW_IR_LOGDENSITIES_H
#define FLOWC_DIALECT_FLOW_IR_LOGDENSITIES_H

#include "flowc/Symbolic/Functions.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace flowc::flow {

/// Emits the log-density of a distribution, constants included, for floats: the
/// arguments are those that the function's row names, none left out. -inf outside of
/// the support, NaN for parameters that are none. Null if `function` is no log-density.
mlir::Value buildLogDensity(mlir::ImplicitLocOpBuilder &builder, symbolic::Function function,
                            mlir::ValueRange arguments);

} // namespace flowc::flow

#endif // FLOWC_DIALECT_FLOW_IR_LOGDENSITIES_H
