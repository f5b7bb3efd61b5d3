//===- ScoredElement.h - Elements with the slope of their density -*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_DIALECT_FLOW_IR_SCOREDELEMENT_H
#define FLOWC_LIB_DIALECT_FLOW_IR_SCOREDELEMENT_H

#include "flowc/Dialect/Flow/IR/FlowInterfaces.h"

namespace flowc::flow {

/// Derivatives in an element and in its raw parameters; null for zero.
struct ElementSlopes {
  mlir::Value inEvent, inRaw;
};

/// y = s(x; p), or s^-1(x; p), of one element x with raw parameters p.
struct ScoredElement {
  bool isInverse;
  mlir::Value event, logDet;
  /// Those of y.
  ElementSlopes slopes;
  /// Those of s and of log|ds/dv| at v, which is x, or y if s is inverted.
  ElementSlopes forward, logDerivative;
  /// 1 / (ds/dv), if there is one.
  mlir::Value reciprocal;
};

/// 1 / slope; 0 where rounding has made a map that rises flat (at the ends of a spline's
/// interval): nothing is known there.
mlir::Value buildReciprocal(mlir::ImplicitLocOpBuilder &builder, mlir::Value slope);

/// Emits s(v; raw), or its inverse.
using ElementFn = llvm::function_ref<mlir::FailureOr<Transformed>(mlir::ImplicitLocOpBuilder &, mlir::Value v,
                                                                  mlir::Value raw, bool inverse)>;

/// Emits an element in the body of a map or of a sweep. All of its derivatives are those of
/// s, whichever way is taken: an inverse has them by the theorem on implicit functions, and
/// what it was found by (searches, roots) is not differentiated.
mlir::FailureOr<ScoredElement> buildScoredElement(mlir::ImplicitLocOpBuilder &builder, ElementFn emit, mlir::Value x,
                                                  mlir::Value raw, bool inverse);

/// The cotangents of y and p on the way back, if those of x and of the log-determinant of the
/// way back are `g` and 1.
ElementSlopes buildElementScore(mlir::ImplicitLocOpBuilder &builder, const ScoredElement &element, mlir::Value g);

} // namespace flowc::flow

#endif // FLOWC_LIB_DIALECT_FLOW_IR_SCOREDELEMENT_H
